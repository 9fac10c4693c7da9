import { MultiSelect, Radio, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ConnectionAccess, Member } from '../../sdk/index.ts'
import { meQuery, patchbay } from '../client.ts'
import { ProblemNote } from './problem.tsx'

interface Picker {
  readonly value: ConnectionAccess
  readonly onChange: (access: ConnectionAccess) => void
  readonly error?: string | undefined
}

const everybody = async (): Promise<readonly Member[]> => {
  const members: Member[] = []
  for await (const member of patchbay.members.list({ limit: 100 })) members.push(member)
  return members
}

const words = {
  private: ['Only me', 'Nobody else sees that it exists.'],
  organization: ['Everybody in the organisation', 'Every member, and what they run with their API keys.'],
  members: ['Members that I name', 'They and nobody else.'],
} as const
type Choice = keyof typeof words

const choiceOf = (access: ConnectionAccess): Choice => (typeof access === 'string' ? access : 'members')

/** Who may call it: only me, everybody in the organisation, or named members. */
export const AccessPicker = ({ value, onChange, error }: Picker) => {
  const choice = choiceOf(value)
  const me = useQuery(meQuery).data?.user.id
  const members = useQuery({ queryKey: ['members', 'everybody'], queryFn: everybody, enabled: choice === 'members' })
  const chosen = typeof value === 'string' ? [] : value.members
  const others = (members.data ?? []).filter(one => one.id !== me)
  return (
    <Stack gap="xs">
      <Radio.Group
        aria-label="Who may call it"
        value={choice}
        onChange={next => onChange(next === 'members' ? { members: chosen } : next === 'private' ? 'private' : 'organization')}
      >
        <Stack gap="sm">
          {(['private', 'organization', 'members'] as const).map(one => (
            <Radio key={one} value={one} label={words[one][0]} description={words[one][1]} />
          ))}
        </Stack>
      </Radio.Group>
      {choice === 'members' && members.error && <ProblemNote error={members.error} retry={() => members.refetch()} />}
      {choice === 'members' && (
        <MultiSelect
          aria-label="Members who may call it"
          placeholder={chosen.length === 0 ? 'Name or e-mail' : ''}
          data={others.map(one => ({ value: one.id, label: `${one.name} (${one.email})` }))}
          value={[...chosen]}
          onChange={ids => onChange({ members: ids })}
          searchable
          hidePickedOptions
          limit={50}
          error={error}
          disabled={members.isPending}
          nothingFoundMessage="Nobody has this name."
        />
      )}
      {choice !== 'members' && error !== undefined && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {error}
        </Text>
      )}
    </Stack>
  )
}
