import { queryOptions } from '@tanstack/react-query'
import { patchbay, pageOf } from '../../client.ts'

export const connectionQuery = (linkName: string) =>
  queryOptions({
    queryKey: ['connection', linkName],
    queryFn: () => patchbay.connections.get(linkName),
    refetchInterval: 30_000,
  })

export const serviceQuery = (linkName: string) =>
  queryOptions({ queryKey: ['service', linkName], queryFn: () => patchbay.services.get(linkName), staleTime: 60_000 })

/** For the owner and administrators. */
export const usesQuery = (linkName: string) =>
  queryOptions({ queryKey: ['connection', linkName, 'uses'], queryFn: () => patchbay.connections.uses(linkName) })

export const attemptsQuery = (linkName: string) =>
  queryOptions({ queryKey: ['connection', linkName, 'attempts'], queryFn: () => pageOf(patchbay.connections.attempts(linkName)) })

/** For the owner and administrators. */
export const peopleQuery = (linkName: string) =>
  queryOptions({
    queryKey: ['connection', linkName, 'authorizations'],
    queryFn: () => pageOf(patchbay.connections.authorizations(linkName)),
  })
