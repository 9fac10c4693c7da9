import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, connect, keyDefinition, must, type Member } from '../support/practice-services.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { everyColumn, findSecrets, sinkScan, spellings } from '../support/sinks.ts'

type Json = Record<string, unknown>

const secrets = {
  'client secret': 'CANARY-client/secret+0123456789 äö',
  'access token': 'CANARY-access.token~0123456789-abcdef',
  'refreshed access token': 'CANARY-second.access.token~0123456789',
  'refresh token': 'CANARY-refresh_token/0123456789+abcdef=',
  'second refresh token': 'CANARY-second_refresh_token/0123456789',
  code: 'CANARY-authorization-code-0123456789',
  'id token': 'CANARY-id.token.0123456789',
  password: 'CANARY pass:word% & 0123456789',
  'API key value': 'CANARY-api-key-value-0123456789',
}

describe.each(['pglite', 'postgres'] as const)('X10 no secret in any sink [%s]', database => {
  let patchbay: TestPatchbay
  let up: ScriptedUpstream
  const answers: [where: string, text: string][] = []

  beforeAll(async () => {
    up = await startScriptedUpstream()
    patchbay = await startPatchbay({ database, settings: { ...settingsFor(up), PATCHBAY_LOG_LEVEL: 'debug' } })
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
  })

  /** Keeps what Patchbay answered, headers too. */
  const heard =
    (ask: Asker): Asker =>
    async (method, path, body, headers) => {
      const answer = await ask(method, path, body, headers)
      if (!path.startsWith('http') || path.startsWith(patchbay.base))
        answers.push([`${method} ${path}`, [...answer.headers].join('\n') + '\n' + answer.text])
      return answer
    }
  const json = (path: string, status: number, body: unknown) =>
    up.on(path, (_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)))
  /** An answer that quotes what the service was sent, and what it gave. */
  const quoting = (...names: (keyof typeof secrets)[]) => `no: ${names.map(name => secrets[name]).join(' | ')}`

  it('nothing of a credential is in an answer, a log line or a column, however it was used and whatever went wrong', async () => {
    const ada = await administrator(patchbay)
    const ask = heard(ada.ask)
    const member: Member = { ...ada, ask }
    const invoke = (connection: string, path: string, more: Json = {}) =>
      ask('POST', '/api/v1/invoke', { connection, url: up.url + path, ...more })

    // OAuth 2 with tokens that we chose; the authorisation page sends the browser straight back
    up.on('/authorize', (request, response) => {
      const query = new URL(request.url ?? '', up.url).searchParams
      const back = new URL(query.get('redirect_uri') ?? '')
      back.search = new URLSearchParams({ code: secrets.code, state: query.get('state') ?? '' }).toString()
      response.writeHead(302, { location: back.href }).end()
    })
    const first = {
      access_token: secrets['access token'],
      refresh_token: secrets['refresh token'],
      id_token: secrets['id token'],
      token_type: 'Bearer',
      expires_in: 3600,
    }
    json('/token', 200, first)
    const quote = quoting('client secret', 'refreshed access token', 'second refresh token', 'id token')
    json('/revoke', 400, { error: 'invalid_token', error_description: quote })
    json('/me', 200, { id: 1, name: 'Ada' })
    const definition = {
      link_name: 'canary',
      name: 'Canary',
      auth_type: 'oauth2',
      client_id: 'canary-client',
      client_secret: secrets['client secret'],
      authorize_url: `${up.url}/authorize`,
      access_token_url: `${up.url}/token`,
      revoke_token_url: `${up.url}/revoke`,
      scope_delimiter: 'space',
      advanced: { after_connect: { url: `${up.url}/me`, id_path: 'id', label_path: 'name' }, client_authentication: 'basic' },
    }
    must(await ask('POST', '/api/v1/services', definition), 201)
    must(await ask('POST', '/api/v1/services/canary/test', {}), 200)
    await connect(member, { service: 'canary', link_name: 'canary' })
    must(await invoke('canary', '/me'), 200)
    expect(up.last('/me').headers.authorization).toBe(`Bearer ${secrets['access token']}`)
    must(await heard(patchbay.admin)('GET', `/proxy/canary/http/${up.host}/me`), 200)

    // renewed; then refused in every way, with the secrets in the words of the refusal
    const end = () =>
      sql`update credentials set expires_at = now() - interval '1 minute', next_attempt_at = null`
        .execute(patchbay.broker.db)
        .then(() => patchbay.broker.calls.forgetAll())
    json('/token', 200, { ...first, access_token: secrets['refreshed access token'], refresh_token: secrets['second refresh token'] })
    await end()
    must(await invoke('canary', '/me'), 200)
    expect(up.last('/me').headers.authorization).toBe(`Bearer ${secrets['refreshed access token']}`)
    for (const [status, body] of [
      [500, { error: 'server_error', error_description: quote }],
      [401, { error: 'invalid_client', error_description: quote }],
      [200, { ok: false, error: quote }],
      [400, { error: quote, error_description: quote }],
      [302, {}],
      [400, { error: 'invalid_grant', error_description: quote }],
    ] as const) {
      json('/token', status, body)
      await end()
      expect((await invoke('canary', '/me')).status, JSON.stringify(body).slice(0, 60)).toBeGreaterThanOrEqual(400)
      await ask('GET', '/api/v1/connections/canary')
    }
    await ask('GET', '/api/v1/connections/canary/attempts')
    await ask('GET', '/api/v1/connections/canary/authorizations')
    await ask('POST', '/api/v1/connections/canary/revoke', {})

    // a code that is refused, and a page that declines in many words
    json('/token', 400, { error: 'invalid_grant', error_description: quoting('client secret', 'code') })
    const failed = must(await ask('POST', '/api/v1/connections', { service: 'canary', name: 'failed', link_name: 'failed' }), 201).json as {
      authorization: { url: string }
    }
    const page = await ada.browser.visit(failed.authorization.url)
    answers.push(['the page after a refused code', page.text])
    expect(page.status).toBeGreaterThanOrEqual(400)
    await ask('GET', '/api/v1/connections/failed/attempts')
    await ask('GET', '/api/v1/connections/failed')

    // Basic and API key, good and bad, with calls that fail
    must(await ask('POST', '/api/v1/services', { link_name: 'basic_c', name: 'Basic', auth_type: 'basic', api_hosts: [up.host] }), 201)
    await connect(member, { service: 'basic_c', link_name: 'basic_c', credentials: { username: 'ada', password: secrets.password } })
    for (const [type, param_type] of [
      ['k_header', 'header'],
      ['k_query', 'query'],
      ['k_form', 'form'],
    ] as const) {
      must(
        await ask(
          'POST',
          '/api/v1/services',
          keyDefinition(patchbay, type, { param_type, api_hosts: [up.host], advanced: { test_url: `${up.url}/me` } }),
        ),
        201,
      )
      const credentials = { 'X-Api-Key': secrets['API key value'] }
      const made = await ask('POST', '/api/v1/connections', { service: type, name: type, link_name: type, credentials })
      expect([201, 422]).toContain(made.status)
    }
    up.on('/gone', (_, response) => response.destroy())
    json('/teapot', 418, { no: 'tea' })
    for (const connection of ['basic_c', 'k_header', 'k_query', 'k_form'])
      for (const path of ['/me', '/gone', '/teapot', '/me?X-Api-Key=mine']) {
        await invoke(connection, path)
        await invoke(connection, path, { type: 'POST', parameters: { a: 1 } })
        await heard(patchbay.admin)('GET', `/proxy/${connection}/http/${up.host}${path}`)
      }
    await ask('POST', '/api/v1/connections/basic_c/authorize', { credentials: { username: 'a:b', password: secrets.password } })
    await ask('POST', '/api/v1/connections/k_header/authorize', { credentials: { 'X-Api-Key': `${secrets['API key value']}\r\nX: y` } })
    await ask('POST', '/api/v1/connections/k_header/authorize', { credentials: { wrong: secrets['API key value'] } })
    await ask('PATCH', '/api/v1/services/canary', { client_secret: secrets['client secret'], access_token_url: 'not a url' })

    for (const path of [
      '/api/v1/connections',
      '/api/v1/services?kind=custom',
      '/api/v1/services/canary',
      '/api/v1/audit?limit=100',
      '/api/v1/invocations?limit=100',
    ])
      must(await ask('GET', path), 200)
    for (const path of ['/metrics', '/healthz', '/readyz', '/api/v1/openapi.json']) await heard(patchbay.nobody)('GET', path)
    for (const connection of ['canary', 'k_header'])
      for (const part of ['uses', 'snippets', '']) await ask('GET', `/api/v1/connections/${connection}/${part}`)
    must(await ask('DELETE', '/api/v1/connections/canary'), 204)
    await patchbay.broker.invocations.flush()

    expect(answers.length).toBeGreaterThan(60)
    expect(findSecrets(answers, secrets)).toEqual([])
    expect(
      findSecrets(
        patchbay.logged.map((line, i) => [`log line ${i}`, line]),
        secrets,
      ),
    ).toEqual([])
    expect(findSecrets(await everyColumn(patchbay.broker.db), secrets)).toEqual([])
    // the upstream did get them all: the search was for what was really used
    const received = up.arrived.map(one => one.rawHeaders.join('\n') + one.target + one.body.toString()).join('\n')
    for (const name of [
      'refresh token',
      'second refresh token',
      'access token',
      'code',
      'client secret',
      'password',
      'API key value',
    ] as const)
      expect(findSecrets([['upstream', received]], { [name]: secrets[name] }).length, name).toBeGreaterThan(0)
  })

  it('and the search finds one that is planted, in every spelling and every place', async () => {
    for (const [name, secret] of Object.entries(secrets))
      for (const [spelling, needle] of Object.entries(spellings(secret))) {
        expect(needle.length, `${name} in ${spelling}`).toBeGreaterThanOrEqual(20)
        expect(findSecrets([['x', `before ${needle} after`]], { [name]: secret }), `${name} in ${spelling}`).not.toEqual([])
      }
    // Base64 of a text in which it is somewhere
    for (const before of ['', 'a', 'ab', 'abc', 'user:'])
      for (const encoding of ['base64', 'base64url'] as const) {
        const text = Buffer.from(before + secrets.password + ' after').toString(encoding)
        expect(findSecrets([['x', text]], { password: secrets.password }), before).not.toEqual([])
      }
    const { db } = patchbay.broker
    await sql`create table planted (a text, b jsonb, c bytea)`.execute(db)
    await sql`insert into planted values (${secrets.code}, ${JSON.stringify({ x: [secrets.password] })}, ${Buffer.from(`x${secrets['refresh token']}`)})`.execute(
      db,
    )
    const { answered, logged } = patchbay
    const line = logged.length
    answered.push(['GET /planted', `x-planted: ${secrets['access token']}`])
    logged.push(`{"planted":"${secrets['API key value']}"}`)
    const found = await sinkScan(patchbay, secrets)
    await sql`drop table planted`.execute(db)
    answered.splice(
      answered.findIndex(([where]) => where === 'GET /planted'),
      1,
    )
    logged.splice(line, 1)
    for (const where of [
      'planted.a: code in raw',
      'planted.b: password in raw',
      'planted.c: refresh token in raw',
      'GET /planted: access token in raw',
      `log line ${line}: API key value in raw`,
    ])
      expect(found).toContain(where)
    await expect(sinkScan(patchbay, { short: 'abc' })).rejects.toThrow('short')
    await expect(sinkScan(patchbay, {})).rejects.toThrow('nothing is looked for')
  })
})
