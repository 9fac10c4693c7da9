import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { keepAlive, tidy } from '../../src/broker/upkeep.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { asked, eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { adminKey, startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'

const refreshes = async (story: OAuthStory) => asked(await story.counters(), 'refresh_token')
const times = <T>(count: number, one: () => Promise<T>) => Promise.all(Array.from({ length: count }, one))
const numbersIn = (answers: readonly Answer[]) => new Set(answers.map(one => one.json.body?.token_number as unknown))
const statusesIn = (answers: readonly Answer[]) =>
  new Set(answers.map(one => `${one.status} ${String(one.json.status_code ?? one.json.code)}`))

describe.each(['pglite', 'postgres'] as const)('C-5 tokens refresh themselves, exactly once [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())
  beforeEach(() => story.control('reset'))

  it.each(['none', 'grace', 'strict'])('a token that ended is renewed once for 40 callers (rotation %s)', async rotation => {
    const name = `once_${rotation}`
    await story.connect(await story.service(name, { habits: { rotation } }), name)
    const [before] = numbersIn([await story.invoke(name)])
    await story.endsIn(name, -1)
    await story.control('expire')

    const answers = await times(40, () => story.invoke(name))
    expect(statusesIn(answers)).toEqual(new Set(['200 200']))
    const after = numbersIn(answers)
    expect(after.size).toBe(1)
    expect(after).not.toContain(before)
    const counters = await story.counters()
    expect(counters.token.refresh_token).toEqual({ ok: 1 })
    expect(counters.old_refresh_tokens_presented).toBe(0)
    expect(counters.api.oauth2).toEqual({ ok: 41 })
  })

  it('everybody waits for a slow token endpoint, and by every door', async () => {
    const name = await story.connect(await story.service('slow_token', { habits: { rotation: 'strict' } }), 'slow_token')
    await story.endsIn(name, -1)
    await story.control('expire')
    await story.control('misbehave', { endpoint: 'token', kind: 'slow', ms: 1500 })

    const proxy = () => story.ada.ask('GET', `/proxy/${name}/http/${story.host}/api/echo`)
    const [invoked, proxied] = await Promise.all([times(20, () => story.invoke(name)), times(20, proxy)])
    expect(statusesIn(invoked)).toEqual(new Set(['200 200']))
    expect(new Set(proxied.map(one => one.status))).toEqual(new Set([200]))
    expect(await refreshes(story)).toBe(1)
  })

  it('a refresh rotates again and again, and each old token is used once', async () => {
    const name = await story.connect(await story.service('again', { habits: { rotation: 'strict' } }), 'again')
    for (let round = 1; round <= 4; round++) {
      await story.endsIn(name, -1)
      expect((await story.invoke(name)).status).toBe(200)
      expect((await story.counters()).token.refresh_token).toEqual({ ok: round })
    }
    expect((await story.counters()).old_refresh_tokens_presented).toBe(0)
  })

  it('inside the renewal window the present token is used and the refresh goes on behind the call', async () => {
    const name = await story.connect(await story.service('behind'), 'behind')
    const [before] = numbersIn([await story.invoke(name)])
    await story.endsIn(name, 30)
    await story.control('misbehave', { endpoint: 'token', kind: 'slow', ms: 1500 })

    const answers = await times(10, () => story.invoke(name))
    expect(numbersIn(answers), 'whoever had waited would have the new token').toEqual(new Set([before]))
    await eventually('the refresh', story.counters, counters => asked(counters, 'refresh_token') === 1)
    await eventually(
      'the new token',
      () => story.invoke(name),
      answer => answer.json.body.token_number !== before,
    )
    expect(await refreshes(story)).toBe(1)
  })

  it('a withdrawn consent is told once, with a link, and the provider is not asked again', async () => {
    const service = await story.service('withdrawn')
    const name = await story.connect(service, 'withdrawn')
    await story.control('withdraw')
    await story.endsIn(name, -1)

    const first = await story.invoke(name)
    expect([first.status, first.json.code, first.json.reason]).toEqual([409, 'reauthorization_required', 'revoked_by_provider'])
    expect(first.json.connect_url).toContain(`connection=${name}`)
    expect(await story.connection(name)).toMatchObject({ status: 'reauthorization_required', status_reason: 'revoked_by_provider' })
    expect((await story.connection(name)).status_action).toBe('Connect it again.')
    expect(statusesIn(await times(5, () => story.invoke(name)))).toEqual(new Set(['409 reauthorization_required']))
    expect(await refreshes(story)).toBe(1)

    const landed = await story.ada.browser.visit(first.json.connect_url as string)
    const onward = /href="([^"]*oauth2\/authorize[^"]*)"/.exec(landed.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect((await story.ada.browser.visit(onward)).url).toBe(`${patchbay.base}/connections/${name}`)
    expect((await story.invoke(name)).status).toBe(200)
  })

  it('an answer that is lost after a strict rotation took effect is found out, named, and never tried into a ban', async () => {
    const name = await story.connect(await story.service('lost', { habits: { rotation: 'strict' } }), 'lost')
    await story.endsIn(name, -1)
    await story.control('expire')
    await story.control('misbehave', { endpoint: 'token', grant_type: 'refresh_token', kind: 'reset', after: true })

    const first = await story.invoke(name)
    expect([first.status, first.json.code]).toEqual([503, 'token_refresh_unavailable'])
    expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await story.connection(name)).status).toBe('refresh_failing')
    await story.noPause(name)
    const second = await story.invoke(name)
    expect([second.status, second.json.code, second.json.reason]).toEqual([409, 'reauthorization_required', 'lost_rotation'])
    expect(await story.connection(name)).toMatchObject({ status: 'reauthorization_required', status_reason: 'lost_rotation' })
    await story.noPause(name)
    expect((await story.invoke(name)).status).toBe(409)
    const counters = await story.counters()
    expect(counters.token.refresh_token).toEqual({ ok: 1, invalid_grant: 1 })
    expect(counters.old_refresh_tokens_presented).toBe(1)
    const audit = await story.ada.ask('GET', '/api/v1/audit?limit=100')
    expect(audit.json.data.map((row: { action: string }) => row.action)).toContain('connection.lost_rotation')
  })

  it.each(['none', 'grace'])('an answer that is lost costs nothing where the provider forgives it (rotation %s)', async rotation => {
    const name = `forgiven_${rotation}`
    await story.connect(await story.service(name, { habits: { rotation } }), name)
    await story.endsIn(name, -1)
    await story.control('misbehave', { endpoint: 'token', grant_type: 'refresh_token', kind: 'reset', after: true })
    expect((await story.invoke(name)).status).toBe(503)
    await story.noPause(name)
    expect((await story.invoke(name)).json.status_code).toBe(200)
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 2 })
    expect((await story.connection(name)).status).toBe('connected')
  })

  it('a provider that is down does not matter while the token is good', async () => {
    const name = await story.connect(await story.service('down'), 'down')
    await story.endsIn(name, 20)
    await story.control('misbehave', { endpoint: 'token', kind: '500', times: 100 })
    expect(statusesIn(await times(10, () => story.invoke(name)))).toEqual(new Set(['200 200']))
    const failing = await eventually(
      'the failed refresh',
      () => story.connection(name),
      one => one.status === 'refresh_failing',
    )
    expect(failing.status_reason).toBe('provider_down')
    expect((await story.invoke(name)).json.status_code, 'the token is still good').toBe(200)
  })

  it('a provider that is down is 503 once the token has ended, with a pause, and it recovers by itself', async () => {
    const name = await story.connect(await story.service('down_ended'), 'down_ended')
    await story.endsIn(name, -1)
    await story.control('misbehave', { endpoint: 'token', kind: '500' })
    const answers = await times(20, () => story.invoke(name))
    expect(statusesIn(answers)).toEqual(new Set(['503 token_refresh_unavailable']))
    for (const one of answers) expect(Number(one.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await story.counters()).token_requests, 'one of the 20 asked').toBe(2)
    expect((await story.connection(name)).status).toBe('refresh_failing')

    await eventually(
      'the recovery',
      () => story.invoke(name),
      one => one.json.status_code === 200,
    )
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
    expect(await story.connection(name)).toMatchObject({ status: 'connected', status_reason: null })
  })

  it('a client that the provider refuses is the keeper’s to mend: 502, and the connection is not lost', async () => {
    const name = await story.connect(await story.service('bad_client'), 'bad_client')
    await story.endsIn(name, -1)
    await story.control('misbehave', {
      endpoint: 'token',
      status: 401,
      body: { error: 'invalid_client', error_description: 'who are you' },
    })
    const refused = await story.invoke(name)
    expect([refused.status, refused.json.code]).toEqual([502, 'client_invalid'])
    expect(await story.connection(name)).toMatchObject({ status: 'refresh_failing', status_reason: 'client_invalid' })
    await story.noPause(name)
    expect((await story.invoke(name)).json.status_code).toBe(200)
  })

  it('a 401 renews once and tries once more; a second 401 is the answer, and renewing is not tried again', async () => {
    const name = await story.connect(await story.service('unauthorized'), 'unauthorized')
    await story.control('misbehave', { endpoint: 'api', kind: 'expired' })
    expect((await story.invoke(name)).json.status_code).toBe(200)
    expect(await refreshes(story)).toBe(1)

    await story.control('misbehave', { endpoint: 'api', kind: 'expired', times: 3 })
    const refused = await story.invoke(name)
    expect([refused.status, refused.json.status_code]).toEqual([200, 401])
    expect(await refreshes(story)).toBe(2)
    expect((await story.invoke(name)).json.status_code).toBe(401)
    expect(await refreshes(story), 'renewing did not help a moment ago').toBe(2)
    expect((await story.counters()).misbehaved.api).toBe(4)
    expect((await story.invoke(name)).json.status_code).toBe(200)
  })

  it('a 401 while the token endpoint is down is the answer, and the connection recovers by itself', async () => {
    const name = await story.connect(await story.service('both_down'), 'both_down')
    await story.control('expire')
    await story.control('misbehave', { endpoint: 'token', kind: '500' })
    const refused = await story.invoke(name)
    expect([refused.status, refused.json.status_code]).toEqual([200, 401])
    const during = await story.invoke(name)
    expect([during.status, during.json.code]).toEqual([503, 'token_refresh_unavailable'])
    expect((await story.counters()).token_requests).toBe(2)
    await eventually(
      'the recovery',
      () => story.invoke(name),
      one => one.json.status_code === 200,
    )
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
  })

  it('a storm of 50 answers 401 makes one refresh, and all 50 are served', async () => {
    const name = await story.connect(await story.service('storm', { habits: { rotation: 'strict' } }), 'storm')
    await story.invoke(name)
    await story.control('expire')
    const answers = await times(50, () => story.invoke(name))
    expect(statusesIn(answers)).toEqual(new Set(['200 200']))
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
  })

  it('a 401 to a body that is streamed through the proxy passes: it cannot be sent twice', async () => {
    const name = await story.connect(await story.service('streamed'), 'streamed')
    await story.control('expire')
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('once '))
        controller.enqueue(Buffer.from('only'))
        controller.close()
      },
    })
    const url = `${patchbay.base}/proxy/${name}/http/${story.host}/api/echo`
    const streamed = await fetch(url, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { authorization: `Bearer ${adminKey}` },
    })
    expect([streamed.status, streamed.headers.get('patchbay-problem')]).toEqual([401, null])
    expect(await streamed.json()).toMatchObject({ error: 'invalid_token' })
    expect(await refreshes(story)).toBe(0)
    const small = await story.ada.ask('POST', `/proxy/${name}/http/${story.host}/api/echo`, { small: true })
    expect([small.status, small.json.body]).toEqual([200, { small: true }])
    expect(await refreshes(story)).toBe(1)
  })

  it('a token that ended without a refresh token is not sent; the person is asked again, and was warned', async () => {
    const name = await story.connect(await story.service('no_refresh', { habits: { refresh_tokens: false } }), 'no_refresh')
    expect(await story.connection(name)).toMatchObject({ has_refresh_token: false, warnings: ['no_refresh_token'] })
    await story.endsIn(name, -1)
    const answer = await story.invoke(name)
    expect([answer.status, answer.json.code, answer.json.reason]).toEqual([409, 'reauthorization_required', 'no_refresh_token'])
    expect((await story.counters()).api).toEqual({})
  })

  it('client credentials are renewed without a refresh token, once for 20 callers', async () => {
    const service = await story.service('robot', {
      rest: { grant_type: 'client_credentials', authorize_url: null, revoke_token_url: null },
    })
    const created = await story.ada.ask('POST', '/api/v1/connections', {
      service,
      name: 'Robot',
      link_name: 'robot',
      scopes: ['files.read'],
    })
    expect([created.status, created.json.authorization, created.json.connection.status]).toEqual([201, { kind: 'none' }, 'connected'])
    expect(created.json.connection.warnings).toEqual([])
    await story.endsIn('robot', -1)
    await story.control('expire')
    expect(statusesIn(await times(20, () => story.invoke('robot')))).toEqual(new Set(['200 200']))
    expect((await story.counters()).token).toEqual({ client_credentials: { ok: 2 } })
  })

  it('an idle connection is never refreshed, by nobody', async () => {
    const name = await story.connect(await story.service('idle'), 'idle')
    await story.endsIn(name, -10_000)
    await keepAlive(patchbay.broker)
    await tidy(patchbay.broker)
    expect(await story.connection(name)).toMatchObject({ status: 'connected' })
    expect((await story.counters()).token_requests).toBe(1)
  })
})
