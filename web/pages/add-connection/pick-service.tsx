import { Badge, Skeleton, Text, TextInput } from '@mantine/core'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useMemo, useState, type KeyboardEvent } from 'react'
import type { Service } from '../../../sdk/index.ts'
import { everyServiceQuery } from '../../parts/every-service.ts'
import { Empty } from '../../parts/page.tsx'
import { ButtonLink } from '../../parts/links.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { ServiceLogo } from '../../parts/service-logo.tsx'
import { categoryName } from '../../parts/service-words.ts'
import classes from './pick-service.module.css'

/** How well a service fits what was typed; 0 is not at all. */
const fit = (service: Service, words: string): number => {
  const name = service.name.toLocaleLowerCase()
  if (name.startsWith(words)) return 4
  if (name.includes(words)) return 3
  if (service.link_name.includes(words)) return 2
  return `${service.description ?? ''} ${service.category ?? ''}`.toLocaleLowerCase().includes(words) ? 1 : 0
}

/** The organisation's own first; then by fit, and by name. */
const matching = (services: readonly Service[], typed: string, category: string | null): readonly Service[] => {
  const words = typed.trim().toLocaleLowerCase()
  const inCategory = services.filter(one => category === null || (category === 'own' ? one.kind === 'custom' : one.category === category))
  if (words === '') return [...inCategory].sort((a, b) => Number(b.kind === 'custom') - Number(a.kind === 'custom'))
  return inCategory
    .map(service => ({ service, score: fit(service, words) }))
    .filter(one => one.score > 0)
    .sort((a, b) => b.score - a.score)
    .map(one => one.service)
}

/** The first step: a grid of everything that can be connected. */
export const PickService = () => {
  const navigate = useNavigate()
  const services = useQuery(everyServiceQuery)
  const [typed, setTyped] = useState('')
  const [category, setCategory] = useState<string | null>(null)
  const all = useMemo(() => services.data ?? [], [services.data])
  const shown = useMemo(() => matching(all, typed, category), [all, typed, category])
  const categories = useMemo(() => categoriesOf(all), [all])

  const enter = (event: KeyboardEvent) => {
    const [first] = shown
    if (event.key === 'Enter' && typed.trim() !== '' && first)
      void navigate({ to: '/add-connection', search: { service: first.link_name } })
  }

  return (
    <>
      <div className={classes.find}>
        <TextInput
          type="search"
          className={classes.search ?? ''}
          aria-label="Search services"
          placeholder="Search services"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={typed}
          onChange={event => setTyped(event.currentTarget.value)}
          onKeyDown={enter}
          autoFocus
        />
        <ButtonLink to="/add-service" search={{ connect: true }} variant="default" leftSection={<IconPlus size={16} aria-hidden />}>
          Create your own
        </ButtonLink>
      </div>
      {services.error && <ProblemNote error={services.error} retry={() => services.refetch()} />}
      {categories.length > 1 && (
        <div className={classes.categories} role="group" aria-label="Categories">
          {[null, ...categories].map(one => (
            <button
              key={one ?? 'all'}
              type="button"
              className={classes.category}
              aria-pressed={category === one}
              onClick={() => setCategory(one)}
            >
              {one === null ? 'All' : one === 'own' ? 'Your own' : categoryName(one)}
            </button>
          ))}
        </div>
      )}
      <Text size="sm" c="dimmed" role="status" className={classes.count ?? ''}>
        {services.data && `${shown.length} ${shown.length === 1 ? 'service' : 'services'}`}
      </Text>
      {services.isPending && <GridLoading />}
      {services.data && shown.length === 0 && (
        <Empty
          action={
            <ButtonLink to="/add-service" search={{ connect: true }} variant="default">
              Create your own
            </ButtonLink>
          }
        >
          No service fits this. If it has an API with OAuth, an API key or a password, describe it once and everybody here can connect it.
        </Empty>
      )}
      <ul className={classes.grid}>
        {shown.map(service => (
          <li key={service.link_name} className={classes.item}>
            <ServiceCard service={service} />
          </li>
        ))}
      </ul>
    </>
  )
}

const categoriesOf = (services: readonly Service[]): readonly string[] => [
  ...(services.some(one => one.kind === 'custom') ? ['own'] : []),
  ...[...new Set(services.flatMap(one => one.category ?? []))].sort((a, b) =>
    a === 'other' ? 1 : b === 'other' ? -1 : categoryName(a).localeCompare(categoryName(b)),
  ),
]

const ServiceCard = ({ service }: { readonly service: Service }) => {
  const { name, link_name, logo, kind, description, configured, requested_by_me } = service
  return (
    <Link to="/add-connection" search={{ service: link_name }} className={classes.card ?? ''}>
      <span className={classes.head}>
        <ServiceLogo name={name} logo={logo} size={36} />
        <span className={`outside ${classes.name}`}>{name}</span>
        {kind === 'custom' && (
          <Badge variant="default" size="sm" tt="none" fw={400} className={classes.badge ?? ''}>
            Custom
          </Badge>
        )}
      </span>
      <span className={`outside ${classes.description}`}>{description ?? <code>{link_name}</code>}</span>
      {!configured && <span className={classes.missing}>{requested_by_me ? 'Asked for' : 'Needs setting up first'}</span>}
    </Link>
  )
}

const GridLoading = () => (
  <div className={classes.grid} role="status" aria-label="Loading">
    {Array.from({ length: 12 }, (_, index) => (
      <div key={index} className={classes.card}>
        <span className={classes.head}>
          <Skeleton height={36} width={36} radius="md" />
          <Skeleton height={12} width={`${40 + ((index * 13) % 35)}%`} />
        </span>
        <Skeleton height={10} width="85%" mt={8} />
      </div>
    ))}
  </div>
)
