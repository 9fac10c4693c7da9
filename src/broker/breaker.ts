import { LRUCache } from 'lru-cache'
import { createTurns, type Applicant, type TurnsOptions } from './turns.ts'

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
  /** Waits for a turn: not too many in a second. @returns false when it would be later than `longestMs`. */
  turn(who: Applicant, longestMs: number): Promise<boolean>
  readonly state: 'closed' | 'open' | 'half_open'
}

export interface BreakerOptions extends TurnsOptions {
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

/**
 * Keeps refreshes away from a token endpoint that is down, so that an outage is not answered with a flood, neither while it lasts nor when it
 * ends. One per service, its revision and token origin, in this process (reliability: one bad provider is one bad provider).
 *
 * Opens after 5 failures in a row, or when half of 20 and more within 30 s failed; for 30 s. Then one refresh goes out: its answer closes, its
 * failure opens for another 30 s. A 429 with Retry-After pauses everything for as long as it says, at most 15 minutes.
 */
export function createBreaker({ onOpen, onClose, ...options }: BreakerOptions): Breaker {
  const { monotonic, chance } = options
  const turns = createTurns(options)
  let recent: { readonly at: number; readonly failed: boolean }[] = []
  let inARow = 0
  let openUntil: number | null = null
  let probeSince: number | null = null
  let pausedUntil = -Infinity

  const held = (ms: number, probing = false): HeldBack => ({
    admitted: false,
    retryInSeconds: Math.max(1, Math.ceil(ms / 1000 + (probing ? 0 : chance() * 3))),
    probing,
  })

  function open(now: number): void {
    const was = openUntil
    openUntil = now + openMs
    probeSince = null
    turns.letGo()
    if (was === null) onOpen?.()
  }

  function close(): void {
    openUntil = null
    probeSince = null
    inARow = 0
    recent = []
    turns.oneByOne()
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
    if (failed && outcome.pauseSeconds !== null) {
      pausedUntil = Math.max(pausedUntil, now + Math.min(outcome.pauseSeconds * 1000, longestPauseMs))
      turns.letGo()
    }
    // what was on its way when it opened says nothing about now
    if (openUntil !== null && !isProbe) return
    note(now, failed)
    if (isProbe) return failed ? open(now) : close()
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
    // while nobody is sent nobody need wait to be told so
    turn: (who, longestMs) => (openUntil === null && monotonic() >= pausedUntil ? turns.take(who, longestMs) : Promise.resolve(true)),
    get state() {
      return openUntil === null ? 'closed' : monotonic() < openUntil ? 'open' : 'half_open'
    },
  }
}

/** Those of one process, by name. */
export interface Breakers {
  of(name: string, make: () => Breaker): Breaker
  /** How many hold refreshes back. One that nobody has asked for a while, because its service was edited or is not used, does not count. */
  open(): number
}

const mostBreakers = 10_000
/** Longer than any connection waits between two attempts. */
const inUseMs = 600_000

export function createBreakers(monotonic: () => number): Breakers {
  const known = new LRUCache<string, { readonly breaker: Breaker; askedAt: number }>({ max: mostBreakers })
  return {
    of(name, make) {
      let one = known.get(name)
      if (!one) known.set(name, (one = { breaker: make(), askedAt: 0 }))
      one.askedAt = monotonic()
      return one.breaker
    },
    open() {
      const since = monotonic() - inUseMs
      let open = 0
      for (const { breaker, askedAt } of known.values()) if (askedAt > since && breaker.state !== 'closed') open++
      return open
    },
  }
}

/** 1, 2, 4 … 300 seconds, each somewhere in its upper half, so that many connections do not come back in step. */
export const backOffSeconds = (failures: number, chance: number): number => {
  const full = Math.min(300, 2 ** Math.min(failures, 9))
  return full / 2 + chance * (full / 2)
}
