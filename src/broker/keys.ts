import { setImmediate } from 'node:timers/promises'
import { Problem } from '../core/problem.ts'
import { dataKeyStore, findKeyChecks, putKeyChecks } from '../storage/data-keys.ts'
import {
  oneSealedRowOfEachDataKey,
  sealedColumns,
  sealedRows,
  type SealedColumn,
  type SealedPage,
  type SealedRow,
} from '../storage/sealed-columns.ts'
import { kidOf } from '../vault/envelope.ts'
import { MasterKeyRefused } from '../vault/master-key.ts'
import type { RewrapReport } from '../vault/rewrap.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { rotationOf, rotationRuns } from './data-key-rotation.ts'
import { placeOfSealed } from './places.ts'

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
  await broker.vault.assertMasterKeys().catch(refused)
  if (!checks.some(check => check.equals(newest))) await putKeyChecks(broker.db, [...checks, newest])
  const report = await broker.vault.rewrap().catch(refused)
  if (report.remaining === 0) await putKeyChecks(broker.db, [newest])
  await change(broker, by, async (_trx, traces) => traces.audit('keys.rewrapped', 'instance', { ...report }))
  return report
}

const refused = (error: unknown): never => {
  throw error instanceof MasterKeyRefused ? new Problem('master_key_missing', { detail: error.message }) : error
}

/** What a change of keys that was begun still has to do. Fields are known while a rotation of data keys runs. */
export async function keyWorkLeft({
  db,
  vault,
}: Pick<Broker, 'db' | 'vault'>): Promise<{ dataKeysToRewrap: number; fieldsToReseal: number }> {
  const [newest] = vault.masterKeyIds()
  const older = (await dataKeyStore(db).countByMasterKey()).filter(row => row.master_key_id !== newest)
  const rotation = await rotationOf({ db })
  return {
    dataKeysToRewrap: older.reduce((sum, row) => sum + row.count, 0),
    fieldsToReseal: rotation === null || rotation.finished_at !== null ? 0 : rotation.total - rotation.done,
  }
}

/** What is wrapped by which master key, and how far a rotation is. */
export async function keyStatus(broker: Broker) {
  const store = dataKeyStore(broker.db)
  const counts = await store.countByMasterKey()
  const loaded = broker.vault.masterKeyIds()
  const ids = [...new Set([...loaded, ...counts.map(row => row.master_key_id)])]
  const rotation = await rotationOf(broker)
  return {
    master_keys: ids.map(id => ({
      id,
      data_keys: counts.find(row => row.master_key_id === id)?.count ?? 0,
      state: id === loaded[0] ? ('newest' as const) : loaded.includes(id) ? ('older' as const) : ('missing' as const),
    })),
    retired_data_keys: await store.countRetired(),
    rotation: rotation && {
      started_at: rotation.started_at,
      finished_at: rotation.finished_at,
      total: rotation.total,
      done: rotation.done,
      damaged: rotation.damaged,
      running: await rotationRuns(broker, rotation),
    },
  }
}

const rowsPerPage = 500
/** After so many fields calls get their turn. */
const rowsAtOnce = 20
const mostListed = 100

/**
 * Opens every data key, and of each one sealed field, or all of them. Nothing is changed.
 * @returns how many were opened, and the first hundred that were not: `data_keys <id>`, `<table>.<column> <row>`.
 */
export async function verifyKeys(
  broker: Broker,
  by: Caller,
  which: 'one of each' | 'all',
): Promise<{ data_keys: number; fields: number; damaged: string[] }> {
  const keys = await broker.vault.verify()
  const damaged = keys.damaged.map(kid => `data_keys ${kid}`)
  const seen = new Set<string>()
  let fields = 0
  const check = async (column: SealedColumn, row: SealedRow) => {
    fields++
    try {
      if (which === 'one of each') {
        const kid = kidOf(row.sealed)
        if (seen.has(kid)) return void fields--
        seen.add(kid)
      }
      await broker.vault.open(placeOfSealed(column, row), row.sealed)
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'integrity_error') throw error
      if (damaged.length < mostListed) damaged.push(`${column.table}.${column.column} ${row.key.join(':')}`)
    }
  }
  for (const column of sealedColumns) {
    if (which === 'one of each') {
      for (const row of await oneSealedRowOfEachDataKey(broker.db, column)) await check(column, row)
      continue
    }
    for (let after: readonly string[] | null = null; ;) {
      const { rows, next }: SealedPage = await sealedRows(broker.db, column, 'all', after, rowsPerPage)
      await broker.vault.preload(rows)
      for (const [at, row] of rows.entries()) {
        if (at % rowsAtOnce === 0) await setImmediate()
        await check(column, row)
      }
      if (next === null) break
      after = next
    }
  }
  await change(broker, by, async (_trx, traces) =>
    traces.audit('keys.verified', 'instance', { data_keys: keys.checked, fields, damaged: damaged.length }),
  )
  return { data_keys: keys.checked, fields, damaged }
}
