import { Button, Group, Radio, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { meQuery, patchbay } from '../../client.ts'
import { AdministratorsOnly } from '../../parts/administrators-only.tsx'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { ButtonLink } from '../../parts/links.tsx'
import { Page, RowsLoading } from '../../parts/page.tsx'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'
import { firstRunQuery } from '../welcome/first-run.ts'
import { categories } from './categories.ts'
import { FindingsList } from './findings-list.tsx'
import { firstSource, type Practice } from './first-source.ts'
import { functionChanged, mayWrite, offeredConnections } from './function-queries.ts'
import { LazyEditor, type EditorHandle, type Finding } from './lazy-editor.tsx'
import { checkedSource, refusedFindings } from './source-check.ts'
import classes from './source.module.css'

/** A new function: what it is for, its name, and a script to begin with. */
export const AddFunction = () => {
  const me = useQuery(meQuery)
  const firstRun = useQuery({ ...firstRunQuery(me.data), enabled: me.data !== undefined, retry: false })
  const practice =
    firstRun.data?.connection?.status === 'connected' ? { url: firstRun.data.url, linkName: firstRun.data.connection.link_name } : null
  return (
    <Page title="New function" sentence="A script in Deluge. It is live as soon as it is created.">
      {me.data === undefined || firstRun.isPending ? (
        <RowsLoading rows={5} />
      ) : mayWrite(me.data) ? (
        <NewFunction practice={practice} />
      ) : (
        <AdministratorsOnly>Only developers and administrators write functions.</AdministratorsOnly>
      )}
    </Page>
  )
}

/** What stands in the header of the script: `string standalone.hello(`. */
const renamed = (source: string, from: string, to: string): string =>
  source.replace(new RegExp(`^(\\s*[A-Za-z-]+\\s+)${from.replaceAll('.', '\\.')}(?=\\s*\\()`, 'i'), `$1${to}`)

const NewFunction = ({ practice }: { readonly practice: Practice | null }) => {
  const navigate = useNavigate()
  const form = useRef<HTMLFormElement>(null)
  const editor = useRef<EditorHandle>(null)
  const [namespace, setNamespace] = useState('standalone')
  const [name, setName] = useState('hello')
  const [description, setDescription] = useState('')
  const [source, setSource] = useState(() => firstSource(namespace, name, practice))
  const [findings, setFindings] = useState<readonly Finding[]>([])
  const [refusal, setRefusal] = useState<unknown>(null)
  const [refused, setRefused] = useState<{ source: string; findings: readonly Finding[] } | null>(null)
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState(false)
  const errors = fieldErrorsOf(refusal)
  useFocusFirstError(form, refused === null ? refusal : null)

  /** The header follows category and name. */
  const called = (next: { namespace?: string; name?: string }) => {
    const to = { namespace, name, ...next }
    setNamespace(to.namespace)
    setName(to.name)
    const text = /^\w+$/.test(to.name) ? renamed(source, `${namespace}.${name}`, `${to.namespace}.${to.name}`) : source
    if (text === source) return
    setSource(text)
    editor.current?.replace(text)
  }

  const create = async () => {
    if (busy) return
    setBusy(true)
    setRefusal(null)
    setRefused(null)
    try {
      const saved = await patchbay.functions.create({
        namespace,
        name,
        source,
        ...(description !== '' && { description }),
        language: 'deluge',
      })
      setDone(true)
      await functionChanged(saved)
      tellDone(`Created. ${saved.namespace}.${saved.name} is live.`)
      await navigate({ to: '/functions/$namespace/$name', params: { namespace: saved.namespace, name: saved.name } })
    } catch (error) {
      const placed = refusedFindings(error)
      if (placed.length > 0) setRefused({ source, findings: placed })
      setRefusal(error)
    } finally {
      setBusy(false)
    }
  }

  return (
    <form
      ref={form}
      noValidate
      onSubmit={event => {
        event.preventDefault()
        void create()
      }}
    >
      <UnsavedGuard unsaved={!done && (source !== firstSource(namespace, name, practice) || description !== '')} />
      <FormRow label="Category" help="What it is for. Limits of a run follow from it, and other functions call it by it." group>
        {() => (
          <Radio.Group aria-label="Category" value={namespace} onChange={next => called({ namespace: next })}>
            <div className={classes.categories}>
              {categories.map(one => (
                <Radio key={one.namespace} value={one.namespace} label={one.label} description={one.sentence} />
              ))}
            </div>
          </Radio.Group>
        )}
      </FormRow>
      <FormRow label="Name" help="A letter first; then letters, digits and _. It cannot be changed later." error={errors.name}>
        {field => (
          <TextInput
            {...field}
            aria-invalid={errors.name !== undefined}
            value={name}
            maxLength={100}
            autoComplete="off"
            spellCheck={false}
            autoCapitalize="off"
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            onChange={event => called({ name: event.currentTarget.value })}
          />
        )}
      </FormRow>
      <FormRow label="Description" help="What it does, for whoever finds it in the list." optional error={errors.description}>
        {field => (
          <TextInput
            {...field}
            aria-invalid={errors.description !== undefined}
            value={description}
            maxLength={2000}
            autoComplete="off"
            onChange={event => setDescription(event.currentTarget.value)}
          />
        )}
      </FormRow>
      <div className={classes.write}>
        <h2 className={classes.sourceHeading}>Source</h2>
        <LazyEditor
          initial={source}
          label="Source of the function"
          describedBy="new-function-keys"
          handle={editor}
          onChange={setSource}
          onSave={() => void create()}
          check={async text => (await checkedSource(text, namespace))?.findings ?? []}
          onFindings={setFindings}
          refused={refused}
          connections={offeredConnections}
        />
        <p id="new-function-keys" className={classes.keys}>
          Tab indents; Escape, then Tab, leaves the editor.
        </p>
        <FindingsList findings={findings} goTo={line => editor.current?.goTo(line)} />
      </div>
      {refusal !== null && (
        <div>
          <ProblemNote error={refusal} />
        </div>
      )}
      <Group justify="flex-end" mt="md">
        <ButtonLink to="/functions" variant="default">
          Cancel
        </ButtonLink>
        <Button type="submit" loading={busy}>
          Create function
        </Button>
      </Group>
    </form>
  )
}
