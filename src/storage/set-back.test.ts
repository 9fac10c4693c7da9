import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFresh, setUpTimeoutMs } from '../../test/support/databases.ts'
import type { Executor, OpenDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import { moveBack } from './set-back.ts'

let open: OpenDatabase
beforeAll(async () => {
  // the embedded database has one session: nobody writes meanwhile
  open = await openFresh('postgres')
  await migrate(open)
}, setUpTimeoutMs)
afterAll(() => open.close())

const login = (db: Executor, name: string, written: string) =>
  sql`insert into cli_logins (code_hash, device_hash, created_at, expires_at)
    select ${name}, ${name}, at, at + interval '10 minutes' from (select now() + ${written}::interval as at) as moment`.execute(db)

test('[postgres] what was written by the earlier time is moved, and what others write while it is moved is not', async () => {
  await login(open.db, 'earlier time', '30 minutes')
  await open.db.transaction().execute(async trx => {
    await sql`select now()`.execute(trx)
    await login(open.db, 'meanwhile', '0')
    await moveBack(trx, 3600)
  })
  const { rows } = await sql<{ name: string; minutes: number }>`
    select code_hash as name, round(extract(epoch from expires_at - now()) / 60)::int as minutes from cli_logins order by 1`.execute(
    open.db,
  )
  expect(rows).toEqual([
    { name: 'earlier time', minutes: -20 },
    { name: 'meanwhile', minutes: 10 },
  ])
})
