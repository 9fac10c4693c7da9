import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  call,
  connect,
  joins,
  keyDefinition,
  must,
  practiceHost,
  practiceUrl,
  until,
  type Member,
} from '../support/practice-services.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { everyColumn, findSecrets, spellings } from '../support/sinks.ts'

type Json = Record<string, unknown>
type Rows = { data: Json[]; next_cursor: string | null }

describe.each(['pglite', 'postgres'] as const)('U-5 the invocation log [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let bob: Member
  let host: string

  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    bob = await joins(patchbay, 'Bob')
    host = practiceHost(patchbay)
    must(await patchbay.admin('POST', '/api/v1/services', keyDefinition(patchbay, 'key')), 201)
    const credentials = { 'X-Api-Key': 'practice-key' }
    await connect(ada, { service: 'key', link_name: 'adas', credentials })
    await connect(ada, { service: 'key', link_name: 'everybodys', credentials, access: 'organization' })
    await connect(bob, { service: 'key', link_name: 'bobs', credentials, access: 'organization' })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const list = async (ask: Asker, query = '') => must(await ask('GET', `/api/v1/invocations?${query}`), 200).json as Rows

  it('a row says who, through which connection, where, how long and with what outcome; nothing of what was said', async () => {
    const answer = await call(patchbay, patchbay.admin, 'adas', '/key/echo?token=QUERYCANARY#FRAGMENTCANARY', {
      type: 'POST',
      body: 'BODYCANARY',
      headers: { 'X-Own': 'HEADERCANARY' },
      parameters: { p: 'PARAMETERCANARY' },
    })
    must(answer, 200)
    const { data } = await list(patchbay.admin, 'connection=adas&limit=1')
    expect(data[0]).toMatchObject({
      user: { id: ada.id },
      subject_id: ada.id,
      connection: 'adas',
      door: 'invoke',
      method: 'POST',
      host,
      status: 200,
      problem: null,
    })
    expect(data[0]?.['duration_ms']).toBeTypeOf('number')
    expect(Math.abs(Date.parse(String(data[0]?.['at'])) - Date.now())).toBeLessThan(60_000)
    const stored = await sql<{ text: string }>`select i::text as text from invocations i`.execute(patchbay.broker.db)
    expect(stored.rows.map(row => row.text).join('\n')).not.toContain('CANARY')
    expect(patchbay.logged.join('\n')).not.toContain('CANARY')
  })

  it('refusals and failures have their row too, and so has the proxy', async () => {
    const marks = Date.now()
    await call(patchbay, patchbay.admin, 'adas', 'https://evil.test/x')
    await call(patchbay, patchbay.admin, 'adas', '/key/status/503')
    await call(patchbay, patchbay.admin, 'adas', '/key/truncated')
    await call(patchbay, patchbay.admin, 'not_there', '/key/echo')
    must(await patchbay.admin('GET', `/proxy/adas/http/${host}/key/status/404?secret=QUERYCANARY`), 404)
    const { data } = await list(patchbay.admin, `since=${new Date(marks - 1).toISOString()}&limit=5`)
    const shown = data.map(({ connection, door, host: at, status, problem }) => ({ connection, door, at, status, problem }))
    expect(shown).toEqual([
      { connection: 'adas', door: 'proxy', at: host, status: 404, problem: null },
      { connection: 'not_there', door: 'invoke', at: host, status: null, problem: 'connection_not_found' },
      { connection: 'adas', door: 'invoke', at: host, status: null, problem: 'upstream_unreachable' },
      { connection: 'adas', door: 'invoke', at: host, status: 503, problem: null },
      { connection: 'adas', door: 'invoke', at: 'evil.test', status: null, problem: 'destination_not_allowed' },
    ])
  })

  it('a key’s calls say which key, a call without a connection has none', async () => {
    const made = must(await ada.ask('POST', '/api/v1/api-keys', { name: 'logged', connections: ['everybodys'] }), 201).json as {
      id: string
      key: string
    }
    must(await call(patchbay, patchbay.withKey(made.key), 'everybodys', '/key/echo'), 200)
    expect((await list(patchbay.admin, 'limit=1')).data[0]).toMatchObject({ key_id: made.id, connection: 'everybodys' })
    must(await patchbay.admin('POST', '/api/v1/invoke', { url: `${practiceUrl(patchbay)}/open/echo` }), 200)
    expect((await list(patchbay.admin, 'limit=1')).data[0]).toMatchObject({ connection: null, status: 200 })
    must(await call(patchbay, ada.ask, 'adas', '/key/echo'), 200)
    expect((await list(patchbay.admin, 'limit=1')).data[0]).toMatchObject({ key_id: null, connection: 'adas' })
  })

  it('is narrowed by connection, person, outcome and time', async () => {
    await call(patchbay, bob.ask, 'everybodys', '/key/status/404')
    await call(patchbay, bob.ask, 'everybodys', '/key/echo')
    const every = async (query: string, holds: (row: Json) => boolean) => {
      const { data } = await list(patchbay.admin, query)
      expect(data.length, query).toBeGreaterThan(0)
      expect(
        data.filter(row => !holds(row)),
        query,
      ).toEqual([])
    }
    await every('connection=everybodys', row => row['connection'] === 'everybodys')
    await every(`user=${bob.id}`, row => (row['user'] as Json)['id'] === bob.id)
    await every('status=404', row => row['status'] === 404)
    await every('status=ok', row => Number(row['status']) < 400 && row['status'] !== null)
    await every('status=error', row => row['problem'] !== null || Number(row['status']) >= 400)
    await every('status=destination_not_allowed', row => row['problem'] === 'destination_not_allowed')
    const all = await list(patchbay.admin, 'limit=100')
    const middle = String(all.data[Math.floor(all.data.length / 2)]?.['at'])
    await every(`since=${middle}`, row => String(row['at']) >= middle)
    await every(`until=${middle}`, row => String(row['at']) < middle)
    expect((await list(patchbay.admin, 'connection=no_such')).data).toEqual([])
    expect((await patchbay.admin('GET', '/api/v1/invocations?since=yesterday')).status).toBe(422)
    expect((await patchbay.admin('GET', '/api/v1/invocations?colour=red')).status).toBe(422)
  })

  it('comes in pages that hold every row once', async () => {
    const whole = (await list(patchbay.admin, 'limit=100')).data.map(row => row['id'])
    const pages: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Rows = await list(patchbay.admin, `limit=3${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
      pages.push(...page.data.map(row => row['id']))
      cursor = page.next_cursor
    }
    expect(pages).toEqual(whole)
    expect((await patchbay.admin('GET', '/api/v1/invocations?cursor=bm9uc2Vuc2U')).status).toBe(422)
  })

  it('a member sees their own calls and those through their own connections, and no others', async () => {
    must(await call(patchbay, bob.ask, 'everybodys', '/key/echo'), 200)
    must(await call(patchbay, patchbay.admin, 'bobs', '/key/echo'), 200)
    must(await call(patchbay, patchbay.admin, 'adas', '/key/echo'), 200)
    const seen = (await list(bob.ask, 'limit=100')).data
    expect(seen.some(row => row['connection'] === 'everybodys')).toBe(true)
    expect(seen.some(row => row['connection'] === 'bobs' && (row['user'] as Json)['id'] === ada.id)).toBe(true)
    expect(seen.filter(row => (row['user'] as Json)['id'] !== bob.id && row['connection'] !== 'bobs')).toEqual([])
    expect((await list(bob.ask, `user=${ada.id}&connection=adas`)).data).toEqual([])
    const summary = must(await bob.ask('GET', '/api/v1/invocations/summary'), 200).json as Rows
    expect(summary.data.some(row => row['connection'] === 'adas')).toBe(false)
  })

  it('the summary counts calls and errors and tells the middle and the slow end of durations', async () => {
    const calls = (await list(patchbay.admin, 'connection=bobs&limit=100')).data
    for (let i = 0; i < 3; i++) must(await call(patchbay, bob.ask, 'bobs', '/key/slow?ms=120'), 200)
    must(await call(patchbay, bob.ask, 'bobs', '/key/status/500'), 200)
    const { data } = must(await patchbay.admin('GET', '/api/v1/invocations/summary?connection=bobs&bucket_seconds=86400'), 200).json as Rows
    const total = (name: string) => data.reduce((sum, row) => sum + Number(row[name]), 0)
    expect(total('calls')).toBe(calls.length + 4)
    expect(total('errors')).toBe(calls.filter(row => row['problem'] !== null || Number(row['status']) >= 400).length + 1)
    expect(Number(data[0]?.['p95_ms'])).toBeGreaterThanOrEqual(115)
    expect(Number(data[0]?.['p50_ms'])).toBeLessThanOrEqual(Number(data[0]?.['p95_ms']))
  })

  it('the stream tells of a call within moments', async () => {
    const gone = new AbortController()
    const cookie = [...ada.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(`${patchbay.base}/api/v1/invocations/stream?connection=adas`, { headers: { cookie }, signal: gone.signal })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    let text = ''
    const reading = (async () => {
      for await (const piece of response.body ?? []) text += Buffer.from(piece as Uint8Array).toString()
    })().catch(() => {})
    await until(
      () => Promise.resolve(text),
      so => so.includes('connected'),
    )
    must(await call(patchbay, patchbay.admin, 'adas', '/key/status/418'), 200)
    await until(
      () => Promise.resolve(text),
      so => so.includes('"status":418'),
    )
    gone.abort()
    await reading
  })

  it('using a connection moves its last_used_at, a few seconds late', async () => {
    const lastUse = async () =>
      Date.parse(String((must(await ada.ask('GET', '/api/v1/connections/adas'), 200).json as Json)['last_used_at']))
    must(await call(patchbay, patchbay.admin, 'adas', '/key/echo'), 200)
    const first = await until(lastUse, at => !Number.isNaN(at))
    must(await call(patchbay, patchbay.admin, 'adas', '/key/echo'), 200)
    await until(lastUse, at => at > first)
  })
})

describe.each(['pglite', 'postgres'] as const)('R-4 the audit log [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const audit = async (query = '') => (must(await ada.ask('GET', `/api/v1/audit?limit=100&${query}`), 200).json as Rows).data

  it('every change has a row, with who, what and on which request', async () => {
    const bob = await joins(patchbay, 'Bob')
    const credentials = { 'X-Api-Key': 'practice-key' }
    const steps: [action: string, object: string, run: () => Promise<Answer>][] = [
      ['service.created', 'service:audited', () => ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'audited'))],
      ['service.edited', 'service:audited', () => ada.ask('PATCH', '/api/v1/services/audited', { description: 'new' })],
      [
        'connection.created',
        'connection:one',
        () => ada.ask('POST', '/api/v1/connections', { service: 'audited', name: 'One', link_name: 'one' }),
      ],
      ['connection.authorized', 'connection:one', () => ada.ask('POST', '/api/v1/connections/one/authorize', { credentials })],
      ['connection.edited', 'connection:one', () => ada.ask('PATCH', '/api/v1/connections/one', { access: 'organization' })],
      ['connection.revoked', 'connection:one', () => ada.ask('POST', '/api/v1/connections/one/revoke', {})],
      ['connection.deleted', 'connection:one', () => ada.ask('DELETE', '/api/v1/connections/one')],
      [
        'service.client_registered',
        'service:mailchimp',
        () => ada.ask('PUT', '/api/v1/services/mailchimp/client', { client_id: 'a', client_secret: 'b' }),
      ],
      ['service.taken_over', 'service:audited', () => ada.ask('POST', '/api/v1/services/audited/take-over')],
      ['service.deleted', 'service:audited', () => ada.ask('DELETE', '/api/v1/services/audited')],
      ['member.role_changed', `member:${bob.id}`, () => ada.ask('PATCH', `/api/v1/members/${bob.id}`, { role: 'developer' })],
      ['member.removed', `member:${bob.id}`, () => ada.ask('DELETE', `/api/v1/members/${bob.id}`)],
    ]
    for (const [action, object, run] of steps) {
      const answer = await run()
      expect(answer.status, `${action}: ${answer.text}`).toBeLessThan(300)
      const [row] = await audit(`action=${action}&object=${encodeURIComponent(object)}`)
      expect(row, action).toMatchObject({ action, object, actor: { id: ada.id }, outcome: 'done', on_behalf_of: null })
      expect(row?.['request_id'], action).toBeTruthy()
      expect(row?.['ip'], action).toBe('127.0.0.1')
    }
    const key = must(await ada.ask('POST', '/api/v1/api-keys', { name: 'k' }), 201).json as { id: string }
    must(await ada.ask('DELETE', `/api/v1/api-keys/${key.id}`), 204)
    expect((await audit(`object=key:${key.id}`)).map(row => row['action'])).toEqual(['key.revoked', 'key.created'])
    expect((await audit('action=session.started')).length + (await audit('action=session.created')).length).toBeGreaterThan(0)
  })

  it('what was refused left no row of a change', async () => {
    const before = (await audit()).length
    for (const [method, path, body] of [
      ['POST', '/api/v1/services', keyDefinition(patchbay, 'Bad Name')],
      ['DELETE', '/api/v1/services/never_there', undefined],
      ['POST', '/api/v1/connections', { service: 'nope', name: 'x', link_name: 'x' }],
      ['PATCH', '/api/v1/members/nobody', { role: 'user' }],
    ] as const)
      expect((await ada.ask(method, path, body)).status, path).toBeGreaterThanOrEqual(400)
    expect((await audit()).length).toBe(before)
  })

  it('is for administrators', async () => {
    const carol = await joins(patchbay, 'Carol')
    expect((await carol.ask('GET', '/api/v1/audit')).status).toBe(403)
    expect((await patchbay.nobody('GET', '/api/v1/audit')).status).toBe(401)
  })
})

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
    const found = findSecrets(await everyColumn(db), secrets)
    await sql`drop table planted`.execute(db)
    for (const where of ['planted.a: code in raw', 'planted.b: password in raw', 'planted.c: refresh token in raw'])
      expect(found).toContain(where)
  })
})
