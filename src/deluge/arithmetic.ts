import type { Decimal } from 'decimal.js'
import { Failure } from './failure.ts'
import type { Surroundings } from './host.ts'
import type { Meter } from './limits.ts'
import { textOf } from './text.ts'
import { Digits, integer, kindNames, kindOf, type DecimalValue, type Integer, type Numeric, type Value } from './value.ts'

/** Digits of the longest NUMBER: beyond that a product would take ever longer. */
export const longestNumber = 1000

const numberTooLong = () => new Failure(`A NUMBER may have ${String(longestNumber)} digits at most.`)
const largest = 10n ** BigInt(longestNumber)

/** A computed integer as a NUMBER; throws when it has more than 1000 digits. */
export function bounded(value: bigint): Integer {
  if (value >= largest || value <= -largest) throw numberTooLong()
  return integer(value)
}

/** Digits, with a sign or without, as a NUMBER. The length is looked at before anything is computed from them. */
export function boundedInteger(digits: string): Integer {
  if (digits.length <= 15) return Number(digits) + 0
  const significant = digits.replace(/^([+-]?)0+(?=\d)/, '$1')
  if (significant.length > longestNumber + 1) throw numberTooLong()
  return bounded(significant.startsWith('+') ? BigInt(significant.slice(1)) : BigInt(significant))
}

/** The NUMBER that a decimal without fraction is; what stands behind its point is dropped (CO-7). */
export function integerOfDecimal(value: Decimal): Integer {
  if (!value.isFinite() || value.e > longestNumber) throw numberTooLong()
  return boundedInteger(value.trunc().toFixed())
}

/** Digits with a point or an exponent as a DECIMAL. What nobody writes by hand is cut to its precision, so that computing stays quick. */
export function decimalOfDigits(digits: string): DecimalValue {
  const value = new Digits(digits)
  return decimalOf(value.precision() > longestNumber ? value.toSignificantDigits(Digits.precision) : value)
}

export const isNumeric = (value: Value): value is Numeric =>
  typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'object' && value !== null && value.kind === 'decimal')

/** A NUMBER or DECIMAL for decimal.js. */
export const digitsOf = (value: Numeric): Decimal =>
  typeof value === 'object' ? value.value : typeof value === 'number' ? new Digits(value) : new Digits(value.toString())

/** A computed decimal as a DECIMAL; what is no number, or beyond every bound, is a failure. */
export function decimalOf(value: Decimal): DecimalValue {
  if (!value.isFinite() || value.e > 6144) throw new Failure('The result is no number that a DECIMAL can hold.')
  return { kind: 'decimal', value }
}

function mismatch(operator: string, left: Value, right: Value): Failure {
  if (left === null || right === null) return new Failure('Null value occurred')
  return new Failure(`Type mismatch: '${operator}' is not defined for ${kindNames[kindOf(left)]} and ${kindNames[kindOf(right)]}`)
}

/** `a + b` (EX-3): with a TEXT on either side both are put together as they print; two numbers are added. */
export function add(surroundings: Surroundings, meter: Meter, left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    return Number.isSafeInteger(sum) ? sum : bounded(BigInt(left) + BigInt(right))
  }
  if (typeof left === 'string' || typeof right === 'string') {
    const first = typeof left === 'string' ? left : textOf(surroundings, left, meter.limits.text)
    const second = typeof right === 'string' ? right : textOf(surroundings, right, meter.limits.text)
    const length = first.length + second.length
    meter.textOf(length)
    meter.made(24 + length * 2)
    return first + second
  }
  if (!isNumeric(left) || !isNumeric(right)) throw mismatch('+', left, right)
  if (typeof left === 'object' || typeof right === 'object') return decimalOf(digitsOf(left).plus(digitsOf(right)))
  return bounded(BigInt(left) + BigInt(right))
}

/** `a - b`. Two dates give the milliseconds between them (EX-4), two times as well. */
export function subtract(left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right
    return Number.isSafeInteger(difference) ? difference : bounded(BigInt(left) - BigInt(right))
  }
  if (isNumeric(left) && isNumeric(right)) {
    if (typeof left === 'object' || typeof right === 'object') return decimalOf(digitsOf(left).minus(digitsOf(right)))
    return bounded(BigInt(left) - BigInt(right))
  }
  if (typeof left === 'object' && typeof right === 'object' && left !== null && right !== null) {
    if (left.kind === 'date' && right.kind === 'date') return left.ms - right.ms
    if (left.kind === 'time' && right.kind === 'time') return (left.seconds - right.seconds) * 1000
  }
  throw mismatch('-', left, right)
}

/** `a * b`. A text is no number here, whatever is in it (CO-5). */
export function multiply(left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right
    // `+ 0`: zero has no sign
    return Number.isSafeInteger(product) ? product + 0 : bounded(BigInt(left) * BigInt(right))
  }
  if (!isNumeric(left) || !isNumeric(right)) throw mismatch('*', left, right)
  if (typeof left === 'object' || typeof right === 'object') return decimalOf(digitsOf(left).times(digitsOf(right)))
  return bounded(BigInt(left) * BigInt(right))
}

const isZero = (value: Numeric) => (typeof value === 'object' ? value.value.isZero() : BigInt(value) === 0n)
const dividedByZero = () => new Failure('Divide by zero error')

/** Significant digits of a quotient that does not end: what a script wrote for the original expects, a double's. */
const digitsOfQuotient = 16

/**
 * `a / b`. Two NUMBERs give a NUMBER when that is exact, otherwise a DECIMAL (EX-6: the documents do not say; scripts assume either).
 * A quotient that ends within 34 digits is exact.
 */
export function divide(left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number' && right !== 0 && left % right === 0) return left / right + 0
  if (!isNumeric(left) || !isNumeric(right)) throw mismatch('/', left, right)
  if (isZero(right)) throw dividedByZero()
  if (typeof left !== 'object' && typeof right !== 'object') {
    const dividend = BigInt(left)
    const divisor = BigInt(right)
    if (dividend % divisor === 0n) return bounded(dividend / divisor)
  }
  const dividend = digitsOf(left)
  const divisor = digitsOf(right)
  const quotient = dividend.div(divisor)
  // the product of 34 and 34 digits may be rounded to look exact: a quotient that ends is shorter than the precision
  const exact = quotient.precision() < Digits.precision && quotient.times(divisor).eq(dividend)
  return decimalOf(exact ? quotient : quotient.toSignificantDigits(digitsOfQuotient))
}

/** `a % b`, with the sign of `a`. */
export function remainder(left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number' && right !== 0) return (left % right) + 0
  if (!isNumeric(left) || !isNumeric(right)) throw mismatch('%', left, right)
  if (isZero(right)) throw dividedByZero()
  if (typeof left === 'object' || typeof right === 'object') return decimalOf(digitsOf(left).mod(digitsOf(right)))
  return bounded(BigInt(left) % BigInt(right))
}

/** `-a`. */
export function negate(value: Value): Value {
  if (typeof value === 'number') return 0 - value
  if (typeof value === 'bigint') return integer(-value)
  if (isNumeric(value)) return { kind: 'decimal', value: value.value.negated() }
  if (value === null) throw new Failure('Null value occurred')
  throw new Failure(`Type mismatch: '-' is not defined for ${kindNames[kindOf(value)]}`)
}
