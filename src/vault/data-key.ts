import { randomUUID } from 'node:crypto'
import { Problem } from '../core/problem.ts'
import { dataKey, encoded, type DataKey } from './envelope.ts'
import type { MasterKey } from './master-key.ts'
import { decrypt, encrypt, keyBytes, takeKey } from './primitives.ts'

/** A data key as it is stored. `created_at` is the database's. */
export interface DataKeyRow {
  /** A UUID in lower case. */
  readonly kid: string
  readonly organization_id: string
  /** nonce (12) ‖ encrypted data key (32) ‖ tag (16). */
  readonly wrapped: Buffer
  readonly master_key_id: string
  /** `active` seals and opens, one per organisation; `retired` only opens. */
  readonly state: 'active' | 'retired'
}

export type NewDataKeyRow = Omit<DataKeyRow, 'state'>

/**
 * What the vault needs of a table of data keys. Deleting an organisation's rows makes all its secrets unreadable,
 * in backups of the other tables too.
 *
 * The table has a unique index on (organization_id) where state = 'active'.
 */
export interface DataKeyStore {
  findActive(organizationId: string): Promise<DataKeyRow | undefined>
  findByKid(kid: string): Promise<DataKeyRow | undefined>
  /** Those of these kids that there are, and the active ones of these organisations. */
  findAll(kids: readonly string[], organizationIds: readonly string[]): Promise<readonly DataKeyRow[]>
  /** Inserts as active; `on conflict do nothing`. @returns Whether it was inserted. */
  insertActive(row: NewDataKeyRow): Promise<boolean>
  /**
   * In one transaction: `retiredKid` becomes retired if it is active, and `row` is inserted as active.
   * @returns False, and nothing changed, where `retiredKid` was no longer active.
   */
  replaceActive(retiredKid: string, row: NewDataKeyRow): Promise<boolean>
  /** Changes the row's wrapping where it is still wrapped by `fromMasterKeyId`. @returns Whether it was. */
  rewrap(kid: string, fromMasterKeyId: string, wrapped: Buffer, toMasterKeyId: string): Promise<boolean>
  /** Rows with kid > `after` (all, from the start, when undefined) in the order of kid, at most `limit`. */
  page(after: string | undefined, limit: number): Promise<readonly DataKeyRow[]>
  /** How many data keys each master key wraps. Only keys that wrap any are listed. */
  countByMasterKey(): Promise<readonly { readonly master_key_id: string; readonly count: number }[]>
}

/** A new data key, and its row wrapped by `master`. Kid and key are random: no two instances ever make the same. */
export function newDataKey(
  organizationId: string,
  master: MasterKey,
  random: (size: number) => Buffer,
): { key: DataKey; row: NewDataKeyRow } {
  const kid = randomUUID()
  const bytes = random(keyBytes)
  const wrapped = encrypt(master.wrappingKey, wrapContext(kid, organizationId, master.id), bytes)
  return {
    key: dataKey(kid, organizationId, takeKey(bytes)),
    row: { kid, organization_id: organizationId, wrapped, master_key_id: master.id },
  }
}

/** @throws Problem integrity_error when the row was altered, or is wrapped by a key that is not among `masterKeys`. */
export function unwrapDataKey(row: DataKeyRow, masterKeys: readonly MasterKey[]): DataKey {
  return dataKey(row.kid, row.organization_id, takeKey(unwrappedBytes(row, masterKeys)))
}

/** The same data key wrapped by `to`. The plain bytes exist only in here. */
export function wrapAgain(row: DataKeyRow, masterKeys: readonly MasterKey[], to: MasterKey): Buffer {
  const bytes = unwrappedBytes(row, masterKeys)
  const wrapped = encrypt(to.wrappingKey, wrapContext(row.kid, row.organization_id, to.id), bytes)
  bytes.fill(0)
  return wrapped
}

function unwrappedBytes(row: DataKeyRow, masterKeys: readonly MasterKey[]): Buffer {
  const master = masterKeys.find(key => key.id === row.master_key_id)
  if (!master) throw unusable(`data key ${row.kid} is wrapped by master key ${row.master_key_id}, which this instance does not have`)
  const bytes = decrypt(master.wrappingKey, wrapContext(row.kid, row.organization_id, master.id), row.wrapped)
  if (bytes?.length !== keyBytes) throw unusable(`data key ${row.kid} was altered`)
  return bytes
}

/** A wrapped data key opens only in its own row: one organisation's cannot be put in another's. */
const wrapContext = (kid: string, organizationId: string, masterKeyId: string): Buffer =>
  encoded(['pb1 data key', kid, organizationId, masterKeyId])

const unusable = (reason: string): Problem => new Problem('integrity_error', {}, { cause: new Error(reason) })
