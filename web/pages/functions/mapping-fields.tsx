import { Button, Group, Select, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { FunctionExposure } from '../../../sdk/index.ts'
import { fieldErrorsOf } from '../../parts/problem.tsx'
import { SecretBox } from '../../parts/secret-box.tsx'
import { boxOf, type Parameter } from './argument-values.ts'
import classes from './exposure.module.css'

type Mapping = FunctionExposure['mapping']
type Source = Mapping[string]
type Kind = 'own' | 'query' | 'header' | 'json' | 'fixed'

/** How the server shows a password that it keeps; sent back, it stays what it is. */
const stars = '********'

interface Written {
  readonly kind: Kind
  readonly value: string
  /** There is a password, which nobody sees again. */
  readonly stored: boolean
}

const kinds: readonly { readonly value: Kind; readonly label: string }[] = [
  { value: 'own', label: 'Parameter of its name' },
  { value: 'query', label: 'Another query parameter' },
  { value: 'header', label: 'Header' },
  { value: 'json', label: 'Path in the JSON body' },
  { value: 'fixed', label: 'Fixed value' },
]

const examples: Readonly<Record<Kind, string>> = {
  own: '',
  query: 'record_id',
  header: 'X-Event',
  json: 'order.lines.0.id',
  fixed: 'nightly',
}

function writtenOf(source: Source | undefined): Written {
  const as = (kind: Kind, value: string): Written => ({ kind, value, stored: false })
  if (source === undefined) return as('own', '')
  if ('query' in source) return as('query', source.query)
  if ('header' in source) return as('header', source.header)
  if ('json' in source) return as('json', source.json)
  if (source.fixed === stars) return { kind: 'fixed', value: '', stored: true }
  return as('fixed', source.fixed === null ? '' : String(source.fixed))
}

function sourceOf({ kind, value, stored }: Written): Source | undefined {
  switch (kind) {
    case 'own':
      return undefined
    case 'query':
      return { query: value.trim() }
    case 'header':
      return { header: value.trim() }
    case 'json':
      return { json: value.trim() }
    case 'fixed':
      return { fixed: stored && value === '' ? stars : value }
  }
}

const nothing: Written = { kind: 'own', value: '', stored: false }

interface Fields {
  readonly parameters: readonly Parameter[]
  readonly mapping: Mapping
  readonly busy: boolean
  readonly error: unknown
  readonly onSave: (mapping: Mapping) => void
}

/** For each argument, which part of a request fills it. */
export const MappingFields = ({ parameters, mapping, busy, error, onSave }: Fields) => {
  const [written, setWritten] = useState<Readonly<Record<string, Written>>>(() =>
    Object.fromEntries(parameters.map(({ name }) => [name, writtenOf(mapping[name])])),
  )
  const [missing, setMissing] = useState<ReadonlySet<string>>(new Set())
  const errors = fieldErrorsOf(error)
  const set = (name: string, change: Partial<Written>) =>
    setWritten(before => ({ ...before, [name]: { ...(before[name] ?? nothing), ...change } }))
  const save = () => {
    const empty = Object.entries(written).filter(([, { kind, value }]) => kind !== 'own' && kind !== 'fixed' && value.trim() === '')
    setMissing(new Set(empty.map(([name]) => name)))
    if (empty.length > 0) return
    onSave(
      Object.fromEntries(
        Object.entries(written).flatMap(([name, one]) => {
          const source = sourceOf(one)
          return source === undefined ? [] : [[name, source]]
        }),
      ),
    )
  }
  if (parameters.length === 0)
    return (
      <Text c="dimmed">
        It declares no arguments. One that is called <code>crmAPIRequest</code>, of type map, gets the whole request.
      </Text>
    )
  return (
    <div>
      <Text size="sm" c="dimmed" mb="xs">
        An argument is the parameter of its name, in the query or in a form. One that is called <code>crmAPIRequest</code> gets the whole
        request.
      </Text>
      {parameters.map(parameter => {
        const { name } = parameter
        const { kind, value, stored } = written[name] ?? nothing
        const secret = kind === 'fixed' && (stored || boxOf(parameter) === 'secret')
        return (
          <div key={name} role="group" aria-label={name} className={classes.argument}>
            <span className={`outside ${classes.argumentName}`}>{name}</span>
            <Select
              aria-label={`Where ${name} comes from`}
              data={kinds}
              value={kind}
              allowDeselect={false}
              onChange={next => set(name, { kind: kinds.find(one => one.value === next)?.value ?? 'own' })}
            />
            {secret && (
              <SecretBox
                field={{
                  id: `fixed-${name}`,
                  'aria-label': `Value of ${name}`,
                  error: errors[`mapping.${name}`],
                  'aria-describedby': undefined,
                }}
                stored={stored}
                value={value}
                onChange={next => set(name, { value: next })}
              />
            )}
            {kind !== 'own' && !secret && (
              <TextInput
                aria-label={kind === 'fixed' ? `Value of ${name}` : `Which ${kind === 'json' ? 'path' : kind} for ${name}`}
                placeholder={examples[kind]}
                value={value}
                spellCheck={false}
                autoComplete="off"
                error={missing.has(name) ? 'Say which.' : errors[`mapping.${name}`]}
                onChange={event => set(name, { value: event.currentTarget.value })}
              />
            )}
          </div>
        )
      })}
      <Group mt="md">
        <Button variant="default" loading={busy} onClick={save}>
          Save where arguments come from
        </Button>
      </Group>
    </div>
  )
}
