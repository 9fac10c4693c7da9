import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { PatchbayProblem } from '../../../sdk/index.ts'
import { meQuery } from '../../client.ts'
import { Cable } from '../../parts/drawings.tsx'
import { TextLink } from '../../parts/links.tsx'
import { Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Next } from './next.tsx'
import { firstRunQuery } from './first-run.ts'
import { TryIt } from './try-it.tsx'

/** The first thing that somebody sees after setting Patchbay up: it works, in three clicks and without an account anywhere. */
export const Welcome = () => {
  const me = useQuery(meQuery)
  const firstRun = useQuery({ ...firstRunQuery(me.data), enabled: me.data !== undefined })
  const off = firstRun.error instanceof PatchbayProblem && firstRun.error.status === 404
  const first = me.data?.user.name.split(' ')[0]
  return (
    <Page
      title={first === undefined ? 'Welcome' : `Welcome, ${first}`}
      name="Welcome"
      sentence={
        off
          ? 'Patchbay holds the authorisations; your code names a connection and never sees a secret.'
          : 'See it work in three clicks: connect a service, agree on its page, call it. Nothing leaves this server.'
      }
      action={
        <TextLink to="/connections">{firstRun.data?.connection?.status === 'connected' ? 'Go to Connections' : 'Skip this'}</TextLink>
      }
    >
      {off ? (
        <>
          <Cable state="unplugged" />
          <Text c="dimmed" my="md" maw={560}>
            The practice service, with which this is shown otherwise, does not run on this server. Begin with a service of your own.
          </Text>
          <Next />
        </>
      ) : (
        <>
          {firstRun.error && <ProblemNote error={firstRun.error} retry={() => firstRun.refetch()} />}
          {firstRun.isPending && <RowsLoading rows={3} />}
          {firstRun.data && me.data && <TryIt firstRun={firstRun.data} mayCreate={me.data.may_create} />}
        </>
      )}
    </Page>
  )
}
