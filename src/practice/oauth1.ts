import { encode } from './oauth1-signature.ts'
import { accountOf, count, randomToken, tally, type RequestToken, type TokenCredentials } from './state.ts'
import { redirect, text, type Answer, type Exchange, type Handler } from './exchange.ts'
import type { Consumer } from './oauth1-consumers.ts'
import { OAuth1Problem, problemAnswer, verifySigned } from './oauth1-verify.ts'
import { consentPage, errorPage, verifierPage } from './pages.ts'

const requestTokenMs = 600_000

const reported =
  (endpoint: string, handle: (exchange: Exchange) => Promise<Answer>): Handler =>
  async exchange => {
    try {
      const answer = await handle(exchange)
      tally(exchange.state.counters.oauth1, endpoint, 'ok')
      return answer
    } catch (error) {
      if (!(error instanceof OAuth1Problem)) throw error
      tally(exchange.state.counters.oauth1, endpoint, error.problem)
      return problemAnswer(error)
    }
  }

const form = (consumer: Consumer, fields: Readonly<Record<string, string>>): Answer =>
  text(
    200,
    consumer.response_type,
    Object.entries(fields)
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .join('&'),
  )

/** RFC 5849 §2.1: temporary credentials. */
export const requestToken: Handler = reported('request_token', async exchange => {
  const { state } = exchange
  const { consumer, get } = verifySigned(exchange, await exchange.body(), null)
  const callback = get('oauth_callback')
  if (callback === null) throw new OAuth1Problem(400, 'parameter_absent', { oauth_parameters_absent: 'oauth_callback' })
  const known =
    callback === 'oob' || (URL.canParse(callback) && /^https?:/.test(callback) && (consumer.callbacks?.includes(callback) ?? true))
  if (!known) throw new OAuth1Problem(400, 'parameter_rejected', { oauth_parameters_rejected: 'oauth_callback' })
  const issued: RequestToken = {
    value: randomToken('rqt'),
    secret: randomToken('rqs'),
    consumer,
    callback,
    expiresAt: state.now() + requestTokenMs,
    account: null,
    verifier: null,
    denied: false,
  }
  state.requestTokens.set(issued.value, issued)
  const confirmed = consumer.callback_confirmed === null ? {} : { oauth_callback_confirmed: consumer.callback_confirmed }
  return form(consumer, { oauth_token: issued.value, oauth_token_secret: issued.secret, ...confirmed })
})

/** RFC 5849 §2.2: the person's part. GET shows the page, POST is its form; `auto` and the consumer's own option answer for the person. */
export const authorizeRequestToken: Handler = async exchange => {
  const { state } = exchange
  const pairs = exchange.method === 'POST' ? (await exchange.body()).fields : exchange.query
  const get = (name: string): string | null => pairs.find(([own]) => own === name)?.[1] ?? null
  const token = state.requestTokens.get(get('oauth_token') ?? '')
  if (!token || token.verifier !== null || token.denied || token.expiresAt <= state.now()) {
    count(state.counters.authorize, 'refused')
    return errorPage(400, 'token_rejected', 'This request token is unknown, was used already, or is older than ten minutes.')
  }
  const decision = get('auto') ?? (exchange.method === 'POST' ? get('decision') : null) ?? token.consumer.auto
  if (decision === 'reject') {
    token.denied = true
    count(state.counters.authorize, 'rejected')
    if (token.callback === 'oob') return errorPage(200, 'permission_denied', 'Access was rejected.')
    return sendBack(exchange, token, { denied: token.value })
  }
  if (decision !== 'accept') {
    count(state.counters.authorize, 'shown')
    return consentPage({
      clientName: token.consumer.name,
      scopes: [],
      redirectUri: token.callback,
      action: exchange.rawPath,
      hidden: [['oauth_token', token.value]],
    })
  }
  token.account = accountOf(get('account'))
  token.verifier = randomToken('ver')
  count(state.counters.authorize, 'accepted')
  if (token.callback === 'oob') return verifierPage(token.verifier)
  return sendBack(exchange, token, { oauth_token: token.value, oauth_verifier: token.verifier })
}

function sendBack(exchange: Exchange, { callback }: RequestToken, fields: Readonly<Record<string, string>>): Answer {
  const query = Object.entries(fields)
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join('&')
  return redirect(exchange.method === 'POST' ? 303 : 302, callback + (callback.includes('?') ? '&' : '?') + query)
}

/** RFC 5849 §2.3: token credentials for a verifier, once; or, with a session handle, new ones for those that expired. */
export const accessToken: Handler = reported('access_token', async exchange => {
  const { state } = exchange
  const find = (value: string) => state.requestTokens.get(value) ?? state.tokenCredentials.get(value)
  const { consumer, token, get } = verifySigned(exchange, await exchange.body(), find)
  if (!token) throw new OAuth1Problem(401, 'token_rejected')
  if ('verifier' in token) return form(consumer, credentials(exchange, fromVerifier(exchange, token, get('oauth_verifier'))))
  const handle = get('oauth_session_handle')
  if (handle === null || handle !== token.sessionHandle || token.revoked) throw new OAuth1Problem(401, 'token_rejected')
  token.revoked = true
  return form(consumer, credentials(exchange, issue(exchange, consumer, token.account, handle)))
})

function fromVerifier(exchange: Exchange, token: RequestToken, verifier: string | null): TokenCredentials {
  const { state } = exchange
  if (token.denied) throw new OAuth1Problem(401, 'permission_denied')
  if (verifier === null) throw new OAuth1Problem(400, 'parameter_absent', { oauth_parameters_absent: 'oauth_verifier' })
  if (token.account === null || token.verifier === null) throw new OAuth1Problem(401, 'permission_unknown')
  if (token.expiresAt <= state.now()) throw new OAuth1Problem(401, 'token_expired')
  if (token.verifier !== verifier) throw new OAuth1Problem(401, 'verifier_invalid')
  state.requestTokens.delete(token.value)
  return issue(exchange, token.consumer, token.account, token.consumer.session_handle ? randomToken('sh') : null)
}

function issue(
  { state }: Exchange,
  consumer: Consumer,
  account: TokenCredentials['account'],
  sessionHandle: string | null,
): TokenCredentials {
  const issued: TokenCredentials = {
    value: randomToken('tok'),
    secret: randomToken('ts'),
    consumer,
    account,
    number: ++state.tokenNumber,
    sessionHandle,
    expiresAt: consumer.token_seconds === null ? null : state.now() + consumer.token_seconds * 1000,
    revoked: false,
  }
  state.tokenCredentials.set(issued.value, issued)
  return issued
}

const credentials = (
  { state }: Exchange,
  { value, secret, account, sessionHandle, expiresAt }: TokenCredentials,
): Record<string, string> => ({
  oauth_token: value,
  oauth_token_secret: secret,
  user_id: account.id,
  screen_name: account.name,
  ...(sessionHandle === null ? {} : { oauth_session_handle: sessionHandle }),
  ...(expiresAt === null ? {} : { oauth_expires_in: String(Math.round((expiresAt - state.now()) / 1000)) }),
})
