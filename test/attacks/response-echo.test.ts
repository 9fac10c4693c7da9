import { createHash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, keyDefinition, must, type Member } from '../support/practice-services.ts'
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { sinkScan, spellings } from '../support/sinks.ts'

const canary = `CANARY-key/4f0c+77e1='<b2>&c`
const password = 'CANARY pass/w:rd 91'
const basicValue = Buffer.from(`ada:${password}`).toString('base64')

/** As it may stand in an answer of a service that repeats it, and is recognised. */
const recognised: Record<string, string | Buffer> = {
  raw: canary,
  'in JSON': JSON.stringify({ key: canary }),
  'in JSON as PHP writes it': JSON.stringify({ key: canary }).replaceAll('/', '\\/'),
  'in a URL': `https://api.example.com/?key=${encodeURIComponent(canary)}`,
  'in a form': new URLSearchParams({ key: canary }).toString(),
  base64: Buffer.from(canary).toString('base64'),
  'base64 without its end': Buffer.from(canary).toString('base64').replace(/=+$/, ''),
  base64url: Buffer.from(canary).toString('base64url'),
  'in JSON as .NET writes it': `{"key":"${canary.replace(/["&'+<>]/g, one => '\\u00' + one.charCodeAt(0).toString(16).toUpperCase())}"}`,
  'in JSON as Gson writes it': `{"key":"${canary.replace(/[&'=<>]/g, one => '\\u00' + one.charCodeAt(0).toString(16))}"}`,
  'in lower-case percents': encodeURIComponent(canary).replace(/%../g, one => one.toLowerCase()),
  'in a URL in a URL': `/login?next=${encodeURIComponent(`/x?key=${encodeURIComponent(canary)}`)}`,
  'within base64': Buffer.from(`k:${canary}.`).toString('base64'),
  'within base64, one further': Buffer.from(`key:${canary}`).toString('base64url'),
  hexadecimal: Buffer.from(canary).toString('hex'),
  'UTF-16': Buffer.from(JSON.stringify({ key: canary }), 'utf16le'),
  'UTF-16, the other way': Buffer.from(`\ufeffé${canary}`, 'utf16le').swap16(),
  twice: `${canary} ${canary}`,
  'in HTML': `<p>You sent <b>${canary.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll("'", '&#39;')}</b></p>`,
}

describe.each(['pglite', 'postgres'] as const)('X11 a service that repeats the credential [%s]', database => {
  let patchbay: TestPatchbay
  let upstream: ScriptedUpstream
  let ada: Member
  beforeAll(async () => {
    upstream = await startScriptedUpstream()
    patchbay = await startPatchbay({
      database,
      settings: { PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${upstream.port}`, PATCHBAY_ALLOW_INSECURE_HTTP: upstream.host },
    })
    ada = await administrator(patchbay)
    must(await patchbay.admin('POST', '/api/v1/services', { ...keyDefinition(patchbay, 'echoing'), api_hosts: [upstream.host] }), 201)
    must(
      await patchbay.admin('POST', '/api/v1/services', {
        link_name: 'basic',
        name: 'Basic',
        auth_type: 'basic',
        param_type: 'header',
        api_hosts: [upstream.host],
      }),
      201,
    )
    await connect(ada, { service: 'echoing', link_name: 'echoing', credentials: { 'X-Api-Key': canary } })
    await connect(ada, { service: 'basic', link_name: 'basic', credentials: { username: 'ada', password } })
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await upstream.close()
  })

  const answers = (body: string | Buffer, headers: Record<string, string> = {}, status = 200) =>
    upstream.on('/echo', (_request, response) => response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body))
  const invoke = async (connection = 'echoing', more: object = {}) =>
    must(await patchbay.admin('POST', '/api/v1/invoke', { connection, url: `${upstream.url}/echo`, ...more }), 200)
  const holdsIt = (text: string) => Object.values(spellings(canary)).some(one => text.includes(one)) || text.includes(canary.replaceAll('/', '\\/')) // prettier-ignore

  it('the positive control: the service did receive it, and without a connection nothing is taken out', async () => {
    answers(canary)
    await invoke()
    expect(upstream.last('/echo').headers['x-api-key']).toBe(canary)
    const bare = await patchbay.admin('POST', '/api/v1/invoke', { url: `${upstream.url}/echo` })
    expect(bare.json.body).toBe(canary)
  })

  it.each(Object.entries(recognised))('%s: taken out of the body, and said so', async (_name, body) => {
    const charset = Buffer.isBuffer(body) ? `; charset=utf-16${body[0] === 0xfe ? 'be' : 'le'}` : ''
    answers(body, { 'content-type': (body.toString().startsWith('{') ? 'application/json' : 'text/plain') + charset })
    const { text, json } = await invoke()
    expect(holdsIt(text)).toBe(false)
    expect(text).toContain('[redacted]')
    expect(Number(json.headers['patchbay-redacted'])).toBeGreaterThan(0)
  })

  it('in an error, in a header, in a redirect, in gzip, in base64 of user and password', async () => {
    answers(`wrong key ${canary}`, {}, 401)
    expect((await invoke()).json).toMatchObject({ status_code: 401, body: 'wrong key [redacted]' })
    answers('', { location: `https://evil.test/?token=${encodeURIComponent(canary)}`, 'x-echo': canary }, 302)
    const redirected = await invoke()
    expect(redirected.json.headers).toMatchObject({ location: 'https://evil.test/?token=[redacted]', 'x-echo': '[redacted]', 'patchbay-redacted': '2' }) // prettier-ignore
    answers(gzipSync(`{"key":${JSON.stringify(canary)}}`), { 'content-encoding': 'gzip', 'content-type': 'application/json' })
    expect((await invoke()).json.body).toEqual({ key: '[redacted]' })
    answers(`Authorization: Basic ${basicValue}`)
    const basic = await invoke('basic')
    expect(upstream.last('/echo').headers.authorization).toBe(`Basic ${basicValue}`)
    expect(basic.json.body).toBe('Authorization: Basic [redacted]')
    answers(password)
    expect((await invoke('basic')).json.body).toBe('[redacted]')
  })

  it('wherever the service cuts its answer', async () => {
    for (let cut = 1; cut < canary.length; cut += 3) {
      upstream.on('/echo', (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' })
        response.write(canary.slice(0, cut))
        setTimeout(() => response.end(canary.slice(cut)), 5)
      })
      expect((await invoke()).json.body).toBe('[redacted]')
    }
  })

  it('a script sees as little, and the proxy passes headers on without it', async () => {
    answers(canary, { 'x-echo': canary, location: `/?key=${encodeURIComponent(canary)}` })
    const source = `string standalone.echo()\n{\n\treturn invokeurl [ url: "${upstream.url}/echo" type: GET connection: "echoing" detailed: true ];\n}`
    must(await patchbay.admin('PUT', '/api/v1/functions/standalone/echo', { source }), 201)
    const ran = await patchbay.admin('POST', '/api/v1/functions/standalone/echo/run', { arguments: {} })
    expect(ran.status).toBe(200)
    expect(ran.text).toContain('[redacted]')
    expect(holdsIt(ran.text)).toBe(false)
    const proxied = await patchbay.admin('GET', `/proxy/echoing/http/${upstream.host}/echo`)
    expect([proxied.headers.get('x-echo'), proxied.headers.get('location')]).toEqual(['[redacted]', '/?key=[redacted]'])
    expect(proxied.headers.get('patchbay-redacted')).toBe('2')
    // the proxy streams: what a service says in its body is between it and the caller (docs/attacks.md says so)
    expect(proxied.text).toBe(canary)
  })

  it('the call after connecting: what repeats the credential is no account and no variable', async () => {
    upstream.on('/me', (request, response) => {
      const key = String(request.headers['x-api-key'])
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: 'a-17', name: `Key ${key}`, key }))
    })
    const after_connect = { url: `${upstream.url}/me`, id_path: 'id', label_path: 'name', capture: { got: 'key' } }
    const definition = { ...keyDefinition(patchbay, 'asked'), api_hosts: [upstream.host], advanced: { after_connect } }
    must(await patchbay.admin('POST', '/api/v1/services', definition), 201)
    await connect(ada, { service: 'asked', link_name: 'asked', credentials: { 'X-Api-Key': canary } })
    const { text } = must(await ada.ask('GET', '/api/v1/connections/asked'), 200)
    expect(text).toContain('a-17')
    expect(holdsIt(text)).toBe(false)
  })

  it('a file that holds it, by whatever type', async () => {
    answers(`PDF ${canary}`, { 'content-type': 'application/octet-stream' })
    expect((await invoke('echoing', { response_format: 'string' })).json.body).toBe('PDF [redacted]')
    expect(Buffer.from((await invoke()).json.body.content_base64 as string, 'base64').toString()).toBe('PDF [redacted]')
  })

  it('an answer without it is passed on byte for byte', async () => {
    const bytes = randomBytes(300_000)
    const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex')
    for (const type of ['application/octet-stream', 'image/png']) {
      answers(bytes, { 'content-type': type })
      const { json } = await invoke()
      expect(hash(Buffer.from(json.body.content_base64 as string, 'base64'))).toBe(hash(bytes))
      expect(json.headers).not.toHaveProperty('patchbay-redacted')
    }
  })

  it('nothing of it is in a log, a row or an answer of ours', async () => {
    const theirs = patchbay.answered.filter(([, text]) => !text.includes(canary))
    patchbay.answered.splice(0, patchbay.answered.length, ...theirs)
    expect(await sinkScan(patchbay, { canary, password })).toEqual([])
  })
})
