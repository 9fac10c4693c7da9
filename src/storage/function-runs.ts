import { sql, type Insertable } from 'kysely'
import type { Executor } from './database.ts'
import type { FunctionRunsTable } from './function-tables.ts'
import { decodeTimedCursor, pageOf, type PageRequest } from './page.ts'

export type NewRun = Insertable<FunctionRunsTable>

const outcome = ['status', 'duration_ms', 'statements', 'calls', 'info', 'output', 'output_type', 'error', 'line', 'alive_at'] as const

/**
 * A run's row comes twice: when it begins and with its outcome, which stays. A batch may come a second time when nobody knows how its first
 * attempt ended.
 */
export async function insertRuns(db: Executor, rows: readonly NewRun[]): Promise<void> {
  if (rows.length === 0) return
  await db
    .insertInto('function_runs')
    .values(rows.map(row => ({ ...row, alive_at: row.status === 'running' ? sql<Date>`now()` : null })))
    .onConflict(conflict =>
      conflict
        .column('id')
        .doUpdateSet(Object.fromEntries(outcome.map(name => [name, sql.ref(`excluded.${name}`)])))
        .where('excluded.status' as 'function_runs.status', '<>', 'running'),
    )
    .execute()
}

/** Those that have no outcome yet. One that was thought dead, because this could not be written for a while, is not. */
export async function keepRunsAlive(db: Executor, ids: readonly string[]): Promise<void> {
  await sql`update function_runs set alive_at = now(), status = 'running', error = null, duration_ms = 0
    where id = any(${[...ids]}::uuid[]) and status in ('running', 'interrupted')`.execute(db)
}

/** Those whose process has not said for so long that it is alive. @returns how many */
export async function interruptRuns(db: Executor, seconds: number, sentence: string): Promise<number> {
  const { rows } = await sql`update function_runs set status = 'interrupted', error = ${sentence}, alive_at = null,
      duration_ms = least(2147483647, greatest(0, extract(epoch from alive_at - started_at) * 1000))::integer
    where status = 'running' and alive_at <= now() - make_interval(secs => ${seconds}) returning id`.execute(db)
  return rows.length
}

export interface RunFilter extends PageRequest {
  readonly functionId: string | null
  readonly status: string | null
  readonly door: string | null
  /** What a member who writes no functions sees: their own. */
  readonly visibleTo: string | null
  /** What a key sees that is limited to connections: its own. */
  readonly keyId: string | null
}

const selected = (db: Executor, organizationId: string) =>
  db
    .selectFrom('function_runs as r')
    .leftJoin('users as u', 'u.id', 'r.user_id')
    .selectAll('r')
    .select('u.name as user_name')
    .where('r.organization_id', '=', organizationId)

export type RunView = NonNullable<Awaited<ReturnType<ReturnType<typeof selected>['executeTakeFirst']>>>

/** The newest first. */
export async function listRuns(db: Executor, organizationId: string, filter: RunFilter) {
  const after = decodeTimedCursor(filter.cursor)
  let query = selected(db, organizationId)
  if (filter.functionId !== null) query = query.where('r.function_id', '=', filter.functionId)
  if (filter.status !== null) query = query.where('r.status', '=', filter.status as RunView['status'])
  if (filter.door !== null) query = query.where('r.door', '=', filter.door as RunView['door'])
  if (filter.visibleTo !== null) query = query.where('r.user_id', '=', filter.visibleTo)
  if (filter.keyId !== null) query = query.where('r.key_id', '=', filter.keyId)
  if (after) query = query.where(row => row(row.refTuple('r.started_at', 'r.id'), '<', row.tuple(after.at, after.id)))
  const rows = await query
    .orderBy('r.started_at', 'desc')
    .orderBy('r.id', 'desc')
    .limit(filter.limit + 1)
    .execute()
  return pageOf(rows, filter.limit, row => [row.started_at.toISOString(), row.id])
}

export const findRun = (db: Executor, organizationId: string, id: string): Promise<RunView | undefined> =>
  selected(db, organizationId).where('r.id', '=', id).executeTakeFirst()

/** The last one of each of these functions. */
export async function lastRuns(db: Executor, functionIds: readonly string[]) {
  if (functionIds.length === 0) return []
  const { rows } = await sql<{ function_id: string; status: RunView['status']; started_at: Date }>`
    select l.* from unnest(${[...functionIds]}::uuid[]) as f(id)
      cross join lateral (select function_id, status, started_at from function_runs where function_id = f.id order by started_at desc limit 1) l`.execute(
    db,
  )
  return rows
}

export async function deleteRunsBefore(db: Executor, days: number): Promise<void> {
  await sql`delete from function_runs where started_at < now() - make_interval(days => ${days})`.execute(db)
}
