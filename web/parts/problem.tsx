import { Alert, Button, Code, Group, Text } from '@mantine/core'
import type { NotificationData } from '@mantine/notifications'
import { useEffect } from 'react'
import { PatchbayProblem } from '../../sdk/index.ts'
import { noticeSessionEnd } from '../client.ts'
import { CopyIcon } from './copy.tsx'

/** What went wrong as a sentence. Anything but a refusal of Patchbay's is a connection that failed. */
export const sentenceOf = (error: unknown): string => {
  if (error instanceof PatchbayProblem) return error.detail
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'Patchbay did not answer in time. Try again.'
  return navigator.onLine ? 'Patchbay could not be reached. Try again.' : 'This device is offline. Try again when it is connected.'
}

export const requestIdOf = (error: unknown): string | null => (error instanceof PatchbayProblem ? error.requestId : null)

/** The sentences of a refusal by the path of their field, for a form to show each beside its box. */
export const fieldErrorsOf = (error: unknown): Readonly<Record<string, string>> =>
  error instanceof PatchbayProblem ? Object.fromEntries(error.errors.map(({ path, message }) => [path, message])) : {}

interface Told {
  readonly error: unknown
  readonly retry?: (() => unknown) | undefined
}

/** A refusal or a failure: the sentence, the request's id to copy, and another try. */
export const ProblemNote = ({ error, retry }: Told) => {
  const requestId = requestIdOf(error)
  useEffect(() => noticeSessionEnd(error), [error])
  return (
    <Alert role="alert" color="red" variant="light" mb="md">
      <Text>{sentenceOf(error)}</Text>
      {(requestId !== null || retry) && (
        <Group gap="sm" mt="xs">
          {retry && (
            <Button size="xs" variant="default" onClick={() => void retry()}>
              Try again
            </Button>
          )}
          {requestId !== null && (
            <Group gap={4}>
              <Text size="xs" c="dimmed">
                Request <Code>{requestId}</Code>
              </Text>
              <CopyIcon value={requestId} label="Copy the request id" />
            </Group>
          )}
        </Group>
      )}
    </Alert>
  )
}

const announce = (what: NotificationData): void =>
  void import('@mantine/notifications').then(({ notifications }) =>
    notifications.show({ ...what, closeButtonProps: { 'aria-label': 'Close' } }),
  )

/** For what was done from a list or a menu, where no form can show it. */
export const tellProblem = (error: unknown): void => {
  const requestId = requestIdOf(error)
  noticeSessionEnd(error)
  announce({
    color: 'red',
    message: sentenceOf(error) + (requestId === null ? '' : ` (Request ${requestId})`),
    autoClose: 10_000,
    withCloseButton: true,
  })
}

export const tellDone = (message: string): void => announce({ message, autoClose: 4000 })
