import { sql } from 'kysely'
import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { browserOf, openPeople, password, problemOf, withAda } from '../../test/support/people.ts'
import { createOrganization } from './organizations.ts'
import {
  deleteExpired,
  sessionIsLive,
  sessionOf,
  setActiveOrganization,
  signIn,
  signOut,
  signOutEverywhere,
  startSession,
} from './sessions.ts'

forEachDatabase((_, open) => {
  test('the cookie is HttpOnly and Lax; behind https it is __Host- and Secure, on plain http it has no prefix', async () => {
    const plain = await openPeople(open)
    await withAda(plain.people)
    const { setCookie } = await signIn(plain.people, { email: 'ada@example.test', password })
    assert.match(setCookie, /^patchbay_session=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/)

    const secure = await openPeople(open, 'https://patchbay.example')
    await withAda(secure.people)
    const other = await browserOf(secure.people, 'ada@example.test')
    assert.match(other.setCookie, /^__Host-patchbay_session=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    assert.equal((await sessionOf(secure.people, other.cookie))?.email, 'ada@example.test')
    assert.equal(await sessionOf(secure.people, other.cookie.replace('__Host-', '')), null)
  })

  test('better-auth itself reads the cookie that we make, though the token is stored as a hash', async () => {
    const { people } = await openPeople(open)
    await withAda(people)
    const { cookie } = await browserOf(people, 'ada@example.test')
    const seen = await people.auth.better.api.getSession({ headers: new Headers({ cookie }) })
    assert.equal(seen?.user.email, 'ada@example.test')
  })

  test('nothing in the database is worth stealing: no token, no password, no key stands in it', async () => {
    const { people } = await openPeople(open)
    await withAda(people)
    const { cookie } = await browserOf(people, 'ada@example.test')
    const token = decodeURIComponent(cookie.split('=')[1] ?? '').split('.')[0] ?? ''
    assert.isAbove(token.length, 30)
    const { rows } = await sql<{ text: string }>`
      select (select string_agg(s::text, ' ') from sessions s) || (select string_agg(a::text, ' ') from accounts a) as text`.execute(
      people.db,
    )
    assert.notInclude(rows[0]?.text ?? token, token)
    assert.notInclude(rows[0]?.text ?? password, password)
    // what is stored is no cookie either
    const stored = await people.db.selectFrom('sessions').select('token').executeTakeFirstOrThrow()
    assert.equal(await sessionOf(people, cookie.replace(token, stored.token)), null)
  })

  test('an e-mail is the same in any case and with blanks around it; a wrong password and a stranger get the same answer', async () => {
    const { people } = await openPeople(open)
    await withAda(people)
    await signIn(people, { email: ' ADA@example.TEST ', password })
    for (const [email, given] of [
      ['ada@example.test', 'wrong password'],
      ['bob@example.test', password],
      ['not an address', password],
      ['ada@example.test', ''],
      ['ada@example.test', 'x'.repeat(100_000)],
    ] as const)
      assert.equal(await problemOf(signIn(people, { email, password: given })), 'sign_in_failed')
  })

  test('a stranger’s sign-in costs a password hash too', async () => {
    const { people } = await openPeople(open)
    await withAda(people)
    // Processor time of all threads, because the machine has other work too; the hash of known people is all of theirs.
    const costs: Record<string, number> = {}
    for (let i = 0; i < 5; i++)
      for (const email of ['ada@example.test', 'bob@example.test']) {
        const before = process.cpuUsage()
        await problemOf(signIn(people, { email, password: 'wrong password' }))
        const { user, system } = process.cpuUsage(before)
        costs[email] = Math.min(costs[email] ?? Infinity, user + system)
      }
    const ratio = (costs['bob@example.test'] ?? 0) / (costs['ada@example.test'] ?? Infinity)
    assert.isAbove(ratio, 0.5)
    assert.isBelow(ratio, 2)
  })

  test('a cookie that was altered, signed by others, repeated or is not there is nobody', async () => {
    const { people } = await openPeople(open)
    await withAda(people)
    const { cookie } = await browserOf(people, 'ada@example.test')
    assert.isNotNull(await sessionOf(people, `other=1; ${cookie}; more=2`))
    for (const wrong of [
      undefined,
      null,
      '',
      cookie.slice(0, -6) + 'AAA%3D',
      cookie.replace('=', '=x'),
      cookie.split('.')[0],
      `${cookie}; ${cookie}`,
      'patchbay_session=%',
      'patchbay_session=.',
    ])
      assert.isNull(await sessionOf(people, wrong), String(wrong))
  })

  test('it ends after 30 minutes unused, and after 12 hours however busy', async () => {
    const { people, clock } = await openPeople(open)
    await withAda(people)
    const idle = await browserOf(people, 'ada@example.test')
    clock.forward(30 * 60 - 1)
    assert.isNotNull(await sessionOf(people, idle.cookie), 'used in time')
    clock.forward(30 * 60 + 1)
    assert.isNull(await sessionOf(people, idle.cookie), 'unused')
    assert.isFalse(await sessionIsLive(people, idle.sessionId))

    const busy = await browserOf(people, 'ada@example.test')
    for (let minutes = 20; minutes < 12 * 60; minutes += 20) {
      clock.forward(20 * 60)
      assert.isNotNull(await sessionOf(people, busy.cookie), `${minutes} minutes`)
    }
    assert.isTrue(await sessionIsLive(people, busy.sessionId))
    clock.forward(20 * 60)
    assert.isNull(await sessionOf(people, busy.cookie), '12 hours')
    await deleteExpired(people)
    assert.deepEqual(await people.db.selectFrom('sessions').select('id').execute(), [])
  })

  test('signing out ends this session, everywhere ends all of that person', async () => {
    const { people } = await openPeople(open)
    const { ada } = await withAda(people)
    const [one, two] = [await browserOf(people, 'ada@example.test'), await browserOf(people, 'ada@example.test')]
    const ended = await signOut(people, one.cookie)
    assert.match(ended.setCookie, /^patchbay_session=; Max-Age=0;/)
    assert.isNull(await sessionOf(people, one.cookie))
    assert.isNotNull(await sessionOf(people, two.cookie))
    assert.deepEqual(await signOutEverywhere(people, ada), { userIds: [ada] })
    assert.isNull(await sessionOf(people, two.cookie))
  })

  test('it acts in one organisation, and in another only of those the person is in', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    clock.forward(1)
    await createOrganization(people, { name: 'Second', slug: 'second-one', creatorId: ada })
    const { cookie, sessionId } = await browserOf(people, 'ada@example.test')
    assert.equal((await sessionOf(people, cookie))?.organization?.id, organization.id)
    await setActiveOrganization(people, { sessionId, userId: ada }, 'second-one')
    assert.equal((await sessionOf(people, cookie))?.organization?.slug, 'second-one')
    assert.equal(await problemOf(setActiveOrganization(people, { sessionId, userId: ada }, 'third')), 'organization_not_found')
    assert.equal(await problemOf(setActiveOrganization(people, { sessionId, userId: 'stranger' }, 'default')), 'organization_not_found')
  })

  test('a session can be started without a password, where the caller knows who it is', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const { setCookie } = await startSession(people, ada, organization.id, { userAgent: 'test', address: '192.0.2.1' })
    assert.equal((await sessionOf(people, setCookie.split(';')[0]))?.userId, ada)
    const stored = await people.db.selectFrom('sessions').select(['ip_address', 'user_agent']).executeTakeFirstOrThrow()
    assert.deepEqual(stored, { ip_address: '192.0.2.1', user_agent: 'test' })
  })
})
