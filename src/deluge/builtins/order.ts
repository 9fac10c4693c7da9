import { compareNumbers } from '../equal.ts'
import type { Value } from '../value.ts'
import { kindOf, type Numeric, type Time, type DateTime } from '../value.ts'

type Comparer = (left: Value, right: Value) => number

const byText: Comparer = (left, right) => ((left as string) < (right as string) ? -1 : left === right ? 0 : 1)
const comparers: Readonly<Partial<Record<string, Comparer>>> = {
  // By code unit: capitals before small letters, as the language's page lists them.
  text: byText,
  boolean: (left, right) => Number(left) - Number(right),
  number: (left, right) => compareNumbers(left as Numeric, right as Numeric),
  date: (left, right) => (left as DateTime).ms - (right as DateTime).ms,
  time: (left, right) => (left as Time).seconds - (right as Time).seconds,
}

const sortKind = (value: Value): string => {
  const kind = kindOf(value)
  return kind === 'decimal' ? 'number' : kind
}

/**
 * Sorts in place by a key, stably; false when the keys are of different kinds or of one that has no order, and then nothing moves. NUMBER
 * and DECIMAL sort together.
 */
export function sortBy<Item>(items: Item[], keyOf: (item: Item) => Value, ascending: boolean): boolean {
  const [first] = items
  if (first === undefined) return true
  const kind = sortKind(keyOf(first))
  const comparer = comparers[kind]
  if (comparer === undefined || !items.every(item => sortKind(keyOf(item)) === kind)) return false
  const sign = ascending ? 1 : -1
  items.sort((left, right) => sign * comparer(keyOf(left), keyOf(right)))
  return true
}
