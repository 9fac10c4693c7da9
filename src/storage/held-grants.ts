import { sql, type Insertable, type Selectable } from 'kysely'
import type { Executor } from './database.ts'
import type { HeldGrantsTable } from './tables.ts'

export type HeldGrantRow = Selectable<HeldGrantsTable>

/** A question waits as long as a flow, by the database's clock. */
const end = sql<Date>`now() + interval '10 minutes'`

export const insertHeldGrant = (db: Executor, row: Omit<Insertable<HeldGrantsTable>, 'expires_at'>) =>
  db
    .insertInto('held_grants')
    .values({ ...row, expires_at: end })
    .returning('expires_at')
    .executeTakeFirstOrThrow()

/** One that may still be answered. */
export const findHeldGrant = (db: Executor, id: string): Promise<HeldGrantRow | undefined> =>
  db
    .selectFrom('held_grants')
    .selectAll()
    .where('id', '=', id)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()

/** Take and delete, for the answer *use it*: of two answers at once, one gets the row. `heldSeconds` is how long it waited. */
export const takeHeldGrant = (db: Executor, id: string) =>
  db
    .deleteFrom('held_grants')
    .where('id', '=', id)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(sql<string>`extract(epoch from now() - created_at)`.as('heldSeconds'))
    .executeTakeFirst()

/** Which held grants: one, those of a connection (of one subject), of a service, of a member, or those that nobody answered in time. */
export type HeldGrants =
  | { readonly id: string }
  | { readonly connectionId: string; readonly subjectId?: string | undefined }
  | { readonly serviceId: string }
  | { readonly organizationId: string; readonly subjectId: string }
  | 'unanswered'

/** Takes what nobody will use any more. The caller tells the providers. */
export function takeHeldGrants(db: Executor, which: HeldGrants) {
  let query = db.deleteFrom('held_grants').returning(['attempt_id', 'revocation'])
  if (which === 'unanswered') query = query.where('expires_at', '<=', sql<Date>`now()`)
  else {
    if ('id' in which) query = query.where('id', '=', which.id)
    if ('connectionId' in which) query = query.where('connection_id', '=', which.connectionId)
    if ('serviceId' in which) query = query.where('service_id', '=', which.serviceId)
    if ('organizationId' in which) query = query.where('organization_id', '=', which.organizationId)
    if ('subjectId' in which && which.subjectId !== undefined) query = query.where('subject_id', '=', which.subjectId)
  }
  return query.execute()
}
