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

/** Those who set things up for the organisation, for somebody who needs to ask one of them: the first 20. */
export const administratorsOf = (broker: Broker, organizationId: string): Promise<{ id: string; name: string; email: string }[]> =>
  broker.db
    .selectFrom('members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['u.id', 'u.name', 'u.email'])
    .where('m.organization_id', '=', organizationId)
    .where('m.role', '=', 'administrator')
    .orderBy('m.created_at')
    .limit(20)
    .execute()

/** Names of people by their ids; who is gone for good has none. */
export async function namesOf(broker: Broker, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await broker.db
    .selectFrom('users')
    .select(['id', 'name'])
    .where('id', 'in', [...new Set(ids)])
    .execute()
  return new Map(rows.map(row => [row.id, row.name]))
}
