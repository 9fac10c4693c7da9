import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  basicDefinition,
  call,
  callbackOf,
  joins,
  keyDefinition,
  must,
  oauth2Definition,
  practiceUrl,
  refusal,
  registerClient,
  seen,
  type Member,
} from '../support/practice-services.ts'

const validLinkNames = ['a', 'a1', 'a_', 'a__b', 'zoho_crm_eu', 'a'.repeat(50), 'x9_9', 'null', 'constructor', 'true', 'con']
// prettier-ignore
const invalidLinkNames = [
  '', ' ', 'A', 'aB', 'Zoho', '1a', '_a', 'a-b', 'a.b', 'a b', ' a', 'a ', 'a\n', 'a\t', 'a\0', 'a'.repeat(51), 'é', 'а', 'ａ', 'ſ', 'K',
  'a\u0301', 'a\u200b', '🦊', 'a/b', '../a', 'a%20', "a'--", 'a;drop', 'a"', '__proto__', 1, true, ['a'], { a: 1 }, null, 'a'.repeat(100_000),
]

describe.each(['pglite', 'postgres'] as const)('services [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let bob: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database, resolve: () => Promise.resolve([]) })
    ada = await administrator(patchbay)
    bob = await joins(patchbay, 'Bob')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const list = async (query: string) => must(await bob.ask('GET', `/api/v1/services?${query}`), 200).json
  const names = (page: { data: { link_name: string }[] }) => page.data.map(one => one.link_name)

  it('S-1 the default services are listed, found by words and by category, and every one says where its credentials may go', async () => {
    const all = await list('kind=default&limit=100')
    expect(all.data.length).toBeGreaterThanOrEqual(25)
    expect(all.next_cursor).toBeNull()
    for (const one of all.data) {
      expect(one, one.link_name).toMatchObject({ kind: 'default', has_client_secret: false })
      expect(one.api_hosts.length, one.link_name).toBeGreaterThan(0)
      expect(one.configured, one.link_name).toBe(!one.auth_type.startsWith('oauth'))
    }
    expect(names(await list('q=MAILCH'))).toContain('mailchimp')
    const crm = await list('category=crm&limit=100')
    expect(names(crm)).toContain('salesforce')
    expect(crm.data.every((one: { category: string }) => one.category === 'crm')).toBe(true)
    expect(names(crm).length).toBeLessThan(all.data.length)
    expect(await list('q=no_service_has_these_words')).toEqual({ data: [], next_cursor: null })
    expect(names(await list('kind=custom&q=mailchimp'))).toEqual([])
  })

  it('S-1 a list of pages holds every service once, in order, whatever the size of a page', async () => {
    const whole = names(await list('limit=100'))
    const paged: string[] = []
    let cursor = ''
    do {
      const page = await list(`limit=7${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
      expect(page.data.length).toBeLessThanOrEqual(7)
      paged.push(...names(page))
      cursor = page.next_cursor ?? ''
    } while (cursor)
    expect(paged).toEqual(whole)
    expect([...paged].sort()).toEqual(paged)
  })

  it('S-1 one default service shows its definition, its redirect URL, and that it is not configured', async () => {
    const { json } = must(await bob.ask('GET', '/api/v1/services/mailchimp'), 200)
    expect(json).toMatchObject({
      link_name: 'mailchimp',
      kind: 'default',
      auth_type: 'oauth2',
      configured: false,
      client_id: null,
      redirect_url: callbackOf(patchbay, 'mailchimp'),
      revision: 1,
    })
    expect(refusal(await bob.ask('GET', '/api/v1/services/no_such_service'))).toBe('service_not_found')
  })

  it('S-2 a default OAuth service without a client says who can set it up, and nothing is stored', async () => {
    const body = { service: 'dropbox', name: 'Files', link_name: 's2_files' }
    const refused = must(await bob.ask('POST', '/api/v1/connections', body), 409)
    expect(refused.json).toMatchObject({ code: 'service_not_configured', service: 'dropbox', administrators: ['ada'] })
    expect(refused.json.detail).toContain('administrator')
    expect(refusal(await bob.ask('GET', '/api/v1/connections/s2_files'))).toBe('connection_not_found')
  })

  it('S-2 only an administrator registers the client; its secret never comes back; then everybody only connects', async () => {
    const client = { client_id: 'our own id', client_secret: 'our-own-secret-2a7f' }
    expect(refusal(await bob.ask('PUT', '/api/v1/services/mailchimp/client', client))).toBe('forbidden')
    expect((await bob.ask('GET', '/api/v1/services/mailchimp')).json.configured).toBe(false)
    const put = must(await ada.ask('PUT', '/api/v1/services/mailchimp/client', client), 200)
    expect(put.json).toMatchObject({ kind: 'default', client_id: 'our own id', has_client_secret: true, configured: true })
    for (const answer of [put, await ada.ask('GET', '/api/v1/services/mailchimp'), await ada.ask('GET', '/api/v1/services?q=mailchimp')])
      expect(answer.text).not.toContain('our-own-secret')

    const created = must(
      await bob.ask('POST', '/api/v1/connections', { service: 'mailchimp', name: 'Campaigns', link_name: 's2_campaigns' }),
      201,
    )
    expect(created.json.connection).toMatchObject({ status: 'authorization_required', status_reason: 'never_authorized', view: 'own' })
    const { kind, url, expires_at } = created.json.authorization
    expect(kind).toBe('redirect')
    expect(new URL(url).origin + new URL(url).pathname).toBe('https://login.mailchimp.com/oauth2/authorize')
    const parameters = new URL(url).searchParams
    expect(Object.fromEntries(parameters)).toMatchObject({
      client_id: 'our own id',
      redirect_uri: callbackOf(patchbay, 'mailchimp'),
      response_type: 'code',
    })
    expect(parameters.get('state')).toMatch(/^[A-Za-z0-9_-]{43,}$/)
    const left = new Date(expires_at).getTime() - Date.now()
    expect(left).toBeGreaterThan(8 * 60_000)
    expect(left).toBeLessThan(11 * 60_000)
  })

  it('S-2 a default service takes a scope that its definition does not list, and marks it', async () => {
    must(await ada.ask('PUT', '/api/v1/services/spotify/client', { client_id: 'x', client_secret: 'y' }), 200)
    const [listed] = (await bob.ask('GET', '/api/v1/services/spotify')).json.scopes
    const scopes = [listed.name, 'brand-new.scope']
    must(await bob.ask('POST', '/api/v1/connections', { service: 'spotify', name: 'Music', link_name: 's2_music', scopes }), 201)
    expect(await seen(bob.ask, 's2_music')).toMatchObject({
      scopes: expect.arrayContaining(scopes),
      unlisted_scopes: ['brand-new.scope'],
    })
  })

  it('S-2 a default service cannot be edited, deleted or taken over, and its link name is not free', async () => {
    expect(must(await ada.ask('PATCH', '/api/v1/services/box', { name: 'Mine' }), 403).json.code).toBe('forbidden')
    expect(must(await ada.ask('DELETE', '/api/v1/services/box'), 403).json.code).toBe('forbidden')
    const taken = await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'box'))
    expect([taken.status, taken.json.code]).toEqual([409, 'link_name_taken'])
    expect(refusal(await ada.ask('PUT', '/api/v1/services/sendgrid/client', { client_id: 'x', client_secret: 'y' }))).toContain(
      'validation_failed',
    )
  })

  it('S-3 a custom service has the documented defaults, belongs to who made it, and is there for everybody at once', async () => {
    const client = await registerClient(patchbay, 's3_defaults')
    const { link_name, name, authorize_url, access_token_url, client_id, client_secret } = oauth2Definition(patchbay, 's3_defaults', client)
    const bare = { link_name, name, auth_type: 'oauth2', authorize_url, access_token_url, client_id, client_secret }
    const created = must(await bob.ask('POST', '/api/v1/services', bare), 201)
    expect(created.json).toMatchObject({
      link_name: 's3_defaults',
      kind: 'custom',
      category: null,
      auth_type: 'oauth2',
      param_type: 'header',
      grant_type: 'authorization_code',
      refresh_token_url: null,
      revoke_token_url: null,
      scopes: [],
      scope_delimiter: 'comma',
      // an address has no registrable domain: exactly this host and port
      api_hosts: [new URL(practiceUrl(patchbay)).host],
      advanced: {},
      has_client_secret: true,
      redirect_url: callbackOf(patchbay, 's3_defaults'),
      revision: 1,
      created_by: { id: bob.id },
    })
    expect(created.text).not.toContain(client.client_secret)
    expect(created.json.created_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(names(await list('kind=custom&limit=100'))).toContain('s3_defaults')
    must(await ada.ask('GET', '/api/v1/services/s3_defaults'), 200)

    const key = must(await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 's3_key', { param_type: undefined })), 201)
    expect(key.json).toMatchObject({ auth_type: 'api_key', param_type: 'header', redirect_url: null, has_client_secret: false })
    const basic = must(await bob.ask('POST', '/api/v1/services', basicDefinition(patchbay, 's3_basic')), 201)
    expect(basic.json).toMatchObject({ auth_type: 'basic', param_type: 'header', redirect_url: null })
  })

  it('S-3 hosts that are left out come from the URLs, and from the catalogue where it knows the token host', async () => {
    const make = async (linkName: string, authorize_url: string, access_token_url: string) => {
      const definition = oauth2Definition(patchbay, linkName, { client_id: 'a', client_secret: 'b' }, { authorize_url, access_token_url })
      return must(await bob.ask('POST', '/api/v1/services', definition), 201).json.api_hosts as string[]
    }
    expect((await make('s3_hosts', 'https://login.example.co.uk/a', 'https://api.example.com/t')).sort()).toEqual(
      ['*.example.co.uk', '*.example.com', 'example.co.uk', 'example.com'].sort(),
    )
    const zoho = await make('s3_zoho', 'https://accounts.zoho.com/oauth/v2/auth', 'https://accounts.zoho.com/oauth/v2/token')
    expect(zoho).toEqual(expect.arrayContaining(['*.zoho.com', 'zoho.com', 'www.zohoapis.com']))
    const shared = await make('s3_suffix', 'https://acme.github.io/a', 'https://acme.github.io/t')
    expect(shared).not.toContain('*.github.io')
    expect(shared).toContain('acme.github.io')
  })

  it('S-3 CON-2 a link name is what the rule says and nothing that only looks like it', async () => {
    for (const link_name of validLinkNames)
      must(await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'x', { link_name, name: 'Any' })), 201)
    const before = names(await list('kind=custom&limit=100'))
    for (const link_name of invalidLinkNames) {
      const answer = await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'x', { link_name, name: 'Any' }))
      expect(refusal(answer), JSON.stringify(link_name).slice(0, 100)).toBe('validation_failed: link_name')
      expect(answer.status).toBe(422)
    }
    const huge = await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'x', { link_name: 'a'.repeat(1_100_000) }))
    expect([413, 422]).toContain(huge.status)
    expect(names(await list('kind=custom&limit=100'))).toEqual(before)
  })

  it('S-3 of twenty who take one link name at once exactly one gets it', async () => {
    const body = keyDefinition(patchbay, 's3_race')
    const answers = await Promise.all(Array.from({ length: 20 }, () => bob.ask('POST', '/api/v1/services', body)))
    expect(answers.map(one => one.status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)])
    for (const one of answers.filter(answer => answer.status === 409)) expect(one.json.code).toBe('link_name_taken')
  })

  it('S-3 CON-1 a name has 50 characters as people count them, is trimmed and composed, and hides nothing', async () => {
    const named = (linkName: string, name: unknown) => bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, linkName, { name }))
    expect(must(await named('s3_foxes', '🦊'.repeat(50)), 201).json.name).toBe('🦊'.repeat(50))
    expect(must(await named('s3_trim', '  Cafe\u0301  '), 201).json.name).toBe('Café')
    expect(must(await named('s3_family', 'Team 👩‍👩‍👧'), 201).json.name).toBe('Team 👩‍👩‍👧')
    for (const wrong of ['🦊'.repeat(51), 'x'.repeat(51), '', '   ', 'a\u202eb', 'a\nb', 'a\0b', 'zero\u200bwidth', 7, null])
      expect(refusal(await named('s3_wrong', wrong)), JSON.stringify(wrong)).toBe('validation_failed: name')
    expect(refusal(await bob.ask('GET', '/api/v1/services/s3_wrong'))).toBe('service_not_found')
  })

  it('S-3 a rule for hosts that would hold for everybody is refused, and every host is an administrator’s choice', async () => {
    const withHosts = (ask: Member['ask'], linkName: string, api_hosts: unknown) =>
      ask('POST', '/api/v1/services', keyDefinition(patchbay, linkName, { api_hosts }))
    for (const wrong of [
      '*.test',
      '*.com',
      '*.co.uk',
      '*.github.io',
      'https://api.good.test',
      'a.test/x',
      'u@a.test',
      '',
      '*.127.0.0.1',
      'a.*.test',
    ])
      expect(refusal(await withHosts(bob.ask, 's3_host', [wrong])), wrong).toBe('validation_failed: api_hosts.0')
    for (const wrong of [[], null, 'api.good.test', undefined])
      expect(refusal(await withHosts(bob.ask, 's3_host', wrong)), JSON.stringify(wrong)).toBe('validation_failed: api_hosts')
    expect(refusal(await withHosts(bob.ask, 's3_host', ['*']))).toBe('validation_failed: api_hosts')
    expect(must(await withHosts(ada.ask, 's3_every', ['*']), 201).json).toMatchObject({ every_host: true, api_hosts: ['*'] })
    const spelled = must(await withHosts(bob.ask, 's3_spelled', ['API.Good.Test', 'bücher.example']), 201)
    expect(spelled.json.api_hosts).toEqual(['api.good.test', 'xn--bcher-kva.example'])
  })

  it('S-3 a service without connections is deleted by its maker, and its link name is free again for something new', async () => {
    must(await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 's3_again')), 201)
    const carol = await joins(patchbay, 'Carol')
    expect(refusal(await carol.ask('DELETE', '/api/v1/services/s3_again'))).toBe('not_the_keeper')
    must(await bob.ask('DELETE', '/api/v1/services/s3_again'), 204)
    expect(refusal(await bob.ask('GET', '/api/v1/services/s3_again'))).toBe('service_not_found')
    expect(must(await bob.ask('POST', '/api/v1/services', basicDefinition(patchbay, 's3_again')), 201).json.auth_type).toBe('basic')
  })

  it('S-3 an organisation may let only developers or administrators create services and connections', async () => {
    expect(refusal(await call(patchbay, bob.ask, 'no_such_connection', '/key/me'))).toBe('connection_not_found')
    must(await ada.ask('PATCH', '/api/v1/settings', { who_may_create: 'administrators' }), 200)
    const refused = await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 's3_rule'))
    expect([refused.status, refused.json.code]).toEqual([403, 'forbidden'])
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 's3_rule')), 201)
    must(await ada.ask('PATCH', '/api/v1/settings', { who_may_create: 'everyone' }), 200)
    must(await bob.ask('POST', '/api/v1/services', keyDefinition(patchbay, 's3_rule_again')), 201)
  })
})
