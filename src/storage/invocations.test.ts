import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import type { Database } from './database.ts'
import {
  deleteInvocationsBefore,
  insertInvocations,
  listInvocations,
  recentCallers,
  type InvocationRow,
  type KnownSeries,
} from './invocations.ts'

const dayMs = 86_400_000
const connectionId = randomUUID()

const row = (values: Partial<InvocationRow> = {}): InvocationRow => ({
  id: randomUUID(),
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
    await insertInvocations(db, calls, new Map(), false)
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
    await insertInvocations(db, calls, new Map(), false)
    expect(await seriesOf(db)).toHaveLength(6)
    const found = (await listed(db)).map(({ subject_id, key_id }) => JSON.stringify([subject_id, key_id]))
    expect(found.sort()).toEqual(['["",null]', '["k",null]', '[null,""]', '[null,"k"]', '[null,null]'])
    expect(await listed(db, 'other')).toHaveLength(1)
  })

  test('a batch that is stored a second time, because the outcome of the first was not known, is there once', async () => {
    const { db } = await open()
    const calls = [row(), row()]
    await insertInvocations(db, calls, new Map(), false)
    await insertInvocations(db, [...calls, row()], new Map(), true)
    expect(await listed(db)).toHaveLength(3)
    await expect(insertInvocations(db, calls, new Map(), false)).rejects.toMatchObject({ code: '23505' })
  })

  test('a series is written again after an hour only', async () => {
    const { db } = await open()
    const known: KnownSeries = new Map()
    const start = Date.now()
    const used = async (at: number) => {
      await insertInvocations(db, [row({ at: new Date(at) })], known, false)
      return (await seriesOf(db)).map(one => one.used_at.getTime())
    }
    expect(await used(start)).toEqual([start])
    expect(await used(start + 3_599_000)).toEqual([start])
    expect(await used(start + 3_601_000)).toEqual([start + 3_601_000])
  })

  test('who called through a connection is counted by person and key', async () => {
    const { db } = await open()
    const old = row({ at: new Date(Date.now() - 40 * dayMs) })
    await insertInvocations(
      db,
      [row(), row({ method: 'POST' }), row({ key_id: 'k' }), row({ connection_id: randomUUID() }), old],
      new Map(),
      false,
    )
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
    await insertInvocations(db, calls, new Map(), false)
    await deleteInvocationsBefore(db, 30)
    expect((await listed(db)).map(one => one.host)).toEqual(['10.example.com'])
    expect((await seriesOf(db)).map(one => one.host).sort()).toEqual(['10.example.com', '30.5.example.com'])
  })
})
