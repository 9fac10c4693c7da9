import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { keepAlive } from '../../src/broker/upkeep.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { asked, eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

describe.each(['pglite', 'postgres'] as const)('S-6 the knobs of a refresh [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())
  beforeEach(() => story.control('reset'))

  const refreshes = async () => asked(await story.counters(), 'refresh_token')
  const tokenRequests = async () => (await story.counters()).token_requests

  it('never_refresh_early: a service that refuses early refreshes is asked only when the token has ended', async () => {
    const described = { habits: { refuses_early_refresh: true }, advanced: { never_refresh_early: true } }
    const name = await story.connect(await story.service('never_early', described), 'never_early')
    await story.endsIn(name, 3)
    expect((await story.invoke(name)).json.status_code).toBe(200)
    // a refresh behind the call would have begun before its answer: one more call gives it time to arrive
    await story.invoke(name)
    expect(await tokenRequests()).toBe(1)
    await story.control('expire')
    await story.endsIn(name, -1)
    expect((await story.invoke(name)).json.status_code).toBe(200)
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
  })

  it('without the knob the same service is asked early, refuses, and nothing is lost', async () => {
    const name = await story.connect(await story.service('early', { habits: { refuses_early_refresh: true } }), 'early')
    await story.endsIn(name, 30)
    expect((await story.invoke(name)).json.status_code).toBe(200)
    await eventually('the early refresh', story.counters, counters => asked(counters, 'refresh_token') === 1)
    expect((await story.counters()).token.refresh_token).toEqual({ invalid_request: 1 })
    expect((await story.invoke(name)).json.status_code).toBe(200)
  })

  it('refresh_margin_seconds: how early is for the service to say', async () => {
    const name = await story.connect(await story.service('margin', { advanced: { refresh_margin_seconds: 600 } }), 'margin')
    await story.endsIn(name, 700)
    await story.invoke(name)
    await story.invoke(name)
    expect(await tokenRequests()).toBe(1)
    // a fifth later at most, so that many do not come together
    await story.endsIn(name, 470)
    await story.invoke(name)
    await eventually('the early refresh', story.counters, counters => asked(counters, 'refresh_token') === 1)
  })

  it('refresh_spacing_seconds: a second refresh too soon is not even asked for', async () => {
    const described = { habits: { refresh_spacing_seconds: 30 }, advanced: { refresh_spacing_seconds: 30 } }
    const name = await story.connect(await story.service('spacing', described), 'spacing')
    await story.endsIn(name, -1)
    expect((await story.invoke(name)).json.status_code).toBe(200)
    await story.endsIn(name, -1)
    const soon = await story.invoke(name)
    expect([soon.status, soon.json.code]).toEqual([503, 'token_refresh_unavailable'])
    expect(Number(soon.headers.get('retry-after'))).toBeGreaterThan(20)
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
    expect((await story.connection(name)).status).toBe('connected')
  })

  it('expired_when: an answer 200 with code 602 means that the token has ended', async () => {
    const expired = { status: 200, body: { code: 602, message: 'expired' } }
    const rule = { statuses: [200], body: [{ path: 'code', equals: 602 }] }
    const described = { habits: { expired_answer: expired }, advanced: { expired_when: rule } }
    const name = await story.connect(await story.service('code_602', described), 'code_602')
    expect((await story.invoke(name)).json.body.method).toBe('GET')
    expect(await refreshes(), 'a 200 without the code is an answer').toBe(0)
    const proxied = await story.ada.ask('GET', `/proxy/${name}/http/${story.host}/api/echo`)
    expect([proxied.status, proxied.json.method]).toEqual([200, 'GET'])
    expect(await refreshes()).toBe(0)

    await story.control('expire')
    const answers = await Promise.all(Array.from({ length: 10 }, () => story.invoke(name)))
    for (const answer of answers) expect(answer.json.body.method).toBe('GET')
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
  })

  it('expired_when with statuses only: that status renews as a 401 does, through the proxy too', async () => {
    const described = { habits: { expired_answer: { status: 403, body: {} } }, advanced: { expired_when: { statuses: [403] } } }
    const name = await story.connect(await story.service('status_403', described), 'status_403')
    await story.control('expire')
    expect((await story.ada.ask('GET', `/proxy/${name}/http/${story.host}/api/echo`)).status).toBe(200)
    await story.control('expire')
    expect((await story.invoke(name)).json.status_code).toBe(200)
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 2 })
  })

  it('default_lifetime_seconds: the end of a token whose answer names none', async () => {
    const described = { habits: { expires_format: 'absent' } }
    const endless = await story.connect(await story.service('endless', described), 'endless')
    expect((await story.connection(endless)).expires_at).toBeNull()
    const name = await story.connect(
      await story.service('lifetime', { ...described, advanced: { default_lifetime_seconds: 3600 } }),
      'lifetime',
    )
    const ends = Date.parse((await story.connection(name)).expires_at as string) - Date.now()
    expect(Math.abs(ends - 3_600_000)).toBeLessThan(60_000)
    await story.endsIn(name, -1)
    expect((await story.invoke(name)).json.status_code).toBe(200)
    expect(await refreshes()).toBe(1)
  })

  it('keep_alive_days: an authorisation that would die unused is renewed by the job, once, and no other', async () => {
    const described = { habits: { rotation: 'strict' }, advanced: { keep_alive_days: 7 } }
    const old = await story.connect(await story.service('keep_old', described), 'keep_old')
    const young = await story.connect(await story.service('keep_young', described), 'keep_young')
    const without = await story.connect(await story.service('keep_not'), 'keep_not')
    await sql`update credentials set created_at = now() - interval '8 days', expires_at = now() - interval '8 days'
      where connection_id in (select id from connections where link_name in (${old}, ${without}))`.execute(patchbay.broker.db)
    patchbay.broker.calls.forgetAll()
    await keepAlive(patchbay.broker)
    await keepAlive(patchbay.broker)
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
    expect(Date.parse((await story.connection(old)).expires_at as string)).toBeGreaterThan(Date.now())
    expect(Date.parse((await story.connection(without)).expires_at as string)).toBeLessThan(Date.now())
    expect((await story.invoke(old)).json.status_code).toBe(200)
    expect((await story.connection(young)).status).toBe('connected')
  })
})
