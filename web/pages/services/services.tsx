import { Button, Select, Tabs, Text, TextInput } from '@mantine/core'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { KeyboardEvent } from 'react'
import type { Service, ServiceRequest } from '../../../sdk/index.ts'
import { meQuery } from '../../client.ts'
import { everyServiceQuery } from '../../parts/every-service.ts'
import { ButtonLink, TextLink } from '../../parts/links.tsx'
import { Empty, Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { useSearchBox } from '../../parts/search-box.ts'
import { VirtualRows } from '../../parts/virtual-rows.tsx'
import { Note } from './note.tsx'
import { requestsQuery } from './service-queries.ts'
import { ServiceRow } from './service-row.tsx'
import { categoryName } from '../../parts/service-words.ts'
import { namesInWords } from '../../parts/counted-words.ts'
import classes from './services.module.css'

const route = getRouteApi('/services')

interface Filter {
  readonly kind?: 'default' | 'custom' | undefined
  readonly q?: string | undefined
  readonly category?: string | undefined
}

const found = ({ name, link_name, description }: Service, q: string): boolean =>
  [name, link_name, description ?? ''].some(text => text.toLocaleLowerCase().includes(q.toLocaleLowerCase()))

const chosen = (services: readonly Service[], { kind, q = '', category }: Filter): Service[] =>
  services.filter(
    one => (kind === undefined || one.kind === kind) && (category === undefined || one.category === category) && found(one, q),
  )

/** Arrows move from row to row; Enter opens the one that has the focus, which is a link. */
const onArrow = (event: KeyboardEvent<HTMLElement>) => {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const here = event.target instanceof HTMLElement ? event.target.closest('[data-row]') : null
  if (!here) return
  // drawn rows stand in the document in any order
  const all = [...event.currentTarget.querySelectorAll('[data-row]')].sort(
    (one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top,
  )
  const next = all[all.indexOf(here) + (event.key === 'ArrowDown' ? 1 : -1)]
  if (!next) return
  event.preventDefault()
  next.querySelector<HTMLElement>('a[data-open]')?.focus()
}

/** What can be connected. */
export const Services = () => {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const me = useQuery(meQuery)
  // the counts are those of now
  const services = useQuery({ ...everyServiceQuery, staleTime: 0 })
  const box = useSearchBox(search.q ?? '', q => void navigate({ search: known => ({ ...known, q: q || undefined }), replace: true }))
  const mayCreate = me.data?.may_create === true
  const administrator = me.data?.role === 'administrator'

  const all = services.data ?? []
  const ofKind = chosen(all, { kind: search.kind })
  const categories = [...new Set(ofKind.map(one => one.category).filter(one => one !== null))].sort()
  const rows = chosen(all, { ...search, q: box.value.trim() })
  const count = (kind?: 'default' | 'custom') => (
    <span className={`${classes.count} tabular`}>{services.data && chosen(all, { kind }).length}</span>
  )

  return (
    <Page
      title="Services"
      sentence="What can be connected: the default services, and your organisation’s own."
      action={
        mayCreate && (
          <ButtonLink to="/add-service" leftSection={<IconPlus size={16} />}>
            Create a custom service
          </ButtonLink>
        )
      }
    >
      {administrator && <Requested />}
      <Tabs
        value={search.kind ?? 'all'}
        onChange={kind => void navigate({ search: { q: search.q, kind: kind === 'default' || kind === 'custom' ? kind : undefined } })}
      >
        <Tabs.List aria-label="Which services">
          <Tabs.Tab value="all" rightSection={count()}>
            All
          </Tabs.Tab>
          <Tabs.Tab value="default" rightSection={count('default')}>
            Default
          </Tabs.Tab>
          <Tabs.Tab value="custom" rightSection={count('custom')}>
            Custom
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value={search.kind ?? 'all'} pt="sm">
          <div className={classes.filters}>
            <TextInput
              type="search"
              leftSection={<IconSearch size={15} />}
              placeholder="Name, link name or description"
              aria-label="Search services"
              {...box}
            />
            <Select
              aria-label="Category"
              placeholder="Every category"
              data={categories.map(value => ({ value, label: categoryName(value) }))}
              value={search.category ?? null}
              onChange={category => void navigate({ search: known => ({ ...known, category: category ?? undefined }) })}
              searchable
              clearable
            />
          </div>
          {services.error && <ProblemNote error={services.error} retry={() => services.refetch()} />}
          {services.isPending && <RowsLoading rows={10} />}
          {services.data && rows.length > 0 && (
            <div onKeyDown={onArrow}>
              <div className={`${classes.row} ${classes.head}`} aria-hidden="true">
                <span />
                <span>Service</span>
                <span>Type</span>
                <span className={classes.category}>Category</span>
                <span className={classes.connections}>{administrator ? 'Connections' : 'Own'}</span>
                <span>State</span>
              </div>
              <VirtualRows rows={rows} keyOf={one => one.link_name} height={60} label="Services">
                {one => <ServiceRow service={one} mayCreate={mayCreate} administrator={administrator} />}
              </VirtualRows>
            </div>
          )}
          {services.data && rows.length === 0 && (
            <Nothing
              filter={search}
              inKind={ofKind.length}
              mayCreate={mayCreate}
              onClear={() => void navigate({ search: { kind: search.kind } })}
            />
          )}
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}

interface NothingThere {
  readonly filter: Filter
  readonly inKind: number
  readonly mayCreate: boolean
  readonly onClear: () => void
}

const Nothing = ({ filter, inKind, mayCreate, onClear }: NothingThere) => {
  if (inKind > 0)
    return (
      <Empty
        action={
          <Button variant="default" onClick={onClear}>
            Show every {filter.kind ?? ''} service
          </Button>
        }
      >
        No service matches {filter.q === undefined ? 'this category' : `“${filter.q}”`}.
        {mayCreate && ' What is not in the list can be created: all it takes is its authentication and its hosts.'}
      </Empty>
    )
  return (
    <Empty action={mayCreate && <ButtonLink to="/add-service">Create a custom service</ButtonLink>}>
      A custom service is one that Patchbay does not know yet: you say how it authenticates and where its API is, and everybody in the
      organisation can connect it.
      {!mayCreate && ' In this organisation your role does not create services; ask an administrator.'}
    </Empty>
  )
}

const byService = (requests: readonly ServiceRequest[]): ReadonlyMap<string, readonly ServiceRequest[]> => {
  const groups = new Map<string, ServiceRequest[]>()
  for (const one of requests) groups.set(one.service.link_name, [...(groups.get(one.service.link_name) ?? []), one])
  return groups
}

/** For administrators: what members wait for. */
const Requested = () => {
  const requests = useQuery(requestsQuery)
  const waiting = [...byService(requests.data?.data ?? [])]
  if (waiting.length === 0) return null
  return (
    <Note tone="plain" mb="md" title={waiting.length === 1 ? 'A service is asked for' : `${waiting.length} services are asked for`}>
      {waiting.map(([linkName, asked]) => (
        <Text key={linkName} className="outside">
          <TextLink to="/services/$linkName" params={{ linkName }}>
            {asked[0]?.service.name}
          </TextLink>{' '}
          by {namesInWords(asked.map(one => one.requested_by.name))}
        </Text>
      ))}
    </Note>
  )
}
