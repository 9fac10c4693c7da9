import { sql } from 'kysely'
import type { Executor } from './database.ts'
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts'

/** Nobody's mailbox is filled by one person who asks for one service again and again. */
const mailAgainAfterHours = 24

const now = sql<Date>`date_trunc('milliseconds', now())`

/** The one row of this member and this service, made or asked again. `mailDue`: nobody was mailed about it in the last day. */
export async function putServiceRequest(
  db: Executor,
  request: { id: string; organizationId: string; linkName: string; userId: string; note: string | null },
): Promise<{ id: string; requestedAt: Date; again: boolean; mailDue: boolean }> {
  const { id, organizationId, linkName, userId, note } = request
  const row = await db
    .insertInto('service_requests')
    .values({ id, organization_id: organizationId, link_name: linkName, user_id: userId, note, requested_at: now })
    .onConflict(conflict => conflict.columns(['organization_id', 'link_name', 'user_id']).doUpdateSet({ note, requested_at: now }))
    .returning(['id', 'requested_at'])
    .returning(sql<boolean>`mailed_at is null or mailed_at < now() - make_interval(hours => ${mailAgainAfterHours})`.as('mail_due'))
    .executeTakeFirstOrThrow()
  return { id: row.id, requestedAt: row.requested_at, again: row.id !== id, mailDue: row.mail_due }
}

/** The administrators have been mailed about it. */
export const noteServiceRequestMailed = (db: Executor, id: string) =>
  db
    .updateTable('service_requests')
    .set({ mailed_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()

/** Link names of the services that this member asked for. */
export async function requestedBy(db: Executor, organizationId: string, userId: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('service_requests')
    .select('link_name')
    .where('organization_id', '=', organizationId)
    .where('user_id', '=', userId)
    .limit(5000)
    .execute()
  return new Set(rows.map(row => row.link_name))
}

export interface WaitingRequest {
  readonly id: string
  readonly link_name: string
  readonly user_id: string
  readonly user_name: string
  readonly user_email: string
  readonly note: string | null
  readonly requested_at: Date
}

/** Requests that wait, the newest first. One that crossed with the registration of its client is not among them. */
export async function listServiceRequests(db: Executor, organizationId: string, page: PageRequest): Promise<Page<WaitingRequest>> {
  const after = decodeCursor(page.cursor, 2)
  let query = db
    .selectFrom('service_requests as r')
    .innerJoin('users as u', 'u.id', 'r.user_id')
    .leftJoin('services as s', join => join.onRef('s.organization_id', '=', 'r.organization_id').onRef('s.link_name', '=', 'r.link_name'))
    .select(['r.id', 'r.link_name', 'r.user_id', 'u.name as user_name', 'u.email as user_email', 'r.note', 'r.requested_at'])
    .where('r.organization_id', '=', organizationId)
    .where('s.client_id', 'is', null)
  if (after) query = query.where(sql<boolean>`(r.requested_at, r.id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`)
  const rows = await query
    .orderBy('r.requested_at', 'desc')
    .orderBy('r.id', 'desc')
    .limit(page.limit + 1)
    .execute()
  return pageOf(rows, page.limit, row => [row.requested_at.toISOString(), row.id])
}

/** Takes the requests for a service away. @returns who asked. */
export const takeServiceRequests = (db: Executor, organizationId: string, linkName: string) =>
  db
    .deleteFrom('service_requests as r')
    .using('users as u')
    .whereRef('u.id', '=', 'r.user_id')
    .where('r.organization_id', '=', organizationId)
    .where('r.link_name', '=', linkName)
    .returning(['u.id', 'u.name', 'u.email'])
    .execute()
