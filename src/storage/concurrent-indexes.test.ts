import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { createPostgresDatabase } from '../../test/support/postgres.ts'
import type { SchemaMigration } from './concurrent-indexes.ts'
import { openDatabase, type Database, type OpenDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import { changedMigrations, statementsOf } from './migration-checksums.ts'
import { migrations } from './migrations/index.ts'

const running = (...statements: string[]): SchemaMigration => ({
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
})
const making = (...indexes: string[]): SchemaMigration => ({ up: () => Promise.resolve(), indexes })

const table = running('create table held (i int, j int)', 'create index by_i on held (i)')
const indexes = ['create index by_j on held (j)', 'create unique index by_both on held (i, j)', 'drop index by_i']
const two = { '0001_table': table, '0002_indexes': making(...indexes) }

/** By name, and which one it is: an index that was made again has another number. */
const indexesOf = async (db: Database, of = 'held'): Promise<Record<string, string>> => {
  const { rows } = await sql<{ name: string; oid: string; valid: boolean }>`
    select indexrelid::regclass::text as name, indexrelid as oid, indisvalid as valid from pg_index where indrelid = ${of}::regclass`.execute(
    db,
  )
  return Object.fromEntries(rows.map(({ name, oid, valid }) => [name, valid ? String(oid) : 'half-made']))
}

forEachDatabase((_name, open) => {
  test('after the tables come the indexes, as the last migration that names them says; one that is missing is made again', async () => {
    const database = await open({ migrations: two })
    const made = await indexesOf(database.db)
    expect(Object.keys(made).sort()).toEqual(['by_both', 'by_j'])
    expect(await migrate(database, two)).toEqual([])
    expect(await indexesOf(database.db), 'nothing was done again').toEqual(made)

    await sql`drop index by_j`.execute(database.db)
    expect(await migrate(database, two)).toEqual([])
    expect(Object.keys(await indexesOf(database.db)).sort()).toEqual(['by_both', 'by_j'])

    const three = { ...two, '0003_other': making('drop index by_j', 'create index by_i on held (i)') }
    for (const ran of [['0003_other'], []]) expect(await migrate(database, three)).toEqual(ran)
    expect(Object.keys(await indexesOf(database.db)).sort()).toEqual(['by_both', 'by_i'])
  })

  test('a database that made them in the transaction, as 0009 did once, is left as it is, and nothing is told', async () => {
    const [name, { indexes: same = [] }] = Object.entries(migrations).find(([, one]) => one.indexes) ?? ['', table]
    expect(same).not.toHaveLength(0)
    const before = Object.fromEntries(Object.entries(migrations).map(([of, one]) => [of, of === name ? running(...same) : one]))
    const database = await open({ migrations: before })
    const made = await indexesOf(database.db, 'connections')
    expect(await migrate(database)).toEqual([])
    expect(await indexesOf(database.db, 'connections')).toEqual(made)
    expect(await changedMigrations(database, migrations)).toEqual([])
    expect(await changedMigrations(database, { ...migrations, [name]: making(...same.slice(1)) })).toEqual([name])
  })
})

/** A transaction that has seen the table, such as a back-up; until it is called. */
const begunOn = async (database: OpenDatabase): Promise<() => Promise<void>> => {
  let end: () => void = () => {}
  const ended = new Promise<void>(resolve => (end = resolve))
  let done: Promise<void> = Promise.resolve()
  await new Promise<void>(begun => {
    done = database.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async trx => {
        await sql`select from held`.execute(trx)
        begun()
        await ended
      })
  })
  return () => {
    end()
    return done
  }
}

/** Sessions whose current or last statement is like this; `waiting` for a lock of others. */
const sessionsAt = async (db: Database, like: string, waiting: boolean): Promise<number[]> => {
  const { rows } = await sql<{
    pid: number
  }>`select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    and query like ${like} and (not ${waiting} or wait_event_type = 'Lock')`.execute(db)
  return rows.map(row => row.pid)
}
const until = async (db: Database, like: string, waiting: boolean): Promise<number> => {
  for (;;) {
    const [pid] = await sessionsAt(db, like, waiting)
    if (pid !== undefined) return pid
    await delay(20)
  }
}

test('[postgres] while an index is made others write; processes that start meanwhile wait without being waited for', async () => {
  const url = await createPostgresDatabase()
  const [open, ...others] = await Promise.all([1, 2, 3].map(() => openDatabase({ url, dataDir: '/nonexistent' })))
  if (!open) throw new Error('there are three')
  await migrate(open, { '0001_table': table })
  const end = await begunOn(open)
  const ran = [migrate(open, two)]
  await until(open.db, 'create index concurrently by_j%', true)
  await open.db.transaction().execute(async trx => {
    await sql`set local lock_timeout = '200ms'`.execute(trx)
    await sql`insert into held values (1, 1)`.execute(trx)
  })
  ran.push(...others.map(one => migrate(one, two)))
  await until(open.db, '%pg_%advisory_lock(%', false)
  await end()
  expect((await Promise.all(ran)).flat()).toEqual(['0002_indexes'])
  expect(Object.keys(await indexesOf(open.db)).sort()).toEqual(['by_both', 'by_j'])
  for (const one of [open, ...others]) await one.close()
})

test('[postgres] an index whose making was given up, or whose process died, is told in a sentence and made at the next start', async () => {
  const url = await createPostgresDatabase()
  const open = await openDatabase({ url, dataDir: '/nonexistent' })
  await migrate(open, { '0001_table': table })
  const end = await begunOn(open)
  await expect(migrate(open, two, 0)).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringMatching(/indexes of this version could not be made, because a transaction/) as string,
  })
  expect(await indexesOf(open.db)).toMatchObject({ by_j: 'half-made' })
  expect(await changedMigrations(open, two), 'nothing else is wrong').toEqual([])

  const killed = expect(migrate(open, two)).rejects.toMatchObject({ code: 'storage_unavailable' })
  const pid = await until(open.db, 'drop index concurrently%', true)
  await sql`select pg_terminate_backend(${pid})`.execute(open.db)
  await killed
  await end()
  expect(await migrate(open, two)).toEqual([])
  const made = await indexesOf(open.db)
  expect(Object.keys(made).sort()).toEqual(['by_both', 'by_j'])
  expect(Object.values(made)).not.toContain('half-made')
  await open.close()
})

/** What keeps writers of a table waiting that calls use, or takes away what the version before reads and writes: docs/decisions/0022. */
const harmful = async (migration: SchemaMigration): Promise<string[]> => {
  const inTransaction = await statementsOf({ up: db => migration.up(db) })
  const own = inTransaction.flatMap(one => /^create table (\w+)/i.exec(one)?.[1] ?? [])
  return inTransaction.filter(one => {
    const [, table = ''] = /^(?:create (?:unique )?index \w+ on|alter table|drop table) (\w+)/i.exec(one) ?? []
    if (table === '' || own.includes(table)) return /^drop index/i.test(one)
    const constraint = /\badd (constraint|check|unique|primary|foreign)\b/i.test(one) && !/\bnot valid$/i.test(one)
    const required = /\badd column\b(?!.*\bdefault\b).*\bnot null\b/i.test(one)
    return constraint || required || !/^alter table \w+ (add|validate|drop constraint)\b/i.test(one)
  })
}

test('migrations keep the version before going, those from before the first release excepted', async () => {
  for (const [name, migration] of Object.entries(migrations)) if (name >= '0009') expect(await harmful(migration), name).toEqual([])
  const good = [
    'create table a (i int)',
    'create index a_i on a (i)',
    'alter table b add column c jsonb',
    `alter table b add column d int not null default 0`,
  ]
  good.push('alter table b add constraint b_c check (i > 0) not valid', 'alter table b validate constraint b_c', 'update b set c = null')
  const bad = [
    'create index b_i on b (i)',
    'drop table b',
    'drop index b_i',
    'alter table b drop column i',
    'alter table b rename column i to j',
  ]
  bad.push(
    'alter table b add constraint b_c check (i > 0)',
    'alter table b add column d int not null',
    'alter table b alter column i set not null',
  )
  expect(await harmful(running(...good, ...bad))).toEqual(bad)
})
