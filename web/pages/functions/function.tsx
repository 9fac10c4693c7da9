import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { PatchbayProblem } from '../../../sdk/index.ts'
import { meQuery } from '../../client.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { Empty, Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { functionQuery, pathOf } from './function-queries.ts'
import { FunctionTabs } from './function-tabs.tsx'

const route = getRouteApi('/functions/$namespace/$name')

/** One function: its source and a place to run it, what became of its runs, and how it is called. */
export const FunctionPage = () => {
  const path = route.useParams()
  const one = useQuery(functionQuery(path))
  const me = useQuery(meQuery)
  if (one.error instanceof PatchbayProblem && one.error.status === 404)
    return (
      <Page title="There is no such function">
        <Empty action={<ButtonLink to="/functions">Go to the functions</ButtonLink>}>
          No function is called <code className="outside">{pathOf(path)}</code>. It may have been deleted.
        </Empty>
      </Page>
    )
  if (!one.data || !me.data) {
    const failed = one.error ?? me.error
    return (
      <Page title={failed ? pathOf(path) : <Skeleton height={22} width={240} />} name={pathOf(path)}>
        {failed ? <ProblemNote error={failed} retry={() => Promise.all([one.refetch(), me.refetch()])} /> : <RowsLoading rows={6} />}
      </Page>
    )
  }
  return <FunctionTabs key={one.data.id} one={one.data} me={me.data} failed={one.error} retry={() => one.refetch()} />
}
