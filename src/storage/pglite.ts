import { fork } from 'node:child_process'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Problem } from '../core/problem.ts'
import { lockDirectory } from './directory-lock.ts'
import { checkTables } from './pglite-check.ts'
import { EngineDied } from './pglite-engine.ts'
import { startLasting, type Ends } from './pglite-lasting.ts'
import { startRefused } from './pglite-refusal.ts'
import { storageError, type Session, type SessionSource } from './session.ts'

/** The database's files are a folder of the data directory, so that a mounted volume can be the data directory itself. */
const databaseFolder = 'database'

/** The on-disk format. Another major version needs an export and an import. */
const formatVersion = '18'

/** Longer than any statement of ours; what waits longer is a query on `db` inside `db.transaction()`, which would wait for ever. */
const acquireTimeoutMs = 5_000

/**
 * The single-user backend has neither checkpointer nor autovacuum: without these the write-ahead log grows until the next stop,
 * and deleted rows are never reclaimed.
 */
const checkpointEveryMs = 5 * 60_000
const vacuumEveryMs = 60 * 60_000

export interface EmbeddedSource extends SessionSource {
  /** Backend version, e.g. `18.6`. */
  readonly version: string
  /** How often the engine asked the disk to keep what was written; never grows if durability is broken. */
  syncCount(): number
  listen(channel: string, onMessage: (payload: string) => void, onLost: () => void): Promise<() => Promise<void>>
}

const syncDirectory = (path: string): void => {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

const syncTree = (directory: string): void => {
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    syncDirectory(join(entry.parentPath, entry.name))
  }
  syncDirectory(directory)
}

const runInitialiser = (target: string): Promise<void> =>
  new Promise((done, failed) => {
    const script = fileURLToPath(new URL('./initialise-embedded.mjs', import.meta.url))
    const child = fork(script, [target], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    let complaint = ''
    child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)))
    child.on('error', failed)
    child.on('exit', (code, signal) => {
      if (code === 0) done()
      else {
        const detail = `No embedded database could be made in ${target}: ${complaint || `the process that makes it ended with ${signal ?? code}`}.`
        failed(new Problem('storage_unavailable', { detail }, { cause: new Error(complaint) }))
      }
    })
  })

/**
 * Makes sure that the data directory holds a database, creating one (3–4 s) where there is none.
 * It is made beside its final place and renamed, so a start that was interrupted leaves nothing half done.
 */
export const initialiseEmbedded = async (dataDir: string): Promise<string> => {
  const parent = resolve(dataDir)
  const directory = join(parent, databaseFolder)
  mkdirSync(parent, { recursive: true, mode: 0o700 })
  if (!existsSync(join(directory, 'PG_VERSION'))) {
    if (existsSync(directory) && readdirSync(directory).length > 0) throw new EngineDied('its file PG_VERSION is missing')
    for (const name of readdirSync(parent)) {
      if (name.startsWith(`${databaseFolder}.new-`)) rmSync(join(parent, name), { recursive: true, force: true })
    }
    const draft = join(parent, `${databaseFolder}.new-${process.pid}`)
    try {
      await runInitialiser(draft)
      syncTree(draft)
      renameSync(draft, directory)
      syncDirectory(parent)
    } catch (error) {
      rmSync(draft, { recursive: true, force: true })
      throw error
    }
  }
  // PostgreSQL would say of its lock file that it is there already
  accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  const version = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim()
  if (version !== formatVersion) {
    const detail = `${directory} was written by PostgreSQL ${version}, this program embeds ${formatVersion}. Export it with the version of Patchbay that wrote it, and import that into an empty data directory.`
    throw new Problem('storage_unavailable', { detail })
  }
  return directory
}

/** First come, first served; a waiter that gives up leaves the queue. */
const createMutex = () => {
  const waiting: (() => void)[] = []
  let held = false
  const release = (): void => {
    const next = waiting.shift()
    if (next) next()
    else held = false
  }
  /** Resolves with the function that gives it back (calling that twice does nothing more). */
  const acquire = (): Promise<() => void> =>
    new Promise((granted, refused) => {
      let released = false
      const once = (): void => {
        if (!released) release()
        released = true
      }
      if (!held) {
        held = true
        granted(once)
        return
      }
      const enter = (): void => {
        clearTimeout(timer)
        granted(once)
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(enter), 1)
        const cause = new Error('the one database session was not given back in time: is "db" used inside "db.transaction()"?')
        refused(new Problem('storage_unavailable', { retry_after: 2 }, { cause }))
      }, acquireTimeoutMs)
      waiting.push(enter)
    })
  return acquire
}

/** Not a state to go on in: nothing can be logged or looked up any more. Thrown where nobody catches it, it ends the process. */
const endProcess = (problem: Problem): void => {
  throw problem
}

/**
 * PostgreSQL inside this process (PGlite), on a thread of its own: one session, one mutex for everybody, synced to disk, its directory locked.
 * When it gives up, for want of room on the disk, it is started again until that works; meanwhile everything is refused.
 *
 * Throws `storage_unavailable` with sentences when the directory is in use, cannot be used, is damaged, or was written by another major version.
 * @param onEnded it has stopped, and cannot be started again
 */
export const openEmbedded = async (
  dataDir: string,
  onEnded: (problem: Problem) => void = endProcess,
  log: (line: string) => void = () => {},
): Promise<EmbeddedSource> => {
  let release = (): void => {}
  try {
    const lock = lockDirectory(dataDir)
    release = () => lock.release()
    return await start(await initialiseEmbedded(dataDir), release, { onEnded, log })
  } catch (error) {
    release()
    throw startRefused(resolve(dataDir), error)
  }
}

const start = async (directory: string, onClosed: () => void, ends: Ends): Promise<EmbeddedSource> => {
  const engines = await startLasting(directory, ends)
  const takeTurn = createMutex()
  let closed = false
  let used = false
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw storageError(error)
    }
  }
  const acquire = async (): Promise<Session> => {
    if (closed) throw new Problem('shutting_down')
    const release = await takeTurn()
    try {
      if (closed) throw new Problem('shutting_down')
      // a transaction that lost its engine does not go on in the next one
      const engine = engines.current()
      used = true
      return {
        query: (text, values) => attempt(() => engine.query(text, values)),
        script: text => attempt(() => engine.script(text)),
        release,
      }
    } catch (error) {
      release()
      throw error
    }
  }
  const alone = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    const session = await acquire()
    try {
      return await work(session)
    } finally {
      session.release()
    }
  }

  const upkeep = scheduleUpkeep(alone, () => {
    const wasUsed = used
    used = false
    return wasUsed
  })

  const version = await alone(async session => {
    await checkTables(session)
    return (await session.query('show server_version', [])).rows as { server_version: string }[]
  }).catch(async (error: unknown) => {
    upkeep.stop()
    await engines.close().catch(() => undefined)
    throw error
  })
  return {
    version: version[0]?.server_version ?? '',
    syncCount: () => engines.syncCount(),
    acquire,
    async listen(channel, onMessage, onLost) {
      const stop = await alone(() => attempt(() => engines.listen(channel, onMessage, onLost)))
      return async () => {
        if (!closed) await alone(() => attempt(() => stop()))
      }
    },
    async close() {
      if (closed) return
      upkeep.stop()
      const release = await takeTurn()
      closed = true
      try {
        await engines.close()
      } finally {
        onClosed()
        release()
      }
    },
  }
}

/** Checkpoints and vacuums while the database is in use; one table at a time, so that nobody waits long. Failures wait for the next time. */
const scheduleUpkeep = (alone: <T>(work: (session: Session) => Promise<T>) => Promise<T>, takeUsed: () => boolean): { stop(): void } => {
  const vacuum = async (): Promise<void> => {
    const tables = await alone(session =>
      session.query("select format('%I.%I', schemaname, relname) as name from pg_stat_user_tables order by 1", []),
    )
    for (const { name } of tables.rows as { name: string }[]) await alone(session => session.script(`vacuum (analyze) ${name}`))
  }
  let sinceVacuumMs = 0
  const timer = setInterval(() => {
    if (!takeUsed()) return
    sinceVacuumMs += checkpointEveryMs
    const due = sinceVacuumMs >= vacuumEveryMs
    if (due) sinceVacuumMs = 0
    const work = async (): Promise<void> => {
      if (due) await vacuum()
      await alone(session => session.script('checkpoint'))
      takeUsed()
    }
    work().catch(() => undefined)
  }, checkpointEveryMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
