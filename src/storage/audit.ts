import type { Insertable } from 'kysely'
import type { Executor } from './database.ts'
import { decodeCursor, pageOf, type PageRequest } from './page.ts'
import type { AuditTable } from './tables.ts'

/** Written in the transaction of the change: if it cannot be written, the change does not happen. */
export const insertAudit = (db: Executor, rows: readonly Insertable<AuditTable>[]) =>
  db
    .insertInto('audit')
    .values([...rows])
    .execute()

export interface AuditFilter extends PageRequest {
  readonly action: string | null
  readonly actor: string | null
  readonly object: string | null
  readonly since: Date | null
  readonly until: Date | null
}

/** `at` is kept to the millisecond, which is what a cursor carries; rows of one moment follow each other by id. */
export async function listAudit(db: Executor, organizationId: string, filter: AuditFilter) {
  const after = decodeCursor(filter.cursor, 2)
  let query = db.selectFrom('audit').selectAll().where('organization_id', '=', organizationId)
  if (filter.action) query = query.where('action', '=', filter.action)
  if (filter.actor) query = query.where('actor_id', '=', filter.actor)
  if (filter.object) query = query.where('object', '=', filter.object)
  if (filter.since) query = query.where('at', '>=', filter.since)
  if (filter.until) query = query.where('at', '<', filter.until)
  if (after) query = query.where(row => row(row.refTuple('at', 'id'), '<', row.tuple(new Date(after[0] ?? 0), after[1] ?? '')))
  const rows = await query
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(filter.limit + 1)
    .execute()
  return pageOf(rows, filter.limit, row => [row.at.toISOString(), row.id])
}
