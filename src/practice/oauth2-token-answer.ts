import { createHmac } from 'node:crypto'
import { encodeForm, type Pair } from '../core/request.ts'
import { randomToken, type AccessToken, type Grant } from './state.ts'
import { fillIn, json, text, type Answer, type Exchange, type Refusal } from './exchange.ts'
import { issuerOf, type ClientOptions } from './oauth2-clients.ts'

/** The successful response (RFC 6749 §5.1), bent as the client's options say. */
export function tokenAnswer(exchange: Exchange, grant: Grant, accessToken: AccessToken, refreshToken: string | null): Answer {
  const { options } = grant.client
  const answer: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  const put = (name: keyof ClientOptions['response_paths'], value: unknown) => {
    if (value !== undefined) setPath(answer, options.response_paths[name] ?? name, value)
  }
  if (options.error_style === 'ok_false') answer.ok = true
  put('access_token', accessToken.value)
  if (options.token_type !== null) put('token_type', options.token_type)
  put('expires_in', expiryOf(options, accessToken))
  if (refreshToken !== null) put('refresh_token', refreshToken)
  if (options.scope_in_response && grant.scopes.length > 0) put('scope', grant.scopes.join(options.scope_separator))
  if (options.id_token) put('id_token', idToken(exchange, grant, accessToken))
  Object.assign(answer, fillIn(options.response_fields, exchange))
  return encoded(options, 200, answer, {})
}

function expiryOf(options: ClientOptions, { issuedAt, expiresAt }: AccessToken): unknown {
  const format = options.expires_format
  if (format === 'zero') return 0
  if (format === 'null') return null
  if (expiresAt === null || format === 'absent' || format === 'jwt') return undefined
  const seconds = (expiresAt - issuedAt) / 1000
  switch (format) {
    case 'seconds':
      return seconds
    case 'string':
      return String(seconds)
    case 'decimal_string':
      return `${seconds}.92`
    case 'milliseconds':
      return expiresAt - issuedAt
    case 'iso':
      return new Date(expiresAt).toISOString()
    case 'epoch':
      return Math.floor(expiresAt / 1000)
    case 'epoch_milliseconds':
      return expiresAt
    default:
      return format satisfies never
  }
}

/** Writes a dotted path; the objects on the way have no prototype, so no name in it is special. */
function setPath(target: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop() ?? path
  let at = target
  for (const name of names) at = (at[name] ??= Object.create(null)) as Record<string, unknown>
  at[last] = value
}

function encoded(options: ClientOptions, status: number, answer: Record<string, unknown>, headers: Answer['headers']): Answer {
  switch (options.response_format) {
    case 'json':
      return json(status, answer, { pragma: 'no-cache', ...headers })
    case 'json_as_html':
      return text(status, 'text/html; charset=utf-8', JSON.stringify(answer), headers)
    case 'json_as_text':
      return text(status, 'text/plain', JSON.stringify(answer), headers)
    case 'form': {
      const fields = Object.entries(answer).map(([name, value]): Pair => [
        name,
        typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean),
      ])
      return text(status, 'application/x-www-form-urlencoded', encodeForm(fields), headers)
    }
    default:
      return options.response_format satisfies never
  }
}

/** RFC 6749 §5.2, or one of the ways in which services say no with HTTP 200. */
export function refusalAnswer(options: ClientOptions, refusal: Refusal): Answer {
  const names = options.error_names
  const error = (refusal.aspect === null ? undefined : names[`${refusal.error}.${refusal.aspect}`]) ?? names[refusal.error] ?? refusal.error
  if (options.error_style === 'http_200') return encoded(options, refusal.status === 429 ? 429 : 200, { error }, refusal.headers)
  if (options.error_style === 'ok_false') return encoded(options, refusal.status === 429 ? 429 : 200, { ok: false, error }, refusal.headers)
  return encoded(options, refusal.status, { error, error_description: refusal.message }, refusal.headers)
}

/** An opaque token, or a JWT whose `exp` is the only word about its end (RFC 9068 in outline). */
export function accessTokenValue(exchange: Exchange, grant: Grant, number: number, expiresAt: number | null): string {
  const { options } = grant.client
  if (options.access_token_format === 'opaque' && options.expires_format !== 'jwt') return randomToken(`at${number}`)
  return signed(randomToken('key'), {
    iss: issuerOf(exchange),
    sub: grant.account.id,
    client_id: grant.client.client_id,
    iat: Math.floor(exchange.state.now() / 1000),
    ...(expiresAt === null ? {} : { exp: Math.floor(expiresAt / 1000) }),
    jti: String(number),
  })
}

/** OpenID Connect Core §2, signed with the client secret (§10.1). */
const idToken = (exchange: Exchange, grant: Grant, { issuedAt }: AccessToken): string =>
  signed(grant.client.client_secret ?? randomToken('key'), {
    iss: issuerOf(exchange),
    sub: grant.account.id,
    aud: grant.client.client_id,
    email: grant.account.email,
    iat: Math.floor(issuedAt / 1000),
    exp: Math.floor(issuedAt / 1000) + 3600,
  })

function signed(key: string, claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const content = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
}
