import { DateTime as Moment } from 'luxon'
import type { FunctionSignature, VariableType } from '../core/function.ts'
import { Problem, type FieldError } from '../core/problem.ts'
import { parseDate, parseTime } from '../deluge/dates.ts'
import type { Surroundings } from '../deluge/host.ts'
import { textOf } from '../deluge/text.ts'
import { dateTime, decimal, Digits, emptyMap, fileOf, integer, listOf, type KeyValue, type Value } from '../deluge/value.ts'
import { valueOfJson } from '../sandbox/json.ts'

/** To write JSON that was read as JSON: nothing in it is written in anybody's way. */
export const plainly: Surroundings = {
  timeZone: 'UTC',
  dateFormat: 'dd-MMM-yyyy',
  loginUser: null,
  adminUser: null,
  appName: '',
  appUri: '',
  ipAddress: null,
  precedence: 'usual',
  profile: 'crm',
}

/** A type's own family, for every spelling a header or a form may use. */
type Family = 'text' | 'number' | 'decimal' | 'boolean' | 'date' | 'time' | 'map' | 'list' | 'file' | 'any'

const families: Readonly<Record<string, Family>> = {
  string: 'text',
  text: 'text',
  password: 'text',
  email: 'text',
  url: 'text',
  int: 'number',
  integer: 'number',
  long: 'number',
  number: 'number',
  bigint: 'number',
  float: 'decimal',
  double: 'decimal',
  decimal: 'decimal',
  bool: 'boolean',
  boolean: 'boolean',
  date: 'date',
  datetime: 'date',
  'date-time': 'date',
  timestamp: 'date',
  time: 'time',
  map: 'map',
  list: 'list',
  file: 'file',
}

function familyOf(type: string | null): Family {
  const name = (type ?? '').toLowerCase()
  // a header may call its type `constructor`
  return Object.hasOwn(families, name) ? (families[name] ?? 'any') : 'any'
}

const asked: Readonly<Record<Family, string>> = {
  text: 'Give a text.',
  number: 'Give a whole number.',
  decimal: 'Give a number.',
  boolean: 'Give true or false.',
  date: 'Give a date, such as 2026-11-22 or 2026-11-22T09:30:00.',
  time: 'Give a time, such as 09:30:00.',
  map: 'Give a map (a JSON object).',
  list: 'Give a list (a JSON array).',
  file: 'Give a file: { "filename", "content_base64" }, or a part of a multipart request.',
  any: '',
}

const fitting = Symbol('does not fit')

function dateOf(surroundings: Surroundings, text: string): Value | typeof fitting {
  const iso = Moment.fromISO(text.trim(), { zone: surroundings.timeZone })
  if (iso.isValid) return dateTime(iso.toMillis(), /\d[T ]\d/.test(text))
  return parseDate(surroundings, text) ?? fitting
}

function fileOfMap(map: KeyValue): Value | typeof fitting {
  const base64 = map.entries.get('content_base64')
  const name = map.entries.get('filename')
  const type = map.entries.get('content_type')
  if (typeof base64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return fitting
  return fileOf(
    typeof name === 'string' && name !== '' ? name : 'file',
    new Uint8Array(Buffer.from(base64, 'base64')),
    typeof type === 'string' ? type : undefined,
  )
}

/** JSON inside a text, for a map or list that came through a query or a form. */
function insideOf(text: string): Value {
  try {
    return valueOfJson(text)
  } catch {
    return null
  }
}

/** The value as this type, or `fitting` when it cannot be one. Null is of every type. */
function fit(surroundings: Surroundings, value: Value, family: Family): Value | typeof fitting {
  if (value === null || family === 'any') return value
  const kind = typeof value === 'object' ? value.kind : typeof value
  switch (family) {
    case 'text':
      return typeof value === 'string' ? value : kind === 'file' ? fitting : textOf(surroundings, value)
    case 'number':
      if (kind === 'number' || kind === 'bigint') return value
      if (typeof value === 'object' && value.kind === 'decimal' && value.value.isInteger()) return integer(BigInt(value.value.toFixed(0)))
      if (typeof value === 'string' && /^\s*[+-]?\d{1,4000}\s*$/.test(value)) return integer(BigInt(value.trim().replace(/^\+/, '')))
      return value === '' ? null : fitting
    case 'decimal':
      if (typeof value === 'number' || typeof value === 'bigint') return decimal(String(value))
      if (kind === 'decimal') return value
      if (typeof value === 'string' && /^\s*[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})\s*$/.test(value))
        return decimal(new Digits(value.trim()))
      return value === '' ? null : fitting
    case 'boolean':
      if (typeof value === 'boolean') return value
      if (typeof value === 'string' && /^\s*(true|false)\s*$/i.test(value)) return value.trim().toLowerCase() === 'true'
      return value === '' ? null : fitting
    case 'date':
      if (kind === 'date') return value
      return typeof value === 'string' ? (value === '' ? null : dateOf(surroundings, value)) : fitting
    case 'time':
      if (kind === 'time') return value
      return typeof value === 'string' ? (parseTime(value) ?? fitting) : fitting
    case 'map': {
      const map = typeof value === 'string' ? insideOf(value) : value
      if (typeof map === 'object' && map?.kind === 'map') return map
      return value === '' ? emptyMap() : fitting
    }
    case 'list': {
      const list = typeof value === 'string' ? insideOf(value) : value
      if (typeof list === 'object' && list?.kind === 'list') return list
      return value === '' ? listOf([]) : fitting
    }
    case 'file':
      if (typeof value !== 'object') return fitting
      return value.kind === 'file' ? value : value.kind === 'map' ? fileOfMap(value) : fitting
  }
}

/**
 * The arguments of a call by the declared types (§4.2). A parameter that nothing was given for is null; without a header everything is passed.
 * @param strict  Refuse names that the header does not declare.
 * @throws Problem validation_failed with the path `arguments.<name>`
 */
export function argumentsFor(
  surroundings: Surroundings,
  signature: FunctionSignature | null,
  given: ReadonlyMap<string, Value>,
  strict: boolean,
): Map<string, Value> {
  if (signature === null) return new Map(given)
  const errors: FieldError[] = []
  const byName = new Map([...given].map(([name, value]) => [name.toLowerCase(), value]))
  const values = new Map<string, Value>()
  for (const { name, type } of signature.parameters) {
    const value = given.get(name) ?? byName.get(name.toLowerCase()) ?? null
    byName.delete(name.toLowerCase())
    const family = familyOf(type)
    const fits = fit(surroundings, value, family)
    if (fits === fitting) errors.push({ path: `arguments.${name}`, message: asked[family] })
    else values.set(name, fits)
  }
  if (strict)
    for (const name of byName.keys())
      errors.push({ path: `arguments.${name.slice(0, 100)}`, message: 'The function declares no such argument.' })
  if (errors.length > 0) throw new Problem('validation_failed', {}, { errors })
  return values
}

/** The value of a variable, or undefined when it is not of its type. */
export function ofVariableType(surroundings: Surroundings, value: Value, type: VariableType): Value | undefined {
  const fits = fit(surroundings, value, type)
  return fits === fitting ? undefined : fits
}

export const variableTypeAsked = (type: VariableType): string => asked[type]
