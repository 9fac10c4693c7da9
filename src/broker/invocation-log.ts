import { LRUCache } from 'lru-cache'
import {
  batchSpanMs,
  insertInvocations,
  newSeries,
  type InvocationBatch,
  type InvocationOutcome,
  type Series,
  type StoredSeries,
} from '../storage/invocations.ts'
import { touchConnections } from '../storage/connections.ts'
import type { Database } from '../storage/database.ts'
import type { Log } from '../telemetry/log.ts'
import { Problem } from '../core/problem.ts'

/** One use of a connection, or of Patchbay without one. */
export interface InvocationRecord extends Series, InvocationOutcome {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly duration_ms: number
}

/** Every call, written in batches: half a second behind, less when many wait. When a connection was last used: five seconds. */
export interface InvocationLog {
  record(call: InvocationRecord): void
  /** @throws Problem storage_unavailable when the log could not be written for two seconds, or so many calls wait that more must not go on unlogged. */
  assertRoom(): void
  /** Writes what was recorded before; a failure is logged and tried again later. */
  flush(): Promise<void>
  /** The database may have lost what it stored, as a replica has that was promoted: series are stored again when they are next used. */
  seriesMayBeGone(): void
  /** Calls that are not written yet. */
  waiting(): number
  close(): Promise<void>
}

/** So many calls are written at once, without waiting for the time to be up. */
const batchCalls = 5_000
const batchMilliseconds = 500
const batchesPerStatement = 500
/** What an id has room for is 65,536; an array this long is still read at once. */
const mostCallsInBatch = 1_000
/** The times of last use are a statement and a sync to disk of their own, so they do not go with every batch. */
const touchMilliseconds = 5_000
/** With more connections in use their times of last use lag behind instead: all are written within a hundred seconds. */
const touchesAtOnce = 500
const touchedShare = 20
const retryMilliseconds = 1_000
/** Calls that may wait for a database that is away. Beyond, calls are refused rather than left out of the log. */
const mostWaiting = 20_000
/** A database that has taken nothing for so long is away: calls are refused until it takes what waits. */
const longestStallMilliseconds = 2_000

/** About 1 KB each. What goes beyond is written once more with each batch, which halves how many calls a process carries. */
const seriesRemembered = 30_000

/** A series that was met before, and the batches of it that wait to be written. */
interface KnownSeries {
  readonly series: StoredSeries
  batches: InvocationBatch[]
}

const noBatches: InvocationBatch[] = []

/** Only the last part is not ours or a header's, so that no two series have one key. */
const keyOf = (call: InvocationRecord): string =>
  `${call.organization_id}\n${call.user_id}\n${call.subject_id}\n${call.key_id}\n${call.connection_id}\n${call.door}\n${call.method}\n${call.host}\n${call.connection}`

const belongsTo = (series: Series, call: InvocationRecord): boolean =>
  series.user_id === call.user_id &&
  series.subject_id === call.subject_id &&
  series.key_id === call.key_id &&
  series.door === call.door &&
  series.method === call.method &&
  series.host === call.host &&
  series.connection === call.connection &&
  series.connection_id === call.connection_id &&
  series.organization_id === call.organization_id

/** The one that still takes this call. */
function openFor(batches: readonly InvocationBatch[], { status, problem, at }: InvocationRecord): InvocationBatch | null {
  for (const batch of batches) {
    // the clock may also have been put back
    const inTime = at >= batch.firstAt && at - batch.firstAt <= batchSpanMs
    if (inTime && batch.status === status && batch.problem === problem && batch.afterMs.length < mostCallsInBatch) return batch
  }
  return null
}

export function createInvocationLog(db: Database, log: Log, id: () => string): InvocationLog {
  const known = new LRUCache<string, KnownSeries>({ max: seriesRemembered })
  /** That of each connection's last call, where mostly the next belongs, too: to spell out its key would cost more than all the rest. */
  const latest = new Map<string | null, KnownSeries>()
  /** Those with batches. */
  let used: KnownSeries[] = []
  /** Being written, or to be written again: the same batches, so that what is stored already is known by its id. */
  let attempt: InvocationBatch[] = []
  let calls = 0
  /** The last attempt failed, and some of what waits may have been stored all the same. */
  let uncertain = false
  /** When the attempt began after which nothing has been stored. */
  let stalledSince: number | null = null
  /** When each connection was last used, milliseconds since 1970. */
  let uses = new Map<string, number>()
  let touchedAt = performance.now()
  let closing = false
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> | null = null

  const schedule = (milliseconds: number) => {
    timer ??= setTimeout(() => {
      timer = null
      void write()
    }, milliseconds).unref()
  }

  /** The database may lack what it has stored. */
  function forgetSeries(): void {
    known.clear()
    latest.clear()
    for (const { series } of [...attempt, ...used]) series.storedUntil = 0
  }

  /** What comes in meanwhile is left until it is worth the fixed cost of a statement. */
  async function writeCalls(): Promise<void> {
    // an attempt that failed may have met another server, which lacks what this one had stored
    if (uncertain) forgetSeries()
    for (const of of used) {
      attempt.push(...of.batches)
      of.batches = noBatches
    }
    used = []
    while (attempt.length > 0) {
      const batches = attempt.slice(0, batchesPerStatement)
      const again = uncertain
      uncertain = true
      stalledSince ??= performance.now()
      await insertInvocations(db, batches, again)
      uncertain = false
      stalledSince = null
      attempt = attempt.slice(batches.length)
      for (const { series, lastAt, afterMs } of batches) {
        calls -= afterMs.length
        if (series.connection_id) uses.set(series.connection_id, lastAt)
      }
    }
  }

  /** Those that wait longest first: a connection that is used again keeps its place. */
  async function writeUses(): Promise<void> {
    const due = [...uses].slice(0, closing ? uses.size : Math.max(touchesAtOnce, Math.ceil(uses.size / touchedShare)))
    touchedAt = performance.now()
    for (const [id] of due) uses.delete(id)
    try {
      for (; due.length > 0; due.splice(0, touchesAtOnce)) await touchConnections(db, new Map(due.slice(0, touchesAtOnce)))
    } finally {
      if (due.length > 0) uses = new Map([...due, ...uses])
    }
  }

  async function writeBoth(): Promise<void> {
    try {
      await writeCalls()
      if (uses.size > 0 && performance.now() - touchedAt >= touchMilliseconds) await writeUses()
      if (calls > 0 || uses.size > 0) schedule(batchMilliseconds)
    } catch (error) {
      log.error({ err: error, waiting: calls }, 'the invocation log could not be written; it will be tried again')
      schedule(retryMilliseconds)
    }
  }

  function write(): Promise<void> {
    writing ??= writeBoth().finally(() => {
      writing = null
    })
    return writing
  }

  /** The write under way may have begun before the last call came in. */
  async function flush(): Promise<void> {
    while (writing) await writing
    await write()
  }

  function knownSeries(call: InvocationRecord): KnownSeries {
    const key = keyOf(call)
    let of = known.get(key)
    if (!of) known.set(key, (of = { series: newSeries(call), batches: noBatches }))
    if (latest.size >= seriesRemembered) latest.clear()
    latest.set(call.connection_id, of)
    return of
  }

  /** Arrays of one: most have no more, and one that is pushed to has room for 17. */
  function begin(of: KnownSeries, { at, status, problem, duration_ms }: InvocationRecord): void {
    const batch = {
      id: `${id().slice(0, 32)}0000`,
      series: of.series,
      status,
      problem,
      firstAt: at,
      lastAt: at,
      afterMs: [0],
      durationMs: [duration_ms],
    }
    if (of.batches.length > 0) of.batches.push(batch)
    else {
      of.batches = [batch]
      used.push(of)
    }
  }

  return {
    record(call) {
      let of = latest.get(call.connection_id)
      if (!of || !belongsTo(of.series, call)) of = knownSeries(call)
      const batch = openFor(of.batches, call)
      if (batch) {
        if (call.at > batch.lastAt) batch.lastAt = call.at
        batch.afterMs.push(call.at - batch.firstAt)
        batch.durationMs.push(call.duration_ms)
      } else begin(of, call)
      calls++
      if (calls >= batchCalls && !uncertain) void write()
      else schedule(batchMilliseconds)
    },
    assertRoom() {
      const stalled = stalledSince !== null && performance.now() - stalledSince > longestStallMilliseconds
      if (stalled || calls >= mostWaiting) throw new Problem('storage_unavailable', { retry_after: 2 })
    },
    flush,
    seriesMayBeGone: forgetSeries,
    waiting: () => calls,
    async close() {
      if (timer) clearTimeout(timer)
      closing = true
      touchedAt = -Infinity
      await flush()
      await flush()
    },
  }
}
