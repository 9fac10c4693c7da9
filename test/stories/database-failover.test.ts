import { chmodSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { eventually, type OAuthStory } from '../support/oauth-story.ts'
import type { Answer, TestPatchbay } from '../support/patchbay.ts'
import { must } from '../support/practice-services.ts'
import { connected, startPostgres, stopPostgresServer, type StartedPostgres } from '../support/postgres-server.ts'
import { startRelay, type Relay } from '../support/relay.ts'
import { freshPath, runDirectory } from '../support/run-directory.ts'
import { startTwoInstances, type TwoInstances } from '../support/two-instances.ts'

const portOf = (url: string) => Number(new URL(url).port)

describe('R-1 a replica that lacks the last moments is promoted [postgres]', () => {
  let primary: StartedPostgres
  let replica: StartedPostgres
  /** Of each instance, and where it leads. */
  const relays: Relay[] = []
  const wayOfFirst = { host: '127.0.0.1', port: 0 }
  const wayOfSecond = { host: '127.0.0.1', port: 0 }
  let first: TestPatchbay
  let second: TestPatchbay
  let story: OAuthStory
  let elsewhere: TwoInstances['elsewhere']

  const asked = async <R extends object>(server: StartedPostgres, text: string): Promise<R[]> => {
    const client = await connected(server.url, 10_000)
    const { rows } = await client.query<R>(text)
    await client.end()
    return rows
  }

  beforeAll(async () => {
    chmodSync(runDirectory(), 0o711)
    const settings = { fsync: 'off', max_connections: 60, shared_buffers: '32MB' }
    primary = await startPostgres(freshPath('primary-postgres'), settings)
    replica = await startPostgres(freshPath('replica-postgres'), settings, primary)
    const [urlOfFirst = '', urlOfSecond = ''] = await Promise.all(
      [wayOfFirst, wayOfSecond].map(async way => {
        way.port = portOf(primary.url)
        const relay = await startRelay(way)
        relays.push(relay)
        return primary.url.replace(`:${way.port}/`, `:${relay.port}/`)
      }),
    )
    ;({ first, second, story, elsewhere } = await startTwoInstances(urlOfFirst, {}, { PATCHBAY_DATABASE_URL: urlOfSecond }))
  }, setUpTimeoutMs)
  afterAll(async () => {
    await second.stop()
    await first.stop()
    for (const relay of relays) await relay.close()
    for (const { pid } of [primary, replica]) await stopPostgresServer(pid)
  })

  const generations = async () => {
    const { rows } = await sql<{ name: string; generation: number }>`select c.link_name as name, k.generation from credentials k
      join connections c on c.id = k.connection_id order by 1`.execute(first.broker.db)
    return Object.fromEntries(rows.map(({ name, generation }) => [name, generation]))
  }

  it('no used refresh token is shown, calls go on within seconds without a restart, and the log is whole from then on', async () => {
    const strict = await story.service('strict', { habits: { rotation: 'strict' } })
    const [ours, theirs] = [await story.connect(strict, 'ours'), await story.connect(strict, 'theirs')]
    const unused = await story.connect(await story.service('unused'), 'unused')
    const end = async () => {
      for (const name of [ours, theirs]) await story.endsIn(name, -1)
      second.broker.calls.forgetAll()
    }
    await end()
    const [at] = await asked<{ lsn: string }>(primary, 'select pg_current_wal_lsn() as lsn')
    await eventually(
      'the replica',
      () => asked<{ there: boolean }>(replica, `select pg_last_wal_replay_lsn() >= '${at?.lsn ?? ''}' as there`),
      rows => rows[0]?.there === true,
    )
    await asked(replica, `alter system set primary_conninfo = ''`)
    await asked(replica, 'select pg_reload_conf()')
    await eventually(
      'a replica that hears nothing',
      () => asked<{ count: string }>(primary, 'select count(*) from pg_stat_replication'),
      rows => rows[0]?.count === '0',
    )

    // from here on the replica knows nothing: two renewals by each, which the other uses, and the first use of another connection
    for (const renewed of [1, 2]) {
      if (renewed > 1) await end()
      for (const answer of [await story.invoke(ours), await elsewhere(theirs), await elsewhere(ours), await story.invoke(theirs)])
        expect(answer.json.status_code, answer.text).toBe(200)
      expect((await story.counters()).token.refresh_token).toEqual({ ok: 2 * renewed })
    }
    const known = await generations()
    expect((await story.invoke(unused)).json.status_code).toBe(200)
    await first.broker.invocations.flush()

    process.kill(primary.pid, 'SIGQUIT')
    await asked(replica, 'select pg_promote()')
    const since = performance.now()
    const works = (ask: () => Promise<Answer>) => eventually('a call', ask, answer => answer.json.status_code === 200)
    // the one that has not renewed it comes first
    wayOfSecond.port = portOf(replica.url)
    await works(() => elsewhere(unused))
    const early = elsewhere(ours)
    await delay(100)
    wayOfFirst.port = portOf(replica.url)
    must(await early, 200)
    for (const name of [ours, theirs, unused]) for (const ask of [story.invoke, elsewhere]) await works(() => ask(name))
    expect(performance.now() - since).toBeLessThan(8_000)
    expect(await generations()).toEqual(known)
    await end()
    for (const answer of [await story.invoke(theirs), await elsewhere(ours)]) expect(answer.json.status_code, answer.text).toBe(200)
    const { token, old_refresh_tokens_presented } = await story.counters()
    expect([token.refresh_token, old_refresh_tokens_presented]).toEqual([{ ok: 6 }, 0])

    await first.broker.invocations.flush()
    const shown = (await first.admin('GET', `/api/v1/invocations?connection=${unused}`)).json.data as unknown[]
    expect(shown.length, 'its calls since').toBeGreaterThan(0)
    const audit = (await first.admin('GET', '/api/v1/audit?limit=100')).json.data as { action: string; object: string }[]
    for (const name of [ours, theirs])
      expect(audit).toContainEqual(expect.objectContaining({ action: 'connection.rotation_found', object: `connection:${name}` }))
  }, 60_000)
})
