import { invalid, type Problem } from '../core/problem.ts'

/** Keyset paging: `after` is the last row's sort key of the page before, opaque to callers. */
export interface PageRequest {
  readonly limit: number
  readonly cursor: string | null
}

export interface Page<T> {
  readonly data: readonly T[]
  readonly next_cursor: string | null
}

export const encodeCursor = (key: readonly string[]): string => Buffer.from(JSON.stringify(key)).toString('base64url')

const notOurs = (): Problem => invalid('cursor', 'Use a next_cursor of this list, unchanged.')

/** PostgreSQL's text holds no NUL. */
const isPart = (part: unknown): part is string => typeof part === 'string' && part.length < 500 && !part.includes('\0')

/** @throws Problem validation_failed for a cursor that we did not make. */
export function decodeCursor(cursor: string | null, length: number): string[] | null {
  if (cursor === null) return null
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(key) && key.length === length && key.every(isPart)) return key
  } catch {
    // falls through to the refusal: what it held is not worth showing
  }
  throw notOurs()
}

/** As `toISOString` writes it. PostgreSQL has no year 0, and JavaScript years that no other program reads. */
const momentPattern = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Of a list ordered by time and id. @throws Problem validation_failed for a cursor that we did not make. */
export function decodeTimedCursor(cursor: string | null): { readonly at: Date; readonly id: string } | null {
  const key = decodeCursor(cursor, 2)
  if (key === null) return null
  const [moment = '', id = ''] = key
  const at = new Date(momentPattern.test(moment) ? moment : NaN)
  if (Number.isNaN(at.getTime()) || !idPattern.test(id)) throw notOurs()
  return { at, id }
}

/** Of a list ordered by a number. @throws Problem validation_failed for a cursor that we did not make. */
export function decodeNumberCursor(cursor: string | null): number | null {
  const key = decodeCursor(cursor, 1)
  if (key === null) return null
  const number = Number(/^\d{1,10}$/.test(key[0] ?? '') ? key[0] : NaN)
  if (!(number <= 2_147_483_647)) throw notOurs()
  return number
}

/** Cuts the row that was read beyond the page and makes the cursor of it. */
export function pageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => readonly string[]): Page<T> {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return { data, next_cursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null }
}
