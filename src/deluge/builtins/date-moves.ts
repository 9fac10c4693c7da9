import {
  addBusinessDays,
  addBusinessTime,
  businessDaysBetween,
  businessHours,
  countBusinessDays,
  weekdayNamed,
  workingDays,
} from '../business-days.ts'
import {
  checkedMoment,
  day,
  hour,
  localOf,
  localOfParts,
  minute,
  momentOf,
  partsOf,
  plusMonths,
  second,
  startOfDay,
  weekdayOf,
  zoneOf,
} from '../calendar.ts'
import { digitsOf } from '../arithmetic.ts'
import { listOf, type DateTime, type Numeric } from '../value.ts'
import { builtin, type Builtin, type Builtins, type Context } from './define.ts'

/** Changes the wall clock, so that a day later is the same time of day, whatever clocks did in between. */
export function moved({ surroundings }: Context, date: DateTime, change: (local: number) => number, hasTime: boolean): DateTime {
  const zone = zoneOf(surroundings)
  return { kind: 'date', ms: momentOf(zone, change(localOf(zone, date.ms))), hasTime }
}

/** A row that moves a date by a count of something. The result has a time, 00:00:00 for a date without one: so all of their pages show. */
const moves = (
  doc: string,
  parameter: string,
  examples: Readonly<Record<string, string>>,
  change: (local: number, count: number) => number,
): Builtin =>
  builtin({
    doc,
    takes: ['date', 'integer'],
    gives: 'date',
    parameters: [parameter],
    examples,
    run: (context, date, count) => moved(context, date, local => change(local, count), true),
  })

/** A row that adds elapsed time: an hour later is an hour later when clocks change, too. */
const elapses = (doc: string, parameter: string, examples: Readonly<Record<string, string>>, unit: number): Builtin =>
  builtin({
    doc,
    takes: ['date', 'integer'],
    gives: 'date',
    parameters: [parameter],
    examples,
    run: (_, date, count) => ({ kind: 'date', ms: checkedMoment(date.ms + count * unit), hasTime: true }),
  })

const firstOfMonth = (local: number): number => {
  const { year, month } = partsOf(local)
  return localOfParts(year, month, 1)
}

/**
 * Hours with minutes behind the point: 1.15 is 1 hour and 15 minutes, 0.1 one minute, as the language's page says. More than two places can
 * only be a computed fraction of an hour.
 */
function businessDuration(hours: Numeric): number {
  const digits = digitsOf(hours)
  const places = digits.decimalPlaces()
  if (places === 0 || places > 2) return Math.round(digits.toNumber() * hour)
  const whole = digits.trunc()
  return (
    whole.toNumber() * hour +
    digits
      .minus(whole)
      .times(10 ** places)
      .toNumber() *
      minute
  )
}

export const dateMoves: Builtins = {
  addDay: moves(
    'The date a number of days later; a negative number goes back. The time of day stays.',
    'days',
    {
      "'01-Jan-2019'.addDay(11)": "'12-Jan-2019 00:00:00'",
      "'01-Jan-2019 15:00:00'.addDay(40)": "'10-Feb-2019 15:00:00'",
      "'21-Jul-2021'.addDay(1)": "'22-Jul-2021 00:00:00'",
      "'01-Jan-2019'.addDay(-1)": "'31-Dec-2018 00:00:00'",
      "'09-Mar-2019 09:00:00'.addDay(1)": "'10-Mar-2019 09:00:00'",
      "'09-Mar-2019 02:30:00'.addDay(1)": "'10-Mar-2019 03:30:00'",
      'addDay("01-Jan-2019", 1)': "'02-Jan-2019 00:00:00'",
      "'01-Jan-2019'.addDay(9999999)": 'error: A date must lie in the years 1 to 9999.',
    },
    (local, count) => local + count * day,
  ),
  subDay: moves(
    'The date a number of days earlier.',
    'days',
    { "'01-Jan-2019'.subDay(1)": "'31-Dec-2018 00:00:00'", "'01-Jan-2019'.subDay(-1)": "'02-Jan-2019 00:00:00'" },
    (local, count) => local - count * day,
  ),
  addWeek: moves(
    'The date a number of weeks later.',
    'weeks',
    { "'01-Jan-2019'.addWeek(2)": "'15-Jan-2019 00:00:00'" },
    (local, count) => local + count * 7 * day,
  ),
  subWeek: moves(
    'The date a number of weeks earlier.',
    'weeks',
    { "'15-Jan-2019'.subWeek(2)": "'01-Jan-2019 00:00:00'" },
    (local, count) => local - count * 7 * day,
  ),
  addMonth: moves(
    'The same day a number of months later, or the last day of that month.',
    'months',
    {
      "'01-Jan-2019'.addMonth(11)": "'01-Dec-2019 00:00:00'",
      "'31-Jan-2019'.addMonth(1)": "'28-Feb-2019 00:00:00'",
      "'Aug 21, 2013 16:04:37'.toTime().addMonth(3)": "'21-Nov-2013 16:04:37'",
    },
    plusMonths,
  ),
  subMonth: moves(
    'The same day a number of months earlier, or the last day of that month.',
    'months',
    { "'31-Mar-2020'.subMonth(1)": "'29-Feb-2020 00:00:00'" },
    (local, count) => plusMonths(local, -count),
  ),
  addYear: moves(
    'The same day a number of years later.',
    'years',
    { "'29-Feb-2020'.addYear(1)": "'28-Feb-2021 00:00:00'", "'01-Jan-2019 15:00:00'.addYear(2)": "'01-Jan-2021 15:00:00'" },
    (local, count) => plusMonths(local, count * 12),
  ),
  subYear: moves(
    'The same day a number of years earlier.',
    'years',
    { "'01-Jan-2019'.subYear(2)": "'01-Jan-2017 00:00:00'" },
    (local, count) => plusMonths(local, -count * 12),
  ),
  addHour: elapses(
    'The moment a number of hours later.',
    'hours',
    {
      "'01-Jan-2019'.addHour(1)": "'01-Jan-2019 01:00:00'",
      "'10-Mar-2019 01:30:00'.addHour(1)": "'10-Mar-2019 03:30:00'",
    },
    hour,
  ),
  subHour: elapses('The moment a number of hours earlier.', 'hours', { "'01-Jan-2019'.subHour(1)": "'31-Dec-2018 23:00:00'" }, -hour),
  addMinutes: elapses(
    'The moment a number of minutes later.',
    'minutes',
    { "'01-Jan-2019 23:59:00'.addMinutes(2)": "'02-Jan-2019 00:01:00'", "'01-Jan-2019'.addMinutes(-1)": "'31-Dec-2018 23:59:00'" },
    minute,
  ),
  subMinutes: elapses(
    'The moment a number of minutes earlier.',
    'minutes',
    { "'01-Jan-2019'.subMinutes(1)": "'31-Dec-2018 23:59:00'" },
    -minute,
  ),
  addSeconds: elapses(
    'The moment a number of seconds later.',
    'seconds',
    { "'01-Jan-2019'.addSeconds(61)": "'01-Jan-2019 00:01:01'" },
    second,
  ),
  subSeconds: elapses(
    'The moment a number of seconds earlier.',
    'seconds',
    { "'01-Jan-2019'.subSeconds(1)": "'31-Dec-2018 23:59:59'" },
    -second,
  ),
  edate: builtin({
    doc: 'The date, without a time, a number of months later.',
    takes: ['date', 'integer'],
    gives: 'date',
    parameters: ['months'],
    examples: { "'01-Jan-2019'.edate(11)": "'01-Dec-2019'", "'01-Jan-2019 15:00:00'.edate(13)": "'01-Feb-2020'" },
    run: (context, date, months) => moved(context, date, local => startOfDay(plusMonths(local, months)), false),
  }),
  eomonth: builtin({
    doc: 'The last day of the month that is a number of months later.',
    takes: ['date', 'integer'],
    gives: 'date',
    parameters: ['months'],
    examples: { "'01-Jan-2019'.eomonth(1)": "'28-Feb-2019'", "'31-Jan-2020 15:00:00'.eomonth(-2)": "'30-Nov-2019'" },
    run: (context, date, months) => moved(context, date, local => plusMonths(firstOfMonth(local), months + 1) - day, false),
  }),
  toStartOfMonth: builtin({
    doc: 'The first day of the month.',
    takes: ['date'],
    gives: 'date',
    examples: { "'15-Mar-2019'.toStartOfMonth()": "'01-Mar-2019'", "'15-Mar-2019 10:00:00'.toStartOfMonth()": "'01-Mar-2019'" },
    run: (context, date) => moved(context, date, firstOfMonth, false),
  }),
  toStartOfWeek: builtin({
    doc: 'The first day of the week, Sunday unless another is named.',
    takes: ['date', 'text?'],
    gives: 'date',
    parameters: ['startDay'],
    examples: {
      "'15-Mar-2019'.toStartOfWeek()": "'10-Mar-2019'",
      "'10-Mar-2019'.toStartOfWeek()": "'10-Mar-2019'",
      '\'10-Mar-2019\'.toStartOfWeek("Monday")': "'04-Mar-2019'",
    },
    run: (context, date, startDay) => {
      const first = startDay === undefined ? 0 : weekdayNamed(startDay)
      return moved(context, date, local => startOfDay(local) - ((weekdayOf(local) - first + 7) % 7) * day, false)
    },
  }),
  nextWeekDay: builtin({
    doc: 'The next such day of the week, a week later when it is that day already.',
    takes: ['date', 'text'],
    gives: 'date',
    parameters: ['weekday'],
    examples: { '\'20-Jul-2021\'.nextWeekDay("Tuesday")': "'27-Jul-2021'", '\'20-Jul-2021\'.nextWeekDay("Wednesday")': "'21-Jul-2021'" },
    run: (context, date, name) => {
      const wanted = weekdayNamed(name)
      return moved(context, date, local => startOfDay(local) + ((wanted - weekdayOf(local) + 6) % 7) * day + day, false)
    },
  }),
  previousWeekDay: builtin({
    doc: 'The last such day of the week before, a week earlier when it is that day already.',
    takes: ['date', 'text'],
    gives: 'date',
    parameters: ['weekday'],
    examples: {
      '\'21-Jul-2021\'.previousWeekDay("Wednesday")': "'14-Jul-2021'",
      '\'21-Jul-2021\'.previousWeekDay("Tue")': "'20-Jul-2021'",
    },
    run: (context, date, name) => {
      const wanted = weekdayNamed(name)
      return moved(context, date, local => startOfDay(local) - ((weekdayOf(local) - wanted + 6) % 7) * day - day, false)
    },
  }),
  addBusinessDay: builtin({
    doc: 'The date a number of business days later. Weekends are Saturday and Sunday unless a list names others; holidays are a list of dates.',
    takes: ['date', 'integer', 'any?', 'any?'],
    gives: 'date',
    parameters: ['days', 'weekends', 'holidays'],
    aliases: ['workday'],
    examples: {
      "'15-Mar-2019'.addBusinessDay(1)": "'18-Mar-2019'",
      "'23-May-2020'.addBusinessDay(5, {\"Sunday\"}, {'25-May-2020'})": "'30-May-2020'",
      "'15-Mar-2019 10:00:00'.workday(-1)": "'14-Mar-2019'",
      '\'15-Mar-2019\'.addBusinessDay(1, {"Sunnday"})': 'error: A day of the week is written as "Sunday"',
      '\'15-Mar-2019\'.addBusinessDay(1, {"Sun","Mon","Tue","Wed","Thu","Fri","Sat"})': 'error: there is no business day',
    },
    run: (context, date, count, weekends, holidays) => addBusinessDays(context, date, count, workingDays(context, weekends, holidays)),
  }),
  subBusinessDay: builtin({
    doc: 'The date a number of business days earlier.',
    takes: ['date', 'integer', 'any?', 'any?'],
    gives: 'date',
    parameters: ['days', 'weekends', 'holidays'],
    examples: {
      "'21-Jul-2021'.subBusinessDay(5)": "'14-Jul-2021'",
      "'21-Jul-2021'.subBusinessDay(5, {\"Sunday\"}, {'20-Jul-2021','19-Jul-2021'})": "'13-Jul-2021'",
    },
    run: (context, date, count, weekends, holidays) => addBusinessDays(context, date, -count, workingDays(context, weekends, holidays)),
  }),
  addBusinessHour: builtin({
    doc: 'The moment a number of business hours later, or earlier for a negative number; 1.15 is an hour and 15 minutes. Business hours are 9 to 17 unless {"start":"10","end":"17"} is given.',
    takes: ['date', 'numeric', 'any?', 'any?', 'any?'],
    gives: 'date',
    parameters: ['hours', 'weekends', 'holidays', 'businessHours'],
    examples: {
      '\'1-Jan-2020 16:00:00\'.addBusinessHour(2, {"Saturday","Sunday"}, {\'2-Jan-2020\',\'3-Jan-2020\'}, {"start":"10","end":"17"})':
        "'06-Jan-2020 11:00:00'",
      "'15-Mar-2019 16:30:00'.addBusinessHour(1)": "'18-Mar-2019 09:30:00'",
      "'18-Mar-2019 09:30:00'.addBusinessHour(-1)": "'15-Mar-2019 16:30:00'",
      "'18-Mar-2019 07:00:00'.addBusinessHour(0.1)": "'18-Mar-2019 09:01:00'",
      '\'18-Mar-2019\'.addBusinessHour(1, null, null, {"start":"17","end":"9"})': 'error: Business hours are written as',
    },
    run: (context, date, hours, weekends, holidays, open) =>
      addBusinessTime(context, date, businessDuration(hours), workingDays(context, weekends, holidays), businessHours(open)),
  }),
  workDaysList: builtin({
    doc: 'The business days from one date to another, both included; none when the end is earlier.',
    takes: ['date', 'date', 'any?', 'any?'],
    gives: 'list',
    parameters: ['end', 'weekends', 'holidays'],
    examples: {
      "'15-Mar-2019'.workDaysList('19-Mar-2019')": "{'15-Mar-2019','18-Mar-2019','19-Mar-2019'}",
      "'15-Mar-2019'.workDaysList('18-Mar-2019', {\"Sunday\"}, {'18-Mar-2019'})": "{'15-Mar-2019','16-Mar-2019'}",
      "'15-Mar-2019'.workDaysList('14-Mar-2019').size()": '0',
    },
    run: (context, start, end, weekends, holidays) =>
      listOf(businessDaysBetween(context, start, end, workingDays(context, weekends, holidays))),
  }),
  workDaysBetween: builtin({
    doc: 'The number of business days from one date to another. The first date does not count; negative when the end is earlier.',
    takes: ['date', 'date', 'any?', 'any?'],
    gives: 'number',
    parameters: ['end', 'weekends', 'holidays'],
    examples: {
      "'15-Mar-2019'.workDaysBetween('19-Mar-2019')": '2',
      "'16-Mar-2019 18:00:00'.workDaysBetween('18-Mar-2019 09:00:00')": '1',
      "'15-Mar-2019'.workDaysBetween('19-Mar-2019', {\"Sunday\"}, {'18-Mar-2019'})": '2',
      "'19-Mar-2019'.workDaysBetween('15-Mar-2019')": '-2',
      "'15-Mar-2019'.workDaysBetween('15-Mar-2019')": '0',
      "'15-Mar-2019'.workDaysBetween('15-Mar-2419')": 'error: Business days are counted up to 100000.',
    },
    run: (context, start, end, weekends, holidays) => countBusinessDays(context, start, end, workingDays(context, weekends, holidays)),
  }),
}
