import { Button, Group, Select, TextInput } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { meQuery, pageOf, patchbay } from '../../client.ts'
import { AdministratorsOnly } from '../../parts/administrators-only.tsx'
import { Empty, Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { AuditRows } from './audit-rows.tsx'
import { csvOf } from './csv.ts'
import { download } from './download.ts'
import { actionWords, knownActions } from './words.ts'
import classes from './audit.module.css'

const route = getRouteApi('/audit')

interface Chosen {
  readonly action?: string | undefined
  readonly actor?: string | undefined
  readonly object?: string | undefined
  /** A day, as the reader's calendar has it: 2026-11-22. */
  readonly since?: string | undefined
}

const none: Chosen = { action: undefined, actor: undefined, object: undefined, since: undefined }

/** The beginning of a day where the reader is; undefined for what is no day. */
const beginningOf = (day: string | undefined): string | undefined => {
  if (day === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined
  const at = new Date(`${day}T00:00:00`)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

/** Typed freely, asked for once typing stops. */
const ObjectFilter = ({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) => {
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  useEffect(() => {
    if (typed === value) return
    const timer = setTimeout(() => onChange(typed.trim()), 400)
    return () => clearTimeout(timer)
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only typing starts the timer
  }, [typed])
  return (
    <TextInput
      aria-label="Object"
      placeholder="connection:mailchimp"
      leftSection={<span className={classes.lead}>Of</span>}
      leftSectionWidth={34}
      value={typed}
      onChange={event => setTyped(event.currentTarget.value)}
      classNames={{ root: `${classes.filter} ${classes.object}` }}
    />
  )
}

const Filters = ({ chosen, onChange }: { readonly chosen: Chosen; readonly onChange: (change: Chosen) => void }) => {
  const people = useQuery({
    queryKey: ['members', 'options'],
    queryFn: () => pageOf(patchbay.members.list({ limit: 100 })),
    staleTime: 60_000,
  })
  const { action, actor, object, since } = chosen
  const actions = action === undefined || knownActions.includes(action) ? knownActions : [action, ...knownActions]
  const members = (people.data?.data ?? []).map(({ id, name, email }) => ({ value: id, label: name === '' ? email : name }))
  return (
    <Group gap="xs" role="group" aria-label="Filters" className={classes.filters ?? ''}>
      <Select
        aria-label="Action"
        placeholder="Every action"
        searchable
        clearable
        nothingFoundMessage="No action has this name."
        data={actions.map(one => ({ value: one, label: actionWords(one) }))}
        value={action ?? null}
        onChange={value => onChange({ action: value ?? undefined })}
        classNames={{ root: classes.filter ?? '' }}
      />
      <Select
        aria-label="Who"
        placeholder="Everybody"
        searchable
        clearable
        nothingFoundMessage="No member has this name."
        data={actor === undefined || members.some(one => one.value === actor) ? members : [{ value: actor, label: actor }, ...members]}
        value={actor ?? null}
        onChange={value => onChange({ actor: value ?? undefined })}
        classNames={{ root: classes.filter ?? '' }}
      />
      <ObjectFilter value={object ?? ''} onChange={value => onChange({ object: value === '' ? undefined : value })} />
      <TextInput
        type="date"
        aria-label="Since"
        leftSection={<span className={classes.lead}>Since</span>}
        leftSectionWidth={56}
        max={new Date().toLocaleDateString('sv')}
        value={since ?? ''}
        onChange={event => onChange({ since: event.currentTarget.value || undefined })}
        classNames={{ root: classes.filter ?? '' }}
      />
      {(action ?? actor ?? object ?? since) !== undefined && (
        <Button variant="subtle" color="gray" onClick={() => onChange(none)}>
          Clear
        </Button>
      )}
    </Group>
  )
}

const sentence = 'Every change and sign-in, with who did it and from where. Nothing here can be edited or removed.'

/** What was changed, by whom; for administrators. */
export const Audit = () => {
  const role = useQuery(meQuery).data?.role
  if (role === 'administrator') return <AuditLog />
  return (
    <Page title="Audit" sentence={sentence}>
      {role === undefined ? <RowsLoading /> : <AdministratorsOnly>Only administrators read the audit log.</AdministratorsOnly>}
    </Page>
  )
}

const AuditLog = () => {
  const chosen: Chosen = route.useSearch()
  const navigate = route.useNavigate()
  const { action, actor, object, since } = chosen
  const query = useMemo(() => ({ action, actor, object, since: beginningOf(since) }), [action, actor, object, since])
  const list = useInfiniteQuery({
    queryKey: ['audit', query],
    queryFn: ({ pageParam }) => pageOf(patchbay.audit.list({ ...query, limit: 100, ...(pageParam !== null && { cursor: pageParam }) })),
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next_cursor,
  })
  const rows = useMemo(() => list.data?.pages.flatMap(page => page.data) ?? [], [list.data])
  const { fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError } = list
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError])
  const change = (next: Chosen) => void navigate({ search: before => ({ ...before, ...next }), replace: true })

  return (
    <Page
      title="Audit"
      sentence={sentence}
      action={
        <Button
          variant="default"
          leftSection={<IconDownload size={16} />}
          disabled={rows.length === 0}
          onClick={() => download(`patchbay-audit-${new Date().toLocaleDateString('sv')}.csv`, csvOf(rows))}
        >
          Download as CSV
        </Button>
      }
    >
      <Filters chosen={chosen} onChange={change} />
      {list.error && <ProblemNote error={list.error} retry={() => (isFetchNextPageError ? fetchNextPage() : list.refetch())} />}
      {list.isPending ? (
        <RowsLoading />
      ) : rows.length > 0 ? (
        <AuditRows rows={rows} more={more} onlyObject={value => change({ ...none, object: value })} />
      ) : list.error ? null : (
        <Empty
          action={
            <Button variant="default" onClick={() => change(none)}>
              Clear the filters
            </Button>
          }
        >
          Nothing in the log is like that.
        </Empty>
      )}
      {hasNextPage && rows.length > 0 && (
        <Button variant="subtle" fullWidth mt="sm" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Older entries
        </Button>
      )}
      {rows.length > 0 && (
        <p className={classes.count}>
          {hasNextPage
            ? `${rows.length} entries are shown; the download has these.`
            : `${rows.length === 1 ? '1 entry' : `${rows.length} entries`}, all of them.`}
        </p>
      )}
    </Page>
  )
}
