/** One renewal that wants to be sent. */
export interface Applicant {
  /** When somebody first needed this token since it was last renewed, counting those who were turned away; by the monotonic clock. */
  readonly since: number
  /** When the token ends, by the same clock; -Infinity where that is not known. */
  readonly endsAt: number
  /** Whether a caller waits for it. Without one the token is still good, and this happens behind a call. May change while it waits. */
  awaited(): boolean
}

export interface Turns {
  /** @returns whether its turn has come; false when it would be later than `longestMs`, or gave way to others until then. */
  take(who: Applicant, longestMs: number): Promise<boolean>
  /** An outage is over: for ten minutes turns are given one by one. */
  oneByOne(): void
  /** Nobody is sent any more: all who wait may look why. */
  letGo(): void
}

export interface TurnsOptions {
  /** Milliseconds that never jump. */
  readonly monotonic: () => number
  /** 0 ≤ x < 1. */
  readonly chance: () => number
  /** Does it after so many milliseconds; what comes back undoes that. */
  readonly later?: (ms: number, work: () => void) => () => void
}

const perSecond = 20
const turnMs = 1000 / perSecond
/** Each gap is up to half as long again, so that several instances do not keep step. */
const meanGapMs = turnMs * 1.25
const oneByOneMs = 600_000

interface Waiting {
  readonly who: Applicant
  readonly until: number
  answer(turn: boolean): void
}

/** Callers go before renewals behind a call; among callers the oldest need, among the others the token that ends first. */
function goesBefore(one: Waiting, other: Waiting): boolean {
  const awaited = one.who.awaited()
  if (awaited !== other.who.awaited()) return awaited
  return awaited ? one.who.since < other.who.since : one.who.endsAt < other.who.endsAt
}

/**
 * After an outage everybody comes at once, be it the provider's, our own or our callers'. A provider gets 20 token requests in any second at
 * most (R9); when it comes back from an outage of its own, each waits for the one before it. The queue is as long as its last may wait; in a
 * full one the last gives way to who goes before it.
 */
export function createTurns({ monotonic, chance, later = afterwards }: TurnsOptions): Turns {
  let queue: Waiting[] = []
  /** The last moments at which somebody was sent, as many as a second may have. */
  let sent: number[] = []
  let nextAt = -Infinity
  let oneByOneUntil = -Infinity
  let undo: (() => void) | null = null

  function earliest(now: number): number {
    const inThisSecond = sent.length < perSecond ? -Infinity : (sent[0] ?? 0) + 1000
    return Math.max(now, inThisSecond, now < oneByOneUntil || queue.length > 0 ? nextAt : -Infinity)
  }

  function send(now: number): void {
    sent = [...sent, now].slice(-perSecond)
    nextAt = now + turnMs * (1 + chance() / 2)
  }

  function leave(one: Waiting, turn: boolean): void {
    queue = queue.filter(each => each !== one)
    one.answer(turn)
  }

  function next(): void {
    undo = null
    const now = monotonic()
    for (const one of queue) if (one.until <= now) leave(one, false)
    const [first, ...others] = queue
    if (first && earliest(now) <= now) {
      send(now)
      leave(
        others.reduce((best, one) => (goesBefore(one, best) ? one : best), first),
        true,
      )
    }
    schedule()
  }

  function schedule(): void {
    if (queue.length === 0 || undo) return
    const now = monotonic()
    undo = later(Math.max(1, earliest(now) - now), next)
  }

  return {
    take(who, longestMs) {
      const now = monotonic()
      if (queue.length === 0 && earliest(now) <= now) {
        send(now)
        return Promise.resolve(true)
      }
      return new Promise(answer => {
        queue.push({ who, until: now + longestMs, answer })
        if (queue.length * meanGapMs > longestMs)
          leave(
            queue.reduce((last, one) => (goesBefore(one, last) ? last : one)),
            false,
          )
        schedule()
      })
    },
    oneByOne() {
      oneByOneUntil = monotonic() + oneByOneMs
    },
    letGo() {
      undo?.()
      undo = null
      for (const one of queue) leave(one, true)
    },
  }
}

function afterwards(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms)
  return () => clearTimeout(timer)
}
