import type { FunctionDeclaration, Script, Statement } from './ast.ts'
import { cursorOf, isAt } from './cursor.ts'
import { type Finding, findingsOf } from './finding.ts'
import { isHeader, parseFunction } from './parse-functions.ts'
import { parseStatements } from './parse-statements.ts'

export interface ParseOptions {
  /** `creator` reads `||` before `&&` (EX-2). */
  readonly precedence?: 'usual' | 'creator'
}

/** UTF-16 units in one source. */
export const longestSource = 1_048_576

/**
 * A source's tree and everything that is wrong with its syntax, in the order of the source; never throws. A statement that cannot be
 * understood is left out of the tree and the next one read, so that all mistakes are found at once. Time grows with the length only.
 */
export function parse(source: string, options: ParseOptions = {}): { script: Script; errors: Finding[] } {
  const findings = findingsOf(source)
  const functions: FunctionDeclaration[] = []
  const body: Statement[] = []
  const script: Script = { functions, body, start: 0, end: source.length }
  if (source.length > longestSource) {
    findings.add({ start: 0, end: 0 }, 'This source is too long.', `Split it: ${longestSource} characters are the limit.`)
    return { script, errors: findings.list }
  }
  const cursor = cursorOf(source, options.precedence ?? 'usual', findings)
  while (!isAt(cursor, 'end')) {
    if (isHeader(cursor)) functions.push(parseFunction(cursor))
    else for (const statement of parseStatements(cursor, true)) body.push(statement)
  }
  return { script, errors: findings.list.sort((a, b) => a.line - b.line || a.column - b.column) }
}
