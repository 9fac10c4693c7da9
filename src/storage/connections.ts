import { sql, type Insertable, type Selectable, type Updateable } from 'kysely'
import { linkNamePattern } from '../core/link-name.ts'
import type { Executor } from './database.ts'
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts'
import type { ConnectionsTable, CredentialsTable } from './tables.ts'

export type ConnectionRow = Selectable<ConnectionsTable>
export type CredentialRow = Selectable<CredentialsTable>

/** The member whose credential a call by `subjectId` would use: the owner, or the subject where login-user credentials are on. */
const holder = (subjectId: string | null) => sql<string>`case when c.use_login_user_credentials then ${subjectId}::text else c.owner_id end`

/** A connection with what a caller needs to know of its service, and the credential that a call of this subject would use. */
const view = (db: Executor, organizationId: string, subjectId: string | null) =>
  db
    .selectFrom('connections as c')
    .innerJoin('services as s', 's.id', 'c.service_id')
    .leftJoin('credentials as k', join => join.onRef('k.connection_id', '=', 'c.id').on('k.subject_id', '=', holder(subjectId)))
    .leftJoin('members as m', join => join.onRef('m.organization_id', '=', 'c.organization_id').on('m.user_id', '=', holder(subjectId)))
    .leftJoin('users as o', 'o.id', 'c.owner_id')
    .select([
      'c.id',
      'c.organization_id',
      'c.link_name',
      'c.name',
      'c.owner_id',
      'o.name as owner_name',
      'c.use_login_user_credentials',
      'c.access',
      'c.scopes',
      'c.last_used_at',
      'c.created_at',
      'c.updated_at',
      's.id as service_id',
      's.kind as service_kind',
      's.link_name as service_link_name',
      's.name as service_name',
      's.definition',
      's.client_id',
      's.sealed_client_secret',
      's.revision as service_revision',
      's.clock_offset_seconds',
      'm.id as membership_id',
      'k.subject_id',
      'k.sealed',
      'k.generation',
      'k.service_revision as credential_revision',
      'k.status',
      'k.status_reason',
      'k.status_detail',
      'k.status_since',
      'k.expires_at',
      'k.lifetime_seconds',
      'k.has_refresh_token',
      'k.asked_scopes',
      'k.granted_scopes',
      'k.agreed_hosts',
      'k.variables',
      'k.account_id',
      'k.account_label',
      'k.revoked_at_provider',
      'k.refreshed_at',
      'k.restored_from',
      // by the database's clock: an instance whose own clock is off neither refreshes too early nor too late
      sql<string | null>`extract(epoch from k.expires_at - now())`.as('expires_in'),
      sql<string | null>`extract(epoch from k.next_attempt_at - now())`.as('next_attempt_in'),
    ])
    .where('c.organization_id', '=', organizationId)

/**
 * The connection a caller means by its link name, with the credential that a call for this subject would use.
 * One statement: a cold call costs one round trip before it leaves the house.
 *
 * @returns undefined when there is none or it belongs to another organisation; who may use it is decided by core/connection.ts.
 */
export const findConnection = async (db: Executor, organizationId: string, subjectId: string | null, linkName: string) =>
  linkNamePattern.test(linkName) ? view(db, organizationId, subjectId).where('c.link_name', '=', linkName).executeTakeFirst() : undefined

export const findConnectionById = (db: Executor, organizationId: string, subjectId: string | null, id: string) =>
  view(db, organizationId, subjectId).where('c.id', '=', id).executeTakeFirst()

/** @returns false when it is gone; otherwise it stays until the transaction ends: whoever deletes it waits. */
export async function holdConnection(db: Executor, organizationId: string, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('connections')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row !== undefined
}

export type ConnectionView = NonNullable<Awaited<ReturnType<typeof findConnection>>>

export interface ConnectionFilter extends PageRequest {
  /** `shared`: authorised by this person; `available`: waiting for them; `others`: of others, and theirs to call. */
  readonly view: 'own' | 'shared' | 'available' | 'others' | 'usable' | 'all'
  readonly service: string | null
  readonly status: string | null
  readonly q: string | null
  /** A key's own list of link names; null for all. */
  readonly only: readonly string[] | null
}

/** Connections by link name, a page at a time. Who sees what is part of the statement, never a filter afterwards. */
export async function listConnections(
  db: Executor,
  organizationId: string,
  userId: string,
  filter: ConnectionFilter,
): Promise<Page<ConnectionView>> {
  const after = decodeCursor(filter.cursor, 1)
  const listed = sql<boolean>`(c.owner_id = ${userId} or c.access = '"organization"'::jsonb or c.access -> 'members' ? ${userId})`
  const mine = sql<boolean>`exists (select 1 from credentials own where own.connection_id = c.id and own.subject_id = ${userId} and own.status <> 'revoked')`
  let query = view(db, organizationId, userId)
  if (filter.view === 'own') query = query.where('c.owner_id', '=', userId)
  if (filter.view === 'shared') query = query.where('c.owner_id', '!=', userId).where('c.use_login_user_credentials', '=', true).where(mine)
  if (filter.view === 'available')
    query = query
      .where('c.owner_id', '!=', userId)
      .where('c.use_login_user_credentials', '=', true)
      .where(listed)
      .where(sql<boolean>`not ${mine}`)
  if (filter.view === 'others')
    query = query.where('c.owner_id', '!=', userId).where(sql<boolean>`(${mine} or (${listed} and not c.use_login_user_credentials))`)
  if (filter.view === 'usable') query = query.where(sql<boolean>`(${listed} or ${mine})`)
  if (filter.service) query = query.where('s.link_name', '=', filter.service)
  if (filter.status) query = query.where(sql`coalesce(k.status, 'authorization_required')`, '=', filter.status)
  if (filter.q) {
    const like = `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`
    query = query.where(where =>
      where.or([where('c.name', 'ilike', like), where('c.link_name', 'ilike', like), where('s.name', 'ilike', like)]),
    )
  }
  if (filter.only) query = query.where('c.link_name', 'in', filter.only.length ? [...filter.only] : [''])
  if (after) query = query.where('c.link_name', '>', after[0] ?? '')
  const rows = await query
    .orderBy('c.link_name')
    .limit(filter.limit + 1)
    .execute()
  return pageOf(rows, filter.limit, row => [row.link_name])
}

/** @returns false when the link name is taken. */
export async function insertConnection(db: Executor, row: Insertable<ConnectionsTable>): Promise<boolean> {
  const inserted = await db
    .insertInto('connections')
    .values(row)
    .onConflict(conflict => conflict.columns(['organization_id', 'link_name']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export const updateConnection = (db: Executor, organizationId: string, id: string, values: Updateable<ConnectionsTable>) =>
  db
    .updateTable('connections')
    .set({ ...values, updated_at: sql`now()` })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .execute()

export const deleteConnection = (db: Executor, organizationId: string, id: string) =>
  db.deleteFrom('connections').where('organization_id', '=', organizationId).where('id', '=', id).execute()

/** One statement for many: calls note their connection here a batch at a time. */
export async function touchConnections(db: Executor, uses: ReadonlyMap<string, Date>): Promise<void> {
  if (uses.size === 0) return
  await sql`
    update connections c set last_used_at = greatest(c.last_used_at, u.at)
    from unnest(${[...uses.keys()]}::uuid[], ${[...uses.values()].map(at => at.toISOString())}::timestamptz[]) as u(id, at)
    where c.id = u.id`.execute(db)
}
