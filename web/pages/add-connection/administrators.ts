import { queryOptions } from '@tanstack/react-query'
import { patchbay } from '../../client.ts'

/** Whom to ask. */
export const administratorsQuery = queryOptions({
  queryKey: ['members', 'administrators'],
  queryFn: async () => {
    const found: { readonly id: string; readonly name: string }[] = []
    for await (const { id, name, role } of patchbay.members.list({ limit: 100 })) if (role === 'administrator') found.push({ id, name })
    return found
  },
  staleTime: 60_000,
})
