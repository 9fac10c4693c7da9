import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { joins, openPeople, problemOf, whileUncommitted, withAda } from '../../test/support/people.ts'
import { approveCliLogin, findCliLogin, pollCliLogin, startCliLogin } from './cli-logins.ts'
import { createKeyRing } from './key-ring.ts'
import { removeMember } from './members.ts'

forEachDatabase((_, open) => {
  test('the device gets a working key of who approved, once', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const { code, deviceToken } = await startCliLogin(people)
    assert.match(code, /^[B-Z]{4}-[B-Z]{4}$/)
    assert.isNull(await pollCliLogin(people, deviceToken))
    await findCliLogin(people, code)
    await approveCliLogin(people, code.toLowerCase().replace('-', ' '), { userId: ada, organizationId: organization.id })
    assert.equal(await problemOf(findCliLogin(people, code)), 'login_not_approved')
    assert.equal(await problemOf(approveCliLogin(people, code, { userId: ada, organizationId: organization.id })), 'login_not_approved')

    const [, later] = await whileUncommitted(
      people,
      people => pollCliLogin(people, deviceToken),
      people => pollCliLogin(people, deviceToken),
    )
    assert.equal(later, 'login_not_approved')

    const again = await startCliLogin(people)
    await approveCliLogin(people, again.code, { userId: ada, organizationId: organization.id })
    const { key = '' } = (await pollCliLogin(people, again.deviceToken)) ?? {}
    const ring = createKeyRing(people)
    assert.equal((await ring.verify(key))?.principal.userId, ada)
    await ring.close()
  })

  test('neither code nor device token is stored, and neither does for the other', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const { code, deviceToken } = await startCliLogin(people)
    const stored = JSON.stringify(await people.db.selectFrom('cli_logins').selectAll().execute())
    assert.notInclude(stored, code)
    assert.notInclude(stored, deviceToken)
    assert.equal(await problemOf(pollCliLogin(people, code)), 'login_not_approved')
    assert.equal(
      await problemOf(approveCliLogin(people, deviceToken, { userId: ada, organizationId: organization.id })),
      'login_not_approved',
    )
  })

  test('it ends after ten minutes, approved or not', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const [waiting, approved] = [await startCliLogin(people), await startCliLogin(people)]
    await approveCliLogin(people, approved.code, { userId: ada, organizationId: organization.id })
    clock.forward(601)
    assert.equal(
      await problemOf(approveCliLogin(people, waiting.code, { userId: ada, organizationId: organization.id })),
      'login_not_approved',
    )
    assert.equal(await problemOf(pollCliLogin(people, approved.deviceToken)), 'login_not_approved')
    await startCliLogin(people)
    assert.equal((await people.db.selectFrom('cli_logins').select('code_hash').execute()).length, 1)
  })

  test('who is not, or no longer, a member gives nobody a key', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const bob = await joins(people, organization.id, ada, 'Bob', 'user')
    const { code, deviceToken } = await startCliLogin(people)
    assert.equal(await problemOf(approveCliLogin(people, code, { userId: bob, organizationId: 'another' })), 'member_not_found')
    await approveCliLogin(people, code, { userId: bob, organizationId: organization.id })
    await removeMember(people, { organizationId: organization.id, userId: bob })
    assert.equal(await problemOf(pollCliLogin(people, deviceToken)), 'login_not_approved')
  })
})
