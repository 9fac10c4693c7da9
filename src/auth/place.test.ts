import { assert, describe, test } from 'vitest'
import type { Problem } from '../core/problem.ts'
import { headerOf, type Body, type OutgoingRequest } from '../core/request.ts'
import { serviceInput, type ServiceDefinition } from '../core/service.ts'
import { fixedHeaders, placeCredential, placed, placementHeaders, placeValue, type Placement } from './place.ts'

const call = (method = 'GET', url = 'https://x.test/', body: Body = null, headers: readonly string[] = []): OutgoingRequest => ({
  method,
  url: new URL(url),
  headers,
  body,
})
const place = (request: OutgoingRequest, where: Placement['in'], name: string, value: string, path: string): OutgoingRequest =>
  placeValue(request, { in: where, name, value, path })
const placeAll = (request: OutgoingRequest, placements: readonly Placement[], values: Readonly<Record<string, string>>): OutgoingRequest =>
  placed(placements, values).reduce(placeValue, request)
const withFixed = (request: OutgoingRequest, service: ServiceDefinition, variables: Readonly<Record<string, string>>): OutgoingRequest =>
  fixedHeaders(service, variables).reduce(placeValue, request)
const form: Body = { kind: 'form', fields: [['own', '1']] }

/** `code path`, and proof that the value itself is nowhere in what people see. */
function refusedAs(act: () => unknown, value = ''): string {
  try {
    act()
    return 'nothing'
  } catch (error) {
    const problem = error as Problem
    if (value.trim() !== '')
      assert.notInclude(JSON.stringify([problem.message, problem.facts, problem.errors]), JSON.stringify(value).slice(1, -1))
    return [problem.code, ...problem.errors.map(one => one.path)].join(' ')
  }
}

const definition = (more: Record<string, unknown>): ServiceDefinition => {
  const parsed = serviceInput.parse({ link_name: 'x', name: 'X', api_hosts: ['x.test'], ...more })
  return { ...parsed, api_hosts: ['x.test'] }
}

describe('X12: values at the moment of use', () => {
  const refusedEverywhere = ['a\r\nX: y', 'a\n', 'a\r', '\0', 'a\x7f', '\t', 'a\x1bb']
  const refusedInHeaders = [...refusedEverywhere, ' lead', 'trail ', 'é', '😀', '\u2028', '']
  const refusedInCookies = [...refusedInHeaders.filter(Boolean), 'a;b', 'a,b', 'a"b', 'a\\b', 'a b']
  for (const [where, refused] of [
    ['header', refusedInHeaders],
    ['query', refusedEverywhere],
    ['form', refusedEverywhere],
    ['cookie', refusedInCookies],
  ] as const) {
    for (const value of refused)
      test(`${where} refuses ${JSON.stringify(value)} and does not show it`, () =>
        assert.equal(
          refusedAs(() => place(call('POST'), where, 'key', value, 'credentials.key'), value),
          'validation_failed credentials.key',
        ))
  }
  test('query and form carry what a header cannot, encoded', () => {
    assert.equal(place(call(), 'query', 'key', ' é&=;#+\u2028😀', 'p').url.search, '?key=%20%C3%A9%26%3D%3B%23%2B%E2%80%A8%F0%9F%98%80')
    const { body } = place(call('POST', 'https://x.test/', form), 'form', 'key', ' é', 'p')
    assert.deepEqual(body, {
      kind: 'form',
      fields: [
        ['own', '1'],
        ['key', ' é'],
      ],
    })
  })
  test('a placement cannot set what frames the message, or a name that is none', () => {
    for (const name of [
      'Host',
      'content-length',
      'Transfer-Encoding',
      'Connection',
      'proxy-authorization',
      'TE',
      'Upgrade',
      'a b',
      'a:b',
      'a\r\nb',
      '',
    ])
      assert.equal(
        refusedAs(() => place(call(), 'header', name, 'v', 'p')),
        'validation_failed p',
      )
  })
})

describe('what the caller sent already', () => {
  for (const query of [
    '?api_key=x',
    '?API_KEY=x',
    '?api%5Fkey=x',
    '?a=1;api_key=x',
    '?a=1&amp;api_key=x',
    '?api_key',
    '?a=1&api_key=',
    '?api_key[]=x',
    '?API%5Fkey%5B0%5D=x',
    '?api_key%20=x',
    '?api.key=x',
    '?api+key=x',
    '?api[key=x',
    '?%20api_key=x',
    '?api_key%00=x',
    '?api%u005fkey=x',
  ])
    test(`${query} is refused, not merged`, () =>
      assert.equal(
        refusedAs(() => place(call('GET', 'https://x.test/' + query), 'query', 'api_key', 'ours', 'p')),
        'parameter_conflict',
      ))
  for (const query of [
    '?api_key2=x',
    '?a=api_key',
    '#api_key=x',
    '?a=%26api_key%3Dx',
    '?api=x&key=x',
    '?apikey=x',
    '?api[key]=x',
    '?my.api_key=x',
  ])
    test(`${query} is no conflict, and ours stands once`, () => {
      const { url } = place(call('GET', 'https://x.test/' + query), 'query', 'api_key', 'ours', 'p')
      assert.deepEqual(url.searchParams.getAll('api_key'), ['ours'])
    })
  test('the rest of the query stays byte for byte', () => {
    const { search } = place(call('GET', 'https://x.test/?a=%7E+b&&c'), 'query', 'k', 'v', 'p').url
    assert.equal(search, '?a=%7E+b&&c&k=v')
  })
  test('a header of that name is replaced, whatever its case', () => {
    const { headers } = place(call('GET', undefined, null, ['x-API-key', 'mine', 'Accept', 'a']), 'header', 'X-Api-Key', 'ours', 'p')
    assert.deepEqual(headers, ['Accept', 'a', 'X-Api-Key', 'ours'])
  })
  for (const name of ['own', 'OWN', 'own[]', 'Own[0]', 'own ', ' own', 'own\0'])
    test(`a form field ${name} is refused, urlencoded and multipart`, () => {
      const fields: Body = { kind: 'form', fields: [[name, '1']] }
      const part = { name, filename: null, contentType: null, bytes: Buffer.from('1') }
      for (const body of [fields, { kind: 'multipart', boundary: 'b', parts: [part] } as const])
        assert.equal(
          refusedAs(() => place(call('POST', undefined, body), 'form', 'own', 'ours', 'p')),
          'parameter_conflict',
        )
    })
  test('a cookie of that name is refused, others stay', () => {
    assert.equal(
      refusedAs(() => place(call('GET', undefined, null, ['Cookie', 'a=1; sid=mine']), 'cookie', 'sid', 'ours', 'p')),
      'parameter_conflict',
    )
    assert.equal(
      headerOf(place(call('GET', undefined, null, ['Cookie', 'a=1']), 'cookie', 'sid', 'ours', 'p').headers, 'cookie'),
      'a=1; sid=ours',
    )
  })
  test('a form value needs a form', () => {
    assert.equal(
      refusedAs(() => place(call('GET'), 'form', 'k', 'v', 'p')),
      'param_type_mismatch',
    )
    assert.equal(
      refusedAs(() => place(call('POST', undefined, { kind: 'raw', bytes: Buffer.from('{}') }), 'form', 'k', 'v', 'p')),
      'param_type_mismatch',
    )
  })
})

describe('templates', () => {
  const placements: Placement[] = [
    { in: 'header', name: 'Authorization', value: 'Token token={api-key}, account={account}' },
    { in: 'query', name: 'v', value: '{version}' },
  ]
  test('are filled in one pass: a value that looks like a placeholder stays text', () => {
    const { headers, url } = placeAll(call(), placements, { 'api-key': '{account}', account: 'acme' })
    assert.deepEqual(headers, ['Authorization', 'Token token={account}, account=acme'])
    assert.equal(url.search, '?v=%7Bversion%7D', 'without a value a placeholder stays')
  })
  test('know own properties only, and __proto__ is a name like any other', () => {
    const one: Placement[] = [{ in: 'query', name: 'k', value: '{__proto__}{constructor}{toString}' }]
    assert.equal(placeAll(call(), one, {}).url.searchParams.get('k'), '{__proto__}{constructor}{toString}')
    const values = JSON.parse('{"__proto__":"p"}') as Record<string, string>
    assert.equal(placeAll(call(), one, values).url.searchParams.get('k'), 'p{constructor}{toString}')
  })
  test('name the field whose value is wrong', () =>
    assert.equal(
      refusedAs(() => placeAll(call(), placements, { 'api-key': 'CANARY\r\nX: y' }), 'CANARY'),
      'validation_failed credentials.api-key',
    ))
})

describe('fixed headers', () => {
  const service = definition({ auth_type: 'basic', advanced: { headers: { 'X-Version': '2', 'User-Agent': 'of {who}' } } })
  test('are filled with variables, and win over the caller’s', () =>
    assert.deepEqual(withFixed(call('GET', undefined, null, ['user-agent', 'mine']), service, { who: 'acme' }).headers, [
      'X-Version',
      '2',
      'User-Agent',
      'of acme',
    ]))
  test('cannot be broken out of by a variable', () =>
    assert.equal(
      refusedAs(() => withFixed(call(), service, { who: 'a\r\nX: y' })),
      'validation_failed advanced.headers.User-Agent',
    ))
  test('cannot be Host', () =>
    assert.equal(
      refusedAs(() => withFixed(call(), definition({ auth_type: 'basic', advanced: { headers: { host: 'evil.test' } } }), {})),
      'validation_failed advanced.headers.host',
    ))
})

describe('headers that hold the credential', () => {
  const apiKey = {
    auth_type: 'api_key',
    parameters: [
      { name: 'X-Key', display_name: 'Key' },
      { name: 'X-App', display_name: 'App' },
    ],
  }
  const oauth2 = { auth_type: 'oauth2', grant_type: 'client_credentials', access_token_url: 'https://x.test/token' }
  for (const [what, service, expected] of [
    ['Basic', { auth_type: 'basic' }, ['authorization']],
    ['Basic under another name', { auth_type: 'basic', advanced: { header_name: 'X-Auth' } }, ['x-auth']],
    ['an API key', apiKey, ['x-key', 'x-app']],
    ['an API key in the query', { ...apiKey, param_type: 'query' }, []],
    [
      'placements',
      {
        ...apiKey,
        advanced: {
          placements: [
            { in: 'header', name: 'A', value: '{X-Key}' },
            { in: 'query', name: 'b', value: '{X-App}' },
          ],
        },
      },
      ['a'],
    ],
    ['OAuth 2', oauth2, ['authorization']],
    ['OAuth 2 in the query', { ...oauth2, param_type: 'query' }, []],
  ] as const)
    test(what, () => assert.deepEqual(placementHeaders(definition(service)), [...expected]))
})

describe('an opened credential', () => {
  const service = definition({ auth_type: 'basic', advanced: { headers: { 'User-Agent': 'Fixed', 'X-Version': '{version}' } } })
  const ofCaller = call('GET', undefined, null, ['USER-AGENT', 'mine', 'Accept', 'a'])

  test('is worked out once for a service and its variables, and wins over fixed headers and the caller’s', () => {
    const credential = {}
    let worked = 0
    const sent = (variables: Readonly<Record<string, string>>, of = service) =>
      placeCredential(ofCaller, { service: of, variables }, credential, () => {
        worked++
        return [{ in: 'header', name: 'user-agent', value: `v${worked}`, path: 'p' }]
      }).headers.join()
    const one = { version: '1' }
    assert.equal(sent(one), 'Accept,a,X-Version,1,user-agent,v1')
    assert.equal(sent(one), 'Accept,a,X-Version,1,user-agent,v1')
    assert.equal(sent({ version: '2' }), 'Accept,a,X-Version,2,user-agent,v2')
    assert.equal(sent(one, { ...service }), 'Accept,a,X-Version,1,user-agent,v3')
  })

  test('is judged before any of it is placed, every time', () => {
    const credential = {}
    for (const _ of [1, 2])
      assert.equal(
        refusedAs(() => placeCredential(ofCaller, { service, variables: { version: 'a\r\nX: y' } }, credential, () => [])),
        'validation_failed advanced.headers.X-Version',
      )
  })
})
