import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { pageOf, patchbay } from '../client.ts'
import { Empty } from './page.tsx'

const words = new Intl.ListFormat(undefined, { type: 'disjunction' })
const namedAtMost = 5

/** Where somebody is not an administrator: says so, and who is. */
export const AdministratorsOnly = ({ children }: { readonly children: ReactNode }) => {
  const members = useQuery({
    queryKey: ['members', 'options'],
    queryFn: () => pageOf(patchbay.members.list({ limit: 100 })),
    staleTime: 60_000,
  })
  const names = (members.data?.data ?? []).filter(({ role }) => role === 'administrator').map(({ name, email }) => name || email)
  return (
    <Empty>
      {children} {names.length > 0 && <span className="outside">Ask {words.format(names.slice(0, namedAtMost))}.</span>}
    </Empty>
  )
}
