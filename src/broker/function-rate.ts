import { LRUCache } from 'lru-cache'
import { Problem } from '../core/problem.ts'
import type { FunctionRow } from '../storage/functions.ts'
import type { Broker } from './broker.ts'

/** Calls that may still be made at once, as of `at`: they come back evenly over the minute. */
interface Bucket {
  left: number
  at: number
}

const minuteMs = 60_000
const mostKept = 50_000
/** One call, but for what sums of fractions of milliseconds lose. */
const oneCall = 0.999

const bucketsOf = new WeakMap<Broker, LRUCache<string, Bucket>>()

function buckets(broker: Broker): LRUCache<string, Bucket> {
  let known = bucketsOf.get(broker)
  if (!known) bucketsOf.set(broker, (known = new LRUCache({ max: mostKept })))
  return known
}

/** The bucket as it is now, full when nobody has taken from it for a minute. */
function bucketOf(broker: Broker, key: string, perMinute: number): Bucket {
  const now = broker.monotonic()
  const known = buckets(broker).get(key) ?? { left: perMinute, at: now }
  known.left = Math.min(perMinute, known.left + ((now - known.at) * perMinute) / minuteMs)
  known.at = now
  buckets(broker).set(key, known)
  return known
}

/**
 * Lets one public call of a function through, and counts it. Whoever may not call it at all has been refused before, so that nobody uses up
 * what is others'. Each instance counts for itself.
 * @throws Problem too_many_requests
 */
export function countPublicCall(broker: Broker, row: Pick<FunctionRow, 'id' | 'organization_id'>): void {
  const { functionPublicCallsPerMinute: ofFunction, functionPublicCallsPerMinuteOrganization: ofOrganization } = broker.limits
  const limits = [
    { perMinute: ofFunction, whose: 'This function', bucket: bucketOf(broker, `function ${row.id}`, ofFunction) },
    {
      perMinute: ofOrganization,
      whose: 'The organisation',
      bucket: bucketOf(broker, `organization ${row.organization_id}`, ofOrganization),
    },
  ]
  const full = limits.filter(({ bucket }) => bucket.left < oneCall)
  const [first] = full
  if (first) {
    const wait = Math.max(...full.map(({ perMinute, bucket }) => ((1 - bucket.left) * minuteMs) / perMinute))
    throw new Problem('too_many_requests', {
      retry_after: Math.max(1, Math.ceil(wait / 1000)),
      detail: `${first.whose} takes ${first.perMinute} public calls in a minute. Wait as long as Retry-After says, then try again; the operator of Patchbay can raise it.`,
    })
  }
  for (const { bucket } of limits) bucket.left -= 1
}
