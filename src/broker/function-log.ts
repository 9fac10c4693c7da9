import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { Database } from '../storage/database.ts'
import { insertRuns, keepRunsAlive, type NewRun } from '../storage/function-runs.ts'
import type { Log } from '../telemetry/log.ts'

/**
 * One row per run, written a moment after it: a run never waits for its log. A row with the status `running` is written when a run has begun,
 * and says from then on that this process is alive; the row that has its outcome takes its place.
 */
export interface FunctionLog {
  record(row: NewRun): void
  /** Writes what was recorded before. */
  flush(): Promise<void>
  close(): Promise<void>
}

const batchMilliseconds = 250
const retryMilliseconds = 1_000
/** A row has up to 200 KB. */
const batchRows = 50
/** Beyond, while the database is away, the oldest rows are given up: their runs have happened and been answered. */
const mostWaiting = 1_000
/** How often a run says that it is alive; see `deadAfterSeconds`. */
const aliveMilliseconds = 20_000

export function createFunctionLog(db: Database, log: Log): FunctionLog {
  /** By id: of a run that has ended before its beginning was written only the outcome is. */
  const waiting = new Map<string, NewRun>()
  const running = new Set<string>()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> | null = null

  const schedule = (milliseconds: number) => {
    timer ??= setTimeout(() => {
      timer = null
      void write()
    }, milliseconds).unref()
  }

  async function writeAll(): Promise<void> {
    try {
      while (waiting.size > 0) {
        const batch = [...waiting.values()].slice(0, batchRows)
        await insertRuns(db, batch)
        for (const row of batch) if (waiting.get(row.id) === row) waiting.delete(row.id)
      }
    } catch (error) {
      log.error({ err: error, waiting: waiting.size }, 'the log of function runs could not be written; it will be tried again')
      schedule(retryMilliseconds)
    }
  }

  function write(): Promise<void> {
    writing ??= writeAll().finally(() => {
      writing = null
    })
    return writing
  }

  const alive = setInterval(() => {
    if (running.size === 0) return
    keepRunsAlive(db, [...running]).catch((error: unknown) => log.warn({ err: error }, 'runs could not say that they are alive'))
  }, aliveMilliseconds).unref()

  return {
    record(row) {
      if (row.status === 'running') running.add(row.id)
      else running.delete(row.id)
      waiting.delete(row.id)
      waiting.set(row.id, row)
      const [oldest] = waiting.keys()
      if (waiting.size > mostWaiting && oldest !== undefined) {
        waiting.delete(oldest)
        log.error({}, 'the log of function runs is full: a row was given up')
      }
      schedule(batchMilliseconds)
    },
    async flush() {
      while (writing) await writing
      if (waiting.size > 0) await write()
    },
    async close() {
      clearInterval(alive)
      // what has just been ended says so in a moment
      for (let turn = 0; turn < 100 && running.size > 0; turn++) await turnOfTheLoop()
      if (timer) clearTimeout(timer)
      while (writing) await writing
      await write()
    },
  }
}
