import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { browserOf, openPeople, password, passwordHash, problemOf, whileUncommitted } from '../../test/support/people.ts'
import { createKeyRing } from './key-ring.ts'
import { membershipsOf } from './organizations.ts'
import { within } from './people.ts'
import { sessionOf } from './sessions.ts'
import { checkSetUpToken, isSetUp, issueSetUpToken, setUpFirst } from './setup.ts'

const first = { token: null, organizationName: 'Acme', name: 'Ada', email: ' Ada@Example.test ', password }

forEachDatabase((_, open) => {
  test('unattended: an administrator who can sign in, the organisation "default", and the key that was given', async () => {
    const { people } = await openPeople(open)
    assert.equal(await isSetUp(people), false)
    const key = 'pb_' + 'k'.repeat(32)
    const { userId, organization } = await setUpFirst(people, { ...first, apiKey: key })
    assert.equal(await isSetUp(people), true)
    assert.equal(organization.slug, 'default')
    assert.deepEqual((await membershipsOf(people, userId)).map(({ slug, role }) => [slug, role]), [['default', 'administrator']]) // prettier-ignore

    const session = await sessionOf(people, (await browserOf(people, 'ada@example.test')).cookie)
    assert.equal(session?.userId, userId)
    assert.equal(session?.organization?.slug, 'default')
    assert.equal(session?.role, 'administrator')

    const ring = createKeyRing(people)
    assert.equal((await ring.verify(key))?.principal.userId, userId)
    await ring.close()
  })

  test('a given key that is too short is refused, and then nothing was set up', async () => {
    const { people } = await openPeople(open)
    assert.equal(await problemOf(setUpFirst(people, { ...first, apiKey: 'pb_' + 'k'.repeat(31) })), 'validation_failed: key')
    assert.equal(await isSetUp(people), false)
  })

  test('by link: only the newest token works, for a day, and only until somebody used it', async () => {
    const { people, clock } = await openPeople(open)
    const old = await issueSetUpToken(people)
    const token = await issueSetUpToken(people)
    assert.equal(await problemOf(setUpFirst(people, { ...first, token: old })), 'setup_token_invalid')
    assert.equal(await problemOf(checkSetUpToken(people, 'x')), 'setup_token_invalid')
    clock.forward(24 * 3600 + 1)
    assert.equal(await problemOf(setUpFirst(people, { ...first, token })), 'setup_token_invalid')
    clock.forward(-3600)
    await setUpFirst(people, { ...first, token, slug: 'acme-inc' })
    assert.equal(await problemOf(setUpFirst(people, { ...first, token })), 'already_set_up')
    assert.equal(await problemOf(issueSetUpToken(people)), 'already_set_up')
  })

  test('of two set-ups at the same time one wins', async () => {
    const { people } = await openPeople(open)
    const [, later] = await whileUncommitted(
      people,
      people => setUpFirst(people, { ...first, password: passwordHash }),
      people => setUpFirst(people, { ...first, password: passwordHash, email: 'bob@example.test', slug: 'other' }),
    )
    assert.equal(later, 'already_set_up')
    assert.equal((await people.db.selectFrom('users').select('id').execute()).length, 1)
  })

  test('a caller’s transaction takes it along, and undoes it', async () => {
    const { people } = await openPeople(open)
    const undone = people.db.transaction().execute(async transaction => {
      await setUpFirst(within(people, transaction), first)
      throw new Error('the audit could not be written')
    })
    await undone.catch(() => {})
    assert.equal(await isSetUp(people), false)
  })

  for (const [field, wrong] of [
    ['email', { email: 'ada' }],
    ['password', { password: 'too short' }],
    ['password', { password: 'x'.repeat(201) }],
    ['slug', { slug: 'Acme' }],
    ['slug', { slug: 'acme\n' }],
    ['name', { name: ' ' }],
  ] as const)
    test(`refuses a wrong ${field} (${JSON.stringify(wrong).slice(0, 40)}) by its name`, async () => {
      const { people } = await openPeople(open)
      assert.equal(await problemOf(setUpFirst(people, { ...first, ...wrong })), `validation_failed: ${field}`)
    })
})
