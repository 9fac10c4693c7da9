import type { FastifyRequest } from 'fastify'
import type { From } from '../broker/arrivals.ts'
import type { Caller } from '../broker/broker.ts'
import { Problem } from '../core/problem.ts'
import type { SessionHolder } from '../people/sessions.ts'
import { callerOf } from './session.ts'

/** Where a request of somebody who is no caller comes from. */
export const fromOf = (request: FastifyRequest): From => ({
  requestId: request.id,
  ip: request.ip,
  userAgent: request.headers['user-agent'],
  cookie: request.headers.cookie,
})

/** A person in a browser: for what no API key may do. @throws Problem unauthenticated · forbidden */
export function signedInOf(request: FastifyRequest): { caller: Caller; session: SessionHolder } {
  const caller = callerOf(request)
  if (!request.session) throw new Problem('forbidden', { detail: 'An API key may not do this: sign in with a browser.' })
  return { caller, session: request.session }
}

/**
 * For routes that make a session and need none: a page of somebody else must not sign a browser in as a person of its choice.
 * Programs send no Origin, and are let through.
 * @throws Problem csrf_refused
 */
export function assertNotForeign(request: FastifyRequest, publicUrl: string): void {
  const { origin } = request.headers
  const site = request.headers['sec-fetch-site']
  if ((origin !== undefined && origin !== publicUrl) || site === 'cross-site' || site === 'same-site') throw new Problem('csrf_refused')
}
