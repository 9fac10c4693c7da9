import type { Statement } from './ast.ts'
import { accept, advance, type Cursor, isAt, peek, wordAt } from './cursor.ts'
import { mistakenStatements } from './mistakes.ts'
import { parseExpression } from './parse-expressions.ts'
import { parseFor, skipParentheses } from './parse-loops.ts'
import { elseIfs, endStatement, parseBlock, parseCondition, parseExpressionStatement } from './parse-statements.ts'

const declaring = new Set(['let', 'var', 'const'])

/** A word of another language that begins a statement the way it does there, and is no variable or function here. */
export function startsMistake(cursor: Cursor): boolean {
  const word = wordAt(cursor)
  if (!Object.hasOwn(mistakenStatements, word)) return false
  const next = peek(cursor, 1)
  if (declaring.has(word) || word === 'import' || word === 'class' || word === 'def' || word === 'function')
    return next.kind === 'name' && !next.fresh
  if (word === 'throw' || word === 'print' || word === 'echo')
    return !next.fresh && ['name', 'text', 'quoted', 'number', '('].includes(next.kind)
  if (word === 'foreach') return next.kind === 'name' || next.kind === '('
  return next.kind === '(' || next.kind === '{' || word === 'else'
}

/** Reports the word and reads what it governs, so that mistakes inside are found, too. */
export function parseMistake(cursor: Cursor): Statement | null {
  const word = wordAt(cursor)
  if (word === 'foreach') return parseFor(cursor)
  const [message, suggestion] = mistakenStatements[word] ?? ['', '']
  cursor.report(advance(cursor), message, suggestion)
  if (declaring.has(word)) return parseExpressionStatement(cursor)
  if (word === 'function' || word === 'def' || word === 'class') {
    while (isAt(cursor, 'name') || isAt(cursor, '.')) advance(cursor)
  }
  if (word === 'import' || word === 'throw' || word === 'print' || word === 'echo') {
    const expression = parseExpression(cursor)
    endStatement(cursor, expression)
    return null
  }
  if (word === 'else' && wordAt(cursor) === 'if') advance(cursor)
  if (isAt(cursor, '(')) {
    if (word === 'while' || word === 'else' || elseIfs.has(word)) parseCondition(cursor)
    else skipParentheses(cursor)
  }
  if (word === 'switch') skipBraces(cursor)
  else if (isAt(cursor, '{')) parseBlock(cursor, word)
  if (word === 'do' && wordAt(cursor) === 'while') {
    advance(cursor)
    parseCondition(cursor)
    accept(cursor, ';')
  }
  return null
}

function skipBraces(cursor: Cursor): void {
  let depth = 0
  do {
    const { kind } = peek(cursor)
    if (kind === 'end') return
    if (kind === '{') depth += 1
    else if (kind === '}') depth -= 1
    advance(cursor)
  } while (depth > 0)
}
