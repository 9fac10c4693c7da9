import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { sql, type Migration } from 'kysely'
import { expect, test } from 'vitest'
import { forEachDatabase, freshDataDir } from '../../test/support/databases.ts'
import { createPostgresDatabase } from '../../test/support/postgres.ts'
import { createJobs } from '../jobs/jobs.ts'
import { openDatabase, type Database } from './database.ts'
import { appliedMigrations, migrate } from './migrate.ts'
import { changedMigrations } from './migration-checksums.ts'
import { migrations } from './migrations/index.ts'
import { createSchema } from './postgres.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

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

  test('a migration whose SQL was changed after the database went through it is told by name; white space is no change', async () => {
    const database = await open({ migrations: two })
    expect(await changedMigrations(database, two)).toStrictEqual([])
    const spaced: Migration = {
      async up(db) {
        await sql`create  table ${sql.table('first')}
          (i int)`.execute(db)
      },
    }
    expect(await changedMigrations(database, { ...two, '0001_first': spaced })).toStrictEqual([])
    const edited = { ...two, '0001_first': creating('second_thoughts') }
    expect(await migrate(database, edited), 'it is not run again, and does not stop the start').toStrictEqual([])
    expect(await changedMigrations(database, edited)).toStrictEqual(['0001_first'])
    // from before checksums were kept: what is there now counts
    await sql`drop table kysely_migration_checksum`.execute(database.db)
    expect(await changedMigrations(database, edited)).toStrictEqual([])
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

test('[postgres] while a backup keeps a table locked it is tried again; then it is told in a sentence, and nothing was changed', async () => {
  const url = await createPostgresDatabase()
  const database = await openDatabase({ url, dataDir: '/nonexistent' })
  await migrate(database, two)
  let end: () => void = () => {}
  const ended = new Promise<void>(resolve => (end = resolve))
  let locked: () => void = () => {}
  const begun = new Promise<void>(resolve => (locked = resolve))
  const backup = database.db.transaction().execute(async trx => {
    await sql`lock table first in access share mode`.execute(trx)
    locked()
    await ended
  })
  await begun
  let attempts = 0
  const altering: Migration = {
    async up(db) {
      await sql`create table half (i int)`.execute(db)
      // it ends between the second attempt and the third
      if (++attempts === 3) {
        end()
        await backup
      }
      await sql`alter table first add column j int`.execute(db)
    },
  }
  const three = { ...two, '0003_altering': altering }
  await expect(migrate(database, three, 0)).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringMatching(/something else keeps them locked: a backup/) as string,
  })
  expect(await appliedMigrations(database.db, database.schema)).toStrictEqual(Object.keys(two))
  expect(await migrate(database, three)).toStrictEqual(['0003_altering'])
  await database.close()
})

test('[postgres] a user who may not create tables, or the schema of the jobs, is told so in a sentence', async () => {
  const url = new URL(await createPostgresDatabase())
  const owner = await openDatabase({ url: url.href, dataDir: '/nonexistent' })
  const user = `${url.pathname.slice(1)}_user`
  await sql`create role ${sql.id(user)} login password 'from-a-test'`.execute(owner.db)
  url.username = user
  url.password = 'from-a-test'
  const told = expect.stringMatching(/permission denied for .* the owner of the database\.$/) as string
  const database = await openDatabase({ url: url.href, dataDir: '/nonexistent' })
  await expect(migrate(database, two)).rejects.toMatchObject({ code: 'storage_unavailable', message: told })
  const jobs = createJobs({
    executeSql: (text, values) => database.executeSql(text, values),
    schema: 'jobs_apart',
    now: Date.now,
    onError: () => {},
  })
  const nothing = async (): Promise<void> => {}
  const handlers = { revoke_at_provider: nothing, tidy: nothing, keep_alive: nothing, run_due_schedules: nothing }
  await expect(jobs.start({ ...handlers, run_scheduled_function: nothing })).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: told,
  })
  await database.close()
  await owner.close()
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

/** Everything that a migration can make. */
const schemaOf = async (db: Database): Promise<string> => {
  const { rows } = await sql<{ line: string }>`
    select format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) as line
      from information_schema.columns where table_schema = 'public'
    union all select indexdef from pg_indexes where schemaname = 'public'
    union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
    union all select 'applied ' || name from kysely_migration
    order by 1`.execute(db)
  return rows.map(row => row.line).join('\n')
}

test(
  '[postgres] killed at five points of migrating and run again, by several at once, the schema is the same',
  { timeout: 60_000 },
  async () => {
    const whole = await openDatabase({ url: await createPostgresDatabase(), dataDir: '/nonexistent' })
    await migrate(whole)
    const expected = await schemaOf(whole.db)
    await whole.close()

    const url = await createPostgresDatabase()
    const open = await openDatabase({ url, dataDir: '/nonexistent' })
    const script = (point: number) => `
    import { openDatabase } from './src/storage/database.ts'
    import { migrate } from './src/storage/migrate.ts'
    import { migrations } from './src/storage/migrations/index.ts'
    import { sql } from 'kysely'
    const names = Object.keys(migrations)
    const killed = name => ({ async up(db) {
      await migrations[name].up(db)
      if (names.indexOf(name) === ${point} % names.length) process.kill(process.pid, 'SIGKILL')
    } })
    const open = await openDatabase({ url: ${JSON.stringify(url)}, dataDir: '/nonexistent' })
    await migrate(open, Object.fromEntries(names.map(name => [name, killed(name)])))
    console.log('done')
    await open.close()`
    const killedAt = [0, 1, 2, 4, Object.keys(migrations).length - 1]
    const ended = await Promise.all(
      killedAt.map(
        point =>
          new Promise<string | null>(resolve => {
            const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script(point)], {
              cwd: root,
              stdio: ['ignore', 'ignore', 'inherit'],
            })
            child.once('close', (_code, signal) => resolve(signal))
          }),
      ),
    )
    expect(ended).toStrictEqual(killedAt.map(() => 'SIGKILL'))
    expect(await appliedMigrations(open.db, open.schema), 'all or nothing').toStrictEqual([])
    expect((await Promise.all([migrate(open), migrate(open)])).flat()).toStrictEqual(Object.keys(migrations))
    expect(await schemaOf(open.db)).toBe(expected)
    await open.close()
  },
)

test('[pglite] killed at three random moments of migrating and started again, the schema is the same', { timeout: 60_000 }, async () => {
  const whole = await openDatabase({ dataDir: await freshDataDir() })
  const begun = performance.now()
  await migrate(whole)
  const tookMs = performance.now() - begun
  const expected = await schemaOf(whole.db)
  await whole.close()

  const dataDir = await freshDataDir()
  const script = `
    import { openDatabase } from './src/storage/database.ts'
    import { migrate } from './src/storage/migrate.ts'
    const open = await openDatabase({ dataDir: ${JSON.stringify(dataDir)} })
    console.log('open')
    await migrate(open)
    await open.close()`
  for (let kill = 0; kill < 3; kill++) {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise<string | null>(resolve => child.once('close', (_code, signal) => resolve(signal)))
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), Math.random() * tookMs))
    // it may have been done already
    await ended
  }
  const open = await openDatabase({ dataDir })
  const applied = await appliedMigrations(open.db, open.schema)
  expect([0, Object.keys(migrations).length], 'all or nothing').toContain(applied.length)
  await migrate(open)
  expect(await schemaOf(open.db)).toBe(expected)
  await open.close()
})
