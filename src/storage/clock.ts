import { sql } from 'kysely'
import type { Executor, OpenDatabase } from './database.ts'

/** The database's time, known without asking it each time. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /**
   * The same, but when the database's clock was set forwards this follows half a minute later: what somebody took for half a minute
   * before has lasted as long by then.
   */
  steadyNow(): number
  /** Looks again what time it is there. @throws Problem storage_unavailable */
  ask(): Promise<void>
}

/** The clocks of this process. */
export interface OwnClocks {
  /** May be wrong, and may jump. */
  readonly wall: () => number
  /** Never jumps. */
  readonly monotonic: () => number
}

/** Less than this is how the answers of a database differ, not its clock. */
const noticedMs = 20
/** Our own clock went another way than the monotonic one by more: it was set, or the machine slept. */
const jumpMs = 1_000
/** As long as a lease lasts. */
const steadyMs = 30_000

/**
 * One clock for all instances: leases, ends and the order of events are the database's time, and what a process reads from its own clock
 * would be compared with them. Between two looks, and while the database is away, our monotonic clock goes on from its last answer.
 * The embedded database reads this machine's clock, and so does this.
 */
export async function createClock(open: Pick<OpenDatabase, 'kind' | 'db'>, { wall, monotonic }: OwnClocks): Promise<Clock> {
  if (open.kind === 'pglite') return { now: wall, steadyNow: wall, ask: () => Promise.resolve() }
  let ahead: number | null = null
  let wallAhead = 0
  let jumped: { readonly at: number; readonly from: number } | null = null
  let asking: Promise<void> | null = null

  async function look(): Promise<void> {
    wallAhead = wall() - monotonic()
    const started = monotonic()
    const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(open.db)
    const answeredMs = monotonic() - started
    const at = rows[0]?.at.getTime()
    if (at === undefined) return
    // the middle of asking is the best guess at when it looked
    const found = at - (started + answeredMs / 2)
    if (ahead !== null && found - ahead > jumpMs + answeredMs / 2)
      jumped = { at: monotonic(), from: Math.min(ahead, steadyAhead() ?? ahead) }
    if (ahead === null || Math.abs(found - ahead) > answeredMs / 2 + noticedMs) ahead = found
  }
  const steadyAhead = () => (jumped !== null && monotonic() - jumped.at < steadyMs ? jumped.from : null)
  const ask = () => (asking ??= look().finally(() => (asking = null)))

  await ask()
  const now = () => {
    const since = monotonic()
    const ours = wall()
    // the monotonic clock of a machine that slept stood still; what cannot be asked now is asked with the next look
    if (Math.abs(ours - since - wallAhead) > jumpMs) ask().catch(() => {})
    // whole ones, as of Date.now
    return ahead === null ? ours : Math.floor(since + ahead)
  }
  return {
    now,
    steadyNow: () => Math.min(now(), Math.floor(monotonic() + (steadyAhead() ?? Infinity))),
    ask,
  }
}

const latestTime = 'latest_time'
const noteEverySeconds = 60

/** Seconds since the latest time that was noted; less than none when the clock was set back, null when nothing was noted yet. */
async function sinceLatest(db: Executor, lock: boolean): Promise<number | null> {
  const { rows } = await sql<{ seconds: number }>`
    select (extract(epoch from clock_timestamp()) - value::numeric)::float8 as seconds from settings where name = ${latestTime}
    ${lock ? sql`for update` : sql``}`.execute(db)
  return rows[0]?.seconds ?? null
}

/** Once a minute, and when the clock was set back. */
export async function timeIsToBeNoted(db: Executor): Promise<boolean> {
  const since = await sinceLatest(db, false)
  return since === null || Math.abs(since) > noteEverySeconds
}

/**
 * Writes down how late it is.
 * @returns the seconds by which the clock was set back since, also while nothing ran, to within a minute or so too few; null when it was not,
 *   or by less than a minute. Who is told is the only one: other instances wait until the transaction ends.
 */
export async function noteTime(trx: Executor): Promise<number | null> {
  const since = await sinceLatest(trx, true)
  await sql`insert into settings (name, value) values (${latestTime}, extract(epoch from clock_timestamp())::text)
    on conflict (name) do update set value = excluded.value`.execute(trx)
  return since !== null && since < -noteEverySeconds ? -since : null
}
