import { Button, Switch } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import type { Invocation } from '../../../sdk/index.ts'
import { meQuery, pageOf, patchbay } from '../../client.ts'
import { serverNow } from '../../clock.ts'
import { CallsChart } from '../../parts/calls-chart.tsx'
import { InvocationRows } from '../../parts/invocation-rows.tsx'
import { Empty, Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { ByConnection } from './by-connection.tsx'
import { Filters, type Chosen } from './filters.tsx'
import { mostLiveRows, useLive, type Live } from './use-live.ts'
import classes from './invocations.module.css'

const route = getRouteApi('/invocations')
const hourMs = 3_600_000

const liveWords = ({ state, reason }: Live): string => {
  switch (state) {
    case 'connecting':
      return 'Connecting …'
    case 'live':
      return 'New calls appear as they happen.'
    case 'paused':
      return 'Paused while the page is hidden.'
    case 'waiting':
      return `${reason ?? 'The stream ended.'} Trying again in a moment.`
  }
}

/** Of two lists the newest first, each call once. */
const merged = (fresh: readonly Invocation[], listed: readonly Invocation[]): readonly Invocation[] => {
  if (fresh.length === 0) return listed
  const known = new Set<string>()
  const all = [...fresh, ...listed].filter(({ id }) => !known.has(id) && known.add(id))
  return all.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.id < b.id ? 1 : -1)).slice(0, Math.max(mostLiveRows, listed.length))
}

/** Who called what, through which connection, and how it went. */
export const Invocations = () => {
  const { live: isLive = false, hours: span = 24, ...filter } = route.useSearch()
  const hours = Number.isFinite(span) ? Math.min(Math.max(span, 1), 24 * 90) : 24
  const navigate = route.useNavigate()
  const me = useQuery(meQuery)
  const { connection, user, status } = filter
  const query = useMemo(() => ({ connection, user, status }), [connection, user, status])

  const list = useInfiniteQuery({
    queryKey: ['invocations', 'list', query, hours],
    queryFn: ({ pageParam }) =>
      pageOf(
        patchbay.invocations.list({
          ...query,
          since: new Date(serverNow() - hours * hourMs).toISOString(),
          limit: 100,
          ...(pageParam !== null && { cursor: pageParam }),
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next_cursor,
  })
  const live = useLive(isLive, query)
  const listed = useMemo(() => list.data?.pages.flatMap(page => page.data) ?? [], [list.data])
  const rows = useMemo(() => merged(live.rows, listed), [live.rows, listed])

  const { fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError } = list
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError])

  const change = (next: Chosen & { readonly live?: boolean | undefined }) =>
    void navigate({ search: before => ({ ...before, ...next }), replace: true })
  const filtered = connection !== undefined || user !== undefined || status !== undefined

  return (
    <Page
      title="Invocations"
      sentence={
        me.data?.role === 'administrator'
          ? 'Every call of the organisation: who, through which connection, and how it went. Contents are never kept.'
          : 'Your calls, and those through your connections. Contents are never kept.'
      }
    >
      <Filters me={me.data} chosen={{ ...filter, hours }} onChange={change} />
      <div className={classes.overview}>
        <CallsChart query={query} hours={hours} />
        <ByConnection query={query} hours={hours} onChoose={linkName => change({ connection: linkName })} />
      </div>
      <div className={classes.listHead}>
        <h2>Calls</h2>
        <div className={classes.live} data-state={isLive ? live.state : 'off'}>
          <span role="status" className={classes.liveWords}>
            {isLive ? liveWords(live) : ''}
          </span>
          <Switch
            label="Live"
            labelPosition="left"
            checked={isLive}
            onChange={event => change({ live: event.currentTarget.checked ? true : undefined })}
          />
        </div>
      </div>
      {list.error && <ProblemNote error={list.error} retry={() => (isFetchNextPageError ? fetchNextPage() : list.refetch())} />}
      {list.isPending ? (
        <RowsLoading />
      ) : rows.length > 0 ? (
        <InvocationRows rows={rows} more={more} />
      ) : list.error ? null : filtered ? (
        <Empty
          action={
            <Button variant="default" onClick={() => change({ connection: undefined, user: undefined, status: undefined })}>
              Clear the filters
            </Button>
          }
        >
          No call in this time is like that.
        </Empty>
      ) : (
        <Empty>No calls in this time. Every call through a connection is listed here, a second after it was made.</Empty>
      )}
      {hasNextPage && rows.length > 0 && (
        <Button variant="subtle" fullWidth mt="sm" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Older calls
        </Button>
      )}
    </Page>
  )
}
