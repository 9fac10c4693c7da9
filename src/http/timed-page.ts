import { decodeTimedCursor, pageOf, type Page } from '../storage/page.ts'
import type { PageOf } from '../people/people.ts'

interface Query {
  readonly limit: number
  readonly cursor?: string | undefined
}

/** The position of a cursor in a list ordered by time and id. @throws Problem validation_failed for one that we did not make */
export function timedCursor(cursor: string | null): { readonly created_at: Date; readonly id: string } | null {
  const after = decodeTimedCursor(cursor)
  return after && { created_at: after.at, id: after.id }
}

/** One row more than the page holds: whether it is there says whether there is a next page. */
export const oneMore = (query: Query): PageOf => ({ limit: query.limit + 1, after: timedCursor(query.cursor ?? null) })

export const timedPage = <T extends { readonly created_at: Date; readonly id: string }>(rows: readonly T[], query: Query): Page<T> =>
  pageOf(rows, query.limit, row => [row.created_at.toISOString(), row.id])
