import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react'
import classes from './run-status.module.css'

const words = { success: 'Succeeded', failure: 'Failed', missed: 'Missed' } as const
const marks = { success: IconCheck, failure: IconX, missed: IconAlertTriangle } as const

export type RunStatusName = keyof typeof words

/** How a run ended, as a mark and a word. */
export const RunStatus = ({ status }: { readonly status: RunStatusName }) => {
  const Mark = marks[status]
  return (
    <span className={`${classes.status} ${classes[status]}`}>
      <Mark size={14} aria-hidden />
      {words[status]}
    </span>
  )
}

export const doorWords = { editor: 'in the console', api: 'by the API', schedule: 'by a schedule', public: 'from outside' } as const
