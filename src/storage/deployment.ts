import { sql } from 'kysely'
import type { DeploymentIdentity } from '../core/deployment.ts'
import type { Executor } from './database.ts'
import { findSetting, putSetting, settleSetting } from './settings.ts'

const setting = 'deployment'
const restoredSetting = 'restored'

const parsed = (text: string): DeploymentIdentity => JSON.parse(text) as DeploymentIdentity

/** Whose the database is; `own` when it was nobody's. */
export const settleDeployment = async (db: Executor, own: DeploymentIdentity): Promise<DeploymentIdentity> =>
  parsed(await settleSetting(db, setting, JSON.stringify(own)))

/** Null: nobody's yet. */
export async function findDeployment(db: Executor): Promise<DeploymentIdentity | null> {
  const text = await findSetting(db, setting)
  return text === null ? null : parsed(text)
}

export const putDeployment = (db: Executor, identity: DeploymentIdentity) => putSetting(db, setting, JSON.stringify(identity))

export interface Restored {
  /** RFC 3339: when the back-up was made, and when it was restored. */
  readonly backup_at: string
  readonly restored_at: string
}

/** The last restore; null when there was none. */
export async function findRestored(db: Executor): Promise<Restored | null> {
  const text = await findSetting(db, restoredSetting)
  return text === null ? null : (JSON.parse(text) as Restored)
}

/** The last moment that the rows themselves speak of. For back-ups that do not say when they were made. */
export async function lastMoment(db: Executor): Promise<Date> {
  const { rows } = await sql<{ at: Date }>`
    select coalesce(greatest((select max(at) from audit), (select max(updated_at) from credentials)), now()) as at`.execute(db)
  return rows[0]?.at ?? new Date()
}

/**
 * Marks what a restore brought back: every refresh token may have been used up since the back-up was made, and what was to be told to
 * providers then is not in it. @returns how many refresh tokens.
 */
export async function markRestored(db: Executor, backupAt: Date): Promise<number> {
  const { numAffectedRows } =
    await sql`update credentials set restored_from = ${backupAt.toISOString()}::timestamptz, lease_owner = null, lease_until = null
    where has_refresh_token and sealed is not null`.execute(db)
  await sql`update credentials set revoked_at_provider = 'no' where revoked_at_provider = 'pending'`.execute(db)
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(db)
  const restored: Restored = { backup_at: backupAt.toISOString(), restored_at: (rows[0]?.now ?? backupAt).toISOString() }
  await putSetting(db, restoredSetting, JSON.stringify(restored))
  return Number(numAffectedRows ?? 0n)
}
