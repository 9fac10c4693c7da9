import { createConnection } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, must, type Member } from '../support/practice-services.ts'
import { ask as askRaw } from '../support/raw-http.ts'

/** Requests that a proxy before us and we could read in two ways, and headers that claim to come from one. */
describe('X23 what claims to be another request, or another caller', () => {
  let patchbay: TestPatchbay
  let ada: Member
  let host = ''

  beforeAll(async () => {
    patchbay = await startPatchbay({
      database: 'pglite',
      settings: { PATCHBAY_OTHER_HOSTS: 'patchbay.default.svc.example', PATCHBAY_METRICS_TOKEN: 'a-token-for-metrics' },
    })
    ada = await administrator(patchbay)
    host = new URL(patchbay.base).host
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  /** Everything that comes back until the connection ends; it is given a second to. */
  const raw = (text: string) =>
    new Promise<{ text: string; closed: boolean }>(resolve => {
      let received = ''
      let closed = true
      const socket = createConnection(Number(new URL(patchbay.base).port), '127.0.0.1', () => socket.write(Buffer.from(text, 'latin1')))
      socket.on('data', chunk => (received += chunk.toString('latin1')))
      socket.on('error', () => {})
      socket.on('close', () => resolve({ text: received, closed }))
      socket.setTimeout(1000, () => {
        closed = false
        socket.destroy()
      })
    })

  const key = `Authorization: Bearer ${adminKey}`
  const smuggled = (name = 'smuggled') => {
    const body = JSON.stringify({ name })
    return `POST /api/v1/api-keys HTTP/1.1\r\nHost: ${host}\r\n${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
  const post = (...headers: string[]) =>
    [`POST /api/v1/me/password HTTP/1.1`, `Host: ${host}`, key, 'Content-Type: application/json', ...headers, '', ''].join('\r\n')

  it('a body whose length could be read in two ways ends the connection: nothing after it is a request', async () => {
    const ambiguous: Readonly<Record<string, string>> = {
      'CL and TE': post('Content-Length: 4', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
      'TE and CL': post('Transfer-Encoding: chunked', 'Content-Length: 4') + '0\r\n\r\n',
      'TE: chunked, identity': post('Transfer-Encoding: chunked, identity') + '0\r\n\r\n',
      'TE: identity, and nothing more': post('Transfer-Encoding: identity') + '0\r\n\r\n',
      'TE: \\x0bchunked': post('Transfer-Encoding: \x0bchunked') + '0\r\n\r\n',
      'TE : chunked': post('Transfer-Encoding : chunked') + '0\r\n\r\n',
      'TE twice': post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + '0\r\n\r\n',
      'a bare LF': post('Content-Length: 0').replaceAll('\r\n', '\n'),
      'a bare CR': post('X-A: a\rContent-Length: 0'),
      'a folded line': post('X-A: a\r\n Content-Length: 4', 'Content-Length: 0'),
      'CL twice': post('Content-Length: 0', 'Content-Length: 4'),
      'CL: 0, 4': post('Content-Length: 0, 4'),
      'CL: +0': post('Content-Length: +0'),
      'CL: 0 0': post('Content-Length: 0 0'),
      'CL: -1': post('Content-Length: -1'),
      'CL: 0x0': post('Content-Length: 0x0'),
      'a chunk of no size': post('Transfer-Encoding: chunked') + 'x\r\n\r\n',
      'a chunk of a size with a sign': post('Transfer-Encoding: chunked') + '+0\r\n\r\n',
      'a chunk size beyond any': post('Transfer-Encoding: chunked') + 'fffffffffffffffff\r\n\r\n',
      'a NUL in a header': post('X-A: a\0b', 'Content-Length: 0'),
      'a version that is none': post('Content-Length: 0').replace('HTTP/1.1', 'HTTP/1.9'),
    }
    const keys = async () =>
      (must(await ada.ask('GET', '/api/v1/api-keys?all=true'), 200).json.data as { name: string }[]).map(one => one.name)
    const before = await keys()
    const wrong: string[] = []
    await Promise.all(
      Object.entries(ambiguous).map(async ([what, text]) => {
        const { text: received, closed } = await raw(text + smuggled(what))
        const statuses = [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(one => one[1])
        if (statuses.join(' ') !== '400' || !closed) wrong.push(`${what}: ${statuses.join(' ')}${closed ? '' : ', open'}`)
      }),
    )
    expect(wrong.sort().join('\n')).toBe('')
    expect(await keys()).toEqual(before)
    // which of them a proxy before us looked at nobody knows (RFC 9112 §3.2)
    for (const path of ['/api/v1/me', '/api/v1/invoke', '/proxy/none/http/127.0.0.1/'])
      for (const hosts of ['X-A: no Host', `Host: ${host}\r\nHost: evil.test`, `Host: ${host}\r\nhOST: ${host}`]) {
        const { text, closed } = await raw(`GET ${path} HTTP/1.1\r\n${hosts}\r\n${key}\r\n\r\n`)
        expect([path, text.slice(0, 12), closed]).toEqual([path, 'HTTP/1.1 400', true])
      }
    // the control: after an honest request it is one of its own
    const honest = await raw(post('Content-Length: 2') + '{}' + smuggled())
    expect([...honest.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(one => one[1])).toEqual([expect.stringMatching(/^4/), '201'])
  })

  /** `status problem` of what is answered to this target under this Host; nothing of the Host is ever repeated. */
  const under = async (hostHeader: string, target: string, method = 'GET', ...more: string[]) => {
    const head = [`${method} ${target} HTTP/1.1`, `Host: ${hostHeader}`, key, 'Connection: close', ...more]
    const { text } = await raw(`${head.join('\r\n')}\r\n\r\n`)
    expect(text, `${hostHeader} ${target}`).not.toMatch(/evil/i)
    return [/^HTTP\/1\.1 (\d+)/.exec(text)?.[1], /^patchbay-problem: (\w+)/im.exec(text)?.[1]].filter(Boolean).join(' ')
  }
  const doors = [
    ['GET', '/api/v1/me'],
    ['GET', '/sign-in'],
    ['GET', '/api/v1/openapi.json'],
    ['GET', '/functions/none/actions/execute'],
    ['GET', '/oauth/callback/default/none?code=a&state=b'],
    ['POST', '/api/v1/invoke', 'Content-Type: application/json', 'Content-Length: 2'],
    ['POST', '/api/v1/me/password', 'Content-Type: application/json', 'Content-Length: 2'],
    ['GET', '/proxy/none/http/127.0.0.1/'],
  ] as const

  it('under a name that somebody else may own nobody is answered, at no door (DNS rebinding)', async () => {
    const { port } = new URL(patchbay.base)
    const foreign = [
      'evil.test',
      `evil.test:${port}`,
      'EVIL.test.',
      `127.0.0.1.evil.test:${port}`,
      'localhost.evil.test',
      'evil-localhost.test',
    ]
    const wrong: string[] = []
    for (const [method, target, ...more] of doors)
      for (const name of [...foreign, 'x.patchbay.default.svc.example', '127.1', '0x7f.0.0.1']) {
        const said = await under(name, target, method, ...more)
        if (said !== '421 host_not_ours') wrong.push(`${name} ${target}: ${said}`)
      }
    expect(wrong.join('\n')).toBe('')
    const { text } = await raw(`GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n`)
    expect(text).toContain('PATCHBAY_OTHER_HOSTS')
    // what is no host at all, or two
    for (const name of [
      '',
      ' ',
      'evil.test, localhost',
      'ada@evil.test',
      'evil.test/',
      'evil%2etest',
      '[evil]',
      '[::1',
      `evil.test:${port}x`,
    ])
      expect([name, await under(name, '/api/v1/me')]).toEqual([name, '400 malformed_request'])
  })

  it('its own names are answered, with any port: the public one, addresses, names without a dot, those of the setting', async () => {
    const { port } = new URL(patchbay.base)
    const own = [
      '127.0.0.1',
      `127.0.0.1:${port}`,
      '127.0.0.1:1',
      '192.0.2.7:4400',
      `[::1]:${port}`,
      '[2001:db8::1]',
      'localhost',
      'LocalHost.',
    ]
    for (const name of [...own, 'patchbay:4400', 'a.localhost:80', 'patchbay.default.svc.example', 'PATCHBAY.default.svc.example:4400'])
      expect([name, await under(name, '/api/v1/me')]).toEqual([name, '200'])
    // HTTP/1.0 may come without one
    expect((await raw(`GET /api/v1/me HTTP/1.0\r\n${key}\r\n\r\n`)).text).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('who watches may use any name; the metrics then need their token', async () => {
    const without = async (hostHeader: string, target: string, more = '') =>
      /^HTTP\/1\.1 (\d+)/.exec((await raw(`GET ${target} HTTP/1.1\r\nHost: ${hostHeader}\r\nConnection: close\r\n${more}\r\n`)).text)?.[1]
    expect(await without('evil.test', '/healthz')).toBe('200')
    expect(await without('evil.test', '/readyz?x=1')).toBe('200')
    expect(await without(host, '/metrics')).toBe('200')
    expect(await without('evil.test', '/metrics')).toBe('404')
    expect(await without('evil.test', '/metrics', 'Authorization: Bearer a-token-for-metrics\r\n')).toBe('200')
    expect(await without('evil.test', '/healthz/../sign-in')).toBe('421')
  })

  it('an absolute address counts as Host, and says the same', async () => {
    expect(await under(host, `http://${host}/api/v1/me`)).toBe('200')
    expect(await under(host, 'http://evil.test/api/v1/me')).toBe('400 malformed_request')
    expect(await under('evil.test', `http://${host}/api/v1/me`)).toBe('400 malformed_request')
    expect(await under('evil.test', 'http://evil.test/api/v1/me')).toBe('421 host_not_ours')
    expect(await under(host, `http://${host}@evil.test/api/v1/me`)).toBe('400 malformed_request')
    expect(await under(host, 'evil.test:443')).toBe('400 malformed_request')
  })

  it('an address of more than 8 KiB is refused in a sentence, at every door', async () => {
    const long = (target: string, bytes: number) => `${target}${target.includes('?') ? '&' : '?'}`.padEnd(bytes, 'x')
    for (const [method, target, ...more] of doors)
      expect([target, await under(host, long(target, 8193), method, ...more)]).toEqual([
        target,
        // a person opened it, and a page says what is too long
        target.startsWith('/oauth/callback/') ? '404' : target === '/sign-in' ? '200' : '414 target_too_long',
      ])
    expect(await under(host, long('/api/v1/me', 8192))).toBe('200')
    // headers included Node's own limit comes first
    expect(await under(host, long('/api/v1/me', 17_000))).toBe('431 headers_too_large')
    expect(await under(host, '/api/v1/me', 'GET', `X-Long: ${'x'.repeat(17_000)}`)).toBe('431 headers_too_large')
  })

  it('what says that it was forwarded is nobody’s word here', async () => {
    const forwarded = {
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'https',
      'x-forwarded-prefix': '/evil.test',
      'x-forwarded-user': 'ada@example.test',
      x_forwarded_user: 'ada@example.test',
      'x-forwarded-uri': '/evil.test',
      'x-original-url': '/api/v1/api-keys',
      'x-rewrite-url': '/api/v1/api-keys',
      'x-real-ip': '203.0.113.7',
      'true-client-ip': '203.0.113.7',
      forwarded: 'for=203.0.113.7;host=evil.test;proto=https',
      'x-http-method-override': 'DELETE',
    }
    const as = (headers: Record<string, string>) => patchbay.admin('POST', '/api/v1/api-keys', { name: 'Forwarded' }, headers)
    must(await as(forwarded), 201)
    // a header that is said to be for one connection only is still looked at: nobody takes the key away from a request
    const named = { ...forwarded, connection: 'close, x-forwarded-for, authorization' }
    expect((await askRaw(patchbay.base, '/api/v1/me', { headers: named })).status).toBe(200)
    const audit = must(await ada.ask('GET', '/api/v1/audit?limit=100'), 200).text
    expect(audit).toContain('127.0.0.1')
    for (const where of ['/api/v1/me', '/sign-in', '/api/v1/cli-logins']) {
      const answer = await patchbay.nobody(where === '/api/v1/cli-logins' ? 'POST' : 'GET', where, undefined, forwarded)
      expect(`${[...answer.headers].join()} ${answer.text}`, where).not.toContain('evil.test')
      expect(answer.status, where).toBeLessThan(500)
    }
    expect((await patchbay.nobody('GET', '/api/v1/me', undefined, forwarded)).status).toBe(401)
    const invited = must(await patchbay.admin('POST', '/api/v1/members/invitations', { email: 'a@b.test', role: 'user' }, forwarded), 201)
    expect(String(invited.json.accept_url).startsWith(`${patchbay.base}/invitations/`)).toBe(true)
    expect(audit).not.toContain('203.0.113.7')
    expect(must(await ada.ask('GET', '/api/v1/audit?limit=100'), 200).text).not.toContain('203.0.113.7')
  })

  it('a form of a page of ours takes nothing from another page', async () => {
    const form = (path: string, headers: Record<string, string>, body = 'email=a%40b.test&password=x&code=AAAA-AAAA&use=new') =>
      // nobody is signed in: with a session it is refused before the page is asked
      patchbay.nobody('POST', path, body, { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html', ...headers })
    const id = '0192a3b4-0000-7000-8000-000000000000'
    for (const path of ['/sign-in', '/setup', '/reset-password', '/cli-login', '/invitations/none', '/sign-out', `/connect/${id}/account`])
      for (const headers of [
        { origin: 'https://evil.test' },
        { origin: 'null' },
        { origin: `${patchbay.base}.evil.test` },
        { 'sec-fetch-site': 'cross-site' },
      ])
        expect([path, (await form(path, headers as Record<string, string>)).status], JSON.stringify(headers)).toEqual([path, 403])
    must(await ada.ask('GET', '/api/v1/me'), 200)
  })
})
