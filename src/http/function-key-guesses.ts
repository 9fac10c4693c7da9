import { createHash } from 'node:crypto'
import { normalizeIP } from '@fastify/rate-limit'
import { LRUCache } from 'lru-cache'
import type { Broker, Limits } from '../broker/broker.ts'
import { Problem } from '../core/problem.ts'
import { networkBits, ofEach } from './throttle.ts'

/*
 * How often the key of exposed functions may be guessed. Nobody guesses 256 bits; but each guess asks the database, and comes without
 * anything that could be counted otherwise.
 */

/** Wrong keys from one address. */
const mostWrong = 100
const windowMs = 60_000
/** For so long a wrong key is remembered; short, because it may be made. */
const wrongMs = 5_000

type Surroundings = Pick<Broker, 'monotonic'> & { readonly limits: Pick<Limits, 'workers'> }

/** @throws Problem too_many_requests · what the look-up throws */
export type GuessKey = <T>(key: string, ip: string, lookUp: (key: string) => Promise<T | undefined>) => Promise<T | undefined>

/**
 * Looks a key up unless it was wrong a moment ago. An address that sent many wrong ones is refused for the rest of the minute, but for
 * keys that were right once: a whole company may share an address with whoever guesses.
 */
export function createKeyGuesses(broker: Surroundings): GuessKey {
  const most = ofEach(mostWrong, broker.limits.workers)
  const right = new LRUCache<string, true>({ max: 10_000 })
  const wrongUntil = new LRUCache<string, number>({ max: 10_000 })
  const addresses = new LRUCache<string, { wrong: number; readonly until: number }>({ max: 50_000 })

  return async (key, ip, lookUp) => {
    const hash = createHash('sha256').update(key).digest('base64')
    const network = normalizeIP(ip, networkBits)
    const now = broker.monotonic()
    const known = addresses.get(network)
    const counter = known && known.until > now ? known : { wrong: 0, until: now + windowMs }
    if (counter.wrong >= most && !right.has(hash))
      throw new Problem('too_many_requests', {
        retry_after: Math.ceil((counter.until - now) / 1000),
        detail: 'Too many wrong zapikeys came from this address. Wait as long as Retry-After says, then send the right one.',
      })
    const wrong = (wrongUntil.get(hash) ?? 0) > now
    const found = wrong ? undefined : await lookUp(key)
    if (found !== undefined) {
      right.set(hash, true)
      return found
    }
    if (!wrong) wrongUntil.set(hash, now + wrongMs)
    counter.wrong++
    addresses.set(network, counter)
    return undefined
  }
}
