import { request as httpRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { networkInterfaces } from 'node:os'
import { afterAll, assert, beforeAll, describe, expect, test } from 'vitest'
import { connects, joinsAs, keyService, memberPassword, type TestMember } from '../support/organization.ts'
import { adminKey, startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'

const problemOf = ({ status, json }: Answer) => `${status} ${json?.code}`
const metricsToken = 'a-token-of-the-tests-for-metrics'

interface Call {
  readonly id: string
  readonly connection: string | null
  readonly user: { readonly id: string }
}

/** Reads server-sent events until `count` of them came. */
async function readEvents(
  url: string,
  headers: Record<string, string>,
  count: number,
  meanwhile: () => Promise<unknown>,
): Promise<{ id: string; event: string; data: Call }[]> {
  const gone = new AbortController()
  const response = await fetch(url, { headers, signal: gone.signal })
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  const events: { id: string; event: string; data: Call }[] = []
  let text = ''
  let started = false
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString()
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = Object.fromEntries(text.slice(0, end).split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)])) // prettier-ignore
      text = text.slice(end + 2)
      if (fields['event'] === 'invocation')
        events.push({ id: fields['id'] ?? '', event: fields['event'], data: JSON.parse(fields['data'] ?? '') as Call })
    }
    if (!started) {
      started = true
      await meanwhile()
    }
    if (events.length >= count) break
  }
  gone.abort()
  return events
}

describe.each(['pglite', 'postgres'] as const)('looking after it [%s]', database => {
  let patchbay: TestPatchbay
  let bob: TestMember
  let eve: TestMember
  let echo: string
  beforeAll(async () => {
    patchbay = await startPatchbay({ database, settings: { PATCHBAY_METRICS_TOKEN: metricsToken } })
    echo = await keyService(patchbay)
    bob = await joinsAs(patchbay, 'Bob', 'user')
    eve = await joinsAs(patchbay, 'Eve', 'developer')
    await connects(patchbay.admin, 'of_ada', { access: 'organization' })
    await connects(bob.browser.ask, 'of_bob', { access: 'organization' })
  })
  afterAll(() => patchbay?.stop())

  const call = (who: TestPatchbay['admin'], connection: string, path = '') =>
    who('POST', '/api/v1/invoke', { connection, url: echo + path })
  const list = async (who: TestPatchbay['admin'], query = ''): Promise<Call[]> => {
    const answer = await who('GET', `/api/v1/invocations?limit=100${query}`)
    assert.equal(answer.status, 200, answer.text)
    return answer.json.data
  }

  test('a call is in the log at once; members see their own and those through their connections', async () => {
    await call(eve.browser.ask, 'of_ada', '?token=CANARY')
    await call(eve.browser.ask, 'of_bob')
    await call(patchbay.admin, 'of_ada')
    assert.equal(problemOf(await call(patchbay.admin, 'no_such')), '404 connection_not_found')
    const all = await list(patchbay.admin)
    assert.includeMembers(
      all.map(one => one.connection),
      ['of_ada', 'of_bob'],
    )
    expect(all.find(one => one.connection === 'of_bob')).toMatchObject({
      user: { id: eve.id, name: 'Eve' },
      door: 'invoke',
      method: 'GET',
      status: 200,
      problem: null,
      subject_id: eve.id,
    })
    assert.notInclude(JSON.stringify(all), 'CANARY', 'no queries')

    const eves = await list(eve.browser.ask)
    assert.isTrue(eves.length > 0 && eves.every(one => one.user.id === eve.id))
    const bobs = await list(bob.browser.ask)
    assert.deepEqual(
      bobs.map(one => [one.connection, one.user.id]),
      [['of_bob', eve.id]],
    )
    assert.deepEqual(await list(bob.browser.ask, `&connection=of_ada`), [])
    assert.isTrue((await list(patchbay.admin, `&user=${eve.id}`)).every(one => one.user.id === eve.id))
  })

  test('the log is filtered, and read a page at a time', async () => {
    await call(patchbay.admin, 'of_ada', '/nothing-here')
    for (const [query, fits] of [
      ['&status=ok', (one: { status: number }) => one.status < 400],
      ['&status=error', (one: { status: number; problem: string }) => one.status >= 400 || one.problem !== null],
      ['&connection=of_ada', (one: { connection: string }) => one.connection === 'of_ada'],
    ] as const) {
      const rows = await list(patchbay.admin, query)
      assert.isTrue(rows.length > 0 && rows.every(one => fits(one as never)), query)
    }
    assert.deepEqual(await list(patchbay.admin, `&since=${new Date(Date.now() + 60_000).toISOString()}`), [])
    assert.deepEqual(await list(patchbay.admin, `&until=${new Date(Date.now() - 3_600_000).toISOString()}`), [])
    const all = (await list(patchbay.admin)).map(one => one.id)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Answer = await patchbay.admin('GET', `/api/v1/invocations?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)
      seen.push(...page.json.data.map((one: Call) => one.id))
      cursor = page.json.next_cursor
    } while (cursor !== null)
    assert.deepEqual(seen, all)
    for (const bad of [
      'since=yesterday',
      'limit=1000',
      'cursor=x',
      `cursor=${Buffer.from('["x","y"]').toString('base64url')}`,
      'organization_id=x',
    ])
      for (const path of ['invocations', 'audit'])
        assert.equal(problemOf(await patchbay.admin('GET', `/api/v1/${path}?${bad}`)), '422 validation_failed', bad)
  })

  test('the summary counts calls and errors by time and connection', async () => {
    const rows = await list(patchbay.admin)
    const summary = (await patchbay.admin('GET', '/api/v1/invocations/summary?bucket_seconds=86400')).json.data
    const total = (name: string) => summary.reduce((sum: number, row: Record<string, number>) => sum + (row[name] ?? 0), 0)
    assert.equal(total('calls'), rows.length)
    assert.equal(
      total('errors'),
      rows.filter(one => (one as unknown as { status: number }).status >= 400 || (one as unknown as { problem: unknown }).problem !== null)
        .length,
    )
    for (const row of summary) assert.isAtLeast(row.p95_ms, row.p50_ms)
    const bobs = (await bob.browser.ask('GET', '/api/v1/invocations/summary')).json.data
    assert.deepEqual(
      bobs.map((row: { connection: string; calls: number }) => [row.connection, row.calls]),
      [['of_bob', 1]],
    )
    assert.equal(problemOf(await patchbay.admin('GET', '/api/v1/invocations/summary?bucket_seconds=1')), '422 validation_failed')
  })

  test('new calls arrive as server-sent events, only those that the reader may see', async () => {
    const url = `${patchbay.base}/api/v1/invocations/stream`
    const cookie = [...bob.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const events = await readEvents(url, { cookie }, 2, async () => {
      await call(patchbay.admin, 'of_ada')
      await call(patchbay.admin, 'of_bob')
      await call(eve.browser.ask, 'of_ada')
      await call(eve.browser.ask, 'of_bob')
    })
    assert.deepEqual(
      events.map(one => one.data.connection),
      ['of_bob', 'of_bob'],
    )
    assert.equal(events[1]?.data.user.id, eve.id)

    // a browser that lost the stream after the first event is given the second again
    const resumed = await readEvents(url, { cookie, 'last-event-id': events[0]?.id ?? '' }, 2, () => Promise.resolve())
    assert.include(
      resumed.map(one => one.data.id),
      events[1]?.data.id,
    )
    assert.equal((await patchbay.nobody('GET', '/api/v1/invocations/stream')).status, 401)
  })

  test('readers of a stream who leave give back their places at once', async () => {
    const url = `${patchbay.base}/api/v1/invocations/stream`
    const open = ({ signal }: AbortController) => fetch(url, { headers: { authorization: `Bearer ${adminKey}` }, signal })
    const gone = new AbortController()
    // kept: one that is collected is cancelled
    const streams = await Promise.all(Array.from({ length: 51 }, () => open(gone)))
    assert.deepEqual(streams.map(one => one.status).sort(), [...Array.from({ length: 50 }, () => 200), 429])
    gone.abort()
    const since = performance.now()
    const next = new AbortController()
    while ((await open(next)).status === 429) {
      // the next heartbeat would tell it after fifteen seconds
      assert.isBelow(performance.now() - since, 10_000)
      await delay(50)
    }
    next.abort()
  })

  test('a stream ends at once when its reader signs out, in the console or on a page, or elsewhere changes the password, when its key is revoked, and when its reader is removed', async () => {
    const max = await joinsAs(patchbay, 'Max', 'user')
    const stream = async (headers: Record<string, string>) => {
      const response = await fetch(`${patchbay.base}/api/v1/invocations/stream`, { headers })
      assert.equal(response.status, 200)
      return { ended: response.text() }
    }
    const signedIn = async () => {
      const browser = patchbay.browser()
      await browser.signIn(max.email, memberPassword)
      return { browser, stream: () => stream({ cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') }) }
    }
    const { id, key } = (await max.browser.ask('POST', '/api/v1/api-keys', { name: 'for a stream' })).json as { id: string; key: string }
    const [console, page, other, last] = [await signedIn(), await signedIn(), await signedIn(), await signedIn()]
    const passwords = { current_password: memberPassword, new_password: `${memberPassword}!` }
    for (const [what, open, end] of [
      ['console', console.stream, () => console.browser.ask('POST', '/api/auth/sign-out')],
      ['page', page.stream, () => page.browser.ask('POST', '/sign-out')],
      ['key', () => stream({ authorization: `Bearer ${key}` }), () => max.browser.ask('DELETE', `/api/v1/api-keys/${id}`)],
      ['password', other.stream, () => last.browser.ask('POST', '/api/v1/me/password', passwords)],
      ['removed', last.stream, () => patchbay.admin('DELETE', `/api/v1/members/${max.id}`)],
    ] as const) {
      const { ended } = await open()
      assert.include([200, 204, 303], (await end()).status, what)
      // long before it is looked at again who reads
      assert.include(await Promise.race([ended, delay(8_000, 'it goes on')]), 'connected', what)
    }
  })

  test('a stream ends with the key that it was opened with, at the time that the key was given', async () => {
    const expires_at = new Date(Date.now() + 3_000).toISOString()
    const { key } = (await patchbay.admin('POST', '/api/v1/api-keys', { name: 'for three seconds', expires_at })).json as { key: string }
    const response = await fetch(`${patchbay.base}/api/v1/invocations/stream`, { headers: { authorization: `Bearer ${key}` } })
    assert.equal(response.status, 200)
    // long before it is looked at again who reads
    assert.include(await Promise.race([response.text(), delay(8_000, 'it goes on')]), 'connected')
    assert.isAtLeast(Date.now(), Date.parse(expires_at) - 1_000)
  })

  test('the audit log says who did what, filtered; nothing in it is secret', async () => {
    const rows = (await patchbay.admin('GET', '/api/v1/audit?limit=100')).json.data
    for (const action of ['invitation.created', 'member.joined', 'connection.created', 'service.created'])
      assert.include(
        rows.map((row: { action: string }) => row.action),
        action,
      )
    const times = rows.map((row: { at: string }) => row.at)
    assert.deepEqual(times, [...times].sort().reverse())
    for (const row of rows) assert.isString(row.request_id)
    for (const secret of [memberPassword, 'practice-key', adminKey]) assert.notInclude(JSON.stringify(rows), secret)
    const mine = (await patchbay.admin('GET', `/api/v1/audit?actor=${bob.id}&object=connection:of_bob`)).json.data
    assert.isNotEmpty(mine)
    for (const row of mine) expect(row).toMatchObject({ actor: { id: bob.id, name: 'Bob' }, object: 'connection:of_bob' })
    assert.deepEqual((await patchbay.admin('GET', `/api/v1/audit?since=${new Date(Date.now() + 60_000).toISOString()}`)).json.data, [])
  })

  test('alive and ready, for anybody', async () => {
    assert.deepEqual((await patchbay.nobody('GET', '/healthz')).json, { status: 'ok' })
    assert.deepEqual((await patchbay.nobody('GET', '/readyz')).json, { status: 'ready' })
  })

  test('metrics are for loopback, or with the token', async () => {
    const near = await patchbay.nobody('GET', '/metrics')
    assert.equal(near.status, 200)
    assert.include(near.text, 'patchbay_calls_total')
    for (const name of ['of_ada', 'echo', bob.id]) assert.notInclude(near.text, name)
    // what a reverse proxy on this machine passes on comes from somewhere else
    const far = (headers: Record<string, string>) =>
      patchbay.nobody('GET', '/metrics', undefined, { 'x-forwarded-for': '203.0.113.7', ...headers })
    assert.equal(problemOf(await far({})), '404 not_found')
    assert.equal(problemOf(await far({ authorization: 'Bearer wrong' })), '404 not_found')
    assert.equal((await far({ authorization: `Bearer ${metricsToken}` })).status, 200)
  })

  test('the operator wraps the data keys again', async () => {
    assert.deepEqual((await patchbay.admin('POST', '/api/v1/operations/rewrap-keys')).json, { rewrapped: 0, remaining: 0, damaged: [] })
    assert.equal((await patchbay.admin('GET', '/api/v1/audit?action=keys.rewrapped')).json.data.length, 1)
  })

  test('the operator takes a back-up: every table, no plaintext secret', async () => {
    const answer = await fetch(`${patchbay.base}/api/v1/operations/backup`, { headers: { authorization: `Bearer ${adminKey}` } })
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-disposition') ?? '', /^attachment; filename="patchbay-[\dT-]+\.ndjson\.gz"$/)
    const bytes = Buffer.from(await answer.arrayBuffer())
    assert.equal(Number(answer.headers.get('content-length')), bytes.length)
    const text = gunzipSync(bytes).toString()
    const lines = text.trimEnd().split('\n').map(line => JSON.parse(line) as Record<string, unknown>) // prettier-ignore
    assert.equal(lines[0]?.['format'], 'patchbay-export')
    assert.isNumber(lines.at(-1)?.['rows'], 'it is whole')
    assert.includeMembers(
      lines.map(line => line['table']),
      ['users', 'connections', 'credentials', 'audit'],
    )
    for (const secret of [memberPassword, 'practice-key', adminKey]) assert.notInclude(text, secret)
    assert.equal((await patchbay.admin('GET', '/api/v1/audit?action=backup.made')).json.data.length, 1)
  })

  test('stopping ends the streams, and is quick', async () => {
    const one = await startPatchbay({ database })
    const response = await fetch(`${one.base}/api/v1/invocations/stream`, { headers: { authorization: `Bearer ${adminKey}` } })
    const ended = response.text()
    const since = Date.now()
    await one.stop()
    await ended
    assert.isBelow(Date.now() - since, 10_000)
  })
})

const outside = Object.values(networkInterfaces()).flat().find(one => one?.family === 'IPv4' && !one.internal) // prettier-ignore

test.skipIf(outside === undefined)('metrics are not there for another machine', async () => {
  const patchbay = await startPatchbay({ database: 'pglite', settings: { PATCHBAY_HOST: '0.0.0.0' } })
  try {
    const status = await new Promise(resolve => {
      httpRequest({ host: outside?.address, port: patchbay.port, path: '/metrics' }, answer => resolve(answer.resume().statusCode)).end()
    })
    assert.equal(status, 404)
  } finally {
    await patchbay.stop()
  }
})
