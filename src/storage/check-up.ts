import { sql } from 'kysely'
import type { Executor } from './database.ts'

/** Seconds by which the database's clock is ahead of ours (negative: behind), and how long it took to answer, in milliseconds. */
export async function databaseClock(
  db: Executor,
  now: () => number,
  monotonic: () => number,
): Promise<{ ahead: number; answeredMs: number }> {
  const [before, started] = [now(), monotonic()]
  const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(db)
  const answeredMs = monotonic() - started
  // the middle of asking is the best guess at when it looked
  return { ahead: ((rows[0]?.at.getTime() ?? before) - (before + answeredMs / 2)) / 1000, answeredMs }
}

/** What a statement outside transactions may take, as PostgreSQL writes it; 0 for no limit. */
export const statementLimit = async (db: Executor): Promise<string | undefined> =>
  (await sql<{ is: string }>`select current_setting('statement_timeout') as is`.execute(db)).rows[0]?.is

/** Authorisations that do not work as they should, of all organisations, the oldest first. */
export const troubledCredentials = (db: Executor, limit: number) =>
  db
    .selectFrom('credentials as k')
    .innerJoin('connections as c', 'c.id', 'k.connection_id')
    .innerJoin('services as s', 's.id', 'c.service_id')
    .innerJoin('organizations as o', 'o.id', 'k.organization_id')
    .select(['o.slug', 'c.link_name', 's.link_name as service', 'k.status', 'k.status_reason', 'k.status_since'])
    .select(sql<string>`count(*) over ()`.as('total'))
    .where('k.status', 'in', ['refresh_failing', 'reauthorization_required'])
    .orderBy('k.status_since')
    .limit(limit)
    .execute()

/** Keys that end within so many days, of all organisations, the first to end first. */
export const endingKeys = (db: Executor, days: number, limit: number) =>
  db
    .selectFrom('api_keys as k')
    .innerJoin('organizations as o', 'o.id', 'k.organization_id')
    .select(['k.name', 'o.slug', 'k.expires_at'])
    .where('k.expires_at', '>', sql<Date>`now()`)
    .where('k.expires_at', '<', sql<Date>`now() + make_interval(days => ${days})`)
    .orderBy('k.expires_at')
    .limit(limit)
    .execute()
