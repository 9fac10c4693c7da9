import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import { newDataKey, unwrapDataKey, type DataKeyStore } from './data-key.ts'
import { kidOf, open, seal, type DataKey, type Place } from './envelope.ts'
import type { MasterKey } from './master-key.ts'
import { selfTest } from './primitives.ts'
import { assertMasterKeysAreHere, rewrapDataKeys, unlessDamaged, verifyDataKeys, type RewrapReport } from './rewrap.ts'

export interface KeyringOptions {
  /** The first wraps, the others only unwrap. */
  readonly masterKeys: readonly MasterKey[]
  readonly store: DataKeyStore
  /** Makes data keys. Must be as good as the operating system's generator, which is the default. Nonces never come from it. */
  readonly random?: (size: number) => Buffer
}

/** Seals a secret for its place with a data key that is already in memory. At most 1 MiB of text. */
export type Sealer = (place: Place, secret: Secret | string) => Buffer

/**
 * Secrets in, sealed fields out, and back. Everything that awaits may ask the store, so none of it belongs inside a
 * database transaction: the embedded database has one session, and the store would wait for it forever. Inside
 * one, use a `sealer` taken before.
 *
 * @throws Problem integrity_error from everything that opens, whatever it was that did not fit.
 */
export interface Vault {
  /** Makes the organisation's first data key where it has none. @throws Problem request_too_large, validation_failed. */
  seal(place: Place, secret: Secret | string): Promise<Buffer>
  open(place: Place, sealed: Buffer): Promise<Secret>
  /** `undefined`: the organisation's data key is not in memory, use `seal`. */
  sealSync(place: Place, secret: Secret | string): Buffer | undefined
  /** `undefined`: the data key is not in memory, use `open`. */
  openSync(place: Place, sealed: Buffer): Secret | undefined
  /** A `seal` for one organisation that never waits. Use it within the minute: data keys may be rotated. */
  sealer(organizationId: string): Promise<Sealer>
  /**
   * Has the data keys in memory that these fields were sealed by, and those that they would be sealed by now: one query for many fields
   * instead of two for each. A data key that is missing or does not open is no error here, but when it is used.
   */
  preload(fields: readonly { readonly organization_id: string; readonly sealed: Buffer }[]): Promise<void>
  /** Recognises the newest master key at the next start: store it with the first secret. 40 bytes, public. */
  keyCheck(): Buffer
  /** The kid that new fields of this organisation are sealed with. A field whose `kidOf` differs awaits re-sealing. */
  activeKid(organizationId: string): Promise<string>
  /**
   * A new data key for new fields; the old one still opens. Other instances may seal with the old one for a minute.
   * @param onlyIfActive Nothing happens when another than this kid is active by now.
   * @returns The active kid.
   */
  rotateDataKey(organizationId: string, onlyIfActive?: string): Promise<string>
  /** The master keys that are here, the newest first. */
  masterKeyIds(): readonly string[]
  /** See `assertMasterKeysAreHere`. */
  assertMasterKeys(): Promise<void>
  /** See `rewrapDataKeys`. */
  rewrap(progress?: (done: number, total: number) => void): Promise<RewrapReport>
  /** See `verifyDataKeys`. */
  verify(): Promise<{ checked: number; damaged: readonly string[] }>
  /** Drops an organisation's data keys from memory; null: everybody's. Call it after their rows were changed or deleted. */
  forget(organizationId: string | null): void
}

const maxKeysInMemory = 10_000
/** How long an instance may go on with a data key that another has rotated or deleted. */
const keyLifetimeMilliseconds = 60_000

/** @throws Error when there is no master key, or this Node.js computes a published vector wrongly. */
export function createKeyring({ masterKeys, store, random = randomBytes }: KeyringOptions): Vault {
  selfTest()
  const [newest, ...older] = masterKeys
  if (!newest) throw new Error('a keyring needs a master key')

  const inMemory = { max: maxKeysInMemory, ttl: keyLifetimeMilliseconds }
  const byKid = new LRUCache<string, DataKey>(inMemory)
  const activeByOrganization = new LRUCache<string, DataKey>(inMemory)
  const loadKid = onceAtATime(async (kid: string) => {
    const row = await store.findByKid(kid)
    if (!row) throw new Problem('integrity_error', {}, { cause: new Error(`there is no data key ${kid}`) })
    return remember(unwrapDataKey(row, masterKeys))
  })
  const loadActive = onceAtATime(async (organizationId: string) => rememberActive(await findOrCreate(organizationId)))

  function remember(key: DataKey): DataKey {
    byKid.set(key.kid, key)
    return key
  }

  function rememberActive(key: DataKey): DataKey {
    activeByOrganization.set(key.organizationId, key)
    return remember(key)
  }

  /** Of two instances that make an organisation's first data key at once, one inserts and the other reads that one. */
  const findOrCreate = async (organizationId: string): Promise<DataKey> => {
    for (let attempt = 0; attempt < 3; attempt++) {
      const row = await store.findActive(organizationId)
      if (row) return unwrapDataKey(row, masterKeys)
      const made = newDataKey(organizationId, newest, random)
      if (await store.insertActive(made.row)) return made.key
    }
    throw new Error('the store neither finds nor accepts an active data key')
  }

  const active = async (organizationId: string) => activeByOrganization.get(organizationId) ?? (await loadActive(organizationId))

  return {
    seal: async (place, secret) => sealText(await active(place.organizationId), place, secret),

    async open(place, sealed) {
      const kid = kidOf(sealed)
      return openText(byKid.get(kid) ?? (await loadKid(kid)), place, sealed)
    },

    sealSync(place, secret) {
      const key = activeByOrganization.get(place.organizationId)
      return key && sealText(key, place, secret)
    },

    openSync(place, sealed) {
      const key = byKid.get(kidOf(sealed))
      return key && openText(key, place, sealed)
    },

    async sealer(organizationId) {
      const key = await active(organizationId)
      return (place, secret) => sealText(key, place, secret)
    },

    async preload(fields) {
      const kids = new Set<string>()
      const organizationIds = new Set<string>()
      for (const { organization_id, sealed } of fields) {
        const kid = unlessDamaged(() => kidOf(sealed))
        if (kid !== undefined && !byKid.has(kid)) kids.add(kid)
        if (!activeByOrganization.has(organization_id)) organizationIds.add(organization_id)
      }
      if (kids.size === 0 && organizationIds.size === 0) return
      for (const row of await store.findAll([...kids], [...organizationIds])) {
        const key = unlessDamaged(() => unwrapDataKey(row, masterKeys))
        if (key !== undefined) (row.state === 'active' ? rememberActive : remember)(key)
      }
    },

    keyCheck: () => Buffer.from(newest.keyCheck),

    activeKid: async organizationId => (await active(organizationId)).kid,

    async rotateDataKey(organizationId, onlyIfActive) {
      const current = await findOrCreate(organizationId)
      if (onlyIfActive !== undefined && current.kid !== onlyIfActive) return rememberActive(current).kid
      const made = newDataKey(organizationId, newest, random)
      const replaced = await store.replaceActive(current.kid, made.row)
      return rememberActive(replaced ? made.key : await findOrCreate(organizationId)).kid
    },

    masterKeyIds: () => masterKeys.map(key => key.id),

    assertMasterKeys: () => assertMasterKeysAreHere(store, masterKeys),

    rewrap: progress => rewrapDataKeys(store, [newest, ...older], progress),

    verify: () => verifyDataKeys(store, masterKeys),

    forget(organizationId) {
      if (organizationId === null) {
        activeByOrganization.clear()
        byKid.clear()
        return
      }
      activeByOrganization.delete(organizationId)
      for (const [kid, key] of byKid.entries()) if (key.organizationId === organizationId) byKid.delete(kid)
    },
  }
}

function sealText(key: DataKey, place: Place, secret: Secret | string): Buffer {
  const text = typeof secret === 'string' ? secret : secret.expose()
  // Half a character has no UTF-8: it would come back as another one, and the password with it.
  if (/\p{Surrogate}/u.test(text)) throw new Problem('validation_failed', { detail: 'A secret must be valid Unicode text.' })
  const plaintext = Buffer.from(text, 'utf8')
  try {
    return seal(key, place, plaintext)
  } finally {
    plaintext.fill(0)
  }
}

function openText(key: DataKey, place: Place, sealed: Buffer): Secret {
  const plaintext = open(key, place, sealed)
  const secret = new Secret(plaintext.toString('utf8'))
  plaintext.fill(0)
  return secret
}

/** Whoever asks for a key that is being loaded waits for that load: a cold start is one query per key, not one per call. */
function onceAtATime<T>(load: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const loading = new Map<string, Promise<T>>()
  return name => {
    const running = loading.get(name)
    if (running) return running
    const started = load(name).finally(() => loading.delete(name))
    loading.set(name, started)
    return started
  }
}
