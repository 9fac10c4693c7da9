import { ActionIcon, Button, Group, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useState, type ClipboardEvent, type KeyboardEvent } from 'react'
import type { Scope } from '../../../sdk/index.ts'
import { FormRow } from '../../parts/form-row.tsx'
import type { FormPart } from './form-part.ts'
import classes from './form.module.css'

/** Scopes as a documentation or a URL lists them: between blanks, commas or lines. */
const scopesIn = (text: string): string[] => text.split(/[\s,;]+/).filter(one => one !== '')

/** Scopes one by one; a pasted list is taken apart. */
export const ScopesField = ({ draft, change, errors, stored }: FormPart) => {
  const [typed, setTyped] = useState('')
  const { scopes } = draft
  const kept = new Set(stored?.scopes?.map(one => one.name))
  const add = (names: readonly string[]) => {
    const fresh = [...new Set(names)].filter(name => !scopes.some(one => one.name === name))
    if (fresh.length > 0) change({ scopes: [...scopes, ...fresh.map(name => ({ name, description: '' }))] })
  }
  const addTyped = () => {
    add(scopesIn(typed))
    setTyped('')
  }
  const describe = (scope: Scope, description: string) =>
    change({ scopes: scopes.map(one => (one.name === scope.name ? { ...one, description } : one)) })
  const onPaste = (event: ClipboardEvent<HTMLInputElement>) => {
    const names = scopesIn(event.clipboardData.getData('text'))
    if (names.length < 2) return
    event.preventDefault()
    add(names)
  }
  const onEnter = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return
    event.preventDefault()
    addTyped()
  }
  return (
    <FormRow
      label="Scopes"
      optional
      help={
        stored
          ? 'Scopes may be added, not taken away: connections may have asked for them.'
          : 'What people can choose from when they connect. One at a time, or paste a list.'
      }
      error={errors.scopes}
    >
      {field => (
        <>
          {scopes.length > 0 && (
            <ul className={`${classes.rows} ${scopes.length > 8 ? classes.long : ''}`} aria-label="Scopes">
              {scopes.map((scope, index) => (
                <li key={scope.name} className={classes.pair}>
                  <div className={classes.scopeName}>
                    <code>{scope.name}</code>
                    {errors[`scopes.${index}.name`] !== undefined && (
                      <div className={classes.problem}>{errors[`scopes.${index}.name`]}</div>
                    )}
                  </div>
                  <TextInput
                    aria-label={`What ${scope.name} allows`}
                    placeholder="What it allows"
                    maxLength={500}
                    value={scope.description}
                    error={errors[`scopes.${index}.description`]}
                    onChange={event => describe(scope, event.currentTarget.value)}
                  />
                  {!kept.has(scope.name) && (
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      size={36}
                      aria-label={`Remove ${scope.name}`}
                      onClick={() => change({ scopes: scopes.filter(one => one.name !== scope.name) })}
                    >
                      <IconX size={16} />
                    </ActionIcon>
                  )}
                </li>
              ))}
            </ul>
          )}
          <Group gap={8} align="start" wrap="nowrap">
            <TextInput
              {...field}
              flex={1}
              spellCheck={false}
              autoComplete="off"
              placeholder="campaigns.read"
              value={typed}
              onChange={event => setTyped(event.currentTarget.value)}
              onKeyDown={onEnter}
              onPaste={onPaste}
              onBlur={addTyped}
            />
            <Button variant="default" aria-label="Add the scope" onClick={addTyped} px={10}>
              <IconPlus size={16} />
            </Button>
          </Group>
        </>
      )}
    </FormRow>
  )
}
