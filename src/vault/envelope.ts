import type { KeyObject } from 'node:crypto'
import { Problem } from '../core/problem.ts'
import { decrypt, encrypt, expand, overheadBytes } from './primitives.ts'

/**
 * One sealed field: `format (1) ‖ data key id (16) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`.
 *
 * It opens only in the place it was sealed for, because the place is associated data. Copied to another row,
 * column or organisation, or put back after the row or its service has moved on, it is refused.
 */

/** The cell of the database that a sealed field belongs to, and the versions it belongs to. */
export interface Place {
  readonly organizationId: string
  readonly table: string
  readonly rowId: string
  readonly column: string
  /** Moves whenever this cell is written: an older ciphertext of the same cell is refused. 0 … 2⁵³−1. */
  readonly rowVersion: number
  /** Moves when the service changes where secrets go: what was sealed before is not sent to the new place. 0 … 2⁵³−1. */
  readonly serviceRevision: number
}

/** An organisation's key, unwrapped. `header` is what its sealed fields begin with. */
export interface DataKey {
  readonly kid: string
  readonly organizationId: string
  readonly key: KeyObject
  readonly header: Buffer
}

/** Credentials are kilobytes; a service account's key file is the largest thing that anybody seals. */
export const maxPlaintextBytes = 1024 * 1024

const format = 1
const headerBytes = 1 + 16

/** @param kid A UUID in its usual text form. */
export function dataKey(kid: string, organizationId: string, key: KeyObject): DataKey {
  const id = Buffer.from(kid.replaceAll('-', ''), 'hex')
  if (id.length !== headerBytes - 1) throw new TypeError('a data key id is a UUID')
  return { kid, organizationId, key, header: Buffer.concat([Buffer.of(format), id]) }
}

/**
 * @param plaintext At most 1 MiB. Left as it is; wiping it is the caller's.
 * @returns The plaintext's length + 45 bytes.
 * @throws Problem request_too_large.
 */
export function seal(dataKey: DataKey, place: Place, plaintext: Buffer): Buffer {
  if (place.organizationId !== dataKey.organizationId) throw new TypeError('an organisation seals with its own data key')
  if (plaintext.length > maxPlaintextBytes) throw new Problem('request_too_large', { detail: 'A secret has at most 1 MiB.' })
  const associated = associatedData(place)
  const key = rowKey(dataKey, place)
  const sealed = Buffer.concat([dataKey.header, encrypt(key, associated, plaintext)])
  key.fill(0)
  return sealed
}

/** @throws Problem integrity_error when anything at all does not fit. It does not say what. */
export function open(dataKey: DataKey, place: Place, sealed: Buffer): Buffer {
  if (place.organizationId !== dataKey.organizationId || !sealed.subarray(0, headerBytes).equals(dataKey.header)) throw doesNotFit()
  const key = rowKey(dataKey, place)
  const plaintext = decrypt(key, associatedData(place), sealed.subarray(headerBytes))
  key.fill(0)
  if (!plaintext) throw doesNotFit()
  return plaintext
}

/**
 * The id of the data key that a field was sealed with, as a UUID. Not authenticated until the field is opened.
 * @throws Problem integrity_error for a format we do not write.
 */
export function kidOf(sealed: Buffer): string {
  if (sealed.length < headerBytes + overheadBytes || sealed[0] !== format) throw doesNotFit()
  const hex = sealed.toString('hex', 1, headerBytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * Each row has its own AES key, derived from the data key. The bound of 2³² random nonces per key (SP 800-38D §8.3)
 * then counts the changes of one row, not of a whole organisation, and needs no counter that outlives a crash.
 */
const rowKey = (dataKey: DataKey, place: Place): Buffer => expand(dataKey.key, encoded(['pb1 row key', place.table, place.rowId]))

/** @returns An encoding that no two places share. */
export const associatedData = (place: Place): Buffer =>
  encoded(['pb1', place.organizationId, place.table, place.rowId, place.column, place.rowVersion, place.serviceRevision])

/**
 * Every text is preceded by its length and every number has eight bytes, so no two lists of one shape have the
 * same encoding: ("ab", "c") and ("a", "bc") differ.
 */
export function encoded(fields: readonly (string | number)[]): Buffer {
  const bytes = Buffer.allocUnsafe(
    fields.reduce<number>((sum, field) => sum + (typeof field === 'string' ? 4 + Buffer.byteLength(field) : 8), 0),
  )
  let at = 0
  for (const field of fields) {
    if (typeof field === 'string') {
      const length = bytes.write(field, at + 4, 'utf8')
      bytes.writeUInt32BE(length, at)
      at += 4 + length
    } else {
      if (!Number.isSafeInteger(field) || field < 0) throw new RangeError('a version is an integer from 0')
      bytes.writeUInt32BE(Math.floor(field / 2 ** 32), at)
      bytes.writeUInt32BE(field % 2 ** 32, at + 4)
      at += 8
    }
  }
  return bytes
}

const doesNotFit = (): Problem => new Problem('integrity_error')
