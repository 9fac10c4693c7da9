import { Button, Group, Modal, Stack } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { ProblemNote } from './problem.tsx'

interface Question {
  readonly title: string
  /** What happens, and what stops working. */
  readonly children: ReactNode
  /** The verb on the button. */
  readonly verb: string
  readonly opened: boolean
  readonly onClose: () => void
  /** A rejection is shown in the dialog, which stays open. */
  readonly onConfirm: () => Promise<unknown>
}

/** Before something ends: what stops working, and a button that says what it does. */
export const Confirm = ({ title, children, verb, opened, onClose, onConfirm }: Question) => {
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const close = () => {
    setError(null)
    onClose()
  }
  const confirm = async () => {
    setBusy(true)
    setError(null)
    try {
      await onConfirm()
      close()
    } catch (refused) {
      setError(refused)
    } finally {
      setBusy(false)
    }
  }
  return (
    // under way it stays open: how it ends is told here
    <Modal opened={opened} onClose={busy ? () => {} : close} title={title}>
      <Stack gap="md">
        {error !== null && <ProblemNote error={error} />}
        <div>{children}</div>
        <Group justify="flex-end">
          <Button variant="default" onClick={close} disabled={busy} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={busy} onClick={() => void confirm()}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
