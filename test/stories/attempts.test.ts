import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  callbackOf,
  connect,
  joins,
  must,
  oauth2Definition,
  oauth2Service,
  practice,
  practiceUrl,
  refusal,
  registerClient,
  seen,
  type Member,
} from '../support/practice-services.ts'

interface Attempt {
  readonly outcome: string
  readonly diagnosis: string | null
  readonly started_at: string
  readonly finished_at: string | null
  readonly subject: { readonly id: string }
  readonly steps: readonly {
    readonly step: string
    readonly url?: string
    readonly parameters?: Record<string, string>
    readonly error?: string
  }[]
}

describe.each(['pglite', 'postgres'] as const)('C-8 every authorisation is recorded and diagnosed [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let alice: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    alice = await joins(patchbay, 'Alice')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const attempts = async (linkName: string, member = alice) => {
    const answer = must(await member.ask('GET', `/api/v1/connections/${linkName}/attempts`), 200)
    return { all: answer.json.data as Attempt[], text: answer.text }
  }

  /** Starts and goes through the browser; gives the page on which it ended, and what was recorded. */
  async function tried(linkName: string) {
    const created = must(await alice.ask('POST', '/api/v1/connections', { service: linkName, name: linkName, link_name: linkName }), 201)
    const { url } = created.json.authorization
    const end = await alice.browser.visit(url)
    return {
      url,
      end,
      words: end.text
        .replace(/<[^>]*>/g, ' ')
        .replace(/&quot;|&#34;/g, '"')
        .replace(/&#39;|&#x27;/g, "'"),
      ...(await attempts(linkName)),
    }
  }

  it('one that worked: what was sent and answered, step by step, with every secret masked', async () => {
    const client = await registerClient(patchbay, 'worked')
    must(await alice.ask('POST', '/api/v1/services', oauth2Definition(patchbay, 'worked', client, { scopes: [{ name: 'read' }] })), 201)
    const { url, text, all } = await tried('worked')
    expect(all).toHaveLength(1)
    const [attempt] = all
    expect(attempt).toMatchObject({ outcome: 'connected', diagnosis: null, subject: { id: alice.id } })
    expect(attempt?.steps.map(one => one.step)).toEqual(['authorize', 'callback', 'code_request', 'code_answer'])
    const [left, back, asked] = attempt?.steps ?? []
    expect(left?.url).toMatch(new RegExp(`^${practiceUrl(patchbay)}/oauth2/authorize\\?`))
    expect(left?.parameters).toMatchObject({ redirect_uri: callbackOf(patchbay, 'worked'), scope: 'read' })
    expect(back?.parameters).toMatchObject({ code: '…', state: '…' })
    expect(asked?.parameters).toMatchObject({
      grant_type: 'authorization_code',
      client_id: client.client_id,
      client_secret: '…',
      code: '…',
      code_verifier: '…',
      redirect_uri: callbackOf(patchbay, 'worked'),
    })
    expect(Date.parse(attempt?.finished_at ?? '')).toBeGreaterThanOrEqual(Date.parse(attempt?.started_at ?? ''))
    const sent = new URL(url).searchParams
    for (const secret of [client.client_secret, sent.get('state') ?? '', sent.get('code_challenge') ?? '']) {
      expect(secret.length).toBeGreaterThan(10)
      expect(text).not.toContain(secret)
    }
    // codes, tokens and secrets of the practice service say what they are
    expect(text).not.toMatch(/(?:code|access|refresh|token|secret)_[A-Za-z0-9_-]{32}/)
  })

  it('a wrong client secret: the service’s words, and that id or secret are refused', async () => {
    await oauth2Service(patchbay, 'wrong_secret', { by: alice.ask, rest: { client_secret: 'not-the-secret-7741' } })
    const { end, words, all, text } = await tried('wrong_secret')
    expect(end.status).toBe(502)
    expect(words).toContain('invalid_client')
    expect(words).toContain('refuses the client id or secret')
    expect(all[0]).toMatchObject({ outcome: 'failed', diagnosis: expect.stringContaining('refuses the client id or secret') })
    expect(all[0]?.steps.at(-1)).toMatchObject({ step: 'code_answer', status: 401, error: 'invalid_client' })
    expect(text + end.text).not.toContain('not-the-secret-7741')
    expect(await seen(alice.ask, 'wrong_secret')).toMatchObject({ status: 'authorization_required' })
  })

  it('another redirect URL: both strings, side by side', async () => {
    await oauth2Service(patchbay, 'redirected', { by: alice.ask })
    const other = 'https://other.example/callback'
    const body = { error: 'redirect_uri_mismatch', error_description: `The redirect_uri is registered as ${other}` }
    must(await practice(patchbay, 'POST', '/practice/misbehave', { endpoint: 'token', status: 400, body }), 200)
    const { words, all } = await tried('redirected')
    const diagnosis = all[0]?.diagnosis ?? ''
    expect(diagnosis).toContain(callbackOf(patchbay, 'redirected'))
    expect(diagnosis).toContain(other)
    expect(words).toContain(other)
  })

  it('the service refuses the redirect URL on its own page: the attempt stays open and says what was sent', async () => {
    await oauth2Service(patchbay, 'unregistered', { by: alice.ask, habits: { redirect_uris: ['https://other.example/callback'] } })
    const { end, all } = await tried('unregistered')
    expect([end.status, new URL(end.url).origin]).toEqual([400, practiceUrl(patchbay)])
    expect(all[0]).toMatchObject({ outcome: 'started', finished_at: null })
    expect(all[0]?.steps[0]?.parameters).toMatchObject({ redirect_uri: callbackOf(patchbay, 'unregistered') })
  })

  it('scopes joined by the wrong delimiter: names the delimiter', async () => {
    const scopes = [{ name: 'read' }, { name: 'write' }]
    await oauth2Service(patchbay, 'delimiter', {
      by: alice.ask,
      rest: { scopes, scope_delimiter: 'comma' },
      habits: { scopes: ['read', 'write'] },
    })
    const { end, words, all } = await tried('delimiter')
    expect(end.status).toBe(400)
    expect(all[0]).toMatchObject({ outcome: 'failed', diagnosis: expect.stringMatching(/joined by comma.*delimiter/) })
    expect(words).toContain('joined by comma')
  })

  it('a token endpoint that is a web page: says so', async () => {
    await oauth2Service(patchbay, 'html', { by: alice.ask })
    must(await practice(patchbay, 'POST', '/practice/misbehave', { endpoint: 'token', kind: 'html' }), 200)
    const { all } = await tried('html')
    expect(all[0]?.outcome).toBe('failed')
    expect(all[0]?.diagnosis).toMatch(/HTML page.*Check the access token URL/)
  })

  it('access declined is recorded as that, and can be started again', async () => {
    await oauth2Service(patchbay, 'declined', { by: alice.ask, habits: { auto: 'reject' } })
    const { end, words, all } = await tried('declined')
    expect(end.status).toBe(400)
    expect(words).toContain('declined')
    expect(all[0]).toMatchObject({ outcome: 'declined', diagnosis: null })
    expect(await seen(alice.ask, 'declined')).toMatchObject({ status: 'authorization_required' })
    must(await alice.ask('POST', '/api/v1/connections/declined/authorize'), 200)
    expect((await attempts('declined')).all).toHaveLength(2)
  })

  it('a failed second authorisation leaves the first one working', async () => {
    await oauth2Service(patchbay, 'second', { by: alice.ask })
    await connect(alice, { service: 'second', link_name: 'second' })
    const again = must(await alice.ask('POST', '/api/v1/connections/second/authorize'), 200)
    must(await practice(patchbay, 'POST', '/practice/misbehave', { endpoint: 'token', kind: '500' }), 200)
    expect((await alice.browser.visit(again.json.authorization.url)).status).toBeGreaterThanOrEqual(400)
    expect(await seen(alice.ask, 'second')).toMatchObject({ status: 'connected' })
    expect((await attempts('second')).all.map(one => one.outcome)).toEqual(['failed', 'connected'])
  })

  it('attempts are seen by whom they are about, by the owner and by administrators', async () => {
    await oauth2Service(patchbay, 'whose', { by: alice.ask })
    await connect(alice, { service: 'whose', link_name: 'whose', use_login_user_credentials: true })
    const bob = await joins(patchbay, 'Bob')
    const { url } = must(await bob.ask('POST', '/api/v1/connections/whose/authorize'), 200).json.authorization
    await bob.browser.visit(url)
    expect((await attempts('whose', bob)).all.map(one => one.subject.id)).toEqual([bob.id])
    expect((await attempts('whose', alice)).all).toHaveLength(2)
    expect((await attempts('whose', ada)).all).toHaveLength(2)
    await connect(alice, { service: 'whose', link_name: 'whose_private' })
    expect(refusal(await bob.ask('GET', '/api/v1/connections/whose_private/attempts'))).toBe('connection_not_found')
  })

  it('S-7 the test of a service tells client accepted, client refused, no token endpoint and unreachable apart', async () => {
    const outcome = async (linkName: string, rest: Record<string, unknown>) => {
      await oauth2Service(patchbay, linkName, { by: alice.ask, rest })
      const { json, text } = must(await alice.ask('POST', `/api/v1/services/${linkName}/test`), 200)
      expect(text).not.toMatch(/secret_[A-Za-z0-9_-]{20}|wrong-5519/)
      return json.outcome as string
    }
    expect(await outcome('test_good', {})).toBe('client_accepted')
    expect(await outcome('test_cc', { grant_type: 'client_credentials' })).toBe('client_accepted')
    expect(await outcome('test_secret', { client_secret: 'wrong-5519' })).toBe('client_refused')
    expect(await outcome('test_page', { access_token_url: `${practiceUrl(patchbay)}/` })).toBe('not_a_token_endpoint')
    expect(await outcome('test_404', { access_token_url: `${practiceUrl(patchbay)}/nothing/here` })).toBe('not_a_token_endpoint')
    await practice(patchbay, 'POST', '/practice/misbehave', { endpoint: 'token', kind: 'reset' })
    expect(await outcome('test_reset', {})).toBe('host_unreachable')
  })
})
