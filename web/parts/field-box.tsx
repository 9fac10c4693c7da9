import { Anchor, PasswordInput, Select, Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Field } from '../../sdk/index.ts'
import type { RowField } from './form-row.tsx'

interface Box {
  readonly field: Field
  /** Its label stands above it; left out in a FormRow, whose `row` ties them together. */
  readonly label?: ReactNode
  readonly row?: RowField | undefined
  readonly value: string
  readonly error: string | undefined
  readonly onChange: (value: string) => void
  readonly disabled?: boolean | undefined
  /** Where the focus begins in a dialog. */
  readonly first?: boolean | undefined
}

const order = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[]

const affix = (text: string) => (
  <Text size="sm" c="dimmed" px={10} truncate>
    {text}
  </Text>
)

/** One box of what a service asks for: a secret masked, choices as a menu, what stands around the value beside it. */
export const FieldBox = ({ field, label, row, value, error, onChange, disabled = false, first = false }: Box) => {
  const { secret, placeholder, example, prefix, suffix, choices, help_url } = field
  const shown = placeholder ?? example
  const help = help_url !== undefined && /^https?:\/\//i.test(help_url)
  const shared = {
    ...row,
    error,
    disabled,
    inputWrapperOrder: order,
    ...(label !== undefined && { label }),
    ...(help && {
      description: (
        <Anchor href={help_url} target="_blank" rel="noreferrer" size="sm">
          Where to find it
        </Anchor>
      ),
    }),
    ...(error !== undefined && { 'aria-invalid': true }),
    ...(first && { 'data-autofocus': true }),
    ...(shown !== undefined && { placeholder: shown }),
  }
  if (choices)
    return <Select {...shared} data={[...choices]} value={value} allowDeselect={false} onChange={chosen => onChange(chosen ?? '')} />
  const typed = { ...shared, value, 'data-1p-ignore': true, spellCheck: false, autoCapitalize: 'off' }
  // "new-password": a manager that filled in somebody's own password would be wrong here
  if (secret) return <PasswordInput {...typed} autoComplete="new-password" onChange={event => onChange(event.currentTarget.value)} />
  return (
    <TextInput
      {...typed}
      autoComplete="off"
      onChange={event => onChange(event.currentTarget.value)}
      {...(prefix !== undefined && { leftSection: affix(prefix), leftSectionWidth: `min(50%, calc(${prefix.length}ch + 20px))` })}
      {...(suffix !== undefined && { rightSection: affix(suffix), rightSectionWidth: `min(60%, calc(${suffix.length}ch + 20px))` })}
    />
  )
}
