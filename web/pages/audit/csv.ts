import type { AuditEntry } from '../../../sdk/index.ts'

/** What a spreadsheet would take for a formula is told to be text (OWASP, CSV injection). */
const formula = /^[=+\-@\t\r]/

const cell = (value: string | null): string => {
  const text = value === null ? '' : formula.test(value) ? `'${value}` : value
  return /[",\r\n']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const head = ['at', 'actor', 'actor_id', 'on_behalf_of', 'action', 'object', 'outcome', 'ip', 'request_id', 'details']

/** Audit rows as CSV (RFC 4180), with a byte order mark so that spreadsheets read it as UTF-8. */
export const csvOf = (rows: readonly AuditEntry[]): string => {
  const lines = rows.map(row =>
    [
      row.at,
      row.actor.name,
      row.actor.id,
      row.on_behalf_of,
      row.action,
      row.object,
      row.outcome,
      row.ip,
      row.request_id,
      JSON.stringify(row.details),
    ].map(cell),
  )
  return `\uFEFF${[head, ...lines].map(cells => cells.join(',')).join('\r\n')}\r\n`
}
