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
    .orderBy('s.next_run', sql`asc nulls last`)
    .orderBy('s.id')
    .limit(1000)
    .execute()
}

export const findSchedule = (db: Executor, organizationId: string, id: string): Promise<ScheduleView | undefined> =>
  selected(db).where('s.organization_id', '=', organizationId).where('s.id', '=', id).executeTakeFirst()

export const insertSchedule = (db: Executor, row: Insertable<FunctionSchedulesTable>) =>
  db.insertInto('function_schedules').values(row).execute()

export const updateSchedule = (db: Executor, id: string, values: Updateable<FunctionSchedulesTable>) =>
  db.updateTable('function_schedules').set(values).where('id', '=', id).execute()

export const deleteSchedule = (db: Executor, id: string) => db.deleteFrom('function_schedules').where('id', '=', id).execute()

/** Those whose moment has come; ours until the transaction ends, so that of several instances one runs each. */
export const takeDueSchedules = (db: Executor, limit: number) =>
  db
    .selectFrom('function_schedules')
    .selectAll()
    .where('enabled', '=', true)
    .where('next_run', '<=', sql<Date>`now()`)
    .orderBy('next_run')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()
