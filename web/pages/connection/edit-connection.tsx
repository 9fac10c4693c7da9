import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useRef, useState, type FormEvent } from 'react'
import type { Connection, ConnectionAccess, ConnectionPatch, Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { AccessPicker } from '../../parts/access-picker.tsx'
import type { Authorizing } from '../../parts/authorize.tsx'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { redrawnConnection, useOptimistic } from '../../parts/optimistic.ts'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'
import { ScopePicker } from '../../parts/scope-picker.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'

interface Shown {
  readonly connection: Connection
  readonly service: Service | undefined
  readonly authorizing: Authorizing
  readonly onClose: () => void
  readonly onChanged: () => Promise<unknown>
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean => [...a].sort().join('\n') === [...b].sort().join('\n')

const sameAccess = (a: ConnectionAccess, b: ConnectionAccess): boolean =>
  typeof a === 'string' || typeof b === 'string' ? a === b : sameSet(a.members, b.members)

const textList = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter(one => typeof one === 'string') : [])

/** Name and access at once; other scopes ask the service for consent again. */
export const EditConnection = ({ connection, service, authorizing, onClose, onChanged }: Shown) => {
  const { link_name, use_login_user_credentials: each } = connection
  const [name, setName] = useState(connection.name)
  const [access, setAccess] = useState(connection.access)
  const [scopes, setScopes] = useState(connection.scopes)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  useFocusFirstError(form, error)
  const moved = !sameSet(scopes, connection.scopes)
  const patch: ConnectionPatch = {
    ...(name !== connection.name && { name }),
    ...(!sameAccess(access, connection.access) && { access }),
    ...(moved && { scopes }),
  }
  const unsaved = Object.keys(patch).length > 0
  const errors = fieldErrorsOf(error)
  const errorUnder = (path: string) => Object.entries(errors).find(([at]) => at === path || at.startsWith(`${path}.`))?.[1]
  const beside = ['name', 'access', 'scopes'].some(path => errorUnder(path) !== undefined)
  const serviceName = connection.service.name

  const saved = () => tellDone('Saved.')
  // on the screen at once, and the form is back with everything typed when it is refused
  const renaming = useOptimistic({
    mutationFn: (changed: ConnectionPatch) => patchbay.connections.update(link_name, changed),
    shows: changed =>
      redrawnConnection(link_name, one => ({
        ...one,
        ...(changed.name !== undefined && { name: changed.name }),
        ...(changed.access !== undefined && { access: changed.access }),
      })),
    onDone: () => {
      saved()
      onClose()
    },
    onRefused: setError,
  })
  const save = async () => {
    if (!moved) return renaming.mutate(patch)
    await authorizing.begin({
      service: connection.service,
      linkName: link_name,
      start: returnTo => patchbay.connections.update(link_name, { ...patch, return_to: returnTo }),
      onDone: () => {
        saved()
        void onChanged()
      },
      onLeft: () => void onChanged(),
    })
    onClose()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!unsaved) return onClose()
    setBusy(true)
    setError(null)
    save()
      .catch(setError)
      .finally(() => setBusy(false))
  }

  return (
    <Modal
      opened={!renaming.isPending}
      onClose={onClose}
      title={`Edit ${connection.name}`}
      size={720}
      // what was typed is not lost to a click beside it
      closeOnClickOutside={!unsaved}
      closeOnEscape={!unsaved}
    >
      <form ref={form} onSubmit={submit} noValidate>
        {error !== null && !beside && <ProblemNote error={error} />}
        <FormRow label="Name" error={errorUnder('name')} help="As people read it. The link name stays as it is.">
          {field => (
            <TextInput {...field} value={name} onChange={event => setName(event.currentTarget.value)} maxLength={100} data-autofocus />
          )}
        </FormRow>
        <FormRow
          group
          label="Who may call it"
          help={each ? 'Each of them with their own account.' : 'All of them with your account.'}
          error={errorUnder('access')}
        >
          {({ error: wrong }) => <AccessPicker value={access} onChange={setAccess} error={wrong} />}
        </FormRow>
        {connection.service.auth_type === 'oauth2' && (
          <FormRow group label="Scopes" help={`What ${serviceName} is asked to allow.`} error={errorUnder('scopes')}>
            {({ error: wrong }) => (
              <ScopePicker
                listed={service?.scopes ?? []}
                value={scopes}
                onChange={setScopes}
                error={wrong}
                others={connection.service.kind === 'default'}
                required={textList(service?.advanced.required_scopes)}
              />
            )}
          </FormRow>
        )}
        <Stack gap="sm" mt="md">
          {moved && (
            <Text size="sm" role="status">
              {service?.grant_type === 'client_credentials'
                ? `${serviceName} is asked again with these scopes.`
                : `With other scopes ${serviceName} asks for your consent again. Until then the old authorisation goes on.`}
              {each && ' Other people keep what they granted until they connect again.'}
            </Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              {moved ? 'Save and connect' : 'Save'}
            </Button>
          </Group>
        </Stack>
      </form>
      <UnsavedGuard unsaved={unsaved && !busy && !renaming.isPending} />
    </Modal>
  )
}
