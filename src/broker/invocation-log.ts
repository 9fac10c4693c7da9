import { insertInvocations, type InvocationRow, type KnownSeries } from '../storage/invocations.ts'
import { touchConnections } from '../storage/connections.ts'
import type { Database } from '../storage/database.ts'
import type { Log } from '../telemetry/log.ts'
import { Problem } from '../core/problem.ts'

/** One row per call, written in batches: half a second behind, less when 500 rows wait. When a connection was last used: five seconds. */
export interface InvocationLog {
  record(row: InvocationRow): void
  /** @throws Problem storage_unavailable when so many rows wait that calls must not go on unlogged. */
  assertRoom(): void
  /** Writes what was recorded before; a failure is logged and tried again later. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** A row costs the embedded database, with which nothing else runs meanwhile, 56 µs in batches of 100, 34 in batches of 250, 26 from 500 on. */
const batchRows = 500
const batchMilliseconds = 500
/** The times of last use are a statement and a sync to disk of their own, so they do not go with every batch. */
const touchMilliseconds = 5_000
const retryMilliseconds = 1_000
/** Rows that may wait for a database that is away. Beyond, calls are refused rather than left out of the log. */
const mostWaiting = 20_000

export function createInvocationLog(db: Database, log: Log): InvocationLog {
  let waiting: InvocationRow[] = []
  const series: KnownSeries = new Map()
  /** The last attempt failed, and some of what waits may have been stored all the same. */
  let uncertain = false
  let uses = new Map<string, Date>()
  let touchedAt = performance.now()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> | null = null

  const schedule = (milliseconds: number) => {
    timer ??= setTimeout(() => {
      timer = null
      void write(1)
    }, milliseconds).unref()
  }

  /** In batches, as long as `least` rows wait: what comes in meanwhile is left until it is worth the fixed cost of a batch. */
  async function writeRows(least: number): Promise<void> {
    while (waiting.length >= least) {
      const batch = waiting.slice(0, batchRows)
      const again = uncertain
      uncertain = true
      await insertInvocations(db, batch, series, again)
      uncertain = false
      waiting = waiting.slice(batch.length)
      for (const row of batch) if (row.connection_id) uses.set(row.connection_id, row.at)
    }
  }

  async function writeUses(): Promise<void> {
    const batch = uses
    uses = new Map()
    touchedAt = performance.now()
    try {
      await touchConnections(db, batch)
    } catch (error) {
      uses = new Map([...batch, ...uses])
      throw error
    }
  }

  async function writeBoth(least: number): Promise<void> {
    try {
      await writeRows(least)
      if (uses.size > 0 && performance.now() - touchedAt >= touchMilliseconds) await writeUses()
      if (waiting.length > 0 || uses.size > 0) schedule(batchMilliseconds)
    } catch (error) {
      log.error({ err: error, waiting: waiting.length }, 'the invocation log could not be written; it will be tried again')
      schedule(retryMilliseconds)
    }
  }

  function write(least: number): Promise<void> {
    writing ??= writeBoth(least).finally(() => {
      writing = null
    })
    return writing
  }

  /** The write under way may have been meant to leave something. */
  async function flush(): Promise<void> {
    while (writing) await writing
    await write(1)
  }

  return {
    record(row) {
      waiting.push(row)
      if (waiting.length >= batchRows) void write(batchRows)
      else schedule(batchMilliseconds)
    },
    assertRoom() {
      if (waiting.length >= mostWaiting) throw new Problem('storage_unavailable', { retry_after: 2 })
    },
    flush,
    async close() {
      if (timer) clearTimeout(timer)
      touchedAt = -Infinity
      await flush()
      await flush()
    },
  }
}
