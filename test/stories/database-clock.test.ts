import { chmodSync } from 'node:fs'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { eventually, type OAuthStory } from '../support/oauth-story.ts'
import type { TestPatchbay } from '../support/patchbay.ts'
import { startPostgres, stopPostgresServer, type PostgresServer } from '../support/postgres-server.ts'
import { freshPath, runDirectory } from '../support/run-directory.ts'
import { startTwoInstances, type TwoInstances } from '../support/two-instances.ts'
import { createWrongClock } from '../support/wrong-clock.ts'

const hour = 3600

describe('the clock of PostgreSQL is set while two instances run [postgres]', { timeout: 90_000 }, () => {
  const clock = createWrongClock(0)
  let server: PostgresServer
  let first: TestPatchbay
  let second: TestPatchbay
  let story: OAuthStory
  let elsewhere: TwoInstances['elsewhere']
  beforeAll(async () => {
    chmodSync(runDirectory(), 0o711)
    const settings = { fsync: 'off', max_connections: 60, shared_buffers: '32MB' }
    server = await startPostgres(freshPath('wrong-postgres'), settings, undefined, clock.environment)
    ;({ first, second, story, elsewhere } = await startTwoInstances(server.url))
    const strict = await story.service('strict', { habits: { rotation: 'strict' } })
    for (const name of ['used', 'renewed']) await story.connect(strict, name)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await second.stop()
    await first.stop()
    await stopPostgresServer(server.pid)
  })

  const one = async <R>(text: string) => (await sql.raw<R>(text).execute(first.broker.db)).rows[0]
  const set = async (seconds: number) => {
    clock.set(seconds)
    await eventually(
      'the new time',
      async () => Number((await one<{ at: number }>('select extract(epoch from clock_timestamp())::float8 as at'))?.at) - Date.now() / 1000,
      ahead => Math.abs(ahead - seconds) < 30,
    )
  }
  const end = async (name: string) => {
    await story.endsIn(name, -1)
    second.broker.calls.forgetAll()
  }
  const everywhere = async (name: string) => {
    const all = Array.from({ length: 10 }, (_, n) => (n % 2 ? story.invoke(name) : elsewhere(name)))
    for (const answer of await Promise.all(all)) expect(answer.json.status_code, answer.text).toBe(200)
  }
  const renewals = async () => {
    const { token, old_refresh_tokens_presented } = await story.counters()
    return [token.refresh_token?.ok ?? 0, old_refresh_tokens_presented]
  }

  it('an hour forwards during a refresh: the other instance does not take it for one that has failed, and its answer counts', async () => {
    await everywhere('used')
    await end('renewed')
    await story.control('misbehave', { endpoint: 'token', kind: 'slow', ms: 5_000, times: 1 })
    const renewing = story.invoke('renewed')
    await eventually(
      'the lease',
      () => one<{ count: string }>('select count(*) from credentials where lease_until is not null'),
      row => row?.count === '1',
    )
    await set(hour)
    for (const answer of await Promise.all([elsewhere('renewed'), renewing])) expect(answer.json.status_code, answer.text).toBe(200)
    expect(await renewals()).toEqual([1, 0])
    await end('used')
    await everywhere('used')
    expect(await renewals()).toEqual([2, 0])
  })

  it('and back: one of them moves what was timed, calls go on, and a token that ends is renewed once', async () => {
    const said = () => [...first.logged, ...second.logged].filter(line => line.includes('was set back')).length
    // as far as it is written once a minute
    await one(`update settings set value = extract(epoch from clock_timestamp())::text where name = 'latest_time'`)
    await set(0)
    await everywhere('used')
    await eventually(
      'what was timed to be moved',
      async () => said(),
      count => count > 0,
    )
    await end('used')
    await everywhere('used')
    expect(await renewals()).toEqual([3, 0])
    const row = await one<{ ends_in: number }>(`select max(extract(epoch from expires_at - now()))::float8 as ends_in from credentials`)
    expect(row?.ends_in).toBeLessThan(hour + 60)
    expect(said()).toBe(1)
  })
})
