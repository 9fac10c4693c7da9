import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { sql } from 'kysely'
import { beforeAll, expect, test, vi } from 'vitest'
import { freshDataDir, missingDataDir, setUpTimeoutMs } from '../../test/support/databases.ts'
import { Problem } from '../core/problem.ts'
import { openDatabase } from './database.ts'
import { openEmbedded } from './pglite.ts'
import type { Session } from './session.ts'

beforeAll(async () => {
  await freshDataDir()
}, setUpTimeoutMs)

test('[pglite] every commit is synced to disk', async () => {
  const source = await openEmbedded(await freshDataDir())
  const session = await source.acquire()
  await session.script('create table t (i int)')
  const before = source.syncCount()
  for (let i = 0; i < 20; i++) await session.query('insert into t values ($1)', [i])
  // One for each commit at the least; if the engine's internals change, this stays at 0.
  expect(source.syncCount() - before).toBeGreaterThanOrEqual(20)
  session.release()
  await source.close()
})

test(
  '[pglite] a first start makes the database in another process and clears away an interrupted one; a later start finds it',
  { timeout: setUpTimeoutMs },
  async () => {
    const dataDir = missingDataDir()
    mkdirSync(join(dataDir, 'database.new-1'), { recursive: true })
    writeFileSync(join(dataDir, 'database.new-1', 'PG_VERSION'), '18\n')
    const first = await openDatabase({ dataDir })
    await sql`create table t (i int)`.execute(first.db)
    await sql`insert into t values (7)`.execute(first.db)
    await first.close()
    expect(readdirSync(dataDir)).toStrictEqual(['database'])
    expect(existsSync(`${dataDir}.lock`)).toBe(false)
    // initdb peaks at several hundred megabytes: had it run here, this process would have them still.
    expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(800)

    const second = await openDatabase({ dataDir })
    expect((await sql`select i from t`.execute(second.db)).rows).toStrictEqual([{ i: 7 }])
    await second.close()
  },
)

test('[pglite] a second opener is refused with a sentence, and the first is unharmed', async () => {
  const dataDir = await freshDataDir()
  const first = await openDatabase({ dataDir })
  await sql`create table t (i int)`.execute(first.db)
  const refused = openDatabase({ dataDir })
  await expect(refused).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringContaining(`in use by process ${process.pid}`) as string,
  })
  await sql`insert into t values (1)`.execute(first.db)
  await first.close()
  const again = await openDatabase({ dataDir })
  expect((await sql`select i from t`.execute(again.db)).rows).toStrictEqual([{ i: 1 }])
  await again.close()
})

test('[pglite] a directory of another major version is refused, saying how to bring it over', async () => {
  const dataDir = await freshDataDir()
  writeFileSync(join(dataDir, 'database', 'PG_VERSION'), '17\n')
  await expect(openDatabase({ dataDir })).rejects.toThrow(/written by PostgreSQL 17, this program embeds 18\. Export it/)
  expect(existsSync(`${dataDir}.lock`)).toBe(false)
})

test('[pglite] a query on db inside db.transaction() ends with an error instead of waiting for ever', async () => {
  const { db, close } = await openDatabase({ dataDir: await freshDataDir() })
  const started = Date.now()
  const stuck = db.transaction().execute(() => sql`select 1`.execute(db))
  await expect(stuck).rejects.toMatchObject({ code: 'storage_unavailable' })
  expect(Date.now() - started).toBeLessThan(15_000)
  // Whoever gave up is out of the queue: the session goes to the next one.
  expect((await sql`select 1 as one`.execute(db)).rows).toStrictEqual([{ one: 1 }])
  await close()
})

test('[pglite] when the thread of the database ends by itself, whoever opened it is told, and every question is refused', async () => {
  const threads: Worker[] = []
  const seen = (thread: Worker) => threads.push(thread)
  process.on('worker', seen)
  const told: string[] = []
  const dataDir = await freshDataDir()
  const source = await openEmbedded(dataDir, problem => told.push(problem.message))
  process.off('worker', seen)
  const session = await source.acquire()
  const asked = session.query('select pg_sleep(1)', [])
  await Promise.all([expect(asked).rejects.toMatchObject({ code: 'storage_unavailable' }), ...threads.map(thread => thread.terminate())])
  await expect(session.query('select 1', [])).rejects.toMatchObject({ code: 'storage_unavailable' })
  expect(told).toStrictEqual(['The embedded database has stopped. Start Patchbay again.'])
  session.release()
  await source.close()
  expect(existsSync(`${dataDir}.lock`)).toBe(false)
})

test('[pglite] answering goes on while the database works', async () => {
  const source = await openEmbedded(await freshDataDir())
  const session = await source.acquire()
  let ticks = 0
  const timer = setInterval(() => ticks++, 10)
  await session.query('select count(*) from generate_series(1, 3000000)', [])
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(2)
  session.release()
  await source.close()
})

/** An open database with a table of a thousand rows, and the path of its file. */
const withRows = async (dataDir: string) => {
  const open = await openDatabase({ dataDir })
  await sql`create table t (i int primary key, text text)`.execute(open.db)
  await sql`insert into t select i, repeat(md5(i::text), 10) from generate_series(1, 1000) i`.execute(open.db)
  const { rows } = await sql<{ path: string }>`select pg_relation_filepath('t') as path`.execute(open.db)
  return { open, file: join(dataDir, 'database', rows[0]?.path ?? '') }
}

test('[pglite] a file that is cut short, missing or scribbled on: the start says that it is damaged, where, and what to do', async () => {
  const whole = await freshDataDir()
  const { open, file } = await withRows(whole)
  await open.close()
  const database = join(whole, 'database')
  const [segment = ''] = readdirSync(join(database, 'pg_wal')).filter(name => /^[0-9A-F]{24}$/.test(name))
  const halves = statSync(file).size / 2 / 8192
  const damages: [RegExp, () => void][] = [
    [/could not read blocks \d+\.\.\d+ in file "base\//, () => truncateSync(file, Math.floor(halves) * 8192)],
    [/could not open file "base\/.*No such file/, () => rmSync(file)],
    [/invalid page in block/, () => writeFileSync(file, randomBytes(statSync(file).size))],
    [/could not locate a valid checkpoint record/, () => truncateSync(join(database, 'pg_wal', segment), 8192)],
    [/could not open file "global\/pg_control"/, () => rmSync(join(database, 'global/pg_control'))],
    [/its file PG_VERSION is missing/, () => rmSync(join(database, 'PG_VERSION'))],
  ]
  for (const [why, damage] of damages) {
    const kept = `${whole}.kept`
    cpSync(database, kept, { recursive: true })
    damage()
    const refusal = await openDatabase({ dataDir: whole }).then(
      () => 'it opened',
      (error: unknown) => (error instanceof Problem ? error.message : 'no sentence'),
    )
    expect(refusal).toMatch(why)
    expect(refusal).toMatch(
      /^The embedded database in .* is damaged: .*\. Restore a back-up into an empty data directory, and keep this one/,
    )
    expect(existsSync(`${whole}.lock`)).toBe(false)
    rmSync(database, { recursive: true })
    renameSync(kept, database)
  }
  const again = await openDatabase({ dataDir: whole })
  expect((await sql`select count(*)::int as count from t`.execute(again.db)).rows).toStrictEqual([{ count: 1000 }])
  await again.close()
})

test('[pglite] a database that gives up is started again, and who listens is told; it ends when the files are damaged', async () => {
  const told: string[] = []
  const lines: string[] = []
  const dataDir = await freshDataDir()
  const source = await openEmbedded(
    dataDir,
    problem => told.push(problem.message),
    line => lines.push(line),
  )
  const heard: string[] = []
  await source.listen(
    'news',
    payload => heard.push(payload),
    () => heard.push('lost'),
  )
  const session = await source.acquire()
  await session.script('create table t (i int); insert into t values (1)')
  const log = join(dataDir, 'database', 'pg_wal')
  const giveUp = async (inside: Session) => {
    await inside.script('begin; insert into t values (2)')
    renameSync(log, `${log}.away`)
    // the rest of the file is left out: the next one cannot be made
    const refused = inside.script('select pg_switch_wal(); insert into t values (3); commit')
    await expect(refused).rejects.toMatchObject({ code: 'storage_unavailable' })
  }
  await giveUp(session)
  await expect(session.query('select 1', []), 'the transaction is gone').rejects.toMatchObject({ code: 'storage_unavailable' })
  session.release()
  await expect(source.acquire(), 'meanwhile').rejects.toMatchObject({ code: 'storage_unavailable' })
  renameSync(`${log}.away`, log)
  const next = await vi.waitFor(() => source.acquire(), { timeout: 30_000, interval: 50 })
  await expect(session.query('select 1', []), 'another engine').rejects.toMatchObject({ code: 'storage_unavailable' })
  expect((await next.query('select i from t', [])).rows).toStrictEqual([{ i: 1 }])
  await next.script("notify news, 'again'")
  expect(heard).toStrictEqual(['lost', 'again'])
  expect(lines).toStrictEqual([
    expect.stringMatching(/has stopped and is started again: could not .*pg_wal/),
    'the embedded database works again',
  ])
  expect(told).toStrictEqual([])

  await giveUp(next)
  next.release()
  await vi.waitFor(() => expect(told).toHaveLength(1), { timeout: 30_000, interval: 50 })
  expect(told[0]).toMatch(/^The embedded database in .* is damaged: /)
  await source.close()
})

/** A process that writes until it is killed and tells every row only after the database acknowledged it. */
const writer = `
  import { openDatabase } from ${JSON.stringify(new URL('./database.ts', import.meta.url).href)}
  import { sql } from 'kysely'
  const { db } = await openDatabase({ dataDir: process.argv[1] })
  await sql\`create table if not exists t (i int, half text)\`.execute(db)
  const { rows } = await sql\`select coalesce(max(i), 0) as last from t\`.execute(db)
  for (let i = rows[0].last + 1; ; i++) {
    await db.transaction().execute(async transaction => {
      await sql\`insert into t values (\${i}, 'a')\`.execute(transaction)
      await sql\`insert into t values (\${i}, 'b')\`.execute(transaction)
    })
    process.stdout.write(i + '\\n')
  }`

const killWhileWriting = (dataDir: string, afterRows: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', writer, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    let seen = 0
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      seen += chunk.toString().split('\n').length - 1
      if (seen >= afterRows) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', (_code, signal) => {
      const lines = text.split('\n').slice(0, -1)
      if (signal === 'SIGKILL') resolve(Number(lines.at(-1)))
      else reject(new Error('the writer ended by itself'))
    })
  })

test('[pglite] kill -9 while writing loses no acknowledged row and leaves no half transaction', { timeout: setUpTimeoutMs }, async () => {
  const dataDir = await freshDataDir()
  for (let round = 1; round <= 2; round++) {
    const acknowledged = await killWhileWriting(dataDir, 60 * round)
    const { db, close } = await openDatabase({ dataDir })
    const { rows } = await sql<{ whole: number; last: number; halves: number }>`
      select count(*)::int as whole, max(i) as last, count(*) filter (where n <> 2)::int as halves
      from (select i, count(*) as n from t group by i) grouped`.execute(db)
    await close()
    const found = rows[0] ?? { whole: 0, last: 0, halves: 0 }
    expect(found.halves).toBe(0)
    expect(found.last).toBeGreaterThanOrEqual(acknowledged)
    expect(found.whole).toBe(found.last)
  }
})
