import { sql, type Insertable, type Selectable } from 'kysely'
import type { Executor } from './database.ts'
import type { AttemptsTable, PendingAuthorizationsTable } from './tables.ts'

export type FlowRow = Selectable<PendingAuthorizationsTable>

/** A flow lives ten minutes by the database's clock. */
export const flowMinutes = 10
const end = sql<Date>`now() + make_interval(mins => ${flowMinutes})`

export const insertFlow = (db: Executor, row: Omit<Insertable<PendingAuthorizationsTable>, 'expires_at'>) =>
  db
    .insertInto('pending_authorizations')
    .values({ ...row, expires_at: end })
    .returning('expires_at')
    .executeTakeFirstOrThrow()

/** A flow that has not been finished and is not too old. */
export const findFlow = (db: Executor, id: string): Promise<FlowRow | undefined> =>
  db
    .selectFrom('pending_authorizations')
    .selectAll()
    .where('id', '=', id)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()

export const findFlowByState = (db: Executor, stateHash: string): Promise<FlowRow | undefined> =>
  db
    .selectFrom('pending_authorizations')
    .selectAll()
    .where('state_hash', '=', stateHash)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()

/** The browser leaves for the service: from here on the flow is known by its state. Once only. */
export async function departFlow(
  db: Executor,
  id: string,
  values: { state_hash: string; cookie_hash: string; sealed: Buffer },
): Promise<boolean> {
  const { numUpdatedRows } = await db.updateTable('pending_authorizations').set(values).where('id', '=', id).executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Take and delete: of two callbacks at once, one gets the row and the other nothing. */
export const takeFlow = (db: Executor, id: string): Promise<FlowRow | undefined> =>
  db
    .deleteFrom('pending_authorizations')
    .where('id', '=', id)
    .where('expires_at', '>', sql<Date>`now()`)
    .returningAll()
    .executeTakeFirst()

/** And ends the attempts that nobody can end any more: the flow was taken, and nothing came of it that could be stored. */
export async function deleteOldFlows(db: Executor): Promise<void> {
  await sql`
    with gone as (delete from pending_authorizations where expires_at <= now() returning attempt_id)
    update attempts set outcome = 'expired', finished_at = now() where outcome = 'started' and id in (select attempt_id from gone)`.execute(
    db,
  )
  await sql`
    update attempts a set outcome = 'expired', finished_at = now()
    where outcome = 'started' and started_at < now() - interval '1 hour'
      and not exists (select from pending_authorizations p where p.attempt_id = a.id)
      and not exists (select from held_grants h where h.attempt_id = a.id)`.execute(db)
}

export const insertAttempt = (db: Executor, row: Insertable<AttemptsTable>) => db.insertInto('attempts').values(row).execute()

/**
 * Adds what was seen; `outcome` ends it.
 * @returns false when it has ended as connected, which stays: the database had stored that without being able to say so.
 */
export async function recordAttempt(
  db: Executor,
  id: string,
  steps: readonly unknown[],
  end?: { outcome: AttemptsTable['outcome']; diagnosis: string | null },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update attempts set steps = steps || ${JSON.stringify(steps)}::jsonb,
      outcome = ${end?.outcome ?? sql`outcome`}, diagnosis = ${end ? end.diagnosis : sql`diagnosis`},
      finished_at = ${end ? sql`now()` : sql`finished_at`}
    where id = ${id}::uuid and outcome <> 'connected'`.execute(db)
  return numAffectedRows !== 0n
}

export const listAttempts = (db: Executor, organizationId: string, connectionId: string, limit: number) =>
  db
    .selectFrom('attempts as a')
    .leftJoin('users as u', 'u.id', 'a.subject_id')
    .select(['a.id', 'a.subject_id', 'u.name as subject_name', 'a.started_at', 'a.finished_at', 'a.outcome', 'a.steps', 'a.diagnosis'])
    .where('a.organization_id', '=', organizationId)
    .where('a.connection_id', '=', connectionId)
    .orderBy('a.started_at', 'desc')
    .limit(limit)
    .execute()
