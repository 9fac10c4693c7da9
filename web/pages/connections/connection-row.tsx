import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { KeyboardEvent } from 'react'
import type { Connection, Me } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { isTyping } from '../../parts/typing.ts'
import type { Authorizing } from '../../parts/authorize.tsx'
import { CopyText } from '../../parts/copy.tsx'
import { ButtonLink } from '../../parts/links.tsx'
import { tellDone, tellProblem } from '../../parts/problem.tsx'
import { ServiceLogo } from '../../parts/service-logo.tsx'
import { needsAttention, Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import type { Act } from './row-dialogs.tsx'
import { rightsOf } from '../connection/rights.ts'
import { RowMenu } from './row-menu.tsx'
import classes from './connection-rows.module.css'

interface Row {
  readonly connection: Connection
  readonly me: Me | undefined
  readonly authorizing: Authorizing
  readonly onAuthorized: () => unknown
  readonly onAct: (connection: Connection, act: Act) => void
}

/** One line for a healthy connection; a second one for why it is not, with what mends it. */
export const ConnectionRow = ({ connection, me, authorizing, onAuthorized, onAct }: Row) => {
  const { link_name, name, service, owner, status, status_detail, last_used_at, use_login_user_credentials } = connection
  const attention = needsAttention(connection)
  const again = status === 'authorization_required' ? 'Connect' : 'Connect again'
  const connect = () =>
    authorizing
      .begin({
        service,
        linkName: link_name,
        start: returnTo => patchbay.connections.authorize(link_name, { return_to: returnTo }),
        onDone: () => {
          tellDone(`${name} is connected.`)
          void onAuthorized()
        },
      })
      .catch(tellProblem)

  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'e' || isTyping(event.nativeEvent) || connection.owner.id !== me?.user.id) return
    event.preventDefault()
    onAct(connection, 'edit')
  }

  return (
    <div className={classes.row} data-row onKeyDown={onKey}>
      <div className={classes.line}>
        <div className={classes.what}>
          <ServiceLogo name={service.name} logo={service.logo} />
          <div className={classes.names}>
            <Link to="/connections/$linkName" params={{ linkName: link_name }} className={`outside ${classes.name}`} data-open>
              {name}
            </Link>
            <CopyText value={link_name} label="the link name" />
          </div>
        </div>
        <span className={`outside ${classes.cell}`}>{service.name}</span>
        <span className={`outside ${classes.cell} ${classes.owner}`}>
          <span>
            <span className={classes.narrow}>Owner: </span>
            {owner.id === me?.user.id ? 'You' : (owner.name ?? 'Somebody who left')}
          </span>
          {use_login_user_credentials && <span className={classes.each}>each their own account</span>}
        </span>
        <span className={classes.status}>
          <Status connection={connection} />
        </span>
        <span className={classes.used}>
          {last_used_at === null ? (
            <>
              <span className={classes.wide}>–</span>
              <span className={classes.narrow}>Never used</span>
            </>
          ) : (
            <>
              <span className={classes.narrow}>Used </span>
              <Time at={last_used_at} />
            </>
          )}
        </span>
        <span className={classes.menu}>{me && <RowMenu connection={connection} me={me} onAct={onAct} />}</span>
      </div>
      {attention && (
        <div className={classes.why}>
          <span className="outside">{status_detail}</span>
          {status === 'refresh_failing' && (
            <ButtonLink
              size="xs"
              variant="default"
              to="/connections/$linkName"
              params={{ linkName: link_name }}
              aria-label={`Details of ${name}`}
            >
              Details
            </ButtonLink>
          )}
          {status !== 'refresh_failing' && me && rightsOf(connection, me).authorizes && (
            <Button size="xs" variant="default" onClick={() => void connect()} aria-label={`${again} ${name}`}>
              {again}
            </Button>
          )}
        </div>
      )}
    </div>
  )
}
