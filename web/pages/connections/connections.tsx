import { Select, Tabs, TextInput } from '@mantine/core'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { ConnectionQuery } from '../../../sdk/index.ts'
import { meQuery, pageOf, patchbay } from '../../client.ts'
import { everyServiceQuery } from '../../parts/every-service.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { useSearchBox } from '../../parts/search-box.ts'
import { statusWords } from '../../parts/status.tsx'
import { ConnectionRows } from './connection-rows.tsx'
import { NothingListed } from './nothing-listed.tsx'
import classes from './connections.module.css'

const route = getRouteApi('/connections')

export type ListView = 'own' | 'others' | 'available' | 'all'

const pageSize = 100

const statuses = Object.entries(statusWords).map(([value, label]) => ({ value, label }))

/** How many wait for this person to authorise them; "100+" beyond one page. */
const useWaiting = () => {
  const waiting = useQuery({
    queryKey: ['connections', 'waiting'],
    queryFn: () => pageOf(patchbay.connections.list({ view: 'available', limit: pageSize })),
    staleTime: 30_000,
  })
  const { data, next_cursor } = waiting.data ?? { data: [], next_cursor: null }
  return data.length === 0 ? null : `${data.length}${next_cursor === null ? '' : '+'}`
}

/** Who may call what, with whose credentials. */
export const Connections = () => {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const me = useQuery(meQuery)
  const mayCreate = me.data?.may_create !== false
  const waiting = useWaiting()
  const view: ListView = search.view ?? 'own'
  const box = useSearchBox(search.q ?? '', q => void navigate({ search: known => ({ ...known, q: q || undefined }), replace: true }))

  const query: ConnectionQuery = { view, q: search.q, status: search.status, service: search.service, limit: pageSize }
  const list = useInfiniteQuery({
    queryKey: ['connections', query],
    queryFn: ({ pageParam }) => pageOf(patchbay.connections.list({ ...query, cursor: pageParam })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: last => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  const services = useQuery({
    ...everyServiceQuery,
    select: every => every.map(({ link_name, name }) => ({ value: link_name, label: name })),
  })

  const rows = list.data?.pages.flatMap(page => page.data) ?? []
  const filtered = search.q !== undefined || search.status !== undefined || search.service !== undefined
  // a page that failed is asked for again by hand only
  const more = list.hasNextPage && !list.isFetchingNextPage && !list.isFetchNextPageError ? () => list.fetchNextPage() : undefined

  return (
    <Page
      title="Connections"
      sentence="Who may call what, with whose credentials."
      action={
        mayCreate && (
          <ButtonLink to="/add-connection" leftSection={<IconPlus size={16} />}>
            Add connection
          </ButtonLink>
        )
      }
    >
      <Tabs
        value={view}
        onChange={chosen => void navigate({ search: { view: chosen === 'own' ? undefined : (chosen as ListView), q: search.q } })}
      >
        <Tabs.List aria-label="Whose connections">
          <Tabs.Tab value="own">Own</Tabs.Tab>
          <Tabs.Tab value="others">Shared</Tabs.Tab>
          <Tabs.Tab value="available" rightSection={waiting === null ? null : <span className={classes.count}>{waiting}</span>}>
            To authorise
          </Tabs.Tab>
          {me.data?.role === 'administrator' && <Tabs.Tab value="all">All</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value={view} pt="sm">
          <div className={classes.filters}>
            <TextInput
              type="search"
              className={classes.search ?? ''}
              leftSection={<IconSearch size={15} />}
              placeholder="Name, link name or service"
              aria-label="Search connections"
              {...box}
            />
            <Select
              aria-label="Status"
              placeholder="Any status"
              data={statuses}
              value={search.status ?? null}
              onChange={status =>
                void navigate({
                  search: known => ({ ...known, status: statuses.find(one => one.value === status)?.value as typeof search.status }),
                })
              }
              clearable
            />
            <Select
              aria-label="Service"
              placeholder="Any service"
              data={services.data ?? []}
              value={search.service ?? null}
              onChange={service => void navigate({ search: known => ({ ...known, service: service ?? undefined }) })}
              searchable
              clearable
              limit={50}
            />
          </div>
          {list.error && (
            <ProblemNote error={list.error} retry={() => (list.isFetchNextPageError ? list.fetchNextPage() : list.refetch())} />
          )}
          {list.isPending ? (
            <RowsLoading />
          ) : rows.length > 0 ? (
            <ConnectionRows rows={rows} more={more} me={me.data} />
          ) : (
            list.data && (
              <NothingListed {...{ view, filtered, mayCreate }} onClear={() => void navigate({ search: { view: search.view } })} />
            )
          )}
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
