import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminKey, startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { counters, keyDefinition, must, practiceHost, practiceUrl, refusal, until } from '../support/practice-services.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'

type Json = Record<string, unknown>

const mebibyte = 1024 * 1024
const maxRequest = mebibyte
const maxResponse = 2 * mebibyte
const id = '1234567890123456789'
const keyName = 'X-Api-Key'

describe.each(['pglite', 'postgres'] as const)('U-1 invoke [%s]', database => {
  let patchbay: TestPatchbay
  let up: ScriptedUpstream
  let evil: ScriptedUpstream
  let practice: string

  beforeAll(async () => {
    ;[up, evil] = await Promise.all([startScriptedUpstream(), startScriptedUpstream()])
    patchbay = await startPatchbay({
      database,
      settings: {
        ...settingsFor(up, evil),
        PATCHBAY_INVOKE_MAX_REQUEST_BYTES: String(maxRequest),
        PATCHBAY_INVOKE_MAX_RESPONSE_BYTES: String(maxResponse),
      },
    })
    practice = practiceUrl(patchbay)
    const hosts = [practiceHost(patchbay), up.host]
    const parameters = [{ name: 'api_key', display_name: 'Key' }]
    await service('by_header', { api_hosts: hosts })
    await service('by_query', { api_hosts: hosts, param_type: 'query', parameters })
    await service('by_form', { api_hosts: hosts, param_type: 'form', parameters })
    await connection('header', 'by_header', { [keyName]: 'practice-key' })
    await connection('query', 'by_query', { api_key: 'practice-key' })
    await connection('form', 'by_form', { api_key: 'practice-key' })
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
    await evil.close()
  })

  const service = async (linkName: string, rest: Json) =>
    must(await patchbay.admin('POST', '/api/v1/services', keyDefinition(patchbay, linkName, rest)), 201)
  const connection = async (linkName: string, of: string, credentials: Json) =>
    must(await patchbay.admin('POST', '/api/v1/connections', { service: of, name: linkName, link_name: linkName, credentials }), 201)
  /** A text is the whole request, byte for byte. A path is one of the upstream that the tests hold. */
  const invoke = (call: Json | string, ask = patchbay.admin): Promise<Answer> =>
    ask(
      'POST',
      '/api/v1/invoke',
      typeof call === 'string' ? call : { connection: 'header', ...call, url: String(call['url']).replace(/^(?=\/(?!\/))/, up.url) },
    )
  /** What the practice service says it received. */
  const echoed = async (call: Json): Promise<Json> => {
    const answer = must(await invoke({ url: `${practice}/key/echo`, ...call }), 200)
    expect(answer.json.status_code, answer.text.slice(0, 500)).toBe(200)
    return answer.json.body as Json
  }

  it('URL-2 every type reaches the service, GET when none is given', async () => {
    for (const type of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) expect((await echoed({ type })).method).toBe(type)
    expect((await echoed({})).method).toBe('GET')
    const head = must(await invoke({ url: '/head', type: 'HEAD' }), 200)
    expect(head.json).toMatchObject({ status_code: 200, body: null })
    expect(up.last('/head').method).toBe('HEAD')
    expect(refusal(await invoke({ url: '/head', type: 'TRACE' }))).toBe('validation_failed: type')
  })

  it('URL-3, URL-11 the caller’s headers and the connection’s arrive together, a map as JSON text', async () => {
    const { headers } = await echoed({ headers: { 'X-Own': 'a b', 'Dropbox-API-Arg': { path: '/x' }, 'User-Agent': 'story/1' } })
    expect(headers).toMatchObject({
      'x-own': 'a b',
      'dropbox-api-arg': '{"path":"/x"}',
      'user-agent': 'story/1',
      host: practiceHost(patchbay),
    })
    expect((headers as Json)['x-api-key']).toMatch(/^sha256:/)
  })

  it('headers that are ours are refused, and nothing is sent', async () => {
    const before = up.arrived.length
    const ours = ['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'TE', 'Cookie', 'X-Forwarded-For', 'Via', 'Patchbay-Subject']
    for (const name of [...ours, keyName, 'x-api-key', 'X_API_KEY', 'X-Api_Key'])
      expect(refusal(await invoke({ url: '/never', headers: { [name]: 'x' } })), name).toBe('header_not_allowed')
    expect(refusal(await invoke({ url: '/never', headers: { 'X-A': 'a\r\nX-B: c' } }))).toBe('validation_failed: headers.X-A')
    expect(refusal(await invoke({ url: '/never', headers: { 'X A': 'a' } }))).toBe('validation_failed: headers')
    expect(up.arrived.length).toBe(before)
    // another connection does not set it, and no connection sets Authorization
    const { headers } =
      must(await invoke({ connection: 'query', url: '/free', headers: { Authorization: 'Bearer mine' } }), 200) && up.last('/free')
    expect(headers.authorization).toBe('Bearer mine')
  })

  it('URL-4, URL-5 parameters are the query of GET, HEAD and DELETE, and a form otherwise', async () => {
    const parameters = { a: 'x y&=?', b: [1], n: null }
    for (const type of ['GET', 'DELETE'])
      expect(await echoed({ type, parameters, url: `${practice}/key/echo?a=%2f` })).toMatchObject({
        raw_query: 'a=%2f&a=x%20y%26%3D%3F&b=%5B1%5D&n=',
        body_type: 'empty',
      })
    for (const type of ['POST', 'PUT', 'PATCH'])
      expect(await echoed({ type, parameters })).toMatchObject({ raw_query: '', body_type: 'form', body: { a: 'x y&=?', b: '[1]', n: '' } })
    expect(await echoed({ type: 'DELETE', parameters: { a: 1 }, content_type: 'application/json' })).toMatchObject({
      raw_query: '',
      body: { a: 1 },
    })
    expect(await echoed({ type: 'POST', parameters: '{"a":1}' })).toMatchObject({ body_type: 'text', body: '{"a":1}' })
    expect(await echoed({ type: 'POST', parameters: '{"a":1}', content_type: 'application/json' })).toMatchObject({ body: { a: 1 } })
    expect(await echoed({ type: 'POST', parameters: { q: 1 }, body: 'x' })).toMatchObject({ raw_query: 'q=1', body: 'x' })
    expect(refusal(await invoke({ url: '/x', parameters: 'a=1' }))).toBe('validation_failed: parameters')
  })

  it('URL-6 … URL-9 a body is text, multipart, JSON or a form, as it is and as the content type says', async () => {
    expect(await echoed({ type: 'POST', body: 'é' })).toMatchObject({ body: 'é', headers: { 'content-type': 'text/plain;charset=UTF-8' } })
    expect(await echoed({ type: 'POST', body: { a: 'é', b: { c: 1 } } })).toMatchObject({
      body_type: 'multipart',
      body: [
        { name: 'a', filename: null, text: 'é' },
        { name: 'b', filename: null, text: '{"c":1}' },
      ],
    })
    expect(await echoed({ type: 'PUT', body: { a: [1] }, content_type: 'application/json' })).toMatchObject({
      body_type: 'json',
      body: { a: [1] },
    })
    expect(
      await echoed({ type: 'PATCH', body: { a: 'b c' }, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    ).toMatchObject({
      body_type: 'form',
      body: { a: 'b c' },
    })
    expect(
      await echoed({ type: 'POST', body: [{ 'param-name': 'm', 'param-value': { a: 1 }, 'content-type': 'application/json' }] }),
    ).toMatchObject({
      body: [{ name: 'm' }],
    })
    expect(refusal(await invoke({ url: '/x', type: 'POST', body: 5 }))).toBe('validation_failed: body')
    expect(refusal(await invoke({ url: '/x', body: { a: 1 } }))).toBe('validation_failed: body')
  })

  it('URL-10 files arrive byte for byte, beside the fields', async () => {
    const bytes = Buffer.from([0, 1, 2, 253, 254, 255, 13, 10, 45, 45])
    const file = { name: 'f', filename: 'ä"b.png', content_type: 'image/png', content_base64: bytes.toString('base64') }
    const received = (await echoed({ type: 'POST', files: [file, { filename: 'e.bin', content_base64: '' }], parameters: { p: 1 } }))
      .body as Json[]
    expect(received[0]).toMatchObject({ name: 'p', text: '1' })
    expect(received[1]).toMatchObject({ name: 'f', content_type: 'image/png', base64: bytes.toString('base64') })
    expect(received[2]).toMatchObject({ name: 'file', filename: 'e.bin', content_type: 'application/octet-stream', bytes: 0 })
    expect(refusal(await invoke({ url: '/x', type: 'POST', files: [{ filename: 'a', content_base64: 'no!' }] }))).toBe(
      'validation_failed: files.0.content_base64',
    )
  })

  it('URL-28 an id of 19 digits passes both ways, byte for byte', async () => {
    const sent = `{ "id" : ${id}, "list":[-${id}, 1.50,12345678901234567890123], "text":"${id}" }`
    const answered = `{"data" : [{"id":${id}, "amount": 10.00}],\n"next":null}`
    up.on('/ids', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(answered))
    const url = `${up.url}/ids`
    const answer = must(
      await invoke(`{"connection":"header","url":"${url}","type":"POST","content_type":"application/json","body":${sent}}`),
      200,
    )
    expect(up.last('/ids').body.toString()).toBe(sent)
    expect(answer.text).toContain(`"body":${answered},"duration_ms"`)
    await invoke(
      `{"connection":"header","url":"${url}","parameters":{"id":${id},"in":[${id}]},"headers":{"X-Id":${id},"X-In":{"id":${id}}}}`,
    )
    expect(up.last('/ids').target).toBe(`/ids?id=${id}&in=%5B${id}%5D`)
    expect(up.last('/ids').headers).toMatchObject({ 'x-id': id, 'x-in': `{"id":${id}}` })
  })

  it('URL-13, URL-20 … URL-24 an answer is JSON, text or a file', async () => {
    const says = (path: string, body: string | Buffer, headers: Record<string, string>) =>
      up.on(path, (_, response) => response.writeHead(200, headers).end(body))
    says('/list', ' [1,{"a":null}]\n', { 'content-type': 'text/html' })
    says('/xml', '<a>é</a>', { 'content-type': 'application/xml' })
    says('/csv', 'a,b\n1,2\n', { 'content-type': 'text/csv' })
    says('/report%201.pdf', '%PDF', { 'content-type': 'application/pdf' })
    says('/download', '{"a":1}', {
      'content-type': 'application/json',
      'content-disposition': `attachment; filename*=UTF-8''..%2F%E2%82%AC.json`,
    })
    says('/latin1', Buffer.from('café', 'latin1'), { 'content-type': 'text/plain; charset=iso-8859-1' })
    says('/wrong', Buffer.from('café', 'latin1'), { 'content-type': 'text/plain; charset=utf-8' })
    const body = async (url: string, rest: Json = {}) => must(await invoke({ url, ...rest }), 200).json.body as unknown

    expect(await body('/list')).toEqual([1, { a: null }])
    expect(await body('/list', { response_format: 'string' })).toBe(' [1,{"a":null}]\n')
    expect(await body('/xml')).toBe('<a>é</a>')
    expect(await body('/csv')).toBe('a,b\n1,2\n')
    expect(await body('/report%201.pdf')).toEqual({
      filename: 'report 1.pdf',
      content_type: 'application/pdf',
      size: 4,
      content_base64: Buffer.from('%PDF').toString('base64'),
    })
    expect(await body('/download')).toMatchObject({ filename: '€.json', content_type: 'application/json', size: 7 })
    expect(await body('/xml', { response_format: 'file' })).toMatchObject({ filename: 'xml', size: 9 })
    expect(await body('/latin1')).toBe('café')
    expect(await body('/wrong')).toMatchObject({ size: 4, content_base64: Buffer.from('café', 'latin1').toString('base64') })
    expect(await body('/wrong', { response_decoding: 'windows-1252' })).toBe('café')
    expect(refusal(await invoke({ url: '/wrong', response_decoding: 'nonsense' }))).toBe('validation_failed: response_decoding')
  })

  it('URL-26 an empty answer is null', async () => {
    up.on('/none', (_, response) => response.writeHead(204).end())
    up.on('/empty', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end())
    expect(must(await invoke({ url: '/none' }), 200).json).toMatchObject({ status_code: 204, body: null })
    expect(must(await invoke({ url: '/empty' }), 200).json).toMatchObject({ status_code: 200, body: null })
  })

  it('headers of an answer are lower case and joined, and no cookie is among them', async () => {
    up.on('/headers', (_, response) =>
      response
        .writeHead(200, [
          ...['Content-Type', 'application/json', 'Link', '<a>', 'LINK', '<b>', 'X-Odd', 'é"\\'],
          ...['Set-Cookie', 'session=1', 'Set-Cookie', 'b=2', 'Constructor', 'c'],
        ])
        .end('{}'),
    )
    const answer = must(await invoke({ url: '/headers' }), 200)
    expect(answer.json.headers).toMatchObject({ link: '<a>, <b>', constructor: 'c' })
    expect(answer.text).not.toContain('session=1')
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(answer.json.duration_ms).toBeTypeOf('number')
  })

  it('URL-25 a 4xx or 5xx of the service is an answer', async () => {
    for (const status of [400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504]) {
      const answer = must(await invoke({ url: `${practice}/key/status/${status}` }), 200)
      expect(answer.json).toMatchObject({ status_code: status, body: { status } })
      expect(answer.headers.get('retry-after')).toBeNull()
    }
    expect(must(await invoke({ url: `${practice}/key/html-error` }), 200).json.body).toContain('<h1>Bad Gateway</h1>')
    expect(must(await invoke({ url: `${practice}/key/429?after=7` }), 200).json.headers['retry-after']).toBe('7')
  })

  it('URL-27 timeout_ms has its bounds, and counts to the last byte', async () => {
    for (const timeout_ms of [999, 60_001, 0, -1, 1500.5, '5000', null])
      expect(refusal(await invoke({ url: '/x', timeout_ms })), String(timeout_ms)).toBe('validation_failed: timeout_ms')
    for (const path of ['/key/slow?ms=20000', '/key/drip?n=1000&ms=100']) {
      const started = performance.now()
      const answer = await invoke({ url: practice + path, timeout_ms: 1000 })
      expect(refusal(answer)).toBe('upstream_timeout')
      expect(answer.status).toBe(504)
      expect(performance.now() - started).toBeLessThan(5000)
    }
    must(await invoke({ url: `${practice}/key/slow?ms=200`, timeout_ms: 60_000 }), 200)
  })

  it('a request body has a limit, to the byte', async () => {
    const post = (rest: Json) => invoke({ url: '/size', type: 'POST', ...rest })
    const before = up.arrived.length
    must(await post({ body: 'x'.repeat(maxRequest) }), 200)
    expect(up.last('/size').body.length).toBe(maxRequest)
    const long = [
      { body: 'x'.repeat(maxRequest + 1) },
      { body: 'é'.repeat(maxRequest / 2 + 1) },
      { parameters: { a: ' '.repeat(maxRequest / 2) } },
      { files: [{ filename: 'a', content_base64: Buffer.alloc(maxRequest + 1).toString('base64') }] },
      { body: 'x'.repeat(2 * maxRequest) },
    ]
    for (const one of long) {
      const answer = await post(one)
      expect([answer.status, refusal(answer)]).toEqual([413, 'request_too_large'])
    }
    expect(up.arrived.length).toBe(before + 1)
  })

  it('an answer has a limit, to the byte, packed and unpacked', async () => {
    const gzip = (path: string, bytes: number) =>
      up.on(path, (_, response) =>
        response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(bytes))),
      )
    gzip('/packed', mebibyte)
    gzip('/bomb', maxResponse + 1)
    const whole = must(await invoke({ url: `${practice}/key/bytes?n=${maxResponse}` }), 200)
    expect(whole.json.body).toMatchObject({ size: maxResponse })
    expect(must(await invoke({ url: '/packed' }), 200).json.body).toHaveLength(mebibyte)
    for (const url of [`${practice}/key/bytes?n=${maxResponse + 1}`, '/bomb', `${practice}/key/large`]) {
      const answer = await invoke({ url })
      expect([answer.status, refusal(answer)], url).toEqual([502, 'response_too_large'])
    }
  })

  it('gzip is unpacked, and the answer says so no more', async () => {
    const answer = must(await invoke({ url: `${practice}/key/gzip` }), 200)
    expect(answer.json.body).toMatchObject({ via: 'key' })
    expect(answer.json.headers['content-encoding']).toBeUndefined()
    expect(answer.json.headers['content-length']).toBeUndefined()
  })

  it('a redirect is an answer: it is not followed, and no credential goes where it points (X02)', async () => {
    up.on('/hop', (request, response) => {
      const query = new URL(request.url ?? '', up.url).searchParams
      response.writeHead(Number(query.get('status')), { location: query.get('to') ?? '' }).end('{"moved":true}')
    })
    const evilHost = evil.host
    for (const status of [301, 302, 303, 307, 308])
      for (const target of [evil.url, `//${evilHost}/`, `${up.url}/elsewhere`, '/relative', 'file:///etc/passwd', 'javascript:alert(1)'])
        for (const [name, type] of [
          ['header', 'GET'],
          ['query', 'GET'],
          ['form', 'POST'],
        ]) {
          const url = `/hop?status=${status}&to=${encodeURIComponent(target)}`
          const answer = must(await invoke({ connection: name, url, type }), 200)
          expect(answer.json).toMatchObject({ status_code: status, headers: { location: target }, body: { moved: true } })
        }
    expect(evil.connections).toBe(0)
    expect(up.arrived.some(one => /^\/(elsewhere|relative)/.test(one.target))).toBe(false)
  })

  it('a credential goes to the API hosts only, and nothing is asked elsewhere (S-8)', async () => {
    for (const url of [evil.url, `${evil.url}/x`, `http://localhost:${up.port}/`, 'https://example.test/']) {
      const answer = await invoke({ url })
      expect([answer.status, refusal(answer)], url).toEqual([403, 'destination_not_allowed'])
    }
    expect(evil.connections).toBe(0)
  })

  it('without a connection the URL is called without a credential, under the same egress rules', async () => {
    const without = (url: string) => invoke({ connection: null, url })
    expect(must(await without(`${practice}/open/echo`), 200).json.body).toMatchObject({ via: 'open', account: null })
    const { headers } = must(await without('/bare'), 200) && up.last('/bare')
    expect(Object.keys(headers).filter(name => /auth|cookie|key|patchbay|forwarded/.test(name))).toEqual(['patchbay-hop'])
    for (const url of [
      'http://127.0.0.1:1/',
      'http://169.254.169.254/latest/meta-data',
      'http://[::1]:80/',
      'https://127.0.0.1/',
      'http://10.0.0.1/',
    ])
      expect(refusal(await without(url)), url).toBe('destination_not_allowed')
  })

  it('a service that cannot be reached, or answers half, is a 502', async () => {
    const gone = await startScriptedUpstream()
    await gone.close()
    up.on('/cut', (_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{"a":', () => response.destroy())
    })
    up.on('/nothing', (_, response) => response.destroy())
    up.on('/odd', (_, response) => response.writeHead(200, { 'content-encoding': 'unknown' }).end('x'))
    for (const url of ['/cut', '/nothing', '/odd', `${practice}/key/truncated`]) {
      const answer = await invoke({ url })
      expect([answer.status, refusal(answer)], url).toEqual([502, 'upstream_unreachable'])
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
    }
  })

  it('a URL that is none, or hides its host, is refused (X13)', async () => {
    const before = [up.connections, evil.connections]
    const host = up.host
    for (const url of [
      ...[
        '',
        'api.example.com',
        '/v1/x',
        '//evil.test/x',
        'ftp://evil.test/',
        'file:///etc/passwd',
        'javascript:alert(1)',
        'data:,x',
        'http:',
        'https://',
      ],
      ...[
        `http://user:pw@${host}/`,
        `http://user@${host}/`,
        `http://${host}@${evil.host}/`,
        `http://${evil.host}\\@${host}/`,
        `http://${host}\\x`,
      ],
      ...[
        `http://${host}/a b`,
        `http://${host}/a\nb`,
        `http://${host}/\t`,
        ` http://${host}/`,
        `http://${host}/ `,
        `http:/${host}/`,
        `http:${host}/`,
      ],
      ...['http://host:99999/', 'http://host:0/', 'http://[::1/', 'http://a%zz/', `http://${host}/${'x'.repeat(8200)}`],
    ]) {
      const answer = await invoke(JSON.stringify({ connection: 'header', url }))
      expect([answer.status, refusal(answer)], url).toEqual([422, 'invalid_url'])
    }
    expect([up.connections, evil.connections]).toEqual(before)
    for (const url of [5, null, undefined, ['x']]) expect(refusal(await invoke(JSON.stringify({ url })))).toBe('validation_failed: url')
  })

  it('a parameter that the connection sets cannot be sent by the caller as well (X12)', async () => {
    const before = up.arrived.length
    for (const query of ['?api_key=x', '?API_KEY=x', '?api%5Fkey=x', '?a=1;api_key=x', '?a=1&amp;api_key=x', '?api_key'])
      expect(refusal(await invoke({ connection: 'query', url: `/never${query}` })), query).toBe('parameter_conflict')
    expect(refusal(await invoke({ connection: 'query', url: '/never', parameters: { api_key: 'x' } }))).toBe('parameter_conflict')
    expect(refusal(await invoke({ connection: 'form', type: 'POST', url: '/never', parameters: { api_key: 'x' } }))).toBe(
      'parameter_conflict',
    )
    expect(refusal(await invoke({ connection: 'form', type: 'POST', url: '/never', body: { api_key: 'x' } }))).toBe('parameter_conflict')
    expect(up.arrived.length).toBe(before)
    must(await invoke({ connection: 'query', url: '/once?a=%2f#api_key=x' }), 200)
    expect(up.last('/once').target).toBe('/once?a=%2f&api_key=practice-key')
  })

  it('a key in form data joins urlencoded and multipart bodies, and makes one of a POST without a body', async () => {
    const form = (call: Json) => echoed({ connection: 'form', type: 'POST', ...call })
    expect(await form({})).toMatchObject({ body_type: 'form', body: { api_key: expect.stringMatching(/^sha256:/) as string } })
    expect(await form({ parameters: { a: 1 } })).toMatchObject({ body_type: 'form', body: { a: '1' }, via: 'key' })
    expect(await form({ body: { a: 1 } })).toMatchObject({ body_type: 'multipart', via: 'key' })
    expect(await form({ files: [{ filename: 'a', content_base64: 'eA==' }] })).toMatchObject({ body_type: 'multipart', via: 'key' })
    for (const call of [
      { type: 'GET' },
      { type: 'HEAD' },
      { type: 'POST', body: 'text' },
      { type: 'POST', body: { a: 1 }, content_type: 'application/json' },
    ]) {
      const answer = await invoke({ connection: 'form', url: '/never', ...call })
      expect([answer.status, refusal(answer)], JSON.stringify(call)).toEqual([422, 'param_type_mismatch'])
      expect(answer.json.detail).toMatch(/Param Type/)
    }
  })

  it('a key limited to connections sees others as if they were not there', async () => {
    const { key } = must(await patchbay.admin('POST', '/api/v1/api-keys', { name: 'limited', connections: ['query'] }), 201).json as {
      key: string
    }
    const limited = patchbay.withKey(key)
    must(await invoke({ connection: 'query', url: '/x' }, limited), 200)
    const hidden = await invoke({ connection: 'header', url: '/x' }, limited)
    const missing = await invoke({ connection: 'headez', url: '/x' }, limited)
    expect([hidden.status, missing.status]).toEqual([404, 404])
    const shown = (answer: Answer) => ({ ...(answer.json as Json), request_id: '', connection: '' })
    expect(shown(hidden)).toEqual(shown(missing))
    for (const connection of ['', 'Header', 'header ', '../header', 'x'.repeat(51), '__proto__'])
      expect(refusal(await invoke({ connection, url: '/x' })), connection).toBe('connection_not_found')
    // an address of its own is no way round the limit: a call without a connection carries nothing
    must(await invoke({ connection: null, url: '/x' }, limited), 200)
  })

  it('a key that may only invoke gets nowhere else', async () => {
    const { key } = must(await patchbay.admin('POST', '/api/v1/api-keys', { name: 'invoke', invoke_only: true }), 201).json as {
      key: string
    }
    const only = patchbay.withKey(key)
    must(await invoke({ url: '/x' }, only), 200)
    for (const [method, path] of [
      ['GET', '/api/v1/connections'],
      ['GET', '/api/v1/connections/header'],
      ['POST', '/api/v1/connections'],
      ['GET', '/api/v1/services'],
      ['POST', '/api/v1/api-keys'],
      ['GET', '/api/v1/invocations'],
      ['GET', '/api/v1/members'],
    ] as const)
      expect(refusal(await only(method, path, method === 'POST' ? {} : undefined)), path).toBe('forbidden')
  })

  it('nobody, a wrong key and a key in the wrong place are 401, and the problem is a document', async () => {
    for (const ask of [patchbay.nobody, patchbay.withKey('pb_wrong'), patchbay.withKey('')]) {
      const answer = await invoke({ url: '/x' }, ask)
      expect([answer.status, refusal(answer)]).toEqual([401, 'unauthenticated'])
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect(answer.headers.get('www-authenticate')).toContain('Bearer')
      expect(answer.json).toMatchObject({ status: 401, type: `${patchbay.base}/docs/problems#unauthenticated` })
      expect(answer.json.request_id).toBeTruthy()
    }
  })

  it('what cannot be read is refused, with the field', async () => {
    expect(refusal(await invoke('{"url":'))).toBe('malformed_request')
    expect(refusal(await invoke('[]'))).toMatch(/^validation_failed/)
    expect(refusal(await invoke({ url: '/x', detailed: true, as_user: 'bob' }))).toBe('validation_failed: detailed as_user')
    const deep = '['.repeat(101) + ']'.repeat(101)
    expect(refusal(await invoke(`{"url":"${up.url}/x","type":"POST","content_type":"application/json","body":${deep}}`))).toMatch(
      /^validation_failed/,
    )
  })

  it('a caller who leaves takes the call along', async () => {
    let left = false
    up.onHead('/forever', (_, response) => response.on('close', () => (left = true)))
    const call = new AbortController()
    const asked = fetch(`${patchbay.base}/api/v1/invoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ connection: 'header', url: `${up.url}/forever` }),
      signal: call.signal,
    }).catch(() => null)
    await until(
      () => Promise.resolve(up.arrived),
      arrived => arrived.some(one => one.target === '/forever'),
    )
    call.abort()
    await asked
    await until(() => Promise.resolve(left), Boolean)
  })

  it('every call was made once: the practice service counts what we count', async () => {
    const before = (await counters(patchbay)).api.key?.ok ?? 0
    for (let i = 0; i < 5; i++) await echoed({})
    expect((await counters(patchbay)).api.key?.ok).toBe(before + 5)
  })
})
