import { chmodSync } from 'node:fs'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { connected, startPostgres, stopPostgresServer, type StartedPostgres } from '../support/postgres-server.ts'
import { startRelay, type Relay } from '../support/relay.ts'
import { freshPath, runDirectory } from '../support/run-directory.ts'

const portOf = (url: string) => Number(new URL(url).port)

describe('R-1 a replica that lacks the last moments is promoted [postgres]', () => {
  let primary: StartedPostgres
  let replica: StartedPostgres
  let relay: Relay
  /** Where the relay leads. */
  const to = { host: '127.0.0.1', port: 0 }
  let patchbay: TestPatchbay
  let story: OAuthStory

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
    to.port = portOf(primary.url)
    relay = await startRelay(to)
    const url = new URL(primary.url)
    url.port = String(relay.port)
    patchbay = await startPatchbay({ database: 'postgres', databaseUrl: url.href })
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await relay.close()
    for (const { pid } of [primary, replica]) await stopPostgresServer(pid)
  })

  const generation = async () =>
    (
      await sql<{ generation: number }>`select generation from credentials k join connections c on c.id = k.connection_id
        where c.link_name = 'rotates'`.execute(patchbay.broker.db)
    ).rows[0]?.generation

  it('no used refresh token is shown, calls go on within seconds without a restart, and the log is whole from then on', async () => {
    const name = await story.connect(await story.service('rotates', { habits: { rotation: 'strict' } }), 'rotates')
    const unused = await story.connect(await story.service('unused'), 'unused')
    await story.endsIn(name, -1)
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

    // from here on the replica knows nothing: two renewals, and the first use of another connection
    for (const renewed of [1, 2]) {
      if (renewed > 1) await story.endsIn(name, -1)
      expect((await story.invoke(name)).json.status_code).toBe(200)
      expect((await story.counters()).token.refresh_token).toEqual({ ok: renewed })
    }
    const known = await generation()
    expect((await story.invoke(unused)).json.status_code).toBe(200)
    await patchbay.broker.invocations.flush()

    process.kill(primary.pid, 'SIGQUIT')
    await asked(replica, 'select pg_promote()')
    to.port = portOf(replica.url)
    const since = performance.now()
    await eventually(
      'the renewals',
      () => generation().catch(() => null),
      found => found === known,
    )
    for (const one of [name, unused])
      await eventually(
        `a call through ${one}`,
        () => story.invoke(one),
        answer => answer.json.status_code === 200,
      )
    expect(performance.now() - since).toBeLessThan(8_000)
    expect((await story.connection(name)).status).toBe('connected')
    await story.endsIn(name, -1)
    expect((await story.invoke(name)).json.status_code).toBe(200)
    const { token, old_refresh_tokens_presented } = await story.counters()
    expect([token.refresh_token, old_refresh_tokens_presented]).toEqual([{ ok: 3 }, 0])

    await patchbay.broker.invocations.flush()
    const shown = (await patchbay.admin('GET', `/api/v1/invocations?connection=${unused}`)).json.data as unknown[]
    expect(shown.length, 'its calls since').toBeGreaterThan(0)
    const audit = (await patchbay.admin('GET', '/api/v1/audit?limit=100')).json.data as { action: string; object: string }[]
    expect(audit).toContainEqual(expect.objectContaining({ action: 'connection.rotation_found', object: `connection:${name}` }))
  }, 60_000)
})
