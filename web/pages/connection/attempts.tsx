import { Button } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconClock, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Attempt, TraceStep } from '../../../sdk/index.ts'
import { ProblemNote } from '../../parts/problem.tsx'
import { Time } from '../../parts/time.tsx'
import { Part } from './part.tsx'
import { attemptsQuery } from './queries.ts'
import { countWords } from '../../parts/counted-words.ts'
import classes from './attempts.module.css'

const outcomes: Readonly<Record<Attempt['outcome'], { readonly words: string; readonly icon: typeof IconCheck; readonly tone: string }>> = {
  connected: { words: 'Connected', icon: IconCheck, tone: 'fine' },
  started: { words: 'Started, not finished yet', icon: IconClock, tone: 'open' },
  declined: { words: 'Declined at the service', icon: IconX, tone: 'open' },
  expired: { words: 'Not finished within ten minutes', icon: IconClock, tone: 'open' },
  failed: { words: 'Failed', icon: IconAlertTriangle, tone: 'failed' },
}

const steps: Readonly<Record<string, string>> = {
  authorize: 'Sent to the service’s page',
  callback: 'Came back from the service',
  code_request: 'Asked for tokens',
  code_answer: 'Tokens answered',
  code_fields: 'What the answer held',
  client_credentials_request: 'Asked for a token',
  client_credentials_answer: 'Token answered',
  client_credentials_fields: 'What the answer held',
  account: 'Asked whose account it is',
  another_account: 'Another account',
  account_chosen: 'The account was chosen',
  not_kept: 'Not kept',
  given_up: 'Given up',
  request_token: 'Asked for a request token',
  access_token: 'Asked for the access token',
}

const stepWords = (step: string): string => {
  const words = steps[step] ?? step.replaceAll('_', ' ')
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

const Step = ({ step }: { readonly step: TraceStep }) => (
  <li>
    <span className={classes.stepName}>{stepWords(step.step)}</span>
    {step.url !== undefined && (
      <code className={`outside ${classes.asked}`}>
        {step.method ?? 'GET'} {step.url}
      </code>
    )}
    {step.status !== undefined && <span className="tabular">Status {step.status}</span>}
    {step.error !== undefined && (
      <span className={`outside ${classes.error}`}>
        {step.error}
        {step.error_description !== undefined && `: ${step.error_description}`}
      </span>
    )}
    {step.detail !== undefined && <span className="outside">{step.detail}</span>}
    {step.parameters !== undefined && Object.keys(step.parameters).length > 0 && (
      <dl className={classes.parameters}>
        {Object.entries(step.parameters).map(([name, value]) => (
          <div key={name}>
            <dt>
              <code className="outside">{name}</code>
            </dt>
            <dd>
              <code className="outside">{value}</code>
            </dd>
          </div>
        ))}
      </dl>
    )}
  </li>
)

const One = ({ attempt }: { readonly attempt: Attempt }) => {
  const { words, icon: Icon, tone } = outcomes[attempt.outcome]
  return (
    <li className={classes.attempt}>
      <div className={classes.line}>
        <span className={`${classes.outcome} ${classes[tone]}`}>
          <Icon size={15} aria-hidden />
          {words}
        </span>
        <span className={classes.who}>
          <span className="outside">{attempt.subject.name ?? attempt.subject.id}</span>
          {' · '}
          <Time at={attempt.started_at} />
        </span>
      </div>
      {attempt.diagnosis !== null && <p className={`outside ${classes.diagnosis}`}>{attempt.diagnosis}</p>}
      {attempt.steps.length > 0 && (
        <details className={classes.details}>
          <summary>{countWords(attempt.steps.length, 'step')} recorded, secrets masked</summary>
          <ol className={classes.steps}>
            {attempt.steps.map((step, index) => (
              <Step key={index} step={step} />
            ))}
          </ol>
        </details>
      )}
    </li>
  )
}

const atFirst = 3

/** Every authorisation that was tried (for others than the owner and administrators: by them), and what went wrong when it did. */
export const Attempts = ({ linkName, everybodys }: { readonly linkName: string; readonly everybodys: boolean }) => {
  const attempts = useQuery(attemptsQuery(linkName))
  const [all, setAll] = useState(false)
  const rows = attempts.data?.data ?? []
  return (
    <Part title="Authorisations">
      {attempts.error && <ProblemNote error={attempts.error} retry={() => attempts.refetch()} />}
      {attempts.data && rows.length === 0 && (
        <p className={classes.none}>{everybodys ? 'Nobody has tried to connect it yet.' : 'You have not tried to connect it yet.'}</p>
      )}
      <ul className={classes.attempts}>
        {(all ? rows : rows.slice(0, atFirst)).map(attempt => (
          <One key={attempt.id} attempt={attempt} />
        ))}
      </ul>
      {!all && rows.length > atFirst && (
        <Button variant="subtle" size="xs" onClick={() => setAll(true)}>
          Show all {rows.length}
        </Button>
      )}
    </Part>
  )
}
