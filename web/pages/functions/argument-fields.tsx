import { PasswordInput, Select, Textarea, TextInput } from '@mantine/core'
import { FileBox } from '../connection/file-rows.tsx'
import { boxOf, type Files, type Parameter, type Values } from './argument-values.ts'

interface Field {
  readonly parameter: Parameter
  readonly value: string
  readonly error: string | undefined
  readonly onChange: (value: string) => void
}

const mono = { input: { fontFamily: 'var(--mantine-font-family-monospace)' } }
const dateTypes = { date: 'date', datetime: 'datetime-local', time: 'time' } as const

/** A box for an argument, by its declared type. */
const ArgumentBox = ({ parameter, value, error, onChange }: Field) => {
  const box = boxOf(parameter)
  const common = {
    label: parameter.name,
    description: parameter.type ?? undefined,
    error,
    inputWrapperOrder: ['label', 'description', 'input', 'error'] as ('label' | 'description' | 'input' | 'error')[],
    styles: mono,
    ...(error !== undefined && { 'aria-invalid': true }),
  }
  const typed = {
    ...common,
    value,
    autoComplete: 'off',
    spellCheck: false,
    autoCapitalize: 'off',
    'data-1p-ignore': true,
    onChange: (event: { readonly currentTarget: { readonly value: string } }) => onChange(event.currentTarget.value),
  }
  switch (box) {
    case 'secret':
      return <PasswordInput {...typed} autoComplete="new-password" />
    case 'boolean':
      return (
        <Select
          {...common}
          data={['true', 'false']}
          placeholder="null"
          clearable
          value={value || null}
          onChange={next => onChange(next ?? '')}
        />
      )
    case 'json':
      return (
        <Textarea
          {...typed}
          autosize
          minRows={3}
          maxRows={12}
          placeholder={parameter.type?.toLowerCase() === 'list' ? '["one", "two"]' : '{"name": "value"}'}
        />
      )
    case 'date':
    case 'datetime':
    case 'time':
      return <TextInput {...typed} type={dateTypes[box]} step={box === 'date' ? undefined : 1} />
    case 'number':
    case 'decimal':
      return <TextInput {...typed} inputMode={box === 'number' ? 'numeric' : 'decimal'} />
    default:
      return <Textarea {...typed} autosize minRows={1} maxRows={8} />
  }
}

interface Fields {
  readonly parameters: readonly Parameter[]
  readonly values: Values
  readonly files: Files
  readonly errors: Readonly<Record<string, string | undefined>>
  readonly onValue: (name: string, value: string) => void
  readonly onFile: (name: string, file: File | null) => void
}

/** A box for each argument that the header declares. */
export const ArgumentFields = ({ parameters, values, files, errors, onValue, onFile }: Fields) =>
  parameters.map(parameter => {
    const { name } = parameter
    if (boxOf(parameter) === 'file')
      return <FileBox key={name} label={`${name}, a file`} file={files[name] ?? null} onChange={file => onFile(name, file)} />
    return (
      <ArgumentBox
        key={name}
        parameter={parameter}
        value={values[name] ?? ''}
        error={errors[name]}
        onChange={value => onValue(name, value)}
      />
    )
  })
