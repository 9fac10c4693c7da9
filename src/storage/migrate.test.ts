import { sql, type Migration } from 'kysely'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { createPostgresDatabase } from '../../test/support/postgres.ts'
import { openDatabase } from './database.ts'
import { appliedMigrations, migrate } from './migrate.ts'
import { createSchema } from './postgres.ts'

const creating = (table: string): Migration => ({
  async up(db) {
    await sql`create table ${sql.table(table)} (i int)`.execute(db)
  },
})

const two = { '0001_first': creating('first'), '0002_second': creating('second') }

forEachDatabase((_name, open) => {
  test('migrations run once, in order, and only the new ones afterwards', async () => {
    const database = await open({ migrations: {} })
    expect(await migrate(database, { '0001_first': two['0001_first'] })).toStrictEqual(['0001_first'])
    expect(await migrate(database, two)).toStrictEqual(['0002_second'])
    expect(await migrate(database, two)).toStrictEqual([])
    expect(await appliedMigrations(database.db, database.schema)).toStrictEqual(['0001_first', '0002_second'])
    await sql`insert into second values (1)`.execute(database.db)
  })

  test('a migration that fails leaves the database as it was', async () => {
    const database = await open({ migrations: {} })
    const failing: Migration = {
      async up(db) {
        await sql`create table half (i int)`.execute(db)
        await sql`select 1 / 0`.execute(db)
      },
    }
    await expect(migrate(database, { ...two, '0003_failing': failing })).rejects.toMatchObject({ code: '22012' })
    expect(await appliedMigrations(database.db, database.schema)).toStrictEqual([])
    await expect(sql`select * from first`.execute(database.db)).rejects.toMatchObject({ code: '42P01' })
    expect(await migrate(database, two)).toStrictEqual(['0001_first', '0002_second'])
  })

  test('a database with a newer schema than the program is refused, naming what is unknown', async () => {
    const database = await open({ migrations: two })
    await expect(migrate(database, { '0001_first': two['0001_first'] })).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(/newer schema than this program: it has been through 0002_second\. Start the version/) as string,
    })
  })

  test('the migrations of this program run on an empty database, twice', async () => {
    const database = await open({ migrations: {} })
    const ran = await migrate(database)
    expect(await migrate(database)).toStrictEqual([])
    expect(await appliedMigrations(database.db, database.schema)).toStrictEqual(ran)
  })
})

test('[postgres] processes that start together migrate once, and none of them fails', async () => {
  const url = await createPostgresDatabase()
  // Longer than a migration may wait for any other lock.
  const slow: Migration = {
    async up(db) {
      await sql`select pg_sleep(2.5)`.execute(db)
      await sql`create table slow (i int)`.execute(db)
    },
  }
  const instances = await Promise.all([1, 2, 3].map(() => openDatabase({ url, dataDir: '/nonexistent' })))
  const ran = await Promise.all(instances.map(instance => migrate(instance, { '0001_slow': slow })))
  expect(ran.flat()).toStrictEqual(['0001_slow'])
  for (const instance of instances) await instance.close()
})

test('[postgres] two schemas of one database are migrated independently', async () => {
  const url = await createPostgresDatabase()
  await createSchema(url, 'apart')
  const beside = await openDatabase({ url, dataDir: '/nonexistent' })
  const apart = await openDatabase({ url, schema: 'apart', dataDir: '/nonexistent' })
  expect(await migrate(beside, two)).toHaveLength(2)
  expect(await migrate(apart, two)).toHaveLength(2)
  const { rows } = await sql`select schemaname from pg_tables where tablename = 'second' order by 1`.execute(beside.db)
  expect(rows).toStrictEqual([{ schemaname: 'apart' }, { schemaname: 'public' }])
  await beside.close()
  await apart.close()
})
