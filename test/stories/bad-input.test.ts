import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  basicDefinition,
  connect,
  joins,
  keyDefinition,
  must,
  oauth2Definition,
  oauth2Service,
  practiceHost,
  practiceUrl,
  refusal,
  seen,
  type Member,
} from '../support/practice-services.ts'

type Json = Record<string, unknown>

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

describe.each(['pglite', 'postgres'] as const)('bad input is refused field by field, and nothing is lost [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let alice: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    alice = await joins(patchbay, 'Alice')
    must(await alice.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'key')), 201)
    await oauth2Service(patchbay, 'code', { by: alice.ask, rest: { scopes: [{ name: 'read' }] } })
    await connect(alice, { service: 'key', link_name: 'there', credentials: { 'X-Api-Key': 'practice-key' } })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  /** The whole of what somebody has, to be the same afterwards. */
  const everything = async () => {
    const [services, connections] = [
      await alice.ask('GET', '/api/v1/services?kind=custom&limit=100'),
      await alice.ask('GET', '/api/v1/connections?limit=100'),
    ]
    return services.text + connections.text
  }

  const client = { client_id: 'id', client_secret: 'secret' }
  const oauth2 = (linkName: string, rest: Json = {}) => oauth2Definition(patchbay, linkName, client, rest)
  const oauth1 = (linkName: string, rest: Json = {}) => ({
    link_name: linkName,
    name: linkName,
    auth_type: 'oauth1',
    request_token_url: `${practiceUrl(patchbay)}/oauth1/request_token`,
    authorize_url: `${practiceUrl(patchbay)}/oauth1/authorize`,
    access_token_url: `${practiceUrl(patchbay)}/oauth1/access_token`,
    ...client,
    ...rest,
  })

  it('a service: each wrong field is named, the same request corrected works', async () => {
    const basic = (linkName: string, rest: Json = {}) => basicDefinition(patchbay, linkName, rest)
    const key = (linkName: string, rest: Json = {}) => keyDefinition(patchbay, linkName, rest)
    const two = [
      { name: 'X-A', display_name: 'A' },
      { name: 'x-a', display_name: 'B' },
    ]
    const table: [(linkName: string, rest?: Json) => Json, Json, string][] = [
      // fields that another type has
      [basic, { scopes: [] }, 'scopes'],
      [basic, { parameters: [] }, 'parameters'],
      [basic, { client_id: 'x' }, 'client_id'],
      [basic, { client_secret: 'x' }, 'client_secret'],
      [basic, { authorize_url: 'https://a.test' }, 'authorize_url'],
      [basic, { grant_type: 'authorization_code' }, 'grant_type'],
      [basic, { param_type: 'query' }, 'param_type'],
      [key, { scopes: [] }, 'scopes'],
      [key, { access_token_url: 'https://a.test' }, 'access_token_url'],
      [key, { param_type: 'cookie' }, 'param_type'],
      [oauth2, { parameters: [] }, 'parameters'],
      [oauth2, { request_token_url: 'https://a.test' }, 'request_token_url'],
      [oauth2, { param_type: 'form' }, 'param_type'],
      [oauth2, { grant_type: 'password' }, 'grant_type'],
      [oauth2, { scope_delimiter: 'semicolon' }, 'scope_delimiter'],
      [oauth1, { scopes: [] }, 'scopes'],
      [oauth1, { revoke_token_url: null }, 'revoke_token_url'],
      // fields that nobody has
      [key, { nonsense: 1 }, 'nonsense'],
      [key, { organization_id: 'x', created_by: 'x' }, 'organization_id created_by'],
      [key, { advanced: { nonsense: 1 } }, 'advanced.nonsense'],
      [key, { parameters: [{ name: 'X', display_name: 'X', type: 'y' }] }, 'parameters.0.type'],
      // what is needed
      [key, { parameters: [] }, 'parameters'],
      [key, { parameters: undefined }, 'parameters'],
      [key, { api_hosts: [] }, 'api_hosts'],
      [key, { documentation_url: 'javascript:alert(1)' }, 'documentation_url'],
      [key, { documentation_url: 'data:text/html,x' }, 'documentation_url'],
      [key, { advanced: { register_url: 'javascript:alert(1)' } }, 'advanced.register_url'],
      [key, { auth_type: undefined }, 'auth_type'],
      [key, { auth_type: 'aws' }, 'auth_type'],
      [key, { name: undefined, link_name: undefined }, 'link_name name'],
      [oauth2, { authorize_url: null }, 'authorize_url'],
      [oauth2, { access_token_url: null }, 'access_token_url'],
      [oauth2, { client_id: undefined }, 'client_id'],
      [oauth1, { client_secret: undefined }, 'client_secret'],
      // texts that are none, too long, or hold what they must not
      [key, { name: 7 }, 'name'],
      [key, { name: 'x'.repeat(51) }, 'name'],
      [key, { description: 'x'.repeat(2001) }, 'description'],
      [key, { category: ['a'] }, 'category'],
      [key, { parameters: two }, 'parameters'],
      [key, { parameters: [{ name: 'two words', display_name: 'X' }] }, 'parameters.0.name'],
      [key, { parameters: [{ name: 'X\r\nY', display_name: 'X' }] }, 'parameters.0.name'],
      [key, { parameters: [{ name: 'X', display_name: 'x'.repeat(51) }] }, 'parameters.0.display_name'],
      [oauth2, { authorize_url: 'javascript:alert(1)' }, 'authorize_url'],
      [oauth2, { authorize_url: 'https://user:pw@a.test/' }, 'authorize_url'],
      [oauth2, { access_token_url: '/relative' }, 'access_token_url'],
      [oauth2, { revoke_token_url: 'https://a.test/#x' }, 'revoke_token_url'],
      [oauth2, { access_token_url: `https://a.test/${'x'.repeat(2000)}` }, 'access_token_url'],
      [oauth2, { client_id: 'ü' }, 'client_id'],
      [oauth2, { client_secret: 7 }, 'client_secret'],
      [oauth2, { client_secret: '' }, 'client_secret'],
      [oauth2, { scopes: ['read'] }, 'scopes.0'],
      [oauth2, { scopes: [{ name: 'a b' }] }, 'scopes.0.name'],
      [oauth2, { scopes: [{ name: 'a' }, { name: 'a' }] }, 'scopes'],
      [oauth2, { advanced: { pkce: 'plain' } }, 'advanced.pkce'],
      [oauth2, { advanced: { headers: { 'X-A': 'a\r\nb' } } }, 'advanced.headers.X-A'],
      [oauth2, { advanced: { default_lifetime_seconds: -1 } }, 'advanced.default_lifetime_seconds'],
      [oauth2, { advanced: null }, 'advanced'],
    ]
    const before = await everything()
    for (const [definition, rest, paths] of table) {
      const answer = await alice.ask('POST', '/api/v1/services', definition('s_bad', rest))
      const what = JSON.stringify(rest).slice(0, 150)
      expect([answer.status, refusal(answer)], what).toEqual([422, `validation_failed: ${paths}`])
      expect(answer.headers.get('content-type'), what).toMatch(/^application\/problem\+json/)
      for (const { message } of answer.json.errors as { message: string }[]) expect(message, what).toMatch(/^[A-ZÄ].*[.:]$|^[A-Z]/)
    }
    expect(await everything()).toBe(before)
    for (const [i, definition] of [basic, key, oauth1, oauth2].entries())
      must(await alice.ask('POST', '/api/v1/services', definition(`s_good_${i}`)), 201)
  })

  it('a problem has the members of RFC 9457, and its type leads to its description', async () => {
    const { json, headers } = must(await alice.ask('POST', '/api/v1/services', {}), 422)
    expect(json).toMatchObject({
      type: `${patchbay.base}/docs/problems#validation_failed`,
      title: expect.any(String),
      status: 422,
      detail: expect.any(String),
      code: 'validation_failed',
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      errors: [{ path: 'auth_type', message: expect.any(String) }],
    })
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
  })

  it('a connection: each wrong field is named, the same request corrected works', async () => {
    const body = { service: 'key', name: 'Good', link_name: 'c_good', credentials: { 'X-Api-Key': 'practice-key' } }
    const table: [Json, string][] = [
      [{ service: 'no_such_service' }, 'service_not_found'],
      [{ service: undefined }, 'validation_failed: service'],
      [{ service: 7 }, 'validation_failed: service'],
      [{ name: '' }, 'validation_failed: name'],
      [{ name: '🦊'.repeat(51) }, 'validation_failed: name'],
      [{ name: 'a\u0000b' }, 'validation_failed: name'],
      [{ link_name: 'Has-Hyphen' }, 'validation_failed: link_name'],
      [{ link_name: 'a'.repeat(51) }, 'validation_failed: link_name'],
      [{ link_name: 'a\n' }, 'validation_failed: link_name'],
      [{ link_name: 'there' }, 'link_name_taken: link_name'],
      [{ scopes: ['read'] }, 'validation_failed: scopes'],
      [{ scopes: 'read' }, 'validation_failed: scopes'],
      [{ scopes: [7] }, 'validation_failed: scopes.0'],
      [{ use_login_user_credentials: 'yes' }, 'validation_failed: use_login_user_credentials'],
      [{ access: 'everyone' }, 'validation_failed: access'],
      [{ access: { members: ['nobody'] } }, 'validation_failed: access.members.0'],
      [{ variables: { domain: 'x' } }, 'validation_failed: variables.domain'],
      [{ variables: 'x' }, 'validation_failed: variables'],
      [{ credentials: {} }, 'validation_failed: credentials.X-Api-Key'],
      [{ credentials: { 'X-Api-Key': '' } }, 'validation_failed: credentials.X-Api-Key'],
      [{ credentials: { 'X-Api-Key': 7 } }, 'validation_failed: credentials.X-Api-Key'],
      [{ credentials: { 'X-Api-Key': 'a\r\nX-Evil: 1' } }, 'validation_failed: credentials.X-Api-Key'],
      [{ credentials: { 'X-Api-Key': 'x'.repeat(8193) } }, 'validation_failed: credentials.X-Api-Key'],
      [{ credentials: { 'X-Api-Key': 'a', other: 'b' } }, 'validation_failed: credentials.other'],
      [{ credentials: 'practice-key' }, 'validation_failed: credentials'],
      [{ return_to: 'https://evil.test/' }, 'validation_failed: return_to'],
      [{ return_to: '//evil.test' }, 'validation_failed: return_to'],
      [{ return_to: '/\\evil.test' }, 'validation_failed: return_to'],
      [{ return_to: '/%09/evil.test' }, 'validation_failed: return_to'],
      [{ owner_id: ada.id }, 'validation_failed: owner_id'],
      [{ status: 'connected' }, 'validation_failed: status'],
      [{ organization_id: 'x', id: 'y' }, 'validation_failed: organization_id id'],
    ]
    const before = await everything()
    for (const [rest, expected] of table) {
      const answer = await alice.ask('POST', '/api/v1/connections', { ...body, ...rest })
      expect(refusal(answer), JSON.stringify(rest).slice(0, 150)).toBe(expected)
      expect(answer.text).not.toContain('practice-key')
    }
    const unlisted = { service: 'code', name: 'x', link_name: 'c_scope', scopes: ['read', 'unlisted'] }
    expect(refusal(await alice.ask('POST', '/api/v1/connections', unlisted))).toBe('validation_failed: scopes.1')
    expect(await everything()).toBe(before)
    must(await alice.ask('POST', '/api/v1/connections', body), 201)
  })

  it('Basic values: a colon in the user name, control characters and non-texts are refused before anything is asked', async () => {
    must(await alice.ask('POST', '/api/v1/services', basicDefinition(patchbay, 'basic')), 201)
    for (const [credentials, path] of [
      [{ username: 'a:b', password: 'x' }, 'credentials.username'],
      [{ username: 'a', password: 'x\n' }, 'credentials.password'],
      [{ username: 7, password: 'x' }, 'credentials.username'],
      [{ username: '', password: '' }, 'credentials.username'],
      [{ username: 'a', password: 'x', token: 'y' }, 'credentials.token'],
    ] as const) {
      const body = { service: 'basic', name: 'x', link_name: 'c_basic', credentials }
      expect(refusal(await alice.ask('POST', '/api/v1/connections', body))).toBe(`validation_failed: ${path}`)
    }
    expect(refusal(await alice.ask('GET', '/api/v1/connections/c_basic'))).toBe('connection_not_found')
  })

  it.each(['PATCH /api/v1/connections/there', 'POST /api/v1/connections/there/authorize', 'POST /api/v1/connections/there/revoke'])(
    '%s takes none of the columns behind it',
    async route => {
      const [method = '', path = ''] = route.split(' ')
      const before = await seen(alice.ask, 'there')
      for (const name of [
        'id',
        'organization_id',
        'owner_id',
        'service_id',
        'link_name',
        'status',
        'created_at',
        'sealed',
        'role',
        'is_admin',
      ]) {
        const answer = await alice.ask(method, path, { [name]: 'x' })
        expect([answer.status, refusal(answer)], name).toEqual([422, `validation_failed: ${name}`])
      }
      for (const text of ['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}']) {
        const answer = await alice.ask(method, path, text)
        expect([400, 422], answer.text).toContain(answer.status)
      }
      expect(({} as Json)['polluted']).toBeUndefined()
      expect(await seen(alice.ask, 'there')).toEqual(before)
    },
  )

  it.each(['/api/v1/services', '/api/v1/connections', '/api/v1/invoke', '/api/v1/api-keys'])(
    'POST %s: what is no JSON is 400',
    async path => {
      for (const text of ['{', '{"name":}', 'name=x', "{'a':1}", '{"a":1}{"b":2}', '\u0000', '{"a":NaN}', '[1,2', '﻿{]'])
        expect((await refused(path, text)).join(' '), text).toBe('400 malformed_request')
      for (const text of ['[]', '"text"', '7', 'true']) {
        const [status] = await refused(path, text)
        expect(status, text).toBe(422)
      }
    },
  )

  const refused = async (path: string, text: string, headers: Record<string, string> = {}): Promise<[number, string]> => {
    const answer = await alice.ask('POST', path, text, headers)
    return [answer.status, String(answer.json?.code)]
  }

  it('invalid UTF-8 is not JSON', async () => {
    const response = await fetch(`${patchbay.base}/api/v1/services`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: patchbay.base, cookie: cookieOf(alice) },
      body: Buffer.concat([Buffer.from('{"link_name":"a'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    })
    expect([400, 422]).toContain(response.status)
  })

  const cookieOf = (member: Member) => [...member.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/jsonp', 'nonsense'])(
    'a body that says it is %s is 415, and changes nothing',
    async type => {
      const before = await everything()
      const text = JSON.stringify(keyDefinition(patchbay, 's_type'))
      for (const path of ['/api/v1/services', '/api/v1/connections', '/api/v1/invoke'])
        expect(await refused(path, text, { 'content-type': type })).toEqual([415, 'unsupported_media_type'])
      expect(await everything()).toBe(before)
    },
  )

  it('JSON a hundred thousand levels deep is an answer, not an accident', async () => {
    for (const [path, body] of [
      ['/api/v1/services', `{"link_name":${deep(100_000)}}`],
      ['/api/v1/services', `{"advanced":{"headers":${deep(5000)}}}`],
      ['/api/v1/connections', `{"service":"key","name":"x","link_name":"c_deep","credentials":{"X-Api-Key":${deep(100_000)}}}`],
      ['/api/v1/invoke', `{"url":"${practiceUrl(patchbay)}/open/echo","type":"POST","body":${deep(101)}}`],
      ['/api/v1/invoke', `{"url":"${practiceUrl(patchbay)}/open/echo","type":"POST","body":${deep(100_000)}}`],
    ] as const) {
      const [status, code] = await refused(path, body)
      expect([status, code], path).toEqual([422, 'validation_failed'])
    }
    must(await alice.ask('GET', '/api/v1/me'), 200)
  })

  it('a body larger than the limit is 413', async () => {
    const [status, code] = await refused('/api/v1/services', JSON.stringify({ link_name: 'x'.repeat(1_100_000) }))
    expect([status, code]).toEqual([413, 'request_too_large'])
  })

  it.each(['/api/v1/services', '/api/v1/connections', '/api/v1/members', '/api/v1/api-keys', '/api/v1/audit', '/api/v1/invocations'])(
    'GET %s: limits are 1 to 100, and a cursor is one that it gave',
    async path => {
      const ask = (query: string): Promise<Answer> => ada.ask('GET', `${path}?${query}`)
      for (const limit of ['0', '-1', '101', '1.5', 'ten', '', '1e9', '9007199254740993'])
        expect(refusal(await ask(`limit=${limit}`)), limit).toBe('validation_failed: limit')
      for (const limit of [1, 100]) expect(must(await ask(`limit=${limit}`), 200).json.data.length).toBeLessThanOrEqual(limit)
      const forged = [
        'x',
        'bm9uc2Vuc2U',
        btoa('[]'),
        btoa('{}'),
        btoa('[1]'),
        btoa('null'),
        btoa('["a","b","c","d","e"]'),
        btoa(`["${'a'.repeat(600)}"]`),
        '%00',
        "' or 1=1",
      ]
      for (const cursor of forged) {
        const answer = await ask(`cursor=${encodeURIComponent(cursor)}`)
        expect([answer.status, refusal(answer)], cursor).toEqual([422, 'validation_failed: cursor'])
      }
      expect(refusal(await ask('nonsense=1'))).toBe('validation_failed: nonsense')
    },
  )

  it('a character that no database holds is the caller’s mistake, not an accident', async () => {
    const asked: [string, string, unknown?][] = [
      ['GET', '/api/v1/connections?q=%00'],
      ['GET', '/api/v1/connections?service=%00'],
      ['GET', '/api/v1/services?q=%00'],
      ['GET', '/api/v1/members/%00'],
      ['DELETE', '/api/v1/api-keys/%00'],
      ['GET', '/api/v1/invocations?connection=%00'],
      ['POST', '/api/v1/connections', { service: 'a\0', name: 'x', link_name: 'c_nul' }],
      ['PATCH', '/api/v1/connections/there', { access: { members: ['a\0'] } }],
      ['POST', '/api/v1/services', keyDefinition(patchbay, 's_nul', { description: 'a\0b' })],
      ['POST', '/api/v1/services', keyDefinition(patchbay, 's_half', { description: 'a\ud800b' })],
      ['POST', '/api/v1/services', keyDefinition(patchbay, 's_param', { parameters: [{ name: 'X', display_name: 'X', example: '\0' }] })],
      ['PUT', '/api/v1/me/organization', { slug: 'a\0' }],
      ['POST', '/api/v1/invitations/%00/accept', { name: 'x', password: 'y' }],
      ['POST', '/api/auth/sign-in/email', { email: 'a\0@example.test', password: 'x' }],
    ]
    for (const [method, path, body] of asked) {
      const answer = await alice.ask(method, path, body)
      expect(answer.status, `${method} ${path} ${answer.text}`).toBeLessThan(500)
      if (method !== 'GET') expect(answer.status, path).toBeGreaterThanOrEqual(400)
    }
    expect(await seen(alice.ask, 'there')).toMatchObject({ access: 'private' })
  })

  it('link names in paths that are none are 404, whatever they hold', async () => {
    for (const name of ['Has-Hyphen', 'a'.repeat(99), '%00', '..%2f..', "a'--", '__proto__', 'constructor', '%F0%9F%A6%8A', 'a%0a'])
      for (const path of [`/api/v1/connections/${name}`, `/api/v1/services/${name}`]) {
        const answer = await alice.ask('GET', path)
        expect([answer.status, answer.headers.get('content-type')], path).toEqual([
          404,
          expect.stringMatching(/^application\/problem\+json/),
        ])
      }
    const answer = await alice.ask('POST', '/api/v1/invoke', { connection: '__proto__', url: `http://${practiceHost(patchbay)}/key/echo` })
    expect(refusal(answer)).toBe('connection_not_found')
  })
})
