import { Anchor, Button, Group, List, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import type { Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { FormRow, Section } from '../../parts/form-row.tsx'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'
import { SecretBox } from '../../parts/secret-box.tsx'
import { exactTime } from '../../parts/time.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { Note } from './note.tsx'
import { redirectHelp, RedirectUrl } from './redirect-url.tsx'
import { requestsQuery, serviceChanged } from './service-queries.ts'
import { clientWords, hasRedirect, webAddress } from '../../parts/service-words.ts'

/** The organisation's own client of a default service: what to register at the provider, and what comes back from there. Administrators only. */
export const RegisterClient = ({ service }: { readonly service: Service }) => {
  const [replacing, setReplacing] = useState(false)
  const words = clientWords(service.auth_type)
  if (service.client_id === null || replacing)
    return <ClientForm service={service} onDone={() => setReplacing(false)} onCancel={replacing ? () => setReplacing(false) : null} />
  return (
    <Section
      title="Client"
      aside={
        <Button variant="default" size="xs" onClick={() => setReplacing(true)}>
          Replace the client …
        </Button>
      }
    >
      <Text>
        {words.id} <code className="outside">{service.client_id}</code>,{' '}
        {service.has_client_secret ? `${words.secret.toLowerCase()} stored.` : `without a ${words.secret.toLowerCase()}.`} Everybody in the
        organisation can connect {service.name} with it.
      </Text>
    </Section>
  )
}

interface Form {
  readonly service: Service
  readonly onDone: () => void
  readonly onCancel: (() => void) | null
}

const ClientForm = ({ service, onDone, onCancel }: Form) => {
  const { name, link_name, advanced, redirect_url } = service
  const [clientId, setClientId] = useState(service.client_id ?? '')
  const [secret, setSecret] = useState('')
  const [busy, setBusy] = useState(false)
  const [asking, setAsking] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const form = useRef<HTMLFormElement>(null)
  const words = clientWords(service.auth_type)
  const errors = fieldErrorsOf(error)
  const registerUrl = webAddress(advanced.register_url)
  const hint = typeof advanced.redirect_url_hint === 'string' ? advanced.redirect_url_hint : null
  useFocusFirstError(form, error)

  const save = async () => {
    await patchbay.services.putClient(link_name, { client_id: clientId.trim(), client_secret: secret || null })
    await serviceChanged(link_name)
    tellDone(`${name} can be connected now.`)
    onDone()
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    // what was authorised for the client before ends with it
    if (service.client_id !== null && service.client_id !== clientId.trim()) return setAsking(true)
    setBusy(true)
    setError(null)
    try {
      await save()
    } catch (refused) {
      setError(refused)
    } finally {
      setBusy(false)
    }
  }

  return (
    <Section title={service.client_id === null ? `Set up ${name}` : 'Replace the client'}>
      <WhoAsked service={service} />
      <List type="ordered" spacing={4} my="sm">
        <List.Item>
          Register an app for your organisation
          {registerUrl === null ? ` at ${name}.` : ' at '}
          {registerUrl !== null && (
            <Anchor href={registerUrl} target="_blank" rel="noreferrer" className="outside">
              {registerUrl}
            </Anchor>
          )}
        </List.Item>
        {hasRedirect(service) && <List.Item>Paste the redirect URL there.</List.Item>}
        <List.Item>
          Copy the {words.id.toLowerCase()} and the {words.secret.toLowerCase()} from there to here.
        </List.Item>
      </List>
      <form ref={form} onSubmit={event => void submit(event)} noValidate>
        {redirect_url !== null && hasRedirect(service) && (
          <FormRow label="Redirect URL" help={hint ?? redirectHelp}>
            {field => <RedirectUrl url={redirect_url} id={field.id} describedBy={field['aria-describedby']} />}
          </FormRow>
        )}
        <FormRow label={words.id} error={errors.client_id}>
          {field => (
            <TextInput
              {...field}
              autoComplete="off"
              spellCheck={false}
              value={clientId}
              onChange={event => setClientId(event.currentTarget.value)}
            />
          )}
        </FormRow>
        <FormRow
          label={words.secret}
          help={
            service.client_id === null
              ? 'It is stored sealed, and never shown again.'
              : 'Id and secret are replaced together: without one here, the stored secret is removed.'
          }
          error={errors.client_secret}
          optional={service.auth_type === 'oauth2'}
        >
          {field => <SecretBox field={field} stored={false} value={secret} onChange={setSecret} />}
        </FormRow>
        {error !== null && Object.keys(errors).length === 0 && <ProblemNote error={error} />}
        <Group mt="xs">
          <Button type="submit" loading={busy} disabled={clientId.trim() === ''}>
            Save the client
          </Button>
          {onCancel && (
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
          )}
        </Group>
      </form>
      <UnsavedGuard unsaved={secret !== '' && !busy} />
      <Confirm
        title={`Replace the client of ${name}`}
        verb="Replace and revoke"
        opened={asking}
        onClose={() => setAsking(false)}
        onConfirm={save}
      >
        What people authorised was given to the client <code className="outside">{service.client_id}</code>. Every connection with {name} is
        revoked, and works again when its people have connected it with the new one.
      </Confirm>
    </Section>
  )
}

const WhoAsked = ({ service }: { readonly service: Service }) => {
  const requests = useQuery(requestsQuery)
  const asked = requests.data?.data.filter(one => one.service.link_name === service.link_name) ?? []
  if (asked.length === 0) return null
  return (
    <Note tone="plain" mt="xs">
      {asked.map(one => (
        <Text key={one.requested_by.id} className="outside">
          {one.requested_by.name} ({one.requested_by.email}) asked for it on {exactTime(one.requested_at)}
          {one.note === null ? '.' : `: ${one.note}`}
        </Text>
      ))}
    </Note>
  )
}
