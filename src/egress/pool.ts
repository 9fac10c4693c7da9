/** One connection to an origin, which carries one call at a time. */
export interface Lane<Client> {
  readonly origin: string
  readonly client: Client
  /** When its socket was opened, by the monotonic clock; null while there is none. */
  openedAt: number | null
  busy: boolean
}

/** A call that wants a lane. It is handed one at once, later, or never when it was cancelled. */
export interface Waiter<Client> {
  run(lane: Lane<Client>): void
  /** For the owner to call when it ends while this one still waits. */
  turnAway(): void
}

export interface PoolOptions<Client> {
  readonly perOrigin: number
  readonly queuePerOrigin: number
  /** An older socket takes no further call: the name behind it may have moved since it was judged (X03 f). */
  readonly maxSocketAgeMs: number
  /** Prepares a client; it reports its socket through `opened` and `gone`. */
  open(origin: string, socket: { opened(): void; gone(): void }): Client
  close(client: Client): void
}

export interface Pool<Client> {
  /** False when the origin has all its lanes busy and its queue full: nothing will run. */
  acquire(origin: string, waiter: Waiter<Client>): boolean
  cancel(origin: string, waiter: Waiter<Client>): void
  /** The lane is free again, whatever became of its socket. */
  release(lane: Lane<Client>): void
  /** Forgets everything and returns the clients and those who wait, for the owner to end. */
  drain(): { clients: Client[]; waiters: Waiter<Client>[] }
}

interface Origin<Client> {
  readonly lanes: Set<Lane<Client>>
  readonly idle: Lane<Client>[]
  readonly waiting: Waiter<Client>[]
}

/**
 * Lanes and a bounded queue for each origin, so that one slow service cannot hold up another (3.9). First come, first served;
 * the most recently used idle lane is taken first, so that surplus ones time out.
 */
export function createPool<Client>(options: PoolOptions<Client>): Pool<Client> {
  const origins = new Map<string, Origin<Client>>()

  const forgetIfEmpty = (name: string, origin: Origin<Client>) => {
    if (origin.lanes.size === 0 && origin.waiting.length === 0 && origins.get(name) === origin) origins.delete(name)
  }

  const drop = (origin: Origin<Client>, lane: Lane<Client>) => {
    if (!origin.lanes.delete(lane)) return
    const at = origin.idle.indexOf(lane)
    if (at >= 0) origin.idle.splice(at, 1)
    options.close(lane.client)
    forgetIfEmpty(lane.origin, origin)
  }

  const isOld = (lane: Lane<Client>) => lane.openedAt !== null && performance.now() - lane.openedAt > options.maxSocketAgeMs

  function openLane(name: string, origin: Origin<Client>): Lane<Client> {
    const socket = {
      opened: () => {
        lane.openedAt = performance.now()
      },
      gone: () => {
        lane.openedAt = null
        // A busy lane has its call told by the client itself, which may also be connecting again.
        if (!lane.busy) drop(origin, lane)
      },
    }
    const lane: Lane<Client> = { origin: name, client: options.open(name, socket), openedAt: null, busy: false }
    origin.lanes.add(lane)
    return lane
  }

  const start = (lane: Lane<Client>, waiter: Waiter<Client>) => {
    lane.busy = true
    waiter.run(lane)
  }

  return {
    acquire(name, waiter) {
      let origin = origins.get(name)
      if (!origin) origins.set(name, (origin = { lanes: new Set(), idle: [], waiting: [] }))
      for (let lane = origin.idle.pop(); lane; lane = origin.idle.pop()) {
        if (!isOld(lane)) {
          start(lane, waiter)
          return true
        }
        drop(origin, lane)
        // The last lane's going forgets the origin; this call brings it back.
        origins.set(name, origin)
      }
      if (origin.lanes.size < options.perOrigin) start(openLane(name, origin), waiter)
      else if (origin.waiting.length < options.queuePerOrigin) origin.waiting.push(waiter)
      else return false
      return true
    },

    cancel(name, waiter) {
      const waiting = origins.get(name)?.waiting
      const at = waiting?.indexOf(waiter) ?? -1
      if (at >= 0) waiting?.splice(at, 1)
    },

    release(lane) {
      lane.busy = false
      const origin = origins.get(lane.origin)
      if (!origin?.lanes.has(lane)) return
      const next = origin.waiting.shift()
      if (!next) {
        origin.idle.push(lane)
      } else if (isOld(lane)) {
        drop(origin, lane)
        origins.set(lane.origin, origin)
        start(openLane(lane.origin, origin), next)
      } else {
        start(lane, next)
      }
    },

    drain() {
      const all = [...origins.values()]
      origins.clear()
      return { clients: all.flatMap(one => [...one.lanes].map(lane => lane.client)), waiters: all.flatMap(one => one.waiting) }
    },
  }
}
