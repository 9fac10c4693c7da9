import type { Readable } from 'node:stream'
import { Problem } from './problem.ts'

export type Pair = readonly [name: string, value: string]

/** One part of a multipart body (RFC 7578). A text part has no file name. */
export interface Part {
  readonly name: string
  readonly filename: string | null
  readonly contentType: string | null
  readonly bytes: Buffer
}

/**
 * What a call carries. `form` and `multipart` stay structured until the call leaves, because a credential may be
 * placed among the fields, and OAuth 1 signs them; `raw` is bytes as given; `stream` is the proxy's, read once.
 */
export type Body =
  | null
  | { readonly kind: 'raw'; readonly bytes: Buffer }
  | { readonly kind: 'form'; readonly fields: readonly Pair[] }
  | { readonly kind: 'multipart'; readonly parts: readonly Part[]; readonly boundary: string }
  | { readonly kind: 'stream'; readonly stream: Readable; readonly length: number | null }

/**
 * A call on its way out. Immutable: every step returns a new one.
 * `headers` is the flat list [name, value, name, value …] that undici takes as it is; the host is the URL's.
 */
export interface OutgoingRequest {
  readonly method: string
  readonly url: URL
  readonly headers: readonly string[]
  readonly body: Body
  /** For whom: organisations take turns where calls to one origin have to wait. */
  readonly organizationId?: string
  /** Of the call that this one is made for, see `hops.ts`. Left out: nobody's call, so nothing is said. */
  readonly hops?: number
}

/** An answer that was read whole. `headers` is flat as above, names as the service wrote them; `body` is decoded (gzip …). */
export interface IncomingResponse {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** RFC 9110 §5.6.2. */
export const headerNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Visible ASCII, space, tab inside; no leading or trailing blank (RFC 9110 §5.5). UTF-8 is refused: half the world reads it as latin-1. */
export const headerValuePattern = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/

/** The header that servers may read it as: CGI and its heirs take `X_Forwarded_For` for the one with hyphens (CVE-2025-64484). */
export const headerAsRead = (name: string): string => {
  const lower = name.toLowerCase()
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower
}

/** RFC 9110 §5.1. The lengths first: every header of every call is asked, and few are as long as the one that is looked for. */
export const sameHeader = (one: string, other: string): boolean => one.length === other.length && one.toLowerCase() === other.toLowerCase()

export function headerOf(headers: readonly string[], name: string): string | null {
  for (let i = 0; i < headers.length; i += 2) if (sameHeader(headers[i] ?? '', name)) return headers[i + 1] ?? ''
  return null
}

/** Sets headers, a flat list of different names, replacing what the caller may have sent under them in any case. */
export function withHeaders(request: OutgoingRequest, added: readonly string[]): OutgoingRequest {
  if (added.length === 0) return request
  const headers: string[] = []
  for (let i = 0; i < request.headers.length; i += 2) {
    const own = request.headers[i] ?? ''
    if (headerOf(added, own) === null) headers.push(own, request.headers[i + 1] ?? '')
  }
  headers.push(...added)
  return { ...request, headers }
}

export const withHeader = (request: OutgoingRequest, name: string, value: string): OutgoingRequest => withHeaders(request, [name, value])

/** Percent-encoding for a query or form component: RFC 3986 unreserved characters stay, everything else is encoded. */
export const percentEncode = (text: string): string =>
  encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\uFFFD')).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase())

/** The pairs of an urlencoded text, decoded (`+` is a space). */
export const pairsOf = (text: string): Pair[] => [...new URLSearchParams(text)]

/** The URL with more at the end of its query; what stands there stays byte for byte. Parsed anew: to set `search` costs three times as much. */
export function withSearch(url: URL, added: string): URL {
  const [href = ''] = url.href.split('#', 1)
  return new URL(href + (url.search !== '' ? '&' : href.endsWith('?') ? '' : '?') + added)
}

/**
 * Adds a parameter to the query, leaving what stands there byte for byte.
 * @throws Problem parameter_conflict when the caller's own query names it, in any spelling that decodes to it.
 */
export function withQueryParameter(request: OutgoingRequest, name: string, value: string): OutgoingRequest {
  if (request.url.search && request.url.searchParams.has(name)) throw new Problem('parameter_conflict', { parameter: name, place: 'query' })
  return { ...request, url: withSearch(request.url, percentEncode(name) + '=' + percentEncode(value)) }
}

const methodsWithBody = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/**
 * The names in a query or an urlencoded text, decoded: also those behind `;` and `&amp;`, which some servers take for separators, and
 * with the `%u005f` of ASP.NET (X12).
 */
export const namesIn = (text: string): string[] =>
  pairsOf(text.replaceAll(';', '&').replace(/%u00([0-9a-f]{2})/gi, '%$1')).map(([name]) => name)

/** A name as lenient servers read it: in any case, up to a NUL, without blanks around it; PHP reads dots and blanks inside as `_`. */
const asRead = (name: string): string =>
  (name.replace(/^\0+/, '').split('\0', 1)[0] ?? '')
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .toLowerCase()
    .replace(/[ .]/g, '_')

/** One name to some lenient server: `name[]` is a list to many, and a bracket that is never closed is `_` to PHP (X12). */
export function sameParameter(own: string, name: string): boolean {
  const other = asRead(name)
  return asRead(own) === other || asRead(own.split('[', 1)[0] ?? '') === other || asRead(own).replaceAll('[', '_') === other
}

/**
 * Adds a field to a form body: urlencoded or multipart; a request without a body becomes urlencoded.
 * @throws Problem param_type_mismatch for GET, HEAD, OPTIONS and for raw or streamed bodies; parameter_conflict when the field is there.
 */
export function withFormField(request: OutgoingRequest, name: string, value: string): OutgoingRequest {
  const { body, method } = request
  if (!methodsWithBody.has(method)) throw new Problem('param_type_mismatch', { method })
  if (body === null) return { ...request, body: { kind: 'form', fields: [[name, value]] } }
  switch (body.kind) {
    case 'form':
      if (body.fields.some(([own]) => sameParameter(own, name))) throw new Problem('parameter_conflict', { parameter: name, place: 'form' })
      return { ...request, body: { ...body, fields: [...body.fields, [name, value]] } }
    case 'multipart': {
      if (body.parts.some(part => sameParameter(part.name, name)))
        throw new Problem('parameter_conflict', { parameter: name, place: 'form' })
      const part: Part = { name, filename: null, contentType: null, bytes: Buffer.from(value) }
      return { ...request, body: { ...body, parts: [...body.parts, part] } }
    }
    case 'raw':
    case 'stream':
      throw new Problem('param_type_mismatch', { method })
  }
}

/** Adds a cookie, after those the caller sent. */
export function withCookie(request: OutgoingRequest, name: string, value: string): OutgoingRequest {
  const own = headerOf(request.headers, 'cookie')
  return withHeader(request, 'cookie', (own ? own + '; ' : '') + `${name}=${value}`)
}

/** RFC 7578 §2: quotes and line breaks in a name or file name would end the header early. */
const quoted = (text: string) => `"${text.replace(/[\r\n"]/g, c => (c === '"' ? '%22' : c === '\r' ? '%0D' : '%0A'))}"`

export const encodeForm = (fields: readonly Pair[]): string =>
  fields.map(([name, value]) => percentEncode(name) + '=' + percentEncode(value)).join('&')

function encodeMultipart(parts: readonly Part[], boundary: string): Buffer {
  const pieces: Buffer[] = []
  for (const part of parts) {
    const disposition = `form-data; name=${quoted(part.name)}` + (part.filename === null ? '' : `; filename=${quoted(part.filename)}`)
    const type = part.contentType ?? (part.filename === null ? null : 'application/octet-stream')
    pieces.push(
      Buffer.from(`--${boundary}\r\nContent-Disposition: ${disposition}\r\n${type ? `Content-Type: ${type}\r\n` : ''}\r\n`),
      part.bytes,
    )
    pieces.push(Buffer.from('\r\n'))
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  return Buffer.concat(pieces)
}

/** The last step before a call leaves: fields and parts become bytes, with the content type they need unless one was given. */
export function encodeBody(request: OutgoingRequest): OutgoingRequest {
  const { body } = request
  if (body === null || body.kind === 'raw' || body.kind === 'stream') return request
  const bytes = body.kind === 'form' ? Buffer.from(encodeForm(body.fields)) : encodeMultipart(body.parts, body.boundary)
  const encoded: OutgoingRequest = { ...request, body: { kind: 'raw', bytes } }
  if (body.kind === 'multipart') return withHeader(encoded, 'content-type', `multipart/form-data; boundary=${body.boundary}`)
  return headerOf(request.headers, 'content-type') ? encoded : withHeader(encoded, 'content-type', 'application/x-www-form-urlencoded')
}
