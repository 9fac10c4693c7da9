import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { asked, eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { revocations } from '../support/practice-services.ts'

describe.each(['pglite', 'postgres'] as const)('X08.29 what a service gives for something that is gone [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  let serial = 0
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())
  beforeEach(() => story.control('reset'))

  const deleted = (name: string) => story.ada.ask('DELETE', `/api/v1/connections/${name}`)
  const edited = (name: string) => story.ada.ask('PATCH', `/api/v1/services/${name}`, { advanced: { token_params: { audience: 'x' } } })
  /** The token endpoint has done its work and takes another moment to say so. */
  const slowly = () => story.control('misbehave', { endpoint: 'token', kind: 'slow', ms: 700 })
  const tokensGiven = (grant: string) => eventually('a token', story.counters, counters => asked(counters, grant) > 0)
  const told = (count: number) =>
    eventually(
      'the revocation',
      () => revocations(patchbay),
      seen => seen === count,
    )

  it.each([
    ['deleted', deleted, 'The connection was deleted while this authorisation was under way.'],
    ['edited', edited, 'The service was edited while this authorisation was under way.'],
  ] as const)(
    'a code is exchanged while its connection or service is %s: 409 with a sentence, nothing is stored, and the token is revoked',
    async (what, end, sentence) => {
      const name = await story.service(`unused_${++serial}`)
      const callback = await story.toCallback(story.ada.browser, await story.begin(name, name))
      await slowly()
      const landing = story.ada.browser.ask('GET', callback)
      await tokensGiven('authorization_code')
      const ended = await end(name)
      expect(ended.status, ended.text).toBeLessThan(300)
      const answer = await landing
      expect([answer.status, answer.headers.get('content-type')]).toEqual([409, 'text/html; charset=utf-8'])
      expect(answer.text).toContain(sentence)
      await told(1)
      expect((await story.counters()).revoke).toEqual({ refresh_token: 1, families: 1 })
      if (what === 'edited') {
        expect(answer.text, 'the way to start again').toContain(`/connect?organization=default&amp;connection=${name}`)
        expect((await story.connection(name)).status).toBe('authorization_required')
      }
      const audit = (await story.ada.ask('GET', `/api/v1/audit?object=connection:${name}`)).json.data as { action: string }[]
      expect(audit.map(one => one.action)).toContain('connection.unused_grant_revoked')
    },
  )

  it('the old service is told, with the client it had, not the one it was edited to', async () => {
    const name = await story.service(`unused_${++serial}`)
    const callback = await story.toCallback(story.ada.browser, await story.begin(name, name))
    await slowly()
    const landing = story.ada.browser.ask('GET', callback)
    await tokensGiven('authorization_code')
    const moved = await story.ada.ask('PATCH', `/api/v1/services/${name}`, {
      client_secret: 'another-secret',
      revoke_token_url: `${story.practice}/oauth2/elsewhere`,
    })
    expect(moved.status, moved.text).toBe(200)
    expect((await landing).status).toBe(409)
    await told(1)
    expect((await story.counters()).revoke['refused'] ?? 0).toBe(0)
  })

  it('a service without a revoke URL is told nothing, and the answer is the same', async () => {
    const name = await story.service(`unused_${++serial}`, { rest: { revoke_token_url: null } })
    const callback = await story.toCallback(story.ada.browser, await story.begin(name, name))
    await slowly()
    const landing = story.ada.browser.ask('GET', callback)
    await tokensGiven('authorization_code')
    await deleted(name)
    expect((await landing).status).toBe(409)
    expect((await story.counters()).revoke).toEqual({})
  })

  it.each([
    ['deleted', deleted],
    ['edited', edited],
  ] as const)('a refresh token that is rotated while its connection or service is %s is revoked as well', async (_, end) => {
    const name = await story.service(`unused_${++serial}`, { habits: { rotation: 'none', repeat_refresh_token: true } })
    await story.connect(name, name)
    await story.endsIn(name, -10)
    await slowly()
    const calling = story.invoke(name)
    await tokensGiven('refresh_token')
    expect((await end(name)).status).toBeLessThan(300)
    expect((await calling).status).toBe(409)
    // one request for what was stored, one for what came too late
    await told(2)
    expect((await story.counters()).revoke).toEqual({ refresh_token: 2, families: 1 })
  })
})
