import type { FunctionDeclaration, Parameter } from './ast.ts'
import { accept, advance, type Cursor, endOf, expect, fail, isAt, isUnreadable, peek, shown, textOf, wordAt } from './cursor.ts'
import { startsFormStatement } from './foreign.ts'
import { parseBlock, skipToBlock } from './parse-statements.ts'

const notReturned = new Set([
  ...['if', 'for', 'try', 'catch', 'finally', 'while', 'do', 'switch', 'break', 'continue', 'foreach', 'import'],
  'info',
  'return',
  'alert',
  'else',
  'throw',
  'function',
  'def',
  'class',
  'new',
  'let',
  'var',
  'const',
  'print',
  'echo',
  'not',
])

/** `string standalone.greet(`: what a function returns, and its name (ST-14). Two names in a row begin nothing else. */
export function isHeader(cursor: Cursor): boolean {
  if (peek(cursor).kind !== 'name') return false
  let ahead = 1
  if (peek(cursor, 1).kind === ':' && peek(cursor, 2).kind === 'name') ahead = 3
  if (peek(cursor, ahead).kind !== 'name' || peek(cursor, ahead).fresh) return false
  if (notReturned.has(wordAt(cursor)) || startsFormStatement(cursor)) return false
  while (peek(cursor, ahead + 1).kind === '.' && peek(cursor, ahead + 2).kind === 'name') ahead += 2
  return peek(cursor, ahead + 1).kind === '('
}

export function parseFunction(cursor: Cursor): FunctionDeclaration {
  const { start } = peek(cursor)
  const returns = parseType(cursor)
  const { start: nameStart } = peek(cursor)
  const path = [textOf(cursor, advance(cursor))]
  while (accept(cursor, '.')) path.push(textOf(cursor, advance(cursor)))
  const name = path.pop() ?? ''
  const parameters = parseParameters(cursor)
  const body = parseBlock(cursor, 'a function')
  return { kind: 'function', returns, namespace: path.join('.'), name, nameStart, parameters, body, start, end: endOf(cursor) }
}

/** `string`, `List:String`. */
function parseType(cursor: Cursor): string {
  const type = textOf(cursor, advance(cursor))
  if (!isAt(cursor, ':') || peek(cursor, 1).kind !== 'name') return type
  advance(cursor)
  return `${type}:${textOf(cursor, advance(cursor))}`
}

function parseParameters(cursor: Cursor): Parameter[] {
  const parameters: Parameter[] = []
  const { depth } = cursor
  try {
    expect(cursor, '(')
    while (!isAt(cursor, ')')) {
      const token = peek(cursor)
      if (token.kind !== 'name') fail(cursor, token, `Expecting a type or a name but found ${shown(cursor, token)}`)
      const typed = peek(cursor, 1).kind === 'name' || peek(cursor, 1).kind === ':'
      const type = typed ? parseType(cursor) : null
      const name = expect(cursor, 'name')
      parameters.push({ type, name: textOf(cursor, name), start: token.start, end: endOf(cursor) })
      if (!accept(cursor, ',')) break
    }
    expect(cursor, ')', 'Arguments are written (type name, type name).')
  } catch (error) {
    if (!isUnreadable(error)) throw error
    cursor.depth = depth
    skipToBlock(cursor)
  }
  return parameters
}
