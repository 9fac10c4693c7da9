import type { Context, ParameterName } from './builtins/define.ts'
import { functions, methods, type Row } from './builtins/index.ts'
import { coerce, numberInText, partsOf } from './coerce.ts'
import { parseDate } from './dates.ts'
import { Failure } from './failure.ts'
import { containerInJson } from './json.ts'
import { textOf } from './text.ts'
import { kindNames, kindOf, listOf, toBeList, type Kind, type Value } from './value.ts'

/** Whether a value is what a parameter takes as it is; most are, and need no conversion. */
function fits(type: ParameterName, value: Value): boolean {
  switch (type) {
    case 'any':
      return true
    case 'text':
      return typeof value === 'string'
    case 'integer':
      return typeof value === 'number'
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint'
    case 'numeric':
      return typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'object' && value?.kind === 'decimal')
    case 'boolean':
      return typeof value === 'boolean'
    default:
      return typeof value === 'object' && value?.kind === type
  }
}

const convert = (context: Context, type: ParameterName, value: Value): Value => (fits(type, value) ? value : coerce(context, value, type))

const wrongCount = (row: Row) => new Failure(`Number of Arguments mismatches for the function '${row.name}'`)

type Runs = (context: Context, ...values: readonly Value[]) => Value

const muchToGoThrough = 512

/** Elements or characters of a receiver, which a built-in may go through. */
function sizeOf(value: Value | undefined): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  return value.kind === 'list' ? value.items.length : value.kind === 'map' ? value.entries.size : 0
}

/** Runs a row with values that are not yet converted, the receiver of a method first. What text it makes is counted. */
export function runRow(context: Context, row: Row, values: readonly Value[]): Value {
  const size = sizeOf(values[0])
  if (size > muchToGoThrough) context.meter.worked(size)
  const made = convertAndRun(context, row, values)
  if (typeof made === 'string') {
    context.meter.textOf(made.length)
    context.meter.made(24 + made.length * 2)
  }
  return made
}

function convertAndRun(context: Context, row: Row, values: readonly Value[]): Value {
  if (values.length < row.least || values.length > row.most) throw wrongCount(row)
  const { types, rest } = row
  // erased where the row was defined; every value is converted to what it takes
  const run = row.builtin.run as Runs
  switch (values.length) {
    case 0:
      return run(context)
    case 1:
      return run(context, convert(context, types[0] ?? rest ?? 'any', values[0] ?? null))
    case 2:
      return run(
        context,
        convert(context, types[0] ?? rest ?? 'any', values[0] ?? null),
        convert(context, types[1] ?? rest ?? 'any', values[1] ?? null),
      )
    default:
      return run(context, ...values.map((value, at) => convert(context, types[at] ?? rest ?? 'any', value)))
  }
}

/** What a row of another kind wants the receiver to be, and the row. */
interface Found {
  readonly row: Row
  readonly receiver: Value
}

/** The map or list that a JSON text is stands in for it (CO-1); a text that writes a number or a date does, too. */
function ofText(context: Context, rows: ReadonlyMap<Kind | 'any', Row>, text: string): Found | null {
  if (rows.has('map') || rows.has('list') || rows.has('collection')) {
    const read = containerInJson(text, context.meter)
    const row = read === null ? undefined : (rows.get(kindOf(read)) ?? rows.get('collection'))
    if (row) return { row, receiver: read }
  }
  const numeric = rows.get('number') ?? rows.get('decimal')
  const number = numeric && numberInText(text)
  if (numeric && number != null) return { row: numeric, receiver: number }
  const ofDate = rows.get('date')
  const date = ofDate && parseDate(context.surroundings, text)
  return ofDate && date ? { row: ofDate, receiver: date } : null
}

const takes = (row: Row, count: number) => count >= row.least && count <= row.most

/** The row for a kind of receiver. Lists and maps have what a collection has, too: `{}` is often meant as one (`ids.insert(5)`, LEX-10). */
function rowFor(rows: ReadonlyMap<Kind | 'any', Row>, kind: Kind, count: number): Row | undefined {
  const row = rows.get(kind) ?? rows.get('any')
  if (row === undefined || takes(row, count) || (kind !== 'list' && kind !== 'map')) return row
  const ofCollection = rows.get('collection')
  return ofCollection && takes(ofCollection, count) ? ofCollection : row
}

/** The row for a receiver that has none of its own kind. */
function foundElsewhere(context: Context, rows: ReadonlyMap<Kind | 'any', Row>, receiver: Value, count: number): Found | null {
  if (typeof receiver === 'string') return ofText(context, rows, receiver)
  const kind = kindOf(receiver)
  if (typeof receiver === 'object' && receiver !== null) {
    const ofList = receiver.kind === 'map' && receiver.open ? rowFor(rows, 'list', count) : undefined
    if (ofList) return { row: ofList, receiver: toBeList(receiver) }
    if (receiver.kind === 'collection') {
      const row = rows.get(receiver.content.kind)
      return row ? { row, receiver: receiver.content } : null
    }
    if ((receiver.kind === 'list' || receiver.kind === 'map') && rows.has('collection')) {
      return { row: rows.get('collection') as Row, receiver: { kind: 'collection', content: receiver } }
    }
  }
  const asText = rows.get('text')
  return asText && kind !== 'list' && kind !== 'map' && kind !== 'collection'
    ? { row: asText, receiver: textOf(context.surroundings, receiver, context.meter.limits.text) }
    : null
}

/** A place in a script that calls a method: it remembers the row of the kind it met last. */
export interface Site {
  readonly name: string
  readonly rows: ReadonlyMap<Kind | 'any', Row>
  kind: Kind | 'none'
  row: Row | null
}

const noRows: ReadonlyMap<Kind | 'any', Row> = new Map()

export const siteOf = (name: string): Site => ({ name, rows: methods.get(name.toLowerCase()) ?? noRows, kind: 'none', row: null })

const notFound = (name: string) => new Failure(`Not able to find '${name}' function`)

/** What an answer without a body has under a key. */
const ofNothing: Readonly<Record<string, Value>> = { get: null, containkey: false, containskey: false }

/** What another kind's method is called on this one, where that is plain. */
const namesHere: Partial<Readonly<Record<Kind, Readonly<Record<string, string>>>>> = {
  text: {
    size: 'length()',
    add: 'concat(text)',
    sublist: 'subString(from, to)',
    containkey: 'contains(text)',
    containskey: 'contains(text)',
    containvalue: 'contains(text)',
  },
  list: { len: 'size()', put: 'add(value)', substring: 'subList(from, to)', concat: 'addAll(list)' },
  map: { length: 'size()', len: 'size()', add: 'put(key, value)' },
}

/**
 * A text is its comma-separated parts, as in a loop (ST-3), where a place among them is asked for, as scripts of bots read words, and where
 * they are counted.
 */
const isSeenAsList = (name: string, text: string, argument: Value | undefined): boolean =>
  (name === 'get' && text !== '' && typeof argument === 'number') || (name === 'size' && text.includes(','))

/** `receiver.name(…)` with values of any kind: `values[0]` is the receiver. */
export function callMethod(context: Context, site: Site, values: readonly [Value, ...Value[]]): Value {
  const receiver = values[0]
  const kind = kindOf(receiver)
  if (site.kind === kind && site.row !== null) return runRow(context, site.row, values)
  const row = rowFor(site.rows, kind, values.length)
  if (row) {
    site.kind = kind
    site.row = row
    return runRow(context, row, values)
  }
  if (site.rows.size === 0) throw notFound(site.name)
  if (receiver === null) throw new Failure('Null value occurred')
  const found = foundElsewhere(context, site.rows, receiver, values.length)
  if (found) return runRow(context, found.row, [found.receiver, ...values.slice(1)])
  const ofList = typeof receiver === 'string' && isSeenAsList(site.name.toLowerCase(), receiver, values[1]) && site.rows.get('list')
  if (ofList) return runRow(context, ofList, [listOf(partsOf(context, receiver)), ...values.slice(1)])
  // A call that was answered with nothing gives "" (URL-26), and scripts ask it for "data" before they look whether it is there.
  if (receiver === '' && Object.hasOwn(ofNothing, site.name.toLowerCase())) return ofNothing[site.name.toLowerCase()] ?? null
  const kinds = [...site.rows.keys()].filter(one => one !== 'any')
  const wanted = kinds.includes('map') ? 'map' : (kinds[0] ?? 'text')
  const own = namesHere[kind]?.[site.name.toLowerCase()]
  const instead = own === undefined ? '' : `. ${kindNames[kind]} has ${own}`
  throw new Failure(`${kindNames[kind]} can not be cast to '${kindNames[wanted]}', which has the function '${site.name}'${instead}`)
}

/** Whether a name without a receiver is a built-in: `today()`, `encodeUrl(x)`, `zoho.encryption.md5`. */
export const isBuiltin = (name: string): boolean => functions.has(name.toLowerCase()) || methods.has(name.toLowerCase())

/** `name(…)`: a function, or a method whose receiver is the first argument (EX-15). */
export function callFunctionForm(context: Context, site: Site, values: readonly Value[]): Value {
  const row = functions.get(site.name.toLowerCase())
  const [first, ...others] = values
  const isMethod = site.rows.size > 0 && first !== undefined
  if (row && (!isMethod || takes(row, values.length))) return runRow(context, row, values)
  if (isMethod) return callMethod(context, site, [first, ...others])
  if (site.rows.size > 0) throw new Failure(`Number of Arguments mismatches for the function '${site.name}'`)
  throw notFound(site.name)
}
