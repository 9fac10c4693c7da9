import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, keyDefinition, must, oauth2Service, practice, refusal, type Member } from '../support/practice-services.ts'
import { ask as askRaw } from '../support/raw-http.ts'
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { sinkScan } from '../support/sinks.ts'

const canary = 'CANARY-key-5b1e90c7f2a4'

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf', 'then']

/** Each of the names at several depths, and what would pollute if it were merged: JSON text, since a literal would set the prototype. */
const poisoned = `{${names.map(name => `"${name}":{"polluted":1,"prototype":{"polluted":1},"a":[{"${name}":{"polluted":1}}]}`).join(',')}}`

const prototypes = [Object, Array, Function, String, Number, Promise, Map, RegExp, Error, Buffer].map(one => one.prototype as object)
const ownKeys = () => prototypes.map(one => Reflect.ownKeys(one).map(String).sort())

interface Operation {
  readonly requestBody?: { readonly content?: Readonly<Record<string, unknown>> }
}

/** Patchbay runs in this process: what it did to a prototype would be seen here. */
describe('X16 names of prototypes are data', () => {
  let patchbay: TestPatchbay
  let upstream: ScriptedUpstream
  let ada: Member
  let before: string[][]

  beforeAll(async () => {
    upstream = await startScriptedUpstream()
    patchbay = await startPatchbay({
      database: 'pglite',
      settings: {
        PATCHBAY_ALLOW_PRIVATE_ADDRESSES: upstream.host.replace(':', '/32:'),
        PATCHBAY_ALLOW_INSECURE_HTTP: upstream.host,
      },
    })
    ada = await administrator(patchbay)
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'keyed', { api_hosts: [upstream.host] })), 201)
    await connect(ada, { service: 'keyed', link_name: 'keyed', credentials: { 'X-Api-Key': canary } })
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await upstream.close()
  })
  beforeEach(() => {
    before = ownKeys()
  })
  afterEach(() => {
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(([] as unknown as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(ownKeys()).toEqual(before)
    expect(patchbay.logged.filter(line => line.includes('a request failed'))).toEqual([])
  })

  const invokeAs = (ask: Asker, rest: string) => ask('POST', '/api/v1/invoke', `{"connection":"keyed","url":"${upstream.url}/x",${rest}}`)
  const invoke = (rest: string) => invokeAs(ada.ask, rest)

  it('a body goes out as it came, parameters and headers keep every name, at both doors of invoke', async () => {
    // with a cookie through the router, with a key before it
    for (const ask of [ada.ask, patchbay.admin]) {
      const call = (rest: string) => invokeAs(ask, rest)
      must(await call(`"type":"POST","content_type":"application/json","body":${poisoned}`), 200)
      expect(upstream.last('/x').body.toString()).toBe(poisoned)
      const flat = `{${names.map(name => `"${name}":"v"`).join(',')}}`
      const asked = () => [...new URL(upstream.last('/x').target, upstream.url).searchParams]
      const pairs = names.map(name => [name, 'v'])
      must(await call(`"parameters":${flat}`), 200)
      expect(asked()).toEqual(pairs)
      must(await call(`"type":"POST","parameters":${flat}`), 200)
      expect([...new URLSearchParams(upstream.last('/x').body.toString())]).toEqual(pairs)
      must(await call(`"type":"POST","parameters":${flat},"content_type":"application/json"`), 200)
      expect(upstream.last('/x').body.toString()).toBe(flat)
      must(await call(`"type":"POST","body":${flat},"content_type":"application/x-www-form-urlencoded"`), 200)
      expect([...new URLSearchParams(upstream.last('/x').body.toString())]).toEqual(pairs)
      must(await call(`"type":"POST","body":${flat}`), 200)
      for (const name of names) expect(upstream.last('/x').body.toString()).toContain(`name="${name}"`)
      must(await call(`"headers":${flat}`), 200)
      const written = upstream.last('/x').rawHeaders.map(one => one.toLowerCase())
      for (const name of names) expect(written).toContain(name.toLowerCase())
      expect(refusal(await call('"__proto__":{"polluted":1}'))).toBe('validation_failed: __proto__')
    }
  })

  it('every operation that takes JSON refuses such a body, in a sentence', async () => {
    const { paths } = must(await ada.ask('GET', '/api/v1/openapi.json'), 200).json as { paths: Record<string, Record<string, Operation>> }
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, one]) =>
        one.requestBody?.content?.['application/json'] ? [[method.toUpperCase(), path] as const] : [],
      ),
    )
    expect(operations.length).toBeGreaterThan(40)
    const wrong: string[] = []
    for (const [method, path] of operations)
      for (const body of [
        '{"__proto__":{"polluted":1}}',
        '{"constructor":{"prototype":{"polluted":1}}}',
        '{"a":[{"__proto__":{"polluted":1}}]}',
      ]) {
        const { status, json, text } = await ada.ask(
          method,
          path.replace('{id}', '0192a3b4-0000-7000-8000-000000000000').replaceAll(/\{[^}]+\}/g, 'none'),
          body,
        )
        const named = status === 400 && String(json?.detail).includes('"__proto__"')
        // a field that there is not, where the body is read with its digits; a function with a name of its own is not found first
        const unknown = status === 422 && /"path":"[^"]*(?:__proto__|constructor|a)"/.test(text)
        if (!named && !unknown) wrong.push(`${method} ${path} ${body}: ${status} ${text.slice(0, 160)}`)
      }
    expect(wrong.join('\n')).toBe('')
  })

  it('an answer keeps its own: headers, a content coding, a body', async () => {
    upstream.on('/x', (_, response) =>
      response
        .writeHead(200, [
          ...['content-type', 'application/json', '__proto__', 'a', 'constructor', 'b', 'constructor', 'c'],
          ...['toString', 'd'],
        ])
        .end(poisoned),
    )
    const answer = must(await invoke('"type":"GET"'), 200)
    expect(answer.text).toContain(poisoned)
    expect(answer.json.headers).toMatchObject({ constructor: 'b, c', tostring: 'd' })
    expect(Object.getPrototypeOf(answer.json.headers)).toBe(Object.prototype)
    for (const coding of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      upstream.on('/x', (_, response) => response.writeHead(200, { 'content-encoding': coding }).end('x'))
      expect([coding, refusal(await invoke('"type":"GET"'))]).toEqual([coding, 'upstream_unreachable'])
    }
    upstream.on('/x', (_, response) => response.end('{}'))
  })

  it('a definition may name its parameters so: each is asked for, kept and placed', async () => {
    const own = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    const parameters = own.map(name => ({ name, display_name: name }))
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'odd', { parameters, api_hosts: [upstream.host] })), 201)
    const made = (credentials: string) =>
      ada.ask('POST', '/api/v1/connections', `{"service":"odd","name":"Odd","link_name":"odd","credentials":${credentials}}`)
    expect(refusal(await made('{}'))).toBe(`validation_failed: ${own.map(name => `credentials.${name}`).join(' ')}`)
    // as a key of the body it is no JSON to us
    expect([400, 422]).toContain((await made(`{"__proto__":"v","constructor":"v","toString":"v","hasOwnProperty":"v"}`)).status)
    const others = own.filter(name => name !== '__proto__')
    const two = others.map(name => ({ name, display_name: name }))
    const definition = keyDefinition(patchbay, 'odder', { parameters: two, api_hosts: [upstream.host] })
    must(await ada.ask('POST', '/api/v1/services', definition), 201)
    const credentials = Object.fromEntries(others.map(name => [name, `value-of-${name}`]))
    await connect(ada, { service: 'odder', link_name: 'odder', credentials })
    must(await ada.ask('POST', '/api/v1/invoke', { connection: 'odder', url: `${upstream.url}/x` }), 200)
    for (const name of others) expect(upstream.last('/x').headers[name.toLowerCase()]).toBe(`value-of-${name}`)
  })

  it('definitions, link names, variables and paths are judged by own properties', async () => {
    const wrong: string[] = []
    for (const name of names) {
      for (const [method, path, body] of [
        ['GET', `/api/v1/connections/${name}`, undefined],
        ['GET', `/api/v1/services/${name}`, undefined],
        ['GET', `/api/v1/members/${name}`, undefined],
        ['GET', `/api/v1/functions/${name}/${name}`, undefined],
        ['GET', `/api/v1/functions/variables/${name}`, undefined],
        ['GET', `/api/v1/connections?${name}=1&a[${name}][polluted]=1&${name}[polluted]=1`, undefined],
        ['POST', '/api/v1/services', keyDefinition(patchbay, 'x', { [name === '__proto__' ? 'x' : name]: { polluted: 1 } })],
        ['POST', '/api/v1/services', keyDefinition(patchbay, 'x', { auth_type: name })],
        ['POST', '/api/v1/connections', { service: name, name, link_name: name }],
        ['GET', `/oauth/callback/${name}/${name}?${name}=1&state=${name}`, undefined],
        ['GET', `/proxy/${name}/http/127.0.0.1/`, undefined],
        ['GET', `/functions/${name}/actions/execute?auth_type=apikey&zapikey=${name}&${name}=1`, undefined],
      ] as const) {
        const answer = await ada.ask(method, path, body)
        if (answer.status < 400 || answer.status > 499) wrong.push(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`)
      }
      // a name that no namespace has: kept as it is, or left out, as Zod does with __proto__
      const settings = `{"default_connections":{"${name}":"keyed"}}`
      expect((await ada.ask('PUT', '/api/v1/functions/settings', settings)).status, name).toBeLessThan(500)
    }
    expect(wrong.join('\n')).toBe('')
  })

  it('forms, cookies and multipart names are data', async () => {
    const form = names.map(name => `${name}=1&${name}[polluted]=1&a[${name}][polluted]=1`).join('&')
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: patchbay.base }
    for (const path of ['/sign-in', '/setup', '/reset-password', '/cli-login', '/api/auth/sign-in/email'])
      expect((await patchbay.nobody('POST', path, form, headers)).status, path).toBeLessThan(500)
    const cookie = names.map(name => `${name}=1`).join('; ')
    must(await patchbay.nobody('GET', '/api/v1/setup', undefined, { cookie }), 200)
    expect((await patchbay.nobody('GET', '/api/v1/me', undefined, { cookie })).status).toBe(401)
    must(
      await ada.ask('PUT', '/api/v1/functions/standalone/given', {
        source: 'map standalone.given(map crmAPIRequest) { return crmAPIRequest; }',
      }),
      201,
    )
    must(
      await ada.ask('PUT', '/api/v1/functions/standalone/given/exposure', {
        api_key: true,
        mapping: { crmAPIRequest: { json: 'constructor.prototype' } },
      }),
      200,
    )
    const { key } = must(await ada.ask('POST', '/api/v1/functions/key'), 201).json as { key: string }
    const at = `/functions/given/actions/execute?auth_type=apikey&zapikey=${key}`
    const parts = names.map(name => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n{"polluted":1}\r\n`).join('')
    const multipart = await askRaw(patchbay.base, at, {
      method: 'POST',
      key: null,
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: `${parts}--b--\r\n`,
    })
    expect(multipart.status, multipart.body.toString()).toBeLessThan(500)
    const json = await patchbay.nobody('POST', at, poisoned)
    expect(json.status, json.text).toBeLessThan(500)
    expect(json.text).not.toContain('function Object')
    expect((await patchbay.nobody('GET', `${at}&${form}`)).status).toBeLessThan(500)
  })

  it('a token response with them is read by what it says, not by what it inherits', async () => {
    const answered = (text: string) =>
      practice(patchbay, 'POST', '/practice/misbehave', {
        endpoint: 'token',
        body_base64: Buffer.from(text).toString('base64'),
        content_type: 'application/json',
      })
    await oauth2Service(patchbay, 'tokens')
    await answered(`${poisoned.slice(0, -1)},"access_token":"a-token-of-its-own","token_type":"Bearer"}`)
    const connection = await connect(ada, { service: 'tokens', link_name: 'tokens' })
    expect(connection).toMatchObject({ status: 'connected' })
    // the path to the token leads through what every object inherits
    await oauth2Service(patchbay, 'inherits', { rest: { advanced: { access_token_path: 'constructor.name' } } })
    await answered('{"token_type":"Bearer"}')
    const made = must(await ada.ask('POST', '/api/v1/connections', { service: 'inherits', name: 'x', link_name: 'inherits' }), 201)
    await ada.browser.visit(made.json.authorization.url as string)
    expect(must(await ada.ask('GET', '/api/v1/connections/inherits'), 200).json.status).not.toBe('connected')
  })

  it('a script’s maps hold them, from JSON and XML too', async () => {
    const source = [
      'map standalone.holds() { m = Map();',
      ...names.map((name, i) => `m.put("${name}", ${i});`),
      `n = "${poisoned.replaceAll('"', '\\"')}".toMap(); m.put("n", n);`,
      'm.put("x", "<__proto__><polluted>1</polluted><constructor>2</constructor></__proto__>".executeXPath("/__proto__/constructor/text()"));',
      'return m; }',
    ].join('\n')
    must(await ada.ask('PUT', '/api/v1/functions/standalone/holds', { source }), 201)
    const { text } = must(await ada.ask('POST', '/api/v1/functions/standalone/holds/run', {}), 200)
    expect(text).toContain(names.map((name, i) => `"${name}":${i}`).join(','))
    expect(text).toContain(`"n":${poisoned}`)
    expect(text).toContain('"x":"2"')
  })

  it('a service and a connection may have such a link name where it is one', async () => {
    for (const name of ['constructor', 'prototype', 'then']) {
      expect((await ada.ask('GET', `/api/v1/connections/${name}`)).status).toBe(404)
      must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, name, { api_hosts: [upstream.host] })), 201)
      await connect(ada, { service: name, link_name: name, credentials: { 'X-Api-Key': `${canary}-${name}` } })
      expect(must(await ada.ask('GET', `/api/v1/connections/${name}`), 200).json).toMatchObject({ link_name: name, status: 'connected' })
      must(await ada.ask('POST', '/api/v1/invoke', { connection: name, url: `${upstream.url}/x` }), 200)
      expect(upstream.last('/x').headers['x-api-key']).toBe(`${canary}-${name}`)
      must(await ada.ask('PUT', '/api/v1/functions/settings', { default_connections: { crm: name } }), 200)
    }
    must(await ada.ask('PUT', '/api/v1/functions/settings', { default_connections: {} }), 200)
  })

  it('the sinks hold none of the key', async () => {
    expect(await sinkScan(patchbay, { key: canary })).toEqual([])
  })
})
