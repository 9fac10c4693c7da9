import { Button, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import type { Connection, Me } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { useAuthorize } from '../../parts/authorize.tsx'
import { CopyText } from '../../parts/copy.tsx'
import { Page } from '../../parts/page.tsx'
import { ProblemNote, tellDone, tellProblem } from '../../parts/problem.tsx'
import { ServiceLogo } from '../../parts/service-logo.tsx'
import { About } from './about.tsx'
import { Attempts } from './attempts.tsx'
import { Calls } from './calls.tsx'
import { ConnectionMenu } from './connection-menu.tsx'
import { Health } from './health.tsx'
import { People } from './people.tsx'
import { serviceQuery } from './queries.ts'
import { rightsOf } from './rights.ts'
import { TryIt } from './try-it.tsx'
import { UseIt } from './use-it.tsx'
import classes from './connection.module.css'

interface Shown {
  readonly connection: Connection
  readonly me: Me
  /** Why what is shown could not be read again. */
  readonly failed: unknown
  readonly retry: () => unknown
}

export const Summary = ({ connection, me, failed, retry }: Shown) => {
  const { link_name, name } = connection
  const rights = rightsOf(connection, me)
  const service = useQuery(serviceQuery(connection.service.link_name)).data
  const queries = useQueryClient()
  const authorizing = useAuthorize()
  const [trying, tryIt] = useDisclosure(false)
  const tryButton = useRef<HTMLButtonElement>(null)

  const changed = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ['connection', link_name] }),
      queries.invalidateQueries({ queryKey: ['connections'] }),
    ])
  const connect = () => {
    authorizing
      .begin({
        service: connection.service,
        linkName: link_name,
        start: returnTo => patchbay.connections.authorize(link_name, { return_to: returnTo }),
        onDone: () => {
          tellDone(`${name} is connected.`)
          void changed()
        },
        onLeft: () => void changed(),
      })
      .catch(tellProblem)
  }
  const works = connection.status === 'connected' || connection.status === 'refresh_failing'

  return (
    <Page
      name={name}
      title={
        <span className={classes.title}>
          <ServiceLogo name={connection.service.name} logo={connection.service.logo} />
          <span className="outside">{name}</span>
        </span>
      }
      sentence={<CopyText value={link_name} label="the link name" />}
      action={
        <Group gap="xs" wrap="nowrap">
          {rights.calls && works && (
            <Button ref={tryButton} onClick={tryIt.toggle} aria-expanded={trying} variant={trying ? 'default' : 'filled'}>
              Try it
            </Button>
          )}
          <ConnectionMenu {...{ connection, me, rights, service, authorizing }} onChanged={changed} />
        </Group>
      }
    >
      {failed !== null && <ProblemNote error={failed} retry={retry} />}
      <Health {...{ connection, rights, service, connect }} busy={authorizing.busy} onChanged={changed} />
      {trying && (
        <TryIt
          {...{ connection, me, service, rights, connect }}
          onClose={() => {
            tryIt.close()
            tryButton.current?.focus()
          }}
        />
      )}
      <div className={classes.columns}>
        <UseIt linkName={link_name} />
        <About {...{ connection, me, rights, service }} />
        <div className={classes.rest}>
          <Calls linkName={link_name} />
          {rights.manages && connection.use_login_user_credentials && <People linkName={link_name} serviceName={connection.service.name} />}
          {(rights.manages || rights.authorizes) && <Attempts linkName={link_name} everybodys={rights.manages} />}
        </div>
      </div>
      {authorizing.dialog}
    </Page>
  )
}
