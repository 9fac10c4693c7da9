import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startOAuthStory, type Member, type OAuthStory } from '../support/oauth-story.ts'
import { adminPassword, startPatchbay, type Answer, type Browser, type TestPatchbay } from '../support/patchbay.ts'

describe.each(['pglite', 'postgres'] as const)(
  'X06 and X07: a flow is finished by whoever started it, where it was started [%s]',
  database => {
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

    const started = async () => {
      const name = await story.service(`fix_${++serial}`)
      return { name, url: await story.begin(name, name) }
    }
    const page = { accept: 'text/html' }
    const tokenRequests = async () => (await story.counters()).token_requests
    const expectUntouched = async (name: string) => {
      expect(await tokenRequests()).toBe(0)
      expect((await story.connection(name)).status).toBe('authorization_required')
    }
    const expectFinishable = async (callback: string, name: string) => {
      expect((await story.ada.browser.ask('GET', callback)).status, 'the flow is still its person’s').toBe(303)
      expect((await story.connection(name)).status).toBe('connected')
    }
    const refused = (answer: Answer) => {
      expect(answer.status, answer.text.slice(0, 400)).toBe(403)
      expect(answer.headers.get('content-type')).toContain('text/html')
    }
    const signIn = (browser: Browser, email: string, returnTo: string) =>
      browser.ask('POST', '/sign-in', new URLSearchParams({ email, password: adminPassword, return_to: returnTo }).toString(), {
        ...page,
        'content-type': 'application/x-www-form-urlencoded',
      })
    const audited = async (action: string, name: string) => {
      const audit = await story.ada.ask('GET', '/api/v1/audit?limit=100')
      return (audit.json.data as { action: string; actor: { name: string } | string; object: string; outcome: string }[]).filter(
        row => row.action === action && (row.object.includes(name) || row.object.startsWith('flow:')),
      )
    }

    it('06.1 Ada starts, Bob follows her link: 403, no code is exchanged, it is audited, and Ada can still finish', async () => {
      const { name, url } = await started()
      const landed = await bob.browser.visit(url)
      refused(landed)
      expect(new URL(landed.url).pathname).toBe(`/oauth/callback/default/${name}`)
      await expectUntouched(name)
      expect((await audited('connection.flow_user_mismatch', name))[0]).toMatchObject({ outcome: 'refused' })
      await expectFinishable(landed.url, name)
    })

    it('06.1 not even with Ada’s flow cookie in Bob’s browser', async () => {
      const { name, url } = await started()
      for (const [key, value] of story.ada.browser.cookies) if (key.startsWith('patchbay_flow_')) bob.browser.cookies.set(key, value)
      refused(await bob.browser.visit(url))
      await expectUntouched(name)
    })

    it('06.2 with nobody signed in it asks to sign in; as Bob it is refused', async () => {
      const { name, url } = await started()
      const browser = patchbay.browser()
      const callback = await story.toCallback(browser, url)
      const asked = await browser.ask('GET', callback, undefined, page)
      const location = asked.headers.get('location') ?? ''
      expect([asked.status, location.startsWith('/sign-in?')]).toEqual([303, true])
      const back = new URL(location, patchbay.base).searchParams.get('return_to') ?? ''
      const signedIn = await signIn(browser, bob.email, back)
      expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, back])
      refused(await browser.visit(back))
      await expectUntouched(name)
      await expectFinishable(callback, name)
    })

    it('06.3 the same person in another browser is refused, and offered to start again', async () => {
      const { name, url } = await started()
      const other = patchbay.browser()
      await other.signIn(story.ada.email, adminPassword)
      const landed = await other.visit(url)
      refused(landed)
      expect(landed.text).toMatch(/another browser|other browser/i)
      await expectUntouched(name)
      await expectFinishable(landed.url, name)
    })

    it('06.4 a page /connect/{flow} that leaked shows Bob nothing and leads him nowhere', async () => {
      const name = await story.service(`fix_${++serial}`)
      const created = await story.ada.ask('POST', '/api/v1/connections', { service: name, name, link_name: name })
      const { url } = created.json.authorization as { url: string }
      expect(url).toMatch(new RegExp(`^${patchbay.base}/connect/[A-Za-z0-9_-]{20,}$`))
      for (const leaked of [url, `${url}/continue`]) {
        const answer = await bob.browser.ask('GET', leaked, undefined, page)
        refused(answer)
        expect(answer.headers.get('location')).toBeNull()
        expect(answer.text).not.toContain(name)
      }
      expect((await story.counters()).authorize).toEqual({})
    })

    it('06.5 signing in again as the same person in the middle does no harm', async () => {
      const { name, url } = await started()
      const callback = await story.toCallback(story.ada.browser, url)
      await story.ada.browser.signIn(story.ada.email, adminPassword)
      await expectFinishable(callback, name)
    })

    it('06.6 signed out in the middle: nothing is redeemed until the same person is back, in the same browser', async () => {
      const { name, url } = await started()
      const { browser } = story.ada
      const callback = await story.toCallback(browser, url)
      expect((await browser.ask('POST', '/api/auth/sign-out', {})).status).toBe(200)
      expect((await browser.ask('GET', callback, undefined, page)).headers.get('location')).toMatch(/^\/sign-in\?/)
      await expectUntouched(name)
      await browser.signIn(story.ada.email, adminPassword)
      await expectFinishable(callback, name)
    })

    it('06.7 switching the organisation in the middle: the token lands where the flow began', async () => {
      const slug = `branch-${++serial}`
      expect((await story.ada.ask('POST', '/api/v1/organizations', { name: 'Branch', slug })).status).toBe(201)
      const { name, url } = await started()
      const { browser } = story.ada
      const callback = await story.toCallback(browser, url)
      expect((await browser.ask('PUT', '/api/v1/me/organization', { slug })).status).toBe(200)
      expect((await browser.ask('GET', callback)).status).toBe(303)
      expect((await browser.ask('GET', '/api/v1/connections')).json.data, 'the other organisation has none').toEqual([])
      expect((await browser.ask('PUT', '/api/v1/me/organization', { slug: 'default' })).status).toBe(200)
      expect((await story.connection(name)).status).toBe('connected')
    })

    it('06.8 Bob’s flow for a connection with login-user credentials is Bob’s alone', async () => {
      const name = await story.service(`fix_${++serial}`)
      await story.begin(name, name, { use_login_user_credentials: true, access: 'organization' })
      const missing = await bob.ask('POST', '/api/v1/invoke', { connection: name, url: `${story.practice}/api/me` })
      expect([missing.status, missing.json.code]).toEqual([409, 'authorization_required'])
      expect(missing.json.connect_url).toContain(`for=${bob.id}`)
      const begun = await bob.browser.ask('POST', `/api/v1/connections/${name}/authorize`, {})
      const url = new URL(begun.json.authorization.url as string)
      url.searchParams.set('account', 'grace')
      expect((await bob.browser.visit(url.href)).url).toBe(`${patchbay.base}/connections/${name}`)

      const his = await bob.ask('POST', '/api/v1/invoke', { connection: name, url: `${story.practice}/api/me` })
      expect(his.json.body).toMatchObject({ id: 'grace' })
      expect((await story.connection(name)).status).toBe('authorization_required')
      const hers = await story.invoke(name, '/api/me')
      expect([hers.status, hers.json.code]).toEqual([409, 'authorization_required'])
      expect(hers.json.connect_url).toContain(`for=${story.ada.id}`)
    })

    it('07.1 an answer that arrives at another service’s redirect URL is a mix-up: no code is sent anywhere', async () => {
      const { name, url } = await started()
      const honest = await story.service(`fix_${++serial}`)
      const callback = await story.toCallback(story.ada.browser, url)
      const mixed = callback.replace(`/default/${name}?`, `/default/${honest}?`)
      const answer = await story.ada.browser.ask('GET', mixed, undefined, page)
      expect(answer.status).toBe(400)
      expect(answer.text).toMatch(/does not belong/)
      await expectUntouched(name)
      await expectFinishable(callback, name)
    })

    it('07.3 somebody else’s code with Ada’s state fails at the service: PKCE binds the code to its start', async () => {
      const { name, url } = await started()
      const theirs = await story.begin(name, `${name}_theirs`)
      const attackers = new URL(theirs)
      attackers.searchParams.set('account', 'grace')
      const code = new URL(await story.toCallback(patchbay.browser(), attackers.href)).searchParams.get('code') ?? ''
      const callback = new URL(await story.toCallback(story.ada.browser, url))
      callback.searchParams.set('code', code)
      const landed = await story.ada.browser.visit(callback.href)
      expect(landed.status).toBeGreaterThanOrEqual(400)
      expect((await story.counters()).token.authorization_code).toEqual({ invalid_grant: 1 })
      expect((await story.connection(name)).status).toBe('authorization_required')
      expect((await story.connection(`${name}_theirs`)).status).toBe('authorization_required')
    })

    it('07.4 the issuer is compared character by character where the service names one', async () => {
      const issuer = story.practice
      const name = await story.service(`fix_${++serial}`, { habits: { iss: true }, advanced: { issuer } })
      const callback = new URL(await story.toCallback(story.ada.browser, await story.begin(name, name)))
      expect(callback.searchParams.get('iss')).toBe(issuer)
      // of another service that is configured here as well, too
      const other = 'https://other.issuer.test'
      await story.service(`fix_${++serial}`, { advanced: { issuer: other } })
      const wrong = [
        `${issuer}/`,
        issuer.toUpperCase(),
        issuer.replace('http:', 'https:'),
        'http://evil.test',
        other,
        ` ${issuer}`,
        '',
        null,
      ]
      for (const iss of wrong) {
        const spoilt = new URL(callback)
        if (iss === null) spoilt.searchParams.delete('iss')
        else spoilt.searchParams.set('iss', iss)
        expect((await story.ada.browser.ask('GET', spoilt.href)).status, String(iss)).toBe(400)
      }
      expect((await story.ada.browser.ask('GET', `${callback.href}&iss=${encodeURIComponent(issuer)}`)).status, 'twice').toBe(400)
      const refusal = new URL(callback)
      refusal.searchParams.delete('code')
      refusal.searchParams.set('error', 'access_denied')
      refusal.searchParams.set('iss', other)
      expect((await story.ada.browser.ask('GET', refusal.href)).status, 'a refusal of somebody else').toBe(400)
      await expectUntouched(name)
      await expectFinishable(callback.href, name)
    })

    it('07.4 a service that names no issuer is answered with or without one', async () => {
      for (const habits of [{}, { iss: true }]) {
        const name = await story.service(`fix_${++serial}`, { habits })
        const callback = new URL(await story.toCallback(story.ada.browser, await story.begin(name, name)))
        expect(callback.searchParams.get('iss')).toBe('iss' in habits ? story.practice : null)
        await expectFinishable(callback.href, name)
      }
    })

    it('07.2 the redirect URL of one service is none of another’s: a provider that compares refuses it', async () => {
      const { url } = await started()
      const { name: honest, url: honestUrl } = await started()
      const mixed = new URL(url)
      // the malicious service forwards the browser to the honest one, with its client and the redirect URL and state of its own flow
      mixed.searchParams.set('client_id', new URL(honestUrl).searchParams.get('client_id') ?? '')
      const answer = await story.ada.browser.ask('GET', mixed.href, undefined, page)
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
      await expectUntouched(honest)
    })
  },
)
