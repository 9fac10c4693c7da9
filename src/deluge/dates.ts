import type { Zone } from 'luxon'
import {
  daysInMonth,
  dayNumber,
  dayOfYear,
  hour,
  localOf,
  localOfParts,
  minute,
  momentOf,
  offsetAt,
  partsOf,
  second,
  weekdayOf,
  weekOfYear,
  zoneNamed,
  zoneOf,
} from './calendar.ts'
import { Failure } from './failure.ts'
import type { Surroundings } from './host.ts'
import type { DateTime, Time } from './value.ts'

export const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const
export const weekdayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const

/** A run of one pattern letter, or text that stands for itself (`count` 0). */
interface Token {
  readonly letter: string
  readonly count: number
}

const patterns = new Map<string, readonly Token[]>()
const patternMaximum = 200
const knownLetters = 'GyYMLwWDdFEuaHkKhmsSzZX'

/** SimpleDateFormat: runs of letters, `'text'`, `''` for one quote; everything else stands for itself. */
function tokensOf(pattern: string): readonly Token[] {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  if (pattern.length > patternMaximum) throw new Failure(`A date pattern may have ${String(patternMaximum)} characters at most.`)
  const tokens: Token[] = []
  for (const [part, quoted, letter] of pattern.matchAll(/'((?:[^']|'')*)'?|([A-Za-z])\2*|[^A-Za-z']+/g)) {
    if (quoted !== undefined) tokens.push({ letter: quoted === '' ? "'" : quoted.replaceAll("''", "'"), count: 0 })
    else if (letter === undefined) tokens.push({ letter: part, count: 0 })
    else if (knownLetters.includes(letter)) tokens.push({ letter, count: part.length })
    else throw new Failure(`A date pattern has no letter "${letter}": put text between single quotes.`)
  }
  if (patterns.size >= 200) patterns.clear()
  patterns.set(pattern, tokens)
  return tokens
}

/** Why a pattern is none, as a sentence, or null: for settings, before scripts meet it. */
export function datePatternFault(pattern: string): string | null {
  try {
    tokensOf(pattern)
    return null
  } catch (error) {
    return error instanceof Failure ? error.message : String(error)
  }
}

const padded = (value: number, length: number): string => String(value).padStart(length, '0')

/** "-08:00", "-0800" or "-08". */
function offsetText(offset: number, separator: string, hoursOnly = false): string {
  const minutes = Math.abs(Math.trunc(offset / minute))
  const hours = `${offset < 0 ? '-' : '+'}${padded(Math.floor(minutes / 60), 2)}`
  return hoursOnly ? hours : `${hours}${separator}${padded(minutes % 60, 2)}`
}

function fieldText({ letter, count }: Token, local: number, zone: Zone): string {
  const parts = partsOf(local)
  switch (letter) {
    case 'G':
      return 'AD'
    // Written by mistake for yyyy more often than meant as the year of the week (§3.9).
    case 'Y':
    case 'y':
      return count === 2 ? padded(parts.year % 100, 2) : padded(parts.year, count)
    case 'L':
    case 'M': {
      const name = monthNames[parts.month - 1] ?? ''
      return count > 3 ? name : count === 3 ? name.slice(0, 3) : padded(parts.month, count)
    }
    case 'w':
      return padded(weekOfYear(local, 0), count)
    case 'W':
      return padded(Math.floor((parts.day - 1 + weekdayOf(localOfParts(parts.year, parts.month, 1))) / 7) + 1, count)
    case 'D':
      return padded(dayOfYear(local), count)
    case 'd':
      return padded(parts.day, count)
    case 'F':
      return padded(Math.floor((parts.day - 1) / 7) + 1, count)
    case 'E': {
      const name = weekdayNames[weekdayOf(local)] ?? ''
      return count > 3 ? name : name.slice(0, 3)
    }
    case 'u':
      return padded(weekdayOf(local) || 7, count)
    case 'a':
      return parts.hour < 12 ? 'AM' : 'PM'
    case 'H':
      return padded(parts.hour, count)
    case 'k':
      return padded(parts.hour || 24, count)
    case 'K':
      return padded(parts.hour % 12, count)
    case 'h':
      return padded(parts.hour % 12 || 12, count)
    case 'm':
      return padded(parts.minute, count)
    case 's':
      return padded(parts.second, count)
    case 'S':
      return padded(parts.millisecond, count)
    default:
      return zoneText(letter, count, local, zone)
  }
}

function zoneText(letter: string, count: number, local: number, zone: Zone): string {
  const ms = momentOf(zone, local)
  const offset = offsetAt(zone, ms)
  if (letter === 'Z') return offsetText(offset, '')
  if (letter === 'X') return offset === 0 ? 'Z' : offsetText(offset, count === 3 ? ':' : '', count === 1)
  if (zone.type === 'fixed') return offset === 0 ? 'GMT' : `GMT${offsetText(offset, ':')}`
  return zone.offsetName(ms, { format: count > 3 ? 'long' : 'short', locale: 'en-US' }) ?? zone.name
}

/**
 * A date by a SimpleDateFormat pattern ("yyyy-MM-dd'T'HH:mm:ssXXX"), in the organisation's zone or another. Throws `Failure` on a letter
 * that is none. The result is at most about ten times as long as the pattern, which is bounded.
 */
export function formatDate(surroundings: Surroundings, date: DateTime, pattern: string, timeZone?: string): string {
  const zone = zoneOf(surroundings, timeZone)
  const local = localOf(zone, date.ms)
  let text = ''
  for (const token of tokensOf(pattern)) text += token.count === 0 ? token.letter : fieldText(token, local, zone)
  return text
}

/** A time of day by a pattern. */
export function formatTime(time: Time, pattern = 'HH:mm:ss'): string {
  const local = time.seconds * second
  let text = ''
  for (const token of tokensOf(pattern)) {
    if (token.count > 0 && !'aHkKhmsS'.includes(token.letter)) throw new Failure(`A time of day has no "${token.letter}".`)
    text += token.count === 0 ? token.letter : fieldText(token, local, utc)
  }
  return text
}

const utc = zoneNamed('UTC') as Zone

export interface DateParts {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour?: number
  readonly minute?: number
  readonly second?: number
  readonly millisecond?: number
  readonly hasTime: boolean
}

/**
 * A date from its parts, in the organisation's zone or another; null when the month or the day does not exist. Hours, minutes or seconds
 * that do not exist become zero, with everything smaller: so the language's pages say of date-time values.
 */
export function dateOfParts(surroundings: Surroundings, parts: DateParts, timeZone?: string | Zone): DateTime | null {
  const { year, month, day: date, hasTime } = parts
  if (year < 1 || year > 9999 || month < 1 || month > 12 || date < 1 || date > daysInMonth(year, month)) return null
  const zone = typeof timeZone === 'object' ? timeZone : zoneOf(surroundings, timeZone)
  const hours = parts.hour !== undefined && parts.hour < 24 ? parts.hour : 0
  const minutes = parts.minute !== undefined && hours === (parts.hour ?? 0) && parts.minute < 60 ? parts.minute : 0
  const wholeMinute = hours === (parts.hour ?? 0) && minutes === (parts.minute ?? 0)
  const seconds = wholeMinute && parts.second !== undefined && parts.second < 60 ? parts.second : 0
  const milliseconds = wholeMinute && seconds === (parts.second ?? 0) ? (parts.millisecond ?? 0) : 0
  return { kind: 'date', ms: momentOf(zone, localOfParts(year, month, date, hours, minutes, seconds, milliseconds)), hasTime }
}

/** Two digits: 70 to 99 are in the twentieth century. */
const fullYear = (digits: string): number => (digits.length > 2 ? Number(digits) : Number(digits) + (Number(digits) >= 70 ? 1900 : 2000))

/** The 1-based number of a month written as "Mar" or "march", or 0. */
function monthNamed(word: string): number {
  const wanted = word.toLowerCase()
  if (wanted === 'sept') return 9
  return monthNames.findIndex(name => name.toLowerCase() === wanted || name.slice(0, 3).toLowerCase() === wanted) + 1
}

const zonePattern = /^(?:Z|(?:GMT|UTC)?[+-]\d{2}:?\d{2}|(?:GMT|UTC)?[+-]\d{1,2}|[A-Za-z]{2,5}(?:\/[A-Za-z_]+)*)/

interface Read {
  readonly date: DateTime | null
  /** What the pattern did not reach. */
  readonly rest: string
}

/** Reads by a pattern, from the left; what follows is left over, as SimpleDateFormat does. Null when a field is not there. */
function readPattern(surroundings: Surroundings, text: string, pattern: string, timeZone?: string): Read | null {
  const tokens = tokensOf(pattern)
  const fields = { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0, hasTime: false }
  let afternoon: boolean | null = null
  let zone: Zone | undefined
  let yearDay = 0
  let at = text.length - text.trimStart().length
  for (const [index, { letter, count }] of tokens.entries()) {
    if (count === 0) {
      for (const character of letter) {
        if (character === ' ') while (text[at] === ' ') at += 1
        else if (text[at] === character) at += 1
        else return null
      }
      continue
    }
    while (text[at] === ' ') at += 1
    const rest = text.slice(at, at + 60)
    const words = /^[A-Za-z]+/.exec(rest)?.[0] ?? ''
    if (letter === 'a' || letter === 'E' || letter === 'G' || ((letter === 'M' || letter === 'L') && count > 2)) {
      const word = letter === 'a' ? words.slice(0, 2) : words
      if (letter === 'a') {
        if (!/^[ap]m$/i.test(word)) return null
        afternoon = word.toLowerCase() === 'pm'
      } else if (letter === 'M' || letter === 'L') fields.month = monthNamed(word)
      if (word === '' || fields.month === 0) return null
      at += word.length
      continue
    }
    if (letter === 'z' || letter === 'Z' || letter === 'X') {
      const name = zonePattern.exec(rest)?.[0]
      const found = name === undefined ? null : zoneNamed(name)
      if (name === undefined || found === null) return null
      zone = found
      at += name.length
      continue
    }
    // Numbers that touch have the widths the pattern gives them: yyyyMMdd.
    const touches = (tokens[index + 1]?.count ?? 0) > 0
    const digits = (touches ? new RegExp(`^\\d{${String(count)}}`) : /^\d{1,9}/).exec(rest)?.[0]
    if (digits === undefined) return null
    at += digits.length
    const value = Number(digits)
    if ('HkKhmsS'.includes(letter)) fields.hasTime = true
    if (letter === 'y' || letter === 'Y') fields.year = count === 2 && digits.length === 2 ? fullYear(digits) : value
    else if (letter === 'M' || letter === 'L') fields.month = value
    else if (letter === 'd') fields.day = value
    else if (letter === 'D') yearDay = value
    else if (letter === 'H' || letter === 'K') fields.hour = value
    else if (letter === 'k' || letter === 'h') fields.hour = value === (letter === 'k' ? 24 : 12) ? 0 : value
    else if (letter === 'm') fields.minute = value
    else if (letter === 's') fields.second = value
    else if (letter === 'S') fields.millisecond = value
  }
  if (afternoon === true && fields.hour < 12) fields.hour += 12
  if (yearDay > 0) {
    if (yearDay > 365 + (daysInMonth(fields.year, 2) - 28)) return null
    const { month, day } = partsOf(localOfParts(fields.year, 1, yearDay))
    Object.assign(fields, { month, day })
  }
  return { date: dateOfParts(surroundings, fields, zone ?? timeZone), rest: text.slice(at) }
}

interface Clock {
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
  readonly zone: Zone | null
}

const clockPattern = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?(?:\s*([ap])\.?m\.?)?(?:\s*\(?([A-Za-z+-][\w:+/-]*)\)?)?$/i

/** "16:04:37", "1:30 pm", "10:00:00.000+05:30"; null when it is anything else. */
function readClock(text: string): Clock | null {
  const found = clockPattern.exec(text)
  if (found === null) return null
  const [, hours = '', minutes = '', seconds = '0', fraction = '', half, zoneName] = found
  const zone = zoneName === undefined ? null : zoneNamed(zoneName)
  if (zoneName !== undefined && zone === null) return null
  let value = Number(hours)
  if (half !== undefined && value <= 12) value = (value % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
  return { hour: value, minute: Number(minutes), second: Number(seconds), millisecond: Number(fraction.padEnd(3, '0').slice(0, 3)), zone }
}

/** `'13:15:10'`, `'06:00:00 PM'`, `'6:30 PM'`: a time of day. Without seconds it must say AM or PM: `'16:09'` is more often a text. */
export function parseTime(text: string): Time | null {
  const found = /^(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([ap]m))?$/i.exec(text.trim())
  if (found === null || (found[3] === undefined && found[4] === undefined)) return null
  const clock = readClock(text.trim())
  if (clock === null || clock.hour > 23 || clock.minute > 59 || clock.second > 59) return null
  return { kind: 'time', seconds: (clock.hour * hour + clock.minute * minute) / second + clock.second }
}

/** Whether the organisation writes numeric dates with the day first. One that names its months says nothing: the month is first (LEX-7). */
const dayFirst = (pattern: string): boolean => !pattern.includes('MMM') && pattern.indexOf('d') < pattern.indexOf('M')

/** Year, month, day of the beginning of a text, and the rest. */
function readDate(
  surroundings: Surroundings,
  text: string,
): { choices: readonly (readonly [number, number, number])[]; rest: string } | null {
  const yearFirst = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)/.exec(text)
  if (yearFirst !== null) {
    const [all, year, , month, date] = yearFirst
    return { choices: [[Number(year), Number(month), Number(date)]], rest: text.slice(all.length) }
  }
  const named =
    /^(?<day>\d{1,2})[-/ .,]{0,2}(?<month>[A-Za-z]{3,9})[-/ .,]{1,2}(?<year>\d{4}|\d{2})(?!\d)/.exec(text) ??
    /^(?<month>[A-Za-z]{3,9})[-/ .,]{1,2}(?<day>\d{1,2})[-/ .,]{1,2}(?<year>\d{4}|\d{2})(?![\d:])/.exec(text)
  if (named?.groups !== undefined) {
    const { year = '', month = '', day: date } = named.groups
    return { choices: [[fullYear(year), monthNamed(month), Number(date)]], rest: text.slice(named[0].length) }
  }
  const numeric = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d.])/.exec(text)
  if (numeric === null) return null
  const [all, first, separator, other, digits = ''] = numeric
  // "1.2.34" is a version more often than a date.
  if (separator === '.' && digits.length === 2) return null
  const year = fullYear(digits)
  const dayThenMonth = [year, Number(other), Number(first)] as const
  const monthThenDay = [year, Number(first), Number(other)] as const
  const ordered = separator === '.' || dayFirst(surroundings.dateFormat) ? [dayThenMonth, monthThenDay] : [monthThenDay, dayThenMonth]
  return { choices: ordered, rest: text.slice(all.length) }
}

const longestDate = 64

/**
 * Reads a date. With a pattern: strictly by it from the left, what follows is ignored (§3.9 `toDate`). Without one: in the organisation's
 * format, ISO 8601, `d-MMM-yyyy`, `MMM d, yyyy`, `MM/dd/yyyy` and their kin, each with or without a time and a zone (LEX-7); where day and
 * month could be either, the organisation's order decides, and a month 13 turns it round. Null when it is no date.
 */
export function parseDate(surroundings: Surroundings, text: string, pattern?: string, timeZone?: string): DateTime | null {
  if (pattern !== undefined) return readPattern(surroundings, text, pattern, timeZone)?.date ?? null
  const trimmed = text.trim()
  if (trimmed.length < 6 || trimmed.length > longestDate || !/\d/.test(trimmed)) return null
  const withoutDay = trimmed.replace(/^(?:sun|mon|tue|wed|thu|fri|sat)[a-z]{0,6},? +/i, '')
  const found = readDate(surroundings, withoutDay)
  if (found === null) return ownFormat(surroundings, trimmed, timeZone)
  const rest = found.rest.replace(/^(?:[Tt]|,? +)(?=\d)/, '')
  const clock = rest === '' ? null : readClock(rest)
  if (rest !== '' && (clock === null || rest === found.rest)) return null
  for (const [year, month, date] of found.choices) {
    const parts = { year, month, day: date, hasTime: clock !== null }
    const read = clock === null ? parts : { ...parts, ...clock }
    const result = dateOfParts(surroundings, read, clock?.zone ?? timeZone)
    if (result !== null) return result
  }
  return null
}

/** An organisation may have a format that none of ours is like. */
function ownFormat(surroundings: Surroundings, text: string, timeZone: string | undefined): DateTime | null {
  const read = readPattern(surroundings, text, surroundings.dateFormat, timeZone)
  if (read?.date == null) return null
  if (read.rest.trim() === '') return read.date
  return readPattern(surroundings, text, `${surroundings.dateFormat} HH:mm:ss`, timeZone)?.date ?? null
}

/** Whole days from one date to another on the organisation's calendar; the time of day does not count. */
export function daysFrom(surroundings: Surroundings, start: DateTime, end: DateTime): number {
  const zone = zoneOf(surroundings)
  return dayNumber(localOf(zone, end.ms)) - dayNumber(localOf(zone, start.ms))
}
