import { Button, Group, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { PatchbayProblem, type Field, type Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { AccessPicker } from '../../parts/access-picker.tsx'
import { useAuthorize } from '../../parts/authorize.tsx'
import { FieldBox } from '../../parts/field-box.tsx'
import { FormRow } from '../../parts/form-row.tsx'
import { leftBehind } from '../../parts/left-behind.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'
import { ScopePicker } from '../../parts/scope-picker.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'
import { UsedBy } from '../../parts/used-by.tsx'
import { Created } from './created.tsx'
import { forgetDraft, hasUnkept, knobScopes, useDraft, type Asked, type Draft } from './draft.ts'
import { linkNameFor } from '../../parts/link-name.ts'
import { LinkNameBox, useLinkName } from '../../parts/link-name-box.tsx'
import { linkNameProblem } from '../../parts/link-name.ts'
import { Steps } from './steps.tsx'
import classes from './details.module.css'

type Errors = Readonly<Record<string, string>>

const isDirect = ({ auth_type }: Service): boolean => auth_type === 'basic' || auth_type === 'api_key'

/** What can be seen to be wrong before anybody is asked. */
const problemsOf = (draft: Draft, fields: readonly Field[]): Errors => {
  const name = draft.name.trim()
  const link = linkNameProblem(draft.linkName)
  return {
    ...(name === '' && { name: 'A name is needed.' }),
    ...([...name].length > 50 && { name: 'A name has 50 characters at most.' }),
    ...(link !== null && { link_name: link }),
    ...(typeof draft.access !== 'string' &&
      draft.access.members.length === 0 && { 'access.members': 'Name somebody, or choose “Only me”.' }),
    ...Object.fromEntries(
      fields.filter(one => (draft.variables[one.name] ?? '').trim() === '').map(one => [`variables.${one.name}`, 'A value is needed.']),
    ),
  }
}

/** The boxes of an OAuth service's variables, asked before its page opens; the values of other types are asked for in the dialog. */
const fieldsOf = (service: Service): readonly Field[] => {
  if (isDirect(service)) return []
  const more = (service.advanced.variables ?? {}) as Readonly<Record<string, Partial<Field>>>
  return service.variables.map(({ name, label, choices, secret }) => ({
    ...more[name],
    name,
    display_name: label,
    secret,
    ...(choices && { choices }),
  }))
}

interface Shown {
  readonly service: Service
  readonly keeper: string
  readonly asked: Asked
}

/** The second step, and the third on top of it. */
export const Details = ({ service, keeper, asked }: Shown) => {
  const navigate = useNavigate()
  const form = useRef<HTMLFormElement>(null)
  const { draft, change, reset } = useDraft(service, keeper, asked)
  const authorizing = useAuthorize()
  const [wrong, setWrong] = useState<Errors>({})
  const [error, setError] = useState<unknown>(null)
  const fields = fieldsOf(service)
  const checked = useLinkName(draft.linkName, !draft.created)

  // a proposed link name that is taken gives way to the next free one; a typed one is the person's own
  const proposed = !draft.linkTyped && !draft.created && !authorizing.busy && checked?.taken === true ? checked.free : null
  useEffect(() => {
    if (proposed !== null) change({ linkName: proposed })
  }, [proposed, change])

  const refused = fieldErrorsOf(error)
  const taken = error instanceof PatchbayProblem && error.code === 'link_name_taken' ? { link_name: error.detail } : {}
  const errors: Errors = { ...refused, ...taken, ...wrong }
  const errorAt = (path: string): string | undefined =>
    errors[path] ?? Object.entries(errors).find(([one]) => one.startsWith(`${path}.`))?.[1]
  const shown = ['name', 'link_name', 'scopes', 'access', ...fields.map(one => `variables.${one.name}`)]
  const elsewhere = error !== null && !shown.some(path => errorAt(path) !== undefined)

  const edit = (changed: Partial<Draft>) => {
    setWrong({})
    setError(null)
    change(changed)
  }
  useFocusFirstError(form, wrong)
  useFocusFirstError(form, error)

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const problems = problemsOf(draft, fields)
    setWrong(problems)
    if (Object.keys(problems).length === 0) connect()
  }

  const variables =
    fields.length > 0 ? { variables: Object.fromEntries(fields.map(one => [one.name, (draft.variables[one.name] ?? '').trim()])) } : {}

  const connect = () => {
    // without a secret, which a reloaded page no longer has, all of them are asked for in a dialog
    const known = fields.every(one => (draft.variables[one.name] ?? '').trim() !== '')
    const authorize = (returnTo: string) => patchbay.connections.authorize(draft.linkName, { return_to: returnTo, ...(known && variables) })
    const create = async (returnTo: string) => {
      const started = await patchbay.connections.create({
        service: service.link_name,
        name: draft.name.trim(),
        link_name: draft.linkName,
        access: draft.access,
        use_login_user_credentials: draft.eachOwn,
        return_to: returnTo,
        ...(service.auth_type === 'oauth2' && { scopes: draft.scopes }),
        ...variables,
      })
      change({ created: true })
      return started
    }
    setError(null)
    authorizing
      .begin({
        service,
        linkName: draft.linkName,
        start: draft.created ? authorize : create,
        again: authorize,
        onDone: connection => {
          forgetDraft(service.link_name, keeper)
          tellDone(`${connection.name} is connected.`)
          void navigate({ to: '/connections/$linkName', params: { linkName: connection.link_name } })
        },
      })
      .catch(async (refusal: unknown) => {
        setError(refusal)
        if (!draft.created && (await leftBehind(draft.linkName, service.link_name, refusal))) change({ created: true })
      })
  }

  const startOver = () => {
    forgetDraft(service.link_name, keeper)
    void navigate({ to: '/add-connection' })
  }

  if (draft.created)
    return (
      <>
        <Steps at={3} />
        <Created
          service={service}
          draft={draft}
          busy={authorizing.busy}
          error={error}
          onConnect={connect}
          onForget={startOver}
          onOver={reset}
        />
        {authorizing.dialog}
      </>
    )

  const scoped = service.auth_type === 'oauth2' && ((service.scopes?.length ?? 0) > 0 || service.kind === 'default')
  return (
    <>
      <Steps at={2} />
      <form ref={form} onSubmit={submit} noValidate className={classes.form}>
        <FormRow label="Name" help="As people read it in lists." error={errorAt('name')}>
          {field => (
            <TextInput
              {...field}
              value={draft.name}
              onChange={event => {
                const name = event.currentTarget.value
                edit({ name, ...(!draft.linkTyped && { linkName: linkNameFor(name) }) })
              }}
              maxLength={100}
              autoComplete="off"
            />
          )}
        </FormRow>
        <FormRow
          label="Link name"
          help="As callers write it, in code and in URLs. It cannot be changed afterwards."
          error={errorAt('link_name')}
        >
          {field => (
            <LinkNameBox
              field={field}
              value={draft.linkName}
              disabled={false}
              checked={checked}
              onChange={linkName => edit({ linkName, linkTyped: true })}
            />
          )}
        </FormRow>
        {fields.map(one => (
          <FormRow key={one.name} label={<span className="outside">{one.display_name}</span>} error={errorAt(`variables.${one.name}`)}>
            {row => (
              <FieldBox
                field={one}
                row={row}
                value={draft.variables[one.name] ?? ''}
                error={row.error}
                onChange={value => edit({ variables: { ...draft.variables, [one.name]: value } })}
              />
            )}
          </FormRow>
        ))}
        {scoped && (
          <FormRow
            group
            label="Scopes"
            help={`What ${service.name} is asked to allow. Fewer is better: a scope can be added later.`}
            error={errorAt('scopes')}
          >
            {field => (
              <ScopePicker
                listed={service.scopes ?? []}
                value={draft.scopes}
                onChange={scopes => edit({ scopes })}
                others={service.kind === 'default'}
                required={knobScopes(service, 'required_scopes')}
                error={field.error}
              />
            )}
          </FormRow>
        )}
        <FormRow group label="Used by" help="Use credentials of login user: whose account a call is made as.">
          {() => (
            <UsedBy
              value={draft.eachOwn}
              onChange={eachOwn => edit({ eachOwn, ...(!draft.accessChosen && { access: eachOwn ? 'organization' : 'private' }) })}
            />
          )}
        </FormRow>
        <FormRow group label="Who may call it directly" help="From their own code, with their own API keys." error={errorAt('access')}>
          {field => <AccessPicker value={draft.access} onChange={access => edit({ access, accessChosen: true })} error={field.error} />}
        </FormRow>
        {elsewhere && <ProblemNote error={error} />}
        <Group justify="flex-end" mt="md">
          <ButtonLink to="/add-connection" variant="default">
            Back
          </ButtonLink>
          <Button type="submit" loading={authorizing.busy}>
            Create and Connect
          </Button>
        </Group>
      </form>
      {authorizing.dialog}
      <UnsavedGuard unsaved={hasUnkept(draft, service) && !authorizing.busy} />
    </>
  )
}
