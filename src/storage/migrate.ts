import { setTimeout as delay } from 'node:timers/promises'
import { Migrator, sql } from 'kysely'
import { Problem } from '../core/problem.ts'
import { settleIndexes, type SchemaMigration } from './concurrent-indexes.ts'
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

/** A table that others hold: each attempt waits so long for it, so that nobody queues behind it for longer. */
const lockWaitMs = 2000
const lockRetryMs = 500

/** This session ends with the migrations; the one of the embedded database is everybody's, and waits for nobody. */
const waitAtMost = async (db: Database, { kind }: OpenDatabase, ms: number): Promise<void> => {
  if (kind === 'postgres') await sql`select set_config('lock_timeout', ${String(ms)}, false)`.execute(db)
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

const refused = (detail: string, cause: unknown): Problem => new Problem('storage_unavailable', { detail }, { cause })

/** For another Patchbay to finish: making an index of many millions of rows takes minutes. */
const turnMs = 15 * 60_000
const turnRetryMs = 200

/**
 * One process of a database at a time. It asks again and again: who waits inside a statement is a transaction that `create index
 * concurrently` of the other waits for, and PostgreSQL would end one of them as a deadlock. The lock goes with its session.
 */
const inTurn = async <T>(one: Database, work: () => Promise<T>): Promise<T> => {
  const lock = sql`hashtext('patchbay migrations')`
  const until = performance.now() + turnMs
  for (;;) {
    const { rows } = await sql<{ got: boolean }>`select pg_try_advisory_lock(${lock}) as got`.execute(one)
    if (rows[0]?.got) break
    if (performance.now() > until)
      throw refused('Another Patchbay has been bringing the tables of this database to its version for 15 minutes. Look at it first.', null)
    await delay(turnRetryMs)
  }
  try {
    return await work()
  } finally {
    // a session that is lost has let go of it
    await sql`select pg_advisory_unlock(${lock})`.execute(one).catch(() => undefined)
  }
}

/** All that is new in one transaction, tried again while tables are locked. @returns the names of what ran. */
const runMigrations = async (
  db: Database,
  schema: string,
  known: Readonly<Record<string, SchemaMigration>>,
  patienceMs: number,
): Promise<string[]> => {
  const newer = (await appliedMigrations(db, schema)).filter(name => !Object.hasOwn(known, name))
  if (newer.length > 0) {
    const detail = `The database has a newer schema than this program: it has been through ${newer.join(', ')}. Start the version of Patchbay that knows it, or restore a backup from before.`
    throw new Problem('storage_unavailable', { detail })
  }
  const provider = { getMigrations: async () => ({ ...known }) }
  const migrator = new Migrator({ db, provider, migrationTableSchema: schema })
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
  return results.filter(result => result.status === 'Success').map(result => result.migrationName)
}

/**
 * The indexes that are made beside the work of others. To wait for their transactions keeps nobody else waiting, so it may take longer than two
 * seconds: each wait as long as `patienceMs`.
 */
const makeIndexes = async (
  db: Database,
  open: OpenDatabase,
  known: Readonly<Record<string, SchemaMigration>>,
  patienceMs: number,
): Promise<void> => {
  await waitAtMost(db, open, Math.max(patienceMs, lockWaitMs))
  try {
    await settleIndexes(db, open, known)
  } catch (error) {
    if (codeOf(error) !== '55P03' && codeOf(error) !== '40P01') throw error
    throw refused(
      'The indexes of this version could not be made, because a transaction has gone on for longer than a minute: a backup, or a session that somebody left open. Everything else is done, and running instances are not affected; start again when that has ended.',
      error,
    )
  }
}

/**
 * Brings the database to the schema this program was written for: tables all in one transaction, then indexes of tables in use, which
 * others go on writing to. Returns the names of the migrations it ran, none when it was up to date. Processes that start together wait for
 * each other. Killed anywhere, the next start goes on from there.
 *
 * Throws `storage_unavailable` when the database is newer than this program, when something else, such as a backup, keeps its tables
 * locked, or when its user may not create tables.
 *
 * @param patienceMs How long it is tried again while tables are locked.
 */
export const migrate = async (
  open: OpenDatabase,
  known: Readonly<Record<string, SchemaMigration>> = migrations,
  patienceMs = 60_000,
): Promise<string[]> => {
  const { db, close } = open.maintenance()
  try {
    return await db.connection().execute(one =>
      inTurn(one, async () => {
        await waitAtMost(one, open, lockWaitMs)
        const ran = await runMigrations(one, open.schema, known, patienceMs)
        await makeIndexes(one, open, known, patienceMs)
        await noteChecksums(one, open.schema, await appliedMigrations(one, open.schema), known)
        return ran
      }),
    )
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
