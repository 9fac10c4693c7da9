import { ActionIcon, Button, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useRef } from 'react'
import type { Pair } from './try-request.ts'
import classes from './try-it.module.css'

interface Rows {
  /** One of them, "header" or "field". */
  readonly one: string
  readonly pairs: readonly Pair[]
  readonly onChange: (pairs: readonly Pair[]) => void
  readonly example: string
}

/** Names and values, one a line. */
export const PairRows = ({ one, pairs, onChange, example }: Rows) => {
  const box = useRef<HTMLDivElement>(null)
  const add = () => {
    const id = Math.max(0, ...pairs.map(pair => pair.id)) + 1
    onChange([...pairs, { id, name: '', value: '' }])
    requestAnimationFrame(() => box.current?.querySelector<HTMLInputElement>(`[data-pair="${id}"] input`)?.focus())
  }
  const set = (id: number, part: Partial<Pair>) => onChange(pairs.map(pair => (pair.id === id ? { ...pair, ...part } : pair)))
  return (
    <div ref={box}>
      {pairs.map((pair, index) => (
        <div key={pair.id} data-pair={pair.id} className={classes.pair}>
          <TextInput
            aria-label={`Name of ${one} ${index + 1}`}
            placeholder={example}
            value={pair.name}
            onChange={event => set(pair.id, { name: event.currentTarget.value })}
            spellCheck={false}
            autoComplete="off"
          />
          <TextInput
            aria-label={`Value of ${one} ${index + 1}`}
            placeholder="Value"
            value={pair.value}
            onChange={event => set(pair.id, { value: event.currentTarget.value })}
            spellCheck={false}
            autoComplete="off"
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size={36}
            aria-label={`Remove ${one} ${pair.name || index + 1}`}
            onClick={() => onChange(pairs.filter(other => other.id !== pair.id))}
          >
            <IconX size={16} />
          </ActionIcon>
        </div>
      ))}
      <Button variant="subtle" size="xs" leftSection={<IconPlus size={14} />} onClick={add} ml={-8}>
        Add a {one}
      </Button>
    </div>
  )
}
