import { Migrator, sql, type Migration } from 'kysely'
import { Problem } from '../core/problem.ts'
import type { Database, OpenDatabase } from './database.ts'
import { noteChecksums } from './migration-checksums.ts'
import { migrations } from './migrations/index.ts'
import { storageError } from './session.ts'

/** The names of the migrations this database has been through, oldest first; empty for a new one. */
export const appliedMigrations = async (db: Database, schema: string): Promise<string[]> => {
  const table = sql.table(`${schema}.kysely_migration`)
  const found = await sql<{
    found: boolean
  }>`select to_regclass(format('%I.kysely_migration', ${schema}::text)) is not null as found`.execute(db)
  if (!found.rows[0]?.found) return []
  const { rows } = await sql<{ name: string }>`select name from ${table} order by name`.execute(db)
  return rows.map(row => row.name)
}

/**
 * Brings the database to the schema this program was written for, all in one transaction; returns the names of the migrations it
 * ran, none when it was up to date. Processes that start together wait for each other (an advisory lock).
 *
 * Throws `storage_unavailable` when the database is newer than this program.
 */
export const migrate = async (open: OpenDatabase, known: Readonly<Record<string, Migration>> = migrations): Promise<string[]> => {
  const { db, close } = open.maintenance()
  try {
    const newer = (await appliedMigrations(db, open.schema)).filter(name => !Object.hasOwn(known, name))
    if (newer.length > 0) {
      const detail = `The database has a newer schema than this program: it has been through ${newer.join(', ')}. Start the version of Patchbay that knows it, or restore a backup from before.`
      throw new Problem('storage_unavailable', { detail })
    }
    const provider = { getMigrations: async () => ({ ...known }) }
    const migrator = new Migrator({ db, provider, migrationTableSchema: open.schema })
    const { error, results = [] } = await migrator.migrateToLatest()
    if (error !== undefined) throw storageError(error)
    await noteChecksums(db, open.schema, await appliedMigrations(db, open.schema), known)
    return results.filter(result => result.status === 'Success').map(result => result.migrationName)
  } finally {
    await close()
  }
}
