import type { IncomingResponse } from '../core/request.ts'
import { maxAnswerBytes, retryAfterSeconds } from './oauth2-answer.ts'
import { encode } from './oauth1-signature.ts'
import { controlCharacters } from './place.ts'
import { Refusal } from './scheme.ts'
import type { RefusalKind } from './scheme.ts'

const maxValueCharacters = 16 * 1024
const maxWords = 300
const maxClockOffsetSeconds = 24 * 3600

/** The three token requests. */
export type Phase = 'request_token' | 'access_token' | 'refresh_token'

/** The fields of an answer, by name. */
export type Answer = ReadonlyMap<string, string>

/** Temporary or token credentials (RFC 5849 §2.1, §2.3), with the session extension's fields. */
export interface TokenAnswer {
  readonly token: string
  readonly tokenSecret: string
  readonly sessionHandle: string | null
  readonly expiresInSeconds: number | null
  readonly callbackConfirmed: boolean
  /** Everything that came back, for captured variables. */
  readonly all: Answer
}

/**
 * Text from outside: one line, 300 characters at most, without our secrets: a service that explains a wrong signature
 * shows its base string, in which they stand encoded, and encoded twice.
 */
export function words(text: string | undefined, secrets: readonly string[]): string | null {
  const known = secrets
    .filter(secret => secret.length >= 4)
    .flatMap(secret => [secret, encode(secret), encode(encode(secret))])
    .sort((a, b) => b.length - a.length) // a short one may be part of a long one
  const left = known.reduce((all, secret) => all.replaceAll(secret, '…'), text ?? '')
  return (
    left
      .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
      .trim()
      .slice(0, maxWords) || null
  )
}

const malformed = (response: IncomingResponse, description: string) =>
  new Refusal('malformed', { status: response.status, error: 'malformed_response', description })

/** UTF-8 without its byte order mark; null when it is something else. */
function textOf(body: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body).trim()
  } catch {
    return null
  }
}

function fieldsOfJson(text: string): Map<string, string> | null {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null
    return new Map(
      Object.entries(parsed).flatMap(([name, value]) => (/^(?:string|number|boolean)$/.test(typeof value) ? [[name, String(value)]] : [])),
    )
  } catch {
    return null
  }
}

/** `oauth_…` names that stand twice: which of the two is meant is a guess, and a way to smuggle one in. */
const repeated = (names: readonly string[]): string | undefined =>
  names.find((name, i) => name.startsWith('oauth_') && names.indexOf(name) !== i)

/**
 * The fields of an answer: a form as RFC 5849 wants it, or JSON; whatever its content type says, because many say `text/html`.
 * A byte order mark, line breaks around it and `&amp;` are forgiven.
 *
 * @returns the fields, or a sentence saying why there are none.
 */
function fieldsOf(body: Buffer): Answer | string {
  if (body.length > maxAnswerBytes) return 'The answer is larger than 1 MiB.'
  const text = textOf(body)
  if (text === null) return 'The answer is not UTF-8.'
  if (text.startsWith('<')) return 'The answer is a page (HTML or XML), not a form.'
  if (text.startsWith('{')) {
    const fields = fieldsOfJson(text)
    const twice = repeated([...text.matchAll(/"(oauth_[a-z_]{1,60})"\s*:/g)].map(match => match[1] ?? ''))
    return twice ? `The answer names ${twice} twice.` : (fields ?? 'The answer is not valid JSON.')
  }
  const pairs = [...new URLSearchParams(text.replace(/&amp;/g, '&'))].map(([name, value]) => [name.trim(), value] as const)
  const twice = repeated(pairs.map(([name]) => name))
  return twice ? `The answer names ${twice} twice.` : new Map(pairs)
}

/** `WWW-Authenticate: OAuth oauth_problem="token_rejected", …`, as some services say it instead of in the body. */
function challengeFields(headers: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>()
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'www-authenticate') continue
    for (const [, name = '', value = ''] of (headers[i + 1] ?? '')
      .slice(0, 8192)
      .matchAll(/\b(oauth_[a-z_]{1,40})\s*=\s*"?([^",\s]{0,500})/gi))
      if (!fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), [...new URLSearchParams('v=' + value)][0]?.[1] ?? '')
  }
  return fields
}

interface Complaint {
  readonly code: string | null
  readonly description: string | null
  readonly acceptable: string | null
}

/** What a service says went wrong (the OAuth problem reporting extension, or the words of JSON). */
function complaintOf({ headers, body }: Pick<IncomingResponse, 'headers' | 'body'>, secrets: readonly string[] = []): Complaint {
  const parsed = fieldsOf(body)
  const fields = typeof parsed === 'string' ? new Map<string, string>() : parsed
  const challenge = challengeFields(headers)
  const one = (name: string) => fields.get(name) ?? challenge.get(name)
  const said = one('oauth_problem') ?? one('oauth_error') ?? fields.get('error')
  const code = words(said, [])
  const plain = typeof parsed === 'string' ? parsed : [...fields.values()].some(Boolean) ? undefined : (textOf(body) ?? undefined)
  return {
    code: code !== null && Object.hasOwn(kinds, code) ? code : words(said, secrets),
    description: words(one('oauth_problem_advice') ?? fields.get('error_description') ?? fields.get('message') ?? plain, secrets),
    acceptable: one('oauth_acceptable_timestamps') ?? null,
  }
}

/** What each problem means for us. Others are `config`: the request itself is wrong. */
const kinds: Readonly<Record<string, RefusalKind>> = {
  token_revoked: 'revoked',
  token_rejected: 'revoked',
  token_expired: 'revoked',
  token_used: 'revoked',
  permission_denied: 'revoked',
  additional_authorization_required: 'revoked',
  user_refused: 'revoked',
  signature_invalid: 'client',
  consumer_key_unknown: 'client',
  consumer_key_rejected: 'client',
  // by its definition a passing state: the consumer was throttled
  consumer_key_refused: 'down',
}

/**
 * The clock offset that a refusal teaches: `oauth_problem=timestamp_refused&oauth_acceptable_timestamps=a-b`, aimed at the middle.
 * Good for token endpoints and for API calls, which may then be repeated once: a refused timestamp means nothing was done.
 *
 * @param now   Our clock, milliseconds since 1970.
 * @returns     Seconds to add to our clock, within ±24 hours; null for any other answer.
 */
export function timestampRefused(status: number, headers: readonly string[], body: Buffer | null, now: number): number | null {
  if (status < 200 || (status >= 300 && status < 400) || status >= 500) return null
  const { code, acceptable } = complaintOf({ headers, body: body ?? Buffer.alloc(0) })
  if (code !== 'timestamp_refused') return null
  const [, from, to] = /^\s*(\d{1,12})\s*-\s*(\d{1,12})\s*$/.exec(acceptable ?? '') ?? []
  if (from === undefined || to === undefined || Number(from) > Number(to)) return null
  const offset = Math.round((Number(from) + Number(to)) / 2 - now / 1000)
  return Math.abs(offset) <= maxClockOffsetSeconds ? offset : null
}

/** True when the service has seen our nonce before: a new one is worth one more attempt. */
export const nonceUsed = (response: IncomingResponse): boolean => complaintOf(response).code === 'nonce_used'

/**
 * Why an answer is a refusal; null when it is an answer with status 2xx and no problem in it.
 * @param secrets  What was sent and may not come back in the refusal’s words.
 * @param phase  A bare 401 to the first request can only mean our client; later it is too vague to say so.
 */
export function refusalOf(response: IncomingResponse, phase: Phase, now: number, secrets: readonly string[] = []): Refusal | null {
  const { status, headers } = response
  if (status >= 300 && status < 400)
    return new Refusal('config', {
      status,
      error: 'token_endpoint_redirect',
      description: 'The token endpoint answers with a redirect, which is not followed.',
    })
  const { code, description } = complaintOf(response, secrets)
  const facts = { status, error: code, description }
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return new Refusal('down', { ...facts, retryAfterSeconds: retryAfterSeconds(headers, 'retry-after', now) })
  const success = status >= 200 && status < 300
  if (code !== null && (!success || complains(response)))
    return new Refusal(Object.hasOwn(kinds, code) ? (kinds[code] ?? 'config') : 'config', facts)
  if (success) return null
  if (status === 401 && phase === 'request_token') return new Refusal('client', facts)
  return new Refusal([403, 404, 405, 410, 451].includes(status) ? 'config' : 'malformed', facts)
}

/** A 200 may carry a problem. A field `error` beside a token is not one: only `oauth_problem` is beyond doubt. */
const complains = ({ body }: IncomingResponse): boolean => {
  const fields = fieldsOf(body)
  return typeof fields === 'string' || fields.has('oauth_problem') || !fields.get('oauth_token')
}

/** @throws Refusal malformed */
function value(response: IncomingResponse, fields: Answer, name: string): string | null {
  const text = fields.get(name)
  if (text === undefined) return null
  if (text.length > maxValueCharacters) throw malformed(response, `The value of ${name} is longer than 16 KiB.`)
  if (controlCharacters.test(text) || text.includes('\ufffd'))
    throw malformed(response, `The value of ${name} has characters that no token has.`)
  return text
}

/**
 * Temporary or token credentials from an answer. An empty secret is legal, an empty token is not. Unknown fields are kept.
 * @throws Refusal as `refusalOf` judges, and malformed
 */
export function judgeTokenAnswer(response: IncomingResponse, phase: Phase, now: number, secrets: readonly string[] = []): TokenAnswer {
  const refusal = refusalOf(response, phase, now, secrets)
  if (refusal) throw refusal
  const fields = fieldsOf(response.body)
  if (typeof fields === 'string') throw malformed(response, fields)
  const token = value(response, fields, 'oauth_token')
  const tokenSecret = value(response, fields, 'oauth_token_secret')
  if (!token) throw malformed(response, 'The answer has no oauth_token.')
  if (tokenSecret === null) throw malformed(response, 'The answer has no oauth_token_secret.')
  const lifetime = Number(fields.get('oauth_expires_in') ?? 0)
  return {
    token,
    tokenSecret,
    sessionHandle: value(response, fields, 'oauth_session_handle') || null,
    expiresInSeconds: Number.isFinite(lifetime) && lifetime >= 1 ? Math.floor(lifetime) : null,
    callbackConfirmed: fields.get('oauth_callback_confirmed')?.toLowerCase() === 'true',
    all: fields,
  }
}
