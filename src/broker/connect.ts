import { timingSafeEqual } from 'node:crypto'
import { diagnose } from '../auth/diagnose.ts'
import { schemeOf } from '../auth/index.ts'
import { Refusal, type Field, type TraceStep } from '../auth/scheme.ts'
import { mayUse } from '../core/connection.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { findConnection, findConnectionById, type ConnectionView } from '../storage/connections.ts'
import type { Executor } from '../storage/database.ts'
import { findFlow, findFlowByState, insertAttempt, recordAttempt, takeFlow, type FlowRow } from '../storage/flows.ts'
import { checkedScopes } from './asked-scopes.ts'
import { membershipIn } from './memberships.ts'
import { redirectUrlOf, type Broker, type Caller } from './broker.ts'
import { safeCaptured } from './captured.ts'
import { change, noteRefusal } from './change.ts'
import {
  callbackProblem,
  connectProblem,
  depart,
  flowCookieName,
  granted,
  hashed,
  openFlow,
  prepare,
  type Departure,
  type FlowMemory,
  type Given,
  type Granted,
  type Prepared,
  type Target,
} from './flow.ts'
import { flowPlace } from './places.ts'
import { revokeUnused } from './revoke.ts'
import { contextOf, openClient } from './scheme-context.ts'
import { assertConnectionThere, assertServiceUnchanged, assertStillThere, questionPath, settleGrant, type Audit } from './settle-grant.ts'
import { definitionOf, type Opened } from './usable.ts'

/** What the caller must do next, as api.md's `authorization`. */
export type Authorization =
  | { readonly kind: 'fields'; readonly fields: readonly Field[] }
  | { readonly kind: 'redirect'; readonly url: string; readonly expires_at: string }
  | { readonly kind: 'none' }

export interface Started {
  readonly authorization: Authorization
  /** Set in the browser that starts the flow; null when it is started elsewhere (an API key). */
  readonly cookie: Departure['cookie'] | null
}

/** Whose authorisation this person would make: the owner's own, or their own where login-user credentials are on. */
function subjectFor(principal: Principal, row: ConnectionView): string {
  if (row.use_login_user_credentials) {
    if (!mayUse(row, principal.userId)) throw new Problem('connection_not_found', { connection: row.link_name })
    return principal.subjectId
  }
  if (row.owner_id === principal.userId) return row.owner_id
  throw new Problem(mayUse(row, principal.userId) ? 'not_the_owner' : 'connection_not_found', { connection: row.link_name })
}

export function targetOf(
  broker: Broker,
  organizationSlug: string,
  row: ConnectionView,
  subjectId: string,
  scopes: readonly string[] = row.scopes,
): Target {
  return {
    holder: { organizationId: row.organization_id, connectionId: row.id, subjectId },
    linkName: row.link_name,
    organizationSlug,
    from: {
      organizationId: row.organization_id,
      serviceId: row.service_id,
      serviceRevision: row.service_revision,
      service: definitionOf(broker, row),
      clientId: row.client_id,
      sealedClientSecret: row.sealed_client_secret,
      clockOffsetSeconds: row.clock_offset_seconds,
    },
    scopes,
  }
}

/**
 * Stores what `prepare` found, in the transaction of `also` (which makes or changes the connection): the grant, or a flow to be finished
 * in a browser. A flow started with a session leaves at once; one started with a key waits at a page of ours for its person.
 */
export async function startPrepared(
  broker: Broker,
  by: Caller,
  target: Target,
  prepared: Prepared,
  returnTo: string | null,
  also: (trx: Executor, audit: Audit) => Promise<void> = () => Promise.resolve(),
): Promise<Started> {
  const seal = await broker.vault.sealer(target.holder.organizationId)
  const { organizationId, connectionId, subjectId } = target.holder
  const waiting = await change(broker, by, async (trx, traces) => {
    await assertServiceUnchanged(trx, target)
    await also(trx, traces.audit)
    await assertConnectionThere(trx, target)
    traces.changed({ kind: 'connection', id: connectionId })
    if (prepared.kind === 'redirect') return openFlow(trx, broker, seal, target, prepared.variables, returnTo)
    if (prepared.kind === 'fields') return null
    const id = broker.id()
    const attempt = { id, organization_id: organizationId, connection_id: connectionId, subject_id: subjectId, steps: '[]' }
    await insertAttempt(trx, { ...attempt, outcome: 'started' })
    return settleGrant(trx, broker, seal, traces.audit, target, prepared, { id, returnTo })
  })
  if (prepared.kind === 'fields') return { authorization: { kind: 'fields', fields: prepared.fields }, cookie: null }
  if (waiting === null) return { authorization: { kind: 'none' }, cookie: null }
  const page = prepared.kind === 'granted' ? questionPath(waiting) : by.principal.key ? `/connect/${waiting.id}` : null
  const expires_at = waiting.expiresAt.toISOString()
  if (page !== null) return { authorization: { kind: 'redirect', url: broker.publicUrl + page, expires_at }, cookie: null }
  if (prepared.kind === 'granted') throw new Error('a grant has no page of the service')
  const departure = await leave(broker, target, waiting.id, prepared.variables)
  return { authorization: { kind: 'redirect', url: departure.url, expires_at }, cookie: departure.cookie }
}

async function leave(broker: Broker, target: Target, flowId: string, variables: Readonly<Record<string, string>>): Promise<Departure> {
  const steps: TraceStep[] = []
  const attemptId = (await findFlow(broker.db, flowId))?.attempt_id
  try {
    const departure = await depart(broker, target, flowId, variables, step => steps.push(step))
    if (attemptId) await recordAttempt(broker.db, attemptId, steps)
    return departure
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const diagnosis = diagnose(steps, diagnosisFacts(broker, target))
    if (attemptId) await recordAttempt(broker.db, attemptId, steps, { outcome: 'failed', diagnosis })
    throw connectProblem(target, error, diagnosis)
  }
}

const diagnosisFacts = (broker: Broker, { from, organizationSlug, scopes }: Target) => ({
  redirectUrl: redirectUrlOf(broker, organizationSlug, from.service.link_name),
  scopes,
  scopeDelimiter: 'scope_delimiter' in from.service ? from.service.scope_delimiter : null,
})

/**
 * POST …/authorize: start again, or finish with values.
 * @throws Problem connection_not_found, not_the_owner, validation_failed, service_not_configured …
 */
export async function authorize(
  broker: Broker,
  by: Caller,
  linkName: string,
  input: Given & { scopes?: readonly string[] | undefined; returnTo: string | null },
): Promise<Started> {
  const { principal } = by
  const row = await findConnection(broker.db, principal.organizationId, principal.subjectId, linkName)
  if (!row) throw new Problem('connection_not_found', { connection: linkName })
  const bare = targetOf(broker, principal.organizationSlug, row, subjectFor(principal, row))
  const target = input.scopes === undefined ? bare : { ...bare, scopes: checkedScopes(bare.from.service, row.service_kind, input.scopes) }
  return startPrepared(broker, by, target, await prepare(broker, principal, target, input), input.returnTo)
}

/** What the page /connect/{flow} shows: never more than its own person may see. @throws Problem flow_expired, flow_user_mismatch */
export async function describeFlow(
  broker: Broker,
  by: Caller,
  flowId: string,
): Promise<{ flow: FlowRow; row: ConnectionView; target: Target }> {
  const flow = await findFlow(broker.db, flowId)
  if (!flow) throw new Problem('flow_expired')
  return { flow, ...(await ownFlow(broker, by, flow)) }
}

/** The connection of a flow or a held grant, for the member whose it is and nobody else. @throws Problem flow_user_mismatch, connection_revoked */
export async function ownFlow(
  broker: Broker,
  by: Caller,
  flow: Pick<FlowRow, 'id' | 'organization_id' | 'connection_id' | 'subject_id' | 'service_revision' | 'scopes'>,
): Promise<{ row: ConnectionView; target: Target }> {
  const { principal } = by
  const organization = await membershipIn(broker, principal.userId, flow.organization_id)
  if (flow.subject_id !== principal.userId || organization === null) {
    await noteRefusal(broker, by, 'connection.flow_user_mismatch', `flow:${flow.id.slice(0, 8)}`, { subject: flow.subject_id })
    throw new Problem('flow_user_mismatch')
  }
  const row = await findConnectionById(broker.db, flow.organization_id, flow.subject_id, flow.connection_id)
  if (!row || row.service_revision !== flow.service_revision)
    throw new Problem('connection_revoked', {
      detail: row
        ? 'The service was edited after this authorisation was started. Start it again.'
        : 'The connection was deleted after this authorisation was started.',
    })
  return { row, target: targetOf(broker, organization.slug, row, flow.subject_id, flow.scopes) }
}

/** The person on /connect/{flow} goes on to the service. */
export async function continueFlow(broker: Broker, by: Caller, flowId: string): Promise<Departure> {
  const { flow, target } = await describeFlow(broker, by, flowId)
  return leave(broker, target, flow.id, (await memoryOf(broker, flow)).variables)
}

async function memoryOf(broker: Broker, flow: FlowRow): Promise<FlowMemory> {
  if (flow.sealed === null) return { memory: {}, variables: {} }
  const secret = await broker.vault.open(flowPlace(flow.organization_id, flow.id, flow.service_revision), flow.sealed)
  return JSON.parse(secret.expose()) as FlowMemory
}

const sameHash = (a: string | null, b: string): boolean =>
  a !== null && a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

export interface CallbackRequest {
  readonly organizationSlug: string
  readonly serviceLinkName: string
  /** Each parameter once; the door refuses repeated ones. */
  readonly parameters: Readonly<Record<string, string>>
  readonly cookies: Readonly<Record<string, string | undefined>>
}

/**
 * The service sends the browser back. In this order, and nothing is redeemed before all of it holds: the state is known and young → it came
 * back to the service it was sent to → in the browser and by the member who started it → the service is as it was → it is what the
 * service sends → once. Only then is the code exchanged, sealed and stored.
 *
 * @returns where the browser lands.
 * @throws Problem flow_expired, context_mismatch, flow_user_mismatch, connection_revoked, authorization_declined, authorization_failed …
 */
export async function finishFlow(broker: Broker, by: Caller, callback: CallbackRequest): Promise<{ landing: string }> {
  const flow = await flowOfCallback(broker, callback)
  const { target } = await ownFlow(broker, by, flow)
  if (!sameHash(flow.cookie_hash, hashed(callback.cookies[flowCookieName(flow.id)] ?? ''))) {
    await noteRefusal(broker, by, 'connection.flow_other_browser', `connection:${target.linkName}`, {})
    throw new Problem('flow_user_mismatch', {
      reason: 'other_browser',
      detail: 'This authorisation was started in another browser. Start it again in this one.',
    })
  }
  const { memory, variables } = await memoryOf(broker, flow)
  const scheme = schemeOf(target.from.service)
  scheme.inspectCallback?.(target.from.service, { parameters: callback.parameters, memory })
  const taken = await takeFlow(broker.db, flow.id)
  if (!taken) throw new Problem('flow_expired')

  const steps: TraceStep[] = []
  const client = await openClient(broker, target.from)
  const context = contextOf(broker, target.from, client, { ...target, variables, trace: step => steps.push(step) })
  let given: Opened | null = null
  let question: Awaited<ReturnType<typeof settleGrant>> = null
  try {
    const grant = await scheme.finish(context, { parameters: callback.parameters, memory })
    given = { credential: grant.credential, variables: { ...variables, ...safeCaptured(target.from.service, grant.captured) } }
    const result = await granted(broker, target, grant, variables, steps, { mustWork: false })
    question = await storeFinished(broker, by, target, taken, result)
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof Problem)) throw error
    // not when the database fell silent: what it did not confirm may be stored
    const silent = error instanceof Problem && error.code === 'storage_unavailable'
    if (given !== null && !silent) {
      steps.push({ step: 'not_kept' })
      await revokeUnused(broker, { ...target.holder, linkName: target.linkName }, target.from, given)
    }
    const declined = error instanceof Problem && error.code === 'authorization_declined'
    const diagnosis = declined ? null : diagnose(steps, diagnosisFacts(broker, target))
    const ended = await recordAttempt(broker.db, taken.attempt_id, steps, { outcome: declined ? 'declined' : 'failed', diagnosis })
    if (ended || !silent) {
      await noteRefusal(broker, by, declined ? 'connection.declined' : 'connection.failed', `connection:${target.linkName}`, { diagnosis })
      throw error instanceof Refusal ? connectProblem(target, error, diagnosis) : callbackProblem(target, error, diagnosis)
    }
    // it was stored, and the answer to that was all that got lost
    broker.calls.forget({ kind: 'connection', id: target.holder.connectionId })
  }
  return { landing: question ? questionPath(question) : (taken.return_to ?? `/connections/${target.linkName}`) }
}

/** The flow that a callback's state names. The state is not used up by a callback that is refused here. */
export async function flowOfCallback(
  broker: Broker,
  callback: Pick<CallbackRequest, 'organizationSlug' | 'serviceLinkName' | 'parameters'>,
): Promise<FlowRow> {
  const { state } = callback.parameters
  const flow = state ? await findFlowByState(broker.db, hashed(state)) : undefined
  if (!flow) throw new Problem('flow_expired')
  const home = await broker.db
    .selectFrom('connections as c')
    .innerJoin('services as s', 's.id', 'c.service_id')
    .innerJoin('organizations as o', 'o.id', 'c.organization_id')
    .select(['s.link_name', 'o.slug'])
    .where('c.id', '=', flow.connection_id)
    .executeTakeFirst()
  if (home?.link_name !== callback.serviceLinkName || home.slug !== callback.organizationSlug) throw new Problem('context_mismatch')
  return flow
}

async function storeFinished(broker: Broker, by: Caller, target: Target, flow: FlowRow, result: Granted) {
  const seal = await broker.vault.sealer(target.holder.organizationId)
  return change(broker, by, async (trx, traces) => {
    await assertStillThere(trx, target)
    traces.changed({ kind: 'connection', id: target.holder.connectionId })
    return settleGrant(trx, broker, seal, traces.audit, target, result, { id: flow.attempt_id, returnTo: flow.return_to })
  })
}
