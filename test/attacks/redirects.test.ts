import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, keyDefinition, must, refusal, until, walk, type Member } from '../support/practice-services.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { sinkScan } from '../support/sinks.ts'

type Json = Record<string, unknown>

const codes = [301, 302, 303, 307, 308]

const secrets = {
  key: 'CANARY-key-0b6e51a7d3c94f28',
  password: 'CANARY-password-7ae0c5d1',
  'client secret': 'CANARY-client-secret-9f2b44e6',
  code: 'CANARY-code-5d1e88c07b3a',
  'access token': 'CANARY-access-token-c3a9e1f0',
  'refresh token': 'CANARY-refresh-token-18d07b5e',
}

/**
 * A service that redirects, to a host that the connection may even call: EVIL is among its API hosts and open to the network, so only
 * not following is left to hold it back.
 */
describe.each(['pglite', 'postgres'] as const)('X02 redirects are answers [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let up: ScriptedUpstream
  let evil: ScriptedUpstream
  let connections: readonly string[] = []

  beforeAll(async () => {
    ;[up, evil] = await Promise.all([startScriptedUpstream(), startScriptedUpstream()])
    patchbay = await startPatchbay({ database, settings: settingsFor(up, evil) })
    ada = await administrator(patchbay)
    up.on('/hop', (request, response) => {
      const query = new URL(request.url ?? '', up.url).searchParams
      response.writeHead(Number(query.get('status')), { location: query.get('to') ?? '' }).end('{"moved":true}')
    })
    up.on('/authorize', (request, response) => {
      const query = new URL(request.url ?? '', up.url).searchParams
      const back = new URL(query.get('redirect_uri') ?? '')
      back.search = new URLSearchParams({ code: secrets.code, state: query.get('state') ?? '' }).toString()
      response.writeHead(302, { location: back.href }).end()
    })
    connections = await places()
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
    await evil.close()
  })

  const json = (path: string, body: unknown) =>
    up.on(path, (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)))
  const redirects = (path: string, status: number) =>
    up.on(path, (_, response) => response.writeHead(status, { location: `${evil.url}${path}`, refresh: `0;url=${evil.url}/` }).end())
  const arrivedAt = (path: string) => up.arrived.filter(one => one.target.split('?')[0] === path).length
  const tokens = { access_token: secrets['access token'], refresh_token: secrets['refresh token'], token_type: 'Bearer', expires_in: 3600 }
  const create = async (definition: Json) => must(await ada.ask('POST', '/api/v1/services', definition), 201)
  const oauth2 = (linkName: string, rest: Json = {}) =>
    create({
      link_name: linkName,
      name: linkName,
      auth_type: 'oauth2',
      client_id: 'client',
      client_secret: secrets['client secret'],
      authorize_url: `${up.url}/authorize`,
      access_token_url: `${up.url}/token`,
      revoke_token_url: `${up.url}/revoke`,
      scope_delimiter: 'space',
      api_hosts: [up.host, evil.host],
      ...rest,
    })

  /** One connection for each place in which a credential may stand. */
  async function places(): Promise<string[]> {
    const keys: Json[] = [
      { link_name: 'p_header' },
      { link_name: 'p_private', parameters: [{ name: 'Private-Token', display_name: 'Token' }] },
      { link_name: 'p_query', param_type: 'query' },
      { link_name: 'p_form', param_type: 'form' },
      { link_name: 'p_cookie', advanced: { placements: [{ in: 'cookie', name: 'sid', value: '{X-Api-Key}' }] } },
    ]
    for (const { link_name, ...rest } of keys) {
      await create(keyDefinition(patchbay, String(link_name), { api_hosts: [up.host, evil.host], ...rest }))
      const name = link_name === 'p_private' ? 'Private-Token' : 'X-Api-Key'
      await connect(ada, { service: link_name, link_name, credentials: { [name]: secrets.key } })
    }
    await create({ link_name: 'p_basic', name: 'Basic', auth_type: 'basic', api_hosts: [up.host, evil.host] })
    await connect(ada, { service: 'p_basic', link_name: 'p_basic', credentials: { username: 'ada', password: secrets.password } })
    json('/token', tokens)
    await oauth2('p_bearer')
    await connect(ada, { service: 'p_bearer', link_name: 'p_bearer' })
    return [...keys.map(one => String(one['link_name'])), 'p_basic', 'p_bearer']
  }

  it('a call is never sent on: every code, every place of a credential, invoke, the proxy and functions', async () => {
    const source = `map standalone.hops(string address, string via) { if (via == "p_form") { r = invokeurl [ url: address type: POST parameters: {"a":"b"} connection: via detailed: true ]; } else { r = invokeurl [ url: address connection: via detailed: true ]; } return {"code": r.get("responseCode"), "to": r.get("responseHeader").get("location")}; }`
    must(await ada.ask('PUT', '/api/v1/functions/standalone/hops', { source }), 201)
    let calls = 0
    for (const connection of connections)
      for (const status of codes) {
        const to = `${evil.url}/?from=${connection}`
        const type = connection === 'p_form' ? 'POST' : 'GET'
        const path = `/hop?status=${status}&to=${encodeURIComponent(to)}`
        const invoked = must(await ada.ask('POST', '/api/v1/invoke', { connection, url: up.url + path, type }), 200)
        expect(invoked.json, connection).toMatchObject({ status_code: status, headers: { location: to }, body: { moved: true } })
        const proxied = await patchbay.admin(type, `/proxy/${connection}/http/${up.host}${path}`)
        expect([proxied.status, proxied.headers.get('location')], connection).toEqual([status, to])
        calls += 2
        if (status !== 307) continue
        const run = await ada.ask('POST', '/api/v1/functions/standalone/hops/run', {
          arguments: { address: up.url + path, via: connection },
        })
        expect(must(run, 200).json.output, run.text).toEqual({ code: status, to })
        calls++
      }
    expect(evil.connections).toBe(0)
    expect(arrivedAt('/hop')).toBe(calls)
    // nothing of the credential is in where the answer points, and each did reach the service it was for
    const received = up.arrived.map(one => `${one.target}\n${one.rawHeaders.join('\n')}\n${one.body.toString()}`).join('\n')
    for (const needle of [
      `X-Api-Key\n${secrets.key}`,
      `Private-Token\n${secrets.key}`,
      `&X-Api-Key=${secrets.key}`,
      `sid=${secrets.key}`,
      `\nX-Api-Key=${secrets.key}`,
      `Bearer ${secrets['access token']}`,
      `Basic ${Buffer.from(`ada:${secrets.password}`).toString('base64')}`,
    ])
      expect(received.toLowerCase()).toContain(needle.toLowerCase())
  })

  it.each([
    ['another port', () => `http://127.0.0.1:${up.port + 1}/elsewhere`],
    ['the same host', () => `${up.url}/elsewhere`],
    ['a path', () => '/elsewhere'],
    ['no scheme', () => `//${evil.host}/`],
    ['a file', () => 'file:///etc/passwd'],
    ['a script', () => 'javascript:alert(1)'],
    ['data', () => 'data:text/html,x'],
    ['nothing', () => ''],
    ['itself', () => '/hop?status=302&to=%2Fhop'],
  ])('a redirect to %s is handed to the caller as it is', async (_, target) => {
    const before = [arrivedAt('/elsewhere'), evil.connections]
    const hops = arrivedAt('/hop')
    const url = `${up.url}/hop?status=302&to=${encodeURIComponent(target())}`
    const answer = must(await ada.ask('POST', '/api/v1/invoke', { connection: 'p_header', url }), 200)
    expect(answer.json).toMatchObject({ status_code: 302, headers: { location: target() } })
    expect([arrivedAt('/elsewhere'), evil.connections]).toEqual(before)
    expect(arrivedAt('/hop')).toBe(hops + 1)
  })

  it('the test call and the call after connecting read the redirect as an answer that tells nothing', async () => {
    redirects('/me', 307)
    const advanced = { test_url: `${up.url}/me`, after_connect: { url: `${up.url}/me`, id_path: 'id' } }
    await create(keyDefinition(patchbay, 'tested', { api_hosts: [up.host, evil.host], advanced }))
    await ada.ask('POST', '/api/v1/connections', {
      service: 'tested',
      name: 'tested',
      link_name: 'tested',
      credentials: { 'X-Api-Key': secrets.key },
    })
    await ada.ask('POST', '/api/v1/connections/tested/test')
    expect(arrivedAt('/me')).toBeGreaterThan(0)
    expect(evil.connections).toBe(0)
  })

  it.each(codes)('token_endpoint_redirect: a %i of the token endpoint ends the exchange, the renewal and the probe', async status => {
    const linkName = `redirecting_${status}`
    await oauth2(linkName)
    const at = `/api/v1/connections/${linkName}`
    const attempts = async () => JSON.stringify(must(await ada.ask('GET', `${at}/attempts`), 200).json)

    redirects('/token', status)
    const sent = arrivedAt('/token')
    const made = must(await ada.ask('POST', '/api/v1/connections', { service: linkName, name: linkName, link_name: linkName }), 201)
    const page = await ada.browser.visit(made.json.authorization.url)
    expect(page.status).toBeGreaterThanOrEqual(400)
    expect(await attempts()).toContain('token_endpoint_redirect')
    expect((await ada.ask('GET', at)).json.status).toBe('authorization_required')

    json('/token', tokens)
    const again = must(await ada.ask('POST', `${at}/authorize`, {}), 200)
    await walk(ada.browser, again.json.authorization.url, `/connections/${linkName}`)
    redirects('/token', status)
    await sql`update credentials set expires_at = now() - interval '1 minute'`.execute(patchbay.broker.db)
    patchbay.broker.calls.forgetAll()
    const refused = await ada.ask('POST', '/api/v1/invoke', { connection: linkName, url: `${up.url}/api` })
    expect([refused.status, refusal(refused)]).toEqual([503, 'token_refresh_unavailable'])
    await ada.ask('POST', `/api/v1/services/${linkName}/test`, {})
    // the exchange, the one that worked, the renewal, the probe: each reached the endpoint that it was for
    expect(arrivedAt('/token')).toBeGreaterThanOrEqual(sent + 4)
    expect(up.last('/token').body.toString()).toContain('client_secret=')
    expect(evil.connections).toBe(0)

    redirects('/revoke', status)
    const revoked = arrivedAt('/revoke')
    must(await ada.ask('DELETE', at), 204)
    await until(
      () => Promise.resolve(arrivedAt('/revoke')),
      now => now > revoked,
    )
    expect(evil.connections).toBe(0)
  })

  it.each(codes)('a %i ends client credentials and the first leg of OAuth 1 as well', async status => {
    redirects('/token', status)
    redirects('/request', status)
    const machine = `machine_${status}`
    await oauth2(machine, { grant_type: 'client_credentials', authorize_url: null, revoke_token_url: null })
    const legs = `legs_${status}`
    await create({
      link_name: legs,
      name: legs,
      auth_type: 'oauth1',
      client_id: 'consumer',
      client_secret: secrets['client secret'],
      request_token_url: `${up.url}/request`,
      authorize_url: `${up.url}/authorize`,
      access_token_url: `${up.url}/access`,
      api_hosts: [up.host, evil.host],
    })
    for (const [service, path] of [
      [machine, '/token'],
      [legs, '/request'],
    ] as const) {
      const before = arrivedAt(path)
      const answer = await ada.ask('POST', '/api/v1/connections', { service, name: service, link_name: service })
      expect(answer.status, answer.text).toBeGreaterThanOrEqual(400)
      expect(answer.text).toMatch(/redirect/)
      expect(arrivedAt(path)).toBe(before + 1)
    }
    expect(evil.connections).toBe(0)
  })

  it('and nothing of it is in a log line, an answer or a column', async () => {
    expect(evil.connections).toBe(0)
    expect(await sinkScan(patchbay, secrets)).toEqual([])
    // the positive control: EVIL can be reached and counts
    must(await ada.ask('POST', '/api/v1/invoke', { connection: null, url: evil.url }), 200)
    expect(evil.connections).toBe(1)
  })
})
