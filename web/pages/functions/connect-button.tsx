import { Button } from '@mantine/core'
import { IconPlugConnected } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { patchbay } from '../../client.ts'
import { useAuthorize } from '../../parts/authorize.tsx'
import { tellDone, tellProblem } from '../../parts/problem.tsx'

interface Missing {
  /** Where this person authorises the connection. */
  readonly url: string
  readonly linkName: string | null
  /** Connected: what was asked for can be tried again. */
  readonly onConnected: () => void
}

/** A run needed an authorisation of this person: connects here, without losing what is on the page. */
export const ConnectButton = ({ url, linkName, onConnected }: Missing) => {
  const authorizing = useAuthorize()
  const connection = useQuery({
    queryKey: ['connection', linkName],
    queryFn: () => patchbay.connections.get(linkName ?? ''),
    enabled: linkName !== null,
    retry: false,
  })
  const known = connection.data
  if (known)
    return (
      <>
        <Button
          size="xs"
          leftSection={<IconPlugConnected size={14} />}
          loading={authorizing.busy}
          onClick={() =>
            void authorizing
              .begin({
                service: known.service,
                linkName: known.link_name,
                start: returnTo => patchbay.connections.authorize(known.link_name, { return_to: returnTo }),
                onDone: () => {
                  tellDone(`${known.name} is connected.`)
                  onConnected()
                },
              })
              .catch(tellProblem)
          }
        >
          Connect {known.name}
        </Button>
        {authorizing.dialog}
      </>
    )
  if (!/^https?:\/\//i.test(url)) return null
  return (
    <Button size="xs" component="a" href={url} target="_blank" rel="noreferrer" leftSection={<IconPlugConnected size={14} />}>
      Connect
    </Button>
  )
}
