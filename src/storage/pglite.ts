import { fork } from 'node:child_process'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite, type Results } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import pg from 'pg'
import parameters from 'pg/lib/utils.js'
import { Problem } from '../core/problem.ts'
import { lockDirectory } from './directory-lock.ts'
import { storageError, type Answer, type Session, type SessionSource } from './session.ts'

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
  listen(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>
}

const syncDirectory = (path: string): void => {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** The parts of Emscripten's file system that the fsync below reaches into; they are internals, hence the exact pin of the package. */
interface EmscriptenStream {
  readonly nfd?: number
  readonly node: { readonly mode: number }
}
interface EmscriptenModule {
  readonly FS: {
    lookupPath(
      path: string,
      options: { follow_mount: boolean },
    ): {
      node: { mount: { type: { realPath(node: unknown): string; stream_ops: { fsync?: (stream: EmscriptenStream) => number } } } }
    }
    isDir(mode: number): boolean
  }
}

/** PGlite's Node file system does not implement fsync: a commit would live in the page cache only. This one does. */
const durableFiles = (directory: string, onSync: () => void): NodeFS => {
  const files = new NodeFS(directory)
  const init = files.init.bind(files)
  files.init = async (instance, options) => {
    const result = await init(instance, options)
    const addFsync = (module: unknown): void => {
      const { FS } = module as EmscriptenModule
      const { type } = FS.lookupPath('/pglite/data', { follow_mount: true }).node.mount
      type.stream_ops.fsync ??= stream => {
        onSync()
        if (stream.nfd !== undefined) fsyncSync(stream.nfd)
        else if (FS.isDir(stream.node.mode)) syncDirectory(type.realPath(stream.node))
        return 0
      }
    }
    result.emscriptenOpts.preRun = [...(result.emscriptenOpts.preRun ?? []), addFsync]
    return result
  }
  return files
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
      else failed(new Error(`the initialising process ended with ${signal ?? code}: ${complaint}`))
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
    for (const name of readdirSync(parent)) {
      if (name.startsWith(`${databaseFolder}.new-`)) rmSync(join(parent, name), { recursive: true, force: true })
    }
    const draft = join(parent, `${databaseFolder}.new-${process.pid}`)
    await runInitialiser(draft)
    syncTree(draft)
    renameSync(draft, directory)
    syncDirectory(parent)
  }
  const version = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim()
  if (version !== formatVersion) {
    const detail = `${directory} was written by PostgreSQL ${version}, this program embeds ${formatVersion}. Export it with the version of Patchbay that wrote it, and import that into an empty data directory.`
    throw new Problem('storage_unavailable', { detail })
  }
  return directory
}

/** Both drivers give the same values for the same rows because both use node-postgres's own conversions. */
const speakLikeNodePostgres = (database: PGlite): void => {
  const types = new Set([...Object.keys(database.parsers), ...Object.values(pg.types.builtins).map(String)])
  for (const type of types) {
    const parse = pg.types.getTypeParser(Number(type), 'text') as (text: string) => unknown
    database.parsers[type] = text => parse(text)
  }
  for (const type of Object.keys(database.serializers)) database.serializers[type] = (text: string) => text
}

const parameterOf = (value: unknown): string | null => {
  const prepared = parameters.prepareValue(value)
  return Buffer.isBuffer(prepared) ? `\\x${prepared.toString('hex')}` : prepared
}

const answerOf = (result: Results): Answer => {
  const { rows, command, affectedRows } = result as Results & { command?: string }
  return { rows, command, rowCount: affectedRows }
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

/**
 * PostgreSQL inside this process (PGlite): one session, one mutex for everybody, synced to disk, its directory locked.
 *
 * Throws `storage_unavailable` when the directory is in use or was written by another major version.
 */
export const openEmbedded = async (dataDir: string): Promise<EmbeddedSource> => {
  const lock = lockDirectory(dataDir)
  try {
    return await start(await initialiseEmbedded(dataDir), () => lock.release())
  } catch (error) {
    lock.release()
    throw error
  }
}

const start = async (directory: string, onClosed: () => void): Promise<EmbeddedSource> => {
  let syncs = 0
  const database = new PGlite({
    fs: durableFiles(directory, () => syncs++),
    // -F would turn fsync off. PGlite's fdatasync does nothing, so the log must be synced with fsync. 16 MB of buffers halve its memory.
    startParams: [
      ...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
      ...['-c', 'wal_sync_method=fsync', '-c', 'shared_buffers=16MB', '-c', 'timezone=UTC'],
    ],
  })
  await database.waitReady
  speakLikeNodePostgres(database)

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
    if (closed) {
      release()
      throw new Problem('shutting_down')
    }
    used = true
    return {
      query: (text, values) => attempt(async () => answerOf(await database.query(text, values.map(parameterOf)))),
      script: text => attempt(async () => (await database.exec(text)).map(answerOf)),
      release,
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

  const version = await alone(async session => (await session.query('show server_version', [])).rows as { server_version: string }[])
  return {
    version: version[0]?.server_version ?? '',
    syncCount: () => syncs,
    acquire,
    async listen(channel, onMessage) {
      const stop = await alone(() => attempt(() => database.listen(channel, onMessage)))
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
        await database.close()
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
