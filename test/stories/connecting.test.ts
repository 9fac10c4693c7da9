import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  basicDefinition,
  call,
  callbackOf,
  connect,
  counters,
  echo,
  keyDefinition,
  must,
  oauth2Service,
  practice,
  practiceHost,
  practiceUrl,
  refusal,
  seen,
  walk,
  type Member,
} from '../support/practice-services.ts'
import { listening } from '../support/upstream.ts'

describe.each(['pglite', 'postgres'] as const)('every authentication type connects and calls [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const create = async (definition: Record<string, unknown>) => must(await ada.ask('POST', '/api/v1/services', definition), 201)
  const echoed = (connection: string, path: string, rest: Record<string, unknown> = {}) => echo(patchbay, ada.ask, connection, path, rest)

  it('S-4 Basic: user name and password in the Authorization header', async () => {
    await create(basicDefinition(patchbay, 's4_basic'))
    const created = must(await ada.ask('POST', '/api/v1/connections', { service: 's4_basic', name: 'Basic', link_name: 's4_basic_c' }), 201)
    expect(created.json.authorization).toEqual({
      kind: 'fields',
      fields: [
        { name: 'username', display_name: 'Username', secret: false },
        { name: 'password', display_name: 'Password', secret: true },
      ],
    })
    expect(refusal(await call(patchbay, ada.ask, 's4_basic_c', '/basic/echo'))).toBe('authorization_required')
    const credentials = { username: 'practice', password: 'practice-password' }
    const finished = must(await ada.ask('POST', '/api/v1/connections/s4_basic_c/authorize', { credentials }), 200)
    expect(finished.json).toMatchObject({ connection: { status: 'connected' }, authorization: { kind: 'none' } })
    const seenByService = await echoed('s4_basic_c', '/basic/echo?a=1')
    expect(seenByService).toMatchObject({ via: 'basic', account: 'ada@practice.example', raw_query: 'a=1' })
    expect((seenByService['headers'] as Record<string, string>)['authorization']).toMatch(/^Basic sha256:/)
  })

  it.each(['header', 'query', 'form'] as const)('S-4 API key: several parameters, each at its own name, in the %s', async place => {
    const linkName = `s4_key_${place}`
    const [first, second] = place === 'header' ? ['X-App-Id', 'X-App-Token'] : ['app id', 'app_token']
    const parameters = [
      { name: first, display_name: 'App' },
      { name: second, display_name: 'Token' },
    ]
    const values = { [first]: `id-of-${place}`, [second]: `to&ken=${place}` }
    const registered = parameters.map(({ name }) => ({ place, name, value: values[name] }))
    must(await practice(patchbay, 'POST', '/practice/keys', { parameters: registered, account: 'grace' }), 201)
    await create(keyDefinition(patchbay, linkName, { param_type: place, parameters }))
    const created = await ada.ask('POST', '/api/v1/connections', { service: linkName, name: 'Key', link_name: linkName })
    expect(must(created, 201).json.authorization.fields).toEqual([
      { name: first, display_name: 'App', secret: true },
      { name: second, display_name: 'Token', secret: true },
    ])
    const incomplete = await ada.ask('POST', `/api/v1/connections/${linkName}/authorize`, { credentials: { [first]: 'x' } })
    expect(refusal(incomplete)).toBe(`validation_failed: credentials.${second}`)
    must(await ada.ask('POST', `/api/v1/connections/${linkName}/authorize`, { credentials: values }), 200)

    const got = await echoed(linkName, '/key/echo', { type: 'POST', parameters: { mine: '1' } })
    expect(got).toMatchObject({ via: 'key', account: 'grace@practice.example' })
    if (place === 'header') expect(got['headers']).toMatchObject({ 'x-app-id': expect.stringMatching(/^sha256:/) })
    if (place === 'query') expect(got['query']).toMatchObject({ 'app id': expect.stringMatching(/^sha256:/) })
    expect(got['body']).toMatchObject({ mine: '1', ...(place === 'form' && { app_token: expect.stringMatching(/^sha256:/) }) })
    if (place !== 'form') return
    const before = await counters(patchbay)
    const refused = await call(patchbay, ada.ask, linkName, '/key/echo')
    expect([refused.status, refused.json.code]).toEqual([422, 'param_type_mismatch'])
    expect(refused.json.detail).toContain('Param Type')
    expect((await counters(patchbay)).api).toEqual(before.api)
  })

  it.each(['header', 'query', 'form'] as const)('S-4 OAuth 1: signed parameters in the %s', async placement => {
    const linkName = `s4_oauth1_${placement}`
    const consumer = must(await practice(patchbay, 'POST', '/oauth1/clients', { placement, auto: 'accept' }), 201).json
    const { json: service } = await create({
      link_name: linkName,
      name: 'OAuth 1',
      auth_type: 'oauth1',
      param_type: placement,
      request_token_url: `${practiceUrl(patchbay)}/oauth1/request_token`,
      authorize_url: `${practiceUrl(patchbay)}/oauth1/authorize`,
      access_token_url: `${practiceUrl(patchbay)}/oauth1/access_token`,
      client_id: consumer.consumer_key,
      client_secret: consumer.consumer_secret,
    })
    expect(service).toMatchObject({ redirect_url: callbackOf(patchbay, linkName), api_hosts: [practiceHost(patchbay)] })
    expect(await connect(ada, { service: linkName, link_name: linkName })).toMatchObject({ status: 'connected', has_refresh_token: false })
    const fields = { type: 'POST', parameters: { 'a b': 'ü&=', a: '2' } }
    const got = await echoed(linkName, '/oauth1/echo?q=1&q=2', fields)
    expect(got).toMatchObject({ via: 'oauth1', account: 'ada@practice.example', body: { 'a b': 'ü&=', a: '2' }, query: { q: ['1', '2'] } })
    const where = { header: (got['headers'] as Record<string, string>)['authorization'] ?? '', query: got['raw_query'], form: got['body'] }
    for (const [place, text] of Object.entries(where)) {
      const has = JSON.stringify(text).includes('oauth_signature')
      expect(has, place).toBe(place === placement)
    }
  })

  it.each([
    ['authorization_code', 'header'],
    ['authorization_code', 'query'],
    ['client_credentials', 'header'],
    ['client_credentials', 'query'],
  ] as const)('S-4 OAuth 2: %s, the token in the %s', async (grantType, place) => {
    const linkName = `s4_${grantType === 'authorization_code' ? 'code' : 'cc'}_${place}`
    const name = place === 'header' ? 'authorization' : 'access_token'
    const api_credential = [{ place, name, ...(place === 'header' && { prefix: 'Bearer' }) }]
    await oauth2Service(patchbay, linkName, { habits: { api_credential }, rest: { grant_type: grantType, param_type: place } })
    const before = await counters(patchbay)
    const shown = await connect(ada, { service: linkName, link_name: linkName })
    expect(shown).toMatchObject({ status: 'connected', warnings: [], has_refresh_token: grantType === 'authorization_code' })
    // fetched when the connection was created: connected means that it worked
    expect((await counters(patchbay)).token[grantType]?.['ok']).toBe((before.token[grantType]?.['ok'] ?? 0) + 1)
    const got = await echoed(linkName, '/api/echo?mine=1')
    expect(got).toMatchObject({ via: 'oauth2', query: { mine: '1' } })
    const authorization = (got['headers'] as Record<string, string>)['authorization']
    if (place === 'header') expect(authorization).toMatch(/^Bearer sha256:/)
    else expect([authorization, got['raw_query']]).toEqual([undefined, expect.stringMatching(/^mine=1&access_token=sha256:/)])
  })

  it('S-5 the authorize URL reaches the service byte for byte, with what is ours once and scopes united', async () => {
    const asked: string[] = []
    const recorder = await listening(
      createServer((request, response) => {
        asked.push(request.url ?? '')
        response.writeHead(302, { location: practiceUrl(patchbay) + (request.url ?? '') }).end()
      }),
    )
    const kept = "access_type=offline&apostrophe='a'&tilde=%7Eabc&plus=a+b&blank=%20&slash=/?&empty=&flag&umlaut=%C3%BC"
    const taken = 'client_id=evil&STATE=evil&redirect_uri=https%3A%2F%2Fevil.test&response_type=token&code_challenge=x&scope=one,two'
    await oauth2Service(patchbay, 's5', {
      habits: { offline_parameter: ['access_type', 'offline'] },
      rest: {
        authorize_url: `http://127.0.0.1:${recorder.port}/oauth2/authorize?${taken}&${kept.slice(0, 23)}\r\n${kept.slice(23)}`,
        scopes: [{ name: 'two' }, { name: 'three' }],
      },
    })
    expect(await connect(ada, { service: 's5', link_name: 's5' })).toMatchObject({
      granted_scopes: ['one', 'two', 'three'],
      has_refresh_token: true,
    })
    expect(asked).toHaveLength(1)
    const [path, query = ''] = (asked[0] ?? '').split(/\?(.*)/)
    expect(path).toBe('/oauth2/authorize')
    // the text is the developer's; a browser (and the fetch of this test) writes %27 for an apostrophe
    const { url } = must(await ada.ask('POST', '/api/v1/connections/s5/authorize'), 200).json.authorization
    expect(url.slice(0, url.indexOf('&client_id'))).toBe(`http://127.0.0.1:${recorder.port}/oauth2/authorize?${kept}`)
    const arrived = kept.replaceAll("'", '%27')
    expect(query.startsWith(`${arrived}&`), query).toBe(true)
    const pairs = [...new URLSearchParams(query.slice(arrived.length + 1))]
    expect(pairs.map(([name]) => name).sort()).toEqual(
      ['client_id', 'code_challenge', 'code_challenge_method', 'redirect_uri', 'response_type', 'scope', 'state'].sort(),
    )
    expect(Object.fromEntries(pairs)).toMatchObject({
      redirect_uri: callbackOf(patchbay, 's5'),
      response_type: 'code',
      scope: 'one two three',
      code_challenge_method: 'S256',
    })
    expect(query).not.toMatch(/=evil|evil\.test/)
  })

  it.each([
    ['comma', ','],
    ['space', ' '],
    ['plus', '+'],
  ] as const)('S-5 CON-11 scopes one by one, joined by %s', async (scope_delimiter, scope_separator) => {
    const linkName = `s5_${scope_delimiter}`
    const scopes = ['first.read', 'https://scope.test/second', 'third:all'].map(name => ({ name }))
    await oauth2Service(patchbay, linkName, { habits: { scope_separator }, rest: { scopes, scope_delimiter } })
    expect(await connect(ada, { service: linkName, link_name: linkName })).toMatchObject({
      scopes: scopes.map(one => one.name),
      granted_scopes: scopes.map(one => one.name),
    })
  })

  it('S-5 without a choice of delimiter it is the comma', async () => {
    const scopes = [{ name: 'a' }, { name: 'b' }]
    await oauth2Service(patchbay, 's5_default', { habits: { scope_separator: ',' }, rest: { scopes, scope_delimiter: undefined } })
    expect(await connect(ada, { service: 's5_default', link_name: 's5_default' })).toMatchObject({ granted_scopes: ['a', 'b'] })
  })

  it('S-6 CON-17 a variable in a URL is asked for, holds nothing that moves the URL elsewhere, and decides which host is called', async () => {
    const { port } = new URL(practiceUrl(patchbay))
    const at = (path: string) => `http://{region}:${port}${path}`
    await oauth2Service(patchbay, 's6_variable', {
      rest: {
        authorize_url: at('/oauth2/authorize'),
        access_token_url: at('/oauth2/token'),
        revoke_token_url: at('/oauth2/revoke'),
        api_hosts: [`{region}:${port}`],
        advanced: { base_url: at('/api'), variables: { region: { label: 'Region' } } },
      },
    })
    const body = { service: 's6_variable', name: 'Variable', link_name: 's6_variable' }
    const created = must(await ada.ask('POST', '/api/v1/connections', body), 201)
    expect(created.json.authorization).toEqual({ kind: 'fields', fields: [{ name: 'region', display_name: 'Region', secret: false }] })
    const authorize = (variables: Record<string, unknown>) => ada.ask('POST', '/api/v1/connections/s6_variable/authorize', { variables })
    for (const region of ['evil.test/', 'a@evil.test', 'evil.test#', '127.0.0.1:1', 'a b', '', 'x'.repeat(300), 7])
      expect(refusal(await authorize({ region })), String(region)).toBe('validation_failed: variables.region')
    expect(refusal(await authorize({ other: 'x' }))).toBe('validation_failed: variables.other')
    const started = must(await authorize({ region: '127.0.0.1' }), 200)
    await walk(ada.browser, started.json.authorization.url, '/connections/s6_variable')
    expect(await echoed('s6_variable', '/api/echo')).toMatchObject({ via: 'oauth2' })
    expect(refusal(await call(patchbay, ada.ask, 's6_variable', `http://localhost:${port}/api/echo`))).toBe('destination_not_allowed')
  })

  it('S-6 a variable with choices is a menu with the first chosen; given in the create call it needs no second one', async () => {
    const { port } = new URL(practiceUrl(patchbay))
    const variables = { dc: { label: 'Data centre', choices: ['localhost', '127.0.0.1'] } }
    await create(keyDefinition(patchbay, 's6_menu', { api_hosts: [`{dc}:${port}`], advanced: { variables } }))
    const asked = must(await ada.ask('POST', '/api/v1/connections', { service: 's6_menu', name: 'Menu', link_name: 's6_menu' }), 201)
    expect(asked.json.authorization.fields).toContainEqual({
      name: 'dc',
      display_name: 'Data centre',
      secret: false,
      choices: ['localhost', '127.0.0.1'],
    })
    const at = (linkName: string, dc: string | undefined) =>
      ada.ask('POST', '/api/v1/connections', {
        service: 's6_menu',
        name: linkName,
        link_name: linkName,
        credentials: { 'X-Api-Key': 'practice-key' },
        ...(dc !== undefined && { variables: { dc } }),
      })
    expect(refusal(await at('s6_menu_moon', 'moon'))).toBe('validation_failed: variables.dc')
    must(await at('s6_menu_second', '127.0.0.1'), 201)
    expect(await echoed('s6_menu_second', '/key/echo')).toMatchObject({ via: 'key' })
    must(await at('s6_menu_first', undefined), 201)
    expect(refusal(await call(patchbay, ada.ask, 's6_menu_first', '/key/echo'))).toBe('destination_not_allowed')
  })

  it('S-6 after connecting the service says whose account it is, and captured fields fill the base URL', async () => {
    const { port } = new URL(practiceUrl(patchbay))
    await oauth2Service(patchbay, 's6_account', {
      habits: {
        response_fields: { api_domain: '127.0.0.1' },
        api_credential: [{ place: 'header', name: 'authorization', prefix: 'Zoho-oauthtoken' }],
      },
      rest: {
        advanced: {
          header_prefix: 'Zoho-oauthtoken',
          capture: { domain: 'api_domain' },
          base_url: `http://{domain}:${port}/api`,
          test_url: `http://{domain}:${port}/api/me`,
          after_connect: { url: `http://{domain}:${port}/api/me`, id_path: 'id', label_path: ['nickname', 'email'] },
        },
      },
    })
    expect(await connect(ada, { service: 's6_account', link_name: 's6_account' })).toMatchObject({
      account: { id: 'ada', label: 'ada@practice.example' },
    })
    const got = await echoed('s6_account', '/api/echo')
    expect((got['headers'] as Record<string, string>)['authorization']).toMatch(/^Zoho-oauthtoken sha256:/)
    const tested = must(await ada.ask('POST', '/api/v1/connections/s6_account/test'), 200)
    expect(tested.json).toMatchObject({ ok: true, status_code: 200 })
    const proxied = await patchbay.admin('GET', '/proxy/s6_account/echo?x=1')
    expect(must(proxied, 200).json).toMatchObject({ path: '/api/echo', query: { x: '1' } })
  })

  it.each([
    ['JSON token bodies', { token_request_body: 'json' }, { token_body: 'json' }],
    ['Basic client authentication', { client_authentication: 'basic' }, { client_authentication: 'basic' }],
    [
      'another client authentication for the code only',
      { client_authentication: { code: 'basic', revoke: 'body' } },
      { client_authentication: { code: 'basic' } },
    ],
    ['no PKCE', { pkce: 'refused' }, { pkce: 'off' }],
    ['PKCE by default', { pkce: 'required' }, {}],
    [
      'parameters of its own',
      { required_parameters: { authorize: { audience: 'api' }, code: { resource: 'r' } } },
      { authorize_params: { audience: 'api' }, token_params: { resource: 'r' } },
    ],
    [
      'client id and secret in headers',
      { client_authentication: 'headers' },
      { client_authentication: 'headers', client_id_header: 'x-client-id', client_secret_header: 'x-client-secret' },
    ],
    [
      'a token inside the answer',
      { response_paths: { access_token: 'data.token' } },
      { access_token_path: ['access_token', 'data.token'] },
    ],
    [
      'another name for the header',
      { api_credential: [{ place: 'header', name: 'x-token' }] },
      { header_name: 'X-Token', header_prefix: '' },
    ],
    ['a fixed header', { api_headers: { 'x-version': '7' } }, { headers: { 'X-Version': '7' } }],
  ] as const)('S-6 %s: connects, calls and revokes', async (what, habits, advanced) => {
    const linkName = `s6_${what.toLowerCase().replace(/[^a-z]+/g, '_')}`.slice(0, 50)
    await oauth2Service(patchbay, linkName, { habits, rest: { advanced } })
    expect(await connect(ada, { service: linkName, link_name: linkName })).toMatchObject({ status: 'connected' })
    expect(await echoed(linkName, '/api/echo')).toMatchObject({ via: 'oauth2' })
    must(await ada.ask('POST', `/api/v1/connections/${linkName}/revoke`), 200)
    expect(await seen(ada.ask, linkName)).toMatchObject({ status: 'revoked', status_reason: 'revoked_by_person' })
    expect(refusal(await call(patchbay, ada.ask, linkName, '/api/echo'))).toBe('connection_revoked')
  })
})
