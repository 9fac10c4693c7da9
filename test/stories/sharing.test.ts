import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  call,
  connect,
  counters,
  echo,
  joins,
  must,
  oauth2Service,
  refusal,
  revocations,
  seen,
  until,
  walk,
  type Member,
} from '../support/practice-services.ts'

describe.each(['pglite', 'postgres'] as const)('C-3 own and shared connections [%s]', database => {
  let patchbay: TestPatchbay
  let alice: Member
  let bob: Member
  let dave: Member
  /** An administrator who owns nothing here. */
  let carol: Member
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    alice = await joins(patchbay, 'Alice')
    bob = await joins(patchbay, 'Bob', 'developer')
    dave = await joins(patchbay, 'Dave')
    carol = await joins(patchbay, 'Carol', 'administrator')
    await administrator(patchbay)
    await oauth2Service(patchbay, 'code', { by: alice.ask, rest: { scopes: [{ name: 'read' }, { name: 'write' }] } })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const at = (linkName: string) => `/api/v1/connections/${linkName}`
  const through = (member: Member, linkName: string) => call(patchbay, member.ask, linkName, '/api/echo')
  const listed = async (member: Member, query = '') =>
    must(await member.ask('GET', `/api/v1/connections?limit=100&${query}`), 200).json.data.map(
      (one: { link_name: string }) => one.link_name,
    ) as string[]
  /** Authorises with one of the two accounts that the practice service has. */
  async function authorise(member: Member, linkName: string, account: 'ada' | 'grace') {
    const { url } = must(await member.ask('POST', `${at(linkName)}/authorize`), 200).json.authorization
    await walk(member.browser, `${url}&account=${account}`, `/connections/${linkName}`)
  }
  /** A refusal without what differs for every request. */
  const faceless = (answer: Answer, linkName: string) => {
    const { request_id: _, ...rest } = answer.json as Record<string, unknown>
    return { status: answer.status, body: JSON.stringify(rest).replaceAll(linkName, 'NAME') }
  }

  it('a private connection looks to every other member exactly like one that does not exist', async () => {
    await connect(alice, { service: 'code', link_name: 'private_one' })
    const before = await counters(patchbay)
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { name: 'Mine' }],
      ['DELETE', ''],
      ['POST', '/authorize', {}],
      ['POST', '/revoke', {}],
      ['POST', '/revoke', { everyone: true }],
      ['GET', '/authorizations'],
      ['POST', '/test'],
      ['GET', '/uses'],
      ['GET', '/attempts'],
      ['POST', '/confirm-hosts'],
      ['GET', '/snippets'],
    ] as const) {
      const real = await bob.ask(method, at('private_one') + path, body)
      const absent = await bob.ask(method, at('absent_one') + path, body)
      expect(faceless(real, 'private_one'), `${method} ${path}`).toEqual(faceless(absent, 'absent_one'))
      expect(real.status).toBe(404)
    }
    const called = await through(bob, 'private_one')
    expect(faceless(called, 'private_one')).toEqual(faceless(await through(bob, 'absent_one'), 'absent_one'))
    expect(refusal(called)).toBe('connection_not_found')
    expect(await listed(bob)).not.toContain('private_one')
    expect((await counters(patchbay)).api).toEqual(before.api)
    await echo(patchbay, alice.ask, 'private_one', '/api/echo')
  })

  it('an administrator sees, revokes and deletes it, and never calls with it', async () => {
    await connect(alice, { service: 'code', link_name: 'admin_sees' })
    expect(await seen(carol.ask, 'admin_sees')).toMatchObject({ status: 'connected', view: 'shared', owner: { name: 'Alice' } })
    expect(await listed(carol)).not.toContain('admin_sees')
    expect(await listed(carol, 'view=all')).toContain('admin_sees')
    for (const member of [bob, alice]) expect(refusal(await member.ask('GET', '/api/v1/connections?view=all'))).toBe('forbidden')
    expect(refusal(await through(carol, 'admin_sees'))).toBe('connection_not_found')
    expect(refusal(await carol.ask('POST', `${at('admin_sees')}/authorize`))).toBe('connection_not_found')
    expect(refusal(await carol.ask('PATCH', at('admin_sees'), { access: 'organization' }))).toBe('not_the_owner')
    const [row] = must(await carol.ask('GET', `${at('admin_sees')}/authorizations`), 200).json.data
    expect(row).toMatchObject({ subject: { id: alice.id, name: 'Alice' }, status: 'connected' })
    expect(must(await carol.ask('POST', `${at('admin_sees')}/revoke`, { everyone: true }), 200).json.count).toBe(1)
    expect(await seen(alice.ask, 'admin_sees')).toMatchObject({ status: 'revoked', status_action: 'Connect it again.' })
    expect(await seen(carol.ask, 'admin_sees')).toMatchObject({ status: 'revoked', status_action: 'Ask Alice to connect it again.' })
    must(await carol.ask('DELETE', at('admin_sees')), 204)
    expect(refusal(await alice.ask('GET', at('admin_sees')))).toBe('connection_not_found')
  })

  it('organisation: everybody calls with the owner’s account, and only the owner changes it', async () => {
    await connect(alice, { service: 'code', link_name: 'org_one', access: 'organization' })
    expect((await echo(patchbay, bob.ask, 'org_one', '/api/echo'))['account']).toBe('ada@practice.example')
    expect(await seen(bob.ask, 'org_one')).toMatchObject({ view: 'shared', status: 'connected', owner: { id: alice.id } })
    expect(await listed(bob)).toContain('org_one')
    expect(await listed(bob, 'view=own')).not.toContain('org_one')
    for (const [method, path, body] of [
      ['PATCH', '', { name: 'Mine' }],
      ['DELETE', ''],
      ['POST', '/authorize', {}],
      ['POST', '/revoke', {}],
      ['POST', '/revoke', { everyone: true }],
      ['GET', '/authorizations'],
      ['GET', '/uses'],
      ['POST', '/confirm-hosts'],
    ] as const) {
      const answer = await bob.ask(method, at('org_one') + path, body)
      expect([answer.status, answer.json.code], `${method} ${path}`).toEqual([403, 'not_the_owner'])
    }
    await echo(patchbay, alice.ask, 'org_one', '/api/echo')
    must(await alice.ask('PATCH', at('org_one'), { access: 'private' }), 200)
    expect(refusal(await through(bob, 'org_one'))).toBe('connection_not_found') // at once
  })

  it('named members: they and nobody else; strangers cannot be named', async () => {
    const body = { service: 'code', link_name: 'named_one', access: { members: [bob.id] } }
    const stranger = { ...body, name: 'x', access: { members: [bob.id, 'somebody-else'] } }
    expect(refusal(await alice.ask('POST', '/api/v1/connections', stranger))).toBe('validation_failed: access.members.1')
    await connect(alice, body)
    await echo(patchbay, bob.ask, 'named_one', '/api/echo')
    expect(refusal(await through(dave, 'named_one'))).toBe('connection_not_found')
    must(await alice.ask('PATCH', at('named_one'), { access: { members: [dave.id] } }), 200)
    await echo(patchbay, dave.ask, 'named_one', '/api/echo')
    expect(refusal(await through(bob, 'named_one'))).toBe('connection_not_found')
  })

  it('login user: each calls with their own account, and without one is told where to connect – never with the owner’s', async () => {
    const body = { service: 'code', link_name: 'login_one', use_login_user_credentials: true }
    await connect(alice, body)
    expect((await echo(patchbay, alice.ask, 'login_one', '/api/echo'))['account']).toBe('ada@practice.example')

    expect(await seen(bob.ask, 'login_one')).toMatchObject({
      view: 'shared',
      status: 'authorization_required',
      status_detail: 'You have not connected your own account yet.',
      status_action: 'Connect it.',
      account: null,
      granted_scopes: null,
    })
    const before = await counters(patchbay)
    const refused = await through(bob, 'login_one')
    expect([refused.status, refused.json.code]).toEqual([409, 'authorization_required'])
    const connectUrl = new URL(refused.json.connect_url)
    expect([connectUrl.origin, connectUrl.pathname]).toEqual([patchbay.base, '/connect'])
    expect(Object.fromEntries(connectUrl.searchParams)).toEqual({ organization: 'default', connection: 'login_one', for: bob.id })
    expect((await counters(patchbay)).api).toEqual(before.api)

    expect(await listed(bob, 'view=available')).toContain('login_one')
    expect(await listed(bob, 'view=shared')).not.toContain('login_one')
    expect(await listed(bob, 'view=others')).not.toContain('login_one')
    await authorise(bob, 'login_one', 'grace')
    expect(await listed(bob, 'view=available')).not.toContain('login_one')
    expect(await listed(bob, 'view=shared')).toContain('login_one')
    expect(await listed(bob, 'view=others')).toContain('login_one')
    expect(await listed(alice, 'view=own')).toContain('login_one')
    expect(await listed(alice, 'view=others')).not.toContain('login_one')
    for (let round = 0; round < 5; round++)
      for (const [member, account] of [
        [alice, 'ada@practice.example'],
        [bob, 'grace@practice.example'],
      ] as const)
        expect((await echo(patchbay, member.ask, 'login_one', '/api/echo'))['account']).toBe(account)
    const rows = must(await alice.ask('GET', `${at('login_one')}/authorizations`), 200).json.data as { subject: { name: string } }[]
    expect(rows.map(one => one.subject.name).sort()).toEqual(['Alice', 'Bob'])
  })

  it('login user: the copy is revoked by its holder and by nobody’s edit; the owner’s goes on', async () => {
    await connect(alice, { service: 'code', link_name: 'login_two', use_login_user_credentials: true })
    await authorise(bob, 'login_two', 'grace')
    for (const [method, body] of [
      ['PATCH', { name: 'Mine' }],
      ['PATCH', { scopes: ['read'] }],
      ['DELETE', undefined],
    ] as const)
      expect(refusal(await bob.ask(method, at('login_two'), body))).toBe('not_the_owner')
    const before = await revocations(patchbay)
    expect(must(await bob.ask('POST', `${at('login_two')}/revoke`), 200).json).toMatchObject({ count: 1 })
    const refused = await through(bob, 'login_two')
    expect([refused.json.code, new URL(refused.json.connect_url).searchParams.get('for')]).toEqual(['connection_revoked', bob.id])
    await echo(patchbay, alice.ask, 'login_two', '/api/echo')
    expect(await listed(bob, 'view=available')).toContain('login_two')
    await until(
      () => revocations(patchbay),
      now => now === before + 1,
    )
    // the owner may end everybody's
    await authorise(bob, 'login_two', 'grace')
    expect(must(await alice.ask('POST', `${at('login_two')}/revoke`, { everyone: true }), 200).json).toMatchObject({ count: 2 })
    for (const member of [alice, bob]) expect(refusal(await through(member, 'login_two'))).toBe('connection_revoked')
    await until(
      () => revocations(patchbay),
      now => now === before + 3,
    )
  })

  it('login user: the owner’s own revocation leaves the others alone', async () => {
    await connect(alice, { service: 'code', link_name: 'login_three', use_login_user_credentials: true })
    await authorise(bob, 'login_three', 'grace')
    const before = await revocations(patchbay)
    must(await alice.ask('POST', `${at('login_three')}/revoke`), 200)
    expect(refusal(await through(alice, 'login_three'))).toBe('connection_revoked')
    expect((await echo(patchbay, bob.ask, 'login_three', '/api/echo'))['account']).toBe('grace@practice.example')
    // the provider has been told before the next story counts
    await until(
      () => revocations(patchbay),
      now => now === before + 1,
    )
  })

  it('login user: deleting tells the provider about everybody’s', async () => {
    await connect(alice, { service: 'code', link_name: 'login_four', use_login_user_credentials: true })
    await authorise(bob, 'login_four', 'grace')
    const before = await revocations(patchbay)
    must(await alice.ask('DELETE', at('login_four')), 204)
    expect(refusal(await through(bob, 'login_four'))).toBe('connection_not_found')
    await until(
      () => revocations(patchbay),
      now => now === before + 2,
    )
  })

  it('a member who leaves: their login-user authorisation ends, and what they own stops with owner_inactive', async () => {
    const erin = await joins(patchbay, 'Erin')
    await connect(alice, { service: 'code', link_name: 'login_five', use_login_user_credentials: true })
    await authorise(erin, 'login_five', 'grace')
    await connect(erin, { service: 'code', link_name: 'erins', access: 'organization' })
    await echo(patchbay, bob.ask, 'erins', '/api/echo')
    const before = await revocations(patchbay)
    must(await carol.ask('DELETE', `/api/v1/members/${erin.id}`), 204)
    const refused = await through(bob, 'erins')
    expect([refused.status, refused.json.code]).toEqual([409, 'owner_inactive'])
    expect((await through(erin, 'login_five')).status).toBe(401)
    await until(
      () => revocations(patchbay),
      now => now === before + 1,
    )
    const rows = must(await alice.ask('GET', `${at('login_five')}/authorizations`), 200).json.data
    expect(rows.find((one: { subject: { id: string } }) => one.subject.id === erin.id)).toMatchObject({ status: 'revoked' })
  })

  it('a key limited to one connection knows no other, and makes none', async () => {
    await connect(alice, { service: 'code', link_name: 'limited_one' })
    await connect(alice, { service: 'code', link_name: 'limited_two' })
    const { key } = must(await alice.ask('POST', '/api/v1/api-keys', { name: 'one', connections: ['limited_one'] }), 201).json
    const limited = patchbay.withKey(String(key))
    await echo(patchbay, limited, 'limited_one', '/api/echo')
    expect(refusal(await call(patchbay, limited, 'limited_two', '/api/echo'))).toBe('connection_not_found')
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/authorize'],
      ['POST', '/revoke'],
    ] as const)
      expect(refusal(await limited(method, at('limited_two') + path)), method + path).toBe('connection_not_found')
    expect(must(await limited('GET', '/api/v1/connections'), 200).json.data).toHaveLength(1)
    const body = { service: 'code', name: 'New', link_name: 'limited_three' }
    expect(refusal(await limited('POST', '/api/v1/connections', body))).toBe('forbidden')
    expect(refusal(await alice.ask('GET', at('limited_three')))).toBe('connection_not_found')
    await echo(patchbay, alice.ask, 'limited_two', '/api/echo')
  })

  it('another organisation sees nothing of it, and has its own link names', async () => {
    await connect(alice, { service: 'code', link_name: 'tenant_one', access: 'organization' })
    const ada = await administrator(patchbay)
    must(await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: 'other-org' }), 201)
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'other-org' }), 200)
    for (const linkName of ['tenant_one', 'absent_one']) expect(refusal(await ada.ask('GET', at(linkName)))).toBe('connection_not_found')
    expect(refusal(await through(ada, 'tenant_one'))).toBe('connection_not_found')
    expect(await listed(ada, 'view=all')).toEqual([])
    expect(refusal(await ada.ask('GET', '/api/v1/services/code'))).toBe('service_not_found')
    const client = await oauth2Service(patchbay, 'code', { by: ada.ask })
    expect(client['redirect_url']).toBe(`${patchbay.base}/oauth/callback/other-org/code`)
  })
})
