/** What came of one admitted refresh. */
export type RefreshOutcome =
  /** The provider answered, if only to refuse: it is there. */
  | { readonly kind: 'answered' }
  /** No answer, a fault of its own (5xx), or 429; `pauseSeconds` when it said how long to stay away. */
  | { readonly kind: 'failed'; readonly pauseSeconds: number | null }
  /** It was not asked after all. */
  | { readonly kind: 'unused' }

export interface Admitted {
  readonly admitted: true
  /** Exactly once; later calls do nothing. */
  settle(outcome: RefreshOutcome): void
}

export interface HeldBack {
  readonly admitted: false
  /** When to come again; each caller another fraction, so that they do not come back in step. */
  readonly retryInSeconds: number
  /** One refresh is out to see whether the provider is back: the answer is a matter of moments. */
  readonly probing: boolean
}

export interface Breaker {
  /** May a refresh be sent now? Whoever is admitted says what came of it. */
  admit(): Admitted | HeldBack
  /**
   * After an outage everybody comes at once: turns are given out 20 a second, in the order of asking, for ten minutes.
   * @returns milliseconds to wait; null when the turn would be later than `longestMs`, and none was taken.
   */
  turn(longestMs: number): number | null
  readonly state: 'closed' | 'open' | 'half_open'
}

export interface BreakerOptions {
  /** Milliseconds that never jump. */
  readonly monotonic: () => number
  /** 0 ≤ x < 1. */
  readonly chance: () => number
  readonly onOpen?: () => void
  readonly onClose?: () => void
}

const openMs = 30_000
const windowMs = 30_000
const consecutiveFailures = 5
const leastInWindow = 20
/** More than these are as telling as these. */
const mostInWindow = 1_000
/** RFC 9110 §10.2.3 sets no bound; a provider that says "tomorrow" is asked again after a quarter of an hour. */
const longestPauseMs = 900_000
/** A probe whose caller vanished: longer than any token request may take. */
const probeMs = 60_000
const turnMs = 50
const paceMs = 600_000

/**
 * Keeps refreshes away from a token endpoint that is down, so that an outage is not answered with a flood, neither while it lasts nor when it
 * ends. One per service, its revision and token origin, in this process (reliability: one bad provider is one bad provider).
 *
 * Opens after 5 failures in a row, or when half of 20 and more within 30 s failed; for 30 s. Then one refresh goes out: its answer closes, its
 * failure opens for another 30 s. A 429 with Retry-After pauses everything for as long as it says, at most 15 minutes.
 */
export function createBreaker({ monotonic, chance, onOpen, onClose }: BreakerOptions): Breaker {
  let recent: { readonly at: number; readonly failed: boolean }[] = []
  let inARow = 0
  let openUntil: number | null = null
  let probeSince: number | null = null
  let pausedUntil = -Infinity
  let pacedUntil = -Infinity
  let nextTurn = -Infinity

  const held = (ms: number, probing = false): HeldBack => ({
    admitted: false,
    retryInSeconds: Math.max(1, Math.ceil(ms / 1000 + (probing ? 0 : chance() * 3))),
    probing,
  })

  function open(now: number): void {
    const was = openUntil
    openUntil = now + openMs
    probeSince = null
    if (was === null) onOpen?.()
  }

  function close(now: number): void {
    openUntil = null
    probeSince = null
    inARow = 0
    recent = []
    pacedUntil = now + paceMs
    onClose?.()
  }

  function note(now: number, failed: boolean): void {
    recent = [...recent.filter(one => one.at > now - windowMs), { at: now, failed }].slice(-mostInWindow)
    inARow = failed ? inARow + 1 : 0
  }

  const tooMany = (): boolean =>
    inARow >= consecutiveFailures || (recent.length >= leastInWindow && recent.filter(one => one.failed).length * 2 >= recent.length)

  function settle(outcome: RefreshOutcome, probe: number | null): void {
    const now = monotonic()
    const isProbe = probe !== null && probe === probeSince
    if (outcome.kind === 'unused') {
      if (isProbe) probeSince = null
      return
    }
    const failed = outcome.kind === 'failed'
    if (failed && outcome.pauseSeconds !== null)
      pausedUntil = Math.max(pausedUntil, now + Math.min(outcome.pauseSeconds * 1000, longestPauseMs))
    // what was on its way when it opened says nothing about now
    if (openUntil !== null && !isProbe) return
    note(now, failed)
    if (isProbe) return failed ? open(now) : close(now)
    if (failed && tooMany()) open(now)
  }

  return {
    admit() {
      const now = monotonic()
      if (now < pausedUntil) return held(pausedUntil - now)
      if (openUntil !== null && now < openUntil) return held(openUntil - now)
      let probe: number | null = null
      if (openUntil !== null) {
        if (probeSince !== null && now - probeSince < probeMs) return held(1000, true)
        probe = probeSince = now
      }
      let settled = false
      return {
        admitted: true,
        settle(outcome) {
          if (settled) return
          settled = true
          settle(outcome, probe)
        },
      }
    },
    turn(longestMs) {
      const now = monotonic()
      // while it is open nobody is sent anyway
      if (now >= pacedUntil || openUntil !== null) return 0
      const at = Math.max(now, nextTurn)
      if (at - now > longestMs) return null
      nextTurn = at + turnMs * (1 + chance() / 2)
      return at - now
    },
    get state() {
      return openUntil === null ? 'closed' : monotonic() < openUntil ? 'open' : 'half_open'
    },
  }
}

/** 1, 2, 4 … 300 seconds, each somewhere in its upper half, so that many connections do not come back in step. */
export const backOffSeconds = (failures: number, chance: number): number => {
  const full = Math.min(300, 2 ** Math.min(failures, 9))
  return full / 2 + chance * (full / 2)
}
