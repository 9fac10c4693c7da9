import { LRUCache } from 'lru-cache'
import { schemeOf } from '../auth/index.ts'
import { Problem } from '../core/problem.ts'
import { setStatus } from '../storage/credentials.ts'
import type { Broker } from './broker.ts'
import { noteChange } from './change.ts'
import { settleUnstored, unstoredAnswers } from './keep-grant.ts'
import { othersHaveLooked, restoreLostRenewal } from './lost-renewals.ts'
import { refresh } from './refresh.ts'
import { openCredential, reauthorize, reread } from './stored-credential.ts'
import type { Opened, Usable } from './usable.ts'

const canRefresh = (usable: Usable, opened: Opened): boolean =>
  schemeOf(usable.service).canRefresh?.(usable.service, opened.credential) ?? false

interface Refreshes {
  /** One refresh at a time in this process; the lease in the database makes it one among all. */
  readonly running: Map<string, { readonly end: Promise<void>; awaited: boolean }>
  /** Authorisations whose service answered 401 to a token that a 401 had just renewed: renewing does not help, for a while. */
  readonly useless: LRUCache<string, true>
}

const byBroker = new WeakMap<Broker, Refreshes>()

function refreshesOf(broker: Broker): Refreshes {
  let refreshes = byBroker.get(broker)
  if (!refreshes) byBroker.set(broker, (refreshes = { running: new Map(), useless: new LRUCache({ max: 10_000, ttl: 60_000 }) }))
  return refreshes
}

/** When the refreshes under way have ended, whatever became of them, or after `ms`. A stopping process waits for this before it cuts calls. */
export async function refreshesEnd(broker: Broker, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => (timer = setTimeout(resolve, ms)))
  await Promise.race([
    Promise.allSettled([...[...refreshesOf(broker).running.values()].map(one => one.end), ...unstoredAnswers(broker)]),
    late,
  ])
  clearTimeout(timer)
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
    if (usable.generation === rejectedGeneration) await refreshOnce(broker, usable, true, true)
    return usable.opened ?? (await openCredential(broker, usable))
  }
  if (usable.renewAt === null || broker.monotonic() < usable.renewAt || !canRefresh(usable, opened))
    return assertNotEnded(broker, usable, opened)
  if (usable.endsAt !== null && broker.monotonic() < usable.endsAt) {
    refreshOnce(broker, usable, false, false).catch((error: unknown) => {
      if (!(error instanceof Problem)) broker.log.error({ err: error }, 'a refresh ahead of time failed')
    })
    return opened
  }
  await refreshOnce(broker, usable, false, true)
  return usable.opened ?? (await openCredential(broker, usable))
}

/** A token past its end that nobody can renew is not sent: the service would only refuse it. */
async function assertNotEnded(broker: Broker, usable: Usable, opened: Opened): Promise<Opened> {
  if (usable.endsAt === null || broker.monotonic() < usable.endsAt || canRefresh(usable, opened)) return opened
  await setStatus(broker.db, usable, usable.generation, 'reauthorization_required', 'no_refresh_token')
  await noteChange(broker, usable, 'connection.ended')
  throw reauthorize(broker, usable, 'no_refresh_token')
}

/** @param awaited A caller waits for it. */
async function refreshOnce(broker: Broker, usable: Usable, forced: boolean, awaited: boolean): Promise<void> {
  const { running } = refreshesOf(broker)
  const key = keyOf(usable)
  const joined = running.get(key)
  if (joined) {
    const before = usable.generation
    joined.awaited ||= awaited
    await joined.end
    // the one that ran may have worked on another copy of this way
    if (usable.generation === before) await reread(broker, usable)
    return
  }
  const mine = { end: Promise.resolve(), awaited }
  running.set(key, mine)
  mine.end = renew(broker, usable, forced, () => mine.awaited).finally(() => running.delete(key))
  return mine.end
}

/** An answer that is not stored yet, or that the database has lost, comes first: the database holds the token that it used up. */
async function renew(broker: Broker, usable: Usable, forced: boolean, awaited: () => boolean): Promise<void> {
  const before = usable.generation
  await settleUnstored(broker, usable)
  if (usable.generation === before && (await restoreLostRenewal(broker, usable))) await reread(broker, usable)
  if (usable.generation === before) await othersHaveLooked(broker)
  if (usable.generation === before) await refresh(broker, usable, forced, awaited)
  // it found an earlier one than it had
  if (usable.generation < before && (await restoreLostRenewal(broker, usable))) await reread(broker, usable)
}

/** For jobs: renews now, whatever the token's end. */
export async function renewNow(broker: Broker, usable: Usable): Promise<void> {
  await openCredential(broker, usable)
  await refreshOnce(broker, usable, true, false)
}
