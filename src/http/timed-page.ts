import { invalid } from '../core/problem.ts'
import { decodeCursor, pageOf, type Page } from '../storage/page.ts'
import type { PageOf } from '../people/people.ts'

interface Query {
  readonly limit: number
  readonly cursor?: string | undefined
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The position of a cursor in a list ordered by time and id. @throws Problem validation_failed for one that we did not make */
export function timedCursor(cursor: string | null): { readonly created_at: Date; readonly id: string } | null {
  const key = decodeCursor(cursor, 2)
  if (!key) return null
  const [at = '', id = ''] = key
  const created_at = new Date(at)
  if (Number.isNaN(created_at.getTime()) || !uuid.test(id)) throw invalid('cursor', 'Use a next_cursor of this list, unchanged.')
  return { created_at, id }
}

/** One row more than the page holds: whether it is there says whether there is a next page. */
export const oneMore = (query: Query): PageOf => ({ limit: query.limit + 1, after: timedCursor(query.cursor ?? null) })

export const timedPage = <T extends { readonly created_at: Date; readonly id: string }>(rows: readonly T[], query: Query): Page<T> =>
  pageOf(rows, query.limit, row => [row.created_at.toISOString(), row.id])
