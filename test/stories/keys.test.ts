import { afterAll, assert, beforeAll, describe, expect, test } from 'vitest'
import { connects, joinsAs, keyService, type TestMember } from '../support/organization.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'

const problemOf = ({ status, json }: Answer) => `${status} ${json?.code}`
const soon = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()

describe.each(['pglite', 'postgres'] as const)('API keys [%s]', database => {
  let patchbay: TestPatchbay
  let bob: TestMember
  let echo: string
  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    echo = await keyService(patchbay)
    bob = await joinsAs(patchbay, 'Bob', 'user')
    await connects(patchbay.admin, 'private_one')
    await connects(patchbay.admin, 'open_one', { access: 'organization' })
    await connects(patchbay.admin, 'open_two', { access: 'organization' })
    await connects(patchbay.admin, 'each_own', { use_login_user_credentials: true })
  })
  afterAll(() => patchbay?.stop())

  const made = async (wish: Record<string, unknown>, by = bob.browser.ask): Promise<{ id: string; key: string }> => {
    const answer = await by('POST', '/api/v1/api-keys', wish)
    assert.equal(answer.status, 201, answer.text)
    return answer.json
  }
  const invoke = (key: string, connection: string, headers?: Record<string, string>) =>
    patchbay.withKey(key)('POST', '/api/v1/invoke', { connection, url: echo }, headers)

  test('a key is shown once, and its use is', async () => {
    const { id, key, ...rest } = (await bob.browser.ask('POST', '/api/v1/api-keys', { name: ' laptop ' })).json
    assert.match(key, /^pb_[A-Za-z0-9_-]{43}$/)
    expect(rest).toMatchObject({
      name: 'laptop',
      prefix: key.slice(0, 7),
      owner: { id: bob.id, name: 'Bob' },
      connections: null,
      invoke_only: false,
      act_as: false,
      expires_at: null,
      last_used_at: null,
    })
    assert.equal((await patchbay.withKey(key)('GET', '/api/v1/me')).json.user.id, bob.id)
    const list = await bob.browser.ask('GET', '/api/v1/api-keys')
    assert.notInclude(list.text, key)
    const own = list.json.data.find((one: { id: string }) => one.id === id)
    assert.isNotNull(own.last_used_at)
    const { data } = (await patchbay.admin('GET', `/api/v1/audit?action=key.created&object=key:${id}`)).json
    assert.equal(data.length, 1)
    assert.notInclude(JSON.stringify(data), key.slice(7))
  })

  test('a key limited to connections sees no others, and does nothing else', async () => {
    const { key } = await made({ name: 'one', connections: ['open_one'] })
    const limited = patchbay.withKey(key)
    assert.equal((await invoke(key, 'open_one')).json.status_code, 200)
    const other = await invoke(key, 'open_two')
    const none = await invoke(key, 'no_such')
    assert.equal(problemOf(other), '404 connection_not_found')
    assert.equal(other.json.detail, none.json.detail)
    assert.equal(problemOf(await limited('GET', '/api/v1/connections/open_two')), '404 connection_not_found')
    assert.deepEqual(
      (await limited('GET', '/api/v1/connections')).json.data.map((one: { link_name: string }) => one.link_name),
      ['open_one'],
    )
    for (const [method, path, body] of [
      ['POST', '/api/v1/api-keys', { name: 'more' }],
      ['GET', '/api/v1/api-keys'],
      ['GET', '/api/v1/members'],
      ['GET', '/api/v1/invocations'],
      ['GET', '/api/v1/invocations/summary'],
      ['GET', '/api/v1/invocations/stream'],
      ['GET', '/api/v1/organizations'],
      ['POST', '/api/v1/me/sign-out-everywhere'],
    ] as const)
      assert.equal(problemOf(await limited(method, path, body)), '403 forbidden', path)
  })

  test('a key that may only invoke is refused everywhere else', async () => {
    const { key } = await made({ name: 'calls', invoke_only: true })
    assert.equal((await invoke(key, 'open_one')).json.status_code, 200)
    for (const [method, path, body] of [
      ['GET', '/api/v1/me'],
      ['GET', '/api/v1/connections'],
      ['GET', '/api/v1/services'],
      ['POST', '/api/v1/api-keys', { name: 'more' }],
      ['GET', '/api/v1/invocations'],
    ] as const)
      assert.equal(problemOf(await patchbay.withKey(key)(method, path, body)), '403 forbidden', path)
  })

  test('a key names connections that its maker may use', async () => {
    const wrong = await bob.browser.ask('POST', '/api/v1/api-keys', { name: 'x', connections: ['open_one', 'private_one', 'no_such'] })
    assert.equal(problemOf(wrong), '422 validation_failed')
    assert.deepEqual(
      wrong.json.errors.map((one: { path: string }) => one.path),
      ['connections.1', 'connections.2'],
    )
    assert.equal(
      new Set(wrong.json.errors.map((one: { message: string }) => one.message)).size,
      1,
      'not there and not visible look the same',
    )

    // what one authorised and may no longer use is listed still, and is no key's
    await connects(patchbay.admin, 'once_shared', { use_login_user_credentials: true })
    const values = { credentials: { 'x-api-key': 'practice-key' } }
    assert.equal((await bob.browser.ask('POST', '/api/v1/connections/once_shared/authorize', values)).status, 200)
    await made({ name: 'while shared', connections: ['once_shared'] })
    await patchbay.admin('PATCH', '/api/v1/connections/once_shared', { access: 'private' })
    assert.equal((await bob.browser.ask('GET', '/api/v1/connections/once_shared')).status, 200)
    const late = await bob.browser.ask('POST', '/api/v1/api-keys', { name: 'x', connections: ['once_shared'] })
    assert.equal(problemOf(late), '422 validation_failed')

    for (const connections of [[], ['Open one'], Array.from({ length: 101 }, (_, i) => `c${i}`)])
      assert.equal(problemOf(await bob.browser.ask('POST', '/api/v1/api-keys', { name: 'x', connections })), '422 validation_failed')
  })

  test('a key that acts for others takes an administrator and named connections', async () => {
    assert.equal(
      problemOf(await bob.browser.ask('POST', '/api/v1/api-keys', { name: 'x', connections: ['each_own'], act_as: true })),
      '403 forbidden',
    )
    const without = await patchbay.admin('POST', '/api/v1/api-keys', { name: 'x', act_as: true })
    expect(without.json).toMatchObject({ code: 'validation_failed', errors: [{ path: 'connections' }] })

    await bob.browser.ask('POST', '/api/v1/connections/each_own/authorize', { credentials: { 'x-api-key': 'practice-key' } })
    const { key } = await made({ name: 'acts', connections: ['each_own', 'open_one'], act_as: true }, patchbay.admin)
    assert.equal((await invoke(key, 'each_own', { 'patchbay-subject': ' BOB@example.test ' })).json.status_code, 200)
    assert.equal((await invoke(key, 'each_own', { 'patchbay-subject': bob.id })).json.status_code, 200)
    assert.equal(problemOf(await invoke(key, 'each_own', { 'patchbay-subject': 'stranger@example.test' })), '403 act_as_not_allowed')
    const { data } = (await patchbay.admin('GET', '/api/v1/invocations?connection=each_own&limit=1')).json
    assert.equal(data[0].subject_id, bob.id)

    const plain = await made({ name: 'plain' }, patchbay.admin)
    for (const subject of [bob.id, '', 'stranger@example.test'])
      assert.equal(problemOf(await invoke(plain.key, 'each_own', { 'patchbay-subject': subject })), '403 act_as_not_allowed', subject)
    assert.equal(problemOf(await bob.browser.ask('GET', '/api/v1/me', undefined, { 'patchbay-subject': bob.id })), '403 act_as_not_allowed')
    assert.equal(problemOf(await patchbay.withKey(key)('POST', '/api/v1/api-keys', { name: 'more' })), '403 forbidden')
  })

  test('a key ends when it says, and makes none that lives longer', async () => {
    for (const expires_at of [soon(-1), 'tomorrow', '2027-01-01'])
      assert.equal(
        problemOf(await bob.browser.ask('POST', '/api/v1/api-keys', { name: 'x', expires_at })),
        '422 validation_failed',
        expires_at,
      )
    const short = await made({ name: 'short', expires_at: soon(1.5) })
    assert.equal((await patchbay.withKey(short.key)('GET', '/api/v1/me')).status, 200)
    const hour = patchbay.withKey((await made({ name: 'hour', expires_at: soon(3600) })).key)
    for (const wish of [{ name: 'ever' }, { name: 'longer', expires_at: soon(7200) }])
      expect((await hour('POST', '/api/v1/api-keys', wish)).json).toMatchObject({
        code: 'validation_failed',
        errors: [{ path: 'expires_at' }],
      })
    await made({ name: 'shorter', expires_at: soon(60) }, hour)
    await new Promise(resolve => setTimeout(resolve, 1600))
    assert.equal(problemOf(await patchbay.withKey(short.key)('GET', '/api/v1/me')), '401 unauthenticated')
    assert.equal(problemOf(await invoke(short.key, 'open_one')), '401 unauthenticated')
  })

  test('a revoked key is dead at once; one revokes one’s own, administrators anybody’s', async () => {
    const admins = await made({ name: 'of ada' }, patchbay.admin)
    const bobs = await made({ name: 'of bob' })
    const second = await made({ name: 'of bob too' })
    assert.equal((await patchbay.withKey(bobs.key)('GET', '/api/v1/me')).status, 200)
    assert.equal(problemOf(await bob.browser.ask('DELETE', `/api/v1/api-keys/${admins.id}`)), '404 key_not_found')
    assert.equal((await bob.browser.ask('DELETE', `/api/v1/api-keys/${bobs.id}`)).status, 204)
    assert.equal(problemOf(await patchbay.withKey(bobs.key)('GET', '/api/v1/me')), '401 unauthenticated')
    assert.equal(problemOf(await bob.browser.ask('DELETE', `/api/v1/api-keys/${bobs.id}`)), '404 key_not_found')

    const all = (await patchbay.admin('GET', '/api/v1/api-keys?all=true&limit=100')).json.data
    assert.includeMembers(
      all.map((one: { id: string }) => one.id),
      [admins.id, second.id],
    )
    assert.notInclude((await patchbay.admin('GET', '/api/v1/api-keys?limit=100')).text, second.id)
    assert.notInclude((await bob.browser.ask('GET', '/api/v1/api-keys?limit=100')).text, admins.id)
    assert.equal((await patchbay.admin('DELETE', `/api/v1/api-keys/${second.id}`)).status, 204)
    assert.equal(problemOf(await patchbay.withKey(second.key)('GET', '/api/v1/me')), '401 unauthenticated')
    assert.equal((await patchbay.admin('GET', `/api/v1/audit?object=key:${second.id}`)).json.data[0].action, 'key.revoked')
  })

  test('keys are listed a page at a time', async () => {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Answer = await patchbay.admin('GET', `/api/v1/api-keys?all=true&limit=3${cursor === null ? '' : `&cursor=${cursor}`}`)
      seen.push(...page.json.data.map((one: { id: string }) => one.id))
      cursor = page.json.next_cursor
    } while (cursor !== null)
    assert.equal(new Set(seen).size, seen.length)
    assert.equal(seen.length, (await patchbay.admin('GET', '/api/v1/api-keys?all=true&limit=100')).json.data.length)
  })
})
