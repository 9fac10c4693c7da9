import { Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useRef, useState, type FormEvent } from 'react'
import type { Service, ServiceInput, ServiceTest, Values } from '../../../sdk/index.ts'
import { meQuery, patchbay } from '../../client.ts'
import { AdministratorsOnly } from '../../parts/administrators-only.tsx'
import { useAuthorize } from '../../parts/authorize.tsx'
import { keeperOf } from '../../parts/kept.ts'
import { leftBehind } from '../../parts/left-behind.ts'
import { ButtonLink, TextLink } from '../../parts/links.tsx'
import { Page, RowsLoading } from '../../parts/page.tsx'
import { fieldErrorsOf, tellDone, tellProblem } from '../../parts/problem.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'
import { useLinkName } from '../../parts/link-name-box.tsx'
import { connectionOf, connectionProblemsOf } from './connection-details.ts'
import { ConnectionFields } from './connection-fields.tsx'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { forgetKept, hasUnkept, useKeptDraft } from './kept-draft.ts'
import { Note } from './note.tsx'
import { useLinkNameProblem } from './name-fields.tsx'
import { inputOf, problemsOf, variablesOf } from './service-draft.ts'
import { ServiceForm } from './service-form.tsx'
import { serviceChanged } from './service-queries.ts'
import { TestEndpoint } from './test-service.tsx'
import { WrongFields } from './wrong-fields.tsx'
import classes from './form.module.css'

const route = getRouteApi('/add-service')

/** A custom service, alone or together with its first connection. */
export const AddService = () => {
  const { connect = false } = route.useSearch()
  const me = useQuery(meQuery)
  return (
    <Page
      title={connect ? 'Create your own service' : 'Create a custom service'}
      sentence={
        connect
          ? 'The service and its first connection, on one page. Everybody in the organisation can connect the service afterwards.'
          : 'How it authenticates, and where its API is. Everybody in the organisation can connect it afterwards.'
      }
    >
      {me.isPending && <RowsLoading rows={4} />}
      {me.data?.may_create === false ? (
        <AdministratorsOnly>In this organisation your role does not create services.</AdministratorsOnly>
      ) : (
        me.data && (
          <NewService
            key={keeperOf(me.data)}
            connect={connect}
            administrator={me.data.role === 'administrator'}
            keeper={keeperOf(me.data)}
          />
        )
      )}
    </Page>
  )
}

const below = (prefix: string, errors: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(errors).map(([path, message]) => [`${prefix}.${path}`, message]))

interface New {
  readonly connect: boolean
  readonly administrator: boolean
  /** Whose draft it is. */
  readonly keeper: string
}

const NewService = ({ connect, administrator, keeper }: New) => {
  const navigate = useNavigate()
  const form = useRef<HTMLFormElement>(null)
  const authorizing = useAuthorize()
  /** Stored already, when its connection was refused. */
  const [stored, setStored] = useState<Service | null>(null)
  const { draft, restored, changeService, changeConnection, afresh } = useKeptDraft(keeper, stored === null)
  const { service, connection } = draft
  const [secret, setSecret] = useState('')
  const [found, setFound] = useState<Readonly<Record<string, string>>>({})
  const [refusal, setRefusal] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const [edits, setEdits] = useState(0)
  /** The connection exists: nothing of this page is unsaved any more. */
  const [connected, setConnected] = useState(false)
  const linkNameProblem = useLinkNameProblem(service.link_name)
  const linkName = connectionOf(connection, service).link_name
  const checked = useLinkName(linkName, connect)
  useFocusFirstError(form, found === noneFound ? refusal : found)

  const refused = fieldErrorsOf(refusal)
  const errors = { ...(stored ? below('connection', refused) : refused), ...found }
  const edited = () => {
    setEdits(count => count + 1)
    setFound(noneFound)
    setRefusal(null)
  }

  const input = (): ServiceInput => ({ ...inputOf(service), ...(secret !== '' && { client_secret: secret }) })
  const create = async (): Promise<Service> => {
    const created = await patchbay.services.create(input())
    void serviceChanged(created.link_name)
    return created
  }

  const createOnly = async () => {
    setBusy(true)
    try {
      const created = await create()
      forgetKept(keeper)
      setSecret('')
      tellDone(`${created.name} was created.`)
      await navigate({ to: '/services/$linkName', params: { linkName: created.link_name } })
    } catch (error) {
      setRefusal(error)
    } finally {
      setBusy(false)
    }
  }

  const createAndConnect = async () => {
    let made = stored
    const open = () => navigate({ to: '/connections/$linkName', params: { linkName } })
    try {
      await authorizing.begin({
        service,
        linkName,
        start: async returnTo => {
          const { scopes, variables, ...fields } = connectionOf(connection, service)
          const wanted = {
            ...fields,
            return_to: returnTo,
            ...(service.auth_type === 'oauth2' && { scopes }),
            ...(Object.keys(variables).length > 0 && { variables }),
          }
          // what can be seen to be wrong with either is told before the service is there
          if (!made) await patchbay.services.check(input(), { connection: wanted })
          made ??= await create()
          const started = await patchbay.connections.create({ ...wanted, service: made.link_name })
          forgetKept(keeper)
          setSecret('')
          setConnected(true)
          return started
        },
        onDone: ({ name }) => {
          tellDone(`${name} is connected.`)
          void open()
        },
        onLeft: () => void open(),
      })
    } catch (error) {
      if (made) {
        forgetKept(keeper)
        setSecret('')
        setStored(made)
        setConnected(true)
        // its page tells what went wrong, and connects it again: a second one could not have its link name
        if (await leftBehind(linkName, made.link_name, error)) {
          tellProblem(error)
          return void open()
        }
        setConnected(false)
      }
      setRefusal(error)
    }
  }

  const serviceProblems = () => problemsOf(service, { administrator, secret, secretStored: false, linkName: linkNameProblem })
  /** Whether nothing can be seen to be wrong; otherwise it is shown. */
  const passes = (wrong: Readonly<Record<string, string>>): boolean => {
    const right = Object.keys(wrong).length === 0
    setRefusal(null)
    setFound(right ? noneFound : wrong)
    return right
  }

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wrong = {
      ...(!stored && serviceProblems()),
      ...(connect && connectionProblemsOf(connection, service, checked?.taken === true)),
    }
    if (passes(wrong)) void (connect ? createAndConnect() : createOnly())
  }

  const test = async (variables: Values): Promise<ServiceTest | null> => {
    if (!passes(serviceProblems())) return null
    try {
      return await patchbay.services.testDefinition(input(), variables)
    } catch (error) {
      const paths = Object.keys(fieldErrorsOf(error))
      if (paths.length === 0 || paths.every(path => path.startsWith('variables.'))) throw error
      setRefusal(error)
      return null
    }
  }

  return (
    <form ref={form} onSubmit={submit} noValidate autoComplete="off">
      {restored && !stored && (
        <Note tone="plain" mb="md">
          <Group justify="space-between" gap="sm">
            <Text className="outside">This is your draft of {service.name}. Secrets are not kept: type them again.</Text>
            <Button variant="default" size="xs" onClick={afresh}>
              Start afresh
            </Button>
          </Group>
        </Note>
      )}
      {stored ? (
        <Note tone="good" mb="md" title={`${stored.name} is stored`}>
          Only its connection was refused. Correct it below and try again, or{' '}
          <TextLink to="/services/$linkName" params={{ linkName: stored.link_name }}>
            open the service
          </TextLink>{' '}
          to edit or delete it.
        </Note>
      ) : (
        <ServiceForm
          draft={service}
          change={fields => {
            edited()
            changeService(fields)
          }}
          errors={errors}
          stored={null}
          secret={secret}
          onSecret={typed => {
            edited()
            setSecret(typed)
          }}
        />
      )}
      {!stored && (service.auth_type === 'oauth1' || service.auth_type === 'oauth2') && (
        <TestEndpoint
          service={{ ...service, name: service.name.trim() || 'The service' }}
          variables={variablesOf(service)}
          remedy="Correct them above"
          version={edits}
          test={test}
        />
      )}
      {connect && (
        <ConnectionFields
          draft={connection}
          service={service}
          change={fields => {
            edited()
            changeConnection(fields)
          }}
          errors={errors}
          checked={checked}
        />
      )}
      <WrongFields found={found} refusal={refusal} />
      <div className={classes.actions}>
        <Button type="submit" loading={busy || authorizing.busy}>
          {connect ? 'Create and Connect' : 'Create the service'}
        </Button>
        <ButtonLink to={connect ? '/add-connection' : '/services'} variant="default">
          Cancel
        </ButtonLink>
        {!stored && (
          <Text size="sm" c="dimmed">
            Your draft is kept in this tab, without its secrets.
          </Text>
        )}
      </div>
      {authorizing.dialog}
      <UnsavedGuard unsaved={(secret !== '' || (connect && !connected && hasUnkept(draft))) && !busy && !authorizing.busy} />
    </form>
  )
}

const noneFound: Readonly<Record<string, string>> = {}
