import { sql } from 'kysely'
import type { Database } from '../../src/storage/database.ts'
import type { TestPatchbay } from './patchbay.ts'

/** Every way a secret may be written down: as it is, percent-encoded, Base64 at each of its three alignments, hexadecimal, JSON, reversed. */
export function spellings(secret: string): Record<string, string> {
  const bytes = Buffer.from(secret)
  /** Inside a longer Base64 text the first and last characters depend on the neighbours: what is left in the middle does not. */
  const aligned = (before: number, encoding: 'base64' | 'base64url') => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replace(/=+$/, '')
    const start = Math.ceil((before * 8) / 6)
    const end = Math.floor(((before + bytes.length) * 8) / 6)
    return whole.slice(start, end)
  }
  return {
    raw: secret,
    percent: encodeURIComponent(secret),
    form: new URLSearchParams({ a: secret }).toString().slice(2),
    json: JSON.stringify(secret).slice(1, -1),
    ...Object.fromEntries(
      [0, 1, 2].flatMap(before => [
        [`base64 after ${before}`, aligned(before, 'base64')],
        [`base64url after ${before}`, aligned(before, 'base64url')],
      ]),
    ),
    hex: bytes.toString('hex'),
    HEX: bytes.toString('hex').toUpperCase(),
    reversed: [...secret].reverse().join(''),
  }
}

/** `where: secret in spelling` for every secret that stands in one of the texts. */
export function findSecrets(texts: Iterable<readonly [where: string, text: string]>, secrets: Readonly<Record<string, string>>): string[] {
  const needles = Object.entries(secrets).flatMap(([name, secret]) =>
    Object.entries(spellings(secret)).map(([spelling, needle]) => [`${name} in ${spelling}`, needle] as const),
  )
  const found: string[] = []
  for (const [where, text] of texts) for (const [what, needle] of needles) if (text.includes(needle)) found.push(`${where}: ${what}`)
  return found
}

/** Every column of every table of the database, each value as text; `bytea` as the characters it holds, and as hexadecimal. */
export async function everyColumn(db: Database): Promise<[where: string, text: string][]> {
  const columns = await sql<{ table_schema: string; table_name: string; column_name: string; data_type: string }>`
    select c.table_schema, c.table_name, c.column_name, c.data_type from information_schema.columns c
    join information_schema.tables t using (table_schema, table_name)
    where c.table_schema not in ('pg_catalog', 'information_schema') and t.table_type = 'BASE TABLE'`.execute(db)
  const texts: [string, string][] = []
  for (const { table_schema, table_name, column_name, data_type } of columns.rows) {
    const column = sql.ref(column_name)
    const table = sql.table(`${table_schema}.${table_name}`)
    const value = data_type === 'bytea' ? sql`encode(${column}, 'escape') || ' ' || encode(${column}, 'hex')` : sql`${column}::text`
    const rows = await sql<{ value: string }>`select ${value} as value from ${table} where ${column} is not null`.execute(db)
    for (const row of rows.rows) texts.push([`${table_name}.${column_name}`, row.value])
  }
  return texts
}

/**
 * The sink scan, with which every story of an attack ends: everything that this Patchbay has logged and answered so far, its metrics,
 * and every column of its database, for each of these secrets in every spelling. What an attack was after must not be in `secrets`
 * only: let the service receive it somewhere, or the scan looks for what never was.
 *
 * @returns `where: secret in spelling`; empty when all is well. @throws Error when there is nothing that could be searched.
 */
export async function sinkScan(patchbay: TestPatchbay, secrets: Readonly<Record<string, string>>): Promise<string[]> {
  const tooShort = Object.keys(secrets).filter(name => (secrets[name] ?? '').length < 12)
  if (tooShort.length > 0) throw new Error(`nothing can be said about secrets as short as ${tooShort.join(', ')}`)
  await patchbay.broker.invocations.flush()
  await patchbay.nobody('GET', '/metrics')
  const { answered, logged } = patchbay
  if (answered.length < 2 || Object.keys(secrets).length === 0) throw new Error('nothing was asked, or nothing is looked for')
  const columns = await everyColumn(patchbay.broker.db)
  return findSecrets([...answered, ...logged.map((line, i) => [`log line ${i}`, line] as const), ...columns], secrets)
}
