import { boundedInteger, decimalOfDigits, integerOfDecimal } from './arithmetic.ts'
import type { Context, ParameterName } from './builtins/define.ts'
import { parseDate, parseTime } from './dates.ts'
import { Failure } from './failure.ts'
import { containerInJson } from './json.ts'
import { fileText, isTextFile, textOf } from './text.ts'
import {
  kindNames,
  kindOf,
  listOf,
  toBeList,
  type Collection,
  type Integer,
  type KeyValue,
  type List,
  type Numeric,
  type Value,
} from './value.ts'

/** What the language calls the types that a value may become. */
const typeNames: Readonly<Record<ParameterName, string>> = {
  text: 'TEXT',
  integer: 'NUMBER',
  number: 'NUMBER',
  numeric: 'DECIMAL',
  boolean: 'BOOLEAN',
  date: 'DATE-TIME',
  time: 'TIME',
  list: 'LIST',
  map: 'MAP',
  collection: 'COLLECTION',
  file: 'FILE',
  any: 'ANY',
}

/** Says the kind of the value and never the value: it may be a secret of the script. */
const cannot = (value: Value, type: ParameterName) => new Failure(`${kindNames[kindOf(value)]} can not be cast to '${typeNames[type]}'`)

const integerPattern = /^[+-]?\d+$/
const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$/

/** The NUMBER or DECIMAL that a text writes, space around it aside; null when it is none. */
export function numberInText(text: string): Numeric | null {
  const digits = text.trim()
  if (integerPattern.test(digits)) return boundedInteger(digits)
  return numberPattern.test(digits) ? decimalOfDigits(digits) : null
}

function toNumeric(value: Value): Numeric | null {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  if (typeof value === 'string') return numberInText(value)
  return typeof value === 'object' && value?.kind === 'decimal' ? value : null
}

/** Exact; what stands behind the point of a DECIMAL is dropped, towards zero (CO-7). */
function toInteger(value: Value): Integer | null {
  const numeric = toNumeric(value)
  return typeof numeric === 'object' && numeric !== null ? integerOfDecimal(numeric.value) : numeric
}

function toBoolean(value: Value): boolean | null {
  if (typeof value === 'boolean') return value
  const word = typeof value === 'string' ? value.trim().toLowerCase() : ''
  return word === 'true' ? true : word === 'false' ? false : null
}

/** The parts of a comma-separated text, trimmed; none in an empty one. */
export function partsOf(context: Pick<Context, 'meter'>, text: string): string[] {
  if (text.trim() === '') return []
  const parts = text.split(',').map(part => part.trim())
  context.meter.itemsOf(parts.length)
  return parts
}

function toList(context: Context, value: Value): List | null {
  if (typeof value === 'string') {
    const read = containerInJson(value, context.meter)
    if (read === null) return listOf(partsOf(context, value))
    return typeof read === 'object' && read.kind === 'list' ? read : null
  }
  const held = typeof value === 'object' && value?.kind === 'collection' ? value.content : value
  const list = toBeList(held)
  return typeof list === 'object' && list?.kind === 'list' ? list : null
}

function toMap(context: Context, value: Value): KeyValue | null {
  const held =
    typeof value === 'string'
      ? containerInJson(value, context.meter)
      : typeof value === 'object' && value?.kind === 'collection'
        ? value.content
        : value
  return typeof held === 'object' && held?.kind === 'map' ? held : null
}

/** A list or map seen as a collection shares its elements with it. */
function toCollection(context: Context, value: Value): Collection | null {
  const held = typeof value === 'string' ? containerInJson(value, context.meter) : value
  if (typeof held !== 'object' || held === null) return null
  if (held.kind === 'collection') return held
  return held.kind === 'list' || held.kind === 'map' ? { kind: 'collection', content: held } : null
}

function toDate(context: Context, value: Value): Value {
  if (typeof value === 'string') {
    const date = parseDate(context.surroundings, value)
    if (date === null) throw new Failure('UnParsable date')
    return date
  }
  return typeof value === 'object' && value?.kind === 'date' ? value : null
}

const toTime = (value: Value): Value =>
  typeof value === 'string' ? parseTime(value) : typeof value === 'object' && value?.kind === 'time' ? value : null

function toText(context: Context, value: Value): string {
  if (typeof value === 'object' && value?.kind === 'file') {
    if (!isTextFile(value)) throw cannot(value, 'text')
    context.meter.textOf(value.bytes.byteLength)
    return fileText(value)
  }
  return textOf(context.surroundings, value, context.meter.limits.text)
}

function converted(context: Context, value: Value, type: ParameterName): Value {
  switch (type) {
    case 'any':
      return value
    case 'text':
      return toText(context, value)
    case 'integer': {
      const integer = toInteger(value)
      // beyond that it counts nothing: places, lengths, days
      if (typeof integer === 'bigint') throw new Failure(`${String(integer).slice(0, 24)} is too large a NUMBER here`)
      return integer
    }
    case 'number':
      return toInteger(value)
    case 'numeric':
      return toNumeric(value)
    case 'boolean':
      return toBoolean(value)
    case 'date':
      return toDate(context, value)
    case 'time':
      return toTime(value)
    case 'list':
      return toList(context, value)
    case 'map':
      return toMap(context, value)
    case 'collection':
      return toCollection(context, value)
    case 'file':
      return typeof value === 'object' && value?.kind === 'file' ? value : null
  }
}

/**
 * A value as what a parameter takes. Numeric text is a number, a DECIMAL loses its fraction where a NUMBER is wanted, JSON text is a map or
 * list, other text a list of its comma-separated parts, text a date in any of the accepted formats. Throws "Null value occurred" for
 * null, "UnParsable date", or "TEXT can not be cast to 'MAP'".
 */
export function coerce(context: Context, value: Value, type: ParameterName): Value {
  if (type === 'any') return value
  if (value === null) throw new Failure('Null value occurred')
  const result = converted(context, value, type)
  if (result === null) throw cannot(value, type)
  return result
}
