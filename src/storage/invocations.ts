import { createHash } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import type { Executor } from './database.ts'
import { decodeCursor, pageOf, type PageRequest } from './page.ts'
import type { InvocationSeriesTable, InvocationsTable } from './tables.ts'

type Series = Omit<Selectable<InvocationSeriesTable>, 'id' | 'used_at'>

/** One call as it is logged and shown, with what its series says. */
export type InvocationRow = Omit<Selectable<InvocationsTable>, 'series_id'> & Series

/** Series that are known to be stored, by what they have in common, and until when that needs no second look. */
export type KnownSeries = Map<string, { readonly id: string; until: number }>

const hourMs = 3_600_000

/** More than the series of an hour: what goes beyond is written once more. */
const seriesRemembered = 10_000

const keyOf = (row: Series): string =>
  JSON.stringify([
    row.organization_id,
    row.user_id,
    row.subject_id,
    row.key_id,
    row.connection_id,
    row.connection,
    row.door,
    row.method,
    row.host,
  ])

const idOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 32)

/** Stores the series that are new or were last stored an hour ago, and gives the id of each row's. */
async function storeSeries(db: Executor, rows: readonly InvocationRow[], known: KnownSeries): Promise<string[]> {
  const missing = new Map<string, { readonly row: InvocationRow; readonly key: string; usedAt: number }>()
  const ids = rows.map(row => {
    const key = keyOf(row)
    const stored = known.get(key)
    const at = row.at.getTime()
    if (stored && at < stored.until) return stored.id
    const id = stored?.id ?? idOf(key)
    const one = missing.get(id)
    if (one) one.usedAt = Math.max(one.usedAt, at)
    else missing.set(id, { row, key, usedAt: at })
    return id
  })
  if (missing.size === 0) return ids
  // In one order, so that two instances cannot wait for each other.
  const added = [...missing].sort(([a], [b]) => (a < b ? -1 : 1))
  const column = (name: keyof Series) => added.map(([, { row }]) => row[name])
  await sql`
    insert into invocation_series (id, organization_id, user_id, subject_id, key_id, connection_id, connection, door, method, host, used_at)
    select * from unnest(
      ${added.map(([id]) => id)}::uuid[], ${column('organization_id')}::text[], ${column('user_id')}::text[], ${column('subject_id')}::text[],
      ${column('key_id')}::text[], ${column('connection_id')}::uuid[], ${column('connection')}::text[], ${column('door')}::text[],
      ${column('method')}::text[], ${column('host')}::text[], ${added.map(([, { usedAt }]) => new Date(usedAt).toISOString())}::timestamptz[])
    on conflict (id) do update set used_at = greatest(invocation_series.used_at, excluded.used_at)`.execute(db)
  if (known.size + added.length > seriesRemembered) known.clear()
  for (const [id, { key, usedAt }] of added) known.set(key, { id, until: usedAt + hourMs })
  return ids
}

/** An array of values whose text needs no quotes: numbers, times, UUIDs. */
const plainArray = (values: readonly (string | number | null)[]): string => `{${values.map(value => value ?? 'NULL').join(',')}}`

/**
 * Many rows, one statement with one array a column, where single inserts cost ten times as much.
 * @param again  the same rows may have been stored by an attempt whose outcome is not known. Asking that costs a third more.
 */
export async function insertInvocations(db: Executor, rows: readonly InvocationRow[], known: KnownSeries, again: boolean): Promise<void> {
  if (rows.length === 0) return
  const series = await storeSeries(db, rows, known)
  await sql`
    insert into invocations (at, duration_ms, status, id, series_id, organization_id, problem)
    select * from unnest(
      ${plainArray(rows.map(row => row.at.toISOString()))}::timestamptz[], ${plainArray(rows.map(row => row.duration_ms))}::int[],
      ${plainArray(rows.map(row => row.status))}::int[], ${plainArray(rows.map(row => row.id))}::uuid[], ${plainArray(series)}::uuid[],
      ${rows.map(row => row.organization_id)}::text[], ${rows.map(row => row.problem)}::text[])
    ${again ? sql`on conflict do nothing` : sql``}`.execute(db)
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
  let query = db
    .selectFrom('invocations as i')
    .innerJoin('invocation_series as s', 's.id', 'i.series_id')
    .where('i.organization_id', '=', organizationId)
  if (filter.connection) query = query.where('s.connection', '=', filter.connection)
  if (filter.user) query = query.where('s.user_id', '=', filter.user)
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
        where('s.user_id', '=', userId),
        where(
          's.connection_id',
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
  let query = filtered(db, organizationId, filter)
    .leftJoin('users as u', 'u.id', 's.user_id')
    .select(['i.id', 'i.organization_id', 'i.at', 'i.status', 'i.problem', 'i.duration_ms', 'u.name as user_name'])
    .select(['s.user_id', 's.subject_id', 's.key_id', 's.connection_id', 's.connection', 's.door', 's.method', 's.host'])
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
      's.connection',
      sql<string>`count(*)`.as('calls'),
      sql<string>`count(*) filter (where i.status >= 400 or i.problem is not null)`.as('errors'),
      sql<number>`percentile_disc(0.5) within group (order by i.duration_ms)`.as('p50_ms'),
      sql<number>`percentile_disc(0.95) within group (order by i.duration_ms)`.as('p95_ms'),
    ])
    .groupBy(['bucket', 's.connection'])
    .orderBy('bucket')
    .limit(5000)
    .execute()

/** Who has called through a connection lately, for `uses`. */
export const recentCallers = (db: Executor, organizationId: string, connectionId: string, days: number) =>
  db
    .selectFrom('invocations as i')
    .innerJoin('invocation_series as s', 's.id', 'i.series_id')
    .leftJoin('users as u', 'u.id', 's.user_id')
    .select(['s.user_id', 'u.name as user_name', 's.key_id', sql<string>`count(*)`.as('calls'), sql<Date>`max(i.at)`.as('last_at')])
    .where('i.organization_id', '=', organizationId)
    .where('s.connection_id', '=', connectionId)
    .where('i.at', '>', sql<Date>`now() - make_interval(days => ${days})`)
    .groupBy(['s.user_id', 'u.name', 's.key_id'])
    .orderBy('last_at', 'desc')
    .limit(100)
    .execute()

/** Series go a day after the last of their calls, because `used_at` may be an hour behind. */
export async function deleteInvocationsBefore(db: Executor, days: number): Promise<void> {
  await sql`
    delete from invocations where at < now() - make_interval(days => ${days})
      and organization_id in (select organization_id from invocation_series)`.execute(db)
  await sql`delete from invocation_series where used_at < now() - make_interval(days => ${days} + 1)`.execute(db)
}
