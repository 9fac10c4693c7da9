import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How long callers may take to say what they want (slowloris); Node's own total limit would cut slow uploads that are none. */
export interface PatienceOptions {
  /** To the end of the headers. */
  readonly headersMs: number
  /** For a body, and a second more for each `bytesPerSecond` that came. Through the proxy, which passes bodies on: between two pieces. */
  readonly bodyMs: number
  readonly bytesPerSecond: number
  /** How often it is looked at. */
  readonly lookMs: number
}

export const usualPatience: PatienceOptions = { headersMs: 10_000, bodyMs: 30_000, bytesPerSecond: 1024, lookMs: 5_000 }

export interface Patience {
  watch(server: Server): void
  /** A request has begun. No object is made for it: most have ended when it is looked at. */
  begun(response: ServerResponse): void
  /** Closes the connections over which nothing was ever sent: browsers open some in advance, and would keep a server from ending. */
  closeSilent(): void
  end(): void
}

interface Slow {
  since: number
  bytes: number
}

/** Cuts whoever sends a request so slowly that the connection is all they can want. Those who wait for us are not meant. */
export function createPatience({ bodyMs, bytesPerSecond, lookMs }: PatienceOptions): Patience {
  /** The last answer that each open connection waits for. */
  const last = new Map<Socket, ServerResponse | null>()
  const slow = new WeakMap<ServerResponse, Slow>()

  function look(socket: Socket, response: ServerResponse, now: number): void {
    const message = response.req
    if (message.complete || message.destroyed || socket.destroyed) return
    const known = slow.get(response)
    // what has come and waits for us is not the caller's fault
    if (!known || message.readableLength > 0) return void slow.set(response, { since: now, bytes: socket.bytesRead })
    const came = socket.bytesRead - known.bytes
    if (message.url?.startsWith('/proxy/')) {
      if (came > 0) return void slow.set(response, { since: now, bytes: socket.bytesRead })
      if (now - known.since < bodyMs) return
    } else if (now - known.since < bodyMs + (came / bytesPerSecond) * 1000) return
    if (!response.headersSent) socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    socket.destroySoon()
  }

  const timer = setInterval(() => {
    const now = performance.now()
    for (const [socket, response] of last) if (response !== null) look(socket, response, now)
  }, lookMs).unref()

  return {
    watch(server) {
      server.on('connection', (socket: Socket) => {
        last.set(socket, null)
        socket.once('close', () => last.delete(socket))
      })
    },
    begun(response) {
      const { socket } = response.req
      if (last.has(socket)) last.set(socket, response)
    },
    closeSilent() {
      for (const socket of last.keys()) if (socket.bytesRead === 0) socket.destroy()
    },
    end: () => clearInterval(timer),
  }
}
