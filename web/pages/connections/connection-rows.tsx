import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState, type KeyboardEvent } from 'react'
import type { Connection, Me } from '../../../sdk/index.ts'
import { useAuthorize } from '../../parts/authorize.tsx'
import { VirtualRows } from '../../parts/virtual-rows.tsx'
import { ConnectionRow } from './connection-row.tsx'
import type { Act } from './row-dialogs.tsx'
import classes from './connection-rows.module.css'

const RowDialogs = lazy(() => import('./row-dialogs.tsx').then(file => ({ default: file.RowDialogs })))

interface Rows {
  readonly rows: readonly Connection[]
  readonly more: (() => unknown) | undefined
  readonly me: Me | undefined
}

/** Arrows move from row to row; Enter opens the one that has the focus, which is a link. */
const onArrow = (event: KeyboardEvent<HTMLDivElement>) => {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const here = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-row]') : null
  if (!here) return
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')].sort(
    (one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top,
  )
  const next = all[all.indexOf(here) + (event.key === 'ArrowDown' ? 1 : -1)]
  if (!next) return
  event.preventDefault()
  next.querySelector<HTMLElement>('a[data-open]')?.focus()
}

/** The list. What its rows ask for is asked in dialogs of the list, so that a row which scrolls away does not take its dialog along. */
export const ConnectionRows = ({ rows, more, me }: Rows) => {
  const queries = useQueryClient()
  const authorizing = useAuthorize()
  const refresh = () => queries.invalidateQueries({ queryKey: ['connections'] })
  const [asked, setAsked] = useState<{ connection: Connection; act: Act | null } | null>(null)
  const onAct = (connection: Connection, act: Act) => setAsked({ connection, act })
  return (
    <div onKeyDown={onArrow} className={classes.list}>
      <div className={classes.head} aria-hidden="true">
        <span>Connection</span>
        <span>Service</span>
        <span>Owner</span>
        <span>Status</span>
        <span>Last used</span>
        <span />
      </div>
      <VirtualRows rows={rows} keyOf={one => one.link_name} height={52} more={more} label="Connections">
        {one => <ConnectionRow connection={one} me={me} authorizing={authorizing} onAuthorized={refresh} onAct={onAct} />}
      </VirtualRows>
      {authorizing.dialog}
      {asked && me && (
        <Suspense fallback={null}>
          <RowDialogs
            key={asked.connection.link_name}
            {...asked}
            me={me}
            authorizing={authorizing}
            onClose={() => setAsked({ ...asked, act: null })}
            onChanged={refresh}
          />
        </Suspense>
      )}
    </div>
  )
}
