import { Button, Select } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { runStatuses, type LoggedRun, type RunQuery } from '../../../sdk/index.ts'
import { pageOf, patchbay } from '../../client.ts'
import { durationOf } from '../../parts/call-summary.ts'
import { TextLink } from '../../parts/links.tsx'
import { Empty, RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Time } from '../../parts/time.tsx'
import { VirtualTable } from '../../parts/virtual-table.tsx'
import { workWords } from './argument-values.ts'
import { pathOf, type FunctionPath } from './function-queries.ts'
import { RunDetails } from './run-details.tsx'
import { doorWords, RunStatus, statusWords } from './run-status.tsx'
import classes from './run-log.module.css'

export type RunFilter = Pick<RunQuery, 'status' | 'door'>

interface Shown {
  /** Null: of every function. */
  readonly path: FunctionPath | null
  /** Kept elsewhere, such as in the URL; here when left out. */
  readonly filter?: RunFilter
  readonly onFilter?: (filter: RunFilter) => void
}

const statuses = runStatuses.map(value => ({ value, label: statusWords[value] }))
const doors = [
  { value: 'editor', label: 'In the console' },
  { value: 'api', label: 'By the API' },
  { value: 'schedule', label: 'By a schedule' },
  { value: 'public', label: 'From outside' },
] as const

/** Runs, the newest first; each opens in a drawer. */
export const RunLog = ({ path, filter: given, onFilter }: Shown) => {
  const [own, setOwn] = useState<RunFilter>({})
  const filter = given ?? own
  const change = onFilter ?? setOwn
  const [opened, setOpened] = useState<string | null>(null)
  const { status, door } = filter
  const list = useInfiniteQuery({
    queryKey: ['functions', 'runs', path && pathOf(path), { status, door }],
    queryFn: ({ pageParam }) => {
      const query = { status, door, limit: 100, cursor: pageParam }
      return pageOf(path ? patchbay.functions.runs(path.namespace, path.name, query) : patchbay.functions.allRuns(query))
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: last => last.next_cursor ?? undefined,
    refetchInterval: 15_000,
  })
  const rows = list.data?.pages.flatMap(page => page.data) ?? []
  const more = list.hasNextPage && !list.isFetchingNextPage && !list.isFetchNextPageError ? () => list.fetchNextPage() : undefined
  const filtered = status !== undefined || door !== undefined
  return (
    <>
      <div className={classes.filters} role="group" aria-label="Filters">
        <Select
          aria-label="How it ended"
          placeholder="However it ended"
          data={statuses}
          value={status ?? null}
          clearable
          onChange={value => change({ door, status: statuses.find(one => one.value === value)?.value })}
        />
        <Select
          aria-label="How it was started"
          placeholder="However it was started"
          data={doors}
          value={door ?? null}
          clearable
          onChange={value => change({ status, door: doors.find(one => one.value === value)?.value })}
        />
      </div>
      {list.error && <ProblemNote error={list.error} retry={() => (list.isFetchNextPageError ? list.fetchNextPage() : list.refetch())} />}
      {list.isPending ? (
        <RowsLoading />
      ) : rows.length > 0 ? (
        <VirtualTable label="Runs" head={head} columns={4} rows={rows} keyOf={row => row.id} height={57} more={more}>
          {run => <Row run={run} named={path === null} onOpen={() => setOpened(run.id)} />}
        </VirtualTable>
      ) : (
        list.data &&
        (filtered ? (
          <Empty
            action={
              <Button variant="default" onClick={() => change({})}>
                Clear the filters
              </Button>
            }
          >
            No run is like that.
          </Empty>
        ) : (
          <Empty>
            No runs yet. Every run is listed here, with what it was given, and a moment after its end with what it said and gave back.
          </Empty>
        ))
      )}
      {more && (
        <Button variant="subtle" fullWidth mt="sm" onClick={() => void more()}>
          Older runs
        </Button>
      )}
      {opened !== null && <RunDetails id={opened} onClose={() => setOpened(null)} />}
    </>
  )
}

const head = (
  <>
    <th scope="col" className={classes.statusHead}>
      Status
    </th>
    <th scope="col">Run</th>
    <th scope="col" className={classes.workHead}>
      Work
    </th>
    <th scope="col" className={classes.openHead}>
      <span className={classes.unseen}>Details</span>
    </th>
  </>
)

interface One {
  readonly run: LoggedRun
  readonly named: boolean
  readonly onOpen: () => void
}

const Row = ({ run, named, onOpen }: One) => {
  const [namespace = '', name = ''] = run.function.split('.')
  return (
    <tr className={classes.row}>
      <td>
        <RunStatus status={run.status} />
        <div className={classes.quiet}>
          <Time at={run.started_at} />
        </div>
      </td>
      <td>
        {named && (
          <div className={classes.name}>
            <TextLink to="/functions/$namespace/$name" params={{ namespace, name }} className="outside" underline="hover" fz="inherit">
              {run.function}
            </TextLink>
          </div>
        )}
        <div className={`outside ${named ? classes.quiet : ''}`}>
          {run.user?.name ?? (run.user === null ? 'Nobody' : 'Somebody who has gone')}, {doorWords[run.door]}
        </div>
        {run.error !== null && (
          <div className={`outside ${classes.error}`} title={run.error.message}>
            {run.error.line > 0 && `Line ${run.error.line}: `}
            {run.error.message}
          </div>
        )}
      </td>
      <td className={`tabular ${classes.quiet}`}>
        {run.status !== 'running' && (
          <>
            {durationOf(run.duration_ms)}
            <div>{workWords(run)}</div>
          </>
        )}
      </td>
      <td>
        <Button variant="default" size="xs" onClick={onOpen} aria-label={`Details of the run of ${run.function}, ${run.started_at}`}>
          Details
        </Button>
      </td>
    </tr>
  )
}
