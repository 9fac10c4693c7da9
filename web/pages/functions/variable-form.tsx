import { Button, Checkbox, Group, Modal, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import type { FunctionVariable, FunctionVariableInput } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'
import { SecretBox } from '../../parts/secret-box.tsx'
import { prettyJson } from '../connection/raw-json.ts'
import { pathOf, variablesQuery, type FunctionPath, type WrittenVariable } from './function-queries.ts'

type Type = FunctionVariable['type']

const types: readonly { readonly value: Type; readonly label: string }[] = [
  { value: 'text', label: 'Text' },
  { value: 'number', label: 'Whole number' },
  { value: 'decimal', label: 'Decimal' },
  { value: 'boolean', label: 'true or false' },
  { value: 'date', label: 'Date' },
  { value: 'map', label: 'Map, as JSON' },
  { value: 'list', label: 'List, as JSON' },
]

const examples: Partial<Record<Type, string>> = { date: '2026-11-22', map: '{"name": "value"}', list: '["one", "two"]' }

interface Form {
  /** The function whose page it is on; null: of the organisation. */
  readonly path: FunctionPath | null
  /** Null for a new one. */
  readonly variable: WrittenVariable | null
  readonly onClose: () => void
}

const writtenOf = (variable: WrittenVariable | null): string => {
  if (variable === null || variable.secret || !variable.has_value) return ''
  return typeof variable.value === 'string' ? variable.value : (prettyJson(variable.written) ?? '')
}

/** A variable: its name, its type and its value, which is never shown again when it is secret. */
export const VariableForm = ({ path, variable, onClose }: Form) => {
  const queries = useQueryClient()
  const form = useRef<HTMLFormElement>(null)
  const first = writtenOf(variable)
  const [name, setName] = useState(variable?.name ?? '')
  const [type, setType] = useState<Type>(variable?.type ?? 'text')
  const [value, setValue] = useState(first)
  const [secret, setSecret] = useState(variable?.secret ?? false)
  const [description, setDescription] = useState(variable?.description ?? '')
  const [ofFunction, setOfFunction] = useState(variable ? variable.function : path && pathOf(path))
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const errors = fieldErrorsOf(error)
  useFocusFirstError(form, error)

  const save = async () => {
    setBusy(true)
    setError(null)
    try {
      const changed = variable === null || value !== first
      const body: FunctionVariableInput = {
        type,
        secret,
        description: description.trim(),
        function: ofFunction,
        // as text, which becomes its type at the server: long numbers keep their digits
        ...(changed && { value: type === 'text' ? value : value.trim() }),
      }
      await patchbay.functions.putVariable(name.trim(), body)
      await queries.invalidateQueries({ queryKey: variablesQuery.queryKey })
      tellDone('Saved.')
      onClose()
    } catch (refused) {
      setError(refused)
      setBusy(false)
    }
  }

  return (
    <Modal opened onClose={onClose} title={variable ? `Edit ${variable.name}` : 'Add a variable'} size="lg">
      <form
        ref={form}
        noValidate
        onSubmit={event => {
          event.preventDefault()
          void save()
        }}
      >
        <Stack gap="md">
          {variable === null && (
            <TextInput
              label="Name"
              description="A letter first; then letters, digits and _."
              value={name}
              maxLength={100}
              spellCheck={false}
              autoComplete="off"
              data-autofocus
              error={errors.name}
              aria-invalid={errors.name !== undefined}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              onChange={event => setName(event.currentTarget.value)}
            />
          )}
          {variable === null && path !== null && (
            <Select
              label="Who reads it"
              allowDeselect={false}
              data={[
                { value: 'function', label: `Only ${pathOf(path)}` },
                { value: 'organization', label: 'Every function of the organisation' },
              ]}
              value={ofFunction === null ? 'organization' : 'function'}
              onChange={next => setOfFunction(next === 'function' ? pathOf(path) : null)}
            />
          )}
          <Select
            label="Type"
            allowDeselect={false}
            data={types}
            value={type}
            error={errors.type}
            onChange={next => setType(types.find(one => one.value === next)?.value ?? 'text')}
          />
          <Checkbox
            label="Secret"
            description="Scripts read it. People write it and never see it again."
            checked={secret}
            onChange={event => setSecret(event.currentTarget.checked)}
          />
          {secret ? (
            <FormRow label="Value" error={errors.value}>
              {field => (
                <SecretBox field={field} stored={variable?.secret === true && variable.has_value} value={value} onChange={setValue} />
              )}
            </FormRow>
          ) : (
            <Textarea
              label="Value"
              value={value}
              autosize
              minRows={type === 'map' || type === 'list' ? 4 : 1}
              maxRows={14}
              spellCheck={false}
              placeholder={examples[type] ?? ''}
              error={errors.value}
              aria-invalid={errors.value !== undefined}
              onChange={event => setValue(event.currentTarget.value)}
            />
          )}
          <TextInput
            label="Description"
            value={description}
            maxLength={200}
            autoComplete="off"
            error={errors.description}
            onChange={event => setDescription(event.currentTarget.value)}
          />
          {error !== null && <ProblemNote error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
