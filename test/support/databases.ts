import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql, type Migration } from 'kysely'
import { afterAll, beforeAll, describe } from 'vitest'
import { openDatabase, type OpenDatabase } from '../../src/storage/database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { initialiseEmbedded } from '../../src/storage/pglite.ts'
import { createPostgresDatabase } from './postgres.ts'
import { freshPath, oncePerRun } from './run-directory.ts'

export type DatabaseName = 'pglite' | 'postgres'

/** On a machine that is busy with the other half of the run, creating a database takes many times its three seconds. */
export const setUpTimeoutMs = 120_000

/** Kept between runs, since creating one takes seconds. The name changes with what is embedded. */
const cachedTemplate = fileURLToPath(new URL('../../node_modules/.cache/patchbay/embedded-0.5.16', import.meta.url))

const template = (): Promise<string> =>
  oncePerRun('embedded-template', async () => {
    if (existsSync(join(cachedTemplate, 'database', 'PG_VERSION'))) return cachedTemplate
    const draft = `${cachedTemplate}.${process.pid}`
    mkdirSync(draft, { recursive: true })
    await initialiseEmbedded(draft)
    try {
      renameSync(draft, cachedTemplate)
    } catch {
      // another run was faster: its template is as good
      rmSync(draft, { recursive: true, force: true })
    }
    return cachedTemplate
  })

/** A data directory of its own with an empty embedded database, which opens in well under a second. */
export const freshDataDir = async (): Promise<string> => {
  const dataDir = freshPath('data')
  cpSync(await template(), dataDir, { recursive: true })
  return dataDir
}

/** A path for a data directory that does not exist yet: opening it runs initdb. */
export const missingDataDir = (): string => freshPath('data')

/** An embedded database of its own, or one on the run's PostgreSQL server; neither migrated. The caller closes it. */
export const openFresh = async (name: DatabaseName): Promise<OpenDatabase> =>
  name === 'pglite'
    ? openDatabase({ dataDir: await freshDataDir() })
    : openDatabase({ url: await createPostgresDatabase(), dataDir: missingDataDir() })

const empty = async (open: OpenDatabase): Promise<void> => {
  await sql`drop schema public cascade`.execute(open.db)
  await sql`drop schema if exists jobs cascade`.execute(open.db)
  await sql`create schema public`.execute(open.db)
}

export type Open = (options?: { migrations?: Readonly<Record<string, Migration>> }) => Promise<OpenDatabase>

/**
 * Runs the same tests on both databases. `open()` gives an empty, migrated database (`migrations: {}` for one without tables);
 * the instance is shared by the tests of a file and emptied on each call, so call it once per test.
 */
export const forEachDatabase = (define: (name: DatabaseName, open: Open) => void): void => {
  for (const name of ['pglite', 'postgres'] as const) {
    describe(`[${name}]`, () => {
      let instance: OpenDatabase | undefined
      let used = false
      // The first file of a run waits for initdb: that is not to count as a test's time.
      beforeAll(async () => {
        instance = await openFresh(name)
      }, setUpTimeoutMs)
      afterAll(() => instance?.close())
      define(name, async options => {
        if (!instance) throw new Error('open() is for tests and their hooks')
        if (used) await empty(instance)
        used = true
        await migrate(instance, options?.migrations)
        return instance
      })
    })
  }
}
