import { Problem } from '../core/problem.ts'
import { unwrapDataKey, wrapAgain, type DataKeyRow, type DataKeyStore } from './data-key.ts'
import { MasterKeyRefused, type MasterKey } from './master-key.ts'

export interface RewrapReport {
  /** Data keys that this call wrapped by the newest master key. */
  readonly rewrapped: number
  /** Data keys that any other master key still wraps. Only at 0 may the old master key be removed, and no backup be older. */
  readonly remaining: number
  /** Kids of data keys that did not open and were left as they are; the first hundred. */
  readonly damaged: readonly string[]
}

const rowsPerPage = 500
/** Few enough to leave sessions for the calls: each waits for the disk. */
const rowsAtOnce = 4
const maxDamagedListed = 100

/**
 * Wraps every data key by the newest master key (the first) instead of an older one. What is sealed is not touched.
 *
 * Online: a reader finds a data key by its kid and knows both master keys, so it opens the row before and after.
 * Each row is changed by itself where it is still as it was read, so it may be killed and run again, or run twice at
 * once. A second round catches data keys that another instance made meanwhile with the older key.
 *
 * @param progress Called after each page.
 * @throws MasterKeyRefused before the first write, when some data key is wrapped by a master key that is not here.
 */
export async function rewrapDataKeys(
  store: DataKeyStore,
  masterKeys: readonly [MasterKey, ...MasterKey[]],
  progress: (done: number, total: number) => void = () => undefined,
): Promise<RewrapReport> {
  const [newest] = masterKeys
  const outdated = async () => (await store.countByMasterKey()).filter(row => row.master_key_id !== newest.id)
  const sum = (rows: readonly { count: number }[]) => rows.reduce((total, row) => total + row.count, 0)

  await assertMasterKeysAreHere(store, masterKeys)
  const total = sum(await outdated())
  const damaged = new Set<string>()
  let rewrapped = 0
  for (let round = 0; round < 2; round++) {
    let after: string | undefined
    for (;;) {
      const rows = await store.page(after, rowsPerPage)
      const old = rows.filter(row => row.master_key_id !== newest.id && !damaged.has(row.kid))
      const wrapOne = async (row: DataKeyRow) => {
        const wrapped = unlessDamaged(() => wrapAgain(row, masterKeys, newest))
        if (!wrapped) damaged.add(row.kid)
        else if (await store.rewrap(row.kid, row.master_key_id, wrapped, newest.id)) rewrapped++
      }
      for (let at = 0; at < old.length; at += rowsAtOnce) await Promise.all(old.slice(at, at + rowsAtOnce).map(wrapOne))
      progress(rewrapped, Math.max(total, rewrapped))
      after = rows.at(-1)?.kid
      if (rows.length < rowsPerPage) break
    }
    if (sum(await outdated()) === damaged.size) break
  }
  return { rewrapped, remaining: sum(await outdated()), damaged: [...damaged].slice(0, maxDamagedListed) }
}

/** Before anything is written. @throws MasterKeyRefused when some data key is wrapped by a master key that is not here. */
export async function assertMasterKeysAreHere(store: DataKeyStore, masterKeys: readonly MasterKey[]): Promise<void> {
  const unknown = (await store.countByMasterKey()).map(row => row.master_key_id).filter(id => !masterKeys.some(key => key.id === id))
  if (unknown.length > 0)
    throw new MasterKeyRefused(
      `Data keys are wrapped by master key ${unknown.join(', ')}, which is not here. Add it below the new one; nothing was changed.`,
    )
}

/** Opens every data key once. @returns How many there are, and the kids (the first hundred) that do not open. */
export async function verifyDataKeys(
  store: DataKeyStore,
  masterKeys: readonly MasterKey[],
): Promise<{ checked: number; damaged: readonly string[] }> {
  const damaged: string[] = []
  let checked = 0
  let after: string | undefined
  for (;;) {
    const rows = await store.page(after, rowsPerPage)
    for (const row of rows)
      if (!unlessDamaged(() => unwrapDataKey(row, masterKeys)) && damaged.length < maxDamagedListed) damaged.push(row.kid)
    checked += rows.length
    after = rows.at(-1)?.kid
    if (rows.length < rowsPerPage) return { checked, damaged }
  }
}

/** A row that does not open is reported with the others; it must not stop the rest. */
export function unlessDamaged<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof Problem && error.code === 'integrity_error') return undefined
    throw error
  }
}
