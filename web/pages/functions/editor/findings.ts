import type { Diagnostic } from '@codemirror/lint'
import type { Text } from '@codemirror/state'

/** Something wrong with a script, with line and column from 1. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly line: number
  readonly column: number
  readonly end_line: number
  readonly end_column: number
  readonly message: string
  readonly suggestion: string | null
}

const offset = (doc: Text, line: number, column: number): number => {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines))
  return Math.min(at.from + Math.max(column - 1, 0), at.to)
}

/** The same sentence at the same place is said once. */
export const withoutRepeats = (findings: readonly Finding[]): Finding[] => {
  const seen = new Set<string>()
  return findings.filter(({ line, message }) => {
    const key = `${line} ${message}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

const wordsOf = ({ message, suggestion }: Finding): HTMLElement => {
  const box = document.createElement('span')
  box.textContent = message
  if (suggestion !== null) {
    const more = document.createElement('span')
    more.className = 'cm-suggestion'
    more.textContent = suggestion
    box.append(more)
  }
  return box
}

/** As the editor marks it: at least one character, or the whole line where no place in it is known. */
export function diagnosticOf(doc: Text, finding: Finding): Diagnostic {
  const from = offset(doc, finding.line, finding.column)
  const to = offset(doc, finding.end_line, finding.end_column)
  const line = doc.lineAt(from)
  const whole = to <= from && finding.column === 1
  return {
    from: whole ? line.from : from,
    to: whole ? line.to : Math.max(to, Math.min(from + 1, line.to)),
    severity: finding.severity,
    message: finding.suggestion === null ? finding.message : `${finding.message} ${finding.suggestion}`,
    renderMessage: () => wordsOf(finding),
  }
}
