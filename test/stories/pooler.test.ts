import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendDueSchedules } from '../../src/broker/function-due.ts'
import { missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { loggedCalls } from '../support/logged-calls.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { freePort, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { startPgBouncer, type PgBouncer } from '../support/pgbouncer.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { connected } from '../support/postgres-server.ts'
import { startRelay, type Relay } from '../support/relay.ts'
import { must, until } from '../support/practice-services.ts'
import { launch, ready } from '../support/process.ts'
import { startTwoInstances, type TwoInstances } from '../support/two-instances.ts'
import { connection } from '../support/workers.ts'

/** One way through a pooler that lends sessions for a transaction each, of which there are fewer than either instance asks for. */
describe('R-1 two instances behind PgBouncer in transaction mode [postgres]', () => {
  let databaseUrl: string
  let pooler: PgBouncer
  /** The second one's way past the pooler. */
  let relay: Relay
  let first: TestPatchbay
  let second: TestPatchbay
  let story: OAuthStory
  let elsewhere: TwoInstances['elsewhere']
  beforeAll(async () => {
    databaseUrl = await createPostgresDatabase()
    pooler = await startPgBouncer(databaseUrl, { default_pool_size: 3 })
    const past = new URL(databaseUrl)
    relay = await startRelay({ host: past.hostname, port: Number(past.port) })
    past.port = String(relay.port)
    const [direct, relayed] = [databaseUrl, past.href].map(url => ({ PATCHBAY_DATABASE_DIRECT_URL: url }))
    ;({ first, second, story, elsewhere } = await startTwoInstances(pooler.url, direct, relayed))
  }, setUpTimeoutMs)
  afterAll(async () => {
    await second.stop()
    await first.stop()
    await relay.close()
    await pooler.stop()
  })

  const doctor = async () =>
    must(await story.ada.ask('GET', '/api/v1/operations/check-up'), 200).json.findings as { outcome: string; sentence: string }[]
  const isUnlimited = ({ sentence }: { sentence: string }) => sentence.includes('SET statement_timeout')
  const faults = () => [...first.logged, ...second.logged].filter(line => line.includes('"level":"error"'))

  it('a token that ended is renewed once for both, with hundreds of calls at once on three sessions', async () => {
    const name = await story.connect(await story.service('pooled', { habits: { rotation: 'strict' } }), 'pooled')
    for (const round of [1, 2]) {
      await story.endsIn(name, -1)
      second.broker.calls.forgetAll()
      const all = await Promise.all(Array.from({ length: 200 }, (_, n) => (n % 2 ? story.invoke(name) : elsewhere(name))))
      expect(new Set(all.map(one => one.json.status_code as unknown))).toEqual(new Set([200]))
      expect(new Set(all.map(one => one.json.body.token_number as unknown)).size).toBe(1)
      expect((await story.counters()).token.refresh_token).toEqual({ ok: round })
    }
    const proxied = await second.admin('GET', `/proxy/${name}/http/${story.host}/api/echo`)
    expect([proxied.status, proxied.json.method]).toEqual([200, 'GET'])
    for (const one of [first, second]) await one.broker.invocations.flush()
    const { rows } = await sql<{ count: string }>`select sum(cardinality(after_ms)) as count from invocation_batches`.execute(
      first.broker.db,
    )
    expect(Number(rows[0]?.count), 'every call is in the log').toBe(401)
  })

  it('what ends on one instance ends on the other at once, and the provider is told', async () => {
    const name = await story.connect(await story.service('ends'), 'ends')
    const { id, key } = must(await story.ada.ask('POST', '/api/v1/api-keys', { name: 'ends' }), 201).json as { id: string; key: string }
    const ending = second.withKey(key)
    const soon = async (code: string) => {
      const since = performance.now()
      await eventually(
        code,
        () => elsewhere(name, ending),
        answer => answer.json.code === code,
      )
      expect(performance.now() - since).toBeLessThan(1_000)
    }
    must(await elsewhere(name, ending), 200)
    must(await story.ada.ask('POST', `/api/v1/connections/${name}/revoke`, {}), 200)
    await soon('connection_revoked')
    must(await story.ada.ask('DELETE', `/api/v1/api-keys/${id}`), 204)
    await soon('unauthenticated')
    await eventually('the revocation at the provider', story.counters, counters => Object.keys(counters.revoke).length > 0)
  })

  it('functions, schedules, new data keys and the check-up', async () => {
    const source = 'void schedule.nightly() { info "done"; }'
    must(await story.ada.ask('POST', '/api/v1/functions', { source }), 201)
    const made = must(await story.ada.ask('POST', '/api/v1/functions/schedule/nightly/schedules', { cron: '0 3 * * *' }), 201)
    await sql`update function_schedules set next_run = now() - interval '1 minute' where id = ${made.json.id}`.execute(second.broker.db)
    await sendDueSchedules(second.broker)
    const runs = async () =>
      must(await story.ada.ask('GET', '/api/v1/functions/schedule/nightly/runs'), 200).json.data as { status: string }[]
    await eventually('the run', runs, all => all.length === 1 && all[0]?.status === 'success')

    const name = await story.connect(await story.service('sealed'), 'sealed')
    must(await elsewhere(name), 200)
    must(await story.ada.ask('POST', '/api/v1/operations/rotate-data-keys', {}), 200)
    const rotation = async () =>
      must(await story.ada.ask('GET', '/api/v1/operations/keys'), 200).json.rotation as { running: boolean; damaged: number } | null
    await eventually('the rotation', rotation, one => one?.running === false)
    must(await elsewhere(name), 200)
    must(await story.invoke(name), 200)

    expect((await doctor()).filter(one => one.outcome === 'broken')).toEqual([])
    expect((await doctor()).some(isUnlimited)).toBe(true)
    const limit = sql<{ is: string }>`select current_setting('statement_timeout') as is`
    const { db } = first.broker
    expect((await limit.execute(db)).rows).toEqual([{ is: '0' }])
    expect((await db.transaction().execute(trx => limit.execute(trx))).rows, 'without a session to keep it').toEqual([{ is: '5s' }])
    expect(faults()).toEqual([])
  })

  it('while one hears no notifications nothing that it remembers is older than a second', async () => {
    const name = await story.connect(await story.service('deaf'), 'deaf')
    const { id, key } = must(await story.ada.ask('POST', '/api/v1/api-keys', { name: 'deaf' }), 201).json as { id: string; key: string }
    const ending = second.withKey(key)
    relay.cut()
    await eventually(
      'a loss that was noticed',
      async () => relay.open(),
      open => open === 0,
    )
    must(await elsewhere(name, ending), 200)
    must(await elsewhere(name, ending), 200)
    must(await story.ada.ask('DELETE', `/api/v1/api-keys/${id}`), 204)
    const since = performance.now()
    await eventually(
      'the end of the key',
      () => elsewhere(name, ending),
      answer => answer.json.code === 'unauthenticated',
    )
    expect(performance.now() - since).toBeLessThan(4_000)
    relay.restore()
  })

  it('a limit that the server gives its user is seen, once the pooler has connected anew', async () => {
    const owner = await connected(databaseUrl, 10_000)
    await owner.query(`alter database ${new URL(databaseUrl).pathname.slice(1)} set statement_timeout = '5s'`)
    const others = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
    await owner.query(others)
    await owner.end()
    // whatever had a session at that moment is refused
    await eventually(
      'a limit',
      () => doctor().catch(() => null),
      found => found !== null && !found.some(isUnlimited),
    )
  })
})

it(
  'R-1 workers behind PgBouncer: a token renewed once for both, a revocation within a second, and all is finished and logged when they end [postgres]',
  async () => {
    const databaseUrl = await createPostgresDatabase()
    const pooler = await startPgBouncer(databaseUrl, { default_pool_size: 3 })
    const [port, practicePort] = [await freePort(), await freePort()]
    const settings = {
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: missingDataDir(),
      PATCHBAY_DATABASE_URL: pooler.url,
      PATCHBAY_DATABASE_DIRECT_URL: databaseUrl,
      PATCHBAY_WORKERS: '2',
      PATCHBAY_PRACTICE: 'on',
      PATCHBAY_PRACTICE_PORT: String(practicePort),
    }
    const patchbay = launch(settings, `http://127.0.0.1:${practicePort}`)
    try {
      await ready(patchbay)
      await until(
        async () => patchbay.said.stdout,
        said => said.includes('Patchbay runs at'),
        60_000,
      )
      const story = await startOAuthStory(patchbay)
      const strict = await story.service('strict', { habits: { rotation: 'strict' } })
      const [renewed, ended] = [await story.connect(strict, 'renewed'), await story.connect(strict, 'ended')]
      const two = [connection(patchbay.base), connection(patchbay.base)] as const
      const both = (name: string, path = '/api/echo') =>
        Promise.all(two.map(one => one.ask('POST', '/api/v1/invoke', { connection: name, url: story.practice + path })))
      const succeed = async (answers: ReturnType<typeof both>) => {
        for (const answer of await answers) expect(answer.json.status_code, answer.text).toBe(200)
      }
      for (const name of [renewed, ended]) await succeed(both(name))
      // whoever has not heard of it could go on
      await story.control('misbehave', { endpoint: 'revoke', kind: '500', times: 50 })
      expect((await two[0].ask('POST', `/api/v1/connections/${ended}/revoke`, {})).status).toBe(200)
      const since = performance.now()
      await eventually(
        'the revocation',
        () => both(ended),
        answers => answers.every(one => one.json.code === 'connection_revoked'),
      )
      expect(performance.now() - since).toBeLessThan(1_000)

      await story.control('expire')
      await succeed(both(renewed))
      const { token, old_refresh_tokens_presented } = await story.counters()
      expect([token.refresh_token, old_refresh_tokens_presented]).toEqual([{ ok: 1 }, 0])

      const before = (await story.counters()).api.oauth2?.ok ?? 0
      const slow = both(renewed, '/api/slow?ms=1000')
      await eventually(
        'both at the service',
        async () => (await story.counters()).api.oauth2?.ok ?? 0,
        count => count === before + 2,
      )
      const end = patchbay.end('SIGTERM')
      await succeed(slow)
      expect(await end, patchbay.said.stdout + patchbay.said.stderr).toBe(0)
      expect(await loggedCalls(databaseUrl, renewed)).toBe(6)
      expect(patchbay.said.stderr).toBe('')
    } finally {
      await patchbay.end('SIGKILL')
      await pooler.stop()
    }
  },
  setUpTimeoutMs,
)

describe('R-1 what a pooler in transaction mode would break is found at the start [postgres]', () => {
  let databaseUrl: string
  beforeAll(async () => {
    databaseUrl = await createPostgresDatabase()
  }, setUpTimeoutMs)

  const refused = async (settings: Record<string, string>, pooler: Record<string, string> = {}) => {
    const { url, stop } = await startPgBouncer(databaseUrl, pooler)
    try {
      const running = await startPatchbay({ database: 'postgres', databaseUrl: url, settings })
      await running.stop()
      return 'it started'
    } catch (error) {
      return error instanceof Error ? error.message : ''
    } finally {
      await stop()
    }
  }

  it('without a URL past it: that it refuses settings of a session, or that notifications do not arrive', async () => {
    expect(await refused({})).toContain('Set PATCHBAY_DATABASE_DIRECT_URL to a URL that leads past the pooler.')
    const startup = { ignore_startup_parameters: 'options, statement_timeout, lock_timeout, idle_in_transaction_session_timeout' }
    expect(await refused({}, startup)).toContain('does not tell Patchbay of changes that other instances make.')
  }, 60_000)

  it('with one that leads to another database, or a schema that the pooler does not use', async () => {
    expect(await refused({ PATCHBAY_DATABASE_DIRECT_URL: await createPostgresDatabase() })).toContain('is another database than the one')
    const owner = await connected(databaseUrl, 10_000)
    await owner.query('create schema apart')
    await owner.end()
    const apart = { PATCHBAY_DATABASE_DIRECT_URL: databaseUrl, PATCHBAY_DATABASE_SCHEMA: 'apart' }
    expect(await refused(apart)).toContain('uses the schema public through the pooler, and apart past it.')
  }, 60_000)
})
