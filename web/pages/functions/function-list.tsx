import { Button, Select, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { KeyboardEvent } from 'react'
import { pageOf, patchbay } from '../../client.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { Empty, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { useSearchBox } from '../../parts/search-box.ts'
import { VirtualRows } from '../../parts/virtual-rows.tsx'
import { categories } from './categories.ts'
import { everyScheduleQuery, pathOf } from './function-queries.ts'
import { FunctionRow } from './function-row.tsx'
import classes from './functions.module.css'

const route = getRouteApi('/functions')

/** Arrows move from row to row; Enter opens the one that has the focus, which is a link. */
const onArrow = (event: KeyboardEvent<HTMLElement>) => {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const here = event.target instanceof HTMLElement ? event.target.closest('[data-row]') : null
  if (!here) return
  const all = [...event.currentTarget.querySelectorAll('[data-row]')].sort(
    (one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top,
  )
  const next = all[all.indexOf(here) + (event.key === 'ArrowDown' ? 1 : -1)]
  if (!next) return
  event.preventDefault()
  next.querySelector<HTMLElement>('a[data-open]')?.focus()
}

/** The functions there are, searched and filtered; the filter is in the URL. */
export const FunctionList = ({ writes }: { readonly writes: boolean }) => {
  const { q, namespace } = route.useSearch()
  const navigate = route.useNavigate()
  const box = useSearchBox(q ?? '', typed => void navigate({ search: known => ({ ...known, q: typed || undefined }), replace: true }))
  const list = useInfiniteQuery({
    queryKey: ['functions', 'list', { q, namespace }],
    queryFn: ({ pageParam }) => pageOf(patchbay.functions.list({ q, namespace, limit: 100, cursor: pageParam })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: last => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  const schedules = useQuery(everyScheduleQuery)
  const scheduled = new Set((schedules.data ?? []).filter(one => one.enabled).map(one => one.function.toLowerCase()))
  const rows = list.data?.pages.flatMap(page => page.data) ?? []
  const seen = rows.map(one => one.namespace).filter(one => !categories.some(known => known.namespace === one.toLowerCase()))
  const namespaces = [
    ...categories.map(one => ({ value: one.namespace, label: one.label })),
    ...[...new Set([...seen, ...(namespace === undefined ? [] : [namespace])])]
      .filter(one => !categories.some(known => known.namespace === one))
      .map(one => ({ value: one, label: one })),
  ]
  const more = list.hasNextPage && !list.isFetchingNextPage && !list.isFetchNextPageError ? () => list.fetchNextPage() : undefined
  const filtered = q !== undefined || namespace !== undefined
  return (
    <>
      <div className={classes.filters}>
        <TextInput
          type="search"
          leftSection={<IconSearch size={15} />}
          placeholder="Name, description or source"
          aria-label="Search functions"
          {...box}
        />
        <Select
          aria-label="Category"
          placeholder="Every category"
          data={namespaces}
          value={namespace ?? null}
          onChange={chosen => void navigate({ search: known => ({ ...known, namespace: chosen ?? undefined }) })}
          searchable
          clearable
        />
      </div>
      {list.error && <ProblemNote error={list.error} retry={() => (list.isFetchNextPageError ? list.fetchNextPage() : list.refetch())} />}
      {list.isPending ? (
        <RowsLoading />
      ) : rows.length > 0 ? (
        <div onKeyDown={onArrow} className={classes.list}>
          <div className={classes.head} aria-hidden="true">
            <span>Function</span>
            <span>Last saved</span>
            <span>Last run</span>
          </div>
          <VirtualRows rows={rows} keyOf={one => one.id} height={60} more={more} label="Functions">
            {one => <FunctionRow one={one} scheduled={scheduled.has(pathOf(one).toLowerCase())} />}
          </VirtualRows>
        </div>
      ) : (
        list.data && <Nothing filtered={filtered} writes={writes} onClear={() => void navigate({ search: {} })} />
      )}
    </>
  )
}

interface NothingThere {
  readonly filtered: boolean
  readonly writes: boolean
  readonly onClear: () => void
}

const Nothing = ({ filtered, writes, onClear }: NothingThere) =>
  filtered ? (
    <Empty
      action={
        <Button variant="default" onClick={onClear}>
          Show every function
        </Button>
      }
    >
      No function is like that.
    </Empty>
  ) : (
    <Empty action={writes && <ButtonLink to="/add-function">Write the first function</ButtonLink>}>
      There is no function yet.{' '}
      {writes
        ? 'The first one is ready to be saved and run: it calls the practice service through a connection, where there is one. Scripts that you have already can be brought as they are.'
        : 'Developers and administrators write them; everybody runs them.'}
    </Empty>
  )
