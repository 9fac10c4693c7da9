import { Button, Group, Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Me } from '../../../sdk/index.ts'
import { pageOf, patchbay } from '../../client.ts'
import { problemCodes, problemTitle, statusPhrase } from '../../parts/invocation-words.ts'
import classes from './invocations.module.css'

export const spans = [
  [1, 'Last hour'],
  [6, 'Last 6 hours'],
  [24, 'Last 24 hours'],
  [168, 'Last 7 days'],
  [720, 'Last 30 days'],
] as const

export interface Chosen {
  readonly connection?: string | undefined
  readonly user?: string | undefined
  readonly status?: string | undefined
  readonly hours?: number | undefined
}

interface Option {
  readonly value: string
  readonly label: string
}

/** What the URL names stays choosable when no list has it (any more). */
const withChosen = (options: readonly Option[], chosen: string | undefined): Option[] =>
  chosen === undefined || options.some(({ value }) => value === chosen) ? [...options] : [{ value: chosen, label: chosen }, ...options]

const statuses = (chosen: string | undefined) => [
  {
    group: 'Outcome',
    items: withChosen(
      [
        { value: 'ok', label: 'Without an error' },
        { value: 'error', label: 'Every error' },
      ],
      chosen === undefined || /^(ok|error|\d{3})$/.test(chosen) || problemCodes.includes(chosen) ? undefined : chosen,
    ),
  },
  {
    group: 'Answered by the service',
    items: withChosen(
      [200, 201, 204, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504].map(code => ({
        value: String(code),
        label: `${code} ${statusPhrase(code)}`,
      })),
      chosen !== undefined && /^\d{3}$/.test(chosen) ? chosen : undefined,
    ),
  },
  { group: 'No answer of the service', items: problemCodes.map(code => ({ value: code, label: problemTitle(code) })) },
]

const useConnectionOptions = (me: Me | undefined) => {
  const [typed, setTyped] = useState('')
  const [q] = useDebouncedValue(typed.trim(), 200)
  const view = me?.role === 'administrator' ? ('all' as const) : undefined
  const found = useQuery({
    queryKey: ['connections', 'options', view, q],
    queryFn: () => pageOf(patchbay.connections.list({ view, limit: 100, ...(q !== '' && { q }) })),
    enabled: me !== undefined,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  })
  const options = (found.data?.data ?? []).map(({ link_name }) => ({ value: link_name, label: link_name }))
  return { options, typed, setTyped }
}

const usePeople = (me: Me | undefined) =>
  useQuery({
    queryKey: ['members', 'options'],
    queryFn: () => pageOf(patchbay.members.list({ limit: 100 })),
    enabled: me !== undefined,
    staleTime: 60_000,
  })

interface Shown {
  readonly me: Me | undefined
  readonly chosen: Chosen
  readonly onChange: (change: Chosen) => void
}

/** Which calls: kept in the URL, so that a view can be sent to somebody. */
export const Filters = ({ me, chosen, onChange }: Shown) => {
  const connections = useConnectionOptions(me)
  const people = usePeople(me)
  const { connection, user, status, hours } = chosen
  const any = connection !== undefined || user !== undefined || status !== undefined
  return (
    <Group gap="xs" role="group" aria-label="Filters" className={classes.filters ?? ''}>
      <Select
        aria-label="Connection"
        placeholder="Every connection"
        searchable
        clearable
        nothingFoundMessage="No connection has this name."
        data={withChosen(connections.options, connection)}
        value={connection ?? null}
        onSearchChange={connections.setTyped}
        onChange={value => onChange({ connection: value ?? undefined })}
        classNames={{ root: classes.filter ?? '' }}
      />
      <Select
        aria-label="Person"
        placeholder="Everybody"
        searchable
        clearable
        nothingFoundMessage="No member has this name."
        data={withChosen(
          (people.data?.data ?? []).map(({ id, name, email }) => ({ value: id, label: name === '' ? email : name })),
          user,
        )}
        value={user ?? null}
        onChange={value => onChange({ user: value ?? undefined })}
        classNames={{ root: classes.filter ?? '' }}
      />
      <Select
        aria-label="Status"
        placeholder="Every outcome"
        searchable
        clearable
        nothingFoundMessage="No status has this name."
        data={statuses(status)}
        value={status ?? null}
        onChange={value => onChange({ status: value ?? undefined })}
        classNames={{ root: classes.filter ?? '' }}
      />
      <Select
        aria-label="Time"
        allowDeselect={false}
        data={withChosen(
          spans.map(([value, label]) => ({ value: String(value), label })),
          hours === undefined ? undefined : String(hours),
        ).map(one => (/^[\d.]+$/.test(one.label) ? { ...one, label: `Last ${one.label} hours` } : one))}
        value={String(hours ?? 24)}
        onChange={value => onChange({ hours: value === null || value === '24' ? undefined : Number(value) })}
        classNames={{ root: classes.filter ?? '' }}
      />
      {any && (
        <Button variant="subtle" color="gray" onClick={() => onChange({ connection: undefined, user: undefined, status: undefined })}>
          Clear
        </Button>
      )}
    </Group>
  )
}
