import { useQuery } from '@tanstack/react-query'
import { Empty, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { everyScheduleQuery } from './function-queries.ts'
import { ScheduleRows } from './schedule-rows.tsx'

/** What runs by itself in the organisation, the next first. */
export const EverySchedule = () => {
  const schedules = useQuery({ ...everyScheduleQuery, refetchInterval: 30_000 })
  return (
    <>
      {schedules.error && <ProblemNote error={schedules.error} retry={() => schedules.refetch()} />}
      {schedules.isPending ? (
        <RowsLoading />
      ) : schedules.data && schedules.data.length > 0 ? (
        <ScheduleRows schedules={schedules.data} named />
      ) : (
        schedules.data && <Empty>Nothing runs by itself. A schedule is added on the page of its function.</Empty>
      )}
    </>
  )
}
