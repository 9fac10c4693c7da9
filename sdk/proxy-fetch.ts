import { PatchbayProblem, problemHeader, problemOf } from './problem.ts'
import { identity, segment, type Access } from './transport.ts'

/** As the Fetch standard has it. */
const mostRedirects = 20
const redirects = new Set([301, 302, 303, 307, 308])

/** They describe a body and go with it when a redirect drops it (Fetch standard, "request-body-header name"). */
const bodyHeaders = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']

/** They are for the host they were written for (RFC 9110 §15.4 asks to drop what names a particular target or holder). */
const callersSecrets =
  /^(?:authorization|proxy-authorization|cookie2?|x-api-key|.*(?:[-_]|^)(?:token|secret|api-?key|password|session|csrf|xsrf)(?:[-_].*)?)$/

/** A body that arrives in a Request is held up to this, so that a 307 can send it again and its length is known. */
const heldBytes = 1024 * 1024

type Sendable = NonNullable<RequestInit['body']>

interface Body {
  readonly content: Sendable
  /** False for a stream: what has been read cannot be read again. */
  readonly again: boolean
}

/**
 * `fetch`, through a connection: same arguments, same answer, same rejections, but the service sees the connection's credential.
 *
 * Redirects are followed here, each hop through Patchbay again, so that every destination is judged like the first. A hop to a host that
 * is not among the service's API hosts is refused like any other call to it; with `redirect: 'manual'` the 3xx is the answer.
 *
 * @throws PatchbayProblem when Patchbay itself refuses · TypeError and AbortError as `fetch` does
 */
export async function proxyFetch(
  access: Access,
  connection: string,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  if (access.apiKey === null)
    throw new PatchbayProblem({
      code: 'unauthenticated',
      status: 401,
      detail: 'fetch through a connection takes an API key; with a session use invoke.',
    })
  const request = new Request(input, init) // judges the method, header names, body and URL as fetch does
  let url = new URL(request.url)
  let { method } = request
  const headers = callersHeaders(request)
  let body = await bodyOf(request, input, init)
  // a form gets a new boundary each time it is written, so its content type is written with it
  if (body?.content instanceof FormData && !namesContentType(input, init)) headers.delete('content-type')
  const signal = init.signal ?? (input instanceof Request ? input.signal : null)
  const mode = init.redirect ?? (input instanceof Request ? input.redirect : 'follow')
  const { body: _body, ...options } = init

  for (let hops = 0; ; hops++) {
    const response = await throughProxy(
      access,
      connection,
      url,
      { ...options, method, headers, ...(body && { body: body.content }), signal },
      body,
    )
    if (response.type === 'opaqueredirect') {
      if (mode === 'manual') return response
      throw new TypeError('This runtime hides where redirects go (browsers do): the service answered with one.')
    }
    const location = redirects.has(response.status) ? response.headers.get('location') : null
    if (location === null || mode === 'manual') return asFrom(response, url, hops > 0)

    await response.body?.cancel()
    if (mode === 'error') throw new TypeError(`${url.href} answered with a redirect, and redirect is "error".`)
    if (hops === mostRedirects) throw new TypeError(`More than ${mostRedirects} redirects.`)
    const next = nextUrl(location, url)
    if (response.status !== 303 && body && !body.again)
      throw new TypeError('The service redirects, and the body was a stream: it cannot be sent again.')
    if (dropsBody(response.status, method)) {
      method = 'GET'
      body = null
      for (const name of bodyHeaders) headers.delete(name)
    }
    if (next.origin !== url.origin) for (const name of [...headers.keys()]) if (callersSecrets.test(name)) headers.delete(name)
    url = next
  }
}

/** 301 and 302 turn POST into GET as browsers always did; 303 turns everything but HEAD (Fetch standard, HTTP-redirect fetch). */
const dropsBody = (status: number, method: string): boolean =>
  ((status === 301 || status === 302) && method === 'POST') || (status === 303 && method !== 'GET' && method !== 'HEAD')

function nextUrl(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) throw new TypeError('The service redirects to something that is no URL.')
  const next = new URL(location, from.href)
  if (!/^https?:$/.test(next.protocol)) throw new TypeError(`The service redirects to ${next.protocol}, which is not followed.`)
  if (next.username !== '' || next.password !== '')
    throw new TypeError('The service redirects to a URL with a user name in it, which is not followed.')
  if (from.protocol === 'https:' && next.protocol === 'http:')
    throw new TypeError('The service redirects from https to http, which is not followed.')
  return next
}

/** @throws PatchbayProblem header_not_allowed */
function callersHeaders(request: Request): Headers {
  const headers = new Headers(request.headers)
  for (const name of headers.keys())
    if (name === 'authorization' || name.startsWith('patchbay-'))
      throw new PatchbayProblem({
        code: 'header_not_allowed',
        status: 422,
        detail: `Leave the header ${name} out: ${name === 'authorization' ? 'the connection has the credential.' : 'it is Patchbay’s own.'}`,
        facts: { header: name },
      })
  return headers
}

const namesContentType = (input: string | URL | Request, init: RequestInit): boolean =>
  new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined)).has('content-type')

async function bodyOf(request: Request, input: string | URL | Request, init: RequestInit): Promise<Body | null> {
  const given = init.body
  if (given !== undefined && given !== null) {
    const again =
      typeof given === 'string' || given instanceof URLSearchParams || given instanceof FormData || given instanceof Blob || isBytes(given)
    return { content: given, again }
  }
  if (!(input instanceof Request) || request.body === null) return null
  return held(request.body)
}

const isBytes = (value: unknown): boolean => value instanceof ArrayBuffer || ArrayBuffer.isView(value)

/** A Request hides what its body was made of: a small one is read whole, a longer one streams on from what was read. */
async function held(stream: ReadableStream<Uint8Array>): Promise<Body> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) {
      const bytes = new Uint8Array(size)
      let at = 0
      for (const chunk of chunks) {
        bytes.set(chunk, at)
        at += chunk.length
      }
      return { content: bytes, again: true }
    }
    chunks.push(value)
    size += value.length
    if (size > heldBytes) break
  }
  const rest = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = chunks.shift() ?? (await reader.read()).value
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
    cancel: reason => reader.cancel(reason),
  })
  return { content: rest, again: false }
}

/** Browsers and Node want this said when a body is a stream; the types of some do not know it. */
interface HalfDuplex extends RequestInit {
  readonly duplex?: 'half'
}

async function throughProxy(access: Access, connection: string, url: URL, init: RequestInit, body: Body | null): Promise<Response> {
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`${url.protocol} is neither http nor https.`)
  const headers = new Headers(init.headers)
  for (const [name, value] of Object.entries(identity(access))) headers.set(name, value)
  const options: HalfDuplex = { ...init, headers, redirect: 'manual', credentials: 'omit', ...(body && !body.again && { duplex: 'half' }) }
  const target = `${access.url}/proxy/${segment(connection)}/${url.protocol.slice(0, -1)}/${url.host}${url.pathname}${url.search}`
  const response = await fetch(target, options)
  if (response.headers.has(problemHeader)) throw await problemOf(response)
  return response
}

/** The answer as the service's own: its URL, not the proxy's. */
function asFrom(response: Response, url: URL, redirected: boolean): Response {
  const shown = new URL(url)
  shown.hash = ''
  const clone = response.clone.bind(response)
  return Object.defineProperties(response, {
    url: { value: shown.href, configurable: true },
    redirected: { value: redirected, configurable: true },
    clone: { value: () => asFrom(clone(), url, redirected), configurable: true },
  })
}
