import { queryOptions } from '@tanstack/react-query'
import { pageOf, patchbay, queryClient } from '../../client.ts'

export const serviceQuery = (linkName: string) =>
  queryOptions({ queryKey: ['service', linkName], queryFn: () => patchbay.services.get(linkName) })

/** What members asked for; administrators only. */
export const requestsQuery = queryOptions({
  queryKey: ['services', 'requests'],
  queryFn: () => pageOf(patchbay.services.requests({ limit: 100 })),
  staleTime: 30_000,
})

/** After a change of one. Connections show their service's name, and an edit may revoke them. */
export const serviceChanged = async (linkName: string): Promise<void> => {
  await Promise.all(
    [['services'], ['service', linkName], ['connections'], ['connection']].map(queryKey => queryClient.invalidateQueries({ queryKey })),
  )
}
