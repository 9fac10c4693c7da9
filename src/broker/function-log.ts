import { insertRuns, type NewRun } from '../storage/function-runs.ts'
import type { Database } from '../storage/database.ts'
import type { Log } from '../telemetry/log.ts'

/** One row per run, written a moment after it: a run never waits for its log. */
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

export function createFunctionLog(db: Database, log: Log): FunctionLog {
  let waiting: NewRun[] = []
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
      while (waiting.length > 0) {
        const batch = waiting.slice(0, batchRows)
        await insertRuns(db, batch)
        waiting = waiting.filter(row => !batch.includes(row))
      }
    } catch (error) {
      log.error({ err: error, waiting: waiting.length }, 'the log of function runs could not be written; it will be tried again')
      schedule(retryMilliseconds)
    }
  }

  function write(): Promise<void> {
    writing ??= writeAll().finally(() => {
      writing = null
    })
    return writing
  }

  return {
    record(row) {
      waiting.push(row)
      if (waiting.length > mostWaiting) {
        waiting.shift()
        log.error({}, 'the log of function runs is full: a row was given up')
      }
      schedule(batchMilliseconds)
    },
    async flush() {
      while (writing) await writing
      if (waiting.length > 0) await write()
    },
    async close() {
      if (timer) clearTimeout(timer)
      while (writing) await writing
      await write()
    },
  }
}
