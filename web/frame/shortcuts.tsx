import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect } from 'react'
import { isTyping } from '../parts/typing.ts'

const ShortcutList = lazy(() => import('./shortcut-list.tsx').then(file => ({ default: file.ShortcutList })))

/* Keys of the whole console. A page's own (arrows and Enter in lists, `e`) are its own. */

const lists = { c: '/connections', s: '/services', f: '/functions', i: '/invocations', m: '/members', k: '/api-keys' } as const

const asked = new Set<() => void>()

export const showShortcuts = (): void => {
  for (const show of asked) show()
}

const withinMs = 1200

interface Asked {
  readonly onSearch: () => void
}

export const Shortcuts = ({ onSearch }: Asked) => {
  const [opened, { open, close }] = useDisclosure(false)
  const navigate = useNavigate()

  useEffect(() => {
    asked.add(open)
    return () => void asked.delete(open)
  }, [open])

  useEffect(() => {
    let wentAt = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
        event.preventDefault()
        return onSearch()
      }
      if (isTyping(event)) return
      const going = event.timeStamp - wentAt < withinMs
      wentAt = 0
      if (going && event.key in lists) void navigate({ to: lists[event.key as keyof typeof lists] })
      else if (event.key === 'g') wentAt = event.timeStamp
      else if (event.key === 'n') void navigate({ to: window.location.pathname === '/functions' ? '/add-function' : '/add-connection' })
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
  }, [navigate, open, onSearch])

  return (
    <Suspense fallback={null}>
      <ShortcutList opened={opened} onClose={close} />
    </Suspense>
  )
}
