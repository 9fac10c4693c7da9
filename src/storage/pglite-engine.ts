import { Worker } from 'node:worker_threads'
import pg from 'pg'
import parameters from 'pg/lib/utils.js'
import { Problem } from '../core/problem.ts'
import type { Answer } from './session.ts'

/** The embedded database on its thread. It answers in order, whoever asks; taking turns is the caller's business. */
export interface Engine {
  query(text: string, values: readonly unknown[]): Promise<Answer>
  script(text: string): Promise<Answer[]>
  listen(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>
  /** How often it asked the disk to keep what was written. */
  syncCount(): number
  /** Shuts the database down and ends the thread. */
  close(): Promise<void>
}

/** What the thread says: that it is ready, why it ends, a notification, or the outcome of one request. Rows are arrays of PostgreSQL's own texts. */
type Message =
  | { readonly ready: true }
  | { readonly died: string }
  | { readonly listener: number; readonly payload: string }
  | { readonly id: number; readonly answers: readonly RawAnswer[] | undefined }
  | { readonly id: number; readonly error: { readonly message: string } }

interface RawAnswer {
  readonly names: readonly string[]
  readonly types: readonly number[]
  readonly rows: readonly (readonly (string | null)[])[]
  readonly command?: string
  readonly rowCount?: number
}

type Request =
  | { readonly kind: 'query'; readonly text: string; readonly values: readonly (string | null)[] }
  | { readonly kind: 'script'; readonly text: string }
  | { readonly kind: 'listen'; readonly channel: string; readonly listener: number }
  | { readonly kind: 'unlisten'; readonly listener: number }
  | { readonly kind: 'close' }

interface Waiter {
  resolve(answers: readonly RawAnswer[]): void
  reject(error: Error): void
}

const parameterOf = (value: unknown): string | null => {
  const prepared = parameters.prepareValue(value)
  return Buffer.isBuffer(prepared) ? `\\x${prepared.toString('hex')}` : prepared
}

/** Both drivers give the same values for the same rows because both use node-postgres's own conversions. */
const answerOf = ({ names, types, rows, command, rowCount }: RawAnswer): Answer => {
  const parsers = types.map(type => pg.types.getTypeParser(type, 'text') as (text: string) => unknown)
  const objectOf = (values: readonly (string | null)[]) => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < names.length; i++) {
      const text = values[i] ?? null
      row[names[i] ?? ''] = text === null ? null : parsers[i]?.(text)
    }
    return row
  }
  return { rows: rows.map(objectOf), command, rowCount }
}

/** PostgreSQL gave up: for want of room, say, or because a file is damaged. The message is its own sentence, which names files and no values. */
export class EngineDied extends Error {
  override readonly name = 'EngineDied'
}

const unavailable = (cause: unknown) => new Problem('storage_unavailable', { retry_after: 2 }, { cause })

/**
 * Starts the thread and opens the database in `directory`, which must be initialised and locked.
 *
 * Rejects with `EngineDied` when PostgreSQL gives up as it starts.
 * @param onEnded the thread ended although nobody closed it, for this reason. Everything asked of it, then and later, fails with `storage_unavailable`.
 */
export const startEngine = (directory: string, onEnded: (cause: Error) => void): Promise<Engine> => {
  const syncs = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./pglite-thread.mjs', import.meta.url), {
    workerData: { directory, syncs },
    // Nothing of the process's own: neither its loaders nor its settings, which hold secrets.
    env: {},
    execArgv: [],
    argv: [],
    // V8's own measure, 48, holds 15 MB of garbage.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  })
  const waiting = new Map<number, Waiter>()
  const listeners = new Map<number, (payload: string) => void>()
  let count = 0
  let state: 'starting' | 'open' | 'closing' | 'ended' = 'starting'
  let fault = new Error('the thread of the embedded database ended by itself')

  const ask = (request: Request): Promise<readonly RawAnswer[]> =>
    new Promise((resolve, reject) => {
      if (state === 'ended') return reject(unavailable(fault))
      const id = count++
      waiting.set(id, { resolve, reject })
      // Like a database in this process: it keeps the process running while it has something to do.
      worker.ref()
      worker.postMessage({ id, ...request })
    })

  const settle = (message: Extract<Message, { id: number }>): void => {
    const waiter = waiting.get(message.id)
    waiting.delete(message.id)
    if (waiting.size === 0 && state === 'open') worker.unref()
    if ('error' in message) waiter?.reject(Object.assign(new Error(message.error.message), message.error))
    else waiter?.resolve(message.answers ?? [])
  }

  const engine: Engine = {
    async query(text, values) {
      const [answer] = await ask({ kind: 'query', text, values: values.map(parameterOf) })
      return answer ? answerOf(answer) : { rows: [] }
    },
    script: async text => (await ask({ kind: 'script', text })).map(answerOf),
    async listen(channel, onMessage) {
      const listener = count++
      listeners.set(listener, onMessage)
      await ask({ kind: 'listen', channel, listener })
      return async () => {
        listeners.delete(listener)
        await ask({ kind: 'unlisten', listener })
      }
    },
    syncCount: () => Atomics.load(syncs, 0),
    async close() {
      if (state !== 'open') return
      state = 'closing'
      const gone = new Promise(resolve => worker.once('exit', resolve))
      try {
        await ask({ kind: 'close' })
        await gone
      } finally {
        state = 'ended'
        await worker.terminate()
      }
    },
  }

  return new Promise((resolve, reject) => {
    worker.on('message', (message: Message) => {
      if ('ready' in message) {
        state = 'open'
        worker.unref()
        resolve(engine)
      } else if ('died' in message) fault = new EngineDied(message.died)
      else if ('listener' in message) listeners.get(message.listener)?.(message.payload)
      else settle(message)
    })
    worker.on('error', error => (fault = error instanceof Error ? error : fault))
    worker.on('exit', () => {
      const asked = state
      state = 'ended'
      for (const waiter of waiting.values()) waiter.reject(unavailable(fault))
      waiting.clear()
      reject(fault)
      if (asked === 'open') onEnded(fault)
    })
  })
}
