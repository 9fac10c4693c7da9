import { sql, type Insertable, type Updateable } from 'kysely'
import type { Executor } from './database.ts'
import type { FunctionSchedulesTable } from './function-tables.ts'

const selected = (db: Executor) =>
  db
    .selectFrom('function_schedules as s')
    .innerJoin('functions as f', 'f.id', 's.function_id')
    .selectAll('s')
    .select(['f.namespace', 'f.name', 'f.owner_id', 'f.signature'])

export type ScheduleView = NonNullable<Awaited<ReturnType<ReturnType<typeof selected>['executeTakeFirst']>>>

export const listSchedules = (db: Executor, organizationId: string, functionId: string | null): Promise<ScheduleView[]> => {
  const query = selected(db).where('s.organization_id', '=', organizationId)
  return (functionId === null ? query : query.where('s.function_id', '=', functionId))
    .orderBy('s.next_run', order => order.asc().nullsLast())
    .orderBy('s.id')
    .limit(1000)
    .execute()
}

/** How many there are. Until the transaction ends nobody else counts those of this organisation: two at once do not pass a limit together. */
export async function countSchedules(trx: Executor, organizationId: string, functionId: string) {
  await trx.selectFrom('organizations').select('id').where('id', '=', organizationId).forNoKeyUpdate().execute()
  const { rows } = await sql<{ all: number; own: number }>`
    select count(*)::integer as "all", (count(*) filter (where function_id = ${functionId}))::integer as own
    from function_schedules where organization_id = ${organizationId}`.execute(trx)
  return { ofOrganization: rows[0]?.all ?? 0, ofFunction: rows[0]?.own ?? 0 }
}

/** Those of one function, with what is sealed. */
export const schedulesOfFunction = (db: Executor, functionId: string) =>
  db.selectFrom('function_schedules').selectAll().where('function_id', '=', functionId).execute()

export const findSchedule = (db: Executor, organizationId: string, id: string): Promise<ScheduleView | undefined> =>
  selected(db).where('s.organization_id', '=', organizationId).where('s.id', '=', id).executeTakeFirst()

export const insertSchedule = (db: Executor, row: Insertable<FunctionSchedulesTable>) =>
  db.insertInto('function_schedules').values(row).execute()

/** @returns false when its sealed arguments have changed since `version`. */
export async function updateSchedule(
  db: Executor,
  id: string,
  values: Updateable<FunctionSchedulesTable>,
  version: number | null = null,
): Promise<boolean> {
  const query = db.updateTable('function_schedules').set(values).where('id', '=', id)
  const updated = await (version === null ? query : query.where('sealed_version', '=', version)).returning('id').executeTakeFirst()
  return updated !== undefined
}

export const deleteSchedule = (db: Executor, id: string) => db.deleteFrom('function_schedules').where('id', '=', id).execute()

/** Those whose moment has come; ours until the transaction ends, so that of several instances one runs each. */
export const takeDueSchedules = (db: Executor, limit: number): Promise<ScheduleView[]> =>
  selected(db)
    .where('s.enabled', '=', true)
    .where('s.next_run', '<=', sql<Date>`now()`)
    .orderBy('s.next_run')
    .limit(limit)
    .forUpdate('s')
    .skipLocked()
    .execute()

/** Those that wait for their moment, in the order of their ids; ours until the transaction ends. */
export const plannedSchedules = (trx: Executor, afterId: string | null, limit: number) => {
  const query = trx.selectFrom('function_schedules').select(['id', 'cron', 'time_zone', 'next_run']).where('enabled', '=', true)
  return (afterId === null ? query : query.where('id', '>', afterId)).orderBy('id').limit(limit).forUpdate().execute()
}
