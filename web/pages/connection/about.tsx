import { useQuery } from '@tanstack/react-query'
import type { Connection, Me, Service } from '../../../sdk/index.ts'
import { Fact, MemberName } from '../../parts/invocation-details.tsx'
import { TextLink } from '../../parts/links.tsx'
import { Time } from '../../parts/time.tsx'
import facts from '../../parts/facts.module.css'
import { Part } from './part.tsx'
import { usesQuery } from './queries.ts'
import { whose, type Rights } from './rights.ts'
import { Scopes } from './scopes.tsx'
import { countWords } from '../../parts/counted-words.ts'
import classes from './connection.module.css'

interface Shown {
  readonly connection: Connection
  readonly me: Me
  readonly rights: Rights
  readonly service: Service | undefined
}

const authTypes = { basic: 'Basic', api_key: 'API key', oauth1: 'OAuth 1', oauth2: 'OAuth 2' } as const

const Callers = ({ connection, rights }: Pick<Shown, 'connection' | 'rights'>) => {
  const { access, owner } = connection
  if (access === 'organization') return <>Everybody in the organisation</>
  const first = rights.owns ? 'You' : whose(owner)
  if (access === 'private') return <span className="outside">{first} only</span>
  return (
    <>
      <span className="outside">{first}</span>
      {access.members.map(id => (
        <span key={id}>
          , <MemberName id={id} />
        </span>
      ))}
    </>
  )
}

const Uses = ({ linkName }: { readonly linkName: string }) => {
  const uses = useQuery(usesQuery(linkName))
  if (!uses.data) return null
  const { functions, keys, recent_callers } = uses.data
  const people = new Set(recent_callers.map(one => one.user.id)).size
  return (
    <Fact term="Used by">
      {functions.length > 0 && <div>{countWords(functions.length, 'function')}</div>}
      {keys.length > 0 && (
        <details>
          <summary>{countWords(keys.length, 'key')} named for it</summary>
          <ul className={classes.plainList}>
            {keys.map(key => (
              <li key={key.id} className="outside">
                {key.name} <span className={classes.quiet}>({key.owner ?? 'no owner'})</span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {people > 0 ? (
        <details>
          <summary>{countWords(people, 'person', 'people')} in 30 days</summary>
          <ul className={classes.plainList}>
            {recent_callers.map(one => (
              <li key={`${one.user.id}${one.key_id}`} className="outside">
                {one.user.name ?? one.user.id}
                {one.key_id !== null && ', with a key'}{' '}
                <span className={classes.quiet}>
                  ({countWords(one.calls, 'call')}, <Time at={one.last_at} />)
                </span>
              </li>
            ))}
          </ul>
        </details>
      ) : (
        functions.length + keys.length === 0 && 'Nobody in 30 days'
      )}
    </Fact>
  )
}

/** What the connection is: whose, to what, with which rights. */
export const About = ({ connection, me, rights, service }: Shown) => {
  const { account, owner, api_hosts, variables, use_login_user_credentials } = connection
  const waiting = new Set(connection.hosts_to_confirm)
  const labels = new Map(service?.variables.map(one => [one.name, one.label]))
  return (
    <Part title="About" className={classes.about}>
      <dl className={facts.facts}>
        <Fact term="Service">
          <TextLink to="/services/$linkName" params={{ linkName: connection.service.link_name }} className="outside">
            {connection.service.name}
          </TextLink>
          <div className={classes.quiet}>
            {authTypes[connection.service.auth_type]}, {connection.service.kind}
          </div>
        </Fact>
        {account !== null && (
          <Fact term="Account">
            <span className="outside">{account.label ?? account.id}</span>
          </Fact>
        )}
        <Fact term="Owner">
          <span className="outside">{owner.id === me.user.id ? 'You' : whose(owner)}</span>
        </Fact>
        <Fact term="Credentials">
          {use_login_user_credentials ? (
            'Of the login user: each with their own account'
          ) : (
            <span className="outside">Of the owner, for everyone</span>
          )}
        </Fact>
        <Fact term="Who may call">
          <Callers connection={connection} rights={rights} />
        </Fact>
        <Fact term="Hosts">
          <ul className={classes.plainList}>
            {api_hosts.map(host => (
              <li key={host}>
                {host === '*' ? <strong>Every host</strong> : <code className="outside">{host}</code>}
                {waiting.has(host) && <span className={classes.quiet}> (not confirmed)</span>}
              </li>
            ))}
          </ul>
        </Fact>
        {connection.service.auth_type === 'oauth2' && (
          <Fact term="Scopes">
            <Scopes connection={connection} listed={service?.scopes ?? []} />
          </Fact>
        )}
        {Object.entries(variables).map(([name, value]) => (
          <Fact key={name} term={labels.get(name) ?? name}>
            <span className="outside">{value}</span>
          </Fact>
        ))}
        {rights.manages && <Uses linkName={connection.link_name} />}
        <Fact term="Last used">
          <Time at={connection.last_used_at} never="Never" />
        </Fact>
        <Fact term="Created">
          <Time at={connection.created_at} />
        </Fact>
      </dl>
    </Part>
  )
}
