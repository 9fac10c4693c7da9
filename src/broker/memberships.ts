import type { Role } from '../core/principal.ts'
import type { Broker } from './broker.ts'

/** The organisation as a member of it sees it; null for everybody else. */
export async function membershipIn(
  broker: Broker,
  userId: string,
  organizationId: string,
): Promise<{ id: string; slug: string; name: string; role: Role } | null> {
  const row = await broker.db
    .selectFrom('members as m')
    .innerJoin('organizations as o', 'o.id', 'm.organization_id')
    .select(['o.id', 'o.slug', 'o.name', 'm.role'])
    .where('m.user_id', '=', userId)
    .where('o.id', '=', organizationId)
    .executeTakeFirst()
  return row ?? null
}

/** Names of those who set things up for the organisation, for somebody who needs to ask one of them. */
export async function administratorNames(broker: Broker, organizationId: string): Promise<string[]> {
  const rows = await broker.db
    .selectFrom('members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select('u.name')
    .where('m.organization_id', '=', organizationId)
    .where('m.role', '=', 'administrator')
    .orderBy('m.created_at')
    .limit(20)
    .execute()
  return rows.map(row => row.name)
}
