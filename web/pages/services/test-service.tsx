import { Button, Code, Group, Select, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Service, ServiceTest, TraceStep, Values } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { FormRow, Section } from '../../parts/form-row.tsx'
import { fieldErrorsOf, ProblemNote } from '../../parts/problem.tsx'
import { Note } from './note.tsx'
import type { AskedVariable } from './service-draft.ts'
import classes from './service.module.css'
import { clientWords } from '../../parts/service-words.ts'

interface Verdict {
  readonly tone: 'good' | 'bad'
  readonly title: string
  readonly words: string
}

/** What is tried: a stored service, or one that is still being written. */
interface Tried {
  readonly service: Pick<Service, 'name' | 'auth_type' | 'access_token_url' | 'request_token_url'> & { readonly grant_type?: string }
  readonly variables: readonly (AskedVariable & { readonly default?: string | null })[]
  /** What to do about a client that is refused, up to “with those of the provider’s page”. */
  readonly remedy: string
  /** A verdict is about one version: another one has not been tried. */
  readonly version: number
  /** Null: nothing was sent, and the page says why. */
  readonly test: (variables: Values) => Promise<ServiceTest | null>
}

const verdictOf = ({ outcome }: ServiceTest, { service: { auth_type, name }, remedy }: Tried): Verdict => {
  const { id, secret } = clientWords(auth_type)
  const url = auth_type === 'oauth1' ? 'request token URL' : 'access token URL'
  switch (outcome) {
    case 'client_accepted':
      return {
        tone: 'good',
        title: 'The client is accepted',
        words: `${name} answered and knows the ${id.toLowerCase()} and secret. People can connect.`,
      }
    case 'client_refused':
      return {
        tone: 'bad',
        title: 'The client is refused',
        words: `${name} answered, and does not accept the ${id.toLowerCase()} with this ${secret.toLowerCase()}. ${remedy} with those of the provider’s page.`,
      }
    case 'not_a_token_endpoint':
      return {
        tone: 'bad',
        title: 'This is not a token endpoint',
        words: `Something answered at the ${url}, but not as a token endpoint does. Check the URL against the provider’s documentation.`,
      }
    case 'host_unreachable':
      return {
        tone: 'bad',
        title: 'The host cannot be reached',
        words: `Nothing answered at the ${url}. Check the host, and that this Patchbay may reach it.`,
      }
  }
}

/** Of a stored service. */
export const TestService = ({ service }: { readonly service: Service }) => (
  <TestEndpoint
    service={service}
    variables={service.variables}
    remedy={service.kind === 'custom' ? 'Edit the service' : 'Replace the client above'}
    version={service.revision}
    test={variables => patchbay.services.test(service.link_name, variables)}
  />
)

/** Tries the token endpoint, with a code that is deliberately wrong or with the client's own credentials, and says what it is. */
export const TestEndpoint = (tried: Tried) => {
  const { service, version } = tried
  const [typed, setTyped] = useState<Values>({})
  const variables: Values = {
    ...Object.fromEntries(tried.variables.map(one => [one.name, one.default ?? one.choices?.[0] ?? ''])),
    ...typed,
  }
  const [result, setResult] = useState<{ readonly of: number; readonly verdict: Verdict; readonly steps: ServiceTest['steps'] } | null>(
    null,
  )
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const errors = fieldErrorsOf(error)
  const used = tried.variables.filter(one =>
    [service.access_token_url, service.request_token_url].some(url => url?.includes(`{${one.name}}`)),
  )
  const test = async () => {
    setBusy(true)
    setError(null)
    setResult(null)
    try {
      const answer = await tried.test(Object.fromEntries(used.map(one => [one.name, variables[one.name] ?? ''])))
      if (answer) setResult({ of: version, verdict: verdictOf(answer, tried), steps: answer.steps })
    } catch (refused) {
      setError(refused)
    } finally {
      setBusy(false)
    }
  }
  const set = (name: string, value: string) => setTyped(known => ({ ...known, [name]: value }))
  return (
    <Section title="Test">
      <Text c="dimmed">
        {service.grant_type === 'client_credentials'
          ? 'Asks for a token with the client’s own credentials, and throws it away.'
          : service.auth_type === 'oauth1'
            ? 'Asks for temporary credentials, which is harmless, to see whether the service knows the consumer.'
            : 'Sends the token endpoint a code that is wrong on purpose: the way it refuses tells whether it knows the client.'}
      </Text>
      {used.map(one => (
        <FormRow key={one.name} label={one.label} error={errors[`variables.${one.name}`]}>
          {field =>
            one.choices ? (
              <Select
                {...field}
                data={[...one.choices]}
                value={variables[one.name] ?? null}
                allowDeselect={false}
                onChange={value => set(one.name, value ?? '')}
              />
            ) : (
              <TextInput {...field} value={variables[one.name] ?? ''} onChange={event => set(one.name, event.currentTarget.value)} />
            )
          }
        </FormRow>
      ))}
      <Group mt="sm">
        <Button variant="default" loading={busy} onClick={() => void test()}>
          Test
        </Button>
      </Group>
      {error !== null && (
        <div style={{ marginTop: 12 }}>
          <ProblemNote error={error} />
        </div>
      )}
      {result?.of === version && (
        <Note role="status" tone={result.verdict.tone} title={result.verdict.title} mt="md">
          <Text mb="sm">{result.verdict.words}</Text>
          <ol className={classes.steps}>
            {result.steps.map((step, index) => (
              <Step key={index} step={step} />
            ))}
          </ol>
        </Note>
      )}
    </Section>
  )
}

const stepNames: Readonly<Record<string, string>> = { request: 'Asked', answer: 'Answered' }

const Step = ({ step }: { readonly step: TraceStep }) => {
  const ending = Object.keys(stepNames).find(one => step.step.endsWith(`_${one}`))
  return (
    <li className={classes.stepWords}>
      {ending === undefined ? step.step.replaceAll('_', ' ') : stepNames[ending]}
      {step.method !== undefined && ` ${step.method}`} {step.url !== undefined && <Code>{step.url}</Code>}
      {step.status !== undefined && ` with ${step.status}`}
      {step.error !== undefined && (
        <>
          : <Code>{step.error}</Code>
        </>
      )}
      {step.error_description !== undefined && <span className="outside"> “{step.error_description}”</span>}
      {step.detail !== undefined && !step.detail.startsWith('refused:') && <div className={classes.small}>{step.detail}</div>}
    </li>
  )
}
