import { queryOptions } from '@tanstack/react-query'
import type { Service } from '../../sdk/index.ts'
import { patchbay } from '../client.ts'

/** Every service, by name: a few hundred at most, so that searching and filtering them needs no server. */
export const everyServiceQuery = queryOptions({
  queryKey: ['services', 'every'],
  queryFn: async () => {
    const services: Service[] = []
    for await (const one of patchbay.services.list({ limit: 100 })) services.push(one)
    return services.sort((a, b) => a.name.localeCompare(b.name))
  },
  staleTime: 30_000,
})
