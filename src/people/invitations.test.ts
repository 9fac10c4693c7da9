import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { browserOf, joins, openPeople, password, passwordHash, problemOf, whileUncommitted, withAda } from '../../test/support/people.ts'
import { acceptInvitation, createInvitation, findInvitation, listInvitations, withdrawInvitation } from './invitations.ts'
import { membership } from './members.ts'
import { createOrganization } from './organizations.ts'
import type { People } from './people.ts'

forEachDatabase((_, open) => {
  test('an invited person chooses a name and a password, once, and is a member with the role', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const { token, invitation } = await createInvitation(people, {
      organizationId: organization.id,
      inviterId: ada,
      email: ' Bob@Example.test',
      role: 'developer',
    })
    assert.match(token, /^[\w-]{43}$/)
    const found = await findInvitation(people, token)
    assert.deepEqual([found.email, found.role, found.organization.slug, found.has_account], ['bob@example.test', 'developer', 'default', false]) // prettier-ignore
    assert.deepEqual((await listInvitations(people, organization.id)).map(({ id }) => id), [invitation.id]) // prettier-ignore
    assert.notInclude(JSON.stringify(await people.db.selectFrom('invitations').selectAll().execute()), token)

    assert.equal(await problemOf(acceptInvitation(people, { token, signedInAs: null, name: 'Bob' })), 'validation_failed: password')
    assert.equal(await problemOf(acceptInvitation(people, { token, signedInAs: null, password })), 'validation_failed: name')
    assert.equal(await problemOf(acceptInvitation(people, { token, signedInAs: null, name: 'Bob', password: 'short' })), 'validation_failed: password') // prettier-ignore
    const accepted = await acceptInvitation(people, { token, signedInAs: null, name: 'Bob', password })
    assert.isTrue(accepted.created)
    assert.equal(await membership(people, accepted.userId, organization.id), 'developer')
    assert.equal((await browserOf(people, 'bob@example.test')).user.name, 'Bob')

    assert.equal(await problemOf(acceptInvitation(people, { token, signedInAs: null, name: 'Eve', password })), 'invitation_invalid')
    assert.deepEqual(await listInvitations(people, organization.id), [])
  })

  test('an address with an account accepts only signed in as its owner, who then only confirms', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const bob = await joins(people, organization.id, ada, 'Bob', 'user')
    const second = (await createOrganization(people, { name: 'Second', slug: 'second', creatorId: ada })).organization
    const { token } = await createInvitation(people, { organizationId: second.id, inviterId: ada, email: 'bob@example.test', role: 'administrator' }) // prettier-ignore
    assert.isTrue((await findInvitation(people, token)).has_account)
    for (const signedInAs of [null, ada])
      assert.equal(await problemOf(acceptInvitation(people, { token, signedInAs, name: 'Eve', password: 'another password' })), 'sign_in_required') // prettier-ignore
    assert.isNull(await membership(people, bob, second.id))
    const accepted = await acceptInvitation(people, { token, signedInAs: bob })
    assert.deepEqual([accepted.created, accepted.userId], [false, bob])
    assert.equal(await membership(people, bob, second.id), 'administrator')
    assert.equal(await membership(people, bob, organization.id), 'user')
    await browserOf(people, 'bob@example.test') // the password is the old one
  })

  test('an invitation ends after seven days, when withdrawn, and when a newer one is made', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const invite = () =>
      createInvitation(people, { organizationId: organization.id, inviterId: ada, email: 'bob@example.test', role: 'user' })
    const older = await invite()
    const newer = await invite()
    assert.equal(await problemOf(findInvitation(people, older.token)), 'invitation_invalid')
    clock.forward(7 * 24 * 3600 - 1)
    await findInvitation(people, newer.token)
    clock.forward(2)
    assert.equal(await problemOf(findInvitation(people, newer.token)), 'invitation_invalid')
    assert.equal(await problemOf(acceptInvitation(people, { token: newer.token, signedInAs: null, name: 'Bob', password })), 'invitation_invalid') // prettier-ignore

    const last = await invite()
    assert.equal(await problemOf(withdrawInvitation(people, 'another organisation', last.invitation.id)), 'invitation_invalid')
    assert.deepEqual(await withdrawInvitation(people, organization.id, last.invitation.id), { email: 'bob@example.test' })
    assert.equal(await problemOf(findInvitation(people, last.token)), 'invitation_invalid')
  })

  test('of two who accept at the same time one does', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const { token } = await createInvitation(people, { organizationId: organization.id, inviterId: ada, email: 'bob@example.test', role: 'user' }) // prettier-ignore
    const accept = (name: string) => (people: People) => acceptInvitation(people, { token, signedInAs: null, name, password: passwordHash })
    const [, later] = await whileUncommitted(people, accept('Bob'), accept('Eve'))
    assert.equal(later, 'invitation_invalid')
    assert.equal((await people.db.selectFrom('users').select('id').execute()).length, 2)
  })

  test('a member is not invited again, and what is no address not at all', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    for (const email of ['ADA@example.test', 'bob', 'bob@', ''])
      assert.equal(await problemOf(createInvitation(people, { organizationId: organization.id, inviterId: ada, email, role: 'user' })), 'validation_failed: email') // prettier-ignore
  })
})
