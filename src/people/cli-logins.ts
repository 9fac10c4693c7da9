import { Problem } from '../core/problem.ts'
import { createKey, type ApiKey } from './api-keys.ts'
import { fingerprint } from './hashed-sessions.ts'
import { membership } from './members.ts'
import { inTransaction, newToken, secondsFromNow, type People } from './people.ts'

export const cliLoginSeconds = 10 * 60

/** Consonants that are not mistaken for each other or for digits, and spell no words (RFC 8628 §6.1): 20^8 codes. */
const letters = 'BCDFGHJKLMNPQRSTVWXZ'

function newCode(people: People): string {
  let code = ''
  while (code.length < 8) {
    const [byte = 255] = people.random(1)
    if (byte < 240) code += letters[byte % 20] // 240 is a multiple of 20: no letter is likelier than another
  }
  return code
}

/** People type it in any case, with or without the hyphen. */
const codeFingerprint = (code: string) => fingerprint('cli ' + code.toUpperCase().replace(/[^A-Z]/g, ''))

/**
 * Starts a `patchbay login`: the person compares and approves the code in a signed-in browser, the device polls with its token.
 * @returns `code` like `BCDF-GHJK`; both secrets are kept as hashes.
 */
export async function startCliLogin(people: People): Promise<{ code: string; deviceToken: string; expiresAt: Date }> {
  const code = newCode(people)
  const deviceToken = newToken(people)
  const expiresAt = secondsFromNow(people, cliLoginSeconds)
  await people.db.deleteFrom('cli_logins').where('expires_at', '<=', people.now()).execute()
  await people.db
    .insertInto('cli_logins')
    .values({ code_hash: codeFingerprint(code), device_hash: fingerprint(deviceToken), created_at: people.now(), expires_at: expiresAt })
    .execute()
  return { code: `${code.slice(0, 4)}-${code.slice(4)}`, deviceToken, expiresAt }
}

/** A login that waits for approval, for the page that asks for it. @throws Problem login_not_approved */
export async function findCliLogin(people: People, code: string): Promise<{ created_at: Date; expires_at: Date }> {
  const found = await people.db
    .selectFrom('cli_logins')
    .select(['created_at', 'expires_at'])
    .where('code_hash', '=', codeFingerprint(code))
    .where('user_id', 'is', null)
    .where('expires_at', '>', people.now())
    .executeTakeFirst()
  if (!found) throw new Problem('login_not_approved')
  return found
}

/**
 * The signed-in person approves: the device will get a key of theirs, in this organisation.
 * @throws Problem login_not_approved: no such code, or approved already · member_not_found
 */
export async function approveCliLogin(
  people: People,
  code: string,
  approver: { userId: string; organizationId: string },
): Promise<{ userIds: string[] }> {
  if ((await membership(people, approver.userId, approver.organizationId)) === null) throw new Problem('member_not_found')
  const approved = await people.db
    .updateTable('cli_logins')
    .set({ user_id: approver.userId, organization_id: approver.organizationId })
    .where('code_hash', '=', codeFingerprint(code))
    .where('user_id', 'is', null)
    .where('expires_at', '>', people.now())
    .returning('code_hash')
    .executeTakeFirst()
  if (!approved) throw new Problem('login_not_approved')
  return { userIds: [approver.userId] }
}

/**
 * The device asks whether it was approved. When it was, the key is made now, for this answer, and the login is over.
 * @returns null while nobody approved it.
 * @throws Problem login_not_approved: unknown, fetched already, or expired · member_not_found: the approver left meanwhile
 */
export async function pollCliLogin(
  people: People,
  deviceToken: string,
  name = 'patchbay login',
): Promise<{ row: ApiKey; key: string } | null> {
  return inTransaction(people, async people => {
    const approved = await people.db
      .deleteFrom('cli_logins')
      .where('device_hash', '=', fingerprint(deviceToken))
      .where('user_id', 'is not', null)
      .where('expires_at', '>', people.now())
      .returning(['user_id', 'organization_id'])
      .executeTakeFirst()
    if (!approved) {
      const waiting = await people.db
        .selectFrom('cli_logins')
        .select('code_hash')
        .where('device_hash', '=', fingerprint(deviceToken))
        .where('expires_at', '>', people.now())
        .executeTakeFirst()
      if (!waiting) throw new Problem('login_not_approved')
      return null
    }
    const { user_id: userId, organization_id: organizationId } = approved
    if (userId === null || organizationId === null) throw new Problem('login_not_approved')
    return createKey(people, { userId, organizationId, name, connections: null, invokeOnly: false, actAs: false, expiresAt: null })
  })
}
