import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Broker } from '../broker/broker.ts'
import { Problem } from '../core/problem.ts'
import { asProblem, problemDocument, retryAfter } from './problems.ts'

/** A door that is answered before the router: Fastify's own request and reply cost as much as all the rest of a warm call. */
export interface UnroutedDoor {
  handle(message: IncomingMessage, response: ServerResponse): void
  /** Refuses new calls, waits for those under way, and cuts what remains after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** How long a caller who still sends, although it has been answered, is listened to. */
const lingerMs = 1000

/** Closing on a caller who still sends would reset the connection, and with it an answer that is on its way (RFC 9112 §9.6). */
export function linger(message: IncomingMessage): void {
  if (message.complete || message.destroyed) return
  message.resume()
  const { socket } = message
  setTimeout(() => message.complete || socket.destroy(), lingerMs).unref()
}

/** @param answer writes the whole answer; what it throws becomes a problem document, or a cut when the head has gone out. */
export function createUnrouted(
  broker: Pick<Broker, 'id' | 'log' | 'publicUrl'>,
  answer: (message: IncomingMessage, response: ServerResponse) => Promise<void>,
): UnroutedDoor {
  const open = new Set<ServerResponse>()
  let closing = false

  function refuse(message: IncomingMessage, response: ServerResponse, problem: Problem): void {
    // after the head has gone out only a cut tells the caller that the answer is not whole
    if (response.headersSent) return void response.destroy()
    const id = broker.id()
    if (problem.code === 'internal') broker.log.error({ err: problem.cause, request_id: id }, 'a call failed')
    const wait = retryAfter(problem)
    response.writeHead(problem.status, {
      'content-type': 'application/problem+json',
      'patchbay-problem': problem.code,
      ...(wait !== null && { 'retry-after': wait }),
      ...(problem.status === 401 && { 'www-authenticate': 'Bearer realm="patchbay"' }),
    })
    linger(message)
    response.end(JSON.stringify(problemDocument(problem, broker.publicUrl, id)))
  }

  return {
    handle(message, response) {
      if (closing) return refuse(message, response, new Problem('shutting_down'))
      open.add(response)
      response.once('close', () => open.delete(response))
      answer(message, response).catch((error: unknown) => {
        if (!response.destroyed) refuse(message, response, asProblem(error))
      })
    },
    async close(graceMs) {
      closing = true
      const until = Date.now() + graceMs
      while (open.size > 0 && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 50))
      for (const response of open) response.destroy()
    },
  }
}
