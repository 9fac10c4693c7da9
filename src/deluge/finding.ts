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

/**
 * Writes findings about one source: finds the lines once, so that many findings cost no more than few. After `most` findings the rest is
 * left out, since one mistake often makes hundreds.
 */
export function findingsOf(source: string, most = 500): Findings {
  const list: Finding[] = []
  let lines: number[] | null = null
  const place = (offset: number) => {
    lines ??= lineStarts(source)
    let low = 0
    let high = lines.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((lines[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (lines[low] ?? 0) + 1 }
  }
  return {
    list,
    lineAt: offset => place(offset).line,
    full: () => list.length >= most,
    add(span, message, suggestion = null) {
      if (list.length >= most) return
      const { line, column } = place(span.start)
      const end = place(span.end)
      list.push({ line, column, endLine: end.line, endColumn: end.column, message, suggestion })
    },
  }
}

export interface Findings {
  readonly list: Finding[]
  /** The line of an offset, from 1. */
  readonly lineAt: (offset: number) => number
  readonly full: () => boolean
  readonly add: Report
}

export type Report = (span: Span, message: string, suggestion?: string | null) => void

function lineStarts(source: string): number[] {
  const starts = [0]
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
