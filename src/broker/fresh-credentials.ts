import { LRUCache } from 'lru-cache'
import { schemeOf } from '../auth/index.ts'
import { Refusal, reasonOf, type Grant } from '../auth/scheme.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import { findCredential, releaseLease, setStatus, storeRefreshed, takeLease, type Lease } from '../storage/credentials.ts'
import { announce } from '../storage/changes.ts'
import { connectUrlOf, type Broker } from './broker.ts'
import { safeCaptured } from './captured.ts'
import { noteChange } from './change.ts'
import { credentialPlace } from './places.ts'
import { revokeUnused } from './revoke.ts'
import { contextOf, openClient } from './scheme-context.ts'
import { endOf, statusProblem, type Opened, type Usable } from './usable.ts'

/** Longest that a caller waits for somebody else's refresh. */
const longestWaitMs = 25_000

/** What is sealed: the credential and every variable, of which some are secret. */
export const sealedText = (opened: Opened): Secret => new Secret(JSON.stringify(opened))

export async function openCredential(broker: Broker, usable: Usable): Promise<Opened> {
  if (usable.opened) return usable.opened
  const place = credentialPlace(usable, usable.generation, usable.serviceRevision)
  try {
    const secret = broker.vault.openSync(place, usable.sealed) ?? (await broker.vault.open(place, usable.sealed))
    return (usable.opened = JSON.parse(secret.expose()) as Opened)
  } catch (error) {
    if (error instanceof Problem && error.code === 'integrity_error') {
      await setStatus(broker.db, usable, usable.generation, 'reauthorization_required', 'integrity')
      broker.log.error(
        { connection: usable.connectionId, organization: usable.organizationId },
        'a stored credential failed its integrity check',
      )
      await noteChange(broker, usable, 'connection.integrity_error')
    }
    throw error
  }
}

const canRefresh = (usable: Usable, opened: Opened): boolean =>
  schemeOf(usable.service).canRefresh?.(usable.service, opened.credential) ?? false

interface Refreshes {
  /** One refresh at a time in this process; the lease in the database makes it one among all. */
  readonly running: Map<string, Promise<void>>
  /** Authorisations whose service answered 401 to a token that a 401 had just renewed: renewing does not help, for a while. */
  readonly useless: LRUCache<string, true>
}

const byBroker = new WeakMap<Broker, Refreshes>()

function refreshesOf(broker: Broker): Refreshes {
  let refreshes = byBroker.get(broker)
  if (!refreshes) byBroker.set(broker, (refreshes = { running: new Map(), useless: new LRUCache({ max: 10_000, ttl: 60_000 }) }))
  return refreshes
}

const keyOf = (usable: Usable) => `${usable.connectionId}:${usable.subjectId}`

/** May a 401 force a refresh of this credential? Not when there is nothing to renew it with, nor right after one that did not help. */
export const mayForceRefresh = (broker: Broker, usable: Usable): boolean =>
  usable.opened !== null && canRefresh(usable, usable.opened) && !refreshesOf(broker).useless.has(keyOf(usable))

/** The service answered 401 to the renewed token as well. */
export const forcedRefreshDidNotHelp = (broker: Broker, usable: Usable): void => void refreshesOf(broker).useless.set(keyOf(usable), true)

/**
 * A credential that may be used now: opened, and renewed when its token has ended. Renewed once, however many callers and instances wait.
 *
 * Inside the renewal window the present token is used and the renewal goes on behind. A token that has ended is waited for.
 *
 * @param rejectedGeneration the service answered 401 to this generation: renew even though it has not ended.
 * @throws Problem reauthorization_required, connection_revoked, client_invalid, token_refresh_unavailable, refresh_in_progress
 */
export async function freshCredential(broker: Broker, usable: Usable, rejectedGeneration?: number): Promise<Opened> {
  const opened = usable.opened ?? (await openCredential(broker, usable))
  if (rejectedGeneration !== undefined) {
    if (usable.generation === rejectedGeneration) await refreshOnce(broker, usable, true)
    return usable.opened ?? (await openCredential(broker, usable))
  }
  if (usable.renewAt === null || broker.monotonic() < usable.renewAt || !canRefresh(usable, opened))
    return assertNotEnded(broker, usable, opened)
  if (usable.endsAt !== null && broker.monotonic() < usable.endsAt) {
    refreshOnce(broker, usable, false).catch((error: unknown) => {
      if (!(error instanceof Problem)) broker.log.error({ err: error }, 'a refresh ahead of time failed')
    })
    return opened
  }
  await refreshOnce(broker, usable, false)
  return usable.opened ?? (await openCredential(broker, usable))
}

/** A token past its end that nobody can renew is not sent: the service would only refuse it. */
async function assertNotEnded(broker: Broker, usable: Usable, opened: Opened): Promise<Opened> {
  if (usable.endsAt === null || broker.monotonic() < usable.endsAt || canRefresh(usable, opened)) return opened
  await setStatus(broker.db, usable, usable.generation, 'reauthorization_required', 'no_refresh_token')
  await noteChange(broker, usable, 'connection.ended')
  throw reauthorize(broker, usable, 'no_refresh_token')
}

const reauthorize = (broker: Broker, usable: Usable, reason: string): Problem =>
  new Problem('reauthorization_required', {
    connection: usable.linkName,
    connect_url: connectUrlOf(broker, usable.organizationSlug, usable.linkName, usable.subjectId),
    reason,
  })

async function refreshOnce(broker: Broker, usable: Usable, forced: boolean): Promise<void> {
  const { running } = refreshesOf(broker)
  const key = keyOf(usable)
  const joined = running.get(key)
  if (joined) {
    await joined
    // the one that ran may have worked on another copy of this way
    await reread(broker, usable)
    return
  }
  const mine = refresh(broker, usable, forced).finally(() => running.delete(key))
  running.set(key, mine)
  return mine
}

/** Takes what the database holds now, if it is newer than what we have. @throws Problem when it can no longer be used. */
async function reread(broker: Broker, usable: Usable) {
  const row = await findCredential(broker.db, usable)
  const refused = statusProblem(
    broker,
    usable.organizationSlug,
    { link_name: usable.linkName, status: row?.status ?? null, status_reason: row?.status_reason ?? null },
    usable.subjectId,
  )
  if (refused || !row || row.sealed === null) throw refused ?? reauthorize(broker, usable, 'never_authorized')
  if (row.generation !== usable.generation) {
    const left = row.expires_in === null ? null : Number(row.expires_in)
    Object.assign(usable, {
      generation: row.generation,
      sealed: row.sealed,
      opened: null,
      hasRefreshToken: row.has_refresh_token,
      ...endOf(broker, usable.service, left, row.lifetime_seconds),
    })
    await openCredential(broker, usable)
  }
  return row
}

/**
 * The refresh of one generation: take the lease, ask the provider, store by compare-and-set. Whoever does not get the lease waits for the
 * generation to move. No database connection is held while the provider thinks.
 */
async function refresh(broker: Broker, usable: Usable, forced: boolean): Promise<void> {
  const before = usable.generation
  const deadline = broker.monotonic() + longestWaitMs
  const owner = `${broker.instance}:${broker.id()}`
  let pause = 50
  for (;;) {
    const lease = await takeLease(broker.db, usable, usable.generation, owner)
    if (lease) return refreshUnderLease(broker, usable, lease, owner)
    const row = await reread(broker, usable)
    if (usable.generation !== before) return
    const heldByNobody = row.lease_until === null
    if (heldByNobody && row.next_attempt_in !== null && Number(row.next_attempt_in) > 0) {
      const wait = Number(row.next_attempt_in)
      if (row.status_reason === 'client_invalid')
        throw new Problem('client_invalid', { connection: usable.linkName, service: usable.serviceLinkName })
      throw unavailable(usable, wait, row.status_detail)
    }
    if (broker.monotonic() >= deadline) throw new Problem('refresh_in_progress', { connection: usable.linkName, retry_after: 2, forced })
    await new Promise(resolve => setTimeout(resolve, pause))
    pause = Math.min(pause * 1.5, 250)
  }
}

const unavailable = (usable: Usable, retryAfter: number, detail: string | null): Problem =>
  new Problem('token_refresh_unavailable', {
    connection: usable.linkName,
    retry_after: Math.max(1, Math.round(retryAfter)),
    ...(detail ? { provider: detail } : {}),
  })

/** 1, 2, 4 … 300 seconds, each somewhere in its upper half, so that many connections do not come back in step. */
const backOffSeconds = (broker: Broker, failures: number): number => {
  const full = Math.min(300, 2 ** Math.min(failures, 9))
  return full / 2 + (broker.random(2).readUInt16BE(0) / 65_536) * (full / 2)
}

async function refreshUnderLease(broker: Broker, usable: Usable, lease: Lease, owner: string): Promise<void> {
  const { row } = lease
  const scheme = schemeOf(usable.service)
  let grant: Grant
  try {
    const opened = await openCredential(broker, usable)
    const client = await openClient(broker, usable)
    const person = { organizationSlug: usable.organizationSlug, variables: opened.variables, scopes: usable.scopes }
    if (!scheme.refresh) throw new Refusal('revoked')
    grant = await scheme.refresh(contextOf(broker, usable, client, person), opened.credential)
  } catch (error) {
    if (error instanceof Refusal) return refused(broker, usable, lease, owner, error)
    const problem = error instanceof Problem ? error.code : 'internal'
    await releaseLease(broker.db, usable, usable.generation, owner, {
      retryInSeconds: 2,
      reason: 'provider_down',
      detail: problem,
      keepInflight: false,
    })
    throw error
  }
  broker.metrics.refreshes.inc({ outcome: 'renewed' })
  await storeGrant(broker, usable, grant, row.granted_scopes)
}

/** Seals and stores a renewed credential. The provider may have rotated already: what it gave is kept trying to be stored for a while. */
async function storeGrant(broker: Broker, usable: Usable, grant: Grant, scopesBefore: readonly string[] | null): Promise<void> {
  const opened = usable.opened
  if (!opened) throw new Error('a refresh works on an opened credential')
  const next: Opened = { credential: grant.credential, variables: { ...opened.variables, ...safeCaptured(usable.service, grant.captured) } }
  const generation = usable.generation
  const sealed = await broker.vault.seal(credentialPlace(usable, generation + 1, usable.serviceRevision), sealedText(next))
  const stored = await persistently(broker, () =>
    storeRefreshed(broker.db, usable, generation, {
      sealed,
      expiresInSeconds: grant.expiresInSeconds,
      hasRefreshToken: grant.hasRefreshToken,
      grantedScopes: grant.grantedScopes ?? scopesBefore,
      variables: publicVariables(usable, next.variables),
      spacingSeconds: usable.service.advanced.refresh_spacing_seconds ?? null,
    }),
  )
  if (!stored) {
    // revoked, edited or authorised anew meanwhile: that is newer than this answer
    broker.calls.forget({ kind: 'connection', id: usable.connectionId })
    const row = await findCredential(broker.db, usable)
    // of a family that somebody renewed or authorised anew, no token is revoked: some services would end the whole family
    if (!row || row.status === 'revoked') await revokeUnused(broker, usable, usable, next)
    await reread(broker, usable)
    return
  }
  await announce(broker.db, [{ kind: 'connection', id: usable.connectionId }])
  Object.assign(usable, {
    generation: generation + 1,
    sealed,
    opened: next,
    hasRefreshToken: grant.hasRefreshToken,
    ...endOf(broker, usable.service, grant.expiresInSeconds, grant.expiresInSeconds),
  })
}

/** Variables that may stand in a row in clear: those that the service does not call secret. */
export function publicVariables(usable: Pick<Usable, 'service'>, variables: Readonly<Record<string, string>>): Record<string, string> {
  const declared = usable.service.advanced.variables ?? {}
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !declared[name]?.secret))
}

/** A database that is away for a moment must not cost a rotated token. */
async function persistently<T>(broker: Broker, store: () => Promise<T>): Promise<T> {
  const until = broker.monotonic() + 20_000
  for (let pause = 100; ; pause = Math.min(pause * 2, 2000)) {
    try {
      return await store()
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'storage_unavailable' || broker.monotonic() > until) throw error
      await new Promise(resolve => setTimeout(resolve, pause))
    }
  }
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
    const reason = lease.unconfirmed ? 'lost_rotation' : 'revoked_by_provider'
    await setStatus(broker.db, usable, generation, 'reauthorization_required', reason, { status_detail: detail, inflight_since: null })
    await noteChange(broker, usable, `connection.${reason}`)
    throw reauthorize(broker, usable, reason)
  }

  const stillGood = usable.endsAt !== null && broker.monotonic() < usable.endsAt
  // a Retry-After of nothing is no answer to how long: our own pause counts, or every call would ask again
  const pause =
    refusal.retryAfterSeconds || Math.max(backOffSeconds(broker, row.fail_count), usable.service.advanced.refresh_spacing_seconds ?? 0)
  await releaseLease(broker.db, usable, generation, owner, {
    retryInSeconds: refusal.kind === 'ambiguous' ? Math.min(pause, 2) : pause,
    reason: reasonOf[refusal.kind],
    detail,
    keepInflight: refusal.kind === 'ambiguous' || lease.unconfirmed,
  })
  if (stillGood) {
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

/** For jobs: renews now, whatever the token's end. */
export async function renewNow(broker: Broker, usable: Usable): Promise<void> {
  await openCredential(broker, usable)
  await refreshOnce(broker, usable, true)
}
