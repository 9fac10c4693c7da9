import { sql, type RawBuilder } from 'kysely'
import type { Database, Executor } from './database.ts'

/**
 * Every column that holds a sealed field, and what its place is made of. A rotation of data keys, a verification of everything and the
 * decision that a data key may be destroyed go by this list: a column that is not on it would become unreadable. A test compares it with
 * the `bytea` columns that the database has.
 */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** The primary key, in its order. The row id of the place is its values, joined by colons. */
  readonly key: readonly { readonly name: string; readonly type: 'uuid' | 'text' }[]
  /** The columns that the place's versions are in; null: 1. */
  readonly rowVersion: string | null
  readonly serviceRevision: string | null
}

const id = [{ name: 'id', type: 'uuid' }] as const
const textId = [{ name: 'id', type: 'text' }] as const

export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'credentials',
    column: 'sealed',
    key: [
      { name: 'connection_id', type: 'uuid' },
      { name: 'subject_id', type: 'text' },
    ],
    rowVersion: 'generation',
    serviceRevision: 'service_revision',
  },
  { table: 'services', column: 'sealed_client_secret', key: id, rowVersion: 'revision', serviceRevision: 'revision' },
  { table: 'pending_authorizations', column: 'sealed', key: textId, rowVersion: null, serviceRevision: 'service_revision' },
  { table: 'held_grants', column: 'sealed', key: textId, rowVersion: null, serviceRevision: 'service_revision' },
  { table: 'function_variables', column: 'sealed', key: id, rowVersion: 'version', serviceRevision: null },
  { table: 'functions', column: 'sealed_arguments', key: id, rowVersion: 'sealed_version', serviceRevision: null },
  { table: 'function_schedules', column: 'sealed_arguments', key: id, rowVersion: 'sealed_version', serviceRevision: null },
  {
    table: 'function_settings',
    column: 'sealed_key',
    key: [{ name: 'organization_id', type: 'text' }],
    rowVersion: 'key_version',
    serviceRevision: null,
  },
]

/** One sealed field and its place. */
export interface SealedRow {
  readonly key: readonly string[]
  readonly organization_id: string
  readonly sealed: Buffer
  readonly row_version: number
  readonly service_revision: number
}

/** The id of the data key inside a sealed field: 16 bytes after the first. What is shorter was not written by us, and must not make a statement fail. */
const kidIn = (field: RawBuilder<unknown>) =>
  sql<string>`case when octet_length(${field}) >= 17 then encode(substring(${field} from 2 for 16), 'hex')::uuid end`
const columnOf = (name: string | null) => (name === null ? sql.lit(1) : sql.ref(`t.${name}`))
const fieldOf = ({ column }: SealedColumn) => sql`${sql.ref(`t.${column}`)}`

export type WhichRows = 'all' | 'by a retired data key'

/** What is read of a row. */
const parts = (
  one: SealedColumn,
  field: RawBuilder<unknown> = fieldOf(one),
) => sql`array[${sql.join(one.key.map(({ name }) => sql`${sql.ref(`t.${name}`)}::text`))}] as key, t.organization_id,
  ${field} as sealed, ${columnOf(one.rowVersion)} as row_version, ${columnOf(one.serviceRevision)} as service_revision`

export interface SealedPage {
  readonly rows: readonly SealedRow[]
  /** The primary key that was looked at last; null: the column was looked at to its end. */
  readonly next: readonly string[] | null
}

/**
 * Looks at the next `size` rows after a primary key, in its order. So many are looked at, not found: a statement stays short where few of
 * millions are left.
 */
export async function sealedRows(
  db: Executor,
  one: SealedColumn,
  which: WhichRows,
  after: readonly string[] | null,
  size: number,
): Promise<SealedPage> {
  const key = sql.join(one.key.map(({ name }) => sql.ref(`t.${name}`)))
  const beyond =
    after === null ? sql`` : sql`where (${key}) > (${sql.join(one.key.map(({ type }, i) => sql`${after[i]}::text::${sql.raw(type)}`))})`
  const retired = sql`exists (select from data_keys k where k.kid = ${kidIn(fieldOf(one))} and k.state = 'retired')`
  const field = which === 'all' ? fieldOf(one) : sql`case when ${retired} then ${fieldOf(one)} end`
  const { rows } = await sql<Omit<SealedRow, 'sealed'> & { sealed: Buffer | null }>`
    select ${parts(one, field)} from ${sql.table(one.table)} t ${beyond} order by ${key} limit ${size}`.execute(db)
  return {
    rows: rows.flatMap(row => (row.sealed === null ? [] : [{ ...row, sealed: row.sealed }])),
    next: rows.length < size ? null : (rows.at(-1)?.key ?? null),
  }
}

/** One sealed field of each data key that a column's fields begin with. */
export async function oneSealedRowOfEachDataKey(db: Executor, one: SealedColumn): Promise<SealedRow[]> {
  const kid = kidIn(fieldOf(one))
  const { rows } = await sql<SealedRow>`select distinct on (${kid}) ${parts(one)} from ${sql.table(one.table)} t
    where ${fieldOf(one)} is not null order by ${kid}`.execute(db)
  return rows
}

export async function countSealedByRetired(db: Executor): Promise<number> {
  let count = 0
  for (const one of sealedColumns) {
    const { rows } = await sql<{ count: string }>`select count(*) as count from ${sql.table(one.table)} t
      join data_keys k on k.kid = ${kidIn(fieldOf(one))} where k.state = 'retired'`.execute(db)
    count += Number(rows[0]?.count ?? 0)
  }
  return count
}

/** Writes fields that were sealed again, each where the cell still holds what was read: whatever was written meanwhile is newer. @returns how many. */
export async function replaceSealed(
  db: Executor,
  one: SealedColumn,
  fields: readonly { readonly key: readonly string[]; readonly before: Buffer; readonly next: Buffer }[],
): Promise<number> {
  if (fields.length === 0) return 0
  // columns of texts, not rows of parameters: to write the statement would take longer than to seal the fields
  const texts = (ofField: (field: (typeof fields)[number]) => string | undefined) => sql`${fields.map(ofField)}::text[]`
  const columns = [
    ...one.key.map((_, i) => texts(field => field.key[i])),
    texts(field => field.before.toString('hex')),
    texts(field => field.next.toString('hex')),
  ]
  const names = sql.join([...one.key.map((_, i) => sql.ref(`key_${i}`)), sql.ref('before'), sql.ref('next')])
  const sameRow = sql.join(
    one.key.map(({ name, type }, i) => sql`${sql.ref(`t.${name}`)} = ${sql.ref(`v.key_${i}`)}::${sql.raw(type)}`),
    sql` and `,
  )
  const { numAffectedRows } = await sql`update ${sql.table(one.table)} t set ${sql.ref(one.column)} = decode(v.next, 'hex')
    from unnest(${sql.join(columns)}) v (${names}) where ${sameRow} and ${fieldOf(one)} = decode(v.before, 'hex')`.execute(db)
  return Number(numAffectedRows ?? 0n)
}

/** The ids of the data keys that any sealed field needs, also those that wait to be told to a provider. */
async function usedDataKeys(db: Executor): Promise<Set<string>> {
  const fields = sealedColumns.map(
    one => sql`select ${kidIn(fieldOf(one))} as kid from ${sql.table(one.table)} t where ${fieldOf(one)} is not null`,
  )
  // what a held grant would send to a job: copies of two sealed fields, in base64
  const copies = ['sealed', 'sealed_client_secret'].map(
    name => sql`select ${kidIn(sql`decode(revocation->>${name}::text, 'base64')`)} as kid from held_grants
      where revocation->>${name}::text is not null`,
  )
  const { rows } = await sql<{ kid: string }>`${sql.join([...fields, ...copies], sql` union `)}`.execute(db)
  return new Set(rows.map(row => row.kid))
}

/**
 * Deletes retired data keys that were retired long enough ago for nobody to hold anything sealed by them, and that nothing needs. What was
 * ever sealed by them, in copies of these tables too, is unreadable from then on.
 * @param alsoUsed ids of data keys that something outside of the tables needs: jobs.
 */
export async function destroyRetiredDataKeys(db: Database, afterMinutes: number, alsoUsed: ReadonlySet<string>): Promise<string[]> {
  const retired = await db
    .selectFrom('data_keys')
    .select('kid')
    .where('state', '=', 'retired')
    .where('retired_at', '<', sql<Date>`now() - make_interval(mins => ${afterMinutes})`)
    .execute()
  if (retired.length === 0) return []
  const used = await usedDataKeys(db)
  const unused = retired.map(row => row.kid).filter(kid => !used.has(kid) && !alsoUsed.has(kid))
  if (unused.length > 0) await db.deleteFrom('data_keys').where('kid', 'in', unused).where('state', '=', 'retired').execute()
  return unused
}
