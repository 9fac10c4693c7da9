import type { Pair } from '../core/request.ts'
import { tally, type RequestToken, type TokenCredentials } from './state.ts'
import { text, type Answer, type Exchange, type ParsedBody } from './exchange.ts'
import type { Caller } from './echo.ts'
import type { Consumer } from './oauth1-consumers.ts'
import { baseString, baseUri, rsaVerifies, sharedSecretSignature, signatureMethods, type SignatureMethod } from './oauth1-signature.ts'
import { sameText } from './oauth2-client-authentication.ts'

const windowSeconds = 300

/** A problem in the words of the OAuth Problem Reporting extension, and what belongs to it. */
export class OAuth1Problem extends Error {
  readonly problem: string
  readonly status: number
  readonly details: Readonly<Record<string, string>>

  constructor(status: 400 | 401, problem: string, details: Readonly<Record<string, string>> = {}) {
    super(problem)
    this.name = 'OAuth1Problem'
    this.status = status
    this.problem = problem
    this.details = details
  }
}

/** The problem as a form body, and in the challenge. */
export function problemAnswer({ status, problem, details }: OAuth1Problem): Answer {
  const body = new URLSearchParams({ oauth_problem: problem, ...details }).toString()
  return text(status, 'application/x-www-form-urlencoded', body, {
    'www-authenticate': `OAuth realm="practice", oauth_problem="${problem}"`,
  })
}

/** What a signed request says in its `oauth_` parameters, after all of it was checked. */
export interface Signed {
  readonly consumer: Consumer
  readonly token: RequestToken | TokenCredentials | null
  get(name: string): string | null
}

/** RFC 5849 §3.5.1: quoted, percent-encoded, separated by commas. Null when the header is of another scheme. */
export function parseAuthorization(header: string | undefined): Pair[] | null {
  const content = /^oauth\s+(.*)$/is.exec(header ?? '')?.[1]
  if (content === undefined) return null
  return content
    .split(',')
    .filter(part => part.trim() !== '')
    .map(part => {
      const [, name, value] = /^\s*([^=\s]+)="([^"]*)"\s*$/.exec(part) ?? []
      if (name === undefined || value === undefined) throw new OAuth1Problem(400, 'parameter_rejected')
      return [decoded(name), decoded(value)] as const
    })
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw new OAuth1Problem(400, 'parameter_rejected')
  }
}

const isProtocol = ([name]: Pair): boolean => name.startsWith('oauth_')

/**
 * Verifies one signed request (RFC 5849 §3.2): every parameter once and in one place, consumer, token, time, nonce, signature.
 * @param findToken what the endpoint takes as `oauth_token`; null when it takes none.
 * @throws OAuth1Problem
 */
export function verifySigned(
  exchange: Exchange,
  body: ParsedBody | null,
  findToken: ((value: string) => RequestToken | TokenCredentials | undefined) | null,
): Signed {
  const { state } = exchange
  const form = body?.type === 'form' ? body.fields : []
  const header = parseAuthorization(exchange.request.headers.authorization)
  const places = { header: header?.filter(isProtocol) ?? [], query: exchange.query.filter(isProtocol), form: form.filter(isProtocol) }
  const used = (['header', 'form', 'query'] as const).filter(place => places[place].length > 0)
  const place = used[0]
  if (place === undefined) throw absent(['oauth_consumer_key', 'oauth_signature_method', 'oauth_signature'])
  if (used.length > 1) throw new OAuth1Problem(400, 'parameter_rejected', { oauth_parameters_rejected: 'placed twice' })
  const get = (name: string): string | null => {
    const found = places[place].filter(([own]) => own === name)
    if (found.length > 1) throw new OAuth1Problem(400, 'parameter_rejected', { oauth_parameters_rejected: name })
    return found[0]?.[1] ?? null
  }
  const need = (name: string): string => get(name) ?? fail(absent([name]))

  const consumer = state.consumers.get(need('oauth_consumer_key')) ?? fail(new OAuth1Problem(401, 'consumer_key_unknown'))
  if (consumer.placement !== 'any' && consumer.placement !== place)
    throw new OAuth1Problem(400, 'parameter_rejected', { oauth_parameters_rejected: place })
  const realm = header?.find(([name]) => name === 'realm')?.[1] ?? null
  if (consumer.realm !== null && realm !== consumer.realm)
    throw new OAuth1Problem(401, 'parameter_rejected', { oauth_parameters_rejected: 'realm' })
  const version = get('oauth_version')
  if (version !== null && version !== '1.0') throw new OAuth1Problem(400, 'version_rejected', { oauth_acceptable_versions: '1.0-1.0' })
  const named = need('oauth_signature_method')
  const method = signatureMethods.find(one => one === named)
  if (!method || !consumer.signature_methods.includes(method)) throw new OAuth1Problem(400, 'signature_method_rejected')

  const tokenValue = findToken ? need('oauth_token') : null
  const token = tokenValue === null ? null : (findToken?.(tokenValue) ?? fail(new OAuth1Problem(401, 'token_rejected')))
  if (token && token.consumer.consumer_key !== consumer.consumer_key) throw new OAuth1Problem(401, 'token_rejected')

  if (method !== 'PLAINTEXT') checkTime(exchange, need('oauth_timestamp'))
  const signed = [...(header ?? []).filter(([name]) => name !== 'realm'), ...exchange.query, ...form].filter(
    ([name]) => name !== 'oauth_signature',
  )
  const base = baseString(exchange.method, baseUri(exchange.origin.split(':', 1)[0] ?? '', exchange.host, exchange.rawPath), signed)
  if (!verifies(method, base, consumer, token?.secret ?? '', need('oauth_signature'))) throw new OAuth1Problem(401, 'signature_invalid')
  if (method !== 'PLAINTEXT')
    useNonce(exchange, `${consumer.consumer_key} ${tokenValue ?? ''} ${need('oauth_timestamp')} ${need('oauth_nonce')}`)
  return { consumer, token, get }
}

function fail(problem: OAuth1Problem): never {
  throw problem
}

const absent = (names: readonly string[]) => new OAuth1Problem(400, 'parameter_absent', { oauth_parameters_absent: names.join('&') })

function verifies(method: SignatureMethod, base: string, consumer: Consumer, tokenSecret: string, signature: string): boolean {
  if (method === 'RSA-SHA1' || method === 'RSA-SHA256')
    return consumer.public_key !== null && rsaVerifies(method, base, consumer.public_key, signature)
  return sameText(signature, sharedSecretSignature(method, base, consumer.consumer_secret, tokenSecret))
}

/** RFC 5849 §3.3. The answer tells the acceptable range, so that a client can learn how far its clock is off. */
function checkTime({ state }: Exchange, timestamp: string): void {
  const now = Math.floor(state.now() / 1000)
  if (/^[1-9]\d{0,11}$/.test(timestamp) && Math.abs(Number(timestamp) - now) <= windowSeconds) return
  throw new OAuth1Problem(401, 'timestamp_refused', { oauth_acceptable_timestamps: `${now - windowSeconds}-${now + windowSeconds}` })
}

/** Only after the signature was right: a stranger must not be able to use up nonces. */
function useNonce({ state }: Exchange, nonce: string): void {
  if (state.nonces.get(nonce)) throw new OAuth1Problem(401, 'nonce_used')
  state.nonces.set(nonce, true)
}

/** Checks a signed API call with token credentials (RFC 5849 §3.1). */
export function callerBySignature(exchange: Exchange, body: ParsedBody | null): Caller | Answer {
  const { state } = exchange
  try {
    const signed = verifySigned(exchange, body, value => state.tokenCredentials.get(value))
    const token = state.tokenCredentials.get(signed.token?.value ?? '') ?? fail(new OAuth1Problem(401, 'token_rejected'))
    if (token.revoked) throw new OAuth1Problem(401, 'token_revoked')
    if (token.expiresAt !== null && token.expiresAt <= state.now()) throw new OAuth1Problem(401, 'token_expired')
    const secrets = [token.value, signed.get('oauth_signature') ?? '']
    return { via: 'oauth1', account: token.account, tokenNumber: token.number, scopes: [], secrets }
  } catch (error) {
    if (!(error instanceof OAuth1Problem)) throw error
    tally(state.counters.api, 'oauth1', error.problem)
    return problemAnswer(error)
  }
}
