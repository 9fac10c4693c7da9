import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Caller } from '../broker/broker.ts'
import { scopesCover } from '../core/key-scopes.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { findMember } from '../people/members.ts'
import type { KeyHolder } from '../people/key-ring.ts'
import { sessionOf, type SessionHolder } from '../people/sessions.ts'
import type { Doors } from './doors.ts'

export const subjectHeader = 'patchbay-subject'

export interface Identify {
  /**
   * The caller of an API key, at once when it is remembered. A key with scopes gets nowhere but where a door names the one it needs.
   * @throws Problem unauthenticated, insufficient_scope, act_as_not_allowed, member_not_found
   */
  byKey(authorization: string, subject: string | readonly string[] | undefined, needed?: string): Principal | Promise<Principal>
}

/** A key without scopes does everything its member may do; one with scopes only what a door asks for and they allow. @throws Problem insufficient_scope */
function assertScope(key: Principal['key'], needed: string | undefined): void {
  const scopes = key?.scopes ?? null
  if (scopes === null || (needed !== undefined && scopesCover(scopes, needed))) return
  throw new Problem(
    'insufficient_scope',
    needed === undefined
      ? { detail: `This API key may only do what its scopes say (${scopes.join(', ')}), and this is not among it. Use another key.` }
      : {
          scope: needed,
          detail: `This call needs the scope ${needed}, and this API key does not have it. Make a key that does, or one without scopes.`,
        },
  )
}

const bearer = /^bearer +(\S+)$/i

/** Who an API key stands for, and for whom it calls. Costs no query when both are remembered. */
export function createIdentify({ broker, keyRing }: Doors): Identify {
  const subjects = new LRUCache<string, string>({ max: 10_000, ttl: 60_000 })
  broker.calls.onChange(change => {
    subjects.clear()
    if (change === null || change.kind === 'organization') keyRing.drop('all')
    else if (change.kind === 'member') keyRing.drop({ userId: change.id })
    else if (change.kind === 'key') keyRing.drop({ keyId: change.id })
  })

  async function actingFor(principal: Principal, subject: string): Promise<Principal> {
    const key = `${principal.organizationId}\n${subject}`
    let subjectId = subjects.get(key)
    if (subjectId === undefined) {
      const member = await findMember(broker.people, principal.organizationId, subject).catch((error: unknown) => {
        throw error instanceof Problem ? new Problem('act_as_not_allowed', {}, { cause: error }) : error
      })
      subjects.set(key, (subjectId = member.id))
    }
    return { ...principal, subjectId }
  }

  function known(holder: KeyHolder | undefined, subject: string | readonly string[] | undefined, needed?: string) {
    if (!holder) throw new Problem('unauthenticated')
    assertScope(holder.principal.key, needed)
    if (subject === undefined) return holder.principal
    if (typeof subject !== 'string' || subject.trim() === '' || subject.includes(',') || !holder.principal.key?.actAs)
      throw new Problem('act_as_not_allowed')
    return actingFor(holder.principal, subject.trim())
  }

  return {
    byKey(authorization, subject, needed) {
      const key = bearer.exec(authorization)?.[1]
      if (key === undefined) throw new Problem('unauthenticated')
      const holder = keyRing.verify(key)
      return holder instanceof Promise ? holder.then(one => known(one, subject, needed)) : known(holder, subject, needed)
    },
  }
}

/** The principal of a signed-in browser, in its active organisation. */
export function principalOf(session: SessionHolder): Principal | null {
  if (!session.organization || !session.role) return null
  return {
    organizationId: session.organization.id,
    organizationSlug: session.organization.slug,
    userId: session.userId,
    userName: session.userName,
    role: session.role,
    subjectId: session.userId,
    key: null,
    sessionId: session.sessionId,
  }
}

const changesNothing = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A cookie request that changes state must come from a page of ours. @throws Problem csrf_refused */
export function assertSameOrigin(request: FastifyRequest, publicUrl: string): void {
  if (changesNothing.has(request.method)) return
  const site = request.headers['sec-fetch-site']
  if (request.headers.origin !== publicUrl || (site !== undefined && site !== 'same-origin' && site !== 'none'))
    throw new Problem('csrf_refused')
}

/**
 * Finds out who calls, for every route of the API; a route with `config.open` needs nobody. A key that may only invoke gets nowhere else.
 */
export function registerSession(app: FastifyInstance, doors: Doors, identify: Identify): void {
  app.decorateRequest('caller', null)
  app.decorateRequest('session', null)
  app.addHook('onRequest', async request => {
    const { authorization } = request.headers
    if (authorization !== undefined) {
      if (request.routeOptions.config.open) return
      const principal = await identify.byKey(authorization, request.headers[subjectHeader])
      if (principal.key?.invokeOnly && !request.routeOptions.config.invoke)
        throw new Problem('forbidden', { detail: 'This API key may only invoke.' })
      request.caller = { principal, requestId: request.id, ip: request.ip }
      return
    }
    if (request.routeOptions.config.open && !request.routeOptions.config.session) return
    const session = request.headers.cookie === undefined ? null : await sessionOf(doors.broker.people, request.headers.cookie)
    request.session = session
    if (session) {
      assertSameOrigin(request, doors.broker.publicUrl)
      if (request.headers[subjectHeader] !== undefined) throw new Problem('act_as_not_allowed')
      const principal = principalOf(session)
      if (principal) request.caller = { principal, requestId: request.id, ip: request.ip }
    }
    if (!request.routeOptions.config.open && !request.caller) throw new Problem('unauthenticated')
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Nobody has to be signed in. With `session` the cookie is looked at all the same. */
    open?: boolean
    session?: boolean
    /** A key that may only invoke gets in. */
    invoke?: boolean
  }
}

export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new Problem('unauthenticated')
  return request.caller
}

/** For what a person does in a browser or with an unlimited key: never with a key limited to connections. */
export function personOf(request: FastifyRequest): Caller {
  const caller = callerOf(request)
  if (caller.principal.key?.connections || caller.principal.subjectId !== caller.principal.userId)
    throw new Problem('forbidden', { detail: 'A key limited to connections may not do this.' })
  return caller
}

/** @throws Problem forbidden */
export function administratorOf(request: FastifyRequest): Caller {
  const caller = personOf(request)
  if (caller.principal.role !== 'administrator') throw new Problem('forbidden')
  return caller
}
