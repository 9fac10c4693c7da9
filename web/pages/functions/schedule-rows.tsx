import { ActionIcon, Switch } from '@mantine/core'
import { IconPencil, IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { patchbay } from '../../client.ts'
import { TextLink } from '../../parts/links.tsx'
import { tellProblem } from '../../parts/problem.tsx'
import { Time } from '../../parts/time.tsx'
import type { WrittenSchedule } from './function-queries.ts'
import { meaningOf } from './schedule-form.tsx'
import classes from './schedules.module.css'

interface Rows {
  readonly schedules: readonly WrittenSchedule[]
  /** With the function's name, where they are of several. */
  readonly named: boolean
  /** Left out where they are only looked at. */
  readonly onEdit?: (schedule: WrittenSchedule) => void
  readonly onDelete?: (schedule: WrittenSchedule) => void
}

/** Schedules with what they mean, when they run next and ran last. */
export const ScheduleRows = ({ schedules, named, onEdit, onDelete }: Rows) => (
  <table className={classes.table} aria-label="Schedules">
    <thead>
      <tr>
        <th scope="col">{named ? 'Function' : 'When'}</th>
        <th scope="col" className={classes.timeHead}>
          Next run
        </th>
        <th scope="col" className={`${classes.timeHead} ${classes.wide}`}>
          Last run
        </th>
        {onEdit && (
          <th scope="col" className={classes.actionHead}>
            <span className={classes.unseen}>Change</span>
          </th>
        )}
      </tr>
    </thead>
    <tbody>
      {schedules.map(one => (
        <Row key={one.id} one={one} named={named} {...(onEdit && { onEdit })} {...(onDelete && { onDelete })} />
      ))}
    </tbody>
  </table>
)

interface One extends Omit<Rows, 'schedules'> {
  readonly one: WrittenSchedule
}

const Row = ({ one, named, onEdit, onDelete }: One) => {
  const queries = useQueryClient()
  const meaning = meaningOf(one.cron, one.time_zone)
  const [namespace = '', name = ''] = one.function.split('.')
  const words = meaning.kind === 'right' ? meaning.words : one.cron
  const toggle = useMutation({
    mutationFn: (enabled: boolean) => patchbay.functions.editSchedule(one.id, { enabled }),
    onError: tellProblem,
    onSettled: () => queries.invalidateQueries({ queryKey: ['functions', 'schedules'] }),
  })
  return (
    <tr>
      <td>
        {named && (
          <div>
            <TextLink
              to="/functions/$namespace/$name"
              params={{ namespace, name }}
              search={{ part: 'schedules' }}
              className="outside"
              ff="monospace"
              underline="hover"
              fz="inherit"
            >
              {one.function}
            </TextLink>
          </div>
        )}
        <div>{words}</div>
        <div className={classes.quiet}>
          <code>{one.cron}</code> {one.time_zone}
        </div>
        {one.missed > 0 && (
          <div className={classes.missed}>
            {one.missed === 1 ? 'One run was missed' : `${one.missed} runs were missed`}: nothing ran at their time.
          </div>
        )}
      </td>
      <td>{one.enabled ? <Time at={one.next_run} never="No more" /> : <span className={classes.quiet}>Paused</span>}</td>
      <td className={classes.wide}>
        <Time at={one.last_run} />
      </td>
      {onEdit && (
        <td>
          <div className={classes.actions}>
            <Switch
              size="sm"
              aria-label={`Runs: ${words}`}
              checked={toggle.isPending ? toggle.variables : one.enabled}
              onChange={event => toggle.mutate(event.currentTarget.checked)}
            />
            <ActionIcon variant="subtle" color="gray" aria-label={`Edit: ${words}`} onClick={() => onEdit(one)}>
              <IconPencil size={16} />
            </ActionIcon>
            {onDelete && (
              <ActionIcon variant="subtle" color="gray" aria-label={`Delete: ${words}`} onClick={() => onDelete(one)}>
                <IconTrash size={16} />
              </ActionIcon>
            )}
          </div>
        </td>
      )}
    </tr>
  )
}
