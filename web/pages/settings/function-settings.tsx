import { ActionIcon, Button, Group, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import type { FunctionSettings as Stored, Me } from '../../../sdk/index.ts'
import { pageOf, patchbay } from '../../client.ts'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'
import { functionSettingsQuery } from '../functions/function-queries.ts'
import { integrationNamespaces } from '../functions/namespaces.ts'
import { timeZones } from '../functions/time-zones.ts'
import classes from './settings.module.css'

/** How scripts of the organisation write dates and find their services; administrators change it. */
export const FunctionSettings = ({ me }: { readonly me: Me }) => {
  const settings = useQuery(functionSettingsQuery)
  if (me.role !== 'administrator')
    return (
      <FormRow label="Scripts" help="Time zone, dates and default connections of functions." group>
        {() => <Text c="dimmed">Administrators decide this.</Text>}
      </FormRow>
    )
  if (!settings.data)
    return settings.error ? (
      <ProblemNote error={settings.error} retry={() => settings.refetch()} />
    ) : (
      <Stack gap="lg" role="status" aria-label="Loading">
        <Skeleton height={36} width="60%" />
        <Skeleton height={36} width="60%" />
      </Stack>
    )
  return <Form stored={settings.data} />
}

/** No id: whoever has been an administrator longest. */
const first = ''

type Pair = readonly [namespace: string, value: string]

const pairsOf = (map: Readonly<Record<string, string>>): readonly Pair[] => Object.entries(map)
const mapOf = (pairs: readonly Pair[]) => Object.fromEntries(pairs.filter(([namespace, value]) => namespace !== '' && value.trim() !== ''))

const Form = ({ stored }: { readonly stored: Stored }) => {
  const queries = useQueryClient()
  const form = useRef<HTMLFormElement>(null)
  const [base, setBase] = useState(stored)
  const [zone, setZone] = useState(stored.time_zone)
  const [dateFormat, setDateFormat] = useState(stored.date_format)
  const [precedence, setPrecedence] = useState(stored.precedence)
  const [profile, setProfile] = useState(stored.profile)
  const [adminId, setAdminId] = useState(stored.admin_user_id)
  const [connections, setConnections] = useState(pairsOf(stored.default_connections))
  const [origins, setOrigins] = useState(pairsOf(stored.api_origins))
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const usable = useQuery({
    queryKey: ['connections', 'options', undefined, ''],
    queryFn: () => pageOf(patchbay.connections.list({ limit: 100 })),
    staleTime: 60_000,
  })
  const people = useQuery({
    queryKey: ['members', 'options'],
    queryFn: () => pageOf(patchbay.members.list({ limit: 100 })),
    staleTime: 60_000,
  })
  const listed = (people.data?.data ?? []).map(({ id, name, email }) => ({ value: id, label: `${name} (${email})` }))
  const members = adminId === null || listed.some(one => one.value === adminId) ? listed : [...listed, { value: adminId, label: adminId }]
  const errors = fieldErrorsOf(error)
  useFocusFirstError(form, error)
  const body = {
    time_zone: zone,
    date_format: dateFormat.trim(),
    precedence,
    profile,
    admin_user_id: adminId,
    default_connections: mapOf(connections),
    api_origins: mapOf(origins),
  }
  const unsaved = Object.entries(body).some(([name, value]) => JSON.stringify(value) !== JSON.stringify(base[name as keyof Stored]))

  const save = async () => {
    setBusy(true)
    setError(null)
    try {
      const next = await patchbay.functions.changeSettings(body)
      queries.setQueryData(functionSettingsQuery.queryKey, next)
      setBase(next)
      tellDone('Saved.')
    } catch (refused) {
      setError(refused)
    } finally {
      setBusy(false)
    }
  }

  const names = (usable.data?.data ?? []).map(one => one.link_name)
  return (
    <form
      ref={form}
      noValidate
      onSubmit={event => {
        event.preventDefault()
        void save()
      }}
    >
      <UnsavedGuard unsaved={unsaved} />
      <FormRow label="Time zone" help="What a script means by today and now." error={errors.time_zone}>
        {field => (
          <Select
            {...field}
            data={timeZones(zone)}
            value={zone}
            searchable
            allowDeselect={false}
            limit={60}
            onChange={next => next && setZone(next)}
          />
        )}
      </FormRow>
      <FormRow label="Date format" help="How a date becomes text, where a script gives no pattern." error={errors.date_format}>
        {field => (
          <TextInput
            {...field}
            aria-invalid={errors.date_format !== undefined}
            value={dateFormat}
            placeholder="dd-MMM-yyyy"
            maxLength={50}
            spellCheck={false}
            autoComplete="off"
            onChange={event => setDateFormat(event.currentTarget.value)}
          />
        )}
      </FormRow>
      <FormRow label="a || b && c" help="Scripts of Creator read it from the left; all others bind && more tightly.">
        {field => (
          <Select
            {...field}
            allowDeselect={false}
            data={[
              { value: 'usual', label: 'a || (b && c)' },
              { value: 'creator', label: '(a || b) && c, as Creator' },
            ]}
            value={precedence}
            onChange={next => setPrecedence(next === 'creator' ? 'creator' : 'usual')}
          />
        )}
      </FormRow>
      <FormRow label="isNull, isBlank, isEmpty" help="The hosts of the language answer them differently.">
        {field => (
          <Select
            {...field}
            allowDeselect={false}
            data={[
              { value: 'crm', label: 'As CRM' },
              { value: 'creator', label: 'As Creator' },
            ]}
            value={profile}
            onChange={next => setProfile(next === 'creator' ? 'creator' : 'crm')}
          />
        )}
      </FormRow>
      <FormRow label="Administrator" help="Whom zoho.adminuserid names, and in whose name sendmail may write." error={errors.admin_user_id}>
        {field => (
          <Select
            {...field}
            data={[{ value: first, label: 'The first administrator' }, ...members]}
            value={adminId ?? first}
            searchable
            allowDeselect={false}
            limit={60}
            onChange={next => setAdminId(next === null || next === first ? null : next)}
          />
        )}
      </FormRow>
      <Pairs
        label="Default connections"
        help="Which connection an integration task uses that names none."
        what="connection"
        pairs={connections}
        onChange={setConnections}
        errors={errors}
        prefix="default_connections"
        values={names}
      />
      <Pairs
        label="Data centre"
        help="The origin of an integration’s API, where it is not the usual one: https://www.zohoapis.eu"
        what="origin"
        pairs={origins}
        onChange={setOrigins}
        errors={errors}
        prefix="api_origins"
        values={null}
      />
      {error !== null && <ProblemNote error={error} />}
      <Group mt="sm">
        <Button type="submit" variant="default" loading={busy} disabled={!unsaved}>
          Save function settings
        </Button>
      </Group>
    </form>
  )
}

interface PairRows {
  readonly label: string
  readonly help: string
  readonly what: string
  readonly pairs: readonly Pair[]
  readonly onChange: (pairs: readonly Pair[]) => void
  readonly errors: Readonly<Record<string, string>>
  readonly prefix: string
  /** To choose from; null: typed. */
  readonly values: readonly string[] | null
}

/** Something for each namespace of integration tasks, one a line. */
const Pairs = ({ label, help, what, pairs, onChange, errors, prefix, values }: PairRows) => {
  const set = (index: number, change: Pair) => onChange(pairs.map((pair, at) => (at === index ? change : pair)))
  const free = integrationNamespaces.filter(namespace => !pairs.some(([own]) => own === namespace))
  return (
    <FormRow label={label} help={help} group>
      {() => (
        <Stack gap={6}>
          {pairs.map(([namespace, value], index) => {
            const error = errors[`${prefix}.${namespace}`]
            const common = {
              'aria-label': `The ${what} of ${namespace}`,
              error,
              'aria-invalid': error !== undefined,
              className: classes.pairValue ?? '',
            }
            return (
              <div key={index} className={classes.pair}>
                <Select
                  aria-label={`Namespace ${index + 1}`}
                  data={[namespace, ...free].filter(Boolean)}
                  value={namespace || null}
                  allowDeselect={false}
                  searchable
                  className={classes.pairName ?? ''}
                  onChange={next => set(index, [next ?? '', value])}
                />
                {values === null ? (
                  <TextInput
                    {...common}
                    value={value}
                    placeholder="https://"
                    spellCheck={false}
                    autoComplete="off"
                    onChange={event => set(index, [namespace, event.currentTarget.value])}
                  />
                ) : (
                  <Select
                    {...common}
                    data={[...new Set([...(value === '' ? [] : [value]), ...values])]}
                    value={value || null}
                    searchable
                    onChange={next => set(index, [namespace, next ?? ''])}
                  />
                )}
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size={36}
                  aria-label={`Remove ${namespace || `line ${index + 1}`}`}
                  onClick={() => onChange(pairs.filter((_, at) => at !== index))}
                >
                  <IconX size={16} />
                </ActionIcon>
              </div>
            )
          })}
          <div>
            <Button
              variant="subtle"
              size="xs"
              ml={-8}
              leftSection={<IconPlus size={14} />}
              disabled={free.length === 0}
              onClick={() => onChange([...pairs, [free[0] ?? '', '']])}
            >
              Add a namespace
            </Button>
          </div>
        </Stack>
      )}
    </FormRow>
  )
}
