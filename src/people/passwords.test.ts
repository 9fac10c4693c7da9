import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { browserOf, joins, openPeople, password, problemOf, withAda } from '../../test/support/people.ts'
import { acceptInvitation, createInvitation } from './invitations.ts'
import { changeRole } from './members.ts'
import { createOrganization } from './organizations.ts'
import { changePassword, findPasswordReset, issuePasswordReset, resetPassword } from './passwords.ts'
import { sessionOf, signIn } from './sessions.ts'

const newPassword = 'another horse battery'

forEachDatabase((_, open) => {
  test('a password changes with the current one, and ends the other sessions', async () => {
    const { people } = await openPeople(open)
    const { ada } = await withAda(people)
    const [here, there] = [await browserOf(people, 'ada@example.test'), await browserOf(people, 'ada@example.test')]
    const change = { userId: ada, sessionId: here.sessionId, currentPassword: password, newPassword }
    assert.equal(await problemOf(changePassword(people, { ...change, currentPassword: 'wrong password' })), 'validation_failed: current_password') // prettier-ignore
    assert.equal(await problemOf(changePassword(people, { ...change, newPassword: 'short' })), 'validation_failed: new_password')
    assert.isNotNull(await sessionOf(people, there.cookie))
    assert.deepEqual(await changePassword(people, change), { userIds: [ada] })
    assert.isNotNull(await sessionOf(people, here.cookie))
    assert.isNull(await sessionOf(people, there.cookie))
    assert.equal(await problemOf(signIn(people, { email: 'ada@example.test', password })), 'sign_in_failed')
    await browserOf(people, 'ada@example.test', newPassword)
  })

  test('a reset link works once, for a day, ends all sessions, and the newest replaces the others', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const bob = await joins(people, organization.id, ada, 'Bob', 'user')
    const issue = () => issuePasswordReset(people, { organizationId: organization.id, issuerId: ada, userId: bob })
    const session = await browserOf(people, 'bob@example.test')
    const older = await issue()
    const { token } = await issue()
    assert.equal(await problemOf(resetPassword(people, older.token, newPassword)), 'reset_link_invalid')
    assert.equal((await findPasswordReset(people, token)).email, 'bob@example.test')
    assert.equal(await problemOf(resetPassword(people, token, 'short')), 'validation_failed: password')
    assert.deepEqual(await resetPassword(people, token, newPassword), { userIds: [bob] })
    assert.isNull(await sessionOf(people, session.cookie))
    await browserOf(people, 'bob@example.test', newPassword)
    assert.equal(await problemOf(resetPassword(people, token, newPassword)), 'reset_link_invalid')

    const late = await issue()
    clock.forward(24 * 3600 + 1)
    assert.equal(await problemOf(resetPassword(people, late.token, newPassword)), 'reset_link_invalid')
  })

  test('an administrator cannot take over an account that belongs to other organisations too', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    clock.forward(1)
    const bob = await joins(people, organization.id, ada, 'Bob', 'administrator')
    const cid = await joins(people, organization.id, ada, 'Cid', 'user')
    const reset = { organizationId: organization.id, issuerId: bob, userId: cid }
    const early = await issuePasswordReset(people, reset)

    const second = (await createOrganization(people, { name: 'Second', slug: 'second', creatorId: ada })).organization
    const { token } = await createInvitation(people, { organizationId: second.id, inviterId: ada, email: 'cid@example.test', role: 'user' })
    await acceptInvitation(people, { token, signedInAs: cid })
    assert.equal(await problemOf(findPasswordReset(people, early.token)), 'reset_link_invalid', 'issued before')
    assert.equal(await problemOf(issuePasswordReset(people, reset)), 'forbidden')
    await issuePasswordReset(people, { ...reset, issuerId: ada }) // administrator of both
    assert.equal(await problemOf(issuePasswordReset(people, { ...reset, organizationId: second.id, userId: bob })), 'member_not_found')
  })

  test('links that an administrator issued die with the role', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const bob = await joins(people, organization.id, ada, 'Bob', 'administrator')
    const { token } = await issuePasswordReset(people, { organizationId: organization.id, issuerId: bob, userId: ada })
    await changeRole(people, { organizationId: organization.id, userId: bob, role: 'user' })
    assert.equal(await problemOf(findPasswordReset(people, token)), 'reset_link_invalid')
    assert.equal(await problemOf(issuePasswordReset(people, { organizationId: organization.id, issuerId: bob, userId: ada })), 'forbidden')
  })
})
