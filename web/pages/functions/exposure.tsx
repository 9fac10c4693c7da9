import { Skeleton, Stack, Switch } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { DelugeFunction, FunctionExposure, FunctionExposureInput, Me } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { FormRow, Section } from '../../parts/form-row.tsx'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'
import { ShownOnce } from '../../parts/shown-once.tsx'
import { CodeBox } from '../connection/code-box.tsx'
import { ExposureKey } from './exposure-key.tsx'
import { exposureQuery, functionChanged } from './function-queries.ts'
import { MappingFields } from './mapping-fields.tsx'
import { keyedCurl, memberCurl } from './exposure-curl.ts'

interface Shown {
  readonly one: DelugeFunction
  readonly me: Me
}

/** How the function is called from outside: two switches, their addresses, and where its arguments come from. */
export const Exposure = ({ one, me }: Shown) => {
  const exposure = useQuery(exposureQuery(one))
  if (!exposure.data)
    return exposure.error ? (
      <ProblemNote error={exposure.error} retry={() => exposure.refetch()} />
    ) : (
      <Stack gap="lg" role="status" aria-label="Loading">
        <Skeleton height={36} width="60%" />
        <Skeleton height={36} width="60%" />
        <Skeleton height={120} />
      </Stack>
    )
  return (
    <>
      {exposure.error && <ProblemNote error={exposure.error} retry={() => exposure.refetch()} />}
      <Loaded one={one} me={me} exposure={exposure.data} />
    </>
  )
}

const Loaded = ({ one, me, exposure }: Shown & { readonly exposure: FunctionExposure }) => {
  const queries = useQueryClient()
  const change = useMutation({
    mutationFn: (body: FunctionExposureInput) => patchbay.functions.expose(one.namespace, one.name, body),
    onSuccess: async next => {
      queries.setQueryData(exposureQuery(one).queryKey, next)
      await functionChanged(one)
      tellDone('Saved.')
    },
  })
  const parameters = one.signature?.parameters ?? []
  const owner = one.owner.name ?? 'its owner'
  return (
    <>
      {change.error && <ProblemNote error={change.error} />}
      <Section title="With a key in the address">
        <FormRow
          label="Open by key"
          help={
            <>
              For webhooks and other programs that can only be given an address. A call runs as {owner}, without a login user: it uses
              connections that everybody calls with one account.
            </>
          }
          group
        >
          {() => (
            <Stack gap="sm">
              <Switch
                label={exposure.api_key ? 'Whoever has its address may call it' : 'Closed'}
                checked={exposure.api_key}
                disabled={change.isPending}
                onChange={event => change.mutate({ api_key: event.currentTarget.checked })}
              />
              <ExposureKey exposure={exposure} me={me} />
            </Stack>
          )}
        </FormRow>
        {exposure.api_key_url !== null && (
          <Stack gap="sm">
            <ShownOnce value={exposure.api_key_url} label="the address with the key" />
            <CodeBox code={keyedCurl(exposure.api_key_url, parameters)} label="curl call with the key" />
          </Stack>
        )}
      </Section>
      <Section title="With an API key of a member">
        <FormRow
          label="Open to members"
          help="For programs of people who are members: each calls with an API key of their own, and it runs as them. A key may be made for nothing but such calls."
          group
        >
          {() => (
            <Switch
              label={exposure.oauth ? 'Every member may call it with an API key' : 'Closed'}
              checked={exposure.oauth}
              disabled={change.isPending}
              onChange={event => change.mutate({ oauth: event.currentTarget.checked })}
            />
          )}
        </FormRow>
        {exposure.oauth_url !== null && (
          <Stack gap="sm">
            <ShownOnce value={exposure.oauth_url} label="the address for members" />
            <CodeBox code={memberCurl(exposure.oauth_url, parameters)} label="curl call of a member" />
          </Stack>
        )}
      </Section>
      <Section title="Where arguments come from">
        <MappingFields
          key={JSON.stringify(exposure.mapping)}
          parameters={parameters}
          mapping={exposure.mapping}
          busy={change.isPending}
          error={change.error}
          onSave={mapping => change.mutate({ mapping })}
        />
      </Section>
    </>
  )
}
