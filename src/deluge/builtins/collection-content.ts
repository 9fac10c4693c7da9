import { Failure } from '../failure.ts'
import { keyTextOf } from '../text.ts'
import { emptyMap, keysOf, listOf, removeEntry, toBeList, type Collection, type KeyValue, type List, type Value } from '../value.ts'
import type { Context } from './define.ts'
import { itemAt } from './list.ts'
import { valueAt } from './map.ts'
import { sortBy } from './order.ts'

export const sizeOf = ({ content }: Collection): number => (content.kind === 'list' ? content.items.length : content.entries.size)

export const valuesOf = ({ content }: Collection): readonly Value[] =>
  content.kind === 'list' ? content.items : [...content.entries.values()]

/** The content as a list: an empty collection becomes one; one with keys is none. */
export function elementsOf(receiver: Collection): List {
  const { content } = receiver
  // A `{}` somebody else holds, too, becomes a list for them as well.
  if (content.kind === 'map' && content.entries.size === 0) receiver.content = content.open ? (toBeList(content) as List) : listOf([])
  if (receiver.content.kind === 'list') return receiver.content
  throw new Failure('This collection has keys: insert a key with its value.')
}

/** The content as a map: an empty collection becomes one; one with indexes is none. */
export function entriesOf(receiver: Collection): KeyValue {
  if (sizeOf(receiver) === 0 && receiver.content.kind === 'list') receiver.content = emptyMap()
  if (receiver.content.kind === 'map') return receiver.content
  throw new Failure('This collection has indexes: insert an element without a key.')
}

export function indexOf(key: Value): number {
  const index = typeof key === 'string' && /^\d{1,9}$/.test(key) ? Number(key) : key
  if (typeof index === 'number') return index
  throw new Failure('The elements of this collection have indexes: give a NUMBER.')
}

export function deleteAt(context: Context, { content }: Collection, key: Value): void {
  if (content.kind === 'map') {
    removeEntry(content, keyTextOf(context.surroundings, key))
    return
  }
  const index = indexOf(key)
  itemAt(content, index)
  content.items.splice(index, 1)
}

export function at(context: Context, { content }: Collection, key: Value): Value {
  return content.kind === 'map' ? valueAt(context, content, key) : itemAt(content, indexOf(key))
}

/** The key of a value: an index, −1 without one; or a key, null without one. */
export function keyOf(receiver: Collection, place: number): Value {
  if (receiver.content.kind === 'list') return place
  return place < 0 ? null : (keysOf(receiver.content)[place] ?? null)
}

export function sortEntries(content: KeyValue, by: (entry: readonly [string, Value]) => Value, ascending: boolean): void {
  const entries = [...content.entries]
  if (!sortBy(entries, by, ascending)) return
  content.entries.clear()
  for (const [key, value] of entries) content.entries.set(key, value)
}
