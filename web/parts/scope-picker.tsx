import { ActionIcon, Badge, Checkbox, Group, Text, TextInput } from '@mantine/core'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import { useState, type KeyboardEvent } from 'react'
import type { Scope } from '../../sdk/index.ts'
import classes from './scope-picker.module.css'

interface Picker {
  readonly listed: readonly Scope[]
  readonly value: readonly string[]
  readonly onChange: (scopes: readonly string[]) => void
  readonly error?: string | undefined
  /** Names the group; left out inside a FormRow with `group`. */
  readonly label?: string | undefined
  /** Whether scopes that are not listed may be typed: a default service takes them, a custom one does not. */
  readonly others?: boolean | undefined
  /** Asked for in any case. */
  readonly required?: readonly string[] | undefined
}

/** Visible ASCII (RFC 6749 §3.3); the server has the same rule. */
const isScope = (text: string): boolean => /^[\x21-\x7e]{1,500}$/.test(text)

/** A pasted list in whatever way its documentation joins it. */
const scopesIn = (text: string): readonly string[] => [...new Set(text.split(/[\s,]+/).filter(isScope))]

/** Up to so many need no search. */
const few = 8

/** Scopes with descriptions and search; any other can be typed, and is marked "not in our list". */
export const ScopePicker = ({ listed, value, onChange, error, label, others = true, required = [] }: Picker) => {
  const [typed, setTyped] = useState('')
  // those that are asked for already come first; the order does not change under somebody's pointer
  const [first] = useState(() => new Set(value))
  const wanted = typed.trim().toLocaleLowerCase()
  const known = new Set(listed.map(one => one.name))
  const added = [...new Set([...required, ...value])].filter(name => !known.has(name)).map(name => ({ name, description: '' }))
  const all = [...added, ...listed.filter(one => first.has(one.name)), ...listed.filter(one => !first.has(one.name))]
  const shown = all.filter(one => wanted === '' || `${one.name} ${one.description}`.toLocaleLowerCase().includes(wanted))
  const asked = new Set([...required, ...value])

  const toggle = (name: string) => onChange(value.includes(name) ? value.filter(one => one !== name) : [...value, name])
  const typedScopes = scopesIn(typed).filter(name => others || known.has(name))
  const fresh = typedScopes.filter(name => !asked.has(name))
  const mayAdd = fresh.length > 0 && (others || fresh.every(name => known.has(name)))
  const add = () => {
    if (!mayAdd) return
    onChange([...value, ...fresh])
    setTyped('')
  }
  const keys = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return
    event.preventDefault() // not the form
    add()
  }
  const placeholder = !others ? 'Search scopes' : listed.length > 0 ? 'Search, or type another scope' : 'Type a scope'

  return (
    <div {...(label !== undefined && { role: 'group', 'aria-label': label })}>
      {(others || listed.length > few) && (
        <Group gap="xs" wrap="nowrap" mb={6}>
          <TextInput
            className={classes.search ?? ''}
            aria-label={placeholder}
            placeholder={placeholder}
            leftSection={<IconSearch size={15} aria-hidden />}
            value={typed}
            onChange={event => setTyped(event.currentTarget.value)}
            onKeyDown={keys}
            spellCheck={false}
            autoCapitalize="off"
            maxLength={5000}
          />
          {others && (
            <ActionIcon
              variant="default"
              size={36}
              onClick={add}
              disabled={!mayAdd}
              aria-label={fresh.length > 1 ? `Add ${fresh.length} scopes` : 'Add this scope'}
            >
              <IconPlus size={16} />
            </ActionIcon>
          )}
        </Group>
      )}
      {shown.length > 0 && (
        <div
          className={classes.list}
          data-long={shown.length > few || undefined}
          tabIndex={shown.length > few ? 0 : undefined}
          role="group"
          aria-label="Scopes"
        >
          {shown.map(({ name, description }) => (
            <Checkbox
              key={name}
              className={classes.scope ?? ''}
              checked={asked.has(name)}
              disabled={required.includes(name)}
              onChange={() => toggle(name)}
              label={
                <span className={classes.words}>
                  <code className="outside">{name}</code>
                  {required.includes(name) ? (
                    <Badge variant="default" size="sm" tt="none" fw={400}>
                      always asked for
                    </Badge>
                  ) : (
                    !known.has(name) && (
                      <Badge variant="default" size="sm" tt="none" fw={400}>
                        not in our list
                      </Badge>
                    )
                  )}
                </span>
              }
              {...(description !== '' && { description: <span className="outside">{description}</span> })}
            />
          ))}
        </div>
      )}
      {shown.length === 0 && wanted !== '' && (
        <Text size="sm" c="dimmed" py={4}>
          {others ? 'Not in our list. Press Enter to ask for it all the same.' : 'The service has no such scope. Its keeper can add it.'}
        </Text>
      )}
      <Text size="sm" c="dimmed" mt={6} role="status">
        {asked.size === 0
          ? all.length === 0
            ? 'No scopes: the service decides.'
            : 'None chosen: the service decides.'
          : `${asked.size} chosen`}
      </Text>
      {error !== undefined && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {error}
        </Text>
      )}
    </div>
  )
}
