import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, assert, beforeAll, beforeEach, describe, test } from 'vitest'
import { Problem } from '../core/problem.ts'
import type { Body, OutgoingRequest } from '../core/request.ts'
import { Secret } from '../core/secret.ts'
import { serviceInput } from '../core/service.ts'
import type { OAuth1Service } from '../core/service.ts'
import { parseExceptions } from '../egress/addresses.ts'
import { createEgress } from '../egress/send.ts'
import type { Practice } from '../practice/server.ts'
import { startPractice } from '../practice/server.ts'
import { oauth1, type OAuth1Credential } from './oauth1.ts'
import { Refusal, type Callback, type Context, type Grant, type Step, type TraceStep } from './scheme.ts'

const egress = createEgress({ allowInsecureHttp: ['127.0.0.1'], allowPrivateAddresses: parseExceptions('127.0.0.1') })
let practice: Practice
beforeAll(async () => {
  practice = await startPractice({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await egress.close()
  await practice.close()
})
beforeEach(() => post('/practice/reset', {}))

async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
  const bytes = Buffer.from(JSON.stringify(body))
  const answer = await egress.send({
    method: 'POST',
    url: new URL(practice.url + path),
    headers: ['content-type', 'application/json'],
    body: { kind: 'raw', bytes },
  })
  return answer.body.length > 0 ? (JSON.parse(answer.body.toString()) as Record<string, unknown>) : {}
}

function service(more: Record<string, unknown> = {}, origin = practice.url): OAuth1Service {
  const parsed = serviceInput.parse({
    auth_type: 'oauth1',
    link_name: 'practice',
    name: 'Practice',
    request_token_url: `${origin}/oauth1/request_token`,
    authorize_url: `${origin}/oauth1/authorize?keep=a%20b`,
    access_token_url: `${origin}/oauth1/access_token`,
    api_hosts: ['127.0.0.1'],
    ...more,
  })
  if (parsed.auth_type !== 'oauth1') throw new Error('not OAuth 1')
  return { ...parsed, api_hosts: ['127.0.0.1'] }
}

interface Made extends Context<OAuth1Service> {
  readonly steps: TraceStep[]
  readonly requests: OutgoingRequest[]
}

function context(definition: OAuth1Service, more: Partial<Context<OAuth1Service>> = {}): Made {
  const steps: TraceStep[] = []
  const requests: OutgoingRequest[] = []
  return {
    service: definition,
    client: { id: 'practice-consumer', secret: new Secret('practice-consumer-secret') },
    variables: {},
    scopes: [],
    redirectUrl: 'https://patchbay.test/oauth/callback/default/practice',
    clockOffsetSeconds: 0,
    send: request => {
      requests.push(request)
      return egress.send(request)
    },
    now: Date.now,
    random: randomBytes,
    trace: step => void steps.push(step),
    steps,
    requests,
    ...more,
  }
}

const redirectOf = (step: Step) => {
  if (step.kind !== 'redirect') throw new Error(`not a redirect: ${step.kind}`)
  return step
}

/** The person's part: approves (or not) on the practice page, and comes back. */
async function approve(url: string, decision = 'accept'): Promise<Callback['parameters']> {
  const answer = await egress.send({ method: 'GET', url: new URL(`${url}&auto=${decision}`), headers: [], body: null })
  const location = answer.headers[answer.headers.findIndex(name => name.toLowerCase() === 'location') + 1] ?? ''
  assert.equal(answer.status, 302, answer.body.toString())
  return Object.fromEntries(new URL(location).searchParams)
}

async function connect(made: Made): Promise<Grant> {
  const step = redirectOf(await oauth1.begin(made, 'the-state'))
  return oauth1.finish(made, { parameters: await approve(step.url), memory: step.memory })
}

const credentialOf = (grant: Grant) => grant.credential as unknown as OAuth1Credential

async function refusal(act: Promise<unknown>): Promise<Refusal | Problem> {
  try {
    await act
  } catch (error) {
    if (error instanceof Refusal || error instanceof Problem) return error
    throw error
  }
  throw new Error('it was not refused')
}
const codeOf = async (act: Promise<unknown>) => {
  const error = await refusal(act)
  return error instanceof Problem ? error.code : `${error.kind} ${error.error ?? ''}`.trim()
}

const callEcho = (made: Made, grant: Grant, method = 'GET', body: Body = null, query = '?a=1&a=0&b=%7e') =>
  egress.send(
    oauth1.authorise(made, credentialOf(grant), { method, url: new URL(`${practice.url}/oauth1/echo${query}`), headers: [], body }),
  )

describe('three legs against an independent verifier', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

  for (const place of ['header', 'query', 'form'] as const)
    for (const method of ['HMAC-SHA1', 'HMAC-SHA256', 'RSA-SHA1'] as const)
      test(`${method} in the ${place}`, async () => {
        const public_key = publicKey.export({ type: 'spki', format: 'pem' }).toString()
        const consumer = await post('/oauth1/clients', {
          placement: place,
          signature_methods: [method],
          public_key,
          ...(place === 'header' && { realm: 'r' }),
        })
        const secret = method === 'RSA-SHA1' ? pem : String(consumer['consumer_secret'])
        const made = context(service({ param_type: place, advanced: { signature_method: method, realm: 'r' } }), {
          client: { id: String(consumer['consumer_key']), secret: new Secret(secret) },
        })
        const grant = await connect(made)
        assert.deepInclude(grant, { expiresInSeconds: null, hasRefreshToken: false, grantedScopes: null })

        const form: Body = {
          kind: 'form',
          fields: [
            ['x', 'ü +'],
            ['x', '*'],
          ],
        }
        assert.equal((await callEcho(made, grant, 'POST', form)).status, 200)
        assert.equal((await callEcho(made, grant, 'POST')).status, 200)
        if (place !== 'form') {
          assert.equal((await callEcho(made, grant)).status, 200)
          const json: OutgoingRequest = {
            method: 'PUT',
            url: new URL(`${practice.url}/oauth1/echo`),
            headers: ['content-type', 'application/json'],
            body: { kind: 'raw', bytes: Buffer.from('{"a":"b=c&d"}') },
          }
          assert.equal((await egress.send(oauth1.authorise(made, credentialOf(grant), json))).status, 200)
        }
        const wrong = { ...credentialOf(grant), token_secret: 'other' }
        const call = oauth1.authorise(made, wrong, { method: 'POST', url: new URL(`${practice.url}/oauth1/echo`), headers: [], body: null })
        // RSA-SHA1 does not use the token secret (RFC 5849 §3.4.3)
        assert.equal((await egress.send(call)).status, method === 'RSA-SHA1' ? 200 : 401)
      })

  test('the authorize URL keeps its own query, and carries our token once', async () => {
    const definition = service({
      authorize_url: `${practice.url}/oauth1/authorize?keep=a%20b&oauth%5Ftoken=mine&x`,
      advanced: { authorize_params: { hint: '{who}' } },
    })
    const step = redirectOf(await oauth1.begin(context(definition, { variables: { who: 'a&b' } }), 's'))
    assert.equal(step.url, `${practice.url}/oauth1/authorize?keep=a%20b&x&oauth_token=${step.memory['oauth_token']}&hint=a%26b`)
    assert.hasAllKeys(step.memory, ['oauth_token', 'oauth_token_secret'])
  })
  test('the state travels in the callback URL', async () => {
    const step = redirectOf(await oauth1.begin(context(service()), 'st_ate-1'))
    assert.equal((await approve(step.url))['state'], 'st_ate-1')
  })
  test('fields of the answer and of the callback become variables', async () => {
    const made = context(
      service({
        advanced: {
          capture: { who: ['nothing', 'user_id'], mine: 'oauth_token', secret: 'oauth_token_secret' },
          capture_callback: { back: 'state' },
        },
      }),
    )
    // a token is no variable: people are shown those
    assert.hasAllKeys((await connect(made)).captured, ['who', 'back'])
  })
  test('a missing client is said to be missing', async () => {
    assert.equal(await codeOf(oauth1.begin(context(service(), { client: null }), 's')), 'service_not_configured')
  })
  test('an unfilled host variable is our 422, not a crash', async () => {
    assert.equal(await codeOf(oauth1.begin(context(service({ request_token_url: 'https://{domain}.x.test/' })), 's')), 'validation_failed')
  })
  test('token_headers go along, and a variable cannot break out of one', async () => {
    const made = context(service({ advanced: { token_headers: { 'X-Tenant': '{tenant}' } } }), { variables: { tenant: 'acme' } })
    await oauth1.begin(made, 's')
    assert.include(made.requests[0]?.headers ?? [], 'acme')
    assert.equal(await codeOf(oauth1.begin({ ...made, variables: { tenant: 'a\r\nX: y' } }, 's')), 'validation_failed')
  })
})

describe('the callback', () => {
  const begun = async (more: Record<string, unknown> = {}) => {
    const made = context(service(more))
    return { made, step: redirectOf(await oauth1.begin(made, 's')) }
  }
  test('a person who declines', async () => {
    const { made, step } = await begun()
    assert.equal(
      await codeOf(oauth1.finish(made, { parameters: await approve(step.url, 'reject'), memory: step.memory })),
      'authorization_declined',
    )
  })
  test('declining said in other words', async () => {
    const { made, step } = await begun()
    for (const said of [{ error: 'access_denied' }, { oauth_problem: 'user_refused' }, { denied: '' }])
      assert.equal(
        await codeOf(oauth1.finish(made, { parameters: { oauth_token: 'x', ...said }, memory: step.memory })),
        'authorization_declined',
      )
  })
  test('another token, or none, belongs to another authorisation', async () => {
    const { made, step } = await begun()
    const parameters = await approve(step.url)
    const sent = made.requests.length
    for (const oauth_token of ['other', '', parameters['oauth_token'] + 'x'])
      assert.equal(
        await codeOf(oauth1.finish(made, { parameters: { ...parameters, oauth_token }, memory: step.memory })),
        'context_mismatch',
      )
    assert.equal(await codeOf(oauth1.finish(made, { parameters: { ...parameters, oauth_token: '' }, memory: {} })), 'context_mismatch')
    assert.equal(made.requests.length, sent, 'nothing may be sent')
  })
  test('no verifier, or one that cannot be', async () => {
    const { made, step } = await begun()
    const oauth_token = step.memory['oauth_token'] ?? ''
    const sent = made.requests.length
    for (const more of [{}, { oauth_verifier: '' }, { oauth_verifier: 'a\r\nb' }, { oauth_verifier: 'x'.repeat(4097) }])
      assert.equal(await codeOf(oauth1.finish(made, { parameters: { oauth_token, ...more }, memory: step.memory })), 'authorization_failed')
    assert.equal(made.requests.length, sent, 'nothing may be sent')
  })
  test('a verifier with spaces and plus is sent as it is, and judged by the service', async () => {
    const { made, step } = await begun()
    await approve(step.url)
    const parameters = { oauth_token: step.memory['oauth_token'] ?? '', oauth_verifier: 'a b+c' }
    assert.equal(await codeOf(oauth1.finish(made, { parameters, memory: step.memory })), 'config verifier_invalid')
    assert.match(made.requests.at(-1)?.headers.join(' ') ?? '', /oauth_verifier="a%20b%2Bc"/)
  })
  for (const callback_confirmed of [null, 'false', ''])
    test(`an unconfirmed callback (${callback_confirmed ?? 'absent'}) is refused unless the service opts into 1.0`, async () => {
      const consumer = await post('/oauth1/clients', { callback_confirmed, auto: 'accept' })
      const client = { id: String(consumer['consumer_key']), secret: new Secret(String(consumer['consumer_secret'])) }
      assert.equal(await codeOf(oauth1.begin(context(service(), { client }), 's')), 'config callback_not_confirmed')
      const made = context(service({ advanced: { allow_unconfirmed_callback: true } }), { client })
      assert.include(redirectOf(await oauth1.begin(made, 's')).url, 'oauth_callback=https%3A%2F%2Fpatchbay.test')
      assert.isNotEmpty(credentialOf(await connect(made)).token)
    })
})

describe('clock and nonce', () => {
  test('a service whose clock is two hours ahead teaches it once, and every later leg and call uses it', async () => {
    await post('/practice/clock', { offset_seconds: 7200 })
    const made = context(service())
    const grant = await connect(made)
    assert.equal(made.requests.length, 3, 'one repeated request token, one access token')
    assert.approximately(grant.clockOffsetSeconds ?? 0, 7200, 2)
    assert.equal((await callEcho(made, grant)).status, 401)
    assert.equal((await callEcho({ ...made, clockOffsetSeconds: grant.clockOffsetSeconds ?? 0 }, grant)).status, 200)
  })
  test('a clock more than a day off is not believed', async () => {
    await post('/practice/clock', { offset_seconds: 90_000 })
    const made = context(service())
    assert.equal(await codeOf(oauth1.begin(made, 's')), 'config timestamp_refused')
    assert.equal(made.requests.length, 1)
  })
  test('a right clock is not reported', async () => assert.notProperty(await connect(context(service())), 'clockOffsetSeconds'))
})

describe('session handles', () => {
  test('a token is renewed with its handle, and the old one ends', async () => {
    const consumer = await post('/oauth1/clients', { session_handle: true, token_seconds: 3600 })
    const made = context(service({ refresh_token_url: `${practice.url}/oauth1/access_token` }), {
      client: { id: String(consumer['consumer_key']), secret: new Secret(String(consumer['consumer_secret'])) },
    })
    const first = await connect(made)
    assert.deepInclude(first, { expiresInSeconds: 3600, hasRefreshToken: true })
    assert.isTrue(oauth1.canRefresh?.(made.service, credentialOf(first)))
    const second = await oauth1.refresh?.(made, credentialOf(first))
    if (!second) throw new Error('no refresh')
    assert.notEqual(credentialOf(second).token, credentialOf(first).token)
    assert.equal((await callEcho(made, second)).status, 200)
    assert.equal((await callEcho(made, first)).status, 401)
    assert.equal(await codeOf(Promise.resolve(oauth1.refresh?.(made, credentialOf(first)))), 'revoked token_rejected')
  })
  test('without a handle there is nothing to renew', async () => {
    const made = context(service({ refresh_token_url: `${practice.url}/oauth1/access_token` }))
    const grant = await connect(made)
    assert.isFalse(grant.hasRefreshToken)
    assert.equal(await codeOf(Promise.resolve(oauth1.refresh?.(made, credentialOf(grant)))), 'revoked no_session_handle')
  })
})

/** A service that says what it is told to, in turn; what it received is kept. */
describe('misbehaving services', () => {
  let server: Server
  let origin: string
  let answers: (readonly [status: number, body: string, headers?: Record<string, string>] | 'reset')[] = []
  let received: { headers: string; url: string }[] = []
  beforeAll(async () => {
    server = createServer((request, response) => {
      received.push({ headers: request.rawHeaders.join('\n'), url: request.url ?? '' })
      const answer = answers.shift() ?? [500, 'no answer left']
      if (answer === 'reset') return void request.socket.resetAndDestroy()
      response.writeHead(answer[0], answer[2] ?? {}).end(answer[1])
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())
  beforeEach(() => {
    received = []
  })
  const tokens = (token: string) => [200, `oauth_token=${token}&oauth_token_secret=${token}-secret&oauth_callback_confirmed=true`] as const
  const memory = { oauth_token: 'temp', oauth_token_secret: 'temp-secret-CANARY' }
  const parameters = { oauth_token: 'temp', oauth_verifier: 'verifier-CANARY' }

  test('a used nonce is worth one new nonce, not two', async () => {
    const used = [401, 'oauth_problem=nonce_used'] as const
    answers = [used, tokens('t')]
    await oauth1.begin(context(service({}, origin)), 's')
    const nonces = received.map(one => /oauth_nonce="(\w+)"/.exec(one.headers)?.[1])
    assert.equal(new Set(nonces).size, 2)
    answers = [used, used, tokens('t')]
    assert.equal(await codeOf(oauth1.begin(context(service({}, origin)), 's')), 'config nonce_used')
    assert.equal(received.length, 4)
  })
  test('a timestamp refused twice is not tried a third time', async () => {
    const near = Math.floor(Date.now() / 1000) + 500
    const refused = [401, `oauth_problem=timestamp_refused&oauth_acceptable_timestamps=${near}-${near}`] as const
    answers = [refused, refused, tokens('t')]
    assert.equal(await codeOf(oauth1.begin(context(service({}, origin)), 's')), 'config timestamp_refused')
    assert.equal(received.length, 2)
  })
  for (const [answer, expected] of [
    [[302, '', { location: 'https://evil.test/' }], 'config token_endpoint_redirect'],
    [[503, 'down', { 'retry-after': '99999999' }], 'down'],
    [[200, '<html>log in</html>', { 'content-type': 'text/html' }], 'malformed malformed_response'],
    [[401, 'oauth_problem=token_rejected'], 'revoked token_rejected'],
    ['reset', 'ambiguous upstream_unreachable'],
  ] as const)
    test(`the verifier is spent on one attempt: ${expected}`, async () => {
      answers = [answer, tokens('t')]
      const error = await refusal(oauth1.finish(context(service({}, origin)), { parameters, memory }))
      assert.instanceOf(error, Refusal)
      assert.equal(`${error.kind} ${error.error ?? ''}`.trim(), expected)
      assert.isTrue((error.retryAfterSeconds ?? 0) <= 900)
      assert.equal(received.length, 1)
    })
  test('a host that is not there is down, and nothing was spent', async () => {
    const closed = service({}, 'http://127.0.0.1:9')
    assert.match(await codeOf(oauth1.finish(context(closed), { parameters, memory })), /^down upstream_unreachable$/)
  })
  test('losing the answer to the first leg costs nothing: down, not ambiguous', async () => {
    answers = ['reset']
    assert.equal(await codeOf(oauth1.begin(context(service({}, origin)), 's')), 'down upstream_unreachable')
  })
  test('a service that echoes what it was sent does not get our secrets into the trace, nor into the refusal', async () => {
    const made = context(service({}, origin), { client: { id: 'key', secret: new Secret('client-CANARY') } })
    let signature = ''
    const send: Context['send'] = request => {
      signature = decodeURIComponent(/oauth_signature="([^"]+)"/.exec(request.headers.join(' '))?.[1] ?? 'none')
      answers = [
        [
          401,
          `oauth_problem=signature_invalid&oauth_problem_advice=${encodeURIComponent(`got ${signature} ${memory.oauth_token_secret} ${parameters.oauth_verifier} client-CANARY`)}`,
        ],
      ]
      return made.send(request)
    }
    const error = await refusal(oauth1.finish({ ...made, send }, { parameters, memory }))
    const seen = JSON.stringify([made.steps, error.message, error instanceof Refusal ? [error.error, error.description] : error.facts])
    assert.include(seen, 'got … … … …')
    assert.notInclude(seen, 'CANARY')
    assert.isAbove(signature.length, 10)
    assert.notInclude(seen, signature)
  })
  test('a secret that stands where the words are cut is not shown in part', async () => {
    const made = context(service({}, origin))
    answers = [[401, `oauth_problem=token_rejected&oauth_problem_advice=${'x'.repeat(290)}${memory.oauth_token_secret}`]]
    await refusal(oauth1.finish(made, { parameters, memory }))
    assert.notInclude(JSON.stringify(made.steps), memory.oauth_token_secret.slice(0, 8))
  })
  test('a good flow leaves a trace with what was sent and what came back, without a secret', async () => {
    const made = context(service({ param_type: 'query' }, origin))
    answers = [tokens('temp'), [200, 'oauth_token=final-CANARY&oauth_token_secret=s-CANARY&user_id=7']]
    const step = redirectOf(await oauth1.begin(made, 'state-CANARY'))
    await oauth1.finish(made, { parameters, memory: step.memory })
    assert.deepEqual(
      made.steps.map(one => [one.step, one.status]),
      [
        ['request_token', 200],
        ['authorize', undefined],
        ['access_token', 200],
      ],
    )
    assert.equal(made.steps[2]?.detail, 'Came back: oauth_token, oauth_token_secret, user_id')
    assert.equal(made.steps[2]?.parameters?.['oauth_verifier'], '…')
    const seen = JSON.stringify(made.steps)
    assert.notInclude(seen, 'CANARY')
    assert.notInclude(seen, 'temp')
  })
  test('probing tells the four cases apart', async () => {
    const probe = (definition: OAuth1Service) => oauth1.probe?.(context(definition))
    for (const [answer, expected] of [
      [tokens('t'), 'client_accepted'],
      [[401, 'oauth_problem=consumer_key_unknown'], 'client_refused'],
      [[200, '<html>'], 'not_a_token_endpoint'],
      [[404, ''], 'not_a_token_endpoint'],
    ] as const) {
      answers = [answer]
      assert.equal(await probe(service({}, origin)), expected)
    }
    assert.equal(await probe(service({}, 'http://127.0.0.1:9')), 'host_unreachable')
  })
})

describe('calling', () => {
  const credential = { token: 'tok', token_secret: 'ts' }
  const request: OutgoingRequest = { method: 'GET', url: new URL('https://api.test/'), headers: ['authorization', 'mine'], body: null }
  test('our Authorization replaces the caller’s, and fixed headers go along', () => {
    const made = context(service({ advanced: { headers: { 'User-Agent': 'Patchbay {who}' } } }), { variables: { who: 'me' } })
    const { headers } = oauth1.authorise(made, credential, request)
    assert.notInclude(headers, 'mine')
    assert.include(headers, 'Patchbay me')
    assert.equal(headers.filter(name => name.toLowerCase() === 'authorization').length, 1)
  })
  test('a nonce is never used twice', () => {
    const made = context(service())
    const nonces = Array.from(
      { length: 100 },
      () => /oauth_nonce="(\w+)"/.exec(oauth1.authorise(made, credential, request).headers.join())?.[1],
    )
    assert.equal(new Set(nonces).size, 100)
  })
  test('what it owns and what is secret', () => {
    assert.deepEqual([...oauth1.ownHeaders(service())], ['authorization'])
    assert.deepEqual([...oauth1.ownHeaders(service({ param_type: 'query' }))], [])
    assert.deepEqual([...oauth1.secretsOf({ token: 'a', token_secret: '', session_handle: 'c' })], ['a', 'c'])
  })
})
