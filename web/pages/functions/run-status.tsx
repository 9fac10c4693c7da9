import { IconAlertTriangle, IconBolt, IconCheck, IconPlayerPlay, IconX } from '@tabler/icons-react'
import classes from './run-status.module.css'

export const statusWords = {
  running: 'Running',
  success: 'Succeeded',
  failure: 'Failed',
  interrupted: 'Interrupted',
  missed: 'Missed',
} as const
const marks = { running: IconPlayerPlay, success: IconCheck, failure: IconX, interrupted: IconBolt, missed: IconAlertTriangle } as const

export type RunStatusName = keyof typeof statusWords

/** Where a run is, or how it ended, as a mark and a word. */
export const RunStatus = ({ status }: { readonly status: RunStatusName }) => {
  const Mark = marks[status]
  return (
    <span className={`${classes.status} ${classes[status]}`}>
      <Mark size={14} aria-hidden />
      {statusWords[status]}
    </span>
  )
}

export const doorWords = { editor: 'in the console', api: 'by the API', schedule: 'by a schedule', public: 'from outside' } as const
