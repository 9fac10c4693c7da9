import { schemeOf } from '../auth/index.ts'
import { Refusal } from '../auth/scheme.ts'
import { Problem } from '../core/problem.ts'
import type { StatusReason } from '../core/connection.ts'
import { Secret } from '../core/secret.ts'
import type { ServiceDefinition } from '../core/service.ts'
import type { JobData } from '../jobs/jobs.ts'
import type { CredentialRow } from '../storage/connections.ts'
import { lockCredential, revoked, setRevokedAtProvider, setStatus, type Holder } from '../storage/credentials.ts'
import type { Executor } from '../storage/database.ts'
import { recordAttempt } from '../storage/flows.ts'
import { takeHeldGrants, type HeldGrants } from '../storage/held-grants.ts'
import type { Broker } from './broker.ts'
import { change, type Traces } from './change.ts'
import { credentialPlace, heldGrantPlace } from './places.ts'
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
  if (row.sealed === null || row.service_revision !== from.serviceRevision) return 'not_supported'
  const holder = { organizationId: row.organization_id, connectionId: row.connection_id, subjectId: row.subject_id }
  const data = revocation(holder, from, row.sealed, { generation: row.generation, held_grant_id: null })
  if (!data) return 'not_supported'
  await broker.jobs.send(trx, 'revoke_at_provider', data)
  return 'pending'
}

const revocation = (
  holder: Holder,
  from: RegisteredService,
  sealed: Buffer,
  place: Pick<JobData['revoke_at_provider'], 'generation' | 'held_grant_id'>,
): JobData['revoke_at_provider'] | null =>
  hasRevocation(from.service)
    ? {
        organization_id: holder.organizationId,
        connection_id: holder.connectionId,
        subject_id: holder.subjectId,
        ...place,
        sealed: sealed.toString('base64'),
        service_id: from.serviceId,
        service_revision: from.serviceRevision,
        definition: from.service,
        client_id: from.clientId,
        sealed_client_secret: from.sealedClientSecret?.toString('base64') ?? null,
      }
    : null

/** The job for a grant that no credential holds, sealed at `heldGrantPlace`; null when the provider cannot be told. */
export const heldGrantRevocation = (holder: Holder, from: RegisteredService, id: string, sealed: Buffer) =>
  revocation(holder, from, sealed, { generation: 0, held_grant_id: id })

/**
 * What a service gave and nobody will ever use, because its connection was deleted or its service edited in the meantime (X08.29): the
 * provider is told by a job. Best effort: what made it useless is what the caller is told.
 */
export async function revokeUnused(
  broker: Broker,
  holder: Holder & { readonly linkName: string },
  from: RegisteredService,
  opened: Opened,
): Promise<void> {
  const { service } = from
  // a service may give every client_credentials request the same token: another connection may be using it
  if (!hasRevocation(service) || (service.auth_type === 'oauth2' && service.grant_type === 'client_credentials')) return
  const id = broker.id()
  try {
    const place = heldGrantPlace(holder.organizationId, id, from.serviceRevision)
    const data = heldGrantRevocation(holder, from, id, await broker.vault.seal(place, new Secret(JSON.stringify(opened))))
    await change(broker, { organizationId: holder.organizationId, actor: 'Patchbay' }, async (trx, traces) => {
      if (data) await broker.jobs.send(trx, 'revoke_at_provider', data)
      traces.audit('connection.unused_grant_revoked', `connection:${holder.linkName}`, { subject: holder.subjectId })
    })
  } catch (error) {
    broker.log.error({ err: error, connection: holder.connectionId }, 'a grant that nobody uses could not be revoked at the provider')
  }
}

/** Gives held grants up: their attempts end so, and the providers are told by jobs that follow. @returns how many. */
export async function letHeldGrantsGo(
  trx: Executor,
  broker: Broker,
  which: HeldGrants,
  outcome: 'declined' | 'failed' | 'expired',
): Promise<number> {
  const taken = await takeHeldGrants(trx, which)
  for (const held of taken) {
    await recordAttempt(trx, held.attempt_id, [{ step: 'given_up' }], { outcome, diagnosis: null })
    if (held.revocation) await broker.jobs.send(trx, 'revoke_at_provider', held.revocation as unknown as JobData['revoke_at_provider'])
  }
  return taken.length
}

/**
 * The job: RFC 7009 at the service's revoke URL. Throws to be tried again (the provider is away, the database is another deployment's); a plain no is final and is shown.
 */
export async function revokeAtProvider(broker: Broker, data: JobData['revoke_at_provider']): Promise<void> {
  broker.deployment.assertOwn()
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
      data.held_grant_id === null
        ? credentialPlace(holder, data.generation, data.service_revision)
        : heldGrantPlace(data.organization_id, data.held_grant_id, data.service_revision),
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
  if (data.held_grant_id !== null) return
  // generation + 1: what `revoked` made of the row. A newer authorisation is not touched.
  await setRevokedAtProvider(broker.db, holder, data.generation + 1, outcome)
}
