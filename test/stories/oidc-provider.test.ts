import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startOidcProvider, type OidcProvider } from '../support/oidc.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

describe.each(['pglite', 'postgres'] as const)('S-4 OAuth 2 against a provider that somebody else wrote [%s]', database => {
  let provider: OidcProvider
  let patchbay: TestPatchbay
  let story: OAuthStory
  let serial = 0
  beforeAll(async () => {
    provider = await startOidcProvider()
    patchbay = await startPatchbay({
      database,
      settings: {
        PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${provider.port}`,
        PATCHBAY_ALLOW_INSECURE_HTTP: provider.host,
      },
    })
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await provider.close()
  })
  beforeEach(() => {
    provider.seen.clear()
    provider.delayMs = 0
  })

  const service = async (advanced: Record<string, unknown> = {}, client: Record<string, unknown> = {}) => {
    const name = `oidc_${++serial}`
    const registered = await provider.register(`${patchbay.base}/oauth/callback/default/${name}`, {
      token_endpoint_auth_method: 'client_secret_post',
      ...client,
    })
    const created = await story.ada.ask('POST', '/api/v1/services', {
      link_name: name,
      name,
      auth_type: 'oauth2',
      client_id: registered.client_id,
      client_secret: registered.client_secret,
      authorize_url: `${provider.issuer}/auth`,
      access_token_url: `${provider.issuer}/token`,
      revoke_token_url: `${provider.issuer}/token/revocation`,
      scopes: ['openid', 'files.read', 'offline_access'].map(scope => ({ name: scope, description: '' })),
      scope_delimiter: 'space',
      advanced: { issuer: provider.issuer, authorize_params: { prompt: 'consent' }, ...advanced },
    })
    expect(created.status, created.text).toBe(201)
    return name
  }
  const begin = (name: string) => story.begin(name, name, { scopes: ['openid', 'files.read', 'offline_access'] })
  const connect = async (name: string) => {
    const landed = await story.ada.browser.visit(await begin(name))
    expect(landed.url, landed.text).toBe(`${patchbay.base}/connections/${name}`)
    expect(await story.connection(name)).toMatchObject({ status: 'connected', has_refresh_token: true })
    return name
  }
  const call = (name: string) => story.ada.ask('POST', '/api/v1/invoke', { connection: name, url: `${provider.issuer}/me` })
  const expectServed = async (name: string, callers = 1) => {
    const answers = await Promise.all(Array.from({ length: callers }, () => call(name)))
    for (const one of answers) expect([one.json.status_code, one.json.body], one.text).toEqual([200, { sub: 'ada' }])
  }

  it.each([
    ['client_secret_post', {}],
    ['client_secret_basic', { client_authentication: 'basic_form_encoded' }],
  ])('connects, calls, refreshes and revokes with %s', async (method, advanced) => {
    const name = await connect(await service(advanced, { token_endpoint_auth_method: method }))
    expect((await story.connection(name)).granted_scopes).toEqual(['openid', 'files.read', 'offline_access'])
    await expectServed(name)
    await story.endsIn(name, -1)
    await expectServed(name)
    expect(Object.fromEntries(provider.seen)).toEqual({ 'authorization_code ok': 1, 'refresh_token ok': 1 })

    const token = await story.ada.ask('POST', `/api/v1/connections/${name}/revoke`, {})
    expect(token.json.revoked_at_provider).toBe('pending')
    await expect.poll(async () => (await story.connection(name)).revoked_at_provider, { timeout: 10_000 }).toBe('yes')
    expect(provider.grantsRevoked()).toBe(1)
  })

  it('is renewed once for 40 callers, again and again, and never trips the reuse detection', async () => {
    const name = await connect(await service())
    provider.delayMs = 300
    for (const round of [1, 2, 3]) {
      await story.endsIn(name, -1)
      await expectServed(name, 40)
      expect(provider.seen.get('refresh_token ok')).toBe(round)
    }
    expect(provider.grantsRevoked()).toBe(0)
    expect(provider.seen.get('refresh_token invalid_grant')).toBeUndefined()
  })

  it('without PKCE this provider refuses to begin, and the page says what it said', async () => {
    const name = await service({ pkce: 'off' })
    const landed = await story.ada.browser.visit(await begin(name))
    expect(landed.status).toBe(400)
    expect(landed.text).toMatch(/PKCE/)
    expect(provider.seen.size).toBe(0)
    expect((await story.connection(name)).status).toBe('authorization_required')
  })

  it('a code is worth nothing to whoever has not its verifier', async () => {
    const name = await service()
    const callback = new URL(await visitUntilCallback(await begin(name)))
    const stolen = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: callback.searchParams.get('code') ?? '',
        redirect_uri: `${patchbay.base}/oauth/callback/default/${name}`,
        client_id: 'somebody',
      }),
    })
    expect(stolen.status).toBeGreaterThanOrEqual(400)
    expect(callback.searchParams.get('iss')).toBe(provider.issuer)
    callback.searchParams.set('iss', `${provider.issuer}/`)
    expect((await story.ada.browser.ask('GET', callback.href)).status).toBe(400)
    callback.searchParams.set('iss', provider.issuer)
    expect((await story.ada.browser.ask('GET', callback.href)).status).toBe(303)
    await expectServed(name)
  })

  it('a wrong client secret is told apart: client_invalid, and the connection begins nowhere', async () => {
    const name = await service()
    const edited = await story.ada.ask('PATCH', `/api/v1/services/${name}`, { client_secret: 'wrong' })
    expect(edited.status, edited.text).toBe(200)
    const landed = await story.ada.browser.visit(await begin(name))
    expect(landed.status).toBe(502)
    expect(Object.fromEntries(provider.seen)).toEqual({ 'authorization_code invalid_client': 1 })
    const test = await story.ada.ask('POST', `/api/v1/services/${name}/test`, {})
    expect([test.status, test.json]).toMatchObject([200, { outcome: 'client_refused' }])
  })

  it('an answer that is lost after it rotated is found out and named; the used token is shown once, not again and again', async () => {
    const name = await connect(await service())
    await story.endsIn(name, -1)
    provider.loseAnswer = true
    expect((await call(name)).json.code).toBe('token_refresh_unavailable')
    await story.noPause(name)
    const second = await call(name)
    expect([second.json.code, second.json.reason]).toEqual(['reauthorization_required', 'lost_rotation'])
    await call(name)
    const { 'refresh_token ok': ok, 'refresh_token invalid_grant': refused } = Object.fromEntries(provider.seen)
    expect([ok, refused, provider.grantsRevoked()]).toEqual([1, 1, 1])
  })

  it('a consent that was withdrawn there is reauthorization_required here', async () => {
    const name = await connect(await service())
    await provider.withdraw()
    const answer = await call(name)
    expect([answer.json.code, answer.json.reason], answer.text).toEqual(['reauthorization_required', 'revoked_by_provider'])
    expect(provider.seen.get('refresh_token invalid_grant')).toBe(1)
  })

  /** The redirects of the provider's own pages, by hand, up to and without ours. */
  async function visitUntilCallback(url: string): Promise<string> {
    for (let here = url, hop = 0; hop < 20; hop++) {
      const next = new URL(await story.toCallback(story.ada.browser, here), here).href
      if (next.startsWith(`${patchbay.base}/oauth/callback/`)) return next
      here = next
    }
    throw new Error('a redirect loop')
  }
})
