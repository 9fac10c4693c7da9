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
    const stored = await sql<{
      text: string
    }>`select i::text as text from invocation_batches i union all select s::text from invocation_series s`.execute(patchbay.broker.db)
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
