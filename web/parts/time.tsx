import { Tooltip } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { serverNow } from '../clock.ts'

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'long' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
const sinceWords = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'long' })

const steps: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

/** The moment in the reader's own zone and words. */
export const exactTime = (instant: string): string => exact.format(new Date(instant))

/** "5 minutes ago", "in 41 minutes"; a date beyond thirty days. */
export const relativeTime = (instant: string, now: number): string => {
  const seconds = Math.round((new Date(instant).getTime() - now) / 1000)
  const away = Math.abs(seconds)
  if (away < 45) return seconds > 20 ? 'in a moment' : 'just now'
  if (away > 30 * 86_400) return day.format(new Date(instant))
  const [unit, size] = steps.find(([, least]) => away >= least * 0.75) ?? (['minute', 60] as const)
  return sinceWords.format(Math.sign(seconds) * Math.max(1, Math.round(away / size)), unit)
}

let now = serverNow()
const watching = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined

/** One clock for every time on the page. */
const watch = (listener: () => void) => {
  // the first answer has told the server's time by now
  if (watching.size === 0) now = serverNow()
  watching.add(listener)
  ticking ??= setInterval(() => {
    now = serverNow()
    for (const one of watching) one()
  }, 15_000)
  return () => {
    watching.delete(listener)
    if (watching.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }
}

export const useNow = (): number => useSyncExternalStore(watch, () => now)

/** A relative time; the exact one on hover and focus. */
export const Time = ({ at, never = 'never' }: { readonly at: string | null; readonly never?: string }) => {
  const current = useNow()
  if (at === null) return <span>{never}</span>
  return (
    <Tooltip label={exactTime(at)}>
      <time dateTime={at} tabIndex={0} className="tabular">
        {relativeTime(at, Math.max(current, serverNow() - 15_000))}
      </time>
    </Tooltip>
  )
}
