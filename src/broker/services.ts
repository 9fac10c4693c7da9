import { invalid, linkNameTaken, Problem } from '../core/problem.ts'
import { atLeast, type Principal, type Role } from '../core/principal.ts'
import { hasClient, type ServiceDefinition } from '../core/service.ts'
import type { Executor } from '../storage/database.ts'
import {
  countConnectionsByService,
  countConnectionsOf,
  deleteService,
  findService,
  holdersOf,
  insertService,
  listServices,
  lockService,
  updateService,
  type ServiceRow,
} from '../storage/services.ts'
import { takeServiceRequests } from '../storage/service-requests.ts'
import { organizationSettings } from '../storage/settings.ts'
import type { Broker, Caller } from './broker.ts'
import { change, type Traces } from './change.ts'
import { clientSecretPlace } from './places.ts'
import { letHeldGrantsGo, revokeAuthorisation } from './revoke.ts'
import type { RegisteredService } from './scheme-context.ts'
import { judged } from './service-input.ts'

/** A service as an organisation has it: the definition, and its own row when it has one (custom ones always; default ones once they are used). */
export interface Service {
  readonly kind: 'default' | 'custom'
  readonly definition: ServiceDefinition
  readonly row: ServiceRow | null
}

/** Null for a default service that the catalogue no longer has. */
export const serviceOf = (broker: Broker, row: ServiceRow): Service | null => {
  const definition = row.definition ?? broker.catalogue.get(row.link_name)?.definition
  return definition ? { kind: row.kind, definition, row } : null
}

/** @throws Problem service_not_found */
export async function getService(broker: Broker, organizationId: string, linkName: string): Promise<Service> {
  const row = await findService(broker.db, organizationId, linkName)
  const service = row ? serviceOf(broker, row) : null
  if (service) return service
  const entry = broker.catalogue.get(linkName)
  if (!entry) throw new Problem('service_not_found', { service: linkName })
  return { kind: 'default', definition: entry.definition, row: null }
}

export interface ServiceFilter {
  readonly kind: 'default' | 'custom' | null
  readonly q: string | null
  readonly category: string | null
}

/** All services of an organisation, by link name: the catalogue with the organisation's own. A custom one hides a default one of its name. */
export async function allServices(broker: Broker, organizationId: string, filter: ServiceFilter): Promise<Service[]> {
  const rows = new Map((await listServices(broker.db, organizationId)).map(row => [row.link_name, row]))
  const defaults = broker.catalogue
    .all()
    .filter(entry => !rows.has(entry.definition.link_name))
    .map((entry): Service => ({ kind: 'default', definition: entry.definition, row: null }))
  const own = [...rows.values()].map(row => serviceOf(broker, row)).filter(one => one !== null)
  const wanted = filter.q?.toLowerCase()
  return [...defaults, ...own]
    .filter(one => !filter.kind || one.kind === filter.kind)
    .filter(one => !filter.category || one.definition.category === filter.category)
    .filter(
      one =>
        !wanted ||
        [one.definition.name, one.definition.link_name, one.definition.description ?? ''].some(text => text.toLowerCase().includes(wanted)),
    )
    .sort((a, b) => (a.definition.link_name < b.definition.link_name ? -1 : 1))
}

/**
 * How many connections each of these services has, as far as the caller may know: an administrator of everybody's, anybody else of
 * their own. One query, by id of the service's row; one that is not there has none.
 */
export async function connectionCounts(
  broker: Broker,
  principal: Principal,
  services: readonly Service[],
): Promise<ReadonlyMap<string, number>> {
  return countConnectionsByService(broker.db, principal.organizationId, {
    serviceIds: services.flatMap(({ row }) => (row ? [row.id] : [])),
    ownerId: principal.role === 'administrator' ? null : principal.userId,
    only: principal.key?.connections ? [...principal.key.connections] : null,
  })
}

/** A service as the schemes and the egress gate need it. @throws Problem service_not_configured when the default service has no row yet. */
export function registered(service: Service): RegisteredService {
  const { row, definition } = service
  if (!row) throw new Problem('service_not_configured', { service: definition.link_name })
  return {
    organizationId: row.organization_id,
    serviceId: row.id,
    serviceRevision: row.revision,
    service: definition,
    clientId: row.client_id,
    sealedClientSecret: row.sealed_client_secret,
    clockOffsetSeconds: row.clock_offset_seconds,
  }
}

const neededRole: Readonly<Record<'everyone' | 'developers' | 'administrators', Role>> = {
  everyone: 'user',
  developers: 'developer',
  administrators: 'administrator',
}

/** Whether the organisation lets somebody of this role create services and connections. */
export async function mayCreate(broker: Broker, { organizationId, role }: Pick<Principal, 'organizationId' | 'role'>): Promise<boolean> {
  return atLeast(role, neededRole[(await organizationSettings(broker.db, organizationId)).who_may_create])
}

/** @throws Problem forbidden when the organisation lets only others create services and connections. */
export async function assertMayCreate(broker: Broker, principal: Principal): Promise<void> {
  const { who_may_create } = await organizationSettings(broker.db, principal.organizationId)
  if (!atLeast(principal.role, neededRole[who_may_create]))
    throw new Problem('forbidden', {
      detail: `In this organisation only ${who_may_create} create services and connections. Ask an administrator.`,
    })
}

/**
 * A custom service, available to everybody in the organisation at once (CON-32).
 * @throws Problem validation_failed, link_name_taken, forbidden
 */
export async function createService(broker: Broker, by: Caller, input: Readonly<Record<string, unknown>>): Promise<Service> {
  const { principal } = by
  await assertMayCreate(broker, principal)
  const { definition, client } = judged(broker, principal, input)
  const id = broker.id()
  const secret = client.client_secret
    ? await broker.vault.seal(clientSecretPlace(principal.organizationId, id, 1), client.client_secret)
    : null
  await change(broker, by, async (trx, traces) => {
    const inserted = await insertService(trx, {
      id,
      organization_id: principal.organizationId,
      kind: 'custom',
      link_name: definition.link_name,
      name: definition.name,
      definition: JSON.stringify(definition),
      client_id: client.client_id ?? null,
      sealed_client_secret: secret,
      created_by: principal.userId,
      keeper_id: principal.userId,
    })
    if (!inserted) throw linkNameTaken(definition.link_name)
    traces.audit('service.created', `service:${definition.link_name}`, { auth_type: definition.auth_type, api_hosts: definition.api_hosts })
    traces.changed({ kind: 'service', id })
  })
  return getService(broker, principal.organizationId, definition.link_name)
}

/** A default service gets its row when somebody first uses it: what refers to it needs an id. Two at once make one. */
export async function ensureRow(trx: Executor, broker: Broker, principal: Principal, service: Service): Promise<ServiceRow> {
  if (service.row) return service.row
  await insertService(trx, {
    id: broker.id(),
    organization_id: principal.organizationId,
    kind: 'default',
    link_name: service.definition.link_name,
    name: service.definition.name,
    definition: JSON.stringify(null),
    client_id: null,
    sealed_client_secret: null,
    created_by: principal.userId,
    keeper_id: principal.userId,
  })
  const row = await lockService(trx, principal.organizationId, service.definition.link_name)
  if (!row) throw new Error('a service row that was just inserted is not there')
  return row
}

/** Every authorisation of a service ends, because the service no longer is what people agreed to. */
export async function revokeAllOf(trx: Executor, broker: Broker, traces: Traces, old: RegisteredService): Promise<number> {
  await letHeldGrantsGo(trx, broker, { serviceId: old.serviceId }, 'failed')
  const holders = await holdersOf(trx, old.organizationId, old.serviceId)
  for (const one of holders) {
    const holder = {
      organizationId: old.organizationId,
      connectionId: one.connection_id,
      subjectId: one.subject_id,
      linkName: one.link_name,
    }
    await revokeAuthorisation(trx, broker, traces, holder, old, 'service_edited')
  }
  return holders.length
}

/**
 * The organisation's own client for a default OAuth service (S-2). Another client id ends what was authorised for the one before.
 * @returns with the service, who had asked for it.
 * @throws Problem validation_failed
 */
export async function putClient(
  broker: Broker,
  by: Caller,
  linkName: string,
  client: { client_id: string; client_secret: string | null },
): Promise<{ service: Service; askers: readonly { id: string; name: string; email: string }[] }> {
  const { principal } = by
  if (principal.role !== 'administrator')
    throw new Problem('forbidden', { detail: 'Only an administrator registers the organisation’s client for a default service.' })
  const service = await getService(broker, principal.organizationId, linkName)
  if (service.kind !== 'default' || !hasClient(service.definition))
    throw invalid('client_id', 'Only a default OAuth service takes a client here; edit a custom service instead.')
  const row = service.row ?? (await broker.db.transaction().execute(trx => ensureRow(trx, broker, principal, service)))
  const before = registered({ ...service, row })
  const revokes = row.client_id !== null && row.client_id !== client.client_id
  const revision = revokes ? row.revision + 1 : row.revision
  const sealed = client.client_secret
    ? await broker.vault.seal(clientSecretPlace(principal.organizationId, row.id, revision), client.client_secret)
    : null
  const askers = await change(broker, by, async (trx, traces) => {
    const now = await lockService(trx, principal.organizationId, linkName)
    if (!now || now.version !== row.version) throw new Problem('precondition_failed', { service: linkName })
    await updateService(trx, principal.organizationId, row.id, { client_id: client.client_id, sealed_client_secret: sealed, revision })
    if (revokes) await revokeAllOf(trx, broker, traces, before)
    const waiting = await takeServiceRequests(trx, principal.organizationId, linkName)
    traces.audit('service.client_registered', `service:${linkName}`, { client_id: client.client_id, asked_for_by: waiting.length })
    traces.changed({ kind: 'service', id: row.id })
    return waiting
  })
  return { service: await getService(broker, principal.organizationId, linkName), askers }
}

/** An administrator becomes the keeper of a custom service. */
export async function takeOver(broker: Broker, by: Caller, linkName: string): Promise<Service> {
  const { principal } = by
  if (principal.role !== 'administrator') throw new Problem('forbidden')
  const { row, kind } = await getService(broker, principal.organizationId, linkName)
  if (!row || kind !== 'custom') throw invalid('link_name', 'Only a custom service has a keeper.')
  await change(broker, by, async (trx, traces) => {
    await updateService(trx, principal.organizationId, row.id, { keeper_id: principal.userId })
    traces.audit('service.taken_over', `service:${linkName}`, { from: row.keeper_id })
    traces.changed({ kind: 'service', id: row.id })
  })
  return getService(broker, principal.organizationId, linkName)
}

/** @throws Problem service_in_use while connections exist; not_the_keeper */
export async function removeService(broker: Broker, by: Caller, linkName: string): Promise<void> {
  const { principal } = by
  const { row, kind } = await getService(broker, principal.organizationId, linkName)
  if (!row || kind !== 'custom') throw new Problem('forbidden', { detail: 'A default service cannot be deleted.' })
  if (row.keeper_id !== principal.userId && principal.role !== 'administrator') throw new Problem('not_the_keeper', { service: linkName })
  await change(broker, by, async (trx, traces) => {
    await lockService(trx, principal.organizationId, linkName)
    const count = await countConnectionsOf(trx, principal.organizationId, row.id)
    if (count > 0) throw new Problem('service_in_use', { service: linkName, connections: count })
    await deleteService(trx, principal.organizationId, row.id)
    traces.audit('service.deleted', `service:${linkName}`)
    traces.changed({ kind: 'service', id: row.id })
  })
}
