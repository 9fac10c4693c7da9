import { Button, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Invitation, Member } from '../../../sdk/index.ts'
import { pageOf, patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { RowsLoading } from '../../parts/page.tsx'
import { redrawnRow, useOptimistic } from '../../parts/optimistic.ts'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'
import { Time } from '../../parts/time.tsx'
import { roleLabel } from './roles.ts'
import classes from './members.module.css'

interface Shown {
  readonly members: readonly Member[]
  readonly onInvite: () => void
}

/** Invitations that wait, each to be withdrawn. */
export const Invitations = ({ members, onInvite }: Shown) => {
  const withdraw = useOptimistic({
    mutationFn: ({ id }: Invitation) => patchbay.invitations.withdraw(id),
    shows: ({ id }) => [redrawnRow<Invitation>(['invitations'], one => (one.id === id ? null : one))],
    onDone: () => tellDone('The invitation is withdrawn.'),
  })
  const [withdrawing, setWithdrawing] = useState<Invitation | null>(null)
  const list = useInfiniteQuery({
    queryKey: ['invitations'],
    queryFn: ({ pageParam }) => pageOf(patchbay.invitations.list({ limit: 100, ...(pageParam !== null && { cursor: pageParam }) })),
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next_cursor,
  })
  const rows = list.data?.pages.flatMap(page => page.data) ?? []
  const nameOf = (id: string) => members.find(one => one.id === id)?.name ?? null
  return (
    <section className={classes.invitations} aria-labelledby="invitations">
      <h2 id="invitations">Pending invitations</h2>
      {list.error && <ProblemNote error={list.error} retry={() => list.refetch()} />}
      {list.isPending ? (
        <RowsLoading rows={2} />
      ) : rows.length === 0 ? (
        !list.error && (
          <Text c="dimmed">
            Nobody is invited at the moment.{' '}
            <button type="button" className={classes.invite} onClick={onInvite}>
              Invite somebody
            </button>
          </Text>
        )
      ) : (
        <table className={classes.table} aria-labelledby="invitations">
          <thead>
            <tr>
              <th scope="col">E-mail</th>
              <th scope="col" className={classes.invitedAsHead}>
                Role
              </th>
              <th scope="col" className={`${classes.joinedHead} ${classes.wide}`}>
                Expires
              </th>
              <th scope="col" className={classes.withdrawHead}>
                <span className={classes.unseen}>Withdraw</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(invitation => (
              <tr key={invitation.id}>
                <th scope="row">
                  <span className={`outside ${classes.name}`}>{invitation.email}</span>
                  {nameOf(invitation.invited_by.id) !== null && (
                    <span className={`outside ${classes.email}`}>invited by {nameOf(invitation.invited_by.id)}</span>
                  )}
                </th>
                <td>{roleLabel(invitation.role)}</td>
                <td className={classes.wide}>
                  <Time at={invitation.expires_at} />
                </td>
                <td className={classes.number}>
                  <Button
                    size="xs"
                    variant="default"
                    aria-label={`Withdraw the invitation of ${invitation.email}`}
                    onClick={() => setWithdrawing(invitation)}
                  >
                    Withdraw
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {list.hasNextPage && (
        <Button variant="subtle" fullWidth mt="sm" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          More invitations
        </Button>
      )}
      <Confirm
        title={`Withdraw the invitation of ${withdrawing?.email ?? ''}?`}
        verb="Withdraw"
        opened={withdrawing !== null}
        onClose={() => setWithdrawing(null)}
        onConfirm={async () => {
          if (withdrawing !== null) withdraw.mutate(withdrawing)
        }}
      >
        Its link stops working. You can invite the same address again.
      </Confirm>
    </section>
  )
}
