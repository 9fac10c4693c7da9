import { Skeleton, Stack } from '@mantine/core'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { meQuery, patchbay } from '../../client.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { Empty, Page } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { EditForm } from './edit-form.tsx'

const route = getRouteApi('/services/$linkName/edit')

/** Read once: what somebody is editing does not change under their hands. */
const editedQuery = (linkName: string) =>
  queryOptions({
    queryKey: ['service', linkName, 'edited'],
    queryFn: () => patchbay.services.getForEdit(linkName),
    staleTime: Infinity,
    gcTime: 0,
  })

/** Its keeper edits a custom service. */
export const EditService = () => {
  const { linkName } = route.useParams()
  const me = useQuery(meQuery)
  const edited = useQuery(editedQuery(linkName))
  const service = edited.data?.service
  const back = (
    <ButtonLink to="/services/$linkName" params={{ linkName }} variant="default">
      Back to the service
    </ButtonLink>
  )
  return (
    <Page title={`Edit ${service?.name ?? linkName}`} sentence="Before anything is saved, you are told whose connections it would revoke.">
      {edited.error && <ProblemNote error={edited.error} retry={() => edited.refetch()} />}
      {!edited.error && (!edited.data || !me.data) && (
        <Stack gap="lg" role="status" aria-label="Loading">
          {[1, 2, 3, 4, 5].map(row => (
            <Skeleton key={row} height={36} maw={row % 2 ? 860 : 720} />
          ))}
        </Stack>
      )}
      {edited.data && me.data && service?.kind === 'default' && (
        <Empty action={back}>
          A default service is edited with Patchbay itself. What is yours is its client: an administrator registers it.
        </Empty>
      )}
      {edited.data && me.data && service?.kind === 'custom' && service.keeper?.id !== me.data.user.id && (
        <Empty action={back}>
          Only its keeper edits a custom service: {service.keeper?.name ?? 'somebody who left'}.{' '}
          {me.data.role === 'administrator'
            ? 'As an administrator you can take it over first, on the page of the service.'
            : 'An administrator can take it over.'}
        </Empty>
      )}
      {edited.data && me.data && service?.kind === 'custom' && service.keeper?.id === me.data.user.id && (
        <EditForm key={linkName} initial={edited.data} administrator={me.data.role === 'administrator'} />
      )}
    </Page>
  )
}
