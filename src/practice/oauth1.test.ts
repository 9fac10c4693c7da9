import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, assert, beforeEach, describe, test } from 'vitest'
import { callback, startAsking, type Asking, type Fields, type Said } from '../../test/support/practice-asking.ts'
import { parseAuthorization } from './oauth1-verify.ts'
import { baseString, baseUri, encode, sharedSecretSignature } from './oauth1-signature.ts'

interface Published {
  readonly oauth1: readonly {
    readonly name: string
    readonly method: string
    readonly url: string
    readonly params: readonly [string, string][]
    readonly consumer_secret: string
    readonly token_secret: string
    readonly base_string: string
    readonly signature: string
  }[]
  readonly oauth1_base_uri: readonly [string, string, string][]
  readonly oauth1_encode: Fields
  readonly oauth1_plaintext: readonly [string, string, string][]
}
const published = JSON.parse(readFileSync(new URL('../../test/vectors/published.json', import.meta.url), 'utf8')) as Published

describe('published vectors', () => {
  for (const vector of published.oauth1) {
    test(vector.name, () => {
      const url = /^(https?):\/\/([^/]+)(.*)$/.exec(vector.url) ?? []
      const base = baseString(vector.method, baseUri(url[1] ?? '', url[2] ?? '', url[3] ?? ''), vector.params)
      assert.equal(base, vector.base_string)
      assert.equal(sharedSecretSignature('HMAC-SHA1', base, vector.consumer_secret, vector.token_secret), vector.signature)
    })
  }
  test('base string URIs, encoding and PLAINTEXT', () => {
    for (const [, url, expected] of published.oauth1_base_uri) {
      const [, scheme = '', host = '', target = ''] = /^(https?):\/\/([^/]+)(.*)$/.exec(url) ?? []
      assert.equal(baseUri(scheme, host, target), expected)
    }
    for (const [plain, expected] of Object.entries(published.oauth1_encode)) assert.equal(encode(plain), expected)
    for (const [consumer, token, expected] of published.oauth1_plaintext)
      assert.equal(sharedSecretSignature('PLAINTEXT', '', consumer, token), expected)
  })
  test('the Authorization header of RFC 5849 §3.5.1', () => {
    assert.deepEqual(
      parseAuthorization('OAuth realm="Example",\n oauth_token="ad180jjd733klru7", oauth_signature="wOJIO9A2W5mFwDgiDvZbTSMK%2FPY%3D"'),
      [
        ['realm', 'Example'],
        ['oauth_token', 'ad180jjd733klru7'],
        ['oauth_signature', 'wOJIO9A2W5mFwDgiDvZbTSMK/PY='],
      ],
    )
    assert.equal(parseAuthorization('Bearer x'), null)
  })
})

let practice: Asking
beforeEach(async () => {
  practice = await startAsking()
})
afterEach(() => practice.close())

interface Signing {
  readonly key?: string
  readonly secret?: string
  readonly token?: string
  readonly tokenSecret?: string
  readonly method?: string
  readonly placement?: 'header' | 'query' | 'form'
  readonly extra?: Fields
  readonly form?: Fields
  readonly timestamp?: number
  readonly nonce?: string
  readonly privateKey?: string
  readonly realm?: string
}

/** A signer of the test's own: it shares no line with the verifier. */
const strict = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase())

async function signed(httpMethod: string, path: string, options: Signing): Promise<Said> {
  const method = options.method ?? 'HMAC-SHA1'
  const placement = options.placement ?? 'header'
  const url = new URL(practice.url + path)
  const oauth: Record<string, string> = {
    oauth_consumer_key: options.key ?? 'practice-consumer',
    oauth_signature_method: method,
    oauth_timestamp: String(options.timestamp ?? Math.floor(practice.clock.ms / 1000)),
    oauth_nonce: options.nonce ?? randomBytes(8).toString('hex'),
    oauth_version: '1.0',
    ...(options.token === undefined ? {} : { oauth_token: options.token }),
    ...options.extra,
  }
  const all = [...Object.entries(oauth), ...url.searchParams, ...Object.entries(options.form ?? {})]
  const sorted = all.map(([name, value]) => `${strict(name)}=${strict(value)}`).sort()
  const base = [httpMethod, url.origin + url.pathname, sorted.join('&')].map(strict).join('&')
  const key = `${strict(options.secret ?? 'practice-consumer-secret')}&${strict(options.tokenSecret ?? '')}`
  if (method === 'PLAINTEXT') oauth.oauth_signature = key
  else if (method.startsWith('RSA'))
    oauth.oauth_signature = sign(method.slice(4), Buffer.from(base), options.privateKey ?? '').toString('base64')
  else
    oauth.oauth_signature = createHmac(method === 'HMAC-SHA1' ? 'sha1' : 'sha256', key)
      .update(base)
      .digest('base64')
  if (placement === 'query') for (const [name, value] of Object.entries(oauth)) url.searchParams.set(name, value)
  const inForm = { ...options.form, ...(placement === 'form' ? oauth : {}) }
  const header = Object.entries(oauth).map(([name, value]) => `${strict(name)}="${strict(value)}"`)
  if (options.realm !== undefined) header.unshift(`realm="${options.realm}"`)
  return practice.ask(url.href, {
    method: httpMethod,
    ...(placement === 'header' ? { headers: { authorization: `OAuth ${header.join(', ')}` } } : {}),
    ...(Object.keys(inForm).length > 0 ? { body: new URLSearchParams(inForm) } : {}),
  })
}

const fieldsOf = (said: Said): Fields => Object.fromEntries(new URLSearchParams(said.text))

async function connect(options: Signing = {}): Promise<Fields> {
  const temporary = fieldsOf(await signed('POST', '/oauth1/request_token', { ...options, extra: { oauth_callback: callback } }))
  const { headers } = await practice.ask(`/oauth1/authorize?auto=accept&oauth_token=${temporary.oauth_token ?? ''}`)
  const back = new URL(headers.get('location') ?? '').searchParams
  return fieldsOf(
    await signed('POST', '/oauth1/access_token', {
      ...options,
      token: temporary.oauth_token ?? '',
      tokenSecret: temporary.oauth_token_secret ?? '',
      extra: { oauth_verifier: back.get('oauth_verifier') ?? '' },
    }),
  )
}

const withToken = (credentials: Fields): Signing => ({
  token: credentials.oauth_token ?? '',
  tokenSecret: credentials.oauth_token_secret ?? '',
})

test('every signature method and every place leads through the whole dance to the API', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  await practice.postJson('/oauth1/clients', { consumer_key: 'key & ü', consumer_secret: 's%c+r/t =&', public_key: publicKey })
  const consumer = { key: 'key & ü', secret: 's%c+r/t =&', privateKey }
  for (const method of ['HMAC-SHA1', 'HMAC-SHA256', 'RSA-SHA1', 'RSA-SHA256', 'PLAINTEXT']) {
    for (const placement of ['header', 'query', 'form'] as const) {
      const options = { ...consumer, method, placement }
      const credentials = await connect(options)
      assert.ok(credentials.oauth_token, `${method} ${placement}`)
      const call = { ...options, ...withToken(credentials), form: { 'a b': 'x+y', c: '' } }
      const said = await signed('POST', '/oauth1/echo?q=%20%2B&q=2', call)
      assert.equal(said.status, 200, `${method} ${placement} ${said.text}`)
      assert.notInclude(said.text, credentials.oauth_token ?? '-')
      const wrong = await signed('POST', '/oauth1/echo', { ...call, tokenSecret: 'other', privateKey: generateOtherKey() })
      assert.equal(fieldsOf(wrong).oauth_problem, 'signature_invalid')
    }
  }
})

let otherKey: string | null = null
const generateOtherKey = () =>
  (otherKey ??= generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey)

test('a nonce is good once, and a timestamp within five minutes of the clock of the service', async () => {
  const token = withToken(await connect())
  assert.equal((await signed('GET', '/oauth1/me', { ...token, nonce: 'n1' })).json.id, 'ada')
  const replayed = await signed('GET', '/oauth1/me', { ...token, nonce: 'n1' })
  assert.deepEqual([replayed.status, fieldsOf(replayed).oauth_problem], [401, 'nonce_used'])

  const now = practice.clock.ms / 1000
  assert.equal((await signed('GET', '/oauth1/me', { ...token, timestamp: now - 300 })).status, 200)
  const late = await signed('GET', '/oauth1/me', { ...token, timestamp: now - 301 })
  assert.equal(late.status, 401)
  assert.deepEqual(fieldsOf(late), { oauth_problem: 'timestamp_refused', oauth_acceptable_timestamps: `${now - 300}-${now + 300}` })
  await practice.postJson('/practice/clock', { offset_seconds: 86_400 })
  assert.equal(fieldsOf(await signed('GET', '/oauth1/me', token)).oauth_problem, 'timestamp_refused')
  assert.equal((await signed('GET', '/oauth1/me', { ...token, timestamp: now + 86_400 })).status, 200)
})

test('the dance refuses an unknown consumer, a missing callback, no verifier, a wrong one, and a second use', async () => {
  const problemOf = async (said: Promise<Said>) => fieldsOf(await said).oauth_problem
  const extra = { oauth_callback: callback }
  assert.equal(await problemOf(signed('POST', '/oauth1/request_token', { key: 'nobody', extra })), 'consumer_key_unknown')
  assert.equal(await problemOf(signed('POST', '/oauth1/request_token', { secret: 'wrong', extra })), 'signature_invalid')
  assert.equal(await problemOf(signed('POST', '/oauth1/request_token', {})), 'parameter_absent')
  assert.equal(
    await problemOf(signed('POST', '/oauth1/request_token', { method: 'PLAINTEXT', extra: { ...extra, oauth_version: '2.0' } })),
    'version_rejected',
  )

  const temporary = fieldsOf(await signed('POST', '/oauth1/request_token', { extra }))
  assert.equal(temporary.oauth_callback_confirmed, 'true')
  const redeem = (verifier: string) =>
    signed('POST', '/oauth1/access_token', { ...withToken(temporary), extra: verifier ? { oauth_verifier: verifier } : {} })
  assert.equal(await problemOf(redeem('x')), 'permission_unknown')
  const { headers } = await practice.ask(`/oauth1/authorize?auto=accept&oauth_token=${temporary.oauth_token ?? ''}`)
  const back = new URL(headers.get('location') ?? '').searchParams
  assert.equal(back.get('oauth_token'), temporary.oauth_token)
  assert.equal(await problemOf(redeem('')), 'parameter_absent')
  assert.equal(await problemOf(redeem('wrong')), 'verifier_invalid')
  assert.equal((await redeem(back.get('oauth_verifier') ?? '')).status, 200)
  assert.equal(await problemOf(redeem(back.get('oauth_verifier') ?? '')), 'token_rejected')
  assert.equal(await problemOf(signed('GET', '/oauth1/me', withToken(temporary))), 'token_rejected', 'a request token opens no API')
})

test('a person sees a page, and may deny', async () => {
  const temporary = fieldsOf(await signed('POST', '/oauth1/request_token', { extra: { oauth_callback: `${callback}?own=1` } }))
  const page = await practice.ask(`/oauth1/authorize?oauth_token=${temporary.oauth_token ?? ''}`)
  assert.include(page.text, 'Practice consumer asks for access')
  const denied = await practice.postForm('/oauth1/authorize', { oauth_token: temporary.oauth_token ?? '', decision: 'reject' })
  assert.equal(denied.headers.get('location'), `${callback}?own=1&denied=${temporary.oauth_token ?? ''}`)
  const late = await signed('POST', '/oauth1/access_token', { ...withToken(temporary), extra: { oauth_verifier: 'x' } })
  assert.equal(fieldsOf(late).oauth_problem, 'permission_denied')
  const oob = fieldsOf(await signed('POST', '/oauth1/request_token', { extra: { oauth_callback: 'oob' } }))
  assert.match((await practice.ask(`/oauth1/authorize?auto=accept&oauth_token=${oob.oauth_token ?? ''}`)).text, /<code>ver_/)
})

test('a consumer has its own habits: place, realm, methods, callback_confirmed, sessions', async () => {
  const register = (options: object) => practice.postJson('/oauth1/clients', { consumer_key: 'own', consumer_secret: 'secret', ...options })
  const own = { key: 'own', secret: 'secret' }
  const start = async (more: Signing = {}) =>
    fieldsOf(await signed('POST', '/oauth1/request_token', { ...own, extra: { oauth_callback: callback }, ...more }))

  await register({ placement: 'query', callback_confirmed: null })
  assert.equal((await start()).oauth_problem, 'parameter_rejected')
  const temporary = await start({ placement: 'query' })
  assert.ok(temporary.oauth_token)
  assert.notProperty(temporary, 'oauth_callback_confirmed')
  await register({ realm: '1234_SB1' })
  assert.equal((await start()).oauth_problem, 'parameter_rejected')
  assert.ok((await start({ realm: '1234_SB1' })).oauth_token)
  await register({ signature_methods: ['HMAC-SHA256'] })
  assert.equal((await start()).oauth_problem, 'signature_method_rejected')
  await register({ callbacks: ['https://other.test/'] })
  assert.equal((await start()).oauth_problem, 'parameter_rejected')

  await register({ session_handle: true, token_seconds: 60 })
  const first = await connect(own)
  assert.equal(first.oauth_expires_in, '60')
  practice.clock.ms += 61_000
  assert.equal(fieldsOf(await signed('GET', '/oauth1/me', { ...own, ...withToken(first) })).oauth_problem, 'token_expired')
  const renew = () =>
    signed('POST', '/oauth1/access_token', {
      ...own,
      ...withToken(first),
      extra: { oauth_session_handle: first.oauth_session_handle ?? '' },
    })
  const second = fieldsOf(await renew())
  assert.equal((await signed('GET', '/oauth1/me', { ...own, ...withToken(second) })).json.id, 'ada')
  assert.equal(fieldsOf(await renew()).oauth_problem, 'token_rejected')
})

test('its endpoints misbehave by name', async () => {
  await practice.postJson('/practice/misbehave', {
    endpoint: 'request_token',
    body: 'oauth_token=a&oauth_token=b',
    content_type: 'text/html',
  })
  const said = await signed('POST', '/oauth1/request_token', { extra: { oauth_callback: callback } })
  assert.deepEqual([said.text, said.headers.get('content-type')], ['oauth_token=a&oauth_token=b', 'text/html'])
})
