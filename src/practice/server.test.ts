import { createHash } from 'node:crypto'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, assert, beforeEach, test } from 'vitest'
import { basic, bearer, callback, startAsking, type Asking, type Fields } from '../../test/support/practice-asking.ts'

let practice: Asking
beforeEach(async () => {
  practice = await startAsking()
})
afterEach(() => practice.close())

const known: Fields = { client_id: 'practice-client', client_secret: 'practice-secret' }
const clientCredentials = () => practice.postForm('/oauth2/token', { grant_type: 'client_credentials', ...known })
const fingerprint = (secret: string) => 'sha256:' + createHash('sha256').update(secret).digest('hex').slice(0, 16)
const misbehave = (how: unknown) => practice.postJson('/practice/misbehave', how)
const rejected = async (promise: Promise<unknown>) => promise.then(() => false).catch(() => true)

test('the echo shows the request, and never the credential', async () => {
  const token = String((await clientCredentials()).json.access_token)
  const said = await practice.ask('/api/echo?a=1&a=2&b=%C3%BC', {
    method: 'PUT',
    body: '{"x":[1]}',
    headers: { ...bearer(token), 'content-type': 'application/json', 'x-own': 'yes', cookie: 'session=raw' },
  })
  assert.notInclude(said.text, token)
  assert.notInclude(said.text, 'session=raw')
  assert.deepInclude(said.json, {
    method: 'PUT',
    path: '/api/echo',
    raw_query: 'a=1&a=2&b=%C3%BC',
    query: { a: ['1', '2'], b: 'ü' },
    body: { x: [1] },
    via: 'oauth2',
  })
  const headers = said.json.headers as Fields
  assert.equal(headers.authorization, `Bearer ${fingerprint(token)}`)
  assert.equal(headers['x-own'], 'yes')
})

test('the access token is taken from the three places of RFC 6750, from one at a time, and from nowhere else', async () => {
  const token = String((await clientCredentials()).json.access_token)
  const query = await practice.ask(`/api/echo?access_token=${token}`)
  assert.deepEqual([query.status, query.json.query], [200, { access_token: fingerprint(token) }])
  assert.notInclude(query.text, token, 'the path too')
  const form = await practice.postForm('/api/echo', { access_token: token, a: 'b' })
  assert.deepEqual([form.status, form.json.body], [200, { access_token: fingerprint(token), a: 'b' }])
  assert.equal((await practice.ask(`/api/echo?access_token=${token}`, { headers: bearer(token) })).status, 400)
  assert.equal((await practice.ask('/api/echo', { headers: { 'x-token': token } })).status, 401)
  assert.equal((await practice.ask('/api/echo', { headers: { authorization: token } })).status, 401)
  assert.equal((await practice.ask('/api/echo')).headers.get('www-authenticate'), 'Bearer realm="practice"')
})

test('API keys are taken at their places, and several only together', async () => {
  const key = 'practice-key'
  for (const said of [
    await practice.ask('/key/echo', { headers: { 'X-API-Key': key } }),
    await practice.ask(`/key/echo?api_key=${key}`),
    await practice.postForm('/key/echo', { api_key: key }),
    await practice.ask('/key/echo', { headers: { cookie: `other=1; api_key=${key}` } }),
  ]) {
    assert.equal(said.status, 200)
    assert.notInclude(said.text, key)
  }
  const multipart = new FormData()
  multipart.set('api_key', key)
  multipart.set('file', new File(['\u0000\u00ff'], 'a.bin'))
  const sent = await practice.ask('/key/echo', { method: 'POST', body: multipart })
  assert.equal(sent.status, 200)
  assert.deepInclude((sent.json.body as object[])[1], { name: 'file', filename: 'a.bin', bytes: 3 })
  assert.equal((await practice.ask('/key/echo', { headers: { 'X-API-Key': 'wrong' } })).status, 401)

  await practice.postJson('/practice/keys', {
    parameters: [
      { place: 'header', name: 'X-App', prefix: 'App ', value: 'one-value' },
      { place: 'query', name: 'user_key', value: 'two-value' },
    ],
  })
  assert.equal((await practice.ask('/key/me?user_key=two-value', { headers: { 'x-app': 'App one-value' } })).status, 200)
  assert.equal((await practice.ask('/key/me?user_key=two-value', { headers: { 'x-app': 'one-value' } })).status, 401)
  assert.equal((await practice.ask('/key/me?user_key=two-value')).status, 401)
})

test('Basic takes UTF-8 and refuses with a challenge', async () => {
  const said = await practice.ask('/basic/echo', { headers: basic('practice', 'practice-password') })
  assert.equal(said.json.account, 'ada@practice.example')
  assert.notInclude(said.text, 'practice-password')
  assert.notInclude(said.text, basic('practice', 'practice-password').authorization?.slice(6) ?? '-')
  await practice.postJson('/practice/users', { user: 'test', password: '123£', account: 'grace' })
  assert.equal((await practice.ask('/basic/me', { headers: { authorization: 'Basic dGVzdDoxMjPCow==' } })).json.id, 'grace')
  const wrong = await practice.ask('/basic/me', { headers: basic('practice', 'x') })
  assert.deepEqual([wrong.status, wrong.headers.get('www-authenticate')], [401, 'Basic realm="practice", charset="UTF-8"'])
})

test('the other resources do what their names say', async () => {
  assert.equal((await practice.ask('/open/bytes?n=200000')).text.length, 200_000)
  assert.equal((await practice.ask('/open/large?n=1000')).text.length, 1000)
  assert.equal((await practice.ask('/open/status/418')).status, 418)
  assert.equal((await practice.ask('/open/status/204')).text, '')
  assert.equal((await practice.ask('/open/html-error')).headers.get('content-type'), 'text/html; charset=utf-8')
  assert.deepInclude((await practice.ask('/open/200-error')).json, { ok: false, code: 602 })
  assert.equal((await practice.ask('/open/429?after=7')).headers.get('retry-after'), '7')
  const redirect = await practice.ask('/open/redirect?status=307&to=http://evil.test/')
  assert.deepEqual([redirect.status, redirect.headers.get('location')], [307, 'http://evil.test/'])
  assert.deepInclude((await practice.ask('/open/gzip')).json, { via: 'open' })
  assert.equal((await practice.ask('/open/drip?n=3&ms=1')).text, 'xxx')
  assert.ok(await rejected(practice.ask('/open/truncated')))
  const upload = await practice.ask('/open/upload', { method: 'POST', body: Buffer.alloc(3_000_000) })
  assert.equal(upload.json.bytes, 3_000_000)
  const binary = await practice.ask('/open/echo', {
    method: 'POST',
    body: new Uint8Array([0, 255]),
    headers: { 'content-type': 'image/png' },
  })
  assert.deepEqual(binary.json.body, { base64: 'AP8=' })
  assert.equal((await practice.ask('/open/constructor')).status, 404)
  assert.equal((await practice.ask('/dialects/unknown/oauth2/token')).status, 404)
})

test('a misbehaviour happens as often as it was asked for, in order, and at its endpoint only', async () => {
  await misbehave([
    { endpoint: 'token', kind: 'html', times: 2 },
    { endpoint: 'token', kind: '429' },
    { endpoint: 'api', kind: 'expired', path: '/open/me' },
  ])
  for (let times = 0; times < 2; times++) assert.match((await clientCredentials()).text, /<h1>Sign in/)
  const slowedDown = await clientCredentials()
  assert.deepEqual([slowedDown.status, slowedDown.headers.get('retry-after')], [429, '1'])
  assert.equal((await clientCredentials()).status, 200)
  assert.equal((await practice.ask('/open/echo')).status, 200)
  assert.equal((await practice.ask('/open/me')).status, 401)
  assert.equal((await practice.ask('/open/me')).status, 200)
  assert.deepEqual(practice.state.counters.misbehaved, { token: 3, api: 1 })
  assert.equal(practice.state.counters.token_requests, 4)
  assert.deepEqual(practice.state.counters.token, { client_credentials: { ok: 1 } })
})

test('any answer can be scripted', async () => {
  await misbehave({ endpoint: 'token', status: 203, body: [{ access_token: 1 }], headers: { 'x-a': 'b' }, content_type: null })
  const json = await clientCredentials()
  assert.deepEqual(
    [json.status, json.text, json.headers.get('content-type'), json.headers.get('x-a')],
    [203, '[{"access_token":1}]', null, 'b'],
  )
  await misbehave({
    endpoint: 'token',
    body_base64: Buffer.from([0xff, 0xfe, 0x7b]).toString('base64'),
    content_type: 'application/json; charset=utf-16',
  })
  assert.equal((await clientCredentials()).headers.get('content-type'), 'application/json; charset=utf-16')
  await misbehave({ endpoint: 'token', kind: 'redirect', status: 307, to: 'http://127.0.0.1:9/' })
  const redirect = await clientCredentials()
  assert.deepEqual([redirect.status, redirect.headers.get('location')], [307, 'http://127.0.0.1:9/'])
  await misbehave({ endpoint: 'token', kind: 'empty' })
  assert.equal((await clientCredentials()).text, '')
  await misbehave({ endpoint: 'token', kind: 'raw', body: 'HTTP/1.1 299 Odd\r\nX-B: c\r\nContent-Length: 2\r\n\r\nhi' })
  const raw = await clientCredentials()
  assert.deepEqual([raw.status, raw.text, raw.headers.get('x-b')], [299, 'hi', 'c'])
  await misbehave({ endpoint: 'token', kind: 'large', bytes: 2_000_000 })
  assert.equal((await clientCredentials()).text.length, 2_000_000)
  await misbehave({ endpoint: 'token', kind: 'gzip_bomb', bytes: 3_000_000 })
  assert.equal((await clientCredentials()).text.length, 3_000_000)
  await misbehave({
    endpoint: 'token',
    status: 302,
    headers: [
      ['location', 'http://a.test/'],
      ['location', 'http://b.test/'],
    ],
  })
  assert.deepEqual(await rawLocations(), ['http://a.test/', 'http://b.test/'])
  assert.equal((await misbehave({ endpoint: 'token', kind: 'dance' })).status, 400)
})

const rawLocations = () =>
  new Promise<string[]>((resolve, reject) => {
    const request = httpRequest(`${practice.url}/oauth2/token`, { method: 'POST' }, response => {
      response.resume()
      resolve(response.rawHeaders.filter((_, index, all) => all[index - 1]?.toLowerCase() === 'location'))
    })
    request.on('error', reject).end()
  })

test('connections break where they are told to, and slowness lasts as long as it should', async () => {
  for (const kind of ['reset', 'truncated', 'chunked_truncated', 'hang']) {
    await misbehave({ endpoint: 'token', kind, ms: 20 })
    assert.ok(await rejected(clientCredentials()), kind)
  }
  for (const kind of ['slow', 'continue']) {
    await misbehave({ endpoint: 'token', kind, ms: 200 })
    const started = performance.now()
    assert.equal((await clientCredentials()).status, 200)
    assert.isAtLeast(performance.now() - started, 190, kind)
  }
  await misbehave({ endpoint: 'token', kind: 'slow_body', ms: 5, body: { a: 1 } })
  assert.deepEqual((await clientCredentials()).json, { a: 1 })
})

test('an answer can get lost after the request took effect', async () => {
  const { client_id, client_secret } = await practice.client({ rotation: 'strict' })
  const fields = { client_id, client_secret }
  const code = (await practice.authorize(client_id)).get('code') ?? ''
  const first = await practice.postForm('/oauth2/token', { grant_type: 'authorization_code', code, redirect_uri: callback, ...fields })
  const refresh = () =>
    practice.postForm('/oauth2/token', { grant_type: 'refresh_token', refresh_token: String(first.json.refresh_token), ...fields })
  await misbehave({ endpoint: 'token', kind: 'reset', after: true, grant_type: 'refresh_token' })
  assert.equal((await clientCredentials()).status, 200, 'another grant type is not meant')
  assert.ok(await rejected(refresh()))
  assert.equal((await refresh()).json.error, 'invalid_grant')
  assert.deepEqual(practice.state.counters.token.refresh_token, { ok: 1, invalid_grant: 1 })
})

test('withdraw ends every consent, and reset forgets everything but what is built in', async () => {
  const token = (await clientCredentials()).json.access_token
  await practice.ask('/practice/withdraw', { method: 'POST' })
  assert.equal((await practice.ask('/api/me', { headers: bearer(token) })).status, 401)
  const { client_id } = await practice.client()
  await misbehave({ endpoint: 'token', kind: '500', times: 9 })
  await practice.ask('/practice/reset', { method: 'POST' })
  assert.equal((await clientCredentials()).status, 200)
  assert.equal((await practice.authorize(client_id)).status, 400)
  assert.equal(practice.state.counters.token_requests, 1)
  assert.equal((await practice.ask('/key/me', { headers: { 'x-api-key': 'practice-key' } })).status, 200)
  assert.equal((await practice.ask('/')).status, 200)
})

test('the handler answers under any host name, and names itself by it', async () => {
  const own = createServer(practice.handler)
  await new Promise<void>(resolve => own.listen(0, '127.0.0.1', resolve))
  const { port } = own.address() as AddressInfo
  const ask = (host: string) =>
    new Promise<string>((resolve, reject) => {
      const options = { port, host: '127.0.0.1', path: '/.well-known/oauth-authorization-server', headers: { host } }
      httpRequest(options, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.on('end', () => resolve(text))
      })
        .on('error', reject)
        .end()
    })
  assert.include(await ask('accounts.good.test'), '"token_endpoint":"http://accounts.good.test/oauth2/token"')
  assert.include(await ask('evil.test"/><b>'), 'not_found')
  own.close()
  own.closeAllConnections()
})
