import { Problem } from '../core/problem.ts'
import { findKeyChecks, putKeyChecks } from '../storage/data-keys.ts'
import { MasterKeyRefused } from '../vault/master-key.ts'
import type { RewrapReport } from '../vault/rewrap.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'

/**
 * Wraps every data key by the newest master key, while calls go on. The check of the new key stands beside the old one's before anything
 * is wrapped by it, and alone once nothing is wrapped by the old one: at any moment a start with the right keys is let through, and one
 * without is refused.
 *
 * @throws Problem master_key_missing when a data key is wrapped by a key that is not loaded; nothing was changed then.
 */
export async function rewrapKeys(broker: Broker, by: Caller): Promise<RewrapReport> {
  const newest = broker.vault.keyCheck()
  const checks = await findKeyChecks(broker.db)
  if (!checks.some(check => check.equals(newest))) await putKeyChecks(broker.db, [...checks, newest])
  const report = await broker.vault.rewrap().catch((error: unknown) => {
    throw error instanceof MasterKeyRefused ? new Problem('master_key_missing', { detail: error.message }) : error
  })
  if (report.remaining === 0) await putKeyChecks(broker.db, [newest])
  await change(broker, by, async (_trx, traces) => traces.audit('keys.rewrapped', 'instance', { ...report }))
  return report
}
