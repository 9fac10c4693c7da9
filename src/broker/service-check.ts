import { variableValues } from '../auth/fields.ts'
import { schemeOf } from '../auth/index.ts'
import { capturedNames } from '../auth/oauth2-url.ts'
import type { Client, TraceStep } from '../auth/scheme.ts'
import { linkNameTaken, Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { hasClient, type ServiceDefinition } from '../core/service.ts'
import { Secret } from '../core/secret.ts'
import { findService } from '../storage/services.ts'
import type { Broker } from './broker.ts'
import { judgedScopes, type NewConnection } from './connection-edits.ts'
import { judgeGiven } from './flow.ts'
import { contextOf, openClient, type RegisteredService } from './scheme-context.ts'
import { assertSecretMayGo } from './secret-hosts.ts'
import { judged } from './service-input.ts'
import { assertMayCreate, getService, registered } from './services.ts'

/*
 * What creating a service would say, and what its token endpoint says, before anything is stored. Both ask no more of a caller, and allow
 * no more, than creating it does: the same role, the same rules, the same gate for what goes out.
 */

/** Fields of a part of the request are told as such: `link_name` of the connection is `connection.link_name`. */
async function below(part: string, judge: () => Promise<void>): Promise<void> {
  try {
    await judge()
  } catch (error) {
    if (!(error instanceof Problem) || error.errors.length === 0) throw error
    const errors = error.errors.map(({ path, message }) => ({ path: [part, path].filter(Boolean).join('.'), message }))
    throw new Problem(error.code, error.facts, { cause: error, errors })
  }
}

/**
 * Judges a new custom service, and with it its first connection, as creating them would; stores nothing and calls nobody.
 * @returns the hosts as they would be stored.
 * @throws Problem what createService and createConnection refuse: forbidden, validation_failed, link_name_taken; the connection's fields
 *   below `connection.`.
 */
export async function checkService(
  broker: Broker,
  principal: Principal,
  input: Readonly<Record<string, unknown>>,
  connection: Omit<NewConnection, 'service'> | null,
): Promise<{ api_hosts: readonly string[]; every_host: boolean }> {
  await assertMayCreate(broker, principal)
  const { definition } = judged(broker, principal, input)
  if (await findService(broker.db, principal.organizationId, definition.link_name)) throw linkNameTaken(definition.link_name)
  if (connection !== null)
    await below('connection', async () => {
      await judgedScopes(broker, principal, { definition, kind: 'custom' }, connection)
      await judgeGiven(broker, principal.organizationSlug, definition, connection)
    })
  return { api_hosts: definition.api_hosts, every_host: definition.api_hosts.includes('*') }
}

/** Tries the token endpoint with a deliberately wrong code, or the client credentials, and tells what it is. @throws Problem test_not_available */
async function probe(
  broker: Broker,
  principal: Principal,
  from: Pick<RegisteredService, 'service' | 'clockOffsetSeconds'>,
  openedClient: () => Promise<Client | null>,
  variables: Readonly<Record<string, string>>,
) {
  const scheme = schemeOf(from.service)
  if (!scheme.probe) throw new Problem('test_not_available', { service: from.service.link_name })
  const steps: TraceStep[] = []
  const context = contextOf(broker, from, await openedClient(), {
    organizationSlug: principal.organizationSlug,
    variables,
    scopes: [],
    trace: step => steps.push(step),
  })
  return { outcome: await scheme.probe(context), steps }
}

/** Values for variables that the service itself gives when somebody connects; its schemes judge them. */
const capturedOf = (service: ServiceDefinition, variables: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => capturedNames(service).has(name)))

/**
 * With values as people give them when they connect, judged alike: the client secret is sent.
 * @throws Problem service_not_found, service_not_configured, test_not_available, validation_failed
 */
export async function testService(broker: Broker, principal: Principal, linkName: string, variables: Readonly<Record<string, string>>) {
  const service = await getService(broker, principal.organizationId, linkName)
  if (!hasClient(service.definition)) throw new Problem('test_not_available', { service: linkName })
  const from = registered(service)
  const judgedValues = { ...capturedOf(service.definition, variables), ...variableValues(service.definition, variables) }
  await assertSecretMayGo(broker, principal, from, judgedValues)
  return probe(broker, principal, from, () => openClient(broker, from), judgedValues)
}

/** The same for one that is not stored, by whoever may store it. @throws Problem what createService refuses, test_not_available */
export async function testDefinition(
  broker: Broker,
  principal: Principal,
  input: Readonly<Record<string, unknown>>,
  variables: Readonly<Record<string, string>>,
) {
  await assertMayCreate(broker, principal)
  const { definition, client } = judged(broker, principal, input)
  const { client_id: id, client_secret: secret } = client
  const opened = id === undefined ? null : { id, secret: secret === undefined ? null : new Secret(secret) }
  return probe(broker, principal, { service: definition, clockOffsetSeconds: 0 }, () => Promise.resolve(opened), variables)
}
