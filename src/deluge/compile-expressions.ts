import { boundedInteger, decimalOfDigits, negate } from './arithmetic.ts'
import { type Binary, type Call, type Expression, type ListLiteral, type MapLiteral, type Member } from './ast.ts'
import { compileCall, compileMethodCall } from './compile-calls.ts'
import { arithmetic, chain, comparison, isArithmetic, logic, testOf, type Arithmetic, type Operand } from './compile-operators.ts'
import { compileTask } from './compile-tasks.ts'
import { containerInJson } from './json.ts'
import { parseDate, parseTime } from './dates.ts'
import { Failure } from './failure.ts'
import type { Code, Run, Test } from './program.ts'
import { freePath, slotOf, type Scope } from './scope.ts'
import { keyTextOf } from './text.ts'
import { emptyMap, kindNames, kindOf, listOf, openContainer, putEntry, type Value } from './value.ts'
import { systemVariables, variablePrefixes } from './variables.ts'

export const operandOf = (code: Code, at: number): Operand => ({ code, slot: -1, constant: undefined, at })
const testOperand = (test: Test, at: number): Operand => ({ code: test, slot: -1, constant: undefined, test, at })
const constantOf = (value: Value, at: number): Operand => ({ code: () => value, slot: -1, constant: value, at })

/** What fails whenever it is reached. */
export const failing = (at: number, message: string): Operand =>
  operandOf((_, run) => {
    run.at = at
    throw new Failure(message)
  }, at)

/** An expression's code, without what is known about it. */
export const codeOf = (scope: Scope, expression: Expression): Code => compileExpression(scope, expression).code

export function compileExpression(scope: Scope, expression: Expression): Operand {
  const at = expression.start
  switch (expression.kind) {
    case 'text':
      return constantOf(expression.value, at)
    case 'quoted':
      return quoted(scope, expression.value, at)
    case 'number':
      return number(expression.digits, at)
    case 'boolean':
      return constantOf(expression.value, at)
    case 'null':
      return constantOf(null, at)
    case 'variable':
      return variable(scope, expression.name, at)
    case 'list':
      return operandOf(listLiteral(scope, expression), at)
    case 'map':
      return operandOf(mapLiteral(scope, expression), at)
    case 'member':
      return member(scope, expression)
    case 'call':
      return compileSpecialCall(scope, expression) ?? compileCall(scope, expression)
    case 'method':
      return compileMethodCall(scope, expression)
    case 'unary':
      return unary(expression.operator, compileExpression(scope, expression.operand), at)
    case 'binary':
      return binary(scope, expression)
    case 'task':
      return compileTask(scope, expression)
    case 'foreign':
      return failing(at, `${expression.construct} is not available here.`)
  }
}

/** `'…'` is a date or a time when it reads as one, otherwise text (LEX-6). What it reads as depends on the organisation's zone and format. */
function quoted(scope: Scope, text: string, at: number): Operand {
  if (!/\d/.test(text)) return constantOf(text, at)
  const { timeZone, dateFormat } = scope.surroundings
  const read = parseDate(scope.surroundings, text) ?? parseTime(text) ?? text
  if (typeof read === 'string' || read.kind === 'time') return constantOf(read, at)
  return operandOf(
    (_, { surroundings }) =>
      surroundings.timeZone === timeZone && surroundings.dateFormat === dateFormat ? read : (parseDate(surroundings, text) ?? text),
    at,
  )
}

function number(digits: string, at: number): Operand {
  try {
    return constantOf(/^\d+$/.test(digits) ? boundedInteger(digits) : decimalOfDigits(digits), at)
  } catch (error) {
    if (error instanceof Failure) return failing(at, error.message)
    throw error
  }
}

const notDefined = (name: string) => `Variable '${name}' is not defined`

function variable(scope: Scope, name: string, at: number): Operand {
  if (scope.bound.has(name)) {
    const slot = slotOf(scope, name)
    return { code: slots => slots[slot] as Value, slot, constant: undefined, at }
  }
  const system = systemVariables.get(name.toLowerCase())
  if (system) return operandOf((_, run) => system.read(run.context), at)
  if (name === 'input') return operandOf(inputCode(scope), at)
  if (scope.parameters) return failing(at, notDefined(name))
  const slot = slotOf(scope, name)
  return operandOf((slots, run) => {
    const value = slots[slot]
    if (value !== undefined) return value
    run.at = at
    throw new Failure(notDefined(name))
  }, at)
}

function inputCode(scope: Scope): Code {
  if (scope.inputSlot < 0) scope.inputSlot = slotOf(scope, ' input')
  const slot = scope.inputSlot
  return slots => slots[slot] ?? null
}

function listLiteral(scope: Scope, { items }: ListLiteral): Code {
  const codes = items.map(item => codeOf(scope, item))
  const bytes = 64 + codes.length * 8
  return (slots, run) => {
    run.meter.made(bytes)
    const values: Value[] = []
    for (const code of codes) values.push(code(slots, run))
    return listOf(values)
  }
}

function mapLiteral(scope: Scope, { entries }: MapLiteral): Code {
  if (entries.length === 0) return openContainer
  const keys = entries.map(({ key }) => compileExpression(scope, key))
  const values = entries.map(({ value }) => codeOf(scope, value))
  const texts = keys.map(key => (typeof key.constant === 'string' ? key.constant : null))
  const bytes = 96 + entries.length * 64
  return (slots, run) => {
    run.meter.made(bytes)
    const map = emptyMap()
    for (let at = 0; at < values.length; at += 1) {
      const text = texts[at] as string | null
      if (text !== null) map.entries.set(text, (values[at] as Code)(slots, run))
      else {
        const key = (keys[at] as Operand).code(slots, run)
        putEntry(map, key, keyTextOf(run.surroundings, key), (values[at] as Code)(slots, run))
      }
    }
    return map
  }
}

/** A field of a value: of a map, of JSON text, or of what `catch` bound (ST-7). */
export function fieldOf(run: Run, object: Value, name: string): Value {
  if (object === null) throw new Failure('Null value occurred')
  const held = typeof object === 'string' ? containerInJson(object, run.meter) : object
  if (typeof held === 'object' && held !== null) {
    if (held.kind === 'map') return held.entries.get(name) ?? null
    if (held.kind === 'collection' && held.content.kind === 'map') return held.content.entries.get(name) ?? null
    if (held.kind === 'error') {
      const field = name.toLowerCase()
      if (field === 'message') return held.message
      if (field === 'lineno') return held.line
    }
  }
  throw new Failure(`${kindNames[kindOf(object)]} has no field '${name}'`)
}

/** Code for a dotted path that begins with no variable of the script: a system variable (§3.6), an argument, a stored variable. */
function path(scope: Scope, full: string, at: number): Operand | null {
  const lower = full.toLowerCase()
  const system = systemVariables.get(lower)
  if (system) return operandOf((_, run) => system.read(run.context), at)
  const prefix = variablePrefixes.find(one => lower.startsWith(one))
  if (prefix !== undefined) {
    const name = full.slice(prefix.length)
    return operandOf((_, run) => {
      run.at = at
      return run.context.host.variable(name, run.context.from)
    }, at)
  }
  const argument = /^input\.(\w+)$/.exec(full)?.[1]
  return argument === undefined ? null : inputField(scope, argument, at)
}

/** `input.x` is the argument x, with what was assigned to it since (§4.2). */
function inputField(scope: Scope, name: string, at: number): Operand {
  if (scope.parameters !== null && !scope.parameters.has(name)) {
    const whole = inputCode(scope)
    return operandOf((slots, run) => {
      run.at = at
      return fieldOf(run, whole(slots, run), name)
    }, at)
  }
  const slot = slotOf(scope, name)
  return operandOf(slots => slots[slot] ?? null, at)
}

function member(scope: Scope, expression: Member): Operand {
  const full = freePath(scope, expression)
  const known = full === null ? null : path(scope, full, expression.start)
  if (known) return known
  const { name, nameStart } = expression
  const object = codeOf(scope, expression.object)
  return operandOf((slots, run) => {
    const value = object(slots, run)
    run.at = nameStart
    return fieldOf(run, value, name)
  }, nameStart)
}

function unary(operator: '-' | '+' | '!', operand: Operand, at: number): Operand {
  if (operator === '!') {
    const test = testOf(operand)
    return testOperand((slots, run) => !test(slots, run), at)
  }
  const { code, constant } = operand
  if (typeof constant === 'number' || typeof constant === 'bigint') return constantOf(operator === '-' ? negate(constant) : constant, at)
  return operandOf((slots, run) => {
    const value = code(slots, run)
    run.at = at
    const negative = negate(value)
    return operator === '-' ? negative : value
  }, at)
}

/** In a loop along the left side: a text put together from ten thousand parts is a tree as deep. */
function binary(scope: Scope, expression: Binary): Operand {
  const spine: Binary[] = []
  let leftmost: Expression = expression
  while (leftmost.kind === 'binary') {
    spine.push(leftmost)
    leftmost = leftmost.left
  }
  let left = compileExpression(scope, leftmost)
  for (let index = spine.length - 1; index >= 0;) {
    const { operator } = spine[index] as Binary
    const together = isArithmetic(operator) ? isArithmetic : (one: string) => one === operator
    const operands = [left]
    const operators: Binary['operator'][] = []
    const isChain = isArithmetic(operator) || operator === '&&' || operator === '||'
    do {
      const node = spine[index] as Binary
      operands.push(compileExpression(scope, node.right))
      operators.push(node.operator)
      index -= 1
    } while (isChain && index >= 0 && together((spine[index] as Binary).operator))
    left = joined(operands, operators)
  }
  return left
}

function joined(operands: readonly Operand[], operators: readonly Binary['operator'][]): Operand {
  const [left, right] = operands
  const operator = operators[0]
  if (!left || !right || operator === undefined) throw new Error('A binary expression has two operands.')
  if (operator === '&&' || operator === '||') return testOperand(logic(operator, operands), left.at)
  if (!isArithmetic(operator)) return testOperand(comparison(operator, left, right), left.at)
  if (operands.length === 2) return operandOf(arithmetic(operator, left, right), left.at)
  return operandOf(chain(operands, operators as readonly Arithmetic[]), left.at)
}

/** `if(c, a, b)` and `ifnull(a, b)`, which leave alone what they do not need (EX-11, EX-12). */
function compileSpecialCall(scope: Scope, expression: Call): Operand | null {
  const name = expression.name.toLowerCase()
  const { arguments: given, start: at } = expression
  const [first, second, third] = given
  if (name === 'if') {
    if (!first || !second || !third || given.length > 3) return failing(at, "Number of Arguments mismatches for the function 'if'")
    const test = testOf(compileExpression(scope, first))
    const yes = codeOf(scope, second)
    const no = codeOf(scope, third)
    return operandOf((slots, run) => (test(slots, run) ? yes(slots, run) : no(slots, run)), at)
  }
  if (name !== 'ifnull') return null
  if (!first || !second || given.length > 2) return failing(at, "Number of Arguments mismatches for the function 'ifnull'")
  const value = codeOf(scope, first)
  const instead = codeOf(scope, second)
  return operandOf((slots, run) => value(slots, run) ?? instead(slots, run), at)
}
