import { hashPassword, verifyPassword } from 'better-auth/crypto'
import { atLeast } from '../core/principal.ts'
import { invalid, Problem } from '../core/problem.ts'
import { passwordLength } from './auth.ts'
import { fingerprint } from './hashed-sessions.ts'
import { inTransaction, newId, newToken, secondsFromNow, type People } from './people.ts'

/** A password that passed the rules and was hashed (scrypt). Making one takes some 60 ms: make it before a transaction begins. */
export interface HashedPassword {
  readonly hash: string
}

/** @throws Problem validation_failed at `path`. Length is counted as people count: in code points. */
export async function hashNewPassword(password: string, path = 'password'): Promise<HashedPassword> {
  const length = [...password].length
  if (length < passwordLength.minimum) throw invalid(path, `A password has ${passwordLength.minimum} characters at least.`)
  if (length > passwordLength.maximum) throw invalid(path, `A password has ${passwordLength.maximum} characters at most.`)
  return { hash: await hashPassword(password) }
}

export const hashed = async (password: string | HashedPassword, path?: string): Promise<HashedPassword> =>
  typeof password === 'string' ? hashNewPassword(password, path) : password

/** The row by which better-auth's `signInEmail` finds a password. */
export const credentialAccount = (people: People, userId: string, password: HashedPassword) => ({
  id: newId(),
  account_id: userId,
  provider_id: 'credential',
  user_id: userId,
  password: password.hash,
  created_at: people.now(),
  updated_at: people.now(),
})

async function setPassword(people: People, userId: string, password: HashedPassword): Promise<void> {
  const { numUpdatedRows } = await people.db
    .updateTable('accounts')
    .set({ password: password.hash, updated_at: people.now() })
    .where('user_id', '=', userId)
    .where('provider_id', '=', 'credential')
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n)
    await people.db
      .insertInto('accounts')
      .values(credentialAccount(people, userId, password))
      .execute()
  await people.db.deleteFrom('password_resets').where('user_id', '=', userId).execute()
}

const currentHash = async (people: People, userId: string): Promise<string | null> => {
  const account = await people.db
    .selectFrom('accounts')
    .select('password')
    .where('user_id', '=', userId)
    .where('provider_id', '=', 'credential')
    .executeTakeFirst()
  return account?.password ?? null
}

/**
 * Is this the person's password? Takes as long as hashing one, whether it is or not. Call it before a transaction begins.
 * Also for asking again before something dangerous.
 */
export async function isPasswordOf(people: People, userId: string, password: string): Promise<boolean> {
  const hash = await currentHash(people, userId)
  if (hash === null || password.length > 2 * passwordLength.maximum) return false
  return verifyPassword({ hash, password })
}

/**
 * Changes a password and ends the person's other sessions; unused reset links of theirs die too.
 * @throws Problem validation_failed: `current_password` is not right, or `new_password` breaks the rules.
 */
export async function changePassword(
  people: People,
  change: { userId: string; sessionId: string | null; currentPassword: string; newPassword: string | HashedPassword },
): Promise<{ userIds: string[] }> {
  const before = await currentHash(people, change.userId)
  if (!(await isPasswordOf(people, change.userId, change.currentPassword)))
    throw invalid('current_password', 'This is not your current password.')
  const password = await hashed(change.newPassword, 'new_password')
  return inTransaction(people, async people => {
    // Somebody may have changed it while the two hashes were made: theirs was first, ours does not know it.
    if ((await currentHash(people, change.userId)) !== before) throw invalid('current_password', 'It was changed in the meantime.')
    await setPassword(people, change.userId, password)
    let others = people.db.deleteFrom('sessions').where('user_id', '=', change.userId)
    if (change.sessionId !== null) others = others.where('id', '!=', change.sessionId)
    await others.execute()
    return { userIds: [change.userId] }
  })
}

/** How long an administrator's reset link is good for. */
export const resetSeconds = 24 * 3600

/**
 * An administrator makes a link with which a member sets a new password. It replaces an earlier one.
 *
 * A link is the whole account, in every organisation it is a member of. So the issuer must be administrator of all of these;
 * otherwise whoever invites somebody into an organisation of their own could take over the account.
 *
 * @returns the token for the link; only its hash is kept.
 * @throws Problem member_not_found | forbidden
 */
export async function issuePasswordReset(
  people: People,
  reset: { organizationId: string; issuerId: string; userId: string },
): Promise<{ token: string; expiresAt: Date; userIds: string[] }> {
  return inTransaction(people, async people => {
    const memberships = await people.db
      .selectFrom('members as m')
      .leftJoin('members as i', join => join.onRef('i.organization_id', '=', 'm.organization_id').on('i.user_id', '=', reset.issuerId))
      .select(['m.organization_id', 'i.role as issuer_role'])
      .where('m.user_id', '=', reset.userId)
      .execute()
    if (!memberships.some(membership => membership.organization_id === reset.organizationId)) throw new Problem('member_not_found')
    if (!memberships.every(({ issuer_role }) => issuer_role !== null && atLeast(issuer_role, 'administrator')))
      throw new Problem('forbidden', {
        detail: 'This person is a member of other organisations too. Only an administrator of all of them may do that.',
      })
    const token = newToken(people)
    const expiresAt = secondsFromNow(people, resetSeconds)
    await people.db.deleteFrom('password_resets').where('user_id', '=', reset.userId).execute()
    await people.db
      .insertInto('password_resets')
      .values({
        token_hash: fingerprint(token),
        user_id: reset.userId,
        created_by: reset.issuerId,
        created_at: people.now(),
        expires_at: expiresAt,
      })
      .execute()
    return { token, expiresAt, userIds: [reset.userId] }
  })
}

/** Whose link this is, for the page behind it. @throws Problem reset_link_invalid */
export async function findPasswordReset(people: People, token: string): Promise<{ email: string; expires_at: Date }> {
  const found = await people.db
    .selectFrom('password_resets as r')
    .innerJoin('users as u', 'u.id', 'r.user_id')
    .select(['u.email', 'r.expires_at'])
    .where('r.token_hash', '=', fingerprint(token))
    .where('r.expires_at', '>', people.now())
    .executeTakeFirst()
  if (!found) throw new Problem('reset_link_invalid')
  return found
}

/**
 * Redeems a reset link, once: sets the password and ends every session of that person.
 * @throws Problem reset_link_invalid | validation_failed
 */
export async function resetPassword(people: People, token: string, newPassword: string | HashedPassword): Promise<{ userIds: string[] }> {
  await findPasswordReset(people, token) // before the hash: a stranger's guess must not cost us one
  const password = await hashed(newPassword)
  return inTransaction(people, async people => {
    const taken = await people.db
      .deleteFrom('password_resets')
      .where('token_hash', '=', fingerprint(token))
      .where('expires_at', '>', people.now())
      .returning('user_id')
      .executeTakeFirst()
    if (!taken) throw new Problem('reset_link_invalid')
    await setPassword(people, taken.user_id, password)
    await people.db.deleteFrom('sessions').where('user_id', '=', taken.user_id).execute()
    return { userIds: [taken.user_id] }
  })
}
