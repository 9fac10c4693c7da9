import { Button, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { PatchbayProblem } from '../../sdk/index.ts'
import { patchbay } from '../client.ts'
import type { RowField } from './form-row.tsx'
import { linkNameProblem } from './link-name.ts'

const isTaken = async (linkName: string): Promise<boolean> => {
  try {
    await patchbay.connections.get(linkName)
    return true
  } catch (error) {
    if (error instanceof PatchbayProblem && error.status === 404) return false
    throw error
  }
}

const nextFree = async (linkName: string): Promise<string | null> => {
  const stem = linkName.replace(/_\d{1,2}$/, '').slice(0, 47)
  for (let number = 2; number < 12; number++) if (!(await isTaken(`${stem}_${number}`))) return `${stem}_${number}`
  return null
}

/** Whether a connection of the organisation has the name, as far as the person sees; and one that is free. */
export const useLinkName = (linkName: string, enabled: boolean) => {
  const [settled] = useDebouncedValue(linkName, 250)
  const valid = linkNameProblem(settled) === null
  const query = useQuery({
    queryKey: ['link-name', settled],
    queryFn: async () => {
      const taken = await isTaken(settled)
      return { taken, free: taken ? await nextFree(settled) : settled }
    },
    enabled: enabled && valid,
    staleTime: 5000,
  })
  return settled === linkName && valid ? (query.data ?? null) : null
}

interface Box {
  readonly field: RowField
  readonly value: string
  readonly disabled: boolean
  readonly onChange: (linkName: string) => void
  /** Of a refusal, which counts more than the check. */
  readonly checked: { readonly taken: boolean; readonly free: string | null } | null
}

/** Checked as it is typed. */
export const LinkNameBox = ({ field, value, disabled, onChange, checked }: Box) => {
  const problem = value === '' ? null : linkNameProblem(value)
  const taken = checked?.taken === true
  const error = field.error ?? problem ?? (taken ? 'Another connection has this link name.' : null)
  const free = taken ? checked.free : null
  return (
    <>
      <TextInput
        {...field}
        error={error}
        value={value}
        onChange={event => onChange(event.currentTarget.value)}
        disabled={disabled}
        maxLength={60}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        rightSection={error === null && checked && <IconCheck size={16} color="var(--green)" aria-hidden />}
      />
      <Text size="sm" role="status" c="dimmed" mt={2}>
        {error === null && checked && !disabled && 'Free'}
        {free !== null && (
          <>
            Free:{' '}
            <Button variant="subtle" size="compact-sm" onClick={() => onChange(free)} aria-label={`Use ${free}`}>
              {free}
            </Button>
          </>
        )}
      </Text>
    </>
  )
}
