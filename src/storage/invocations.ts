import { sql, type Selectable } from 'kysely'
import type { Executor } from './database.ts'
import { decodeCursor, pageOf, type PageRequest } from './page.ts'
import type { InvocationsTable } from './tables.ts'

export type InvocationRow = Selectable<InvocationsTable>

/** Many rows, one statement with one array a column: 4–5 µs a row on PostgreSQL where single inserts cost 66. */
export async function insertInvocations(db: Executor, rows: readonly InvocationRow[]): Promise<void> {
  if (rows.length === 0) return
  const column = <K extends keyof InvocationRow>(name: K) => rows.map(row => row[name])
  await sql`
    insert into invocations (id, organization_id, at, user_id, subject_id, key_id, connection_id, connection, door, method, host, status, problem, duration_ms)
    select * from unnest(
      ${column('id')}::uuid[], ${column('organization_id')}::text[], ${rows.map(row => row.at.toISOString())}::timestamptz[], ${column('user_id')}::text[],
      ${column('subject_id')}::text[], ${column('key_id')}::text[], ${column('connection_id')}::uuid[], ${column('connection')}::text[], ${column('door')}::text[],
      ${column('method')}::text[], ${column('host')}::text[], ${column('status')}::int[], ${column('problem')}::text[], ${column('duration_ms')}::int[])
    on conflict (id) do nothing`.execute(db)
}

export interface InvocationFilter extends PageRequest {
  readonly connection: string | null
  readonly user: string | null
  readonly status: string | null
  readonly since: Date | null
  readonly until: Date | null
  /** What a member who is no administrator sees: their own calls, and calls through their own connections. */
  readonly visibleTo: string | null
}

const filtered = (db: Executor, organizationId: string, filter: Omit<InvocationFilter, keyof PageRequest>) => {
  let query = db.selectFrom('invocations as i').where('i.organization_id', '=', organizationId)
  if (filter.connection) query = query.where('i.connection', '=', filter.connection)
  if (filter.user) query = query.where('i.user_id', '=', filter.user)
  if (filter.status === 'ok') query = query.where('i.status', '<', 400)
  else if (filter.status === 'error')
    query = query.where(where => where.or([where('i.status', '>=', 400), where('i.problem', 'is not', null)]))
  else if (filter.status && /^\d{3}$/.test(filter.status)) query = query.where('i.status', '=', Number(filter.status))
  else if (filter.status) query = query.where('i.problem', '=', filter.status)
  if (filter.since) query = query.where('i.at', '>=', filter.since)
  if (filter.until) query = query.where('i.at', '<', filter.until)
  if (filter.visibleTo) {
    const userId = filter.visibleTo
    query = query.where(where =>
      where.or([
        where('i.user_id', '=', userId),
        where(
          'i.connection_id',
          'in',
          db.selectFrom('connections').select('id').where('organization_id', '=', organizationId).where('owner_id', '=', userId),
        ),
      ]),
    )
  }
  return query
}

export async function listInvocations(db: Executor, organizationId: string, filter: InvocationFilter) {
  const after = decodeCursor(filter.cursor, 2)
  let query = filtered(db, organizationId, filter).leftJoin('users as u', 'u.id', 'i.user_id').selectAll('i').select('u.name as user_name')
  if (after) query = query.where(row => row(row.refTuple('i.at', 'i.id'), '<', row.tuple(new Date(after[0] ?? 0), after[1] ?? '')))
  const rows = await query
    .orderBy('i.at', 'desc')
    .orderBy('i.id', 'desc')
    .limit(filter.limit + 1)
    .execute()
  return pageOf(rows, filter.limit, row => [row.at.toISOString(), row.id])
}

/** Calls, errors and the middle and slow end of their durations, by time bucket and connection. */
export const summariseInvocations = (
  db: Executor,
  organizationId: string,
  filter: Omit<InvocationFilter, keyof PageRequest>,
  bucketSeconds: number,
) =>
  filtered(db, organizationId, filter)
    .select([
      sql<Date>`to_timestamp(floor(extract(epoch from i.at) / ${bucketSeconds}) * ${bucketSeconds})`.as('bucket'),
      'i.connection',
      sql<string>`count(*)`.as('calls'),
      sql<string>`count(*) filter (where i.status >= 400 or i.problem is not null)`.as('errors'),
      sql<number>`percentile_disc(0.5) within group (order by i.duration_ms)`.as('p50_ms'),
      sql<number>`percentile_disc(0.95) within group (order by i.duration_ms)`.as('p95_ms'),
    ])
    .groupBy(['bucket', 'i.connection'])
    .orderBy('bucket')
    .limit(5000)
    .execute()

/** Who has called through a connection lately, for `uses`. */
export const recentCallers = (db: Executor, organizationId: string, connectionId: string, days: number) =>
  db
    .selectFrom('invocations as i')
    .leftJoin('users as u', 'u.id', 'i.user_id')
    .select(['i.user_id', 'u.name as user_name', 'i.key_id', sql<string>`count(*)`.as('calls'), sql<Date>`max(i.at)`.as('last_at')])
    .where('i.organization_id', '=', organizationId)
    .where('i.connection_id', '=', connectionId)
    .where('i.at', '>', sql<Date>`now() - make_interval(days => ${days})`)
    .groupBy(['i.user_id', 'u.name', 'i.key_id'])
    .orderBy('last_at', 'desc')
    .limit(100)
    .execute()

export const deleteInvocationsBefore = (db: Executor, days: number) =>
  db
    .deleteFrom('invocations')
    .where('at', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .execute()
