import { Button, List, Switch, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { PatchbayProblem, type EditPreview, type Service, type ServicePatch } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { FormRow } from '../../parts/form-row.tsx'
import { ButtonLink } from '../../parts/links.tsx'
import { fieldErrorsOf, tellDone } from '../../parts/problem.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { Note } from './note.tsx'
import { changesOf, draftOf, problemsOf, rebased } from './service-draft.ts'
import { ServiceForm } from './service-form.tsx'
import { serviceChanged } from './service-queries.ts'
import { namesInWords } from '../../parts/counted-words.ts'
import { WrongFields } from './wrong-fields.tsx'
import classes from './form.module.css'

interface Edited {
  readonly service: Service
  /** Its ETag. */
  readonly version: string | undefined
}

const noneFound: Readonly<Record<string, string>> = {}

export const EditForm = ({ initial, administrator }: { readonly initial: Edited; readonly administrator: boolean }) => {
  const navigate = useNavigate()
  const form = useRef<HTMLFormElement>(null)
  const [base, setBase] = useState(initial)
  const [draft, setDraft] = useState(() => draftOf(initial.service))
  const [secret, setSecret] = useState('')
  const [keep, setKeep] = useState(false)
  const [found, setFound] = useState(noneFound)
  const [refusal, setRefusal] = useState<unknown>(null)
  const [preview, setPreview] = useState<EditPreview | null>(null)
  const [theirs, setTheirs] = useState<readonly string[] | null>(null)
  const [busy, setBusy] = useState(false)
  const [saved, setSaved] = useState(false)
  const { link_name, name, has_client_secret } = base.service
  useFocusFirstError(form, found === noneFound ? refusal : found)

  const changes: ServicePatch = { ...changesOf(draftOf(base.service), draft), ...(secret !== '' && { client_secret: secret }) }
  const dirty = Object.keys(changes).length > 0
  const secretAlone = secret !== '' && Object.keys(changes).length === 1
  const patch: ServicePatch = secretAlone && keep ? { ...changes, keep_connections: true } : changes
  const errors = { ...fieldErrorsOf(refusal), ...found }

  // not before the guard has seen that nothing is left to save
  useEffect(() => {
    if (saved) void navigate({ to: '/services/$linkName', params: { linkName: link_name } })
  }, [saved, navigate, link_name])

  const edited = () => {
    setFound(noneFound)
    setRefusal(null)
  }

  /** Somebody else saved meanwhile: what they changed is taken in, what was typed here stays on top. */
  const takeInTheirs = async () => {
    const fresh = await patchbay.services.getForEdit(link_name)
    const before = draftOf(base.service)
    setTheirs(Object.keys(changesOf(before, draftOf(fresh.service))))
    setDraft(rebased(draft, before, draftOf(fresh.service)))
    setBase(fresh)
    window.scrollTo(0, 0)
  }

  const save = async () => {
    try {
      await patchbay.services.update(link_name, patch, { version: base.version })
    } catch (error) {
      if (!(error instanceof PatchbayProblem && error.code === 'precondition_failed')) throw error
      return takeInTheirs()
    }
    await serviceChanged(link_name)
    tellDone(`${draft.name.trim()} was saved.`)
    setSaved(true)
  }

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const wrong = problemsOf(draft, { administrator, secret, secretStored: has_client_secret, linkName: null })
    edited()
    if (Object.keys(wrong).length > 0) return setFound(wrong)
    setBusy(true)
    try {
      const ahead = await patchbay.services.preview(link_name, patch)
      if (ahead.count > 0 || ahead.confirm_hosts.length > 0) setPreview(ahead)
      else await save()
    } catch (error) {
      setRefusal(error)
    } finally {
      setBusy(false)
    }
  }

  return (
    <form ref={form} onSubmit={event => void submit(event)} noValidate autoComplete="off">
      {theirs !== null && (
        <Note tone="care" mb="md" role="alert" title={`Somebody else has changed ${name} meanwhile`}>
          {theirs.length > 0 && <>They changed {namesInWords(theirs.map(field => field.replaceAll('_', ' ')))}. </>}
          Their changes are in the form now, and yours on top of them. Look through it and save again.
        </Note>
      )}
      <ServiceForm
        draft={draft}
        change={fields => {
          edited()
          setDraft(known => ({ ...known, ...fields }))
        }}
        errors={errors}
        stored={base.service}
        secret={secret}
        onSecret={typed => {
          edited()
          setSecret(typed)
        }}
        afterSecret={
          secretAlone && (
            <FormRow
              label="Connections"
              group
              help="Only the secret changes. If it is the same client, nothing has to be authorised again."
            >
              {() => (
                <Switch
                  label="Keep the connections"
                  checked={keep}
                  onChange={event => setKeep(event.currentTarget.checked)}
                  description={keep ? 'They go on with the new secret.' : 'Every connection is revoked.'}
                />
              )}
            </FormRow>
          )
        }
      />
      <WrongFields found={found} refusal={refusal} />
      <div className={classes.actions}>
        <Button type="submit" loading={busy} disabled={!dirty}>
          Save
        </Button>
        <ButtonLink to="/services/$linkName" params={{ linkName: link_name }} variant="default">
          Cancel
        </ButtonLink>
        {!dirty && (
          <Text size="sm" c="dimmed">
            Nothing is changed yet.
          </Text>
        )}
      </div>
      <Confirm
        title={`Save ${name}`}
        verb={preview && preview.count > 0 ? 'Save and revoke' : 'Save'}
        opened={preview !== null}
        onClose={() => setPreview(null)}
        onConfirm={save}
      >
        {preview && <Consequences preview={preview} />}
      </Confirm>
      <UnsavedGuard unsaved={dirty && !saved} />
    </form>
  )
}

const mostNamed = 12

/** Whose connections end, by name, and what their people have to do. */
const Consequences = ({ preview: { revokes, count, confirm_hosts } }: { readonly preview: EditPreview }) => (
  <>
    {count > 0 && (
      <>
        <Text>
          {count === 1 ? 'One authorisation is revoked' : `${count} authorisations are revoked`}, because the service will no longer be what
          people agreed to:
        </Text>
        <List my="xs" className="outside">
          {revokes.slice(0, mostNamed).map(one => (
            <List.Item key={`${one.link_name} ${one.owner}`}>
              <code>{one.link_name}</code> ({one.owner})
            </List.Item>
          ))}
          {count > mostNamed && <List.Item>and {count - mostNamed} more</List.Item>}
        </List>
        <Text>Calls are refused until {count === 1 ? 'it is' : 'they are'} connected again.</Text>
      </>
    )}
    {confirm_hosts.length > 0 && (
      <Text mt={count > 0 ? 'sm' : 0} className="outside">
        Everybody who has connected is asked to confirm {namesInWords(confirm_hosts)} before their credential goes there. Yours are
        confirmed by saving.
      </Text>
    )}
  </>
)
