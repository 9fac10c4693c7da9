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
  /** Whose call it is: they take turns. */
  readonly organizationId: string
  run(lane: Lane<Client>): void
  /** It waited, and gets no lane: the queue is needed by somebody who waits less, or the owner ends. */
  turnAway(why: 'saturated' | 'ended'): void
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
  readonly queue: Queue<Client>
}

/** Who of one organisation waits, first come, first served. */
interface Turn<Client> {
  readonly organizationId: string
  readonly waiters: Waiter<Client>[]
}

/** Calls that wait for one origin. */
interface Queue<Client> {
  /** Whose turn is next stands first. Nobody has none. No Map, for the reason in http/unrouted.ts: here it kept every call that had waited. */
  readonly turns: Turn<Client>[]
  length: number
}

const turnOf = <Client>(queue: Queue<Client>, organizationId: string): Turn<Client> | undefined =>
  queue.turns.find(one => one.organizationId === organizationId)

/** Takes out who is next. */
function takeNext<Client>(queue: Queue<Client>): Waiter<Client> | undefined {
  const turn = queue.turns.shift()
  const next = turn?.waiters.shift()
  if (turn && turn.waiters.length > 0) queue.turns.push(turn)
  if (next) queue.length--
  return next
}

function add<Client>(queue: Queue<Client>, waiter: Waiter<Client>): void {
  const { organizationId } = waiter
  const turn = turnOf(queue, organizationId)
  if (turn) turn.waiters.push(waiter)
  else queue.turns.push({ organizationId, waiters: [waiter] })
  queue.length++
}

function takeOut<Client>(queue: Queue<Client>, waiter: Waiter<Client>): boolean {
  const turn = turnOf(queue, waiter.organizationId)
  const at = turn?.waiters.indexOf(waiter) ?? -1
  if (!turn || at < 0) return false
  turn.waiters.splice(at, 1)
  if (turn.waiters.length === 0) queue.turns.splice(queue.turns.indexOf(turn), 1)
  queue.length--
  return true
}

/** Makes room in a full queue for somebody who waits less than another: the newest of whoever waits most has to go. */
function giveWay<Client>(queue: Queue<Client>, organizationId: string): boolean {
  let most: Waiter<Client>[] = []
  for (const { waiters } of queue.turns) if (waiters.length > most.length) most = waiters
  const newest = most.at(-1)
  if (!newest || most.length <= (turnOf(queue, organizationId)?.waiters.length ?? 0) + 1) return false
  takeOut(queue, newest)
  newest.turnAway('saturated')
  return true
}

/**
 * Lanes and a bounded queue for each origin, so that one slow service cannot hold up another (3.9). Organisations take turns, and each is
 * served first come, first served; the most recently used idle lane is taken first, so that surplus ones time out.
 */
export function createPool<Client>(options: PoolOptions<Client>): Pool<Client> {
  const origins = new Map<string, Origin<Client>>()

  const forgetIfEmpty = (name: string, origin: Origin<Client>) => {
    if (origin.lanes.size === 0 && origin.queue.length === 0 && origins.get(name) === origin) origins.delete(name)
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
      if (!origin) origins.set(name, (origin = { lanes: new Set(), idle: [], queue: { turns: [], length: 0 } }))
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
      else if (origin.queue.length < options.queuePerOrigin || giveWay(origin.queue, waiter.organizationId)) add(origin.queue, waiter)
      else return false
      return true
    },

    cancel(name, waiter) {
      const origin = origins.get(name)
      if (origin) takeOut(origin.queue, waiter)
    },

    release(lane) {
      lane.busy = false
      const origin = origins.get(lane.origin)
      if (!origin?.lanes.has(lane)) return
      const next = takeNext(origin.queue)
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
      return {
        clients: all.flatMap(one => [...one.lanes].map(lane => lane.client)),
        waiters: all.flatMap(one => one.queue.turns.flatMap(turn => turn.waiters)),
      }
    },
  }
}
