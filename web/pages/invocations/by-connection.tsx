import { useMemo, useState } from 'react'
import { Button } from '@mantine/core'
import type { InvocationBucket, InvocationQuery } from '../../../sdk/index.ts'
import { countOf, durationOf, shareOf, sumOf, useCallSummary } from '../../parts/call-summary.ts'
import classes from './invocations.module.css'

const shownAtFirst = 6

const grouped = (rows: readonly InvocationBucket[]) => {
  const groups = new Map<string | null, InvocationBucket[]>()
  for (const row of rows) groups.set(row.connection, [...(groups.get(row.connection) ?? []), row])
  return [...groups].map(([connection, own]) => ({ connection, ...sumOf(own) })).sort((a, b) => b.calls - a.calls)
}

interface Shown {
  readonly query: InvocationQuery
  readonly hours: number
  readonly onChoose: (connection: string) => void
}

/** Calls, errors and durations of each connection in the same hours, the busiest first; absent while there is only one. */
export const ByConnection = ({ query, hours, onChoose }: Shown) => {
  const summary = useCallSummary(query, hours)
  const [all, setAll] = useState(false)
  const rows = useMemo(() => grouped(summary.data?.rows ?? []), [summary.data])
  if (rows.length < 2) return null
  return (
    <div className={classes.byConnection}>
      <table className={classes.sums} aria-label="By connection">
        <thead>
          <tr>
            <th scope="col">Connection</th>
            {['Calls', 'Errors', 'p50', 'p95'].map(term => (
              <th key={term} scope="col" className={classes.number}>
                {term}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(all ? rows : rows.slice(0, shownAtFirst)).map(row => (
            <tr key={row.connection ?? ''}>
              <th scope="row">
                {row.connection === null ? (
                  <span className={classes.none}>No connection</span>
                ) : (
                  <button
                    type="button"
                    className={`outside ${classes.choose}`}
                    title={`Only ${row.connection}`}
                    onClick={() => row.connection !== null && onChoose(row.connection)}
                  >
                    {row.connection}
                  </button>
                )}
              </th>
              <td className={`tabular ${classes.number}`}>{countOf(row.calls)}</td>
              <td className={`tabular ${classes.number} ${row.errors > 0 ? classes.failing : ''}`}>{shareOf(row)}</td>
              <td className={`tabular ${classes.number}`}>{durationOf(row.p50)}</td>
              <td className={`tabular ${classes.number}`}>{durationOf(row.p95)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shownAtFirst && (
        <Button variant="subtle" size="xs" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Fewer' : `All ${rows.length}`}
        </Button>
      )}
    </div>
  )
}
