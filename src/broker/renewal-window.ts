import { createHash } from 'node:crypto'
import type { ServiceDefinition } from '../core/service.ts'
import type { Broker } from './broker.ts'

/** What the moment of a renewal depends on. */
export interface Renewable {
  readonly service: ServiceDefinition
  readonly connectionId: string
  readonly subjectId: string
  readonly generation: number
}

/**
 * 0 ≤ x < 1, always the same for one generation of one authorisation: every instance chooses the same moment, and connections that were made
 * together do not renew together.
 */
function placeInWindow({ connectionId, subjectId, generation }: Renewable): number {
  return createHash('sha256').update(`${connectionId}:${subjectId}:${generation}`).digest().readUInt32BE(0) / 2 ** 32
}

/**
 * How many seconds before its end a token is renewed that lives so many: a tenth of its life, but at least one minute and at most five, give
 * or take a fifth, and never more than half its life. A margin that the service asks for is kept to four fifths and more, never exceeded.
 */
export function renewalLead(renewable: Renewable, lifetimeSeconds: number): number {
  const { never_refresh_early, refresh_margin_seconds } = renewable.service.advanced
  if (never_refresh_early) return 0
  const place = placeInWindow(renewable)
  if (refresh_margin_seconds !== undefined) return Math.min(refresh_margin_seconds, lifetimeSeconds / 2) * (0.8 + 0.2 * place)
  return Math.min(Math.max(60, lifetimeSeconds / 10), 300, lifetimeSeconds / 2.4) * (0.8 + 0.4 * place)
}

/** The two moments of a token's end, by this process's monotonic clock, from what the database says is left of it. */
export function endOf(
  broker: Pick<Broker, 'monotonic'>,
  renewable: Renewable,
  leftSeconds: number | null,
  lifetimeSeconds: number | null,
): { endsAt: number | null; renewAt: number | null } {
  if (leftSeconds === null) return { endsAt: null, renewAt: null }
  const endsAt = broker.monotonic() + leftSeconds * 1000
  return { endsAt, renewAt: endsAt - renewalLead(renewable, lifetimeSeconds ?? leftSeconds) * 1000 }
}
