import { IconClockHour4, IconWorld } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { ListedFunction } from '../../../sdk/index.ts'
import { Time } from '../../parts/time.tsx'
import { categoryLabel } from './categories.ts'
import { RunStatus } from './run-status.tsx'
import classes from './functions.module.css'

interface Row {
  readonly one: ListedFunction
  readonly scheduled: boolean
}

/** One function of the list. */
export const FunctionRow = ({ one, scheduled }: Row) => {
  const { namespace, name, description, author, updated_at, last_run, exposure } = one
  const open = exposure.api_key || exposure.oauth
  return (
    <div className={classes.row} data-row>
      <div className={classes.texts}>
        <div className={classes.names}>
          <Link to="/functions/$namespace/$name" params={{ namespace, name }} className={`${classes.name} outside`} data-open>
            <span className={classes.namespace}>{namespace}.</span>
            {name}
          </Link>
          {open && (
            <span className={classes.badge}>
              <IconWorld size={13} aria-hidden />
              Open to the outside
            </span>
          )}
          {scheduled && (
            <span className={classes.badge}>
              <IconClockHour4 size={13} aria-hidden />
              Scheduled
            </span>
          )}
        </div>
        <div className={`${classes.description} outside`}>{description === '' ? categoryLabel(namespace) : description}</div>
      </div>
      <div className={classes.fact}>
        <span className={`${classes.person} outside`}>{author.name ?? 'Somebody who has gone'}</span>
        <Time at={updated_at} />
      </div>
      <div className={classes.fact}>
        {last_run === null ? (
          <span>Never run</span>
        ) : (
          <>
            <RunStatus status={last_run.status} />
            <Time at={last_run.at} />
          </>
        )}
      </div>
    </div>
  )
}
