import { invalid } from '../core/problem.ts'
import { encodeForm, headerNamePattern, headerValuePattern, percentEncode, withHeader } from '../core/request.ts'
import type { OutgoingRequest, Pair } from '../core/request.ts'
import { forPhase } from '../core/knobs.ts'
import type { ClientAuthentication, Phase } from '../core/knobs.ts'
import type { OAuth2Service } from '../core/service.ts'
import { fill } from '../core/template.ts'
import { scopesAsked, scopeText } from './oauth2-authorize.ts'
import { endpoint, replaceInQuery } from './oauth2-url.ts'
import type { Client } from './scheme.ts'

/** What every request to the token or revocation endpoint is made of. */
export interface TokenContext {
  readonly service: OAuth2Service
  readonly client: Client
  readonly variables: Readonly<Record<string, string>>
  readonly scopes: readonly string[]
  readonly redirectUrl: string
}

export interface TokenRequest {
  readonly phase: Phase
  readonly request: OutgoingRequest
  /** Everything that was sent as a parameter, wherever it went; for the trace, which masks it. */
  readonly parameters: readonly Pair[]
  readonly clientAuthentication: ClientAuthentication | 'bearer'
}

/** RFC 6749 §2.3.1: id and secret are form-encoded before they become user name and password. */
const formEncode = (text: string) => percentEncode(text).replaceAll('%20', '+')

const basic = (id: string, secret: string) => 'Basic ' + Buffer.from(`${id}:${secret}`).toString('base64')

function safeHeader(request: OutgoingRequest, name: string, value: string, path: string): OutgoingRequest {
  if (!headerNamePattern.test(name) || !headerValuePattern.test(value))
    throw invalid(path, 'This is sent in a header of the token request: visible ASCII characters only.')
  return withHeader(request, name, value)
}

interface Proof {
  readonly parameters: readonly Pair[]
  readonly query: readonly Pair[]
  readonly headers: readonly (readonly [name: string, value: string, path: string])[]
}

/** How the client proves itself: parameters, query or headers (RFC 6749 §2.3). One style, never a second try: a code dies on the first. */
function prove(service: OAuth2Service, client: Client, style: ClientAuthentication): Proof {
  const secret = client.secret?.expose() ?? ''
  const pairs: Pair[] = [['client_id', client.id], ...(secret === '' ? [] : [['client_secret', secret] as const])]
  const nothing: Proof = { parameters: [], query: [], headers: [] }
  switch (style) {
    case 'body':
      return { ...nothing, parameters: pairs }
    case 'query':
      return { ...nothing, query: pairs }
    case 'none':
      return { ...nothing, parameters: [['client_id', client.id]] } // RFC 6749 §3.2.1: a public client still says who it is
    case 'basic':
      return { ...nothing, headers: [['authorization', basic(client.id, secret), 'client_id']] }
    case 'basic_form_encoded':
      return { ...nothing, headers: [['authorization', basic(formEncode(client.id), formEncode(secret)), 'client_id']] }
    case 'headers': {
      const { client_id_header = 'client-id', client_secret_header = 'client-secret' } = service.advanced
      const own = [client_id_header, client.id, 'client_id'] as const
      return { ...nothing, headers: secret === '' ? [own] : [own, [client_secret_header, secret, 'client_secret']] }
    }
  }
}

const lower = (pairs: readonly Pair[]) => new Set(pairs.map(([name]) => name.toLowerCase()))

/** One value a name: what the definition adds replaces a standard parameter of that name, because somebody wrote it on purpose. */
function once(pairs: readonly Pair[]): Pair[] {
  return [...new Map(pairs.map(([name, value]) => [name, value]))]
}

const filled = (map: Readonly<Record<string, string>> | undefined, variables: Readonly<Record<string, string>>): Pair[] =>
  Object.entries(map ?? {}).map(([name, value]) => [name, fill(value, variables)])

function build(
  context: TokenContext,
  phase: Phase,
  template: string,
  own: readonly Pair[],
  extra: Readonly<Record<string, string>> | undefined,
  bearer?: string,
): TokenRequest {
  const { service, client, variables } = context
  const { advanced } = service
  const method = forPhase(advanced.token_method, phase, 'POST')
  // A GET has no body that a server must read (RFC 9110 §9.3.1).
  const place = method === 'GET' ? 'query' : forPhase(advanced.token_body, phase, 'form')
  const style = bearer === undefined ? forPhase(advanced.client_authentication, phase, 'body') : 'bearer'
  const proof: Proof =
    style === 'bearer'
      ? { parameters: [], query: [], headers: [['authorization', `Bearer ${bearer}`, 'credentials.access_token']] }
      : prove(service, client, style)

  const parameters = once([...own, ...filled(extra, variables), ...proof.parameters])
  const query = [...(place === 'query' ? parameters : []), ...proof.query]
  const url = new URL(
    replaceInQuery(
      endpoint(service, template, variables).href,
      lower(query),
      query.map(pair => encodeForm([pair])),
    ).url,
  )

  let request: OutgoingRequest = { method, url, headers: [], body: null }
  request = withHeader(request, 'accept', 'application/json')
  if (place === 'form') request = { ...request, body: { kind: 'form', fields: parameters } }
  if (place === 'json') {
    const text = JSON.stringify(Object.fromEntries(parameters))
    request = withHeader({ ...request, body: { kind: 'raw', bytes: Buffer.from(text) } }, 'content-type', 'application/json')
  }
  for (const [name, value] of Object.entries(advanced.token_headers ?? {}))
    request = safeHeader(request, name, fill(value, variables), `advanced.token_headers.${name}`)
  for (const [name, value, path] of proof.headers) request = safeHeader(request, name, value, path)
  return { phase, request, parameters: [...parameters, ...proof.query], clientAuthentication: style }
}

const grantType = (service: OAuth2Service, phase: Phase, standard: string): Pair => [
  'grant_type',
  service.advanced.grant_types?.[phase] ?? standard,
]

const scopePairs = (context: TokenContext): Pair[] => {
  const scopes = scopesAsked(context.service, context.scopes)
  return scopes.length > 0 ? [['scope', scopeText(context.service, scopes)]] : []
}

/** RFC 6749 §4.1.3 with RFC 7636 §4.5. @throws Problem validation_failed, destination_not_allowed */
export function codeRequest(context: TokenContext, code: string, codeVerifier: string | null): TokenRequest {
  const { service, redirectUrl } = context
  const { advanced } = service
  const own: Pair[] = [
    grantType(service, 'code', 'authorization_code'),
    ['code', code],
    ['redirect_uri', redirectUrl],
    ...(codeVerifier === null ? [] : [['code_verifier', codeVerifier] as const]),
    ...(advanced.code_scope ? scopePairs(context) : []),
  ]
  return build(context, 'code', service.access_token_url, own, advanced.token_params)
}

/** RFC 6749 §6. @throws Problem validation_failed, destination_not_allowed */
export function refreshRequest(context: TokenContext, refreshToken: string): TokenRequest {
  const { service, redirectUrl } = context
  const { advanced } = service
  const own: Pair[] = [
    grantType(service, 'refresh', 'refresh_token'),
    ['refresh_token', refreshToken],
    ...(advanced.refresh_redirect_uri ? [['redirect_uri', redirectUrl] as const] : []),
    ...(advanced.refresh_scope ? scopePairs(context) : []),
  ]
  return build(context, 'refresh', service.refresh_token_url ?? service.access_token_url, own, advanced.refresh_params)
}

/** RFC 6749 §4.4.2. @throws Problem validation_failed, destination_not_allowed */
export function clientCredentialsRequest(context: TokenContext): TokenRequest {
  const { service } = context
  const own = [grantType(service, 'client_credentials', 'client_credentials'), ...scopePairs(context)]
  return build(context, 'client_credentials', service.access_token_url, own, service.advanced.token_params)
}

/**
 * RFC 7009 §2.1.
 * @param accessToken  Authorises the request where the service wants that (`revoke_bearer`) instead of the client's own proof.
 * @throws Problem validation_failed, destination_not_allowed
 */
export function revokeRequest(
  context: TokenContext,
  revokeUrl: string,
  token: string,
  hint: 'refresh_token' | 'access_token',
  accessToken: string,
): TokenRequest {
  const { advanced } = context.service
  const own: Pair[] = [
    [advanced.revoke_token_param ?? 'token', token],
    ...(advanced.revoke_hint ? [['token_type_hint', hint] as const] : []),
  ]
  return build(context, 'revoke', revokeUrl, own, advanced.revoke_params, advanced.revoke_bearer ? accessToken : undefined)
}
