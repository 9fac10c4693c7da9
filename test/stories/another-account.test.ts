import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { tidy } from '../../src/broker/upkeep.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type Member, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { must, refusal, revocations } from '../support/practice-services.ts'

const page = { accept: 'text/html' }
const form = { ...page, 'content-type': 'application/x-www-form-urlencoded' }

describe.each(['pglite', 'postgres'] as const)('X06.9 authorising again with another account [%s]', database => {
  let patchbay: TestPatchbay
  let story: OAuthStory
  let bob: Member
  let serial = 0
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    story = await startOAuthStory(patchbay)
    bob = await story.member('bob')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())
  beforeEach(() => story.control('reset'))

  const afterConnect = { url: '', id_path: 'id', label_path: 'email' }
  /** A connection of Ada's account at the service. */
  const connected = async (more: Record<string, unknown> = {}) => {
    const name = `account_${++serial}`
    await story.service(name, { advanced: { after_connect: { ...afterConnect, url: `${story.practice}/api/me` } } })
    await story.connect(name, name, more)
    expect((await story.connection(name)).account).toEqual({ id: 'ada', label: 'ada@practice.example' })
    return name
  }
  /** Authorises again, as this person at the service; where the browser lands. */
  const again = async (name: string, account: string, by: Member = story.ada, input: Record<string, unknown> = {}) => {
    const { authorization } = must(await by.browser.ask('POST', `/api/v1/connections/${name}/authorize`, input), 200).json
    return by.browser.visit(`${String(authorization.url)}&account=${account}`)
  }
  const answer = (url: string, use: string, by: Member = story.ada, headers: Record<string, string> = {}): Promise<Answer> =>
    by.browser.ask('POST', url, `use=${use}`, { ...form, ...headers })
  const accountOf = async (name: string) => ((await story.connection(name)).account as { label: string }).label
  const calledAs = async (name: string) => must(await story.invoke(name), 200).json.body.account as unknown
  const lastAttempt = async (name: string) => must(await story.ada.ask('GET', `/api/v1/connections/${name}/attempts`), 200).json.data[0]
  const audited = async (name: string) =>
    (must(await story.ada.ask('GET', `/api/v1/audit?object=connection:${name}`), 200).json.data as { action: string }[]).map(
      one => one.action,
    )

  it('the same account again asks nothing', async () => {
    const name = await connected()
    expect((await again(name, 'ada')).url).toBe(`${patchbay.base}/connections/${name}`)
    expect(await lastAttempt(name)).toMatchObject({ outcome: 'connected' })
  })

  it('another one is asked about: both accounts, and whose calls would change; meanwhile the old one is used', async () => {
    const name = await connected({ access: 'organization' })
    const before = await calledAs(name)
    const shown = await again(name, 'grace')
    expect(new URL(shown.url).pathname).toMatch(/^\/connect\/[A-Za-z0-9_-]{24}\/account$/)
    expect(shown.status).toBe(200)
    const words = shown.text.replace(/<[^>]*>/g, '').replace(/\s+/g, ' ')
    expect(words).toContain(`This connection used ada@practice.example; you have signed in to ${name} as grace@practice.example.`)
    expect(words).toContain('The calls of every member of Default through this connection, and those of functions and programs')
    expect(words).toContain('Use the new account')
    expect(words).toContain('Keep the old one')
    expect(await accountOf(name)).toBe('ada@practice.example')
    expect(await calledAs(name)).toEqual(before)
    expect(await lastAttempt(name)).toMatchObject({
      outcome: 'started',
      steps: expect.arrayContaining([expect.objectContaining({ step: 'another_account' })]),
    })
    const rows = await sql<{ row: string }>`select h::text as row from held_grants h`.execute(patchbay.broker.db)
    expect(rows.rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows.rows)).not.toMatch(/(access|refresh)_token(?!_url)/)
  })

  it('use the new account: from then on it is used, the question is over, and the end of its token is still right', async () => {
    const name = await connected()
    const { url } = await again(name, 'grace', story.ada, { return_to: `/connections/${name}?again=1` })
    await sql`update held_grants set created_at = created_at - interval '100 seconds'`.execute(patchbay.broker.db)
    const done = await answer(url, 'new')
    expect([done.status, done.headers.get('location')]).toEqual([303, `/connections/${name}?again=1`])
    expect(await accountOf(name)).toBe('grace@practice.example')
    expect(JSON.stringify(await calledAs(name))).toContain('grace')
    const left = (Date.parse((await story.connection(name)).expires_at as string) - Date.now()) / 1000
    expect(left).toBeGreaterThan(3400)
    expect(left).toBeLessThan(3505)
    expect(await lastAttempt(name)).toMatchObject({ outcome: 'connected' })
    expect((await audited(name)).slice(0, 2)).toEqual(['connection.account_changed', 'connection.another_account'])
    for (const use of ['new', 'old']) expect((await answer(url, use)).status).toBe(400)
    expect(await revocations(patchbay)).toBe(0)
    // and the next question is about the account in use now
    expect((await again(name, 'grace')).url).toBe(`${patchbay.base}/connections/${name}`)
  })

  it('keep the old one: nothing changes, and the provider is told to forget the new authorisation', async () => {
    const name = await connected()
    const { url } = await again(name, 'grace')
    expect((await answer(url, 'old')).headers.get('location')).toBe(`/connections/${name}`)
    await eventually(
      'the revocation',
      () => revocations(patchbay),
      count => count === 1,
    )
    expect(await story.connection(name)).toMatchObject({ status: 'connected', account: { label: 'ada@practice.example' } })
    expect(JSON.stringify(await calledAs(name))).toContain('ada')
    expect(await lastAttempt(name)).toMatchObject({ outcome: 'declined' })
    expect((await audited(name))[0]).toBe('connection.account_kept')
    expect((await answer(url, 'new')).status, 'once').toBe(400)
    expect(await accountOf(name)).toBe('ada@practice.example')
  })

  it('of ten answers at once one counts', async () => {
    const name = await connected()
    const { url } = await again(name, 'grace')
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => answer(url, i % 2 ? 'new' : 'old')))
    expect(answers.map(one => one.status).sort()).toEqual([303, ...Array.from({ length: 9 }, () => 400)])
  })

  it('only its person answers, from a page of ours', async () => {
    const name = await connected({ access: 'organization' })
    const { url } = await again(name, 'grace')
    expect((await answer(url, 'new', bob)).status).toBe(403)
    expect((await bob.browser.ask('GET', url, undefined, page)).status).toBe(403)
    expect((await patchbay.nobody('GET', url, undefined, page)).headers.get('location')).toMatch(/^\/sign-in\?return_to=%2Fconnect%2F/)
    expect((await patchbay.nobody('POST', url, 'use=new', { ...form, origin: patchbay.base })).status).toBe(303)
    const foreign: Record<string, string>[] = [{ origin: 'https://evil.test' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]
    for (const headers of foreign) expect((await answer(url, 'new', story.ada, headers)).status).toBe(403)
    for (const use of ['', 'both']) expect((await answer(url, use)).status).toBe(422)
    // it is no flow that could be continued
    const flow = url.replace(/\/account$/, '')
    for (const other of [flow, `${flow}/continue`]) expect((await story.ada.browser.ask('GET', other, undefined, page)).status).toBe(400)
    expect(await accountOf(name)).toBe('ada@practice.example')
    expect((await answer(url, 'new')).status).toBe(303)
  })

  it('after ten minutes it is over, and the provider is told when the house is tidied', async () => {
    const name = await connected()
    const { url } = await again(name, 'grace')
    await sql`update held_grants set expires_at = now() - interval '1 second'`.execute(patchbay.broker.db)
    expect((await story.ada.browser.ask('GET', url, undefined, page)).status).toBe(400)
    expect((await answer(url, 'new')).status).toBe(400)
    expect(await accountOf(name)).toBe('ada@practice.example')
    await tidy(patchbay.broker)
    await eventually(
      'the revocation',
      () => revocations(patchbay),
      count => count === 1,
    )
    expect(await lastAttempt(name)).toMatchObject({ outcome: 'expired' })
    expect((await sql`select 1 from held_grants`.execute(patchbay.broker.db)).rows).toEqual([])
  })

  it.each([
    ['its connection is deleted', (name: string) => story.ada.ask('DELETE', `/api/v1/connections/${name}`), 2],
    ['its connection is revoked', (name: string) => story.ada.ask('POST', `/api/v1/connections/${name}/revoke`, {}), 2],
    [
      'its service is edited',
      (name: string) =>
        story.ada.ask('PATCH', `/api/v1/services/${name}`, {
          revoke_token_url: `${story.practice}/nowhere`,
          client_secret: 'another secret',
        }),
      2,
    ],
  ] as const)('when %s, nothing is left to answer, and the provider is told of both', async (_, end, told) => {
    const name = await connected()
    const { url } = await again(name, 'grace')
    const ended = await end(name)
    expect(ended.status, ended.text).toBeLessThan(300)
    await eventually(
      'the revocations',
      () => revocations(patchbay),
      count => count === told,
    )
    expect((await answer(url, 'new')).status).toBe(400)
  })

  it('when a member leaves, what was held for them is revoked as well', async () => {
    const name = await connected({ access: 'organization', use_login_user_credentials: true })
    const carol = await story.member(`carol${serial}`)
    expect((await again(name, 'ada', carol)).status).toBeLessThan(500)
    const { url } = await again(name, 'grace', carol)
    expect(url).toContain('/account')
    expect((await story.ada.ask('DELETE', `/api/v1/members/${carol.id}`)).status).toBe(204)
    await eventually(
      'the revocations',
      () => revocations(patchbay),
      count => count === 2,
    )
    expect(await accountOf(name), 'of Ada nothing changed').toBe('ada@practice.example')
  })

  it('a revoked authorisation asks as well, and says that nothing works meanwhile', async () => {
    const name = await connected()
    must(await story.ada.ask('POST', `/api/v1/connections/${name}/revoke`, {}), 200)
    const shown = await again(name, 'grace')
    expect(shown.text).toContain('Do not use it')
    expect(refusal(await story.invoke(name))).toBe('connection_revoked')
    expect((await answer(shown.url, 'new')).status).toBe(303)
    expect(await accountOf(name)).toBe('grace@practice.example')
  })

  it('values of another account, by the API and by the page, are asked about as well', async () => {
    const name = `account_${++serial}`
    const key = await fetch(`${story.practice}/practice/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account: 'grace', parameters: [{ place: 'header', name: 'x-api-key', value: 'graces-own-key-0001' }] }),
    })
    expect(key.ok, await key.text()).toBe(true)
    const described = {
      link_name: name,
      name,
      auth_type: 'api_key',
      parameters: [{ name: 'X-Api-Key', display_name: 'API key' }],
      api_hosts: [story.host],
      advanced: { after_connect: { ...afterConnect, url: `${story.practice}/key/me` } },
    }
    must(await story.ada.ask('POST', '/api/v1/services', described), 201)
    const first = { service: name, name, link_name: name, credentials: { 'X-Api-Key': 'practice-key' } }
    must(await story.ada.ask('POST', '/api/v1/connections', first), 201)
    const credentials = { 'X-Api-Key': 'graces-own-key-0001' }
    const asked = must(await story.ada.ask('POST', `/api/v1/connections/${name}/authorize`, { credentials }), 200).json
    expect(asked.authorization).toMatchObject({ kind: 'redirect', url: expect.stringContaining(`${patchbay.base}/connect/`) })
    expect(await accountOf(name)).toBe('ada@practice.example')
    expect((await answer(asked.authorization.url, 'old')).status).toBe(303)

    const posted = await story.ada.browser.ask(
      'POST',
      `/connect?organization=default&connection=${name}`,
      new URLSearchParams(credentials).toString(),
      form,
    )
    expect(posted.status, posted.text.slice(0, 300)).toBe(303)
    expect(posted.headers.get('location')).toMatch(/^\/connect\/[^/]+\/account$/)
    expect((await answer(posted.headers.get('location') ?? '', 'new')).status).toBe(303)
    expect(await accountOf(name)).toBe('grace@practice.example')
  })
})
