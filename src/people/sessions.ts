import { createHmac, timingSafeEqual } from 'node:crypto'
import { APIError } from 'better-auth/api'
import type { Role } from '../core/principal.ts'
import { Problem } from '../core/problem.ts'
import { addressHeader, passwordLength, sessionSeconds } from './auth.ts'
import { inBetterAuth } from './better-auth-calls.ts'
import { fingerprint } from './hashed-sessions.ts'
import { normaliseEmail, type People } from './people.ts'

/** Where a session was made from: shown to its person later, never trusted. */
export interface Origin {
  readonly address?: string | undefined
  readonly userAgent?: string | undefined
}

export interface SessionHolder {
  readonly sessionId: string
  readonly userId: string
  readonly userName: string
  readonly email: string
  /** The organisation it acts in and the role there; both null when the person is not, or no longer, a member of it. */
  readonly organization: { readonly id: string; readonly name: string; readonly slug: string } | null
  readonly role: Role | null
}

export interface SignedIn {
  /** The value of one Set-Cookie header. */
  readonly setCookie: string
  readonly sessionId: string
  readonly user: { readonly id: string; readonly email: string; readonly name: string }
}

const headersOf = (origin: Origin): Headers => {
  const headers = new Headers()
  if (origin.userAgent) headers.set('user-agent', origin.userAgent.slice(0, 500))
  if (origin.address) headers.set(addressHeader, origin.address)
  return headers
}

const signatureOf = (people: People, token: string) => createHmac('sha256', people.auth.secret).update(token).digest('base64')

/** better-auth's form of a signed cookie, so that either of us reads the other's. */
function sessionCookie(people: People, token: string): string {
  const { name, secure } = people.auth.cookie
  const value = encodeURIComponent(`${token}.${signatureOf(people, token)}`)
  return `${name}=${value}; Max-Age=${sessionSeconds.absolute}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
}

/** The token that a Cookie header carries, if we signed it. A name that stands twice (a tossed cookie) counts as none. */
function tokenOf(people: People, cookieHeader: string | null | undefined): string | null {
  const prefix = people.auth.cookie.name + '='
  const found = (cookieHeader ?? '').split(';').map(pair => pair.trim()).filter(pair => pair.startsWith(prefix)) // prettier-ignore
  if (found.length !== 1) return null
  let value: string
  try {
    value = decodeURIComponent(found[0]?.slice(prefix.length) ?? '')
  } catch {
    return null
  }
  const dot = value.lastIndexOf('.')
  if (dot < 1) return null
  const given = Buffer.from(value.slice(dot + 1))
  const right = Buffer.from(signatureOf(people, value.slice(0, dot)))
  return given.length === right.length && timingSafeEqual(given, right) ? value.slice(0, dot) : null
}

/**
 * Signs in with e-mail and password. Unknown people cost as much time as known ones. Not inside a transaction.
 * How often somebody may try is the door's business.
 * @throws Problem sign_in_failed
 */
export async function signIn(people: People, who: { email: string; password: string }, origin: Origin = {}): Promise<SignedIn> {
  if (who.password.length > 2 * passwordLength.maximum) throw new Problem('sign_in_failed')
  const body = { email: normaliseEmail(who.email), password: who.password }
  try {
    const { token, user } = await inBetterAuth(() => people.auth.better.api.signInEmail({ body, headers: headersOf(origin) }))
    return { ...(await startedWith(people, token)), user: { id: user.id, email: user.email, name: user.name } }
  } catch (error) {
    if (error instanceof APIError && error.statusCode < 500) throw new Problem('sign_in_failed')
    throw error
  }
}

/**
 * A session without a password: after accepting an invitation or the set-up. Not inside a transaction; the person must be committed.
 */
export async function startSession(people: People, userId: string, organizationId: string | null, origin: Origin = {}): Promise<SignedIn> {
  const context = await people.auth.better.$context
  const session = await inBetterAuth(() =>
    context.internalAdapter.createSession(userId, false, {
      ...(organizationId === null ? {} : { activeOrganizationId: organizationId }),
      userAgent: origin.userAgent?.slice(0, 500) ?? '',
      ipAddress: origin.address ?? '',
    }),
  )
  const user = await people.db.selectFrom('users').select(['id', 'email', 'name']).where('id', '=', userId).executeTakeFirstOrThrow()
  return { ...(await startedWith(people, session.token)), user }
}

async function startedWith(people: People, token: string): Promise<{ setCookie: string; sessionId: string }> {
  // the clock that all instances share decides when it ends, not this process's, which better-auth read
  const { id } = await people.db
    .updateTable('sessions')
    .set({
      created_at: people.now(),
      updated_at: people.now(),
      expires_at: new Date(people.now().getTime() + sessionSeconds.absolute * 1000),
    })
    .where('token', '=', fingerprint(token))
    .returning('id')
    .executeTakeFirstOrThrow()
  return { setCookie: sessionCookie(people, token), sessionId: id }
}

/** Seen more often than this is not written down. */
const seenEverySeconds = 60

/**
 * Who the cookie belongs to, with the role they have now: one query, and a small write once a minute.
 * @returns null without a cookie, with one we did not sign, or when the session ended (12 hours, or 30 minutes unused).
 */
export async function sessionOf(people: People, cookieHeader: string | null | undefined): Promise<SessionHolder | null> {
  const token = tokenOf(people, cookieHeader)
  if (token === null) return null
  const now = people.now()
  const found = await people.db
    .selectFrom('sessions as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .leftJoin('members as m', join => join.onRef('m.user_id', '=', 's.user_id').onRef('m.organization_id', '=', 's.active_organization_id'))
    .leftJoin('organizations as o', 'o.id', 'm.organization_id')
    .select(['s.id', 's.updated_at as seen_at', 'u.id as user_id', 'u.name as user_name', 'u.email'])
    .select(['m.role', 'o.id as organization_id', 'o.name as organization_name', 'o.slug'])
    .where('s.token', '=', fingerprint(token))
    .where('s.expires_at', '>', now)
    .executeTakeFirst()
  if (!found) return null
  const idleSeconds = (now.getTime() - found.seen_at.getTime()) / 1000
  if (idleSeconds > sessionSeconds.idle) return null
  if (idleSeconds > seenEverySeconds) await people.db.updateTable('sessions').set({ updated_at: now }).where('id', '=', found.id).execute()
  const { organization_id: id, organization_name: name, slug } = found
  return {
    sessionId: found.id,
    userId: found.user_id,
    userName: found.user_name,
    email: found.email,
    organization: id === null || name === null || slug === null ? null : { id, name, slug },
    role: found.role,
  }
}

/** Ends the session of this cookie, if it is one. `setCookie` makes the browser forget it either way. */
export async function signOut(
  people: People,
  cookieHeader: string | null | undefined,
): Promise<{ setCookie: string; userIds: string[]; sessionIds: string[] }> {
  const { name, secure } = people.auth.cookie
  const setCookie = `${name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  const token = tokenOf(people, cookieHeader)
  if (token === null) return { setCookie, userIds: [], sessionIds: [] }
  const ended = await people.db.deleteFrom('sessions').where('token', '=', fingerprint(token)).returning(['id', 'user_id']).execute()
  return { setCookie, userIds: ended.map(session => session.user_id), sessionIds: ended.map(session => session.id) }
}

/** Ends every session of a person, in all organisations and browsers. Their API keys stay. */
export async function signOutEverywhere(people: People, userId: string): Promise<{ userIds: string[] }> {
  await people.db.deleteFrom('sessions').where('user_id', '=', userId).execute()
  return { userIds: [userId] }
}

/** Is this session alive? For a callback that was started from it, maybe minutes ago. */
export async function sessionIsLive(people: People, sessionId: string): Promise<boolean> {
  const found = await people.db
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', sessionId)
    .where('expires_at', '>', people.now())
    .where('updated_at', '>', new Date(people.now().getTime() - sessionSeconds.idle * 1000))
    .executeTakeFirst()
  return found !== undefined
}

/** The organisation that a session acts in from now on. @throws Problem organization_not_found: also when the person is not a member. */
export async function setActiveOrganization(
  people: People,
  session: { sessionId: string; userId: string },
  slug: string,
): Promise<{ id: string; name: string; slug: string; role: Role }> {
  const organization = await people.db
    .selectFrom('organizations as o')
    .innerJoin('members as m', 'm.organization_id', 'o.id')
    .select(['o.id', 'o.name', 'o.slug', 'm.role'])
    .where('o.slug', '=', slug)
    .where('m.user_id', '=', session.userId)
    .executeTakeFirst()
  if (!organization) throw new Problem('organization_not_found')
  await people.db
    .updateTable('sessions')
    .set({ active_organization_id: organization.id })
    .where('id', '=', session.sessionId)
    .where('user_id', '=', session.userId)
    .execute()
  return organization
}

/** Deletes what has ended: sessions, links, logins. For a daily job. */
export async function deleteExpired(people: People): Promise<void> {
  const now = people.now()
  await people.db.deleteFrom('sessions').where('expires_at', '<=', now).execute()
  await people.db.deleteFrom('password_resets').where('expires_at', '<=', now).execute()
  await people.db.deleteFrom('cli_logins').where('expires_at', '<=', now).execute()
  await people.db.deleteFrom('verifications').where('expires_at', '<=', now).execute()
}
