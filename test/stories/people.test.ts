import { afterAll, assert, beforeAll, describe, expect, test } from 'vitest'
import { connects, joinsAs, keyService, memberPassword, type TestMember } from '../support/organization.ts'
import { adminEmail, adminPassword, startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'

const problemOf = ({ status, json }: Answer) => `${status} ${json?.code}`
const tokenOf = (url: string) => new URL(url).searchParams.get('token') ?? new URL(url).pathname.split('/').at(-1) ?? ''

describe.each(['pglite', 'postgres'] as const)('people [%s]', database => {
  let patchbay: TestPatchbay
  let bob: TestMember
  let dev: TestMember
  let echo: string
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    echo = await keyService(patchbay)
    bob = await joinsAs(patchbay, 'Bob', 'user')
    dev = await joinsAs(patchbay, 'Dev', 'developer')
  })
  afterAll(() => patchbay?.stop())

  const audited = async (action: string) => (await patchbay.admin('GET', `/api/v1/audit?action=${action}`)).json.data

  test('who am I: a session, a key, nobody', async () => {
    const me = await bob.browser.ask('GET', '/api/v1/me')
    assert.deepEqual(me.json, {
      user: { id: bob.id, email: 'bob@example.test', name: 'Bob' },
      organization: { id: me.json.organization.id, name: 'Default', slug: 'default' },
      role: 'user',
      belongs_to: null,
      may_create: true,
    })
    const admin = await patchbay.admin('GET', '/api/v1/me')
    expect(admin.json).toMatchObject({ user: { email: adminEmail }, role: 'administrator', organization: { slug: 'default' } })
    const nobody = await patchbay.nobody('GET', '/api/v1/me')
    assert.equal(problemOf(nobody), '401 unauthenticated')
    assert.match(nobody.headers.get('content-type') ?? '', /^application\/problem\+json/)
    assert.equal(problemOf(await patchbay.withKey('pb_' + 'x'.repeat(43))('GET', '/api/v1/me')), '401 unauthenticated')
  })

  test('what only administrators may do is refused to users and developers, and unknown fields to everybody', async () => {
    const admins = [
      ['PATCH', `/api/v1/members/${bob.id}`, { role: 'administrator' }],
      ['DELETE', `/api/v1/members/${bob.id}`],
      ['POST', `/api/v1/members/${bob.id}/reset-link`],
      ['GET', '/api/v1/members/invitations'],
      ['POST', '/api/v1/members/invitations', { email: 'x@example.test', role: 'user' }],
      ['DELETE', '/api/v1/members/invitations/00000000-0000-4000-8000-000000000000'],
      ['GET', '/api/v1/settings'],
      ['PATCH', '/api/v1/settings', { who_may_create: 'administrators' }],
      ['GET', '/api/v1/audit'],
      ['GET', '/api/v1/api-keys?all=true'],
      ['POST', '/api/v1/organizations', { name: 'Other', slug: 'other' }],
      ['POST', '/api/v1/operations/rewrap-keys'],
      ['GET', '/api/v1/operations/backup'],
      ['GET', '/api/v1/operations/keys'],
      ['POST', '/api/v1/operations/rotate-data-keys'],
      ['POST', '/api/v1/operations/verify-keys'],
      ['POST', '/api/v1/operations/adopt'],
      ['GET', '/api/v1/operations/revocations?since=2026-01-01T00:00:00Z'],
    ] as const
    for (const [method, path, body] of admins)
      for (const person of [bob, dev])
        assert.equal(problemOf(await person.browser.ask(method, path, body)), '403 forbidden', `${method} ${path}`)
    for (const [method, path] of admins)
      assert.equal(problemOf(await patchbay.nobody(method, path)), '401 unauthenticated', `${method} ${path}`)

    const extra = { surprise: 1 }
    for (const [method, path, body] of [
      ['PATCH', `/api/v1/members/${bob.id}`, { role: 'user', organization_id: 'x' }],
      ['POST', '/api/v1/members/invitations', { email: 'x@example.test', role: 'user', ...extra }],
      ['POST', '/api/v1/api-keys', { name: 'k', user_id: bob.id }],
      ['PATCH', '/api/v1/settings', { who_may_create: 'everyone', ...extra }],
      ['POST', '/api/v1/organizations', { name: 'Other', slug: 'other', ...extra }],
      ['POST', '/api/auth/sign-in/email', { email: 'x', password: 'y', ...extra }],
    ] as const)
      assert.equal(problemOf(await patchbay.admin(method, path, body)), '422 validation_failed', `${method} ${path}`)
  })

  test('a cookie changes nothing without the Origin of the public URL', async () => {
    for (const headers of [
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { origin: `${patchbay.base}.evil.test` },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const refused = await bob.browser.ask('POST', '/api/v1/me/sign-out-everywhere', undefined, headers)
      assert.equal(problemOf(refused), '403 csrf_refused', JSON.stringify(headers))
    }
    const cookie = [...bob.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    for (const [method, path, body] of [
      ['POST', '/api/v1/me/sign-out-everywhere'],
      ['POST', '/api/auth/sign-out'],
      ['PUT', '/api/v1/me/organization', { slug: 'default' }],
      ['POST', '/api/v1/me/password', { current_password: memberPassword, new_password: 'another good one' }],
      ['POST', '/api/v1/api-keys', { name: 'k' }],
      ['POST', '/api/v1/cli-logins/BCDF-GHJK/approve'],
    ] as const)
      assert.equal(problemOf(await patchbay.nobody(method, path, body, { cookie })), '403 csrf_refused', path)
    assert.equal((await bob.browser.ask('GET', '/api/v1/me')).status, 200)

    // a page of somebody else signs no browser in
    const signIn = { email: bob.email, password: memberPassword }
    assert.equal(
      problemOf(await patchbay.nobody('POST', '/api/auth/sign-in/email', signIn, { origin: 'https://evil.test' })),
      '403 csrf_refused',
    )
    const form = await patchbay.nobody('POST', '/api/auth/sign-in/email', new URLSearchParams(signIn).toString(), {
      origin: 'https://evil.test',
      'content-type': 'application/x-www-form-urlencoded',
    })
    assert.equal(problemOf(form), '403 csrf_refused')
  })

  test('signing in takes the right password; refusals look alike, and are noted where the account is', async () => {
    const wrong = await patchbay.nobody('POST', '/api/auth/sign-in/email', { email: dev.email, password: 'not this one' })
    const unknown = await patchbay.nobody('POST', '/api/auth/sign-in/email', { email: 'stranger@example.test', password: 'not this one' })
    for (const answer of [wrong, unknown]) {
      assert.equal(problemOf(answer), '401 sign_in_failed')
      assert.isNull(answer.headers.get('set-cookie'))
    }
    assert.equal(wrong.json.detail, unknown.json.detail)
    const refusals = await audited('session.refused')
    expect(refusals[0]).toMatchObject({ actor: { id: dev.id, name: 'Dev' }, object: `member:${dev.id}`, outcome: 'refused' })

    const browser = patchbay.browser()
    const signedIn = await browser.ask('POST', '/api/auth/sign-in/email', { email: '  DEV@Example.test ', password: memberPassword })
    assert.deepEqual(signedIn.json, { user: { id: dev.id, email: dev.email, name: 'Dev' } })
    const setCookie = signedIn.headers.get('set-cookie') ?? ''
    for (const part of ['HttpOnly', 'SameSite=Lax', 'Path=/']) assert.include(setCookie, part)
    assert.equal((await audited('session.started'))[0].actor.id, dev.id)

    const out = await browser.ask('POST', '/api/auth/sign-out')
    assert.equal(out.status, 200)
    assert.equal(browser.cookies.size, 0)
    const old = setCookie.split(';')[0] ?? ''
    assert.equal(problemOf(await patchbay.nobody('GET', '/api/v1/me', undefined, { cookie: old })), '401 unauthenticated')
    assert.equal((await patchbay.nobody('POST', '/api/auth/sign-out')).status, 200)
  })

  test('passwords are guessed ten times at most, in any spelling of the address, known or not', async () => {
    for (const email of ['guessed@example.test', 'ghost@example.test']) {
      if (email.startsWith('guessed')) await joinsAs(patchbay, 'Guessed', 'user')
      const spellings = [email, email.toUpperCase(), ` ${email} `]
      for (let i = 0; i < 10; i++)
        assert.equal(
          problemOf(await patchbay.nobody('POST', '/api/auth/sign-in/email', { email: spellings[i % 3], password: 'wrong wrong wrong' })),
          '401 sign_in_failed',
        )
      const refused = await patchbay.nobody('POST', '/api/auth/sign-in/email', { email, password: memberPassword })
      assert.equal(problemOf(refused), '429 too_many_requests')
      assert.isAbove(Number(refused.headers.get('retry-after')), 60)
    }
    // somebody else is not locked out with them, however often they sign in
    for (let i = 0; i < 12; i++) await patchbay.browser().signIn(dev.email, memberPassword)
  })

  test('a new person accepts an invitation with name and password; it works once', async () => {
    const invited = await patchbay.admin('POST', '/api/v1/members/invitations', { email: ' Eve@Example.test', role: 'developer' })
    assert.equal(invited.status, 201)
    expect(invited.json).toMatchObject({ email: 'eve@example.test', role: 'developer', mailed: false })
    assert.match(invited.json.accept_url, new RegExp(`^${patchbay.base}/invitations/[A-Za-z0-9_-]{43}$`))
    const token = tokenOf(invited.json.accept_url)
    const listed = await patchbay.admin('GET', '/api/v1/members/invitations')
    assert.include(JSON.stringify(listed.json), 'eve@example.test')
    assert.notInclude(listed.text, token)
    assert.deepInclude((await patchbay.nobody('GET', `/api/v1/invitations/${token}`)).json, {
      organization: { name: 'Default', slug: 'default' },
      email: 'eve@example.test',
      role: 'developer',
      has_account: false,
    })

    const eve = patchbay.browser()
    const path = `/api/v1/invitations/${token}/accept`
    expect((await eve.ask('POST', path, { name: 'Eve', password: 'short' })).json).toMatchObject({
      status: 422,
      errors: [{ path: 'password' }],
    })
    expect((await eve.ask('POST', path, { password: memberPassword })).json).toMatchObject({ status: 422, errors: [{ path: 'name' }] })
    assert.equal(
      problemOf(await eve.ask('POST', path, { name: 'Eve', password: memberPassword }, { origin: 'https://evil.test' })),
      '403 csrf_refused',
    )
    assert.equal(problemOf(await patchbay.admin('POST', path, { name: 'Eve', password: memberPassword })), '403 forbidden')
    const accepted = await eve.ask('POST', path, { name: 'Eve', password: memberPassword })
    expect(accepted.json).toMatchObject({
      user: { name: 'Eve', email: 'eve@example.test' },
      organization: { slug: 'default' },
      role: 'developer',
    })
    assert.equal((await eve.ask('GET', '/api/v1/me')).json.role, 'developer')
    assert.equal(problemOf(await eve.ask('POST', path, { name: 'Eve', password: memberPassword })), '404 invitation_invalid')
    expect((await audited('member.joined'))[0]).toMatchObject({
      actor: { name: 'Eve' },
      details: { email: 'eve@example.test', role: 'developer' },
    })

    const again = await patchbay.admin('POST', '/api/v1/members/invitations', { email: 'eve@example.test', role: 'user' })
    assert.equal(problemOf(again), '422 validation_failed')
  })

  test('an invitation that was withdrawn opens nothing', async () => {
    const { json } = await patchbay.admin('POST', '/api/v1/members/invitations', { email: 'gone@example.test', role: 'user' })
    assert.equal((await patchbay.admin('DELETE', `/api/v1/members/invitations/${json.id}`)).status, 204)
    assert.equal(problemOf(await patchbay.nobody('GET', `/api/v1/invitations/${tokenOf(json.accept_url)}`)), '404 invitation_invalid')
    assert.equal(problemOf(await patchbay.admin('DELETE', `/api/v1/members/invitations/${json.id}`)), '404 invitation_invalid')
  })

  test('who has an account confirms an invitation signed in; the session goes on in the new organisation, and back', async () => {
    const ada = patchbay.browser()
    await ada.signIn(adminEmail, adminPassword)
    const made = await ada.ask('POST', '/api/v1/organizations', { name: 'Side', slug: 'side-1' })
    expect(made.json).toMatchObject({ name: 'Side', slug: 'side-1', role: 'administrator' })
    assert.equal(problemOf(await ada.ask('POST', '/api/v1/organizations', { name: 'Side', slug: 'side-1' })), '409 slug_taken')
    assert.equal(problemOf(await ada.ask('POST', '/api/v1/organizations', { name: 'Side', slug: 'Side 1' })), '422 validation_failed')
    const entered = await ada.ask('PUT', '/api/v1/me/organization', { slug: 'side-1' })
    expect(entered.json).toMatchObject({ organization: { slug: 'side-1' }, role: 'administrator' })
    const invited = await ada.ask('POST', '/api/v1/members/invitations', { email: dev.email, role: 'user' })
    const path = `/api/v1/invitations/${tokenOf(invited.json.accept_url)}`
    assert.isTrue((await patchbay.nobody('GET', path)).json.has_account)

    const newcomer = { name: 'Dev', password: memberPassword }
    assert.equal(problemOf(await patchbay.browser().ask('POST', `${path}/accept`, newcomer)), '409 sign_in_required')
    assert.equal(problemOf(await bob.browser.ask('POST', `${path}/accept`)), '409 sign_in_required')
    const accepted = await dev.browser.ask('POST', `${path}/accept`)
    expect(accepted.json).toMatchObject({ user: { id: dev.id }, organization: { slug: 'side-1' }, role: 'user' })
    assert.equal((await dev.browser.ask('GET', '/api/v1/me')).json.organization.slug, 'side-1')
    assert.deepEqual(
      (await dev.browser.ask('GET', '/api/v1/organizations')).json.data.map((one: { slug: string; role: string }) => [one.slug, one.role]),
      [
        ['default', 'developer'],
        ['side-1', 'user'],
      ],
    )
    assert.equal((await dev.browser.ask('PUT', '/api/v1/me/organization', { slug: 'default' })).json.role, 'developer')
    assert.equal(problemOf(await bob.browser.ask('PUT', '/api/v1/me/organization', { slug: 'side-1' })), '404 organization_not_found')
    assert.equal(problemOf(await patchbay.admin('PUT', '/api/v1/me/organization', { slug: 'side-1' })), '403 forbidden')

    // what happened there stands in the log there; here nobody of there is a member
    const there = (await ada.ask('GET', '/api/v1/audit?action=member.joined')).json.data
    assert.deepEqual(
      there.map((row: { actor: { id: string } }) => row.actor.id),
      [dev.id],
    )
    assert.equal(problemOf(await ada.ask('PATCH', `/api/v1/members/${bob.id}`, { role: 'administrator' })), '404 member_not_found')
    for (const [method, operation] of [
      ['POST', 'rewrap-keys'],
      ['POST', 'rotate-data-keys'],
      ['POST', 'verify-keys'],
      ['POST', 'adopt'],
      ['GET', 'keys'],
      ['GET', 'revocations?since=2026-01-01T00:00:00Z'],
    ] as const)
      assert.equal(
        problemOf(await ada.ask(method, `/api/v1/operations/${operation}`)),
        '403 forbidden',
        'an administrator of another organisation is no operator',
      )
    // a link would be the whole account: only who is administrator of all its organisations makes one
    assert.equal((await ada.ask('POST', `/api/v1/members/${dev.id}/reset-link`)).status, 200)
    const promoted = await ada.ask('PATCH', `/api/v1/members/${dev.id}`, { role: 'administrator' })
    assert.equal(promoted.json.role, 'administrator')
    await dev.browser.ask('PUT', '/api/v1/me/organization', { slug: 'side-1' })
    const adaId = (await ada.ask('GET', '/api/v1/me')).json.user.id
    assert.equal(problemOf(await dev.browser.ask('POST', `/api/v1/members/${adaId}/reset-link`)), '403 forbidden')
    await dev.browser.ask('PUT', '/api/v1/me/organization', { slug: 'default' })
  })

  test('roles change from the next request on; an organisation keeps an administrator', async () => {
    const adaId = (await patchbay.admin('GET', '/api/v1/me')).json.user.id
    assert.equal(problemOf(await patchbay.admin('PATCH', `/api/v1/members/${adaId}`, { role: 'user' })), '409 last_administrator')
    assert.equal(problemOf(await patchbay.admin('DELETE', `/api/v1/members/${adaId}`)), '409 last_administrator')
    assert.equal(problemOf(await patchbay.admin('PATCH', '/api/v1/members/nobody', { role: 'user' })), '404 member_not_found')

    const carol = await joinsAs(patchbay, 'Carol', 'user')
    const { key } = (await carol.browser.ask('POST', '/api/v1/api-keys', { name: 'c' })).json
    assert.equal(problemOf(await patchbay.withKey(key)('GET', '/api/v1/settings')), '403 forbidden')
    const raised = await patchbay.admin('PATCH', `/api/v1/members/${carol.id}`, { role: 'administrator' })
    expect(raised.json).toMatchObject({ id: carol.id, role: 'administrator', email: 'carol@example.test' })
    assert.equal((await patchbay.withKey(key)('GET', '/api/v1/settings')).status, 200)
    assert.equal((await carol.browser.ask('GET', '/api/v1/settings')).status, 200)
    expect((await audited('member.role_changed'))[0]).toMatchObject({
      object: `member:${carol.id}`,
      details: { from: 'user', to: 'administrator' },
    })

    await connects(carol.browser.ask, 'carols')
    const acting = (await carol.browser.ask('POST', '/api/v1/api-keys', { name: 'acts', connections: ['carols'], act_as: true })).json
    await patchbay.admin('PATCH', `/api/v1/members/${carol.id}`, { role: 'user' })
    assert.equal(problemOf(await patchbay.withKey(key)('GET', '/api/v1/settings')), '403 forbidden')
    assert.equal(
      problemOf(await patchbay.withKey(acting.key)('GET', '/api/v1/me')),
      '401 unauthenticated',
      'only administrators have keys that act for others',
    )
  })

  test('invitations end with the right of who made them: no way back by an address of one’s own', async () => {
    const invited = async (by: TestMember, email: string) =>
      tokenOf((await by.browser.ask('POST', '/api/v1/members/invitations', { email, role: 'administrator' })).json.accept_url)
    const waits = async () =>
      (await patchbay.admin('GET', '/api/v1/members/invitations')).json.data.map((one: { email: string }) => one.email)
    const kim = await joinsAs(patchbay, 'Kim', 'administrator')
    await patchbay.admin('POST', '/api/v1/members/invitations', { email: 'lou@example.test', role: 'user' })
    const demoted = await invited(kim, 'kim.1@example.test')
    await patchbay.admin('PATCH', `/api/v1/members/${kim.id}`, { role: 'user' })
    await patchbay.admin('PATCH', `/api/v1/members/${kim.id}`, { role: 'administrator' })
    const removed = await invited(kim, 'kim.2@example.test')
    await patchbay.admin('PATCH', `/api/v1/members/${kim.id}`, { role: 'administrator' })
    assert.include(await waits(), 'kim.2@example.test', 'who stays administrator goes on inviting')
    await patchbay.admin('DELETE', `/api/v1/members/${kim.id}`)
    for (const token of [demoted, removed])
      assert.equal(
        problemOf(await patchbay.nobody('POST', `/api/v1/invitations/${token}/accept`, { name: 'Kim', password: memberPassword })),
        '404 invitation_invalid',
      )
    assert.include(await waits(), 'lou@example.test', 'those of others still wait')
    assert.deepEqual(
      (await audited('invitation.withdrawn')).slice(0, 2).map((one: { details: unknown }) => one.details),
      ['kim.2@example.test', 'kim.1@example.test'].map(email => ({ email, reason: 'inviter_may_not' })),
    )
  })

  test('members are listed a page at a time, for everybody', async () => {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Answer = await bob.browser.ask('GET', `/api/v1/members?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)
      assert.isAtMost(page.json.data.length, 2)
      seen.push(...page.json.data.map((one: { email: string }) => one.email))
      cursor = page.json.next_cursor
    } while (cursor !== null)
    assert.equal(seen[0], adminEmail)
    assert.includeMembers(seen, [bob.email, dev.email])
    assert.equal(new Set(seen).size, seen.length)
    assert.equal((await bob.browser.ask('GET', `/api/v1/members/${dev.id}`)).json.name, 'Dev')
    for (const bad of ['limit=0', 'limit=101', 'cursor=x', `cursor=${Buffer.from('["now","x"]').toString('base64url')}`])
      assert.equal(problemOf(await bob.browser.ask('GET', `/api/v1/members?${bad}`)), '422 validation_failed', bad)
  })

  test('a password is changed by who knows it; other sessions end, this one stays', async () => {
    const pat = await joinsAs(patchbay, 'Pat', 'user')
    const elsewhere = patchbay.browser()
    await elsewhere.signIn(pat.email, memberPassword)
    const { key } = (await pat.browser.ask('POST', '/api/v1/api-keys', { name: 'k' })).json
    const wanted = { current_password: memberPassword, new_password: 'a better battery' }
    assert.equal(problemOf(await patchbay.withKey(key)('POST', '/api/v1/me/password', wanted)), '403 forbidden')
    const wrong = await pat.browser.ask('POST', '/api/v1/me/password', { ...wanted, current_password: 'wrong' })
    expect(wrong.json).toMatchObject({ status: 422, errors: [{ path: 'current_password' }] })
    expect((await pat.browser.ask('POST', '/api/v1/me/password', { ...wanted, new_password: 'short' })).json).toMatchObject({
      errors: [{ path: 'new_password' }],
    })
    assert.equal((await pat.browser.ask('POST', '/api/v1/me/password', wanted)).status, 204)
    assert.equal((await pat.browser.ask('GET', '/api/v1/me')).status, 200)
    assert.equal(problemOf(await elsewhere.ask('GET', '/api/v1/me')), '401 unauthenticated')
    assert.equal(
      problemOf(await elsewhere.ask('POST', '/api/auth/sign-in/email', { email: pat.email, password: memberPassword })),
      '401 sign_in_failed',
    )
    await elsewhere.signIn(pat.email, 'a better battery')
    assert.equal((await audited('password.changed'))[0].actor.id, pat.id)

    assert.equal((await pat.browser.ask('POST', '/api/v1/me/sign-out-everywhere')).status, 204)
    for (const one of [pat.browser, elsewhere]) assert.equal(problemOf(await one.ask('GET', '/api/v1/me')), '401 unauthenticated')
    assert.equal(pat.browser.cookies.size, 0)
    assert.equal((await patchbay.withKey(key)('GET', '/api/v1/me')).status, 200, 'keys stay')
  })

  test('a reset link sets a password once and ends every session', async () => {
    const rae = await joinsAs(patchbay, 'Rae', 'user')
    assert.equal(problemOf(await patchbay.admin('POST', '/api/v1/members/nobody/reset-link')), '404 member_not_found')
    const link = await patchbay.admin('POST', `/api/v1/members/${rae.id}/reset-link`)
    expect(link.json).toMatchObject({ mailed: false, reset_url: expect.stringContaining(`${patchbay.base}/reset-password?token=`) })
    const path = `/api/v1/password-resets/${tokenOf(link.json.reset_url)}`
    assert.equal((await patchbay.nobody('GET', path)).json.email, rae.email)
    expect((await patchbay.nobody('POST', path, { password: 'short' })).json).toMatchObject({ errors: [{ path: 'password' }] })
    assert.equal((await patchbay.nobody('POST', path, { password: 'completely new one' })).status, 204)
    assert.equal(problemOf(await rae.browser.ask('GET', '/api/v1/me')), '401 unauthenticated')
    assert.equal(problemOf(await patchbay.nobody('POST', path, { password: 'completely new one' })), '404 reset_link_invalid')
    await rae.browser.signIn(rae.email, 'completely new one')
    assert.equal((await audited('password.reset'))[0].actor.id, rae.id)
    assert.notInclude(JSON.stringify(await audited('password.reset_link_made')), tokenOf(link.json.reset_url))
  })

  test('who is removed is out at once: session, keys, and what they authorised for others', async () => {
    await connects(patchbay.admin, 'each_own', { use_login_user_credentials: true })
    await connects(patchbay.admin, 'of_the_house', { access: 'organization' })
    const max = await joinsAs(patchbay, 'Max', 'user')
    const values = { credentials: { 'x-api-key': 'practice-key' } }
    assert.equal((await max.browser.ask('POST', '/api/v1/connections/each_own/authorize', values)).status, 200)
    const { key } = (await max.browser.ask('POST', '/api/v1/api-keys', { name: 'k' })).json
    const call = () => patchbay.withKey(key)('POST', '/api/v1/invoke', { connection: 'each_own', url: echo })
    assert.equal((await call()).json.status_code, 200)
    await connects(max.browser.ask, 'owned_by_max', { access: 'organization' })
    const status = async () =>
      (await patchbay.admin('GET', '/api/v1/connections/each_own/authorizations')).json.data.find(
        (one: { subject: { id: string } }) => one.subject.id === max.id,
      ).status
    assert.equal(await status(), 'connected')

    assert.equal((await patchbay.admin('DELETE', `/api/v1/members/${max.id}`)).status, 204)
    assert.equal(problemOf(await call()), '401 unauthenticated')
    assert.equal(problemOf(await max.browser.ask('GET', '/api/v1/me')), '401 unauthenticated')
    assert.equal(await status(), 'revoked')
    const orphan = await patchbay.admin('POST', '/api/v1/invoke', { connection: 'owned_by_max', url: echo })
    assert.equal(problemOf(orphan), '409 owner_inactive')
    assert.equal(
      (await patchbay.admin('POST', '/api/v1/invoke', { connection: 'each_own', url: echo })).json.status_code,
      200,
      'the others stay',
    )
    expect((await audited('member.removed'))[0]).toMatchObject({
      object: `member:${max.id}`,
      details: { email: max.email, keys: 1, authorisations: 1 },
    })
    assert.equal(problemOf(await patchbay.admin('DELETE', `/api/v1/members/${max.id}`)), '404 member_not_found')
  })

  test('who may create is a setting', async () => {
    assert.deepEqual((await patchbay.admin('GET', '/api/v1/settings')).json, { who_may_create: 'everyone' })
    assert.deepEqual((await patchbay.admin('PATCH', '/api/v1/settings', { who_may_create: 'developers' })).json, {
      who_may_create: 'developers',
    })
    const wish = (link_name: string) => ({ service: 'echo', name: link_name, link_name, credentials: { 'x-api-key': 'practice-key' } })
    assert.equal(problemOf(await bob.browser.ask('POST', '/api/v1/connections', wish('of_bob'))), '403 forbidden')
    assert.equal((await dev.browser.ask('POST', '/api/v1/connections', wish('of_dev'))).status, 201)
    assert.equal(problemOf(await patchbay.admin('PATCH', '/api/v1/settings', { who_may_create: 'nobody' })), '422 validation_failed')
    await patchbay.admin('PATCH', '/api/v1/settings', { who_may_create: 'everyone' })
    assert.equal((await bob.browser.ask('POST', '/api/v1/connections', wish('of_bob'))).status, 201)
    assert.deepEqual((await audited('settings.changed'))[0].details, { who_may_create: 'everyone' })
  })

  test('a terminal signs in by way of the browser', async () => {
    const started = await patchbay.nobody('POST', '/api/v1/cli-logins')
    assert.equal(started.status, 201)
    const { code, url, device_token, interval_seconds } = started.json
    assert.match(code, /^[B-Z]{4}-[B-Z]{4}$/)
    assert.equal(url, `${patchbay.base}/cli-login?code=${code}`)
    assert.isAtLeast(interval_seconds, 1)
    const poll = `/api/v1/cli-logins/${device_token}`
    assert.equal((await patchbay.nobody('GET', poll)).status, 202)
    assert.equal(problemOf(await patchbay.nobody('POST', `/api/v1/cli-logins/${code}/approve`)), '401 unauthenticated')
    assert.equal(problemOf(await patchbay.admin('POST', `/api/v1/cli-logins/${code}/approve`)), '403 forbidden')
    assert.equal((await bob.browser.ask('POST', `/api/v1/cli-logins/${code.toLowerCase()}/approve`)).status, 204)
    assert.equal(problemOf(await bob.browser.ask('POST', `/api/v1/cli-logins/${code}/approve`)), '404 login_not_approved')
    const fetched = await patchbay.nobody('POST', poll)
    assert.equal(fetched.status, 200)
    assert.equal((await patchbay.withKey(fetched.json.key)('GET', '/api/v1/me')).json.user.id, bob.id)
    assert.equal(problemOf(await patchbay.nobody('GET', poll)), '404 login_not_approved')
    assert.equal((await audited('login.approved'))[0].actor.id, bob.id)
    assert.equal((await audited('key.created'))[0].details.name, 'patchbay login')
  })

  test('nothing secret was logged', () => {
    const all = patchbay.logged.join('\n')
    for (const secret of [memberPassword, 'practice-key']) assert.notInclude(all, secret)
    assert.notMatch(all, /pb_[A-Za-z0-9_-]{32}/)
  })
})

describe.each(['pglite', 'postgres'] as const)('the first start [%s]', database => {
  test('the link on the terminal makes the first administrator, once', async () => {
    const patchbay = await startPatchbay({ database, bare: true })
    try {
      const token = tokenOf(patchbay.setUpUrl ?? '')
      assert.deepEqual((await patchbay.nobody('GET', '/api/v1/setup')).json, { set_up: false })
      const wish = { token, organization_name: 'Acme', name: 'Ada', email: 'ada@example.test', password: memberPassword }
      assert.equal(problemOf(await patchbay.nobody('POST', '/api/v1/setup', { ...wish, token: 'wrong' })), '403 setup_token_invalid')
      expect((await patchbay.nobody('POST', '/api/v1/setup', { ...wish, password: 'short' })).json).toMatchObject({
        errors: [{ path: 'password' }],
      })
      const ada = patchbay.browser()
      const done = await ada.ask('POST', '/api/v1/setup', wish)
      assert.equal(done.status, 201)
      expect(done.json).toMatchObject({ user: { name: 'Ada' }, organization: { name: 'Acme', slug: 'default' } })
      assert.equal((await ada.ask('GET', '/api/v1/me')).json.role, 'administrator')
      assert.equal((await ada.ask('GET', '/api/v1/audit?action=organization.set_up')).json.data[0].actor.name, 'Ada')
      assert.deepEqual((await patchbay.nobody('GET', '/api/v1/setup')).json, { set_up: true })
      assert.equal(problemOf(await patchbay.nobody('POST', '/api/v1/setup', wish)), '409 already_set_up')
    } finally {
      await patchbay.stop()
    }
  })
})
