import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import type { InvocationRow } from '../storage/invocations.ts'
import type { Database } from '../storage/database.ts'
import { createLog } from '../telemetry/log.ts'
import { createInvocationLog } from './invocation-log.ts'

const row = (): InvocationRow => ({
  id: randomUUID(),
  organization_id: 'acme',
  at: new Date(),
  user_id: 'ada',
  subject_id: 'ada',
  key_id: null,
  connection_id: randomUUID(),
  connection: 'mailchimp',
  door: 'proxy',
  method: 'GET',
  host: 'api.example.com',
  status: 200,
  problem: null,
  duration_ms: 3,
})

const silent = createLog('silent')
const written = async (db: Database) => (await db.selectFrom('invocations').select('id').execute()).map(one => one.id).sort()

forEachDatabase((_name, open) => {
  it('has every call in the log after a flush, those too that came in while it was writing', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent)
    const rows = Array.from({ length: 1_300 }, row)
    for (const one of rows.slice(0, 600)) log.record(one)
    const first = log.flush()
    for (const one of rows.slice(600)) log.record(one)
    await Promise.all([first, log.flush()])
    expect(await written(db)).toEqual(rows.map(one => one.id).sort())
    await log.close()
  })

  it('writes by itself half a second after a call', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent)
    const rows = [row(), row()]
    for (const one of rows) log.record(one)
    await expect.poll(() => written(db), { timeout: 3_000 }).toEqual(rows.map(one => one.id).sort())
    const later = row()
    log.record(later)
    await expect.poll(() => written(db), { timeout: 3_000 }).toContain(later.id)
    await log.close()
  })

  it('keeps what it could not write, and refuses calls when too many wait', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent)
    await sql`alter table invocations rename to away`.execute(db)
    const rows = Array.from({ length: 20_000 }, row)
    for (const one of rows) log.record(one)
    await log.flush()
    expect(() => log.assertRoom()).toThrow(expect.objectContaining({ code: 'storage_unavailable' }))
    await sql`alter table away rename to invocations`.execute(db)
    await log.flush()
    expect(() => log.assertRoom()).not.toThrow()
    expect(await written(db)).toHaveLength(20_000)
    await log.close()
  })
})
