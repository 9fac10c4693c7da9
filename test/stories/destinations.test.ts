import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from 'kysely'
import { practiceHandler } from '../../src/practice/server.ts'
import { accountOf } from '../../src/practice/state.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, call, connect, counters, echo, keyDefinition, must, oauth2Service, refusal } from '../support/practice-services.ts'
import { ask, problemOf, refusedWith, type Asked } from '../support/raw-http.ts'
import { sinkScan } from '../support/sinks.ts'

const canary = 'CANARY-key-4b1d9ce27f60a853'

const names = ['api.good.test', 'good.test', 'a.wild.test', 'a.b.wild.test', 'wild.test', 'evil.test', 'api.good.test.evil.test']

/** A certificate for the names that this test answers for. */
function certificate(directory: string) {
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: directory, stdio: 'pipe' })
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  openssl('req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=story')
  openssl('req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf')
  writeFileSync(join(directory, 'names'), `subjectAltName=${names.map(name => `DNS:${name}`).join(',')}`)
  openssl('x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out leaf.pem')
  return { ca: read('ca.pem'), key: read('leaf.key'), cert: read('leaf.pem') }
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

describe.each(['pglite', 'postgres'] as const)('S-8 a credential leaves for the hosts of its service only [%s]', database => {
  let patchbay: TestPatchbay
  /** Names that somebody looked up. */
  const lookedUp: string[] = []
  const evil = { connections: 0 }
  const good = practiceHandler(Date.now)
  const servers: Server[] = []
  const directory = mkdtempSync(join(tmpdir(), 'story-'))

  beforeAll(async () => {
    const { ca, key, cert } = certificate(directory)
    const goodServer = createTlsServer({ key, cert }, good.handler)
    const evilServer = createTcpServer(socket => {
      evil.connections++
      socket.destroy()
    })
    const parameters = [{ place: 'header', name: 'x-api-key', prefix: '', value: canary } as const]
    good.state.keySets.set('canary', { parameters, account: accountOf('ada') })
    servers.push(goodServer, evilServer)
    const ports = { good: await listen(goodServer), evil: await listen(evilServer) }
    patchbay = await startPatchbay({
      database,
      extraCa: ca,
      resolve: name => {
        lookedUp.push(name)
        return Promise.resolve([{ address: '127.0.0.1', port: name.includes('evil') ? ports.evil : ports.good }])
      },
      // the network would let everything through: only the gate is left to say no
      settings: { PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${ports.good},127.0.0.1/32:${ports.evil}` },
    })
    await connected('good', ['api.good.test'])
    await connected('wild', ['*.wild.test', 'good.test:8443'])
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    for (const server of servers) server.close()
    rmSync(directory, { recursive: true })
  })

  async function connected(linkName: string, api_hosts: string[], rest: Record<string, unknown> = {}) {
    must(await patchbay.admin('POST', '/api/v1/services', keyDefinition(patchbay, linkName, { api_hosts, ...rest })), 201)
    const credentials = { 'X-Api-Key': canary }
    const body = { service: linkName, name: linkName, link_name: linkName, credentials }
    return must(await patchbay.admin('POST', '/api/v1/connections', body), 201)
  }

  const invoked = (url: string, rest: Record<string, unknown> = {}, connection = 'good') =>
    call(patchbay, patchbay.admin, connection, url, rest)

  /** What happened on the wire meanwhile: connections at EVIL, names looked up, calls at the good service. */
  async function wire(work: () => Promise<Answer>) {
    const before = { evil: evil.connections, names: lookedUp.length, calls: JSON.stringify(good.state.counters.api) }
    const answer = await work()
    const quiet = JSON.stringify(good.state.counters.api) === before.calls
    return { answer, evil: evil.connections - before.evil, names: lookedUp.slice(before.names), quiet }
  }

  it('01.1 the positive control: EVIL can be reached and counts, and the good service receives the key', async () => {
    const without = await wire(() => patchbay.admin('POST', '/api/v1/invoke', { url: 'https://evil.test/' }))
    expect([without.answer.status, without.evil, without.names]).toEqual([502, 1, ['evil.test']])
    const { json } = must(await invoked('https://api.good.test/key/echo'), 200)
    const digest = createHash('sha256').update(canary).digest('hex')
    expect(json.body).toMatchObject({ via: 'key', headers: { host: 'api.good.test' } })
    expect(digest).toContain(String(json.body.headers['x-api-key']).replace('sha256:', ''))
  })

  it.each([
    ['01.1', 'https://evil.test/', 'destination_not_allowed'],
    ['01.2', 'https://api.good.test.evil.test/', 'destination_not_allowed'],
    ['01.2', 'https://evilapi.good.test/', 'destination_not_allowed'],
    ['01.2', 'https://good.test/', 'destination_not_allowed'],
    ['01.3', 'https://api.good.test@evil.test/', 'invalid_url'],
    ['01.3', 'https://evil.test#@api.good.test', 'destination_not_allowed'],
    ['01.3', 'https://evil.test?@api.good.test', 'destination_not_allowed'],
    ['01.3', 'https://evil.test\\@api.good.test', 'invalid_url'],
    ['01.3', 'https://api.good.test\\.evil.test/', 'invalid_url'],
    ['01.3', 'https://api.good.test%2f@evil.test/', 'invalid_url'],
    ['01.3', 'https://api.good.test%2f.evil.test/', 'invalid_url'],
    ['01.3', 'https://user:pw@api.good.test/', 'invalid_url'],
    ['01.3', 'https://api.good.test:443@evil.test/', 'invalid_url'],
    ['01.4', 'http://api.good.test/', 'destination_not_allowed'],
    ['01.4', 'http://api.good.test:443/', 'destination_not_allowed'],
    ['01.4', 'https://api.good.test:8443/', 'destination_not_allowed'],
    ['01.4', 'https://api.good.test:80/', 'destination_not_allowed'],
    ['01.5', 'https://api.good.test./x', 'destination_not_allowed'],
    ['01.5', 'https://api.good.test。evil.test/', 'destination_not_allowed'],
    ['01.5', 'https://127.0.0.1/', 'destination_not_allowed'],
    ['01.5', '//api.good.test/x', 'invalid_url'],
    ['01.5', 'https:api.good.test/', 'invalid_url'],
    ['01.5', 'https:///api.good.test/', 'invalid_url'],
    ['01.5', 'ftp://api.good.test/', 'invalid_url'],
    ['01.5', 'https://api.good.test\t.evil.test/', 'invalid_url'],
    ['01.5', ' https://evil.test/', 'invalid_url'],
  ])('%s %s is refused before DNS, and no byte leaves', async (_, url, code) => {
    const { answer, ...happened } = await wire(() => invoked(url))
    expect([answer.status, answer.json.code]).toEqual([code === 'invalid_url' ? 422 : 403, code])
    expect(happened).toEqual({ evil: 0, names: [], quiet: true })
    if (code !== 'destination_not_allowed' || !url.startsWith('https:')) return
    // the error names the field to change
    expect(answer.json.detail).toContain('api_hosts')
  })

  it.each([
    ['good', 'HTTPS://API.GOOD.TEST:443/key/echo'],
    ['good', 'https://ⓐpi.good.test/key/echo'],
    ['good', 'https://api.good.test/key/./x/../echo'],
    ['wild', 'https://a.wild.test/key/echo'],
    ['wild', 'https://a.b.wild.test/key/echo'],
    ['wild', 'https://good.test:8443/key/echo'],
  ])('01.5 01.6 through %s, %s is one of its hosts in another spelling', async (connection, url) => {
    const { json } = must(await invoked(url, {}, connection), 200)
    expect(json.body).toMatchObject({ via: 'key', headers: { host: new URL(url).host } })
  })

  it.each([
    'https://wild.test/',
    'https://awild.test/',
    'https://a.wild.test.evil.test/',
    'https://a.wild.test:8443/',
    'https://good.test/',
  ])('01.6 a wildcard holds for one or more labels in front of it, not for %s', async url => {
    const { answer, ...happened } = await wire(() => invoked(url, {}, 'wild'))
    expect([answer.status, answer.json.code]).toEqual([403, 'destination_not_allowed'])
    expect(happened).toEqual({ evil: 0, names: [], quiet: true })
  })

  it.each(['Host', 'host', 'X-Forwarded-Host', 'x_forwarded_host', 'Forwarded', 'Connection', 'Transfer-Encoding', 'Cookie', 'Via'])(
    '01.7 the header %s is never the caller’s',
    async name => {
      const { answer, ...happened } = await wire(() => invoked('https://api.good.test/key/echo', { headers: { [name]: 'evil.test' } }))
      expect([answer.status, answer.json.code]).toEqual([422, 'header_not_allowed'])
      expect(happened).toEqual({ evil: 0, names: [], quiet: true })
    },
  )

  it('01.7 nor is the header that carries the credential, nor one that is no header', async () => {
    expect(refusal(await invoked('https://api.good.test/key/echo', { headers: { 'x-api-KEY': 'mine' } }))).toBe('header_not_allowed')
    for (const name of [':authority', 'a b', 'x\r\nhost', '']) {
      const { answer, quiet } = await wire(() => invoked('https://api.good.test/key/echo', { headers: { [name]: 'x' } }))
      expect([answer.status, quiet], name).toEqual([422, true])
    }
  })

  it('01.7 a path that looks like a host stays a path of the same host', async () => {
    const { answer, evil: reached } = await wire(() => invoked('https://api.good.test//evil.test/x'))
    expect([must(answer, 200).json.status_code, reached]).toEqual([404, 0])
  })

  it('01.8 the proxy refuses the same, with the code in a header', async () => {
    for (const target of [
      'https/evil.test/',
      'https/api.good.test.evil.test/',
      'https/api.good.test:8443/',
      'http/api.good.test/',
      'https/api.good.test@evil.test/',
      'https/api.good.test%2f@evil.test/',
      'https/evil.test%23@api.good.test/',
      'https/evil.test%5c@api.good.test/',
    ]) {
      const { answer, ...happened } = await wire(() => patchbay.admin('GET', `/proxy/good/${target}`))
      expect(answer.status, target).toBeGreaterThanOrEqual(400)
      expect(answer.headers.get('patchbay-problem'), target).toMatch(/^(destination_not_allowed|invalid_url|malformed_request|not_found)$/)
      expect(happened, target).toEqual({ evil: 0, names: [], quiet: true })
    }
    const passed = must(await patchbay.admin('GET', '/proxy/good/https/api.good.test//evil.test/x'), 404)
    expect(passed.headers.get('patchbay-problem')).toBeNull()
    expect(must(await patchbay.admin('GET', '/proxy/good/https/api.good.test/key/echo'), 200).json).toMatchObject({ via: 'key' })
  })

  it('01.8 a function refuses the same, whether the script or its caller wrote the address, and can catch it', async () => {
    const source = `map standalone.goes(string address) { try { r = invokeurl [ url: address type: GET connection: "good" detailed: true ]; return {"code": r.get("responseCode").toString()}; } catch (e) { return {"failed": e.message}; } }`
    must(await patchbay.admin('PUT', '/api/v1/functions/standalone/goes', { source }), 201)
    const ran = async (address: string) => {
      const { answer, ...happened } = await wire(() =>
        patchbay.admin('POST', '/api/v1/functions/standalone/goes/run', { arguments: { address } }),
      )
      return { output: must(answer, 200).json.output as Record<string, string>, ...happened }
    }
    expect(await ran('https://api.good.test/key/echo')).toMatchObject({ output: { code: '200' }, evil: 0, quiet: false })
    for (const address of [
      'https://evil.test/',
      'https://api.good.test.evil.test/x?to=api.good.test',
      'https://api.good.test:8443/',
      'http://api.good.test/',
      'https://api.good.test@evil.test/',
      'https://evil.test\\\\@api.good.test/',
      'https://evil.test#@api.good.test/',
    ]) {
      const { output, ...happened } = await ran(address)
      expect(output['failed'], address).toMatch(/is not among the API hosts|may only be called over https|user name or password|backslash/)
      expect(happened, address).toEqual({ evil: 0, names: [], quiet: true })
    }
  })

  it('an ended token is not renewed for a destination that is refused: the gate comes before the credential', async () => {
    const ada = await administrator(patchbay)
    await oauth2Service(patchbay, 'ended')
    await connect(ada, { service: 'ended', link_name: 'ended' })
    await sql`update credentials set expires_at = now() - interval '1 minute' where connection_id in (select id from connections where link_name = 'ended')`.execute(
      patchbay.broker.db,
    )
    patchbay.broker.calls.forgetAll()
    const before = await counters(patchbay)
    for (const url of ['https://evil.test/', 'https://api.good.test/']) {
      const { answer, ...happened } = await wire(() => invoked(url, {}, 'ended'))
      expect([answer.status, answer.json.code]).toEqual([403, 'destination_not_allowed'])
      expect(happened).toEqual({ evil: 0, names: [], quiet: true })
    }
    expect((await counters(patchbay)).token_requests).toBe(before.token_requests)
    // and it would have been
    await echo(patchbay, patchbay.admin, 'ended', '/api/echo')
    expect((await counters(patchbay)).token_requests).toBe(before.token_requests + 1)
  })

  it('01.8 the test call and the call after connecting go through the same gate', async () => {
    const elsewhere = { test_url: 'https://evil.test/me', after_connect: { url: 'https://evil.test/me', id_path: 'id' } }
    const created = await wire(() => connected('tested', ['api.good.test'], { advanced: elsewhere }))
    expect(created).toMatchObject({ evil: 0, names: [], quiet: true })
    const { answer, ...happened } = await wire(() => patchbay.admin('POST', '/api/v1/connections/tested/test'))
    expect([answer.status, answer.json.code]).toEqual([403, 'destination_not_allowed'])
    expect(happened).toEqual({ evil: 0, names: [], quiet: true })
  })

  it('X13 methods and paths that the service does not offer are refused alike, in every spelling', async () => {
    await connected('narrow', ['api.good.test'], { advanced: { methods: ['GET'], path_prefix: '/key/echo' } })
    must(await invoked('https://api.good.test/key/echo', {}, 'narrow'), 200)
    must(await invoked('https://api.good.test/key/echo?x=../me', {}, 'narrow'), 200)
    for (const [url, rest] of [
      ['https://api.good.test/key/echo', { type: 'POST' }],
      ['https://api.good.test/key/me', {}],
      ['https://api.good.test/key/echoes', {}],
      ['https://api.good.test/key/echo/../me', {}],
      ['https://api.good.test/key/echo/..%2fme', {}],
      ['https://api.good.test/key/echo/%2e%2e/me', {}],
      ['https://api.good.test/key/echo//x', {}],
      ['https://api.good.test/key/echo/%252e%252e/me', {}],
      ['https://api.good.test/key/echo/..%25252fme', {}],
      ['https://api.good.test/key/echo/%c0%ae%c0%ae/me', {}],
      ['https://api.good.test/key/echo/%E0%80%AE%E0%80%AE/me', {}],
      ['https://api.good.test/key/echo/.%00./me', {}],
      ['https://api.good.test/key/echo/%f0%80%80%ae%f0%80%80%ae/me', {}],
      ['https://api.good.test/key/echo/%u002e%u002e/me', {}],
      ['https://api.good.test/key/echo/%%32%65%%32%65/me', {}],
      ['https://api.good.test/key/echo/%25%32%65%25%32%65/me', {}],
      ['https://api.good.test/key/echo/..%3b/me', {}],
      ['https://api.good.test/key/echo/..%20/me', {}],
      ['https://api.good.test/key/echo;/../me', {}],
      ['https://api.good.test/key/echo/..;/me', {}],
      ['https://api.good.test/key/echo/．．/me', {}],
      ['https://api.good.test/key/echo/..%ef%bc%8fme', {}],
      ['https://api.good.test//key/echo', {}],
      ['https://api.good.test/key/echo//../../me', {}],
      ['https://api.good.test/KEY/echo', {}],
      ['https://api.good.test/key/echo?_method=DELETE', {}],
      ['https://api.good.test/key/echo?a=1&_METHOD=put', {}],
    ] as const) {
      const { answer, quiet } = await wire(() => invoked(url, rest, 'narrow'))
      expect([answer.status, answer.json.code, quiet], url).toEqual([403, 'destination_not_allowed', true])
    }
    expect((await invoked('https://api.good.test/key/echo/..\\me', {}, 'narrow')).json.code).toBe('invalid_url')
    // said with the part that is the trouble, where the path begins as it should
    expect((await invoked('https://api.good.test/key/echo/%u002e%u002e/me', {}, 'narrow')).json.detail).toContain('"%u002e%u002e"')
    expect((await invoked('https://api.good.test/key/me', {}, 'narrow')).json.detail).toMatch(/only paths under \/key\/echo\.$/)
    // what servers take for another method or another path than the request line says
    for (const header of [
      'X-HTTP-Method-Override',
      'x_http_method',
      'X-Method',
      'X.Http_Verb-Override',
      'X-Original-URL',
      'x-rewrite-url',
    ]) {
      const { answer, quiet } = await wire(() => invoked('https://api.good.test/key/echo', { headers: { [header]: 'x' } }, 'narrow'))
      expect([answer.status, answer.json.code, quiet], header).toEqual([422, 'header_not_allowed', true])
      const proxied = await wire(() => patchbay.admin('GET', '/proxy/narrow/https/api.good.test/key/echo', undefined, { [header]: 'x' }))
      expect([proxied.answer.status, proxied.answer.headers.get('patchbay-problem'), proxied.quiet], header).toEqual([
        422,
        'header_not_allowed',
        true,
      ])
      // where nothing is limited they are headers like others
      must(await invoked('https://api.good.test/key/echo', { headers: { [header]: 'x' } }), 200)
    }
    for (const path of ['key/echo/%252e%252e/me', 'key/echo;/x', 'key/echo//x', 'key/me']) {
      const { answer, quiet } = await wire(() => patchbay.admin('GET', `/proxy/narrow/https/api.good.test/${path}`))
      expect([answer.status, answer.headers.get('patchbay-problem'), quiet], path).toEqual([403, 'destination_not_allowed', true])
    }
  })

  it('X13 a body overrides no method of a narrowed service, by invoke and by the proxy', async () => {
    const at = 'https://api.good.test/key/echo'
    const target = '/proxy/only_post/https/api.good.test/key/echo'
    await connected('only_post', ['api.good.test'], { advanced: { methods: ['POST'] } })
    const form = 'application/x-www-form-urlencoded'
    const multipart = 'multipart/form-data; boundary=b'
    const part = (rest: string) => `--b\r\nContent-Disposition: form-data; ${rest}\r\n\r\nDELETE\r\n--b--\r\n`
    const mebibyte = 1024 * 1024
    const proxied = (type: string, asked: Asked) =>
      ask(patchbay.base, target, { method: 'POST', headers: { 'content-type': type }, ...asked })
    for (const [type, text] of [
      [form, '_method=DELETE'],
      [form, 'a=1;_method%5B%5D=DELETE'],
      [multipart, part('name="_method"')],
      ['application/json', '{"a":1,"_method":"DELETE"}'],
    ] as const) {
      for (const rest of [
        { body: text, content_type: type },
        { body: text, headers: { 'Content-Type': type } },
        { parameters: text, content_type: type },
      ]) {
        const { answer, quiet } = await wire(() => invoked(at, { type: 'POST', ...rest }, 'only_post'))
        expect([answer.status, answer.json.code, quiet], text).toEqual([403, 'destination_not_allowed', true])
        expect(answer.json.detail).toContain('_method')
      }
      const calls = JSON.stringify(good.state.counters.api)
      for (const asked of [{ body: text }, { chunks: [text.slice(0, 3), text.slice(3)] }, { body: text + ' '.repeat(100_000) }])
        expect(problemOf(await proxied(type, asked)), text).toBe(refusedWith(403, 'destination_not_allowed'))
      for (const asked of [{ body: text + ' '.repeat(mebibyte) }, { chunks: [text, ' '.repeat(mebibyte)] }])
        expect(problemOf(await proxied(type, asked)), text).toBe(refusedWith(413, 'request_too_large'))
      expect(JSON.stringify(good.state.counters.api)).toBe(calls)
      must(await invoked(at, { type: 'POST', body: text, content_type: type }), 200)
    }
    for (const rest of [{ parameters: { _method: 'DELETE' } }, { body: { ' _method': 'DELETE' } }, { body: [{ 'param-name': '_Method' }] }])
      expect(refusal(await invoked(at, { type: 'POST', ...rest }, 'only_post'))).toBe('destination_not_allowed')
    // what holds no such parameter passes as it is, however long where it is no form
    must(await invoked(at, { type: 'POST', body: '{"a":{"_method":"x"}}', content_type: 'application/json' }, 'only_post'), 200)
    expect((await proxied(form, { body: 'a=_method&b=%2f' })).json).toMatchObject({ via: 'key', body: { a: '_method', b: '/' } })
    expect(await proxied('text/plain', { body: '_method=DELETE'.padEnd(mebibyte + 1) })).toMatchObject({ status: 200 })
  })

  it('and the key is in no log line, no answer and no column', async () => {
    expect(patchbay.answered.length).toBeGreaterThan(60)
    expect(await sinkScan(patchbay, { key: canary })).toEqual([])
  })
})
