import type { Client, Context, TraceStep } from '../auth/scheme.ts'
import { Problem } from '../core/problem.ts'
import type { OutgoingRequest } from '../core/request.ts'
import { hasClient, type ServiceDefinition } from '../core/service.ts'
import type { Broker } from './broker.ts'
import { redirectUrlOf } from './broker.ts'
import { clientSecretPlace } from './places.ts'

/** Seconds a token endpoint may take, and bytes it may answer: a lease lasts longer than the one, and no token is larger than the other. */
const tokenDeadlineMs = 20_000
const tokenBytes = 1024 * 1024

export interface RegisteredService {
  readonly organizationId: string
  readonly serviceId: string
  readonly serviceRevision: number
  readonly service: ServiceDefinition
  readonly clientId: string | null
  readonly sealedClientSecret: Buffer | null
  readonly clockOffsetSeconds: number
}

/** @throws Problem service_not_configured when an OAuth service has no client yet. */
export async function openClient(broker: Pick<Broker, 'vault'>, from: RegisteredService): Promise<Client | null> {
  if (!hasClient(from.service)) return null
  if (from.clientId === null) throw new Problem('service_not_configured', { service: from.service.link_name })
  const place = clientSecretPlace(from.organizationId, from.serviceId, from.serviceRevision)
  return { id: from.clientId, secret: from.sealedClientSecret ? await broker.vault.open(place, from.sealedClientSecret) : null }
}

/** What a scheme works with, for one service and one person's values. */
export function contextOf(
  broker: Broker,
  from: Pick<RegisteredService, 'service' | 'clockOffsetSeconds'>,
  client: Client | null,
  person: {
    readonly organizationSlug: string
    readonly variables: Readonly<Record<string, string>>
    readonly scopes: readonly string[]
    readonly trace?: (step: TraceStep) => void
  },
): Context {
  return {
    service: from.service,
    client,
    variables: person.variables,
    scopes: person.scopes,
    redirectUrl: redirectUrlOf(broker, person.organizationSlug, from.service.link_name),
    clockOffsetSeconds: from.clockOffsetSeconds,
    send: (request: OutgoingRequest) =>
      broker.egress.send(request, { deadlineMs: tokenDeadlineMs, maxResponseBytes: tokenBytes, maxDecodedBytes: tokenBytes }),
    now: () => broker.now(),
    random: bytes => broker.random(bytes),
    trace: person.trace ?? (() => {}),
  }
}
