import type { Meter } from '../limits.ts'
import { Failure } from '../failure.ts'
import type { DecimalValue, Value } from '../value.ts'

/**
 * Membership keeps types: `{1,"2"}.contains("1")` is false, as the language's page on `contains` says, whatever `==` answers (CO-9).
 * NUMBER and DECIMAL of one value are the same.
 */
export type Identity = string | number | bigint | boolean | null

const mark = '\u0000'

function decimalIdentity({ value }: DecimalValue): Identity {
  if (!value.isInteger()) return `${mark}${value.toString()}`
  return value.abs().lte(Number.MAX_SAFE_INTEGER) ? value.toNumber() : BigInt(value.toFixed())
}

interface Writing {
  readonly meter: Meter
  length: number
}

/** Written out, because equal containers need one identity. Shared parts are written each time: the length is bounded as a text's is. */
function written(state: Writing, value: Value, depth: number): string {
  if (depth > 200) throw new Failure('A value may be nested 200 deep at most.')
  let text: string
  if (typeof value === 'object' && value?.kind === 'list') {
    text = `[${value.items.map(item => written(state, item, depth + 1)).join()}]`
  } else if (typeof value === 'object' && value?.kind === 'map') {
    // Maps are equal in any order of their keys. An empty one written `{}` may be an empty list, too.
    const keys = [...value.entries.keys()].sort()
    text = value.open && keys.length === 0 ? '[]' : `{${keys.map(key => entry(state, key, value.entries.get(key) ?? null, depth)).join()}}`
  } else if (typeof value === 'object' && value?.kind === 'collection') {
    text = written(state, value.content, depth + 1)
  } else {
    const identity = identityOf(state.meter, value)
    text = typeof identity === 'string' ? JSON.stringify(identity) : String(identity)
  }
  state.length += text.length
  state.meter.textOf(state.length)
  return text
}

const entry = (state: Writing, key: string, value: Value, depth: number): string =>
  `${JSON.stringify(key)}:${written(state, value, depth + 1)}`

/** Something a `Set` can hold: two values have the same when a list counts them as the same element. */
export function identityOf(meter: Meter, value: Value): Identity {
  if (typeof value === 'string') return value.startsWith(mark) ? mark + value : value
  if (value === null || typeof value !== 'object') return value
  switch (value.kind) {
    case 'decimal':
      return decimalIdentity(value)
    case 'date':
      return `${mark}d${String(value.ms)}`
    case 'time':
      return `${mark}t${String(value.seconds)}`
    case 'list':
    case 'map':
    case 'collection':
      return `${mark}${written({ meter, length: 0 }, value, 0)}`
    case 'file':
    case 'error':
      return identityOfReference(value)
  }
}

const references = new WeakMap<object, string>()
let counted = 0

/** Files and errors are the same when they are one and the same. */
function identityOfReference(value: object): string {
  let name = references.get(value)
  if (name === undefined) references.set(value, (name = `${mark}r${String((counted += 1))}`))
  return name
}

export const identitiesOf = (meter: Meter, values: Iterable<Value>): Set<Identity> => {
  const found = new Set<Identity>()
  for (const value of values) found.add(identityOf(meter, value))
  return found
}

/** The first place of a value, or -1. */
export function placeOf(meter: Meter, items: readonly Value[], value: Value): number {
  // Texts and booleans are only ever equal to themselves: no identities needed.
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return items.indexOf(value)
  const wanted = identityOf(meter, value)
  return items.findIndex(item => item === value || identityOf(meter, item) === wanted)
}

/** The last place of a value, or -1. */
export function lastPlaceOf(meter: Meter, items: readonly Value[], value: Value): number {
  const wanted = identityOf(meter, value)
  return items.findLastIndex(item => item === value || identityOf(meter, item) === wanted)
}

/** Each value once, the first of its kind. */
export function distinctOf(meter: Meter, values: Iterable<Value>): Value[] {
  const seen = new Set<Identity>()
  const kept: Value[] = []
  for (const value of values) {
    const identity = identityOf(meter, value)
    if (seen.has(identity)) continue
    seen.add(identity)
    kept.push(value)
  }
  return kept
}
