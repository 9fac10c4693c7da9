import { useQuery } from '@tanstack/react-query'
import type { InvocationBucket, InvocationQuery } from '../../sdk/index.ts'
import { patchbay } from '../client.ts'
import { serverNow } from '../clock.ts'

/** Stretches of time that divide a day, so that bars begin at full minutes and hours. */
const bucketSizes = [60, 300, 600, 1800, 3600, 10_800, 21_600, 86_400] as const
const mostBars = 36

export const bucketSecondsFor = (hours: number): number => bucketSizes.find(size => (hours * 3600) / size <= mostBars) ?? 86_400

/** The server answers this many rows at most. */
export const mostRows = 5000

/** Calls, errors and durations of the last hours, asked for again every half minute. */
export const useCallSummary = (query: InvocationQuery, hours: number) => {
  const { connection, user, status } = query
  return useQuery({
    queryKey: ['invocations', 'summary', { connection, user, status }, hours],
    queryFn: async () => {
      const until = serverNow()
      const since = until - hours * 3_600_000
      const bucketSeconds = bucketSecondsFor(hours)
      const asked = { connection, user, status, since: new Date(since).toISOString(), bucket_seconds: bucketSeconds }
      const { data } = await patchbay.invocations.summary(asked)
      return { since, until, bucketSeconds, rows: data }
    },
    refetchInterval: 30_000,
  })
}

export interface Sum {
  readonly calls: number
  readonly errors: number
  /** Estimates: the p50 of the middle call's bucket, and the p95s weighted by calls. */
  readonly p50: number
  readonly p95: number
}

/** Several buckets as one. Percentiles of parts do not add up to the whole's, hence "about" wherever they are shown. */
export const sumOf = (rows: readonly InvocationBucket[]): Sum => {
  const calls = rows.reduce((sum, row) => sum + row.calls, 0)
  const errors = rows.reduce((sum, row) => sum + row.errors, 0)
  if (calls === 0) return { calls, errors, p50: 0, p95: 0 }
  const p95 = Math.round(rows.reduce((sum, row) => sum + row.p95_ms * row.calls, 0) / calls)
  let before = 0
  const middle = [...rows].sort((a, b) => a.p50_ms - b.p50_ms).find(row => (before += row.calls) * 2 >= calls)
  return { calls, errors, p50: middle?.p50_ms ?? 0, p95 }
}

export interface Bar extends Sum {
  /** Where the stretch begins, in milliseconds. */
  readonly at: number
}

/** One bar for each stretch of time, those without calls too. */
export const barsOf = (summary: { since: number; until: number; bucketSeconds: number; rows: readonly InvocationBucket[] }): Bar[] => {
  const size = summary.bucketSeconds * 1000
  const byStart = new Map<number, InvocationBucket[]>()
  for (const row of summary.rows) {
    const at = new Date(row.bucket).getTime()
    const before = byStart.get(at)
    if (before) before.push(row)
    else byStart.set(at, [row])
  }
  const bars: Bar[] = []
  for (let at = Math.floor(summary.since / size) * size; at <= summary.until; at += size) bars.push({ at, ...sumOf(byStart.get(at) ?? []) })
  return bars
}

const numbers = new Intl.NumberFormat()
const shares = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })
const seconds = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

export const countOf = (count: number): string => numbers.format(count)
export const shareOf = ({ calls, errors }: Pick<Sum, 'calls' | 'errors'>): string => shares.format(calls === 0 ? 0 : errors / calls)

/** "118 ms", "2.4 s". */
export const durationOf = (ms: number): string => (ms < 1000 ? `${numbers.format(ms)} ms` : `${seconds.format(ms / 1000)} s`)
