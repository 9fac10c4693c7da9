import { LRUCache } from 'lru-cache'
import { credentialHolder, keyAllows, mayUse, type ConnectionStatus, type StatusReason } from '../core/connection.ts'
import { Problem } from '../core/problem.ts'
import { nobody, type Principal } from '../core/principal.ts'
import type { ServiceDefinition } from '../core/service.ts'
import { fillHostRule } from '../core/api-hosts.ts'
import { storageWithin } from '../core/within.ts'
import { findWay, type Way } from '../storage/connections.ts'
import type { Holder } from '../storage/credentials.ts'
import { connectUrlOf, type Broker } from './broker.ts'
import { callKey } from './calls.ts'
import { endOf } from './renewal-window.ts'

/** A credential, opened: what the scheme sealed, and all variables of the connection. */
export interface Opened {
  readonly credential: Readonly<Record<string, unknown>>
  readonly variables: Readonly<Record<string, string>>
}

/** One person's way through one connection, as it is remembered between calls. Only `opened` and what depends on its generation moves. */
export interface Usable extends Holder {
  readonly ownerId: string
  readonly linkName: string
  readonly serviceId: string
  readonly serviceLinkName: string
  readonly serviceRevision: number
  readonly organizationSlug: string
  readonly service: ServiceDefinition
  readonly scopes: readonly string[]
  /** API hosts with variables filled: all of them, and those the holder agreed to. */
  readonly hosts: readonly string[]
  readonly confirmedHosts: readonly string[]
  readonly clientId: string | null
  readonly sealedClientSecret: Buffer | null
  readonly clockOffsetSeconds: number
  generation: number
  sealed: Buffer
  opened: Opened | null
  /** By `broker.monotonic()`; null when the access token has no known end. */
  endsAt: number | null
  renewAt: number | null
  hasRefreshToken: boolean
  /** Calls under way, for the service's own concurrency limit. */
  underWay: number
}

/** The definition of a row: its own, or the catalogue's for a default service. */
export function definitionOf(
  broker: Pick<Broker, 'catalogue'>,
  row: { definition: ServiceDefinition | null; service_link_name: string },
): ServiceDefinition {
  const definition = row.definition ?? broker.catalogue.get(row.service_link_name)?.definition
  if (!definition) throw new Problem('service_not_found', { service: row.service_link_name })
  return definition
}

/**
 * By their text: thousands of connections of one service share one object, and with it what is worked out once for each, such as its headers
 * and its rules for hosts. Otherwise each cold call would make, and each connection keep, one of its own.
 */
const definitions = new LRUCache<string, ServiceDefinition>({ max: 1_000 })

function definitionFrom(text: string): ServiceDefinition {
  const known = definitions.get(text)
  if (known) return known
  const definition = JSON.parse(text) as ServiceDefinition
  definitions.set(text, definition)
  return definition
}

/** The same array where nothing is filled in: rules are read once for each array (core/api-hosts.ts). */
const filled = (rules: readonly string[], variables: Readonly<Record<string, string>>): readonly string[] =>
  rules.some(rule => rule.includes('{')) ? rules.map(rule => fillHostRule(rule, variables)) : rules

const notFound = (linkName: string) => new Problem('connection_not_found', { connection: linkName })

/** A status that keeps a call from being made, as the problem it is. */
export function statusProblem(
  broker: Pick<Broker, 'publicUrl'>,
  organizationSlug: string,
  connection: { link_name: string; status: ConnectionStatus | null; status_reason: StatusReason | null },
  subjectId: string | null,
): Problem | null {
  const facts = {
    connection: connection.link_name,
    connect_url: subjectId === null ? null : connectUrlOf(broker, organizationSlug, connection.link_name, subjectId),
    reason: connection.status_reason,
  }
  switch (connection.status) {
    case null:
    case 'authorization_required':
      return new Problem('authorization_required', facts)
    case 'reauthorization_required':
      return new Problem('reauthorization_required', facts)
    case 'revoked':
      return new Problem('connection_revoked', facts)
    case 'connected':
    case 'refresh_failing':
      return null
  }
}

/** @throws Problem connection_not_found, owner_inactive, service_not_configured, authorization_required, reauthorization_required, connection_revoked */
function usableFrom(broker: Broker, principal: Principal, way: Way): Usable {
  const { facts: row, definition, sealed, sealed_client_secret } = way
  const person = { userId: principal.userId, subjectId: principal.subjectId === nobody ? null : principal.subjectId }
  if (!keyAllows(principal, row.link_name) || !mayUse(row, principal.userId)) throw notFound(row.link_name)
  const holder = credentialHolder(row, person)
  if (holder === null)
    throw new Problem('authorization_required', { connection: row.link_name, connect_url: null, reason: 'no_login_user' })
  if (row.membership_id === null) {
    if (holder === row.owner_id) throw new Problem('owner_inactive', { connection: row.link_name })
    throw notFound(row.link_name)
  }
  const { service_link_name } = row
  const service = definitionOf(broker, { definition: definition === null ? null : definitionFrom(definition), service_link_name })
  const refused = statusProblem(broker, principal.organizationSlug, row, holder)
  if (refused) throw refused
  if (sealed === null || row.generation === null || row.credential_revision !== row.service_revision)
    throw new Problem('connection_revoked', {
      connection: row.link_name,
      connect_url: connectUrlOf(broker, principal.organizationSlug, row.link_name, holder),
      reason: 'service_edited',
    })
  const variables = row.variables ?? {}
  const agreed = row.agreed_hosts ?? []
  const isAgreed = (rule: string) => agreed.includes(rule)
  const hosts = filled(service.api_hosts, variables)
  return {
    organizationId: row.organization_id,
    organizationSlug: principal.organizationSlug,
    connectionId: row.id,
    subjectId: holder,
    ownerId: row.owner_id,
    linkName: row.link_name,
    serviceId: row.service_id,
    serviceLinkName: service_link_name,
    serviceRevision: row.service_revision,
    service,
    scopes: row.asked_scopes ?? [],
    hosts,
    confirmedHosts: service.api_hosts.every(isAgreed) ? hosts : filled(service.api_hosts.filter(isAgreed), variables),
    clientId: row.client_id,
    sealedClientSecret: sealed_client_secret,
    clockOffsetSeconds: row.clock_offset_seconds,
    generation: row.generation,
    sealed,
    opened: null,
    ...endOf(
      broker,
      { service, connectionId: row.id, subjectId: holder, generation: row.generation },
      row.expires_in,
      row.lifetime_seconds,
    ),
    hasRefreshToken: row.has_refresh_token ?? false,
    underWay: 0,
  }
}

const keyOf = (principal: Principal, linkName: string) => callKey(principal.organizationId, linkName, principal.userId, principal.subjectId)

/** The way through a connection for this caller when it is remembered: without a query and, unlike `findUsable`, at once. */
export function rememberedUsable(broker: Broker, principal: Principal, linkName: string): Usable | undefined {
  const known = broker.calls.get(keyOf(principal, linkName))
  return known && (principal.key === null || keyAllows(principal, linkName)) ? known : undefined
}

/** What a warm call uses: opened, with its renewal still ahead. Null where `freshCredential` has something to do. */
export const freshlyOpened = (broker: Broker, usable: Usable): Opened | null =>
  usable.renewAt === null || broker.monotonic() < usable.renewAt ? usable.opened : null

/** Loads under way, by caller and epoch: who comes after a change does not join one from before. */
const loadsOf = new WeakMap<Broker, Map<string, Promise<Usable>>>()

/**
 * The way through a connection for this caller: from memory, or with one query, which everybody who asks meanwhile shares: hundreds at once
 * would keep each other from the few sessions there are. Nothing is decrypted yet.
 */
export async function findUsable(broker: Broker, principal: Principal, linkName: string): Promise<Usable> {
  const known = rememberedUsable(broker, principal, linkName)
  if (known) return known
  if (!keyAllows(principal, linkName)) throw notFound(linkName)
  const loads = loadsOf.get(broker) ?? new Map<string, Promise<Usable>>()
  loadsOf.set(broker, loads)
  const key = `${broker.calls.epoch()}\n${keyOf(principal, linkName)}`
  let load = loads.get(key)
  if (!load) loads.set(key, (load = loadUsable(broker, principal, linkName).finally(() => loads.delete(key))))
  return load
}

async function loadUsable(broker: Broker, principal: Principal, linkName: string): Promise<Usable> {
  const since = broker.calls.epoch()
  const row = await storageWithin(findWay(broker.db, principal.organizationId, principal.subjectId, linkName))
  if (!row) throw notFound(linkName)
  const usable = usableFrom(broker, principal, row)
  broker.calls.set(keyOf(principal, linkName), usable, since)
  return usable
}
