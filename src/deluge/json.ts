import { boundedInteger, decimalOfDigits } from './arithmetic.ts'
import { Failure } from './failure.ts'
import type { Meter } from './limits.ts'
import { deepestNesting } from './text.ts'
import { emptyMap, listOf, type KeyValue, type Value } from './value.ts'

/** What is counted for one value while a document is read: an entry of a map, its key and the value. */
const bytesOfOne = 64

interface Reader {
  readonly text: string
  readonly meter: Meter
  at: number
  bytes: number
}

const invalid = () => new Failure('Invalid JSON Format String')

const tab = 9
const lineFeed = 10
const carriageReturn = 13
const space = 32
const quote = 34
const comma = 44
const colon = 58
const backslash = 92
const openBracket = 91
const closeBracket = 93
const openBrace = 123
const closeBrace = 125

function skipSpace(reader: Reader): number {
  const { text } = reader
  let code = text.charCodeAt(reader.at)
  while (code === space || code === lineFeed || code === carriageReturn || code === tab) code = text.charCodeAt((reader.at += 1))
  return code
}

/** A text, from its opening quote. What has escapes or stands on many lines is JSON.parse's. */
function readText(reader: Reader): string {
  const { text } = reader
  const start = reader.at + 1
  for (let at = start; ; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      reader.at = at + 1
      return text.slice(start, at)
    }
    if (code === backslash) break
    // NaN at the end, control characters must be escaped (RFC 8259 §7); scripts build JSON by hand, so tabs and line breaks are let in
    if (!(code >= space) && code !== tab && code !== lineFeed && code !== carriageReturn) throw invalid()
  }
  let end = start
  for (;;) {
    end = text.indexOf('"', end)
    if (end < 0) throw invalid()
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes += 1
    if (slashes % 2 === 0) break
    end += 1
  }
  reader.at = end + 1
  const literal = text
    .slice(start - 1, end + 1)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
  try {
    return JSON.parse(literal) as string
  } catch {
    throw invalid()
  }
}

const numberPattern = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y

function readNumber(reader: Reader): Value {
  numberPattern.lastIndex = reader.at
  const match = numberPattern.exec(reader.text)
  if (match === null) throw invalid()
  reader.at = numberPattern.lastIndex
  const digits = match[0]
  if (match[1] !== undefined || match[2] !== undefined) return decimalOfDigits(digits)
  // fifteen digits are always safe
  return digits.length <= 15 ? Number(digits) + 0 : boundedInteger(digits)
}

const words: readonly (readonly [string, Value])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

function readWord(reader: Reader): Value {
  for (const [word, value] of words) {
    if (reader.text.startsWith(word, reader.at)) {
      reader.at += word.length
      return value
    }
  }
  return readNumber(reader)
}

function readList(reader: Reader, depth: number): Value {
  const items: Value[] = []
  reader.at += 1
  if (skipSpace(reader) === closeBracket) {
    reader.at += 1
    return listOf(items)
  }
  for (;;) {
    items.push(readValue(reader, depth + 1))
    const code = skipSpace(reader)
    reader.at += 1
    if (code === closeBracket) break
    if (code !== comma) throw invalid()
  }
  reader.meter.itemsOf(items.length)
  return listOf(items)
}

function readMap(reader: Reader, depth: number): KeyValue {
  const map = emptyMap()
  reader.at += 1
  if (skipSpace(reader) === closeBrace) {
    reader.at += 1
    return map
  }
  for (;;) {
    if (skipSpace(reader) !== quote) throw invalid()
    const key = readText(reader)
    if (skipSpace(reader) !== colon) throw invalid()
    reader.at += 1
    map.entries.set(key, readValue(reader, depth + 1))
    const code = skipSpace(reader)
    reader.at += 1
    if (code === closeBrace) break
    if (code !== comma) throw invalid()
  }
  reader.meter.itemsOf(map.entries.size)
  return map
}

function readValue(reader: Reader, depth: number): Value {
  if (depth > deepestNesting) throw invalid()
  reader.bytes += bytesOfOne
  if (reader.bytes > reader.meter.limits.memory) reader.meter.made(reader.bytes)
  const code = skipSpace(reader)
  switch (code) {
    case quote:
      return readText(reader)
    case openBrace:
      return readMap(reader, depth)
    case openBracket:
      return readList(reader, depth)
    default:
      return readWord(reader)
  }
}

/**
 * A JSON text (RFC 8259) as a value, numbers exact and keys in their order; what stands twice counts the last time. Throws
 * "Invalid JSON Format String", also when it is nested deeper than 200, and a limit when what is made of it is too large.
 */
export function parseJson(text: string, meter: Meter): Value {
  const reader: Reader = { text, meter, at: text.charCodeAt(0) === 0xfeff ? 1 : 0, bytes: text.length }
  const value = readValue(reader, 0)
  skipSpace(reader)
  if (reader.at < text.length) throw invalid()
  meter.made(reader.bytes)
  return value
}

/** The JSON object or array that a text is, or null when it is none: a look at its first character decides most. */
export function containerInJson(text: string, meter: Meter): Value {
  if (!/^\s*[[{]/.test(text)) return null
  try {
    return parseJson(text, meter)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'failed') return null
    throw error
  }
}
