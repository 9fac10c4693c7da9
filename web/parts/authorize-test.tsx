import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Cable } from './drawings.tsx'
import { ProblemNote } from './problem.tsx'

/** What the service's own test call said; `none`: it declares no such call. */
export type Tested =
  | { readonly kind: 'ok'; readonly status: number }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'none' }

interface Framed {
  readonly service: string
  readonly onClose: () => void
  readonly children: ReactNode
}

/** The dialog of an authorisation, whatever it shows. A click beside it does not lose what was typed. */
export const AuthorizeFrame = ({ service, onClose, children }: Framed) => (
  <Modal
    opened
    onClose={onClose}
    title={<span className="outside">Connect {service}</span>}
    closeOnClickOutside={false}
    closeButtonProps={{ 'aria-label': 'Close' }}
  >
    {children}
  </Modal>
)

export const Testing = ({ service }: { readonly service: string }) => (
  <Stack gap="md" align="center" py="md" role="status">
    <Cable state="waiting" />
    <Text ta="center" className="outside">
      Asking {service} whether it works …
    </Text>
  </Stack>
)

interface Refused {
  readonly service: string
  readonly test: Tested
  readonly onAgain: () => void
  readonly onKeep: () => void
}

/** The values are stored, and the test call did not go well: another try, or keep them. */
export const TestRefused = ({ service, test, onAgain, onKeep }: Refused) => (
  <Stack gap="md">
    {test.kind === 'failed' ? (
      <>
        <Text>The values are stored, but the test call was not answered.</Text>
        <ProblemNote error={test.error} />
      </>
    ) : (
      <Text className="outside">
        The values are stored, but {service} answered {test.kind === 'none' ? 'nothing' : test.status} to its test call. One of them may be
        wrong.
      </Text>
    )}
    <Group justify="flex-end">
      <Button variant="default" onClick={onKeep}>
        Keep them
      </Button>
      <Button onClick={onAgain} data-autofocus>
        Type them again
      </Button>
    </Group>
  </Stack>
)
