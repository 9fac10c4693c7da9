import type { Decimal } from 'decimal.js'
import { Failure } from './failure.ts'
import { Digits, type Numeric } from './value.ts'

/** How digits beyond the mask go away. `text(mask)` rounds half to even, as DecimalFormat does; `toString(mask)` cuts (§3.9, [obs]). */
export type MaskRounding = 'half-even' | 'down'

interface Mask {
  readonly prefix: string
  readonly suffix: string
  readonly negativePrefix: string
  readonly negativeSuffix: string
  readonly leastInteger: number
  /** Places for integer digits, `#` and `0`: with an exponent they say how far it moves. */
  readonly mostInteger: number
  readonly leastFraction: number
  readonly mostFraction: number
  /** Digits between two commas, 0 for none. */
  readonly grouping: number
  /** Zeros after `E`, or null. */
  readonly exponent: number | null
  readonly showsPoint: boolean
  /** 10² for `%`, 10³ for `‰`. */
  readonly shift: number
}

/** More places than this no mask asks for honestly. */
const longestMask = 1000
/** decimal.js counts exponents to 9e15, and a mask writes all digits out. */
const largestExponent = 1000
const kept = 200
const masks = new Map<string, Mask>()

/**
 * Writes a number by a DecimalFormat mask: `#` and `0` for digits, `,` groups, `.` the point, `%` and `‰` scale, `E0` an exponent, `'…'`
 * and anything else stands for itself, and after `;` the wording of negative numbers. A comma decides by its distance from the point, as
 * in DecimalFormat: only the last one counts.
 *
 * @throws Failure when the mask is longer than 1000 characters, has no place for a digit, or the number has more than 1000 digits.
 */
export function formatNumber(value: Numeric, mask: string, rounding: MaskRounding = 'half-even'): string {
  const parsed = masks.get(mask) ?? remember(mask)
  const exact = typeof value === 'object' ? value.value : new Digits(value.toString())
  if (!exact.isFinite() || Math.abs(exact.e) > largestExponent) throw new Failure('The number is too large to be written by a mask.')
  const mode = rounding === 'down' ? Digits.ROUND_DOWN : Digits.ROUND_HALF_EVEN
  const size = scaled(exact.abs(), parsed.shift)
  const digits = parsed.exponent === null ? plain(size, parsed, mode) : scientific(size, parsed, parsed.exponent, mode)
  // A number that shows only zeros has no sign left to show, unlike in DecimalFormat, which prints "-0".
  const negative = exact.isNegative() && /[1-9]/.test(digits)
  return negative ? parsed.negativePrefix + digits + parsed.negativeSuffix : parsed.prefix + digits + parsed.suffix
}

/** True when a mask has a place for a digit outside quotes: what tells it from a date pattern. */
export const isNumberMask = (mask: string): boolean => /[#0]/.test(mask.replaceAll(/'[^']*'/g, ''))

function remember(mask: string): Mask {
  const parsed = parse(mask)
  if (masks.size >= kept) masks.clear()
  masks.set(mask, parsed)
  return parsed
}

/** Moves the point without the rounding that multiplication would do beyond 34 digits. */
function scaled(value: Decimal, places: number): Decimal {
  return places === 0 || value.isZero() ? value : new Digits(`${value.toFixed()}e${String(places)}`)
}

function plain(value: Decimal, mask: Mask, mode: Decimal.Rounding): string {
  const [whole = '', fraction = ''] = value.toFixed(mask.mostFraction, mode).split('.')
  return joined(whole, fraction, mask, mask.leastInteger)
}

function joined(whole: string, fraction: string, mask: Mask, leastInteger: number): string {
  const integer = whole.replace(/^0+/, '').padStart(leastInteger, '0')
  let cut = fraction.length
  while (cut > mask.leastFraction && fraction[cut - 1] === '0') cut -= 1
  const rest = fraction.slice(0, cut)
  // "#.##" writes 0.5 as ".5", but nothing at all as "0".
  const shown = integer === '' && rest === '' ? '0' : grouped(integer, mask.grouping)
  return rest === '' ? shown + (mask.showsPoint ? '.' : '') : `${shown}.${rest}`
}

function grouped(digits: string, size: number): string {
  if (size === 0 || digits.length <= size) return digits
  const parts: string[] = []
  let end = digits.length
  for (; end > size; end -= size) parts.unshift(digits.slice(end - size, end))
  parts.unshift(digits.slice(0, end))
  return parts.join(',')
}

/** "##0.###E0" keeps the exponent a multiple of its integer places; "00.###E0" shows exactly two integer digits. */
function scientific(value: Decimal, mask: Mask, leastExponent: number, mode: Decimal.Rounding): string {
  const engineering = mask.mostInteger > mask.leastInteger && mask.mostInteger > 1
  const step = mask.mostInteger
  const exponentOf = (e: number): number => (engineering ? Math.floor(e / step) * step : e - Math.max(mask.leastInteger, 1) + 1)
  let exponent = value.isZero() ? 0 : exponentOf(value.e)
  const significant = engineering ? mask.leastInteger + mask.mostFraction : 0
  const mantissaFor = (power: number): Decimal => {
    const moved = scaled(value, -power)
    return engineering ? moved.toSignificantDigits(Math.max(significant, 1), mode) : moved.toDecimalPlaces(mask.mostFraction, mode)
  }
  let mantissa = mantissaFor(exponent)
  // 9.99 rounds to 10.0, which has one digit more than the mask shows.
  if (!mantissa.isZero() && exponentOf(mantissa.e + exponent) !== exponent) {
    exponent = exponentOf(mantissa.e + exponent)
    mantissa = mantissaFor(exponent)
  }
  const [whole = '', fraction = ''] = mantissa.toFixed().split('.')
  const padded = fraction.padEnd(mask.leastFraction, '0')
  const sign = exponent < 0 ? '-' : ''
  const power = String(Math.abs(exponent)).padStart(leastExponent, '0')
  return `${joined(whole, padded, { ...mask, grouping: 0 }, engineering ? 1 : mask.leastInteger)}E${sign}${power}`
}

function parse(mask: string): Mask {
  if (mask.length > longestMask) throw new Failure(`A number mask may have ${String(longestMask)} characters at most.`)
  const first = parseHalf(mask, 0)
  const positive = first.half
  if (positive.places === 0) throw new Failure(`The mask "${mask}" has no place for a digit: write # or 0.`)
  // DecimalFormat reads only the words around the digits from the second half.
  const negative = first.end < mask.length ? parseHalf(mask, first.end + 1).half : null
  const { places: _places, ...rest } = positive
  return {
    ...rest,
    negativePrefix: negative ? negative.prefix : `-${positive.prefix}`,
    negativeSuffix: negative ? negative.suffix : positive.suffix,
  }
}

function parseHalf(mask: string, start: number) {
  let prefix = ''
  let suffix = ''
  let [hashes, zeros, fractionZeros, fractionHashes, sinceComma, shift] = [0, 0, 0, 0, -1, 0]
  let exponent: number | null = null
  let point = false
  let phase: 'before' | 'digits' | 'after' = 'before'
  let at = start
  const literal = (text: string): void => {
    if (phase === 'before') prefix += text
    else {
      phase = 'after'
      suffix += text
    }
  }
  for (; at < mask.length && mask[at] !== ';'; at += 1) {
    const character = mask.charAt(at)
    if (character === "'") {
      const end = mask.indexOf("'", at + 1)
      if (end === at + 1) literal("'")
      else literal(mask.slice(at + 1, end < 0 ? mask.length : end))
      at = end < 0 ? mask.length - 1 : end
    } else if (phase !== 'after' && (character === '#' || character === '0')) {
      phase = 'digits'
      if (point && character === '0') fractionZeros += 1
      else if (point) fractionHashes += 1
      else {
        if (character === '0') zeros += 1
        else hashes += 1
        if (sinceComma >= 0) sinceComma += 1
      }
    } else if (phase === 'digits' && character === ',' && !point) sinceComma = 0
    else if (phase !== 'after' && character === '.' && !point) {
      phase = 'digits'
      point = true
    } else if (phase === 'digits' && character === 'E' && mask[at + 1] === '0') {
      exponent = 0
      while (mask[at + 1] === '0') {
        exponent += 1
        at += 1
      }
      phase = 'after'
    } else {
      if (character === '%') shift = 2
      if (character === '‰') shift = 3
      // The currency sign of no country stands for the currency of a locale that a server does not have.
      literal(character === '¤' ? '$' : character)
    }
  }
  const half = {
    prefix,
    suffix,
    leastInteger: zeros,
    mostInteger: hashes + zeros,
    leastFraction: fractionZeros,
    mostFraction: fractionZeros + fractionHashes,
    grouping: Math.max(sinceComma, 0),
    exponent,
    showsPoint: point && fractionZeros + fractionHashes === 0,
    shift,
    places: hashes + zeros + fractionZeros + fractionHashes,
  }
  return { half, end: at }
}
