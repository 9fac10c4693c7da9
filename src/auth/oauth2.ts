import { invalid, Problem } from '../core/problem.ts'
import type { OAuth2Service } from '../core/service.ts'
import { anyHolds, readAnswer } from './oauth2-answer.ts'
import { authorizeUrl } from './oauth2-authorize.ts'
import { ask, exchange, maskedParameters, maskedUrl, secretVariables, shownWords, traceRefusal } from './oauth2-exchange.ts'
import { capturable, outsideText, refusalOf } from './oauth2-response.ts'
import type { TokenAnswer } from './oauth2-response.ts'
import { clientCredentialsRequest, codeRequest, refreshRequest, revokeRequest } from './oauth2-token.ts'
import type { TokenContext } from './oauth2-token.ts'
import { placeCredential, placed, placementHeaders } from './place.ts'
import type { Placement } from './place.ts'
import { Refusal } from './scheme.ts'
import type { Callback, Client, Context, Grant, Scheme } from './scheme.ts'

/** What is sealed. `token_type` is the word before the token, `Bearer` unless the service said another. */
export interface OAuth2Credential {
  readonly access_token: string
  readonly refresh_token?: string
  readonly token_type: string
  readonly id_token?: string
}

type OAuth2Context = Context<OAuth2Service>

/** RFC 6749 appendix A.11 names no limit; no service's code comes near this one. */
const maxCodeLength = 4096

function clientOf(context: OAuth2Context): Client {
  if (!context.client) throw new Problem('service_not_configured', { service: context.service.link_name })
  return context.client
}

const tokenContext = (context: OAuth2Context, captured: Readonly<Record<string, string>> = {}): TokenContext => ({
  service: context.service,
  client: clientOf(context),
  variables: { ...context.variables, ...captured },
  scopes: context.scopes,
  redirectUrl: context.redirectUrl,
})

function grantOf(answer: TokenAnswer, held: OAuth2Credential | null, captured: Readonly<Record<string, string>>): Grant {
  const refreshToken = answer.refreshToken ?? held?.refresh_token
  const idToken = answer.idToken ?? held?.id_token
  const credential: OAuth2Credential = {
    access_token: answer.accessToken,
    token_type: answer.tokenType,
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    ...(idToken !== undefined && { id_token: idToken }),
  }
  return {
    credential: { ...credential },
    expiresInSeconds: answer.expiresInSeconds,
    grantedScopes: answer.scopes,
    hasRefreshToken: refreshToken !== undefined,
    captured: { ...captured, ...answer.captured },
  }
}

async function fetchWithClientCredentials(context: OAuth2Context): Promise<Grant> {
  const answer = await exchange(context, clientCredentialsRequest(tokenContext(context)), [])
  return grantOf(answer, null, {})
}

/** RFC 9207 §2.4: compared character by character, also for an error. */
function assertIssuer(service: OAuth2Service, parameters: Callback['parameters']): void {
  const { issuer } = service.advanced
  if (issuer === undefined || parameters['iss'] === issuer) return
  throw new Problem('context_mismatch', {
    detail: 'The answer does not come from the issuer that this service names. Start the authorisation again.',
  })
}

const declined = new Set([
  'access_denied',
  'user_denied',
  'consent_denied',
  'authorization_declined',
  'user_cancelled_login',
  'user_cancelled_authorize',
])

/** RFC 6749 §4.1.2.1: the service's words, shown to a person as text. */
function errorIn(
  parameters: Callback['parameters'],
  secrets: readonly string[],
): { error: string | null; error_description: string | null } {
  const text = (name: string) => (Object.hasOwn(parameters, name) ? outsideText(parameters[name]) : null)
  const [error, words] = [text('error'), text('error_description')]
  return { error: shownWords(error, secrets), error_description: error === null ? null : shownWords(words, secrets) }
}

function codeOf(service: OAuth2Service, parameters: Callback['parameters']): string {
  const name = service.advanced.code_param ?? 'code'
  const code = Object.hasOwn(parameters, name) ? (parameters[name] ?? '') : ''
  const failed = (detail: string) => new Problem('authorization_failed', { detail })
  if (code === '') throw failed(`The service came back without the parameter "${name}".`)
  if (code.length > maxCodeLength || /[\p{Cc}]/u.test(code)) throw failed(`The service came back with a "${name}" that cannot be one.`)
  return code
}

function captureCallback(service: OAuth2Service, parameters: Callback['parameters'], secrets: readonly string[]): Record<string, string> {
  const entries = Object.entries(service.advanced.capture_callback ?? {}).flatMap(([variable, name]) => {
    const value = Object.hasOwn(parameters, name) ? capturable(parameters[name]) : null
    const choices = service.advanced.variables?.[variable]?.choices
    return value === null || secrets.includes(value) || (choices && !choices.includes(value)) ? [] : [[variable, value] as const]
  })
  return Object.fromEntries(entries)
}

/** From the callback's code to tokens. One request: a code is single use, so nothing is tried twice (RFC 6749 §10.5). */
async function finishCode(context: OAuth2Context, { parameters, memory }: Callback): Promise<Grant> {
  const { service } = context
  const name = service.advanced.code_param ?? 'code'
  const secrets = [parameters[name] ?? '', parameters['state'] ?? '', memory['code_verifier'] ?? ''].filter(Boolean)
  const said = errorIn(parameters, secrets)
  context.trace({
    step: 'callback',
    url: context.redirectUrl,
    parameters: maskedParameters(Object.entries(parameters), secrets),
    ...(said.error !== null && { error: said.error }),
    ...(said.error_description !== null && { error_description: said.error_description }),
  })
  assertIssuer(service, parameters)
  if (said.error !== null)
    throw new Problem(declined.has(said.error.toLowerCase()) ? 'authorization_declined' : 'authorization_failed', said)
  const code = codeOf(service, parameters)
  const captured = captureCallback(service, parameters, secrets)
  const request = codeRequest(tokenContext(context, captured), code, memory['code_verifier'] ?? null)
  return grantOf(await exchange(context, request, secrets), null, captured)
}

const placementsOf = (service: OAuth2Service, tokenType: string): readonly Placement[] => {
  const { placements, header_name, header_prefix, query_name } = service.advanced
  if (placements) return placements
  if (service.param_type === 'query') return [{ in: 'query', name: query_name ?? 'access_token', value: '{access_token}' }]
  const prefix = header_prefix ?? (tokenType.toLowerCase() === 'bearer' ? 'Bearer' : tokenType)
  // `Token token=` and the like end where the token begins.
  const blank = prefix === '' || /[\s=:/]$/.test(prefix) ? '' : ' '
  return [{ in: 'header', name: header_name ?? 'Authorization', value: `${prefix}${blank}{access_token}` }]
}

/** A service's error bodies are small; a large answer is not one. */
const maxExpiredBytes = 64 * 1024

/** One revocation. A token that is gone already counts as revoked: RFC 7009 §2.2 answers 200 then, but not everybody does. */
async function revokeOne(
  context: OAuth2Context,
  url: string,
  token: string,
  hint: 'refresh_token' | 'access_token',
  credential: OAuth2Credential,
): Promise<void> {
  const secrets = [...oauth2.secretsOf(credential), context.client?.secret?.expose() ?? '', ...secretVariables(context)]
  const request = revokeRequest(tokenContext(context), url, token, hint, credential.access_token)
  const now = context.now()
  const response = await ask(context, request, secrets)
  const refusal = refusalOf(context.service, response, now)
  if (refusal && refusal.kind !== 'revoked') throw traceRefusal(context, 'revoke_answer', refusal, secrets)
  context.trace({ step: 'revoke_answer', status: response.status, ...(refusal && { detail: 'The token was gone already.' }) })
}

/** OAuth 2: authorization code with PKCE, refresh, client credentials, revocation. RFC 6749, 6750, 7009, 7636, 9207. */
export const oauth2: Scheme<OAuth2Service, OAuth2Credential> = {
  authType: 'oauth2',

  async begin(context, state) {
    const { service } = context
    if (service.grant_type === 'client_credentials') return { kind: 'done', grant: await fetchWithClientCredentials(context) }
    const codeVerifier = service.advanced.pkce === 'off' ? null : context.random(32).toString('base64url')
    const { variables, scopes, redirectUrl } = context
    const url = authorizeUrl({ service, clientId: clientOf(context).id, redirectUrl, scopes, state, variables, codeVerifier })
    const secrets = [state, ...secretVariables(context)]
    context.trace({
      step: 'authorize',
      method: 'GET',
      url: maskedUrl(url, secrets),
      parameters: { redirect_uri: redirectUrl, scope: scopes.join(' ') },
    })
    return { kind: 'redirect', url, memory: codeVerifier === null ? {} : { code_verifier: codeVerifier } }
  },

  inspectCallback(service, { parameters }) {
    assertIssuer(service, parameters)
    if (errorIn(parameters, []).error === null) codeOf(service, parameters)
  },

  async finish(context, answer) {
    if (!('parameters' in answer)) throw invalid('credentials', 'This service is authorised on its own page; nothing is typed here.')
    return finishCode(context, answer)
  },

  async refresh(context, credential) {
    if (context.service.grant_type === 'client_credentials') return fetchWithClientCredentials(context)
    const { refresh_token: refreshToken } = credential
    if (refreshToken === undefined) throw new Refusal('revoked', { error: 'no_refresh_token' })
    const secrets = oauth2.secretsOf(credential)
    const answer = await exchange(context, refreshRequest(tokenContext(context), refreshToken), secrets)
    return grantOf(answer, credential, {})
  },

  canRefresh: (service, credential) => service.grant_type === 'client_credentials' || credential.refresh_token !== undefined,

  authorise(placing, credential, request) {
    const { service, variables } = placing
    return placeCredential(request, placing, credential, () =>
      placed(placementsOf(service, credential.token_type), { ...variables, access_token: credential.access_token }),
    )
  },

  ownHeaders: service => placementHeaders(service),

  saysExpired(service, { status, body }) {
    const rule = service.advanced.expired_when
    if (!rule || (!rule.statuses && !rule.body)) return false
    if (rule.statuses && !rule.statuses.includes(status)) return false
    if (!rule.body) return true
    if (body === null || body.length > maxExpiredBytes) return false
    const answer = readAnswer({ body })
    return answer.kind === 'fields' && anyHolds(rule.body, answer.fields)
  },

  async revoke(context, credential) {
    const { service } = context
    const url = service.revoke_token_url
    if (url === null) return 'not_supported'
    const refresh = credential.refresh_token === undefined ? [] : [['refresh_token', credential.refresh_token] as const]
    const access = [['access_token', credential.access_token] as const]
    const { revoke_token: wanted } = service.advanced
    const tokens = wanted === 'both' ? [...refresh, ...access] : wanted === 'access_token' || refresh.length === 0 ? access : refresh
    const failures: unknown[] = []
    // Each is tried: a refresh token that could not be revoked is no reason to leave the access token alive.
    for (const [hint, token] of tokens)
      await revokeOne(context, url, token, hint, credential).catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw failures[0]
    return 'yes'
  },

  secretsOf: ({ access_token, refresh_token, id_token }) => [access_token, refresh_token, id_token].filter(one => one !== undefined),

  async probe(context) {
    try {
      if (context.service.grant_type === 'client_credentials') await fetchWithClientCredentials(context)
      else {
        const wrong = `probe-${context.random(16).toString('hex')}`
        const verifier = context.service.advanced.pkce === 'off' ? null : context.random(32).toString('base64url')
        await exchange(context, codeRequest(tokenContext(context), wrong, verifier), [wrong])
      }
      return 'client_accepted'
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return probed(error)
    }
  },
}

/** What a refusal of a wrong code tells: an OAuth error other than about the client means that the client got past its own check. */
function probed({ kind, status, error }: Refusal): 'client_accepted' | 'client_refused' | 'not_a_token_endpoint' | 'host_unreachable' {
  switch (kind) {
    case 'revoked':
      // what a protected resource says of a request without a token (RFC 6750 §3.1): an address of the API, not of its tokens
      return status === 401 && error === 'invalid_token' ? 'not_a_token_endpoint' : 'client_accepted'
    case 'client':
      return 'client_refused'
    case 'malformed':
      return 'not_a_token_endpoint'
    case 'down':
    case 'ambiguous':
      return 'host_unreachable'
    case 'config':
      return error === null || error === 'token_endpoint_redirect' || (status !== null && [403, 404, 405, 410, 451].includes(status))
        ? 'not_a_token_endpoint'
        : 'client_accepted'
  }
}
