import { createHash } from 'node:crypto'
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely'
import type { SchemaMigration } from './concurrent-indexes.ts'
import type { Database, Executor, OpenDatabase } from './database.ts'

/** The SQL of a migration, both parts, whatever it does with it: it runs where nothing is executed. White space does not count. */
export async function statementsOf(migration: SchemaMigration): Promise<string[]> {
  const statements: string[] = []
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: one => new PostgresIntrospector(one),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => void statements.push(query.sql),
  })
  await migration.up(db)
  await db.destroy()
  return [...statements, ...(migration.indexes ?? [])].map(one => one.replace(/\s+/g, ' ').trim())
}

/** The same whichever part an index is made in. */
async function checksumOf(migration: SchemaMigration): Promise<string> {
  const hash = createHash('sha256')
  for (const statement of await statementsOf(migration)) hash.update(statement).update('\n')
  return hash.digest('hex')
}

/** Beside Kysely's own tables, by name too: an export leaves them out. */
const tableIn = (schema: string) => sql.table(`${schema}.kysely_migration_checksum`)

const storedIn = async (db: Executor, schema: string): Promise<Map<string, string> | null> => {
  const found = await sql<{
    found: boolean
  }>`select to_regclass(format('%I.kysely_migration_checksum', ${schema}::text)) is not null as found`.execute(db)
  if (!found.rows[0]?.found) return null
  const { rows } = await sql<{ name: string; checksum: string }>`select name, checksum from ${tableIn(schema)}`.execute(db)
  return new Map(rows.map(row => [row.name, row.checksum]))
}

/** Remembers the SQL of migrations that the database has been through. What is remembered already stays. */
export async function noteChecksums(
  db: Database,
  schema: string,
  applied: readonly string[],
  known: Readonly<Record<string, SchemaMigration>>,
): Promise<void> {
  const stored = await storedIn(db, schema)
  const missing = applied.flatMap(name => (known[name] && !stored?.has(name) ? [{ name, migration: known[name] }] : []))
  if (missing.length === 0) return
  await db.transaction().execute(async trx => {
    // even "if not exists" fails for the second of two that create it at once
    await sql`select pg_advisory_xact_lock(hashtext('patchbay migration checksums'))`.execute(trx)
    await sql`create table if not exists ${tableIn(schema)} (name text primary key, checksum text not null)`.execute(trx)
    for (const { name, migration } of missing)
      await sql`insert into ${tableIn(schema)} (name, checksum) values (${name}, ${await checksumOf(migration)}) on conflict do nothing`.execute(
        trx,
      )
  })
}

/**
 * Migrations whose SQL is another now than when this database went through them: it may lack what newer databases have. Told, not refused:
 * a start must not fail for it.
 */
export async function changedMigrations(open: OpenDatabase, known: Readonly<Record<string, SchemaMigration>>): Promise<string[]> {
  const changed: string[] = []
  for (const [name, checksum] of (await storedIn(open.db, open.schema)) ?? []) {
    const migration = known[name]
    if (migration && (await checksumOf(migration)) !== checksum) changed.push(name)
  }
  return changed.sort()
}
