import { jsonBuildObject } from 'kysely/helpers/postgres'
import { sql, type Insertable, type RawBuilder, type Selectable, type Updateable } from 'kysely'
import { linkNamePattern } from '../core/link-name.ts'
import type { Executor } from './database.ts'
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts'
import { prepared } from './session.ts'
import type { ConnectionsTable, CredentialsTable } from './tables.ts'

export type ConnectionRow = Selectable<ConnectionsTable>
export type CredentialRow = Selectable<CredentialsTable>

/** The member whose credential a call by `subjectId` would use: the owner, or the subject where login-user credentials are on. */
const holder = (subjectId: string | null) => sql<string>`case when c.use_login_user_credentials then ${subjectId}::text else c.owner_id end`

/** An organisation's connections, each with its service, the credential that a call of this subject would use, and whose that is. */
const joined = (db: Executor, organizationId: string, subjectId: string | null) =>
  db
    .selectFrom('connections as c')
    .innerJoin('services as s', 's.id', 'c.service_id')
    .leftJoin('credentials as k', join => join.onRef('k.connection_id', '=', 'c.id').on('k.subject_id', '=', holder(subjectId)))
    .leftJoin('members as m', join => join.onRef('m.organization_id', '=', 'c.organization_id').on('m.user_id', '=', holder(subjectId)))
    .where('c.organization_id', '=', organizationId)

/** By the database's clock: an instance whose own clock is off neither refreshes too early nor too late. */
const expiresIn = sql<number | null>`extract(epoch from k.expires_at - now())::float8`

const view = (db: Executor, organizationId: string, subjectId: string | null) =>
  joined(db, organizationId, subjectId)
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
      expiresIn.as('expires_in'),
      sql<string | null>`extract(epoch from k.next_attempt_at - now())`.as('next_attempt_in'),
    ])

const byLinkName = prepared(
  'find_connection',
  ['organizationId', 'subjectId', 'linkName'],
  (db, { organizationId, subjectId, linkName }: { organizationId: string; subjectId: string | null; linkName: string }) =>
    view(db, organizationId, subjectId).where('c.link_name', '=', linkName),
)

/**
 * The connection a caller means by its link name, with the credential that a call for this subject would use.
 *
 * @returns undefined when there is none or it belongs to another organisation; who may use it is decided by core/connection.ts.
 */
export const findConnection = async (db: Executor, organizationId: string, subjectId: string | null, linkName: string) =>
  linkNamePattern.test(linkName) ? (await byLinkName(db, { organizationId, subjectId, linkName }))[0] : undefined

const wayByLinkName = prepared(
  'find_way',
  ['organizationId', 'subjectId', 'linkName'],
  (db, { organizationId, subjectId, linkName }: { organizationId: string; subjectId: string | null; linkName: string }) =>
    joined(db, organizationId, subjectId)
      .where('c.link_name', '=', linkName)
      .select(({ ref }) => [
        jsonBuildObject({
          id: ref('c.id'),
          organization_id: ref('c.organization_id'),
          link_name: ref('c.link_name'),
          owner_id: ref('c.owner_id'),
          use_login_user_credentials: ref('c.use_login_user_credentials'),
          access: ref('c.access'),
          service_id: ref('s.id'),
          service_link_name: ref('s.link_name'),
          client_id: ref('s.client_id'),
          service_revision: ref('s.revision'),
          clock_offset_seconds: ref('s.clock_offset_seconds'),
          membership_id: ref('m.id'),
          generation: ref('k.generation'),
          credential_revision: ref('k.service_revision'),
          status: ref('k.status'),
          status_reason: ref('k.status_reason'),
          lifetime_seconds: ref('k.lifetime_seconds'),
          has_refresh_token: ref('k.has_refresh_token'),
          asked_scopes: ref('k.asked_scopes'),
          agreed_hosts: ref('k.agreed_hosts'),
          variables: ref('k.variables'),
          expires_in: expiresIn,
        }).as('facts'),
        // as text: nearly always it is one that was read before
        sql<string | null>`s.definition::text`.as('definition'),
        'k.sealed',
        's.sealed_client_secret',
      ]),
)

/**
 * Of the same no more than a call needs, and most of it as one document: what is returned in a column of its own costs this process as much as
 * the database to find the row. One statement: a cold call costs one round trip before it leaves the house.
 */
export const findWay = async (db: Executor, organizationId: string, subjectId: string | null, linkName: string) =>
  linkNamePattern.test(linkName) ? (await wayByLinkName(db, { organizationId, subjectId, linkName }))[0] : undefined

/** A row of `findWay`. */
export type Way = NonNullable<Awaited<ReturnType<typeof findWay>>>

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

/** What others than the owner may see. The words are those of the index `connections_beyond_owner`. */
const beyondOwner = sql`(c.access <> '"private"'::jsonb or c.use_login_user_credentials)`

/**
 * What this person sees of an organisation: conditions of which one must hold. Each is answered in the order of the list by an index of its
 * own, and read no further than the page; with "or" between them the whole organisation would be.
 */
function seenBy(userId: string, view: ConnectionFilter['view']): RawBuilder<unknown>[] {
  const own = sql`c.owner_id = ${userId}`
  const shared = sql`(c.access = '"organization"'::jsonb or c.access -> 'members' ? ${userId})`
  // only where login-user credentials are on has anybody but the owner one
  const mine = sql`(c.use_login_user_credentials and exists (select from credentials own
    where own.connection_id = c.id and own.subject_id = ${userId} and own.status <> 'revoked'))`
  const ofOthers = sql`${beyondOwner} and c.owner_id <> ${userId}`
  if (view === 'all') return [sql`true`]
  if (view === 'own') return [own]
  if (view === 'shared') return [sql`${ofOthers} and ${mine}`]
  if (view === 'available') return [sql`${ofOthers} and c.use_login_user_credentials and ${shared} and not ${mine}`]
  if (view === 'others') return [sql`${ofOthers} and (${mine} or (${shared} and not c.use_login_user_credentials))`]
  return [own, sql`${beyondOwner} and (${shared} or ${mine})`]
}

async function findServiceId(db: Executor, organizationId: string, linkName: string): Promise<string | undefined> {
  const service = db.selectFrom('services').select('id').where('organization_id', '=', organizationId).where('link_name', '=', linkName)
  return (await service.executeTakeFirst())?.id
}

/** @param serviceId of the service that is asked for. */
function filteredBy(
  organizationId: string,
  userId: string,
  { status, q, only }: ConnectionFilter,
  serviceId: string | null,
): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = []
  if (serviceId !== null) conditions.push(sql`c.service_id = ${serviceId}::uuid`)
  const used = sql`select k.status from credentials k where k.connection_id = c.id and k.subject_id = ${holder(userId)}`
  // the whole organisation has to be looked through, at once: by looking for the credential of one connection after another it takes four times as long
  if (status === 'authorization_required')
    conditions.push(sql`c.id in (with waiting as materialized (
      select w.id from connections w where w.organization_id = ${organizationId} and not exists (select from credentials k
        where k.organization_id = ${organizationId} and k.connection_id = w.id and k.status <> 'authorization_required'
          and k.subject_id = case when w.use_login_user_credentials then ${userId}::text else w.owner_id end))
      select id from waiting)`)
  // nearly all are: of a bare "=" the planner thinks that nearly none is, and sorts everything instead of following the index
  else if (status === 'connected') conditions.push(sql`case when (${used}) = 'connected' then true else false end`)
  // few are: found by who has this status, not by looking at everybody
  else if (status)
    conditions.push(sql`(${used}) = ${status} and c.id in (select n.connection_id from credentials n
      where n.organization_id = ${organizationId} and n.status = ${status} and n.status <> 'connected')`)
  if (q) {
    const like = `%${q.replace(/[\\%_]/g, '\\$&')}%`
    conditions.push(sql`(c.name ilike ${like} or c.link_name like lower(${like}::text)
      or c.service_id in (select n.id from services n where n.organization_id = ${organizationId} and n.name ilike ${like}))`)
  }
  if (only) conditions.push(sql`c.link_name = any(${[...only]}::text[])`)
  return conditions
}

/**
 * Connections by link name, a page at a time. Who sees what is part of the statement, never a filter afterwards. Which ones are on the page
 * is found among the connections alone; what a caller needs to know beside is read for those.
 */
export async function listConnections(
  db: Executor,
  organizationId: string,
  userId: string,
  filter: ConnectionFilter,
): Promise<Page<ConnectionView>> {
  const after = decodeCursor(filter.cursor, 1)
  // asked for by itself, so that the planner knows how many connections this one has
  const service = filter.service ? await findServiceId(db, organizationId, filter.service) : null
  if (service === undefined) return { data: [], next_cursor: null }
  const conditions = filteredBy(organizationId, userId, filter, service)
  if (after) conditions.push(sql`c.link_name > ${after[0] ?? ''}`)
  const all = sql.join([sql`c.organization_id = ${organizationId}`, ...conditions], sql` and `)
  const most = filter.limit + 1
  const scans = seenBy(userId, filter.view).map(
    seen => sql`(select c.id, c.link_name from connections c where ${all} and ${seen} order by c.link_name limit ${most})`,
  )
  const onPage = sql<string>`(select p.id from (${sql.join(scans, sql` union `)}) p order by p.link_name limit ${most})`
  const rows = await view(db, organizationId, userId).where('c.id', 'in', onPage).orderBy('c.link_name').execute()
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
export async function touchConnections(db: Executor, uses: ReadonlyMap<string, number>): Promise<void> {
  if (uses.size === 0) return
  await sql`
    update connections c set last_used_at = greatest(c.last_used_at, to_timestamp(u.at / 1000))
    from unnest(${[...uses.keys()]}::uuid[], ${[...uses.values()]}::float8[]) as u(id, at)
    where c.id = u.id`.execute(db)
}
