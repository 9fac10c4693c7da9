import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { asked, eventually, type OAuthStory } from '../support/oauth-story.ts'
import type { Answer, Asker, TestPatchbay } from '../support/patchbay.ts'
import { must } from '../support/practice-services.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { startTwoInstances, type TwoInstances } from '../support/two-instances.ts'

const times = <T>(count: number, one: () => Promise<T>) => Array.from({ length: count }, one)

describe('R-1 two instances on one database [postgres]', () => {
  let first: TestPatchbay
  let second: TestPatchbay
  let story: OAuthStory
  let elsewhere: TwoInstances['elsewhere']
  beforeAll(async () => {
    ;({ first, second, story, elsewhere } = await startTwoInstances(await createPostgresDatabase()))
  }, setUpTimeoutMs)
  afterAll(async () => {
    await second.stop()
    await first.stop()
  })
  beforeEach(() => story.control('reset'))

  const everywhere = async (name: string): Promise<Answer[]> =>
    Promise.all([...times(20, () => story.invoke(name)), ...times(20, () => elsewhere(name))])
  const endsIn = async (name: string, seconds: number) => {
    await story.endsIn(name, seconds)
    second.broker.calls.forgetAll()
  }

  it.each([0, 1500])('C-5 a token that ended is renewed once for both, strict rotation, token endpoint %d ms away', async ms => {
    const name = await story.connect(await story.service(`both_${ms}`, { habits: { rotation: 'strict' } }), `both_${ms}`)
    await endsIn(name, -1)
    await story.control('expire')
    if (ms > 0) await story.control('misbehave', { endpoint: 'token', kind: 'slow', ms })
    const answers = await everywhere(name)
    expect(new Set(answers.map(one => one.json.status_code as unknown))).toEqual(new Set([200]))
    expect(new Set(answers.map(one => one.json.body.token_number as unknown)).size).toBe(1)
    const counters = await story.counters()
    expect(counters.token.refresh_token).toEqual({ ok: 1 })
    expect(counters.old_refresh_tokens_presented).toBe(0)
  })

  it('a storm of 401 on both makes one refresh', async () => {
    const name = await story.connect(await story.service('both_storm', { habits: { rotation: 'strict' } }), 'both_storm')
    await everywhere(name)
    await story.control('expire')
    const answers = await everywhere(name)
    expect(new Set(answers.map(one => one.json.status_code as unknown))).toEqual(new Set([200]))
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
  })

  it('inside the window both go on calling, and one of them renews', async () => {
    const name = await story.connect(await story.service('both_window', { habits: { rotation: 'strict' } }), 'both_window')
    await endsIn(name, 30)
    await everywhere(name)
    await eventually('the refresh', story.counters, counters => asked(counters, 'refresh_token') >= 1)
    await everywhere(name)
    expect((await story.counters()).token.refresh_token).toEqual({ ok: 1 })
  })

  it('a revocation on one instance stops calls on the other within a second', async () => {
    const name = await story.connect(await story.service('both_revoked'), 'both_revoked')
    await everywhere(name)
    expect((await story.ada.ask('POST', `/api/v1/connections/${name}/revoke`, {})).status).toBe(200)
    expect((await story.invoke(name)).json.code).toBe('connection_revoked')
    const since = Date.now()
    await eventually(
      'the revocation',
      () => elsewhere(name),
      one => one.json.code === 'connection_revoked',
    )
    expect(Date.now() - since).toBeLessThan(1000)
  })

  it('a revocation and a deleted key end on the other within a second, although the service would still take what it remembers', async () => {
    const echo = `${story.practice}/key/echo`
    const definition = {
      link_name: 'both_key',
      name: 'Both key',
      auth_type: 'api_key',
      parameters: [{ name: 'X-Api-Key', display_name: 'API key' }],
      api_hosts: [story.host],
    }
    must(await story.ada.ask('POST', '/api/v1/services', definition), 201)
    for (const name of ['both_key_revoked', 'both_key_kept']) {
      const body = { service: 'both_key', name, link_name: name, credentials: { 'X-Api-Key': 'practice-key' } }
      must(await story.ada.ask('POST', '/api/v1/connections', body), 201)
    }
    const { id, key } = must(await story.ada.ask('POST', '/api/v1/api-keys', { name: 'ends' }), 201).json as { id: string; key: string }
    const ending = second.withKey(key)
    const calling = (ask: Asker, connection: string) => ask('POST', '/api/v1/invoke', { connection, url: echo })
    const soon = async (end: Promise<Answer>, ask: Asker, connection: string, code: string) => {
      expect((await end).status).toBeLessThan(300)
      const since = Date.now()
      await eventually(
        code,
        () => calling(ask, connection),
        one => one.json.code === code,
      )
      expect(Date.now() - since).toBeLessThan(1000)
    }
    for (let n = 0; n < 3; n++) for (const ask of [second.admin, ending]) must(await calling(ask, 'both_key_revoked'), 200)
    must(await calling(ending, 'both_key_kept'), 200)
    await soon(story.ada.ask('POST', '/api/v1/connections/both_key_revoked/revoke', {}), ending, 'both_key_revoked', 'connection_revoked')
    await soon(story.ada.ask('DELETE', `/api/v1/api-keys/${id}`), ending, 'both_key_kept', 'unauthenticated')
    must(await calling(second.admin, 'both_key_kept'), 200)
  })

  it('a new authorisation on one instance is what the other uses, although it remembers the old one', async () => {
    const name = await story.connect(await story.service('both_again'), 'both_again')
    const before = (await elsewhere(name)).json.body.token_number as number
    const again = await story.ada.browser.ask('POST', `/api/v1/connections/${name}/authorize`, {})
    await story.ada.browser.visit(again.json.authorization.url as string)
    const after = (await story.invoke(name)).json.body.token_number as number
    expect(after).toBeGreaterThan(before)
    await eventually(
      'the new token',
      () => elsewhere(name),
      one => one.json.body.token_number === after,
    )
  })

  it('a flow that was started on one instance is finished on the other', async () => {
    const name = await story.service('both_flow')
    const callback = await story.toCallback(story.ada.browser, await story.begin(name, name))
    const cookie = [...story.ada.browser.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
    const finished = await second.nobody('GET', callback.replace(first.base, second.base), undefined, { cookie })
    expect([finished.status, finished.headers.get('location')]).toEqual([303, `/connections/${name}`])
    expect((await story.invoke(name)).json.status_code).toBe(200)
  })
})
