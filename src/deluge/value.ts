import { Decimal } from 'decimal.js'

/**
 * What a script computes with (§3.4). TEXT is a string, BOOLEAN a boolean. NUMBER is exact: a JavaScript number while it is a safe integer,
 * a bigint beyond that, and never anything else, so `typeof` tells and small numbers stay fast. DECIMAL is decimal.js.
 */
export type Value =
  null | string | boolean | number | bigint | DecimalValue | List | KeyValue | Collection | DateTime | Time | File | Caught

export type Integer = number | bigint
export type Numeric = Integer | DecimalValue

/** decimal.js with 34 significant digits, as IEEE 754 decimal128, half-up. */
export const Digits = Decimal.clone({ precision: 34, rounding: Decimal.ROUND_HALF_UP, toExpNeg: -30, toExpPos: 40, defaults: true })

export interface DecimalValue {
  readonly kind: 'decimal'
  readonly value: Decimal
}

export type ElementType = 'text' | 'number' | 'decimal' | 'boolean' | 'date'

export interface List {
  kind: 'list'
  items: Value[]
  /** A typed list converts what is added (LEX-13). */
  of: ElementType | null
}

/**
 * Keys are compared by their text: `m.get(1)` finds what JSON called "1". `keys` holds the keys that are not texts as they were put.
 * Order is that of the first put.
 */
export interface KeyValue {
  kind: 'map'
  entries: Map<string, Value>
  keys: Map<string, Value> | null
  /** Written `{}`: nothing has said yet whether it is a list or a map (LEX-10). `toBeList` makes it a list in place. */
  open: boolean
}

/** Index-value or key-value, not both (§3.4); `{}` inside while it is empty. */
export interface Collection {
  readonly kind: 'collection'
  content: List | KeyValue
}

/** A moment. Its day and hour are read in the zone of the run. Without `hasTime` it prints as a date only. */
export interface DateTime {
  readonly kind: 'date'
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly ms: number
  readonly hasTime: boolean
}

/** A time of day, in seconds from midnight: 0 … 86399. */
export interface Time {
  readonly kind: 'time'
  readonly seconds: number
}

/** Bytes with a name. `setFileName` and its siblings change it in place. */
export interface File {
  readonly kind: 'file'
  name: string
  contentType: string
  bytes: Uint8Array
  charset: string | null
  /** The field name as part of a multipart body; null means the task's default. */
  paramName: string | null
}

/** What `catch (e)` binds (ST-7). */
export interface Caught {
  readonly kind: 'error'
  readonly message: string
  readonly line: number
}

export type Kind = 'null' | 'text' | 'boolean' | 'number' | 'decimal' | 'list' | 'map' | 'collection' | 'date' | 'time' | 'file' | 'error'

export function kindOf(value: Value): Kind {
  switch (typeof value) {
    case 'string':
      return 'text'
    case 'number':
    case 'bigint':
      return 'number'
    case 'boolean':
      return 'boolean'
    default:
      return value === null ? 'null' : value.kind
  }
}

/** The names the language's own messages use: "… can not be cast to 'MAP'". */
export const kindNames: Readonly<Record<Kind, string>> = {
  null: 'NULL',
  text: 'TEXT',
  boolean: 'BOOLEAN',
  number: 'NUMBER',
  decimal: 'DECIMAL',
  list: 'LIST',
  map: 'MAP',
  collection: 'COLLECTION',
  date: 'DATE-TIME',
  time: 'TIME',
  file: 'FILE',
  error: 'ERROR',
}

export const listOf = (items: Value[], of: ElementType | null = null): List => ({ kind: 'list', items, of })
export const emptyMap = (): KeyValue => ({ kind: 'map', entries: new Map(), keys: null, open: false })
export const mapOf = (entries: Iterable<readonly [string, Value]>): KeyValue => ({
  kind: 'map',
  entries: new Map(entries),
  keys: null,
  open: false,
})
/** The value of `{}`. */
export const openContainer = (): KeyValue => ({ kind: 'map', entries: new Map(), keys: null, open: true })
export const decimal = (value: Decimal.Value): DecimalValue => ({ kind: 'decimal', value: new Digits(value) })
export const dateTime = (ms: number, hasTime = true): DateTime => ({ kind: 'date', ms, hasTime })
export const fileOf = (name: string, bytes: Uint8Array, contentType = 'application/octet-stream', charset: string | null = null): File => ({
  kind: 'file',
  name,
  contentType,
  bytes,
  charset,
  paramName: null,
})

/** A bigint that fits is a number: the one representation of each NUMBER. */
export const integer = (value: bigint): Integer =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value

/** An open `{}` becomes a list in place, so that everybody who holds it sees the list. Anything else is returned as it is. */
export function toBeList(value: Value): Value {
  if (value === null || typeof value !== 'object' || value.kind !== 'map' || !value.open || value.entries.size > 0) return value
  const container: { kind: string; items?: Value[]; of?: null } = value
  container.kind = 'list'
  container.items = []
  container.of = null
  return value
}

/** Puts under a key of any kind. `keyText` is the key's text (see `text.ts`). */
export function putEntry(map: KeyValue, key: Value, keyText: string, value: Value): void {
  map.open = false
  map.entries.set(keyText, value)
  if (typeof key === 'string') map.keys?.delete(keyText)
  else (map.keys ??= new Map()).set(keyText, key)
}

/** Takes out what is under a key; null when there was nothing. */
export function removeEntry(map: KeyValue, keyText: string): Value {
  const value = map.entries.get(keyText) ?? null
  map.entries.delete(keyText)
  map.keys?.delete(keyText)
  return value
}

/** The keys as they were put, in order. */
export function keysOf(map: KeyValue): Value[] {
  const { keys } = map
  if (keys === null) return [...map.entries.keys()]
  return [...map.entries.keys()].map(text => keys.get(text) ?? text)
}

/**
 * A bound on bytes held, for the memory limit: what V8 needs for such a value, roughly. Shared parts count once per `seen`. Not recursive:
 * a list may hold a list may hold a list, a hundred thousand deep.
 */
export function bytesOf(value: Value, seen: Set<object>): number {
  let sum = 0
  const waiting: Value[] = [value]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') sum += 24 + next.length * 2
    else if (typeof next === 'bigint') sum += 24 + next.toString(16).length / 2
    else if (next === null || typeof next !== 'object') sum += 8
    else if (!seen.has(next)) {
      seen.add(next)
      sum += bytesOfShell(next)
      if (next.kind === 'list') for (const item of next.items) waiting.push(item)
      else if (next.kind === 'map') {
        for (const [key, item] of next.entries) {
          sum += 64 + key.length * 2
          waiting.push(item)
        }
        if (next.keys !== null) for (const key of next.keys.values()) waiting.push(key)
      } else if (next.kind === 'collection') waiting.push(next.content)
    }
  }
  return sum
}

function bytesOfShell(value: Exclude<Value, string | bigint | number | boolean | null>): number {
  switch (value.kind) {
    case 'list':
      return 64 + value.items.length * 8
    case 'map':
      return 96
    case 'file':
      return 96 + value.bytes.byteLength
    case 'decimal':
      return 96 + value.value.d.length * 8
    default:
      return 64
  }
}
