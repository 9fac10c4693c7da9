import { sql } from 'kysely'
import { displayName } from '../core/link-name.ts'
import { invalid, Problem } from '../core/problem.ts'
import { insertKey, type ApiKey } from './api-keys.ts'
import { fingerprint } from './hashed-sessions.ts'
import { insertUser } from './invitations.ts'
import { insertOrganization, organizationSlug, slugRule, type Organization } from './organizations.ts'
import { hashed, type HashedPassword } from './passwords.ts'
import { emailAddress, inTransaction, newId, newToken, secondsFromNow, type People } from './people.ts'

const identifier = 'set-up link'
const linkSeconds = 24 * 3600

/** True once there is an administrator; it never becomes false again. */
export async function isSetUp(people: People): Promise<boolean> {
  return (await people.db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined
}

/**
 * The token of a set-up link, for the terminal. The newest replaces those before; it is kept (as a hash) in the database, because
 * the browser may reach another instance than the one that printed it.
 * @throws Problem already_set_up
 */
export async function issueSetUpToken(people: People): Promise<string> {
  return inTransaction(people, async people => {
    if (await isSetUp(people)) throw new Problem('already_set_up')
    const token = newToken(people)
    await people.db.deleteFrom('verifications').where('identifier', '=', identifier).execute()
    await people.db
      .insertInto('verifications')
      .values({
        id: newId(),
        identifier,
        value: fingerprint(token),
        expires_at: secondsFromNow(people, linkSeconds),
        created_at: people.now(),
        updated_at: people.now(),
      })
      .execute()
    return token
  })
}

/** @throws Problem already_set_up · setup_token_invalid */
export async function checkSetUpToken(people: People, token: string): Promise<void> {
  if (await isSetUp(people)) throw new Problem('already_set_up')
  const found = await people.db
    .selectFrom('verifications')
    .select('id')
    .where('identifier', '=', identifier)
    .where('value', '=', fingerprint(token))
    .where('expires_at', '>', people.now())
    .executeTakeFirst()
  if (!found) throw new Problem('setup_token_invalid')
}

export interface FirstSetUp {
  /** The token of the link; null when the operator's own settings do it, unattended. */
  readonly token: string | null
  readonly organizationName: string
  readonly slug?: string | undefined
  readonly name: string
  readonly email: string
  readonly password: string | HashedPassword
  /** A key for the administrator (`PATCHBAY_ADMIN_API_KEY`), stored as a hash like any other. */
  readonly apiKey?: string | undefined
}

/**
 * The first administrator and the first organisation, once: of two at the same time one is told `already_set_up`.
 * @throws Problem already_set_up · setup_token_invalid · validation_failed
 */
export async function setUpFirst(
  people: People,
  given: FirstSetUp,
): Promise<{ userId: string; organization: Organization; key: ApiKey | null; userIds: string[] }> {
  if (given.token !== null) await checkSetUpToken(people, given.token)
  else if (await isSetUp(people)) throw new Problem('already_set_up')
  const email = emailAddress.safeParse(given.email)
  if (!email.success) throw invalid('email', 'This is not an e-mail address.')
  const name = displayName.safeParse(given.name)
  if (!name.success) throw invalid('name', name.error.issues[0]?.message ?? 'A name is needed.')
  const organizationName = displayName.safeParse(given.organizationName)
  if (!organizationName.success) throw invalid('organization_name', organizationName.error.issues[0]?.message ?? 'A name is needed.')
  const slug = organizationSlug.safeParse(given.slug ?? 'default')
  if (!slug.success) throw invalid('slug', slugRule)
  const password = await hashed(given.password)

  return inTransaction(people, async people => {
    await sql`lock table users in share row exclusive mode`.execute(people.db)
    if (given.token !== null) await checkSetUpToken(people, given.token)
    else if (await isSetUp(people)) throw new Problem('already_set_up')
    const userId = newId()
    await insertUser(people, { id: userId, email: email.data, name: name.data, password })
    const organization = await insertOrganization(people, { name: organizationName.data, slug: slug.data }, userId)
    await people.db.deleteFrom('verifications').where('identifier', '=', identifier).execute()
    const holder = {
      organizationId: organization.id,
      userId,
      name: 'administrator',
      connections: null,
      invokeOnly: false,
      actAs: false,
      expiresAt: null,
    }
    const key = given.apiKey === undefined ? null : await insertKey(people, holder, given.apiKey)
    return { userId, organization, key, userIds: [userId] }
  })
}
