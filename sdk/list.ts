import { json, type Access, type Call, type Query } from './transport.ts'

/** One page of a list. */
export interface Page<T> {
  readonly data: readonly T[]
  /** For the next page; null on the last one. */
  readonly next_cursor: string | null
}

/** Where a list starts and how much comes at a time. */
export interface PageQuery {
  /** 1 to 100, 50 by default. */
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** Awaited, one page; iterated with `for await`, every item of every page from there on. Nothing is sent before. */
export interface List<T> extends PromiseLike<Page<T>>, AsyncIterable<T> {}

export function listOf<T>(access: Access, path: string, query: Query & PageQuery = {}, { onText }: Pick<Call, 'onText'> = {}): List<T> {
  const page = (cursor: string | undefined) => json<Page<T>>(access, 'GET', path, { query: { ...query, cursor }, onText })
  return {
    then: (onPage, onError) => page(query.cursor).then(onPage, onError),
    async *[Symbol.asyncIterator]() {
      let cursor = query.cursor
      for (;;) {
        const { data, next_cursor } = await page(cursor)
        yield* data
        if (next_cursor === null || next_cursor === cursor) return
        cursor = next_cursor
      }
    },
  }
}
