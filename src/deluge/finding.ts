import { lineAndColumn, type Span } from './ast.ts'

/** Something about a script that its author should know, with its place. Lines and columns count from 1, the end is exclusive. */
export interface Finding {
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
  /** A sentence. */
  readonly message: string
  /** What to do instead, as a sentence, or null. */
  readonly suggestion: string | null
}

export function findingAt(source: string, span: Span, message: string, suggestion: string | null = null): Finding {
  const { line, column } = lineAndColumn(source, span.start)
  const end = lineAndColumn(source, span.end)
  return { line, column, endLine: end.line, endColumn: end.column, message, suggestion }
}
