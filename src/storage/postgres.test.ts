import { createServer, connect, type Socket } from 'node:net'
import { sql } from 'kysely'
import pg from 'pg'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { createPostgresDatabase, postgresUrl } from '../../test/support/postgres.ts'
import { openDatabase, type DatabaseOptions, type OpenDatabase } from './database.ts'
import { createSchema, dropSchema } from './postgres.ts'
import { prepared } from './session.ts'

const opened: { close(): Promise<void> | void }[] = []

beforeAll(async () => {
  await postgresUrl()
})

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
})

const open = async (options: Omit<DatabaseOptions, 'dataDir'>): Promise<OpenDatabase> => {
  const database = await openDatabase({ dataDir: '/nonexistent', ...options })
  opened.push(database)
  return database
}

/** A wire to the server that the test can cut, freeze and mend. */
const createWire = async (target: string) => {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let state: 'through' | 'cut' | 'frozen' = 'through'
  const server = createServer(client => {
    client.on('error', () => {})
    sockets.add(client)
    if (state === 'cut') {
      client.destroy()
      return
    }
    const upstream = connect(Number(port), hostname)
    upstream.on('error', () => client.destroy())
    sockets.add(upstream)
    client.on('data', chunk => state === 'through' && upstream.write(chunk))
    upstream.on('data', chunk => state === 'through' && client.write(chunk))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = new URL(target)
  url.port = String(address && typeof address === 'object' ? address.port : 0)
  const dropAll = (): void => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  const wire = {
    url: url.href,
    cut() {
      state = 'cut'
      dropAll()
    },
    freeze() {
      state = 'frozen'
    },
    mend() {
      state = 'through'
      dropAll()
    },
    close() {
      dropAll()
      server.close()
    },
  }
  opened.push(wire)
  return wire
}

/** A session is waited for 1.5 s; the rest is for a busy machine. */
const giveUpMs = 2_500

const unavailable = { code: 'storage_unavailable', status: 503, facts: { retry_after: 2 } }

test('[postgres] expressions are not compiled, which takes longer than our statements, in whatever schema', async () => {
  const url = await createPostgresDatabase()
  await createSchema(url, 'apart')
  for (const schema of [undefined, 'apart']) {
    const { db } = await open({ url, schema })
    expect(
      (await sql<{ jit: string; schema: string }>`select current_setting('jit') as jit, current_schema() as schema`.execute(db)).rows,
    ).toEqual([{ jit: 'off', schema: schema ?? 'public' }])
  }
})

test('[postgres] a statement that is asked for often is planned once for a session, and again when its table was changed under it', async () => {
  const { db } = await open({ url: await createPostgresDatabase() })
  await sql`create table t (a int)`.execute(db)
  await sql`insert into t values (1), (2)`.execute(db)
  let built = 0
  const byValue = prepared('find_t', ['a'], (db, { a }: { a: string }) => {
    built++
    return { compile: () => sql<{ a: unknown }>`select * from t where a::text = ${a}::text and ${'here'} = 'here'`.compile(db) }
  })
  const find = (a: number) => byValue(db, { a: String(a) })
  const inSession = async () => (await sql`select 1 from pg_prepared_statements where name = 'find_t'`.execute(db)).rows.length
  expect(await find(1)).toEqual([{ a: 1 }])
  expect(await find(2)).toEqual([{ a: 2 }])
  expect(await inSession()).toBe(1)
  await sql`alter table t alter a type text`.execute(db)
  expect(await find(2)).toEqual([{ a: '2' }])
  expect(await find(1)).toEqual([{ a: '1' }])
  expect(await inSession()).toBe(1)
  expect(built).toBe(1)
})

test('[postgres] while the server cannot be reached queries fail fast as storage_unavailable, and work again afterwards', async () => {
  const wire = await createWire(await createPostgresDatabase())
  const { db } = await open({ url: wire.url })
  await sql`select 1`.execute(db)
  wire.cut()
  const started = Date.now()
  await expect(sql`select 1`.execute(db)).rejects.toMatchObject(unavailable)
  await expect(db.transaction().execute(transaction => sql`select 1`.execute(transaction))).rejects.toMatchObject(unavailable)
  expect(Date.now() - started).toBeLessThan(giveUpMs)
  wire.mend()
  expect((await sql`select 1 as one`.execute(db)).rows).toStrictEqual([{ one: 1 }])
})

test('[postgres] a connection that dies inside a transaction ends it as storage_unavailable, and is not used again', async () => {
  const { db } = await open({ url: await createPostgresDatabase() })
  await sql`create table t (i int)`.execute(db)
  const dying = db.transaction().execute(async transaction => {
    await sql`insert into t values (1)`.execute(transaction)
    await sql`select pg_terminate_backend(pg_backend_pid())`.execute(transaction)
  })
  await expect(dying).rejects.toMatchObject(unavailable)
  for (let round = 0; round < 12; round++) expect((await sql`select i from t`.execute(db)).rows).toStrictEqual([])
})

test('[postgres] a server that has frozen is given up on, and the sessions lost to it are replaced', { timeout: 40_000 }, async () => {
  const wire = await createWire(await createPostgresDatabase())
  const { db } = await open({ url: wire.url })
  await sql`select 1`.execute(db)
  wire.freeze()
  const started = Date.now()
  await expect(sql`select 1`.execute(db)).rejects.toMatchObject(unavailable)
  const firstMs = Date.now() - started
  expect(firstMs).toBeLessThan(8_000)
  await expect(sql`select 1`.execute(db)).rejects.toMatchObject(unavailable)
  expect(Date.now() - started - firstMs).toBeLessThan(giveUpMs)
  wire.mend()
  expect((await sql`select 1 as one`.execute(db)).rows).toStrictEqual([{ one: 1 }])
})

test('[postgres] when every session is taken the next one is refused in time instead of queueing for ever', async () => {
  const { db } = await open({ url: await createPostgresDatabase() })
  const busy = Array.from({ length: 10 }, () => sql`select pg_sleep(3)`.execute(db))
  const started = Date.now()
  await expect(sql`select 1`.execute(db)).rejects.toMatchObject(unavailable)
  expect(Date.now() - started).toBeLessThan(giveUpMs)
  await Promise.all(busy)
  expect((await sql`select 1 as one`.execute(db)).rows).toStrictEqual([{ one: 1 }])
})

test('[postgres] a statement that takes longer than five seconds is cancelled, except in maintenance', { timeout: 30_000 }, async () => {
  const { db, maintenance } = await open({ url: await createPostgresDatabase() })
  const single = maintenance()
  opened.push(single)
  const [limited, unlimited] = await Promise.allSettled([sql`select pg_sleep(6)`.execute(db), sql`select pg_sleep(6)`.execute(single.db)])
  expect(limited).toMatchObject({ status: 'rejected', reason: unavailable })
  expect(unlimited.status).toBe('fulfilled')
})

test('[postgres] a listener hears again after its connection was lost, and is told that it may have missed something', async () => {
  const target = await createPostgresDatabase()
  const wire = await createWire(target)
  const { listen } = await open({ url: wire.url })
  const direct = await open({ url: target })
  const heard: string[] = []
  await listen(
    'changed',
    payload => heard.push(payload),
    () => heard.push('lost'),
  )
  await sql`select pg_notify('changed', 'one')`.execute(direct.db)
  await expect.poll(() => heard).toStrictEqual(['one'])
  wire.cut()
  await expect.poll(() => heard.slice(0, 2)).toStrictEqual(['one', 'lost'])
  await sql`select pg_notify('changed', 'missed')`.execute(direct.db)
  await expect.poll(() => heard.length, { timeout: 5_000 }).toBeGreaterThan(2)
  wire.mend()
  const since = heard.length
  const again = async () => {
    await sql`select pg_notify('changed', 'two')`.execute(direct.db)
    return heard.slice(since).join(' ')
  }
  await expect.poll(again, { timeout: 10_000 }).toMatch(/lost (.* )?two/)
  expect(heard.slice(2, since), 'every second, until it hears').toStrictEqual(heard.slice(2, since).map(() => 'lost'))
})

test('[postgres] a server that is not there, or refuses the password, is named in a sentence without the password', async () => {
  const absent = openDatabase({ url: 'postgres://someone:hunter2@127.0.0.1:1/none', dataDir: '/nonexistent' })
  await expect(absent).rejects.toMatchObject({
    code: 'storage_unavailable',
    message:
      'PostgreSQL at 127.0.0.1:1/none does not answer, or does not let Patchbay in. Check PATCHBAY_DATABASE_URL and that the server runs.',
  })
  const url = new URL(await createPostgresDatabase())
  url.password = 'hunter2'
  const refused = await openDatabase({ url: url.href, dataDir: '/nonexistent' }).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'storage_unavailable' })
  expect(String(refused)).not.toContain('hunter2')
})

test('[postgres] a schema of its own keeps its tables apart, and goes with everything in it', async () => {
  const url = await createPostgresDatabase()
  const schema = 'quick start'
  await expect(openDatabase({ url, schema, dataDir: '/nonexistent' })).rejects.toThrow('has no schema quick start')
  await createSchema(url, schema)
  const apart = await open({ url, schema })
  const beside = await open({ url })
  expect(apart.schema).toBe(schema)
  await sql`create table t (i int)`.execute(apart.db)
  await expect(sql`select * from t`.execute(beside.db)).rejects.toMatchObject({ code: '42P01' })
  await dropSchema(url, schema)
  await dropSchema(url, schema)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select 1 from information_schema.schemata where schema_name = $1', [schema])
  await client.end()
  expect(rows).toStrictEqual([])
})
