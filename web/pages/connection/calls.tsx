import { useQuery } from '@tanstack/react-query'
import { pageOf, patchbay } from '../../client.ts'
import { CallsChart } from '../../parts/calls-chart.tsx'
import { InvocationRows } from '../../parts/invocation-rows.tsx'
import { TextLink } from '../../parts/links.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Part } from './part.tsx'
import classes from './connection.module.css'

/** The calls of the last day as bars, and the newest of them. */
export const Calls = ({ linkName }: { readonly linkName: string }) => {
  const newest = useQuery({
    queryKey: ['invocations', 'newest', linkName],
    queryFn: () => pageOf(patchbay.invocations.list({ connection: linkName, limit: 8 })),
    refetchInterval: 15_000,
  })
  return (
    <Part
      title="Last 24 hours"
      aside={
        <TextLink to="/invocations" search={{ connection: linkName }}>
          All invocations
        </TextLink>
      }
    >
      <CallsChart query={{ connection: linkName }} hours={24} />
      {newest.error && <ProblemNote error={newest.error} retry={() => newest.refetch()} />}
      {newest.data && newest.data.data.length > 0 && (
        <div className={classes.newest}>
          <InvocationRows rows={newest.data.data} ofOne />
        </div>
      )}
    </Part>
  )
}
