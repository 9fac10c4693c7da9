import { add, divide, multiply, remainder, subtract } from './arithmetic.ts'
import type { BinaryOperator } from './ast.ts'
import { equal, order } from './equal.ts'
import { Failure } from './failure.ts'
import type { Code, Run, Slots, Test } from './program.ts'
import { textOf } from './text.ts'
import { kindNames, kindOf, type Value } from './value.ts'

/** An operand: its code, and where it is a variable or a constant, which the quick ways below make use of. */
export interface Operand {
  readonly code: Code
  /** The place of a variable that always has a value, or -1. */
  readonly slot: number
  readonly constant: Value | undefined
  /** As a condition, where it is one already. */
  readonly test?: Test
  /** Where it stands: what fails, fails there. */
  readonly at: number
}

export type Arithmetic = '+' | '-' | '*' | '/' | '%'

const largest = Number.MAX_SAFE_INTEGER

/** One arithmetic operation on two values, whatever they are. */
export function compute(run: Run, operator: Arithmetic, left: Value, right: Value): Value {
  switch (operator) {
    case '+':
      return add(run.surroundings, run.meter, left, right)
    case '-':
      return subtract(left, right)
    case '*':
      return multiply(left, right)
    case '/':
      return divide(left, right)
    case '%':
      return remainder(left, right)
  }
}

function slowly(run: Run, at: number, operator: Arithmetic, left: Value, right: Value): Value {
  run.at = at
  return compute(run, operator, left, right)
}

/** `x + 1`, `x % 7`: the most frequent shapes in loops, without a call for the parts. */
function withSmallConstant(operator: Arithmetic, left: Operand, constant: number, at: number): Code {
  const { slot, code } = left
  if (slot >= 0) {
    switch (operator) {
      case '+':
        return (slots, run) => {
          const value = slots[slot] as Value
          if (typeof value === 'number') {
            const sum = value + constant
            if (sum <= largest && sum >= -largest) return sum
          }
          return slowly(run, at, '+', value, constant)
        }
      case '-':
        return (slots, run) => {
          const value = slots[slot] as Value
          if (typeof value === 'number') {
            const difference = value - constant
            if (difference <= largest && difference >= -largest) return difference
          }
          return slowly(run, at, '-', value, constant)
        }
      case '*':
        return (slots, run) => {
          const value = slots[slot] as Value
          if (typeof value === 'number') {
            const product = value * constant
            if (product <= largest && product >= -largest) return product + 0
          }
          return slowly(run, at, '*', value, constant)
        }
      default:
    }
  }
  if (operator === '%' && constant !== 0) {
    return (slots, run) => {
      const value = code(slots, run)
      return typeof value === 'number' ? (value % constant) + 0 : slowly(run, at, '%', value, constant)
    }
  }
  return anyArithmetic(operator, left.code, () => constant, at)
}

function anyArithmetic(operator: Arithmetic, left: Code, right: Code, at: number): Code {
  switch (operator) {
    case '+':
      return (slots, run) => {
        const first = left(slots, run)
        const second = right(slots, run)
        if (typeof first === 'number' && typeof second === 'number') {
          const sum = first + second
          if (sum <= largest && sum >= -largest) return sum
        }
        return slowly(run, at, '+', first, second)
      }
    case '-':
      return (slots, run) => {
        const first = left(slots, run)
        const second = right(slots, run)
        if (typeof first === 'number' && typeof second === 'number') {
          const difference = first - second
          if (difference <= largest && difference >= -largest) return difference
        }
        return slowly(run, at, '-', first, second)
      }
    case '*':
      return (slots, run) => {
        const first = left(slots, run)
        const second = right(slots, run)
        if (typeof first === 'number' && typeof second === 'number') {
          const product = first * second
          if (product <= largest && product >= -largest) return product + 0
        }
        return slowly(run, at, '*', first, second)
      }
    default:
      return (slots, run) => {
        const first = left(slots, run)
        return slowly(run, at, operator, first, right(slots, run))
      }
  }
}

export const arithmetic = (operator: Arithmetic, left: Operand, right: Operand): Code =>
  typeof right.constant === 'number' && left.constant === undefined
    ? withSmallConstant(operator, left, right.constant, right.at)
    : anyArithmetic(operator, left.code, right.code, right.at)

/** From as many terms on, a chain is computed in a loop: thousands of them would need a stack as deep. */
const longChain = 8

/** `a + b - c …`, from the left. */
export function chain(operands: readonly Operand[], operators: readonly Arithmetic[]): Code {
  const [first, ...others] = operands
  if (first === undefined) throw new Error('A chain has operands.')
  if (others.length > 1 && operators.every(one => one === '+')) return sum(operands)
  if (others.length < longChain) {
    let left = first
    others.forEach((right, at) => {
      left = { code: arithmetic(operators[at] ?? '+', left, right), slot: -1, constant: undefined, at: first.at }
    })
    return left.code
  }
  return (slots, run) => {
    let value = first.code(slots, run)
    for (let at = 0; at < others.length; at += 1) {
      const operand = others[at] as Operand
      const next = operand.code(slots, run)
      value = slowly(run, operand.at, operators[at] as Arithmetic, value, next)
    }
    return value
  }
}

/** `a + b + c …`: once a text has been met, everything behind it is written after it, and the whole is measured once. */
function sum(operands: readonly Operand[]): Code {
  const codes = operands.map(one => one.code)
  const places = operands.map(one => one.at)
  const first = codes[0] as Code
  const count = codes.length
  return (slots, run) => {
    let value = first(slots, run)
    let at = 1
    while (at < count && typeof value !== 'string') {
      const next = (codes[at] as Code)(slots, run)
      value = slowly(run, places[at] as number, '+', value, next)
      at += 1
    }
    if (typeof value !== 'string') return value
    const { meter } = run
    let text: string = value
    for (; at < count; at += 1) {
      const next = (codes[at] as Code)(slots, run)
      if (typeof next === 'string') text += next
      else if (typeof next === 'number') text += String(next)
      else {
        run.at = places[at] as number
        text += textOf(run.surroundings, next, meter.limits.text)
      }
      if (text.length > meter.limits.text) {
        run.at = places[at] as number
        meter.textOf(text.length)
      }
    }
    run.at = places[0] as number
    meter.made(24 + text.length * 2)
    return text
  }
}

/** Whether a value that stands as a condition holds. Null does not: `isEmpty("")` answers null in one profile (CO-8). */
export function holds(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (value === null) return false
  const word = typeof value === 'string' ? value.toLowerCase() : ''
  if (word === 'true' || word === 'false') return word === 'true'
  throw new Failure(`${kindNames[kindOf(value)]} can not be cast to 'BOOLEAN'`)
}

export function testOf({ code, test, at }: Operand): Test {
  if (test) return test
  return (slots, run) => {
    const value = code(slots, run)
    if (value === true || value === false) return value
    run.at = at
    return holds(value)
  }
}

type Comparison = '==' | '!=' | '<' | '>' | '<=' | '>='

function ordered(run: Run, at: number, left: Value, right: Value): number {
  run.at = at
  return order(run.surroundings, left, right)
}

function same(run: Run, at: number, left: Value, right: Value): boolean {
  if (left === right) return true
  if (left === null || right === null) return false
  run.at = at
  return equal(run.surroundings, left, right)
}

/** `a < b` and its five siblings, numbers first. */
export function comparison(operator: Comparison, left: Operand, right: Operand): Test {
  const { code: first } = left
  const { code: second, at } = right
  if (right.constant === null && (operator === '==' || operator === '!=')) {
    return operator === '==' ? (slots, run) => first(slots, run) === null : (slots, run) => first(slots, run) !== null
  }
  switch (operator) {
    case '==':
      return (slots, run) => same(run, at, first(slots, run), second(slots, run))
    case '!=':
      return (slots, run) => !same(run, at, first(slots, run), second(slots, run))
    case '<':
      return (slots, run) => {
        const a = first(slots, run)
        const b = second(slots, run)
        return typeof a === 'number' && typeof b === 'number' ? a < b : ordered(run, at, a, b) < 0
      }
    case '>':
      return (slots, run) => {
        const a = first(slots, run)
        const b = second(slots, run)
        return typeof a === 'number' && typeof b === 'number' ? a > b : ordered(run, at, a, b) > 0
      }
    case '<=':
      return (slots, run) => {
        const a = first(slots, run)
        const b = second(slots, run)
        return typeof a === 'number' && typeof b === 'number' ? a <= b : ordered(run, at, a, b) <= 0
      }
    case '>=':
      return (slots, run) => {
        const a = first(slots, run)
        const b = second(slots, run)
        return typeof a === 'number' && typeof b === 'number' ? a >= b : ordered(run, at, a, b) >= 0
      }
  }
}

/** `a && b && c`, `a || b || c`: the rest is not looked at when it can change nothing (EX-13). */
export function logic(operator: '&&' | '||', operands: readonly Operand[]): Test {
  const tests = operands.map(testOf)
  const [first, second] = tests
  if (tests.length === 2 && first && second) {
    return operator === '&&'
      ? (slots: Slots, run: Run) => first(slots, run) && second(slots, run)
      : (slots: Slots, run: Run) => first(slots, run) || second(slots, run)
  }
  const deciding = operator === '||'
  return (slots, run) => {
    for (const test of tests) if (test(slots, run) === deciding) return deciding
    return !deciding
  }
}

export const isArithmetic = (operator: BinaryOperator): operator is Arithmetic =>
  operator === '+' || operator === '-' || operator === '*' || operator === '/' || operator === '%'
