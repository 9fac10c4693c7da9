import { DateTime as Moment } from 'luxon'
import type { FunctionSignature, VariableType } from '../core/function.ts'
import { Problem, type FieldError } from '../core/problem.ts'
import { parseDate, parseTime } from '../deluge/dates.ts'
import { Failure } from '../deluge/failure.ts'
import type { Surroundings } from '../deluge/host.ts'
import { parseJson } from '../deluge/json.ts'
import { defaultLimits, meterOf } from '../deluge/limits.ts'
import { jsonOf, textOf } from '../deluge/text.ts'
import { dateTime, decimal, Digits, emptyMap, fileOf, integer, listOf, mapOf, type KeyValue, type Value } from '../deluge/value.ts'

/** JSON as a script's value: numbers exact, texts as they are. @throws Failure when it is no JSON or larger than a run may hold */
export const valueOfJson = (text: string): Value =>
  parseJson(
    text,
    meterOf(
      { ...defaultLimits, milliseconds: Infinity },
      () => 0,
      () => false,
      () => 0,
    ),
  )

/** A script's value as JSON text: long numbers and decimals keep their digits, a file becomes its bytes in base64. */
export function jsonTextOf(surroundings: Surroundings, value: Value): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  switch (value.kind) {
    case 'file':
      return JSON.stringify({
        filename: value.name,
        content_type: value.contentType,
        size: value.bytes.byteLength,
        content_base64: Buffer.from(value.bytes).toString('base64'),
      })
    case 'decimal':
      return value.value.isFinite() ? textOf(surroundings, value) : 'null'
    case 'list':
    case 'map':
      return jsonOf(surroundings, value)
    case 'collection':
      return jsonTextOf(surroundings, value.content)
    default:
      return JSON.stringify(textOf(surroundings, value))
  }
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

const stars = '********'

const passwordNames = (signature: FunctionSignature | null): ReadonlySet<string> =>
  new Set((signature?.parameters ?? []).filter(one => one.type?.toLowerCase() === 'password').map(one => one.name.toLowerCase()))

/** A password of one or two characters would be found in every word. */
const shortestMasked = 3

/**
 * Puts stars for what was given as a password wherever it stands, as it is or percent-encoded: a whole request in `crmAPIRequest` holds it
 * again, and a script may print it.
 */
export function maskPasswords(signature: FunctionSignature | null, values: ReadonlyMap<string, Value>): (text: string) => string {
  const names = passwordNames(signature)
  const spellings = new Set<string>()
  for (const [name, value] of values) {
    if (!names.has(name.toLowerCase()) || typeof value !== 'string' || value.length < shortestMasked) continue
    const percent = encodeURIComponent(Buffer.from(value).toString())
    const form = new URLSearchParams([['', value]]).toString().slice(1)
    const json = JSON.stringify(value).slice(1, -1)
    for (const spelling of [value, json, JSON.stringify(json).slice(1, -1), percent, form]) spellings.add(spelling)
  }
  const longestFirst = [...spellings].sort((a, b) => b.length - a.length)
  return text => longestFirst.reduce((masked, spelling) => masked.replaceAll(spelling, stars), text)
}

/** Arguments in a JSON text with stars for those declared as passwords. */
export function maskedArguments(signature: FunctionSignature | null, text: string): string {
  const names = passwordNames(signature)
  if (names.size === 0) return text
  const given = valueOfJson(text)
  if (typeof given !== 'object' || given?.kind !== 'map') return '{}'
  const masked = mapOf([...given.entries].map(([name, value]) => [name, names.has(name.toLowerCase()) && value !== null ? stars : value]))
  return jsonOf(plainly, masked)
}

/** New arguments as they are meant: a password that comes back as the stars it was shown as stays what it was. */
export function unmaskedArguments(signature: FunctionSignature | null, given: KeyValue, before: string): KeyValue {
  const names = passwordNames(signature)
  const old = valueOfJson(before)
  if (typeof old !== 'object' || old?.kind !== 'map') return given
  return mapOf(
    [...given.entries].map(([name, value]) => [
      name,
      names.has(name.toLowerCase()) && value === stars ? (old.entries.get(name) ?? null) : value,
    ]),
  )
}

/** JSON of JSON: nothing in it is written in anybody's way. */
const plainly: Surroundings = {
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

/** A value as the log has it: one that is too long or too deep to be written does not end its run. */
function writtenOf(surroundings: Surroundings, value: Value): string {
  try {
    return jsonTextOf(surroundings, value)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return JSON.stringify('…')
  }
}

/** What the log keeps of arguments: those declared as passwords are stars, files are their names. */
export function loggedArguments(
  surroundings: Surroundings,
  signature: FunctionSignature | null,
  values: ReadonlyMap<string, Value>,
  longest: number,
): string {
  const secret = passwordNames(signature)
  const masked = maskPasswords(signature, values)
  const members = [...values].map(([name, value]) => {
    const text =
      secret.has(name.toLowerCase()) && value !== null
        ? JSON.stringify(stars)
        : typeof value === 'object' && value?.kind === 'file'
          ? JSON.stringify({ filename: value.name, size: value.bytes.byteLength })
          : masked(writtenOf(surroundings, value))
    return `${JSON.stringify(name)}:${text.length > longest ? JSON.stringify(`${text.slice(0, longest)}…`) : text}`
  })
  const whole = `{${members.join(',')}}`
  return whole.length > longest * 4 ? '{}' : whole
}
