import { normalizeIP } from '@fastify/rate-limit'
import { LRUCache } from 'lru-cache'
import type { Broker, Limits } from '../broker/broker.ts'
import { Problem } from '../core/problem.ts'

/*
 * How often a password may be guessed. @fastify/rate-limit counts requests; here only what failed counts, so that somebody who signs in
 * often is never refused. Known and unknown accounts are counted alike, by what was typed: a refusal tells nobody whether one exists.
 */

const windowSeconds = 15 * 60
/** Each worker counts for itself, and a caller may reach all of them: each counts its part, and at least three. */
export const ofEach = (limit: number, workers: number): number => Math.max(3, Math.ceil(limit / workers))
/** From one address for one account; for one account from everywhere; from one address for all accounts. */
const most = { pair: 10, account: 100, address: 100 } as const
/** IPv6 networks are given out to people in blocks of this size. */
export const networkBits = 64

interface Counter {
  failures: number
  readonly until: number
}

type Surroundings = Pick<Broker, 'monotonic'> & { readonly limits: Pick<Limits, 'workers'> }

const countersOf = new WeakMap<Surroundings, LRUCache<string, Counter>>()

function counters(broker: Surroundings): LRUCache<string, Counter> {
  let known = countersOf.get(broker)
  if (!known) countersOf.set(broker, (known = new LRUCache({ max: 50_000 })))
  return known
}

/**
 * Lets one attempt at a password through, and counts it before it is made: a hundred at once are a hundred. What throws
 * `sign_in_failed` or `validation_failed` stays counted; success clears what this address did to this account.
 *
 * @param account the e-mail as typed, or an id.
 * @throws Problem too_many_requests
 */
export async function guessing<T>(broker: Surroundings, account: string, ip: string, attempt: () => Promise<T>): Promise<T> {
  const name = account.trim().toLowerCase().slice(0, 320)
  const network = normalizeIP(ip, networkBits)
  const limits = [
    [`pair ${network} ${name}`, most.pair],
    [`account ${name}`, most.account],
    [`address ${network}`, most.address],
  ] as const
  const all = counters(broker)
  const now = broker.monotonic()
  const held = limits.map(([key, limit]) => {
    const known = all.get(key)
    const counter = known && known.until > now ? known : { failures: 0, until: now + windowSeconds * 1000 }
    if (counter.failures >= ofEach(limit, broker.limits.workers))
      throw new Problem('too_many_requests', { retry_after: Math.ceil((counter.until - now) / 1000) })
    return { key, counter }
  })
  for (const { key, counter } of held) {
    counter.failures++
    all.set(key, counter)
  }
  try {
    const value = await attempt()
    held.forEach(({ counter }, i) => (counter.failures = i === 0 ? 0 : counter.failures - 1))
    return value
  } catch (error) {
    const wrong = error instanceof Problem && (error.code === 'sign_in_failed' || error.code === 'validation_failed')
    // a database that is away is nobody's guess
    if (!wrong) for (const { counter } of held) counter.failures--
    throw error
  }
}

/** A limit on requests of one address, for a route that needs nobody signed in. */
export const perAddress = (max: number) => ({ rateLimit: { max, timeWindow: '1 minute' } })
