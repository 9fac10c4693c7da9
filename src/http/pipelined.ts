import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * A caller may send requests before the answers to earlier ones have come (RFC 9112 §9.3.2). Node hands them over at once and lets their
 * answers wait for the connection; when that closes first, it tells only the answer that had it. The others would never end, and keep their
 * places among the calls under way, and streams that nobody reads, until the process ends. So they are told here.
 *
 * @returns to be called for each request as it begins; costs nothing for those that are not sent ahead
 */
export function createPipelines(): (response: ServerResponse) => void {
  const waiting = new WeakMap<Socket, Set<ServerResponse>>()
  return response => {
    if (response.socket !== null) return
    const { socket } = response.req
    let responses = waiting.get(socket)
    if (!responses) {
      const those = (responses = new Set())
      waiting.set(socket, those)
      socket.once('close', () => {
        for (const one of those) {
          // the one that has the connection is told by Node
          if (one.socket !== null) continue
          one.destroy()
          one.emit('close')
        }
      })
    }
    const those = responses.add(response)
    response.once('close', () => those.delete(response))
  }
}
