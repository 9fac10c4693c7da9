import { schemeOf } from '../auth/index.ts'
import type { Client } from '../auth/scheme.ts'
import { hostAllowed } from '../core/api-hosts.ts'
import { overrideIn } from '../core/overrides.ts'
import { partOutside } from '../core/path-prefix.ts'
import { Problem } from '../core/problem.ts'
import { nobody, type Principal } from '../core/principal.ts'
import { headerAsRead, type OutgoingRequest } from '../core/request.ts'
import type { ServiceDefinition } from '../core/service.ts'
import type { OpenSpan } from '../telemetry/traces.ts'
import type { Broker } from './broker.ts'
import { echoOf, noEcho, type Echo } from './echo.ts'
import { forcedRefreshDidNotHelp, freshCredential, mayForceRefresh } from './fresh-credentials.ts'
import { openClient } from './scheme-context.ts'
import { findUsable, freshlyOpened, rememberedUsable, type Opened, type Usable } from './usable.ts'

/** What a transmission tells the conductor. `body` is null when it was streamed past us. */
export interface Transmitted {
  readonly status: number
  readonly body: Buffer | null
}

/**
 * How a door sends: whole (invoke) or streamed (proxy). `final` says, once the status is known, whether this answer is the one:
 * when it is not, a streaming door drops it and passes nothing on. What a door passes on has been through `echo`.
 */
export type Transmit = (request: OutgoingRequest, final: (status: number) => boolean, echo: Echo) => Promise<Transmitted>

export interface Call {
  readonly door: 'invoke' | 'proxy' | 'function'
  /** A function's author: their permission to use the connection counts, whoever runs the function (C-3). */
  readonly author?: string
  /** Null: without credentials, under the same egress rules. */
  readonly connection: string | null
  readonly request: OutgoingRequest
  /** True when the body can be sent a second time. */
  readonly repeatable: boolean
}

/**
 * Invoke URL: send the request as the connection would. Every door calls this and nothing else, so this is the only place where a secret
 * meets a request: who may → may it go there → open and renew → place → send → log.
 *
 * A 4xx or 5xx of the service is an answer, not an error. A 401 renews the token once and is tried once more.
 *
 * @throws Problem connection_not_found, authorization_required, reauthorization_required, connection_revoked, destination_not_allowed,
 *   destination_not_confirmed, token_refresh_unavailable, upstream_unreachable, upstream_timeout …
 */
export function invoke(broker: Broker, principal: Principal, call: Call, transmit: Transmit): Promise<Transmitted> {
  const { traces } = broker
  if (traces === null) return conduct(broker, principal, call, transmit, null)
  const { method, url } = call.request
  const sent: Transmit = (request, final, echo) =>
    traces.span('egress', { method, host: request.url.host }, async span => {
      const answer = await transmit(request, final, echo)
      span.say({ status: answer.status })
      return answer
    })
  return traces.span('invoke', { organization: principal.organizationId, door: call.door, method, host: url.host }, span =>
    conduct(broker, principal, call, sent, span),
  )
}

async function conduct(broker: Broker, principal: Principal, call: Call, transmit: Transmit, span: OpenSpan | null): Promise<Transmitted> {
  broker.invocations.assertRoom()
  const started = broker.monotonic()
  let usable: Usable | null = null
  let status: number | null = null
  let problem: string | null = null
  try {
    const { connection } = call
    if (connection !== null) {
      const user = call.author === undefined ? principal : { ...principal, userId: call.author }
      broker.deployment.assertOwn()
      usable = rememberedUsable(broker, user, connection) ?? (await findUsable(broker, user, connection))
    }
    const answer = usable === null ? await transmit(call.request, () => true, noEcho) : await through(broker, usable, call, transmit)
    status = answer.status
    return answer
  } catch (error) {
    problem = error instanceof Problem ? error.code : 'internal'
    throw error
  } finally {
    const milliseconds = broker.monotonic() - started
    span?.say({ connection: usable?.connectionId ?? null, service: usable?.serviceLinkName ?? null, status })
    broker.metrics.call(call.door, status, problem, milliseconds)
    broker.invocations.record({
      organization_id: principal.organizationId,
      at: broker.now(),
      user_id: principal.userId,
      subject_id: principal.subjectId === nobody ? null : principal.subjectId,
      key_id: principal.key?.id ?? null,
      connection_id: usable?.connectionId ?? null,
      connection: call.connection,
      door: call.door,
      method: call.request.method,
      host: call.request.url.host,
      status,
      problem,
      duration_ms: Math.round(milliseconds),
    })
  }
}

async function through(broker: Broker, usable: Usable, call: Call, transmit: Transmit): Promise<Transmitted> {
  assertDestination(broker, usable, call.request)
  const request = withoutOwnHeaders(usable, call)
  const most = usable.service.advanced.concurrency
  if (most !== undefined && usable.underWay >= most)
    throw new Problem('upstream_saturated', {
      connection: usable.linkName,
      retry_after: 1,
      detail: `This service takes ${most} calls at a time through one connection. Try again in a moment.`,
    })
  usable.underWay++
  try {
    const opened = freshlyOpened(broker, usable) ?? (await freshCredential(broker, usable))
    const generation = usable.generation
    const renewable = () => call.repeatable && mayForceRefresh(broker, usable)
    const expired = expiredStatuses(usable)
    // decided once: a streaming door that was told to drop an answer has nothing left to give
    let dropped = false
    const final = (status: number) => !(dropped = expired.has(status) && renewable())
    const placed = authorised(broker, usable, opened, request)
    const first = await transmit(placed instanceof Promise ? await placed : placed, final, echoOf(usable, opened))
    if (!(first.body === null ? dropped : saysExpired(usable, first) && renewable())) return first

    const renewed = await freshCredential(broker, usable, generation)
    const second = await transmit(await authorised(broker, usable, renewed, request), () => true, echoOf(usable, renewed))
    // only a token that is new can have been of no use: a refresh that failed is tried again when its pause is over
    if (saysExpired(usable, second) && usable.generation !== generation) forcedRefreshDidNotHelp(broker, usable)
    return second
  } finally {
    usable.underWay--
  }
}

/** The one gate: before anything is decrypted, looked up in DNS or sent (security: no allowed host, no credential). */
function assertDestination(broker: Broker, usable: Usable, request: OutgoingRequest): void {
  const { url, method } = request
  const { methods, path_prefix } = usable.service.advanced
  const facts = () => ({ connection: usable.linkName, service: usable.serviceLinkName, host: url.host })
  if (!hostAllowed(url, usable.confirmedHosts)) {
    if (hostAllowed(url, usable.hosts))
      throw new Problem('destination_not_confirmed', { ...facts(), confirm_url: `${broker.publicUrl}/connections/${usable.linkName}` })
    throw new Problem('destination_not_allowed', {
      ...facts(),
      detail: `${url.host} is not among the API hosts of the service ${usable.serviceLinkName} (${usable.hosts.join(', ')}). Its keeper can add it under api_hosts.`,
    })
  }
  if (methods && !(methods as readonly string[]).includes(method))
    throw new Problem('destination_not_allowed', { ...facts(), detail: `The service allows only ${methods.join(', ')}.` })
  const outside = path_prefix === undefined ? null : partOutside(url.pathname, path_prefix)
  if (outside !== null)
    throw new Problem('destination_not_allowed', {
      ...facts(),
      detail:
        outside === url.pathname
          ? `The service allows only paths under ${path_prefix}.`
          : `The service allows only paths under ${path_prefix}, and "${outside}" in this one could lead out of it. Leave it out.`,
    })
  if (methods ?? path_prefix) assertNoOverride(request, facts)
}

/** What a service limits to methods or a path is limited to those that count in the end (X13). */
function assertNoOverride(request: OutgoingRequest, facts: () => Readonly<Record<string, unknown>>): void {
  const found = overrideIn(request)
  if (found === null) return
  if ('header' in found) throw new Problem('header_not_allowed', { header: found.header })
  const advice = 'parameter' in found ? `leave out the parameter ${found.parameter}` : found.unreadable
  throw new Problem('destination_not_allowed', { ...facts(), detail: `The service allows only some calls: ${advice}.` })
}

/** A definition is one object as long as its row is remembered, so its headers are worked out once. */
const ownHeaders = new WeakMap<ServiceDefinition, ReadonlySet<string>>()

function ownHeadersOf(service: ServiceDefinition): ReadonlySet<string> {
  let own = ownHeaders.get(service)
  if (!own) ownHeaders.set(service, (own = new Set(schemeOf(service).ownHeaders(service).map(headerAsRead))))
  return own
}

/**
 * The headers that this service's credential stands in are never the caller's, in any case and with `_` for `-` (X12): invoke says so, the
 * proxy, whose callers are programs that send what they always send, drops them.
 */
function withoutOwnHeaders(usable: Usable, { door, request }: Call): OutgoingRequest {
  const own = ownHeadersOf(usable.service)
  const isOwn = (name: string) => own.has(headerAsRead(name))
  const taken = request.headers.find((name, i) => i % 2 === 0 && isOwn(name))
  if (taken === undefined) return request
  if (door === 'invoke') throw new Problem('header_not_allowed', { header: taken })
  return { ...request, headers: request.headers.filter((_, i) => !isOwn(request.headers[i - (i % 2)] ?? '')) }
}

function authorised(broker: Broker, usable: Usable, opened: Opened, request: OutgoingRequest): OutgoingRequest | Promise<OutgoingRequest> {
  const { service, clockOffsetSeconds } = usable
  const place = (client: Client | null): OutgoingRequest =>
    schemeOf(service).authorise(
      { service, client, variables: opened.variables, clockOffsetSeconds, now: broker.now, random: broker.random },
      opened.credential,
      request,
    )
  // only OAuth 1 signs calls with the client's secret
  return service.auth_type === 'oauth1' ? openClient(broker, usable).then(place) : place(null)
}

const unauthorized: ReadonlySet<number> = new Set([401])
const statusesOf = new WeakMap<object, ReadonlySet<number>>()

/** The statuses that mean *expired* for this service, whatever the body says. */
function expiredStatuses(usable: Usable): ReadonlySet<number> {
  const rule = usable.service.advanced.expired_when
  const more = rule?.body ? undefined : rule?.statuses
  if (!more) return unauthorized
  let statuses = statusesOf.get(more)
  if (!statuses) statusesOf.set(more, (statuses = new Set([401, ...more])))
  return statuses
}

const saysExpired = (usable: Usable, answer: Transmitted): boolean =>
  expiredStatuses(usable).has(answer.status) || (schemeOf(usable.service).saysExpired?.(usable.service, answer) ?? false)
