import { afterAll, assert, beforeAll, describe, test } from 'vitest'
import type { Problem } from '../core/problem.ts'
import type { Body, OutgoingRequest } from '../core/request.ts'
import { serviceInput, type ApiKeyService } from '../core/service.ts'
import { parseExceptions } from '../egress/addresses.ts'
import { createEgress } from '../egress/send.ts'
import { startPractice, type Practice } from '../practice/server.ts'
import { apiKey, type ApiKeyCredential } from './api-key.ts'
import type { Context } from './scheme.ts'

function context(more: Record<string, unknown> = {}, variables: Record<string, string> = {}): Context<ApiKeyService> {
  const parameters = [{ name: 'api-key', display_name: 'API key' }]
  const parsed = serviceInput.parse({ auth_type: 'api_key', link_name: 'x', name: 'X', api_hosts: ['x.test'], parameters, ...more })
  if (parsed.auth_type !== 'api_key') throw new Error('not API key')
  return {
    service: parsed,
    client: null,
    variables,
    scopes: [],
    redirectUrl: '',
    clockOffsetSeconds: 0,
    send: () => Promise.reject(new Error('API keys send nothing')),
    now: Date.now,
    random: size => Buffer.alloc(size),
    trace: () => undefined,
  }
}
const call = (method = 'GET', url = 'https://x.test/', body: Body = null): OutgoingRequest => ({
  method,
  url: new URL(url),
  headers: [],
  body,
})
const refusedAs = async (act: () => unknown): Promise<string> => {
  try {
    await act()
    return 'nothing'
  } catch (error) {
    const problem = error as Problem
    return [problem.code, ...problem.errors.map(one => one.path)].join(' ')
  }
}
const credentialOf = async (made: Context<ApiKeyService>, values: Record<string, unknown>) =>
  (await apiKey.finish(made, { values })).credential as unknown as ApiKeyCredential
const two = [
  { name: 'api-key', display_name: 'API key', placeholder: 'sk_…', help_url: 'https://x.test/keys' },
  { name: 'app-id', display_name: 'App', secret: false, pattern: '[0-9]{3}', example: '123' },
]

test('asks for every parameter by its actual name (CON-10), and for the variables', async () => {
  const step = await apiKey.begin(context({ parameters: two, advanced: { base_url: 'https://{shop}.x.test' } }), 's')
  assert.deepEqual(step.kind === 'ask' && step.fields, [
    { name: 'api-key', display_name: 'API key', secret: true, placeholder: 'sk_…', help_url: 'https://x.test/keys' },
    { name: 'app-id', display_name: 'App', secret: false, pattern: '[0-9]{3}', example: '123' },
    { name: 'shop', display_name: 'shop', secret: false },
  ])
})

describe('what may be saved', () => {
  const header = ['a\r\nX: y', 'a\n', 'a\r', '\0', '\x7f', '\t', ' lead', 'trail ', 'é', '😀', '\u2028', 'x'.repeat(8193), '', undefined, 7]
  const elsewhere = ['a\r\nX: y', 'a\n', '\0', '\x7f', '\t', 'x'.repeat(8193), '', undefined, 7]
  for (const [param_type, values] of [
    ['header', header],
    ['query', elsewhere],
    ['form', elsewhere],
  ] as const)
    test(`${param_type}: each bad value is refused under its name`, async () => {
      for (const value of values)
        assert.equal(
          await refusedAs(() => credentialOf(context({ param_type }), { 'api-key': value })),
          'validation_failed credentials.api-key',
          JSON.stringify(value),
        )
      assert.equal(await refusedAs(() => credentialOf(context({ param_type }), { 'api-key': 'x'.repeat(8192) })), 'nothing')
    })
  test('query and form take what a header cannot', async () => {
    for (const param_type of ['query', 'form'])
      assert.deepEqual((await credentialOf(context({ param_type }), { 'api-key': ' é😀' })).values, { 'api-key': ' é😀' })
  })
  test('a placement in a header counts as a header', async () => {
    const placements = [{ in: 'header', name: 'Authorization', value: 'Key {api-key}' }]
    assert.equal(
      await refusedAs(() => credentialOf(context({ param_type: 'query', advanced: { placements } }), { 'api-key': 'é' })),
      'validation_failed credentials.api-key',
    )
  })
  for (const value of ['é', 'a b', 'a;b', 'a,b', 'a"b', 'a\\b', ' a'])
    test(`a placement in a cookie is held to what a cookie carries: ${value}`, async () => {
      const placements = [{ in: 'cookie', name: 'sid', value: '{api-key}' }]
      const saved = (text: string) => refusedAs(() => credentialOf(context({ advanced: { placements } }), { 'api-key': text }))
      assert.deepEqual([await saved(value), await saved('a-b_c=')], ['validation_failed credentials.api-key', 'nothing'])
    })
  test('every wrong field is named at once; a pattern is held', async () => {
    assert.equal(
      await refusedAs(() => credentialOf(context({ parameters: two }), { 'app-id': '12' })),
      'validation_failed credentials.api-key credentials.app-id',
    )
    assert.equal(await refusedAs(() => credentialOf(context({ parameters: two }), { 'api-key': 'k', 'app-id': '123' })), 'nothing')
  })
  test('an unknown name is refused', async () =>
    assert.equal(
      await refusedAs(() => credentialOf(context(), { 'api-key': 'k', constructor: 'x' })),
      'validation_failed credentials.constructor',
    ))
  test('a catastrophic pattern costs a moment, not the server', async () => {
    const parameters = [{ name: 'k', display_name: 'K', pattern: '(a+)+' }]
    const from = performance.now()
    assert.equal(
      await refusedAs(() => credentialOf(context({ parameters }), { k: 'a'.repeat(80) + '!' })),
      'validation_failed credentials.k',
    )
    assert.isBelow(performance.now() - from, 1000)
  })
})

test('a parameter called __proto__ is data like any other (X16)', async () => {
  const made = context({
    param_type: 'query',
    parameters: [
      { name: '__proto__', display_name: 'P' },
      { name: 'constructor', display_name: 'C' },
    ],
  })
  assert.equal(await refusedAs(() => credentialOf(made, {})), 'validation_failed credentials.__proto__ credentials.constructor')
  const credential = await credentialOf(made, JSON.parse('{"__proto__":"p1","constructor":"c1"}') as Record<string, unknown>)
  const stored = JSON.parse(JSON.stringify(credential)) as ApiKeyCredential
  assert.equal(apiKey.authorise(made, stored, call()).url.search, '?__proto__=p1&constructor=c1')
  assert.deepEqual([...apiKey.secretsOf(stored)], ['p1', 'c1'])
  assert.notProperty({}, 'p1')
})

test('a name with braces is a name, not a template', async () => {
  const made = context({ param_type: 'query', parameters: [{ name: 'filter[{key}]', display_name: 'K' }] })
  assert.equal(
    apiKey.authorise(made, await credentialOf(made, { 'filter[{key}]': 'v' }), call()).url.searchParams.get('filter[{key}]'),
    'v',
  )
})

test('a stored credential without a value is refused, not sent half', async () =>
  assert.equal(
    await refusedAs(() => apiKey.authorise(context({ parameters: two }), { values: { 'api-key': 'k' } }, call())),
    'validation_failed credentials.app-id',
  ))

test('header prefix, placements with variables, fixed headers', async () => {
  const prefixed = context(
    { parameters: [{ name: 'Authorization', display_name: 'K' }], advanced: { header_prefix: 'Token', headers: { 'X-V': '{v}' } } },
    { v: '2' },
  )
  assert.deepEqual(apiKey.authorise(prefixed, { values: { Authorization: 'k' } }, call()).headers, ['X-V', '2', 'Authorization', 'Token k'])
  const placed = context(
    {
      parameters: two,
      advanced: {
        placements: [
          { in: 'header', name: 'Authorization', value: 'Key {api-key}:{region}' },
          { in: 'query', name: 'app', value: '{app-id}' },
          { in: 'cookie', name: 'sid', value: '{api-key}' },
        ],
      },
    },
    { region: 'eu' },
  )
  const request = apiKey.authorise(placed, { values: { 'api-key': 'k', 'app-id': '123' } }, call())
  assert.deepEqual(request.headers, ['Authorization', 'Key k:eu', 'cookie', 'sid=k'])
  assert.equal(request.url.search, '?app=123')
})

describe('against a service that checks the key', () => {
  const egress = createEgress({ allowInsecureHttp: ['127.0.0.1'], allowPrivateAddresses: parseExceptions('127.0.0.1') })
  let practice: Practice
  beforeAll(async () => {
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
  })
  afterAll(async () => {
    await egress.close()
    await practice.close()
  })
  for (const [place, value] of [
    ['header', 'k-e+ &='],
    ['query', 'k-é+ &='],
    ['form', 'k-é+ &='],
  ] as const)
    test(`in the ${place}`, async () => {
      const made = context({ param_type: place, parameters: [{ name: 'x-api-key', display_name: 'K' }] })
      const body: Body = { kind: 'raw', bytes: Buffer.from(JSON.stringify({ parameters: [{ place, name: 'x-api-key', value }] })) }
      const answer = await egress.send({
        ...call('POST', `${practice.url}/practice/keys`, body),
        headers: ['content-type', 'application/json'],
      })
      assert.equal(answer.status, 201, answer.body.toString())
      const send = async (key: string) => {
        const request = call(place === 'form' ? 'POST' : 'GET', `${practice.url}/key/echo`)
        return (await egress.send(apiKey.authorise(made, { values: { 'x-api-key': key } }, request))).status
      }
      assert.equal(await send(value), 200)
      assert.equal(await send('other'), 401)
    })
})
