import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { invoke, type Transmit } from '../broker/invoke.ts'
import { findUsable } from '../broker/usable.ts'
import { hopHeader, hopsOf } from '../core/hops.ts'
import { linkNamePattern } from '../core/link-name.ts'
import { holdsParameters } from '../core/overrides.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { headerAsRead, pairsOf, type Body, type OutgoingRequest } from '../core/request.ts'
import { fillUrl } from '../auth/oauth2-url.ts'
import { openCredential } from '../broker/stored-credential.ts'
import { methods } from '../core/invoke-url.ts'
import { parseDestination } from '../egress/policy.ts'
import { readBody } from './bodies.ts'
import type { Doors } from './doors.ts'
import { subjectHeader, type Identify } from './session.ts'
import { createUnrouted, linger, type Enter, type UnroutedDoor } from './unrouted.ts'

/**
 * ANY /proxy/{connection}/{scheme}/{host[:port]}/{path}?{query}, streamed both ways and answered before the router. Same gate and
 * conductor as invoke, through `broker/invoke.ts`.
 */

/** Hop-by-hop (RFC 9110 §7.6.1), ours, and what would say who the caller is. Stripped silently on the way out. */
const notForwarded = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
  'host', 'authorization', 'cookie', 'expect', 'content-length', 'http2-settings', 'forwarded', 'via', 'x-real-ip', subjectHeader,
]) // prettier-ignore

/** An answer runs on the console's origin: nothing in it may set state there (X23). */
const notReturned = new Set([
  'connection', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade', 'proxy-authenticate', 'proxy-connection',
  'set-cookie', 'set-cookie2', 'alt-svc', 'clear-site-data', 'service-worker-allowed', 'content-security-policy', 'x-content-type-options', 'patchbay-problem',
]) // prettier-ignore

/** A body that is placed into, signed, looked into, or sent a second time after a 401 is held in memory up to this. */
const bufferedBytes = 1024 * 1024

const withScheme = /^\/proxy\/([^/?#]{1,64})\/(https?)\/([^/?#]+)((?:\/[^#]*|\?[^#]*)?)$/
const withBase = /^\/proxy\/([^/?#]{1,64})((?:\/[^#]*|\?[^#]*)?)$/
/** Dot segments in any spelling: the raw target is kept, so the other end would resolve them. */
const dotSegment = /(?:^|\/)(?:\.|%2e){1,2}(?:[/?]|$)/i

interface ProxyTarget {
  readonly connection: string
  /** The absolute URL, or the path under the service's base URL. */
  readonly url: string | null
  readonly path: string
}

function targetOf(rawUrl: string): ProxyTarget {
  const absolute = withScheme.exec(rawUrl)
  const [, connection = '', scheme, host = '', path = ''] = absolute ?? []
  if (absolute && (scheme === 'http' || scheme === 'https')) {
    const refused = host.includes('@')
      ? 'Leave user name and password out of the URL.'
      : path.includes('\\') || dotSegment.test(path)
        ? 'Leave backslashes and dot segments (. and ..) out of the path.'
        : null
    if (refused) throw new Problem('invalid_url', { detail: refused })
    return { connection, url: `${scheme}://${host}${path.startsWith('?') || path === '' ? '/' + path : path}`, path }
  }
  const relative = withBase.exec(rawUrl)
  if (!relative) throw new Problem('not_found')
  const rest = relative[2] ?? ''
  if (rest.includes('\\') || dotSegment.test(rest))
    throw new Problem('invalid_url', { detail: 'Leave backslashes and dot segments (. and ..) out of the path.' })
  return { connection: relative[1] ?? '', url: null, path: rest }
}

/** The URL under the service's base URL. @throws Problem invalid_url when the service has none */
async function underBase({ broker }: Doors, principal: Principal, target: ProxyTarget): Promise<string> {
  const usable = await findUsable(broker, principal, target.connection)
  const base = usable.service.advanced.base_url
  if (base === undefined)
    throw new Problem('invalid_url', { detail: `This service has no base URL: call /proxy/${target.connection}/https/{host}/{path}.` })
  const { variables } = await openCredential(broker, usable)
  const filled = fillUrl(base, variables)
  return target.path.startsWith('/') ? filled.replace(/\/$/, '') + target.path : filled + target.path
}

function headersOf(message: IncomingMessage): string[] {
  const named = message.headers.connection
  const hop = named === undefined || /^(?:keep-alive|close)$/i.test(named) ? null : new Set(named.toLowerCase().split(/\s*,\s*/))
  const headers: string[] = []
  const { rawHeaders } = message
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const read = headerAsRead(name)
    if (notForwarded.has(read) || hop?.has(name.toLowerCase()) || read.startsWith('x-forwarded-') || read.startsWith('patchbay-')) continue
    headers.push(name, rawHeaders[i + 1] ?? '')
  }
  return headers
}

/**
 * The caller's body, piece by piece. Giving up on it leaves the caller's connection open, which still has to carry an answer.
 * @throws Problem request_too_large
 */
async function* counted(message: IncomingMessage, most: number): AsyncGenerator<Buffer> {
  let size = 0
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if ((size += chunk.length) > most) throw new Problem('request_too_large')
    yield chunk
  }
}

const tooLong = {
  placed:
    'A body that a credential is placed in, or that is signed, has at most 1 MiB through the proxy. Use a service with another Param Type.',
  limited: 'Where a service allows only some methods or paths, a form or JSON body has at most 1 MiB through the proxy. Use invoke.',
}

export function createProxy(doors: Doors, identify: Identify): UnroutedDoor {
  const { broker } = doors
  const limits = { firstByteMs: 40_000, idleMs: 60_000, maxSeconds: broker.limits.proxyMaxSeconds, maxBytes: broker.limits.proxyMaxBytes }

  function bodyOf(message: IncomingMessage): Body {
    const length = message.headers['content-length']
    if (length === undefined && message.headers['transfer-encoding'] === undefined) return null
    if (length !== undefined && Number(length) === 0) return null
    if (length !== undefined && Number(length) > limits.maxBytes) throw new Problem('request_too_large')
    // Whoever sends it on listens while it does so: a caller who leaves before or after that has its error, too, which `close` tells of.
    const stream = Readable.from(counted(message, limits.maxBytes), { objectMode: false }).on('error', () => {})
    return { kind: 'stream', stream, length: length === undefined ? null : Number(length) }
  }

  /** A small body is held, so that a form can be placed in or signed, and a call can be repeated after a 401. */
  async function held(
    message: IncomingMessage,
    response: ServerResponse,
    principal: Principal,
    connection: string,
    body: Body,
  ): Promise<Body> {
    if (body?.kind !== 'stream') return body
    const { organizationId } = principal
    const buffered = (tooLong: string) =>
      readBody(message, { most: bufferedBytes, requests: broker.bodies.requests, organizationId, response, tooLong })
    const urlencoded = (message.headers['content-type'] ?? '').toLowerCase().startsWith('application/x-www-form-urlencoded')
    const { service } = await findUsable(broker, principal, connection)
    const placed = service.param_type === 'form' || (service.advanced.placements?.some(one => one.in === 'form') ?? false)
    if (placed || (service.auth_type === 'oauth1' && urlencoded)) {
      const bytes = await buffered(tooLong.placed)
      return urlencoded ? { kind: 'form', fields: pairsOf(bytes.toString()) } : { kind: 'raw', bytes }
    }
    const limited = (service.advanced.methods ?? service.advanced.path_prefix) !== undefined
    if (limited && holdsParameters(message.method ?? '', message.rawHeaders)) return { kind: 'raw', bytes: await buffered(tooLong.limited) }
    return body.length !== null && body.length <= 64 * 1024 ? { kind: 'raw', bytes: await buffered(tooLong.placed) } : body
  }

  function transmitter(message: IncomingMessage, response: ServerResponse): Transmit {
    return (request, final, echo) =>
      new Promise((resolve, reject) => {
        let dropped = false
        let answered = 0
        let begun = false
        const over = () => {
          begun = true
          response.off('close', left)
        }
        const handle = broker.egress.stream(request, limits, {
          onHead(status, received) {
            answered = status
            if (!final(status)) {
              dropped = true
              return true
            }
            const headers = echo.headers(received)
            const out: string[] = []
            for (let i = 0; i < headers.length; i += 2) {
              const name = headers[i] ?? ''
              if (!notReturned.has(name.toLowerCase())) out.push(name, headers[i + 1] ?? '')
            }
            out.push('content-security-policy', 'sandbox', 'x-content-type-options', 'nosniff')
            response.writeHead(status, out)
            // the head goes with the bytes that came along with it, in one packet, and alone only when the service lets them wait
            if (status !== 204 && status !== 304) queueMicrotask(() => void (begun || response.flushHeaders()))
            return true
          },
          onData(chunk) {
            begun = true
            if (dropped || response.write(chunk)) return true
            response.once('drain', () => handle.resume())
            return false
          },
          onEnd() {
            over()
            if (!dropped) {
              response.end()
              linger(message)
            }
            resolve({ status: answered, body: null })
          },
          onError(problem) {
            over()
            reject(problem)
          },
        })
        const left = () => {
          if (response.writableFinished) return
          handle.abort()
          reject(new Problem('upstream_unreachable', { detail: 'The caller left before the answer was whole.' }))
        }
        response.on('close', left)
      })
  }

  async function answer(message: IncomingMessage, response: ServerResponse, enter: Enter): Promise<void> {
    const { authorization, upgrade } = message.headers
    if (upgrade !== undefined) throw new Problem('upgrade_not_supported')
    if (authorization === undefined)
      throw new Problem('unauthenticated', { detail: 'The proxy takes API keys only: "Authorization: Bearer pb_…".' })
    // sent twice, it is one value with a comma in it, which is nobody
    const found = identify.byKey(authorization, message.headers[subjectHeader])
    const principal = found instanceof Promise ? await found : found
    enter(principal.organizationId)
    const hops = hopsOf(message.headers[hopHeader])
    const target = targetOf(message.url ?? '')
    if (!linkNamePattern.test(target.connection)) throw new Problem('connection_not_found', { connection: target.connection.slice(0, 64) })
    const method = message.method ?? 'GET'
    if (!(methods as readonly string[]).includes(method)) throw new Problem('method_not_allowed')
    const url = parseDestination(target.url ?? (await underBase(doors, principal, target)))
    let body = bodyOf(message)
    if (body !== null) body = await held(message, response, principal, target.connection, body)
    const request: OutgoingRequest = { method, url, headers: headersOf(message), body, organizationId: principal.organizationId, hops }
    await invoke(
      broker,
      principal,
      { door: 'proxy', connection: target.connection, request, repeatable: body?.kind !== 'stream' },
      transmitter(message, response),
    )
  }

  return createUnrouted(broker, answer)
}
