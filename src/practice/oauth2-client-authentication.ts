import { createHmac, timingSafeEqual, verify, type KeyLike } from 'node:crypto'
import type { Pair } from '../core/request.ts'
import { basicOf, isRecord, parseJson, Refusal, single, type Exchange } from './exchange.ts'
import { findClient, issuerOf, styleOf, type Client, type Phase } from './oauth2-clients.ts'

/** Equal, in a time that does not depend on where the first difference stands. */
export function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** application/x-www-form-urlencoded, which RFC 6749 §2.3.1 applies to both halves of Basic. Null when it is not that. */
function formDecoded(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return null
  }
}

/**
 * Which client this might be, wherever its id stands: the place is judged later, by the client's own options.
 * @throws Refusal invalid_client
 */
export function identifyClient(exchange: Exchange, pairs: readonly Pair[]): Client {
  const client = guessClient(exchange, pairs)
  if (!client) throw clientRefusal(exchange, 'No registered client is named in this request.', 'client_id')
  return client
}

export function guessClient(exchange: Exchange, pairs: readonly Pair[]): Client | undefined {
  const basic = basicOf(exchange.request)
  const assertion = pairs.find(([name]) => name === 'client_assertion')?.[1]
  const candidates = [
    ...(basic ? [basic.user, formDecoded(basic.user) ?? ''] : []),
    ...pairs.filter(([name]) => name === 'client_id').map(([, value]) => value),
    ...pairs.map(([, value]) => value),
    ...Object.values(exchange.request.headers).flatMap(value => (typeof value === 'string' ? [value] : [])),
    ...(assertion === undefined ? [] : [String(claimsOf(assertion)?.iss)]),
  ]
  for (const candidate of candidates) {
    const client = findClient(exchange.state, exchange.dialect, candidate)
    if (client) return client
  }
  return undefined
}

/** RFC 6749 §5.2: 401, and a challenge when the client tried the Authorization header. */
const clientRefusal = (exchange: Exchange, description: string, aspect: string): Refusal =>
  new Refusal(401, 'invalid_client', description, {
    aspect,
    headers: exchange.request.headers.authorization === undefined ? {} : { 'www-authenticate': 'Basic realm="practice"' },
  })

/**
 * Checks the client's authentication in exactly the style its options name: a right secret in the wrong place is refused,
 * and so is a second style beside the first (RFC 6749 §2.3).
 * @param pairs the parameters of the request, from wherever the client's options want them.
 * @throws Refusal invalid_client
 */
export function authenticateClient(exchange: Exchange, client: Client, phase: Phase, pairs: readonly Pair[]): void {
  const { options } = client
  const style = styleOf(options, phase)
  const { request } = exchange
  const basic = basicOf(request)
  const secretParameter = single(pairs, options.client_secret_parameter)
  const queried = single(exchange.query, options.client_secret_parameter)
  const headed = request.headers[options.client_headers.secret.toLowerCase()]
  const assertion = single(pairs, 'client_assertion')
  const secretIs = (given: string | null) => client.client_secret !== null && given !== null && sameText(given, client.client_secret)
  const idIs = (given: string | null) => given === client.client_id
  const refuse = (description: string) => clientRefusal(exchange, description, 'client_secret')

  const used = [basic && 'basic', secretParameter !== null && 'body', headed !== undefined && 'headers', assertion !== null && 'assertion']
  if (used.filter(Boolean).length > 1) throw new Refusal(400, 'invalid_request', 'The client authenticates in more than one way.')

  const body = () => {
    const inQuery = options.token_request_body === 'form' && queried !== null
    return !inQuery && idIs(single(pairs, options.client_id_parameter)) && secretIs(secretParameter)
  }
  const basicRaw = () => basic !== null && idIs(basic.user) && secretIs(basic.password)
  const basicEncoded = () => basic !== null && idIs(formDecoded(basic.user)) && secretIs(formDecoded(basic.password))

  switch (style) {
    case 'any':
      if (!(body() || basicRaw() || basicEncoded()))
        throw refuse('The client id or secret is wrong, or stands in a place this service does not read.')
      return
    case 'body':
      if (!body()) throw refuse('This client sends its id and secret as parameters of the token request.')
      return
    case 'basic':
      if (!basicRaw()) throw refuse('This client sends its id and secret by Basic authentication, as they are.')
      return
    case 'basic_form_encoded':
      if (!basicEncoded()) throw refuse('This client sends its id and secret by Basic authentication, each form-encoded first.')
      return
    case 'query':
      if (!(idIs(single(exchange.query, options.client_id_parameter)) && secretIs(queried)))
        throw refuse('This client sends its id and secret in the query.')
      return
    case 'headers': {
      const id = request.headers[options.client_headers.id.toLowerCase()]
      if (!(typeof id === 'string' && typeof headed === 'string' && idIs(id) && secretIs(headed)))
        throw refuse(`This client sends the headers ${options.client_headers.id} and ${options.client_headers.secret}.`)
      return
    }
    case 'client_secret_jwt':
    case 'private_key_jwt':
      checkAssertion(exchange, client, style, pairs, refuse)
      return
    case 'none':
      if (used.some(Boolean) || queried !== null) throw refuse('This is a public client: it has no secret to send.')
      return
    default:
      style satisfies never
  }
}

const claimsOf = (token: string): Record<string, unknown> | null => {
  const claims = parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return isRecord(claims) ? claims : null
}

/** RFC 7523 §3: issuer and subject are the client, the audience is us, it expires, and it is taken once. */
function checkAssertion(
  exchange: Exchange,
  client: Client,
  style: 'client_secret_jwt' | 'private_key_jwt',
  pairs: readonly Pair[],
  refuse: (description: string) => Refusal,
): void {
  if (single(pairs, 'client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    throw refuse('client_assertion_type is missing or unknown.')
  const assertion = single(pairs, 'client_assertion') ?? ''
  const [header = '', payload = '', signature = ''] = assertion.split('.')
  const claims = claimsOf(assertion)
  const algorithm = parseJson(Buffer.from(header, 'base64url').toString())
  const alg = isRecord(algorithm) ? algorithm.alg : null
  if (!claims) throw refuse('client_assertion is not a JWT.')
  const key = style === 'client_secret_jwt' ? client.client_secret : client.options.public_key
  if (key === null || !signedBy(String(alg), key, `${header}.${payload}`, Buffer.from(signature, 'base64url')))
    throw refuse('The signature of client_assertion does not verify.')
  const audience = [claims.aud].flat()
  const own = [issuerOf(exchange), exchange.origin + exchange.rawPath]
  if (claims.iss !== client.client_id || claims.sub !== client.client_id) throw refuse('iss and sub of client_assertion are the client id.')
  if (!audience.some(one => own.includes(String(one)))) throw refuse('aud of client_assertion is the token endpoint or the issuer.')
  if (typeof claims.exp !== 'number' || claims.exp * 1000 <= exchange.state.now()) throw refuse('client_assertion has expired.')
  const once = `${client.client_id} ${String(claims.jti)}`
  if (exchange.state.assertions.get(once)) throw refuse('This client_assertion was used already.')
  exchange.state.assertions.set(once, true)
}

/** RFC 7518 §3. A client secret makes HS256 only, a public key never does: the key decides, not the header. */
function signedBy(alg: string, key: string, signed: string, signature: Buffer): boolean {
  const bytes = Buffer.from(signed)
  if (!key.startsWith('-----BEGIN')) {
    const expected = createHmac('sha256', key).update(bytes).digest()
    return alg === 'HS256' && expected.length === signature.length && timingSafeEqual(expected, signature)
  }
  const publicKey: KeyLike = key
  if (alg === 'RS256') return verify('sha256', bytes, publicKey, signature)
  if (alg === 'ES256') return verify('sha256', bytes, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
  return false
}
