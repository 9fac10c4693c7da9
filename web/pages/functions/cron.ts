/* Cron expressions, for a form to say what it means before it is stored; the server's word counts. Five fields as in crontab(5). */

interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly names: readonly string[]
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const fields: readonly Field[] = [
  { name: 'minute', least: 0, most: 59, names: [] },
  { name: 'hour', least: 0, most: 23, names: [] },
  { name: 'day of month', least: 1, most: 31, names: [] },
  { name: 'month', least: 1, most: 12, names: monthNames },
  { name: 'day of week', least: 0, most: 7, names: dayNames },
]

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

export interface Cron {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly days: readonly number[]
  readonly months: readonly number[]
  readonly weekdays: readonly number[]
  /** Whether `*` stood there: when both days are restricted, either counts. */
  readonly anyDay: boolean
  readonly anyWeekday: boolean
}

function numberIn(text: string, { name, least, most, names }: Field): number {
  const named = names.indexOf(text.toLowerCase())
  const value = named >= 0 ? named + (least === 1 ? 1 : 0) : /^\d{1,2}$/.test(text) ? Number(text) : NaN
  if (!(value >= least && value <= most)) throw new Error(`“${text}” is no ${name}: it is from ${least} to ${most}.`)
  return value
}

function valuesOf(text: string, field: Field): number[] {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const [range = '', step, more] = part.split('/')
    const by = step === undefined ? 1 : /^[1-9]\d?$/.test(step) && more === undefined ? Number(step) : NaN
    if (Number.isNaN(by)) throw new Error(`“${part}”: a step is a number from 1 to 99.`)
    const [first = '', last] = range.split('-')
    const from = range === '*' ? field.least : numberIn(first, field)
    const to = range === '*' || (last === undefined && step !== undefined) ? field.most : last === undefined ? from : numberIn(last, field)
    if (to < from) throw new Error(`“${part}”: the range runs backwards.`)
    for (let value = from; value <= to; value += by) values.add(field.name === 'day of week' ? value % 7 : value)
  }
  return [...values].sort((a, b) => a - b)
}

/** @throws Error with a sentence about the field that is wrong */
export function parseCron(text: string): Cron {
  const parts = (nicknames[text.trim().toLowerCase()] ?? text.trim()).split(/\s+/)
  if (parts.length !== 5) throw new Error('A schedule has five fields: minute, hour, day of month, month, day of week.')
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = fields.map((field, index) =>
    valuesOf(parts[index] ?? '', field),
  )
  return { minutes, hours, days, months, weekdays, anyDay: parts[2] === '*', anyWeekday: parts[4] === '*' }
}

const two = (value: number): string => String(value).padStart(2, '0')
const longDays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const longMonths = 'January February March April May June July August September October November December'.split(' ')
const and = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`

const timesOf = ({ minutes, hours }: Cron): string => {
  if (minutes.length === 60 && hours.length === 24) return 'Every minute'
  if (hours.length === 24) {
    const step = minutes.length > 1 ? (minutes[1] ?? 0) - (minutes[0] ?? 0) : 0
    if (step > 0 && minutes[0] === 0 && 60 % step === 0 && minutes.length === 60 / step) return `Every ${step} minutes`
    return `Every hour at minute ${and(minutes.map(String))}`
  }
  if (minutes.length * hours.length <= 6) return `At ${and(hours.flatMap(hour => minutes.map(minute => `${two(hour)}:${two(minute)}`)))}`
  const between = `between ${two(hours[0] ?? 0)}:00 and ${two(hours.at(-1) ?? 23)}:59`
  return minutes.length === 60
    ? `Every minute ${between}`
    : `At ${minutes.length} ${minutes.length === 1 ? 'minute' : 'minutes'} of the hours ${hours.map(two).join(', ')}`
}

const daysOf = ({ days, weekdays, anyDay, anyWeekday }: Cron): string => {
  const named =
    weekdays.join() === '1,2,3,4,5'
      ? 'Monday to Friday'
      : weekdays.join() === '0,6'
        ? 'Saturday and Sunday'
        : and(weekdays.map(day => longDays[day] ?? ''))
  const ofWeek = anyWeekday ? '' : `on ${named}`
  const ofMonth = anyDay ? '' : `on the ${and(days.map(day => `${day}.`))} of the month`
  if (ofWeek !== '' && ofMonth !== '') return `${ofMonth}, and ${ofWeek}`
  return ofWeek || ofMonth || 'every day'
}

/** "At 09:00 on Monday to Friday." */
export function cronWords(cron: Cron): string {
  const months = cron.months.length === 12 ? '' : `, in ${and(cron.months.map(month => longMonths[month - 1] ?? ''))}`
  const times = timesOf(cron)
  const days = daysOf(cron)
  return `${times}${days === 'every day' && times.startsWith('Every') ? '' : ` ${days}`}${months}.`
}

/** Wall-clock time of a zone, in milliseconds as if it were UTC. */
function wallTime(at: number, format: Intl.DateTimeFormat): number {
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  return Date.UTC(part.year ?? 0, (part.month ?? 1) - 1, part.day ?? 1, part.hour ?? 0, part.minute ?? 0, part.second ?? 0)
}

const dayMs = 86_400_000
const daysAhead = 366

/** The next times that it names, in a zone; fewer when there are fewer in a year. @throws RangeError for a zone that does not exist */
export function nextRuns(cron: Cron, zone: string, after: number, count: number): Date[] {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const runs: Date[] = []
  const today = Math.floor(wallTime(after, format) / dayMs) * dayMs
  for (let day = today; day < today + daysAhead * dayMs; day += dayMs) {
    const date = new Date(day)
    if (!cron.months.includes(date.getUTCMonth() + 1)) continue
    const ofMonth = cron.days.includes(date.getUTCDate())
    const ofWeek = cron.weekdays.includes(date.getUTCDay())
    if (cron.anyDay || cron.anyWeekday ? !(ofMonth && ofWeek) : !(ofMonth || ofWeek)) continue
    for (const hour of cron.hours)
      for (const minute of cron.minutes) {
        const wall = day + hour * 3_600_000 + minute * 60_000
        // twice: the first guess may lie on the other side of a change of the clocks
        const guess = wall - (wallTime(wall, format) - wall)
        const at = wall - (wallTime(guess, format) - guess)
        if (at <= after || runs.at(-1)?.getTime() === at) continue
        runs.push(new Date(at))
        if (runs.length >= count) return runs
      }
  }
  return runs
}
