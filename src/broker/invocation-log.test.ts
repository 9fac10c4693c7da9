import { randomUUID } from 'node:crypto'
import { sql, type ValueNode } from 'kysely'
import { expect, it } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../storage/database.ts'
import { createLog } from '../telemetry/log.ts'
import { createInvocationLog, type InvocationRecord } from './invocation-log.ts'

let calls = 0

/** A call that is told from all others by how long it took. */
const row = (values: Partial<InvocationRecord> = {}): InvocationRecord => ({
  organization_id: 'acme',
  at: Date.now(),
  user_id: 'ada',
  subject_id: 'ada',
  key_id: null,
  connection_id: '0b1c5a52-6a1e-4a0e-9d4c-5f5c2d8b9a10',
  connection: 'mailchimp',
  door: 'proxy',
  method: 'GET',
  host: 'api.example.com',
  status: 200,
  problem: null,
  duration_ms: calls++,
  ...values,
})

const silent = createLog('silent')
const batches = (db: Database) => db.selectFrom('invocation_batches').selectAll().orderBy('first_at').execute()
const written = async (db: Database) => (await batches(db)).flatMap(one => one.duration_ms).sort((a, b) => a - b)
const expected = (rows: readonly InvocationRecord[]) => rows.map(one => one.duration_ms)

forEachDatabase((_name, open) => {
  it('has every call in the log after a flush, those too that came in while it was writing', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent, randomUUID)
    const rows = Array.from({ length: 1_300 }, () => row())
    for (const one of rows.slice(0, 600)) log.record(one)
    const first = log.flush()
    for (const one of rows.slice(600)) log.record(one)
    await Promise.all([first, log.flush()])
    expect(await written(db)).toEqual(expected(rows))
    await log.close()
  })

  it('writes by itself half a second after a call', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent, randomUUID)
    const rows = [row(), row()]
    for (const one of rows) log.record(one)
    await expect.poll(() => written(db), { timeout: 3_000 }).toEqual(expected(rows))
    const later = row()
    log.record(later)
    await expect.poll(() => written(db), { timeout: 3_000 }).toContain(later.duration_ms)
    await log.close()
  })

  it('keeps what it could not write, and refuses calls when too many wait', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent, randomUUID)
    await sql`alter table invocation_batches rename to away`.execute(db)
    const rows = Array.from({ length: 20_000 }, () => row())
    for (const one of rows) log.record(one)
    await log.flush()
    expect(() => log.assertRoom()).toThrow(expect.objectContaining({ code: 'storage_unavailable' }))
    await sql`alter table away rename to invocation_batches`.execute(db)
    await log.flush()
    expect(() => log.assertRoom()).not.toThrow()
    expect(await written(db)).toHaveLength(20_000)
    await log.close()
  })

  it('calls of one kind that ended alike are one row, for a minute at most; a clock that is put back begins another', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent, randomUUID)
    const start = Date.UTC(2026, 0, 1)
    const at = (seconds: number, values: Partial<InvocationRecord> = {}) => log.record(row({ at: start + seconds * 1000, ...values }))
    at(0)
    at(60)
    at(61) // more than a minute after the first
    at(60.5) // put back
    at(60.6, { status: 404 })
    at(60.7, { status: null, problem: 'upstream_timeout' })
    at(60.8, { connection: 'mailchimp\nacme' })
    at(60.9)
    await log.flush()
    const shown = (await batches(db)).map(one => [(one.first_at.getTime() - start) / 1000, one.after_ms, one.status, one.problem])
    expect(shown).toEqual([
      [0, [0, 60_000], 200, null],
      [60.5, [0, 400], 200, null],
      [60.6, [0], 404, null],
      [60.7, [0], null, 'upstream_timeout'],
      [60.8, [0], 200, null],
      [61, [0], 200, null],
    ])
    await log.close()
  })

  it('what was stored by an attempt whose outcome was not known is stored once, with what came in since', async () => {
    const { db } = await open()
    let results = 0
    /** Fails after it was done, once: a connection that broke while the answer was on its way. */
    const flaky = db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        // the first is the series
        if (++results === 2) throw new Error('the connection broke')
        return result
      },
    })
    const log = createInvocationLog(flaky, silent, randomUUID)
    const rows = [row(), row({ host: 'other.example.com' })]
    for (const one of rows) log.record(one)
    await log.flush()
    expect(await written(db)).toEqual(expected(rows))
    expect(results).toBe(2)
    rows.push(row())
    log.record(rows[2] as InvocationRecord)
    await log.flush()
    expect(await written(db)).toEqual(expected(rows))
    await log.close()
  })

  it('the series of twenty thousand connections in use are known: only what the database may have lost is written again', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent, randomUUID)
    const first = row({ connection_id: randomUUID(), at: Date.UTC(2026, 5, 1) })
    const usedAt = async () => {
      const series = db.selectFrom('invocation_series').select('used_at').where('connection_id', '=', first.connection_id)
      return (await series.execute()).map(one => one.used_at.getTime())
    }
    const used = async (seconds: number) => {
      log.record({ ...first, at: first.at + seconds * 1000 })
      await log.flush()
      return usedAt()
    }
    expect(await used(0)).toEqual([first.at])
    for (let n = 0; n < 20_000; n += 4_000) {
      for (let i = 0; i < 4_000; i++) log.record(row({ connection_id: randomUUID() }))
      await log.flush()
    }
    expect(await used(1)).toEqual([first.at])
    // one that waits to be written, too
    log.record({ ...first, at: first.at + 2_000 })
    log.seriesMayBeGone()
    expect(await used(2)).toEqual([first.at + 2_000])
    await log.close()
  })

  it('an attempt that failed may have met another server, which lacks a series that is known: it is stored again with what waits', async () => {
    const { db } = await open()
    const log = createInvocationLog(db, silent, randomUUID)
    const series = async () => (await db.selectFrom('invocation_series').select('id').execute()).length
    log.record(row())
    await log.flush()
    await sql`alter table invocation_batches rename to away`.execute(db)
    await sql`delete from away`.execute(db)
    await sql`delete from invocation_series`.execute(db)
    const waits = row()
    log.record(waits)
    await log.flush()
    expect(await series(), 'it is known').toBe(0)
    await sql`alter table away rename to invocation_batches`.execute(db)
    await log.flush()
    expect([await written(db), await series()]).toEqual([[waits.duration_ms], 1])
    await log.close()
  })

  it('of many connections in use 500 are touched at a time, those first that wait longest, and all when it closes', async () => {
    const { db } = await open()
    const touched: string[][] = []
    const watched = db.withPlugin({
      transformQuery({ node }) {
        if (node.kind === 'RawNode' && node.sqlFragments.join('').includes('update connections'))
          touched.push((node.parameters[0] as ValueNode).value as string[])
        return node
      },
      transformResult: ({ result }) => Promise.resolve(result),
    })
    const log = createInvocationLog(watched, silent, randomUUID)
    const connections = Array.from({ length: 1_200 }, () => randomUUID())
    for (const connection_id of [...connections, connections[1_100]!, connections[0]!]) log.record(row({ connection_id }))
    await expect.poll(() => touched, { timeout: 10_000, interval: 100 }).toEqual([connections.slice(0, 500)])
    log.record(row({ connection_id: connections[0]! }))
    await log.close()
    expect(touched.slice(1)).toEqual([connections.slice(500, 1_000), [...connections.slice(1_000), connections[0]]])
  })
})
