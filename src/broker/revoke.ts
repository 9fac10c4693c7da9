import { schemeOf } from '../auth/index.ts'
import { Refusal } from '../auth/scheme.ts'
import { Problem } from '../core/problem.ts'
import type { StatusReason } from '../core/connection.ts'
import type { ServiceDefinition } from '../core/service.ts'
import type { JobData } from '../jobs/jobs.ts'
import type { CredentialRow } from '../storage/connections.ts'
import { lockCredential, revoked, setRevokedAtProvider, setStatus, type Holder } from '../storage/credentials.ts'
import type { Executor } from '../storage/database.ts'
import type { Broker } from './broker.ts'
import type { Traces } from './change.ts'
import { credentialPlace } from './places.ts'
import { contextOf, openClient, type RegisteredService } from './scheme-context.ts'
import type { Opened } from './usable.ts'

export type AtProvider = 'pending' | 'not_supported'

const hasRevocation = (service: ServiceDefinition): boolean => 'revoke_token_url' in service && service.revoke_token_url !== null

/**
 * Ends one authorisation: here at once, in the transaction of whatever ends it; at the provider by a job that follows.
 * The job carries the sealed text as it is, with the place it opens at and the service as it was: a token is never told to a URL that
 * was edited in afterwards (X04).
 */
export async function revokeAuthorisation(
  trx: Executor,
  broker: Broker,
  traces: Traces,
  holder: Holder & { readonly linkName: string },
  from: RegisteredService,
  reason: StatusReason,
): Promise<AtProvider> {
  const row = await lockCredential(trx, holder)
  if (!row) return 'not_supported'
  const outcome = await tellProvider(trx, broker, row, from)
  await setStatus(trx, holder, null, 'revoked', reason, revoked(outcome))
  traces.audit('connection.revoked', `connection:${holder.linkName}`, { subject: holder.subjectId, reason })
  traces.changed({ kind: 'connection', id: holder.connectionId })
  return outcome
}

/** Queues the provider's side, for a row that is about to be revoked or deleted. */
export async function tellProvider(trx: Executor, broker: Broker, row: CredentialRow, from: RegisteredService): Promise<AtProvider> {
  if (row.sealed === null || !hasRevocation(from.service) || row.service_revision !== from.serviceRevision) return 'not_supported'
  const data: JobData['revoke_at_provider'] = {
    organization_id: row.organization_id,
    connection_id: row.connection_id,
    subject_id: row.subject_id,
    generation: row.generation,
    sealed: row.sealed.toString('base64'),
    service_id: from.serviceId,
    service_revision: from.serviceRevision,
    definition: from.service,
    client_id: from.clientId,
    sealed_client_secret: from.sealedClientSecret?.toString('base64') ?? null,
  }
  await broker.jobs.send(trx, 'revoke_at_provider', data)
  return 'pending'
}

/**
 * The job: RFC 7009 at the service's revoke URL. Throws to be tried again (the provider is away); a plain no is final and is shown.
 */
export async function revokeAtProvider(broker: Broker, data: JobData['revoke_at_provider']): Promise<void> {
  const holder: Holder = { organizationId: data.organization_id, connectionId: data.connection_id, subjectId: data.subject_id }
  const from: RegisteredService = {
    organizationId: data.organization_id,
    serviceId: data.service_id,
    serviceRevision: data.service_revision,
    service: data.definition,
    clientId: data.client_id,
    sealedClientSecret: data.sealed_client_secret === null ? null : Buffer.from(data.sealed_client_secret, 'base64'),
    clockOffsetSeconds: 0,
  }
  const scheme = schemeOf(from.service)
  let outcome: 'yes' | 'no' | 'not_supported' = 'not_supported'
  try {
    const secret = await broker.vault.open(
      credentialPlace(holder, data.generation, data.service_revision),
      Buffer.from(data.sealed, 'base64'),
    )
    const opened = JSON.parse(secret.expose()) as Opened
    const context = contextOf(broker, from, await openClient(broker, from), {
      organizationSlug: '',
      variables: opened.variables,
      scopes: [],
    })
    outcome = (await scheme.revoke?.(context, opened.credential)) ?? 'not_supported'
  } catch (error) {
    if (error instanceof Refusal && (error.kind === 'down' || error.kind === 'ambiguous')) throw error
    if (!(error instanceof Refusal) && !(error instanceof Problem)) throw error
    outcome = 'no'
  }
  // generation + 1: what `revoked` made of the row. A newer authorisation is not touched.
  await setRevokedAtProvider(broker.db, holder, data.generation + 1, outcome)
}
