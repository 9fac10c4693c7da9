import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
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
import { listening } from '../support/upstream.ts'

describe.each(['pglite', 'postgres'] as const)('S-7 editing a custom service [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let alice: Member
  let bob: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    alice = await joins(patchbay, 'Alice')
    bob = await joins(patchbay, 'Bob')
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const path = (linkName: string) => `/api/v1/services/${linkName}`
  const works = (member: Member, linkName: string) => echo(patchbay, member.ask, linkName, '/api/echo')
  /** Alice's service with a connection of hers and one of Bob's. */
  async function twoConnections(linkName: string, rest: Record<string, unknown> = {}, habits: Record<string, unknown> = {}) {
    const service = await oauth2Service(patchbay, linkName, { by: alice.ask, rest, habits })
    await connect(alice, { service: linkName, link_name: `${linkName}_alice` })
    await connect(bob, { service: linkName, link_name: `${linkName}_bob` })
    return service
  }

  it('what is fixed stays: link name, authentication type, grant type, what is in use', async () => {
    await twoConnections('fixed', { scopes: [{ name: 'a' }, { name: 'b' }] })
    for (const [patch, field] of [
      [{ link_name: 'other' }, 'link_name'],
      [{ auth_type: 'basic' }, 'auth_type'],
      [{ grant_type: 'client_credentials' }, 'grant_type'],
      [{ scopes: [{ name: 'a' }] }, 'scopes'],
      [{ param_type: 'form' }, 'param_type'],
      [{ access_token_url: 'ftp://x.test' }, 'access_token_url'],
      [{ revision: 7 }, 'revision'],
      [{ keeper_id: bob.id }, 'keeper_id'],
      [{ keep_connections: 'yes' }, 'keep_connections'],
    ] as const) {
      const answer = await alice.ask('PATCH', path('fixed'), patch)
      expect([answer.status, refusal(answer)]).toEqual([422, `validation_failed: ${field}`])
    }
    await works(alice, 'fixed_alice')
    await works(bob, 'fixed_bob')
  })

  it('name, description, logo and an added scope revoke nothing and move no revision', async () => {
    const { revision } = await twoConnections('cosmetic', { scopes: [{ name: 'a' }] })
    const patch = { name: 'Another name', description: 'Words.', logo: 'zoho', scopes: [{ name: 'a', description: 'more' }, { name: 'b' }] }
    expect(must(await alice.ask('POST', `${path('cosmetic')}/preview`, patch), 200).json).toMatchObject({ revokes: [], count: 0 })
    const edited = must(await alice.ask('PATCH', path('cosmetic'), patch), 200)
    expect(edited.json).toMatchObject({ name: 'Another name', description: 'Words.', logo: 'zoho', revision })
    expect(edited.json.scopes.map((one: { name: string }) => one.name)).toEqual(['a', 'b'])
    expect(await seen(bob.ask, 'cosmetic_bob')).toMatchObject({
      status: 'connected',
      scopes: ['a'],
      service: { name: 'Another name', logo: 'zoho' },
    })
    expect(await works(bob, 'cosmetic_bob')).toMatchObject({ scopes: ['a'], token_number: expect.any(Number) })
  })

  it('the same URL in another spelling is no change (X04.8)', async () => {
    const { revision } = await twoConnections('spelling')
    const { host } = new URL(practiceUrl(patchbay))
    const patch = { access_token_url: `HTTP://${host}/oauth2/./token`, refresh_token_url: null }
    expect(must(await alice.ask('PATCH', path('spelling'), patch), 200).json.revision).toBe(revision)
    await works(bob, 'spelling_bob')
  })

  it('an added host waits for each holder; the editor’s own connection has agreed by the edit', async () => {
    await twoConnections('hosts')
    const localhost = `localhost:${new URL(practiceUrl(patchbay)).port}`
    const there = `http://${localhost}/api/echo`
    expect(refusal(await call(patchbay, bob.ask, 'hosts_bob', there))).toBe('destination_not_allowed')
    const patch = { api_hosts: [practiceHost(patchbay), localhost] }
    expect(must(await alice.ask('POST', `${path('hosts')}/preview`, patch), 200).json).toEqual({
      revokes: [],
      count: 0,
      confirm_hosts: [localhost],
    })
    must(await alice.ask('PATCH', path('hosts'), patch), 200)

    const before = await counters(patchbay)
    const waiting = await call(patchbay, bob.ask, 'hosts_bob', there)
    expect([waiting.status, waiting.json.code]).toEqual([409, 'destination_not_confirmed'])
    expect(waiting.json.confirm_url).toBe(`${patchbay.base}/connections/hosts_bob`)
    expect((await counters(patchbay)).api).toEqual(before.api)
    const hosts = async (member: typeof bob, linkName: string) => {
      const { api_hosts, hosts_to_confirm } = await seen(member.ask, linkName)
      return { api_hosts, hosts_to_confirm }
    }
    expect(await hosts(bob, 'hosts_bob')).toEqual({ api_hosts: [practiceHost(patchbay), localhost], hosts_to_confirm: [localhost] })
    expect((await hosts(alice, 'hosts_alice')).hosts_to_confirm).toEqual([])
    await works(bob, 'hosts_bob') // nothing else is disturbed
    await echo(patchbay, alice.ask, 'hosts_alice', there)

    expect(refusal(await alice.ask('POST', '/api/v1/connections/hosts_bob/confirm-hosts'))).toBe('connection_not_found')
    expect(must(await bob.ask('POST', '/api/v1/connections/hosts_bob/confirm-hosts'), 200).json.api_hosts).toContain(localhost)
    expect((await hosts(bob, 'hosts_bob')).hosts_to_confirm).toEqual([])
    await echo(patchbay, bob.ask, 'hosts_bob', there)
    // whoever connects after the edit agrees to what there is
    await connect(bob, { service: 'hosts', link_name: 'hosts_later' })
    await echo(patchbay, bob.ask, 'hosts_later', there)
  })

  it('everything else revokes every connection, after a preview that says whose, and tells the service at the OLD revoke URL (X04)', async () => {
    await twoConnections('moved')
    const evil = { requests: 0 }
    const elsewhere = await listening(
      createServer((_, response) => {
        evil.requests++
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      }),
    )
    const patch = { revoke_token_url: `http://127.0.0.1:${elsewhere.port}/revoke` }
    const preview = must(await alice.ask('POST', `${path('moved')}/preview`, { ...patch, client_secret: 'typed again' }), 200)
    expect(preview.json).toMatchObject({
      count: 2,
      revokes: [
        { link_name: 'moved_alice', owner: 'Alice' },
        { link_name: 'moved_bob', owner: 'Bob' },
      ],
    })
    await works(bob, 'moved_bob') // a preview changes nothing

    const unproven = await alice.ask('PATCH', path('moved'), patch)
    expect([unproven.status, refusal(unproven)]).toEqual([422, 'client_secret_required: client_secret'])
    await works(bob, 'moved_bob')

    const before = await revocations(patchbay)
    const edited = must(await alice.ask('PATCH', path('moved'), { ...patch, client_secret: 'typed again' }), 200)
    expect(edited.json.revision).toBe(2)
    for (const [member, linkName] of [
      [alice, 'moved_alice'],
      [bob, 'moved_bob'],
    ] as const) {
      expect(await seen(member.ask, linkName)).toMatchObject({ status: 'revoked', status_reason: 'service_edited' })
      const refused = await call(patchbay, member.ask, linkName, '/api/echo')
      expect([refused.status, refused.json.code, refused.json.reason]).toEqual([409, 'connection_revoked', 'service_edited'])
    }
    await until(
      () => revocations(patchbay),
      now => now >= before + 2,
    )
    await until(
      () => seen(bob.ask, 'moved_bob'),
      one => one['revoked_at_provider'] === 'yes',
    )
    expect([evil.requests, elsewhere.connections]).toEqual([0, 0])
  })

  it.each([
    ['access_token_url', 'http://127.0.0.1:9/t'],
    ['refresh_token_url', 'http://127.0.0.1:9/r'],
    ['revoke_token_url', 'https://revoke.evil.test/'],
  ])('another origin for %s needs the client secret typed again', async (field, url) => {
    const linkName = `origin_${field.slice(0, 3)}`
    await twoConnections(linkName)
    const before = must(await alice.ask('GET', path(linkName)), 200)
    for (const patch of [{ [field]: url }, { [field]: url, client_secret: null }, { [field]: url, keep_connections: true }])
      expect(refusal(await alice.ask('PATCH', path(linkName), patch))).toBe('client_secret_required: client_secret')
    expect(refusal(await alice.ask('POST', `${path(linkName)}/preview`, { [field]: url }))).toBe('client_secret_required: client_secret')
    expect((await alice.ask('GET', path(linkName))).json).toEqual(before.json)
    await works(alice, `${linkName}_alice`)
  })

  it('a path on the same origin needs no secret, and revokes', async () => {
    await twoConnections('samehost')
    must(await alice.ask('PATCH', path('samehost'), { refresh_token_url: `${practiceUrl(patchbay)}/dialects/zoho/oauth2/token` }), 200)
    expect(await seen(bob.ask, 'samehost_bob')).toMatchObject({ status: 'revoked', status_reason: 'service_edited' })
    // connecting again uses the definition as it is now
    const again = must(await bob.ask('POST', '/api/v1/connections/samehost_bob/authorize'), 200)
    await walk(bob.browser, again.json.authorization.url, '/connections/samehost_bob')
    expect(await seen(bob.ask, 'samehost_bob')).toMatchObject({ status: 'connected', status_reason: null })
    await works(bob, 'samehost_bob')
  })

  it('an authorisation that was under way when the service was edited cannot be finished', async () => {
    await oauth2Service(patchbay, 'midway', { by: alice.ask })
    const body = { service: 'midway', name: 'Midway', link_name: 'midway' }
    const { url } = must(await bob.ask('POST', '/api/v1/connections', body), 201).json.authorization
    must(await alice.ask('PATCH', path('midway'), { param_type: 'query' }), 200)
    const before = await counters(patchbay)
    const end = await bob.browser.visit(url)
    expect(end.status).toBe(409)
    expect(end.text).toContain('was edited')
    expect((await counters(patchbay)).token_requests).toBe(before.token_requests)
    expect(await seen(bob.ask, 'midway')).toMatchObject({ status: 'authorization_required' })
  })

  it('a new client secret alone revokes, unless the editor keeps the connections; then calls go on', async () => {
    await twoConnections('secret')
    const kept = must(await alice.ask('PATCH', path('secret'), { client_secret: 'another one', keep_connections: true }), 200)
    expect(kept.json.revision).toBe(1)
    await works(bob, 'secret_bob')
    expect(must(await alice.ask('POST', `${path('secret')}/preview`, { client_secret: 'a third' }), 200).json.count).toBe(2)
    must(await alice.ask('PATCH', path('secret'), { client_secret: 'a third' }), 200)
    expect(await seen(bob.ask, 'secret_bob')).toMatchObject({ status: 'revoked', status_reason: 'service_edited' })
    expect(kept.text + (await alice.ask('GET', path('secret'))).text).not.toMatch(/another one|a third/)
  })

  it('keep_connections keeps nothing when something else changes too', async () => {
    await twoConnections('keepnot')
    must(await alice.ask('PATCH', path('keepnot'), { client_id: 'other', client_secret: 'other', keep_connections: true }), 200)
    expect(await seen(bob.ask, 'keepnot_bob')).toMatchObject({ status: 'revoked' })
  })

  it('API key parameters may be added and edited, never removed, and each edit revokes (X04.6)', async () => {
    const [one, two] = [
      { name: 'X-Api-Key', display_name: 'Key' },
      { name: 'X-Other', display_name: 'Other' },
    ]
    const credentials = { 'X-Api-Key': 'practice-key' }
    for (const [linkName, patch] of [
      ['keys_place', { param_type: 'query' }],
      ['keys_name', { parameters: [{ ...one, name: 'X-Renamed' }] }],
      ['keys_more', { parameters: [one, two] }],
    ] as const) {
      must(await alice.ask('POST', '/api/v1/services', keyDefinition(patchbay, linkName, { parameters: [one] })), 201)
      await connect(bob, { service: linkName, link_name: linkName, credentials })
      must(await alice.ask('PATCH', path(linkName), patch), 200)
      expect(await seen(bob.ask, linkName), linkName).toMatchObject({ status: 'revoked', status_reason: 'service_edited' })
    }
    expect(refusal(await alice.ask('PATCH', path('keys_more'), { parameters: [one] }))).toBe('validation_failed: parameters')
  })

  it('only the keeper edits; an administrator takes over first, which is written down; then the maker no longer edits', async () => {
    await twoConnections('keeper')
    for (const member of [bob, ada])
      for (const [method, at, body] of [
        ['PATCH', path('keeper'), { name: 'Mine' }],
        ['POST', `${path('keeper')}/preview`, { name: 'Mine' }],
      ] as const) {
        const answer = await member.ask(method, at, body)
        expect([answer.status, answer.json.code]).toEqual([403, 'not_the_keeper'])
      }
    expect(refusal(await bob.ask('POST', `${path('keeper')}/take-over`))).toBe('forbidden')
    expect(must(await ada.ask('POST', `${path('keeper')}/take-over`), 200).json.keeper).toMatchObject({ id: ada.id })
    await works(bob, 'keeper_bob')
    must(await ada.ask('PATCH', path('keeper'), { name: 'Taken over' }), 200)
    expect(refusal(await alice.ask('PATCH', path('keeper'), { name: 'Back' }))).toBe('not_the_keeper')
    const audit = must(await ada.ask('GET', '/api/v1/audit?limit=100'), 200).json.data as { action: string; object: string }[]
    expect(audit).toContainEqual(expect.objectContaining({ action: 'service.taken_over', object: 'service:keeper' }))
  })

  it('a service with connections is not deleted, not even by an administrator', async () => {
    await twoConnections('inuse')
    for (const member of [alice, ada]) {
      const answer = await member.ask('DELETE', path('inuse'))
      expect([answer.status, answer.json.code, answer.json.connections]).toEqual([409, 'service_in_use', 2])
    }
    await works(bob, 'inuse_bob')
    for (const [member, linkName] of [
      [alice, 'inuse_alice'],
      [bob, 'inuse_bob'],
    ] as const)
      must(await member.ask('DELETE', `/api/v1/connections/${linkName}`), 204)
    must(await alice.ask('DELETE', path('inuse')), 204)
  })

  it('If-Match holds an edit back that was made on an older version', async () => {
    must(await alice.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'ifmatch')), 201)
    const etag = (await alice.ask('GET', path('ifmatch'))).headers.get('etag') ?? ''
    must(await alice.ask('PATCH', path('ifmatch'), { name: 'First' }, { 'if-match': etag }), 200)
    for (const stale of [etag, '"999"', 'W/"1"', 'nonsense']) {
      const answer = await alice.ask('PATCH', path('ifmatch'), { name: 'Second' }, { 'if-match': stale })
      expect([answer.status, answer.json.code], stale).toEqual([412, 'precondition_failed'])
    }
    const now = await alice.ask('GET', path('ifmatch'))
    expect(now.json.name).toBe('First')
    must(await alice.ask('PATCH', path('ifmatch'), { name: 'Third' }, { 'if-match': now.headers.get('etag') ?? '' }), 200)
  })
})
