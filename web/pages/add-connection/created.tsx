import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { PatchbayProblem, type Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Cable } from '../../parts/drawings.tsx'
import { ButtonLink } from '../../parts/links.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import type { Draft } from './draft.ts'

interface Made {
  readonly service: Service
  readonly draft: Draft
  readonly busy: boolean
  readonly error: unknown
  readonly onConnect: () => void
  readonly onForget: () => void
  /** It was deleted meanwhile, or connected elsewhere: there is nothing to go on with. */
  readonly onOver: () => void
}

/** The third step when it was left: the connection exists, and only waits to be connected. */
export const Created = ({ service, draft, busy, error, onConnect, onForget, onOver }: Made) => {
  useStillWaiting(draft.linkName, onOver)
  return (
    <Stack align="center" gap="md" py="xl">
      <Cable state="unplugged" />
      <Text fw={600} ta="center" className="outside">
        {draft.name} was created, and is not connected yet
      </Text>
      <Text c="dimmed" ta="center" maw={460} className="outside">
        Nobody can call {service.name} with it before that. Connect it now, or whenever you like from its page.
      </Text>
      {error !== null && <ProblemNote error={error} />}
      <Group justify="center">
        <ButtonLink variant="default" to="/connections/$linkName" params={{ linkName: draft.linkName }}>
          Show the connection
        </ButtonLink>
        <Button variant="default" onClick={onForget}>
          Add another one
        </Button>
        <Button onClick={onConnect} loading={busy}>
          Connect
        </Button>
      </Group>
    </Stack>
  )
}

const useStillWaiting = (linkName: string, onOver: () => void) => {
  const connection = useQuery({ queryKey: ['connection', linkName], queryFn: () => patchbay.connections.get(linkName) })
  const gone = connection.error instanceof PatchbayProblem && connection.error.status === 404
  const connected = connection.data?.status === 'connected' && !connection.isFetching
  useEffect(() => {
    if (gone || connected) onOver()
  }, [gone, connected, onOver])
}
