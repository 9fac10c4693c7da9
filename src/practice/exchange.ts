import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pair } from '../core/request.ts'
import { pairsOf } from '../core/request.ts'
import type { State } from './state.ts'

/** One request and what was understood of it. `path` is what follows the dialect's prefix. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly state: State
  readonly method: string
  /** Scheme and host as the caller spelt them: the service answers for any host name, and speaks of itself by that name. */
  readonly origin: string
  readonly host: string
  readonly dialect: string
  readonly prefix: string
  readonly path: string
  readonly rawPath: string
  readonly rawQuery: string
  readonly query: readonly Pair[]
  /** Reads the body whole, once. @throws Refusal 413 above `bodyLimitBytes`. */
  body(): Promise<ParsedBody>
}

/** What a handler wants said. It is written by the server, so that a misbehaviour can spoil it first. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: string | Buffer
}

/** `null` means that the handler wrote the response itself. */
export type Handler = (exchange: Exchange) => Promise<Answer | null> | Answer | null

/** A request that is refused. `error` is an OAuth error code (RFC 6749 §5.2, RFC 6750 §3.1); `aspect` says which input was wrong. */
export class Refusal extends Error {
  readonly status: number
  readonly error: string
  readonly aspect: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    error: string,
    description: string,
    more: { aspect?: string; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(description)
    this.name = 'Refusal'
    this.status = status
    this.error = error
    this.aspect = more.aspect ?? null
    this.headers = more.headers ?? {}
  }
}

export const json = (status: number, value: unknown, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(value),
})

export const text = (status: number, contentType: string, body: string, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers: { 'content-type': contentType, 'cache-control': 'no-store', ...headers },
  body,
})

/** A browser is sent on; nothing on the way keeps or refers to the address, which carries a code. */
export const redirect = (status: 302 | 303, location: string): Answer => ({
  status,
  headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  body: '',
})

export const bodyLimitBytes = 16 * 1024 * 1024

/** One part of a multipart body; `bytes` of a text part is its UTF-8. */
export interface ReceivedPart {
  readonly name: string
  readonly filename: string | null
  readonly contentType: string | null
  readonly bytes: Buffer
}

/** `fields` are the named texts of a form, of the text parts of a multipart body, or of the top level of a JSON object. */
export interface ParsedBody {
  readonly type: 'empty' | 'json' | 'form' | 'multipart' | 'text' | 'binary'
  readonly bytes: Buffer
  readonly fields: readonly Pair[]
  readonly parts: readonly ReceivedPart[]
  readonly value: unknown
}

/** Reads a request's body and parses it by its content type. A body that is not what it says is `text` or `binary`. */
export async function readBody(request: IncomingMessage): Promise<ParsedBody> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > bodyLimitBytes)
      throw new Refusal(413, 'invalid_request', 'The body is larger than 16 MiB.', { headers: { connection: 'close' } })
    pieces.push(piece)
  }
  const bytes = Buffer.concat(pieces)
  if (length === 0) return { type: 'empty', bytes, fields: [], parts: [], value: null }
  const contentType = request.headers['content-type'] ?? ''
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  if (mediaType === 'application/x-www-form-urlencoded')
    return { type: 'form', bytes, fields: pairsOf(bytes.toString()), parts: [], value: null }
  if (mediaType === 'multipart/form-data')
    return (await multipart(bytes, contentType)) ?? { type: 'binary', bytes, fields: [], parts: [], value: null }
  const decoded = bytes.toString()
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) {
    const value = parseJson(decoded)
    if (value !== undefined) return { type: 'json', bytes, fields: scalarsOf(value), parts: [], value }
  }
  const readable = mediaType.startsWith('text/') || mediaType === 'application/xml' || mediaType === ''
  return { type: readable && Buffer.from(decoded).equals(bytes) ? 'text' : 'binary', bytes, fields: [], parts: [], value: null }
}

/** Node's own multipart parser (the one behind `Response.formData`), so that it is not ours which judges our multipart. */
async function multipart(bytes: Buffer, contentType: string): Promise<ParsedBody | null> {
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData().catch(() => null)
  if (!form) return null
  const parts: ReceivedPart[] = []
  for (const [name, value] of form) {
    if (typeof value === 'string') parts.push({ name, filename: null, contentType: null, bytes: Buffer.from(value) })
    else parts.push({ name, filename: value.name, contentType: value.type || null, bytes: Buffer.from(await value.arrayBuffer()) })
  }
  const fields = parts.filter(part => part.filename === null).map(part => [part.name, part.bytes.toString()] as const)
  return { type: 'multipart', bytes, fields, parts, value: null }
}

/** `undefined` when the text is not JSON. */
export function parseJson(source: string): unknown {
  try {
    return JSON.parse(source) as unknown
  } catch {
    return undefined
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const scalarsOf = (value: unknown): Pair[] =>
  isRecord(value)
    ? Object.entries(value).flatMap(([name, one]) =>
        typeof one === 'object' ? [] : [[name, String(one as string | number | boolean)] as const],
      )
    : []

/** @throws Refusal invalid_request when the parameter is given twice (RFC 6749 §3.1, §3.2). */
export function single(pairs: readonly Pair[], name: string): string | null {
  const found = pairs.filter(([own]) => own === name)
  if (found.length > 1) throw new Refusal(400, 'invalid_request', `The parameter ${name} is given twice.`, { aspect: name })
  return found[0]?.[1] || null
}

/** @throws Refusal invalid_request */
export function needed(pairs: readonly Pair[], name: string): string {
  const value = single(pairs, name)
  if (value === null) throw new Refusal(400, 'invalid_request', `The parameter ${name} is missing.`, { aspect: name })
  return value
}

/** @throws Refusal invalid_request when a parameter of a fixed value is missing or has another one. */
export function demand(pairs: readonly Pair[], fixed: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(fixed)) {
    if (single(pairs, name) !== value)
      throw new Refusal(400, 'invalid_request', `The parameter ${name} must be "${value}".`, { aspect: name })
  }
}

/** As `demand`, for headers. */
export function demandHeaders(request: IncomingMessage, fixed: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(fixed)) {
    if (request.headers[name.toLowerCase()] !== value)
      throw new Refusal(400, 'invalid_request', `The header ${name} must be "${value}".`, { aspect: name })
  }
}

/** The user name and password of an Authorization header (RFC 7617), UTF-8, or null. */
export function basicOf(request: IncomingMessage): { readonly user: string; readonly password: string } | null {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (encoded === undefined) return null
  const decoded = Buffer.from(encoded, 'base64').toString()
  const colon = decoded.indexOf(':')
  return colon < 0 ? null : { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}

/** `a=1; b=2` as pairs. Values are taken as they are. */
export const cookiesOf = (request: IncomingMessage): Pair[] =>
  (request.headers.cookie ?? '').split(';').flatMap(one => {
    const equals = one.indexOf('=')
    return equals < 0 ? [] : [[one.slice(0, equals).trim(), one.slice(equals + 1).trim()] as const]
  })

/** Puts the service's own address where a template says `{origin}` or `{host}`. */
export function fillIn<T>(template: T, exchange: Exchange): T {
  if (typeof template === 'string') return template.replaceAll('{origin}', exchange.origin).replaceAll('{host}', exchange.host) as T
  if (Array.isArray(template)) return template.map(one => fillIn<unknown>(one, exchange)) as T
  if (isRecord(template)) return Object.fromEntries(Object.entries(template).map(([name, one]) => [name, fillIn(one, exchange)])) as T
  return template
}
