import { FixedOffsetZone, IANAZone, type Zone } from 'luxon'
import { Failure } from './failure.ts'
import type { Surroundings } from './host.ts'
import type { DateTime } from './value.ts'

/**
 * Calendar arithmetic. A *local* time is the wall clock of a zone written as milliseconds, as if that wall clock stood in UTC: days, months
 * and weekdays are then plain arithmetic, and only `localOf` and `momentOf` know about zones. The calendar is Gregorian throughout.
 */
export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** Years 1 to 9999: what four digits can write. */
const earliest = -62_135_596_800_000
const latest = 253_402_300_799_999

/** Java's three-letter names that scripts use; the runtime's own zone table knows only part of them, and some as fixed offsets. */
const abbreviations: Readonly<Record<string, string>> = {
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  MST: 'America/Denver',
  MDT: 'America/Denver',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  EST: 'America/New_York',
  EDT: 'America/New_York',
  IST: 'Asia/Kolkata',
  JST: 'Asia/Tokyo',
  AET: 'Australia/Sydney',
  BST: 'Europe/London',
  CET: 'Europe/Paris',
  CEST: 'Europe/Paris',
}

const zones = new Map<string, Zone | null>()

function findZone(name: string): Zone | null {
  const fixed = /^(?:UTC|GMT|Z)?(?:([+-])(\d{1,2})(?::?(\d{2}))?)?$/i.exec(name)
  if (fixed !== null && name !== '') {
    const [, sign, hours = '0', minutes = '0'] = fixed
    const offset = Number(hours) * 60 + Number(minutes)
    return offset > 18 * 60 ? null : FixedOffsetZone.instance(sign === '-' ? -offset : offset)
  }
  const named = abbreviations[name.toUpperCase()] ?? name
  return IANAZone.isValidZone(named) ? IANAZone.create(named) : null
}

/** The zone of an IANA name, an abbreviation of Java's or an offset ("GMT-04:00", "+05:30"); null when there is none of that name. */
export function zoneNamed(name: string): Zone | null {
  let zone = zones.get(name)
  if (zone === undefined) {
    // Names come from scripts: the memory of them is bounded.
    if (zones.size >= 500) zones.clear()
    zones.set(name, (zone = name.length > 60 ? null : findZone(name.trim())))
  }
  return zone
}

/** The zone a script asks for, or the organisation's. A name that is none means GMT, as the language says of `unixEpoch` (§3.9). */
export const zoneOf = (surroundings: Surroundings, name?: string): Zone =>
  zoneNamed(name ?? surroundings.timeZone) ?? FixedOffsetZone.utcInstance

/** Minutes east of UTC become milliseconds; before 1900 local mean times have seconds. */
const askOffset = (zone: Zone, ms: number): number => Math.round(zone.offset(ms) * minute)

/** No zone has changed its clocks and changed them back within so few days. */
const stretch = 4 * day
const offsets = new WeakMap<Zone, Map<number, number>>()

/**
 * Milliseconds that the clocks of a zone are ahead of UTC at a moment. Asking the runtime takes longer than everything else a date needs, so
 * the answer for stretches of a few days is remembered; NaN for one in which clocks change.
 */
export function offsetAt(zone: Zone, ms: number): number {
  if (zone.type === 'fixed') return askOffset(zone, ms)
  let known = offsets.get(zone)
  if (known === undefined) offsets.set(zone, (known = new Map<number, number>()))
  const number = Math.floor(ms / stretch)
  let offset = known.get(number)
  if (offset === undefined) {
    const first = askOffset(zone, number * stretch)
    offset = first === askOffset(zone, (number + 1) * stretch - 1) ? first : Number.NaN
    if (known.size >= 2000) known.clear()
    known.set(number, offset)
  }
  return Number.isNaN(offset) ? askOffset(zone, ms) : offset
}

/** The wall clock of a moment. */
export const localOf = (zone: Zone, ms: number): number => ms + offsetAt(zone, ms)

/**
 * The moment at which a wall clock shows a local time. When clocks are set back, the first of the two; a time that clocks leap over moves
 * forward by the leap.
 */
export function momentOf(zone: Zone, local: number): number {
  if (!(local >= earliest && local <= latest)) throw new Failure('A date must lie in the years 1 to 9999.')
  const before = offsetAt(zone, local - day)
  const after = offsetAt(zone, local + day)
  if (before === after || offsetAt(zone, local - before) === before) return local - before
  return offsetAt(zone, local - after) === after ? local - after : local - before
}

/** A moment that may be outside what can be written: throws then. */
export function checkedMoment(ms: number): number {
  if (!(ms >= earliest && ms <= latest)) throw new Failure('A date must lie in the years 1 to 9999.')
  return ms
}

/** The local time of a date. Month and hour may be out of range: they carry over. */
export function localOfParts(year: number, month: number, date: number, hours = 0, minutes = 0, seconds = 0, milliseconds = 0): number {
  const time = new Date(0)
  // Not Date.UTC: that takes the years 0 to 99 for 1900 to 1999.
  time.setUTCFullYear(year, month - 1, date)
  return time.setUTCHours(hours, minutes, seconds, milliseconds)
}

export interface Parts {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
}

export function partsOf(local: number): Parts {
  const time = new Date(local)
  return {
    year: time.getUTCFullYear(),
    month: time.getUTCMonth() + 1,
    day: time.getUTCDate(),
    hour: time.getUTCHours(),
    minute: time.getUTCMinutes(),
    second: time.getUTCSeconds(),
    millisecond: time.getUTCMilliseconds(),
  }
}

export const daysInMonth = (year: number, month: number): number => new Date(localOfParts(year, month + 1, 0)).getUTCDate()

/** Days since 1970-01-01 on the wall calendar. */
export const dayNumber = (local: number): number => Math.floor(local / day)

export const startOfDay = (local: number): number => dayNumber(local) * day

/** 0 is Sunday, 6 Saturday. 1970-01-01 was a Thursday. */
export const weekdayOf = (local: number): number => (((dayNumber(local) + 4) % 7) + 7) % 7

/** The same day of another month; its last day when it has no such day. */
export function plusMonths(local: number, months: number): number {
  const time = new Date(local)
  const year = time.getUTCFullYear()
  const month = time.getUTCMonth() + 1 + months
  const date = Math.min(time.getUTCDate(), daysInMonth(year, month))
  return localOfParts(year, month, date) + (local - startOfDay(local))
}

/**
 * The number of the week in its year, from 1. The first week is the one with 1 January, so the last days of December may already be in week
 * 1: 7-Feb-2021 is in week 7 when weeks start on Sunday, in week 6 when they start on Monday (§3.9).
 */
export function weekOfYear(local: number, firstWeekday: number): number {
  const start = dayNumber(local) - ((weekdayOf(local) - firstWeekday + 7) % 7)
  const lastDay = new Date((start + 6) * day)
  const firstOfYear = localOfParts(lastDay.getUTCFullYear(), 1, 1)
  const firstStart = dayNumber(firstOfYear) - ((weekdayOf(firstOfYear) - firstWeekday + 7) % 7)
  return (start - firstStart) / 7 + 1
}

export const dayOfYear = (local: number): number => dayNumber(local) - dayNumber(localOfParts(new Date(local).getUTCFullYear(), 1, 1)) + 1

/** `zoho.currenttime` and `now` at a moment of the clock. */
export const nowAt = (ms: number): DateTime => ({ kind: 'date', ms, hasTime: true })

/** `zoho.currentdate` and `today`: midnight in the organisation's zone. */
export const todayAt = (surroundings: Surroundings, ms: number): DateTime => dateOnly(surroundings, ms)

/** The date of a moment in the organisation's zone, without a time. */
export function dateOnly(surroundings: Surroundings, ms: number): DateTime {
  const zone = zoneOf(surroundings)
  return { kind: 'date', ms: momentOf(zone, startOfDay(localOf(zone, ms))), hasTime: false }
}
