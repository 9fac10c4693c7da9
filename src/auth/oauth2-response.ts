import { headerOf } from '../core/request.ts'
import type { IncomingResponse } from '../core/request.ts'
import { unique } from '../core/scopes.ts'
import type { OAuth2Service } from '../core/service.ts'
import { holdsSecret } from './fields.ts'
import { anyHolds, firstAt, readAnswer, retryAfterSeconds, valueAt } from './oauth2-answer.ts'
import type { Fields } from './oauth2-answer.ts'
import { scopesIn } from './oauth2-authorize.ts'
import { Refusal } from './scheme.ts'
import type { RefusalKind } from './scheme.ts'

/** Longest token (X12), RFC 6749 appendix A.12: VSCHAR, and no blank, because it stands in a header. */
const tokenPattern = /^[\x21-\x7e]{1,16384}$/
/** RFC 9110 §11.1. */
const schemePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/
/** Ten years; also what keeps a date inside what databases take. */
const maxLifetimeSeconds = 315_360_000
const maxScopes = 1000

/** What a token endpoint gave, checked and in our words. */
export interface TokenAnswer {
  readonly accessToken: string
  /** Null when none came: a refresh keeps the one it has (RFC 6749 §6). */
  readonly refreshToken: string | null
  readonly idToken: string | null
  readonly tokenType: string
  readonly expiresInSeconds: number | null
  readonly scopes: readonly string[] | null
  readonly captured: Readonly<Record<string, string>>
  /** Sentences for the trace about what was odd. */
  readonly warnings: readonly string[]
}

/** Error codes that token endpoints use, lower case with `_`: RFC 6749 §5.2, OpenID Connect, and what services say instead. */
const classes: Readonly<Record<Exclude<RefusalKind, 'malformed' | 'ambiguous' | 'config'>, readonly string[]>> = {
  revoked: [
    ...['invalid_grant', 'invalid_code', 'bad_verification_code', 'invalid_authorization_code', 'code_already_used', 'code_expired'],
    ...['invalid_refresh_token', 'bad_refresh_token', 'refresh_token_expired', 'refresh_token_revoked', 'expired_token', 'token_expired'],
    ...['token_revoked', 'invalid_token', 'account_inactive', 'login_required', 'interaction_required', 'consent_required'],
  ],
  client: [
    ...['invalid_client', 'unauthorized_client', 'incorrect_client_credentials', 'invalid_client_secret', 'bad_client_secret'],
    ...['invalid_client_id', 'bad_client_id', 'invalid_client_credentials'],
  ],
  down: [
    ...['temporarily_unavailable', 'server_error', 'service_unavailable', 'slow_down', 'too_many_requests', 'rate_limited', 'ratelimited'],
    ...['rate_limit_exceeded', 'internal_error', 'internal_server_error'],
  ],
}
const kinds = new Map(Object.entries(classes).flatMap(([kind, codes]) => codes.map(code => [code, kind as RefusalKind])))

/** What is kept of a text from outside until secrets have been taken out of it; then it is cut to `shownLength`. */
const keptLength = 2000
export const shownLength = 300

/** A text from outside as one line, without control and format characters, 2000 characters at most; null when it is none. */
export function outsideText(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null
  return value
    .slice(0, keptLength)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
    .trim()
}

const said = (value: unknown) => value !== undefined && value !== null && value !== '' && value !== false && value !== 0

/** The error code and words of an answer, wherever services put them. */
function errorOf(fields: Fields): { code: string | null; words: string | null } {
  const error = valueAt(fields, 'error')
  const nested = typeof error === 'object' && error !== null ? error : null
  const first = (paths: readonly string[], from: unknown) =>
    paths.map(path => outsideText(valueAt(from, path))).find(text => text !== null) ?? null
  return {
    code: nested
      ? first(['error', 'type', 'status', 'code'], nested)
      : (outsideText(error) ?? first(['errorCode', 'error_code', 'code', 'fault'], fields)),
    words:
      first(['error_description', 'error_message', 'errorMessage', 'message', 'detail', 'errorSummary'], nested ?? fields) ??
      first(['error_description', 'message'], fields),
  }
}

const normalised = (code: string | null) =>
  code
    ?.trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_') ?? ''

/** What an error code means. `too many` in the words is throttling, whatever the code (some say `Access Denied`). */
function kindOf(code: string | null, words: string | null): RefusalKind | null {
  const known = kinds.get(normalised(code))
  if (known === undefined && words !== null && /\btoo many\b|rate limit/i.test(words)) return 'down'
  return known ?? null
}

/**
 * Why a token or revocation endpoint said no, or null when it did not.
 *
 * @param answer  The body as it was read; an unreadable 2xx is no refusal here, because a revocation may answer with anything.
 * @see RFC 6749 §5.2
 */
export function refusalOf(service: OAuth2Service, response: IncomingResponse, now: number, answer = readAnswer(response)): Refusal | null {
  const { status, headers } = response
  const fields = answer.kind === 'fields' ? answer.fields : null
  const { code, words } = fields ? errorOf(fields) : { code: null, words: null }
  const description = words ?? (answer.kind === 'unreadable' ? answer.detail : null)
  const retry = retryAfterSeconds(headers, service.advanced.retry_after_header ?? 'retry-after', now)
  const refusal = (kind: RefusalKind, error = code) =>
    new Refusal(kind, { status, error, description, retryAfterSeconds: kind === 'down' ? retry : null })

  if (status >= 200 && status < 300) {
    if (!fields) return null
    const isError = said(valueAt(fields, 'error')) || valueAt(fields, 'ok') === false || anyHolds(service.advanced.error_when, fields)
    return isError ? refusal(kindOf(code, words) ?? 'config', code ?? 'error') : null
  }
  if (status < 400) {
    const to = headerOf(headers, 'location') ?? ''
    const host = URL.canParse(to, 'https://relative.invalid') ? new URL(to, 'https://relative.invalid').host : ''
    const where = host === 'relative.invalid' || host === '' ? 'another path' : host
    return new Refusal('config', {
      status,
      error: 'token_endpoint_redirect',
      description: `The endpoint redirects to ${where}; it was not followed.`.slice(0, 300),
    })
  }
  if (status >= 500 || status === 408 || status === 425 || status === 429) return refusal('down')
  const known = kindOf(code, words)
  if ([404, 405, 410, 451].includes(status)) return refusal('config')
  if (known !== null) return refusal(known)
  if (status === 401) {
    const challenged = headerOf(headers, 'www-authenticate') !== null
    return challenged || (fields !== null && code === null)
      ? refusal('client', code ?? 'invalid_client')
      : refusal(fields ? 'config' : 'malformed', code ?? 'malformed_response')
  }
  if (status !== 400) return refusal('config')
  // An unreadable 400 proves nothing about the grant: a proxy or a firewall may have written it.
  return code === null ? refusal('malformed', 'malformed_response') : refusal('config')
}

const malformed = (status: number, description: string, error = 'malformed_response') =>
  new Refusal('malformed', { status, error, description })

const numberOf = (value: unknown): number | null => {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && /^\s*-?\d{1,15}(\.\d{1,15})?\s*$/.test(value) ? Number(value) : NaN
  return Number.isFinite(number) ? number : null
}

/** The `exp` of a JWT (RFC 7519 §4.1.4), not verified: it only says when to renew. Null for anything else. */
function expiryOfJwt(token: string): number | null {
  const payload = token.split('.')[1]
  if (payload === undefined || token.split('.').length !== 3) return null
  try {
    return numberOf(valueAt(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'exp'))
  } catch {
    return null
  }
}

function secondsFromNow(service: OAuth2Service, fields: Fields, accessToken: string, now: number): number | null {
  const { advanced } = service
  const jwt = advanced.lifetime_from_jwt ? expiryOfJwt(accessToken) : null
  if (jwt !== null) return jwt - now / 1000
  const value = firstAt(fields, advanced.expires_path, 'expires_in')
  const number = numberOf(value)
  switch (advanced.expires_format ?? 'seconds') {
    case 'seconds':
      return number
    case 'milliseconds':
      return number === null ? null : number / 1000
    case 'epoch':
      return number === null ? null : number - now / 1000
    case 'epoch_milliseconds':
      return number === null ? null : (number - now) / 1000
    case 'iso': {
      const end = typeof value === 'string' && value.length <= 100 ? Date.parse(value) : NaN
      return Number.isNaN(end) ? null : (end - now) / 1000
    }
  }
}

/**
 * Seconds until the end (RFC 6749 §5.1), null for no known end. A token that was given this moment has not ended: a lifetime of less than
 * a second is how some services say that a token does not end, or a clock that is behind ours. The service's 401 then says when.
 */
function lifetime(service: OAuth2Service, fields: Fields, accessToken: string, now: number): number | null {
  const seconds = secondsFromNow(service, fields, accessToken, now)
  const fallback = service.advanced.default_lifetime_seconds ?? null
  if (seconds === null || seconds < 1) return fallback
  return Math.min(Math.floor(seconds), maxLifetimeSeconds)
}

function scopesOf(service: OAuth2Service, fields: Fields): string[] | null {
  const value = firstAt(fields, service.advanced.scope_path, 'scope')
  const list =
    typeof value === 'string' ? scopesIn(service, value) : Array.isArray(value) ? unique(value.filter(one => typeof one === 'string')) : []
  const usable = list.filter(scope => /^[\x21-\x7e]{1,500}$/.test(scope)).slice(0, maxScopes)
  return usable.length > 0 ? usable : null
}

/** A value from outside that becomes a variable: text of 2000 characters, no control characters. Null for anything else. */
export function capturable(value: unknown): string | null {
  const text = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  return text !== '' && text.length <= 2000 && !/[\p{Cc}]/u.test(text) ? text : null
}

function capture(service: OAuth2Service, fields: Fields, secrets: readonly string[]): Record<string, string> {
  const entries = Object.entries(service.advanced.capture ?? {}).flatMap(([name, paths]) => {
    const text = capturable(firstAt(fields, paths, name))
    // Variables are shown to people, so a token cannot become one.
    return text === null || holdsSecret(text, secrets) ? [] : [[name, text] as const]
  })
  return Object.fromEntries(entries)
}

function typeOf(service: OAuth2Service, fields: Fields, status: number, warnings: string[]): string {
  const value = firstAt(fields, service.advanced.token_type_path, 'token_type')
  const type = typeof value === 'string' ? value.trim() : ''
  if (/^(mac|dpop)$/i.test(type))
    throw malformed(status, `The service gives tokens of the type ${type}, which need a key.`, 'unsupported_token_type')
  if (/^bearer$/i.test(type)) return 'Bearer'
  if (type !== '' && schemePattern.test(type)) {
    warnings.push(`The token type is ${type}; set header_prefix if calls want another word before the token.`)
    return type
  }
  if (value !== undefined && value !== '') warnings.push('The token type is not one; Bearer is taken.')
  return 'Bearer'
}

const tokenOf = (value: unknown) => (typeof value === 'string' && tokenPattern.test(value) ? value : null)

/**
 * Judges what a token endpoint answered (RFC 6749 §5.1, §5.2): strict about what is used, tolerant about how it is written.
 *
 * @param now  Milliseconds since 1970 when the request was sent.
 * @throws Refusal  For anything but a usable access token. Nothing of the body is in it but the service's error code and words.
 */
export function judgeTokenResponse(service: OAuth2Service, response: IncomingResponse, now: number): TokenAnswer {
  const { status } = response
  const answer = readAnswer(response)
  const refusal = refusalOf(service, response, now, answer)
  if (refusal) throw refusal
  if (answer.kind === 'unreadable') throw malformed(status, answer.detail)
  const { fields } = answer
  const { advanced } = service

  const accessToken = tokenOf(firstAt(fields, advanced.access_token_path, 'access_token'))
  if (accessToken === null) throw malformed(status, 'The answer has no usable access token where the service definition looks for it.')
  const warnings: string[] = []
  const tokenType = typeOf(service, fields, status, warnings)
  const given = firstAt(fields, advanced.refresh_token_path, 'refresh_token')
  const refreshToken = tokenOf(given)
  if (refreshToken === null && given !== undefined && given !== '') warnings.push('The refresh token is not a usable text; it is ignored.')
  const idToken = tokenOf(firstAt(fields, advanced.id_token_path, 'id_token'))
  return {
    accessToken,
    refreshToken,
    idToken,
    tokenType,
    expiresInSeconds: lifetime(service, fields, accessToken, now),
    scopes: scopesOf(service, fields),
    captured: capture(service, fields, [accessToken, refreshToken ?? '', idToken ?? '']),
    warnings,
  }
}
