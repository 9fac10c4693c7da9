import { LRUCache } from 'lru-cache'
import type { Change } from '../storage/changes.ts'
import type { Usable } from './usable.ts'

/**
 * What this instance remembers between calls: (organisation, connection, caller, subject) → the way through, so that a warm call asks
 * the database nothing. Dropped on every change, here at once and elsewhere by NOTIFY; all of it when the listener was lost.
 */
export interface Calls {
  get(key: string): Usable | undefined
  /** `since` is the `epoch` read before loading: what changed meanwhile is not remembered. */
  set(key: string, usable: Usable, since: number): void
  epoch(): number
  forget(change: Change): void
  forgetAll(): void
  /** Other things that remember by person or key; they hear of every change too. */
  onChange(listener: (change: Change | null) => void): void
}

/** Seconds after which a remembered way is looked up again, whatever NOTIFY said. */
const lifetimeMilliseconds = 60_000

export const callKey = (organizationId: string, linkName: string, userId: string, subjectId: string): string =>
  `${organizationId}\n${linkName}\n${userId}\n${subjectId}`

export function createCalls(): Calls {
  const ways = new LRUCache<string, Usable>({ max: 10_000, ttl: lifetimeMilliseconds, ttlResolution: 1_000 })
  const listeners: ((change: Change | null) => void)[] = []
  let epoch = 0

  const concerns = (usable: Usable, change: Change): boolean => {
    switch (change.kind) {
      case 'connection':
        return usable.connectionId === change.id
      case 'service':
        return usable.serviceId === change.id
      case 'organization':
        return usable.organizationId === change.id
      case 'member':
        return usable.subjectId === change.id || usable.ownerId === change.id
      case 'key':
      case 'session':
      case 'data_key':
      case 'deployment':
        return false
    }
  }

  return {
    get: key => ways.get(key),
    set(key, usable, since) {
      if (since === epoch) ways.set(key, usable)
    },
    epoch: () => epoch,
    forget(change) {
      epoch++
      for (const [key, usable] of ways.entries()) if (concerns(usable, change)) ways.delete(key)
      for (const listener of listeners) listener(change)
    },
    forgetAll() {
      epoch++
      ways.clear()
      for (const listener of listeners) listener(null)
    },
    onChange: listener => void listeners.push(listener),
  }
}
