import { setTimeout as delay } from 'node:timers/promises'
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

/** A table that others hold: each attempt waits two seconds for it, so that nobody queues behind it for longer. */
const lockRetryMs = 500

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

const refused = (detail: string, cause: unknown): Problem => new Problem('storage_unavailable', { detail }, { cause })

/**
 * Brings the database to the schema this program was written for, all in one transaction; returns the names of the migrations it
 * ran, none when it was up to date. Processes that start together wait for each other (an advisory lock).
 *
 * Throws `storage_unavailable` when the database is newer than this program, when something else, such as a backup, keeps its tables
 * locked, or when its user may not create tables.
 *
 * @param patienceMs How long it is tried again while tables are locked.
 */
export const migrate = async (
  open: OpenDatabase,
  known: Readonly<Record<string, Migration>> = migrations,
  patienceMs = 60_000,
): Promise<string[]> => {
  const { db, close } = open.maintenance()
  try {
    const newer = (await appliedMigrations(db, open.schema)).filter(name => !Object.hasOwn(known, name))
    if (newer.length > 0) {
      const detail = `The database has a newer schema than this program: it has been through ${newer.join(', ')}. Start the version of Patchbay that knows it, or restore a backup from before.`
      throw new Problem('storage_unavailable', { detail })
    }
    const provider = { getMigrations: async () => ({ ...known }) }
    const migrator = new Migrator({ db, provider, migrationTableSchema: open.schema })
    const until = performance.now() + patienceMs
    let { error, results = [] } = await migrator.migrateToLatest()
    while (codeOf(error) === '55P03' && performance.now() < until) {
      await delay(lockRetryMs)
      ;({ error, results = [] } = await migrator.migrateToLatest())
    }
    if (codeOf(error) === '55P03')
      throw refused(
        'The tables could not be brought to this version, because something else keeps them locked: a backup, or a long transaction. Nothing was changed; start again when that has ended.',
        error,
      )
    if (error !== undefined) throw storageError(error)
    await noteChecksums(db, open.schema, await appliedMigrations(db, open.schema), known)
    return results.filter(result => result.status === 'Success').map(result => result.migrationName)
  } catch (error) {
    // PostgreSQL's own sentence: it names the schema or the table, never a value
    if (error instanceof Error && codeOf(error) === '42501')
      throw refused(
        `PostgreSQL does not let Patchbay create its tables: ${error.message}. Make the user of PATCHBAY_DATABASE_URL the owner of the database.`,
        error,
      )
    throw error
  } finally {
    await close()
  }
}
