import { sql } from 'kysely'
import type { Database } from '../../src/storage/database.ts'
import type { Answered } from './patchbay.ts'
import { spellings } from './sinks.ts'

/*
 * The scan over a whole test run: when a Patchbay of a test stops, everything that it printed, answered and stored is searched for what
 * every test has: its administrator's password and key, whatever the practice service gave out, keys that were made, and each text with
 * the mark of a test's own secrets. All have a form of their own, so nothing has to be collected while tests run.
 */

export const adminKey = 'pb_test_administrator_0123456789abcdefghijklmn'
export const adminPassword = 'correct horse battery'

/** How the tests' own secrets begin. */
export const mark = 'CANARY-'

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
const known = [adminPassword, adminKey, mark].flatMap(one => Object.values(spellings(one)).map(escaped))
/*
 * Random values stand everywhere (`state`, `code_challenge`, request ids), and one in some 100 000 begins like a token. What decides
 * is the whole length: 32 or 43 random characters after a beginning is longer or shorter than every value that has no beginning.
 */
const token = (beginnings: string, random: string) =>
  `(?:^|[^A-Za-z0-9_-]|%[0-9A-Fa-f]{2}|\\\\[nrt])(?:${beginnings})_[A-Za-z0-9_-]${random}(?![A-Za-z0-9_-])`
/** Tokens and client secrets of the practice service; not its codes, which a page for signing in has in its own address. */
const practice = token('secret|at[0-9]+|rt|tok|ts|rqs|sh', '{32}(?:[A-Za-z0-9_-]{11})?')
const practiceCodes = token('code|ver', '{32}')
/** An API key: shown by the answer that makes it, and never again. */
const apiKeys = token('pb', '{43}')
const hexadecimal = Buffer.from('secret_').toString('hex')

const everywhere = [...new Set(known), practice]
const inAnswers = new RegExp(everywhere.join('|'))
const withoutCodes = [...everywhere, apiKeys, hexadecimal].join('|')
const kept = `${withoutCodes}|${practiceCodes}`
const inLogs = new RegExp(kept)

/** What a service says passes through these doors as it is; what Patchbay keeps from there is in `response-echo.test.ts`. */
const passesThrough = /\/api\/v1\/invoke|\/proxy\/|\/runs?\b|\/execute\b|\/practice\b/
/**
 * A refusal there is ours: the header is never passed on from a service, no service's answer has the media type where it is in an envelope,
 * and only refusals of exposed functions name their request.
 */
const ours = [
  [/\/api\/v1\/invoke|\/proxy\//, /^patchbay-problem,/m],
  [/^\w+ (?:https?:\/\/[^/]+)?\/api\/v1\//, /^content-type,application\/problem\+json/m],
  [/\/execute\b/, /^\{"(?:status|code)".*"request_id":/m],
] as const
const isOurs = (where: string, text: string) =>
  !passesThrough.test(where) || ours.some(([door, sign]) => door.test(where) && sign.test(text))

/** Enough to find the place, and never the secret itself. */
const place = (text: string, found: RegExpExecArray) => text.slice(Math.max(0, found.index - 60), found.index + 12)

export interface Sinks {
  readonly logged: readonly string[]
  readonly answered: readonly Answered[]
}

/** `where: what stands before it` for everything that looks like a secret in what was printed and answered. */
export function leaksOf({ logged, answered }: Sinks): string[] {
  const found: string[] = []
  const look = (where: string, text: string, pattern: RegExp) => {
    const match = pattern.exec(text)
    if (match) found.push(`${where}: ${place(text, match)}…`)
  }
  for (const line of logged) look('log', line, inLogs)
  for (const [where, text] of answered) if (isOurs(where, text)) look(where, text, inAnswers)
  return found
}

/** The same for every row of every table, in one statement. A `bytea` is seen as hexadecimal. */
export async function storedLeaks(db: Database): Promise<string[]> {
  const tables = await sql<{ schema: string; name: string }>`
    select table_schema as schema, table_name as name from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`.execute(db)
  if (tables.rows.length === 0) return []
  const each = tables.rows.map(({ schema, name }) => {
    // the log of runs has what a function was given, but for arguments of the type password: a code that it exchanges itself is one
    const pattern = name === 'function_runs' ? withoutCodes : kept
    return sql`select ${name}::text as name, substring(r::text from ${`.{0,60}(?:${pattern})`}) as text
      from ${sql.table(`${schema}.${name}`)} r where r::text ~ ${pattern}`
  })
  const rows = await sql<{ name: string; text: string | null }>`${sql.join(each, sql` union all `)} limit 20`.execute(db)
  return rows.rows.map(row => `table ${row.name}: ${(row.text ?? '').slice(0, 70)}…`)
}

/** @throws Error that names each place. */
export function assertNoLeaks(leaks: readonly string[]): void {
  if (leaks.length > 0) throw new Error(`Secrets stand where they must not be:\n${leaks.slice(0, 20).join('\n')}`)
}
