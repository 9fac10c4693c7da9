import { createHash } from 'node:crypto'
import { variableFields, variableValues } from '../auth/fields.ts'
import { schemeOf } from '../auth/index.ts'
import { Refusal, type Field, type Grant, type TraceStep } from '../auth/scheme.ts'
import { invalid, Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { hasClient, variablesOf, type ServiceDefinition } from '../core/service.ts'
import { Secret } from '../core/secret.ts'
import type { Executor } from '../storage/database.ts'
import { departFlow, insertAttempt, insertFlow } from '../storage/flows.ts'
import { lockCredential, putCredential, type Holder } from '../storage/credentials.ts'
import { setClockOffset } from '../storage/services.ts'
import type { Sealer } from '../vault/keyring.ts'
import { askAccount, type Account } from './account.ts'
import type { Broker } from './broker.ts'
import { safeCaptured } from './captured.ts'
import { sealedText } from './stored-credential.ts'
import { credentialPlace, flowPlace } from './places.ts'
import { contextOf, openClient, type RegisteredService } from './scheme-context.ts'
import { assertSecretMayGo } from './secret-hosts.ts'
import type { Opened } from './usable.ts'

/** What is being authorised: one subject, one connection, one revision of its service. */
export interface Target {
  readonly holder: Holder
  readonly linkName: string
  readonly organizationSlug: string
  readonly from: RegisteredService
  readonly scopes: readonly string[]
}

export interface Given {
  readonly credentials?: Readonly<Record<string, unknown>> | undefined
  readonly variables?: Readonly<Record<string, unknown>> | undefined
}

/** Everything a service gave, ready to be sealed and stored. */
export interface Granted {
  readonly kind: 'granted'
  readonly grant: Grant
  readonly variables: Readonly<Record<string, string>>
  readonly account: Account | null
  readonly steps: readonly TraceStep[]
}

export type Prepared =
  | Granted
  | { readonly kind: 'fields'; readonly fields: readonly Field[] }
  /** A browser must go to the service. `memory` and `variables` are sealed with the flow. */
  | { readonly kind: 'redirect'; readonly variables: Readonly<Record<string, string>> }

/** What a flow keeps for the callback. */
export interface FlowMemory {
  readonly memory: Readonly<Record<string, string>>
  readonly variables: Readonly<Record<string, string>>
}

export const hashed = (text: string): string => createHash('sha256').update(text).digest('base64url')
export const newToken = (broker: Broker, bytes = 32): string => broker.random(bytes).toString('base64url')

/** The cookie that ties a flow to the browser it was started in. */
export const flowCookieName = (flowId: string): string => `patchbay_flow_${flowId.slice(0, 12).replace(/[^A-Za-z0-9]/g, '_')}`

/** A refusal while connecting, as the problem its caller sees: the provider's own words included, as text. */
export function connectProblem(target: Pick<Target, 'linkName' | 'from'>, refusal: Refusal, diagnosis: string | null): Problem {
  const provider = [refusal.error, refusal.description].filter(Boolean).join(': ').slice(0, 300)
  const facts = {
    connection: target.linkName,
    service: target.from.service.link_name,
    ...(provider && { provider }),
    ...(refusal.status !== null && { provider_status: refusal.status }),
    ...(diagnosis && { diagnosis }),
  }
  switch (refusal.kind) {
    case 'client':
      return new Problem('client_invalid', facts, { cause: refusal })
    case 'down':
    case 'ambiguous':
    case 'malformed':
      return new Problem('token_refresh_unavailable', { ...facts, retry_after: refusal.retryAfterSeconds ?? 5 }, { cause: refusal })
    case 'revoked':
      return new Problem('reauthorization_required', facts, { cause: refusal })
    case 'config':
      return new Problem('authorization_failed', facts, { cause: refusal })
  }
}

/** What the service said in the callback itself, with the connection it is about: a page can show the words and offer the way back. */
export function callbackProblem(target: Pick<Target, 'linkName' | 'from'>, problem: Problem, diagnosis: string | null): Problem {
  if (problem.code !== 'authorization_declined' && problem.code !== 'authorization_failed') return problem
  const { error, error_description, ...facts } = problem.facts
  const provider = [error, error_description].filter(Boolean).join(': ').slice(0, 300)
  const more = { ...(provider && { provider }), ...(diagnosis && { diagnosis }) }
  return new Problem(
    problem.code,
    { ...facts, connection: target.linkName, service: target.from.service.link_name, ...more },
    { cause: problem },
  )
}

/**
 * The first half of an authorisation, before anything is stored: what to ask, where to send the browser, or (values given, client
 * credentials) the grant itself. Network calls happen here, outside any transaction.
 *
 * @throws Problem validation_failed, service_not_configured, credentials_refused, client_invalid, token_refresh_unavailable
 */
export async function prepare(broker: Broker, by: Pick<Principal, 'userId' | 'role'>, target: Target, given: Given): Promise<Prepared> {
  const { service } = target.from
  const client = await openClient(broker, target.from)
  const direct = !hasClient(service)
  const variables = givenVariables(service, given)
  if (variables === null) return { kind: 'fields', fields: direct ? await fieldsOf(broker, target, given) : variableFields(service) }
  await assertSecretMayGo(broker, by, target.from, variables)
  if (service.auth_type === 'oauth1' || (service.auth_type === 'oauth2' && service.grant_type === 'authorization_code'))
    return { kind: 'redirect', variables }

  const steps: TraceStep[] = []
  const context = contextOf(broker, target.from, client, { ...target, variables, trace: step => steps.push(step) })
  const scheme = schemeOf<ServiceDefinition>(service)
  try {
    const grant = direct ? await scheme.finish(context, { values: given.credentials ?? {} }) : await begunGrant(scheme, context)
    return await granted(broker, target, grant, variables, steps, { mustWork: direct })
  } catch (error) {
    if (error instanceof Refusal) throw connectProblem(target, error, null)
    throw error
  }
}

/** What somebody has to fill in who gave no credentials. */
async function fieldsOf(broker: Broker, target: Target, given: Given): Promise<readonly Field[]> {
  const context = contextOf(broker, target.from, null, { ...target, variables: textsOf(given.variables ?? {}) })
  const step = await schemeOf<ServiceDefinition>(target.from.service).begin(context, '')
  return step.kind === 'ask' ? step.fields : []
}

/**
 * The values of a service's variables; null when there is something to ask for first. Credentials typed for a service without a page
 * of its own are judged by its scheme.
 * @throws Problem validation_failed
 */
function givenVariables(service: ServiceDefinition, { variables = {}, credentials }: Given): Record<string, string> | null {
  const direct = !hasClient(service)
  const asked = direct ? variables : { ...variables, ...credentials }
  assertKnownVariables(service, asked)
  if (direct) return credentials ? textsOf(asked) : null
  const missing = variablesOf(service).some(one => !(asked[one.name] ?? one.default ?? one.choices?.[0]))
  return missing && Object.keys(asked).length === 0 ? null : variableValues(service, asked)
}

/** What `prepare` would refuse without asking anybody. @throws Problem validation_failed */
export async function judgeGiven(broker: Broker, organizationSlug: string, service: ServiceDefinition, given: Given): Promise<void> {
  const variables = givenVariables(service, given)
  if (hasClient(service) || variables === null) return
  const context = contextOf(broker, { service, clockOffsetSeconds: 0 }, null, { organizationSlug, variables, scopes: [] })
  await schemeOf<ServiceDefinition>(service).finish(context, { values: given.credentials ?? {} })
}

async function begunGrant(
  scheme: ReturnType<typeof schemeOf>,
  context: Parameters<ReturnType<typeof schemeOf>['begin']>[0],
): Promise<Grant> {
  const step = await scheme.begin(context, '')
  if (step.kind !== 'done') throw new Error('a scheme without a browser step is done at once')
  return step.grant
}

const textsOf = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))

function assertKnownVariables(service: ServiceDefinition, given: Readonly<Record<string, unknown>>): void {
  const known = new Set(variablesOf(service).map(one => one.name))
  for (const [name, value] of Object.entries(given)) {
    if (!known.has(name)) throw invalid(`variables.${name.slice(0, 100)}`, 'The service has no variable of this name.')
    if (typeof value !== 'string') throw invalid(`variables.${name}`, 'Write a text.')
  }
}

/** A grant with its captured variables checked, and whose account it is. @throws Problem credentials_refused when `mustWork` and the service says no. */
export async function granted(
  broker: Broker,
  target: Target,
  grant: Grant,
  variables: Readonly<Record<string, string>>,
  steps: TraceStep[],
  options: { mustWork: boolean },
): Promise<Granted> {
  const all = { ...variables, ...safeCaptured(target.from.service, grant.captured) }
  const { account, captured } = await askAccount(broker, target.from, { credential: grant.credential, variables: all }, steps, options)
  return { kind: 'granted', grant, variables: { ...all, ...safeCaptured(target.from.service, captured) }, account, steps }
}

/** Seals and stores a grant in the caller's transaction: the next generation of this subject's credential. */
export async function storeGranted(trx: Executor, seal: Sealer, target: Target, result: Granted): Promise<void> {
  const { holder, from } = target
  const before = await lockCredential(trx, holder)
  const generation = (before?.generation ?? 0) + 1
  const opened: Opened = { credential: result.grant.credential, variables: result.variables }
  const secretNames = new Set(Object.entries(from.service.advanced.variables ?? {}).flatMap(([name, one]) => (one.secret ? [name] : [])))
  await putCredential(trx, holder, {
    sealed: seal(credentialPlace(holder, generation, from.serviceRevision), sealedText(opened)),
    generation,
    serviceRevision: from.serviceRevision,
    expiresInSeconds: result.grant.expiresInSeconds,
    hasRefreshToken: result.grant.hasRefreshToken,
    askedScopes: target.scopes,
    grantedScopes: result.grant.grantedScopes,
    agreedHosts: from.service.api_hosts,
    variables: Object.fromEntries(Object.entries(result.variables).filter(([name]) => !secretNames.has(name))),
    account: result.account,
  })
  if (result.grant.clockOffsetSeconds !== undefined)
    await setClockOffset(trx, holder.organizationId, from.serviceId, result.grant.clockOffsetSeconds)
}

/** A flow row, before the browser has left. @returns its id and end. */
export async function openFlow(
  trx: Executor,
  broker: Broker,
  seal: Sealer,
  target: Target,
  variables: Readonly<Record<string, string>>,
  returnTo: string | null,
): Promise<{ id: string; expiresAt: Date }> {
  const id = newToken(broker, 18)
  const attemptId = broker.id()
  await insertAttempt(trx, {
    id: attemptId,
    organization_id: target.holder.organizationId,
    connection_id: target.holder.connectionId,
    subject_id: target.holder.subjectId,
    steps: '[]',
    outcome: 'started',
  })
  const { expires_at } = await insertFlow(trx, {
    id,
    organization_id: target.holder.organizationId,
    connection_id: target.holder.connectionId,
    subject_id: target.holder.subjectId,
    service_revision: target.from.serviceRevision,
    state_hash: null,
    cookie_hash: null,
    sealed: seal(
      flowPlace(target.holder.organizationId, id, target.from.serviceRevision),
      new Secret(JSON.stringify({ memory: {}, variables } satisfies FlowMemory)),
    ),
    scopes: JSON.stringify(target.scopes),
    variables: '{}',
    attempt_id: attemptId,
    return_to: returnTo,
  })
  return { id, expiresAt: expires_at }
}

export interface Departure {
  /** The service's own page. */
  readonly url: string
  readonly cookie: { readonly name: string; readonly value: string }
}

/** The browser leaves: asks the scheme for the URL (OAuth 1 calls the service for it), and binds state and cookie to the flow. */
export async function depart(
  broker: Broker,
  target: Target,
  flowId: string,
  variables: Readonly<Record<string, string>>,
  trace: (step: TraceStep) => void,
): Promise<Departure> {
  const state = newToken(broker)
  const cookie = newToken(broker)
  const client = await openClient(broker, target.from)
  const step = await schemeOf(target.from.service).begin(contextOf(broker, target.from, client, { ...target, variables, trace }), state)
  if (step.kind !== 'redirect') throw new Error('this scheme has no page to go to')
  const place = flowPlace(target.holder.organizationId, flowId, target.from.serviceRevision)
  const sealed = await broker.vault.seal(place, new Secret(JSON.stringify({ memory: step.memory, variables } satisfies FlowMemory)))
  if (!(await departFlow(broker.db, flowId, { state_hash: hashed(state), cookie_hash: hashed(cookie), sealed })))
    throw new Problem('flow_expired')
  return { url: step.url, cookie: { name: flowCookieName(flowId), value: cookie } }
}
