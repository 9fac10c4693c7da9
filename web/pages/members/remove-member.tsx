import { List, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ApiKey, Connection, Member } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { tellDone } from '../../parts/problem.tsx'

const lookedAt = 1000
const named = 6

/** The owner's, of as many as are worth looking through. */
const ownedBy = async <T extends { readonly owner: { readonly id: string } }>(list: AsyncIterable<T>, ownerId: string) => {
  const found: T[] = []
  let seen = 0
  for await (const one of list) {
    if (one.owner.id === ownerId) found.push(one)
    if (++seen >= lookedAt) return { found, complete: false }
  }
  return { found, complete: true }
}

const Names = ({ names }: { readonly names: readonly string[] }) => (
  <List size="sm" mt={4}>
    {names.slice(0, named).map(name => (
      <List.Item key={name}>
        <span className="outside">{name}</span>
      </List.Item>
    ))}
    {names.length > named && <List.Item>and {names.length - named} more</List.Item>}
  </List>
)

/** Removing a member: what ends now, and what of theirs nobody can use any more. */
export const RemoveMember = ({
  member,
  isMe,
  onClose,
}: {
  readonly member: Member
  readonly isMe: boolean
  readonly onClose: () => void
}) => {
  const queries = useQueryClient()
  const owned = useQuery({
    queryKey: ['members', 'owned', member.id],
    queryFn: async () => {
      const [connections, keys] = await Promise.all([
        ownedBy<Connection>(patchbay.connections.list({ view: 'all', limit: 100 }), member.id),
        ownedBy<ApiKey>(patchbay.apiKeys.list({ all: true, limit: 100 }), member.id),
      ])
      return { connections, keys }
    },
    staleTime: 0,
  })
  const name = member.name === '' ? member.email : member.name
  const remove = async () => {
    await patchbay.members.remove(member.id)
    tellDone(`${name} is no longer a member.`)
    // they see nothing of this organisation any more
    if (isMe) window.location.assign('/connections')
    else await Promise.all(['members', 'api-keys', 'connections'].map(key => queries.invalidateQueries({ queryKey: [key] })))
  }
  const { connections, keys } = owned.data ?? {}
  return (
    <Confirm
      title={isMe ? 'Leave the organisation?' : `Remove ${name}?`}
      verb={isMe ? 'Leave' : 'Remove'}
      opened
      onClose={onClose}
      onConfirm={remove}
    >
      <Stack gap="sm">
        <div>
          <Text fw={500}>What ends now, for good</Text>
          <List size="sm" mt={4}>
            <List.Item>Their sessions in this organisation, on every device.</List.Item>
            <List.Item>
              Their API keys
              {keys && keys.complete && (keys.found.length === 0 ? ' (they have none)' : `: ${keys.found.map(key => key.name).join(', ')}`)}
              .
            </List.Item>
            <List.Item>What they authorised for other people’s connections. The services are told.</List.Item>
          </List>
        </div>
        <div>
          <Text fw={500}>Their own connections</Text>
          {owned.isPending ? (
            <Skeleton height={14} width="60%" mt={6} role="status" aria-label="Loading their connections" />
          ) : connections?.complete && connections.found.length === 0 ? (
            <Text size="sm">They own none.</Text>
          ) : (
            <>
              <Text size="sm">Stay, but every call through them is refused until they come back or an administrator deletes them:</Text>
              {connections && <Names names={connections.found.map(one => `${one.name} (${one.link_name})`)} />}
            </>
          )}
        </div>
      </Stack>
    </Confirm>
  )
}
