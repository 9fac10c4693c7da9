import { Button, Group, Stack, Text } from '@mantine/core'
import { useRef, useState, type FormEvent } from 'react'
import type { Field, Values } from '../../sdk/index.ts'
import { AuthorizeFrame } from './authorize-test.tsx'
import { FieldBox } from './field-box.tsx'
import { useFocusFirstError } from './focus-first-error.ts'
import { fieldErrorsOf, ProblemNote } from './problem.tsx'

interface Asked {
  readonly service: string
  readonly fields: readonly Field[]
  /** A rejection is shown in the dialog, beside the fields that it names. */
  readonly onAnswer: (values: Values) => Promise<unknown>
  readonly onClose: () => void
}

/** What the service wants to know, by the names that it uses itself. */
export const AskFields = ({ service, fields, onAnswer, onClose }: Asked) => {
  const form = useRef<HTMLFormElement>(null)
  const [values, setValues] = useState<Values>(() => Object.fromEntries(fields.map(one => [one.name, one.choices?.[0] ?? ''])))
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const errors = fieldErrorsOf(error)
  const errorOf = (name: string) => errors[`credentials.${name}`] ?? errors[`variables.${name}`]
  useFocusFirstError(form, error)
  const told = fields.some(({ name }) => errorOf(name) !== undefined)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      await onAnswer(values)
    } catch (refused) {
      setError(refused)
    } finally {
      setBusy(false)
    }
  }

  return (
    <AuthorizeFrame service={service} onClose={onClose}>
      <form ref={form} onSubmit={event => void submit(event)} autoComplete="off" noValidate>
        <Stack gap="md">
          {fields.length > 0 && (
            <Text c="dimmed">
              Secrets are sealed as soon as they arrive. Nobody sees them again, you included; they can only be replaced.
            </Text>
          )}
          {fields.map((field, index) => (
            <FieldBox
              key={field.name}
              field={field}
              label={<span className="outside">{field.display_name}</span>}
              first={index === 0}
              value={values[field.name] ?? ''}
              error={errorOf(field.name)}
              onChange={value => setValues(before => ({ ...before, [field.name]: value }))}
            />
          ))}
          {error !== null && !told && <ProblemNote error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Not now
            </Button>
            <Button type="submit" loading={busy}>
              Connect
            </Button>
          </Group>
        </Stack>
      </form>
    </AuthorizeFrame>
  )
}
