import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { Attempt, Connection } from '../../sdk/index.ts'
import { meQuery, pageOf, patchbay } from '../client.ts'
import { AuthorizeFrame } from './authorize-test.tsx'
import { onAuthorized } from './authorize-window.ts'
import { Cable } from './drawings.tsx'
import { useNow } from './time.tsx'

interface Awaited {
  readonly service: string
  readonly linkName: string
  readonly url: string
  readonly expiresAt: string
  readonly onOpen: () => void
  readonly onThisTab: () => void
  readonly onAgain: () => void
  readonly onDone: (connection: Connection) => void
  readonly onClose: () => void
}

interface Ended {
  readonly title: string
  readonly sentence: string
  /** What the service itself said. */
  readonly words?: string | undefined
}

/** How an authorisation ended that did not connect; null while it may still. */
const endOf = (service: string, attempt: Attempt | undefined, tooLate: boolean): Ended | null => {
  switch (attempt?.outcome) {
    case 'declined':
      return { title: 'Access was declined', sentence: `${service} says that access was declined. Nothing was connected.` }
    case 'failed': {
      const said = attempt.steps.findLast(step => step.error !== undefined)
      return {
        title: 'Could not be connected',
        sentence: attempt.diagnosis ?? `${service} did not grant the authorisation.`,
        words: [said?.error, said?.error_description].filter(Boolean).join(': ') || undefined,
      }
    }
    case 'connected':
      return null
    default:
      return tooLate || attempt?.outcome === 'expired'
        ? { title: 'This took too long', sentence: 'An authorisation has to be finished within ten minutes. Nothing was connected.' }
        : null
  }
}

/** While somebody is at the service's page: waiting, declined, refused, too late, each in words. */
export const AwaitAuthorization = ({ service, linkName, url, expiresAt, onOpen, onThisTab, onAgain, onDone, onClose }: Awaited) => {
  const me = useQuery(meQuery).data?.user.id
  // the newest of mine: a window may have been sent through a second one from the page that told it of the first
  const attempts = useQuery({
    queryKey: ['authorization', url],
    queryFn: async () => (await pageOf(patchbay.connections.attempts(linkName))).data.find(one => one.subject.id === me) ?? null,
    enabled: me !== undefined,
    refetchInterval: 2000,
    refetchIntervalInBackground: true,
    staleTime: 0,
    gcTime: 0,
  })
  const { refetch } = attempts
  const connected = attempts.data?.outcome === 'connected'
  const told = useRef(false)

  useEffect(() => onAuthorized(linkName, () => void refetch()), [linkName, refetch])
  useEffect(() => {
    if (!connected || told.current) return
    told.current = true
    patchbay.connections.get(linkName).then(onDone, () => {
      told.current = false // asked again with the next look
    })
  }, [connected, attempts.dataUpdatedAt, linkName, onDone])

  const ended = endOf(service, attempts.data ?? undefined, useNow() > Date.parse(expiresAt))
  return (
    <AuthorizeFrame service={service} onClose={onClose}>
      {ended ? (
        <NotConnected {...ended} onAgain={onAgain} onClose={onClose} />
      ) : (
        <Waiting service={service} {...{ onOpen, onThisTab, onClose }} />
      )}
    </AuthorizeFrame>
  )
}

const Waiting = ({ service, onOpen, onThisTab, onClose }: Pick<Awaited, 'service' | 'onOpen' | 'onThisTab' | 'onClose'>) => (
  <Stack gap="md" align="center" py="md">
    <Cable state="waiting" />
    <Text role="status" fw={600} ta="center" className="outside">
      Waiting for {service} …
    </Text>
    <Text c="dimmed" ta="center" maw={360}>
      Authorise Patchbay in the window that opened. This page goes on by itself.
    </Text>
    <Group gap={4} justify="center">
      <Text size="sm" c="dimmed">
        Not there?
      </Text>
      <Button variant="subtle" size="compact-sm" onClick={onOpen}>
        Open it again
      </Button>
      <Button variant="subtle" size="compact-sm" onClick={onThisTab}>
        Use this tab instead
      </Button>
    </Group>
    <Button variant="default" onClick={onClose} data-autofocus>
      Cancel
    </Button>
  </Stack>
)

const NotConnected = ({ title, sentence, words, onAgain, onClose }: Ended & Pick<Awaited, 'onAgain' | 'onClose'>) => (
  <Stack gap="md" align="center" py="md">
    <Cable state="unplugged" />
    <div role="alert">
      <Text fw={600} ta="center">
        {title}
      </Text>
      <Text c="dimmed" ta="center" maw={380} className="outside">
        {sentence}
      </Text>
    </div>
    {words !== undefined && (
      <Text size="sm" ta="center" className="outside">
        The service said: <q>{words}</q>
      </Text>
    )}
    <Group justify="center">
      <Button variant="default" onClick={onClose}>
        Not now
      </Button>
      <Button onClick={onAgain} autoFocus>
        Try again
      </Button>
    </Group>
  </Stack>
)
