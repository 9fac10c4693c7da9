import { createConnection } from 'node:net'
import { brotliCompressSync, constants, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminKey, startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, keyDefinition, must, practice, oauth2Service, type Member } from '../support/practice-services.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { sinkScan } from '../support/sinks.ts'

const canary = 'CANARY-key-5b1e90c7f2a4'

const mebibyte = 1024 * 1024

/** 200 MiB of zeros as gzip, made piece by piece: 200 KB. */
async function largeGzip(): Promise<Buffer> {
  const packing = createGzip()
  const pieces: Buffer[] = []
  packing.on('data', (piece: Buffer) => pieces.push(piece))
  const zeros = Buffer.alloc(8 * mebibyte)
  for (let i = 0; i < 25; i++) await new Promise(done => packing.write(zeros, done))
  await new Promise<void>(done => packing.end(() => done()))
  return Buffer.concat(pieces)
}

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

describe('X15 what costs more than it weighs', () => {
  let patchbay: TestPatchbay
  let upstream: ScriptedUpstream
  let ada: Member

  beforeAll(async () => {
    upstream = await startScriptedUpstream()
    patchbay = await startPatchbay({ database: 'pglite', settings: settingsFor(upstream) })
    ada = await administrator(patchbay)
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'keyed', { api_hosts: [upstream.host] })), 201)
    await connect(ada, { service: 'keyed', link_name: 'keyed', credentials: { 'X-Api-Key': canary } })
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await upstream.close()
  })

  const answers = (body: string | Buffer, headers: Record<string, string> = {}) =>
    upstream.on('/x', (_, response) => response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body))
  const invoke = (rest: Record<string, unknown> = {}) =>
    patchbay.admin('POST', '/api/v1/invoke', { connection: 'keyed', url: `${upstream.url}/x`, ...rest })
  const said = ({ status, json, text }: Answer) => `${status} ${String(json?.code ?? text.slice(0, 100))}`

  it('a packed answer is unpacked to the limit and not further, whatever it is packed with', async () => {
    const zeros = Buffer.alloc(64 * mebibyte)
    const bombs: [string, Buffer][] = [
      ['gzip', await largeGzip()],
      ['deflate', deflateSync(zeros)],
      ['deflate', deflateRawSync(zeros)],
      ['br', brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ]
    answers('{}')
    must(await invoke(), 200)
    for (const [coding, bomb] of bombs) {
      answers(bomb, { 'content-encoding': coding })
      const before = process.memoryUsage().rss
      expect([coding, said(await invoke())]).toEqual([coding, '502 response_too_large'])
      // unpacked the smallest of them would be 64 MiB more
      expect(process.memoryUsage().rss - before, coding).toBeLessThan(60 * mebibyte)
    }
    // more than a hundred times its size, though below the limit
    answers(gzipSync(Buffer.alloc(5 * mebibyte)), { 'content-encoding': 'gzip' })
    expect(said(await invoke())).toBe('502 response_too_large')
    for (const coding of ['gzip, gzip', 'gzip, gzip, gzip, gzip, gzip, gzip', 'zstd', 'compress', 'chunked']) {
      answers(gzipSync('{}'), { 'content-encoding': coding })
      expect([coding, said(await invoke())]).toEqual([coding, '502 upstream_unreachable'])
    }
  })

  it('a token response that is a bomb or nests without end stores nothing, and is told', async () => {
    await oauth2Service(patchbay, 'tokens')
    for (const [i, body] of [gzipSync(Buffer.alloc(20 * mebibyte, ' ')), Buffer.from(`{"access_token":${deep(200_000)}}`)].entries()) {
      const packed = i === 0
      const misbehaviour = packed ? { kind: 'gzip_bomb' } : { body_base64: body.toString('base64'), content_type: 'application/json' }
      const asked = await practice(patchbay, 'POST', '/practice/misbehave', { endpoint: 'token', ...misbehaviour })
      must(asked, asked.status === 201 ? 201 : asked.status === 204 ? 204 : 200)
      const linkName = `tokens_${i}`
      const made = must(await ada.ask('POST', '/api/v1/connections', { service: 'tokens', name: 'x', link_name: linkName }), 201)
      await ada.browser.visit(made.json.authorization.url as string)
      expect(must(await ada.ask('GET', `/api/v1/connections/${linkName}`), 200).json.status).toBe('authorization_required')
    }
  })

  it('deep, wide and long JSON of a service is passed on as it came, and read by nobody', async () => {
    const wide = `{${Array.from({ length: 300_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`
    answers(wide)
    expect(must(await invoke(), 200).text).toContain(wide)
    // deeper than any honest document: text, which costs nobody a stack
    answers(deep(1_000_000))
    expect((must(await invoke(), 200).json as { body: unknown }).body).toBe(deep(1_000_000))
    for (const number of ['9'.repeat(300_000), '12345678901234567890', '9007199254740993', '1e999', '-0', '1E400']) {
      answers(`{"n":${number}}`)
      expect(must(await invoke(), 200).text.includes(`"body":{"n":${number}}`), number.slice(0, 30)).toBe(true)
    }
  })

  it('of a caller’s JSON depth, size and number of parts have limits; long numbers go out exactly', async () => {
    for (const body of [deep(101), deep(10_000), deep(400_000), `{"a":${deep(100)}}`]) {
      const text = `{"connection":"keyed","url":"${upstream.url}/x","type":"POST","body":${body}}`
      expect(said(await patchbay.admin('POST', '/api/v1/invoke', text)), String(body.length)).toBe('422 validation_failed')
    }
    const number = '9'.repeat(5000)
    const text = `{"connection":"keyed","url":"${upstream.url}/x","type":"POST","content_type":"application/json","body":{"n":${number},"id":12345678901234567890}}`
    answers('{}')
    must(await patchbay.admin('POST', '/api/v1/invoke', text), 200)
    expect(upstream.last('/x').body.toString()).toBe(`{"n":${number},"id":12345678901234567890}`)
    must(await ada.ask('PUT', '/api/v1/functions/standalone/one', { source: 'string standalone.one(string a) { return a; }' }), 201)
    const part = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
    const multipart = (body: string) =>
      ada.ask('POST', '/api/v1/functions/standalone/one/run', body, { 'content-type': 'multipart/form-data; boundary=b' })
    expect(said(await multipart(`${part.repeat(10_000)}--b--\r\n`))).toMatch(/^4(?:00 malformed_request|13 request_too_large)$/)
    expect(said(await multipart(`--b\r\nContent-Disposition: form-data; name="${'a'.repeat(20_000)}"\r\n\r\nx\r\n--b--\r\n`))).toMatch(/^4/)
    expect(said(await multipart(part.replace('--b', '--c')))).toMatch(/^4/)
  })

  it('XML of a script refers to nothing and grows nothing', async () => {
    const laughs = [
      '<!DOCTYPE l [<!ENTITY a \\"ha\\">',
      ...Array.from({ length: 9 }, (_, i) => `<!ENTITY ${'bcdefghij'[i]} \\"${`&${'abcdefghi'[i]};`.repeat(10)}\\">`),
      ']><l>&j;</l>',
    ].join('')
    const outside = `<!DOCTYPE l [<!ENTITY e SYSTEM \\"${upstream.url}/xxe\\">]><l>&e;</l>`
    const file = '<!DOCTYPE l [<!ENTITY e SYSTEM \\"file:///etc/passwd\\">]><l>&e;</l>'
    for (const xml of [laughs, outside, file, '<l>&e;</l>', `${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}`]) {
      const source = `string standalone.reads() { return "${xml}".executeXPath("/l/text()"); }`
      expect((await ada.ask('PUT', '/api/v1/functions/standalone/reads', { source })).status).toBeLessThan(300)
      const answer = await ada.ask('POST', '/api/v1/functions/standalone/reads/run', {})
      expect(answer.text.includes('haha') || answer.text.includes('root:'), xml.slice(0, 60)).toBe(false)
      expect(answer.status, answer.text.slice(0, 300)).toBeLessThan(500)
      expect(answer.json.status, `${xml.slice(0, 60)} ${answer.text.slice(0, 300)}`).toBe('failure')
    }
    expect(upstream.arrived.filter(one => one.target.startsWith('/xxe'))).toEqual([])
  })

  /** What is answered to these pieces, when the connection has ended or been silent for a moment. */
  const raw = (pieces: readonly string[], endless?: string) =>
    new Promise<string>(resolve => {
      const { port } = new URL(patchbay.base)
      let text = ''
      const socket = createConnection(Number(port), '127.0.0.1', () => {
        for (const piece of pieces) socket.write(piece)
        const push = () => {
          while (endless !== undefined && socket.writable && socket.write(endless));
        }
        socket.on('drain', push)
        push()
      })
      socket.on('data', chunk => {
        text += chunk.toString('latin1')
        if (endless === undefined && text.includes('\r\n\r\n')) socket.end()
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(text))
      socket.setTimeout(10_000, () => socket.destroy())
    })
  const head = (line: string, ...more: string[]) =>
    [`${line} HTTP/1.1`, `Host: ${new URL(patchbay.base).host}`, `Authorization: Bearer ${adminKey}`, ...more, '', ''].join('\r\n')

  it('what is too long is refused: bodies, endless ones, headers, addresses', async () => {
    const json = 'Content-Type: application/json'
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    for (const path of ['/api/v1/services', '/api/v1/invoke']) {
      const length = `Content-Length: ${64 * mebibyte}`
      expect(await raw([head(`POST ${path}`, json, length)]), path).toMatch(/^HTTP\/1\.1 413 /)
      // never ends by itself: it is cut
      expect(await raw([head(`POST ${path}`, json, 'Transfer-Encoding: chunked')], chunk), path).toMatch(/^(?:HTTP\/1\.1 413 |$)/)
    }
    expect(await raw([head('GET /api/v1/me', `X-Long: ${'x'.repeat(20_000)}`)])).toMatch(/^HTTP\/1\.1 431 /)
    expect(await raw([head(`GET /api/v1/connections?q=${'x'.repeat(20_000)}`)])).toMatch(/^HTTP\/1\.1 4(?:14|31) /)
    expect(await raw([head('GET /api/v1/me', ...Array.from({ length: 3000 }, (_, i) => `X-${i}: x`))])).toMatch(/^HTTP\/1\.1 431 /)
    // longer than it says: the rest is not a request of its own
    const lying = await raw([head('POST /api/v1/services', json, 'Content-Length: 2'), '{}GARBAGE\r\n\r\n'])
    expect(lying).toMatch(/^HTTP\/1\.1 4/)
    must(await patchbay.admin('GET', '/api/v1/me'), 200)
    expect(patchbay.logged.filter(line => line.includes('a request failed'))).toEqual([])
  })

  it('patterns that somebody wrote into a definition hold nobody up, however many there are', async () => {
    const parameters = Array.from({ length: 20 }, (_, i) => ({ name: `p${i}`, display_name: `P${i}`, pattern: '(a+)+' }))
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'patterns', { parameters, api_hosts: [upstream.host] })), 201)
    const started = performance.now()
    // each would take V8 about a second
    const credentials = Object.fromEntries(parameters.map(({ name }) => [name, `${'a'.repeat(27)}!`]))
    const made = await ada.ask('POST', '/api/v1/connections', { service: 'patterns', name: 'x', link_name: 'patterns', credentials })
    expect(said(made)).toBe('422 validation_failed')
    expect(made.json.errors).toHaveLength(20)
    expect(performance.now() - started).toBeLessThan(5_000)
    const variables = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`v${i}`, { pattern: '(a+)+' }]))
    const more = keyDefinition(patchbay, 'variables', { api_hosts: [upstream.host], advanced: { variables } })
    expect((await ada.ask('POST', '/api/v1/services', more)).json.errors).toMatchObject([{ path: 'advanced.variables' }])
  })

  it('headers of an answer have a limit too', async () => {
    upstream.on('/x', (_, response) => response.writeHead(200, { 'x-long': 'x'.repeat(100_000) }).end('{}'))
    expect(said(await invoke())).toMatch(/^502 /)
    answers('{}')
    must(await invoke(), 200)
  })

  it('the sinks hold none of the key', async () => {
    expect(await sinkScan(patchbay, { key: canary })).toEqual([])
  })
})
