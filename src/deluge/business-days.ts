import type { Context } from './builtins/define.ts'
import { day, dayNumber, hour, localOf, minute, momentOf, weekdayOf, zoneOf } from './calendar.ts'
import { parseDate, weekdayNames } from './dates.ts'
import { Failure } from './failure.ts'
import { kindOf, type DateTime, type Value } from './value.ts'

/** How far business days are counted: about 270 years. It bounds the work of one call. */
const mostDays = 100_000

/** Which days nobody works on. Days are numbered from 1970 on the wall calendar. */
export interface WorkingDays {
  /** Seven places from Sunday. */
  readonly weekend: readonly boolean[]
  readonly holidays: ReadonlySet<number>
}

/** 0 for Sunday. Full names and their first three letters, in any case. Throws `Failure` for anything else. */
export function weekdayNamed(name: string): number {
  const wanted = name.trim().toLowerCase()
  const found = weekdayNames.findIndex(weekday => weekday.toLowerCase() === wanted || weekday.slice(0, 3).toLowerCase() === wanted)
  if (found < 0) throw new Failure('A day of the week is written as "Sunday" or "Sun".')
  return found
}

/** The elements of a list of days however it was given; null when it was left out. */
function elementsOf(value: Value | undefined): readonly Value[] | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value.trim() === '' ? [] : value.split(',')
  if (typeof value !== 'object') return [value]
  if (value.kind === 'collection') return elementsOf(value.content)
  if (value.kind === 'map') return [...value.entries.values()]
  return value.kind === 'list' ? value.items : [value]
}

function holidayOf({ surroundings }: Context, value: Value): number {
  const date = typeof value === 'string' ? parseDate(surroundings, value) : value
  if (kindOf(date) !== 'date') throw new Failure('UnParsable date')
  return dayNumber(localOf(zoneOf(surroundings), (date as DateTime).ms))
}

/** Weekends as names of weekdays, Saturday and Sunday when left out; holidays as dates. Lists, collections, comma-separated text. */
export function workingDays(context: Context, weekends: Value | undefined, holidays: Value | undefined): WorkingDays {
  const names = elementsOf(weekends) ?? ['Saturday', 'Sunday']
  const closed = names.map(name => {
    if (typeof name !== 'string') throw new Failure('A day of the week is written as "Sunday" or "Sun".')
    return weekdayNamed(name)
  })
  const weekend = weekdayNames.map((_, index) => closed.includes(index))
  return { weekend, holidays: new Set((elementsOf(holidays) ?? []).map(holiday => holidayOf(context, holiday))) }
}

export const worksOn = ({ weekend, holidays }: WorkingDays, number: number): boolean =>
  weekend[weekdayOf(number * day)] === false && !holidays.has(number)

const tooManyDays = () => new Failure(`Business days are counted up to ${String(mostDays)}.`)

function checkCount(days: WorkingDays, count: number): void {
  if (Math.abs(count) > mostDays) throw tooManyDays()
  if (count !== 0 && !days.weekend.includes(false)) throw new Failure('Every day of the week is a weekend: there is no business day.')
}

/** The date that many business days later, or earlier; without a time, which does not count. */
export function addBusinessDays(context: Context, date: DateTime, count: number, days: WorkingDays): DateTime {
  checkCount(days, count)
  const zone = zoneOf(context.surroundings)
  const step = Math.sign(count)
  let number = dayNumber(localOf(zone, date.ms))
  for (let left = Math.abs(count); left > 0;) {
    number += step
    if (worksOn(days, number)) left -= 1
  }
  return { kind: 'date', ms: momentOf(zone, number * day), hasTime: false }
}

/** The business days from one date to another, both included; none when the end is before the start. */
export function businessDaysBetween(context: Context, start: DateTime, end: DateTime, days: WorkingDays): DateTime[] {
  const zone = zoneOf(context.surroundings)
  const last = dayNumber(localOf(zone, end.ms))
  const found: DateTime[] = []
  if (!days.weekend.includes(false)) return found
  for (let number = dayNumber(localOf(zone, start.ms)); number <= last; number += 1) {
    if (!worksOn(days, number)) continue
    context.meter.itemsOf(found.length + 1)
    found.push({ kind: 'date', ms: momentOf(zone, number * day), hasTime: false })
  }
  return found
}

/** Business days from one date to another: the end counts, the start does not. Negative when the end is before the start. */
export function countBusinessDays(context: Context, start: DateTime, end: DateTime, days: WorkingDays): number {
  const zone = zoneOf(context.surroundings)
  const first = dayNumber(localOf(zone, start.ms))
  const last = dayNumber(localOf(zone, end.ms))
  if (Math.abs(last - first) > mostDays) throw tooManyDays()
  const step = Math.sign(last - first)
  let count = 0
  for (let number = first; number !== last;) {
    number += step
    if (worksOn(days, number)) count += step
  }
  return count
}

/** When business opens and closes, in milliseconds of the wall clock from midnight. */
export interface BusinessHours {
  readonly open: number
  readonly close: number
}

/** "10", 10, "10:30" or "17:30:00"; null when it is none of these. */
function clockOf(value: Value): number | null {
  if (typeof value === 'object' && value?.kind === 'time') return value.seconds * 1000
  const found = /^(\d{1,2})(?::(\d{1,2})(?::\d{1,2})?)?$/.exec(typeof value === 'object' ? '' : String(value).trim())
  if (found === null) return null
  const clock = Number(found[1]) * hour + Number(found[2] ?? 0) * minute
  return clock > day ? null : clock
}

/** `{"start":"10","end":"17"}`; from 9 to 17 when left out, as the language's page says. */
export function businessHours(value: Value | undefined): BusinessHours {
  if (value === undefined || value === null) return { open: 9 * hour, close: 17 * hour }
  const map = typeof value === 'object' && value.kind === 'collection' ? value.content : value
  if (typeof map === 'object' && map.kind === 'map') {
    const open = clockOf(map.entries.get('start') ?? null)
    const close = clockOf(map.entries.get('end') ?? null)
    if (open !== null && close !== null && open < close) return { open, close }
  }
  throw new Failure('Business hours are written as {"start":"9","end":"17"}, the end after the start.')
}

/** The moment that much business time later, or earlier. `duration` is in milliseconds. */
export function addBusinessTime(
  context: Context,
  date: DateTime,
  duration: number,
  days: WorkingDays,
  { open, close }: BusinessHours,
): DateTime {
  const whole = Math.ceil(Math.abs(duration) / (close - open))
  checkCount(days, whole)
  if (duration === 0) return { ...date, hasTime: true }
  const zone = zoneOf(context.surroundings)
  const local = localOf(zone, date.ms)
  const forward = duration > 0
  let number = dayNumber(local)
  let clock = local - number * day
  let left = Math.abs(duration)
  for (;;) {
    if (worksOn(days, number)) {
      const from = forward ? Math.max(clock, open) : Math.min(clock, close)
      const available = forward ? close - from : from - open
      if (left <= available) return { kind: 'date', ms: momentOf(zone, number * day + from + (forward ? left : -left)), hasTime: true }
      left -= Math.max(available, 0)
    }
    number += forward ? 1 : -1
    clock = forward ? 0 : day
  }
}
