import type { Role } from '../core/principal.ts'
import { Problem } from '../core/problem.ts'
import { pollCliLogin } from '../people/cli-logins.ts'
import { acceptInvitation, findInvitation } from '../people/invitations.ts'
import { findPasswordReset, hashNewPassword, resetPassword } from '../people/passwords.ts'
import { normaliseEmail, within } from '../people/people.ts'
import { setActiveOrganization, signIn, signOut, startSession, type SessionHolder, type SignedIn } from '../people/sessions.ts'
import { checkSetUpToken, setUpFirst } from '../people/setup.ts'
import { insertAudit } from '../storage/audit.ts'
import { announce, type Change } from '../storage/changes.ts'
import type { Executor } from '../storage/database.ts'
import type { Broker } from './broker.ts'

/*
 * What people do before they are a caller: set up, sign in, accept an invitation, redeem a reset link, fetch the key of a login.
 * Who they are is known only when it has worked, so the audit rows are written by what comes out.
 */

/** Where a request of somebody unknown comes from. */
export interface From {
  readonly requestId: string
  readonly ip: string | null
  readonly userAgent: string | undefined
  /** With the session that signing in takes the place of, if there is one. */
  readonly cookie?: string | undefined
}

interface Person {
  readonly id: string | null
  readonly name: string
  /** The organisations in whose audit log it stands; null where it concerns none that we know. */
  readonly organizationIds: readonly (string | null)[]
}

interface Event {
  readonly action: string
  readonly object: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly outcome?: 'done' | 'refused'
}

const note = (trx: Executor, broker: Broker, from: From, person: Person, event: Event) =>
  insertAudit(
    trx,
    (person.organizationIds.length > 0 ? person.organizationIds : [null]).map(organization_id => ({
      id: broker.id(),
      organization_id,
      actor_id: person.id,
      actor: person.name,
      action: event.action,
      object: event.object,
      details: JSON.stringify(event.details ?? {}),
      outcome: event.outcome ?? ('done' as const),
      request_id: from.requestId,
      ip: from.ip,
    })),
  )

/** As `change`, for somebody whom the work itself finds out: their audit rows and the announcement commit with it. */
async function arrive<T>(
  broker: Broker,
  from: From,
  work: (trx: Executor) => Promise<{ value: T; person: Person; event: Event; changes: readonly Change[] }>,
): Promise<T> {
  const { value, changes } = await broker.db.transaction().execute(async trx => {
    const done = await work(trx)
    await note(trx, broker, from, done.person, done.event)
    await announce(trx, done.changes)
    return done
  })
  for (const one of changes) broker.calls.forget(one)
  return value
}

/** A person with all their organisations: what concerns the account concerns each of them. */
async function personWith(trx: Executor, by: { readonly id: string } | { readonly email: string }): Promise<Person> {
  const rows = await trx
    .selectFrom('users as u')
    .leftJoin('members as m', 'm.user_id', 'u.id')
    .select(['u.id', 'u.name', 'm.organization_id'])
    .where(row => ('id' in by ? row('u.id', '=', by.id) : row('u.email', '=', by.email)))
    .limit(200)
    .execute()
  const [first] = rows
  return {
    id: first?.id ?? null,
    name: first?.name ?? 'somebody',
    organizationIds: rows.map(row => row.organization_id).filter(id => id !== null),
  }
}

/** Something somebody did to their own account, outside a transaction of its own: written in the log of each of their organisations. */
export async function noteAccount(broker: Broker, from: From, userId: string, action: string): Promise<void> {
  await note(broker.db, broker, from, await personWith(broker.db, { id: userId }), { action, object: `member:${userId}` })
}

/** Tells every instance of something that was stored already: for what could not commit with the work. */
export async function tell(broker: Broker, changes: readonly Change[]): Promise<void> {
  for (const one of changes) broker.calls.forget(one)
  await announce(broker.db, changes)
}

/** Ends the session of a cookie, and what is still open for it. `setCookie` makes the browser forget it. */
export async function endSession(broker: Broker, cookie: string | undefined): Promise<{ setCookie: string }> {
  const { setCookie, sessionIds } = await signOut(broker.people, cookie)
  await tell(
    broker,
    sessionIds.map(id => ({ kind: 'session', id })),
  )
  return { setCookie }
}

/** Whoever knows the session that the browser had, or planted it there, gets nothing of the new one. */
const endSessionBefore = (broker: Broker, from: From) => endSession(broker, from.cookie)

/**
 * E-mail and password. A refusal is noted for the organisations of the account, and costs the same when there is none: an address that
 * nobody has is never written down, somebody may have typed their password there.
 * @throws Problem sign_in_failed
 */
export async function signInPerson(broker: Broker, given: { email: string; password: string }, from: From): Promise<SignedIn> {
  const origin = { address: from.ip ?? undefined, userAgent: from.userAgent }
  try {
    const signedIn = await signIn(broker.people, given, origin)
    await endSessionBefore(broker, from)
    const session = await broker.db
      .selectFrom('sessions')
      .select('active_organization_id')
      .where('id', '=', signedIn.sessionId)
      .executeTakeFirst()
    const person = { id: signedIn.user.id, name: signedIn.user.name, organizationIds: [session?.active_organization_id ?? null] }
    await note(broker.db, broker, from, person, { action: 'session.started', object: `member:${signedIn.user.id}` })
    return signedIn
  } catch (error) {
    if (error instanceof Problem && error.code === 'sign_in_failed') {
      const person = await personWith(broker.db, { email: normaliseEmail(given.email).slice(0, 320) })
      await note(broker.db, broker, from, person, {
        action: 'session.refused',
        object: person.id === null ? 'sign-in' : `member:${person.id}`,
        outcome: 'refused',
      })
    }
    throw error
  }
}

export interface SetUp {
  readonly token: string
  readonly organizationName: string
  readonly slug: string | undefined
  readonly name: string
  readonly email: string
  readonly password: string
}

/** The first administrator, by the link on the terminal; signed in at once. @throws Problem already_set_up · setup_token_invalid · validation_failed */
export async function setUpByLink(
  broker: Broker,
  given: SetUp,
  from: From,
): Promise<SignedIn & { organization: { id: string; name: string; slug: string } }> {
  await checkSetUpToken(broker.people, given.token) // before the hash: a stranger's guess must not cost us one
  const password = await hashNewPassword(given.password)
  const done = await arrive(broker, from, async trx => {
    const made = await setUpFirst(within(broker.people, trx), { ...given, password })
    const { id, name, slug } = made.organization
    return {
      value: { userId: made.userId, organization: { id, name, slug } },
      person: { id: made.userId, name: given.name, organizationIds: [id] },
      event: { action: 'organization.set_up', object: `organization:${slug}` },
      changes: [],
    }
  })
  const signedIn = await startSession(broker.people, done.userId, done.organization.id, {
    address: from.ip ?? undefined,
    userAgent: from.userAgent,
  })
  await endSessionBefore(broker, from)
  return { ...signedIn, organization: done.organization }
}

export interface Accepted {
  readonly user: SignedIn['user']
  readonly organization: { readonly id: string; readonly name: string; readonly slug: string }
  readonly role: Role
  /** The new session's; null when the one there was goes on in the organisation joined. */
  readonly setCookie: string | null
}

/**
 * Accepts an invitation: somebody new chooses name and password and is signed in; who has an account confirms from their session.
 * @throws Problem invitation_invalid · sign_in_required · validation_failed
 */
export async function joinByInvitation(
  broker: Broker,
  given: { token: string; name: string | undefined; password: string | undefined },
  session: SessionHolder | null,
  from: From,
): Promise<Accepted> {
  const found = await findInvitation(broker.people, given.token)
  const password = found.has_account || given.password === undefined ? undefined : await hashNewPassword(given.password)
  const joined = await arrive(broker, from, async trx => {
    const people = within(broker.people, trx)
    const value = await acceptInvitation(people, { token: given.token, signedInAs: session?.userId ?? null, name: given.name, password })
    if (!value.created && session) await setActiveOrganization(people, session, value.organization.slug)
    const person = await personWith(trx, { id: value.userId })
    return {
      value: { ...value, name: person.name },
      person: { ...person, organizationIds: [value.organization.id] },
      event: { action: 'member.joined', object: `member:${value.userId}`, details: { email: value.email, role: value.role } },
      changes: [{ kind: 'member', id: value.userId }],
    }
  })
  const { organization, role } = joined
  if (!joined.created) return { user: { id: joined.userId, email: joined.email, name: joined.name }, organization, role, setCookie: null }
  const { user, setCookie } = await startSession(broker.people, joined.userId, organization.id, {
    address: from.ip ?? undefined,
    userAgent: from.userAgent,
  })
  await endSessionBefore(broker, from)
  return { user, organization, role, setCookie }
}

/** A new password by an administrator's link, once; every session of the person ends. @throws Problem reset_link_invalid · validation_failed */
export async function redeemResetLink(broker: Broker, token: string, newPassword: string, from: From): Promise<void> {
  await findPasswordReset(broker.people, token)
  const password = await hashNewPassword(newPassword)
  await arrive(broker, from, async trx => {
    const { userIds } = await resetPassword(within(broker.people, trx), token, password)
    const [userId = ''] = userIds
    return {
      value: undefined,
      person: await personWith(trx, { id: userId }),
      event: { action: 'password.reset', object: `member:${userId}` },
      changes: [{ kind: 'member', id: userId }],
    }
  })
}

/**
 * What the device of a `patchbay login` asks again and again.
 * @returns its key, this once; null while nobody approved it.
 * @throws Problem login_not_approved · member_not_found
 */
export async function fetchLoginKey(broker: Broker, deviceToken: string, from: From): Promise<string | null> {
  return broker.db.transaction().execute(async trx => {
    const made = await pollCliLogin(within(broker.people, trx), deviceToken)
    if (!made) return null
    const person = await personWith(trx, { id: made.row.user_id })
    await note(
      trx,
      broker,
      from,
      { ...person, organizationIds: [made.row.organization_id] },
      { action: 'key.created', object: `key:${made.row.id}`, details: { name: made.row.name } },
    )
    return made.key
  })
}
