import { Tooltip } from '@mantine/core'
import type { Connection, ConnectionStatus } from '../../sdk/index.ts'
import { exactTime } from './time.tsx'
import classes from './status.module.css'

/** Every status in words; the dot only repeats them. */
export const statusWords: Readonly<Record<ConnectionStatus, string>> = {
  connected: 'Connected',
  authorization_required: 'Not connected yet',
  refresh_failing: 'Refresh failing',
  reauthorization_required: 'Must be connected again',
  revoked: 'Revoked',
}

const Dot = ({ status }: { readonly status: ConnectionStatus }) => {
  switch (status) {
    case 'connected':
    case 'reauthorization_required':
      return <circle cx="6" cy="6" r="5" fill="currentColor" />
    case 'authorization_required':
      return <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
    case 'refresh_failing':
      return (
        <>
          <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path d="M6 1.75a4.25 4.25 0 0 0 0 8.5z" fill="currentColor" />
        </>
      )
    case 'revoked':
      return (
        <>
          <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path d="M2 10 10 2" stroke="currentColor" strokeWidth="1.5" />
        </>
      )
  }
}

export const StatusDot = ({ status }: { readonly status: ConnectionStatus }) => (
  <svg className={`${classes.dot} ${classes[status]}`} aria-hidden="true" width="12" height="12" viewBox="0 0 12 12">
    <Dot status={status} />
  </svg>
)

type Told = Pick<Connection, 'status' | 'status_detail' | 'status_since' | 'status_action'>

/** Whether a person has something to do about it. */
export const needsAttention = ({ status }: Pick<Connection, 'status'>): boolean => status !== 'connected'

/** Dot and words; hover or focus tells the reason, since when, and the next step. */
export const Status = ({ connection }: { readonly connection: Told }) => {
  const { status, status_detail, status_since, status_action } = connection
  const label = [status_detail, `Since ${exactTime(status_since)}.`, status_action].filter(Boolean).join(' ')
  return (
    <Tooltip label={label}>
      <span className={`${classes.status} ${classes[status]}`} tabIndex={0}>
        <StatusDot status={status} />
        {statusWords[status]}
      </span>
    </Tooltip>
  )
}
