import { keyScope } from '../core/key-scopes.ts'
import { linkNamePattern } from '../core/link-name.ts'
import { invalid, Problem } from '../core/problem.ts'
import { fingerprint } from './hashed-sessions.ts'
import { membership } from './members.ts'
import { firstPage, inTransaction, newId, newToken, type PageOf, type People } from './people.ts'

/** Begins with `pb_`, for scanners that look for leaked secrets; then 32 visible characters at least. Ours have 43: 256 bits. */
export const keyPattern = /^pb_[\x21-\x7e]{32,200}$/

/** A key as it may be shown: never the key. */
export interface ApiKey {
  readonly id: string
  readonly organization_id: string
  readonly user_id: string
  readonly name: string
  readonly prefix: string
  readonly connections: readonly string[] | null
  readonly invoke_only: boolean
  readonly act_as: boolean
  readonly scopes: readonly string[] | null
  readonly expires_at: Date | null
  readonly created_at: Date
  readonly last_used_at: Date | null
}

export interface NewApiKey {
  readonly organizationId: string
  readonly userId: string
  readonly name: string
  /** Link names it may use, at most 100; null for all that its member may use. */
  readonly connections: readonly string[] | null
  readonly invokeOnly: boolean
  readonly actAs: boolean
  /** All that it may do, 1 to 20 of `core/key-scopes.ts`; left out or null for everything its member may do. */
  readonly scopes?: readonly string[] | null
  readonly expiresAt: Date | null
}

const shown = [
  'id',
  'organization_id',
  'user_id',
  'name',
  'prefix',
  'connections',
  'invoke_only',
  'act_as',
  'scopes',
  'expires_at',
  'created_at',
  'last_used_at',
] as const

/**
 * A new key for a member.
 * @returns the key itself this once; only its SHA-256 is kept.
 * @throws Problem validation_failed · member_not_found
 */
export async function createKey(people: People, given: NewApiKey): Promise<{ row: ApiKey; key: string }> {
  const key = 'pb_' + newToken(people)
  return { row: await insertKey(people, given, key), key }
}

/**
 * Stores a key that somebody chose (`PATCHBAY_ADMIN_API_KEY`).
 * @throws Problem validation_failed: also when the key is not of the right form, or exists · member_not_found
 */
export async function insertKey(people: People, given: NewApiKey, key: string): Promise<ApiKey> {
  if (!keyPattern.test(key)) throw invalid('key', 'A key begins with pb_, then come 32 to 200 visible characters without blanks.')
  const name = given.name.trim()
  if (name === '' || [...name].length > 100) throw invalid('name', 'A name is needed, of 100 characters at most.')
  if (given.connections) {
    if (given.connections.length === 0 || given.connections.length > 100)
      throw invalid('connections', 'Name 1 to 100 connections, or leave this out.')
    const wrong = given.connections.findIndex(linkName => !linkNamePattern.test(linkName))
    if (wrong >= 0) throw invalid(`connections.${wrong}`, 'This is not a link name.')
  }
  if (given.scopes) {
    if (given.scopes.length === 0 || given.scopes.length > 20) throw invalid('scopes', 'Name 1 to 20 scopes, or leave this out.')
    const wrong = given.scopes.findIndex(scope => !keyScope.safeParse(scope).success)
    if (wrong >= 0) throw invalid(`scopes.${wrong}`, 'Write Service.resource.OPERATION, such as ZohoCRM.functions.execute.READ.')
  }
  if (given.actAs && !given.connections) throw invalid('connections', 'A key that may act for others must be limited to named connections.')
  if (given.expiresAt && given.expiresAt <= people.now()) throw invalid('expires_at', 'Choose a time in the future.')

  return inTransaction(people, async people => {
    if ((await membership(people, given.userId, given.organizationId)) === null) throw new Problem('member_not_found')
    const row = await people.db
      .insertInto('api_keys')
      .values({
        id: newId(),
        organization_id: given.organizationId,
        user_id: given.userId,
        name,
        hash: fingerprint(key),
        prefix: key.slice(0, 7),
        connections: given.connections && JSON.stringify([...new Set(given.connections)]),
        invoke_only: given.invokeOnly,
        act_as: given.actAs,
        scopes: given.scopes ? JSON.stringify([...new Set(given.scopes)]) : null,
        expires_at: given.expiresAt,
        created_at: people.now(),
      })
      .onConflict(conflict => conflict.column('hash').doNothing())
      .returning(shown)
      .executeTakeFirst()
    if (!row) throw invalid('key', 'This key exists already.')
    return row
  })
}

/** When this key ends, in milliseconds since 1970: never (Infinity), or -Infinity when it is gone. For what was begun with it a while ago. */
export async function keyEndsAt(people: People, id: string): Promise<number> {
  const key = await people.db.selectFrom('api_keys').select('expires_at').where('id', '=', id).executeTakeFirst()
  return key === undefined ? -Infinity : (key.expires_at?.getTime() ?? Infinity)
}

/** The keys of one member, or of all (`userId` null), in the order they were made; one page. Expired ones are among them. */
export function listKeys(
  people: People,
  of: { organizationId: string; userId: string | null },
  page: PageOf = firstPage,
): Promise<ApiKey[]> {
  let rows = people.db
    .selectFrom('api_keys')
    .select(shown)
    .where('organization_id', '=', of.organizationId)
    .orderBy('created_at')
    .orderBy('id')
    .limit(page.limit)
  if (of.userId !== null) rows = rows.where('user_id', '=', of.userId)
  const { after } = page
  if (after)
    rows = rows.where(row =>
      row.or([row('created_at', '>', after.created_at), row.and([row('created_at', '=', after.created_at), row('id', '>', after.id)])]),
    )
  return rows.execute()
}

/**
 * Revokes a key: one's own, or anybody's in the organisation (`userId` null, for administrators). Then `drop` it from the key ring.
 * @throws Problem key_not_found
 */
export async function revokeKey(
  people: People,
  of: { organizationId: string; userId: string | null },
  id: string,
): Promise<{ row: ApiKey; userIds: string[] }> {
  let deletion = people.db.deleteFrom('api_keys').where('organization_id', '=', of.organizationId).where('id', '=', id)
  if (of.userId !== null) deletion = deletion.where('user_id', '=', of.userId)
  const row = await deletion.returning(shown).executeTakeFirst()
  if (!row) throw new Problem('key_not_found')
  return { row, userIds: [row.user_id] }
}
