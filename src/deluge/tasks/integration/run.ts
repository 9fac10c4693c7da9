import type { Context, ParameterName } from '../../builtins/define.ts'
import { coerce } from '../../coerce.ts'
import { formatDate } from '../../dates.ts'
import { Failure } from '../../failure.ts'
import { jsonOf, textOf } from '../../text.ts'
import { emptyMap, listOf, mapOf, toBeList, type KeyValue, type Value } from '../../value.ts'
import { connectionFor } from '../default-connection.ts'
import { invoke } from '../invoke-url.ts'
import { fieldTextOf, isFile, isList, isMap } from '../multipart.ts'
import { callTo, percentEncode, withQuery } from '../request.ts'
import { optionsParameters, type IntegrationRow, type Product, type Template } from './define.ts'
import { readAs } from './readings.ts'
import { results } from './results.ts'

/** Arguments by the name of their parameter; what was left out, is null or an empty filler is absent. */
type Arguments = ReadonlyMap<string, Value>

const linkName = /^[a-z][a-z0-9_]{0,49}$/i

/**
 * Fillers stand where something is left out so that a later argument can be given: null, `Map()`, `{"":""}`, `""`, and a blank where no
 * text is taken.
 */
const isFiller = (value: Value, type: string): boolean =>
  value === null ||
  value === '' ||
  (typeof value === 'string' && value.trim() === '' && !/^(?:text|any)/.test(type)) ||
  (isMap(value) && holdsNothing(value)) ||
  (isList(value) && value.items.length === 0)

const holdsNothing = ({ entries }: KeyValue): boolean => entries.size === 0 || (entries.size === 1 && entries.get('') === '')

/** A value as what its parameter takes. */
function argumentAs(context: Context, taken: string, value: Value): Value {
  if (taken === 'query') return queryIn(value)
  if (taken === 'module') return (coerce(context, value, 'text') as string).toLowerCase()
  return coerce(context, value, taken as ParameterName)
}

const pairs = /^[\w.-]+=[^&]*(?:&[\w.-]+=[^&]*)*$/

/** The map that "a=1&b=2" writes; everything else as it is. */
const queryIn = (value: Value): Value =>
  typeof value === 'string' && pairs.test(value) ? mapOf([...new URLSearchParams(value)].map(([name, text]) => [name, text])) : value

/**
 * Some hosts take a boolean behind the connection: whether the login user's own authorisation is used. Here the connection says that, and
 * the boolean stands where no argument can, so it is passed over.
 */
function withoutUserAccess(parameters: readonly string[], values: readonly Value[]): readonly Value[] {
  if (typeof values.at(-1) !== 'boolean') return values
  const place = parameters[values.length - 1]
  return place === undefined || !/^(?:boolean|any|text|query)/.test(place) ? values.slice(0, -1) : values
}

/**
 * Parts the values of a call into arguments and connection. The connection is the last value: after all parameters, or earlier, where it is
 * a text and the parameter that stands there is none (`getRecordById("Deals", id, "zoho_one")`). Where no argument is it, the options may
 * name it: `{"connection":"zoho_one"}`.
 */
function argumentsOf(
  context: Context,
  name: string,
  row: IntegrationRow,
  written: readonly Value[],
): { given: Arguments; connection: string | null } {
  const parameters = Object.entries(row.takes)
  const values = withoutUserAccess(Object.values(row.takes), written)
  const least = parameters.filter(([, type]) => !type.endsWith('?')).length
  if (values.length < least || values.length > parameters.length + 1)
    throw new Failure(`Number of Arguments mismatches for ${name}: it takes (${Object.keys(row.takes).join(', ')}, connection).`)
  const last = values.at(-1)
  const place = parameters[values.length - 1]?.[1]
  const isConnection =
    values.length > parameters.length ||
    (values.length > least && typeof last === 'string' && linkName.test(last) && place !== undefined && !/^(?:text|any|query)/.test(place))
  const given = new Map<string, Value>()
  parameters.forEach(([parameter, type], i) => {
    const value = i < values.length - (isConnection ? 1 : 0) ? (values[i] ?? null) : null
    if (isFiller(value, type)) {
      // An empty map may be meant: a record without values. Only what may be left out is left out.
      if (type.endsWith('?') || value === null || value === '') {
        if (!type.endsWith('?')) throw new Failure(`${name} needs a value for \`${parameter}\`.`)
        return
      }
    }
    if (type.startsWith('any') && isFile(value) && row.send !== 'multipart')
      throw new Failure(`${name} cannot send a file here. Send it with \`invokeurl\` and \`files:\`.`)
    given.set(parameter, argumentAs(context, type.replace('?', ''), value))
  })
  const connection = isConnection && last !== null && last !== undefined ? textOf(context.surroundings, last).trim() || null : null
  const inOptions = connectionIn(given)
  return { given, connection: connection ?? inOptions }
}

/** The connection that a map of options names. It is for us and taken out; the script keeps its map as it is. */
function connectionIn(given: Map<string, Value>): string | null {
  for (const parameter of optionsParameters) {
    const options = given.get(parameter)
    const named = options !== undefined && isMap(options) ? options.entries.get('connection') : undefined
    if (options === undefined || !isMap(options) || typeof named !== 'string') continue
    given.set(parameter, mapOf([...options.entries].filter(([key]) => key !== 'connection')))
    return named.trim() || null
  }
  return null
}

const placeholder = /\{(\w+)\}/g

/** `{message:text}`: the argument, as the word says it is read. */
function argumentOf(context: Context, given: Arguments, name: string, reading: string | undefined): Value | undefined {
  const value = given.get(name)
  return value === undefined ? undefined : readAs(reading, value, item => fieldTextOf(context, item))
}

/** A template with its arguments filled in; undefined when it is nothing but an argument that was left out. */
function fill(context: Context, template: Template, given: Arguments): Value | undefined {
  if (typeof template === 'number' || typeof template === 'boolean') return template
  if (typeof template === 'string') {
    const alone = /^\{(\w+)(?::(\w+))?\}$/.exec(template)
    if (alone !== null) return argumentOf(context, given, alone[1] ?? '', alone[2])
    return template.replace(placeholder, (_, name: string) => fieldTextOf(context, given.get(name) ?? null))
  }
  if (Array.isArray(template)) {
    return listOf(template.map((item: Template) => fill(context, item, given)).filter(value => value !== undefined))
  }
  const map = emptyMap()
  for (const [key, part] of Object.entries(template)) {
    const value = fill(context, part, given)
    if (value === undefined) continue
    if (key !== '...') map.entries.set(key, value)
    else if (isMap(value)) {
      for (const [name, entry] of value.entries) {
        const before = map.entries.get(name)
        // `{"trigger":{}}` means no trigger: an open `{}` in place of a list is a list.
        map.entries.set(name, before !== undefined && isList(before) ? toBeList(entry) : entry)
      }
    }
  }
  return map
}

const pathOf = (context: Context, name: string, template: string, given: Arguments): string =>
  template.replace(placeholder, (_, parameter: string) => {
    const text = fieldTextOf(context, given.get(parameter) ?? null).trim()
    // "." and ".." would be another path once the address is parsed.
    if (/^\.{0,2}$/.test(text)) throw new Failure(`${name} needs a value for \`${parameter}\`.`)
    return percentEncode(text)
  })

/** The query of a row; nothing for what was left out. */
function queryOf(context: Context, row: IntegrationRow, given: Arguments): string {
  const query = row.query === undefined ? undefined : fill(context, row.query, given)
  if (query === undefined || !isMap(query)) return ''
  return [...query.entries].map(([key, value]) => `${percentEncode(key)}=${percentEncode(fieldTextOf(context, value))}`).join('&')
}

/**
 * Where the API of a product is. Some are not at the common host of a data centre but at one of their own in it; an origin that is set is
 * taken as it is.
 */
function originOf(context: Context, { namespace, subdomain }: Product): string {
  const origin = context.host.apiOrigin(namespace)
  const domain = subdomain === undefined ? undefined : /^https:\/\/www\.zohoapis\.([a-z.]+)$/.exec(origin)?.[1]
  return domain === undefined ? origin : `https://${subdomain ?? ''}.zoho.${domain}`
}

const deepestDate = 50

/** A value with its dates as ISO 8601 texts; deeper than bodies of records go, they stay. */
function withIsoDates(context: Context, value: Value, depth = 0): Value {
  if (typeof value !== 'object' || value === null || depth > deepestDate) return value
  if (value.kind === 'date') {
    const { surroundings } = context
    const atMidnight = !value.hasTime || formatDate(surroundings, value, 'HHmmssSSS') === '000000000'
    return formatDate(surroundings, value, atMidnight ? 'yyyy-MM-dd' : "yyyy-MM-dd'T'HH:mm:ssXXX")
  }
  if (value.kind === 'list') return listOf(value.items.map(item => withIsoDates(context, item, depth + 1)))
  if (value.kind !== 'map') return value
  return mapOf([...value.entries].map(([key, entry]): [string, Value] => [key, withIsoDates(context, entry, depth + 1)]))
}

function bodyOf(context: Context, row: IntegrationRow, given: Arguments, product: Product): { body: Value; contentType: string | null } {
  const value = row.body === undefined ? undefined : fill(context, row.body, given)
  if (value === undefined) return { body: null, contentType: null }
  if (row.send === 'form' && isMap(value)) return { body: formOf(context, value), contentType: 'application/x-www-form-urlencoded' }
  if (row.send === 'multipart') return { body: value, contentType: 'multipart/form-data' }
  const written = product.dates === 'script' ? value : withIsoDates(context, value)
  return { body: jsonOf(context.surroundings, written), contentType: row.contentType ?? 'application/json' }
}

/** Maps and lists inside a form are JSON text, as Zoho's form APIs take them. */
const formOf = (context: Context, map: KeyValue): KeyValue =>
  mapOf([...map.entries].map(([key, value]): [string, Value] => [key, isFile(value) ? value : fieldTextOf(context, value)]))

/**
 * Runs an integration task: one call over the connection of the last argument, or the default connection of the namespace.
 *
 * @param name  As scripts write it: "zoho.crm.getRecords".
 * @throws Failure for arguments that do not fit, and when no connection is named and none is set
 */
export function runIntegration(context: Context, name: string, product: Product, row: IntegrationRow, values: readonly Value[]): Value {
  const { given, connection } = argumentsOf(context, name, row, values)
  const used = connectionFor(context, product.namespace, connection)
  const headers = row.headers === undefined ? undefined : fill(context, row.headers, given)
  const { body, contentType } = bodyOf(context, row, given, product)
  const url = withQuery(originOf(context, product) + pathOf(context, name, row.path, given), queryOf(context, row, given))
  const answer = invoke(context, {
    ...callTo(url, row.method),
    connection: used,
    headers: headers !== undefined && isMap(headers) ? headers : null,
    contentType,
    body,
  })
  return results[row.gives](answer)
}
