import type { Assignment, AssignmentOperator, Expression, If, Statement, Try, Variable } from './ast.ts'
import { lineAndColumn, pathOf } from './ast.ts'
import {
  accept,
  advance,
  before,
  type Cursor,
  enter,
  expect,
  fail,
  isAt,
  isUnreadable,
  peek,
  shown,
  endOf,
  textOf,
  wordAt,
} from './cursor.ts'
import { fieldStatement, formStatement, recordLoop, startsFormStatement, startsRecordLoop, startsUpdate, updateOf } from './foreign.ts'
import { mistakenStatements } from './mistakes.ts'
import { inCondition, parseExpression } from './parse-expressions.ts'
import { isHeader } from './parse-functions.ts'
import { parseFor } from './parse-loops.ts'
import { parseMistake, startsMistake } from './parse-mistakes.ts'
import { acceptsNoSemicolon, isBareCall } from './parse-tasks.ts'
import type { Token } from './token.ts'

/** Statements until what closes them, each mistake left behind. At the outermost level a stray `}` is passed over. */
export function parseStatements(cursor: Cursor, outermost: boolean): Statement[] {
  const statements: Statement[] = []
  while (!isAt(cursor, 'end')) {
    if (isHeader(cursor)) break
    if (isAt(cursor, '}')) {
      if (!outermost) break
      cursor.report(advance(cursor), "This '}' closes nothing.", 'Take it away, or look for a missing { above.')
      continue
    }
    const statement = readable(cursor, () => parseStatement(cursor))
    if (statement !== null) statements.push(statement)
  }
  return statements
}

/** Runs one part of the parser; when it cannot be understood, goes on behind it. Always moves forward. */
function readable<Result>(cursor: Cursor, read: () => Result): Result | null {
  const { at, depth } = cursor
  cursor.braces = 0
  cursor.conditions = 0
  try {
    return read()
  } catch (error) {
    if (!isUnreadable(error)) throw error
    cursor.depth = depth
    skipStatement(cursor, at)
    return null
  }
}

const statementWords = new Set(['if', 'for', 'try', 'return', 'info', 'break', 'continue', 'else', 'while'])

/** To behind the next `;`, to the end of the block, or to a line that surely begins a statement. */
function skipStatement(cursor: Cursor, from: number): void {
  let { braces } = cursor
  if (cursor.at === from) advance(cursor)
  while (!isAt(cursor, 'end')) {
    const token = peek(cursor)
    if (token.fresh && token.kind === 'name' && (statementWords.has(wordAt(cursor)) || peek(cursor, 1).kind === '=')) return
    if (token.kind === '}' && braces === 0) return
    advance(cursor)
    if (token.kind === ';') return
    if (token.kind === '{') braces += 1
    else if (token.kind === '}') braces -= 1
  }
}

/** `{ … }`. A single statement without braces is read, and reported. */
export function parseBlock(cursor: Cursor, owner: string): Statement[] {
  const open = peek(cursor)
  if (!accept(cursor, '{')) {
    const message = `Expecting '{' but found ${shown(cursor, open)}`
    cursor.report(open, message, `The body of ${owner} stands in braces, even when it is one statement.`)
    if (isAt(cursor, 'end') || isAt(cursor, '}') || accept(cursor, ';')) return []
    enter(cursor)
    const statement = readable(cursor, () => parseStatement(cursor))
    cursor.depth -= 1
    return statement === null ? [] : [statement]
  }
  enter(cursor)
  const statements = parseStatements(cursor, false)
  cursor.depth -= 1
  if (!accept(cursor, '}') && cursor.unclosedAt !== cursor.at) {
    cursor.unclosedAt = cursor.at
    const { line } = lineAndColumn(cursor.source, open.start)
    cursor.report(peek(cursor), `Expecting '}' but found ${shown(cursor, peek(cursor))}`, `The { of line ${line} is still open.`)
  }
  return statements
}

function parseStatement(cursor: Cursor): Statement | null {
  const token = peek(cursor)
  if (accept(cursor, ';')) return null
  if (token.kind !== 'name') return parseExpressionStatement(cursor)
  const { start } = token
  const next = peek(cursor, 1).kind
  switch (wordAt(cursor)) {
    case 'if':
      if (next === '=' || next === '.' || isCompound(next)) break
      return parseIf(cursor)
    case 'for':
      return parseFor(cursor)
    case 'try':
      if (next === '=' || next === '.' || next === '(' || isCompound(next)) break
      return parseTry(cursor)
    case 'return': {
      advance(cursor)
      const value = isAt(cursor, ';') || isAt(cursor, '}') || isAt(cursor, 'end') ? null : parseExpression(cursor)
      endStatement(cursor, value)
      return { kind: 'return', value, start, end: endOf(cursor) }
    }
    case 'info':
      // `info` is an ordinary name, too: scripts keep the "info" of an answer under it.
      if (next === '=' || next === '.' || isCompound(next)) break
      advance(cursor)
      return infoStatement(cursor, start)
    case 'break':
    case 'continue':
      if (next === '=' || next === '.' || next === '(') break
      advance(cursor)
      endStatement(cursor, null)
      return { kind: textOf(cursor, token).toLowerCase() === 'break' ? 'break' : 'continue', start, end: endOf(cursor) }
    default:
      if (startsFormStatement(cursor)) {
        const foreign = formStatement(cursor)
        accept(cursor, ';')
        return foreign
      }
      if (startsRecordLoop(cursor)) return recordLoop(cursor)
      if (startsUpdate(cursor)) {
        const foreign = updateOf(cursor)
        accept(cursor, ';')
        return foreign
      }
  }
  if (startsMistake(cursor)) return parseMistake(cursor)
  return parseExpressionStatement(cursor)
}

/** The `;` (LEX-2). A forgotten one is noticed where the next line or the end of the block begins, and nothing is lost. */
export function endStatement(cursor: Cursor, last: Expression | null): void {
  if (accept(cursor, ';')) return
  if (last !== null && acceptsNoSemicolon(last)) return
  const token = peek(cursor)
  const { end } = before(cursor)
  if (isUnclosed(cursor, before(cursor))) return
  if (token.kind === '=') {
    fail(cursor, token, "'=' assigns, and stands once in a statement.", 'Compare with ==, or assign in two statements.')
  }
  if (token.kind === ':' && last?.kind === 'variable' && last.name.toLowerCase() === 'list') {
    const type = textOf(cursor, peek(cursor, 1)).slice(0, 40)
    fail(
      cursor,
      peek(cursor, 1),
      `There are no lists of '${type}'.`,
      'Write List:String(), List:Int(), List:Float(), List:Bool() or List:Date().',
    )
  }
  const begins = token.kind === 'end' || token.kind === '}' || token.kind === 'name'
  if (!begins && (!token.fresh || token.kind === ')' || token.kind === ']')) {
    fail(cursor, token, `Expecting ';' but found ${shown(cursor, token)}`)
  }
  cursor.report({ start: end, end }, "Missing ';'", 'Every statement ends with a ;.')
}

/** A text that was never closed has eaten its `;`, and has been reported. */
function isUnclosed(cursor: Cursor, token: Token): boolean {
  if (token.kind !== 'text' && token.kind !== 'quoted') return false
  const text = textOf(cursor, token)
  return text.length < 2 || (text.endsWith(';') && !text.endsWith(text.charAt(0)))
}

const compound: ReadonlySet<string> = new Set<AssignmentOperator>(['+=', '-=', '*=', '/=', '%='])
const isCompound = (kind: string): kind is AssignmentOperator => compound.has(kind)
const isAssignment = (kind: string): kind is AssignmentOperator => kind === '=' || isCompound(kind)

/** `List:String names = …` (LEX-14). */
const startsTypedList = (cursor: Cursor): boolean =>
  wordAt(cursor) === 'list' &&
  peek(cursor, 1).kind === ':' &&
  peek(cursor, 2).kind === 'name' &&
  peek(cursor, 3).kind === 'name' &&
  peek(cursor, 4).kind === '='

/** An assignment, or an expression on its own. */
export function parseExpressionStatement(cursor: Cursor): Statement {
  const { start, end, kind } = peek(cursor)
  const second = peek(cursor, 1)
  if ((kind === '+' || kind === '-') && second.kind === kind && second.start === end) {
    fail(cursor, { start, end: second.end }, `'${kind}${kind}' does not exist in Deluge.`, `Write: name = name ${kind} 1;`)
  }
  let declared: string | null = null
  if (kind === 'name' && second.kind === 'name' && !second.fresh && peek(cursor, 2).kind === '=') {
    declared = textOf(cursor, advance(cursor))
  } else if (startsTypedList(cursor)) {
    declared = `${textOf(cursor, peek(cursor))}:${textOf(cursor, peek(cursor, 2))}`
    cursor.at += 3
  }
  const left = parseExpression(cursor)
  const operator = peek(cursor)
  if (operator.kind === ':' && pathOf(left) !== null) {
    const foreign = fieldStatement(cursor, start)
    accept(cursor, ';')
    return foreign
  }
  if (!isAssignment(operator.kind)) return expressionStatement(cursor, start, left)
  if (left.kind !== 'variable' && left.kind !== 'member') {
    const reserved = left.kind === 'boolean' || left.kind === 'null'
    cursor.report(left, reserved ? 'This word is reserved.' : 'Only a variable or a field can be assigned.', notAssigned(left))
    advance(cursor)
    return expressionStatement(cursor, start, parseExpression(cursor))
  }
  advance(cursor)
  if (left.kind === 'variable' && left.name.toLowerCase() === 'void') cursor.report(left, 'This word is reserved.', 'Choose another name.')
  const value = parseExpression(cursor)
  endStatement(cursor, value)
  return { kind: 'assignment', declared, target: left, operator: operator.kind, value, start, end: endOf(cursor) } satisfies Assignment
}

function expressionStatement(cursor: Cursor, start: number, expression: Expression): Statement {
  const token = peek(cursor)
  if (!isBareCall(expression) || !(token.fresh || token.kind === '}' || token.kind === 'end')) endStatement(cursor, expression)
  return { kind: 'expression', expression, start, end: endOf(cursor) }
}

function infoStatement(cursor: Cursor, start: number): Statement {
  const value = parseExpression(cursor)
  endStatement(cursor, value)
  return { kind: 'info', value, start, end: endOf(cursor) }
}

const notAssigned = (left: Expression): string =>
  left.kind === 'method' && left.name.toLowerCase() === 'get' ? 'Write map.put("key", value).' : 'Choose a name for it.'

/** A condition in its parentheses. When it cannot be understood, goes on at the block, so that the block is read. */
export function parseCondition(cursor: Cursor): Expression | null {
  const { depth } = cursor
  try {
    expect(cursor, '(', 'The condition stands in parentheses.')
    const condition = inCondition(cursor, parseExpression)
    if (isAt(cursor, ',')) return condition
    expect(cursor, ')')
    return condition
  } catch (error) {
    if (!isUnreadable(error)) throw error
    cursor.depth = depth
    cursor.conditions = 0
    skipToBlock(cursor)
    return null
  }
}

export function skipToBlock(cursor: Cursor): void {
  let { braces } = cursor
  for (;;) {
    const { kind } = peek(cursor)
    if (kind === 'end' || kind === ';' || (braces === 0 && (kind === '{' || kind === '}'))) break
    if (kind === '{') braces += 1
    else if (kind === '}') braces -= 1
    advance(cursor)
  }
  cursor.braces = 0
}

/** `elseif` and its spellings stand for `else if`, and are reported. */
export const elseIfs = new Set(['elseif', 'elsif', 'elif'])

function parseIf(cursor: Cursor): Statement {
  const { start } = peek(cursor)
  const branches: { condition: Expression; body: Statement[] }[] = []
  let otherwise: Statement[] | null = null
  const branch = () => {
    const at = peek(cursor)
    const condition = parseCondition(cursor)
    const body = parseBlock(cursor, 'if')
    branches.push({ condition: condition ?? { kind: 'null', start: at.start, end: at.start }, body })
  }
  advance(cursor)
  const first = cursor.at
  const condition = parseCondition(cursor)
  // `if(c, a, b);` as a statement is the conditional expression (EX-11).
  if (condition !== null && isAt(cursor, ',')) {
    cursor.at = first - 1
    return parseExpressionStatement(cursor)
  }
  branches.push({ condition: condition ?? { kind: 'null', start, end: start }, body: parseBlock(cursor, 'if') })
  for (;;) {
    const word = wordAt(cursor)
    if (elseIfs.has(word)) {
      const [message, suggestion] = mistakenStatements[word] ?? ['', '']
      cursor.report(advance(cursor), message, suggestion)
      branch()
    } else if (word !== 'else') break
    else {
      advance(cursor)
      if (wordAt(cursor) === 'if') {
        advance(cursor)
        branch()
      } else {
        otherwise = parseBlock(cursor, 'else')
        break
      }
    }
  }
  return { kind: 'if', branches, otherwise, start, end: endOf(cursor) } satisfies If
}

function parseTry(cursor: Cursor): Statement {
  const { start } = advance(cursor)
  const body = parseBlock(cursor, 'try')
  let variable: Variable = { kind: 'variable', name: 'e', start, end: start }
  let handler: Statement[] = []
  if (wordAt(cursor) === 'catch') {
    advance(cursor)
    variable = parseCaught(cursor) ?? variable
    handler = parseBlock(cursor, 'catch')
  } else {
    const { end } = before(cursor)
    cursor.report({ start: end, end }, `Expecting 'catch' but found ${shown(cursor, peek(cursor))}`, 'Write: try { … } catch (e) { … }.')
  }
  return { kind: 'try', body, variable, handler, start, end: endOf(cursor) } satisfies Try
}

/** `(e)`. A type before the name is not of this language. */
function parseCaught(cursor: Cursor): Variable | null {
  const open = peek(cursor)
  if (!accept(cursor, '(')) {
    cursor.report(open, `Expecting '(' but found ${shown(cursor, open)}`, 'Write: catch (e) { … }.')
    return null
  }
  if (peek(cursor, 1).kind === 'name') cursor.report(advance(cursor), 'What is caught has no type.', 'Write: catch (e) { … }.')
  const token = peek(cursor)
  if (token.kind === 'name') advance(cursor)
  else cursor.report(token, `Expecting a name but found ${shown(cursor, token)}`, 'Write: catch (e) { … }.')
  if (!accept(cursor, ')')) {
    cursor.report(peek(cursor), `Expecting ')' but found ${shown(cursor, peek(cursor))}`)
    skipToBlock(cursor)
  }
  return token.kind === 'name' ? { kind: 'variable', name: textOf(cursor, token), start: token.start, end: token.end } : null
}
