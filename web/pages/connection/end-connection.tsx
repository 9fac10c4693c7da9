import { Skeleton, Stack } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Connection, Me, Revoked, Service, Uses } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { serverNow } from '../../clock.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { redrawnConnection, useOptimistic } from '../../parts/optimistic.ts'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'
import { peopleQuery, usesQuery } from './queries.ts'
import { holdsOne, whose, type Rights } from './rights.ts'
import { countWords, namesInWords } from '../../parts/counted-words.ts'
import classes from './end-connection.module.css'

export type Ending = 'own' | 'everyone' | 'delete'

interface Shown {
  readonly connection: Connection
  readonly me: Me
  readonly rights: Rights
  readonly service: Service | undefined
  readonly ending: Ending | null
  readonly onClose: () => void
}

const nameOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string' ? value.name : 'a function'

/** Who and what stops working, one line for each kind. */
function stopping({ functions, keys, recent_callers }: Uses): readonly string[] {
  const calls = new Map<string, number>()
  for (const one of recent_callers) {
    const name = one.user.name ?? 'somebody who left'
    calls.set(name, (calls.get(name) ?? 0) + one.calls)
  }
  const total = [...calls.values()].reduce((sum, one) => sum + one, 0)
  return [
    ...(functions.length === 0 ? [] : [`${countWords(functions.length, 'function')}: ${namesInWords(functions.map(nameOf))}`]),
    ...(keys.length === 0
      ? []
      : [
          `${countWords(keys.length, 'API key')} named for it: ${namesInWords(keys.map(key => `${key.name} (${key.owner ?? 'no owner'})`))}`,
        ]),
    ...(calls.size === 0 ? [] : [`Calls of ${namesInWords([...calls.keys()])}: ${total.toLocaleString()} in the last 30 days`]),
  ]
}

const StopsWorking = ({ linkName }: { readonly linkName: string }) => {
  const uses = useQuery({ ...usesQuery(linkName), staleTime: 0 })
  if (uses.error) return <ProblemNote error={uses.error} retry={() => uses.refetch()} />
  if (!uses.data) return <Skeleton height={40} aria-label="Looking who uses it" />
  const lines = stopping(uses.data)
  if (lines.length === 0) return <p>Nobody called through it in the last 30 days, and no function or API key names it.</p>
  return (
    <div>
      <p>This stops working at once:</p>
      <ul className={classes.stops}>
        {lines.map(line => (
          <li key={line} className="outside">
            {line}
          </li>
        ))}
      </ul>
    </div>
  )
}

/** How many people’s authorisations end, for login-user connections. */
const Everybodys = ({ linkName }: { readonly linkName: string }) => {
  const people = useQuery(peopleQuery(linkName)).data?.data.filter(one => one.status !== 'revoked') ?? []
  if (people.length === 0) return null
  return (
    <p className="outside">
      The authorisations of {namesInWords(people.map(one => one.subject.name ?? one.subject.email ?? one.subject.id))} end.
    </p>
  )
}

const revocable = (service: Service | undefined): boolean => service?.revoke_token_url != null

const AtTheService = ({ connection, service }: Pick<Shown, 'connection' | 'service'>) => {
  const { name, auth_type } = connection.service
  if (auth_type === 'basic' || auth_type === 'api_key')
    return <p className="outside">Patchbay deletes the stored values. They stay valid at {name}: change or delete them there as well.</p>
  if (revocable(service)) return <p className="outside">{name} is told to end it too.</p>
  return (
    <p className="outside">{name} has no revoke URL, so it is not told: remove Patchbay in the account’s own settings there as well.</p>
  )
}

const telling = ({ revoked_at_provider, count }: Revoked, service: string): string => {
  if (count === 0) return 'There was nothing left to revoke.'
  return revoked_at_provider === 'pending' ? `Revoked. ${service} is being told.` : 'Revoked here.'
}

/** Until the server's own words are here. */
const revoked = () =>
  ({
    status: 'revoked',
    status_reason: null,
    status_detail: 'Being revoked.',
    status_since: new Date(serverNow()).toISOString(),
    status_action: null,
    warnings: [],
    hosts_to_confirm: [],
  }) satisfies Partial<Connection>

/** Revoke, revoke for everyone, delete: first what stops working. */
export const EndConnection = ({ connection, me, rights, service, ending, onClose }: Shown) => {
  const navigate = useNavigate()
  const queries = useQueryClient()
  // stays while the dialog closes, so that its words do not change under the eye
  const [last, setLast] = useState<Ending>('own')
  if (ending !== null && ending !== last) setLast(ending)
  const kind = ending ?? last
  const { link_name, name, owner, use_login_user_credentials: each } = connection
  const ownOnly = kind === 'own' && each
  const others = owner.id !== me.user.id

  const revoke = useOptimistic({
    mutationFn: (options: { everyone: boolean }) => patchbay.connections.revoke(link_name, options),
    shows: () => redrawnConnection(link_name, one => (holdsOne(one) ? { ...one, ...revoked() } : one)),
    onDone: done => tellDone(telling(done, connection.service.name)),
  })
  const end = async () => {
    if (kind === 'delete') {
      await patchbay.connections.delete(link_name)
      tellDone(`${name} was deleted.`)
      await navigate({ to: '/connections' })
      queries.removeQueries({ queryKey: ['connection', link_name] })
      await queries.invalidateQueries({ queryKey: ['connections'] })
      return
    }
    revoke.mutate({ everyone: kind === 'everyone' })
  }

  const titles: Readonly<Record<Ending, string>> = {
    own: each ? 'Revoke your authorisation?' : `Revoke ${name}?`,
    everyone: `Revoke ${name} for everyone?`,
    delete: `Delete ${name}?`,
  }
  return (
    <Confirm
      opened={ending !== null}
      onClose={onClose}
      onConfirm={end}
      title={titles[kind]}
      verb={kind === 'delete' ? 'Delete' : kind === 'everyone' ? 'Revoke for everyone' : 'Revoke'}
    >
      <Stack gap="sm" className={classes.words ?? ''}>
        {others && !ownOnly && <p className="outside">This connection belongs to {whose(owner)}.</p>}
        {ownOnly ? <p>Your own calls through it stop at once. Those of other people go on with their own accounts.</p> : null}
        {!ownOnly && each && rights.manages && <Everybodys linkName={link_name} />}
        {!ownOnly && rights.manages && <StopsWorking linkName={link_name} />}
        <AtTheService connection={connection} service={service} />
        <p>
          {kind === 'delete' ? (
            <>
              The link name <code>{link_name}</code> becomes free. Its past calls stay in the invocations.
            </>
          ) : ownOnly || !others ? (
            'It can be connected again afterwards.'
          ) : (
            `${each ? 'Each person' : whose(owner)} can connect it again afterwards.`
          )}
        </p>
      </Stack>
    </Confirm>
  )
}
