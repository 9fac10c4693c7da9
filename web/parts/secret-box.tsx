import { Button, Group, PasswordInput, Text } from '@mantine/core'
import { useState } from 'react'
import type { RowField } from './form-row.tsx'

interface Box {
  readonly field: RowField
  /** Something is stored; it can be replaced and never seen. */
  readonly stored: boolean
  readonly value: string
  readonly onChange: (value: string) => void
}

/** A write-only box: empty when new, "stored, replace …" afterwards. */
export const SecretBox = ({ field, stored, value, onChange }: Box) => {
  const [replacing, setReplacing] = useState(false)
  if (stored && !replacing && value === '' && field.error === undefined)
    return (
      <Group gap="sm" mih={36}>
        <Text c="dimmed">Stored</Text>
        <Button
          id={field.id}
          {...(field['aria-label'] !== undefined && { 'aria-label': `Replace: ${field['aria-label']}` })}
          variant="default"
          size="xs"
          onClick={() => setReplacing(true)}
        >
          Replace …
        </Button>
      </Group>
    )
  return (
    <PasswordInput
      {...field}
      aria-invalid={field.error !== undefined}
      autoComplete="off"
      data-1p-ignore
      data-autofocus={replacing || undefined}
      autoFocus={replacing}
      value={value}
      onChange={event => onChange(event.currentTarget.value)}
    />
  )
}
