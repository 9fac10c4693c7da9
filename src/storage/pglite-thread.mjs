// The thread that the embedded database runs on: PGlite is synchronous, so on the thread that answers calls every statement would
// hold up everybody. It gets a directory that has been initialised and locked, and answers one message at a time. Values cross as
// the texts that PostgreSQL gave: converting them is the other side's business. Plain JavaScript, so that Node runs it as it
// stands, from the sources and from dist alike.
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'

const { directory, syncs } = workerData
const asItIs = text => text

const syncDirectory = path => {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** What PostgreSQL said last that it could not go on after, without the statement: that is a line of its own. */
let complaint

/** @returns never */
const die = error => {
  parentPort.postMessage({ died: complaint ?? error?.message ?? String(error) })
  process.exit(1)
}

/**
 * PGlite's Node file system does not implement fsync: a commit would live in the page cache only. This one does.
 *
 * PGlite takes everything that is thrown out of the database's code for an error of a statement, and asks again, for ever. PostgreSQL's
 * own errors have the status 100; anything else, a PANIC for want of room first of all, leaves it in the middle of something, perhaps of
 * a commit that is then answered as if it had worked. The thread ends there instead, as a PostgreSQL server does.
 *
 * Both reach into Emscripten, hence the exact pin of the package.
 */
const durableFiles = () => {
  const files = new NodeFS(directory)
  const statementError = 100
  files.initialSyncFs = async () => {
    const { Module } = files.pg
    const { type } = Module.FS.lookupPath('/pglite/data', { follow_mount: true }).node.mount
    type.stream_ops.fsync ??= stream => {
      Atomics.add(syncs, 0, 1)
      // an error of Node's own would not be one to PostgreSQL
      return type.tryFSOperation(() => {
        if (stream.nfd !== undefined) fsyncSync(stream.nfd)
        else if (Module.FS.isDir(stream.node.mode)) syncDirectory(type.realPath(stream.node))
        return 0
      })
    }
    const once = Module._PostgresMainLoopOnce
    Module._PostgresMainLoopOnce = () => {
      try {
        return once()
      } catch (error) {
        if (error?.status !== statementError) die(error)
        throw error
      }
    }
  }
  return files
}

/**
 * -F would turn fsync off. PGlite's fdatasync does nothing, so the log must be synced with fsync. 16 MB of buffers halve its memory.
 * Zeroing each new 16 MB file of the log would stop everything for 20 ms and gains nothing on file systems of today.
 */
const settings = ['wal_sync_method=fsync', 'wal_init_zero=off', 'shared_buffers=16MB', 'timezone=UTC']

// Optimising the database's WebAssembly leaves 10 to 60 MB behind in the allocator; doing without costs some CPU
// (bench/RESULTS.md). V8 reads the budget (its default is 1800000) when a module is compiled, so this concerns no other.
setFlagsFromString('--wasm-tiering-budget=2000000000')
const database = new PGlite({
  fs: durableFiles(),
  onStderr(line) {
    complaint = /\b(?:PANIC|FATAL):\s+(.*)/.exec(line)?.[1] ?? complaint
  },
  startParams: [...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'), ...settings.flatMap(one => ['-c', one])],
})
await database.waitReady.catch(die)
setFlagsFromString('--wasm-tiering-budget=1800000')
for (const type of Object.keys(database.parsers)) database.parsers[type] = asItIs
for (const type of Object.keys(database.serializers)) database.serializers[type] = asItIs

const rowMode = 'array'
const answerOf = ({ fields, rows, command, affectedRows }) => ({
  names: fields.map(field => field.name),
  types: fields.map(field => field.dataTypeID),
  rows,
  command,
  rowCount: affectedRows,
})

const unlisten = new Map()
const work = {
  query: async ({ text, values }) => [answerOf(await database.query(text, values, { rowMode }))],
  script: async ({ text }) => (await database.exec(text, { rowMode })).map(answerOf),
  async listen({ channel, listener }) {
    unlisten.set(listener, await database.listen(channel, payload => parentPort.postMessage({ listener, payload })))
  },
  async unlisten({ listener }) {
    await unlisten.get(listener)?.()
    unlisten.delete(listener)
  },
  close: () => database.close(),
}

/** An error crosses without its own fields otherwise (`code`, `constraint` …). Those of PGlite that repeat the statement stay here. */
const plain = error => {
  const { params, query, queryOptions, ...fields } = error
  return { ...fields, name: error.name, message: error.message, stack: error.stack }
}

parentPort.on('message', async ({ id, kind, ...given }) => {
  try {
    parentPort.postMessage({ id, answers: await work[kind](given) })
  } catch (error) {
    parentPort.postMessage({ id, error: error instanceof Error ? plain(error) : { message: String(error) } })
  }
  if (kind === 'close') parentPort.close()
})
parentPort.postMessage({ ready: true })
