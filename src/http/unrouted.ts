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
export type Enter = (response: ServerResponse, organizationId: string) => void

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
  /** Each with the seat of its organisation, once that is known. */
  const open = new Map<ServerResponse, Seat | null>()
  let closed = false
  const enter: Enter = (response, organizationId) => {
    // who has left already has given back what it had
    if (open.has(response)) open.set(response, admission.enter(organizationId))
  }
  const leave = (response: ServerResponse) => {
    const seat = open.get(response)
    if (!open.delete(response)) return
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
      open.set(response, null)
      response.once('close', () => leave(response))
      const begin = () => answer(message, response, enter)
      const answered = broker.traces === null ? begin() : broker.traces.continued(message.headers, begin)
      answered.catch((error: unknown) => {
        if (!response.destroyed) refuse(message, response, asProblem(error))
      })
    },
    leave() {
      for (const response of open.keys()) response.shouldKeepAlive = false
    },
    async close(graceMs) {
      const until = Date.now() + graceMs
      while (open.size > 0 && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 50))
      closed = true
      for (const response of open.keys()) response.destroy()
    },
  }
}
