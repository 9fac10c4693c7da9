import {
  type Binary,
  type BinaryOperator,
  type Call,
  type Expression,
  type ListLiteral,
  type MapLiteral,
  type Member,
  type MethodCall,
  pathOf,
  type Unary,
} from './ast.ts'
import { accept, advance, before, type Cursor, enter, expect, fail, isAt, peek, shown, endOf, textOf, wordAt } from './cursor.ts'
import { fetching, insertOrDelete, startsInsertOrDelete } from './foreign.ts'
import { mistakenStart, mistakenWord, takeOperator } from './mistakes.ts'
import { isTask, isTaskInParentheses, parseTask } from './parse-tasks.ts'
import { textOfToken } from './scan.ts'

/** How tightly an operator binds; from the left, all of them (EX-2). */
const usual: Readonly<Record<BinaryOperator, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '>': 4,
  '<=': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
}
/** Creator documents `||` before `&&` (EX-2). */
const creator: typeof usual = { ...usual, '||': 2, '&&': 1 }
export const bindings = { usual, creator }

/** One expression, as far as it goes. */
export function parseExpression(cursor: Cursor): Expression {
  enter(cursor)
  const expression = parseBinary(cursor, 1)
  cursor.depth -= 1
  return expression
}

/** In a loop, so that a text put together from thousands of parts needs no more stack than one of two. */
function parseBinary(cursor: Cursor, least: number): Expression {
  let left = parseUnary(cursor)
  for (;;) {
    const operator = operatorAt(cursor)
    if (operator === null) return left
    const binding = (cursor.precedence === 'creator' ? creator : usual)[operator]
    if (binding < least) return left
    const single = isAt(cursor, '=')
    takeOperator(cursor)
    const right = parseBinary(cursor, binding + 1)
    left = { kind: 'binary', operator, left, right, parenthesised: false, single, start: left.start, end: right.end } satisfies Binary
  }
}

const isOperator = (kind: string): kind is BinaryOperator => Object.hasOwn(usual, kind)

function operatorAt(cursor: Cursor): BinaryOperator | null {
  const { kind } = peek(cursor)
  if (isOperator(kind)) return kind
  if (kind === '=' && cursor.conditions > 0) return '=='
  return kind === 'name' || kind === '?' ? mistakenWord(cursor) : null
}

/** Signs bind more loosely than methods: `-218.4.round(0)` is −(218.4.round(0)) (EX-17). */
function parseUnary(cursor: Cursor): Expression {
  const token = peek(cursor)
  if (token.kind !== '-' && token.kind !== '!' && token.kind !== '+') return parsePostfix(cursor, parsePrimary(cursor))
  enter(cursor)
  advance(cursor)
  const operand = parseUnary(cursor)
  cursor.depth -= 1
  return { kind: 'unary', operator: token.kind, operand, start: token.start, end: operand.end } satisfies Unary
}

function parsePostfix(cursor: Cursor, primary: Expression): Expression {
  let object = primary
  for (;;) {
    if (isAt(cursor, '.')) object = parseMember(cursor, object)
    else if (isAt(cursor, '[')) {
      const path = pathOf(object)
      if (path === null) {
        if (object.kind !== 'foreign') indexed(cursor)
        return object
      }
      if (isTask(cursor, path)) object = parseTask(cursor, object.start, path, parseExpression)
      else {
        const inside = peek(cursor, 1).kind
        if ((inside === 'number' || inside === 'text') && peek(cursor, 2).kind === ']') indexed(cursor)
        object = fetching(cursor, object.start, path)
      }
    } else return object
  }
}

function indexed(cursor: Cursor): never {
  return fail(cursor, peek(cursor), 'Elements are not taken with brackets.', 'Write list.get(0) or map.get("key").')
}

function parseMember(cursor: Cursor, object: Expression): Expression {
  advance(cursor)
  const token = peek(cursor)
  if (token.kind !== 'name') return fail(cursor, token, `Expecting a name after '.' but found ${shown(cursor, token)}`)
  advance(cursor)
  const name = textOf(cursor, token)
  if (!isAt(cursor, '(')) {
    return { kind: 'member', object, name, nameStart: token.start, start: object.start, end: token.end } satisfies Member
  }
  const given = parseArguments(cursor)
  return {
    kind: 'method',
    object,
    name,
    nameStart: token.start,
    arguments: given.values,
    keys: given.keys,
    start: object.start,
    end: endOf(cursor),
  } satisfies MethodCall
}

/** `(a, b)` or, for collections, `("k":v, …)` (LEX-13). */
function parseArguments(cursor: Cursor): { values: Expression[]; keys: Expression[] | null } {
  const values: Expression[] = []
  const keys: Expression[] = []
  expect(cursor, '(')
  while (!isAt(cursor, ')')) {
    const value = parseExpression(cursor)
    if (accept(cursor, ':')) {
      keys.push(value)
      values.push(parseExpression(cursor))
    } else values.push(value)
    assignedInside(cursor)
    if (!accept(cursor, ',')) break
  }
  expect(cursor, ')', 'Close the parenthesis, or write a comma between two arguments.')
  if (keys.length === 0) return { values, keys: null }
  if (keys.length < values.length) {
    const { start, end } = before(cursor)
    cursor.report({ start, end }, 'Either every argument has a key or none.', 'Write all as "key":value, or none.')
    while (keys.length < values.length) keys.push({ kind: 'null', start, end })
  }
  return { values, keys }
}

/** Reads a condition, or what stands in parentheses: nothing can be assigned there, and `=` compares. */
export function inCondition(cursor: Cursor, read: (cursor: Cursor) => Expression): Expression {
  cursor.conditions += 1
  const condition = read(cursor)
  cursor.conditions -= 1
  return condition
}

/** `f(a = b)`: other languages name arguments so. Reads the rest, so that one mistake is one finding. */
export function assignedInside(cursor: Cursor): void {
  if (!isAt(cursor, '=')) return
  cursor.report(peek(cursor), "'=' assigns, and nothing can be assigned here.", 'Compare with ==.')
  advance(cursor)
  parseExpression(cursor)
}

function parsePrimary(cursor: Cursor): Expression {
  const token = peek(cursor)
  const { start, end } = token
  switch (token.kind) {
    case 'text':
    case 'quoted':
      advance(cursor)
      return { kind: token.kind, value: textOfToken(cursor.source, token), start, end }
    case 'number':
      advance(cursor)
      return { kind: 'number', digits: digitsOf(textOf(cursor, token)), start, end }
    case 'name':
      return parseName(cursor)
    case '{':
    case '[':
      return parseContainer(cursor)
    case '(':
      return parseParentheses(cursor)
    default:
      return fail(cursor, token, `Expecting a value but found ${shown(cursor, token)}`)
  }
}

/** What follows the digits by mistake has been reported. */
function digitsOf(written: string): string {
  const [digits = ''] = /^[0-9]*(?:\.[0-9]+)?/.exec(written) ?? []
  return digits.startsWith('.') ? `0${digits}` : digits
}

function parseParentheses(cursor: Cursor): Expression {
  const { start } = advance(cursor)
  const expression = inCondition(cursor, parseExpression)
  expect(cursor, ')')
  if (expression.kind !== 'binary') return { ...expression, start, end: endOf(cursor) }
  return { ...expression, parenthesised: true, start, end: endOf(cursor) }
}

const constructorTypes = new Set(['string', 'text', 'int', 'number', 'float', 'decimal', 'bool', 'boolean', 'date', 'datetime'])

function parseName(cursor: Cursor): Expression {
  if (startsInsertOrDelete(cursor)) return insertOrDelete(cursor)
  mistakenStart(cursor)
  const token = peek(cursor)
  const { start, end } = token
  const name = textOf(cursor, token)
  const next = peek(cursor, 1).kind
  if (next === '(') {
    advance(cursor)
    return isTaskInParentheses(cursor, name) ? parseTask(cursor, start, name, parseExpression) : callNamed(cursor, name, start)
  }
  const word = name.toLowerCase()
  if (next === ':' && (word === 'list' || word === 'map' || word === 'collection') && isConstructor(cursor)) {
    const type = textOf(cursor, peek(cursor, 2))
    cursor.at += 3
    return callNamed(cursor, `${name}:${type}`, start)
  }
  advance(cursor)
  switch (word) {
    case 'true':
    case 'false':
      return { kind: 'boolean', value: word === 'true', start, end }
    case 'null':
      return { kind: 'null', start, end }
    default:
      return { kind: 'variable', name, start, end }
  }
}

/** `List:String(`, without spaces: in `{list:date(x)}` a space or another word tells the key of a map from it. */
function isConstructor(cursor: Cursor): boolean {
  const colon = peek(cursor, 1)
  const type = peek(cursor, 2)
  const open = peek(cursor, 3)
  return constructorTypes.has(wordAt(cursor, 2)) && open.kind === '(' && peek(cursor).end === colon.start && colon.end === type.start
}

function callNamed(cursor: Cursor, name: string, start: number): Expression {
  const isCondition = name.toLowerCase() === 'if'
  if (isCondition) cursor.conditions += 1
  const given = parseArguments(cursor)
  if (isCondition) cursor.conditions -= 1
  return { kind: 'call', name, arguments: given.values, keys: given.keys, start, end: endOf(cursor) } satisfies Call
}

/** `{1,2}`, `[1,2]`, `{"k":v}`, `{}`, `{:}` (LEX-10 … LEX-12). A comma before the end is let pass. */
function parseContainer(cursor: Cursor): ListLiteral | MapLiteral {
  const { start, kind } = advance(cursor)
  const close = kind === '[' ? ']' : '}'
  const items: Expression[] = []
  const entries: { key: Expression; value: Expression }[] = []
  cursor.braces += kind === '{' ? 1 : 0
  if (kind === '{' && isAt(cursor, ':') && peek(cursor, 1).kind === '}') advance(cursor)
  while (!isAt(cursor, close)) {
    const first = parseExpression(cursor)
    if (kind === '{' && (entries.length > 0 || items.length === 0) && accept(cursor, ':')) {
      entries.push({ key: first, value: parseExpression(cursor) })
    } else if (entries.length > 0) {
      fail(cursor, peek(cursor), `Expecting ':' but found ${shown(cursor, peek(cursor))}`, 'Each entry of a map is written "key":value.')
    } else items.push(first)
    if (!accept(cursor, ',')) break
  }
  expect(cursor, close, 'Write a comma between two elements.')
  cursor.braces -= kind === '{' ? 1 : 0
  if (kind === '[') return { kind: 'list', brackets: '[]', items, start, end: endOf(cursor) }
  if (items.length === 0) return { kind: 'map', entries, start, end: endOf(cursor) }
  return { kind: 'list', brackets: '{}', items, start, end: endOf(cursor) }
}
