import { IANAZone } from 'luxon'
import { namesDay, type Cron } from './cron.ts'

/*
 * How often a schedule would have run while nothing ran. Walking from one moment to the next with `nextAfter` takes seconds for a year of
 * minutes; here each day costs a comparison, and minutes are looked at on the first day, the last, and where the clocks moved.
 */

const minuteMs = 60_000
const dayMs = 86_400_000

/** Milliseconds that the clocks of a zone are ahead of UTC. */
const offsetAt = (zone: IANAZone, ms: number): number => zone.offset(ms) * minuteMs

/** A day on the clocks of a zone, counted from 1970-01-01, with what they are ahead of UTC before and after they may have moved on it. */
interface Day {
  readonly number: number
  readonly before: number
  readonly after: number
  /** When they moved; null: they did not. */
  readonly movedAt: number | null
}

/** The moment between `from` and `to` after which the offset is that of `to`, to the minute. */
function moveBetween(zone: IANAZone, from: number, to: number): number {
  const after = offsetAt(zone, to)
  let [low, high] = [Math.floor(from / minuteMs), Math.ceil(to / minuteMs)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(zone, middle * minuteMs) === after) high = middle
    else low = middle
  }
  return high * minuteMs
}

function* daysFrom(zone: IANAZone, first: number, last: number): Generator<Day> {
  let number = Math.floor((first + offsetAt(zone, first)) / dayMs)
  let before = offsetAt(zone, number * dayMs - offsetAt(zone, first) - 1)
  for (; number * dayMs - before <= last; number += 1) {
    const [start, end] = [number * dayMs - before - 1, (number + 1) * dayMs - before - 1]
    const after = offsetAt(zone, end)
    yield { number, before, after, movedAt: before === after ? null : moveBetween(zone, start, end) }
    before = after
  }
}

/** As `nextAfter` has it: what the clocks skip is as much later as they are moved, what they repeat is its first. */
function momentOf({ before, after, movedAt }: Day, clock: number): number {
  return movedAt === null || clock - before < movedAt || clock - after < movedAt ? clock - before : clock - after
}

/**
 * The moments of a schedule after `after`, up to and including `until`: how many, and the last of them; null when there is none.
 * A day on which the clocks move twice is counted as if they moved once.
 */
export function pastMoments(
  cron: Cron,
  zoneName: string,
  after: Date,
  until: Date,
): { readonly count: number; readonly last: Date | null } {
  const zone = IANAZone.create(zoneName)
  const [from, to] = [after.getTime(), until.getTime()]
  const minutesOfDay = [...cron.hours].flatMap(hour => [...cron.minutes].map(minute => hour * 60 + minute)).sort((a, b) => a - b)
  let count = 0
  let last: number | null = null
  for (const day of daysFrom(zone, from, to)) {
    const date = new Date(day.number * dayMs)
    if (!cron.months.has(date.getUTCMonth() + 1) || !namesDay(cron, date.getUTCDate(), date.getUTCDay())) continue
    const start = day.number * dayMs
    if (day.movedAt === null && start - day.before > from && start + dayMs - day.before <= to) {
      count += minutesOfDay.length
      last = start + (minutesOfDay.at(-1) ?? 0) * minuteMs - day.before
      continue
    }
    const moments = new Set(minutesOfDay.map(minute => momentOf(day, start + minute * minuteMs)).filter(ms => ms > from && ms <= to))
    count += moments.size
    if (moments.size > 0) last = Math.max(last ?? 0, ...moments)
  }
  return { count, last: last === null ? null : new Date(last) }
}
