import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { ServiceInput } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { hostsInput, type ServiceDraft } from './service-draft.ts'

/** The API hosts that the server would derive, a moment after typing ends; the ones before until then. Null when it cannot say. */
export const useDerivedHosts = (draft: ServiceDraft): readonly string[] | null => {
  const [settled] = useDebouncedValue(JSON.stringify(hostsInput(draft)), 300)
  const input = JSON.parse(settled) as ServiceInput | null
  const query = useQuery({
    queryKey: ['services', 'hosts', settled],
    queryFn: ({ signal }) => (input === null ? null : patchbay.services.check(input, { signal })),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  })
  return hostsInput(draft) === null ? null : (query.data?.api_hosts ?? null)
}
