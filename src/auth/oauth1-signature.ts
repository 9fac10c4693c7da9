import { createHmac, createSign } from 'node:crypto'
import { Problem } from '../core/problem.ts'
import { headerOf, withHeader } from '../core/request.ts'
import type { OutgoingRequest, Pair } from '../core/request.ts'
import { placeValue } from './place.ts'

export type SignatureMethod = 'HMAC-SHA1' | 'HMAC-SHA256' | 'RSA-SHA1' | 'PLAINTEXT'

/** What an OAuth 1 request is signed with. With RSA-SHA1 `clientSecret` is the private key (PEM) and `tokenSecret` is not used. */
export interface SigningKeys {
  readonly method: SignatureMethod
  readonly clientId: string
  readonly clientSecret: string
  /** Null for the request of temporary credentials. */
  readonly token: string | null
  readonly tokenSecret: string
}

export interface Stamp {
  /** Seconds since 1970 on the service's clock. */
  readonly timestamp: number
  readonly nonce: string
}

const percent = Array.from({ length: 256 }, (_, byte) => '%' + byte.toString(16).toUpperCase().padStart(2, '0'))

/** RFC 5849 §3.6, on bytes: a query may hold bytes that are not UTF-8, and they are signed as they are sent. */
const encodeBytes = (bytes: Buffer): string => bytes.toString('latin1').replace(/[^A-Za-z0-9\-._~]/g, c => percent[c.charCodeAt(0)] ?? c)

/** Percent-encoding as RFC 5849 §3.6 narrows it: everything but unreserved characters, upper-case digits. */
export const encode = (text: string): string => encodeBytes(Buffer.from(text))

/** One component of an urlencoded text, decoded once and encoded again; a `%` that begins no pair of digits is itself. */
const reencode = (raw: string): string => {
  const bytes = Buffer.from(raw.replace(/\+/g, ' ')).toString('latin1')
  return encodeBytes(
    Buffer.from(
      bytes.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))),
      'latin1',
    ),
  )
}

/** The pairs of an urlencoded text, encoded for signing (RFC 5849 §3.4.1.3.1). */
const encodedPairs = (text: string): Pair[] =>
  text
    .split('&')
    .filter(Boolean)
    .map(piece => {
      const [name = '', ...value] = piece.split('=')
      return [reencode(name), reencode(value.join('='))]
    })

const byNameThenValue = (a: Pair, b: Pair) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0)

/** RFC 5849 §3.4.1.2. URL has lower-cased scheme and host and dropped a default port. */
export const baseStringUri = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`

/** The base string with every pair encoded already. */
function baseString(method: string, url: URL, encoded: readonly Pair[]): string {
  const parameters = [...encodedPairs(url.search.slice(1)), ...encoded]
    .sort(byNameThenValue)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  return [method.toUpperCase(), baseStringUri(url), parameters].map(encode).join('&')
}

const encodePair = ([name, value]: Pair): Pair => [encode(name), encode(value)]

/**
 * The text that an OAuth 1 signature signs.
 *
 * @param method  HTTP method in any case, e.g. `post`.
 * @param url     Absolute URL. Its query is signed, its fragment is not; a default port is dropped.
 * @param signed  `oauth_*` parameters (decoded, without `oauth_signature` and `realm`) and the fields
 *                of a form body, duplicates included. A JSON or multipart body is not part of it.
 * @returns       `METHOD&base-url&parameters`, ASCII. Its length grows with the body: bound the body first.
 * @throws        Never: the inputs are already parsed.
 * @see RFC 5849 §3.4.1, worked example in §3.4.1.1 (our test vector).
 */
export const signatureBaseString = (method: string, url: URL, signed: readonly Pair[]): string =>
  baseString(method, url, signed.map(encodePair))

/**
 * The signature of a base string.
 *
 * @returns base64, or for PLAINTEXT the two secrets themselves: that one travels over https only.
 * @throws Problem service_not_configured when the client secret is not the private key that RSA-SHA1 needs.
 * @see RFC 5849 §3.4.2 – §3.4.4; HMAC-SHA256 is the same with another hash.
 */
export function sign(text: string, keys: Pick<SigningKeys, 'method' | 'clientSecret' | 'tokenSecret'>): string {
  const key = `${encode(keys.clientSecret)}&${encode(keys.tokenSecret)}`
  switch (keys.method) {
    case 'HMAC-SHA1':
      return createHmac('sha1', key).update(text).digest('base64')
    case 'HMAC-SHA256':
      return createHmac('sha256', key).update(text).digest('base64')
    case 'PLAINTEXT':
      return key
    case 'RSA-SHA1':
      try {
        return createSign('RSA-SHA1').update(text).sign(keys.clientSecret, 'base64')
      } catch (cause) {
        throw new Problem(
          'service_not_configured',
          { detail: 'This service signs with RSA-SHA1: its client secret must be an RSA private key in PEM form.' },
          { cause },
        )
      }
  }
}

/** The fields of a form body, encoded for signing; other bodies are not signed (RFC 5849 §3.4.1.3.1). */
function bodyPairs({ body, headers }: OutgoingRequest): Pair[] {
  if (body === null || body.kind === 'multipart') return []
  const contentType = headerOf(headers, 'content-type') ?? (body.kind === 'form' ? 'application/x-www-form-urlencoded' : '')
  if (!/^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType)) return []
  switch (body.kind) {
    case 'form':
      return body.fields.map(encodePair)
    case 'raw':
      // A form is ASCII; should it hold other bytes, they are signed one by one.
      return encodedPairs(body.bytes.toString('latin1').replace(/[\x80-\xff]/g, c => '%' + c.charCodeAt(0).toString(16)))
    case 'stream':
      throw new Problem('param_type_mismatch', {
        detail: 'OAuth 1 signs the fields of a form body, so this body cannot be streamed. Send it with a length below 1 MiB.',
      })
  }
}

/** RFC 9110 §5.6.4; a realm is quoted, not percent-encoded (RFC 5849 §3.5.1). */
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/**
 * Signs a request and places the signature: the protocol parameters all go to one place (RFC 5849 §3.5).
 *
 * @param extra  Further protocol parameters: `oauth_callback`, `oauth_verifier`, `oauth_session_handle`.
 * @returns      The signed request, and the parameters in it for a trace: mask before showing.
 * @throws Problem invalid_url for PLAINTEXT over http; parameter_conflict when the caller sends one of the parameters itself;
 *         param_type_mismatch when `form` meets a body that is not an urlencoded form.
 */
export function signed(
  request: OutgoingRequest,
  keys: SigningKeys,
  stamp: Stamp,
  place: { readonly in: 'header' | 'query' | 'form'; readonly realm?: string | undefined },
  extra: readonly Pair[] = [],
): { request: OutgoingRequest; parameters: readonly Pair[] } {
  if (keys.method === 'PLAINTEXT' && request.url.protocol !== 'https:')
    throw new Problem('invalid_url', {
      detail: 'This service signs with PLAINTEXT, which sends its secrets along: only https URLs can be called.',
    })
  if (place.in === 'form' && request.body?.kind === 'multipart') throw new Problem('param_type_mismatch', { method: request.method })
  const protocol: Pair[] = [
    ['oauth_consumer_key', keys.clientId],
    ...(keys.token === null ? [] : [['oauth_token', keys.token] as const]),
    ['oauth_signature_method', keys.method],
    ['oauth_timestamp', String(stamp.timestamp)],
    ['oauth_nonce', stamp.nonce],
    ['oauth_version', '1.0'],
    ...extra,
  ]
  const form = bodyPairs(request)
  const callers = new Set([...encodedPairs(request.url.search.slice(1)), ...form].map(([name]) => name.toLowerCase()))
  const twice = [...protocol.map(([name]) => name), 'oauth_signature'].find(name => callers.has(name))
  if (twice !== undefined) throw new Problem('parameter_conflict', { parameter: twice })

  const signature = sign(baseString(request.method, request.url, [...protocol.map(encodePair), ...form]), keys)
  const parameters: Pair[] = [...protocol, ['oauth_signature', signature]]
  if (place.in === 'header') {
    const list = parameters.map(([name, value]) => `${encode(name)}="${encode(value)}"`)
    const value = 'OAuth ' + [...(place.realm === undefined ? [] : [`realm=${quoted(place.realm)}`]), ...list].join(', ')
    return { request: withHeader(request, 'Authorization', value), parameters }
  }
  return {
    request: parameters.reduce(
      (placed, [name, value]) => placeValue(placed, { in: place.in, name, value, path: `credentials.${name}` }),
      request,
    ),
    parameters,
  }
}
