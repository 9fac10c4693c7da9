import { formatDate } from './dates.ts'
import { Failure } from './failure.ts'
import type { Surroundings } from './host.ts'
import { defaultLimits } from './limits.ts'
import type { Collection, DateTime, DecimalValue, File, KeyValue, List, Time, Value } from './value.ts'

/** Containers inside containers: deeper than this nothing is written or read. What holds itself ends here, too. */
export const deepestNesting = 200

const tooDeep = () => new Failure(`A value may be nested ${String(deepestNesting)} deep at most.`)

const tooLong = (limit: number) => new Failure(`A text may have ${String(limit)} characters at most.`, 'limit')

/** Characters left to write. Parts that are shared are written as often as they stand there, so memory says nothing about the length. */
interface Room {
  readonly surroundings: Surroundings
  readonly limit: number
  left: number
}

function take(room: Room, text: string): string {
  room.left -= text.length
  if (room.left < 0) throw tooLong(room.limit)
  return text
}

/** A DECIMAL always shows a point (`3.0`), so that it is read back as one. */
export function decimalText({ value }: DecimalValue): string {
  const digits = value.toString()
  return digits.includes('.') || digits.includes('e') || digits.includes('N') ? digits : `${digits}.0`
}

const twoDigits = (value: number) => String(value).padStart(2, '0')

export const timeText = ({ seconds }: Time): string =>
  `${twoDigits(Math.floor(seconds / 3600))}:${twoDigits(Math.floor(seconds / 60) % 60)}:${twoDigits(seconds % 60)}`

export const dateText = (surroundings: Surroundings, date: DateTime): string =>
  formatDate(surroundings, date, date.hasTime ? `${surroundings.dateFormat} HH:mm:ss` : surroundings.dateFormat)

const textTypes = /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|csv)\b)/i

/** Whether a FILE stands for its text: a CSV download is used as either (URL-23). */
export const isTextFile = (file: File): boolean => textTypes.test(file.contentType) || /\.(?:csv|txt)$/i.test(file.name)

/** The content of a FILE as text, in its charset; UTF-8 when it has none or one nobody knows. */
export function fileText(file: File): string {
  try {
    return new TextDecoder(file.charset ?? 'utf-8').decode(file.bytes)
  } catch {
    return new TextDecoder().decode(file.bytes)
  }
}

/** What has no parts, as it prints; null for a container. */
function scalarText(room: Room, value: Exclude<Value, List | KeyValue | Collection>): string {
  if (typeof value !== 'object') return String(value)
  if (value === null) return 'null'
  switch (value.kind) {
    case 'decimal':
      return decimalText(value)
    case 'date':
      return dateText(room.surroundings, value)
    case 'time':
      return timeText(value)
    case 'file':
      return value.name
    case 'error':
      return `Line:(${String(value.line)}) ${value.message}`
  }
}

const isContainer = (value: Value): value is List | KeyValue | Collection =>
  typeof value === 'object' && value !== null && (value.kind === 'list' || value.kind === 'map' || value.kind === 'collection')

function write(room: Room, value: Value, depth: number): string {
  if (typeof value === 'string') {
    // before it is escaped: a text of 8 million control characters would become one of 48 million
    if (value.length > room.left) throw tooLong(room.limit)
    return take(room, JSON.stringify(value))
  }
  if (!isContainer(value)) {
    const text = scalarText(room, value)
    const bare = value === null || typeof value !== 'object' || value.kind === 'decimal'
    return take(room, bare ? text : JSON.stringify(text))
  }
  if (depth >= deepestNesting) throw tooDeep()
  if (value.kind === 'collection') return write(room, value.content, depth + 1)
  room.left -= 2
  if (value.kind === 'list') {
    let json = '['
    for (const item of value.items) {
      if (json.length > 1) json += take(room, ',')
      json += write(room, item, depth + 1)
    }
    return json + ']'
  }
  let json = '{'
  for (const [key, item] of value.entries) {
    if (json.length > 1) json += take(room, ',')
    json += write(room, key, depth + 1) + take(room, ':')
    json += write(room, item, depth + 1)
  }
  return json + '}'
}

function print(room: Room, value: Value): string {
  if (!isContainer(value)) return take(room, scalarText(room, value))
  if (value.kind === 'collection') return print(room, value.content)
  if (value.kind === 'map' || value.items.some(isContainer)) return write(room, value, 0)
  let text = ''
  for (let at = 0; at < value.items.length; at += 1) {
    if (at > 0) text += take(room, ',')
    // checked above: no item is a container
    text += take(room, scalarText(room, value.items[at] as Exclude<Value, List | KeyValue | Collection>))
  }
  return text
}

/**
 * What `info`, concatenation and `toString` print (§3.4): a list of scalars as `1,2,3`, a list that holds a container and a map as JSON, a
 * DECIMAL with its point, a date in the organisation's pattern, a FILE of text as its text and any other as its name. Throws `Failure` when
 * the text would pass `limit` characters or the value is nested too deeply.
 */
export function textOf(surroundings: Surroundings, value: Value, limit = defaultLimits.text): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object') return String(value)
  if (value === null) return 'null'
  if (value.kind === 'file' && isTextFile(value)) {
    if (value.bytes.byteLength > limit) throw tooLong(limit)
    return fileText(value)
  }
  return print({ surroundings, limit, left: limit }, value)
}

/** JSON: lists as arrays, maps as objects in the order of their keys, numbers with all their digits, dates, times and files as texts. */
export const jsonOf = (surroundings: Surroundings, value: Value, limit = defaultLimits.text): string =>
  write({ surroundings, limit, left: limit }, value, 0)

/** The text under which a map keeps a key of any kind. */
export const keyTextOf = (surroundings: Surroundings, value: Value): string =>
  typeof value === 'string' ? value : textOf(surroundings, value)
