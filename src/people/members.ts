import type { Role } from '../core/principal.ts'
import { Problem } from '../core/problem.ts'
import { firstPage, inTransaction, normaliseEmail, type PageOf, type People } from './people.ts'

/** A person in one organisation. `id` is the person's (the user's) id: nothing outside this room knows another. */
export interface Member {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly role: Role
  readonly created_at: Date
}

const memberRows = (people: People, organizationId: string) =>
  people.db
    .selectFrom('members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['u.id', 'u.email', 'u.name', 'm.role', 'm.created_at'])
    .where('m.organization_id', '=', organizationId)

export async function membership(people: People, userId: string, organizationId: string): Promise<Role | null> {
  const found = await people.db
    .selectFrom('members')
    .select('role')
    .where('organization_id', '=', organizationId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return found?.role ?? null
}

/** In the order they joined; one page. */
export function listMembers(people: People, organizationId: string, page: PageOf = firstPage): Promise<Member[]> {
  let rows = memberRows(people, organizationId).orderBy('m.created_at').orderBy('u.id').limit(page.limit)
  const { after } = page
  if (after)
    rows = rows.where(row =>
      row.or([
        row('m.created_at', '>', after.created_at),
        row.and([row('m.created_at', '=', after.created_at), row('u.id', '>', after.id)]),
      ]),
    )
  return rows.execute()
}

/** A member by id or e-mail, as `Patchbay-Subject` names one. @throws Problem member_not_found */
export async function findMember(people: People, organizationId: string, idOrEmail: string): Promise<Member> {
  const found = await memberRows(people, organizationId)
    .where(row => (idOrEmail.includes('@') ? row('u.email', '=', normaliseEmail(idOrEmail)) : row('u.id', '=', idOrEmail)))
    .executeTakeFirst()
  if (!found) throw new Problem('member_not_found')
  return found
}

/**
 * One change of an organisation's members at a time: without the lock, two administrators who demote each other would both
 * count one left. Not `for update`, which every insert that refers to the organisation would wait for.
 */
async function lockedMember(people: People, organizationId: string, userId: string): Promise<Member> {
  await people.db.selectFrom('organizations').select('id').where('id', '=', organizationId).forNoKeyUpdate().execute()
  return findMember(people, organizationId, userId)
}

async function assertAnotherAdministrator(people: People, organizationId: string, userId: string): Promise<void> {
  const other = await people.db
    .selectFrom('members')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('role', '=', 'administrator')
    .where('user_id', '!=', userId)
    .limit(1)
    .executeTakeFirst()
  if (!other) throw new Problem('last_administrator')
}

/** An invitation that ended because who made it may no longer invite. */
export interface Withdrawn {
  readonly id: string
  readonly email: string
}

/** Otherwise an administrator who expects to be removed invites another address of theirs, and is back within the week. */
const withdrawInvitationsBy = (people: People, organizationId: string, inviterId: string): Promise<Withdrawn[]> =>
  people.db
    .updateTable('invitations')
    .set({ status: 'withdrawn' })
    .where('organization_id', '=', organizationId)
    .where('inviter_id', '=', inviterId)
    .where('status', '=', 'pending')
    .returning(['id', 'email'])
    .execute()

/**
 * Gives a member another role, from their next request on. With the right to invite the invitations end that wait.
 * @throws Problem member_not_found · last_administrator
 */
export async function changeRole(
  people: People,
  change: { organizationId: string; userId: string; role: Role },
): Promise<{ member: Member; previous: Role; withdrawn: Withdrawn[]; userIds: string[] }> {
  return inTransaction(people, async people => {
    const { organizationId, userId, role } = change
    const member = await lockedMember(people, organizationId, userId)
    if (member.role === 'administrator' && role !== 'administrator') await assertAnotherAdministrator(people, organizationId, userId)
    await people.db
      .updateTable('members')
      .set({ role })
      .where('organization_id', '=', organizationId)
      .where('user_id', '=', userId)
      .execute()
    if (role !== 'administrator') await people.db.deleteFrom('password_resets').where('created_by', '=', userId).execute()
    const withdrawn = role === 'administrator' ? [] : await withdrawInvitationsBy(people, organizationId, userId)
    return { member: { ...member, role }, previous: member.role, withdrawn, userIds: [userId] }
  })
}

/**
 * Ends a membership: with it go the person's keys in this organisation, the sessions that act in it, and the logins, reset links
 * and invitations of theirs that wait. The person stays, and what they own stays theirs, unusable (`owner_inactive`), in case they come back.
 * Credentials are the broker's to drop, in the same transaction.
 *
 * @throws Problem member_not_found · last_administrator
 */
export async function removeMember(
  people: People,
  removal: { organizationId: string; userId: string },
): Promise<{ member: Member; keyIds: string[]; withdrawn: Withdrawn[]; userIds: string[] }> {
  return inTransaction(people, async people => {
    const { organizationId, userId } = removal
    const member = await lockedMember(people, organizationId, userId)
    if (member.role === 'administrator') await assertAnotherAdministrator(people, organizationId, userId)
    await people.db.deleteFrom('members').where('organization_id', '=', organizationId).where('user_id', '=', userId).execute()
    const keys = await people.db
      .deleteFrom('api_keys')
      .where('organization_id', '=', organizationId)
      .where('user_id', '=', userId)
      .returning('id')
      .execute()
    await people.db
      .deleteFrom('sessions')
      .where('user_id', '=', userId)
      .where(row => row.or([row('active_organization_id', '=', organizationId), row('active_organization_id', 'is', null)]))
      .execute()
    await people.db.deleteFrom('cli_logins').where('organization_id', '=', organizationId).where('user_id', '=', userId).execute()
    await people.db
      .deleteFrom('password_resets')
      .where(row => row.or([row('user_id', '=', userId), row('created_by', '=', userId)]))
      .execute()
    const withdrawn = await withdrawInvitationsBy(people, organizationId, userId)
    return { member, keyIds: keys.map(key => key.id), withdrawn, userIds: [userId] }
  })
}
