import { sql, type Migration } from 'kysely'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { freshDataDir, openFresh, setUpTimeoutMs, type DatabaseName } from '../../test/support/databases.ts'
import type { OpenDatabase } from './database.ts'
import { exportDatabase, importDatabase } from './export.ts'
import { migrate } from './migrate.ts'

/** "a_child" sorts before its parent, so that alphabetical order would be refused by the foreign key. */
const migrations: Record<string, Migration> = {
  '0001_first': {
    async up(db) {
      await sql`create table parent (id text primary key, bytes bytea, document jsonb, words text[], at timestamptz, amount numeric,
        ratio double precision, big bigint, flag boolean, length int generated always as (length(id)) stored)`.execute(db)
      await sql`create table a_child (number bigint generated always as identity primary key, parent text not null references parent (id))`.execute(
        db,
      )
    },
  },
}

const opened: OpenDatabase[] = []

beforeAll(async () => {
  await freshDataDir()
}, setUpTimeoutMs)

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

const openEmpty = async (name: DatabaseName): Promise<OpenDatabase> => {
  const database = await openFresh(name)
  opened.push(database)
  await migrate(database, migrations)
  return database
}

const fill = async ({ db }: OpenDatabase): Promise<void> => {
  await sql`insert into parent (id, bytes, document, words, at, amount, ratio, big, flag) values
    ('all', decode(repeat('00ff0a', 60), 'hex'), '[{"a": "zeile\\nzwei", "b": null}]', array['x', 'with "quotes"', null], '2026-02-03T04:05:06.789012Z', 1234567890.120, 0.1, 9223372036854775807, true),
    ('nothing', null, null, null, null, null, null, null, null),
    ('empty "', '', '{}', '{}', 'infinity', 'NaN', '-Infinity', 0, false)`.execute(db)
  await sql`insert into parent (id) select 'many-' || n from generate_series(1, 1200) n`.execute(db)
  await sql`insert into a_child (parent) values ('all'), ('all'), ('nothing')`.execute(db)
}

const contents = async ({ db }: OpenDatabase): Promise<unknown> => [
  (await sql`select parent.*, at::text as at_text from parent order by id`.execute(db)).rows,
  (await sql`select * from a_child order by number`.execute(db)).rows,
]

const exported = async (database: OpenDatabase): Promise<string[]> => {
  const lines: string[] = []
  await exportDatabase(database, line => void lines.push(line))
  return lines
}

describe.each<[DatabaseName, DatabaseName]>([
  ['pglite', 'postgres'],
  ['postgres', 'pglite'],
])('[%s] to %s', (from, to) => {
  test('an export imported elsewhere is the same data, and new rows go on from there', async () => {
    const source = await openEmpty(from)
    const target = await openEmpty(to)
    for (const { db } of [source, target]) await sql`set timezone = 'Asia/Kolkata'`.execute(db)
    await fill(source)
    const lines = await exported(source)
    const header = JSON.parse(lines[0] ?? '') as { made_at: string }
    expect(header).toStrictEqual({ format: 'patchbay-export', version: 1, made_at: header.made_at, migrations: ['0001_first'] })
    expect(Math.abs(Date.parse(header.made_at) - Date.now())).toBeLessThan(600_000)
    expect(lines.every(line => line.indexOf('\n') === line.length - 1)).toBe(true)
    expect(await importDatabase(target, lines)).toStrictEqual({ rows: 1206 })
    for (const { db } of [source, target]) await sql`set timezone = 'UTC'`.execute(db)
    expect(await contents(target)).toStrictEqual(await contents(source))
    const { rows } = await sql`insert into a_child (parent) values ('all') returning number`.execute(target.db)
    expect(rows).toStrictEqual([{ number: '4' }])
    expect(await exported(await openEmpty(to))).toHaveLength(4)
  })
})

type Refusal = [name: string, change: (lines: string[]) => string[], message: RegExp]

const refusals: Refusal[] = [
  ['one that is cut short', lines => lines.slice(0, -1), /cut short/],
  ['one that lost a row', lines => lines.filter(line => !line.includes('many-7"')), /cut short/],
  ['one cut within a line', lines => [...lines.slice(0, -2), '["al'], /damaged/],
  ['something else', () => ['{"hello": 1}'], /not an export/],
  ['nothing', () => [], /cut short/],
  ['a newer format', lines => ['{"format":"patchbay-export","version":2}', ...lines.slice(1)], /format version 2, this program reads 1/],
  [
    'one of another schema',
    lines => ['{"format":"patchbay-export","version":1,"migrations":["0001_first","0002_x"]}', ...lines.slice(1)],
    /made at migration 0002_x, this database is at 0001_first/,
  ],
  [
    'an unknown table',
    lines => lines.map(line => line.replace('"table":"parent"', '"table":"pg_authid"')),
    /table or column that this database has not/,
  ],
  // names of prototypes are names that there are none of (X16)
  ...['__proto__', 'constructor', 'toString'].flatMap((name): Refusal[] => [
    [
      `a table ${name}`,
      lines => lines.map(line => line.replace('"table":"parent"', `"table":"${name}"`)),
      /table or column that this database has not/,
    ],
    [
      `a column ${name}`,
      lines => lines.map(line => line.replace('"columns":["id"', `"columns":["${name}"`)),
      /table or column that this database has not/,
    ],
    [`a table in ${name}`, lines => lines.map(line => line.replace(/^\{"table".*\}/, whole => `{"${name}":${whole}}`)), /cut short/],
    [`a header in ${name}`, ([header = '', ...rest]) => [`{"${name}":${header}}`, ...rest], /not an export of Patchbay/],
  ]),
]

test('[postgres] an import refuses what it cannot use, and leaves the database empty', async () => {
  const source = await openEmpty('postgres')
  await fill(source)
  const lines = await exported(source)
  const target = await openEmpty('postgres')
  for (const [name, change, message] of refusals) {
    await expect(importDatabase(target, change(lines)), name).rejects.toThrow(message)
  }
  expect(await contents(target)).toStrictEqual([[], []])
  await importDatabase(target, lines)
  await expect(importDatabase(target, lines)).rejects.toThrow(/not empty: "parent" has rows/)
})

test('[postgres] an export is one snapshot: what is written meanwhile is not in it', async () => {
  const source = await openEmpty('postgres')
  await fill(source)
  let interfered = false
  const lines: string[] = []
  await exportDatabase(source, async line => {
    lines.push(line)
    if (interfered) return
    interfered = true
    await sql`insert into parent (id) values ('late')`.execute(source.db)
    await sql`insert into a_child (parent) values ('late')`.execute(source.db)
  })
  expect(lines.some(line => line.includes('late'))).toBe(false)
})
