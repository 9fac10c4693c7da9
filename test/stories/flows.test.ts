import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startOAuthStory, type Member, type OAuthStory } from '../support/oauth-story.ts'
import { adminPassword, startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'

const page = { accept: 'text/html' }
const form = { ...page, 'content-type': 'application/x-www-form-urlencoded' }
const linkTo = (answer: Answer, part: string): string =>
  [...answer.text.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&')).find(href => href.includes(part)) ?? ''

describe.each(['pglite', 'postgres'] as const)('C-7 flows, their links and their pages [%s]', database => {
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

  const next = () => `flow_${++serial}`
  const keyService = async () => {
    const name = next()
    const created = await story.ada.ask('POST', '/api/v1/services', {
      link_name: name,
      name,
      auth_type: 'api_key',
      parameters: [{ name: 'X-Api-Key', display_name: 'API key' }],
      api_hosts: [story.host],
      advanced: { test_url: `${story.practice}/key/me` },
    })
    expect(created.status, created.text).toBe(201)
    expect((await story.ada.ask('POST', '/api/v1/connections', { service: name, name, link_name: name })).status).toBe(201)
    return name
  }
  const connectUrl = async (name: string, member = story.ada): Promise<string> => {
    const answer = await member.ask('POST', '/api/v1/invoke', { connection: name, url: `${story.practice}/key/me` })
    expect([answer.status, answer.json.code]).toEqual([409, 'authorization_required'])
    return answer.json.connect_url as string
  }

  it('each service has a redirect URL of its own, which is what the service is told', async () => {
    const urls = await Promise.all(
      [await story.service(next()), await story.service(next())].map(async name => {
        const service = await story.ada.ask('GET', `/api/v1/services/${name}`)
        const asked = new URL(await story.begin(name, name)).searchParams
        expect(service.json.redirect_url).toBe(`${patchbay.base}/oauth/callback/default/${name}`)
        expect(asked.get('redirect_uri')).toBe(service.json.redirect_url)
        expect(asked.get('state')).toMatch(/^[A-Za-z0-9_-]{43}$/)
        expect([asked.get('response_type'), asked.get('code_challenge_method')]).toEqual(['code', 'S256'])
        return service.json.redirect_url as string
      }),
    )
    expect(new Set(urls).size).toBe(2)
  })

  it('state, cookie and verifier are stored as hashes or sealed, never as they are', async () => {
    const name = await story.service(next())
    const state = new URL(await story.begin(name, name)).searchParams.get('state') ?? ''
    const rows = await sql<{ row: string; state_hash: string }>`select p::text as row, state_hash from pending_authorizations p
      where connection_id = (select id from connections where link_name = ${name})`.execute(patchbay.broker.db)
    expect(rows.rows).toHaveLength(1)
    const [{ row, state_hash } = { row: '', state_hash: '' }] = rows.rows
    expect(state_hash).toBe(createHash('sha256').update(state).digest('base64url'))
    const cookies = [...story.ada.browser.cookies].filter(([key]) => key.startsWith('patchbay_flow_')).map(([, value]) => value)
    expect(cookies.length).toBeGreaterThan(0)
    for (const secret of [state, ...cookies]) expect(row).not.toContain(secret)
  })

  it('started with an API key it goes by a page of ours, and only for the key’s member', async () => {
    const name = await story.service(next())
    const created = await story.ada.ask('POST', '/api/v1/connections', {
      service: name,
      name,
      link_name: name,
      scopes: ['files.read'],
      return_to: '/connections/' + name + '?from=flow',
    })
    expect(created.headers.getSetCookie()).toEqual([])
    const { url } = created.json.authorization as { url: string }
    expect((await patchbay.nobody('GET', url, undefined, page)).headers.get('location')).toMatch(/^\/sign-in\?return_to=%2Fconnect%2F/)

    const shown = await story.ada.browser.ask('GET', url, undefined, page)
    expect(shown.status).toBe(200)
    for (const word of ['ada', 'Default', name, story.host, 'files.read']) expect(shown.text).toContain(word)
    expect((await story.counters()).authorize, 'looking at the page starts nothing').toEqual({})
    const onward = linkTo(shown, '/continue')
    const foreign = await story.ada.browser.ask('GET', onward, undefined, { ...page, 'sec-fetch-site': 'cross-site' })
    expect(foreign.status).toBe(403)
    expect((await bob.browser.ask('GET', onward, undefined, page)).status).toBe(403)

    const landed = await story.ada.browser.visit(onward)
    expect(landed.url).toBe(`${patchbay.base}/connections/${name}?from=flow`)
    expect((await story.connection(name)).status).toBe('connected')
    expect((await story.ada.browser.ask('GET', url, undefined, page)).status, 'the page is used up').toBe(400)
    expect((await story.counters()).token_requests).toBe(1)
  })

  it('a page /connect/{flow} is over after ten minutes', async () => {
    const name = await story.service(next())
    const created = await story.ada.ask('POST', '/api/v1/connections', { service: name, name, link_name: name })
    const { url } = created.json.authorization as { url: string }
    await sql`update pending_authorizations set expires_at = now() - interval '1 second'`.execute(patchbay.broker.db)
    for (const late of [url, `${url}/continue`]) expect((await story.ada.browser.ask('GET', late, undefined, page)).status).toBe(400)
    expect((await story.counters()).authorize).toEqual({})
  })

  it('connect_url is a standing link for one person: others are refused, and it works more than once', async () => {
    const name = await story.service(next())
    await story.begin(name, name)
    const link = await connectUrl(name)
    const wanted = new URLSearchParams({ organization: 'default', connection: name, for: story.ada.id })
    expect(link).toBe(`${patchbay.base}/connect?${wanted.toString()}`)
    const wrong = await bob.browser.ask('GET', link, undefined, page)
    expect(wrong.status).toBe(403)
    expect(wrong.text).not.toContain('oauth2/authorize')
    expect((await patchbay.nobody('GET', link, undefined, page)).headers.get('location')).toMatch(/^\/sign-in\?return_to=%2Fconnect%3F/)

    for (const round of [1, 2]) {
      const shown = await story.ada.browser.visit(link)
      expect([shown.status, shown.url]).toEqual([200, link])
      expect((await story.ada.browser.visit(linkTo(shown, '/oauth2/authorize'))).url).toBe(`${patchbay.base}/connections/${name}`)
      expect((await story.counters()).token.authorization_code).toEqual({ ok: round })
    }
    expect((await story.invoke(name)).json.status_code).toBe(200)
  })

  it('connect_url of another person’s private connection, or of none, looks the same', async () => {
    const name = await story.service(next())
    await story.begin(name, name)
    const links = [name, 'there_is_none'].map(one => `/connect?organization=default&connection=${one}`)
    const answers = await Promise.all(links.map(link => bob.browser.ask('GET', link, undefined, page)))
    expect(answers.map(one => one.status)).toEqual([404, 404])
  })

  it.each(['/connect', '/connect?connection=a', '/connect?organization=default&connection=a&connection=b'])(
    '%s is a bad request',
    async path => {
      const answer = await story.ada.browser.ask('GET', path, undefined, page)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
    },
  )

  it('values are typed into a page of ours: the service tries them, and they are shown to nobody', async () => {
    const name = await keyService()
    const link = await connectUrl(name)
    const shown = await story.ada.browser.visit(link)
    const action = /action="(\/connect[^"]*)"/.exec(shown.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect(shown.text).toContain('type="password"')
    const post = (fields: Record<string, string>, headers = {}, browser = story.ada.browser) =>
      browser.ask('POST', action, new URLSearchParams(fields).toString(), { ...form, ...headers })

    expect((await post({ 'X-Api-Key': 'practice-key' }, { origin: 'https://evil.test' })).status).toBe(403)
    expect((await post({ 'X-Api-Key': 'practice-key' }, { origin: 'null' })).status).toBe(403)
    expect((await post({ 'X-Api-Key': 'practice-key' }, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' })).status).toBe(403)
    expect((await story.connection(name)).status, 'a form of somebody else’s page changes nothing').toBe('authorization_required')
    const his = await post({ 'X-Api-Key': 'practice-key' }, {}, bob.browser)
    expect(his.status).toBeGreaterThanOrEqual(400)

    const empty = await post({ 'X-Api-Key': '' })
    expect([empty.status, empty.headers.get('content-type')]).toEqual([422, 'text/html; charset=utf-8'])
    const wrong = await post({ 'X-Api-Key': 'a-wrong-key-value' })
    expect(wrong.status).toBe(422)
    expect(wrong.text).toContain('did not accept')
    expect(wrong.text).not.toContain('a-wrong-key-value')
    expect((await story.connection(name)).status).toBe('authorization_required')

    const right = await post({ 'X-Api-Key': 'practice-key' })
    expect([right.status, right.headers.get('location')]).toEqual([303, `/connections/${name}`])
    expect((await story.connection(name)).status).toBe('connected')
    const called = await story.invoke(name, '/key/echo')
    expect([called.json.status_code, called.json.body.via]).toEqual([200, 'key'])
    expect(patchbay.logged.join('')).not.toContain('a-wrong-key-value')
  })

  it('signed out at the callback: the sign-in page leads back, however long the service’s answer is', async () => {
    for (const extra of ['', ['session_state', 'user', 'more'].map(name => `&${name}=${'s'.repeat(3000)}`).join('')]) {
      const name = await story.service(next())
      const { browser } = story.ada
      const callback = (await story.toCallback(browser, await story.begin(name, name))) + extra
      await browser.ask('POST', '/api/auth/sign-out', {})
      const asked = await browser.ask('GET', callback, undefined, page)
      const shown = await browser.visit(asked.headers.get('location') ?? '')
      expect(shown.status).toBe(200)
      const back = /name="return_to"[^>]*value="([^"]*)"/.exec(shown.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
      expect(patchbay.base + back).toBe(callback)
      const fields = new URLSearchParams({ email: story.ada.email, password: adminPassword, return_to: back })
      const signedIn = await browser.ask('POST', '/sign-in', fields.toString(), form)
      expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, back])
      expect((await browser.visit(back)).url).toBe(`${patchbay.base}/connections/${name}`)
    }
  })

  it.each([
    'https://evil.test',
    '//evil.test',
    '/\\evil.test',
    '/%09/evil.test',
    '/%2f/evil.test',
    'javascript:alert(1)',
    'x',
    '/a\n/b',
    '',
  ])('X08 27 return_to %j is refused when the flow is started, and ignored by the sign-in page', async returnTo => {
    const name = await story.service(next())
    const given = { service: name, name, link_name: name, return_to: returnTo }
    expect((await story.ada.browser.ask('POST', '/api/v1/connections', given)).status).toBe(422)
    const signIn = `/sign-in?${new URLSearchParams({ return_to: returnTo }).toString()}`
    expect((await story.ada.browser.ask('GET', signIn, undefined, page)).headers.get('location')).toBe('/')
  })

  it('X08 33 OAuth 1: what does not belong to the flow leaves it alone, a refusal ends it, and the right answer connects', async () => {
    const described = async () => {
      const name = next()
      const created = await story.ada.ask('POST', '/api/v1/services', {
        link_name: name,
        name,
        auth_type: 'oauth1',
        client_id: 'practice-consumer',
        client_secret: 'practice-consumer-secret',
        request_token_url: `${story.practice}/oauth1/request_token`,
        authorize_url: `${story.practice}/oauth1/authorize?auto=accept`,
        access_token_url: `${story.practice}/oauth1/access_token`,
      })
      expect(created.status, created.text).toBe(201)
      const url = await story.begin(name, name, { scopes: [] })
      return { name, callback: new URL(await story.toCallback(story.ada.browser, url)) }
    }
    const tokens = async () => (await story.counters()).oauth1.access_token ?? {}
    const visit = async (callback: URL, change: (query: URLSearchParams) => void) => {
      const changed = new URL(callback)
      change(changed.searchParams)
      return (await story.ada.browser.ask('GET', changed.href)).status
    }

    const { name, callback } = await described()
    expect(await visit(callback, query => query.set('oauth_token', 'other'))).toBe(400)
    expect(await visit(callback, query => query.delete('oauth_token'))).toBe(400)
    expect(await visit(callback, query => query.delete('oauth_verifier'))).toBe(400)
    expect(await visit(callback, query => query.append('oauth_verifier', 'again'))).toBe(400)
    expect(await tokens()).toEqual({})
    expect(await visit(callback, () => {})).toBe(303)
    expect(await visit(callback, () => {}), 'a replay').toBe(400)
    expect(await tokens()).toEqual({ ok: 1 })
    expect((await story.invoke(name, '/oauth1/echo')).json.body.via).toBe('oauth1')

    const denied = await described()
    expect(await visit(denied.callback, query => query.set('denied', query.get('oauth_token') ?? ''))).toBe(400)
    expect(await visit(denied.callback, () => {})).toBe(400)
    expect((await story.connection(denied.name)).status).toBe('authorization_required')
  })
})
