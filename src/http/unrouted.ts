import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Seat } from '../broker/admission.ts'
import type { Broker } from '../broker/broker.ts'
import { Problem } from '../core/problem.ts'
import { asProblem, problemDocument, rateLimitOf, retryAfter } from './problems.ts'

/** A door that is answered before the router: Fastify's own request and reply cost as much as all the rest of a warm call. */
export interface UnroutedDoor {
  handle(message: IncomingMessage, response: ServerResponse): void
  /** Answers that have not begun will close their connections. */
  leave(): void
  /** Waits for the calls under way, cuts what remains after `graceMs`, and refuses what comes later. */
  close(graceMs: number): Promise<void>
}

/** To be called once it is known for whom this is. @throws Problem too_many_requests */
export type Enter = (organizationId: string) => void

/** One call under way. */
interface Place {
  readonly response: ServerResponse
  /** Of its organisation, once that is known. */
  seat: Seat | null
  /** Where it stands among those that are open; −1 once it has ended. */
  at: number
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
  broker: Pick<Broker, 'id' | 'log' | 'publicUrl' | 'admission' | 'traces'>,
  answer: (message: IncomingMessage, response: ServerResponse, enter: Enter) => Promise<void>,
): UnroutedDoor {
  const { admission } = broker
  /**
   * In no order, and no Map: V8 builds a Map that calls come into and leave anew every few of them, each of its tables leads to the next,
   * and once one has become old every later one, with all the calls that stood in it, outlives its collection: two calls in three did.
   */
  const open: Place[] = []
  let closed = false
  const leave = (place: Place) => {
    const { at, seat } = place
    if (at < 0) return
    place.at = -1
    const last = open.pop()
    if (last && last !== place) {
      open[at] = last
      last.at = at
    }
    admission.end()
    if (seat) admission.leave(seat)
  }

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
      ...rateLimitOf(problem),
      ...(problem.status === 401 && { 'www-authenticate': 'Bearer realm="patchbay"' }),
    })
    linger(message)
    response.end(JSON.stringify(problemDocument(problem, broker.publicUrl, id)))
  }

  return {
    handle(message, response) {
      try {
        if (closed) throw new Problem('shutting_down')
        admission.begin()
      } catch (error) {
        return refuse(message, response, asProblem(error))
      }
      const place: Place = { response, seat: null, at: open.length }
      open.push(place)
      response.once('close', () => leave(place))
      // who has left already has given back what it had
      const enter: Enter = organizationId => {
        if (place.at >= 0) place.seat = admission.enter(organizationId)
      }
      const begin = () => answer(message, response, enter)
      const answered = broker.traces === null ? begin() : broker.traces.continued(message.headers, begin)
      answered.catch((error: unknown) => {
        if (!response.destroyed) refuse(message, response, asProblem(error))
      })
    },
    leave() {
      for (const { response } of open) response.shouldKeepAlive = false
    },
    async close(graceMs) {
      const until = performance.now() + graceMs
      while (open.length > 0 && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 50))
      closed = true
      for (const { response } of [...open]) response.destroy()
    },
  }
}
