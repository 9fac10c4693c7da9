import { Kbd, Modal, Table } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'

/* Keys of the whole console. A page's own (arrows and Enter in lists, `e`) are its own. */

const lists = { c: '/connections', s: '/services', i: '/invocations', m: '/members', k: '/api-keys' } as const

const rows: readonly (readonly [keys: readonly string[], does: string])[] = [
  [['Ctrl', 'K'], 'Search everything, or go anywhere (⌘K on a Mac)'],
  [['/'], 'Search on this page'],
  [['g', 'c'], 'Connections'],
  [['g', 's'], 'Services'],
  [['g', 'i'], 'Invocations'],
  [['g', 'm'], 'Members'],
  [['g', 'k'], 'API keys'],
  [['n'], 'Add a connection'],
  [['↑', '↓'], 'Move in a list'],
  [['Enter'], 'Open'],
  [['e'], 'Edit'],
  [['?'], 'Show this'],
]

const asked = new Set<() => void>()

export const showShortcuts = (): void => {
  for (const show of asked) show()
}

/** Whether a key belongs to what is being typed or to a dialog. */
export const isTyping = (event: KeyboardEvent): boolean => {
  const target = event.target instanceof HTMLElement ? event.target : null
  return (
    event.defaultPrevented ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    target?.isContentEditable === true ||
    target?.closest('input, textarea, select, [role="dialog"], [role="menu"], [role="listbox"]') != null
  )
}

const withinMs = 1200

export const Shortcuts = () => {
  const [opened, { open, close }] = useDisclosure(false)
  const navigate = useNavigate()

  useEffect(() => {
    asked.add(open)
    return () => void asked.delete(open)
  }, [open])

  useEffect(() => {
    let wentAt = 0
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event)) return
      const going = event.timeStamp - wentAt < withinMs
      wentAt = 0
      if (going && event.key in lists) void navigate({ to: lists[event.key as keyof typeof lists] })
      else if (event.key === 'g') wentAt = event.timeStamp
      else if (event.key === 'n') void navigate({ to: '/add-connection' })
      else if (event.key === '?') open()
      else if (event.key === '/') {
        const box = document.querySelector<HTMLInputElement>('main input[type="search"]')
        if (!box) return
        event.preventDefault()
        box.focus()
      } else return
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [navigate, open])

  return (
    <Modal opened={opened} onClose={close} title="Keyboard">
      <Table withRowBorders={false} verticalSpacing={6}>
        <Table.Tbody>
          {rows.map(([keys, does]) => (
            <Table.Tr key={does}>
              <Table.Th w={110} fw={400}>
                {keys.map(key => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Th>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
