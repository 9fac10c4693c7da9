import { headerMap } from '../core/invoke-answer.ts'
import { assertCallersHeader, methods } from '../core/invoke-url.ts'
import { linkNamePattern } from '../core/link-name.ts'
import { boundaryOf, parseMultipart } from '../core/multipart.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { pairsOf, type Body, type IncomingResponse, type OutgoingRequest } from '../core/request.ts'
import { placeholdersOf } from '../core/template.ts'
import { Failure } from '../deluge/failure.ts'
import type { HostAnswer, HostRequest, Surroundings } from '../deluge/host.ts'
import { parseDestination } from '../egress/policy.ts'
import type { AsyncHost } from '../sandbox/sandbox.ts'
import { findConnection } from '../storage/connections.ts'
import { findFunction, type FunctionRow } from '../storage/functions.ts'
import type { Broker } from './broker.ts'
import { failureOf } from './function-failures.ts'
import { sendFunctionMail } from './function-mail.ts'
import type { FunctionSettings } from './function-settings.ts'
import { readVariable, writeVariable } from './function-variables.ts'
import { invoke } from './invoke.ts'
import { membershipIn } from './memberships.ts'
import { definitionOf } from './usable.ts'

/** How long a service may take to answer (§2.4). */
const answerWithinMs = 40_000

export interface HostedRun {
  readonly function: FunctionRow
  /** Whom it runs as. What they sent us (key, cookie) is not in it. */
  readonly principal: Principal
  readonly surroundings: Surroundings
  readonly settings: FunctionSettings
  /** Of the request that the run is for. */
  readonly hops: number
  /** By `broker.monotonic()`. */
  readonly endsAt: number
  readonly info: (line: string, at: number) => void
}

/** What a host method throws becomes a failure of the script, unless it is our own fault. */
async function asFailure<T>(broker: Broker, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Failure) throw error
    if (error instanceof Problem && error.code !== 'internal') throw failureOf(error)
    broker.log.error({ err: error }, 'a function’s host had a fault')
    throw new Failure('Something went wrong in Patchbay itself. Try again; if it stays so, give its operator the id of this run.', 'call', {
      code: 'internal',
    })
  }
}

/** Reads and writes of variables in one run: each is a query of ours, and no call that its limit of calls counts. */
const mostVariableUses = 1_000

/** Headers that scripts send out of habit and that only we can know. */
const framing = /^(?:host|content-length|connection)$/i

/** Fields and parts stay apart for a credential that is placed among them (Param Type form). */
function bodyOf({ body, contentType, connection }: HostRequest): Body {
  if (body === null) return null
  const bytes = Buffer.from(body)
  if (connection === null || contentType === null) return { kind: 'raw', bytes }
  if (/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType)) return { kind: 'form', fields: pairsOf(bytes.toString('utf8')) }
  const boundary = boundaryOf(contentType)
  return boundary === null ? { kind: 'raw', bytes } : { kind: 'multipart', parts: parseMultipart(bytes, boundary), boundary }
}

function outgoingOf(request: HostRequest): OutgoingRequest {
  const method = request.method.toUpperCase()
  if (!(methods as readonly string[]).includes(method))
    throw new Failure(`There is no method ${method.slice(0, 20)}. Write one of ${methods.join(', ')}.`, 'call')
  const url = parseDestination(request.url.trim())
  const body = bodyOf(request)
  const headers: string[] = []
  for (const [name, value] of request.headers) {
    if (framing.test(name) || (body?.kind === 'multipart' && /^content-type$/i.test(name))) continue
    const text = value.trim()
    assertCallersHeader(name, text)
    headers.push(name, text)
  }
  const typed = headers.some((name, i) => i % 2 === 0 && /^content-type$/i.test(name))
  if (request.contentType !== null && !typed && body !== null && body.kind !== 'multipart')
    headers.push('content-type', request.contentType)
  return { method, url, headers, body }
}

/** An origin in a definition, its variables filled as the connection's person has them, else as they are by default. */
function originOf(template: string | undefined, variables: Readonly<Record<string, string>>): string | null {
  if (template === undefined) return null
  const filled = template.replace(/\{([a-z][a-z0-9_]*)\}/g, (whole, name: string) => variables[name] ?? whole)
  return placeholdersOf(filled).length === 0 && URL.canParse(filled) ? new URL(filled).origin : null
}

/** What a script may ask of Patchbay: everything as the run's principal, connections with their author's permission (C-3). */
export function hostOf(broker: Broker, run: HostedRun): AsyncHost {
  const { principal, settings, surroundings } = run
  const { organizationId } = principal
  const pathOf = (namespace: string, name: string) => `${namespace}.${name}`.toLowerCase()
  /** Only functions that this run has met: a thread that lies cannot borrow the permission of others, nor read their variables. */
  const met = new Map<string, FunctionRow>([[pathOf(run.function.namespace, run.function.name), run.function]])
  const members = new Map<string, Promise<boolean>>()

  const isMember = (userId: string): Promise<boolean> => {
    let known = members.get(userId)
    if (!known) members.set(userId, (known = membershipIn(broker, userId, organizationId).then(found => found !== null)))
    return known
  }

  /** The function whose line asks. A name that this run has not met is nobody's, so it is the function that was asked for. */
  const askedFrom = (from: string): FunctionRow => met.get(from.toLowerCase()) ?? run.function

  async function authorOf(from: string): Promise<string> {
    const author = askedFrom(from).author_id
    if (!(await isMember(author)))
      throw new Failure(
        'UnAuthenticated Connections: the author of this function is no longer a member. Somebody who may use its connections must save it again.',
        'call',
        { code: 'connection_not_found' },
      )
    return author
  }

  async function send(request: HostRequest): Promise<HostAnswer> {
    const { connection } = request
    if (connection !== null && !linkNamePattern.test(connection)) throw new Problem('connection_not_found', { connection })
    const { invokeMaxRequestBytes, invokeMaxResponseBytes } = broker.limits
    if ((request.body?.byteLength ?? 0) > invokeMaxRequestBytes) throw new Problem('request_too_large')
    const outgoing = { ...outgoingOf(request), organizationId, hops: run.hops }
    broker.admission.charge(organizationId)
    const deadline = broker.monotonic() + answerWithinMs
    let answer: IncomingResponse | null = null
    const author = connection === null ? run.function.author_id : await authorOf(request.from)
    await invoke(
      broker,
      principal,
      { door: 'function', connection, author, request: outgoing, repeatable: true },
      async (authorised, _final, echo) => {
        const received = await broker.egress.send(authorised, {
          deadlineMs: Math.max(1, Math.min(deadline, run.endsAt) - broker.monotonic()),
          maxResponseBytes: invokeMaxResponseBytes,
          maxDecodedBytes: invokeMaxResponseBytes,
        })
        return (answer = echo.answer(received))
      },
    )
    if (!answer) throw new Error('a call without an answer throws')
    const { status, headers, body } = answer as IncomingResponse
    return { status, headers: headerMap(headers), body: new Uint8Array(body) }
  }

  /** The longest namespace that something is set for: `a.b.v8` is `a.b`, and `a` if that is all there is. */
  function settingOf(map: Readonly<Record<string, string>>, namespace: string): string | null {
    const parts = namespace.toLowerCase().split('.')
    for (let length = parts.length; length > 0; length--) {
      const name = parts.slice(0, length).join('.')
      const found = Object.hasOwn(map, name) ? map[name] : undefined
      if (found !== undefined) return found
    }
    return null
  }

  async function apiOrigin(namespace: string): Promise<string> {
    const set = settingOf(settings.api_origins, namespace)
    if (set !== null) return set
    const linkName = settingOf(settings.default_connections, namespace)
    const row = linkName === null ? undefined : await findConnection(broker.db, organizationId, principal.subjectId, linkName)
    const own = row && originOf(definitionOf(broker, row).advanced.base_url, row.variables ?? {})
    if (own) return own
    const parts = namespace.toLowerCase().split('.')
    for (let length = parts.length; length > 0; length--) {
      const definition = broker.catalogue.get(parts.slice(0, length).join('_'))?.definition
      const [host] = definition?.api_hosts ?? []
      const origin = definition && (originOf(definition.advanced.base_url, {}) ?? originOf(host && `https://${host}`, {}))
      if (origin) return origin
    }
    throw new Failure(
      `Nobody has set where the API of ${namespace} is. An administrator sets it in the settings of functions, under api_origins.`,
    )
  }

  let variableUses = 0
  function countVariableUse(): void {
    variableUses += 1
    if (variableUses > mostVariableUses)
      throw new Failure(
        `A run may read and write variables ${String(mostVariableUses)} times at most. Read them before the loop and write them after it.`,
        'limit',
      )
  }

  return {
    send: request => asFailure(broker, () => send(request)),
    mail: mail => asFailure(broker, () => sendFunctionMail(broker, organizationId, surroundings, mail)),
    functionNamed: (namespace, name) =>
      asFailure(broker, async () => {
        const row = await findFunction(broker.db, organizationId, namespace, name)
        if (!row) return null
        met.set(pathOf(row.namespace, row.name), row)
        return { id: row.id, revision: row.revision, source: row.source }
      }),
    variable: (name, from) =>
      asFailure(broker, () => {
        countVariableUse()
        return readVariable(broker, surroundings, askedFrom(from), name)
      }),
    setVariable: (name, value, from) =>
      asFailure(broker, () => {
        countVariableUse()
        return writeVariable(broker, surroundings, askedFrom(from), principal, name, value)
      }),
    defaultConnection: namespace => settingOf(settings.default_connections, namespace),
    apiOrigin: namespace => asFailure(broker, () => apiOrigin(namespace)),
    info: (line, at) => run.info(line, at),
  }
}
