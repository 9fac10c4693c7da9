import { Button, Group, Select, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { FunctionExposure } from '../../../sdk/index.ts'
import { fieldErrorsOf } from '../../parts/problem.tsx'
import type { Parameter } from './argument-values.ts'
import classes from './exposure.module.css'

type Mapping = FunctionExposure['mapping']
type Source = Mapping[string]
type Kind = 'own' | 'query' | 'header' | 'json' | 'fixed'

interface Written {
  readonly kind: Kind
  readonly value: string
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
  if (source === undefined) return { kind: 'own', value: '' }
  if ('query' in source) return { kind: 'query', value: source.query }
  if ('header' in source) return { kind: 'header', value: source.header }
  if ('json' in source) return { kind: 'json', value: source.json }
  return { kind: 'fixed', value: source.fixed === null ? '' : String(source.fixed) }
}

function sourceOf({ kind, value }: Written): Source | undefined {
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
      return { fixed: value }
  }
}

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
    setWritten(before => ({ ...before, [name]: { ...(before[name] ?? { kind: 'own', value: '' }), ...change } }))
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
      {parameters.map(({ name }) => {
        const { kind, value } = written[name] ?? { kind: 'own' as const, value: '' }
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
            {kind !== 'own' && (
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
