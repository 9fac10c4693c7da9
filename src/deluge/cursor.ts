import type { Span } from './ast.ts'
import type { Findings, Report } from './finding.ts'
import { scan } from './scan.ts'
import type { Token, TokenKind } from './token.ts'

/** Expressions in expressions and blocks in blocks. Deeper ones would use up the stack of whoever walks the tree. */
export const deepest = 200

/** Where the parser stands, and what it has found. */
export interface Cursor {
  readonly source: string
  readonly tokens: readonly Token[]
  /** The end of the source. */
  readonly last: Token
  readonly precedence: 'usual' | 'creator'
  readonly report: Report
  /** Index of the token to be read next. */
  at: number
  depth: number
  /** Braces of lists and maps that are open where the parser stands: their `}` close no block. */
  braces: number
  /** Conditions that are open where the parser stands: in them `=` compares (ST-2). */
  conditions: number
  /** Where a missing `}` was last reported: every block around ends there, too, and one finding is enough. */
  unclosedAt: number
  /** Nothing more is worth reporting: the nesting is too deep or the findings are too many. */
  over: boolean
}

/** Thrown to leave a statement that cannot be understood; what is wrong has been reported. One for all: it carries nothing. */
class Unreadable extends Error {}
const unreadable = new Unreadable('unreadable')
export const isUnreadable = (error: unknown): boolean => error === unreadable

export function cursorOf(source: string, precedence: Cursor['precedence'], findings: Findings): Cursor {
  const tokens = scan(source, findings.add)
  const cursor: Cursor = {
    source,
    tokens,
    last: tokens.at(-1) ?? none,
    precedence,
    at: 0,
    depth: 0,
    braces: 0,
    conditions: 0,
    unclosedAt: -1,
    over: false,
    report(span, message, suggestion = null) {
      if (cursor.over) return
      findings.add(span, message, suggestion)
      if (findings.full()) giveUp(cursor)
    },
  }
  if (findings.full()) giveUp(cursor)
  return cursor
}

/** Goes to the end of the source, where every loop of the parser stops. */
export function giveUp(cursor: Cursor): void {
  cursor.over = true
  cursor.at = cursor.tokens.length - 1
}

const none: Token = { kind: 'end', start: 0, end: 0, fresh: true }

export const peek = (cursor: Cursor, ahead = 0): Token => cursor.tokens[cursor.at + ahead] ?? cursor.last
export const before = (cursor: Cursor): Token => cursor.tokens[cursor.at - 1] ?? none
export const textOf = (cursor: Cursor, token: Token): string => cursor.source.slice(token.start, token.end)
/** The word at a token in lower case, "" when it is no name. */
export const wordAt = (cursor: Cursor, ahead = 0): string => {
  const token = peek(cursor, ahead)
  return token.kind === 'name' ? textOf(cursor, token).toLowerCase() : ''
}

export function advance(cursor: Cursor): Token {
  const token = peek(cursor)
  if (token.kind !== 'end') cursor.at += 1
  return token
}

export const isAt = (cursor: Cursor, kind: TokenKind): boolean => peek(cursor).kind === kind

export function accept(cursor: Cursor, kind: TokenKind): boolean {
  if (peek(cursor).kind !== kind) return false
  cursor.at += 1
  return true
}

export function expect(cursor: Cursor, kind: TokenKind, suggestion: string | null = null): Token {
  const token = peek(cursor)
  if (token.kind === kind) return advance(cursor)
  return fail(cursor, token, `Expecting '${kind}' but found ${shown(cursor, token)}`, suggestion)
}

/** What a token is called in a message: its text, or EOF as the language calls it (§3.8). */
export function shown(cursor: Cursor, token: Token): string {
  if (token.kind === 'end') return "'EOF'"
  const text = textOf(cursor, token)
  return text.length > 40 || text.includes('\n') ? `'${text.slice(0, 40).replace(/\s+/g, ' ')}…'` : `'${text}'`
}

export function fail(cursor: Cursor, span: Span, message: string, suggestion: string | null = null): never {
  cursor.report(span, message, suggestion)
  throw unreadable
}

/** Enters one more level of nesting; the caller takes it back from `depth` itself. */
export function enter(cursor: Cursor): void {
  cursor.depth += 1
  if (cursor.depth <= deepest) return
  const token = peek(cursor)
  cursor.report(token, 'This is nested too deeply.', `Split it: ${deepest} levels is the limit.`)
  giveUp(cursor)
  throw unreadable
}

/** Where the token read last ends. */
export const endOf = (cursor: Cursor): number => cursor.tokens[cursor.at - 1]?.end ?? 0
