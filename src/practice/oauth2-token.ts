import { createHmac } from 'node:crypto'
import type { Pair } from '../core/request.ts'
import { accountOf, count, randomToken, tally, type AccessToken, type Grant, type RefreshToken } from './state.ts'
import { demand, demandHeaders, needed, Refusal, single, type Exchange, type Handler, type ParsedBody } from './exchange.ts'
import { dialectOptions } from './dialects.ts'
import { challengeOf } from './oauth2-authorize.ts'
import { authenticateClient, identifyClient, sameText } from './oauth2-client-authentication.ts'
import type { Client, ClientOptions, Phase } from './oauth2-clients.ts'
import { accessTokenValue, refusalAnswer, tokenAnswer } from './oauth2-token-answer.ts'

const phases: Readonly<Record<string, Phase>> = {
  authorization_code: 'code',
  refresh_token: 'refresh',
  client_credentials: 'client_credentials',
}

interface Issued {
  readonly grant: Grant
  readonly accessToken: AccessToken
  /** What the response says of a refresh token; null leaves it out. */
  readonly refreshToken: string | null
}

/** The token endpoint (RFC 6749 §3.2), in the habits of the client that asks. */
export const token: Handler = async exchange => {
  const { state } = exchange
  let options = dialectOptions(exchange.dialect)
  let grantType = 'unknown'
  try {
    const body = await exchange.body()
    const anywhere = [...exchange.query, ...body.fields]
    const named = anywhere.find(([name]) => name === 'grant_type')?.[1] ?? ''
    if (named in phases) grantType = named
    const client = identifyClient(exchange, anywhere)
    options = client.options
    const pairs = parametersOf(exchange, body, options)
    grantType = grantTypeOf(options, needed(pairs, 'grant_type'))
    const phase = phases[grantType]
    if (phase === undefined) throw new Refusal(400, 'unsupported_grant_type', 'This grant type is not known here.')
    authenticateClient(exchange, client, phase, pairs)
    if (!client.grant_types.includes(grantType)) throw new Refusal(400, 'unauthorized_client', 'This client may not use this grant type.')
    demand(pairs, phase === 'revoke' ? {} : options.required_parameters[phase])
    demandHeaders(exchange.request, options.token_headers)
    const issued = grants[phase](exchange, client, pairs)
    tally(state.counters.token, grantType, 'ok')
    return tokenAnswer(exchange, issued.grant, issued.accessToken, issued.refreshToken)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    tally(state.counters.token, grantType, error.error)
    return refusalAnswer(options, error)
  }
}

/** The parameters from the one place where this client's options want them. @throws Refusal invalid_request */
function parametersOf(exchange: Exchange, body: ParsedBody, options: ClientOptions): readonly Pair[] {
  const { method, query } = exchange
  if (options.token_method !== 'any' && method !== options.token_method)
    throw new Refusal(405, 'invalid_request', `Token requests are made with ${options.token_method} here.`, {
      headers: { allow: options.token_method },
    })
  if (method === 'GET') return query
  const wrong = (what: string) =>
    new Refusal(400, 'invalid_request', `The parameters of a token request are sent as ${what} here.`, { aspect: 'body' })
  switch (options.token_request_body) {
    case 'form':
      if (body.type !== 'form') throw wrong('application/x-www-form-urlencoded')
      return body.fields
    case 'json':
      if (body.type !== 'json') throw wrong('application/json')
      return body.fields
    case 'query':
      if (!query.some(([name]) => name === 'grant_type')) throw wrong('a query')
      return query
    case 'form_or_query':
      return [...query, ...body.fields]
    default:
      return options.token_request_body satisfies never
  }
}

function grantTypeOf(options: ClientOptions, named: string): string {
  const renamed = Object.entries(options.grant_type_names).find(([, name]) => name === named)
  if (renamed) return renamed[0]
  return options.grant_type_names[named] === undefined ? named : 'unknown'
}

const grants: Readonly<Record<Phase, (exchange: Exchange, client: Client, pairs: readonly Pair[]) => Issued>> = {
  code: exchangeCode,
  refresh,
  client_credentials: clientCredentials,
  revoke: () => {
    throw new Refusal(400, 'unsupported_grant_type', 'This grant type is not known here.')
  },
}

/** RFC 6749 §4.1.3, RFC 7636 §4.6. A code that comes twice takes the tokens of the first time with it (RFC 6749 §4.1.2). */
function exchangeCode(exchange: Exchange, client: Client, pairs: readonly Pair[]): Issued {
  const { state } = exchange
  const code = state.codes.get(needed(pairs, 'code'))
  const invalid = (description: string, aspect?: string) =>
    new Refusal(400, 'invalid_grant', description, aspect === undefined ? {} : { aspect })
  if (!code || code.client.client_id !== client.client_id) throw invalid('The code is unknown.')
  if (code.grant) {
    state.counters.codes_reused++
    revokeFamily(exchange, code.grant)
    throw invalid('The code was used already; what it gave is revoked.')
  }
  if (code.expiresAt <= state.now()) throw invalid('The code has expired.')
  const redirectUri = single(pairs, 'redirect_uri')
  if (redirectUri === null ? code.redirectUriSent : redirectUri !== code.redirectUri)
    throw invalid('redirect_uri is not the one of the authorization request.', 'redirect_uri')
  const verifier = single(pairs, 'code_verifier')
  if (code.challenge === null && verifier !== null) throw invalid('code_verifier without a code_challenge before.', 'code_verifier')
  if (code.challenge !== null) {
    if (verifier === null) throw invalid('code_verifier is missing.', 'code_verifier')
    if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier) || !sameText(challengeOf(verifier), code.challenge))
      throw invalid('code_verifier does not belong to the code_challenge.', 'code_verifier')
  }
  if (client.options.token_on_other_host && code.host === exchange.host)
    throw new Refusal(404, 'invalid_request', 'The token endpoint of this service lives under another host name than its authorize page.')

  const grant = newGrant(client, code)
  code.grant = grant
  return {
    grant,
    accessToken: issueAccessToken(exchange, grant),
    refreshToken: code.withRefreshToken ? issueRefreshToken(exchange, grant).value : null,
  }
}

/** RFC 6749 §6, with the rotation this client's options ask for (RFC 9700 §4.14.2). */
function refresh(exchange: Exchange, client: Client, pairs: readonly Pair[]): Issued {
  const { state } = exchange
  const { options } = client
  const now = state.now()
  const value = needed(pairs, 'refresh_token')
  const presented = state.refreshTokens.get(value) ?? recognised(exchange, client, value)
  const invalid = (description: string) => new Refusal(400, 'invalid_grant', description)
  if (!presented || presented.grant.client.client_id !== client.client_id) throw invalid('The refresh token is unknown.')
  const { grant } = presented
  if (presented.replacedAt !== null) state.counters.old_refresh_tokens_presented++
  if (grant.revoked) throw invalid('The refresh token was revoked.')
  if (options.refresh_token_idle_seconds !== null && presented.usedAt + options.refresh_token_idle_seconds * 1000 <= now)
    throw invalid('The refresh token died because nobody used it.')
  const inGrace = options.rotation === 'grace' && presented.replacedAt !== null && now < presented.replacedAt + options.grace_seconds * 1000
  if (presented.replacedAt !== null && !inGrace) {
    revokeFamily(exchange, grant)
    throw invalid('This refresh token was replaced by a newer one; the whole family is revoked now.')
  }
  expectRedirectUri(options, pairs)
  expectScope(options, pairs, grant)
  if (options.refuses_early_refresh && grant.accessTokens.some(one => !one.revoked && (one.expiresAt === null || one.expiresAt > now)))
    throw new Refusal(400, 'invalid_request', 'The access token is still valid: refresh it when it has expired.', { aspect: 'early' })
  const waitMs = grant.lastRefreshAt === null ? 0 : grant.lastRefreshAt + options.refresh_spacing_seconds * 1000 - now
  if (waitMs > 0)
    throw new Refusal(429, 'slow_down', 'Refreshed too soon after the last time.', {
      headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
    })

  grant.lastRefreshAt = now
  presented.usedAt = now
  const accessToken = issueAccessToken(exchange, grant)
  if (options.rotation === 'none') return { grant, accessToken, refreshToken: options.repeat_refresh_token ? presented.value : null }
  presented.successor ??= issueRefreshToken(exchange, grant)
  presented.replacedAt ??= now
  return { grant, accessToken, refreshToken: presented.successor.value }
}

function expectRedirectUri(options: ClientOptions, pairs: readonly Pair[]): void {
  const given = single(pairs, 'redirect_uri')
  if (options.redirect_uri_on_refresh === 'required' && given === null)
    throw new Refusal(400, 'invalid_request', 'A refresh needs redirect_uri here.')
  if (options.redirect_uri_on_refresh === 'refused' && given !== null)
    throw new Refusal(400, 'invalid_request', 'A refresh has no redirect_uri here.')
}

/** RFC 6749 §6: no scope beyond those allowed before. */
function expectScope(options: ClientOptions, pairs: readonly Pair[], grant: Grant): void {
  const given = single(pairs, 'scope')
  if (options.scope_on_refresh === 'required' && given === null) throw new Refusal(400, 'invalid_request', 'A refresh needs scope here.')
  if (options.scope_on_refresh === 'refused' && given !== null) throw new Refusal(400, 'invalid_request', 'A refresh has no scope here.')
  if (given?.split(options.scope_separator).some(scope => !grant.scopes.includes(scope)))
    throw new Refusal(400, 'invalid_scope', 'A refresh cannot widen the scope.')
}

/** RFC 6749 §4.4: no person, and no refresh token. */
function clientCredentials(exchange: Exchange, client: Client, pairs: readonly Pair[]): Issued {
  const { options } = client
  const scopes = (single(pairs, options.scope_parameter) ?? '').split(options.scope_separator).filter(scope => scope !== '')
  if (options.scopes && scopes.some(scope => !options.scopes?.includes(scope)))
    throw new Refusal(400, 'invalid_scope', 'One of the scopes is not known here.')
  const account = { id: client.client_id, email: `${client.client_id}@practice.example`, name: client.client_name }
  const grant = newGrant(client, { account, scopes })
  return { grant, accessToken: issueAccessToken(exchange, grant), refreshToken: null }
}

const newGrant = (client: Client, { account, scopes }: Pick<Grant, 'account' | 'scopes'>): Grant => ({
  id: randomToken('grant'),
  client,
  account,
  scopes,
  revoked: false,
  accessTokens: [],
  lastRefreshAt: null,
})

function issueAccessToken(exchange: Exchange, grant: Grant): AccessToken {
  const { state } = exchange
  const { access_token_seconds: seconds, active_access_tokens: limit } = grant.client.options
  const number = ++state.tokenNumber
  const issuedAt = state.now()
  const expiresAt = seconds === null ? null : issuedAt + seconds * 1000
  const issued: AccessToken = {
    value: accessTokenValue(exchange, grant, number, expiresAt),
    number,
    grant,
    issuedAt,
    expiresAt,
    revoked: false,
  }
  grant.accessTokens = [...grant.accessTokens, issued].slice(-1000)
  if (limit !== null) for (const old of grant.accessTokens.splice(0, Math.max(0, grant.accessTokens.length - limit))) old.revoked = true
  state.accessTokens.set(issued.value, issued)
  return issued
}

function issueRefreshToken({ state }: Exchange, grant: Grant): RefreshToken {
  const issued: RefreshToken = { value: refreshTokenValue(grant), grant, usedAt: state.now(), replacedAt: null, successor: null }
  state.refreshTokens.set(issued.value, issued)
  return issued
}

/** What the client's secret vouches for, when it has one. */
const voucher = (secret: string, said: string): string => createHmac('sha256', secret).update(said).digest('base64url')

/** A refresh token says itself who allowed what, so that it outlives the memory that it was issued from. */
function refreshTokenValue({ client, account, scopes }: Grant): string {
  if (client.client_secret === null) return randomToken('rt')
  const said = `${randomToken('rt')}.${Buffer.from(JSON.stringify([account.id, scopes])).toString('base64url')}`
  return `${said}.${voucher(client.client_secret, said)}`
}

/** One from before this service was started; undefined when its client's secret does not vouch for it. What was revoked then is not known. */
function recognised({ state }: Exchange, client: Client, value: string): RefreshToken | undefined {
  const said = value.slice(0, value.lastIndexOf('.'))
  if (client.client_secret === null || !sameText(value, `${said}.${voucher(client.client_secret, said)}`)) return undefined
  const [accountId, scopes] = JSON.parse(Buffer.from(said.split('.')[1] ?? '', 'base64url').toString()) as [string, readonly string[]]
  const grant = newGrant(client, { account: accountOf(accountId), scopes })
  const known: RefreshToken = { value, grant, usedAt: state.now(), replacedAt: null, successor: null }
  state.refreshTokens.set(value, known)
  return known
}

/** Everything that came from one consent dies. */
export function revokeFamily({ state }: Pick<Exchange, 'state'>, grant: Grant): void {
  if (grant.revoked) return
  grant.revoked = true
  state.counters.families_revoked++
  count(state.counters.revoke, 'families')
  for (const accessToken of grant.accessTokens) accessToken.revoked = true
}
