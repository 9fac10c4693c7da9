import { sql, type Insertable, type Selectable, type Updateable } from 'kysely'
import type { Executor } from './database.ts'
import type { FunctionVariablesTable } from './function-tables.ts'

export type VariableRow = Selectable<FunctionVariablesTable>

/** Variables that one organisation may have. */
export const mostVariables = 1000

/** Of one function, or the organisation's own (`functionId` null). */
export const findVariable = (
  db: Executor,
  organizationId: string,
  functionId: string | null,
  name: string,
): Promise<VariableRow | undefined> => {
  const query = db
    .selectFrom('function_variables')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where(sql<boolean>`lower(name) = ${name.toLowerCase()}`)
  return (functionId === null ? query.where('function_id', 'is', null) : query.where('function_id', '=', functionId)).executeTakeFirst()
}

/** What a script of this function means by the name: its own variable, else the organisation's. */
export const visibleVariable = (
  db: Executor,
  organizationId: string,
  functionId: string | null,
  name: string,
): Promise<VariableRow | undefined> =>
  db
    .selectFrom('function_variables')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where(sql<boolean>`lower(name) = ${name.toLowerCase()}`)
    .where(where => where.or([where('function_id', 'is', null), ...(functionId === null ? [] : [where('function_id', '=', functionId)])]))
    .orderBy('function_id', order => order.asc().nullsLast())
    .limit(1)
    .executeTakeFirst()

export const listVariables = (db: Executor, organizationId: string) =>
  db
    .selectFrom('function_variables as v')
    .leftJoin('functions as f', 'f.id', 'v.function_id')
    .leftJoin('users as u', 'u.id', 'v.updated_by')
    .selectAll('v')
    .select(['f.namespace as function_namespace', 'f.name as function_name', 'u.name as updater'])
    .where('v.organization_id', '=', organizationId)
    .orderBy(sql`lower(v.name)`)
    .orderBy('v.id')
    .limit(mostVariables)
    .execute()

export async function countVariables(db: Executor, organizationId: string): Promise<number> {
  const { count } = await db
    .selectFrom('function_variables')
    .select(sql<string>`count(*)`.as('count'))
    .where('organization_id', '=', organizationId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** @returns false when there is one of this name. */
export async function insertVariable(db: Executor, row: Insertable<FunctionVariablesTable>): Promise<boolean> {
  const inserted = await db
    .insertInto('function_variables')
    .values(row)
    .onConflict(conflict => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/** @returns false when it has changed since this version: a sealed value is bound to the one it was made for. */
export async function updateVariable(
  db: Executor,
  id: string,
  version: number,
  values: Updateable<FunctionVariablesTable>,
): Promise<boolean> {
  const updated = await db
    .updateTable('function_variables')
    .set({ ...values, version: version + 1, updated_at: sql`now()` })
    .where('id', '=', id)
    .where('version', '=', version)
    .returning('id')
    .executeTakeFirst()
  return updated !== undefined
}

export const deleteVariable = (db: Executor, id: string) => db.deleteFrom('function_variables').where('id', '=', id).execute()
