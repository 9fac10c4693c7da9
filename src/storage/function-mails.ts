import { sql } from 'kysely'
import type { Executor } from './database.ts'

/** By the database's clock, so that all instances change days together. */
const today = sql`(now() at time zone 'utc')::date`

/** Counts mails that are about to be sent. @returns false, and counts none, when there would be more than `most` today. */
export async function countMails(db: Executor, organizationId: string, count: number, most: number): Promise<boolean> {
  const { rows } = await sql<{ sent: number }>`
    insert into function_mail_days as d (organization_id, day, sent)
    select ${organizationId}, ${today}, ${count}::integer where ${count}::integer <= ${most}::integer
    on conflict (organization_id, day) do update set sent = d.sent + excluded.sent where d.sent + excluded.sent <= ${most}::integer
    returning sent`.execute(db)
  return rows.length > 0
}

/** They were not sent after all. */
export async function uncountMails(db: Executor, organizationId: string, count: number): Promise<void> {
  await sql`update function_mail_days set sent = greatest(0, sent - ${count}::integer)
    where organization_id = ${organizationId} and day = ${today}`.execute(db)
}

export async function deleteOldMailDays(db: Executor): Promise<void> {
  await sql`delete from function_mail_days where day < ${today} - 1`.execute(db)
}
