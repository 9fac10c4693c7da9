import { hash } from 'node:crypto'
import { sql, type RawBuilder, type Selectable } from 'kysely'
import type { Executor } from './database.ts'
import { decodeCursor, pageOf, type PageRequest } from './page.ts'
import type { InvocationSeriesTable } from './tables.ts'

/** What many calls have in common. */
export type Series = Omit<Selectable<InvocationSeriesTable>, 'id' | 'used_at'>

/** What one call adds to its series. */
export interface InvocationOutcome {
  readonly status: number | null
  readonly problem: string | null
}

/** One call as it is shown. Its id is its batch's, with its place in it as the last four hexadecimal digits. */
export interface InvocationRow extends Series, InvocationOutcome {
  readonly id: string
  readonly at: Date
  readonly duration_ms: number
}

/** A series and its row. */
export interface StoredSeries extends Series {
  readonly id: string
  /** Milliseconds since 1970: the row is there, and its `used_at` late enough, for calls before this; 0 while it is not known to be there. */
  storedUntil: number
}

/** Calls of one series with one outcome, at most a minute from the first to the last: what one row of the log holds. */
export interface InvocationBatch extends InvocationOutcome {
  /** A UUID that ends in 0000. */
  readonly id: string
  readonly series: StoredSeries
  /** Milliseconds since 1970. */
  readonly firstAt: number
  lastAt: number
  /** Of each call: milliseconds after the first, and how long it took. As many of the one as of the other, 65,536 at most. */
  readonly afterMs: number[]
  readonly durationMs: number[]
}

/** Longest time between the first and the last call of a batch: it bounds where a call of a given moment may be found. */
export const batchSpanMs = 60_000

const hourMs = 3_600_000

/** A series that nothing is known of. Its id is made of what it has in common, so that everybody who sees it gives it the same. */
export function newSeries(of: Series): StoredSeries {
  const { organization_id, user_id, subject_id, key_id, connection_id, connection, door, method, host } = of
  const text = JSON.stringify([organization_id, user_id, subject_id, key_id, connection_id, connection, door, method, host])
  const id = hash('sha256', text).slice(0, 32)
  return { id, storedUntil: 0, organization_id, user_id, subject_id, key_id, connection_id, connection, door, method, host }
}

/** A PostgreSQL array. The driver's own looks each value over twice, which was most of what a row cost this process. */
function array<T>(from: readonly T[], valueOf: (one: T) => string | number | null): string {
  let text = ''
  for (const one of from) {
    const value = valueOf(one)
    if (text !== '') text += ','
    if (value === null) text += 'NULL'
    else if (typeof value === 'number') text += value
    else text += /["\\]/.test(value) ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : `"${value}"`
  }
  return `{${text}}`
}

const numbers = (values: readonly number[]): string => `{${values.join(',')}}`

/** Stores the series that are new or were last stored an hour ago. */
async function storeSeries(db: Executor, batches: readonly InvocationBatch[]): Promise<void> {
  const missing = new Map<string, { readonly series: StoredSeries; usedAt: number }>()
  for (const { series, lastAt } of batches) {
    if (lastAt < series.storedUntil) continue
    const one = missing.get(series.id)
    if (one) one.usedAt = Math.max(one.usedAt, lastAt)
    else missing.set(series.id, { series, usedAt: lastAt })
  }
  if (missing.size === 0) return
  // In one order, so that two instances cannot wait for each other.
  const added = [...missing.values()].sort((a, b) => (a.series.id < b.series.id ? -1 : 1))
  const column = (name: keyof Series | 'id') => array(added, ({ series }) => series[name])
  await sql`
    insert into invocation_series (id, organization_id, user_id, subject_id, key_id, connection_id, connection, door, method, host, used_at)
    select id, organization_id, user_id, subject_id, key_id, connection_id, connection, door, method, host, to_timestamp(used_at / 1000)
    from unnest(
      ${column('id')}::uuid[], ${column('organization_id')}::text[], ${column('user_id')}::text[],
      ${column('subject_id')}::text[], ${column('key_id')}::text[], ${column('connection_id')}::uuid[], ${column('connection')}::text[],
      ${column('door')}::text[], ${column('method')}::text[], ${column('host')}::text[],
      ${array(added, ({ usedAt }) => usedAt)}::float8[])
      as s (id, organization_id, user_id, subject_id, key_id, connection_id, connection, door, method, host, used_at)
    on conflict (id) do update set used_at = greatest(invocation_series.used_at, excluded.used_at)`.execute(db)
  for (const { series, usedAt } of added) series.storedUntil = usedAt + hourMs
}

/**
 * Batches, each a row whose calls are two arrays: a row a call cost the embedded database 12 to 24 µs, this costs it less than one.
 * @param again  the same batches may have been stored by an attempt whose outcome is not known.
 */
export async function insertInvocations(db: Executor, batches: readonly InvocationBatch[], again: boolean): Promise<void> {
  if (batches.length === 0) return
  await storeSeries(db, batches)
  await sql`
    insert into invocation_batches (id, series_id, organization_id, first_at, last_at, status, problem, after_ms, duration_ms)
    select id, series_id, organization_id, to_timestamp(first_at / 1000), to_timestamp(last_at / 1000), status, problem,
      after_ms::int[], duration_ms::int[]
    from unnest(
      ${array(batches, one => one.id)}::uuid[], ${array(batches, one => one.series.id)}::uuid[],
      ${array(batches, one => one.series.organization_id)}::text[],
      ${array(batches, one => one.firstAt)}::float8[], ${array(batches, one => one.lastAt)}::float8[],
      ${array(batches, one => one.status)}::int[], ${array(batches, one => one.problem)}::text[],
      ${array(batches, one => numbers(one.afterMs))}::text[], ${array(batches, one => numbers(one.durationMs))}::text[])
      as b (id, series_id, organization_id, first_at, last_at, status, problem, after_ms, duration_ms)
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

type Filter = Omit<InvocationFilter, keyof PageRequest>

const batchesWithSeries = sql`invocation_batches b join invocation_series s on s.id = b.series_id`

/** Which batches hold calls that pass, but for their time. */
function passing(organizationId: string, { connection, user, status, visibleTo }: Filter): RawBuilder<unknown> {
  const wanted = [sql`b.organization_id = ${organizationId}`]
  if (connection) wanted.push(sql`s.connection = ${connection}`)
  if (user) wanted.push(sql`s.user_id = ${user}`)
  if (status === 'ok') wanted.push(sql`b.status < 400`)
  else if (status === 'error') wanted.push(sql`(b.status >= 400 or b.problem is not null)`)
  else if (status && /^\d{3}$/.test(status)) wanted.push(sql`b.status = ${Number(status)}`)
  else if (status) wanted.push(sql`b.problem = ${status}`)
  if (visibleTo)
    wanted.push(sql`(s.user_id = ${visibleTo}
      or s.connection_id in (select id from connections where organization_id = ${organizationId} and owner_id = ${visibleTo}))`)
  return sql.join(wanted, sql` and `)
}

/** `c`: each call of batch `b`. */
const callsOfBatch = sql`lateral unnest(b.after_ms, b.duration_ms) with ordinality as c (after_ms, duration_ms, place)`
const callAt = sql<Date>`(b.first_at + c.after_ms * interval '1 millisecond')`
const callId = sql<string>`(left(b.id::text, 32) || lpad(to_hex(c.place - 1), 4, '0'))::uuid`

const span = sql.raw(`interval '${batchSpanMs} milliseconds'`)
const sinceOf = ({ since }: Filter) => (since ? sql`${since.toISOString()}::timestamptz` : sql`'-infinity'::timestamptz`)
const untilOf = ({ until }: Filter) => (until ? sql`${until.toISOString()}::timestamptz` : sql`'infinity'::timestamptz`)

/**
 * One page, newest first. Of n batches each has a call at its `first_at`: so a page of n needs no batch that ended before the oldest of
 * the n newest of these moments.
 */
export async function listInvocations(db: Executor, organizationId: string, filter: InvocationFilter) {
  const after = decodeCursor(filter.cursor, 2)
  const cursor = after && { at: sql`${new Date(after[0] ?? 0).toISOString()}::timestamptz`, id: sql`${after[1] ?? ''}::uuid` }
  const batches = passing(organizationId, filter)
  const since = sinceOf(filter)
  const until = untilOf(filter)
  const end = cursor ? sql`least(${cursor.at}, ${until})` : until
  const { rows } = await sql<InvocationRow & { readonly user_name: string | null }>`
    with oldest as (
      select coalesce((
        select b.first_at from ${batchesWithSeries} where ${batches} and b.first_at >= ${since} and b.first_at < ${end}
        order by b.first_at desc offset ${filter.limit} limit 1), ${since}) as at),
    page as (
      select ${callId} as id, ${callAt} as at, b.status, b.problem, c.duration_ms, b.organization_id,
        s.user_id, s.subject_id, s.key_id, s.connection_id, s.connection, s.door, s.method, s.host
      from oldest, ${batchesWithSeries} cross join ${callsOfBatch}
      where ${batches} and b.first_at between oldest.at - ${span} and ${end} and b.last_at >= oldest.at
        and ${callAt} >= ${since} and ${callAt} < ${until} ${cursor ? sql`and (${callAt}, ${callId}) < (${cursor.at}, ${cursor.id})` : sql``}
      order by 2 desc, 1 desc limit ${filter.limit + 1})
    select page.*, u.name as user_name from page left join users u on u.id = page.user_id order by page.at desc, page.id desc`.execute(db)
  return pageOf(rows, filter.limit, row => [row.at.toISOString(), row.id])
}

/** Calls, errors and the middle and slow end of their durations, by time bucket and connection. */
export async function summariseInvocations(db: Executor, organizationId: string, filter: Filter, bucketSeconds: number) {
  const since = sinceOf(filter)
  const until = untilOf(filter)
  const { rows } = await sql<{ bucket: Date; connection: string | null; calls: string; errors: string; p50_ms: number; p95_ms: number }>`
    select to_timestamp(floor(extract(epoch from ${callAt}) / ${bucketSeconds}) * ${bucketSeconds}) as bucket, s.connection,
      count(*) as calls, count(*) filter (where b.status >= 400 or b.problem is not null) as errors,
      percentile_disc(0.5) within group (order by c.duration_ms) as p50_ms,
      percentile_disc(0.95) within group (order by c.duration_ms) as p95_ms
    from ${batchesWithSeries} cross join ${callsOfBatch}
    where ${passing(organizationId, filter)} and b.first_at between ${since} - ${span} and ${until}
      and ${callAt} >= ${since} and ${callAt} < ${until}
    group by 1, s.connection order by 1 limit 5000`.execute(db)
  return rows
}

/** Who has called through a connection lately, for `uses`. */
export const recentCallers = (db: Executor, organizationId: string, connectionId: string, days: number) =>
  db
    .selectFrom('invocation_batches as b')
    .innerJoin('invocation_series as s', 's.id', 'b.series_id')
    .leftJoin('users as u', 'u.id', 's.user_id')
    .select(['s.user_id', 'u.name as user_name', 's.key_id'])
    .select([sql<string>`sum(cardinality(b.after_ms))`.as('calls'), sql<Date>`max(b.last_at)`.as('last_at')])
    .where('b.organization_id', '=', organizationId)
    .where('s.connection_id', '=', connectionId)
    .where('b.first_at', '>', sql<Date>`now() - make_interval(days => ${days})`)
    .groupBy(['s.user_id', 'u.name', 's.key_id'])
    .orderBy('last_at', 'desc')
    .limit(100)
    .execute()

/** Series go a day after the last of their calls, because `used_at` may be an hour behind. */
export async function deleteInvocationsBefore(db: Executor, days: number): Promise<void> {
  await sql`
    delete from invocation_batches where first_at < now() - make_interval(days => ${days})
      and organization_id in (select organization_id from invocation_series)`.execute(db)
  await sql`delete from invocation_series where used_at < now() - make_interval(days => ${days} + 1)`.execute(db)
}
