import { sql, type Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { Problem } from '../core/problem.ts'
import type { OpenDatabase } from './database.ts'

interface Sample {
  id: string
  big: string
  document: unknown
  bytes: Buffer
  words: string[]
  numbers: string[]
  at: Date
  amount: string
  flag: boolean
  ratio: number
  nothing: string | null
}

const samples = { migrations: {} }

const withSamples = async (open: OpenDatabase): Promise<Kysely<{ sample: Sample }>> => {
  await sql`create table sample (
    id text primary key, big bigint, document jsonb, bytes bytea, words text[], numbers bigint[],
    at timestamptz, amount numeric, flag boolean, ratio double precision, nothing text)`.execute(open.db)
  return open.db as unknown as Kysely<{ sample: Sample }>
}

const row = (id: string): Sample => ({
  id,
  big: '9223372036854775807',
  document: JSON.stringify([{ a: [1, 'zwei', null] }]),
  bytes: Buffer.from([0, 1, 254, 255]),
  words: ['plain', 'with "quotes", commas', 'and \\ that'],
  numbers: ['1', '9007199254740993'],
  at: new Date('2026-02-03T04:05:06.789Z'),
  amount: '12345678901234567890.123',
  flag: true,
  ratio: 0.1,
  nothing: null,
})

forEachDatabase((name, open) => {
  test('values come back the same whichever database holds them', async () => {
    const db = await withSamples(await open(samples))
    await db.insertInto('sample').values(row('one')).execute()
    const found = await db.selectFrom('sample').selectAll().executeTakeFirstOrThrow()
    expect(found).toStrictEqual({ ...row('one'), document: [{ a: [1, 'zwei', null] }] })
    expect(Buffer.isBuffer(found.bytes)).toBe(true)
  })

  test('aggregates and expressions have the same types', async () => {
    const { db } = await open(samples)
    const { rows } = await sql`select count(*) as count, sum(n) as sum, max(n) as max, now() - now() = interval '0' as same,
      date '2026-02-03' as day, array_agg(n) as all, json_build_object('n', 1) as object, ${'x'} || 'y' as text, ${7}::int + 1 as number
      from generate_series(1, 3) n`.execute(db)
    expect(rows).toStrictEqual([
      {
        count: '3',
        sum: '6',
        max: 3,
        same: true,
        day: new Date(2026, 1, 3),
        all: [1, 2, 3],
        object: { n: 1 },
        text: 'xy',
        number: 8,
      },
    ])
  })

  test('an upsert, an update and a delete say how many rows they touched', async () => {
    const db = await withSamples(await open(samples))
    const upsert = () =>
      db
        .insertInto('sample')
        .values(row('one'))
        .onConflict(conflict => conflict.column('id').doUpdateSet({ nothing: 'twice' }))
        .executeTakeFirst()
    expect((await upsert()).numInsertedOrUpdatedRows).toBe(1n)
    expect((await upsert()).numInsertedOrUpdatedRows).toBe(1n)
    expect(await db.selectFrom('sample').select('nothing').execute()).toStrictEqual([{ nothing: 'twice' }])
    await db.insertInto('sample').values(row('two')).execute()
    expect((await db.updateTable('sample').set({ flag: false }).executeTakeFirst()).numUpdatedRows).toBe(2n)
    expect((await db.deleteFrom('sample').where('id', '=', 'absent').executeTakeFirst()).numDeletedRows).toBe(0n)
    expect((await db.deleteFrom('sample').executeTakeFirst()).numDeletedRows).toBe(2n)
  })

  test('a unique violation keeps its code and constraint, and carries no parameters', async () => {
    const db = await withSamples(await open(samples))
    await db.insertInto('sample').values(row('one')).execute()
    const error = await db
      .insertInto('sample')
      .values({ ...row('one'), nothing: 'a secret value' })
      .execute()
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: '23505', constraint: 'sample_pkey' })
    expect(error).not.toHaveProperty('params')
    expect(error).not.toHaveProperty('query')
  })

  test('what fails in a transaction leaves nothing behind, and the session is good for the next one', async () => {
    const db = await withSamples(await open(samples))
    const failing = db.transaction().execute(async transaction => {
      await transaction.insertInto('sample').values(row('one')).execute()
      await sql`select 1 / 0`.execute(transaction)
    })
    await expect(failing).rejects.toMatchObject({ code: '22012' })
    expect(await db.selectFrom('sample').selectAll().execute()).toStrictEqual([])
    await db.transaction().execute(transaction => transaction.insertInto('sample').values(row('two')).execute())
    expect(await db.selectFrom('sample').select('id').execute()).toStrictEqual([{ id: 'two' }])
  })

  test('a savepoint takes back what came after it and nothing else', async () => {
    const db = await withSamples(await open(samples))
    const transaction = await db.startTransaction().execute()
    await transaction.insertInto('sample').values(row('kept')).execute()
    const afterSavepoint = await transaction.savepoint('here').execute()
    await afterSavepoint.insertInto('sample').values(row('dropped')).execute()
    await (await afterSavepoint.rollbackToSavepoint('here').execute()).commit().execute()
    expect(await db.selectFrom('sample').select('id').execute()).toStrictEqual([{ id: 'kept' }])
  })

  test('isolation level and access mode reach the database', async () => {
    const { db } = await open(samples)
    const level = await db
      .transaction()
      .setIsolationLevel('serializable')
      .setAccessMode('read only')
      .execute(async transaction => {
        const { rows } = await sql`select current_setting('transaction_isolation') as level,
          current_setting('transaction_read_only') as read_only`.execute(transaction)
        return rows
      })
    expect(level).toStrictEqual([{ level: 'serializable', read_only: 'on' }])
  })

  test('fifty takers of fifty rows get one each, skipping what is locked', async () => {
    const db = await withSamples(await open(samples))
    await db
      .insertInto('sample')
      .values(Array.from({ length: 50 }, (_, index) => row(String(index))))
      .execute()
    const take = () =>
      db.transaction().execute(async transaction => {
        const { id } = await transaction
          .selectFrom('sample')
          .select('id')
          .where('flag', '=', true)
          .limit(1)
          .forUpdate()
          .skipLocked()
          .executeTakeFirstOrThrow()
        await transaction.updateTable('sample').set({ flag: false }).where('id', '=', id).execute()
        return id
      })
    const taken: string[] = []
    for (let round = 0; round < 10; round++) taken.push(...(await Promise.all(Array.from({ length: 5 }, take))))
    expect(new Set(taken).size).toBe(50)
  })

  test('SQL from outside Kysely does not land in an open transaction, nor roll back with it', async () => {
    const { db, executeSql } = await open(samples)
    await sql`create table t (i int)`.execute(db)
    let outside: Promise<unknown> | undefined
    const failing = db.transaction().execute(async transaction => {
      await sql`insert into t values (1)`.execute(transaction)
      outside = executeSql('insert into t values ($1)', [2])
      await new Promise(resolve => setTimeout(resolve, 50))
      throw new Error('roll back')
    })
    await expect(failing).rejects.toThrow('roll back')
    await outside
    expect((await sql`select i from t`.execute(db)).rows).toStrictEqual([{ i: 2 }])
  })

  test('a script that fails halfway is rolled back and does not poison the session', async () => {
    const { db, executeSql } = await open(samples)
    await sql`create table t (i int)`.execute(db)
    const script = 'begin; insert into t values (9); select 1 / 0; commit'
    // Several times, so that on a pool the aborted session would be met again.
    for (let round = 0; round < 3; round++) await expect(executeSql(script)).rejects.toMatchObject({ code: '22012' })
    expect((await executeSql('select count(*) as count from t')).rows).toStrictEqual([{ count: '0' }])
    expect((await executeSql('select 1 as one; create table u (i int)')).rows).toStrictEqual([{ one: 1 }])
  })

  test('a notification reaches its listener once committed, until it stops listening', async () => {
    const { db, listen } = await open(samples)
    const heard: string[] = []
    const stop = await listen(
      'connection_changed',
      payload => heard.push(payload),
      () => heard.push('lost'),
    )
    const failing = db.transaction().execute(async transaction => {
      await sql`select pg_notify('connection_changed', 'rolled back')`.execute(transaction)
      throw new Error('roll back')
    })
    await expect(failing).rejects.toThrow('roll back')
    await sql`select pg_notify('connection_changed', 'a')`.execute(db)
    await sql`select pg_notify('other', 'b')`.execute(db)
    await expect.poll(() => heard).toStrictEqual(['a'])
    await stop()
    await sql`select pg_notify('connection_changed', 'c')`.execute(db)
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(heard).toStrictEqual(['a'])
  })

  test(`it describes itself as ${name} without a password`, async () => {
    const { kind, describe } = await open(samples)
    expect(kind).toBe(name)
    expect(describe()).toMatch(name === 'pglite' ? /^embedded PostgreSQL 18\.\d+ in \// : /^PostgreSQL \d+\.\d+ at 127\.0\.0\.1:\d+\/test_/)
    expect(describe()).not.toMatch(/:[0-9a-f]{32}/)
  })

  test('after closing every query is refused as shutting down, and closing again is harmless', async () => {
    const { openFresh } = await import('../../test/support/databases.ts')
    const database = await openFresh(name)
    await sql`select 1`.execute(database.db)
    await database.close()
    await database.close()
    const error = await sql`select 1`.execute(database.db).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(Problem)
    expect(error).toMatchObject({ code: 'shutting_down' })
    await expect(database.executeSql('select 1')).rejects.toMatchObject({ code: 'shutting_down' })
  })
})
