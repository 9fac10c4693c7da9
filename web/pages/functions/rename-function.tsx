import { Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { PatchbayProblem, type DelugeFunction } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { namesInWords } from '../../parts/counted-words.ts'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'
import { functionChanged, functionQuery, pathOf } from './function-queries.ts'

interface Dialog {
  readonly one: DelugeFunction
  readonly onClose: () => void
}

/** Another name, category or description. Whoever calls it by the old name is named before it happens. */
export const RenameFunction = ({ one, onClose }: Dialog) => {
  const navigate = useNavigate()
  const queries = useQueryClient()
  const form = useRef<HTMLFormElement>(null)
  const [namespace, setNamespace] = useState(one.namespace)
  const [name, setName] = useState(one.name)
  const [description, setDescription] = useState(one.description)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const errors = fieldErrorsOf(error)
  useFocusFirstError(form, error)
  const moved = namespace.trim() !== one.namespace || name.trim() !== one.name
  const callers = one.called_by ?? []
  const taken = error instanceof PatchbayProblem && error.code === 'function_name_taken' ? error.detail : undefined

  const save = async () => {
    setBusy(true)
    setError(null)
    try {
      const body = { description: description.trim(), ...(moved && { namespace: namespace.trim(), name: name.trim() }) }
      // its callers stand above the button
      const next = await patchbay.functions.rename(one.namespace, one.name, body, { revision: one.revision, force: callers.length > 0 })
      tellDone('Saved.')
      onClose()
      if (!moved) return void (await functionChanged(one))
      await navigate({ to: '/functions/$namespace/$name', params: { namespace: next.namespace, name: next.name } })
      queries.removeQueries({ queryKey: functionQuery(one).queryKey })
      await queries.invalidateQueries({ queryKey: ['functions'] })
    } catch (refused) {
      setError(refused)
      setBusy(false)
    }
  }

  return (
    <Modal opened onClose={onClose} title={`Rename or describe ${pathOf(one)}`} size="lg">
      <form
        ref={form}
        noValidate
        onSubmit={event => {
          event.preventDefault()
          void save()
        }}
      >
        <Stack gap="md">
          <Group grow align="flex-start">
            <TextInput
              label="Category"
              value={namespace}
              maxLength={50}
              spellCheck={false}
              autoComplete="off"
              error={errors.namespace}
              aria-invalid={errors.namespace !== undefined}
              onChange={event => setNamespace(event.currentTarget.value)}
            />
            <TextInput
              label="Name"
              value={name}
              maxLength={100}
              spellCheck={false}
              autoComplete="off"
              data-autofocus
              error={errors.name ?? taken}
              aria-invalid={(errors.name ?? taken) !== undefined}
              onChange={event => setName(event.currentTarget.value)}
            />
          </Group>
          {moved && (
            <Text size="sm">
              Its header is rewritten, and its address from outside changes with its name. Its history, variables and schedules stay.
              {callers.length > 0 && (
                <>
                  {' '}
                  These functions call it as {pathOf(one)} and fail until they are changed:{' '}
                  <strong className="outside">{namesInWords(callers)}</strong>.
                </>
              )}
            </Text>
          )}
          <Textarea
            label="What it does"
            value={description}
            maxLength={2000}
            autosize
            minRows={3}
            maxRows={8}
            onChange={event => setDescription(event.currentTarget.value)}
          />
          {error !== null && Object.keys(errors).length === 0 && taken === undefined && <ProblemNote error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              {moved ? (callers.length > 0 ? 'Rename all the same' : 'Rename') : 'Save'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
