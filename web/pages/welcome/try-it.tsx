import { Button, Group, Text } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { patchbay } from '../../client.ts'
import { useAuthorize } from '../../parts/authorize.tsx'
import { Cable } from '../../parts/drawings.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Answer } from './answer.tsx'
import type { FirstRun } from './first-run.ts'
import { Next } from './next.tsx'
import classes from './welcome.module.css'

const connectionName = 'Practice service'

/** Three clicks: connect, agree, call. Whoever comes back goes on where they were. */
export const TryIt = ({ firstRun, mayCreate }: { readonly firstRun: FirstRun; readonly mayCreate: boolean }) => {
  const queries = useQueryClient()
  const authorizing = useAuthorize()
  const [error, setError] = useState<unknown>(null)
  const { url, connection, linkName } = firstRun
  const connected = connection?.status === 'connected'
  const mayConnect = mayCreate || connection !== null
  const address = `${url}/api/echo?hello=world`
  const calling = useMutation({ mutationFn: () => patchbay.invoke({ connection: linkName, url: address }) })

  const again = () => queries.invalidateQueries({ queryKey: ['first-run'] })
  const connect = () => {
    const authorize = (returnTo: string) => patchbay.connections.authorize(linkName, { return_to: returnTo })
    setError(null)
    authorizing
      .begin({
        service: { name: 'the practice service', auth_type: 'oauth2' },
        linkName,
        landing: 'welcome',
        start: async returnTo => {
          // also when there is a connection: a practice service that was reset has forgotten us
          const service = mayCreate ? (await patchbay.practice.create()).service : null
          if (connection) return authorize(returnTo)
          return patchbay.connections.create({
            service: service ?? 'practice',
            name: connectionName,
            link_name: linkName,
            scopes: ['read'],
            return_to: returnTo,
          })
        },
        again: authorize,
        onDone: () => void again(),
        onLeft: () => void again(),
      })
      .catch((refused: unknown) => {
        setError(refused)
        void again()
      })
  }

  return (
    <>
      <Cable state={connected ? 'joined' : authorizing.busy ? 'waiting' : 'unplugged'} />
      <ol className={classes.steps}>
        <Step title="Connect" done={connected} current={!connected}>
          <Text c="dimmed" maw={560}>
            {connected
              ? `Patchbay holds an authorisation for the practice service, as the connection ${linkName}.`
              : 'The practice service is a small real service that comes with Patchbay. Its page opens in a window and asks you, as any provider’s does.'}
          </Text>
          {!connected && !mayConnect && (
            <Text mt="xs" maw={560}>
              In this organisation your role does not create connections. An administrator can, or can change it in the settings.
            </Text>
          )}
          {!connected && mayConnect && (
            <Group mt="sm">
              <Button onClick={connect} loading={authorizing.busy}>
                Connect the practice service
              </Button>
            </Group>
          )}
          {error !== null && (
            <div className={classes.problem}>
              <ProblemNote error={error} />
            </div>
          )}
        </Step>
        <Step title="Agree" done={connected} current={false}>
          <Text c="dimmed" maw={560}>
            {connected
              ? 'You agreed on its page; the tokens are sealed here and renewed when they end.'
              : 'Choose an account on its page and accept. The window closes by itself.'}
          </Text>
        </Step>
        <Step title="Call" done={calling.data !== undefined} current={connected}>
          <Text c="dimmed" maw={560}>
            Your code says which connection and which URL. Patchbay adds the credential on the way; the answer comes back as it is.
          </Text>
          <Group mt="sm">
            <Button
              onClick={() => calling.mutate()}
              loading={calling.isPending}
              disabled={!connected}
              variant={calling.data ? 'default' : 'filled'}
            >
              {calling.data ? 'Call it again' : 'Call it'}
            </Button>
          </Group>
          {calling.error && (
            <div className={classes.problem}>
              <ProblemNote error={calling.error} />
            </div>
          )}
          {calling.data && <Answer answer={calling.data} linkName={linkName} url={address} />}
        </Step>
      </ol>
      {calling.data && (
        <section aria-labelledby="next">
          <h2 id="next" className={classes.heading}>
            What next
          </h2>
          <Next />
        </section>
      )}
      {authorizing.dialog}
    </>
  )
}

interface OneStep {
  readonly title: string
  readonly done: boolean
  readonly current: boolean
  readonly children: ReactNode
}

const Step = ({ title, done, current, children }: OneStep) => (
  <li className={classes.step} data-done={done || undefined} {...(current && { 'aria-current': 'step' })}>
    <h2 className={classes.heading}>
      {title}
      {done && (
        <>
          <IconCheck size={16} className={classes.check} aria-hidden />
          <span className={classes.unseen}>, done</span>
        </>
      )}
    </h2>
    {children}
  </li>
)
