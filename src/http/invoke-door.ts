import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Broker } from '../broker/broker.ts'
import { invoke } from '../broker/invoke.ts'
import { uncountedBytes, type Hold } from '../core/held-bytes.ts'
import { hopHeader, hopsOf } from '../core/hops.ts'
import { envelope } from '../core/invoke-answer.ts'
import { invokeUrlInput, outgoing, type InvokeUrl } from '../core/invoke-url.ts'
import { linkNamePattern } from '../core/link-name.ts'
import { hasLongNumbers, memberText, parseLossless, tooDeep } from '../core/lossless-json.ts'
import { invalid, Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { encodeForm, type Body, type IncomingResponse } from '../core/request.ts'
import { parseDestination } from '../egress/policy.ts'
import { handOver, readBody, releaseBody, settleBody } from './bodies.ts'
import type { Doors } from './doors.ts'
import { subjectHeader, type Identify } from './session.ts'
import { createUnrouted, type UnroutedDoor } from './unrouted.ts'

export const invokePath = '/api/v1/invoke'

/** Bytes of a request: files arrive as base64, and there are other members beside them. */
export const invokeBodyLimit = (broker: Pick<Broker, 'limits'>): number => Math.ceil((broker.limits.invokeMaxRequestBytes * 4) / 3) + 65_536

/** JSON with long numbers as text. @throws Problem malformed_request, validation_failed when it nests too deep */
export function parseInvokeText(text: string): unknown {
  let parsed: unknown
  try {
    parsed = parseLossless(text)
  } catch {
    throw new Problem('malformed_request')
  }
  if (tooDeep(text)) throw invalid('body', 'It nests deeper than 100 levels.')
  return parsed
}

/** What a body will weigh on its way, but for the headers of its parts. */
function bytesOf(body: Body): number {
  if (body === null || body.kind === 'stream') return 0
  if (body.kind === 'raw') return body.bytes.length
  return body.kind === 'form' ? encodeForm(body.fields).length : body.parts.reduce((sum, part) => sum + part.bytes.length, 0)
}

/** The call as the caller wrote it: what is an object or a long number in it goes out in the same characters. */
function asWritten(call: InvokeUrl, text: string, boundary: () => string) {
  const long = hasLongNumbers(text)
  const written = {
    headers: long ? memberText(text, 'headers') : null,
    body: isObject(call.body) ? memberText(text, 'body') : null,
    parameters: long && isObject(call.parameters) ? memberText(text, 'parameters') : null,
  }
  return outgoing(call, parseDestination(call.url), written, boundary)
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/**
 * Time that is gone, in steps. Node keeps a list of timers for each length; with a length of its own for nearly every call, lists come and go,
 * and with 40 callers whole calls outlived their minor collection.
 */
const spent = (milliseconds: number): number => Math.floor(milliseconds / 50) * 50

/**
 * One call of invoke: from its input to the JSON text of its answer. Both ways in end here, the route and the door below.
 *
 * @param text  The input as the caller wrote it, so that long numbers go on as they were.
 * @param response  Closed early, it says that the caller has left: the call is then given up.
 */
export async function answerInvoke(broker: Broker, principal: Principal, call: InvokeUrl, text: string, response: ServerResponse) {
  const started = broker.monotonic()
  const { invokeMaxRequestBytes, invokeMaxResponseBytes } = broker.limits
  const connection = call.connection ?? null
  const hops = hopsOf(response.req.headers[hopHeader])
  if (connection !== null && !linkNamePattern.test(connection))
    throw new Problem('connection_not_found', { connection: connection.slice(0, 64) })
  const { method, url, headers, body } = asWritten(call, text, () => `patchbay-${broker.id()}`)
  const bytesOut = bytesOf(body)
  if (bytesOut > invokeMaxRequestBytes) throw new Problem('request_too_large')
  const large = text.length > uncountedBytes
  if (large) {
    // what goes out is all that is needed of it; fields and parts are there once more as the bytes that they become
    settleBody(response.req, body?.kind === 'raw' ? bytesOut : 2 * bytesOut)
    text = ''
    call.body = call.files = call.parameters = null
  }
  // member by member: of a spread V8 makes a hidden class for each call, which lives until a full collection
  const request = { method, url, headers, body, organizationId: principal.organizationId, hops }
  let giveUp: (() => void) | null = null
  response.once('close', () => giveUp?.())
  let answer: IncomingResponse | null = null
  let hold = null as Hold | null
  try {
    await invoke(broker, principal, { door: 'invoke', connection, request, repeatable: true }, async (authorised, _final, echo) => {
      hold?.release()
      const received = await broker.egress.send(authorised, {
        deadlineMs: Math.max(1, call.timeout_ms - spent(broker.monotonic() - started)),
        maxResponseBytes: invokeMaxResponseBytes,
        maxDecodedBytes: invokeMaxResponseBytes,
        onStart(cancel) {
          giveUp = cancel
          if (response.destroyed) cancel()
        },
        onHold: one => void (hold = one),
      })
      return (answer = echo.answer(received))
    })
    if (!answer) throw new Error('a call without an answer throws')
    // JSON text already: the service's body stands in it as the service wrote it
    const bytes = Buffer.from(envelope(answer, call, url, broker.monotonic() - started))
    // what waits for the caller to leave would hold the answer, whole and in pieces, until a slow one has read it
    giveUp = answer = null
    if (hold !== null) {
      hold.settle(bytes.length)
      handOver(hold, response)
    }
    return bytes
  } catch (error) {
    hold?.release()
    throw error
  } finally {
    if (large) releaseBody(response.req)
  }
}

const jsonType = /^application\/json\s*(?:;|$)/i

/** Calls with an API key in the usual form. Everything else goes to the route, which answers browsers and says what is wrong. */
export const takesInvoke = ({ url, method, headers }: IncomingMessage): boolean =>
  url === invokePath && method === 'POST' && headers.authorization !== undefined && jsonType.test(headers['content-type'] ?? '')

/** As the router's answers: nothing in it is ever shown by a browser. */
const headers = ['content-type', 'application/json; charset=utf-8', 'content-security-policy', "default-src 'none'", 'x-content-type-options', 'nosniff'] // prettier-ignore

/** A function of its own, so that nothing of a large request stands in one that waits for the answer. */
const answerText = (broker: Broker, principal: Principal, text: string, response: ServerResponse) =>
  answerInvoke(broker, principal, invokeUrlInput.parse(parseInvokeText(text)), text, response)

/** POST /api/v1/invoke with an API key, answered before the router. */
export function createInvokeDoor({ broker }: Doors, identify: Identify): UnroutedDoor {
  const most = invokeBodyLimit(broker)
  return createUnrouted(broker, async (message, response, enter) => {
    const found = identify.byKey(message.headers.authorization ?? '', message.headers[subjectHeader])
    const principal = found instanceof Promise ? await found : found
    enter(principal.organizationId)
    const { organizationId } = principal
    const reading = { most, requests: broker.bodies.requests, organizationId, response }
    const body = await answerText(broker, principal, (await readBody(message, reading)).toString(), response)
    response.writeHead(200, [...headers, 'content-length', String(body.length)]).end(body)
  })
}
