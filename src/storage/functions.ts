import { sql, type Insertable, type Selectable, type Updateable } from 'kysely'
import type { Executor } from './database.ts'
import type { FunctionsTable, FunctionSettingsTable, FunctionVersionsTable } from './function-tables.ts'
import { decodeCursor, decodeNumberCursor, pageOf, type Page, type PageRequest } from './page.ts'

export type FunctionRow = Selectable<FunctionsTable>

const isNamed = (namespace: string, name: string) =>
  sql<boolean>`lower(namespace) = ${namespace.toLowerCase()} and lower(name) = ${name.toLowerCase()}`

/** By its name, in any case. */
export const findFunction = (db: Executor, organizationId: string, namespace: string, name: string): Promise<FunctionRow | undefined> =>
  db.selectFrom('functions').selectAll().where('organization_id', '=', organizationId).where(isNamed(namespace, name)).executeTakeFirst()

/** For change: the row stays ours until the transaction ends. */
export const lockFunction = (db: Executor, organizationId: string, id: string): Promise<FunctionRow | undefined> =>
  db.selectFrom('functions').selectAll().where('organization_id', '=', organizationId).where('id', '=', id).forUpdate().executeTakeFirst()

export const findFunctionById = (db: Executor, organizationId: string, id: string): Promise<FunctionRow | undefined> =>
  db.selectFrom('functions').selectAll().where('organization_id', '=', organizationId).where('id', '=', id).executeTakeFirst()

/** By its name alone: the first of each namespace that has one, two at most. */
export const functionsNamed = (db: Executor, organizationId: string, name: string): Promise<FunctionRow[]> =>
  db
    .selectFrom('functions')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where(sql<boolean>`lower(name) = ${name.toLowerCase()}`)
    .limit(2)
    .execute()

export interface FunctionFilter extends PageRequest {
  readonly namespace: string | null
  readonly q: string | null
}

/** Without sources, by name. `inSource`: `q` is looked for in sources, too. */
export async function listFunctions(
  db: Executor,
  organizationId: string,
  filter: FunctionFilter,
  inSource: boolean,
): Promise<Page<Omit<FunctionRow, 'source'>>> {
  const after = decodeCursor(filter.cursor, 2)
  const key = sql<string>`lower(namespace)`
  let query = db
    .selectFrom('functions')
    .select(['id', 'organization_id', 'namespace', 'name', 'language', 'description', 'signature', 'uses', 'revision', 'owner_id'])
    .select([
      'author_id',
      'exposed_by_key',
      'exposed_to_members',
      'mapping',
      'sealed_arguments',
      'sealed_version',
      'created_at',
      'updated_at',
    ])
    .where('organization_id', '=', organizationId)
  if (filter.namespace !== null) query = query.where(key, '=', filter.namespace.toLowerCase())
  if (filter.q !== null) {
    const like = `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`
    query = query.where(
      where =>
      where.or([where('name', 'ilike', like), where('namespace', 'ilike', like), where('description', 'ilike', like), ...(inSource ? [where('source', 'ilike', like)] : [])]), // prettier-ignore
    )
  }
  if (after) query = query.where(sql<boolean>`(lower(namespace), lower(name)) > (${after[0]}, ${after[1]})`)
  const rows = await query
    .orderBy(key)
    .orderBy(sql`lower(name)`)
    .limit(filter.limit + 1)
    .execute()
  return pageOf(rows, filter.limit, row => [row.namespace.toLowerCase(), row.name.toLowerCase()])
}

/** "namespace.name", lower case, of every function of the organisation. */
export async function functionNames(db: Executor, organizationId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('functions')
    .select(sql<string>`lower(namespace || '.' || name)`.as('path'))
    .where('organization_id', '=', organizationId)
    .limit(20_000)
    .execute()
  return rows.map(row => row.path)
}

/** Those whose source names the connection, or calls the function ("namespace.name", lower case). */
export const functionsUsing = (db: Executor, organizationId: string, what: 'connections' | 'functions', name: string) =>
  db
    .selectFrom('functions as f')
    .leftJoin('users as u', 'u.id', 'f.author_id')
    .select(['f.id', 'f.namespace', 'f.name', 'u.name as author'])
    .where('f.organization_id', '=', organizationId)
    .where(sql<boolean>`f.uses -> ${sql.lit(what)} ? ${name}`)
    .orderBy('f.namespace')
    .orderBy('f.name')
    .limit(1000)
    .execute()

/** @returns false when there is one of this name. */
export async function insertFunction(db: Executor, row: Insertable<FunctionsTable>): Promise<boolean> {
  const inserted = await db
    .insertInto('functions')
    .values(row)
    .onConflict(conflict => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export const updateFunction = (db: Executor, organizationId: string, id: string, values: Updateable<FunctionsTable>) =>
  db
    .updateTable('functions')
    .set({ ...values, updated_at: sql`now()` })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .execute()

export const deleteFunction = (db: Executor, organizationId: string, id: string) =>
  db.deleteFrom('functions').where('organization_id', '=', organizationId).where('id', '=', id).execute()

// versions

export const insertVersion = (db: Executor, row: Insertable<FunctionVersionsTable>) =>
  db.insertInto('function_versions').values(row).execute()

export const findVersion = (db: Executor, functionId: string, revision: number) =>
  db.selectFrom('function_versions').selectAll().where('function_id', '=', functionId).where('revision', '=', revision).executeTakeFirst()

/** The newest first. */
export async function listVersions(db: Executor, functionId: string, page: PageRequest) {
  const after = decodeNumberCursor(page.cursor)
  let query = db
    .selectFrom('function_versions as v')
    .leftJoin('users as u', 'u.id', 'v.author_id')
    .select(['v.revision', 'v.author_id', 'u.name as author_name', 'v.note', 'v.saved_at', 'v.source'])
    .where('v.function_id', '=', functionId)
  if (after !== null) query = query.where('v.revision', '<', after)
  const rows = await query
    .orderBy('v.revision', 'desc')
    .limit(page.limit + 1)
    .execute()
  return pageOf(rows, page.limit, row => [String(row.revision)])
}

// settings

export type FunctionSettingsRow = Selectable<FunctionSettingsTable>

export const findFunctionSettings = (db: Executor, organizationId: string): Promise<FunctionSettingsRow | undefined> =>
  db.selectFrom('function_settings').selectAll().where('organization_id', '=', organizationId).executeTakeFirst()

/** Writes what is given and leaves the rest as it is, or as it is by default. */
export const putFunctionSettings = (db: Executor, organizationId: string, values: Partial<Insertable<FunctionSettingsTable>>) =>
  db
    .insertInto('function_settings')
    .values({
      organization_id: organizationId,
      date_format: 'dd-MMM-yyyy',
      time_zone: 'UTC',
      precedence: 'usual',
      profile: 'crm',
      default_connections: '{}',
      api_origins: '{}',
      ...values,
    })
    .onConflict(conflict => conflict.column('organization_id').doUpdateSet(values))
    .execute()

/** Writes the first key; @returns false when there is one already. */
export async function settleFunctionKey(
  db: Executor,
  organizationId: string,
  values: Pick<Updateable<FunctionSettingsTable>, 'key_hash' | 'sealed_key' | 'key_version' | 'key_prefix' | 'key_created_at'>,
): Promise<boolean> {
  await putFunctionSettings(db, organizationId, { organization_id: organizationId })
  const settled = await db
    .updateTable('function_settings')
    .set(values)
    .where('organization_id', '=', organizationId)
    .where('key_hash', 'is', null)
    .returning('organization_id')
    .executeTakeFirst()
  return settled !== undefined
}

/** Whose key of the public address this is. */
export const organizationOfFunctionKey = (db: Executor, hash: string) =>
  db
    .selectFrom('function_settings as s')
    .innerJoin('organizations as o', 'o.id', 's.organization_id')
    .select(['o.id', 'o.slug', 's.key_hash'])
    .where('s.key_hash', '=', hash)
    .executeTakeFirst()

/** Who may use each of these connections; those that do not exist are absent. */
export const connectionsNamed = (db: Executor, organizationId: string, linkNames: readonly string[]) =>
  linkNames.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('connections')
        .select(['link_name', 'owner_id', 'access', 'use_login_user_credentials'])
        .where('organization_id', '=', organizationId)
        .where('link_name', 'in', [...linkNames])
        .execute()
