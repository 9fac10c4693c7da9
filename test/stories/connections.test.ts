import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  basicDefinition,
  call,
  connect,
  counters,
  echo,
  joins,
  keyDefinition,
  must,
  oauth2Service,
  practiceHost,
  practiceUrl,
  refusal,
  revocations,
  seen,
  until,
  walk,
  type Member,
} from '../support/practice-services.ts'

describe.each(['pglite', 'postgres'] as const)('connections [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let alice: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    alice = await joins(patchbay, 'Alice')
    const definition = basicDefinition(patchbay, 'basic', { advanced: { test_url: `${practiceUrl(patchbay)}/basic/me` } })
    must(await alice.ask('POST', '/api/v1/services', definition), 201)
    must(await alice.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'key')), 201)
    await oauth2Service(patchbay, 'code', { by: alice.ask, rest: { scopes: ['read', 'write', 'admin'].map(name => ({ name })) } })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const at = (linkName: string) => `/api/v1/connections/${linkName}`
  const good = { username: 'practice', password: 'practice-password' }
  const basicBody = (linkName: string, credentials: unknown = good) => ({
    service: 'basic',
    name: linkName,
    link_name: linkName,
    credentials,
  })
  const count = async (ask: Asker) => (must(await ask('GET', '/api/v1/connections?limit=100'), 200).json.data as unknown[]).length

  it('C-1 fields: created first and filled in later, or both in one call', async () => {
    const later = must(await alice.ask('POST', '/api/v1/connections', { service: 'key', name: 'Later', link_name: 'c1_later' }), 201)
    expect(later.json.connection).toMatchObject({ status: 'authorization_required', account: null, granted_scopes: null })
    expect(later.json.authorization.kind).toBe('fields')
    const credentials = { 'X-Api-Key': 'practice-key' }
    must(await alice.ask('POST', `${at('c1_later')}/authorize`, { credentials }), 200)
    const both = { service: 'key', name: 'Both', link_name: 'c1_both', credentials }
    const created = must(await alice.ask('POST', '/api/v1/connections', both), 201)
    expect(created.json).toMatchObject({ connection: { status: 'connected' }, authorization: { kind: 'none' } })
    for (const linkName of ['c1_later', 'c1_both']) await echo(patchbay, alice.ask, linkName, '/key/echo')
    for (const answer of [created, await alice.ask('GET', at('c1_both')), await ada.ask('GET', `${at('c1_both')}/authorizations`)])
      expect(answer.text).not.toContain('practice-key')
  })

  it('C-1 redirect: the service’s own page in a browser; with an API key a page of ours for exactly that member', async () => {
    const before = await counters(patchbay)
    const shown = await connect(alice, { service: 'code', link_name: 'c1_redirect' })
    expect(shown).toMatchObject({
      status: 'connected',
      view: 'own',
      owner: { id: alice.id, name: 'Alice' },
      service: { link_name: 'code', kind: 'custom', auth_type: 'oauth2' },
      scopes: ['read', 'write', 'admin'],
      granted_scopes: ['read', 'write', 'admin'],
      use_login_user_credentials: false,
      variables: {},
      api_hosts: [practiceHost(patchbay)],
      hosts_to_confirm: [],
      has_refresh_token: true,
      status_reason: null,
      status_action: null,
      warnings: [],
    })
    expect(new Date(String(shown['expires_at'])).getTime()).toBeGreaterThan(Date.now() + 3_000_000)
    expect((await counters(patchbay)).token_requests).toBe(before.token_requests + 1)
    const { key } = must(await alice.ask('POST', '/api/v1/api-keys', { name: 'program' }), 201).json
    const byKey = await patchbay.withKey(key)('POST', '/api/v1/connections', { service: 'code', name: 'By key', link_name: 'c1_bykey' })
    expect(must(byKey, 201).json.authorization.url).toMatch(new RegExp(`^${patchbay.base}/connect/[A-Za-z0-9_-]+$`))
  })

  it('C-1 none: client credentials are fetched at once; what the service refuses is told, and nothing is stored', async () => {
    await oauth2Service(patchbay, 'c1_cc', { by: alice.ask, rest: { grant_type: 'client_credentials' } })
    const body = { service: 'c1_cc', name: 'Machine', link_name: 'c1_machine' }
    const created = must(await alice.ask('POST', '/api/v1/connections', body), 201)
    expect(created.json).toMatchObject({ connection: { status: 'connected' }, authorization: { kind: 'none' } })
    await echo(patchbay, alice.ask, 'c1_machine', '/api/echo')

    await oauth2Service(patchbay, 'c1_ccwrong', { by: alice.ask, rest: { grant_type: 'client_credentials', client_secret: 'not-it-5512' } })
    const refused = await alice.ask('POST', '/api/v1/connections', { ...body, service: 'c1_ccwrong', link_name: 'c1_refused' })
    expect([refused.status, refused.json.code]).toEqual([502, 'client_invalid'])
    expect(refused.text).not.toContain('not-it-5512')
    expect(refusal(await alice.ask('GET', at('c1_refused')))).toBe('connection_not_found')
  })

  it('C-1 values that the service’s test call refuses are told, nothing is stored, and the corrected call works', async () => {
    const before = await count(alice.ask)
    const refused = await alice.ask('POST', '/api/v1/connections', basicBody('c1_values', { username: 'practice', password: 'wrong-9917' }))
    expect([refused.status, refused.json.code, refused.json.provider_status]).toEqual([422, 'credentials_refused', 401])
    expect(refused.text).not.toContain('wrong-9917')
    expect(refusal(await alice.ask('GET', at('c1_values')))).toBe('connection_not_found')
    expect(await count(alice.ask)).toBe(before)
    must(await alice.ask('POST', '/api/v1/connections', basicBody('c1_values')), 201)
    // a second try with wrong values leaves what works as it is
    const again = await alice.ask('POST', `${at('c1_values')}/authorize`, { credentials: { username: 'practice', password: 'wrong-9917' } })
    expect(refusal(again)).toBe('credentials_refused')
    await echo(patchbay, alice.ask, 'c1_values', '/basic/echo')
  })

  it('C-2 several connections of one service, link names unique in the organisation and fixed, names as people write them', async () => {
    const bob = await joins(patchbay, 'Bob')
    for (const linkName of ['c2_one', 'c2_two']) must(await alice.ask('POST', '/api/v1/connections', basicBody(linkName)), 201)
    for (const member of [alice, bob]) {
      const taken = await member.ask('POST', '/api/v1/connections', basicBody('c2_one'))
      expect([taken.status, taken.json.code]).toEqual([409, 'link_name_taken'])
    }
    const named = must(await alice.ask('PATCH', at('c2_one'), { name: ' 🦊 Füchse 👩‍👩‍👧 ' }), 200)
    expect(named.json.connection.name).toBe('🦊 Füchse 👩‍👩‍👧')
    expect(refusal(await alice.ask('PATCH', at('c2_one'), { name: '🦊'.repeat(51) }))).toBe('validation_failed: name')
    expect(refusal(await alice.ask('PATCH', at('c2_one'), { link_name: 'c2_other' }))).toBe('validation_failed: link_name')
    const list = must(await alice.ask('GET', '/api/v1/connections?service=basic&q=füchse'), 200)
    expect(list.json.data.map((one: { link_name: string }) => one.link_name)).toEqual(['c2_one'])
    const race = await Promise.all(Array.from({ length: 10 }, () => alice.ask('POST', '/api/v1/connections', basicBody('c2_race'))))
    expect(race.map(one => one.status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)])
  })

  it('C-4 name and access change at once and disturb nothing', async () => {
    await connect(alice, { service: 'code', link_name: 'c4_edit' })
    const before = await counters(patchbay)
    const edited = must(await alice.ask('PATCH', at('c4_edit'), { name: 'New', access: 'organization' }), 200)
    expect(edited.json).toMatchObject({ connection: { name: 'New', access: 'organization' }, authorization: { kind: 'none' } })
    await echo(patchbay, alice.ask, 'c4_edit', '/api/echo')
    expect((await counters(patchbay)).token_requests).toBe(before.token_requests)
  })

  it('C-4 other scopes ask for consent again, and the old authorisation works until the new one is sealed', async () => {
    await connect(alice, { service: 'code', link_name: 'c4_scopes', scopes: ['read'] })
    const old = await echo(patchbay, alice.ask, 'c4_scopes', '/api/echo')
    expect(old['scopes']).toEqual(['read'])
    const edited = must(await alice.ask('PATCH', at('c4_scopes'), { scopes: ['read', 'write'] }), 200)
    expect(edited.json.authorization.kind).toBe('redirect')
    expect(edited.json.connection).toMatchObject({ status: 'connected', granted_scopes: ['read'] })
    expect(await echo(patchbay, alice.ask, 'c4_scopes', '/api/echo')).toMatchObject({ token_number: old['token_number'], scopes: ['read'] })
    await walk(alice.browser, edited.json.authorization.url, '/connections/c4_scopes')
    const now = await echo(patchbay, alice.ask, 'c4_scopes', '/api/echo')
    expect(now['scopes']).toEqual(['read', 'write'])
    expect(now['token_number']).not.toBe(old['token_number'])
    expect(await seen(alice.ask, 'c4_scopes')).toMatchObject({ scopes: ['read', 'write'], granted_scopes: ['read', 'write'] })
    for (const [method, path] of [
      ['PATCH', at('c4_scopes')],
      ['POST', `${at('c4_scopes')}/authorize`],
    ] as const)
      expect(refusal(await alice.ask(method, path, { scopes: ['read', 'unknown'] }))).toBe('validation_failed: scopes.1')
  })

  it('C-4 revoking ends it here at once and at the provider soon after; it can be connected again', async () => {
    await connect(alice, { service: 'code', link_name: 'c4_revoke' })
    const before = await revocations(patchbay)
    expect(must(await alice.ask('POST', `${at('c4_revoke')}/revoke`), 200).json).toEqual({ revoked_at_provider: 'pending', count: 1 })
    const refused = await call(patchbay, alice.ask, 'c4_revoke', '/api/echo')
    expect([refused.status, refused.json.code, refused.json.reason]).toEqual([409, 'connection_revoked', 'revoked_by_person'])
    const told = await until(
      () => seen(alice.ask, 'c4_revoke'),
      one => one['revoked_at_provider'] !== 'pending',
    )
    expect(told).toMatchObject({ status: 'revoked', status_reason: 'revoked_by_person', revoked_at_provider: 'yes' })
    expect(await revocations(patchbay)).toBe(before + 1)
    const again = must(await alice.ask('POST', `${at('c4_revoke')}/authorize`), 200)
    await walk(alice.browser, again.json.authorization.url, '/connections/c4_revoke')
    await echo(patchbay, alice.ask, 'c4_revoke', '/api/echo')
    expect(await seen(alice.ask, 'c4_revoke')).toMatchObject({ status: 'connected', revoked_at_provider: null })
  })

  it('C-4 a service without a revoke URL says so; revoking twice is no error', async () => {
    must(await alice.ask('POST', '/api/v1/connections', basicBody('c4_nowhere')), 201)
    expect(must(await alice.ask('POST', `${at('c4_nowhere')}/revoke`), 200).json).toEqual({
      revoked_at_provider: 'not_supported',
      count: 1,
    })
    expect(must(await alice.ask('POST', `${at('c4_nowhere')}/revoke`), 200).json).toEqual({
      revoked_at_provider: 'not_supported',
      count: 0,
    })
  })

  it('C-4 deleting ends it here at once, tells the provider, and frees the link name without what was granted before', async () => {
    await connect(alice, { service: 'code', link_name: 'c4_delete' })
    const before = await revocations(patchbay)
    must(await alice.ask('DELETE', at('c4_delete')), 204)
    expect(refusal(await call(patchbay, alice.ask, 'c4_delete', '/api/echo'))).toBe('connection_not_found')
    expect(refusal(await alice.ask('DELETE', at('c4_delete')))).toBe('connection_not_found')
    await until(
      () => revocations(patchbay),
      now => now === before + 1,
    )
    const body = { service: 'code', name: 'Again', link_name: 'c4_delete' }
    expect(must(await alice.ask('POST', '/api/v1/connections', body), 201).json.connection.status).toBe('authorization_required')
    expect(refusal(await call(patchbay, alice.ask, 'c4_delete', '/api/echo'))).toBe('authorization_required')
  })

  it('C-6 a warning when no refresh token came back', async () => {
    await oauth2Service(patchbay, 'c6_short', { by: alice.ask, habits: { refresh_tokens: false, access_token_seconds: 3600 } })
    expect(await connect(alice, { service: 'c6_short', link_name: 'c6_short' })).toMatchObject({
      status: 'connected',
      has_refresh_token: false,
      warnings: ['no_refresh_token'],
    })
    await oauth2Service(patchbay, 'c6_forever', {
      by: alice.ask,
      habits: { refresh_tokens: false, access_token_seconds: null, expires_format: 'absent' },
    })
    expect(await connect(alice, { service: 'c6_forever', link_name: 'c6_forever' })).toMatchObject({ warnings: [], expires_at: null })
  })

  it('C-6 each status says why, since when and what to do', async () => {
    const created = must(await alice.ask('POST', '/api/v1/connections', { service: 'code', name: 'Health', link_name: 'c6_health' }), 201)
    expect(created.json.connection).toMatchObject({
      status: 'authorization_required',
      status_reason: 'never_authorized',
      status_detail: expect.stringMatching(/^Nobody/),
      status_action: expect.stringContaining('Connect'),
    })
    await walk(alice.browser, created.json.authorization.url, '/connections/c6_health')
    const connected = await seen(alice.ask, 'c6_health')
    expect(connected).toMatchObject({ status: 'connected', status_reason: null, status_action: null })
    must(await alice.ask('POST', `${at('c6_health')}/revoke`), 200)
    const revoked = await seen(alice.ask, 'c6_health')
    expect(revoked).toMatchObject({
      status: 'revoked',
      status_reason: 'revoked_by_person',
      status_action: expect.stringContaining('Connect'),
    })
    expect(Date.parse(String(revoked['status_since']))).toBeGreaterThan(Date.parse(String(connected['status_since'])))
    const list = async (status: string) =>
      (await alice.ask('GET', `/api/v1/connections?status=${status}&q=c6_health`)).json.data.length as number
    expect([await list('revoked'), await list('connected')]).toEqual([1, 0])
  })

  it('C-6 what uses a connection: keys that name it, and who called through it', async () => {
    await connect(alice, { service: 'code', link_name: 'c6_uses' })
    must(await alice.ask('POST', '/api/v1/api-keys', { name: 'nightly', connections: ['c6_uses'] }), 201)
    must(await alice.ask('POST', '/api/v1/api-keys', { name: 'other', connections: ['c6_health'] }), 201)
    await echo(patchbay, alice.ask, 'c6_uses', '/api/echo')
    const uses = await until(
      async () => must(await alice.ask('GET', `${at('c6_uses')}/uses`), 200).json,
      one => one.recent_callers.length > 0,
    )
    expect(uses).toMatchObject({
      functions: [],
      keys: [{ name: 'nightly', owner: 'Alice' }],
      recent_callers: [{ user: { id: alice.id, name: 'Alice' }, calls: 1 }],
    })
    await until(
      () => seen(alice.ask, 'c6_uses'),
      one => one['last_used_at'] !== null,
    )
  })

  it('C-6 CON-30 code to paste, whose URL the connection may call', async () => {
    await connect(alice, { service: 'code', link_name: 'c6_code' })
    const { json } = must(await alice.ask('GET', `${at('c6_code')}/snippets`), 200)
    expect(json.invokeurl).toBe(
      'response = invokeUrl [\nurl : <url>\ntype : GET/POST/PUT/DELETE\nparameters : <paramMap/string>\nconnection : c6_code\n];',
    )
    expect(JSON.parse(json.json)).toEqual({
      connectionLinkName: 'c6_code',
      connectionName: 'c6_code',
      serviceName: 'code',
      userAccess: false,
      isUserDefinedService: true,
      sharedBy: alice.id,
      scope: ['read', 'write', 'admin'],
    })
    expect(json.curl).toContain(`${patchbay.base}/api/v1/invoke`)
    expect(json.typescript).toContain("connection('c6_code').fetch(")
    expect(json.proxy).toContain(`${patchbay.base}/proxy/c6_code/`)
    // what is pasted arrives: neither "destination not allowed" nor TLS where there is none
    const [, sent = ''] = /-d '(.*)'$/s.exec(json.curl) ?? []
    expect(refusal(await alice.ask('POST', '/api/v1/invoke', JSON.parse(sent)))).not.toMatch(/destination_not_allowed|upstream_unreachable/)
  })
})
