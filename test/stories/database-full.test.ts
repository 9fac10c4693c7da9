import { randomBytes } from 'node:crypto'
import { chmodSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { startPostgres, stopPostgresServer, type StartedPostgres } from '../support/postgres-server.ts'
import { freshPath, runDirectory } from '../support/run-directory.ts'

const mostSessions = 24

describe('R-1 others hold every session that PostgreSQL has [postgres]', () => {
  let server: StartedPostgres
  let patchbay: TestPatchbay
  let story: OAuthStory
  const settings = { PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64') }
  const held = new Set<pg.Client>()
  let holding = false

  beforeAll(async () => {
    chmodSync(runDirectory(), 0o711)
    server = await startPostgres(freshPath('full-postgres'), { fsync: 'off', max_connections: mostSessions, shared_buffers: '32MB' })
    patchbay = await startPatchbay({ database: 'postgres', databaseUrl: server.url, settings })
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await release()
    await patchbay.stop()
    await stopPostgresServer(server.pid)
  })

  /** Takes what is free, and goes on taking what becomes free. */
  async function holdAll(): Promise<void> {
    holding = true
    let full: () => void = () => {}
    const taken = new Promise<void>(resolve => (full = resolve))
    const take = async () => {
      while (holding) {
        const client = new pg.Client({ connectionString: server.url })
        client.on('error', () => held.delete(client))
        try {
          await client.connect()
          held.add(client)
        } catch {
          full()
          await new Promise(resolve => setTimeout(resolve, 5))
        }
      }
    }
    taking = take()
    await taken
  }
  let taking = Promise.resolve()
  async function release(count = mostSessions): Promise<void> {
    holding = false
    await taking
    for (const client of [...held].slice(0, count)) {
      held.delete(client)
      await client.end().catch(() => {})
    }
  }

  it('a new instance says so; one that runs goes on with what it has, refuses in time when it has none, and comes back within seconds', async () => {
    const name = await story.connect(await story.service('full'), 'full')
    await holdAll()
    expect(held.size).toBeGreaterThan(5)
    const refused = () =>
      startPatchbay({ database: 'postgres', databaseUrl: server.url, settings }).then(
        async second => (await second.stop(), 'it started'),
        (error: unknown) => (error instanceof Error ? error.message : ''),
      )
    const sentence = 'has no connection left for Patchbay: others hold all that it, or this user, may have (max_connections).'
    expect(await refused()).toContain(sentence)
    // enough to look at the database, but not to bring it up to date
    await release(1)
    expect(await refused()).toContain(sentence)
    await holdAll()

    // it has one at least, which writes the log
    expect((await story.invoke(name)).json.status_code).toBe(200)
    expect((await patchbay.admin('GET', `/api/v1/connections/${name}`)).status).toBe(200)

    const [first] = held
    await eventually(
      'none is left to it',
      async () => {
        await first?.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'patchbay'`)
        return held.size
      },
      all => all === mostSessions,
    )
    patchbay.broker.calls.forgetAll()
    const ask = async () => {
      const since = performance.now()
      const answer = await story.invoke(name)
      return { answer, took: performance.now() - since }
    }
    for (const { answer, took } of await Promise.all(Array.from({ length: 20 }, ask))) {
      expect([answer.status, answer.json.code, answer.headers.get('retry-after')]).toEqual([503, 'storage_unavailable', '2'])
      expect(took).toBeLessThan(4_000)
    }

    await release()
    const back = performance.now()
    await eventually('calls', ask, ({ answer }) => answer.json.status_code === 200)
    expect(performance.now() - back).toBeLessThan(5_000)
    await eventually(
      'ready',
      () => patchbay.nobody('GET', '/readyz'),
      answer => answer.status === 200,
    )
  }, 60_000)
})
