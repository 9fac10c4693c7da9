/**
 * Bytes of bodies that a process holds at once, whatever services and callers do: of answers that are read whole, until their callers have
 * read them in turn, and of requests, until they are answered. Who would hold more waits, which stops the reading, and whoever sends.
 */

/** For all bodies of one process together. */
export const usualHeldBytes = 256 * 1024 * 1024

/** A body of so many bytes is not counted: places among the calls under way are limit enough for it. */
export const uncountedBytes = 64 * 1024

/** What one body holds. Made only for one that is longer than `uncountedBytes`. */
export interface Hold {
  readonly bytes: number
  /** Has at least so many bytes, and for a body of unknown length some more. False: it waits, and `granted` is called when it has them. */
  grow(bytes: number): boolean
  /** The same for exactly so many. */
  reach(bytes: number): boolean
  /** It is whole, and weighs so much from now on. Never waits: what was read weighs more in another form, and nobody can help it. */
  settle(bytes: number): void
  waits(): boolean
  /** Whether somebody waits to whom it would be of use if this were released. */
  inTheWay(): boolean
  /** Gives everything back; again, it does nothing. */
  release(): void
}

export interface HeldBytes {
  /**
   * @param most  It never grows to more.
   * @param granted  Called, later, each time that `grow` or `reach` said false, unless it was released before.
   */
  hold(organizationId: string, most: number, granted: () => void): Hold
  /** All together. */
  held(): number
  waiting(): number
}

/** Apart, because a request holds its bytes while it waits for its answer, which could wait for them. */
export interface Bodies {
  readonly requests: HeldBytes
  readonly answers: HeldBytes
}

export const createBodies = (most: number): Bodies => ({ requests: createHeldBytes(most / 4), answers: createHeldBytes((most * 3) / 4) })

interface Share {
  held: number
  promised: number
  bodies: number
}

interface Held extends Hold {
  readonly most: number
  readonly share: Share
  readonly granted: () => void
  bytes: number
  /** It was given all that it may ever need. */
  promised: boolean
  /** What it waits to have. */
  wanted: number
}

/** Of all, what one organisation may hold: something is left for the others. */
const shareOfOne = 3 / 4
/** Of all, and of one organisation's share, what bodies may grow in. The rest is for promises. */
const growing = 1 / 2
/** Growing by less would ask for every piece. */
const leastStep = 4 * uncountedBytes

/**
 * A body grows in doubling steps, for how long it will be is often not known. Were that all, many could hold a part each, and none have room
 * to go on. So a part is kept free, and out of it those who wait are promised all that they may ever need: first the organisation that
 * holds least, and of its bodies the one that is furthest along. Who has a promise waits no more, so it ends; when nobody has one, one is
 * given even if it is more than there is. (The banker's algorithm, Dijkstra, EWD 108, with a fixed order of who ends.)
 */
export function createHeldBytes(most: number): HeldBytes {
  const shares = new Map<string, Share>()
  const queue: Held[] = []
  let held = 0
  let promised = 0

  const add = (one: Held, bytes: number) => {
    one.bytes += bytes
    one.share.held += bytes
    held += bytes
  }

  const mayGrow = ({ share }: Held, bytes: number): boolean =>
    held + bytes <= most * growing && share.held + bytes <= most * shareOfOne * growing

  const rest = (one: Held): number => Math.max(0, one.most - one.bytes)
  const roomForAll = (one: Held): boolean => promised === 0 || held + rest(one) <= most
  const roomInShare = (one: Held): boolean => one.share.promised === 0 || one.share.held + rest(one) <= most * shareOfOne

  const promise = (one: Held) => {
    one.promised = true
    one.share.promised++
    promised++
    add(one, rest(one))
  }

  const goesBefore = (one: Held, other: Held): number => one.share.held - other.share.held || rest(one) - rest(other)

  /** Lets the next of those who wait go on; false when none can. */
  function letOneGoOn(): boolean {
    let first = true
    for (const one of queue.toSorted(goesBefore)) {
      const grows = mayGrow(one, one.wanted - one.bytes)
      // nobody is promised anything before who needs more: with others coming all the time it would never be its turn
      first &&= grows || roomForAll(one)
      if (!grows && !(first && roomInShare(one))) continue
      leaveQueue(one)
      if (grows) add(one, one.wanted - one.bytes)
      else promise(one)
      queueMicrotask(one.granted)
      return true
    }
    return false
  }

  const leaveQueue = (one: Held) => {
    const at = queue.indexOf(one)
    if (at >= 0) queue.splice(at, 1)
  }

  function serve(): void {
    while (queue.length > 0 && letOneGoOn());
  }

  return {
    hold(organizationId, mostOfIt, granted) {
      let share = shares.get(organizationId)
      if (!share) shares.set(organizationId, (share = { held: 0, promised: 0, bodies: 0 }))
      share.bodies++
      const own = share
      let released = false
      const take = (least: number, wanted: number): boolean => {
        if (released || least <= one.bytes) return true
        // whoever waits was here before
        if (one.promised || (queue.length === 0 && mayGrow(one, wanted - one.bytes))) {
          add(one, (one.promised ? least : wanted) - one.bytes)
          return true
        }
        if (queue.length === 0 && roomForAll(one) && roomInShare(one)) {
          promise(one)
          return true
        }
        one.wanted = wanted
        queue.push(one)
        // it may be its turn before those who are there
        serve()
        return false
      }
      const one: Held = {
        most: mostOfIt,
        share: own,
        granted: () => released || granted(),
        bytes: 0,
        promised: false,
        wanted: 0,
        grow: bytes => take(bytes, Math.max(bytes, Math.min(mostOfIt, Math.max(2 * bytes, leastStep)))),
        reach: bytes => take(bytes, bytes),
        settle(bytes) {
          if (released) return
          add(one, bytes - one.bytes)
          serve()
        },
        waits: () => queue.includes(one),
        inTheWay: () => !released && queue.some(other => other.share === own || !roomForAll(other)),
        release() {
          if (released) return
          released = true
          leaveQueue(one)
          add(one, -one.bytes)
          if (one.promised) {
            own.promised--
            promised--
          }
          if (--own.bodies === 0) shares.delete(organizationId)
          serve()
        },
      }
      return one
    },
    held: () => held,
    waiting: () => queue.length,
  }
}
