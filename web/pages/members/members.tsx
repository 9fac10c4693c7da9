import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { meQuery, pageOf, patchbay } from '../../client.ts'
import { AdministratorsOnly } from '../../parts/administrators-only.tsx'
import { Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { InviteDialog } from './invite-dialog.tsx'
import { Invitations } from './invitations.tsx'
import { MemberRows } from './member-rows.tsx'

const sentence = 'Who is in the organisation, and what each may do.'

/** Members, their roles and the invitations that wait; for administrators. */
export const Members = () => {
  const me = useQuery(meQuery).data
  if (me?.role === 'administrator') return <EveryMember myId={me.user.id} />
  return (
    <Page title="Members" sentence={sentence}>
      {me === undefined ? <RowsLoading /> : <AdministratorsOnly>Only administrators manage members.</AdministratorsOnly>}
    </Page>
  )
}

const EveryMember = ({ myId }: { readonly myId: string }) => {
  const [inviting, setInviting] = useState(false)
  const list = useInfiniteQuery({
    queryKey: ['members', 'list'],
    queryFn: ({ pageParam }) => pageOf(patchbay.members.list({ limit: 100, ...(pageParam !== null && { cursor: pageParam }) })),
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next_cursor,
  })
  const members = list.data?.pages.flatMap(page => page.data) ?? []
  return (
    <Page
      title="Members"
      sentence={sentence}
      action={
        <Button leftSection={<IconPlus size={16} />} onClick={() => setInviting(true)}>
          Invite
        </Button>
      }
    >
      {list.error && <ProblemNote error={list.error} retry={() => list.refetch()} />}
      {list.isPending ? <RowsLoading /> : members.length > 0 && <MemberRows members={members} complete={!list.hasNextPage} myId={myId} />}
      {list.hasNextPage && (
        <Button variant="subtle" fullWidth mt="sm" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          More members
        </Button>
      )}
      <Invitations members={members} onInvite={() => setInviting(true)} />
      <InviteDialog opened={inviting} onClose={() => setInviting(false)} />
    </Page>
  )
}
