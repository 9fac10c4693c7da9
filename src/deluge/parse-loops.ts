import type { Expression, ForEach, Statement, Variable } from './ast.ts'
import { accept, advance, type Cursor, endOf, fail, isAt, isUnreadable, peek, shown, textOf, wordAt } from './cursor.ts'
import { fetchingAll, startsOrder } from './foreign.ts'
import { mistakenStatements } from './mistakes.ts'
import { parseExpression } from './parse-expressions.ts'
import { parseBlock, skipToBlock } from './parse-statements.ts'

export function parseFor(cursor: Cursor): Statement | null {
  const { start } = peek(cursor)
  const head = readHead(cursor)
  const body = parseBlock(cursor, 'for each')
  return head === null ? null : ({ kind: 'for each', ...head, body, start, end: endOf(cursor) } satisfies ForEach)
}

/** What stands before the block of a loop, from its first word; null when it is none of the language (ST-6). */
function readHead(cursor: Cursor): { index: boolean; variable: Variable; list: Expression } | null {
  const { depth } = cursor
  try {
    return parseHead(cursor)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    cursor.depth = depth
    skipToBlock(cursor)
    return null
  }
}

function parseHead(cursor: Cursor): { index: boolean; variable: Variable; list: Expression } | null {
  const word = advance(cursor)
  const wrong = (key: string) => {
    const [message, suggestion] = mistakenStatements[key] ?? ['', '']
    cursor.report(word, message, suggestion)
  }
  if (textOf(cursor, word).toLowerCase() === 'foreach') wrong('foreach')
  else if (wordAt(cursor) === 'each') advance(cursor)
  else if (isAt(cursor, '(')) {
    wrong('for')
    skipParentheses(cursor)
    return null
  } else cursor.report(word, "Expecting 'each' after 'for'", 'Write: for each x in list { … }.')
  const parenthesis = peek(cursor)
  const inParentheses = accept(cursor, '(')
  if (inParentheses) cursor.report(parenthesis, 'The head of `for each` stands without parentheses.', 'Write: for each x in list { … }.')
  const index = wordAt(cursor) === 'index' && peek(cursor, 1).kind === 'name' && wordAt(cursor, 1) !== 'in'
  if (index) advance(cursor)
  const token = peek(cursor)
  if (token.kind !== 'name') fail(cursor, token, `Expecting a name but found ${shown(cursor, token)}`, 'Write: for each x in list { … }.')
  advance(cursor)
  const variable: Variable = { kind: 'variable', name: textOf(cursor, token), start: token.start, end: token.end }
  if (wordAt(cursor) !== 'in') {
    fail(cursor, peek(cursor), `Expecting 'in' but found ${shown(cursor, peek(cursor))}`, 'Write: for each x in list { … }.')
  }
  advance(cursor)
  let list = parseExpression(cursor)
  if (startsOrder(cursor)) list = fetchingAll(cursor, list.start)
  if (wordAt(cursor) === 'to') {
    fail(cursor, peek(cursor), 'There are no ranges in Deluge.', 'Loop over a list: for each i in {0,1,2} { … }.')
  }
  if (inParentheses) accept(cursor, ')')
  return { index, variable, list }
}

/** From `(` to its partner, without understanding what is between. */
export function skipParentheses(cursor: Cursor): void {
  let depth = 0
  do {
    const { kind } = peek(cursor)
    if (kind === 'end' || kind === '{' || kind === '}') return
    if (kind === '(') depth += 1
    else if (kind === ')') depth -= 1
    advance(cursor)
  } while (depth > 0)
}
