import { hour, localOf, minute, partsOf, second, zoneOf } from '../calendar.ts'
import { daysFrom } from '../dates.ts'
import { decimal, type DateTime } from '../value.ts'
import { builtin, type Builtin, type Builtins, type Context } from './define.ts'

/** `Math.trunc`, but never −0. */
const whole = (value: number): number => Math.trunc(value) + 0

/** Completed months on the calendar; the time of day does not count. Negative when the end is before the start. */
function completedMonths({ surroundings }: Context, start: DateTime, end: DateTime): number {
  const zone = zoneOf(surroundings)
  const from = partsOf(localOf(zone, start.ms))
  const to = partsOf(localOf(zone, end.ms))
  const months = (to.year - from.year) * 12 + to.month - from.month
  if (months > 0 && to.day < from.day) return months - 1
  return months < 0 && to.day > from.day ? months + 1 : months
}

const span = (
  doc: string,
  examples: Readonly<Record<string, string>>,
  measure: (context: Context, start: DateTime, end: DateTime) => number,
  aliases: readonly string[] = [],
): Builtin => builtin({ doc, takes: ['date', 'date'], gives: 'number', parameters: ['end'], aliases, examples, run: measure })

export const dateSpans: Builtins = {
  daysBetween: span(
    'Days from one date to another; the time of day does not count. Negative when the end is earlier.',
    {
      "daysBetween('1-Jan-2019', '31-Dec-2019')": '364',
      "'1-Jan-2020'.daysBetween('31-Dec-2020')": '365',
      "days360('31-Dec-1989', '01-Jan-1990')": '1',
      "'09-Mar-2019'.daysBetween('11-Mar-2019')": '2',
      "'02-Jan-2019'.daysBetween('01-Jan-2019')": '-1',
    },
    ({ surroundings }, start, end) => daysFrom(surroundings, start, end),
    ['days360'],
  ),
  hoursBetween: span(
    'Whole hours from one moment to another.',
    {
      "'18-Dec-2019 07:00:00'.hoursBetween('18-Dec-2019 08:59:59')": '1',
      "'18-Dec-2019 09:00:00'.hoursBetween('19-Dec-2019 10:00:00')": '25',
      "'09-Mar-2019 12:00:00'.hoursBetween('10-Mar-2019 12:00:00')": '23',
    },
    (_, start, end) => whole((end.ms - start.ms) / hour),
  ),
  monthsBetween: span(
    'Months of 30 days from one date to another.',
    {
      "'20-May-2013'.monthsBetween('20-Aug-2013')": '3',
      "monthsBetween('01-Feb-2020', '01-Mar-2020')": '0',
      "'20-Aug-2013'.monthsBetween('20-May-2013')": '-3',
    },
    ({ surroundings }, start, end) => whole(daysFrom(surroundings, start, end) / 30),
  ),
  yearsBetween: span(
    'Years of 365 days from one date to another.',
    {
      "yearsBetween('1-Jan-2020', '31-Dec-2020')": '1',
      "yearsBetween('1-Jan-2019', '31-Dec-2019')": '0',
      "'02-Jan-2020'.yearsBetween('01-Jan-2021')": '1',
    },
    ({ surroundings }, start, end) => whole(daysFrom(surroundings, start, end) / 365),
  ),
  monthsDiff: span(
    'Completed months on the calendar from one date to another.',
    {
      "monthsDiff('31-Dec-1989', '01-Jan-1990')": '0',
      "monthsDiff('31-Dec-1989', '01-Feb-1990')": '1',
      "'01-Feb-2020'.monthsDiff('01-Mar-2020')": '1',
      "'01-Feb-2019'.totalMonths('01-Mar-2019')": '1',
      "'01-Mar-2019'.totalMonth('02-Feb-2019')": '0',
    },
    completedMonths,
    ['totalMonth', 'totalMonths'],
  ),
  yearsDiff: span(
    'Completed years on the calendar from one date to another.',
    {
      "yearsDiff('1-Jan-2019', '31-Dec-2019')": '0',
      "'02-Jan-2020'.yearsDiff('01-Jan-2021')": '0',
      "'02-Jan-2020'.totalYears('02-Jan-2021')": '1',
      "'02-Jan-2020'.totalYear('02-Jan-2018')": '-2',
    },
    (context, start, end) => whole(completedMonths(context, start, end) / 12),
    ['totalYear', 'totalYears'],
  ),
  timeBetween: builtin({
    doc: 'Hours, minutes and seconds from one moment to another, separated by colons and without leading zeros.',
    takes: ['date', 'date'],
    gives: 'text',
    parameters: ['end'],
    examples: {
      "'18-Dec-2019 09:00:00'.timeBetween('19-Dec-2019 10:10:02')": '"25:10:2"',
      "'18-Dec-2019 09:00:01'.timeBetween('18-Dec-2019 09:00:00')": '"-0:0:1"',
    },
    run: (_, start, end) => {
      const span = Math.abs(end.ms - start.ms)
      const parts = [Math.floor(span / hour), Math.floor(span / minute) % 60, Math.floor(span / second) % 60]
      return (end.ms < start.ms ? '-' : '') + parts.join(':')
    },
  }),
  yearFraction: builtin({
    doc: 'Days from one date to another as a part of a year of 365 days.',
    takes: ['date', 'date'],
    gives: 'decimal',
    parameters: ['end'],
    examples: {
      "'17-Jan-2019'.yearFraction('29-Jan-2019')": '0.03287671232876712',
      "'29-Jan-2019'.yearFraction('17-Jan-2019')": '-0.03287671232876712',
    },
    run: ({ surroundings }, start, end) => decimal(daysFrom(surroundings, start, end) / 365),
  }),
}
