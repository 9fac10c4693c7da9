import { request as httpRequest } from 'node:http'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'

/** X08 by its numbers: what is done to the query of a good callback. The state stays good unless `used`. */
const badQueries: readonly (readonly [row: string, change: (query: URLSearchParams) => URLSearchParams | string, used?: 'used'])[] = [
  ['1 no parameters', () => ''],
  ['2 code only', query => `code=${query.get('code') ?? ''}`],
  ['3 state only', query => `state=${query.get('state') ?? ''}`],
  ['4 an empty state', query => `code=${query.get('code') ?? ''}&state=`],
  ['5 a state that nobody gave', query => `code=${query.get('code') ?? ''}&state=${'A'.repeat(43)}`],
  ['11 the state twice', query => `${query.toString()}&state=${query.get('state') ?? ''}`],
  ['11 the code twice', query => `${query.toString()}&code=other`],
  ['13 a code of 8193 characters', query => `code=${'a'.repeat(8193)}&state=${query.get('state') ?? ''}`],
  ['14 a code with NUL', query => `code=a%00b&state=${query.get('state') ?? ''}`],
  ['14 a code with CRLF', query => `code=a%0d%0ab&state=${query.get('state') ?? ''}`],
  ['14 invalid UTF-8', query => `code=%ff&state=${query.get('state') ?? ''}`],
  ['14 an overlong sequence', query => `code=%c0%af&state=${query.get('state') ?? ''}`],
  ['14 a lone percent sign', query => `code=a%&state=${query.get('state') ?? ''}`],
  ['14 %u0041', query => `code=%u0041&state=${query.get('state') ?? ''}`],
  ['16 access_denied', query => `error=access_denied&state=${query.get('state') ?? ''}`, 'used'],
  ['17 an error without a state', () => 'error=access_denied'],
  ['19 an error of HTML', query => `error=${encodeURIComponent('<script>alert(1)</script>')}&state=${query.get('state') ?? ''}`, 'used'],
  [
    '19 a description of HTML',
    query =>
      `error=server_error&error_description=${encodeURIComponent('<img src=x onerror=alert(1)>\u202e evil')}&error_uri=javascript:alert(1)&state=${query.get('state') ?? ''}`,
    'used',
  ],
  ['2 an empty code', query => `code=&state=${query.get('state') ?? ''}`],
  ['11 the state as a list', query => `code=${query.get('code') ?? ''}&state[]=${query.get('state') ?? ''}`],
  ['11 the state once in each spelling', query => `${query.toString()}&st%61te=${query.get('state') ?? ''}`],
  ['11 the state behind a second ?', query => `${query.toString()}?&state=${query.get('state') ?? ''}`],
  ['11 semicolons between parameters', query => query.toString().replaceAll('&', ';')],
  [
    '11 a parameter called __proto__ in place of the state',
    query => `code=${query.get('code') ?? ''}&__proto__=${query.get('state') ?? ''}`,
  ],
  ['13 a code of 4097 characters', query => `code=${'a'.repeat(4097)}&state=${query.get('state') ?? ''}`],
  ['17 an error with a state that nobody gave', () => `error=access_denied&state=${'A'.repeat(43)}`],
  ['21 two issuers', query => `${query.toString()}&iss=https%3A%2F%2Fa.test&iss=https%3A%2F%2Fa.test`],
  ['19 a description of 5000 characters', query => `error=e&error_description=${'d'.repeat(5000)}&state=${query.get('state') ?? ''}`],
]

const expectPage = (answer: Answer, status: number): void => {
  expect([answer.status, answer.headers.get('content-type')], answer.text.slice(0, 500)).toEqual([status, 'text/html; charset=utf-8'])
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.text).toMatch(/^<!doctype html>/i)
  expect(answer.text).not.toMatch(/<script|<img|javascript:|onerror=alert\(1\)>|\u202e/i)
}

describe.each(['pglite', 'postgres'] as const)('X08 what comes back to the callback [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  let serial = 0
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())
  beforeEach(() => story.control('reset'))

  /** A flow whose person has consented at the service and not come back yet. */
  const waiting = async (described = {}) => {
    const name = await story.service(`flow_${++serial}`, described)
    const callback = await story.toCallback(story.ada.browser, await story.begin(name, name))
    const [path = '', query = ''] = callback.split('?')
    return { name, callback, path, query: new URLSearchParams(query) }
  }
  const get = (url: string, headers: Record<string, string> = {}) => story.ada.browser.ask('GET', url, undefined, headers)
  const tokenRequests = async () => (await story.counters()).token_requests
  const status = async (name: string) => (await story.connection(name)).status

  it.each(badQueries.map(([row, change, used]) => ({ row, change, used })))('$row', async ({ change, used }) => {
    const { name, callback, path, query } = await waiting()
    const answer = await get(`${path}?${change(query).toString()}`)
    expectPage(answer, 400)
    expect(await tokenRequests()).toBe(0)
    expect(await status(name)).toBe('authorization_required')
    const after = await get(callback)
    expect(after.status, after.text.slice(0, 500)).toBe(used ? 400 : 303)
    expect(await status(name)).toBe(used ? 'authorization_required' : 'connected')
    expect(await tokenRequests()).toBe(used ? 0 : 1)
  })

  it('16 a refusal at the service is told as one, with a way to start again, and recorded', async () => {
    const name = await story.service(`flow_${++serial}`, { habits: { auto: 'reject' } })
    const landed = await story.ada.browser.visit(await story.begin(name, name))
    expectPage(landed, 400)
    expect(landed.text).toContain('declined')
    const attempts = await story.ada.ask('GET', `/api/v1/connections/${name}/attempts`)
    expect(attempts.json.data[0]).toMatchObject({ outcome: 'declined' })
    expect(await status(name)).toBe('authorization_required')
  })

  it('6 a state of more than ten minutes is over; the start said when', async () => {
    const name = await story.service(`flow_${++serial}`)
    const created = await story.ada.browser.ask('POST', '/api/v1/connections', { service: name, name, link_name: name })
    const left = Date.parse(created.json.authorization.expires_at as string) - Date.now()
    expect(Math.abs(left - 600_000)).toBeLessThan(30_000)
    const callback = await story.toCallback(story.ada.browser, created.json.authorization.url as string)
    await sql`update pending_authorizations set expires_at = now() - interval '1 second'
      where connection_id = (select id from connections where link_name = ${name})`.execute(patchbay.broker.db)
    expectPage(await get(callback), 400)
    expect(await tokenRequests()).toBe(0)
    expect(await status(name)).toBe('authorization_required')
  })

  it('7 and 34 a replay after success, as by the back button, is a friendly page and changes nothing', async () => {
    const { name, callback } = await waiting()
    expect((await get(callback)).status).toBe(303)
    expectPage(await get(callback), 400)
    expect(await status(name)).toBe('connected')
    expect(await tokenRequests()).toBe(1)
    expect((await story.counters()).codes_reused).toBe(0)
  })

  it('8 a replay after a failed exchange is refused: a code is sent once', async () => {
    const { name, callback } = await waiting()
    await story.control('misbehave', { endpoint: 'token', kind: '500' })
    expectPage(await get(callback), 503)
    expectPage(await get(callback), 400)
    expect(await tokenRequests()).toBe(1)
    expect(await status(name)).toBe('authorization_required')
  })

  it('9 of ten callbacks at once one exchanges the code', async () => {
    const { name, callback } = await waiting()
    await story.control('misbehave', { endpoint: 'token', kind: 'slow', ms: 300 })
    const answers = await Promise.all(Array.from({ length: 10 }, () => get(callback)))
    expect(answers.map(one => one.status).sort()).toEqual([303, ...Array.from({ length: 9 }, () => 400)])
    expect(await tokenRequests()).toBe(1)
    expect(await status(name)).toBe('connected')
  })

  it('13 and 19 a URL beyond 16 KiB is refused by the server itself', async () => {
    const { path } = await waiting()
    for (const query of [`code=${'a'.repeat(20_000)}`, `code=${'a'.repeat(1_000_000)}`, `error=e&error_description=${'d'.repeat(100_000)}`])
      expect((await get(`${path}?${query}`)).status, query.slice(0, 10)).toBe(431)
  })

  it.each([{ 'sec-purpose': 'prefetch' }, { 'sec-purpose': 'prefetch;prerender' }, { purpose: 'prefetch' }])(
    '23 a prefetch (%o) uses nothing up',
    async headers => {
      const { name, callback } = await waiting()
      expectPage(await get(callback, headers), 400)
      expect(await tokenRequests()).toBe(0)
      expect((await get(callback)).status).toBe(303)
      expect(await status(name)).toBe('connected')
    },
  )

  it('24 a link preview without cookies uses nothing up, and is asked to sign in', async () => {
    const { callback } = await waiting()
    const answer = await patchbay.nobody('GET', callback)
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toMatch(/^\/sign-in\?return_to=/)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await tokenRequests()).toBe(0)
    expect((await get(callback)).status).toBe(303)
    expect(await tokenRequests()).toBe(1)
  })

  it('a bad callback says so at once to somebody who is not signed in', async () => {
    for (const query of ['', '?code=a', '?state=unknown&code=a', '?error=access_denied'])
      expectPage(await patchbay.nobody('GET', `/oauth/callback/default/${(await waiting()).name}${query}`), 400)
  })

  it('26 an organisation or a service that does not exist is 404, also with a good state', async () => {
    const { callback, name } = await waiting()
    for (const wrong of [callback.replace('/default/', '/nobody/'), callback.replace(`/${name}?`, '/nobody?')]) {
      expect((await get(wrong)).status).toBe(404)
      expect((await patchbay.nobody('GET', wrong)).status).toBe(404)
    }
    expect((await get(callback)).status).toBe(303)
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])('%s is 405 and uses nothing up', async method => {
    const { callback } = await waiting()
    const answer = await story.ada.browser.ask(method, callback, undefined, { 'content-type': 'application/x-www-form-urlencoded' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
    expect(await tokenRequests()).toBe(0)
    expect((await get(callback)).status).toBe(303)
  })

  it('28 the redirect URL is made from the public URL, whatever Host and X-Forwarded-Host say', async () => {
    const name = await story.service(`flow_${++serial}`)
    const body = JSON.stringify({ service: name, name, link_name: name })
    const cookie = [...story.ada.browser.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = httpRequest(`${patchbay.base}/api/v1/connections`, {
        method: 'POST',
        headers: {
          cookie,
          origin: patchbay.base,
          // another name of its own; under those of others nothing is answered (X23)
          host: 'another:1',
          'x-forwarded-host': 'evil.test',
          'x-forwarded-proto': 'https',
          forwarded: 'host=evil.test',
          'content-type': 'application/json',
        },
      })
      sent.on('error', reject).on('response', response => {
        let text = ''
        response.on('data', chunk => (text += String(chunk))).on('end', () => resolve(text))
      })
      sent.end(body)
    })
    const { url } = (JSON.parse(answer) as { authorization: { url: string } }).authorization
    expect(new URL(url).searchParams.get('redirect_uri')).toBe(`${patchbay.base}/oauth/callback/default/${name}`)
    expect(answer).not.toContain('evil.test')
  })

  it('29 a connection that was deleted meanwhile connects nothing', async () => {
    const { name, callback } = await waiting()
    expect((await story.ada.ask('DELETE', `/api/v1/connections/${name}`)).status).toBe(204)
    const answer = await get(callback)
    expectPage(answer, answer.status)
    expect([400, 409]).toContain(answer.status)
    expect(await tokenRequests()).toBe(0)
    // and a new one of the same name does not inherit the flow
    await story.begin(name, name)
    expect([400, 409]).toContain((await get(callback)).status)
    expect(await status(name)).toBe('authorization_required')
  })

  it('30 a service that was edited meanwhile: 409, and the code goes nowhere', async () => {
    const { name, callback } = await waiting()
    const edited = await story.ada.ask('PATCH', `/api/v1/services/${name}`, { advanced: { token_params: { audience: 'x' } } })
    expect(edited.status, edited.text).toBe(200)
    expectPage(await get(callback), 409)
    expect(await tokenRequests()).toBe(0)
    expect(await status(name)).toBe('authorization_required')
  })

  it('31 fewer scopes than asked for are stored as they are, with a warning', async () => {
    const { name, callback } = await waiting()
    const body = { access_token: 'at', refresh_token: 'rt', token_type: 'bearer', expires_in: 3600, scope: 'other' }
    await story.control('misbehave', { endpoint: 'token', body })
    expect((await get(callback)).status).toBe(303)
    expect(await story.connection(name)).toMatchObject({ status: 'connected', granted_scopes: ['other'], warnings: ['scopes_missing'] })
  })

  it('32 a state of another organisation’s service of the same name is refused', async () => {
    const { callback, name } = await waiting()
    const slug = `other-${++serial}`
    expect((await story.ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug })).status).toBe(201)
    const other = patchbay.browser()
    await other.signIn(story.ada.email, 'correct horse battery')
    expect((await other.ask('PUT', '/api/v1/me/organization', { slug })).status).toBe(200)
    const described = { link_name: name, name, auth_type: 'basic', api_hosts: ['api.good.test'] }
    expect((await other.ask('POST', '/api/v1/services', described)).status).toBe(201)
    expectPage(await get(callback.replace('/default/', `/${slug}/`)), 400)
    expect(await tokenRequests()).toBe(0)
    expect((await get(callback)).status, 'and the state is still good where it belongs').toBe(303)
  })

  it('35 guessing states is throttled', async () => {
    const name = await story.service(`flow_${++serial}`)
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => patchbay.nobody('GET', `/oauth/callback/default/${name}?code=a&state=guess${i}`)),
    )
    expect(new Set(answers.map(one => one.status))).toEqual(new Set([400, 429]))
    expect(Number(answers.find(one => one.status === 429)?.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})
