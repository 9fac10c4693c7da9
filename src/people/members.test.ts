import { assert, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { browserOf, joins, openPeople, problemOf, whileUncommitted, withAda } from '../../test/support/people.ts'
import { createKey } from './api-keys.ts'
import { acceptInvitation, createInvitation } from './invitations.ts'
import { changeRole, findMember, listMembers, membership, removeMember } from './members.ts'
import { createOrganization, isOperator } from './organizations.ts'
import { sessionOf } from './sessions.ts'

const anyKey = { name: 'key', connections: null, invokeOnly: false, actAs: false, expiresAt: null }

forEachDatabase((_, open) => {
  test('members are listed in the order they joined, page by page, and only those of the organisation', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    for (const name of ['Zoe', 'Bob', 'Cid']) {
      clock.forward(1)
      await joins(people, organization.id, ada, name, 'user')
    }
    clock.forward(1)
    await createOrganization(people, { name: 'Second', slug: 'second', creatorId: ada })
    const first = await listMembers(people, organization.id, { limit: 2, after: null })
    assert.deepEqual(first.map(({ name }) => name), ['Ada', 'Zoe']) // prettier-ignore
    const rest = await listMembers(people, organization.id, { limit: 9, after: first[1] ?? null })
    assert.deepEqual(rest.map(({ name, role }) => [name, role]), [['Bob', 'user'], ['Cid', 'user']]) // prettier-ignore
    assert.equal((await findMember(people, organization.id, ' BOB@example.test ')).id, rest[0]?.id)
    assert.equal((await findMember(people, organization.id, ada)).email, 'ada@example.test')
    assert.equal(await problemOf(findMember(people, organization.id, 'eve@example.test')), 'member_not_found')
  })

  test('a member of another organisation is nobody here', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const second = (await createOrganization(people, { name: 'Second', slug: 'second', creatorId: ada })).organization
    const bob = await joins(people, organization.id, ada, 'Bob', 'user')
    const there = { organizationId: second.id, userId: bob }
    assert.isNull(await membership(people, bob, second.id))
    assert.equal(await problemOf(changeRole(people, { ...there, role: 'administrator' })), 'member_not_found')
    assert.equal(await problemOf(removeMember(people, there)), 'member_not_found')
    assert.equal(await membership(people, bob, organization.id), 'user')
  })

  test('a changed role counts for sessions at once', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const bob = await joins(people, organization.id, ada, 'Bob', 'user')
    const { cookie } = await browserOf(people, 'bob@example.test')
    const changed = await changeRole(people, { organizationId: organization.id, userId: bob, role: 'developer' })
    assert.deepEqual([changed.previous, changed.member.role, changed.userIds], ['user', 'developer', [bob]])
    assert.equal((await sessionOf(people, cookie))?.role, 'developer')
  })

  test('the last administrator stays administrator and member, even when two leave at the same time', async () => {
    const { people } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const alone = { organizationId: organization.id, userId: ada }
    assert.equal(await problemOf(changeRole(people, { ...alone, role: 'user' })), 'last_administrator')
    assert.equal(await problemOf(removeMember(people, alone)), 'last_administrator')
    await changeRole(people, { ...alone, role: 'administrator' }) // no change, no guard

    const bob = await joins(people, organization.id, ada, 'Bob', 'administrator')
    const [, later] = await whileUncommitted(
      people,
      people => changeRole(people, { ...alone, role: 'user' }),
      people => removeMember(people, { organizationId: organization.id, userId: bob }),
    )
    assert.equal(later, 'last_administrator')
    assert.equal((await listMembers(people, organization.id)).filter(({ role }) => role === 'administrator').length, 1)
  })

  test('removing a member ends their keys and sessions in this organisation, and leaves those in others', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    const bob = await joins(people, organization.id, ada, 'Bob', 'user')
    clock.forward(1)
    const second = (await createOrganization(people, { name: 'Second', slug: 'second', creatorId: ada })).organization
    const here = await browserOf(people, 'bob@example.test')
    const { token } = await createInvitation(people, { organizationId: second.id, inviterId: ada, email: 'bob@example.test', role: 'user' })
    await acceptInvitation(people, { token, signedInAs: bob })
    const there = await browserOf(people, 'bob@example.test')
    await people.db.updateTable('sessions').set({ active_organization_id: second.id }).where('id', '=', there.sessionId).execute()
    const lost = await createKey(people, { ...anyKey, organizationId: organization.id, userId: bob })
    const kept = await createKey(people, { ...anyKey, organizationId: second.id, userId: bob })

    const removed = await removeMember(people, { organizationId: organization.id, userId: bob })
    assert.deepEqual(removed.userIds, [bob])
    assert.deepEqual(removed.keyIds, [lost.row.id])
    assert.deepEqual(await people.db.selectFrom('api_keys').select('id').execute(), [{ id: kept.row.id }])
    assert.isNull(await sessionOf(people, here.cookie))
    assert.equal((await sessionOf(people, there.cookie))?.organization?.slug, 'second')
    assert.isNull(await membership(people, bob, organization.id))
  })

  test('the operator is who made the first organisation; when they leave, the administrator after them', async () => {
    const { people, clock } = await openPeople(open)
    const { ada, organization } = await withAda(people)
    clock.forward(1)
    const bob = await joins(people, organization.id, ada, 'Bob', 'administrator')
    assert.deepEqual([await isOperator(people, ada), await isOperator(people, bob)], [true, false])
    assert.equal(await problemOf(createOrganization(people, { name: 'Own', slug: 'own', creatorId: bob })), 'forbidden')
    assert.equal(await problemOf(createOrganization(people, { name: 'Own', slug: 'default', creatorId: ada })), 'slug_taken')
    await removeMember(people, { organizationId: organization.id, userId: ada })
    assert.isTrue(await isOperator(people, bob))
  })
})
