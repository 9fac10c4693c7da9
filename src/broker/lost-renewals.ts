import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { Problem } from '../core/problem.ts'
import { announce } from '../storage/changes.ts'
import { behind, storeRefreshed, type Holder, type RefreshedCredential } from '../storage/credentials.ts'
import type { Broker } from './broker.ts'
import { noteChange } from './change.ts'
import { credentialPlace } from './places.ts'
import type { Usable } from './usable.ts'

/*
 * A database may lose what it had acknowledged: a replica that is promoted lacks the last moments of a primary that did not wait for it.
 * For a renewal that means a refresh token that was used up, and showing it again makes some services end the authorisation. So each
 * instance keeps, sealed, what it stored in the last minutes, and stores it again over what it knows to be used up.
 */

/** A replica that is further behind than this is not promoted. */
const keptMs = 600_000
const mostKept = 10_000
/** Renewals of one credential that may be lost together. */
const mostUsedUp = 20
/** Whoever hears no notifications looks once a second for what the database has lost, from the moment that it answers again. */
const othersLookMs = 2_000

type Whose = Pick<Usable, keyof Holder | 'linkName' | 'serviceRevision'>

interface Renewal {
  readonly whose: Whose
  readonly generation: number
  readonly next: Omit<RefreshedCredential, 'expiresInSeconds'>
  /** Of its access token, by `broker.monotonic()`; null when it names no end. */
  readonly endsAt: number | null
  /** SHA-256 of the sealed credentials that it and those before it replaced: sealing is random, so that no other is taken for one of them. */
  readonly usedUp: readonly string[]
}

const renewalsOf = new WeakMap<Broker, LRUCache<string, Renewal>>()

const keyOf = ({ connectionId, subjectId }: Holder) => `${connectionId}:${subjectId}`
const digest = (sealed: Buffer) => createHash('sha256').update(sealed).digest('base64')

/** @param replaced The sealed credential that the provider was asked with. */
export function keepRenewal(
  broker: Broker,
  usable: Usable,
  replaced: Buffer,
  renewal: Pick<Renewal, 'generation' | 'next' | 'endsAt'>,
): void {
  let renewals = renewalsOf.get(broker)
  if (!renewals) renewalsOf.set(broker, (renewals = new LRUCache({ max: mostKept, ttl: keptMs })))
  const key = keyOf(usable)
  const { organizationId, connectionId, subjectId, linkName, serviceRevision } = usable
  renewals.set(key, {
    ...renewal,
    whose: { organizationId, connectionId, subjectId, linkName, serviceRevision },
    usedUp: [...(renewals.get(key)?.usedUp ?? []), digest(replaced)].slice(-mostUsedUp),
  })
}

/**
 * Stores the newest renewal again where the database has one that it replaced. What somebody authorised, revoked or renewed since is left.
 * @returns whether it did
 */
export async function restoreLostRenewal(
  broker: Broker,
  { generation, sealed, ...holder }: Holder & Pick<Usable, 'generation' | 'sealed'>,
): Promise<boolean> {
  const kept = renewalsOf.get(broker)?.get(keyOf(holder))
  if (!kept || kept.generation <= generation || !kept.usedUp.includes(digest(sealed))) return false
  const { whose, next, endsAt } = kept
  try {
    // its data key may have been replaced and destroyed
    await broker.vault.open(credentialPlace(whose, kept.generation, whose.serviceRevision), next.sealed)
  } catch (error) {
    if (error instanceof Problem && error.code === 'integrity_error') return false
    throw error
  }
  const expiresInSeconds = endsAt === null ? null : (endsAt - broker.monotonic()) / 1000
  const stored = await storeRefreshed(broker.db, whose, generation, { ...next, expiresInSeconds }, kept.generation)
  if (stored === 'superseded') return false
  broker.log.warn(
    { organization: whose.organizationId, connection: whose.connectionId },
    'the database had lost a renewed credential: it was stored again',
  )
  await announce(broker.db, [{ kind: 'connection', id: whose.connectionId }])
  await noteChange(broker, whose, 'connection.rotation_found')
  return true
}

const looking = new WeakMap<Broker, Promise<void>>()

/** The same for all that is kept, before anybody needs them: after the database may have been another's. */
export function restoreLostRenewals(broker: Broker): Promise<void> {
  const look = async () => {
    const kept = [...(renewalsOf.get(broker)?.values() ?? [])].map(one => ({ ...one.whose, generation: one.generation }))
    if (kept.length === 0) return
    for (const row of await behind(broker.db, kept)) await restoreLostRenewal(broker, row)
  }
  const under = looking.get(broker) ?? look().finally(() => looking.delete(broker))
  looking.set(broker, under)
  return under
}

const deafAt = new WeakMap<Broker, number>()

/** No notifications are heard, or only now again: the database may be another's, and each instance stores again what it renewed. */
export const renewalsMayBeLost = (broker: Broker): void => void deafAt.set(broker, broker.monotonic())

/** Before a refresh token is shown: what another instance renewed it stores again first. */
export async function othersHaveLooked(broker: Broker): Promise<void> {
  const since = deafAt.get(broker)
  if (since !== undefined && broker.monotonic() - since < othersLookMs) await delay(othersLookMs)
}
