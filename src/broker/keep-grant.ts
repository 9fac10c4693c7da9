import { setTimeout as delay } from 'node:timers/promises'
import type { Grant } from '../auth/scheme.ts'
import { Problem } from '../core/problem.ts'
import { announce } from '../storage/changes.ts'
import { findCredential, storeRefreshed, type RefreshedCredential } from '../storage/credentials.ts'
import type { Sealer } from '../vault/keyring.ts'
import type { Broker } from './broker.ts'
import { safeCaptured } from './captured.ts'
import { noteChange } from './change.ts'
import { keepRenewal } from './lost-renewals.ts'
import { credentialPlace } from './places.ts'
import { endOf } from './renewal-window.ts'
import { revokeUnused } from './revoke.ts'
import { spoolEntry } from './spool.ts'
import { reread, sealedText } from './stored-credential.ts'
import type { Opened, Usable } from './usable.ts'

/** A database that has not stored an answer by now may be away: it goes to disk as well. */
const soonMs = 1_000
/** Longest that a caller waits for the database; storing goes on behind. */
const callerWaitsMs = 2_000
const longestTryingMs = 600_000
/** Short: when the database is back, this comes before anybody takes over the lease that has run out meanwhile. */
const longestPauseMs = 500

const unstored = new WeakMap<Broker, Map<string, Promise<void>>>()

const unstoredOf = (broker: Broker): Map<string, Promise<void>> => {
  const all = unstored.get(broker) ?? new Map<string, Promise<void>>()
  unstored.set(broker, all)
  return all
}

/** Answers that are being stored, or wait for the database. */
export const unstoredAnswers = (broker: Broker): Promise<void>[] => [...(unstored.get(broker)?.values() ?? [])]

const keyOf = (usable: Usable) => `${usable.connectionId}:${usable.subjectId}`

/** @returns whether it settled in time; how, its own awaiting shows. */
const settlesWithin = (work: Promise<unknown>, ms: number): Promise<boolean> => {
  const late = new AbortController()
  return Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    delay(ms, false, { signal: late.signal, ref: false }).catch(() => true),
  ]).finally(() => late.abort())
}

/**
 * Waits for an answer that this process holds and the database does not: whoever asked the provider meanwhile would show it the used token.
 * @throws Problem storage_unavailable when the database stays away.
 */
export async function settleUnstored(broker: Broker, usable: Usable): Promise<void> {
  const storing = unstored.get(broker)?.get(keyOf(usable))
  if (!storing) return
  if (!(await settlesWithin(storing, callerWaitsMs))) throw new Problem('storage_unavailable', { retry_after: 2 })
  await storing
}

/**
 * Seals and stores a renewed credential. The provider may have rotated already, so it is tried for ten minutes, and written to the spool
 * where it survives this process, when the database does not take it at once.
 *
 * @param sentAt When the provider was asked, by `broker.monotonic()`: the token's life began then at the earliest.
 * @throws Problem storage_unavailable: to the caller who waits; storing goes on.
 */
export async function keepGrant(
  broker: Broker,
  usable: Usable,
  grant: Grant,
  { sealer, sentAt, scopesBefore }: { sealer: Sealer; sentAt: number; scopesBefore: readonly string[] | null },
): Promise<void> {
  const storing = store(broker, usable, grant, sealer, sentAt, scopesBefore)
  const all = unstoredOf(broker)
  const key = keyOf(usable)
  all.set(key, storing)
  const done = () => void (all.get(key) === storing && all.delete(key))
  storing.then(done, done)
  if (!(await settlesWithin(storing, callerWaitsMs))) throw new Problem('storage_unavailable', { retry_after: 2 })
  await storing
}

async function store(
  broker: Broker,
  usable: Usable,
  grant: Grant,
  sealer: Sealer,
  sentAt: number,
  scopesBefore: readonly string[] | null,
): Promise<void> {
  const { opened, generation, sealed: replaced } = usable
  if (!opened) throw new Error('a refresh works on an opened credential')
  const next: Opened = { credential: grant.credential, variables: { ...opened.variables, ...safeCaptured(usable.service, grant.captured) } }
  const left = () => grant.expiresInSeconds && grant.expiresInSeconds - (broker.monotonic() - sentAt) / 1000
  const facts: Omit<RefreshedCredential, 'sealed' | 'expiresInSeconds'> = {
    lifetimeSeconds: grant.expiresInSeconds,
    hasRefreshToken: grant.hasRefreshToken,
    grantedScopes: grant.grantedScopes ?? scopesBefore,
    variables: publicVariables(usable, next.variables),
    spacingSeconds: usable.service.advanced.refresh_spacing_seconds ?? null,
  }
  const sealed = sealer(credentialPlace(usable, generation + 1, usable.serviceRevision), sealedText(next))
  const spool = () => broker.spool.keep(spoolEntry(sealer, usable, next, facts, broker.now() + (left() ?? 0) * 1000))
  const outcome = await persistently(broker, usable, spool, () =>
    storeRefreshed(broker.db, usable, generation, { ...facts, sealed, expiresInSeconds: left() }),
  )
  await broker.reached('refresh.after_commit')
  if (outcome === 'superseded') {
    // revoked, edited or authorised anew meanwhile: that is newer than this answer
    broker.calls.forget({ kind: 'connection', id: usable.connectionId })
    const row = await findCredential(broker.db, usable)
    // of a family that somebody renewed or authorised anew, no token is revoked: some services would end the whole family
    if (!row || row.status === 'revoked') await revokeUnused(broker, usable, usable, next)
    await reread(broker, usable)
    return
  }
  const end = endOf(broker, { ...usable, generation: generation + 1 }, left(), grant.expiresInSeconds)
  keepRenewal(broker, usable, replaced, { generation: generation + 1, next: { ...facts, sealed }, endsAt: end.endsAt })
  await announce(broker.db, [{ kind: 'connection', id: usable.connectionId }])
  Object.assign(usable, { generation: generation + 1, sealed, opened: next, hasRefreshToken: grant.hasRefreshToken, ...end })
  if (outcome === 'healed') await noteChange(broker, usable, 'connection.rotation_found')
}

/** Variables that may stand in a row in clear: those that the service does not call secret. */
function publicVariables(usable: Pick<Usable, 'service'>, variables: Readonly<Record<string, string>>): Record<string, string> {
  const declared = usable.service.advanced.variables ?? {}
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !declared[name]?.secret))
}

/** A database that is away must not cost a rotated token. @throws what `work` threw last. */
async function persistently<T>(
  broker: Broker,
  usable: Usable,
  spool: () => Promise<() => Promise<void>>,
  work: () => Promise<T>,
): Promise<T> {
  const until = broker.monotonic() + longestTryingMs
  let taken: Promise<() => Promise<void>> | null = null
  for (let pause = 100; ; pause = Math.min(pause * 2, longestPauseMs)) {
    const attempt = work()
    if (taken === null && !(await settlesWithin(attempt, soonMs))) taken = spool()
    try {
      const done = await attempt
      // what stays there is looked at when it starts again, and changes nothing
      await taken
        ?.then(remove => remove())
        .catch((error: unknown) => broker.log.warn({ err: error }, 'a file of the spool could not be removed'))
      return done
    } catch (error) {
      taken ??= spool()
      await taken
      const away = error instanceof Problem && error.code === 'storage_unavailable'
      if (!away || broker.monotonic() > until) {
        broker.log.error(
          { err: error, connection: usable.connectionId, organization: usable.organizationId },
          'a renewed credential could not be stored; if it is in the spool, the next start stores it',
        )
        throw error
      }
    }
    await delay(pause)
  }
}
