import { Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { meQuery, patchbay } from '../../client.ts'
import { Empty, Page } from '../../parts/page.tsx'
import { ButtonLink } from '../../parts/links.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { keeperOf } from '../../parts/kept.ts'
import { ServiceLogo } from '../../parts/service-logo.tsx'
import { namesInWords } from '../../parts/counted-words.ts'
import { administratorsQuery } from './administrators.ts'
import { Details } from './details.tsx'
import type { Asked } from './draft.ts'
import { NotConfigured } from './not-configured.tsx'
import { PickService } from './pick-service.tsx'
import { Steps } from './steps.tsx'
import classes from './add-connection.module.css'

/** Three steps on one page: pick the service, say how the connection is called and used, connect. Going back loses nothing. */
export const AddConnection = () => {
  const { service, link_name, scopes } = useSearch({ from: '/add-connection' })
  const me = useQuery(meQuery)
  if (me.data && !me.data.may_create) return <MayNotCreate />
  if (service !== undefined)
    return <WithService key={`${service} ${link_name ?? ''}`} linkName={service} asked={{ linkName: link_name, scopes }} />
  return (
    <Page title="Add connection" sentence="Which service do you want to call?">
      <Steps at={1} />
      <PickService />
    </Page>
  )
}

const WithService = ({ linkName, asked }: { readonly linkName: string; readonly asked: Asked }) => {
  const me = useQuery(meQuery)
  const service = useQuery({ queryKey: ['service', linkName], queryFn: () => patchbay.services.get(linkName) })
  const { data } = service
  const title = data ? (
    <span className={classes.title}>
      <ServiceLogo name={data.name} logo={data.logo} size={28} />
      <span className="outside">Connect {data.name}</span>
    </span>
  ) : (
    'Add connection'
  )
  return (
    <Page
      title={title}
      name={data ? `Connect ${data.name}` : 'Add connection'}
      {...(data?.description && { sentence: <span className="outside">{data.description}</span> })}
    >
      {service.error && <ProblemNote error={service.error} {...(!data && { retry: () => service.refetch() })} />}
      {!data && service.error && (
        <ButtonLink to="/add-connection" variant="default">
          Pick another service
        </ButtonLink>
      )}
      {(service.isPending || me.isPending) && <DetailsLoading />}
      {data &&
        me.data &&
        (data.configured ? (
          <Details key={keeperOf(me.data)} service={data} keeper={keeperOf(me.data)} asked={asked} />
        ) : (
          <>
            <Steps at={2} />
            <NotConfigured service={data} me={me.data} />
          </>
        ))}
    </Page>
  )
}

const DetailsLoading = () => (
  <>
    <Steps at={2} />
    <Stack gap={36} role="status" aria-label="Loading" pt={14}>
      {[36, 36, 130, 150, 90].map((height, index) => (
        <div key={index} className={classes.loading}>
          <Skeleton height={12} width={110} />
          <Skeleton height={height} maw={560} />
        </div>
      ))}
    </Stack>
  </>
)

const MayNotCreate = () => {
  const administrators = useQuery(administratorsQuery)
  const who = namesInWords((administrators.data ?? []).map(one => one.name))
  return (
    <Page title="Add connection">
      <Empty
        action={
          <ButtonLink to="/connections" variant="default">
            Connections
          </ButtonLink>
        }
      >
        In this organisation not everybody creates connections, and your role does not.{' '}
        {who === '' ? 'An administrator' : <span className="outside">{who}</span>} can create one for you and share it, or change this in
        the settings.
      </Empty>
    </Page>
  )
}
