import { Client, type Dispatcher } from 'undici'
import { createHeldBytes, uncountedBytes, usualHeldBytes, type HeldBytes, type Hold } from '../core/held-bytes.ts'
import { keepPiece } from '../core/pieces.ts'
import { Problem } from '../core/problem.ts'
import { encodeBody, type IncomingResponse, type OutgoingRequest } from '../core/request.ts'
import type { Receiver, SendLimits, StreamLimits } from './bounds.ts'
import { createConnect, type ConnectOptions } from './connect.ts'
import { acceptedEncodings, codingOf, decode, dropEncoding, UndecodableError } from './decode.ts'
import { bodyOf, headersFor } from './framing.ts'
import { broken, noRoom, problemOf, saturated, timedOut, tooLarge } from './failures.ts'
import { assertTransport } from './policy.ts'
import { createPool, type Lane, type Waiter } from './pool.ts'

export interface EgressOptions extends ConnectOptions {
  /** Hosts, or `host:port`, that may be called over plain http. */
  readonly allowInsecureHttp: readonly string[]
  /** Connections to one origin; 64. */
  readonly perOrigin?: number
  /** Calls that wait for one of them; 128. */
  readonly queuePerOrigin?: number
  readonly maxSocketAgeMs?: number
  /** What answers that are read whole may hold together. */
  readonly answers?: HeldBytes
}

export interface Egress {
  /**
   * Makes one call and reads the answer, whatever its status; redirects are answers.
   * @throws Problem destination_not_allowed, upstream_unreachable, upstream_timeout, upstream_saturated, response_too_large, large_bodies_busy,
   *   shutting_down, header_not_allowed, validation_failed. `sent` tells whether any of the request may have reached the service.
   */
  send(request: OutgoingRequest, limits?: Partial<SendLimits>): Promise<IncomingResponse>
  /** The same without reading or decoding: bytes go to the receiver as they are. Nothing of it is called before this returns, nothing is thrown. */
  stream(request: OutgoingRequest, limits: StreamLimits, receiver: Receiver): { resume(): void; abort(): void }
  /** Ends every connection; what is under way fails with shutting_down. */
  close(): Promise<void>
}

const mebibyte = 1024 * 1024
const maxHeaderSize = 16_384

/** The events of one call, between undici and `send` or `stream`. After `cancel` there are none. */
interface Events {
  onHead(status: number, headers: readonly Buffer[]): boolean
  onData(chunk: Buffer): boolean
  onBodySent?(): void
  onEnd(): void
  onError(problem: Problem): void
}

interface Call {
  cancel(): void
  resume(): void
  /** Whether any byte of the request may have left. Not a getter: V8 makes a hidden class for each object with one, which lives until a full collection. */
  sent(): boolean
}

/** The only door to the outside. Keep-alive connections are shared by everybody who calls the same origin. */
export function createEgress(options: EgressOptions): Egress {
  const connect = createConnect(options)
  const maxSocketAgeMs = options.maxSocketAgeMs ?? 60_000
  const answers = options.answers ?? createHeldBytes(usualHeldBytes)
  let closed = false

  const pool = createPool<Client>({
    perOrigin: options.perOrigin ?? 64,
    queuePerOrigin: options.queuePerOrigin ?? 128,
    maxSocketAgeMs,
    open: (origin, socket) =>
      new Client(origin, {
        pipelining: 1,
        maxHeaderSize,
        // Our own timers count from the call; undici's would count from the socket, and not while waiting.
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveMaxTimeout: maxSocketAgeMs,
        connect: ({ hostname, port, protocol }, done) => {
          const secure = protocol === 'https:'
          connect({ hostname, port: Number(port || (secure ? 443 : 80)), secure }).then(
            open => done(null, open),
            (error: unknown) => done(error instanceof Error ? error : new Error('connect failed', { cause: error }), null),
          )
        },
      })
        .on('connect', socket.opened)
        .on('disconnect', socket.gone)
        .on('connectionError', socket.gone),
    close: client => {
      // Its socket may be gone because it was closed or destroyed already, and undici rejects a second time.
      if (!client.closed && !client.destroyed) void client.close()
    },
  })
  /** @throws Problem when the call may not or cannot be made; afterwards everything comes through `events`. */
  function start(request: OutgoingRequest, acceptEncoding: string | null, events: Events): Call {
    const { url } = request
    if (closed) throw new Problem('shutting_down')
    assertTransport(url, options.allowInsecureHttp)
    if (url.username !== '' || url.password !== '')
      throw new Problem('invalid_url', { detail: 'A URL with a user name or password in it is not called.' })
    const encoded = encodeBody(request)
    const dispatch: Dispatcher.DispatchOptions = {
      path: url.pathname + url.search,
      method: request.method,
      headers: headersFor(encoded, acceptEncoding),
      body: bodyOf(encoded),
    }

    let over = false
    let sent = false
    let lane: Lane<Client> | null = null
    let abort: ((error?: Error) => void) | null = null
    let resume: (() => void) | null = null

    // undici's older handler form: it hands over raw header buffers, where the newer one parses them into an object for each answer.
    const handler: Dispatcher.DispatchHandler = {
      onConnect(abortCall) {
        // Thrown, not aborted: nothing was written, so the connection is still good for the next call.
        if (over) throw new Error('cancelled while connecting')
        abort = abortCall
        sent = true
      },
      onHeaders(status, headers, resumeCall) {
        resume = resumeCall
        // 1xx are announcements, not answers (RFC 9110 §15.2).
        return status < 200 || over || events.onHead(status, headers ?? [])
      },
      onData: chunk => over || events.onData(chunk),
      onBodySent: () => events.onBodySent?.(),
      onComplete() {
        const live = !over
        settle()
        if (live) events.onEnd()
      },
      onError(error) {
        const live = !over
        settle()
        if (live) events.onError(closed ? new Problem('shutting_down', {}, { cause: error }) : problemOf(error, url.host, sent))
      },
    }

    const settle = () => {
      over = true
      abort = resume = null
      const used = lane
      lane = null
      if (used) pool.release(used)
    }
    const waiter: Waiter<Client> = {
      organizationId: request.organizationId ?? '',
      run(free) {
        lane = free
        free.client.dispatch(dispatch, handler)
      },
      turnAway(why) {
        over = true
        events.onError(why === 'ended' ? new Problem('shutting_down') : saturated(url.host))
      },
    }
    const { origin } = url
    if (!pool.acquire(origin, waiter)) throw saturated(url.host)
    return {
      cancel() {
        if (over) return
        over = true
        if (abort) abort(new Error('cancelled'))
        else if (!lane) pool.cancel(origin, waiter)
      },
      resume: () => resume?.(),
      sent: () => sent,
    }
  }

  function send(request: OutgoingRequest, limits: Partial<SendLimits> = {}): Promise<IncomingResponse> {
    const { deadlineMs = 40_000, maxResponseBytes = 15 * mebibyte, maxDecodedBytes = 15 * mebibyte, onStart, onHold } = limits
    const { host } = request.url
    return new Promise((resolve, reject) => {
      const headers: string[] = []
      const chunks: Buffer[] = []
      let status = 0
      let coding: ReturnType<typeof codingOf> = null
      let room: Buffer | null = null
      let wire = 0
      let announced = Infinity
      let wentOnAt = -Infinity
      let held: Hold | null = null
      let call: Call | undefined = undefined
      let over = false

      const finish = (problem: Problem | null, body?: Buffer) => {
        if (over) return
        over = true
        clearTimeout(timer)
        if (held !== null) {
          if (problem === null && body !== undefined && onHold) held.settle(body.length)
          else held.release()
        }
        if (problem === null && body !== undefined) return resolve({ status, headers, body })
        call?.cancel()
        reject(problem ?? new Problem('internal'))
      }
      const sent = () => call?.sent() ?? false
      const timer = setTimeout(() => {
        // who could only go on late had no time left for it
        const waited = held?.waits() || performance.now() - wentOnAt < deadlineMs / 2
        finish(waited ? noRoom(host) : timedOut(host, deadlineMs / 1000, sent()))
      }, deadlineMs)
      let goOn: (() => void) | null = null
      const takeHold = (): Hold => {
        const most = Math.min(announced, maxResponseBytes) + (coding === null ? 0 : maxDecodedBytes)
        held = answers.hold(request.organizationId ?? '', most, () => {
          wentOnAt = performance.now()
          if (goOn) goOn()
          else call?.resume()
        })
        onHold?.(held)
        return held
      }
      const giveUp = () => over || finish(broken(host, 'aborted', 'the call was given up.', sent()))
      const undecodable = (error: unknown) => {
        if (!(error instanceof UndecodableError)) return finish(broken(host, 'decoding', 'its answer could not be decoded.', true, error))
        finish(error.tooLarge ? tooLarge(host, maxDecodedBytes) : broken(host, 'content_encoding', error.message, true, error.cause))
      }

      const events: Events = {
        onHead(code, raw) {
          status = code
          let encoding = ''
          for (let i = 0; i < raw.length; i += 2) {
            const name = raw[i]?.toString('latin1') ?? ''
            const value = raw[i + 1]?.toString('latin1') ?? ''
            headers.push(name, value)
            if (name.length === 16 && name.toLowerCase() === 'content-encoding') encoding += `,${value}`
            else if (name.length === 14 && name.toLowerCase() === 'content-length') {
              announced = Number(value)
              if (announced > maxResponseBytes && bodyFollows()) finish(tooLarge(host, maxResponseBytes))
            }
          }
          if (encoding !== '' && bodyFollows()) {
            try {
              coding = codingOf(encoding)
            } catch (error) {
              undecodable(error)
            }
          }
          return true
        },
        onData(chunk) {
          wire += chunk.length
          if (wire > maxResponseBytes) {
            finish(tooLarge(host, maxResponseBytes))
            return true
          }
          room = keepPiece(chunks, chunk, room)
          if (wire <= uncountedBytes) return true
          const hold = held ?? takeHold()
          return wire <= hold.bytes || hold.grow(wire)
        },
        onEnd() {
          const [first] = chunks
          const bytes = chunks.length === 1 && first ? first : Buffer.concat(chunks)
          if (coding === null || bytes.length === 0)
            return bytes.length > maxDecodedBytes ? finish(tooLarge(host, maxDecodedBytes)) : finish(null, bytes)
          const roomFor = (more: number) => {
            const hold = held ?? takeHold()
            return over || hold.reach(wire + more) ? null : new Promise<void>(resolve => (goOn = resolve))
          }
          decode(coding, bytes, maxDecodedBytes, roomFor).then(body => {
            dropEncoding(headers)
            finish(null, body)
          }, undecodable)
        },
        onError: finish,
      }
      const bodyFollows = () => request.method !== 'HEAD' && status !== 204 && status !== 304

      try {
        onStart?.(giveUp)
        if (over) return
        call = start(request, acceptedEncodings, events)
        // The answer may have come to nothing inside `start` already.
        if (over) call.cancel()
      } catch (error) {
        finish(error instanceof Problem ? error : new Problem('internal', {}, { cause: error }))
      }
    })
  }

  function stream(request: OutgoingRequest, limits: StreamLimits, receiver: Receiver): { resume(): void; abort(): void } {
    const { host } = request.url
    const startedAt = performance.now()
    const endsAt = startedAt + limits.maxSeconds * 1000
    let movedAt = startedAt
    let call: Call | undefined = undefined
    let over = false
    let paused = false
    let headSeen = false
    let bytes = 0

    const stop = () => {
      if (over) return false
      over = true
      clearTimeout(timer)
      return true
    }
    const fail = (problem: Problem) => {
      if (!stop()) return
      call?.cancel()
      receiver.onError(problem)
    }
    // One timer for all three limits, which looks again when the time it was set for has moved: setting and clearing several cost 3 µs a call.
    const look = () => {
      const now = performance.now()
      if (now >= endsAt)
        return fail(timedOut(host, limits.maxSeconds, call?.sent() ?? false, `${host} was not done after ${limits.maxSeconds} seconds.`))
      if (paused) movedAt = now
      const allowed = headSeen ? limits.idleMs : limits.firstByteMs
      const left = movedAt + allowed - now
      if (left > 0) timer = setTimeout(look, Math.ceil(Math.min(left, endsAt - now)))
      else if (headSeen) fail(timedOut(host, allowed / 1000, true, `${host} sent nothing for ${allowed / 1000} seconds.`))
      else fail(timedOut(host, Math.round(now - startedAt) / 1000, call?.sent() ?? false))
    }
    let timer = setTimeout(look, Math.min(limits.firstByteMs, limits.idleMs, limits.maxSeconds * 1000))

    const events: Events = {
      onHead(status, raw) {
        headSeen = true
        movedAt = performance.now()
        const headers: string[] = new Array<string>(raw.length)
        for (let i = 0; i < raw.length; i++) headers[i] = raw[i]?.toString('latin1') ?? ''
        paused = receiver.onHead(status, headers) === false
        return !paused
      },
      onData(chunk) {
        bytes += chunk.length
        if (bytes > limits.maxBytes) {
          fail(tooLarge(host, limits.maxBytes))
          return true
        }
        movedAt = performance.now()
        paused = !receiver.onData(chunk)
        return !paused
      },
      onBodySent() {
        movedAt = performance.now()
      },
      onEnd: () => stop() && receiver.onEnd(),
      onError: fail,
    }

    // Later, so that the caller holds the handle before anything is called, a refusal as well as an answer.
    queueMicrotask(() => {
      if (over) return
      try {
        call = start(request, null, events)
        if (over) call.cancel()
      } catch (error) {
        fail(error instanceof Problem ? error : new Problem('internal', {}, { cause: error }))
      }
    })
    return {
      resume() {
        if (!paused || over) return
        paused = false
        movedAt = performance.now()
        call?.resume()
      },
      abort() {
        if (stop()) call?.cancel()
      },
    }
  }

  return {
    send,
    stream,
    async close() {
      closed = true
      const { clients, waiters } = pool.drain()
      for (const waiter of waiters) waiter.turnAway('ended')
      await Promise.all(clients.map(client => client.destroy()))
    },
  }
}
