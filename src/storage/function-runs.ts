import { sql, type Insertable } from 'kysely'
import { invalid } from '../core/problem.ts'
import type { Executor } from './database.ts'
import type { FunctionRunsTable } from './function-tables.ts'
import { decodeCursor, pageOf, type PageRequest } from './page.ts'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export type NewRun = Insertable<FunctionRunsTable>

/** Once each: a batch may come a second time when nobody knows how its first attempt ended. */
export async function insertRuns(db: Executor, rows: readonly NewRun[]): Promise<void> {
  if (rows.length === 0) return
  await db
    .insertInto('function_runs')
    .values([...rows])
    .onConflict(conflict => conflict.column('id').doNothing())
    .execute()
}

export interface RunFilter extends PageRequest {
  readonly functionId: string | null
  readonly status: string | null
  readonly door: string | null
  /** What a member who writes no functions sees: their own. */
  readonly visibleTo: string | null
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
  const after = decodeCursor(filter.cursor, 2)
  let query = selected(db, organizationId)
  if (filter.functionId !== null) query = query.where('r.function_id', '=', filter.functionId)
  if (filter.status !== null) query = query.where('r.status', '=', filter.status as RunView['status'])
  if (filter.door !== null) query = query.where('r.door', '=', filter.door as RunView['door'])
  if (filter.visibleTo !== null) query = query.where('r.user_id', '=', filter.visibleTo)
  if (after) {
    const at = new Date(after[0] ?? '')
    const id = after[1] ?? ''
    if (Number.isNaN(at.getTime()) || !uuid.test(id)) throw invalid('cursor', 'Use a next_cursor of this list, unchanged.')
    query = query.where(row => row(row.refTuple('r.started_at', 'r.id'), '<', row.tuple(at, id)))
  }
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
