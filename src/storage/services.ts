import { sql, type Insertable, type Selectable, type Updateable } from 'kysely'
import { linkNamePattern } from '../core/link-name.ts'
import type { Executor } from './database.ts'
import type { ServicesTable } from './tables.ts'

export type ServiceRow = Selectable<ServicesTable>

/** @returns undefined for what is no link name too, whatever it holds. */
export const findService = async (db: Executor, organizationId: string, linkName: string): Promise<ServiceRow | undefined> =>
  linkNamePattern.test(linkName)
    ? db
        .selectFrom('services')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('link_name', '=', linkName)
        .executeTakeFirst()
    : undefined

/** For change: the row stays ours until the transaction ends. */
export const lockService = (db: Executor, organizationId: string, linkName: string): Promise<ServiceRow | undefined> =>
  db
    .selectFrom('services')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('link_name', '=', linkName)
    .forUpdate()
    .executeTakeFirst()

/** Its revision, which stays so until the transaction ends: whoever edits or deletes the service waits, whoever refers to it does not. */
export async function holdRevision(db: Executor, organizationId: string, id: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('services')
    .select('revision')
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row?.revision
}

export const listServices = (db: Executor, organizationId: string): Promise<ServiceRow[]> =>
  db.selectFrom('services').selectAll().where('organization_id', '=', organizationId).orderBy('link_name').limit(5000).execute()

/** The service of this link name of every organisation that has its own. */
export const servicesNamed = (db: Executor, linkName: string): Promise<(ServiceRow & { organization_slug: string })[]> =>
  db
    .selectFrom('services as s')
    .innerJoin('organizations as o', 'o.id', 's.organization_id')
    .selectAll('s')
    .select('o.slug as organization_slug')
    .where('s.link_name', '=', linkName)
    .limit(5000)
    .execute()

/** @returns false when the link name is taken. */
export async function insertService(db: Executor, row: Insertable<ServicesTable>): Promise<boolean> {
  const inserted = await db
    .insertInto('services')
    .values(row)
    .onConflict(conflict => conflict.columns(['organization_id', 'link_name']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export const updateService = (db: Executor, organizationId: string, id: string, values: Updateable<ServicesTable>) =>
  db
    .updateTable('services')
    .set({ ...values, version: sql`version + 1`, updated_at: sql`now()` })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .execute()

/** OAuth 1: how far the service's clock is ahead of ours, learned from its refusal. No edit: nobody's version moves. */
export const setClockOffset = (db: Executor, organizationId: string, id: string, seconds: number) =>
  db
    .updateTable('services')
    .set({ clock_offset_seconds: seconds })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .execute()

export const deleteService = (db: Executor, organizationId: string, id: string) =>
  db.deleteFrom('services').where('organization_id', '=', organizationId).where('id', '=', id).execute()

export async function countConnectionsOf(db: Executor, organizationId: string, serviceId: string): Promise<number> {
  const { count } = await db
    .selectFrom('connections')
    .select(sql<string>`count(*)`.as('count'))
    .where('organization_id', '=', organizationId)
    .where('service_id', '=', serviceId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** @param wanted  `ownerId`: of this member only; `only`: a key's own list of link names. Null: all. */
export async function countConnectionsByService(
  db: Executor,
  organizationId: string,
  wanted: { readonly serviceIds: readonly string[]; readonly ownerId: string | null; readonly only: readonly string[] | null },
): Promise<ReadonlyMap<string, number>> {
  if (wanted.serviceIds.length === 0) return new Map()
  let query = db
    .selectFrom('connections')
    .select(['service_id', sql<string>`count(*)`.as('count')])
    .where('organization_id', '=', organizationId)
    .where('service_id', 'in', [...wanted.serviceIds])
  if (wanted.ownerId !== null) query = query.where('owner_id', '=', wanted.ownerId)
  if (wanted.only) query = query.where('link_name', 'in', [...wanted.only, ''])
  const rows = await query.groupBy('service_id').execute()
  return new Map(rows.map(row => [row.service_id, Number(row.count)]))
}

/** Everybody whose authorisation an edit of the service would end. */
export const holdersOf = (db: Executor, organizationId: string, serviceId: string) =>
  db
    .selectFrom('credentials as k')
    .innerJoin('connections as c', 'c.id', 'k.connection_id')
    .leftJoin('users as u', 'u.id', 'k.subject_id')
    .select(['c.id as connection_id', 'c.link_name', 'k.subject_id', 'u.name as owner'])
    .where('c.organization_id', '=', organizationId)
    .where('c.service_id', '=', serviceId)
    .where('k.status', '!=', 'revoked')
    .orderBy('c.link_name')
    .limit(10_000)
    .execute()
