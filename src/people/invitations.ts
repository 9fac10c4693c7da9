import { z } from 'zod'
import { displayName } from '../core/link-name.ts'
import type { Role } from '../core/principal.ts'
import { invalid, Problem } from '../core/problem.ts'
import { fingerprint } from './hashed-sessions.ts'
import { credentialAccount, hashed, type HashedPassword } from './passwords.ts'
import { emailAddress, firstPage, inTransaction, newId, newToken, secondsFromNow, type PageOf, type People } from './people.ts'

export const invitationSeconds = 7 * 24 * 3600

export const newInvitation = z.strictObject({ email: emailAddress, role: z.enum(['administrator', 'developer', 'user']) })

export interface Invitation {
  readonly id: string
  readonly email: string
  readonly role: Role
  readonly invited_by: string
  readonly created_at: Date
  readonly expires_at: Date
}

/**
 * Invites an e-mail address. An earlier invitation of the same address is withdrawn: only the newest link works.
 * @returns the token for the link; only its hash is kept.
 * @throws Problem validation_failed: no e-mail address, or a member's already
 */
export async function createInvitation(
  people: People,
  given: { organizationId: string; inviterId: string; email: string; role: Role },
): Promise<{ invitation: Invitation; token: string }> {
  const parsed = emailAddress.safeParse(given.email)
  if (!parsed.success) throw invalid('email', 'This is not an e-mail address.')
  const email = parsed.data
  return inTransaction(people, async people => {
    const member = await people.db
      .selectFrom('members as m')
      .innerJoin('users as u', 'u.id', 'm.user_id')
      .select('u.id')
      .where('m.organization_id', '=', given.organizationId)
      .where('u.email', '=', email)
      .executeTakeFirst()
    if (member) throw invalid('email', 'This person is a member already.')
    await people.db
      .updateTable('invitations')
      .set({ status: 'withdrawn' })
      .where('organization_id', '=', given.organizationId)
      .where('email', '=', email)
      .where('status', '=', 'pending')
      .execute()
    const token = newToken(people)
    const invitation = {
      id: newId(),
      email,
      role: given.role,
      created_at: people.now(),
      expires_at: secondsFromNow(people, invitationSeconds),
    }
    await people.db
      .insertInto('invitations')
      .values({
        ...invitation,
        organization_id: given.organizationId,
        inviter_id: given.inviterId,
        status: 'pending',
        token_hash: fingerprint(token),
      })
      .execute()
    return { invitation: { ...invitation, invited_by: given.inviterId }, token }
  })
}

/** The invitations that wait, in the order they were made; one page. */
export function listInvitations(people: People, organizationId: string, page: PageOf = firstPage): Promise<Invitation[]> {
  let rows = people.db
    .selectFrom('invitations')
    .select(['id', 'email', 'role', 'inviter_id as invited_by', 'created_at', 'expires_at'])
    .where('organization_id', '=', organizationId)
    .where('status', '=', 'pending')
    .where('expires_at', '>', people.now())
    .orderBy('created_at')
    .orderBy('id')
    .limit(page.limit)
  const { after } = page
  if (after)
    rows = rows.where(row =>
      row.or([row('created_at', '>', after.created_at), row.and([row('created_at', '=', after.created_at), row('id', '>', after.id)])]),
    )
  return rows.execute()
}

/** @throws Problem invitation_invalid when the organisation has no such waiting invitation */
export async function withdrawInvitation(people: People, organizationId: string, id: string): Promise<{ email: string }> {
  const withdrawn = await people.db
    .updateTable('invitations')
    .set({ status: 'withdrawn' })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .returning('email')
    .executeTakeFirst()
  if (!withdrawn) throw new Problem('invitation_invalid')
  return withdrawn
}

export interface FoundInvitation {
  readonly id: string
  readonly organization: { readonly id: string; readonly name: string; readonly slug: string }
  readonly email: string
  readonly role: Role
  readonly expires_at: Date
  /** The address has an account already: its owner signs in and confirms, and chooses no password. */
  readonly has_account: boolean
}

/** What the link of an invitation shows. @throws Problem invitation_invalid */
export async function findInvitation(people: People, token: string): Promise<FoundInvitation> {
  const found = await people.db
    .selectFrom('invitations as i')
    .innerJoin('organizations as o', 'o.id', 'i.organization_id')
    .leftJoin('users as u', 'u.email', 'i.email')
    .select(['i.id', 'i.email', 'i.role', 'i.expires_at', 'o.id as organization_id', 'o.name', 'o.slug', 'u.id as user_id'])
    .where('i.token_hash', '=', fingerprint(token))
    .where('i.status', '=', 'pending')
    .where('i.expires_at', '>', people.now())
    .executeTakeFirst()
  if (!found) throw await noInvitation(people, token)
  const { id, email, role, expires_at } = found
  const organization = { id: found.organization_id, name: found.name, slug: found.slug }
  return { id, email, role, expires_at, organization, has_account: found.user_id !== null }
}

/** Whoever has just accepted it, and did not hear so, must not ask for a new one. */
async function noInvitation(people: People, token: string): Promise<Problem> {
  const accepted = await people.db
    .selectFrom('invitations')
    .select('id')
    .where('token_hash', '=', fingerprint(token))
    .where('status', '=', 'accepted')
    .executeTakeFirst()
  return new Problem('invitation_invalid', accepted && { detail: 'This invitation was accepted already. Sign in with its e-mail address.' })
}

export interface Acceptance {
  readonly token: string
  /** Who is signed in, if anybody: the owner of the invited address then only confirms. */
  readonly signedInAs: string | null
  readonly name?: string | undefined
  readonly password?: string | HashedPassword | undefined
}

/**
 * Accepts an invitation, once: a new person with a password, or the signed-in owner of the invited address.
 * The caller then starts the session (`startSession`) or moves the one there is (`setActiveOrganization`).
 *
 * @throws Problem invitation_invalid · sign_in_required: the address has an account that is not the one signed in · validation_failed
 */
export async function acceptInvitation(
  people: People,
  acceptance: Acceptance,
): Promise<{
  userId: string
  email: string
  role: Role
  organization: FoundInvitation['organization']
  created: boolean
  userIds: string[]
}> {
  const first = await findInvitation(people, acceptance.token)
  if (first.has_account) return acceptWith(people, acceptance, null)
  const name = displayName.safeParse(acceptance.name ?? '')
  if (!name.success) throw invalid('name', name.error.issues[0]?.message ?? 'A name is needed.')
  if (acceptance.password === undefined) throw invalid('password', 'Choose a password.')
  return acceptWith(people, acceptance, { name: name.data, password: await hashed(acceptance.password) })
}

const acceptWith = (people: People, acceptance: Acceptance, newcomer: { name: string; password: HashedPassword } | null) =>
  inTransaction(people, async people => {
    const invitation = await findInvitation(people, acceptance.token)
    const { organization, email, role } = invitation
    const taken = await people.db
      .updateTable('invitations')
      .set({ status: 'accepted' })
      .where('id', '=', invitation.id)
      .where('status', '=', 'pending')
      .returning('id')
      .executeTakeFirst()
    if (!taken) throw new Problem('invitation_invalid')

    let userId = newId()
    const created = newcomer === null ? undefined : await insertUser(people, { id: userId, email, ...newcomer })
    if (!created) {
      const user = await people.db.selectFrom('users').select('id').where('email', '=', email).executeTakeFirstOrThrow()
      if (user.id !== acceptance.signedInAs) throw new Problem('sign_in_required')
      userId = user.id
    }
    await people.db
      .insertInto('members')
      .values({ id: newId(), organization_id: organization.id, user_id: userId, role, created_at: people.now() })
      .onConflict(conflict => conflict.columns(['organization_id', 'user_id']).doNothing())
      .execute()
    // A reset link that waits was issued by an administrator of fewer organisations than this person is in now.
    await people.db.deleteFrom('password_resets').where('user_id', '=', userId).execute()
    return { userId, email, role, organization, created: created === true, userIds: [userId] }
  })

/** A new person who signs in with a password. @returns false when the e-mail has an account: nothing was changed then. */
export async function insertUser(
  people: People,
  user: { id: string; email: string; name: string; password: HashedPassword },
): Promise<boolean> {
  const { id, email, name, password } = user
  const inserted = await people.db
    .insertInto('users')
    .values({ id, email, name, email_verified: false, created_at: people.now(), updated_at: people.now() })
    .onConflict(conflict => conflict.column('email').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!inserted) return false
  await people.db
    .insertInto('accounts')
    .values(credentialAccount(people, id, password))
    .execute()
  return true
}
