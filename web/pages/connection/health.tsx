import { Button, Tooltip } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Attempt, Connection, Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { ButtonLink } from '../../parts/links.tsx'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'
import { StatusDot, statusWords } from '../../parts/status.tsx'
import { exactTime, Time, useNow } from '../../parts/time.tsx'
import { attemptsQuery } from './queries.ts'
import { whose, type Rights } from './rights.ts'
import classes from './health.module.css'

interface Shown {
  readonly connection: Connection
  readonly rights: Rights
  readonly service: Service | undefined
  readonly connect: () => void
  readonly busy: boolean
  readonly onChanged: () => Promise<unknown>
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long' })
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })

/** "since 14:02" today, "since 3 March" this year. */
const Since = ({ at }: { readonly at: string }) => {
  const date = new Date(at)
  const now = new Date()
  const format = date.toDateString() === now.toDateString() ? clock : date.getFullYear() === now.getFullYear() ? day : dayAndYear
  return (
    <Tooltip label={exactTime(at)}>
      <span tabIndex={0}>
        since <time dateTime={at}>{format.format(date)}</time>
      </span>
    </Tooltip>
  )
}

/** What becomes of the access token, where there is one. */
const Expiry = ({ connection, service }: Pick<Shown, 'connection' | 'service'>) => {
  const now = useNow()
  const { expires_at, has_refresh_token, status } = connection
  if (!connection.service.auth_type.startsWith('oauth')) return null
  const renews = has_refresh_token || service?.grant_type === 'client_credentials'
  if (expires_at === null) return status === 'connected' ? <span>the service names no end</span> : null
  const over = new Date(expires_at).getTime() <= now
  if (status === 'refresh_failing')
    return over ? <span>the last token has ended</span> : <span>the last token works until {clock.format(new Date(expires_at))}</span>
  if (status !== 'connected') return null
  if (!renews)
    return over ? (
      <span>
        ended <Time at={expires_at} />
      </span>
    ) : (
      <span>
        ends <Time at={expires_at} />
      </span>
    )
  return (
    <>
      <span>refreshes itself</span>
      {over ? (
        <span>renewed with the next call</span>
      ) : (
        <span>
          next expiry <Time at={expires_at} />
        </span>
      )}
    </>
  )
}

const told: Readonly<Record<string, string>> = {
  pending: 'The service is being told.',
  yes: 'The service has confirmed that it ended there too.',
  no: 'The service was told, and did not accept it: remove Patchbay in the account’s own settings there too.',
  not_supported: 'The service cannot be told: remove Patchbay in the account’s own settings there too.',
}

const Note = ({
  tone,
  children,
  action,
}: {
  readonly tone: 'red' | 'amber' | 'grey'
  readonly children: ReactNode
  readonly action?: ReactNode
}) => (
  <div className={`${classes.note} ${classes[tone]}`}>
    <div className={`outside ${classes.words}`}>{children}</div>
    {action}
  </div>
)

/** Why a connection that does not work does not, and the one thing that mends it. */
const Unwell = ({ connection, rights, connect, busy }: Shown) => {
  const { status, status_detail, status_reason, status_action, revoked_at_provider, service, owner } = connection
  const tone = status === 'reauthorization_required' ? 'red' : status === 'refresh_failing' ? 'amber' : 'grey'
  const typed = service.auth_type === 'basic' || service.auth_type === 'api_key'
  const atProvider =
    status !== 'revoked' || revoked_at_provider === null
      ? undefined
      : typed
        ? `The values were deleted here. They stay valid at ${service.name}: change or delete them there as well.`
        : told[revoked_at_provider]
  const clientRefused = status_reason === 'client_invalid'
  const action = clientRefused ? (
    <ButtonLink to="/services/$linkName" params={{ linkName: service.link_name }} variant="default">
      Open the service
    </ButtonLink>
  ) : rights.authorizes ? (
    <Button onClick={connect} loading={busy} variant={status === 'refresh_failing' ? 'default' : 'filled'}>
      {status === 'authorization_required' ? 'Connect' : 'Connect again'}
    </Button>
  ) : undefined
  return (
    <Note tone={tone} action={action}>
      <strong>{status_detail ?? statusWords[status]}</strong>
      {clientRefused ? (
        <p>The client id and secret of {service.name} must be corrected first. Connecting again does not help until then.</p>
      ) : rights.authorizes ? (
        status === 'refresh_failing' && <p>{status_action}</p>
      ) : (
        <p>{connection.use_login_user_credentials ? `${whose(owner)} decides who may connect it.` : status_action}</p>
      )}
      {rights.authorizes && <LastTry linkName={connection.link_name} />}
      {atProvider !== undefined && <p>{atProvider}</p>}
    </Note>
  )
}

const ends: Partial<Record<Attempt['outcome'], string>> = {
  declined: 'was declined at the service.',
  failed: 'failed.',
  expired: 'was not finished within ten minutes.',
}

/** How the newest authorisation ended, when it did not end well. */
const LastTry = ({ linkName }: { readonly linkName: string }) => {
  const newest = useQuery(attemptsQuery(linkName)).data?.data[0]
  const end = newest && ends[newest.outcome]
  if (newest === undefined || end === undefined) return null
  return (
    <p>
      The last try, <Time at={newest.started_at} />, {end} {newest.diagnosis}
    </p>
  )
}

const NoRefreshToken = ({ connection, service, rights }: Pick<Shown, 'connection' | 'service' | 'rights'>) => {
  const hint = service?.advanced.refresh_token_hint
  return (
    <Note tone="amber">
      <strong>{connection.service.name} gave no refresh token.</strong>
      <p>
        When the access token ends{connection.expires_at !== null && `, on ${exactTime(connection.expires_at)}`}, calls stop until{' '}
        {rights.authorizes ? 'you connect' : `${whose(connection.owner)} connects`} it again.
        {typeof hint === 'string' && ` ${hint}`}
      </p>
    </Note>
  )
}

const ScopesMissing = ({ connection, connect, busy, rights }: Shown) => {
  const granted = new Set(connection.granted_scopes?.map(scope => scope.toLowerCase()))
  const missing = connection.scopes.filter(scope => !granted.has(scope.toLowerCase()))
  return (
    <Note
      tone="amber"
      action={
        rights.authorizes && (
          <Button variant="default" onClick={connect} loading={busy}>
            Connect again
          </Button>
        )
      }
    >
      <strong>Not everything that was asked for was granted.</strong>
      <p>
        {missing.length > 0 && (
          <>
            Missing:{' '}
            {missing.map((scope, index) => (
              <span key={scope}>
                {index > 0 && ', '}
                <code>{scope}</code>
              </span>
            ))}
            .{' '}
          </>
        )}
        Calls that need it will be refused by the service. Connect again and tick everything, or edit the connection and ask for less.
      </p>
    </Note>
  )
}

const HostsToConfirm = ({ connection, onChanged }: Pick<Shown, 'connection' | 'onChanged'>) => {
  const { hosts_to_confirm, link_name, service } = connection
  const confirm = useMutation({
    networkMode: 'always',
    mutationFn: () => patchbay.connections.confirmHosts(link_name),
    onSuccess: () => {
      tellDone('Confirmed. Calls may go there now.')
      return onChanged()
    },
  })
  return (
    <>
      {confirm.error && <ProblemNote error={confirm.error} />}
      <Note
        tone="amber"
        action={
          <Button onClick={() => confirm.mutate()} loading={confirm.isPending}>
            Confirm added hosts
          </Button>
        }
      >
        <strong>{service.name} was edited: your credential may be sent to more hosts, once you agree.</strong>
        <ul className={classes.hosts}>
          {hosts_to_confirm.map(host => (
            <li key={host}>
              <code>{host}</code>
            </li>
          ))}
        </ul>
        <p>Until then calls there are refused; calls to the other hosts go on.</p>
      </Note>
    </>
  )
}

const RestoredFromBackup = ({ connection }: Pick<Shown, 'connection'>) => (
  <Note tone="amber">
    <strong>
      Its refresh token comes from a back-up{connection.restored_from !== null && ` of ${exactTime(connection.restored_from)}`}.
    </strong>
    <p>
      If {connection.service.name} has replaced it since, the first renewal is refused, and the connection says so. Connecting again settles
      it.
    </p>
  </Note>
)

/** How the connection is: status, reason, since when, until when, and what mends it. */
export const Health = (shown: Shown) => {
  const { connection, rights, service, onChanged } = shown
  const { status, status_since, warnings, hosts_to_confirm } = connection
  const unwell = status !== 'connected'
  return (
    <div className={classes.health}>
      <p className={classes.line}>
        <span className={`${classes.status} ${classes[status]}`}>
          <StatusDot status={status} />
          {statusWords[status]}
        </span>
        <Since at={status_since} />
        <Expiry connection={connection} service={service} />
      </p>
      {unwell && <Unwell {...shown} />}
      {hosts_to_confirm.length > 0 && !unwell && <HostsToConfirm connection={connection} onChanged={onChanged} />}
      {warnings.includes('no_refresh_token') && <NoRefreshToken {...{ connection, service, rights }} />}
      {warnings.includes('restored_from_backup') && <RestoredFromBackup connection={connection} />}
      {warnings.includes('scopes_missing') && <ScopesMissing {...shown} />}
    </div>
  )
}
