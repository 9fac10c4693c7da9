import { setTimeout as delay } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { schemeOf } from '../auth/index.ts'
import { Refusal, reasonOf, type Grant } from '../auth/scheme.ts'
import { tokenOrigin } from '../auth/token-origin.ts'
import { Problem } from '../core/problem.ts'
import { storageWithin } from '../core/within.ts'
import { findCredential, releaseLease, returnLease, setStatus, shortenBackOff, takeLease, type Lease } from '../storage/credentials.ts'
import {
  backOffSeconds,
  createBreaker,
  createBreakers,
  type Admitted,
  type Breaker,
  type Breakers,
  type HeldBack,
  type RefreshOutcome,
} from './breaker.ts'
import type { Broker } from './broker.ts'
import { noteChange } from './change.ts'
import { keepGrant } from './keep-grant.ts'
import { contextOf, openClient } from './scheme-context.ts'
import { openCredential, reauthorize, reread } from './stored-credential.ts'
import type { Usable } from './usable.ts'

/** Longest that a caller waits for somebody else's refresh, or for a turn. */
const longestWaitMs = 25_000
/** Longest that a caller waits for the one refresh that shows whether the provider is back. */
const longestProbeMs = 2_000
/** After an outage every connection is renewed when it is next used, these seconds later at most. */
const recoverySeconds = 10

/** Of how many connections it is remembered since when a token is needed that could not be had. */
const mostRemembered = 20_000

const byBroker = new WeakMap<Broker, Breakers>()

function breakersOf(broker: Broker): Breakers {
  let breakers = byBroker.get(broker)
  if (!breakers) byBroker.set(broker, (breakers = createBreakers(() => broker.monotonic())))
  return breakers
}

/** Token endpoints that refreshes are held back from, for the metrics. */
export const openBreakers = (broker: Broker): number => breakersOf(broker).open()

interface Need {
  /** Callers who were turned away and come back do not begin at the end of the queue. */
  readonly since: number
  /**
   * Whose lease it may be, when the database did not answer whether it was given or returned: whoever comes next asks by the same name,
   * or everybody would wait until it has run out.
   */
  unconfirmedOwner: string | null
}

const needsOf = new WeakMap<Broker, LRUCache<string, Need>>()

/** Of this generation, from when it was first to be renewed. */
function needOf(broker: Broker, { connectionId, subjectId, generation }: Usable): Need {
  let needs = needsOf.get(broker)
  if (!needs) needsOf.set(broker, (needs = new LRUCache({ max: mostRemembered })))
  const key = `${connectionId}:${subjectId}:${generation}`
  const need = needs.get(key) ?? { since: broker.monotonic(), unconfirmedOwner: null }
  needs.set(key, need)
  return need
}

async function asOwner<T>(need: Need, owner: string, work: () => Promise<T>): Promise<T> {
  try {
    const done = await work()
    need.unconfirmedOwner = null
    return done
  } catch (error) {
    need.unconfirmedOwner = isAway(error) ? owner : null
    throw error
  }
}

const isAway = (error: unknown): boolean => error instanceof Problem && error.code === 'storage_unavailable'

const chanceOf = (broker: Broker): number => broker.random(2).readUInt16BE(0) / 65_536

/** The one of this service, its revision and the origin that its tokens come from, in this process. */
async function breakerOf(broker: Broker, usable: Usable): Promise<Breaker> {
  const { variables } = await openCredential(broker, usable)
  const { serviceId, organizationId } = usable
  const origin = tokenOrigin(usable.service, variables)
  const facts = { service: serviceId, organization: organizationId, origin }
  const make = () =>
    createBreaker({
      monotonic: () => broker.monotonic(),
      chance: () => chanceOf(broker),
      onOpen() {
        broker.log.warn(facts, 'a token endpoint fails again and again: refreshes are held back, one is tried every 30 seconds')
      },
      onClose() {
        broker.log.info(facts, 'a token endpoint answers again')
        // a service that wants its refreshes apart keeps its pauses
        if (usable.service.advanced.refresh_spacing_seconds !== undefined) return
        shortenBackOff(broker.db, organizationId, serviceId, recoverySeconds).catch((error: unknown) =>
          broker.log.warn({ err: error, ...facts }, 'pauses chosen during the outage go on'),
        )
      },
    })
  return breakersOf(broker).of(`${serviceId}:${usable.serviceRevision}:${origin}`, make)
}

const stillGood = (broker: Broker, usable: Usable): boolean => usable.endsAt !== null && broker.monotonic() < usable.endsAt

const unavailable = (usable: Usable, retryAfter: number, detail: string | null): Problem =>
  new Problem('token_refresh_unavailable', {
    connection: usable.linkName,
    retry_after: Math.max(1, Math.round(retryAfter)),
    ...(detail ? { provider: detail } : {}),
  })

/**
 * The refresh of one generation: take the lease, ask the provider, store by compare-and-set. Whoever does not get the lease waits for the
 * generation to move. No database connection is held while the provider thinks. Comes back without a new token where the present one is
 * still good and the provider is not to be asked now.
 *
 * @param awaited Whether a caller waits for it now, who goes before renewals that nobody waits for.
 * @throws Problem reauthorization_required, connection_revoked, client_invalid, token_refresh_unavailable, refresh_in_progress,
 *   storage_unavailable, deployment_mismatch
 */
export async function refresh(broker: Broker, usable: Usable, forced: boolean, awaited: () => boolean): Promise<void> {
  broker.deployment.assertOwn()
  const before = usable.generation
  const started = broker.monotonic()
  const deadline = started + longestWaitMs
  const need = needOf(broker, usable)
  const owner = need.unconfirmedOwner ?? `${broker.instance}:${broker.id()}`
  const breaker = await breakerOf(broker, usable)
  let pause = 50
  const wait = async () => {
    await delay(pause)
    pause = Math.min(pause * 1.5, 250)
  }
  const applicant = { since: need.since, endsAt: usable.endsAt ?? -Infinity, awaited }
  let asked = false
  let hasTurn = false
  for (;;) {
    if (!asked) {
      asked = true
      hasTurn = await breaker.turn(applicant, longestWaitMs)
    }
    const admission = hasTurn ? breaker.admit() : noTurn(broker)
    const lease = admission.admitted ? await asOwner(need, owner, () => leased(broker, usable, owner, admission)) : undefined
    if (lease && admission.admitted) return asOwner(need, owner, () => refreshUnderLease(broker, usable, lease, owner, admission))
    const row = await reread(broker, usable)
    if (usable.generation !== before) return
    if (!admission.admitted) {
      if (admission.probing && broker.monotonic() < started + longestProbeMs) {
        await wait()
        // everybody who waited for the probe comes now: by turns
        asked = false
        continue
      }
      return heldBack(broker, usable, admission, row.status_detail)
    }
    const heldByNobody = row.lease_until === null
    if (heldByNobody && row.next_attempt_in !== null && Number(row.next_attempt_in) > 0) {
      const seconds = Number(row.next_attempt_in)
      if (row.status_reason === 'client_invalid')
        throw new Problem('client_invalid', { connection: usable.linkName, service: usable.serviceLinkName })
      throw unavailable(usable, seconds, row.status_detail)
    }
    if (broker.monotonic() >= deadline) throw new Problem('refresh_in_progress', { connection: usable.linkName, retry_after: 2, forced })
    await wait()
  }
}

/** The queue is longer than anybody waits: they come again spread over the next minute. */
const noTurn = (broker: Broker): HeldBack => ({ admitted: false, retryInSeconds: 5 + Math.round(chanceOf(broker) * 55), probing: false })

async function leased(broker: Broker, usable: Usable, owner: string, admission: Admitted): Promise<Lease | undefined> {
  let lease: Lease | undefined
  try {
    return (lease = await storageWithin(takeLease(broker.db, usable, usable.generation, owner, broker.steadyNow())))
  } finally {
    if (!lease) admission.settle({ kind: 'unused' })
  }
}

/** Nothing is sent and nothing is written: the connection has done nothing wrong. */
function heldBack(broker: Broker, usable: Usable, { retryInSeconds }: HeldBack, detail: string | null): void {
  if (!stillGood(broker, usable)) throw unavailable(usable, retryInSeconds, detail)
  usable.renewAt = broker.monotonic() + retryInSeconds * 1000
}

async function refreshUnderLease(broker: Broker, usable: Usable, lease: Lease, owner: string, admission: Admitted): Promise<void> {
  const scheme = schemeOf(usable.service)
  let grant: Grant
  let sentAt: number
  let sealer
  try {
    const opened = await openCredential(broker, usable)
    const client = await openClient(broker, usable)
    // before the provider is asked: when its answer is here, the database may be away
    sealer = await storageWithin(broker.vault.sealer(usable.organizationId))
    const person = { organizationSlug: usable.organizationSlug, variables: opened.variables, scopes: usable.scopes }
    const { refresh } = scheme
    if (!refresh) throw new Refusal('revoked')
    await broker.reached('refresh.before_send')
    sentAt = broker.monotonic()
    const ask = () => refresh(contextOf(broker, usable, client, person), opened.credential)
    const facts = { organization: usable.organizationId, connection: usable.connectionId, service: usable.serviceLinkName }
    grant = await (broker.traces?.span('refresh', facts, ask) ?? ask())
    await broker.reached('refresh.after_response')
  } catch (error) {
    if (error instanceof Refusal) {
      admission.settle(outcomeOf(error))
      return refused(broker, usable, lease, owner, error)
    }
    admission.settle({ kind: 'unused' })
    if (isAway(error)) {
      // nothing was asked, and the provider has done nothing wrong
      await returnLease(broker.db, usable, usable.generation, owner, lease.unconfirmed).catch(() => {})
      throw error
    }
    const problem = error instanceof Problem ? error.code : 'internal'
    await releaseLease(broker.db, usable, usable.generation, owner, {
      retryInSeconds: 2,
      reason: 'provider_down',
      detail: problem,
      keepInflight: false,
    })
    throw error
  }
  admission.settle({ kind: 'answered' })
  broker.metrics.refreshes.inc({ outcome: 'renewed' })
  await keepGrant(broker, usable, grant, { sealer, sentAt, scopesBefore: lease.row.granted_scopes })
}

/** What a refusal says about the provider. A client error other than 429 is an answer like any other. */
function outcomeOf({ kind, status, error, retryAfterSeconds }: Refusal): RefreshOutcome {
  // our own pool was full: the provider heard nothing of it
  if (error === 'upstream_saturated') return { kind: 'unused' }
  const clientError = status !== null && status >= 400 && status < 500 && status !== 429 && status !== 408
  if (clientError || kind === 'revoked' || kind === 'client' || kind === 'config') return { kind: 'answered' }
  return { kind: 'failed', pauseSeconds: status === 429 ? retryAfterSeconds : null }
}

/** What a refusal means for the row, and for the caller who waits. */
async function refused(broker: Broker, usable: Usable, lease: Lease, owner: string, refusal: Refusal): Promise<void> {
  const { row } = lease
  const generation = usable.generation
  broker.metrics.refreshes.inc({ outcome: refusal.kind })
  const detail = [refusal.status, refusal.error, refusal.description].filter(Boolean).join(' ').slice(0, 300) || null

  if (refusal.kind === 'revoked') {
    // another instance may have rotated while our lease had run out: what it stored counts, not this answer
    const now = await findCredential(broker.db, usable)
    if (now && now.generation !== generation) return void (await reread(broker, usable))
    const reason = row.restored_from !== null ? 'restored_backup' : lease.unconfirmed ? 'lost_rotation' : 'revoked_by_provider'
    const given = await setStatus(broker.db, usable, generation, 'reauthorization_required', reason, {
      status_detail: detail,
      inflight_since: null,
    })
    if (!given) return void (await reread(broker, usable))
    await noteChange(broker, usable, `connection.${reason}`)
    throw reauthorize(broker, usable, reason)
  }

  const spacing = usable.service.advanced.refresh_spacing_seconds ?? 0
  // a Retry-After of nothing is no answer to how long: our own pause counts, or every call would ask again
  const pause = Math.max(refusal.retryAfterSeconds || backOffSeconds(row.fail_count, chanceOf(broker)), spacing)
  await releaseLease(broker.db, usable, generation, owner, {
    // what may have been carried out is found out soon, once
    retryInSeconds: refusal.kind === 'ambiguous' && row.fail_count === 0 ? Math.max(Math.min(pause, 2), spacing) : pause,
    reason: reasonOf[refusal.kind],
    detail,
    keepInflight: refusal.kind === 'ambiguous' || lease.unconfirmed,
  })
  if (stillGood(broker, usable)) {
    // the present token is used until it ends; ask again no earlier than the pause says
    usable.renewAt = broker.monotonic() + pause * 1000
    return
  }
  if (refusal.kind === 'client')
    throw new Problem('client_invalid', {
      connection: usable.linkName,
      service: usable.serviceLinkName,
      ...(detail ? { provider: detail } : {}),
    })
  throw unavailable(usable, pause, detail)
}
