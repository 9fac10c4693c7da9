import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { asked, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { listening } from '../support/upstream.ts'
import { createServer } from 'node:http'

const good = { access_token: 'at-from-the-table', token_type: 'Bearer', expires_in: 3600 }

interface Row {
  readonly says: string
  readonly misbehave: Record<string, unknown>
  /** A refresh ends like this, and a code exchange with this status of the page. */
  readonly refresh: readonly [status: number, code: string]
  readonly page: number
}

const unavailable = [503, 'token_refresh_unavailable'] as const
const again = [409, 'reauthorization_required'] as const
const client = [502, 'client_invalid'] as const

/** Table 2.B: what is no token response. */
const refused: readonly Row[] = [
  { says: '5 a page of HTML', misbehave: { kind: 'html' }, refresh: unavailable, page: 503 },
  { says: '6 nothing', misbehave: { kind: 'empty' }, refresh: unavailable, page: 503 },
  { says: '6 a 204', misbehave: { status: 204, body: '' }, refresh: unavailable, page: 503 },
  { says: '7 null', misbehave: { body: null }, refresh: unavailable, page: 503 },
  { says: '7 a list', misbehave: { body: [good] }, refresh: unavailable, page: 503 },
  { says: '7 a number', misbehave: { body: 42 }, refresh: unavailable, page: 503 },
  { says: '10 an answer that is cut', misbehave: { kind: 'truncated' }, refresh: unavailable, page: 503 },
  { says: '11 chunks without an end', misbehave: { kind: 'chunked_truncated' }, refresh: unavailable, page: 503 },
  { says: '17 a token that needs a key', misbehave: { body: { ...good, token_type: 'mac' } }, refresh: unavailable, page: 503 },
  { says: '18 no access token', misbehave: { body: { token_type: 'Bearer' } }, refresh: unavailable, page: 503 },
  { says: '18 a token that is a number', misbehave: { body: { ...good, access_token: 7 } }, refresh: unavailable, page: 503 },
  { says: '18 a token with CRLF', misbehave: { body: { ...good, access_token: 'a\r\nX-Evil: 1' } }, refresh: unavailable, page: 503 },
  { says: '18 a token of 64 KiB', misbehave: { body: { ...good, access_token: 'a'.repeat(65_536) } }, refresh: unavailable, page: 503 },
  { says: '21 200 with an error', misbehave: { kind: '200_error' }, refresh: again, page: 409 },
  { says: '21 ok: false', misbehave: { body: { ok: false, error: 'internal_error' } }, refresh: unavailable, page: 503 },
  { says: '23 a token somewhere below', misbehave: { body: { data: good } }, refresh: unavailable, page: 503 },
  { says: '26 invalid_grant', misbehave: { status: 400, body: { error: 'invalid_grant' } }, refresh: again, page: 409 },
  { says: '27 unauthorized_client', misbehave: { status: 400, body: { error: 'unauthorized_client' } }, refresh: client, page: 502 },
  {
    says: '28 400 with HTML',
    misbehave: { status: 400, body: '<h1>Bad</h1>', content_type: 'text/html' },
    refresh: unavailable,
    page: 503,
  },
  { says: '28 400 with the text invalid_grant', misbehave: { status: 400, body: 'invalid_grant' }, refresh: unavailable, page: 503 },
  { says: '29 invalid_scope', misbehave: { status: 400, body: { error: 'invalid_scope' } }, refresh: unavailable, page: 400 },
  {
    says: '30 401 with a challenge only',
    misbehave: { status: 401, body: '', headers: { 'www-authenticate': 'Basic' } },
    refresh: client,
    page: 502,
  },
  {
    says: '31 403 of a firewall',
    misbehave: { status: 403, body: '<h1>No</h1>', content_type: 'text/html' },
    refresh: unavailable,
    page: 400,
  },
  { says: '33 a 500', misbehave: { kind: '500' }, refresh: unavailable, page: 503 },
  { says: '33 a 503', misbehave: { status: 503, body: '' }, refresh: unavailable, page: 503 },
  { says: '37 ten megabytes', misbehave: { kind: 'large' }, refresh: unavailable, page: 503 },
  { says: '37 a gzip bomb', misbehave: { kind: 'gzip_bomb' }, refresh: unavailable, page: 503 },
  { says: '39 a reset', misbehave: { kind: 'reset' }, refresh: unavailable, page: 503 },
]

/** Table 2.B: odd, but a token response. */
const accepted: readonly (readonly [string, Record<string, unknown>])[] = [
  ['2 JSON that is called text/html', { body: good, content_type: 'text/html' }],
  ['2 JSON without a type', { body: good, content_type: null }],
  [
    '3 a form',
    { body: 'access_token=at-from-the-table&token_type=bearer&expires_in=3600', content_type: 'application/x-www-form-urlencoded' },
  ],
  ['12 a lifetime as text', { body: { ...good, expires_in: '3600.92' } }],
  ['13 no lifetime', { body: { access_token: 'at-from-the-table', token_type: 'bearer' } }],
  ['16 no token type', { body: { access_token: 'at-from-the-table', expires_in: 3600 } }],
  ['20 an empty refresh token', { body: { ...good, refresh_token: '' } }],
  ['43 a broken id_token', { body: { ...good, id_token: 'not.a.token' } }],
  ['44 headers that mean nothing here', { body: good, headers: { 'set-cookie': 'a=b', refresh: '0; url=/', 'clear-site-data': '"*"' } }],
]

describe.each(['pglite', 'postgres'] as const)('table 2.B, what token endpoints answer [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  let serial = 0
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())
  beforeEach(() => story.control('reset'))

  const stored = async (name: string) =>
    (
      await sql<{ sealed: Buffer; generation: number; has_refresh_token: boolean }>`
        select sealed, generation, has_refresh_token from credentials where connection_id = (select id from connections where link_name = ${name})`.execute(
        patchbay.broker.db,
      )
    ).rows[0]
  const connected = async () => {
    const name = `row_${++serial}`
    return story.connect(await story.service(name), name)
  }

  it.each(refused)('$says: a refresh leaves what is stored as it was', async ({ misbehave, refresh: [status, code] }) => {
    const name = await connected()
    const before = await stored(name)
    await story.endsIn(name, -1)
    await story.control('misbehave', { endpoint: 'token', grant_type: 'refresh_token', ...misbehave })
    const answer = await story.invoke(name)
    expect([answer.status, answer.json.code]).toEqual([status, code])
    if (status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await stored(name)).toEqual(before)
    const counters = await story.counters()
    expect([counters.misbehaved.token, counters.token_requests, counters.api], 'one attempt, and no call with the old token').toEqual([
      1,
      2,
      {},
    ])
    expect((await story.connection(name)).status).toBe(code === 'reauthorization_required' ? code : 'refresh_failing')
    if (code === 'reauthorization_required') return
    await story.noPause(name)
    expect((await story.invoke(name)).json.status_code).toBe(200)
  })

  it.each(refused)('$says: a code exchange connects nothing, and the code is not sent twice', async ({ misbehave, page }) => {
    const name = await story.service(`row_${++serial}`)
    const url = await story.begin(name, name)
    await story.control('misbehave', { endpoint: 'token', grant_type: 'authorization_code', ...misbehave })
    const landed = await story.ada.browser.visit(url)
    expect([landed.status, new URL(landed.url).pathname]).toEqual([page, `/oauth/callback/default/${name}`])
    expect(landed.headers.get('content-type')).toContain('text/html')
    expect(landed.text).not.toContain('<script')
    expect((await story.counters()).token_requests).toBe(1)
    expect((await story.connection(name)).status).toBe('authorization_required')
    const attempts = await story.ada.ask('GET', `/api/v1/connections/${name}/attempts`)
    expect(attempts.json.data[0]).toMatchObject({ outcome: 'failed' })
  })

  it.each(accepted)('%s: is a token response', async (_, misbehave) => {
    const name = await connected()
    await story.endsIn(name, -1)
    await story.control('misbehave', { endpoint: 'token', grant_type: 'refresh_token', ...misbehave })
    expect((await story.invoke(name)).json.status_code, 'the token of the table, which this service never gave').toBe(200)
    // that token was refused, and a forced refresh with the kept refresh token healed it
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
    expect((await story.counters()).api.oauth2).toMatchObject({ refused: 1, ok: 1 })
    expect((await stored(name))?.has_refresh_token).toBe(true)
  })

  it('13 a lifetime of 0 is no known end, with a refresh token too: used as it is, and renewed when the service refuses it', async () => {
    const name = `row_${++serial}`
    await story.connect(await story.service(name, { habits: { expires_format: 'zero' } }), name)
    for (const _ of [1, 2, 3]) expect((await story.invoke(name)).json.status_code).toBe(200)
    expect([(await story.counters()).token_requests, (await stored(name))?.has_refresh_token]).toEqual([1, true])
    await story.control('expire')
    for (const _ of [1, 2]) expect((await story.invoke(name)).json.status_code).toBe(200)
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
  })

  it.each([301, 302, 303, 307, 308])(
    '25 a token endpoint that redirects with %d is not followed: the other host hears nothing',
    async status => {
      const evil = await listening(createServer((_, response) => response.end('{}')))
      const name = await connected()
      const before = await stored(name)
      await story.endsIn(name, -1)
      const to = `http://127.0.0.1:${evil.port}/token`
      await story.control('misbehave', { endpoint: 'token', kind: 'redirect', status, to, times: 2 })
      const answer = await story.invoke(name)
      expect([answer.status, answer.json.code]).toEqual([...unavailable])
      expect(await stored(name)).toEqual(before)

      const landed = await story.ada.browser.visit(await story.begin(name, `${name}_code`))
      expect(landed.status).toBe(400)
      expect((await story.counters()).misbehaved.token).toBe(2)
      expect(evil.connections).toBe(0)
    },
  )

  it.each([
    ['5', 4, 5],
    ['0', 1, 2],
    ['-1', 1, 2],
    ['99999999', 800, 900],
    ['abc', 1, 2],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 1, 2],
  ])('32 a 429 with Retry-After %s is obeyed within bounds', async (after, least, most) => {
    const name = await connected()
    await story.endsIn(name, -1)
    await story.control('misbehave', { endpoint: 'token', status: 429, body: { error: 'slow_down' }, headers: { 'retry-after': after } })
    const answers = [await story.invoke(name), await story.invoke(name)]
    for (const answer of answers) {
      expect([answer.status, answer.json.code]).toEqual([...unavailable])
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(least)
      // up to three seconds more for each caller, so that they do not come back in step
      expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(most + 3)
    }
    expect(asked(await story.counters(), 'refresh_token'), 'the second caller did not ask').toBe(0)
    expect((await story.counters()).token_requests).toBe(2)
  })
})
