import type { Pair } from '../core/request.ts'
import { count, type AccessToken, type RefreshToken } from './state.ts'
import { demand, fillIn, json, needed, Refusal, single, type Answer, type Exchange, type Handler, type ParsedBody } from './exchange.ts'
import { dialectOptions, findDialect } from './dialects.ts'
import { authenticateClient, guessClient, identifyClient } from './oauth2-client-authentication.ts'
import { issuerOf, styleOf, type Client, type ClientOptions } from './oauth2-clients.ts'
import { bearerOf } from './oauth2-bearer.ts'
import { revokeFamily } from './oauth2-token.ts'
import { refusalAnswer } from './oauth2-token-answer.ts'

type Found =
  { readonly kind: 'access_token'; readonly token: AccessToken } | { readonly kind: 'refresh_token'; readonly token: RefreshToken }

function findToken({ state }: Exchange, value: string): Found | null {
  const refreshToken = state.refreshTokens.get(value)
  if (refreshToken) return { kind: 'refresh_token', token: refreshToken }
  const accessToken = state.accessTokens.get(value)
  return accessToken ? { kind: 'access_token', token: accessToken } : null
}

/** RFC 7009, in the habits of the client. Revoking a refresh token ends everything that came from its consent. */
export const revoke: Handler = async exchange => {
  let options = dialectOptions(exchange.dialect)
  const { counters } = exchange.state
  try {
    const body = await exchange.body()
    const anywhere = [...exchange.query, ...body.fields]
    const named = [bearerOf(exchange.request), ...anywhere.map(([, value]) => value)]
    const owner = named.map(value => (value === null ? null : findToken(exchange, value))).find(Boolean)?.token.grant.client
    const client = guessClient(exchange, anywhere) ?? owner
    options = client?.options ?? options
    const pairs = parametersOf(exchange, body, options)
    const value = options.revoke.place === 'bearer' ? bearerOf(exchange.request) : needed(pairs, options.revoke.parameter)
    if (value === null) throw new Refusal(400, 'invalid_request', 'The token to revoke is sent as "Authorization: Bearer …" here.')
    authenticate(exchange, client, options, pairs)
    demand(pairs, options.required_parameters.revoke)
    const found = findToken(exchange, value)
    checkKind(options, pairs, found)
    return end(exchange, client, options, found)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    count(counters.revoke, 'refused')
    return refusalAnswer(options, error)
  }
}

function parametersOf(exchange: Exchange, body: ParsedBody, { revoke }: ClientOptions): readonly Pair[] {
  if (exchange.method !== revoke.method)
    throw new Refusal(405, 'invalid_request', `Revoking is done with ${revoke.method} here.`, { headers: { allow: revoke.method } })
  switch (revoke.place) {
    case 'form':
      return body.type === 'form' ? body.fields : []
    case 'json':
      return body.type === 'json' ? body.fields : []
    case 'query':
      return exchange.query
    case 'form_or_query':
    case 'bearer':
      return [...exchange.query, ...body.fields]
    default:
      return revoke.place satisfies never
  }
}

/** A token in hand is proof enough where the client's style is `none`, or where the token itself is the Authorization header. */
function authenticate(exchange: Exchange, client: Client | undefined, options: ClientOptions, pairs: readonly Pair[]): void {
  if (options.revoke.place === 'bearer' || styleOf(options, 'revoke') === 'none') return
  authenticateClient(exchange, client ?? identifyClient(exchange, pairs), 'revoke', pairs)
}

function checkKind({ revoke }: ClientOptions, pairs: readonly Pair[], found: Found | null): void {
  const hint = single(pairs, revoke.hint_parameter)
  if (revoke.hint === 'required' && hint === null) throw new Refusal(400, 'invalid_request', `${revoke.hint_parameter} is missing.`)
  if (revoke.hint === 'refused' && hint !== null) throw new Refusal(400, 'invalid_request', `${revoke.hint_parameter} is not known here.`)
  if (hint !== null && hint !== 'access_token' && hint !== 'refresh_token')
    throw new Refusal(400, 'unsupported_token_type', 'This token type is not known here.')
  if (found && revoke.token !== 'any' && revoke.token !== found.kind)
    throw new Refusal(400, 'unsupported_token_type', `Only the ${revoke.token} is revoked here.`)
}

/** RFC 7009 §2.2: an unknown token is as good as revoked, unless this client's service thinks otherwise. */
function end(exchange: Exchange, client: Client | undefined, options: ClientOptions, found: Found | null): Answer {
  const { counters } = exchange.state
  if (!found || (client && found.token.grant.client.client_id !== client.client_id)) {
    count(counters.revoke, 'unknown')
    if (options.revoke.unknown_status >= 400) return json(options.revoke.unknown_status, { error: 'invalid_token' })
    return json(options.revoke.unknown_status, options.revoke.body ?? {})
  }
  count(counters.revoke, found.kind)
  if (found.kind === 'refresh_token') revokeFamily(exchange, found.token.grant)
  else found.token.revoked = true
  return options.revoke.body === null ? { status: 200, headers: { 'cache-control': 'no-store' }, body: '' } : json(200, options.revoke.body)
}

/** RFC 7662. A client learns about its own tokens only. */
export const introspect: Handler = async exchange => {
  let options = dialectOptions(exchange.dialect)
  exchange.state.counters.introspect++
  try {
    const { fields } = await exchange.body()
    const client = identifyClient(exchange, fields)
    options = client.options
    authenticateClient(exchange, client, 'code', fields)
    const found = findToken(exchange, needed(fields, 'token'))
    if (!found || found.token.grant.client.client_id !== client.client_id || !isActive(exchange, found)) return json(200, { active: false })
    const { grant } = found.token
    return json(200, {
      active: true,
      client_id: client.client_id,
      username: grant.account.email,
      sub: grant.account.id,
      scope: grant.scopes.join(' '),
      iss: issuerOf(exchange),
      token_type: found.kind === 'access_token' ? 'Bearer' : 'refresh_token',
      ...(found.kind === 'access_token' && found.token.expiresAt !== null ? { exp: Math.floor(found.token.expiresAt / 1000) } : {}),
    })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return refusalAnswer(options, error)
  }
}

function isActive(exchange: Exchange, found: Found): boolean {
  if (found.token.grant.revoked) return false
  if (found.kind === 'refresh_token') return found.token.replacedAt === null
  return !found.token.revoked && (found.token.expiresAt === null || found.token.expiresAt > exchange.state.now())
}

/** GET /oauth2/metadata: whose token this is and which host is theirs, for services whose token response does not say. */
export const metadata: Handler = exchange => {
  exchange.state.counters.metadata++
  const value = /^oauth +(\S+)$/i.exec(exchange.request.headers.authorization ?? '')?.[1]
  const found = value === undefined ? null : findToken(exchange, value)
  if (!found || found.kind !== 'access_token' || !isActive(exchange, found))
    return json(401, { error: 'invalid_token' }, { 'www-authenticate': 'OAuth error="invalid_token"' })
  const { account } = found.token.grant
  const own = findDialect(exchange.dialect)?.metadata ?? { api_endpoint: '{origin}' }
  return json(200, { ...fillIn(own, exchange), user_id: account.id, login: { email: account.email, login_name: account.name } })
}

/** RFC 8414, for the plain service and, under their prefix, for the dialects. */
export const serverMetadata: Handler = exchange => {
  const issuer = issuerOf(exchange)
  const options = dialectOptions(exchange.dialect)
  return json(200, {
    issuer,
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    registration_endpoint: `${issuer}/oauth2/clients`,
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: options.iss,
  })
}
