import { dateOnly, dayOfYear, localOf, momentOf, nowAt, partsOf, todayAt, weekdayOf, weekOfYear, zoneOf, type Parts } from '../calendar.ts'
import { weekdayNamed } from '../business-days.ts'
import { formatDate, parseDate, parseTime } from '../dates.ts'
import { digitsOf, isNumeric } from '../arithmetic.ts'
import { Failure } from '../failure.ts'
import { dateText } from '../text.ts'
import { kindNames, kindOf, type DateTime, type Time, type Value } from '../value.ts'
import { dateMoves } from './date-moves.ts'
import { dateSpans } from './date-spans.ts'
import { builtin, type Builtin, type Builtins, type Context } from './define.ts'

const localAt = ({ surroundings }: Context, date: DateTime): number => localOf(zoneOf(surroundings), date.ms)

const part = (name: keyof Parts, doc: string, aliases: readonly string[], example: Readonly<Record<string, string>>): Builtin =>
  builtin({
    doc,
    takes: ['date'],
    gives: 'number',
    aliases,
    examples: example,
    run: (context, date) => partsOf(localAt(context, date))[name],
  })

/**
 * A date or moment from what scripts have: text by a pattern or in any accepted format, milliseconds since 1970, a date. The pattern counts
 * for text only. A time of day, where one is asked for and the text is only that, stays a TIME.
 */
function moment({ surroundings }: Context, value: Value, pattern: string | undefined, timeZone: string | undefined): DateTime {
  if (value === null) throw new Failure('Null value occurred')
  if (typeof value === 'string') {
    const text = value.trim()
    // Milliseconds that came as text. Eight digits may be a day; twelve to fourteen are none.
    if (pattern === undefined && /^\d{12,14}$/.test(text)) return nowAt(Number(text))
    const date = parseDate(surroundings, text, pattern, timeZone)
    if (date !== null) return date
    throw new Failure(pattern === undefined ? 'UnParsable date' : `UnParsable date: it is not written as "${pattern}"`)
  }
  if (isNumeric(value)) {
    const ms = digitsOf(value).trunc().toNumber()
    // Throws for a moment nobody can write.
    return nowAt(momentOf(zoneOf(surroundings, 'UTC'), ms))
  }
  if (typeof value === 'object' && value.kind === 'date') return value
  throw new Failure(`${kindNames[kindOf(value)]} can not be cast to 'DATE-TIME'`)
}

function withTime(context: Context, value: Value, pattern: string | undefined, timeZone: string | undefined): DateTime | Time {
  if (typeof value === 'object' && value?.kind === 'time') return value
  // "12:30" is a time when somebody asks for one, though a literal needs its seconds.
  const time = typeof value === 'string' && pattern === undefined ? (parseTime(value) ?? parseTime(`${value.trim()}:00`)) : null
  return time ?? { ...moment(context, value, pattern, timeZone), hasTime: true }
}

export const dateTime: Builtins = {
  ...dateMoves,
  ...dateSpans,
  day: part('day', 'The day of the month, from 1.', ['getDay'], { "'08-Jan-2019'.getDay()": '8', "'15-Mar-2019'.day()": '15' }),
  month: part('month', 'The month, from 1.', ['getMonth'], { "'15-Mar-2019'.getMonth()": '3', "'15-Mar-2019'.month()": '3' }),
  getYear: part('year', 'The year.', ['year'], { "'15-Mar-2019'.getYear()": '2019' }),
  hour: part('hour', 'The hour, 0 to 23.', ['getHour'], { "'15-Mar-2019 15:04:05'.getHour()": '15', "'15-Mar-2019'.hour()": '0' }),
  minute: part('minute', 'The minute, 0 to 59.', ['getMinutes', 'getMinute'], {
    "'15-Mar-2019 15:04:05'.getMinutes()": '4',
    "'15-Mar-2019 15:04:05'.minute()": '4',
  }),
  second: part('second', 'The second, 0 to 59.', ['getSeconds', 'getSecond'], {
    "'15-Mar-2019 15:04:05'.getSeconds()": '5',
    "'15-Mar-2019 15:04:05'.second()": '5',
  }),
  weekday: builtin({
    doc: 'The day of the week: 1 is Sunday, 7 Saturday.',
    takes: ['date'],
    gives: 'number',
    aliases: ['getDayOfWeek'],
    examples: { "'15-Mar-2019'.weekday()": '6', "'17-Mar-2019'.getDayOfWeek()": '1' },
    run: (context, date) => weekdayOf(localAt(context, date)) + 1,
  }),
  getDayOfYear: builtin({
    doc: 'The day of the year, from 1.',
    takes: ['date'],
    gives: 'number',
    examples: { "'31-Dec-2020'.getDayOfYear()": '366', "'07-Feb-2021'.getDayOfYear()": '38' },
    run: (context, date) => dayOfYear(localAt(context, date)),
  }),
  getWeekOfYear: builtin({
    doc: 'The week of the year, from 1: the week with 1 January. Weeks start on Sunday unless another day is named.',
    takes: ['date', 'text?'],
    gives: 'number',
    parameters: ['startDay'],
    examples: { "'7-Feb-2021'.getWeekOfYear()": '7', '\'7-Feb-2021\'.getWeekOfYear("Monday")': '6', "'1-Jan-2021'.getWeekOfYear()": '1' },
    run: (context, date, startDay) => weekOfYear(localAt(context, date), startDay === undefined ? 0 : weekdayNamed(startDay)),
  }),
  unixEpoch: builtin({
    doc: 'Milliseconds since 1970. With a time zone, the date and time are taken as they stand, in that zone; a zone that does not exist is GMT.',
    takes: ['date', 'text?'],
    gives: 'number',
    parameters: ['timeZone'],
    examples: {
      '\'03-Feb-2020 03:48:12\'.unixEpoch("GMT")': '1580701692000',
      '"03-Feb-2020 03:48:12".unixEpoch("Asia/Calcutta")': '1580681892000',
      'unixEpoch(\'03-Feb-2020 03:48:12\', "Nowhere")': '1580701692000',
      "'03-Feb-2020 03:48:12'.unixEpoch()": '1580730492000',
    },
    run: (context, date, timeZone) =>
      timeZone === undefined ? date.ms : momentOf(zoneOf(context.surroundings, timeZone), localAt(context, date)),
  }),
  toLong: builtin({
    doc: 'Milliseconds since 1970.',
    takes: ['date'],
    gives: 'number',
    aliases: ['toNumber', 'getTime'],
    examples: {
      "'2020-02-03T03:48:12Z'.toTime().toLong()": '1580701692000',
      "'2020-02-03T03:48:12Z'.toTime().getTime()": '1580701692000',
    },
    run: (_, date) => date.ms,
  }),
  toDate: builtin({
    doc: 'A date without a time: from text, by a pattern or in any accepted format; from milliseconds since 1970; or from a date with a time.',
    takes: ['any', 'text?', 'text?'],
    gives: 'date',
    parameters: ['pattern', 'timeZone'],
    aliases: ['getDate', 'dateValue'],
    examples: {
      'toDate("01,11,2019 1:30:00 pm","MM,d,yyyy")': "'11-Jan-2019'",
      '"2019-01-11".toDate()': "'11-Jan-2019'",
      '"05-20-13".toDate()': "'20-May-2013'",
      "'01-Jan-2019 15:00:00'.toDate()": "'01-Jan-2019'",
      '1000.toDate()': "'31-Dec-1969'",
      '"15-03-19".toDate("dd-MM-yyyy").getYear()': '19',
      '"15-03-19".toDate("dd-MM-yy").getYear()': '2019',
      '"31-Feb-2019".toDate()': 'error: UnParsable date',
      '"2019-01-11".toDate("dd/MM/yyyy")': 'error: UnParsable date: it is not written as "dd/MM/yyyy"',
      '{1,2}.toDate()': "error: LIST can not be cast to 'DATE-TIME'",
      'toDate(null)': 'error: Null value occurred',
    },
    run: (context, value, pattern, timeZone) => dateOnly(context.surroundings, moment(context, value, pattern, timeZone).ms),
  }),
  toTime: builtin({
    doc: 'A date with its time: from text, by a pattern or in any accepted format, in a time zone; from milliseconds since 1970; or from a date. Text with only a time of day gives a TIME.',
    takes: ['any', 'text?', 'text?'],
    gives: 'date',
    parameters: ['pattern', 'timeZone'],
    aliases: ['toDateTime', 'getDateTime'],
    examples: {
      'toTime("01,11,2019 01:30:00 pm","MM,d,yyyy hh:mm:ss a","Europe/Moscow")': "'11-Jan-2019 02:30:00'",
      '"2020-12-09T17:25:24-07:00".toTime()': "'09-Dec-2020 16:25:24'",
      '"Aug 21, 2013 16:04:37".toTime()': "'21-Aug-2013 16:04:37'",
      "'01-Jan-2019'.toDateTime()": "'01-Jan-2019 00:00:00'",
      '1580701692000.toTime()': "'02-Feb-2020 19:48:12'",
      '"13:15:10".toTime()': "'13:15:10'",
      '"12:30".toTime()': "'12:30:00'",
      '"01-Jan-2019 25:10:10".toTime()': "'01-Jan-2019 00:00:00'",
      '"soon".toTime()': 'error: UnParsable date',
    },
    run: withTime,
  }),
  toDateTimeString: builtin({
    doc: 'A date, text with a date or milliseconds since 1970, written by a pattern in a time zone. Names are English.',
    takes: ['any', 'text?', 'text?'],
    gives: 'text',
    parameters: ['pattern', 'timeZone'],
    examples: {
      '1580701692000.toDateTimeString("yyyy-MM-dd HH:mm:ss","GMT")': '"2020-02-03 03:48:12"',
      '"2020-02-03T03:48:12Z".toDateTimeString("dd MMM yyyy, h a","Asia/Kolkata")': '"03 Feb 2020, 9 AM"',
      "'03-Feb-2020'.toDateTimeString()": '"03-Feb-2020 00:00:00"',
    },
    run: (context, value, pattern, timeZone) => {
      const date = moment(context, value, undefined, undefined)
      return formatDate(context.surroundings, date, pattern ?? `${context.surroundings.dateFormat} HH:mm:ss`, timeZone)
    },
  }),
  toString: builtin({
    doc: 'The date as text: in the format of the organisation, or by a pattern (yyyy, MM, MMM, dd, EEE, HH, hh, mm, ss, a, Z, XXX; text between single quotes), in a time zone.',
    takes: ['date', 'text?', 'text?'],
    gives: 'text',
    parameters: ['pattern', 'timeZone'],
    aliases: ['toText', 'text'],
    examples: {
      "'15-Mar-2019 15:04:05'.toString(\"MMM dd, yy 'at' hh:mm:ss, E\")": '"Mar 15, 19 at 03:04:05, Fri"',
      '\'15-Mar-2019\'.toString("yyyy-MM-dd")': '"2019-03-15"',
      '\'15-Mar-2019\'.toString("YYYY-MM-dd")': '"2019-03-15"',
      '\'15-Mar-2019\'.toString("dd/MM/yyyy")': '"15/03/2019"',
      "'15-Mar-2019 15:04:05'.toString(\"yyyy-MM-dd'T'HH:mm:ss\")": '"2019-03-15T15:04:05"',
      "'15-Mar-2019 15:04:05'.toString(\"yyyy-MM-dd'T'HH:mm:ssXXX\")": '"2019-03-15T15:04:05-07:00"',
      '\'15-Mar-2019 15:04:05\'.toString("HH:mm:ss","GMT-04:00")': '"18:04:05"',
      "'1-Mar-2019'.toString()": '"01-Mar-2019"',
      "'1-Mar-2019 10:00:00'.toString()": '"01-Mar-2019 10:00:00"',
      '\'1-Mar-2019\'.toString("yyyy-MM-ddThh")': 'error: put text between single quotes',
    },
    run: ({ surroundings }, date, pattern, timeZone) => {
      if (pattern === undefined) return dateText(surroundings, date)
      return formatDate(surroundings, date, pattern, timeZone)
    },
  }),
  now: builtin({
    doc: 'The date and time of now.',
    takes: [],
    gives: 'date',
    examples: { 'now()': "'15-Jan-2026 10:30:00'" },
    run: ({ chance }) => nowAt(chance.now()),
  }),
  today: builtin({
    doc: 'The date of today.',
    takes: [],
    gives: 'date',
    examples: { 'today()': "'15-Jan-2026'", 'today().addDay(1)': "'16-Jan-2026 00:00:00'" },
    run: ({ surroundings, chance }) => todayAt(surroundings, chance.now()),
  }),
}
