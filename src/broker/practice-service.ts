import type { Client } from '../auth/scheme.ts'
import { linkNameTaken, Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { Secret } from '../core/secret.ts'
import type { OAuth2Service } from '../core/service.ts'
import { moveAgreedHost } from '../storage/credentials.ts'
import { lockService, servicesNamed, updateService } from '../storage/services.ts'
import { redirectUrlOf, type Broker, type Caller } from './broker.ts'
import { change } from './change.ts'
import { newToken } from './flow.ts'
import { openClient } from './scheme-context.ts'
import { testService } from './service-check.ts'
import { assertMayCreate, createService, getService, registered, serviceOf, type Service } from './services.ts'

/** The link name of the organisation's own service at the built-in practice service. */
export const practiceLinkName = 'practice'

const addressesOf = (practiceUrl: string) => ({
  authorize_url: `${practiceUrl}/oauth2/authorize`,
  access_token_url: `${practiceUrl}/oauth2/token`,
  revoke_token_url: `${practiceUrl}/oauth2/revoke`,
})

/**
 * Makes a client of the organisation's known, as RFC 7591 has it: people are asked on the consent page. Id and secret are chosen here,
 * so the answer holds nothing but whether it worked, and one that was forgotten can be made known again.
 * @throws Problem upstream_unreachable
 */
async function registerClient(broker: Broker, organizationSlug: string, practiceUrl: string, client: Client): Promise<void> {
  const document = {
    client_id: client.id,
    client_secret: client.secret?.expose(),
    client_name: 'Patchbay',
    redirect_uris: [redirectUrlOf(broker, organizationSlug, practiceLinkName)],
    grant_types: ['authorization_code', 'refresh_token'],
    scopes: ['read', 'write'],
  }
  const { status } = await broker.egress.send(
    {
      method: 'POST',
      url: new URL(`${practiceUrl}/oauth2/clients`),
      headers: ['content-type', 'application/json', 'accept', 'application/json'],
      body: { kind: 'raw', bytes: Buffer.from(JSON.stringify(document)) },
    },
    { deadlineMs: 10_000, maxResponseBytes: 65_536, maxDecodedBytes: 65_536 },
  )
  if (status !== 201) throw new Problem('upstream_unreachable', { detail: `The practice service registered no client (${status}).` })
}

type OurService = Service & { readonly definition: OAuth2Service; readonly practiceUrl: string }

/** One that was made here, with the address that the practice service had then; null for any other service of this name. */
function ours(service: Service | null): OurService | null {
  if (service?.kind !== 'custom' || service.definition.auth_type !== 'oauth2') return null
  const { definition } = service
  const practiceUrl = /^(http:\/\/(?:127\.0\.0\.1|localhost):\d+)\/oauth2\/token$/.exec(definition.access_token_url)?.[1]
  if (practiceUrl === undefined) return null
  const { authorize_url, revoke_token_url } = addressesOf(practiceUrl)
  if (definition.authorize_url !== authorize_url || definition.revoke_token_url !== revoke_token_url) return null
  return { ...service, definition, practiceUrl }
}

async function found(broker: Broker, principal: Principal): Promise<Service | null> {
  try {
    return await getService(broker, principal.organizationId, practiceLinkName)
  } catch (error) {
    if (error instanceof Problem && error.code === 'service_not_found') return null
    throw error
  }
}

/** The organisation's practice service, when there is one at today's address. */
export async function findPracticeService(broker: Broker, principal: Principal, practiceUrl: string): Promise<Service | null> {
  const service = ours(await found(broker, principal))
  return service?.practiceUrl === practiceUrl ? service : null
}

/**
 * The organisation's service at the built-in practice service, made when there is none. Two at once make one. A practice service that has
 * forgotten its client is told of it again, for whoever asks: nothing changes for anybody who has connected.
 * @throws Problem forbidden, link_name_taken, upstream_unreachable
 */
export async function ensurePracticeService(broker: Broker, by: Caller, practiceUrl: string): Promise<Service> {
  const { principal } = by
  await assertMayCreate(broker, principal)
  let service = await found(broker, principal)
  if (!service) {
    try {
      return await createPracticeService(broker, by, practiceUrl)
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'link_name_taken') throw error
      service = await found(broker, principal)
    }
  }
  const own = ours(service)
  if (!own) throw linkNameTaken(practiceLinkName, 'Another service of the organisation has the link name "practice".')
  if (own.practiceUrl !== practiceUrl || (await testService(broker, principal, practiceLinkName, {})).outcome !== 'client_accepted')
    await restore(broker, principal.organizationSlug, own, practiceUrl)
  return getService(broker, principal.organizationId, practiceLinkName)
}

async function createPracticeService(broker: Broker, by: Caller, practiceUrl: string): Promise<Service> {
  const client = { client_id: `client_${newToken(broker, 18)}`, client_secret: `secret_${newToken(broker)}` }
  await registerClient(broker, by.principal.organizationSlug, practiceUrl, {
    id: client.client_id,
    secret: new Secret(client.client_secret),
  })
  return createService(broker, by, {
    link_name: practiceLinkName,
    name: 'Practice service',
    description: 'A small real service that comes with Patchbay, to try things out. It keeps nothing.',
    auth_type: 'oauth2',
    ...addressesOf(practiceUrl),
    api_hosts: [new URL(practiceUrl).host],
    scope_delimiter: 'space',
    scopes: [
      { name: 'read', description: 'See what is there' },
      { name: 'write', description: 'Change it' },
    ],
    advanced: { test_url: `${practiceUrl}/api/me` },
    ...client,
  })
}

/**
 * The practice service keeps its clients in memory, and may listen elsewhere after a start: it is told of the client that it had, and the
 * service is found where it is now. It is the same service, so nobody's authorisation ends, and nobody has to agree to its host again.
 */
async function restore(broker: Broker, organizationSlug: string, service: OurService, practiceUrl: string): Promise<void> {
  const from = registered(service)
  const client = await openClient(broker, from)
  if (client) await registerClient(broker, organizationSlug, practiceUrl, client)
  if (service.practiceUrl === practiceUrl) return
  const { definition } = service
  const hosts = { from: new URL(service.practiceUrl).host, to: new URL(practiceUrl).host }
  const advanced = JSON.parse(
    JSON.stringify(definition.advanced).replaceAll(service.practiceUrl, practiceUrl),
  ) as typeof definition.advanced
  const api_hosts = definition.api_hosts.map(host => (host === hosts.from ? hosts.to : host))
  await change(broker, { organizationId: from.organizationId, actor: 'Patchbay' }, async (trx, traces) => {
    const now = await lockService(trx, from.organizationId, practiceLinkName)
    if (!now || now.version !== service.row?.version) return // somebody edits it, or has restored it
    const moved = { ...definition, ...addressesOf(practiceUrl), api_hosts, advanced }
    await updateService(trx, from.organizationId, from.serviceId, { definition: JSON.stringify(moved) })
    await moveAgreedHost(trx, from.organizationId, from.serviceId, hosts)
    traces.audit('service.moved', `service:${practiceLinkName}`, hosts)
    traces.changed({ kind: 'service', id: from.serviceId })
  })
}

/** When Patchbay starts with its practice service: what every organisation made there works as before. Never keeps it from starting. */
export async function restorePracticeServices(broker: Broker, practiceUrl: string): Promise<void> {
  for (const row of await servicesNamed(broker.db, practiceLinkName)) {
    const service = ours(serviceOf(broker, row))
    try {
      if (service) await restore(broker, row.organization_slug, service, practiceUrl)
    } catch (error) {
      broker.log.warn({ err: error, organization: row.organization_slug }, 'the practice service was not told of its client')
    }
  }
}
