/** For whom something is done: turns go round organisations, and within one round those who ask. */
export interface Asker {
  readonly organizationId: string
  /** Unique within the organisation. */
  readonly principalId: string
}

/** Who waits for one of a few places, and who has one. */
export interface Turns<T> {
  readonly waiting: number
  /** @returns false when there is no room to wait */
  wait(asker: Asker, waiter: T): boolean
  /** No longer waits. */
  leave(asker: Asker, waiter: T): void
  /** Whose turn it is; it has a place until `done`. Undefined: nobody who waits may have one. */
  next(): T | undefined
  done(asker: Asker): void
}

export interface TurnsOptions {
  readonly places: number
  /** How many may wait. */
  readonly waiting: number
}

/** What one of several may take: a quarter is left to the others. Of one or two or three nothing can be left. */
const share = (all: number): number => Math.max(1, all - Math.floor(all / 4))

interface Organization<T> {
  /** Those who wait; whose turn is next stands first. */
  readonly principals: Map<string, Set<T>>
  waiting: number
}

const keyOf = ({ organizationId, principalId }: Asker): string => JSON.stringify([organizationId, principalId])

/**
 * One organisation takes neither all places nor all room to wait, and one of its people not all of what it may take. So whoever starts a
 * thousand runs holds up neither the other organisations nor their own colleagues.
 */
export function createTurns<T>({ places, waiting: room }: TurnsOptions): Turns<T> {
  /** Those who wait; whose turn is next stands first. */
  const organizations = new Map<string, Organization<T>>()
  /** Places taken, by organisation and by principal. */
  const taken = new Map<string, number>()
  const most = { places: share(places), waiting: share(room) }
  const mostOfPrincipal = { places: share(most.places), waiting: share(most.waiting) }
  let waiting = 0

  const takenBy = (key: string): number => taken.get(key) ?? 0
  function take(key: string, by: 1 | -1): void {
    const now = takenBy(key) + by
    if (now > 0) taken.set(key, now)
    else taken.delete(key)
  }

  function leave({ organizationId, principalId }: Asker, waiter: T): void {
    const organization = organizations.get(organizationId)
    const waiters = organization?.principals.get(principalId)
    if (!organization || !waiters?.delete(waiter)) return
    waiting -= 1
    organization.waiting -= 1
    if (waiters.size === 0) organization.principals.delete(principalId)
    if (organization.waiting === 0) organizations.delete(organizationId)
  }

  /** Who was served goes to the end. */
  function toTheEnd<V>(map: Map<string, V>, key: string, value: V): void {
    if (map.delete(key)) map.set(key, value)
  }

  function nextOf(organizationId: string, organization: Organization<T>): T | undefined {
    for (const [principalId, waiters] of organization.principals) {
      const asker = { organizationId, principalId }
      const [waiter] = waiters
      if (waiter === undefined || takenBy(keyOf(asker)) >= mostOfPrincipal.places) continue
      leave(asker, waiter)
      toTheEnd(organization.principals, principalId, waiters)
      toTheEnd(organizations, organizationId, organization)
      take(organizationId, 1)
      take(keyOf(asker), 1)
      return waiter
    }
    return undefined
  }

  return {
    get waiting() {
      return waiting
    },
    wait(asker, waiter) {
      const organization = organizations.get(asker.organizationId) ?? { principals: new Map<string, Set<T>>(), waiting: 0 }
      const waiters = organization.principals.get(asker.principalId) ?? new Set<T>()
      if (waiting >= room || organization.waiting >= most.waiting || waiters.size >= mostOfPrincipal.waiting) return false
      organization.principals.set(asker.principalId, waiters.add(waiter))
      organizations.set(asker.organizationId, organization)
      waiting += 1
      organization.waiting += 1
      return true
    },
    leave,
    next() {
      for (const [organizationId, organization] of organizations) {
        if (takenBy(organizationId) >= most.places) continue
        const waiter = nextOf(organizationId, organization)
        if (waiter !== undefined) return waiter
      }
      return undefined
    },
    done(asker) {
      take(asker.organizationId, -1)
      take(keyOf(asker), -1)
    },
  }
}
