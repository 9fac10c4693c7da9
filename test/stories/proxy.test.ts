import { connect as connectTcp } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  connect,
  counters,
  joins,
  keyDefinition,
  must,
  oauth2Service,
  practice,
  practiceHost,
  practiceUrl,
} from '../support/practice-services.ts'
import { ask, problemOf, refusedWith, type Asked, type Received } from '../support/raw-http.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'

type Json = Record<string, unknown>

const mebibyte = 1024 * 1024

describe.each(['pglite', 'postgres'] as const)('U-2 the proxy [%s]', database => {
  let patchbay: TestPatchbay
  let up: ScriptedUpstream
  let evil: ScriptedUpstream
  const proxy = (target: string, asked?: Asked) => ask(patchbay.base, target, asked)
  /** Through the connection `header` to a path of the tests' own upstream. */
  const via = (path: string, asked?: Asked, connection = 'header') => proxy(`/proxy/${connection}/http/${up.host}${path}`, asked)
  const toPractice = (connection: string, path: string) => `/proxy/${connection}/http/${practiceHost(patchbay)}${path}`

  const keyed = async (linkName: string, rest: Json, values: Json, more: Json = {}) => {
    must(await patchbay.admin('POST', '/api/v1/services', keyDefinition(patchbay, `s_${linkName}`, rest)), 201)
    must(
      await patchbay.admin('POST', '/api/v1/connections', {
        service: `s_${linkName}`,
        name: linkName,
        link_name: linkName,
        credentials: values,
        ...more,
      }),
      201,
    )
  }

  beforeAll(async () => {
    ;[up, evil] = await Promise.all([startScriptedUpstream(), startScriptedUpstream()])
    patchbay = await startPatchbay({ database, settings: settingsFor(up, evil) })
    const api_hosts = [practiceHost(patchbay), up.host]
    const parameters = [{ name: 'api_key', display_name: 'Key' }]
    await keyed('header', { api_hosts }, { 'X-Api-Key': 'practice-key' })
    await keyed('query', { api_hosts, param_type: 'query', parameters }, { api_key: 'practice-key' })
    await keyed('form', { api_hosts, param_type: 'form', parameters }, { api_key: 'practice-key' })
    const advanced = { base_url: `${up.url}/{tenant}/v1`, variables: { tenant: { label: 'Tenant' } } }
    await keyed('based', { api_hosts, advanced }, { 'X-Api-Key': 'practice-key' }, { variables: { tenant: 'acme' } })
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
    await evil.close()
  })

  it('status, headers and body pass through as they are, repeated headers too', async () => {
    up.on('/plain', (_, response, body) =>
      response
        .writeHead(418, 'Teapot', [
          'X-One',
          'a',
          'X-One',
          'b',
          'Content-Type',
          'text/html',
          'ETag',
          '"1"',
          'Retry-After',
          '9',
          'Location',
          'http://evil.test/../x',
        ])
        .end(`<h1>${body.toString()}</h1>`),
    )
    const answer = await via('/plain', { method: 'POST', body: 'héllo', headers: { 'content-type': 'text/x-own', 'x-two': ['c', 'd'] } })
    expect(answer.status).toBe(418)
    expect(answer.body.toString()).toBe('<h1>héllo</h1>')
    expect(answer.headers).toMatchObject({
      'x-one': 'a, b',
      'content-type': 'text/html',
      etag: '"1"',
      'retry-after': '9',
      location: 'http://evil.test/../x',
    })
    expect(answer.headers['patchbay-problem']).toBeUndefined()
    const sent = up.last('/plain')
    expect(sent).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'text/x-own', 'x-two': 'c, d', host: up.host, 'content-length': '6' },
    })
    expect(sent.headers['x-api-key']).toBe('practice-key')
  })

  it('a page of the service gets no power over our origin (X23)', async () => {
    up.on('/page', (_, response) =>
      response
        .writeHead(200, [
          ...['Content-Type', 'text/html', 'Set-Cookie', 'patchbay_session=evil', 'set-cookie', 'b=c', 'Alt-Svc', 'h3=":443"'],
          ...['Clear-Site-Data', '"*"', 'Service-Worker-Allowed', '/', 'Content-Security-Policy', "script-src 'unsafe-inline'"],
          ...['X-Content-Type-Options', 'none', 'Patchbay-Problem', 'unauthenticated', 'Keep-Alive', 'timeout=999'],
        ])
        .end('<script>1</script>'),
    )
    const { headers, rawHeaders, status } = await via('/page')
    expect(status).toBe(200)
    for (const name of ['set-cookie', 'alt-svc', 'clear-site-data', 'service-worker-allowed', 'patchbay-problem'])
      expect(headers[name], name).toBeUndefined()
    const all = (name: string) => rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
    expect(all('content-security-policy')).toEqual(['sandbox'])
    expect(all('x-content-type-options')).toEqual(['nosniff'])
    expect(headers['keep-alive'] ?? '').not.toContain('999')
  })

  it('hop-by-hop headers, and those that say who the caller is, stop here', async () => {
    await via('/stripped', {
      headers: {
        ...{
          cookie: 'patchbay_session=secret',
          'proxy-authorization': 'Basic x',
          te: 'trailers',
          'keep-alive': 'timeout=5',
          expect: '100-continue',
        },
        ...{ 'x-forwarded-for': '1.2.3.4', 'x-forwarded-host': 'evil.test', forwarded: 'for=1', via: '1.1 x', 'x-real-ip': '1.2.3.4' },
        ...{
          connection: 'keep-alive, X-Private',
          'x-private': 'hop',
          'x-api-key': 'callers',
          x_api_key: 'callers',
          'X-Api_Key': 'callers',
        },
        ...{ accept: 'text/*', 'x-public': 'stays', 'accept-encoding': 'br;q=0.1', origin: 'http://a.test' },
      },
    })
    const { headers, rawHeaders } = up.last('/stripped')
    expect(headers).toMatchObject({ accept: 'text/*', 'x-public': 'stays', 'accept-encoding': 'br;q=0.1', 'x-api-key': 'practice-key' })
    expect(Object.keys(headers).sort()).toEqual(
      ['accept', 'accept-encoding', 'connection', 'host', 'origin', 'patchbay-hop', 'x-api-key', 'x-public'].sort(),
    )
    expect(rawHeaders.join('\n')).not.toContain(adminKey)
    expect(rawHeaders.join('\n')).not.toContain('callers')
  })

  it('the caller’s own Authorization is the key of Patchbay and never travels on', async () => {
    await via('/authorization', {}, 'query')
    expect(up.last('/authorization').headers.authorization).toBeUndefined()
    expect(up.last('/authorization').target).toBe('/authorization?api_key=practice-key')
  })

  it('the raw target is kept: escapes, double slashes, empty pieces of a query', async () => {
    for (const target of ['/a%2Fb%2f/%20c//d;e=1', '/x?q=%2f+1&&y=%C3%A9&=', '/x?', '/%E2%82%AC', '/a..b/.hidden/...', "/(a)!*'~:@"]) {
      expect((await via(target)).status, target).toBe(200)
      expect(up.arrived.at(-1)?.target, target).toBe(target === '/x?' ? '/x' : target)
    }
    await via('')
    expect(up.arrived.at(-1)?.target).toBe('/')
    await via('?a=1')
    expect(up.arrived.at(-1)?.target).toBe('/?a=1')
  })

  it('dot segments, backslashes and user names are refused, whatever their spelling (X13)', async () => {
    const before = up.arrived.length
    for (const path of [
      '/../x',
      '/a/../b',
      '/a/./b',
      '/..',
      '/a/..',
      '/.',
      '/%2e%2e/x',
      '/%2E./x',
      '/.%2e',
      '/a/%2e',
      '/..?x=1',
      '/a\\..\\b',
      '/\\evil.test/',
    ])
      expect(problemOf(await via(path)), path).toBe(refusedWith(422, 'invalid_url'))
    for (const host of [
      `user@${up.host}`,
      `user:pw@${up.host}`,
      `${up.host}@${evil.host}`,
      `${up.host}%2f@${evil.host}`,
      'a%00b',
      '127.0.0.1:99999',
    ])
      expect(problemOf(await proxy(`/proxy/header/http/${host}/x`)), host).toBe(refusedWith(422, 'invalid_url'))
    for (const path of ['/../x', '/%2e%2e/x', '/a\\b'])
      expect(problemOf(await proxy(`/proxy/based${path}`)), path).toBe(refusedWith(422, 'invalid_url'))
    expect([up.arrived.length, evil.connections]).toEqual([before, 0])
  })

  it('Patchbay’s own refusals carry their code, a service’s answer of the same status does not', async () => {
    up.on('/refuses', (request, response) => response.writeHead(Number(request.url?.split('=')[1])).end('the service'))
    for (const status of [401, 403, 404, 409, 422, 429, 500, 502, 503, 504]) {
      const answer = await via(`/refuses?s=${status}`)
      expect([answer.status, answer.headers['patchbay-problem'], answer.body.toString()]).toEqual([status, undefined, 'the service'])
    }
    expect(problemOf(await via('/x', { key: null }))).toBe(refusedWith(401, 'unauthenticated'))
    expect(problemOf(await via('/x', { key: 'pb_wrong' }))).toBe(refusedWith(401, 'unauthenticated'))
    expect(problemOf(await proxy(`/proxy/header/http/${evil.host}/`))).toBe(refusedWith(403, 'destination_not_allowed'))
    expect(problemOf(await proxy('/proxy/header/https/example.test/'))).toBe(refusedWith(403, 'destination_not_allowed'))
    expect(problemOf(await via('/x?api_key=1', {}, 'query'))).toBe(refusedWith(422, 'parameter_conflict'))
    expect(problemOf(await via('/x', { method: 'TRACE' }))).toBe(refusedWith(405, 'method_not_allowed'))
    expect(problemOf(await via('/x', { headers: { 'patchbay-subject': 'bob@example.test' } }))).toBe(refusedWith(403, 'act_as_not_allowed'))
    up.on('/gone', (_, response) => response.destroy())
    const gone = await via('/gone')
    expect(problemOf(gone)).toBe(refusedWith(502, 'upstream_unreachable'))
    expect(gone.headers['content-type']).toBe('application/problem+json')
    expect(gone.json['request_id']).toBeTruthy()
    expect(evil.connections).toBe(0)
  })

  it('a connection that is not there and one that is not visible look the same', async () => {
    const bob = await joins(patchbay, 'Bob')
    const { key } = must(await bob.ask('POST', '/api/v1/api-keys', { name: 'proxy' }), 201).json as { key: string }
    const hidden = await via('/x', { key })
    const missing = await via('/x', { key }, 'no_such_one')
    expect(problemOf(hidden)).toBe(refusedWith(404, 'connection_not_found'))
    const shown = ({ status, json, headers }: Received) => ({ status, names: Object.keys(headers), ...json, request_id: 0, connection: 0 })
    expect(shown(hidden)).toEqual(shown(missing))
    for (const path of ['/proxy/', '/proxy', '/proxy/Header/http/a/', '/proxy/a%2Fb/http/a/', '/proxy/__proto__/http/a/'])
      expect((await proxy(path, { key })).status, path).toBe(404)
  })

  it('a session is nobody here: cookies are not accepted', async () => {
    const ada = await administrator(patchbay)
    const cookie = [...ada.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect((await ask(patchbay.base, '/api/v1/me', { key: null, headers: { cookie } })).status).toBe(200)
    expect(problemOf(await via('/x', { key: null, headers: { cookie, origin: patchbay.base } }))).toBe(refusedWith(401, 'unauthenticated'))
  })

  it('an upgrade is 501, for WebSocket and for anything else', async () => {
    const before = up.connections
    for (const protocol of ['websocket', 'h2c']) {
      const { hostname, port } = new URL(patchbay.base)
      const said = await new Promise<string>((resolve, reject) => {
        const socket = connectTcp(Number(port), hostname, () =>
          socket.write(
            `GET /proxy/header/http/${up.host}/ws HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${adminKey}\r\n` +
              `Connection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
          ),
        )
        let text = ''
        socket.on('data', data => (text += data.toString()))
        socket.on('end', () => resolve(text))
        socket.on('error', reject)
      })
      expect(said).toMatch(/^HTTP\/1\.1 501 /)
      expect(said.toLowerCase()).toContain('patchbay-problem: upgrade_not_supported')
    }
    expect(up.connections).toBe(before)
  })

  it('a path alone goes under the base URL, where the service has one', async () => {
    await proxy('/proxy/based/items/1?a=%2f')
    expect(up.arrived.at(-1)?.target).toBe('/acme/v1/items/1?a=%2f')
    await proxy('/proxy/based')
    expect(up.arrived.at(-1)?.target).toBe('/acme/v1')
    await proxy('/proxy/based/')
    expect(up.arrived.at(-1)?.target).toBe('/acme/v1/')
    await proxy('/proxy/based?x=1')
    expect(up.arrived.at(-1)?.target).toBe('/acme/v1?x=1')
    await proxy(`/proxy/based/http/${up.host}/absolute`)
    expect(up.arrived.at(-1)?.target).toBe('/absolute')
    const none = await proxy('/proxy/header/items')
    expect(problemOf(none)).toBe(refusedWith(422, 'invalid_url'))
    expect(none.json['detail']).toMatch(/base URL/)
  })

  it('HEAD and OPTIONS are calls like others', async () => {
    up.on('/h', (request, response) =>
      response
        .writeHead(200, { 'content-length': 12345, allow: request.method ?? '' })
        .end(request.method === 'HEAD' ? undefined : Buffer.alloc(12345)),
    )
    const head = await via('/h', { method: 'HEAD' })
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '12345', 0])
    const options = await via('/h', { method: 'OPTIONS' })
    expect([options.status, options.headers.allow, options.body.length]).toEqual([200, 'OPTIONS', 12345])
    up.on('/204', (_, response) => response.writeHead(204).end())
    expect((await via('/204', { method: 'DELETE' })).status).toBe(204)
    up.on('/304', (_, response) => response.writeHead(304, { etag: '"1"' }).end())
    expect((await via('/304', { headers: { 'if-none-match': '"1"' } })).status).toBe(304)
  })

  it('a packed answer stays packed', async () => {
    const packed = gzipSync('x'.repeat(5000))
    up.on('/gz', (_, response) => response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed))
    const answer = await via('/gz', { headers: { 'accept-encoding': 'gzip' } })
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(packed.length) })
    expect(gunzipSync(answer.body).toString()).toBe('x'.repeat(5000))
  })

  it('a key in form data joins an urlencoded body of at most 1 MiB', async () => {
    const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }
    const placed = await proxy(toPractice('form', '/key/echo'), { method: 'POST', headers: urlencoded, body: 'a=1+2&b=%2f' })
    expect(placed.json).toMatchObject({ via: 'key', body_type: 'form', body: { a: '1 2', b: '/' } })
    expect((await proxy(toPractice('form', '/key/echo'), { method: 'POST', headers: urlencoded, chunks: ['a=', '1'] })).json).toMatchObject(
      {
        via: 'key',
        body: { a: '1' },
      },
    )
    expect((await proxy(toPractice('form', '/key/echo'), { method: 'POST' })).json).toMatchObject({ via: 'key', body_type: 'form' })
    const largest = await proxy(toPractice('form', '/key/echo'), {
      method: 'POST',
      headers: urlencoded,
      body: 'a=' + 'x'.repeat(mebibyte - 2),
    })
    expect(largest.json).toMatchObject({ via: 'key' })
    for (const size of [
      { body: 'a=' + 'x'.repeat(mebibyte) },
      { chunks: ['a=', 'x'.repeat(mebibyte)] },
      { body: Buffer.alloc(16 * mebibyte) },
    ])
      expect(problemOf(await proxy(toPractice('form', '/key/echo'), { method: 'POST', headers: urlencoded, ...size }))).toBe(
        refusedWith(413, 'request_too_large'),
      )
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    expect(problemOf(await proxy(toPractice('form', '/key/echo'), json))).toBe(refusedWith(422, 'param_type_mismatch'))
    expect(problemOf(await proxy(toPractice('form', '/key/echo')))).toBe(refusedWith(422, 'param_type_mismatch'))
    const conflict = { method: 'POST', headers: urlencoded, body: 'api%5Fkey=mine' }
    expect(problemOf(await proxy(toPractice('form', '/key/echo'), conflict))).toBe(refusedWith(422, 'parameter_conflict'))
  })

  it('OAuth 1 signs a form body, in a header and in the form', async () => {
    const ada = await administrator(patchbay)
    for (const param_type of ['header', 'form']) {
      const linkName = `oauth1_${param_type}`
      const key = { consumer_key: linkName, consumer_secret: 'story-consumer-secret', auto: 'accept' }
      must(await practice(patchbay, 'POST', '/oauth1/clients', key), 201)
      must(
        await patchbay.admin('POST', '/api/v1/services', {
          link_name: linkName,
          name: linkName,
          auth_type: 'oauth1',
          param_type,
          client_id: key.consumer_key,
          client_secret: key.consumer_secret,
          request_token_url: `${practiceUrl(patchbay)}/oauth1/request_token`,
          authorize_url: `${practiceUrl(patchbay)}/oauth1/authorize`,
          access_token_url: `${practiceUrl(patchbay)}/oauth1/access_token`,
        }),
        201,
      )
      await connect(ada, { service: linkName, link_name: linkName })
      const body = "status=Hello+Ladies+%2b+Gentlemen%21&a=b%20'c'&a=&z=%C3%A9"
      const answer = await proxy(toPractice(linkName, '/oauth1/echo?q=1&q=%20'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
      })
      expect(answer.status, answer.body.toString()).toBe(200)
      expect(answer.json).toMatchObject({ via: 'oauth1', body: { status: 'Hello Ladies + Gentlemen!', a: ["b 'c'", ''], z: 'é' } })
    }
    // what is no form is not signed, and streams
    const upload = await proxy(toPractice('oauth1_header', '/oauth1/upload'), { method: 'PUT', chunks: [Buffer.alloc(2 * mebibyte)] })
    expect(upload.json).toMatchObject({ bytes: 2 * mebibyte, via: 'oauth1' })
  })

  it('a 401 renews the token once and repeats a call with no body or a small one, never one that streams', async () => {
    const ada = await administrator(patchbay)
    await oauth2Service(patchbay, 'renewing', { habits: { access_token_seconds: 3600 } })
    await connect(ada, { service: 'renewing', link_name: 'renewing' })
    const echo = toPractice('renewing', '/api/echo')
    const refreshes = async () => (await counters(patchbay)).token['refresh_token']?.['ok'] ?? 0
    const first = await proxy(echo)
    expect(first.json).toMatchObject({ via: 'oauth2' })
    const start = await refreshes()

    await practice(patchbay, 'POST', '/practice/expire', {})
    const small = await proxy(echo, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } })
    expect([small.status, small.json['body']]).toEqual([200, { a: 1 }])
    expect(await refreshes()).toBe(start + 1)

    await practice(patchbay, 'POST', '/practice/expire', {})
    expect((await proxy(echo)).status).toBe(200)
    expect(await refreshes()).toBe(start + 2)

    await practice(patchbay, 'POST', '/practice/expire', {})
    const streamed = await proxy(echo, { method: 'POST', chunks: ['a', 'b'] })
    expect([streamed.status, streamed.headers['patchbay-problem']]).toEqual([401, undefined])
    expect(await refreshes()).toBe(start + 2)
    const large = await proxy(echo, { method: 'POST', body: Buffer.alloc(65 * 1024) })
    expect([large.status, large.headers['patchbay-problem']]).toEqual([401, undefined])
    expect(await refreshes()).toBe(start + 2)
    expect((await proxy(echo)).status).toBe(200)
    expect(await refreshes()).toBe(start + 3)
  })

  it('a redirect passes unchanged and is not followed', async () => {
    up.on('/hop', (_, response) => response.writeHead(302, { location: `${evil.url}/x?y=1` }).end())
    const answer = await via('/hop')
    expect([answer.status, answer.headers.location]).toEqual([302, `${evil.url}/x?y=1`])
    expect(evil.connections).toBe(0)
  })

  it('calls one after another share their connections, both ways', async () => {
    const before = up.connections
    for (let i = 0; i < 10; i++) expect((await via('/again')).status).toBe(200)
    expect(up.connections - before).toBeLessThanOrEqual(2)
  })
})
