import { Failure } from './failure.ts'

/** What a run may use up. Everything has a bound. */
export interface Limits {
  /** Statements executed; the head of a loop counts once per turn (§3.7). */
  readonly statements: number
  /** Wall time in milliseconds, waiting for calls included. */
  readonly milliseconds: number
  /** What the variables of a run may hold, estimated, in bytes. */
  readonly memory: number
  /** Calls to the outside: each `invokeurl`, mail or integration task is one. */
  readonly calls: number
  /** Functions calling functions. */
  readonly depth: number
  /** UTF-16 units in one text. */
  readonly text: number
  /** Elements in one list, map or collection. */
  readonly items: number
  /** Bytes of all `info` lines. */
  readonly info: number
}

export const defaultLimits: Limits = {
  statements: 200_000,
  milliseconds: 60_000,
  memory: 64 * 1024 * 1024,
  calls: 100,
  depth: 500,
  text: 8 * 1024 * 1024,
  items: 100_000,
  info: 1024 * 1024,
}

/** How many statements pass at most between two looks at the clock and at whether somebody wants the run to end. */
const betweenLooks = 1024

/** A run begins with one, and has more while they are quick: one statement may sort a long list. */
const firstLook = 1
const quickMs = 2

/** Elements, characters or bytes gone through between two looks at the clock, whatever the number of statements. */
const workBetweenLooks = 2_000_000
const muchMade = 65_536

/**
 * Counts what a run uses. Statements are counted down to the next look, so that the hot path is one decrement; memory is the sum of what
 * was made, and when that passes the limit, what is still reachable is measured.
 */
export interface Meter {
  readonly limits: Limits
  /** Statements until the next look. The interpreter calls `look` before a statement when it is zero, and decrements it for the statement. */
  countdown: number
  calls: number
  depth: number
  statements(): number
  /** Throws when the run is over its statements, its time, or was cancelled. */
  look(): void
  /** Elements or characters are about to be gone through, many: looks at the clock now and then. */
  worked(units: number): void
  /** Something of this many bytes was made. */
  made(bytes: number): void
  /** Before a text of this length is made: throws when it would be too long. */
  textOf(length: number): void
  /** Before a container grows to this many elements: throws when it would be too large. */
  itemsOf(count: number): void
  /** One call to the outside. */
  called(): void
}

/** A meter. `now` is a clock in milliseconds; `reachable` measures what the run's variables hold, in bytes. */
export function meterOf(limits: Limits, now: () => number, cancelled: () => boolean, reachable: () => number): Meter {
  let looked = now()
  const deadline = looked + limits.milliseconds
  let before = 0
  let usual = firstLook
  let batch = Math.min(usual, limits.statements)
  let bytes = 0
  let work = 0
  const lookAtClock = (): number => {
    work = 0
    if (cancelled()) throw new Failure('The run was cancelled.', 'cancelled')
    const at = now()
    if (at > deadline) throw new Failure(`The run took longer than its limit of ${String(limits.milliseconds / 1000)} seconds.`, 'limit')
    return at
  }
  const meter: Meter = {
    limits,
    countdown: batch,
    calls: 0,
    depth: 0,
    statements: () => before + batch - meter.countdown,
    look() {
      before += batch - meter.countdown
      if (before >= limits.statements) {
        batch = meter.countdown = 0
        throw new Failure('Number of statement execution limit exceed', 'limit')
      }
      const at = lookAtClock()
      usual = at - looked > quickMs ? Math.max(1, Math.floor(usual / 4)) : Math.min(betweenLooks, usual * 2)
      looked = at
      meter.countdown = batch = Math.min(usual, limits.statements - before)
    },
    worked(units) {
      work += units
      if (work > workBetweenLooks) lookAtClock()
    },
    made(more) {
      bytes += more
      if (more > muchMade) meter.worked(more)
      if (bytes <= limits.memory) return
      bytes = reachable() + more
      if (bytes > limits.memory) {
        throw new Failure(`The script holds more than its limit of ${String(Math.floor(limits.memory / 1024 / 1024))} MB.`, 'limit')
      }
    },
    textOf(length) {
      if (length > limits.text) throw new Failure(`A text may have ${String(limits.text)} characters at most.`, 'limit')
    },
    itemsOf(count) {
      if (count > limits.items) throw new Failure(`A list or map may have ${String(limits.items)} elements at most.`, 'limit')
    },
    called() {
      if (meter.calls >= limits.calls) throw new Failure(`A run may make ${String(limits.calls)} calls at most.`, 'limit')
      meter.calls += 1
    },
  }
  return meter
}
