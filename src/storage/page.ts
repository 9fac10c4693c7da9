import { invalid } from '../core/problem.ts'

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

/** @throws Problem validation_failed for a cursor that we did not make. */
export function decodeCursor(cursor: string | null, length: number): string[] | null {
  if (cursor === null) return null
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(key) && key.length === length && key.every(part => typeof part === 'string' && part.length < 500))
      return key as string[]
  } catch {
    // falls through to the refusal: what it held is not worth showing
  }
  throw invalid('cursor', 'Use a next_cursor of this list, unchanged.')
}

/** Cuts the row that was read beyond the page and makes the cursor of it. */
export function pageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => readonly string[]): Page<T> {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return { data, next_cursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null }
}
