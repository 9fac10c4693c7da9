import { Button, SegmentedControl } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { NewApiKey } from '../../../sdk/index.ts'
import { meQuery, pageOf, patchbay } from '../../client.ts'
import { Empty, Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { CreateKey } from './create-key.tsx'
import { KeyRows } from './key-rows.tsx'
import { NewKey } from './new-key.tsx'
import classes from './api-keys.module.css'

/** What programs call with: one's own keys, and for administrators everybody's. */
export const ApiKeys = () => {
  const me = useQuery(meQuery)
  const administrator = me.data?.role === 'administrator'
  const [wantsAll, setAll] = useState(false)
  const all = wantsAll && administrator
  const [creating, setCreating] = useState(false)
  const [made, setMade] = useState<NewApiKey | null>(null)
  const list = useInfiniteQuery({
    queryKey: ['api-keys', 'list', all],
    queryFn: ({ pageParam }) =>
      pageOf(patchbay.apiKeys.list({ limit: 100, ...(all && { all }), ...(pageParam !== null && { cursor: pageParam }) })),
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next_cursor,
  })
  const keys = list.data?.pages.flatMap(page => page.data) ?? []
  const createButton = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
      Create a key
    </Button>
  )
  return (
    <Page
      title="API keys"
      sentence="Programs, functions and the command line call Patchbay with a key. It has the rights of whoever made it, or fewer."
      action={createButton}
    >
      {administrator && (
        <SegmentedControl
          className={classes.whose ?? ''}
          aria-label="Whose keys"
          value={all ? 'all' : 'own'}
          onChange={value => setAll(value === 'all')}
          data={[
            { value: 'own', label: 'My keys' },
            { value: 'all', label: 'Everybody’s' },
          ]}
        />
      )}
      {list.error && <ProblemNote error={list.error} retry={() => list.refetch()} />}
      {list.isPending ? (
        <RowsLoading rows={3} />
      ) : keys.length > 0 ? (
        <KeyRows keys={keys} withOwner={all} />
      ) : (
        !list.error && (
          <Empty
            action={
              <Button variant="default" onClick={() => setCreating(true)}>
                Create a key
              </Button>
            }
          >
            {all
              ? 'Nobody has an API key.'
              : 'You have no API key. Create one for each program that calls, with no more rights than it needs.'}
          </Empty>
        )
      )}
      {list.hasNextPage && (
        <Button variant="subtle" fullWidth mt="sm" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          More keys
        </Button>
      )}
      <CreateKey
        opened={creating}
        administrator={administrator}
        onClose={() => setCreating(false)}
        onMade={key => {
          setCreating(false)
          setMade(key)
        }}
      />
      {made && <NewKey made={made} onDone={() => setMade(null)} />}
    </Page>
  )
}
