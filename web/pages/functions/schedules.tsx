import { Button, Modal } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DelugeFunction } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Empty, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote, tellDone } from '../../parts/problem.tsx'
import { everyScheduleQuery, pathOf, type WrittenSchedule } from './function-queries.ts'
import { ScheduleForm } from './schedule-form.tsx'
import { ScheduleRows } from './schedule-rows.tsx'
import classes from './schedules.module.css'

type Asked =
  { readonly kind: 'form'; readonly schedule: WrittenSchedule | null } | { readonly kind: 'delete'; readonly schedule: WrittenSchedule }

/** When a function runs by itself. */
export const Schedules = ({ one }: { readonly one: DelugeFunction }) => {
  const queries = useQueryClient()
  const schedules = useQuery({ ...everyScheduleQuery, refetchInterval: 30_000 })
  const [asked, setAsked] = useState<Asked | null>(null)
  const own = (schedules.data ?? []).filter(schedule => schedule.function.toLowerCase() === pathOf(one).toLowerCase())
  const changed = async () => {
    setAsked(null)
    await queries.invalidateQueries({ queryKey: everyScheduleQuery.queryKey })
  }
  const add = (
    <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setAsked({ kind: 'form', schedule: null })}>
      Add a schedule
    </Button>
  )
  return (
    <>
      {schedules.error && <ProblemNote error={schedules.error} retry={() => schedules.refetch()} />}
      {schedules.isPending ? (
        <RowsLoading rows={3} />
      ) : own.length === 0 ? (
        schedules.data && (
          <Empty action={add}>
            It has no schedule. One runs it as {one.owner.name ?? 'its owner'}, without a login user: it uses connections that everybody
            calls with one account.
          </Empty>
        )
      ) : (
        <>
          <div className={classes.bar}>
            <span className={`outside ${classes.lead}`}>Runs as {one.owner.name ?? 'its owner'}, without a login user.</span>
            {add}
          </div>
          <ScheduleRows
            schedules={own}
            named={false}
            onEdit={schedule => setAsked({ kind: 'form', schedule })}
            onDelete={schedule => setAsked({ kind: 'delete', schedule })}
          />
        </>
      )}
      <Modal
        opened={asked?.kind === 'form'}
        onClose={() => setAsked(null)}
        title={asked?.schedule ? 'Edit the schedule' : 'Add a schedule'}
        size="lg"
      >
        {asked?.kind === 'form' && (
          <ScheduleForm
            one={one}
            schedule={asked.schedule}
            onCancel={() => setAsked(null)}
            onDone={() => {
              tellDone('Saved.')
              void changed()
            }}
          />
        )}
      </Modal>
      <Confirm
        title="Delete the schedule?"
        verb="Delete"
        opened={asked?.kind === 'delete'}
        onClose={() => setAsked(null)}
        onConfirm={async () => {
          if (asked?.kind !== 'delete') return
          await patchbay.functions.deleteSchedule(asked.schedule.id)
          await changed()
          tellDone('Deleted.')
        }}
      >
        The function no longer runs at these times. Runs that there were stay in the log.
      </Confirm>
    </>
  )
}
