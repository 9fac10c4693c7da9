import { sql } from 'kysely'
import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { joins, openPeople, problemOf, withAda } from '../../test/support/people.ts'
import { createKey, insertKey, keyEndsAt, listKeys, revokeKey, type NewApiKey } from './api-keys.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import { changeRole, removeMember } from './members.ts'
import type { People } from './people.ts'

const plain = { name: 'ci', connections: null, invokeOnly: false, actAs: false, expiresAt: null }

/** The ring's answers must not come from the database when they could come from memory: this database counts. */
function counting(people: People): { people: People; queries: () => number } {
  let queries = 0
  const db = new Proxy(people.db, {
    get(target, property) {
      if (property === 'selectFrom') queries++
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
  return { people: { ...people, db }, queries: () => queries }
}

const using = async (people: People, run: (ring: KeyRing) => Promise<void>): Promise<void> => {
  const ring = createKeyRing(people)
  await run(ring).finally(() => ring.close())
}

forEachDatabase((_, open) => {
  test('a key is shown once, 43 characters after pb_, and kept as a hash with the prefix to recognise it by', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const { key, row } = await createKey(people, { ...plain, organizationId: organization.id, userId: ada })
    assert.match(key, /^pb_[\w-]{43}$/)
    assert.equal(row.prefix, key.slice(0, 7))
    assert.notInclude(JSON.stringify(await people.db.selectFrom('api_keys').selectAll().execute()), key.slice(7))
    assert.notProperty((await listKeys(people, { organizationId: organization.id, userId: ada }))[0], 'hash')
  })

  test('the holder carries the member, the role and the limits', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const limits = { connections: ['mailchimp', 'zoho_desk', 'mailchimp'], invokeOnly: true, actAs: true }
    const { key, row } = await createKey(people, { ...plain, ...limits, organizationId: organization.id, userId: ada })
    await using(people, async ring => {
      const holder = await ring.verify(key)
      assert.deepEqual(holder, {
        keyId: row.id,
        email: 'ada@example.test',
        organizationName: 'Default',
        principal: {
          organizationId: organization.id,
          organizationSlug: 'default',
          userId: ada,
          userName: 'Ada',
          role: 'administrator',
          subjectId: ada,
          key: { id: row.id, connections: new Set(['mailchimp', 'zoho_desk']), invokeOnly: true, actAs: true, scopes: null },
          sessionId: null,
        },
      })
    })
  })

  test('a key that was seen lately is verified at once and without a query; a stranger costs one query', async () => {
    const { people: plainPeople, clock } = await openPeople(open)
    const { ada, organization } = await withAda(plainPeople)
    const { key } = await createKey(plainPeople, { ...plain, organizationId: organization.id, userId: ada })
    const { people, queries } = counting(plainPeople)
    await using(people, async ring => {
      await Promise.all([ring.verify(key), ring.verify(key), ring.verify(key)])
      assert.equal(queries(), 1, 'asked together, answered together')
      for (let i = 0; i < 100; i++) assert.notInstanceOf(ring.verify(key), Promise)
      assert.equal(queries(), 1)
      clock.forward(61)
      assert.instanceOf(ring.verify(key), Promise)
      assert.equal(queries(), 2)

      const stranger = 'pb_' + 'x'.repeat(43)
      assert.isUndefined(await ring.verify(stranger))
      assert.isUndefined(ring.verify(stranger))
      for (const noKey of ['', 'pb_', 'pb_short', 'x'.repeat(46), key.slice(3), key + '\n', 'pb_' + 'x'.repeat(100_000)])
        assert.isUndefined(ring.verify(noKey), noKey.slice(0, 50))
      assert.equal(queries(), 3)
    })
  })

  test('of keys that somebody makes up only a few are looked up at a time, and who is known does not wait behind them', async () => {
    const { people: plainPeople, clock } = await openPeople(open)
    const { ada, organization } = await withAda(plainPeople)
    const { key } = await createKey(plainPeople, { ...plain, organizationId: organization.id, userId: ada })
    const { people, queries } = counting(plainPeople)
    await using(people, async ring => {
      await ring.verify(key)
      const before = queries()
      const madeUp = Array.from({ length: 50 }, async (_, n) => ring.verify('pb_' + String(n).padStart(43, 'x')))
      assert.equal(queries() - before, 4)
      clock.forward(61)
      const again = ring.verify(key)
      assert.equal(queries() - before, 5)
      assert.isDefined(await again)
      assert.deepEqual(
        await Promise.all(madeUp),
        Array.from({ length: 50 }, () => undefined),
      )
      assert.equal(queries() - before, 51)
      assert.isUndefined(await ring.verify('pb_' + 'y'.repeat(43)), 'and their turns are given back')
    })
  })

  test('who waited for a database that hung is not looked up any more when it is back', async () => {
    const { people: plainPeople } = await openPeople(open)
    const { people, queries } = counting(plainPeople)
    await using(people, async ring => {
      let release = () => {}
      const released = new Promise<void>(resolve => (release = resolve))
      let hangs = () => {}
      const hanging = new Promise<void>(resolve => (hangs = resolve))
      const held = plainPeople.db.transaction().execute(async trx => {
        await sql`lock table api_keys in access exclusive mode`.execute(trx)
        hangs()
        await released
      })
      await hanging
      const madeUp = Array.from({ length: 40 }, (_, n) => problemOf(Promise.resolve(ring.verify('pb_' + String(n).padStart(43, 'x')))))
      const refused = await Promise.all(madeUp)
      release()
      await held
      assert.deepEqual(new Set(refused), new Set(['storage_unavailable']))
      assert.isUndefined(await ring.verify('pb_' + 'y'.repeat(43)))
      assert.equal(queries(), 5, 'the four that were asked, and this one')
    })
  })

  test('an expiry counts at every use, remembered or not', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const expiresAt = new Date(clock.now.getTime() + 10_000)
    const { key, row } = await createKey(people, { ...plain, organizationId: organization.id, userId: ada, expiresAt })
    await using(people, async ring => {
      assert.equal(await keyEndsAt(people, row.id), expiresAt.getTime())
      assert.isDefined(await ring.verify(key))
      clock.forward(9)
      assert.isDefined(ring.verify(key))
      clock.forward(1)
      assert.isUndefined(ring.verify(key))
      ring.drop('all')
      assert.isUndefined(await ring.verify(key))
    })
  })

  test('a dropped key, person or everything is looked up again', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const bob = await joins(people, organization.id, ada, 'Bob', 'user')
    const of = { ...plain, organizationId: organization.id }
    const [adas, bobs, other] = await Promise.all([ada, bob, bob].map(userId => createKey(people, { ...of, userId })))
    if (!adas || !bobs || !other) throw new Error('three keys were made')
    await using(people, async ring => {
      await Promise.all([adas, bobs, other].map(async ({ key }) => ring.verify(key)))
      await revokeKey(people, { organizationId: organization.id, userId: bob }, bobs.row.id)
      ring.drop({ keyId: bobs.row.id })
      assert.isUndefined(await ring.verify(bobs.key))
      assert.notInstanceOf(ring.verify(other.key), Promise)

      await changeRole(people, { organizationId: organization.id, userId: bob, role: 'developer' })
      ring.drop({ userId: bob })
      assert.equal((await ring.verify(other.key))?.principal.role, 'developer')
      assert.notInstanceOf(ring.verify(adas.key), Promise)

      await removeMember(people, { organizationId: organization.id, userId: bob })
      ring.drop('all')
      assert.isUndefined(await ring.verify(other.key))
    })
  })

  test('what was asked before a drop is not remembered after it', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const { key, row } = await createKey(people, { ...plain, organizationId: organization.id, userId: ada })
    await using(people, async ring => {
      const asked = ring.verify(key)
      ring.drop({ keyId: row.id })
      await asked
      assert.instanceOf(ring.verify(key), Promise)
    })
  })

  test('a key that is created after somebody tried it works within seconds', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const key = 'pb_' + 'chosen'.repeat(6)
    await using(people, async ring => {
      assert.isUndefined(await ring.verify(key))
      await insertKey(people, { ...plain, organizationId: organization.id, userId: ada }, key)
      clock.forward(6)
      assert.isDefined(await ring.verify(key))
    })
  })

  test('the time of last use is written in batches', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const of = { organizationId: organization.id, userId: ada }
    const used = await createKey(people, { ...plain, ...of })
    clock.forward(1)
    await createKey(people, { ...plain, ...of, name: 'unused' })
    const ring = createKeyRing(people)
    await ring.verify(used.key)
    clock.forward(3)
    await ring.verify(used.key)
    const lastUses = async () => (await listKeys(people, of)).map(row => row.last_used_at)
    assert.deepEqual(await lastUses(), [null, null])
    await ring.close()
    assert.deepEqual(await lastUses(), [clock.now, null])
  })

  test('one’s own keys, or for an administrator all: listed and revoked in this organisation only', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const bob = await joins(people, organization.id, ada, 'Bob', 'user')
    const adas = await createKey(people, { ...plain, organizationId: organization.id, userId: ada })
    clock.forward(1)
    const bobs = await createKey(people, { ...plain, organizationId: organization.id, userId: bob })
    const all = { organizationId: organization.id, userId: null }
    assert.deepEqual((await listKeys(people, { ...all, userId: bob })).map(({ id }) => id), [bobs.row.id]) // prettier-ignore
    assert.deepEqual((await listKeys(people, all, { limit: 1, after: adas.row })).map(({ id }) => id), [bobs.row.id]) // prettier-ignore
    assert.equal(await problemOf(revokeKey(people, { ...all, userId: bob }, adas.row.id)), 'key_not_found')
    assert.equal(await problemOf(revokeKey(people, { organizationId: 'other', userId: null }, adas.row.id)), 'key_not_found')
    assert.deepEqual((await revokeKey(people, all, bobs.row.id)).userIds, [bob])
  })

  test('refuses a key that makes no sense, by the field', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const refused = (wrong: Partial<NewApiKey>) => problemOf(createKey(people, { ...plain, organizationId: organization.id, userId: ada, ...wrong })) // prettier-ignore
    assert.equal(await refused({ name: ' ' }), 'validation_failed: name')
    assert.equal(await refused({ connections: [] }), 'validation_failed: connections')
    assert.equal(await refused({ connections: ['fine', 'Not'] }), 'validation_failed: connections.1')
    assert.equal(await refused({ actAs: true }), 'validation_failed: connections')
    assert.equal(await refused({ expiresAt: clock.now }), 'validation_failed: expires_at')
    assert.equal(await refused({ userId: 'stranger' }), 'member_not_found')
    const of = { ...plain, organizationId: organization.id, userId: ada }
    for (const key of ['x'.repeat(40), 'pb_' + 'x'.repeat(31), 'pb_' + 'x'.repeat(31) + ' x'])
      assert.equal(await problemOf(insertKey(people, of, key)), 'validation_failed: key')
    await insertKey(people, of, 'pb_' + 'x'.repeat(32))
    assert.equal(await problemOf(insertKey(people, of, 'pb_' + 'x'.repeat(32))), 'validation_failed: key')
  })
})
