import { createHash } from 'node:crypto'
import type { Pair } from '../core/request.ts'
import { percentEncode } from '../core/request.ts'
import { accountOf, count, randomToken, type Account } from './state.ts'
import { demand, fillIn, needed, redirect, Refusal, single, type Answer, type Exchange, type Handler } from './exchange.ts'
import { identifyClient } from './oauth2-client-authentication.ts'
import { issuerOf, redirectUriAllowed, type Client, type ClientOptions } from './oauth2-clients.ts'
import { consentPage, errorPage, formPostPage } from './pages.ts'

/** What a good authorization request asks for. */
interface Asked {
  readonly client: Client
  readonly redirectUri: string
  readonly redirectUriSent: boolean
  readonly state: string | null
  readonly formPost: boolean
}

/**
 * GET shows the consent page, POST is its form (RFC 6749 §3.1, §4.1.1). A wrong client or redirect URL is told to the person only;
 * everything else is told to the client, at its redirect URL (§4.1.2.1).
 */
export const authorize: Handler = async exchange => {
  const { counters } = exchange.state
  const pairs = exchange.method === 'POST' ? (await exchange.body()).fields : exchange.query
  let asked: Asked
  try {
    asked = readAddressee(exchange, pairs)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    count(counters.authorize, 'refused')
    return errorPage(400, error.error, error.message)
  }
  try {
    return decide(exchange, asked, pairs)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    count(counters.authorize, error.error === 'access_denied' ? 'rejected' : 'refused')
    return answerClient(exchange, asked, [
      ['error', error.error],
      ['error_description', error.message],
    ])
  }
}

function readAddressee(exchange: Exchange, pairs: readonly Pair[]): Asked {
  const client = identifyClient(exchange, pairs)
  if (needed(pairs, client.options.client_id_parameter) !== client.client_id)
    throw new Refusal(400, 'invalid_request', `The client id belongs in the parameter ${client.options.client_id_parameter}.`)
  const sent = single(pairs, 'redirect_uri')
  const redirectUri = sent ?? (client.redirect_uris.length === 1 ? client.redirect_uris[0] : undefined)
  if (redirectUri === undefined) throw new Refusal(400, 'invalid_request', 'The parameter redirect_uri is missing.')
  if (sent !== null && !redirectUriAllowed(client, sent))
    throw new Refusal(
      400,
      'invalid_request',
      'This redirect_uri is not registered for the client: they are compared character by character.',
    )
  return {
    client,
    redirectUri,
    redirectUriSent: sent !== null,
    state: single(pairs, 'state'),
    formPost: single(pairs, 'response_mode') === 'form_post',
  }
}

function decide(exchange: Exchange, asked: Asked, pairs: readonly Pair[]): Answer {
  const { client } = asked
  const { options } = client
  if (needed(pairs, 'response_type') !== 'code')
    throw new Refusal(400, 'unsupported_response_type', 'Only response_type=code is known here.')
  if (!client.grant_types.includes('authorization_code'))
    throw new Refusal(400, 'unauthorized_client', 'This client has another grant type.')
  demand(pairs, options.required_parameters.authorize)
  const challenge = readChallenge(options, pairs)
  const scopes = [...readScopes(exchange, options, pairs, options.scope_parameter)]
  if (options.second_scope_parameter !== null) scopes.push(...readScopes(exchange, options, pairs, options.second_scope_parameter))

  const account = accountOf(single(pairs, 'account') ?? single(pairs, 'login_hint'))
  const consentKey = `${exchange.dialect}/${client.client_id}/${account.id}`
  const consented = exchange.state.consents.get(consentKey) === true
  const prompt = single(pairs, 'prompt')
  if (prompt === 'none' && !consented)
    throw new Refusal(400, 'consent_required', 'Nobody has allowed this client yet, and prompt=none forbids to ask.')
  const repeated = consented && prompt !== 'consent' && options.remember_consent
  const decision = single(pairs, 'auto') ?? (exchange.method === 'POST' ? single(pairs, 'decision') : null) ?? options.auto

  if (decision === 'reject') throw new Refusal(400, 'access_denied', 'The person rejected the request.')
  if (decision !== 'accept' && prompt !== 'none' && !repeated) {
    count(exchange.state.counters.authorize, 'shown')
    const hidden = pairs.filter(([name]) => name !== 'account' && name !== 'decision')
    return consentPage({ clientName: client.client_name, scopes, redirectUri: asked.redirectUri, action: exchange.rawPath, hidden })
  }
  exchange.state.consents.set(consentKey, true)
  count(exchange.state.counters.authorize, 'accepted')
  const offline = options.offline_parameter === null || single(pairs, options.offline_parameter[0]) === options.offline_parameter[1]
  const code = issueCode(exchange, asked, { account, scopes, challenge, withRefreshToken: options.refresh_tokens && offline && !repeated })
  const extras = Object.entries(fillIn(options.callback_extras, exchange))
  return answerClient(exchange, asked, [[options.code_parameter, code], ...extras])
}

/** RFC 7636 §4.3. `plain` protects from nothing and is refused (RFC 9700 §2.1.1). */
function readChallenge(options: ClientOptions, pairs: readonly Pair[]): string | null {
  const challenge = single(pairs, 'code_challenge')
  const method = single(pairs, 'code_challenge_method')
  if (options.pkce === 'refused' && (challenge !== null || method !== null))
    throw new Refusal(400, 'invalid_request', 'This service does not know code_challenge.')
  if (challenge === null) {
    if (options.pkce === 'required' || method !== null)
      throw new Refusal(400, 'invalid_request', 'The parameter code_challenge is missing.')
    return null
  }
  if (method !== 'S256') throw new Refusal(400, 'invalid_request', 'code_challenge_method must be S256.')
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge))
    throw new Refusal(400, 'invalid_request', 'A S256 code_challenge has 43 characters of base64url.')
  return challenge
}

/**
 * The scopes, split by the client's separator. A scope that holds another common separator was joined wrongly.
 * With `+` both spellings on the wire are taken: a bare plus, and one that is percent-encoded.
 */
function readScopes(exchange: Exchange, options: ClientOptions, pairs: readonly Pair[], parameter: string): readonly string[] {
  const given = single(pairs, parameter)
  if (given === null) return []
  const separator = options.scope_separator
  const joinedByPlus = separator === '+' && !new RegExp(`[?&]${parameter}=[^&]*%20`).test('?' + exchange.rawQuery)
  const scopes = (joinedByPlus ? given.replaceAll(' ', '+') : given).split(separator).filter(scope => scope !== '')
  for (const scope of scopes) {
    if (/[ ,+;|"\\]/.test(scope)) throw new Refusal(400, 'invalid_scope', `Scopes are separated by "${separator}" here.`)
    if (options.scopes && !options.scopes.includes(scope)) throw new Refusal(400, 'invalid_scope', 'One of the scopes is not known here.')
  }
  return scopes
}

function issueCode(
  exchange: Exchange,
  asked: Asked,
  given: { account: Account; scopes: readonly string[]; challenge: string | null; withRefreshToken: boolean },
): string {
  const { state, host } = exchange
  const value = randomToken('code')
  const { client, redirectUri, redirectUriSent } = asked
  state.codes.set(value, {
    value,
    client,
    redirectUri,
    redirectUriSent,
    ...given,
    host,
    expiresAt: state.now() + client.options.code_seconds * 1000,
    grant: null,
  })
  return value
}

function answerClient(exchange: Exchange, asked: Asked, pairs: readonly Pair[]): Answer {
  const all: Pair[] = [...pairs]
  if (asked.state !== null) all.push(['state', asked.state])
  if (asked.client.options.iss) all.push(['iss', issuerOf(exchange)]) // RFC 9207 §2
  if (asked.formPost) return formPostPage(asked.redirectUri, all)
  const query = all.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join('&')
  return redirect(exchange.method === 'POST' ? 303 : 302, asked.redirectUri + (asked.redirectUri.includes('?') ? '&' : '?') + query)
}

/** RFC 7636 §4.6. */
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')
