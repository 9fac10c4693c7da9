import { DateTime } from 'luxon'

/**
 * Cron expressions as crontab(5) has them: minute, hour, day of month, month, day of week; `*`, lists, ranges, steps, names of months and
 * days, 7 for Sunday, and `@hourly @daily @weekly @monthly @yearly`. When day of month and day of week are both restricted, either counts.
 *
 * Read here and not by cron-parser (4.9 and 5.10): that runs what the clocks repeat twice, loses what they skip where they move by half an
 * hour (4.9: a skipped midnight as well), and takes "" and four fields for schedules.
 */
export interface Cron {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  /** Whether `*` stood there. */
  readonly anyDay: boolean
  readonly anyWeekday: boolean
}

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly names: readonly string[]
}

const fields: readonly Field[] = [
  { name: 'minute', least: 0, most: 59, names: [] },
  { name: 'hour', least: 0, most: 23, names: [] },
  { name: 'day of month', least: 1, most: 31, names: [] },
  { name: 'month', least: 1, most: 12, names: monthNames },
  { name: 'day of week', least: 0, most: 7, names: dayNames },
]

function numberIn(text: string, { name, least, most, names }: Field): number {
  const named = names.indexOf(text.toLowerCase())
  const value = named >= 0 ? named + (least === 1 ? 1 : 0) : /^\d{1,2}$/.test(text) ? Number(text) : NaN
  if (!(value >= least && value <= most)) throw new Error(`"${text.slice(0, 20)}" is no ${name}: it is from ${least} to ${most}.`)
  return value
}

function setOf(text: string, field: Field): Set<number> {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const [range = '', step, more] = part.split('/')
    const by = step === undefined ? 1 : /^[1-9]\d?$/.test(step) && more === undefined ? Number(step) : NaN
    if (Number.isNaN(by)) throw new Error(`"${part.slice(0, 20)}": a step is a number from 1 to 99.`)
    const [first = '', last, further] = range.split('-')
    if (further !== undefined) throw new Error(`"${part.slice(0, 20)}": a range has two ends.`)
    const from = range === '*' ? field.least : numberIn(first, field)
    const to = range === '*' || (last === undefined && step !== undefined) ? field.most : last === undefined ? from : numberIn(last, field)
    if (to < from) throw new Error(`"${part.slice(0, 20)}": the range runs backwards.`)
    for (let value = from; value <= to; value += by) values.add(field.name === 'day of week' ? value % 7 : value)
  }
  return values
}

/** @throws Error with a sentence about the field that is wrong */
export function parseCron(text: string): Cron {
  const whole = nicknames[text.trim().toLowerCase()] ?? text.trim()
  const parts = whole.split(/\s+/)
  if (parts.length !== 5 || whole.length > 200)
    throw new Error('A schedule has five fields: minute, hour, day of month, month, day of week, such as "0 9 * * mon-fri".')
  const [minutes, hours, days, months, weekdays] = fields.map((field, i) => setOf(parts[i] ?? '', field)) as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ]
  return { minutes, hours, days, months, weekdays, anyDay: parts[2] === '*', anyWeekday: parts[4] === '*' }
}

/** A leap day that has to be a Monday comes once in 28 years. */
const yearsAhead = 30

/** Whether the schedule names this day of its month; `ofWeek` from 0 for Sunday. */
export function namesDay(cron: Cron, ofMonth: number, ofWeek: number): boolean {
  const day = cron.days.has(ofMonth)
  const weekday = cron.weekdays.has(ofWeek)
  if (cron.anyDay || cron.anyWeekday) return day && weekday
  return day || weekday
}

/** The first time that this is on the clocks; one that they skip is as much later as they are moved. */
function firstOf(local: DateTime): DateTime {
  return DateTime.min(local, ...local.getPossibleOffsets()) ?? local
}

/**
 * The first minute after `after` that the schedule names, in this zone. A time that the clocks skip is run when they have been moved, as
 * much later; one that comes twice is its first (as Debian's cron does for fixed times).
 * @returns null when there is none in thirty years ("31 February")
 */
export function nextAfter(cron: Cron, zone: string, after: Date): Date | null {
  const start = DateTime.fromJSDate(after, { zone })
  const hours = [...cron.hours].sort((a, b) => a - b)
  const minutes = [...cron.minutes].sort((a, b) => a - b)
  for (let day = start.startOf('day'); day.year <= start.year + yearsAhead; day = day.plus({ days: 1 }).startOf('day')) {
    if (!cron.months.has(day.month)) {
      day = day.endOf('month').startOf('day')
      continue
    }
    if (!namesDay(cron, day.day, day.weekday % 7)) continue
    // where the clocks move, a time that they skip may come after one that is later on them
    const inOrder = day.offset === day.endOf('day').offset
    // each moment that is looked at costs: those before `after` are not
    const from = inOrder && day.hasSame(start, 'day') ? start.hour * 60 + start.minute : 0
    const past = (minuteOfDay: number) => minuteOfDay < from
    let first: DateTime | null = null
    for (const hour of hours)
      for (const minute of minutes) {
        if (past(hour * 60 + minute)) continue
        const at = firstOf(DateTime.fromObject({ year: day.year, month: day.month, day: day.day, hour, minute }, { zone }))
        if (at.toMillis() <= after.getTime() || (first !== null && at >= first)) continue
        if (inOrder) return at.toJSDate()
        first = at
      }
    if (first !== null) return first.toJSDate()
  }
  return null
}
