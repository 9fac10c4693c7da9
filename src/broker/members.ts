import type { Role } from '../core/principal.ts'
import { listKeys, revokeKey } from '../people/api-keys.ts'
import { createInvitation, withdrawInvitation, type Invitation } from '../people/invitations.ts'
import { changeRole, removeMember, type Member, type Withdrawn } from '../people/members.ts'
import { issuePasswordReset } from '../people/passwords.ts'
import { within } from '../people/people.ts'
import { revoked, setStatus } from '../storage/credentials.ts'
import type { Executor } from '../storage/database.ts'
import type { Broker, Caller } from './broker.ts'
import { change, type Traces } from './change.ts'
import { letHeldGrantsGo, revokeAuthorisation } from './revoke.ts'

/** What administrators do with the people of their organisation. Every function wants an administrator as its caller: the doors see to it. */

/**
 * Ends what somebody authorised for connections with login-user credentials, here at once, at the provider by jobs that follow, and the
 * flows they have not finished. What they authorised as the owner of a connection stays, unusable while they are gone (`owner_inactive`).
 * @returns how many authorisations ended.
 */
export async function revokeHeldBy(trx: Executor, broker: Broker, traces: Traces, organizationId: string, userId: string): Promise<number> {
  await trx.deleteFrom('pending_authorizations').where('organization_id', '=', organizationId).where('subject_id', '=', userId).execute()
  await letHeldGrantsGo(trx, broker, { organizationId, subjectId: userId }, 'failed')
  const held = await trx
    .selectFrom('credentials as k')
    .innerJoin('connections as c', 'c.id', 'k.connection_id')
    .innerJoin('services as s', 's.id', 'c.service_id')
    .select([
      'c.id as connection_id',
      'c.link_name',
      's.id as service_id',
      's.link_name as service_link_name',
      's.definition',
      's.revision',
    ])
    .select(['s.client_id', 's.sealed_client_secret', 's.clock_offset_seconds'])
    .where('k.organization_id', '=', organizationId)
    .where('k.subject_id', '=', userId)
    .where('k.status', '!=', 'revoked')
    .where('c.use_login_user_credentials', '=', true)
    .orderBy('c.link_name')
    .execute()
  for (const one of held) {
    const holder = { organizationId, connectionId: one.connection_id, subjectId: userId, linkName: one.link_name }
    const service = one.definition ?? broker.catalogue.get(one.service_link_name)?.definition
    if (service) {
      const from = {
        organizationId,
        serviceId: one.service_id,
        serviceRevision: one.revision,
        service,
        clientId: one.client_id,
        sealedClientSecret: one.sealed_client_secret,
        clockOffsetSeconds: one.clock_offset_seconds,
      }
      await revokeAuthorisation(trx, broker, traces, holder, from, 'revoked_by_person')
    } else {
      // a default service that left the catalogue: nobody knows any more where its provider is told
      await setStatus(trx, holder, null, 'revoked', 'revoked_by_person', revoked('not_supported'))
      traces.changed({ kind: 'connection', id: one.connection_id })
    }
  }
  return held.length
}

const noteWithdrawn = (traces: Traces, withdrawn: readonly Withdrawn[]): void => {
  for (const { id, email } of withdrawn) traces.audit('invitation.withdrawn', `invitation:${id}`, { email, reason: 'inviter_may_not' })
}

/**
 * Ends a membership: sessions, keys, shared authorisations and invitations that wait die with it, at once.
 * @throws Problem member_not_found · last_administrator
 */
export async function dismissMember(broker: Broker, by: Caller, userId: string): Promise<void> {
  const { organizationId } = by.principal
  await change(broker, by, async (trx, traces) => {
    const { member, keyIds, withdrawn } = await removeMember(within(broker.people, trx), { organizationId, userId })
    const revokedAuthorisations = await revokeHeldBy(trx, broker, traces, organizationId, userId)
    const details = { email: member.email, role: member.role, keys: keyIds.length, authorisations: revokedAuthorisations }
    traces.audit('member.removed', `member:${userId}`, details)
    noteWithdrawn(traces, withdrawn)
    traces.changed({ kind: 'member', id: userId })
  })
}

/**
 * Another role, from the next request on. Who is administrator no longer loses the keys that act for others, and the invitations of theirs
 * that wait are withdrawn: only administrators make them.
 * @throws Problem member_not_found · last_administrator
 */
export async function giveRole(broker: Broker, by: Caller, userId: string, role: Role): Promise<Member> {
  const { organizationId } = by.principal
  return change(broker, by, async (trx, traces) => {
    const people = within(broker.people, trx)
    const { member, previous, withdrawn } = await changeRole(people, { organizationId, userId, role })
    if (role !== 'administrator') {
      const keys = await listKeys(people, { organizationId, userId }, { limit: 10_000, after: null })
      for (const key of keys.filter(one => one.act_as)) {
        await revokeKey(people, { organizationId, userId }, key.id)
        traces.audit('key.revoked', `key:${key.id}`, { name: key.name, reason: 'acts_for_others' })
        traces.changed({ kind: 'key', id: key.id })
      }
    }
    traces.audit('member.role_changed', `member:${userId}`, { email: member.email, from: previous, to: role })
    noteWithdrawn(traces, withdrawn)
    traces.changed({ kind: 'member', id: userId })
    return member
  })
}

/** @returns the token for the link, this once. @throws Problem validation_failed: a member already, or no e-mail address */
export async function invite(
  broker: Broker,
  by: Caller,
  given: { email: string; role: Role },
): Promise<{ invitation: Invitation; token: string }> {
  const { organizationId, userId } = by.principal
  return change(broker, by, async (trx, traces) => {
    const made = await createInvitation(within(broker.people, trx), { organizationId, inviterId: userId, ...given })
    traces.audit('invitation.created', `invitation:${made.invitation.id}`, { email: made.invitation.email, role: given.role })
    return made
  })
}

/** @throws Problem invitation_invalid */
export async function withdraw(broker: Broker, by: Caller, id: string): Promise<void> {
  await change(broker, by, async (trx, traces) => {
    const { email } = await withdrawInvitation(within(broker.people, trx), by.principal.organizationId, id)
    traces.audit('invitation.withdrawn', `invitation:${id}`, { email })
  })
}

/** @returns the token for the link, this once. @throws Problem member_not_found · forbidden: a member of other organisations too */
export async function makeResetLink(broker: Broker, by: Caller, userId: string): Promise<{ token: string; expiresAt: Date }> {
  const { organizationId, userId: issuerId } = by.principal
  return change(broker, by, async (trx, traces) => {
    const { token, expiresAt } = await issuePasswordReset(within(broker.people, trx), { organizationId, issuerId, userId })
    traces.audit('password.reset_link_made', `member:${userId}`)
    return { token, expiresAt }
  })
}
