import { Skeleton, Tooltip } from '@mantine/core'
import { lazy, Suspense } from 'react'
import type { InvocationQuery } from '../../sdk/index.ts'
import { barsOf, countOf, durationOf, mostRows, shareOf, sumOf, useCallSummary, type Bar, type Sum } from './call-summary.ts'
import { ProblemNote } from './problem.tsx'
import classes from './calls-chart.module.css'

const CallsBars = lazy(() => import('./calls-bars.tsx').then(file => ({ default: file.CallsBars })))

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const dayAndClock = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

const labelFor =
  (hours: number, bucketSeconds: number) =>
  (at: number): string =>
    (bucketSeconds >= 86_400 ? day : hours > 24 ? dayAndClock : clock).format(at)

const spanWords = (hours: number): string =>
  hours === 1 ? 'hour' : hours % 24 === 0 && hours > 24 ? `${hours / 24} days` : `${hours} hours`

const Facts = ({ sum, cut }: { readonly sum: Sum; readonly cut: boolean }) => (
  <p className={`tabular ${classes.facts}`}>
    <span className={classes.fact}>
      <strong>{countOf(sum.calls)}</strong> {sum.calls === 1 ? 'call' : 'calls'}
    </span>
    <span className={`${classes.fact} ${sum.errors > 0 ? classes.errors : ''}`}>
      <strong>{shareOf(sum)}</strong> errors
    </span>
    <Tooltip label="Half of the calls took less. Estimated from the bars.">
      <span className={classes.fact} tabIndex={0}>
        p50 about <strong>{durationOf(sum.p50)}</strong>
      </span>
    </Tooltip>
    <Tooltip label="One call in twenty took longer. Estimated from the bars.">
      <span className={classes.fact} tabIndex={0}>
        p95 about <strong>{durationOf(sum.p95)}</strong>
      </span>
    </Tooltip>
    {cut && <span className={classes.fact}>Not everything: choose a connection or less time for the rest.</span>}
  </p>
)

/** What the bars show, for those who do not see them; stretches without calls are left out. */
const Spoken = ({ bars, labelOf }: { readonly bars: readonly Bar[]; readonly labelOf: (at: number) => string }) => (
  <div className={classes.spoken}>
    <table>
      <caption>Calls over time</caption>
      <thead>
        <tr>
          {['From', 'Calls', 'Errors', 'p50', 'p95'].map(head => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {bars
          .filter(bar => bar.calls > 0)
          .map(bar => (
            <tr key={bar.at}>
              <th scope="row">{labelOf(bar.at)}</th>
              <td>{bar.calls}</td>
              <td>{bar.errors}</td>
              <td>{durationOf(bar.p50)}</td>
              <td>{durationOf(bar.p95)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  </div>
)

interface Shown {
  /** `since` and `until` of it are left aside. */
  readonly query: InvocationQuery
  /** How far back, from now. */
  readonly hours: number
}

/** Calls and errors of the last hours as bars, with how many, how many failed, and how long they took in words. */
export const CallsChart = ({ query, hours }: Shown) => {
  const summary = useCallSummary(query, hours)
  if (!summary.data)
    return summary.error ? (
      <ProblemNote error={summary.error} retry={() => summary.refetch()} />
    ) : (
      <div role="status" aria-label="Loading the calls">
        <Skeleton height={16} width={280} mb={16} />
        <Skeleton height={150} />
      </div>
    )
  const { rows, bucketSeconds } = summary.data
  const labelOf = labelFor(hours, bucketSeconds)
  const bars = barsOf(summary.data)
  return (
    <div>
      {summary.error && <ProblemNote error={summary.error} retry={() => summary.refetch()} />}
      {rows.length === 0 ? (
        <p className={classes.none}>No calls in the last {spanWords(hours)}.</p>
      ) : (
        <>
          <Facts sum={sumOf(rows)} cut={rows.length >= mostRows} />
          <div aria-hidden="true">
            <Suspense fallback={<Skeleton height={150} />}>
              <CallsBars bars={bars} labelOf={labelOf} />
            </Suspense>
          </div>
          <Spoken bars={bars} labelOf={labelOf} />
        </>
      )}
    </div>
  )
}
