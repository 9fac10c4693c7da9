import { Group, Skeleton, Stack, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { PatchbayProblem, type Me, type Service } from '../../../sdk/index.ts'
import { meQuery } from '../../client.ts'
import { ButtonLink, TextLink } from '../../parts/links.tsx'
import { Empty, Page } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { ServiceLogo } from '../../parts/service-logo.tsx'
import { AskForClient } from './ask-for-client.tsx'
import { RegisterClient } from './register-client.tsx'
import { ServiceFacts, ServiceScopes } from './service-facts.tsx'
import { ServiceMenu } from './service-menu.tsx'
import { serviceQuery } from './service-queries.ts'
import { TestService } from './test-service.tsx'

const route = getRouteApi('/services/$linkName')

/** One service: what it is, what is still to be set up, and what can be done with it. */
export const ServicePage = () => {
  const { linkName } = route.useParams()
  const me = useQuery(meQuery)
  const service = useQuery(serviceQuery(linkName))
  if (service.data) return <Shown service={service.data} me={me.data} error={service.error} retry={() => service.refetch()} />
  const missing = service.error instanceof PatchbayProblem && service.error.code === 'service_not_found'
  return (
    <Page
      title={missing ? 'No such service' : linkName}
      sentence={service.isPending ? <Skeleton height={14} width={320} mt={4} /> : undefined}
    >
      {missing ? (
        <Empty
          action={
            <ButtonLink to="/services" variant="default">
              All services
            </ButtonLink>
          }
        >
          No service has the link name <code className="outside">{linkName}</code>. It may have been deleted.
        </Empty>
      ) : service.error ? (
        <ProblemNote error={service.error} retry={() => service.refetch()} />
      ) : (
        <Stack gap="md" role="status" aria-label="Loading">
          {[160, 240, 200, 320, 180].map(width => (
            <Group key={width} gap="xl">
              <Skeleton height={12} width={110} />
              <Skeleton height={12} width={width} />
            </Group>
          ))}
        </Stack>
      )}
    </Page>
  )
}

interface ShownService {
  readonly service: Service
  readonly me: Me | undefined
  readonly error: unknown
  readonly retry: () => unknown
}

const Shown = ({ service, me, error, retry }: ShownService) => {
  const { link_name, name, logo, description, kind, configured, auth_type } = service
  const isOAuth = auth_type === 'oauth1' || auth_type === 'oauth2'
  const administrator = me?.role === 'administrator'
  return (
    <Page
      name={name}
      title={
        <Group gap="sm" wrap="nowrap" component="span">
          <ServiceLogo name={name} logo={logo} size={36} />
          <span>{name}</span>
        </Group>
      }
      sentence={description === null ? undefined : <span className="outside">{description}</span>}
      action={
        <>
          {me?.may_create && (
            <ButtonLink
              to="/add-connection"
              search={{ service: link_name }}
              variant={configured ? 'filled' : 'default'}
              leftSection={<IconPlus size={16} />}
            >
              Create connection
            </ButtonLink>
          )}
          {me && kind === 'custom' && <ServiceMenu service={service} me={me} />}
        </>
      }
    >
      {error !== null && <ProblemNote error={error} retry={retry} />}
      {kind === 'default' && isOAuth && administrator && <RegisterClient key={service.client_id} service={service} />}
      {kind === 'default' && isOAuth && !administrator && !configured && me && <AskForClient service={service} />}
      <ServiceFacts service={service} />
      <ServiceScopes service={service} />
      {isOAuth && configured && <TestService service={service} />}
      <Text size="sm" mt="lg">
        <TextLink to="/connections" search={{ service: link_name, ...(administrator && { view: 'all' as const }) }}>
          Connections with {name}
        </TextLink>
      </Text>
    </Page>
  )
}
