import { Alert, Button, Group, List, Text } from '@mantine/core'
import { PatchbayProblem, type Connection } from '../../../sdk/index.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { ProblemNote, requestIdOf } from '../../parts/problem.tsx'
import { CopyText } from '../../parts/copy.tsx'
import { durationOf } from '../../parts/call-summary.ts'
import type { Rights } from './rights.ts'
import { urlOf, type Draft } from './try-request.ts'

interface Shown {
  readonly error: unknown
  readonly connection: Connection
  readonly rights: Rights
  readonly connect: () => void
}

const ownAddress = (value: unknown): string | null =>
  typeof value === 'string' && URL.canParse(value) && new URL(value).origin === window.location.origin ? value : null

/** What mends it, where something here does. */
const Remedy = ({ problem, connection, rights, connect }: Omit<Shown, 'error'> & { readonly problem: PatchbayProblem }) => {
  const connectUrl = ownAddress(problem.facts.connect_url)
  if (connectUrl !== null)
    return rights.authorizes ? (
      <Button size="xs" onClick={connect}>
        Connect it
      </Button>
    ) : (
      <Button size="xs" component="a" href={connectUrl}>
        Open the page that connects it
      </Button>
    )
  if (problem.code === 'destination_not_allowed' || problem.code === 'client_invalid' || problem.code === 'param_type_mismatch')
    return (
      <ButtonLink size="xs" variant="default" to="/services/$linkName" params={{ linkName: connection.service.link_name }}>
        Open the service
      </ButtonLink>
    )
  return null
}

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

const hostOf = (draft: Draft): string => {
  const url = urlOf(draft)
  return URL.canParse(url) ? new URL(url).host : draft.origin
}

/** What may have become of a call that nobody waits for any more. */
export const TryCancelled = ({ asked, afterMs }: { readonly asked: Draft; readonly afterMs: number }) => (
  <Alert role="status" variant="default" title="Cancelled">
    <Text className="outside">
      After {durationOf(Math.round(afterMs))} {hostOf(asked)} had not answered.{' '}
      {safe.has(asked.method)
        ? 'It may have received the request.'
        : `It may have received the ${asked.method} and done what it says: look before you send it again.`}
    </Text>
  </Alert>
)

const titles: Readonly<Record<string, string>> = {
  unexpected_answer: 'The answer cannot be read',
}

/** Patchbay's own refusal: the service was not asked, or gave no answer. */
export const TryRefused = ({ error, connection, rights, connect }: Shown) => {
  if (!(error instanceof PatchbayProblem)) return <ProblemNote error={error} />
  const requestId = requestIdOf(error)
  const confirms = error.code === 'destination_not_confirmed'
  return (
    <Alert role="alert" color="red" variant="light" title={titles[error.code] ?? 'Patchbay could not make this call'}>
      <Text className="outside">
        {confirms ? 'This API host was added after you connected. Confirm it above, then send again.' : error.detail}
      </Text>
      {error.errors.length > 0 && (
        <List size="sm" mt={4}>
          {error.errors.map(({ path, message }) => (
            <List.Item key={path + message}>
              {path !== '' && <code>{path}</code>} {message}
            </List.Item>
          ))}
        </List>
      )}
      <Group gap="sm" mt="xs">
        <Remedy {...{ problem: error, connection, rights, connect }} />
        <Text size="sm" c="dimmed" span>
          <code>{error.code}</code>
        </Text>
        {requestId !== null && (
          <Text size="sm" c="dimmed" span>
            Request <CopyText value={requestId} label="the request id" />
          </Text>
        )}
      </Group>
    </Alert>
  )
}
