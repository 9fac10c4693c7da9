import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { useEffect } from 'react'
import { noteUnsaved } from './unsaved-pages.ts'

interface Guarded {
  readonly unsaved: boolean
  /** Moving within the page, from tab to tab, loses nothing. */
  readonly withinPage?: boolean
}

/** While something typed is not saved: leaving asks first, within the console and by closing the tab. */
export const UnsavedGuard = ({ unsaved, withinPage = false }: Guarded) => {
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => unsaved && !(withinPage && current.pathname === next.pathname),
    enableBeforeUnload: () => unsaved,
    withResolver: true,
  })
  useEffect(() => {
    if (!unsaved) return undefined
    return noteUnsaved()
  }, [unsaved])
  return (
    <Modal opened={blocker.status === 'blocked'} onClose={() => blocker.reset?.()} title="Leave without saving?">
      <Stack gap="md">
        <Text>What you typed on this page has not been saved.</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => blocker.reset?.()} data-autofocus>
            Stay here
          </Button>
          <Button color="red" onClick={() => blocker.proceed?.()}>
            Leave
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
