import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { forgetUnread, inTheWay } from './bodies.ts'

/** How long callers may take to say what they want (slowloris), and to read the answer; Node's own total limit would cut slow uploads that are none. */
export interface PatienceOptions {
  /** To the end of the headers. */
  readonly headersMs: number
  /** For a body, and a second more for each `bytesPerSecond` that came. Through the proxy, which passes bodies on: between two pieces. */
  readonly bodyMs: number
  readonly bytesPerSecond: number
  /** Nothing of an answer that is there is read. */
  readonly unreadMs: number
  /** For what was handed over at once, an answer of invoke or a piece of one through the proxy: `unreadMs` and a second for each of these. */
  readonly unreadBytesPerSecond: number
  /** Bytes of answers that may wait in memory for their readers. Beyond, those that wait longest are cut first, after `pressedMs`. */
  readonly unreadBytes: number
  readonly pressedMs: number
  /** How often it is looked at. */
  readonly lookMs: number
}

export const usualPatience: PatienceOptions = {
  headersMs: 10_000,
  bodyMs: 30_000,
  bytesPerSecond: 1024,
  unreadMs: 30_000,
  unreadBytesPerSecond: 16 * 1024,
  unreadBytes: 256 * 1024 * 1024,
  pressedMs: 10_000,
  lookMs: 5_000,
}

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

/**
 * Cuts whoever sends a request, or reads its answer, so slowly that the connection is all they can want: an answer that nobody reads holds
 * its memory and its place among the calls under way. Those who wait for us are not meant.
 */
export function createPatience(options: PatienceOptions): Patience {
  const { bodyMs, bytesPerSecond, unreadMs, unreadBytesPerSecond, unreadBytes, pressedMs, lookMs } = options
  /** The last answer that each open connection waits for. */
  const last = new Map<Socket, ServerResponse | null>()
  const slow = new WeakMap<ServerResponse, Slow>()
  /** Connections whose peer has to read before more can be sent, and what had been by then. */
  const unread = new Map<Socket, Slow>()

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

  /** A reset, so that the kernel does not keep the rest for somebody who reads it some day, and nobody takes a part for the whole. */
  const cut = (socket: Socket) => void socket.resetAndDestroy()

  /** What waits for the peer to read. A piece that went out in part counts whole: how much of it is left only the timeout below is told. */
  function lookAtReader(socket: Socket, now: number): number {
    const waiting = socket.destroyed ? 0 : socket.writableLength
    if (waiting === 0) {
      unread.delete(socket)
      return 0
    }
    const went = socket.bytesWritten - waiting
    const known = unread.get(socket)
    if (known?.bytes !== went) unread.set(socket, { since: now, bytes: went })
    else if (now - known.since >= unreadMs + (waiting / unreadBytesPerSecond) * 1000) {
      cut(socket)
      return 0
    }
    return waiting
  }

  /** Too much waits to be read, or others cannot go on because of it. */
  function relieve(waiting: number, now: number): void {
    const longest = [...unread].sort(([, a], [, b]) => a.since - b.since)
    for (const [socket, { since }] of longest) {
      if (now - since < pressedMs) return
      if (waiting <= unreadBytes && !inTheWay(socket)) continue
      waiting -= socket.writableLength
      cut(socket)
      forgetUnread(socket)
    }
  }

  const timer = setInterval(() => {
    const now = performance.now()
    let waiting = 0
    for (const [socket, response] of last) {
      if (response !== null) look(socket, response, now)
      waiting += lookAtReader(socket, now)
    }
    if (unread.size > 0) relieve(waiting, now)
  }, lookMs).unref()

  return {
    watch(server) {
      server.on('connection', (socket: Socket) => {
        last.set(socket, null)
        socket.once('close', () => {
          last.delete(socket)
          unread.delete(socket)
        })
      })
      // nothing has moved in either direction for so long, not even within a piece; Node counts the time between two requests elsewhere
      server.setTimeout(unreadMs, socket => {
        const response = last.get(socket)
        const waitsForUs = response && !response.writableFinished && socket.writableLength === 0
        if (waitsForUs) return
        if (socket.writableLength > 0) cut(socket)
        else socket.destroy()
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
