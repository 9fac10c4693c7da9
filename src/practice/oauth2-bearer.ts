import type { IncomingMessage } from 'node:http'
import type { Pair } from '../core/request.ts'
import { tally, type AccessToken } from './state.ts'
import { cookiesOf, demandHeaders, json, Refusal, type Answer, type Exchange } from './exchange.ts'
import type { Placement } from './oauth2-clients.ts'
import type { Caller } from './echo.ts'

export const bearerOf = (request: IncomingMessage): string | null =>
  /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null

/** RFC 6750 §2: the header, a form field, or a query parameter. */
const standardPlaces: readonly Placement[] = [
  { place: 'header', name: 'authorization', prefix: 'Bearer' },
  { place: 'form', name: 'access_token', prefix: '' },
  { place: 'query', name: 'access_token', prefix: '' },
]

/** What stands at one place of a request, without its prefix; null when nothing does, or the prefix is another. */
export function valueAt(exchange: Exchange, fields: readonly Pair[], { place, name, prefix }: Placement): string | null {
  const stripped = (value: string | null | undefined): string | null => {
    if (value === null || value === undefined) return null
    if (prefix === '') return value
    return value.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase() ? value.slice(prefix.length).trimStart() : null
  }
  const among = (pairs: readonly Pair[]) => pairs.find(([own]) => own === name)?.[1]
  switch (place) {
    case 'header':
      return stripped([exchange.request.headers[name.toLowerCase()]].flat()[0])
    case 'query':
      return stripped(among(exchange.query))
    case 'form':
      return stripped(among(fields))
    case 'cookie':
      return stripped(among(cookiesOf(exchange.request)))
    default:
      return place satisfies never
  }
}

/** Every token-like piece of the request, to find out whose client's places have to be looked at. */
function* candidates(exchange: Exchange, fields: readonly Pair[]): Generator<string> {
  for (const header of Object.values(exchange.request.headers).flat()) {
    if (header === undefined) continue
    yield header
    const words = header.split(/[ =:]+/)
    yield words[words.length - 1] ?? ''
  }
  for (const [, value] of [...exchange.query, ...fields, ...cookiesOf(exchange.request)]) yield value
}

/**
 * Checks the access token of an API call, in the place its client's options name (RFC 6750 when they name none).
 * @returns who calls, or the answer that refuses them.
 */
export function callerByToken(exchange: Exchange, fields: readonly Pair[]): Caller | Answer {
  const { state } = exchange
  let token: AccessToken | undefined
  for (const candidate of candidates(exchange, fields)) if ((token = state.accessTokens.get(candidate))) break
  const challenge = (error: string, description: string) => ({
    'www-authenticate': `Bearer realm="practice", error="${error}", error_description="${description}"`,
  })
  const refuse = (status: number, error: string, description: string): Answer => {
    tally(state.counters.api, 'oauth2', 'refused')
    return json(status, { error, error_description: description }, challenge(error, description))
  }
  if (!token) {
    if (!exchange.request.headers.authorization && exchange.query.length === 0 && fields.length === 0) {
      tally(state.counters.api, 'oauth2', 'refused')
      return json(401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer realm="practice"' })
    }
    return refuse(401, 'invalid_token', 'The access token is unknown.')
  }
  const { options } = token.grant.client
  const places = options.api_credential ?? standardPlaces
  const used = places.filter(place => valueAt(exchange, fields, place) === token.value)
  if (used.length === 0) return refuse(401, 'invalid_request', 'The access token stands in a place this service does not read.')
  if (used.length > 1 && options.api_credential === null)
    return refuse(400, 'invalid_request', 'The access token is given in more than one place.')
  try {
    demandHeaders(exchange.request, options.api_headers)
  } catch (error) {
    if (error instanceof Refusal) return refuse(400, 'invalid_request', 'A header this service needs is missing.')
    throw error
  }
  const expired = token.expiresAt !== null && token.expiresAt <= state.now()
  if (expired || token.revoked || token.grant.revoked) {
    tally(state.counters.api, 'oauth2', expired ? 'expired' : 'revoked')
    if (options.expired_answer) return json(options.expired_answer.status, options.expired_answer.body)
    return json(
      401,
      { error: 'invalid_token' },
      challenge('invalid_token', expired ? 'The access token expired' : 'The access token was revoked'),
    )
  }
  return { via: 'oauth2', account: token.grant.account, tokenNumber: token.number, scopes: token.grant.scopes, secrets: [token.value] }
}
