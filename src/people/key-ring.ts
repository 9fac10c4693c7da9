import { LRUCache } from 'lru-cache'
import type { Principal } from '../core/principal.ts'
import { storageWithin } from '../core/within.ts'
import { keyPattern } from './api-keys.ts'
import { fingerprint } from './hashed-sessions.ts'
import type { People } from './people.ts'

/** Whom a key stands for. The record is made once and handed out again and again: it is frozen. */
export interface KeyHolder {
  readonly keyId: string
  readonly email: string
  readonly organizationName: string
  /** As if for the holder themselves; `Patchbay-Subject` is the door's business. */
  readonly principal: Principal
}

export interface KeyRing {
  /**
   * Whom the key stands for: at once when it was seen in the last minute, otherwise after one query.
   * Undefined for a key that is wrong, revoked or expired, or whose member left.
   */
  verify(key: string): KeyHolder | undefined | Promise<KeyHolder | undefined>
  /** Forget what was remembered about a person, a key or everything: call it when a change was committed, here or elsewhere. */
  drop(what: { readonly userId: string } | { readonly keyId: string } | 'all'): void
  /** Writes down which keys were used; happens by itself every few seconds. */
  flush(): Promise<void>
  /** Flushes and stops. */
  close(): Promise<void>
}

export interface KeyRingOptions {
  /** How long a row is believed without a look: the bound on a revocation whose announcement was lost. */
  readonly freshSeconds?: number
  readonly flushSeconds?: number
  /** A flush that failed; what it held is tried again with the next. */
  readonly onError?: (error: unknown) => void
}

interface Entry {
  readonly holder: KeyHolder
  readonly expiresAt: number
  readonly freshUntil: number
}

const keysRemembered = 10_000
const strangersRemembered = 1_000
/** Short, because a key that did not exist may be created. */
const strangerMilliseconds = 5_000
const idsPerUpdate = 1_000
/**
 * Keys that were never seen are looked up so many at a time. Anybody may make some up, and send thousands: what is asked for callers would
 * wait behind all of them. A limit on wrong keys by address would refuse the good ones of whoever shares it, and lets guesses come faster.
 */
const strangersAtOnce = 4

/** A clock that was set back does not make it longer. */
const within = (until: number, now: number, milliseconds: number) => until > now && until - now <= milliseconds

/** Verifies API keys. A key that was seen lately costs a hash and a look into memory; the database is asked once a minute per key. */
export function createKeyRing(people: People, options: KeyRingOptions = {}): KeyRing {
  const freshMilliseconds = (options.freshSeconds ?? 60) * 1000
  const known = new LRUCache<string, Entry>({ max: keysRemembered })
  const strangers = new LRUCache<string, number>({ max: strangersRemembered })
  const asking = new Map<string, Promise<KeyHolder | undefined>>()
  const used = new Map<string, number>()
  let drops = 0

  const stillGood = (entry: Entry, now: number) => {
    if (entry.expiresAt <= now) return undefined
    used.set(entry.holder.keyId, now)
    return entry.holder
  }

  let lookingUp = 0
  const turns = new Set<() => void>()
  function giveTurn(): void {
    const [next] = turns
    if (next) {
      turns.delete(next)
      next()
    } else lookingUp--
  }
  /** Who gives up leaves the queue: of a database that hung all of them would be asked first when it is back. */
  async function itsTurn(): Promise<void> {
    let turn = () => {}
    try {
      await storageWithin(new Promise<void>(resolve => turns.add((turn = resolve))))
    } catch (error) {
      // at that very moment it may have been given to it
      if (!turns.delete(turn)) giveTurn()
      throw error
    }
  }
  async function inTurn<T>(lookUp: () => Promise<T>): Promise<T> {
    if (lookingUp < strangersAtOnce) lookingUp++
    else await itsTurn()
    try {
      return await lookUp()
    } finally {
      giveTurn()
    }
  }

  async function ask(hash: string): Promise<KeyHolder | undefined> {
    const dropsBefore = drops
    const lookUp = () => entryOf(people, hash, people.now().getTime() + freshMilliseconds)
    const entry = await storageWithin(known.has(hash) ? lookUp() : inTurn(lookUp))
    const now = people.now().getTime()
    // What was read before a drop may be what the drop was about: answer with it, but do not remember it.
    if (drops === dropsBefore) {
      if (entry) known.set(hash, entry)
      else strangers.set(hash, now + strangerMilliseconds)
    }
    return entry && stillGood(entry, now)
  }

  async function flush(): Promise<void> {
    if (used.size === 0) return
    const batch = [...used]
    used.clear()
    try {
      for (let i = 0; i < batch.length; i += idsPerUpdate) {
        const ids = batch.slice(i, i + idsPerUpdate)
        const latest = new Date(Math.max(...ids.map(([, at]) => at)))
        await people.db
          .updateTable('api_keys')
          .set({ last_used_at: latest })
          .where(
            'id',
            'in',
            ids.map(([id]) => id),
          ) // prettier-ignore
          .execute()
      }
    } catch (error) {
      for (const [id, at] of batch) if (!used.has(id)) used.set(id, at)
      options.onError?.(error)
    }
  }

  const timer = setInterval(() => void flush(), (options.flushSeconds ?? 5) * 1000)
  timer.unref()

  return {
    verify(key) {
      if (!keyPattern.test(key)) return undefined
      const hash = fingerprint(key)
      const now = people.now().getTime()
      const entry = known.get(hash)
      if (entry && within(entry.freshUntil, now, freshMilliseconds)) return stillGood(entry, now)
      if (within(strangers.get(hash) ?? 0, now, strangerMilliseconds)) return undefined
      let answer = asking.get(hash)
      if (!answer) {
        answer = ask(hash).finally(() => asking.delete(hash))
        asking.set(hash, answer)
      }
      return answer
    },

    drop(what) {
      drops++
      strangers.clear()
      asking.clear() // the next caller asks anew instead of joining a question from before
      if (what === 'all') known.clear()
      else
        for (const [hash, { holder }] of known.entries())
          if ('userId' in what ? holder.principal.userId === what.userId : holder.keyId === what.keyId) known.delete(hash)
    },

    flush,

    async close() {
      clearInterval(timer)
      await flush()
    },
  }
}

async function entryOf(people: People, hash: string, freshUntil: number): Promise<Entry | undefined> {
  const row = await people.db
    .selectFrom('api_keys as k')
    .innerJoin('users as u', 'u.id', 'k.user_id')
    .innerJoin('organizations as o', 'o.id', 'k.organization_id')
    .innerJoin('members as m', join => join.onRef('m.user_id', '=', 'k.user_id').onRef('m.organization_id', '=', 'k.organization_id'))
    .select(['k.id', 'k.connections', 'k.invoke_only', 'k.act_as', 'k.scopes', 'k.expires_at', 'k.user_id', 'k.organization_id', 'm.role'])
    .select(['u.name as user_name', 'u.email', 'o.name as organization_name', 'o.slug'])
    .where('k.hash', '=', hash)
    .executeTakeFirst()
  if (!row) return undefined
  const principal: Principal = Object.freeze({
    organizationId: row.organization_id,
    organizationSlug: row.slug,
    userId: row.user_id,
    userName: row.user_name,
    role: row.role,
    subjectId: row.user_id,
    key: Object.freeze({
      id: row.id,
      connections: row.connections && new Set(row.connections),
      invokeOnly: row.invoke_only,
      actAs: row.act_as,
      scopes: row.scopes && Object.freeze([...row.scopes]),
    }),
    sessionId: null,
  })
  const holder = Object.freeze({ keyId: row.id, email: row.email, organizationName: row.organization_name, principal })
  return { holder, freshUntil, expiresAt: row.expires_at?.getTime() ?? Infinity }
}
