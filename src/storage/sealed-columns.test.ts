import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { dataKeyStore } from './data-keys.ts'
import { countSealedByRetired, destroyRetiredDataKeys, replaceSealed, sealedColumns, sealedRows } from './sealed-columns.ts'

/** Neither is sealed by a data key: the first is what wraps them. */
const notSealed = ['data_keys.wrapped']

forEachDatabase((_name, open) => {
  test('every column of bytes is on the list of sealed columns, with its primary key and the columns of its versions', async () => {
    const { db, schema } = await open()
    const bytes = await sql<{ name: string }>`select table_name || '.' || column_name as name from information_schema.columns
      where table_schema = ${schema} and data_type = 'bytea' order by 1`.execute(db)
    expect(bytes.rows.map(row => row.name)).toEqual([...notSealed, ...sealedColumns.map(one => `${one.table}.${one.column}`)].sort())

    for (const one of sealedColumns) {
      const key = await sql<{ name: string; type: string }>`select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
        from pg_index i cross join unnest(i.indkey) with ordinality as k (number, place)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
        where i.indrelid = to_regclass(${one.table}) and i.indisprimary order by k.place`.execute(db)
      expect(key.rows, one.table).toEqual(one.key)
      for (const version of [one.rowVersion, one.serviceRevision])
        if (version !== null) await sql`select ${sql.ref(version)} from ${sql.table(one.table)}`.execute(db)
    }
  })

  test('what a retired data key seals is found a page at a time and replaced where it is still what was read; only then the key goes', async () => {
    const { db } = await open()
    await sql`insert into organizations (id, name, slug, created_at) values ('o', 'O', 'o', now())`.execute(db)
    const store = dataKeyStore(db)
    const kids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const
    const field = (kid: string) => Buffer.concat([Buffer.of(1), Buffer.from(kid.replaceAll('-', ''), 'hex'), randomBytes(40)])
    const row = { organization_id: 'o', wrapped: randomBytes(60), master_key_id: 'm' }
    await store.insertActive({ ...row, kid: kids[0] })
    const column = sealedColumns.find(one => one.table === 'function_variables')
    if (!column) throw new Error('it has gone')
    for (let i = 0; i < 5; i++)
      await sql`insert into function_variables (id, organization_id, name, type, secret, sealed, updated_by)
        values (gen_random_uuid(), 'o', ${`v${i}`}, 'text', true, ${i === 4 ? randomBytes(3) : field(kids[0])}, 'u')`.execute(db)
    expect(await sealedRows(db, column, 'by a retired data key', null, 10)).toEqual({ rows: [], next: null })
    expect(await store.replaceActive(kids[0], { ...row, kid: kids[1] })).toBe(true)
    expect(await countSealedByRetired(db)).toBe(4)

    const first = await sealedRows(db, column, 'by a retired data key', null, 3)
    const second = await sealedRows(db, column, 'by a retired data key', first.next, 3)
    expect([first.next === null, second.next]).toEqual([false, null])
    const all = [...first.rows, ...second.rows]
    expect(all, 'not the one that is too short to be ours').toHaveLength(4)
    expect(new Set(all.map(one => one.key[0])).size).toBe(4)

    const changed = all[0]
    if (!changed) throw new Error('there are four')
    const newer = field(kids[1])
    await sql`update function_variables set sealed = ${newer} where id = ${changed.key[0]}::uuid`.execute(db)
    const fields = all.map(one => ({ key: one.key, before: one.sealed, next: field(kids[1]) }))
    expect(await replaceSealed(db, column, fields)).toBe(3)
    const after = await sql<{ sealed: Buffer }>`select sealed from function_variables where id = ${changed.key[0]}::uuid`.execute(db)
    expect(Buffer.from(after.rows[0]?.sealed ?? []).equals(newer), 'what was written meanwhile is newer').toBe(true)
    expect(await countSealedByRetired(db)).toBe(0)

    expect(await destroyRetiredDataKeys(db, 10, new Set()), 'too soon').toEqual([])
    await sql`update data_keys set retired_at = now() - interval '11 minutes' where state = 'retired'`.execute(db)
    expect(await destroyRetiredDataKeys(db, 10, new Set([kids[0]])), 'a job needs it').toEqual([])
    await sql`update function_variables set sealed = ${field(kids[0])} where id = ${changed.key[0]}::uuid`.execute(db)
    expect(await destroyRetiredDataKeys(db, 10, new Set()), 'a row needs it').toEqual([])
    await sql`update function_variables set sealed = ${newer} where id = ${changed.key[0]}::uuid`.execute(db)
    expect(await destroyRetiredDataKeys(db, 10, new Set())).toEqual([kids[0]])
    expect((await store.page(undefined, 10)).map(one => one.kid)).toEqual([kids[1]])
  })
})
