import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../test/support/databases.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../test/support/patchbay.ts'
import { Patchbay, PatchbayProblem, type Invocation } from './index.ts'

/** The SDK against a whole Patchbay and its practice service. */
describe.each(['pglite', 'postgres'] as const)('the SDK [%s]', database => {
  let server: TestPatchbay
  let patchbay: Patchbay
  let practice = ''

  beforeAll(async () => {
    server = await startPatchbay({ database })
    patchbay = new Patchbay({ url: server.base, apiKey: adminKey })
    practice = server.practiceUrl ?? ''
    await patchbay.services.create({
      link_name: 'keyed',
      name: 'Keyed',
      auth_type: 'api_key',
      param_type: 'header',
      parameters: [{ name: 'X-Api-Key', display_name: 'API key' }],
      api_hosts: [new URL(practice).host],
    })
    const asked = await patchbay.connections.create({ service: 'keyed', name: 'Keyed', link_name: 'keyed' })
    expect(asked.authorization).toMatchObject({ kind: 'fields', fields: [{ name: 'X-Api-Key', secret: true }] })
    const done = await patchbay.connections.authorize('keyed', { credentials: { 'X-Api-Key': 'practice-key' } })
    expect(done).toMatchObject({ connection: { status: 'connected' }, authorization: { kind: 'none' } })
  }, setUpTimeoutMs)
  afterAll(() => server.stop())

  it('fetches through a connection as fetch does', async () => {
    const response = await patchbay.connection('keyed').fetch(`${practice}/key/echo?q=%2F`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hello: 'world' }),
    })
    expect(response.url).toBe(`${practice}/key/echo?q=%2F`)
    expect(response.status).toBe(200)
    const seen = (await response.json()) as { method: string; raw_query: string; body: unknown; headers: Record<string, string> }
    expect(seen).toMatchObject({ method: 'POST', raw_query: 'q=%2F', body: { hello: 'world' } })
    expect(JSON.stringify(seen)).not.toContain('practice-key')
    expect(JSON.stringify(seen)).not.toContain(adminKey)
  })

  it('returns the service’s own refusal, and rejects with Patchbay’s', async () => {
    const { connection } = { connection: patchbay.connection('keyed') }
    expect((await connection.fetch(`${practice}/key/status/418`)).status).toBe(418)
    await expect(connection.fetch('https://elsewhere.example/')).rejects.toMatchObject({ code: 'destination_not_allowed', status: 403 })
    await expect(patchbay.connection('nothing').fetch(practice)).rejects.toBeInstanceOf(PatchbayProblem)
  })

  it('follows redirects, each through the proxy', async () => {
    const to = encodeURIComponent('/key/echo?landed=1')
    const response = await patchbay.connection('keyed').fetch(`${practice}/key/redirect?status=303&to=${to}`, { method: 'POST', body: 'x' })
    expect(await response.json()).toMatchObject({ method: 'GET', query: { landed: '1' } })
    expect([response.url, response.redirected]).toEqual([`${practice}/key/echo?landed=1`, true])
    const away = encodeURIComponent('https://elsewhere.example/')
    await expect(patchbay.connection('keyed').fetch(`${practice}/key/redirect?to=${away}`)).rejects.toBeInstanceOf(Error)
  })

  it('streams a body that is larger than it holds', async () => {
    const size = 5 * 1024 * 1024
    const sent = await patchbay
      .connection('keyed')
      .fetch(`${practice}/key/upload`, { method: 'PUT', body: new Blob([new Uint8Array(size)]) })
    expect(await sent.json()).toMatchObject({ bytes: size })
    const received = await patchbay.connection('keyed').fetch(`${practice}/key/bytes?n=${size}`)
    expect((await received.arrayBuffer()).byteLength).toBe(size)
  })

  it('invokes, with and without a connection', async () => {
    const answer = await patchbay.connection('keyed').invoke<{ query: unknown }>({ url: `${practice}/key/echo`, parameters: { a: 1 } })
    expect(answer).toMatchObject({ status_code: 200, body: { query: { a: '1' } } })
    expect((await patchbay.invoke({ url: `${practice}/open/echo` })).status_code).toBe(200)
    expect(JSON.parse(await patchbay.invokeText({ url: `${practice}/open/echo` }))).toMatchObject({ status_code: 200 })
  })

  it('reads what there is', async () => {
    expect((await patchbay.me()).role).toBe('administrator')
    const services: string[] = []
    for await (const one of patchbay.services.list({ limit: 20 })) services.push(one.link_name)
    expect(services.length).toBeGreaterThan(40)
    expect(new Set(services).size).toBe(services.length)
    expect((await patchbay.connections.list({ view: 'own' })).data.map(one => one.link_name)).toEqual(['keyed'])
    expect((await patchbay.connections.authorizations('keyed')).data).toHaveLength(1)
    expect((await patchbay.connections.attempts('keyed')).data[0]?.outcome).toBe('connected')
    expect((await patchbay.connections.snippets('keyed')).typescript).toContain("connection('keyed').fetch(")
    expect((await patchbay.connections.uses('keyed')).recent_callers.length).toBeGreaterThan(0)
    expect((await patchbay.members.list()).data.map(one => one.role)).toEqual(['administrator'])
    expect((await patchbay.organizations.list()).data).toHaveLength(1)
    expect((await patchbay.audit.list({ object: 'connection:keyed' })).data.length).toBeGreaterThan(0)
    expect((await patchbay.settings.get()).who_may_create).toBe('everyone')
    expect((await patchbay.setup.status()).set_up).toBe(true)
  })

  it('checks and tests a service that is not stored', async () => {
    const definition = {
      link_name: 'unstored',
      name: 'Unstored',
      auth_type: 'oauth2',
      authorize_url: `${practice}/oauth2/authorize`,
      access_token_url: `${practice}/oauth2/token`,
      client_id: 'practice-client',
      client_secret: 'practice-secret',
    } as const
    const connection = { name: 'Keyed', link_name: 'free' }
    const api_hosts = [new URL(practice).host]
    expect(await patchbay.services.check(definition, { connection })).toEqual({ api_hosts, every_host: false })
    await expect(patchbay.services.check(definition, { connection: { ...connection, link_name: 'keyed' } })).rejects.toMatchObject({
      code: 'link_name_taken',
      errors: [{ path: 'connection.link_name' }],
    })
    expect(await patchbay.services.testDefinition(definition)).toMatchObject({ outcome: 'client_accepted' })
    await expect(patchbay.services.get('unstored')).rejects.toMatchObject({ code: 'service_not_found' })
  })

  it('previews, edits and deletes a service', async () => {
    const { link_name } = await patchbay.services.create({
      link_name: 'spare',
      name: 'Spare',
      auth_type: 'basic',
      api_hosts: ['api.example.com'],
    })
    expect(await patchbay.services.preview(link_name, { api_hosts: ['other.example.com'] })).toMatchObject({ count: 0 })
    expect((await patchbay.services.update(link_name, { name: 'Renamed' })).name).toBe('Renamed')
    expect(await patchbay.services.delete(link_name)).toBeUndefined()
    await expect(patchbay.services.get(link_name)).rejects.toMatchObject({ code: 'service_not_found' })
  })

  it('makes a key, calls with it for another member, and revokes it', async () => {
    const invitation = await patchbay.invitations.create({ email: 'bo@example.test', role: 'user' })
    const token = invitation.accept_url.split('/').at(-1) ?? ''
    const stranger = new Patchbay({ url: server.base })
    expect(await stranger.invitations.get(token)).toMatchObject({ email: 'bo@example.test', has_account: false })
    await stranger.invitations.accept(token, { name: 'Bo', password: 'correct horse battery' })
    const { id, key } = await patchbay.apiKeys.create({ name: 'for others', connections: ['keyed'], act_as: true })
    const url = `${practice}/key/echo`
    const bot = new Patchbay({ url: server.base, apiKey: key })
    expect((await bot.onBehalfOf('bo@example.test').connection('keyed').fetch(url)).status).toBe(200)
    await expect(bot.onBehalfOf('eve@example.test').connection('keyed').fetch(url)).rejects.toMatchObject({ code: 'act_as_not_allowed' })
    await expect(patchbay.onBehalfOf('bo@example.test').me()).rejects.toMatchObject({ code: 'act_as_not_allowed' })
    await patchbay.apiKeys.revoke(id)
    await expect(bot.me()).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
  })

  it('shows calls as they happen', async () => {
    const stop = new AbortController()
    const seen: Invocation[] = []
    const watching = (async () => {
      for await (const one of patchbay.invocations.stream({ connection: 'keyed', signal: stop.signal })) {
        seen.push(one)
        break
      }
    })()
    while (seen.length === 0) {
      await patchbay.connection('keyed').fetch(`${practice}/key/echo`)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    await watching
    expect(seen[0]).toMatchObject({ connection: 'keyed', door: 'proxy', method: 'GET', status: 200 })
    expect((await patchbay.invocations.list({ connection: 'keyed' })).data.length).toBeGreaterThan(1)
    expect((await patchbay.invocations.summary({ connection: 'keyed' })).data[0]?.calls).toBeGreaterThan(1)
  })

  it('revokes and deletes', async () => {
    expect((await patchbay.connections.revoke('keyed')).count).toBe(1)
    await expect(patchbay.connection('keyed').fetch(`${practice}/key/echo`)).rejects.toMatchObject({ code: 'connection_revoked' })
    await patchbay.connections.delete('keyed')
    await expect(patchbay.connections.get('keyed')).rejects.toMatchObject({ code: 'connection_not_found' })
  })
})
