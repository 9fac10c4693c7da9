import { MutationCache, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query'
import { Patchbay, PatchbayProblem, type List, type Page } from '../sdk/index.ts'
import { noteServerTime } from './clock.ts'

/** Patchbay, in the browser's own session. */
export const patchbay = new Patchbay({ onAnswer: noteServerTime })

const expired = new Set<() => void>()

/** Told when the session has ended in the middle of something. Returns how to stop listening. */
export const onSessionEnd = (listener: () => void): (() => void) => {
  expired.add(listener)
  return () => expired.delete(listener)
}

/** Of a failure that did not come by a query or a mutation. */
export const noticeSessionEnd = (error: unknown): void => {
  if (error instanceof PatchbayProblem && error.code === 'unauthenticated') for (const listener of expired) listener()
}

/** Nothing that was typed in this tab stays for whoever signs in next. */
export const forgetTab = (): void => {
  try {
    sessionStorage.clear()
  } catch {
    // forbidden: nothing was kept either
  }
}

/** A refusal will be the same a second time; what could not be asked may work. */
const mayWorkAgain = (failures: number, error: unknown): boolean =>
  failures < 2 && !(error instanceof PatchbayProblem && error.status < 500 && error.status !== 429)

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeSessionEnd }),
  mutationCache: new MutationCache({ onError: noticeSessionEnd }),
  defaultOptions: {
    queries: { staleTime: 10_000, retry: mayWorkAgain },
    // offline, what somebody asked for fails at once, instead of waiting until nobody expects it any more
    mutations: { retry: false, networkMode: 'always' },
  },
})

/** Who is signed in, and where. */
export const meQuery = queryOptions({ queryKey: ['me'], queryFn: () => patchbay.me(), staleTime: 60_000 })

/** One page of a list, as a query wants it. */
export const pageOf = <T>(list: List<T>): Promise<Page<T>> => Promise.resolve(list)
