import { Radio, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Me, Settings } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { redrawn, useOptimistic } from '../../parts/optimistic.ts'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'

const choices: readonly { readonly value: Settings['who_may_create']; readonly label: string; readonly description: string }[] = [
  { value: 'everyone', label: 'Everyone', description: 'Every member creates services and connections of their own.' },
  { value: 'developers', label: 'Developers', description: 'Developers and administrators. Users authorise and use what they are given.' },
  { value: 'administrators', label: 'Administrators', description: 'Administrators only.' },
]

const label = 'Who may create'
const help = 'Custom services and connections. What exists already stays as it is.'

/** Who may create services and connections; administrators choose, and it is saved at once. */
export const WhoMayCreate = ({ me }: { readonly me: Me }) => {
  if (me.role !== 'administrator')
    return (
      <FormRow label={label} help={help} group>
        {() => <Text c="dimmed">Administrators decide this.</Text>}
      </FormRow>
    )
  return <Choice />
}

const Choice = () => {
  const queryKey = ['settings']
  const settings = useQuery({ queryKey, queryFn: () => patchbay.settings.get() })
  const save = useOptimistic({
    mutationFn: (next: Settings) => patchbay.settings.update(next),
    shows: next => [redrawn<Settings>(queryKey, () => next)],
    onDone: () => tellDone('Saved.'),
  })
  return (
    <FormRow label={label} help={help} group>
      {() => (
        <>
          {settings.error && <ProblemNote error={settings.error} retry={() => settings.refetch()} />}
          {settings.isPending ? (
            <Stack gap="sm" role="status" aria-label="Loading">
              <Skeleton height={36} />
              <Skeleton height={36} />
              <Skeleton height={36} />
            </Stack>
          ) : (
            settings.data && (
              <Radio.Group
                aria-label={label}
                value={settings.data.who_may_create}
                onChange={value => {
                  const chosen = choices.find(one => one.value === value)
                  if (chosen) save.mutate({ who_may_create: chosen.value })
                }}
              >
                <Stack gap="sm">
                  {choices.map(one => (
                    <Radio key={one.value} {...one} />
                  ))}
                </Stack>
              </Radio.Group>
            )
          )}
        </>
      )}
    </FormRow>
  )
}
