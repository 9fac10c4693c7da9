import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Invocation } from '../../sdk/index.ts'
import { pageOf, patchbay } from '../client.ts'
import { durationOf } from './call-summary.ts'
import { CopyText } from './copy.tsx'
import { problemSentence, statusPhrase } from './invocation-words.ts'
import { TextLink } from './links.tsx'
import { exactTime } from './time.tsx'
import classes from './facts.module.css'

/** One line of a list of facts. */
export const Fact = ({ term, children }: { readonly term: string; readonly children: ReactNode }) => (
  <div className={classes.fact}>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
)

/** A member by name; the id for somebody who has gone. */
export const MemberName = ({ id }: { readonly id: string }) => {
  const member = useQuery({ queryKey: ['member', id], queryFn: () => patchbay.members.get(id), staleTime: 300_000, retry: false })
  return <span className="outside">{member.data?.name ?? id}</span>
}

/** A key by name, as far as it is the reader's own. */
const KeyName = ({ id }: { readonly id: string }) => {
  const keys = useQuery({
    queryKey: ['api-keys', 'own', 'names'],
    queryFn: () => pageOf(patchbay.apiKeys.list({ limit: 100 })),
    staleTime: 300_000,
  })
  const known = keys.data?.data.find(key => key.id === id)
  return known ? <span className="outside">{known.name}</span> : <CopyText value={id} label="the key’s id" />
}

const doors = { invoke: 'invoke', proxy: 'the proxy', function: 'a function' } as const

const answerOf = ({ status, problem }: Invocation): string => {
  if (problem !== null) return problemSentence(problem)
  if (status === null) return 'The service gave no answer.'
  if (status < 400) return `The service answered ${status} ${statusPhrase(status)}.`
  return `The service itself answered ${status} ${statusPhrase(status)}. Patchbay passed its answer on.`
}

/** Everything that is known of one call; its headers and bodies are never kept. */
export const InvocationDetails = ({ call }: { readonly call: Invocation }) => (
  <dl className={classes.facts}>
    <Fact term="What happened">
      {answerOf(call)} {call.problem !== null && <code>{call.problem}</code>}
    </Fact>
    <Fact term="When">
      {exactTime(call.at)}, {durationOf(call.duration_ms)}
    </Fact>
    <Fact term="Call">
      <code className="outside">
        {call.method} {call.host}
      </code>
      , through {doors[call.door]}
    </Fact>
    <Fact term="Connection">
      {call.connection === null ? (
        'None'
      ) : (
        <TextLink to="/connections/$linkName" params={{ linkName: call.connection }} className="outside" fz="inherit">
          {call.connection}
        </TextLink>
      )}
    </Fact>
    <Fact term="Who">
      <span className="outside">{call.user.name ?? call.user.id}</span>
      {call.subject_id !== null && call.subject_id !== call.user.id && (
        <>
          {' for '}
          <MemberName id={call.subject_id} />
        </>
      )}
    </Fact>
    {call.key_id !== null && (
      <Fact term="API key">
        <KeyName id={call.key_id} />
      </Fact>
    )}
    <Fact term="Call id">
      <CopyText value={call.id} label="the call’s id" />
    </Fact>
  </dl>
)
