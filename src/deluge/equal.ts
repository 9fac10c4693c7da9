import { digitsOf, isNumeric } from './arithmetic.ts'
import { numberInText } from './coerce.ts'
import { parseDate, parseTime } from './dates.ts'
import { Failure } from './failure.ts'
import type { Surroundings } from './host.ts'
import { deepestNesting } from './text.ts'
import { kindNames, kindOf, type KeyValue, type List, type Numeric, type Value } from './value.ts'

/** Pairs compared at most: values that share their parts are compared as often as they stand there. */
const mostPairs = 1_000_000

interface Comparison {
  readonly surroundings: Surroundings
  pairs: number
}

/** Negative, zero or positive. */
export function compareNumbers(left: Numeric, right: Numeric): number {
  if (typeof left !== 'object' && typeof right !== 'object') return left < right ? -1 : left > right ? 1 : 0
  return digitsOf(left).cmp(digitsOf(right))
}

function sameLists(comparison: Comparison, left: List, right: List, depth: number): boolean {
  return (
    left.items.length === right.items.length && left.items.every((item, at) => same(comparison, item, right.items[at] ?? null, depth + 1))
  )
}

function sameMaps(comparison: Comparison, left: KeyValue, right: KeyValue, depth: number): boolean {
  if (left.entries.size !== right.entries.size) return false
  for (const [key, item] of left.entries) {
    const other = right.entries.get(key)
    if (other === undefined || !same(comparison, item, other, depth + 1)) return false
  }
  return true
}

/** A text against something else: as what the other is (CO-9), or whether it is in the list (EX-9). */
function sameAsText({ surroundings }: Comparison, text: string, other: Exclude<Value, string | null>): boolean {
  if (isNumeric(other)) {
    // a text of letters is no number, and most are
    const number = text.length > 1100 ? null : numberInText(text)
    return number !== null && compareNumbers(number, other) === 0
  }
  if (typeof other === 'boolean') return text.toLowerCase() === String(other)
  switch (other.kind) {
    case 'date':
      return parseDate(surroundings, text)?.ms === other.ms
    case 'time':
      return parseTime(text)?.seconds === other.seconds
    case 'list':
      return other.items.includes(text)
    case 'error':
      return other.message === text
    default:
      return false
  }
}

function same(comparison: Comparison, left: Value, right: Value, depth: number): boolean {
  if (left === right) return true
  if (left === null || right === null) return false
  if (typeof left === 'string') return typeof right !== 'string' && sameAsText(comparison, left, right)
  if (typeof right === 'string') return sameAsText(comparison, right, left)
  if (isNumeric(left)) return isNumeric(right) && compareNumbers(left, right) === 0
  if (typeof left !== 'object' || typeof right !== 'object') return false
  comparison.pairs += 1
  if (depth > deepestNesting) throw new Failure(`Values can be compared when they are nested ${String(deepestNesting)} deep at most.`)
  if (comparison.pairs > mostPairs) throw new Failure('These values are too large to be compared.', 'limit')
  if (left.kind === 'collection') return same(comparison, left.content, right, depth + 1)
  if (right.kind === 'collection') return same(comparison, left, right.content, depth + 1)
  if (left.kind === 'list' && right.kind === 'list') return sameLists(comparison, left, right, depth)
  if (left.kind === 'map' && right.kind === 'map') return sameMaps(comparison, left, right, depth)
  if (left.kind === 'date' && right.kind === 'date') return left.ms === right.ms
  if (left.kind === 'time' && right.kind === 'time') return left.seconds === right.seconds
  // `{}` is an empty list as well as an empty map (LEX-10)
  if (left.kind === 'map' && right.kind === 'list') return left.open && right.items.length === 0
  return left.kind === 'list' && right.kind === 'map' && right.open && left.items.length === 0
}

/**
 * `a == b`, loosely: a number and numeric text by value (CO-9), a date and a text that writes one by moment, a list and a text by whether
 * the text is in it (EX-9), lists in their order, maps in any. Null equals only null (EX-10). Throws when nested deeper than 200.
 */
export function equal(surroundings: Surroundings, left: Value, right: Value): boolean {
  if (left === right) return true
  if (typeof left === 'string' && typeof right === 'string') return false
  return same({ surroundings, pairs: 0 }, left, right, 0)
}

const asNumeric = (value: Value): Numeric | null => (isNumeric(value) ? value : typeof value === 'string' ? numberInText(value) : null)

function asMoment(surroundings: Surroundings, value: Value): number | null {
  if (typeof value === 'string') return parseDate(surroundings, value)?.ms ?? null
  return typeof value === 'object' && value?.kind === 'date' ? value.ms : null
}

function asSeconds(value: Value): number | null {
  if (typeof value === 'string') return parseTime(value)?.seconds ?? null
  return typeof value === 'object' && value?.kind === 'time' ? value.seconds : null
}

/** Which of two stands first where both have an order in common: as numbers, as dates, as times; null when they have none. */
function inCommon(surroundings: Surroundings, left: Value, right: Value): number | null {
  if (typeof left === 'number' && typeof right === 'number') return left - right
  const first = asNumeric(left)
  const second = first === null ? null : asNumeric(right)
  if (first !== null && second !== null) return compareNumbers(first, second)
  const moment = asMoment(surroundings, left)
  const otherMoment = moment === null ? null : asMoment(surroundings, right)
  if (moment !== null && otherMoment !== null) return moment - otherMoment
  const seconds = asSeconds(left)
  const otherSeconds = seconds === null ? null : asSeconds(right)
  return seconds !== null && otherSeconds !== null ? seconds - otherSeconds : null
}

/**
 * For `<`, `>`, `<=`, `>=`: negative, zero or positive. Numbers, dates and times, and texts that write them; other texts have no order
 * (EX-8). Null is never less and never more: NaN, with which every comparison is false. Throws "Type mismatch" for what has no order.
 */
export function order(surroundings: Surroundings, left: Value, right: Value): number {
  const result = inCommon(surroundings, left, right)
  if (result !== null) return result
  if (left === null || right === null) return Number.NaN
  throw new Failure(`Type mismatch: ${kindNames[kindOf(left)]} and ${kindNames[kindOf(right)]} have no order`)
}

/** For sorting: two texts by their characters, everything else as {@link order}. */
export function compare(surroundings: Surroundings, left: Value, right: Value): number {
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0
  return order(surroundings, left, right)
}
