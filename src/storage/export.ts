import { sql, type RawBuilder } from 'kysely'
import { Problem } from '../core/problem.ts'
import type { Database, OpenDatabase } from './database.ts'
import { appliedMigrations } from './migrate.ts'

const format = 'patchbay-export'
const version = 1

/** Rows fetched at a time, so that an export of any size takes the memory of this many. */
const rowsPerFetch = 500

/** PostgreSQL takes 65,535 parameters in a statement; wide statements are slow to parse long before that. */
const parametersPerInsert = 2_000

interface Column {
  readonly name: string
  /** As in a cast: `timestamp with time zone`. */
  readonly type: string
}

interface Table {
  readonly name: string
  readonly columns: readonly Column[]
}

/** A value as PostgreSQL's own text for it; bytea as base64. */
type Value = string | null

/** The lines of an export: one `header`; for each table, parents first, one `table` and its rows; one `footer`, whose absence means that the file is cut short. */
interface Header {
  readonly format: typeof format
  readonly version: number
  /** RFC 3339, by the database's clock. */
  readonly made_at: string
  readonly migrations: readonly string[]
}
interface TableLine {
  readonly table: string
  readonly columns: readonly string[]
}
interface Footer {
  readonly rows: number
}

const refused = (detail: string): Problem => new Problem('storage_unavailable', { detail })

/** Our tables with their stored columns (generated ones make themselves), each after the tables it refers to. */
const tablesOf = async (db: Database, schema: string): Promise<Table[]> => {
  const columns = await sql<{ table: string; name: string; type: string }>`
    select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and not c.relispartition and c.relname not like 'kysely\\_migration%'
      and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by c.relname, a.attnum`.execute(db)
  const references = await sql<{ child: string; parent: string }>`
    select distinct child.relname as child, parent.relname as parent
    from pg_constraint f join pg_class child on child.oid = f.conrelid join pg_class parent on parent.oid = f.confrelid
      join pg_namespace n on n.oid = child.relnamespace
    where f.contype = 'f' and n.nspname = ${schema} and f.conrelid <> f.confrelid`.execute(db)

  const waiting = new Map<string, Column[]>()
  for (const { table, ...column } of columns.rows) waiting.set(table, [...(waiting.get(table) ?? []), column])
  const ordered: Table[] = []
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([name]) => !references.rows.some(({ child, parent }) => child === name && waiting.has(parent)))
    if (ready.length === 0) throw new Error(`tables refer to each other in a circle: ${[...waiting.keys()].join(', ')}`)
    for (const [name, found] of ready) {
      ordered.push({ name, columns: found })
      waiting.delete(name)
    }
  }
  return ordered
}

/** The texts of values must not depend on the settings of a server. */
const settle = async (db: Database): Promise<void> => {
  await sql`select set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'postgres', true),
    set_config('extra_float_digits', '3', true)`.execute(db)
}

const asText = ({ name, type }: Column): RawBuilder<unknown> =>
  type === 'bytea' ? sql`translate(encode(${sql.ref(name)}, 'base64'), E'\n', '')` : sql`${sql.ref(name)}::text`

const fromText = ({ type }: Column, value: Value): RawBuilder<unknown> =>
  type === 'bytea' ? sql`decode(${value}::text, 'base64')` : sql`${value}::text::${sql.raw(type)}`

/**
 * Writes everything in the database, as one snapshot, to `write`: NDJSON, a line at a time with its line feed. Secrets leave as
 * they are stored: sealed, and useless without the master key.
 *
 * The embedded database answers nobody else meanwhile, so `write` to a file, never straight to a slow network.
 */
export const exportDatabase = async (open: OpenDatabase, write: (line: string) => void | Promise<void>): Promise<{ rows: number }> => {
  const { db, close } = open.maintenance()
  const line = async (value: Header | TableLine | Value[] | Footer): Promise<void> => write(`${JSON.stringify(value)}\n`)
  try {
    return await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async transaction => {
        await settle(transaction)
        const { rows: clock } = await sql<{ now: Date }>`select now() as now`.execute(transaction)
        const made_at = (clock[0]?.now ?? new Date()).toISOString()
        await line({ format, version, made_at, migrations: await appliedMigrations(transaction, open.schema) })
        let rows = 0
        for (const { name, columns } of await tablesOf(transaction, open.schema)) {
          await line({ table: name, columns: columns.map(column => column.name) })
          const values = sql.join(columns.map(column => sql`${asText(column)} as ${sql.ref(column.name)}`))
          await sql`declare export_rows no scroll cursor for select ${values} from ${sql.table(name)}`.execute(transaction)
          for (;;) {
            const page = await sql<Record<string, Value>>`fetch ${sql.lit(rowsPerFetch)} from export_rows`.execute(transaction)
            for (const row of page.rows) await line(columns.map(column => row[column.name] ?? null))
            rows += page.rows.length
            if (page.rows.length < rowsPerFetch) break
          }
          await sql`close export_rows`.execute(transaction)
        }
        await line({ rows })
        return { rows }
      })
  } finally {
    await close()
  }
}

const parseLine = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw refused('This is not an export of Patchbay, or it is damaged. Nothing was imported.')
  }
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const checkHeader = (header: unknown, migrations: readonly string[]): void => {
  if (field(header, 'format') !== format) throw refused('This is not an export of Patchbay. Nothing was imported.')
  if (field(header, 'version') !== version) {
    throw refused(
      `This export has format version ${String(field(header, 'version'))}, this program reads ${version}. Use the version of Patchbay that made it.`,
    )
  }
  const theirs = field(header, 'migrations')
  if (JSON.stringify(theirs) !== JSON.stringify(migrations)) {
    const last = Array.isArray(theirs) ? String(theirs.at(-1) ?? 'none') : 'none'
    throw refused(
      `This export was made at migration ${last}, this database is at ${migrations.at(-1) ?? 'none'}. Import it with the version of Patchbay that made it, then upgrade.`,
    )
  }
}

const refuseUnlessEmpty = async (db: Database, tables: readonly Table[]): Promise<void> => {
  for (const { name } of tables) {
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(db)
    if (rows.length > 0)
      throw refused(`The database is not empty: "${name}" has rows. An import never mixes with what is there; use a new database.`)
  }
}

/** Sequences go on after the highest number imported. */
const advanceSequences = async (db: Database, { name, columns }: Table, schema: string): Promise<void> => {
  for (const column of columns) {
    const { rows } = await sql<{ sequence: string | null }>`
      select pg_get_serial_sequence(format('%I.%I', ${schema}::text, ${name}::text), ${column.name}) as sequence`.execute(db)
    const sequence = rows[0]?.sequence
    if (sequence == null) continue
    await sql`select setval(${sequence}::text::regclass, max(${sql.ref(column.name)})) from ${sql.table(name)} having count(*) > 0`.execute(
      db,
    )
  }
}

const insert = async (db: Database, { name }: Table, columns: readonly Column[], rows: readonly (readonly Value[])[]): Promise<void> => {
  if (rows.length === 0) return
  const tuples = rows.map(row => sql`(${sql.join(columns.map((column, index) => fromText(column, row[index] ?? null)))})`)
  await sql`insert into ${sql.table(name)} (${sql.join(columns.map(column => sql.ref(column.name)))}) overriding system value
    values ${sql.join(tuples)}`.execute(db)
}

/**
 * Reads an export (its lines, with or without line feeds) into an empty database that has been through the same migrations, of
 * either kind. All or nothing: one transaction, of which `finish` is the last part; `madeAt` is null where the export does not say.
 *
 * Throws `storage_unavailable` with the reason when the export is not one, is cut short, is of another schema, or the database
 * is not empty.
 */
export const importDatabase = async (
  open: OpenDatabase,
  lines: AsyncIterable<string> | Iterable<string>,
  finish: (db: Database, madeAt: Date | null) => Promise<void> = () => Promise.resolve(),
): Promise<{ rows: number }> => {
  const { db, close } = open.maintenance()
  try {
    return await db.transaction().execute(async transaction => {
      await settle(transaction)
      const tables = await tablesOf(transaction, open.schema)
      const migrations = await appliedMigrations(transaction, open.schema)
      await refuseUnlessEmpty(transaction, tables)

      let sawHeader = false
      let madeAt: Date | null = null
      let footer: unknown
      let current: { table: Table; columns: Column[] } | undefined
      let batch: Value[][] = []
      let rows = 0
      const flush = async (): Promise<void> => {
        if (current) await insert(transaction, current.table, current.columns, batch)
        batch = []
      }
      const enter = (line: unknown): void => {
        const table = tables.find(each => each.name === field(line, 'table'))
        const names = field(line, 'columns')
        const columns = (Array.isArray(names) ? names : []).map(name => table?.columns.find(column => column.name === name))
        if (!table || columns.length === 0 || columns.includes(undefined))
          throw refused('This export has a table or column that this database has not.')
        current = { table, columns: columns as Column[] }
      }

      for await (const text of lines) {
        if (text.trim() === '') continue
        const line = parseLine(text)
        if (!sawHeader) {
          checkHeader(line, migrations)
          const said = field(line, 'made_at')
          if (typeof said === 'string' && !Number.isNaN(Date.parse(said))) madeAt = new Date(said)
          sawHeader = true
        } else if (Array.isArray(line) && current) {
          batch.push(line as Value[])
          rows++
          if (batch.length * current.columns.length >= parametersPerInsert) await flush()
        } else if (field(line, 'table') !== undefined) {
          await flush()
          enter(line)
        } else {
          await flush()
          footer = field(line, 'rows')
        }
      }
      if (footer !== rows) throw refused('This export is cut short: its last line is missing. Nothing was imported.')
      for (const table of tables) await advanceSequences(transaction, table, open.schema)
      await finish(transaction, madeAt)
      return { rows }
    })
  } finally {
    await close()
  }
}
