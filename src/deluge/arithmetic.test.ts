import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scriptedHost } from '../../test/support/scripted-host.ts'
import { add, bounded, boundedInteger, divide, multiply, negate, remainder, subtract } from './arithmetic.ts'
import { compare, equal, order } from './equal.ts'
import { textOf } from './text.ts'
import { decimal, integer, type Integer, type Value } from './value.ts'

const { surroundings, meter } = scriptedHost().context
const text = (value: Value) => textOf(surroundings, value)
const plus = (left: Value, right: Value) => add(surroundings, meter, left, right)

const anyInteger = fc
  .oneof(fc.bigInt({ min: -20n, max: 20n }), fc.maxSafeInteger().map(BigInt), fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }))
  .map(integer)

/** A number while it is safe, a bigint beyond that: nothing else computes with the one and compares with the other. */
const isCanonical = (value: Value) =>
  typeof value === 'bigint' ? !Number.isSafeInteger(Number(value)) || BigInt(Number(value)) !== value : Number.isSafeInteger(value)

describe('NUMBER', () => {
  it('computes as integers do, whatever their size (LEX-8)', () => {
    fc.assert(
      fc.property(anyInteger, anyInteger, (a: Integer, b: Integer) => {
        const [x, y] = [BigInt(a), BigInt(b)]
        const results: [Value, bigint][] = [
          [plus(a, b), x + y],
          [subtract(a, b), x - y],
          [multiply(a, b), x * y],
          [negate(a), -x],
        ]
        if (y !== 0n) results.push([remainder(a, b), x % y])
        for (const [result, expected] of results) {
          expect(result).toBe(integer(expected))
          expect(isCanonical(result)).toBe(true)
          expect(Object.is(result, -0)).toBe(false)
        }
        expect(Math.sign(order(surroundings, a, b))).toBe(x < y ? -1 : x > y ? 1 : 0)
        expect(equal(surroundings, a, String(b))).toBe(x === y)
      }),
    )
  })

  it('divides exactly, or to sixteen digits (EX-6)', () => {
    fc.assert(
      fc.property(anyInteger, anyInteger, (a: Integer, b: Integer) => {
        fc.pre(b !== 0)
        const quotient = divide(a, b)
        if (BigInt(a) % BigInt(b) === 0n) expect(quotient).toBe(integer(BigInt(a) / BigInt(b)))
        else expect(quotient).toMatchObject({ kind: 'decimal' })
      }),
    )
    expect(text(divide(1, 3))).toBe('0.3333333333333333')
    expect(text(divide(2, 3))).toBe('0.6666666666666667')
    expect(text(divide(1, 1024))).toBe('0.0009765625')
    expect(text(divide(decimal('0.3'), decimal('0.1')))).toBe('3.0')
    expect(() => divide(1, 0)).toThrow('Divide by zero error')
    expect(() => divide(1n, decimal(0))).toThrow('Divide by zero error')
    expect(() => remainder(decimal('1.5'), 0)).toThrow('Divide by zero error')
  })

  it('has a thousand digits at most', () => {
    const largest = 10n ** 1000n - 1n
    expect(bounded(largest)).toBe(largest)
    expect(boundedInteger('0'.repeat(5000) + '7')).toBe(7)
    expect(boundedInteger('-' + '9'.repeat(1000))).toBe(-largest)
    for (const compute of [() => plus(largest, 1), () => multiply(largest, largest), () => boundedInteger('1' + '0'.repeat(1000))])
      expect(compute).toThrow('A NUMBER may have 1000 digits at most.')
  })
})

describe('what has no arithmetic', () => {
  it('says so (CO-5, EX-5)', () => {
    expect(() => multiply('5', 2)).toThrow("Type mismatch: '*' is not defined for TEXT and NUMBER")
    expect(() => subtract(null, 2)).toThrow('Null value occurred')
    expect(() => plus(true, 2)).toThrow('Type mismatch')
    expect(() => negate('x')).toThrow('Type mismatch')
  })
})

describe('order', () => {
  it('of texts is for sorting only (EX-8)', () => {
    expect(compare(surroundings, 'b', 'a')).toBe(1)
    expect(() => order(surroundings, 'b', 'a')).toThrow('Type mismatch')
  })

  it('puts null nowhere', () => {
    expect(order(surroundings, null, 5)).toBeNaN()
    expect(order(surroundings, 5, null)).toBeNaN()
  })
})
