import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import type { Database } from './database.ts'
import {
  deleteInvocationsBefore,
  insertInvocations,
  listInvocations,
  newSeries,
  recentCallers,
  summariseInvocations,
  type InvocationBatch,
  type InvocationRow,
  type Series,
  type StoredSeries,
} from './invocations.ts'

const dayMs = 86_400_000
const connectionId = randomUUID()

let ids = 0

const row = (values: Partial<InvocationRow> = {}): InvocationRow => ({
  id: `${String(++ids).padStart(8, '0')}-0000-4000-8000-000000000000`,
  organization_id: 'acme, "the" {first}',
  at: new Date(),
  user_id: 'ada',
  subject_id: null,
  key_id: null,
  connection_id: connectionId,
  connection: 'mailchimp',
  door: 'proxy',
  method: 'GET',
  host: 'api.example.com',
  status: 200,
  problem: null,
  duration_ms: 3,
  ...values,
})

/** What a process remembers of the series that it has met. */
type Known = Map<string, StoredSeries>

const remembered = (known: Known, of: Series): StoredSeries => {
  const series = newSeries(of)
  return known.get(series.id) ?? (known.set(series.id, series), series)
}

/** One call a batch. */
const batch = (known: Known, { id, at, duration_ms, status, problem, ...series }: InvocationRow): InvocationBatch => ({
  id,
  series: remembered(known, series),
  status,
  problem,
  firstAt: at.getTime(),
  lastAt: at.getTime(),
  afterMs: [0],
  durationMs: [duration_ms],
})

const insert = (db: Database, rows: readonly InvocationRow[], known: Known = new Map(), again = false) =>
  insertInvocations(
    db,
    rows.map(one => batch(known, one)),
    again,
  )

const everything = { connection: null, user: null, status: null, since: null, until: null, visibleTo: null, cursor: null, limit: 100 }

const listed = async (db: Database, organizationId = row().organization_id) =>
  (await listInvocations(db, organizationId, everything)).data.map(({ user_name: _, ...call }) => call)

const seriesOf = (db: Database) => db.selectFrom('invocation_series').selectAll().execute()

forEachDatabase((_name, open) => {
  test('calls come back as they were logged, newest first, with what they have in common stored once', async () => {
    const { db } = await open()
    const calls = [
      row({ at: new Date(Date.now() - 1000) }),
      row({ status: null, problem: 'upstream_timeout' }),
      row({ at: new Date(Date.now() + 1000) }),
    ]
    await insert(db, calls)
    expect(await listed(db)).toStrictEqual(calls.toReversed())
    expect(await seriesOf(db)).toHaveLength(1)
  })

  test('a missing value, an empty one and a value that moved to the next column are different series', async () => {
    const { db } = await open()
    const calls = [
      row(),
      row({ subject_id: '' }),
      row({ subject_id: 'k' }),
      row({ key_id: 'k' }),
      row({ key_id: '' }),
      row({ organization_id: 'other' }),
    ]
    await insert(db, calls)
    expect(await seriesOf(db)).toHaveLength(6)
    const found = (await listed(db)).map(({ subject_id, key_id }) => JSON.stringify([subject_id, key_id]))
    expect(found.sort()).toEqual(['["",null]', '["k",null]', '[null,""]', '[null,"k"]', '[null,null]'])
    expect(await listed(db, 'other')).toHaveLength(1)
  })

  test('a batch that is stored a second time, because the outcome of the first was not known, is there once', async () => {
    const { db } = await open()
    const calls = [row(), row()]
    await insert(db, calls)
    await insert(db, [...calls, row()], new Map(), true)
    expect(await listed(db)).toHaveLength(3)
    await expect(insert(db, calls)).rejects.toMatchObject({ code: '23505' })
  })

  test('a series is written again after an hour only', async () => {
    const { db } = await open()
    const known: Known = new Map()
    const start = Date.now()
    const used = async (at: number) => {
      await insert(db, [row({ at: new Date(at) })], known)
      return (await seriesOf(db)).map(one => one.used_at.getTime())
    }
    expect(await used(start)).toEqual([start])
    expect(await used(start + 3_599_000)).toEqual([start])
    expect(await used(start + 3_601_000)).toEqual([start + 3_601_000])
  })

  test('who called through a connection is counted by person and key', async () => {
    const { db } = await open()
    const old = row({ at: new Date(Date.now() - 40 * dayMs) })
    await insert(db, [row(), row({ method: 'POST' }), row({ key_id: 'k' }), row({ connection_id: randomUUID() }), old])
    const callers = await recentCallers(db, row().organization_id, connectionId, 30)
    expect(callers.map(one => [one.user_id, one.key_id, Number(one.calls)]).sort()).toEqual(
      [
        ['ada', null, 2],
        ['ada', 'k', 1],
      ].sort(),
    )
  })

  test('old calls go, and their series a day later', async () => {
    const { db } = await open()
    const calls = [10, 30.5, 32].map(days => row({ at: new Date(Date.now() - days * dayMs), host: `${days}.example.com` }))
    await insert(db, calls)
    await deleteInvocationsBefore(db, 30)
    expect((await listed(db)).map(one => one.host)).toEqual(['10.example.com'])
    expect((await seriesOf(db)).map(one => one.host).sort()).toEqual(['10.example.com', '30.5.example.com'])
  })

  test('pages of calls that share batches: every call once, newest first, whatever the page size, filter and window', async () => {
    const { db } = await open()
    const start = Date.UTC(2026, 5, 1)
    let seed = 7
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
    // batches that overlap each other, some within one millisecond, some as long as they may be
    const batches = Array.from({ length: 60 }, (_, n): InvocationBatch => {
      const firstAt = start + random(300_000)
      const afterMs = [0, ...Array.from({ length: random(6) }, () => random(60_001)).sort((a, b) => a - b)]
      const { id, at: _at, duration_ms: _d, status: _s, problem, ...series } = row({ host: `${n % 3}.example.com` })
      const status = n % 4 === 0 ? 500 : 200
      return {
        id,
        series: newSeries(series),
        status,
        problem,
        firstAt,
        lastAt: firstAt + Math.max(...afterMs),
        afterMs,
        durationMs: afterMs.map(() => n),
      }
    })
    await insertInvocations(db, batches, false)
    const all = batches.flatMap(({ firstAt, afterMs, status, durationMs }) =>
      afterMs.map((after, i) => ({ at: firstAt + after, status, duration: durationMs[i] })),
    )
    const read = async (limit: number, filter: { status?: string; since?: Date; until?: Date }) => {
      const found: { id: string; at: number; status: number | null; duration: number }[] = []
      for (let cursor: string | null = null; ;) {
        const page = await listInvocations(db, row().organization_id, { ...everything, ...filter, limit, cursor })
        found.push(...page.data.map(({ id, at, status, duration_ms }) => ({ id, at: at.getTime(), status, duration: duration_ms })))
        if ((cursor = page.next_cursor) === null) return found
        expect(page.data).toHaveLength(limit)
      }
    }
    const bare = (calls: readonly { at: number; status: number | null; duration: number | undefined }[]) =>
      calls.map(({ at, status, duration }) => `${at} ${status} ${duration}`).sort()
    const window = { since: new Date(start + 100_000), until: new Date(start + 200_000) }
    for (const limit of [1, 7, 100]) {
      const found = await read(limit, {})
      expect(bare(found)).toEqual(bare(all))
      expect(new Set(found.map(({ id }) => id)).size).toBe(all.length)
      expect(found.map(({ at }) => at)).toEqual(all.map(({ at }) => at).sort((a, b) => b - a))
      expect(bare(await read(limit, { status: 'error' }))).toEqual(bare(all.filter(({ status }) => status === 500)))
      const inside = all.filter(({ at }) => at >= window.since.getTime() && at < window.until.getTime())
      expect(bare(await read(limit, window))).toEqual(bare(inside))
    }
    const summary = await summariseInvocations(db, row().organization_id, everything, 60)
    expect(summary.reduce((sum, one) => sum + Number(one.calls), 0)).toBe(all.length)
    expect(summary.reduce((sum, one) => sum + Number(one.errors), 0)).toBe(all.filter(({ status }) => status === 500).length)
  })
})
