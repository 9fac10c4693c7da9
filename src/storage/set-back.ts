import { sql } from 'kysely'
import type { Executor } from './database.ts'

/**
 * Moves what was timed by a clock that has since been set back by so many seconds: pauses, leases, the ends of tokens, flows and sessions
 * would last that much longer, for a year when the clock was a year ahead. Only rows that were written later than it is now, not than it was
 * when the transaction began: what others write meanwhile, a lease first of all, is right. When somebody named the moment themselves (the end
 * of an API key), it stays.
 */
export async function moveBack(trx: Executor, seconds: number): Promise<void> {
  const by = sql`make_interval(secs => ${seconds})`
  await sql`update credentials set lease_until = lease_until - ${by}, inflight_since = inflight_since - ${by}
    where inflight_since > clock_timestamp()`.execute(trx)
  await sql`update credentials set expires_at = expires_at - ${by}, next_attempt_at = next_attempt_at - ${by}, updated_at = updated_at - ${by},
      refreshed_at = refreshed_at - ${by}
    where updated_at > clock_timestamp()`.execute(trx)
  for (const table of ['pending_authorizations', 'held_grants', 'sessions', 'cli_logins', 'password_resets', 'invitations'])
    await sql`update ${sql.table(table)} set expires_at = expires_at - ${by}, created_at = created_at - ${by} where created_at > clock_timestamp()`.execute(
      trx,
    )
  await sql`update sessions set updated_at = updated_at - ${by} where updated_at > clock_timestamp()`.execute(trx)
  await sql`update function_runs set alive_at = alive_at - ${by} where alive_at > clock_timestamp()`.execute(trx)
  await sql`update service_requests set mailed_at = mailed_at - ${by} where mailed_at > clock_timestamp()`.execute(trx)
}
