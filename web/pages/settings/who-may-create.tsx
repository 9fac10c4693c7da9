import { Radio, Skeleton, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Me, Settings } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { ProblemNote, tellDone, tellProblem } from '../../parts/problem.tsx'

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
  const queries = useQueryClient()
  const queryKey = ['settings']
  const settings = useQuery({ queryKey, queryFn: () => patchbay.settings.get() })
  const save = useMutation({
    mutationFn: (next: Settings) => patchbay.settings.update(next),
    onMutate: async next => {
      await queries.cancelQueries({ queryKey })
      const before = queries.getQueryData<Settings>(queryKey)
      queries.setQueryData(queryKey, next)
      return { before }
    },
    onSuccess: () => tellDone('Saved.'),
    onError: (error, _next, context) => {
      queries.setQueryData(queryKey, context?.before)
      tellProblem(error)
    },
    onSettled: () => queries.invalidateQueries({ queryKey }),
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
