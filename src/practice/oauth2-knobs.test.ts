import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { afterEach, assert, beforeEach, describe, test } from 'vitest'
import { basic, bearer, callback, pkce, startAsking, type Asking, type Fields, type Said } from '../../test/support/practice-asking.ts'

let practice: Asking
beforeEach(async () => {
  practice = await startAsking()
})
afterEach(() => practice.close())

interface Registered {
  readonly client_id: string
  readonly client_secret: string
}

const code = async (client: Registered, parameters: Fields = {}, prefix = ''): Promise<string> =>
  (await practice.authorize(client.client_id, parameters, prefix)).get('code') ?? ''

/** The parameters of a code exchange, with the client in the body. */
const exchangeFields = async (client: Registered, parameters: Fields = {}, prefix = ''): Promise<Fields> => ({
  grant_type: 'authorization_code',
  code: await code(client, parameters, prefix),
  redirect_uri: callback,
  client_id: client.client_id,
  client_secret: client.client_secret,
})

const connect = async (client: Registered, parameters: Fields = {}): Promise<Said> =>
  practice.postForm('/oauth2/token', await exchangeFields(client, parameters))

const refresh = (client: Registered, refreshToken: unknown, more: Fields = {}) =>
  practice.postForm('/oauth2/token', { grant_type: 'refresh_token', refresh_token: String(refreshToken), ...idAndSecret(client), ...more })

const idAndSecret = ({ client_id, client_secret }: Registered): Fields => ({ client_id, client_secret })

const grant = { grant_type: 'client_credentials' }

describe('client authentication: the right secret in the wrong place is refused', () => {
  const special = { client_id: 'id:1 ü', client_secret: 's%c+r/t =&' }
  const form = (value: string) => encodeURIComponent(value).replaceAll('%20', '+')
  const query = (fields: Fields) => `/oauth2/token?${new URLSearchParams(fields).toString()}`
  const ways: Readonly<Record<string, () => Promise<Said>>> = {
    body: () => practice.postForm('/oauth2/token', { ...grant, ...special }),
    basic: () => practice.postForm('/oauth2/token', grant, basic('plain', special.client_secret)),
    basic_form_encoded: () => practice.postForm('/oauth2/token', grant, basic(form(special.client_id), form(special.client_secret))),
    query: () => practice.postForm(query(special), grant),
    headers: () => practice.postForm('/oauth2/token', grant, { 'x-client-id': 'plain', 'x-client-secret': special.client_secret }),
    none: () => practice.postForm('/oauth2/token', { ...grant, client_id: special.client_id }),
  }
  for (const style of Object.keys(ways)) {
    test(style, async () => {
      // A Basic user name has no colon and a header no ü: those two styles use the second id.
      await practice.client({ ...special, client_authentication: style })
      await practice.client({ ...special, client_id: 'plain', client_authentication: style })
      for (const [way, send] of Object.entries(ways)) {
        const said = await send()
        assert.equal(said.status, way === style ? 200 : 401, `${way}: ${said.text}`)
        if (way !== style) assert.equal(said.json.error, 'invalid_client')
      }
    })
  }

  test('another style for each phase', async () => {
    const client = await practice.client({ client_authentication: { code: 'basic', refresh: 'body' } })
    const { client_secret: _, ...fields } = await exchangeFields(client)
    assert.equal((await practice.postForm('/oauth2/token', { ...fields, client_secret: client.client_secret })).status, 401)
    const tokens = await practice.postForm('/oauth2/token', fields, basic(client.client_id, client.client_secret))
    assert.equal(tokens.status, 200)
    assert.equal((await refresh(client, tokens.json.refresh_token)).status, 200)
  })

  test('signed assertions, by secret and by key, each good once', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const bySecret = await practice.client({ client_authentication: 'client_secret_jwt' })
    const byKey = await practice.client({ client_authentication: 'private_key_jwt', public_key: publicKey })
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const assertion = (client: Registered, alg: 'HS256' | 'ES256', claims: object = {}) => {
      const own = {
        iss: client.client_id,
        sub: client.client_id,
        aud: `${practice.url}/oauth2/token`,
        exp: practice.clock.ms / 1000 + 60,
        jti: 'j1',
      }
      const content = `${part({ alg })}.${part({ ...own, ...claims })}`
      const signature =
        alg === 'HS256'
          ? createHmac('sha256', client.client_secret).update(content).digest('base64url')
          : sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')
      return `${content}.${signature}`
    }
    const send = (client_assertion: string) =>
      practice.postForm('/oauth2/token', {
        ...grant,
        client_assertion,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      })
    for (const [client, alg] of [
      [bySecret, 'HS256'],
      [byKey, 'ES256'],
    ] as const) {
      assert.equal((await send(assertion(client, alg, { aud: 'https://other.test' }))).status, 401)
      assert.equal((await send(assertion(client, alg, { exp: practice.clock.ms / 1000 }))).status, 401)
      assert.equal((await send(assertion(client, alg) + 'x')).status, 401)
      assert.equal((await send(assertion(client, alg))).status, 200)
      assert.equal((await send(assertion(client, alg))).status, 401, 'used already')
    }
    assert.equal((await send(assertion(byKey, 'HS256', { jti: 'j2' }))).status, 401, 'a public key is no secret')
  })
})

test('the token request is taken in one shape', async () => {
  const shapes: Readonly<Record<string, (client: Registered) => Promise<Said>>> = {
    form: async client => practice.postForm('/oauth2/token', await exchangeFields(client)),
    json: async client => practice.postJson('/oauth2/token', await exchangeFields(client)),
    query: async client =>
      practice.ask(`/oauth2/token?${new URLSearchParams(await exchangeFields(client)).toString()}`, { method: 'POST' }),
  }
  for (const wanted of Object.keys(shapes)) {
    const client = await practice.client({ token_request_body: wanted, client_authentication: wanted === 'query' ? 'query' : 'body' })
    for (const [shape, send] of Object.entries(shapes))
      assert.equal((await send(client)).status === 200, shape === wanted, `${wanted} ${shape}`)
  }
  const byGet = await practice.client({ token_method: 'GET', client_authentication: 'query' })
  assert.equal((await practice.ask(`/oauth2/token?${new URLSearchParams(await exchangeFields(byGet)).toString()}`)).status, 200)
  assert.equal((await practice.postForm('/oauth2/token', await exchangeFields(byGet))).status, 405)
})

test('parameters, headers and grant types that a service insists on', async () => {
  const client = await practice.client({
    required_parameters: { authorize: { audience: 'a1' }, code: { extra: 'c' }, refresh: { extra: 'r' } },
    token_headers: { 'X-Version': '2' },
    grant_type_names: { refresh_token: 'renew' },
  })
  assert.equal((await practice.authorize(client.client_id)).get('error'), 'invalid_request')
  const headers = { 'x-version': '2' }
  const fields = () => exchangeFields(client, { audience: 'a1' })
  assert.equal((await practice.postForm('/oauth2/token', await fields(), headers)).status, 400)
  assert.equal((await practice.postForm('/oauth2/token', { ...(await fields()), extra: 'c' })).status, 400)
  const tokens = await practice.postForm('/oauth2/token', { ...(await fields()), extra: 'c' }, headers)
  assert.equal(tokens.status, 200)
  const renew = (grant_type: string, extra: string) =>
    practice.postForm(
      '/oauth2/token',
      { grant_type, refresh_token: String(tokens.json.refresh_token), ...idAndSecret(client), extra },
      headers,
    )
  assert.equal((await renew('refresh_token', 'r')).json.error, 'unsupported_grant_type')
  assert.equal((await renew('renew', 'c')).status, 400)
  assert.equal((await renew('renew', 'r')).status, 200)
})

test('parameter names and scope separators are the client’s own', async () => {
  const odd = await practice.client({
    client_id_parameter: 'client_key',
    scope_parameter: 'permissions',
    scope_separator: ',',
    code_parameter: 'auth_code',
  })
  assert.equal((await practice.authorize(odd.client_id)).status, 400)
  const back = await practice.authorize('', { client_key: odd.client_id, permissions: 'a.read,b.write' })
  assert.ok(back.get('auth_code'))
  assert.equal(back.get('code'), null)
  const fields = {
    grant_type: 'authorization_code',
    code: back.get('auth_code') ?? '',
    redirect_uri: callback,
    client_secret: odd.client_secret,
  }
  assert.equal((await practice.postForm('/oauth2/token', { ...fields, client_key: odd.client_id })).json.scope, 'a.read,b.write')
  assert.equal((await practice.authorize('', { client_key: odd.client_id, permissions: 'a.read b.write' })).get('error'), 'invalid_scope')

  const twoParameters = await practice.client({ second_scope_parameter: 'user_scope', scope_separator: ',' })
  assert.equal((await connect(twoParameters, { scope: 'bot', user_scope: 'chat,files' })).json.scope, 'bot,chat,files')

  const plus = await practice.client({ scope_separator: '+' })
  const ask = async (scope: string) => {
    const { headers } = await practice.ask(
      `/oauth2/authorize?response_type=code&auto=accept&client_id=${plus.client_id}&redirect_uri=${encodeURIComponent(callback)}&scope=${scope}`,
    )
    return new URL(headers.get('location') ?? '').searchParams
  }
  for (const scope of ['a+b', 'a%2Bb']) {
    const given = (await ask(scope)).get('code') ?? ''
    const tokens = await practice.postForm('/oauth2/token', {
      grant_type: 'authorization_code',
      code: given,
      redirect_uri: callback,
      ...idAndSecret(plus),
    })
    assert.equal(tokens.json.scope, 'a+b', scope)
  }
  for (const scope of ['a%20b', 'a,b']) assert.equal((await ask(scope)).get('error'), 'invalid_scope', scope)

  const limited = await practice.client({ scopes: ['read'] })
  assert.equal((await practice.authorize(limited.client_id, { scope: 'read write' })).get('error'), 'invalid_scope')
})

test('the authorize endpoint has its own habits too: PKCE, offline, consent, callback extras, form_post', async () => {
  const { challenge } = pkce()
  const proof = { code_challenge: challenge, code_challenge_method: 'S256' }
  const required = await practice.client({ pkce: 'required' })
  assert.equal((await practice.authorize(required.client_id)).get('error'), 'invalid_request')
  assert.ok((await practice.authorize(required.client_id, proof)).get('code'))
  const refused = await practice.client({ pkce: 'refused' })
  assert.equal((await practice.authorize(refused.client_id, proof)).get('error'), 'invalid_request')
  assert.ok((await practice.authorize(refused.client_id)).get('code'))

  const offline = await practice.client({ offline_parameter: ['access_type', 'offline'], remember_consent: true })
  assert.notProperty((await connect(offline)).json, 'refresh_token')
  assert.notProperty((await connect(offline, { access_type: 'offline' })).json, 'refresh_token', 'allowed before, so not again')
  assert.property((await connect(offline, { access_type: 'offline', prompt: 'consent' })).json, 'refresh_token')
  assert.ok((await practice.authorize(offline.client_id, { prompt: 'none', auto: '' })).get('code'))

  const extras = await practice.client({ callback_extras: { realmId: '42', 'accounts-server': '{origin}' } })
  const back = await practice.authorize(extras.client_id)
  assert.deepEqual([back.get('realmId'), back.get('accounts-server')], ['42', practice.url])
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: extras.client_id,
    redirect_uri: callback,
    response_mode: 'form_post',
    state: 's',
  })
  const page = await practice.ask(`/oauth2/authorize?${query.toString()}`)
  assert.match(page.text, /<form method="post" action="http:\/\/127\.0\.0\.1:9\/callback">/)
  assert.match(page.text, /name="code" value="code_/)
})

test('the token response comes in the shape the client’s service is known for', async () => {
  const nested = await practice.client({
    response_paths: {
      access_token: 'authed_user.access_token',
      refresh_token: 'data.refresh',
      expires_in: 'data.ttl',
      scope: 'authed_user.scope',
    },
    response_fields: { instance_url: '{origin}', team: { id: 'T1' } },
    error_style: 'ok_false',
    token_type: null,
  })
  const said = await connect(nested, { scope: 'read' })
  const user = said.json.authed_user as Fields
  assert.match(user.access_token ?? '', /^at1_/)
  assert.equal(user.scope, 'read')
  assert.deepInclude(said.json, { ok: true, instance_url: practice.url, team: { id: 'T1' } })
  assert.equal((said.json.data as Record<string, unknown>).ttl, 3600)
  assert.notProperty(said.json, 'token_type')
  assert.notProperty(said.json, 'access_token')
  const failed = await practice.postForm('/oauth2/token', { ...(await exchangeFields(nested)), code: 'no' })
  assert.deepEqual([failed.status, failed.json], [200, { ok: false, error: 'invalid_grant' }])

  const form = await connect(await practice.client({ response_format: 'form' }))
  assert.equal(form.headers.get('content-type'), 'application/x-www-form-urlencoded')
  assert.match(new URLSearchParams(form.text).get('access_token') ?? '', /^at2_/)
  const html = await connect(await practice.client({ response_format: 'json_as_html', token_type: 'Zoho-oauthtoken' }))
  assert.equal(html.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.equal(html.json.token_type, 'Zoho-oauthtoken')
})

test('when the token ends is said in every known way', async () => {
  const end = practice.clock.ms + 7200_000
  for (const [expires_format, expected] of [
    ['seconds', 7200],
    ['string', '7200'],
    ['decimal_string', '7200.92'],
    ['milliseconds', 7_200_000],
    ['iso', new Date(end).toISOString()],
    ['epoch', end / 1000],
    ['epoch_milliseconds', end],
    ['absent', undefined],
    ['null', null],
    ['zero', 0],
    ['jwt', undefined],
  ] as const) {
    const { json } = await connect(await practice.client({ expires_format, access_token_seconds: 7200 }))
    assert.equal(json.expires_in, expected, expires_format)
    if (expires_format === 'jwt') {
      const claims = JSON.parse(Buffer.from(String(json.access_token).split('.')[1] ?? '', 'base64url').toString()) as Record<
        string,
        unknown
      >
      assert.equal(claims.exp, end / 1000)
    }
    assert.equal((await practice.ask('/api/me', { headers: bearer(json.access_token) })).status, 200)
  }
  const { json } = await connect(await practice.client({ id_token: true }))
  assert.equal(String(json.id_token).split('.').length, 3)
})

test('refreshing has conditions: not early, not too often, not after sleeping, with redirect_uri or scope', async () => {
  const early = await practice.client({ refuses_early_refresh: true })
  const first = await connect(early)
  assert.equal((await refresh(early, first.json.refresh_token)).json.error, 'invalid_request')
  practice.clock.ms += 3600_000
  assert.equal((await refresh(early, first.json.refresh_token)).status, 200)

  const spaced = await practice.client({ refresh_spacing_seconds: 30 })
  const second = await connect(spaced)
  assert.equal((await refresh(spaced, second.json.refresh_token)).status, 200)
  const soon = await refresh(spaced, second.json.refresh_token)
  assert.deepEqual([soon.status, soon.headers.get('retry-after')], [429, '30'])
  practice.clock.ms += 30_000
  assert.equal((await refresh(spaced, second.json.refresh_token)).status, 200)

  const sleepy = await practice.client({ refresh_token_idle_seconds: 100 })
  const third = await connect(sleepy)
  practice.clock.ms += 99_000
  assert.equal((await refresh(sleepy, third.json.refresh_token)).status, 200)
  practice.clock.ms += 100_000
  assert.equal((await refresh(sleepy, third.json.refresh_token)).json.error, 'invalid_grant')

  for (const [knob, parameter, value] of [
    ['redirect_uri_on_refresh', 'redirect_uri', callback],
    ['scope_on_refresh', 'scope', 'read'],
  ] as const) {
    for (const rule of ['required', 'refused']) {
      const client = await practice.client({ [knob]: rule })
      const tokens = await connect(client, { scope: 'read' })
      assert.equal((await refresh(client, tokens.json.refresh_token)).status, rule === 'required' ? 400 : 200, `${knob} ${rule} without`)
      const given = await refresh(client, tokens.json.refresh_token, { [parameter]: value })
      assert.equal(given.status, rule === 'required' ? 200 : 400, `${knob} ${rule} with`)
    }
  }
  const client = await practice.client()
  const tokens = await connect(client, { scope: 'read' })
  assert.equal((await refresh(client, tokens.json.refresh_token, { scope: 'read write' })).json.error, 'invalid_scope')

  const few = await practice.client({ active_access_tokens: 2 })
  const oldest = await connect(few)
  for (let times = 0; times < 2; times++) await refresh(few, oldest.json.refresh_token)
  assert.equal((await practice.ask('/api/me', { headers: bearer(oldest.json.access_token) })).status, 401)
})

test('the API takes the token where and how the client’s service wants it, and says "expired" in its own words', async () => {
  const call = (path: string, headers: Fields = {}) => practice.ask(path, { headers })
  const client = await practice.client({
    api_credential: [
      { place: 'header', name: 'X-Auth', prefix: 'Token ' },
      { place: 'cookie', name: 'sid' },
    ],
    api_headers: { 'X-Version': '3' },
    expired_answer: { status: 200, body: { code: 602, message: 'expired' } },
  })
  const token = String((await connect(client)).json.access_token)
  assert.equal((await call('/api/me', { 'x-auth': `Token ${token}`, 'x-version': '3' })).json.id, 'ada')
  assert.equal((await call('/api/me', { cookie: `sid=${token}`, 'x-version': '3' })).status, 200)
  assert.equal((await call('/api/me', { 'x-auth': token, 'x-version': '3' })).status, 401)
  assert.equal((await call('/api/me', { ...bearer(token), 'x-version': '3' })).status, 401)
  assert.equal((await call('/api/me', { 'x-auth': `Token ${token}` })).status, 400)
  assert.notInclude((await call('/api/echo', { cookie: `sid=${token}`, 'x-version': '3' })).text, token)
  practice.clock.ms += 3600_000
  const expired = await call('/api/me', { 'x-auth': `Token ${token}`, 'x-version': '3' })
  assert.deepEqual([expired.status, expired.json.code], [200, 602])
})

test('revoking follows the client’s way, and only that', async () => {
  const attempt = async (
    revoke: object,
    authentication: string,
    send: (client: Registered, tokens: Record<string, unknown>) => Promise<Said>,
  ) => {
    const client = await practice.client({ revoke, client_authentication: { revoke: authentication } })
    const { json } = await connect(client)
    const said = await send(client, json)
    const alive = (await practice.ask('/api/me', { headers: bearer(json.access_token) })).status === 200
    return [said.status, alive ? 'alive' : 'revoked']
  }
  type Tokens = Record<string, unknown>
  const post = (client: Registered, tokens: Tokens) =>
    practice.postForm('/oauth2/revoke', { token: String(tokens.refresh_token), ...idAndSecret(client) })
  assert.deepEqual(await attempt({}, 'any', post), [200, 'revoked'])
  assert.deepEqual(await attempt({ method: 'DELETE' }, 'any', post), [405, 'alive'])
  assert.deepEqual(await attempt({ parameter: 'refresh' }, 'any', post), [400, 'alive'])
  assert.deepEqual(await attempt({ hint: 'required' }, 'any', post), [400, 'alive'])
  assert.deepEqual(await attempt({ token: 'access_token' }, 'any', post), [400, 'alive'])
  assert.deepEqual(await attempt({ place: 'json' }, 'any', post), [400, 'alive'])
  assert.deepEqual(await attempt({}, 'basic', post), [401, 'alive'])

  const query = ({ access_token }: Tokens) => `/oauth2/revoke?key=${String(access_token)}`
  assert.deepEqual(
    await attempt({ method: 'GET', place: 'query', parameter: 'key', token: 'access_token' }, 'none', (_, tokens) =>
      practice.ask(query(tokens)),
    ),
    [200, 'revoked'],
  )
  assert.deepEqual(
    await attempt({ method: 'DELETE', place: 'bearer' }, 'none', (_, { access_token }) =>
      practice.ask('/oauth2/revoke', { method: 'DELETE', headers: bearer(access_token) }),
    ),
    [200, 'revoked'],
  )
  assert.deepEqual(
    await attempt({ place: 'json', hint: 'required' }, 'basic', (client, { refresh_token }) =>
      practice.ask('/oauth2/revoke', {
        method: 'POST',
        body: JSON.stringify({ token: refresh_token, token_type_hint: 'refresh_token' }),
        headers: { 'content-type': 'application/json', ...basic(client.client_id, client.client_secret) },
      }),
    ),
    [200, 'revoked'],
  )
  const unknown = await practice.postForm('/oauth2/revoke', {
    token: 'unknown',
    client_id: 'practice-client',
    client_secret: 'practice-secret',
  })
  assert.equal(unknown.status, 200, 'RFC 7009 §2.2')
  const other = await connect(await practice.client())
  await practice.postForm('/oauth2/revoke', {
    token: String(other.json.refresh_token),
    client_id: 'practice-client',
    client_secret: 'practice-secret',
  })
  assert.equal((await practice.ask('/api/me', { headers: bearer(other.json.access_token) })).status, 200, 'somebody else’s token')
})

test('a wrong registration says which option is wrong', async () => {
  const said = await practice.postJson('/oauth2/clients', { redirect_uris: ['not a url'] })
  assert.deepEqual([said.status, said.json.error], [400, 'invalid_client_metadata'])
  const typo = await practice.postJson('/oauth2/clients', { rotaton: 'strict' })
  assert.match(String(typo.json.error_description), /rotaton/)
})

describe('dialects', () => {
  const known: Registered = { client_id: 'practice-client', client_secret: 'practice-secret' }

  test('comma scopes, offline, HTTP 200 errors, callback extras, its own paths, revoking by query', async () => {
    const prefix = '/dialects/zoho'
    const back = await practice.authorize(
      'practice-client',
      { scope: 'Desk.tickets.READ,Desk.basic.READ', access_type: 'offline', prompt: 'consent' },
      prefix,
    )
    assert.deepEqual([back.get('location'), back.get('accounts-server')], ['us', practice.url])
    const fields = { grant_type: 'authorization_code', code: back.get('code') ?? '', redirect_uri: callback, ...idAndSecret(known) }
    const wrong = await practice.postForm(`${prefix}/oauth/v2/token`, { ...fields, client_secret: 'no' })
    assert.deepEqual([wrong.status, wrong.json], [200, { error: 'invalid_client_secret' }])
    const tokens = await practice.ask(`${prefix}/oauth/v2/token?${new URLSearchParams(fields).toString()}`, { method: 'POST' })
    assert.deepInclude(tokens.json, { api_domain: practice.url, token_type: 'Bearer', expires_in: 3600 })
    const reused = await practice.postForm(`${prefix}/oauth/v2/token`, fields)
    assert.deepEqual([reused.status, reused.json], [200, { error: 'invalid_code' }])

    const again = await exchangeFields(known, { access_type: 'offline', prompt: 'consent' }, prefix)
    const second = await practice.postForm(`${prefix}/oauth2/token`, again)
    const call = () => practice.ask('/api/me', { headers: { authorization: `Zoho-oauthtoken ${String(second.json.access_token)}` } })
    assert.equal((await call()).status, 200)
    const revoked = await practice.ask(`${prefix}/oauth/v2/token/revoke?token=${String(second.json.refresh_token)}`, { method: 'POST' })
    assert.deepEqual([revoked.status, revoked.json], [200, { status: 'success' }])
    assert.equal((await call()).status, 401)
    assert.equal((await practice.ask(`${prefix}/oauth/v2/token/revoke?token=unknown`, { method: 'POST' })).status, 400)
    assert.notProperty((await practice.postForm(`${prefix}/oauth2/token`, await exchangeFields(known, {}, prefix))).json, 'refresh_token')
  })

  test('expires_in 0 without a refresh token, and a metadata call that tells the data centre', async () => {
    const prefix = '/dialects/mailchimp'
    const tokens = await practice.postForm(`${prefix}/oauth2/token`, await exchangeFields(known, {}, prefix))
    assert.deepEqual(Object.keys(tokens.json), ['access_token', 'expires_in'])
    assert.equal(tokens.json.expires_in, 0)
    practice.clock.ms += 1e12
    const token = String(tokens.json.access_token)
    const metadata = await practice.ask(`${prefix}/oauth2/metadata`, { headers: { authorization: `OAuth ${token}` } })
    assert.deepInclude(metadata.json, { dc: 'us6', api_endpoint: practice.url })
    assert.equal((await practice.ask(`${prefix}/oauth2/metadata`, { headers: bearer(token) })).status, 401)
    assert.equal((await practice.ask(`${prefix}/api/echo`, { headers: bearer(token) })).status, 200)
  })

  test('authorize on one host, token on another', async () => {
    const prefix = '/dialects/split'
    const other = practice.url.replace('127.0.0.1', 'localhost')
    const fields = await exchangeFields(known, {}, prefix)
    assert.equal((await practice.postForm(`${prefix}/oauth2/token`, fields)).status, 404)
    const tokens = await practice.postForm(`${other}${prefix}/oauth2/token`, fields)
    assert.deepEqual([tokens.status, tokens.json.api_domain], [200, other])
  })
})
