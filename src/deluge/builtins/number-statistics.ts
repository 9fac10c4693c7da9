import { digitsOf, divide } from '../arithmetic.ts'
import { numberInText } from '../coerce.ts'
import { compareNumbers } from '../equal.ts'
import { Failure } from '../failure.ts'
import { textOf } from '../text.ts'
import { decimal, Digits, integer, kindNames, kindOf, toBeList, type Numeric, type Value } from '../value.ts'
import { builtin, type Builtin, type Builtins, type Context } from './define.ts'

function elements(value: Value): readonly Value[] | null {
  const held = typeof value === 'object' && value?.kind === 'collection' ? value.content : toBeList(value)
  if (typeof held !== 'object' || held === null) return null
  if (held.kind === 'list') return held.items
  return held.kind === 'map' ? [...held.entries.values()] : null
}

/**
 * The numbers of a list or of the values of a collection; text that writes a number counts. Alone or before further values a number is
 * the first of them: `average(1, 2)`.
 */
function numbersIn(context: Context, first: Value, others: readonly Value[] = []): Numeric[] {
  if (first === null) throw new Failure('Null value occurred')
  const values = elements(first) ?? [first, ...others]
  if (values.length === 0) throw new Failure('The list is empty: it has to have a number.')
  return values.map(value => {
    const number = typeof value === 'string' ? numberInText(value) : value
    if (typeof number === 'number' || typeof number === 'bigint') return number
    if (typeof number === 'object' && number?.kind === 'decimal') return number
    const shown = textOf(context.surroundings, first)
    const kind = kindNames[kindOf(value)]
    throw new Failure(
      `List contains invalid(${kind}) entries hence ${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown} can not be cast to ` +
        "'valid list and perform desired operations'",
    )
  })
}

const ascending = (context: Context, first: Value, others?: readonly Value[]): Numeric[] =>
  numbersIn(context, first, others).sort(compareNumbers)

/** Integers exactly, whatever their length. */
function sum(numbers: readonly Numeric[]): Numeric {
  if (numbers.some(number => typeof number === 'object')) {
    return decimal(numbers.reduce((total, number) => total.plus(digitsOf(number)), new Digits(0)))
  }
  return integer(numbers.reduce((total: bigint, number) => total + BigInt(number as number | bigint), 0n))
}

function nth(numbers: readonly Numeric[], at: number, wanted: number): Numeric {
  const number = wanted < 1 ? undefined : numbers[at]
  if (number === undefined) throw new Failure(`Given index ${String(wanted)} is greater than the list size`)
  return number
}

const ofAll = (doc: string, examples: Builtin['examples'], run: (context: Context, values: Numeric[]) => Value): Builtin =>
  builtin({
    doc,
    takes: ['any', 'any...'],
    gives: 'numeric',
    parameters: ['others'],
    examples,
    run: (context, first, ...others) => run(context, ascending(context, first, others)),
  })

const nthOf = (doc: string, examples: Builtin['examples'], at: (size: number, n: number) => number): Builtin =>
  builtin({
    doc,
    takes: ['any', 'integer'],
    gives: 'numeric',
    parameters: ['n'],
    examples,
    run: (context, list, n) => {
      const numbers = ascending(context, list)
      return nth(numbers, at(numbers.length, n), n)
    },
  })

/** What tells something about the numbers of a list or collection. */
export const statistics: Builtins = {
  average: ofAll(
    'The sum of the numbers of a list or collection, divided by how many they are.',
    { '{1,2,3}.average()': '2', '{1,2}.average()': '1.5', 'average(1, 2, 6)': '3', 'List().average()': 'error: empty' },
    (_context, numbers) => divide(sum(numbers), numbers.length),
  ),
  median: ofAll(
    'The number in the middle when they are sorted; of an even count the average of the two in the middle.',
    { '{300,455,124,926,780}.median()': '455', '{4,1,3,2}.median()': '2.5', '{"3",1,2}.median()': '2' },
    (_context, numbers) => {
      const middle = Math.floor(numbers.length / 2)
      const upper = numbers[middle] ?? 0
      return numbers.length % 2 === 1 ? upper : divide(sum([numbers[middle - 1] ?? 0, upper]), 2)
    },
  ),
  largest: ofAll(
    'The largest number of a list or collection.',
    {
      '{300,455,124,926,780}.largest()': '926',
      '{1.5,1}.largest()': '1.5',
      '{"a",1}.largest()': 'error: List contains invalid(TEXT) entries',
    },
    (_context, numbers) => numbers.at(-1) ?? null,
  ),
  smallest: ofAll(
    'The smallest number of a list or collection.',
    { '{300,455,124,926,780}.smallest()': '124', '{-1,0}.smallest()': '-1' },
    (_context, numbers) => numbers[0] ?? null,
  ),
  nthLargest: nthOf(
    'The number that is the largest (1), second largest (2), and so on.',
    { '{300,455,124,926,780}.nthLargest(2)': '780', '{1}.nthLargest(2)': 'error: Given index 2 is greater than the list size' },
    (size, n) => size - n,
  ),
  nthSmallest: nthOf(
    'The number that is the smallest (1), second smallest (2), and so on.',
    { '{300,455,124,926,780}.nthSmallest(2)': '300', '{1}.nthSmallest(0)': 'error: Given index 0' },
    (_size, n) => n - 1,
  ),
  percentile: builtin({
    doc: 'The number below or at which the given percentage of the numbers lie: the one at that share of the sorted numbers, rounded up.',
    takes: ['any', 'numeric'],
    gives: 'numeric',
    parameters: ['percentage'],
    examples: {
      'Collection(300,455,124,926,780).percentile(50)': '455',
      '{300,455,124,926,780}.percentile(50)': '455',
      '{1,2,3,4}.percentile(100)': '4',
      '{1,2,3,4}.percentile(0)': 'error: from above 0 to 100',
    },
    run: (context, list, percentage) => {
      const numbers = ascending(context, list)
      const share = digitsOf(percentage)
      if (!share.gt(0) || share.gt(100)) throw new Failure('The percentage has to be from above 0 to 100.')
      return nth(numbers, share.times(numbers.length).div(100).ceil().toNumber() - 1, 1)
    },
  }),
  rank: builtin({
    doc: 'The place of a number among the others, counted from 1: from the largest, or with "asc" from the smallest. Equal numbers share a place.',
    takes: ['any', 'numeric', 'text?'],
    gives: 'number',
    parameters: ['value', 'order'],
    examples: {
      '{300,455,124,926,780}.rank(300)': '4',
      '{120.12,65,300.46,600.25,80.5}.rank(80.5,"asc")': '2',
      '{5,5,1}.rank(1)': '3',
      '{5,5,1}.rank(7)': 'error: is not in the list',
      '{"a"}.rank(1)': 'error: List contains invalid(TEXT) entries',
    },
    run: (context, list, value, order = 'desc') => {
      const numbers = numbersIn(context, list)
      if (!numbers.some(number => compareNumbers(number, value) === 0)) throw new Failure('The value is not in the list.')
      const sign = order.toLowerCase() === 'asc' ? -1 : 1
      return 1 + numbers.filter(number => compareNumbers(number, value) * sign > 0).length
    },
  }),
}
