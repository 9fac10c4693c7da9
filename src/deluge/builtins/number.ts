import { bounded, decimalOf, digitsOf, integerOfDecimal, longestNumber } from '../arithmetic.ts'
import { formatDate } from '../dates.ts'
import { formatNumber, isNumberMask, type MaskRounding } from '../decimal-format.ts'
import { compareNumbers } from '../equal.ts'
import { Failure } from '../failure.ts'
import { numberWords } from '../number-words.ts'
import { textOf } from '../text.ts'
import { dateTime, decimal, Digits, integer, type Integer, type Numeric, type Value } from '../value.ts'
import { builtin, type Builtin, type Builtins, type Context } from './define.ts'
import { statistics } from './number-statistics.ts'

const wholeOf = (value: Numeric): Integer => (typeof value === 'object' ? integerOfDecimal(value.value) : value)

/** What the original computes in doubles is a double here, with the digits that Java and JavaScript print: the fewest that tell it apart. */
function fromDouble(name: string, result: number): Value {
  if (!Number.isFinite(result)) throw new Failure(`'${name}' has no result for this number.`)
  return decimal(result)
}

const double = (name: string, doc: string, compute: (value: number) => number, examples: Builtin['examples']): Builtin =>
  builtin({
    doc,
    takes: ['numeric'],
    gives: 'decimal',
    examples,
    run: (_context, value) => fromDouble(name, compute(digitsOf(value).toNumber())),
  })

/** To 10^-precision, without losing digits that a division would. */
function rounded(value: Numeric, precision: number, mode: 1 | 4): Value {
  const digits = digitsOf(value)
  const places = Math.max(-longestNumber, Math.min(longestNumber, precision))
  if (typeof value !== 'object' && places >= 0) return value
  // How many significant digits stay; none of them means 0, or one unit of the place when it rounds up.
  const kept = digits.e + 1 + places
  let result = new Digits(0)
  if (kept > 0) result = digits.toSignificantDigits(Math.min(kept, 1e6), mode)
  else if (kept === 0 && mode === Digits.ROUND_HALF_UP && digits.abs().gte(`5e${String(digits.e)}`)) {
    result = new Digits(`1e${String(digits.e + 1)}`).times(digits.isNegative() ? -1 : 1)
  }
  return places > 0 ? decimalOf(result) : integerOfDecimal(result)
}

function power(base: Numeric, exponent: Numeric): Value {
  const [left, right] = [digitsOf(base), digitsOf(exponent)]
  if (typeof base !== 'object' && typeof exponent !== 'object' && right.gte(0)) {
    if (left.abs().gt(1) && right.times(left.abs().log(10)).gt(longestNumber)) throw new Failure('The result of power is too large.')
    return bounded(BigInt(base) ** BigInt(exponent))
  }
  return right.isInteger() ? decimalOf(left.pow(right)) : fromDouble('power', left.toNumber() ** right.toNumber())
}

/** By a mask of digits, or as a moment, when the pattern has no place for a digit: milliseconds since 1970 (§3.9, toString). */
function byPattern(context: Context, value: Numeric, pattern: string, rounding: MaskRounding, timeZone?: string): string {
  if (isNumberMask(pattern)) return formatNumber(value, pattern, rounding)
  const ms = Number(wholeOf(value))
  if (Math.abs(ms) > 8.64e15) throw new Failure('UnParsable date')
  return formatDate(context.surroundings, dateTime(ms), pattern, timeZone)
}

const whole = (doc: string, mode: 2 | 3, examples: Builtin['examples'], aliases: readonly string[] = []): Builtin =>
  builtin({
    doc,
    takes: ['numeric'],
    gives: 'number',
    aliases,
    examples,
    run: (_context, value) => (typeof value === 'object' ? integerOfDecimal(value.value.toDecimalPlaces(0, mode)) : value),
  })

const best = (doc: string, sign: 1 | -1, examples: Builtin['examples']): Builtin =>
  builtin({
    doc,
    takes: ['numeric', 'numeric...'],
    gives: 'numeric',
    parameters: ['others'],
    examples,
    run: (_context, first, ...others) => others.reduce((a, b) => (compareNumbers(b, a) * sign > 0 ? b : a), first),
  })

/** Whether the last binary digit is `bit`; a DECIMAL with a fraction is neither even nor odd. */
const parity = (value: Numeric, bit: bigint): boolean =>
  (typeof value !== 'object' || value.value.isInteger()) && (BigInt(wholeOf(value)) & 1n) === bit

/** From `start` up to but without `end`, in either order; a DECIMAL when a bound is one. */
function random(context: Context, first: Numeric, second: Numeric): Value {
  const [start, end] = compareNumbers(first, second) <= 0 ? [first, second] : [second, first]
  const share = context.chance.random()
  if (typeof start !== 'object' && typeof end !== 'object') {
    const span = BigInt(end) - BigInt(start)
    // 53 random bits suffice for spans up to 2^53; wider ones are spread over.
    const step = span <= 2n ** 53n ? BigInt(Math.floor(share * Number(span))) : (BigInt(Math.floor(share * 2 ** 53)) * span) / 2n ** 53n
    return integer(BigInt(start) + step)
  }
  const [from, to] = [digitsOf(start), digitsOf(end)]
  return decimalOf(from.plus(to.minus(from).times(share)).toSignificantDigits(17))
}

/** The built-ins of NUMBER and DECIMAL (§3.9). */
export const number: Builtins = {
  abs: builtin({
    doc: 'The number without its sign.',
    takes: ['numeric'],
    gives: 'numeric',
    examples: { '-5.abs()': '-5', '(-5).abs()': '5', 'abs(-2.5)': '2.5', 'abs(0)': '0' },
    run: (_context, value) => (typeof value === 'object' ? decimal(value.value.abs()) : value < 0 ? integer(-BigInt(value)) : value),
  }),
  ceil: whole('The next whole number upwards.', 2, { '10.1.ceil()': '11', 'ceil(-10.9)': '-10', '7.ceil()': '7' }, ['ceiling']),
  floor: whole('The next whole number downwards.', 3, { '10.1.floor()': '10', 'floor(-10.1)': '-11', '7.floor()': '7' }),
  frac: builtin({
    doc: 'What stands behind the point, with the sign of the number.',
    takes: ['numeric'],
    gives: 'decimal',
    examples: { '24.6.frac()': '0.6', 'frac(-25.1)': '-0.1', '3.frac()': '0.0' },
    run: (_context, value) => {
      const digits = digitsOf(value)
      return decimal(digits.minus(digits.trunc()))
    },
  }),
  sqrt: double('sqrt', 'The square root.', Math.sqrt, {
    '16.sqrt()': '4.0',
    '2.sqrt()': '1.4142135623730951',
    'sqrt(-1)': "error: 'sqrt' has no result",
  }),
  exp: double('exp', 'e raised to the number.', Math.exp, { '0.exp()': '1.0', '1.exp()': '2.718281828459045' }),
  log: double('log', 'The natural logarithm.', Math.log, {
    '1.log()': '0.0',
    '10.log()': '2.302585092994046',
    '0.log()': "error: 'log' has no result",
  }),
  log10: double('log10', 'The logarithm to the base 10.', Math.log10, { '1000.log10()': '3.0' }),
  power: builtin({
    doc: 'The number raised to another; exact for whole numbers.',
    takes: ['numeric', 'numeric'],
    gives: 'numeric',
    parameters: ['exponent'],
    examples: {
      '3.power(2)': '9',
      'power(2, 64)': '18446744073709551616',
      '2.power(-1)': '0.5',
      '1.1.power(2)': '1.21',
      '2.power(0.5)': '1.4142135623730951',
      '10.power(100000)': 'error: too large',
    },
    run: (_context, base, exponent) => power(base, exponent),
  }),
  round: builtin({
    doc: 'Rounded to as many digits behind the point, halves away from zero; with a negative count to tens, hundreds, and so on.',
    takes: ['numeric', 'integer?'],
    gives: 'numeric',
    parameters: ['precision'],
    examples: {
      '218.5.round(0)': '219',
      '218.49.round(1)': '218.5',
      '214.2.round(-1)': '210',
      '218.2.round(-1)': '220',
      '218.2.round(-2)': '200',
      '294.2.round(-2)': '300',
      '218.222.round(-3)': '0',
      'round(-192.66, -1)': '-190',
      'round(-150.55, -2)': '-200',
      '-218.4.round(0)': '-218',
      '1.4+3.6.round(0)': '5.4',
      '2.5.round()': '3',
      '850.round(-3)': '1000',
      '7.round(2)': '7',
      '1234567890123456789.round(-2)': '1234567890123456800',
    },
    run: (_context, value, precision = 0) => rounded(value, precision, Digits.ROUND_HALF_UP),
  }),
  truncate: builtin({
    doc: 'Cut off after as many digits behind the point; with a negative count at tens, hundreds, and so on.',
    takes: ['numeric', 'integer?'],
    gives: 'numeric',
    parameters: ['precision'],
    aliases: ['trunc'],
    examples: {
      '25.125432.truncate(2)': '25.12',
      '9789.852.truncate(0)': '9789',
      '9789.852.truncate(-2)': '9700',
      'truncate(-1.99, 1)': '-1.9',
      '5.truncate(-1)': '0',
    },
    run: (_context, value, precision = 0) => rounded(value, precision, Digits.ROUND_DOWN),
  }),
  sin: double('sin', 'The sine of an angle in radians.', Math.sin, { '0.sin()': '0.0' }),
  cos: double('cos', 'The cosine of an angle in radians.', Math.cos, { '0.cos()': '1.0' }),
  tan: double('tan', 'The tangent of an angle in radians.', Math.tan, { '0.tan()': '0.0' }),
  asin: double('asin', 'The angle in radians with this sine.', Math.asin, { '0.asin()': '0.0', '2.asin()': "error: 'asin' has no result" }),
  acos: double('acos', 'The angle in radians with this cosine.', Math.acos, { '1.acos()': '0.0', 'acos(-1)': '3.141592653589793' }),
  atan: double('atan', 'The angle in radians with this tangent.', Math.atan, { '1.atan()': '0.7853981633974483' }),
  sinh: double('sinh', 'The hyperbolic sine.', Math.sinh, { '0.sinh()': '0.0' }),
  cosh: double('cosh', 'The hyperbolic cosine.', Math.cosh, { '0.cosh()': '1.0' }),
  tanh: double('tanh', 'The hyperbolic tangent.', Math.tanh, { '0.tanh()': '0.0' }),
  asinh: double('asinh', 'The inverse of the hyperbolic sine.', Math.asinh, { '0.asinh()': '0.0' }),
  acosh: double('acosh', 'The inverse of the hyperbolic cosine.', Math.acosh, {
    '1.acosh()': '0.0',
    '0.acosh()': "error: 'acosh' has no result",
  }),
  atanh: double('atanh', 'The inverse of the hyperbolic tangent.', Math.atanh, {
    '0.atanh()': '0.0',
    '1.atanh()': "error: 'atanh' has no result",
  }),
  atan2: builtin({
    doc: 'The angle in radians of the point whose y is the number and whose x is the argument.',
    takes: ['numeric', 'numeric'],
    gives: 'decimal',
    parameters: ['x'],
    examples: { '1.atan2(2)': '0.4636476090008061' },
    run: (_context, y, x) => fromDouble('atan2', Math.atan2(digitsOf(y).toNumber(), digitsOf(x).toNumber())),
  }),
  max: best('The larger of two numbers, or the largest of more.', 1, { '100.max(200)': '200', 'max(1.5, 1)': '1.5', 'max(1, 5, 3)': '5' }),
  min: best('The smaller of two numbers, or the smallest of more.', -1, { '100.min(200)': '100', 'min(-1, 1)': '-1' }),
  ...statistics,
  isEven: builtin({
    doc: 'Whether it is a whole number that 2 divides.',
    takes: ['numeric'],
    gives: 'boolean',
    examples: { '4.isEven()': 'true', '3.isEven()': 'false', '2.5.isEven()': 'false', 'isEven(-2)': 'true' },
    run: (_context, value) => parity(value, 0n),
  }),
  isOdd: builtin({
    doc: 'Whether it is a whole number that 2 does not divide.',
    takes: ['numeric'],
    gives: 'boolean',
    examples: { '3.isOdd()': 'true', '4.isOdd()': 'false', '2.5.isOdd()': 'false', 'isOdd(-3)': 'true' },
    run: (_context, value) => parity(value, 1n),
  }),
  signum: builtin({
    doc: '1.0, -1.0 or 0.0 as it is positive, negative or zero.',
    takes: ['numeric'],
    gives: 'decimal',
    examples: { '25.signum()': '1.0', 'signum(-3.2)': '-1.0', '0.signum()': '0.0' },
    run: (_context, value) => decimal(compareNumbers(value, 0)),
  }),
  randomNumber: builtin({
    doc: 'A random number from the smaller bound up to but without the larger one; the other bound is 0 when only one is given.',
    takes: ['numeric', 'numeric?'],
    gives: 'numeric',
    parameters: ['otherBound'],
    examples: {
      'randomNumber(5, 6)': '5',
      'randomNumber(1)': '0',
      'n = randomNumber(10, 20); n >= 10 && n < 20': 'true',
      'n = randomNumber(20, 10); n >= 10 && n < 20': 'true',
      'n = randomNumber(1.5, 2); n >= 1.5 && n < 2': 'true',
    },
    run: (context, first, second = 0) => random(context, first, second),
  }),
  toHex: builtin({
    doc: 'In hexadecimal digits, lower case; a negative one as 64 bits in two’s complement.',
    takes: ['number'],
    gives: 'text',
    examples: { '100.toHex()': '"64"', '255.toHex()': '"ff"', 'toHex(-1)': '"ffffffffffffffff"' },
    run: (_context, value) => (value < 0 ? BigInt.asUintN(64, BigInt(value)) : value).toString(16),
  }),
  toWords: builtin({
    doc: 'In words: "en-us" unless another language is named (en-gb, en-in, de, es, fr, it, ja, ko, zh).',
    takes: ['numeric', 'text?'],
    gives: 'text',
    parameters: ['language'],
    examples: {
      '1000.toWords()': '"one thousand"',
      '1989.toWords("en-us")': '"one thousand nine hundred eighty-nine"',
      '1989.13.toWords("en-us")': '"one thousand nine hundred eighty-nine point one three"',
      'toWords(-12, "en-gb")': '"minus twelve"',
      '24.toWords("ko")': '"이십사"',
      '10000000.toWords("en-gb")': '"ten million"',
      '10000000.toWords("en-in")': '"one crore"',
      '1989.toWords("es")': '"mil novecientos ochenta y nueve"',
      '1.toWords("xx")': 'error: en-us, en-gb',
    },
    run: (_context, value, language = 'en-us') => numberWords(value, language),
  }),
  text: builtin({
    doc: 'By a mask of DecimalFormat (`#` and `0` for digits, `,` for groups), rounded half to even; milliseconds since 1970 by a date pattern.',
    takes: ['numeric', 'text', 'text?'],
    gives: 'text',
    parameters: ['format', 'timeZone'],
    examples: { '2434.text("000000000")': '"000002434"', '0.125.text("0.00")': '"0.12"', '10.5.text("0.00 per hour")': '"10.50 per hour"' },
    run: (context, value, pattern, timeZone) => byPattern(context, value, pattern, 'half-even', timeZone),
  }),
  toString: builtin({
    doc: 'As `info` prints it; by a mask of DecimalFormat, digits beyond it cut off; milliseconds since 1970 by a date pattern.',
    takes: ['numeric', 'text?', 'text?'],
    gives: 'text',
    parameters: ['format', 'timeZone'],
    aliases: ['toText'],
    examples: {
      '1000000.05.toString("#,##0.00")': '"1,000,000.05"',
      '1.999.toString("0.00")': '"1.99"',
      '5.toString()': '"5"',
      '5.0.toString()': '"5.0"',
      '0.toString("yyyy-MM-dd", "GMT")': '"1970-01-01"',
      '0.256.toString("0%")': '"25%"',
    },
    run: (context, value, pattern, timeZone) =>
      pattern === undefined ? textOf(context.surroundings, value) : byPattern(context, value, pattern, 'down', timeZone),
  }),
  toLong: builtin({
    doc: 'As a whole number; what stands behind the point is cut off.',
    takes: ['numeric'],
    gives: 'number',
    aliases: ['toNumber'],
    examples: { '123.25.toNumber()': '123', '99.9.toLong()': '99', 'toLong(-99.9)': '-99', '5.toLong()': '5' },
    run: (_context, value) => wholeOf(value),
  }),
  toDecimal: builtin({
    doc: 'As a DECIMAL.',
    takes: ['numeric'],
    gives: 'decimal',
    examples: { '5.toDecimal()': '5.0', '5.25.toDecimal()': '5.25' },
    run: (_context, value) => (typeof value === 'object' ? value : decimalOf(digitsOf(value))),
  }),
}
