import { Button, Group, Select, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { PatchbayProblem, type DelugeFunction } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { serverNow } from '../../clock.ts'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { fieldErrorsOf, ProblemNote } from '../../parts/problem.tsx'
import { cronWords, nextRuns, parseCron } from './cron.ts'
import { prettyJson } from '../connection/raw-json.ts'
import { functionSettingsQuery, type WrittenSchedule } from './function-queries.ts'
import { timeZones } from './time-zones.ts'
import classes from './schedules.module.css'

const suggestions = [
  { value: '*/15 * * * *', label: 'Every 15 minutes' },
  { value: '0 * * * *', label: 'Every hour' },
  { value: '0 6 * * *', label: 'Every morning at six' },
  { value: '0 9 * * mon-fri', label: 'Working days at nine' },
  { value: '0 3 1 * *', label: 'The first of each month' },
] as const

interface Form {
  readonly one: DelugeFunction
  /** Null for a new one. */
  readonly schedule: WrittenSchedule | null
  readonly onDone: () => void
  readonly onCancel: () => void
}

const previewed = 3

/** A cron expression with what it means, and the arguments of its runs. */
export const ScheduleForm = ({ one, schedule, onDone, onCancel }: Form) => {
  const form = useRef<HTMLFormElement>(null)
  const settings = useQuery(functionSettingsQuery)
  const [cron, setCron] = useState(schedule?.cron ?? '0 9 * * mon-fri')
  const [chosenZone, setZone] = useState<string | null>(schedule?.time_zone ?? null)
  const [given, setGiven] = useState(schedule ? (prettyJson(schedule.written) ?? '{}') : '{}')
  const [enabled, setEnabled] = useState(schedule?.enabled ?? true)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const zone = chosenZone ?? settings.data?.time_zone ?? 'UTC'
  const meaning = meaningOf(cron, zone)
  const errors = fieldErrorsOf(error)
  const wrongArguments = errors.arguments ?? Object.entries(errors).find(([path]) => path.startsWith('arguments.'))?.[1]
  useFocusFirstError(form, error)

  const save = async () => {
    setError(null)
    setBusy(true)
    try {
      const body = { cron: cron.trim(), time_zone: zone, enabled }
      const options = { argumentsText: argumentsOf(given) }
      if (schedule) await patchbay.functions.editSchedule(schedule.id, body, options)
      else await patchbay.functions.schedule(one.namespace, one.name, body, options)
      onDone()
    } catch (refused) {
      setError(refused)
      setBusy(false)
    }
  }

  return (
    <form
      ref={form}
      noValidate
      onSubmit={event => {
        event.preventDefault()
        void save()
      }}
    >
      <Stack gap="md">
        <TextInput
          label="When"
          description="minute  hour  day of month  month  day of week"
          value={cron}
          maxLength={200}
          spellCheck={false}
          autoComplete="off"
          data-autofocus
          error={errors.cron ?? (meaning.kind === 'wrong' ? meaning.sentence : undefined)}
          aria-invalid={errors.cron !== undefined}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          onChange={event => setCron(event.currentTarget.value)}
        />
        <Group gap={6} role="group" aria-label="Often used">
          {suggestions.map(({ value, label }) => (
            <Button key={value} size="compact-sm" variant="default" onClick={() => setCron(value)}>
              {label}
            </Button>
          ))}
        </Group>
        {meaning.kind === 'right' && (
          <div role="status" className={classes.meaning}>
            <Text size="sm">{meaning.words}</Text>
            {meaning.next.length === 0 ? (
              <Text size="sm" c="dimmed">
                It names no time within a year.
              </Text>
            ) : (
              <Text size="sm" c="dimmed" className="tabular">
                Next: {meaning.next.join(' · ')}
              </Text>
            )}
          </div>
        )}
        <Select
          label="Time zone"
          data={timeZones(zone)}
          value={zone}
          searchable
          allowDeselect={false}
          limit={60}
          error={errors.time_zone}
          aria-invalid={errors.time_zone !== undefined}
          onChange={setZone}
        />
        <Textarea
          label="Arguments"
          description="JSON, by name. What is left out is null."
          value={given}
          autosize
          minRows={2}
          maxRows={10}
          spellCheck={false}
          error={wrongArguments}
          aria-invalid={wrongArguments !== undefined}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          onChange={event => setGiven(event.currentTarget.value)}
        />
        <Switch label="Runs" checked={enabled} onChange={event => setEnabled(event.currentTarget.checked)} />
        {error !== null && <ProblemNote error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            {schedule ? 'Save' : 'Create schedule'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

type Meaning =
  | { readonly kind: 'wrong'; readonly sentence: string }
  | { readonly kind: 'right'; readonly words: string; readonly next: readonly string[] }

export function meaningOf(text: string, zone: string): Meaning {
  try {
    const cron = parseCron(text)
    const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone })
    return { kind: 'right', words: cronWords(cron), next: nextRuns(cron, zone, serverNow(), previewed).map(at => format.format(at)) }
  } catch (error) {
    return { kind: 'wrong', sentence: error instanceof Error ? error.message : 'This is no schedule.' }
  }
}

/** The JSON text of a map, as it was typed. @throws PatchbayProblem */
function argumentsOf(typed: string): string {
  const text = typed.trim() || '{}'
  const refuse = (message: string) =>
    new PatchbayProblem({ code: 'validation_failed', status: 422, detail: message, errors: [{ path: 'arguments', message }] })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw refuse(`This is not JSON: ${error instanceof Error ? error.message : ''}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('Give a map of arguments by their names.')
  return text
}
