import { z } from 'zod'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import type { ServiceDefinition } from '../core/service.ts'
import { redirectUrlOf, type Broker, type Caller } from './broker.ts'
import { editService } from './service-edit.ts'
import { assertMayCreate, createService, getService, testService, type Service } from './services.ts'

/** The link name of the organisation's own service at the built-in practice service. */
export const practiceLinkName = 'practice'

const registered = z.object({ client_id: z.string().max(500), client_secret: z.string().max(16_384) })

const addressesOf = (practiceUrl: string) => ({
  authorize_url: `${practiceUrl}/oauth2/authorize`,
  access_token_url: `${practiceUrl}/oauth2/token`,
  revoke_token_url: `${practiceUrl}/oauth2/revoke`,
  api_hosts: [new URL(practiceUrl).host],
})

/** A client of this organisation's own, as RFC 7591 has it: people are asked on the consent page. */
async function registerClient(broker: Broker, principal: Principal, practiceUrl: string): Promise<z.infer<typeof registered>> {
  const document = {
    client_name: 'Patchbay',
    redirect_uris: [redirectUrlOf(broker, principal.organizationSlug, practiceLinkName)],
    grant_types: ['authorization_code', 'refresh_token'],
    scopes: ['read', 'write'],
  }
  const answer = await broker.egress.send(
    {
      method: 'POST',
      url: new URL(`${practiceUrl}/oauth2/clients`),
      headers: ['content-type', 'application/json', 'accept', 'application/json'],
      body: { kind: 'raw', bytes: Buffer.from(JSON.stringify(document)) },
    },
    { deadlineMs: 10_000, maxResponseBytes: 65_536, maxDecodedBytes: 65_536 },
  )
  const client = answer.status === 201 ? registered.safeParse(JSON.parse(answer.body.toString())) : null
  if (!client?.success)
    throw new Problem('upstream_unreachable', { detail: `The practice service registered no client (${answer.status}).` })
  return client.data
}

/** One that was made here, at whatever port the practice service had then. */
const isOurs = ({ kind, definition }: Service): boolean =>
  kind === 'custom' &&
  definition.auth_type === 'oauth2' &&
  /^http:\/\/(127\.0\.0\.1|localhost):\d+\/oauth2\/token$/.test(definition.access_token_url)

const isAt = (practiceUrl: string, definition: ServiceDefinition): boolean =>
  definition.auth_type === 'oauth2' && definition.access_token_url === addressesOf(practiceUrl).access_token_url

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
  const service = await found(broker, principal)
  return service && isOurs(service) && isAt(practiceUrl, service.definition) ? service : null
}

/**
 * The organisation's service at the built-in practice service, made when there is none. The practice service forgets its clients when it
 * stops, and may listen elsewhere the next time: what it no longer knows is registered again, which ends the authorisations of before.
 * @throws Problem forbidden, link_name_taken, not_the_keeper, upstream_unreachable
 */
export async function ensurePracticeService(broker: Broker, by: Caller, practiceUrl: string): Promise<Service> {
  const { principal } = by
  await assertMayCreate(broker, principal)
  const service = await found(broker, principal)
  if (!service) {
    const client = await registerClient(broker, principal, practiceUrl)
    return createService(broker, by, {
      link_name: practiceLinkName,
      name: 'Practice service',
      description: 'A small real service that comes with Patchbay, to try things out. It keeps nothing.',
      auth_type: 'oauth2',
      ...addressesOf(practiceUrl),
      scope_delimiter: 'space',
      scopes: [
        { name: 'read', description: 'See what is there' },
        { name: 'write', description: 'Change it' },
      ],
      advanced: { test_url: `${practiceUrl}/api/me` },
      ...client,
    })
  }
  if (!isOurs(service))
    throw new Problem('link_name_taken', {
      link_name: practiceLinkName,
      detail: 'Another service of the organisation has the link name "practice".',
    })
  if (isAt(practiceUrl, service.definition) && (await testService(broker, principal, practiceLinkName, {})).outcome === 'client_accepted')
    return service
  const client = await registerClient(broker, principal, practiceUrl)
  const moved = { ...addressesOf(practiceUrl), advanced: { ...service.definition.advanced, test_url: `${practiceUrl}/api/me` } }
  return editService(broker, by, practiceLinkName, { ...moved, ...client }, null)
}
