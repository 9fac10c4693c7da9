import { useMutation, useQueryClient, type QueryKey } from '@tanstack/react-query'
import type { Connection, Page } from '../../sdk/index.ts'
import { tellProblem } from './problem.tsx'

/** How something in the cache looks once the change is made. */
export interface Redrawn {
  /** Every query below it is looked at. */
  readonly queryKey: QueryKey
  readonly change: (cached: unknown) => unknown
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

/** A row in every list below a key, paged or not; null takes it out. */
export const redrawnRow = <Row>(queryKey: QueryKey, change: (row: Row) => Row | null): Redrawn => {
  const page = (cached: Page<Row>): Page<Row> => ({
    ...cached,
    data: cached.data.flatMap(row => {
      const changed = change(row)
      return changed === null ? [] : [changed]
    }),
  })
  return {
    queryKey,
    change: cached => {
      if (!isMap(cached)) return cached
      if (Array.isArray(cached.pages)) return { ...cached, pages: (cached.pages as Page<Row>[]).map(page) }
      return Array.isArray(cached.data) ? page(cached as unknown as Page<Row>) : cached
    },
  }
}

/** One document, by its whole key. */
export const redrawn = <Document>(queryKey: QueryKey, change: (document: Document) => Document): Redrawn & { readonly exact: true } => ({
  queryKey,
  exact: true,
  change: cached => change(cached as Document),
})

/** A connection on its own page and in every list. */
export const redrawnConnection = (linkName: string, change: (connection: Connection) => Connection): readonly Redrawn[] => [
  redrawn<Connection>(['connection', linkName], change),
  redrawnRow<Connection>(['connections'], one => (one.link_name === linkName ? change(one) : one)),
]

interface Change<Given, Done> {
  readonly mutationFn: (given: Given) => Promise<Done>
  readonly shows: (given: Given) => readonly (Redrawn & { readonly exact?: boolean })[]
  readonly onDone?: (done: Done, given: Given) => unknown
  /** Where a refusal is shown; as a notification when left out. */
  readonly onRefused?: (error: unknown, given: Given) => unknown
  /** Asked for again, whatever became of it, besides what it shows in. */
  readonly touches?: readonly QueryKey[]
}

const mutationKey = ['optimistic']

/** What is asked for again once no such change is under way. */
let owed: QueryKey[] = []

/**
 * A change that is on the screen before the server has agreed, and off it again, with the server's sentence, when it does not. For what can
 * be undone or is small; what mints a secret, authorises, or deletes for good waits for its answer.
 */
export const useOptimistic = <Given, Done>({ mutationFn, shows, onDone, onRefused = tellProblem, touches = [] }: Change<Given, Done>) => {
  const queries = useQueryClient()
  return useMutation({
    mutationKey,
    networkMode: 'always',
    mutationFn,
    onMutate: async (given: Given) => {
      const parts = shows(given)
      // an answer from before the change would put the old state back
      await Promise.all(parts.map(({ queryKey, exact = false }) => queries.cancelQueries({ queryKey, exact })))
      const before = parts.flatMap(({ queryKey, exact = false }) => queries.getQueriesData({ queryKey, exact }))
      for (const { queryKey, exact = false, change } of parts)
        queries.setQueriesData({ queryKey, exact }, (cached: unknown) => (cached === undefined ? undefined : change(cached)))
      return before
    },
    onSuccess: (done, given) => void onDone?.(done, given),
    onError: (error, given, before) => {
      for (const [queryKey, cached] of before ?? []) queries.setQueryData(queryKey, cached)
      void onRefused(error, given)
    },
    onSettled: async (_done, _error, given) => {
      owed.push(...shows(given).map(one => one.queryKey), ...touches)
      // another change under way would be taken off the screen; it asks when it ends
      if (queries.isMutating({ mutationKey }) > 1) return
      const keys = owed
      owed = []
      await Promise.all(keys.map(queryKey => queries.invalidateQueries({ queryKey })))
    },
  })
}
