import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { PatchbayProblem } from '../../../sdk/index.ts'
import { meQuery } from '../../client.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { Empty, Page, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { connectionQuery } from './queries.ts'
import { Summary } from './summary.tsx'

const route = getRouteApi('/connections/$linkName')

/** One connection: how it is, what it may do, how to use it, and what became of its calls. */
export const ConnectionSummary = () => {
  const { linkName } = route.useParams()
  const connection = useQuery(connectionQuery(linkName))
  const me = useQuery(meQuery)
  if (connection.error instanceof PatchbayProblem && connection.error.status === 404) return <NoSuchConnection linkName={linkName} />
  if (!connection.data || !me.data) {
    const failed = connection.error ?? me.error
    return (
      <Page title={failed ? linkName : <Skeleton height={22} width={240} />} name={linkName}>
        {failed ? <ProblemNote error={failed} retry={() => Promise.all([connection.refetch(), me.refetch()])} /> : <RowsLoading rows={5} />}
      </Page>
    )
  }
  return (
    <Summary
      key={connection.data.link_name}
      connection={connection.data}
      me={me.data}
      failed={connection.error}
      retry={() => connection.refetch()}
    />
  )
}

const NoSuchConnection = ({ linkName }: { readonly linkName: string }) => (
  <Page title="There is no such connection">
    <Empty action={<ButtonLink to="/connections">Go to the connections</ButtonLink>}>
      No connection is called <code className="outside">{linkName}</code>, or you may not use it. It may have been deleted; a private one is
      shown to its owner and to administrators only.
    </Empty>
  </Page>
)
