import { createHash } from 'node:crypto'
import { percentEncode } from '../core/request.ts'
import { scopeSeparators, splitScopes, unique } from '../core/scopes.ts'
import type { OAuth2Service } from '../core/service.ts'
import { fill } from '../core/template.ts'
import { fillUrl, queryNames, replaceInQuery } from './oauth2-url.ts'

/** Parameters of an authorization request that are ours: never the developer's, never twice (RFC 6749 §3.1, §4.1.1; RFC 7636 §4.3). */
const ours = ['client_id', 'redirect_uri', 'response_type', 'state', 'code_challenge', 'code_challenge_method']

/** What stands between the scopes of this service. */
export const separatorOf = (service: OAuth2Service): string => service.advanced.scope_separator ?? scopeSeparators[service.scope_delimiter]

/** Scopes in a text somebody else wrote, by any usual separator and by the service's own. */
export const scopesIn = (service: OAuth2Service, text: string): string[] =>
  unique(text.split(service.advanced.scope_separator ?? ' ').flatMap(splitScopes))

const scopeParameter = (service: OAuth2Service): string => service.advanced.scope_param ?? 'scope'

/** Scopes typed into the authorize URL, or given as a fixed parameter, in `name`. */
function typedScopes(service: OAuth2Service, name: string): string[] {
  const typed = replaceInQuery(service.authorize_url ?? '', new Set([name.toLowerCase()]), []).removed.map(one => one.value)
  const fixed = Object.entries(service.advanced.authorize_params ?? {}).flatMap(([own, value]) =>
    own.toLowerCase() === name.toLowerCase() ? [value] : [],
  )
  return [...typed, ...fixed].flatMap(text => scopesIn(service, text))
}

/** Everything a connection asks for: what the definition types or requires, and what the person chose; each once, in that order. */
export const scopesAsked = (service: OAuth2Service, chosen: readonly string[]): string[] =>
  unique([...typedScopes(service, scopeParameter(service)), ...(service.advanced.required_scopes ?? []), ...chosen])

/** A scope list as a request carries it, not yet encoded (RFC 6749 §3.3 says blanks; half the services say commas). */
export const scopeText = (service: OAuth2Service, scopes: readonly string[]): string => scopes.join(separatorOf(service))

/** Characters that may stand in a query as they are (RFC 3986 §3.4) and mean nothing there: without `&`, `=`, `+`, `%`. */
const encodeRaw = (text: string) => text.replace(/[^A-Za-z0-9\-._~!$'()*,;:@/?]/gu, one => percentEncode(one))

function encodeScopes(service: OAuth2Service, scopes: readonly string[]): string {
  switch (service.advanced.scope_encoding ?? 'percent') {
    case 'percent':
      return percentEncode(scopeText(service, scopes))
    case 'plus':
      return percentEncode(scopeText(service, scopes)).replaceAll('%20', '+')
    case 'raw':
      // A blank or a line end has no raw form, and & # would end the parameter; everything else goes as the service wants it.
      return scopes.map(encodeRaw).join(separatorOf(service).replace(/[\s&#%]/g, percentEncode))
  }
}

/** RFC 7636 §4.2, S256. */
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier, 'ascii').digest('base64url')

export interface AuthorizationRequest {
  readonly service: OAuth2Service
  readonly clientId: string
  readonly redirectUrl: string
  /** What the person chose. */
  readonly scopes: readonly string[]
  /** `[A-Za-z0-9_-]` only: some services fail on anything else. */
  readonly state: string
  readonly variables: Readonly<Record<string, string>>
  /** Null when PKCE is off. */
  readonly codeVerifier: string | null
}

/**
 * The URL of the service's own page that a browser is sent to. The developer's text is kept byte for byte, except for the
 * parameters that are ours and for scopes typed into it, which are united with the connection's.
 *
 * @returns a text and not a `URL`, because parsing would rewrite some of those bytes.
 * @throws Problem validation_failed for a variable without a (fitting) value.
 * @see RFC 6749 §4.1.1, RFC 7636 §4.3
 */
export function authorizeUrl(request: AuthorizationRequest): string {
  const { service, variables, state, codeVerifier } = request
  const { advanced } = service
  if (!/^[A-Za-z0-9_-]{1,512}$/.test(state)) throw new Error('a state has letters, digits, _ and - only')
  const clientId = advanced.client_id_param ?? 'client_id'
  const scope = scopeParameter(service)
  const second = advanced.second_scopes
  const taken = new Set([...ours, clientId, scope, ...(second ? [second.param] : [])].map(name => name.toLowerCase()))

  const template = service.authorize_url ?? ''
  const typed = queryNames(template)
  const pieces = [
    `${percentEncode(clientId)}=${percentEncode(request.clientId)}`,
    `redirect_uri=${percentEncode(request.redirectUrl)}`,
    'response_type=code',
    `state=${state}`,
  ]
  const scopes = scopesAsked(service, request.scopes)
  if (scopes.length > 0) pieces.push(`${percentEncode(scope)}=${encodeScopes(service, scopes)}`)
  if (second) {
    const list = unique([...typedScopes(service, second.param), ...second.scopes])
    if (list.length > 0) pieces.push(`${percentEncode(second.param)}=${encodeScopes(service, list)}`)
  }
  if (codeVerifier !== null) pieces.push(`code_challenge=${challengeOf(codeVerifier)}`, 'code_challenge_method=S256')
  for (const [name, value] of Object.entries(advanced.authorize_params ?? {})) {
    // What stands in the URL was typed there on purpose, and a parameter may not come twice (RFC 6749 §3.1).
    if (taken.has(name.toLowerCase()) || typed.has(name.toLowerCase())) continue
    pieces.push(`${percentEncode(name)}=${percentEncode(fill(value, variables))}`)
  }
  const kept = fillUrl(replaceInQuery(template, taken, []).url, variables)
  return replaceInQuery(kept, new Set(), pieces).url
}
