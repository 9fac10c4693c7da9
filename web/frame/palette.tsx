import { Spotlight, createSpotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight'
import { useDebouncedValue } from '@mantine/hooks'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import type { Me } from '../../sdk/index.ts'
import { pageOf, patchbay } from '../client.ts'
import { ServiceLogo } from '../parts/service-logo.tsx'
import { placesFor } from './places.ts'

const [store, spotlight] = createSpotlight()

export const openPalette = (): void => spotlight.open()

const perGroup = 6

/** Search everything, go anywhere. */
export const Palette = ({ me }: { readonly me: Me | undefined }) => {
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const [q] = useDebouncedValue(typed.trim(), 120)
  const wanted = q !== ''
  const connections = useQuery({
    queryKey: ['palette', 'connections', q],
    queryFn: () => pageOf(patchbay.connections.list({ q, limit: perGroup })),
    enabled: wanted,
    placeholderData: keepPreviousData,
  })
  const services = useQuery({
    queryKey: ['palette', 'services', q],
    queryFn: () => pageOf(patchbay.services.list({ q, limit: perGroup })),
    enabled: wanted,
    placeholderData: keepPreviousData,
  })
  const functions = useQuery({
    queryKey: ['palette', 'functions', q],
    queryFn: () => pageOf(patchbay.functions.list({ q, limit: perGroup })),
    enabled: wanted,
    placeholderData: keepPreviousData,
  })

  const matches = (label: string) => label.toLocaleLowerCase().includes(typed.trim().toLocaleLowerCase())
  const pages: SpotlightActionData[] = placesFor(me)
    .flat()
    .filter(({ label }) => matches(label))
    .map(({ to, label, icon: Icon }) => ({
      id: to,
      label,
      leftSection: <Icon size={18} stroke={1.6} />,
      onClick: () => void navigate({ to }),
    }))
  const doing: SpotlightActionData[] = [
    {
      id: 'add-connection',
      label: 'Add connection',
      leftSection: <IconPlus size={18} />,
      onClick: () => void navigate({ to: '/add-connection' }),
    },
    {
      id: 'add-service',
      label: 'Create a custom service',
      leftSection: <IconPlus size={18} />,
      onClick: () => void navigate({ to: '/add-service' }),
    },
  ].filter(({ label }) => me?.may_create === true && matches(label))
  if (me !== undefined && me.role !== 'user' && matches('New function'))
    doing.push({
      id: 'add-function',
      label: 'New function',
      leftSection: <IconPlus size={18} />,
      onClick: () => void navigate({ to: '/add-function' }),
    })

  const found: SpotlightActionGroupData[] = !wanted
    ? []
    : [
        {
          group: 'Connections',
          actions: (connections.data?.data ?? []).map(one => ({
            id: `connection:${one.link_name}`,
            label: one.name,
            description: `${one.link_name} · ${one.service.name}`,
            onClick: () => void navigate({ to: '/connections/$linkName', params: { linkName: one.link_name } }),
          })),
        },
        {
          group: 'Services',
          actions: (services.data?.data ?? []).map(one => ({
            id: `service:${one.link_name}`,
            label: one.name,
            description: one.link_name,
            leftSection: <ServiceLogo name={one.name} logo={one.logo} size={24} />,
            onClick: () => void navigate({ to: '/services/$linkName', params: { linkName: one.link_name } }),
          })),
        },
        {
          group: 'Functions',
          actions: (functions.data?.data ?? []).map(({ id, namespace, name, description }) => ({
            id: `function:${id}`,
            label: `${namespace}.${name}`,
            description,
            onClick: () => void navigate({ to: '/functions/$namespace/$name', params: { namespace, name } }),
          })),
        },
      ]

  // what arrives late is not chosen by itself, and Enter would do nothing
  const names = found.flatMap(({ actions }) => actions.map(one => one.id)).join(' ')
  useEffect(() => {
    const state = store.getState()
    const list = state.opened ? document.getElementById(state.listId) : null
    if (!list || list.querySelector('[data-selected]')) return
    list.querySelector('[data-action]')?.setAttribute('data-selected', 'true')
    store.setState({ ...state, selected: 0 })
  }, [names])

  return (
    <Spotlight
      store={store}
      shortcut={null}
      attributes={{ content: { 'aria-label': 'Search everything' } }}
      query={typed}
      onQueryChange={setTyped}
      // matched above, and by the server
      filter={(_query, actions) => actions}
      actions={[{ group: 'Pages', actions: pages }, { group: 'Do', actions: doing }, ...found].filter(({ actions }) => actions.length > 0)}
      nothingFound={
        typed.trim() !== q || connections.isFetching || services.isFetching || functions.isFetching
          ? 'Searching …'
          : 'Nothing has this name.'
      }
      highlightQuery
      clearQueryOnClose
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: 'Connections, services, functions, pages …',
        'aria-label': 'Search everything',
      }}
    />
  )
}
