import { z } from 'zod'
import { isMap, jsonMap } from './json-map.ts'
import { compactJson, hasLongNumbers, memberText } from './lossless-json.ts'
import { invalid, Problem } from './problem.ts'
import {
  headerAsRead,
  headerNamePattern,
  headerOf,
  headerValuePattern,
  percentEncode,
  withSearch,
  type Body,
  type OutgoingRequest,
  type Pair,
  type Part,
} from './request.ts'

/**
 * What `invokeUrl` is given, and the request it means (URL-1 … URL-10). Pure: the HTTP route and later the Deluge task both build with it.
 */

const file = z.strictObject({
  name: z.string().max(200).default('file'),
  filename: z.string().max(500),
  content_type: z.string().max(200).optional(),
  content_base64: z.base64(),
})

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const

function isCharset(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== ''
  } catch {
    return false
  }
}

export const invokeUrlInput = z.strictObject({
  connection: z
    .string()
    .max(200)
    .nullish()
    .meta({ description: 'Link name of a connection. Without it the URL is called without credentials.', examples: ['mailchimp'] }),
  url: z.string().meta({ examples: ['https://us1.api.mailchimp.com/3.0/lists'] }),
  type: z.enum(methods).default('GET'),
  headers: jsonMap().default({}).meta({ description: 'A value that is a map is sent as JSON text.' }),
  parameters: z.union([z.string(), jsonMap()]).nullish().meta({
    description: 'A map: the query for GET and HEAD (and DELETE without content_type), an urlencoded form otherwise. Text: the raw body.',
  }),
  body: z
    .unknown()
    .optional()
    .meta({ description: 'A map: multipart, or what the content type says. Text: text/plain. A list of parts: multipart.' }),
  content_type: z.string().max(200).nullish(),
  files: z.array(file).max(50).nullish(),
  response_format: z.enum(['auto', 'string', 'file']).default('auto'),
  response_decoding: z
    .string()
    .max(50)
    .refine(isCharset, 'This is not a charset (WHATWG Encoding).')
    .nullish()
    .meta({ description: 'A charset, for answers that name a wrong one or none.' }),
  timeout_ms: z.int().min(1000, 'Wait at least 1 000 ms.').max(60_000, 'Wait at most 60 000 ms.').default(40_000),
})
export type InvokeUrl = z.infer<typeof invokeUrlInput>

/** The JSON texts of these members as the caller wrote them, so that long numbers pass unchanged. */
export interface Written {
  readonly headers: string | null
  readonly body: string | null
  readonly parameters: string | null
}

/** Headers that are ours, or frame the message: never the caller's, with `_` for `-` too (X12). */
const ours =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|proxy-.*|te|trailer|upgrade|expect|http2-settings|x-forwarded-.*|forwarded|via|cookie|patchbay-.*)$/

/** A header as a caller may send it. @throws Problem header_not_allowed, validation_failed */
export function assertCallersHeader(name: string, value: string): void {
  if (!headerNamePattern.test(name) || name.length > 200) throw invalid('headers', 'A header name has letters, digits and - only.')
  if (ours.test(headerAsRead(name))) throw new Problem('header_not_allowed', { header: name })
  if (value !== '' && !headerValuePattern.test(value))
    throw invalid(`headers.${name}`, 'A header value has visible ASCII characters only, without blanks at its ends.')
}

/** @throws Problem header_not_allowed, validation_failed */
function headersOf(given: Readonly<Record<string, unknown>>, written: string | null): string[] {
  const headers: string[] = []
  for (const [name, value] of Object.entries(given)) {
    const text = memberAsText(value, written, name)
    assertCallersHeader(name, text)
    headers.push(name, text)
  }
  return headers
}

/** A value as it stands in a query, form or header: maps and lists as JSON text, null as nothing. */
const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value)
}

/** The same for a member of a map that the caller wrote: an id of 19 digits inside a map or list is still one. */
function memberAsText(value: unknown, written: string | null, name: string): string {
  const own = typeof value === 'object' && written !== null && hasLongNumbers(written) ? memberText(written, name) : null
  return own === null || value === null ? textOf(value) : compactJson(own)
}

const pairsOf = (map: Readonly<Record<string, unknown>>, written: string | null): Pair[] =>
  Object.entries(map).map(([name, value]) => [name, memberAsText(value, written, name)])

const textPart = (name: string, value: unknown, contentType: string | null = null): Part => ({
  name,
  filename: null,
  contentType,
  bytes: Buffer.from(textOf(value)),
})

/** URL-9: `{ "param-name", "param-value", "content-type", "encoding-type" }`. */
function explicitPart(part: unknown, i: number): Part {
  if (!isMap(part) || typeof part['param-name'] !== 'string')
    throw invalid(`body.${i}`, 'A part is a map with "param-name" and "param-value".')
  const contentType = typeof part['content-type'] === 'string' ? part['content-type'] : null
  if (contentType !== null && !headerValuePattern.test(contentType)) throw invalid(`body.${i}.content-type`, 'This is not a content type.')
  return textPart(part['param-name'], part['param-value'], contentType)
}

const withQuery = (url: URL, pairs: readonly Pair[]): URL =>
  pairs.length === 0 ? url : withSearch(url, pairs.map(([name, value]) => percentEncode(name) + '=' + percentEncode(value)).join('&'))

const raw = (text: string): Body => ({ kind: 'raw', bytes: Buffer.from(text) })
const inQuery = new Set(['GET', 'HEAD'])

/**
 * @param destination  The parsed URL.
 * @param boundary     Of a multipart body, asked for when there is one; random, so that no part can hold it.
 * @throws Problem validation_failed with the field, header_not_allowed
 */
export function outgoing(call: InvokeUrl, destination: URL, written: Written, boundary: () => string): OutgoingRequest {
  const method = call.type
  const headers = headersOf(call.headers, written.headers)
  const { parameters, body, files } = call
  const type = (call.content_type ?? headerOf(headers, 'content-type') ?? '').toLowerCase()
  if (call.content_type != null) {
    if (!headerValuePattern.test(call.content_type)) throw invalid('content_type', 'This is not a content type.')
    if (headerOf(headers, 'content-type') !== null) throw invalid('content_type', 'The headers name a content type too. Give one of them.')
  }
  const asJson = /^application\/(?:[a-z0-9.+-]+\+)?json\b/.test(type)
  const asForm = type.startsWith('application/x-www-form-urlencoded')
  const hasBody = body !== undefined && body !== null
  const hasFiles = (files?.length ?? 0) > 0
  const asQuery = hasBody || inQuery.has(method) || (method === 'DELETE' && call.content_type == null)

  if (typeof parameters === 'string' && asQuery && !(method === 'DELETE' && !hasBody))
    throw invalid(
      'parameters',
      hasBody ? 'With a body, parameters are the query: give a map.' : `A text cannot be the query of ${method}: give a map.`,
    )
  if ((hasBody || hasFiles) && (method === 'GET' || method === 'HEAD'))
    throw invalid(hasBody ? 'body' : 'files', `${method} has no body. Use POST, PUT or PATCH.`)

  const url = isMap(parameters) && asQuery ? withQuery(destination, pairsOf(parameters, written.parameters)) : destination
  const fields = isMap(parameters) && !asQuery ? parameters : null
  const request = (content: Body, fallback: string | null): OutgoingRequest => {
    const chosen =
      content?.kind === 'multipart' ? null : (call.content_type ?? (headerOf(headers, 'content-type') === null ? fallback : null))
    return { method, url, headers: chosen === null ? headers : [...headers, 'content-type', chosen], body: content }
  }

  const partsOf = (map: unknown, text: string | null): Part[] =>
    isMap(map) ? pairsOf(map, text).map(([name, value]) => textPart(name, value)) : Array.isArray(map) ? map.map(explicitPart) : []
  if (hasFiles) {
    if (typeof parameters === 'string') throw invalid('parameters', 'Beside files, parameters are a map.')
    if (hasBody && typeof body !== 'object') throw invalid('body', 'Beside files, a body is a map or a list of parts.')
    const texts = [...partsOf(fields, written.parameters), ...partsOf(body, written.body)]
    const sent = (files ?? []).map((one): Part => ({
      name: one.name,
      filename: one.filename,
      contentType: one.content_type ?? null,
      bytes: Buffer.from(one.content_base64, 'base64'),
    }))
    if (sent.some(part => part.contentType !== null && !headerValuePattern.test(part.contentType)))
      throw invalid('files', 'A content type has visible ASCII characters only.')
    return request({ kind: 'multipart', parts: [...texts, ...sent], boundary: boundary() }, null)
  }
  if (hasBody) {
    if (typeof body === 'string') return request(raw(body), 'text/plain;charset=UTF-8')
    if (asJson) return request(raw(written.body ?? JSON.stringify(body)), null)
    if (isMap(body))
      return asForm
        ? request({ kind: 'form', fields: pairsOf(body, written.body) }, null)
        : request({ kind: 'multipart', parts: partsOf(body, written.body), boundary: boundary() }, null)
    if (Array.isArray(body)) return request({ kind: 'multipart', parts: partsOf(body, null), boundary: boundary() }, null)
    throw invalid(
      'body',
      'A body is a map, a text or a list of parts; for a bare number or boolean give the content type application/json.',
    )
  }
  if (typeof parameters === 'string') return request(raw(parameters), 'text/plain;charset=UTF-8')
  if (fields) {
    if (asJson) return request(raw(written.parameters ?? JSON.stringify(fields)), null)
    if (type.startsWith('multipart/form-data'))
      return request({ kind: 'multipart', parts: partsOf(fields, written.parameters), boundary: boundary() }, null)
    return request({ kind: 'form', fields: pairsOf(fields, written.parameters) }, null)
  }
  return request(null, null)
}
