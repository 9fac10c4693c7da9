import { Problem } from '../core/problem.ts'

/** Integers of one organisation: no object is made for a call. */
export interface Seat {
  underWay: number
  /** Calls that it may still begin at once; below 0 after calls of functions, which are not refused in the middle of a run. */
  tokens: number
  filledAt: number
}

export interface AdmissionLimits {
  /** Calls that this process carries at once. */
  readonly callsUnderWay: number
  readonly callsUnderWayOrganization: number
  /** 0: no quota. */
  readonly callsPerSecondOrganization: number
}

export type TurnedAway = 'overload' | 'organization' | 'quota'

/**
 * Which new calls through connections are taken on. 503 says that this server has too much to do, whoever asks; 429 that this organisation
 * asks for too much. What was taken on is finished. Signing in, revoking, reading and being asked for health never come here.
 */
export interface Admission {
  /** One call more, before anything of it is read or looked up. @throws Problem overloaded */
  begin(): void
  end(): void
  /** The same call, once it is known whose it is. @throws Problem too_many_requests */
  enter(organizationId: string): Seat
  leave(seat: Seat): void
  /** A call that a running function makes: it counts for the quota, and is not refused. */
  charge(organizationId: string): void
  underWay(): number
}

/** Organisations whose counters are kept although nothing of theirs is under way. */
const mostIdle = 10_000
/** Seconds of quota that functions may use up ahead. */
const longestDebtSeconds = 10

export function createAdmission(
  limits: AdmissionLimits,
  surroundings: { late(): boolean; monotonic(): number; turnedAway(why: TurnedAway): void },
): Admission {
  const { callsUnderWay, callsUnderWayOrganization, callsPerSecondOrganization: quota } = limits
  const { late, monotonic, turnedAway } = surroundings
  const seats = new Map<string, Seat>()
  let underWay = 0
  let refused = 0
  let roomFor = mostIdle

  function makeRoom(): void {
    for (const [id, seat] of seats) {
      fill(seat)
      if (seat.underWay === 0 && seat.tokens >= quota) seats.delete(id)
    }
    // not again for each that comes while nothing can be forgotten
    roomFor = Math.max(mostIdle, 2 * seats.size)
  }

  function seatOf(organizationId: string): Seat {
    let seat = seats.get(organizationId)
    if (!seat) {
      if (seats.size >= roomFor) makeRoom()
      seats.set(organizationId, (seat = { underWay: 0, tokens: quota, filledAt: quota > 0 ? monotonic() : 0 }))
    }
    return seat
  }

  function fill(seat: Seat): void {
    if (quota === 0) return
    const now = monotonic()
    seat.tokens = Math.min(quota, seat.tokens + ((now - seat.filledAt) / 1000) * quota)
    seat.filledAt = now
  }

  return {
    begin() {
      if (underWay >= callsUnderWay || late()) {
        turnedAway('overload')
        // 1 to 5 seconds, spread evenly: who is turned away together does not come back together
        throw new Problem('overloaded', { retry_after: 1 + (refused++ % 5) })
      }
      underWay++
    },
    end: () => void underWay--,
    enter(organizationId) {
      const seat = seatOf(organizationId)
      if (quota > 0) {
        fill(seat)
        if (seat.tokens < 1) {
          turnedAway('quota')
          throw new Problem('too_many_requests', {
            retry_after: Math.ceil((1 - seat.tokens) / quota),
            limit: quota,
            window_seconds: 1,
            detail: `Your organisation may begin ${quota} calls a second. Wait as long as Retry-After says, then try again.`,
          })
        }
      }
      if (seat.underWay >= callsUnderWayOrganization) {
        turnedAway('organization')
        throw new Problem('too_many_requests', {
          retry_after: 1,
          detail: `Your organisation has ${callsUnderWayOrganization} calls under way, which is as many as it may. Wait for some of them to end.`,
        })
      }
      if (quota > 0) seat.tokens--
      seat.underWay++
      return seat
    },
    leave: seat => void seat.underWay--,
    charge(organizationId) {
      if (quota === 0) return
      const seat = seatOf(organizationId)
      fill(seat)
      seat.tokens = Math.max(-longestDebtSeconds * quota, seat.tokens - 1)
    },
    underWay: () => underWay,
  }
}
