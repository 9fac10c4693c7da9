import { ActionIcon } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { IconAlertTriangle, IconCheck, IconChevronDown, IconX } from '@tabler/icons-react'
import { memo, useState } from 'react'
import type { Invocation } from '../../sdk/index.ts'
import { durationOf } from './call-summary.ts'
import { InvocationDetails } from './invocation-details.tsx'
import { problemTitle, statusPhrase } from './invocation-words.ts'
import { TextLink } from './links.tsx'
import { exactTime } from './time.tsx'
import { VirtualTable } from './virtual-table.tsx'
import classes from './invocation-rows.module.css'

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

const When = ({ at }: { readonly at: string }) => {
  const date = new Date(at)
  const today = date.toDateString() === new Date().toDateString()
  return (
    <time dateTime={at} title={exactTime(at)} className="tabular">
      {!today && <span className={classes.day}>{day.format(date)} </span>}
      {clock.format(date)}
    </time>
  )
}

/** How the call went: a mark, a number and a word. */
const Outcome = ({ call }: { readonly call: Invocation }) => {
  const { status, problem } = call
  if (problem !== null || status === null)
    return (
      <span className={`${classes.outcome} ${classes.failed}`}>
        <IconX size={14} aria-hidden />
        <span className="outside">{problem === null ? 'No answer' : problemTitle(problem)}</span>
      </span>
    )
  const Mark = status < 400 ? IconCheck : status < 500 ? IconAlertTriangle : IconX
  return (
    <span className={`${classes.outcome} ${status < 400 ? classes.fine : status < 500 ? classes.refused : classes.failed}`}>
      <Mark size={14} aria-hidden />
      <span className="tabular">
        {status} {statusPhrase(status)}
      </span>
    </span>
  )
}

const nameOf = ({ user }: Invocation): string => user.name ?? 'Somebody who is gone'

interface One {
  readonly call: Invocation
  readonly open: boolean
  readonly toggle: (id: string) => void
  readonly columns: number
  readonly ofOne: boolean
}

const wideColumns = 7
/** Without duration, connection and person, which then stand under the others. */
const narrowColumns = 4
/** The room, in pixels, up to which the stylesheet shows the narrow columns. */
const narrowest = 760

/** Drawn again only when it is opened or closed: in a live list rows come every second. */
const Row = memo(({ call, open, toggle, columns, ofOne }: One) => {
  const detailsId = `call-${call.id}`
  const when = clock.format(new Date(call.at))
  return (
    <>
      <tr className={classes.row} data-open={open || undefined}>
        <td>
          <When at={call.at} />
        </td>
        <td>
          <div className={classes.call}>
            <code className={classes.method}>{call.method}</code>
            <code className={`outside ${classes.host}`} title={call.host}>
              {call.host}
            </code>
          </div>
          <div className={`outside ${classes.under}`}>{ofOne ? nameOf(call) : (call.connection ?? 'No connection')}</div>
        </td>
        <td>
          <Outcome call={call} />
          <div className={`tabular ${classes.under}`}>{durationOf(call.duration_ms)}</div>
        </td>
        <td className={`tabular ${classes.number} ${classes.wide}`}>{durationOf(call.duration_ms)}</td>
        <td className={classes.wide}>
          {call.connection === null ? (
            <span className={classes.none}>none</span>
          ) : (
            <TextLink
              to="/connections/$linkName"
              params={{ linkName: call.connection }}
              className={`outside ${classes.connection}`}
              title={call.connection}
              underline="hover"
            >
              {call.connection}
            </TextLink>
          )}
        </td>
        <td className={classes.wide}>
          <span className={`outside ${classes.who}`} title={call.user.name ?? call.user.id}>
            {nameOf(call)}
          </span>
          {call.key_id !== null && <span className={classes.key}>with an API key</span>}
        </td>
        <td className={classes.opener}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-expanded={open}
            aria-controls={detailsId}
            aria-label={`Details of the call at ${when} to ${call.host}`}
            onClick={() => toggle(call.id)}
          >
            <IconChevronDown size={16} className={classes.chevron} />
          </ActionIcon>
        </td>
      </tr>
      {open && (
        <tr id={detailsId} className={classes.details}>
          <td colSpan={columns}>
            <InvocationDetails call={call} />
          </td>
        </tr>
      )}
    </>
  )
})
Row.displayName = 'InvocationRow'

const head = (
  <>
    <th scope="col" className={classes.timeHead}>
      Time
    </th>
    <th scope="col">Call</th>
    <th scope="col" className={classes.outcomeHead}>
      Status
    </th>
    <th scope="col" className={`${classes.durationHead} ${classes.number} ${classes.wide}`}>
      Duration
    </th>
    <th scope="col" className={`${classes.connectionHead} ${classes.wide}`}>
      Connection
    </th>
    <th scope="col" className={`${classes.whoHead} ${classes.wide}`}>
      Who
    </th>
    <th scope="col" className={classes.openerHead}>
      <span className={classes.unseen}>Details</span>
    </th>
  </>
)

interface Shown {
  readonly rows: readonly Invocation[]
  /** Asked for when the last rows come near. */
  readonly more?: (() => unknown) | undefined
  /** All of one connection, whose page says its name: a narrow table then says who called. */
  readonly ofOne?: boolean
}

/** Calls, newest first, as a table whose rows open; of many only what can be seen is drawn. */
export const InvocationRows = ({ rows, more, ofOne = false }: Shown) => {
  // a cell that spans columns which are not shown would make them up
  const { ref, width } = useElementSize()
  const columns = width > 0 && width <= narrowest ? narrowColumns : wideColumns
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [toggle] = useState(() => (id: string) => {
    setOpen(before => {
      const after = new Set(before)
      if (!after.delete(id)) after.add(id)
      return after
    })
  })
  return (
    <div ref={ref} className={classes.frame}>
      <VirtualTable label="Calls" head={head} columns={columns} rows={rows} keyOf={row => row.id} height={50} more={more}>
        {call => <Row call={call} open={open.has(call.id)} toggle={toggle} columns={columns} ofOne={ofOne} />}
      </VirtualTable>
    </div>
  )
}
