import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { replaySpool } from '../../src/broker/spool.ts'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { freePort, startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { connected } from '../support/postgres-server.ts'
import { ready } from '../support/process.ts'
import { launchPuppet, type Puppet } from '../support/puppet.ts'
import { startRelay, type Relay } from '../support/relay.ts'
import { findSecrets } from '../support/sinks.ts'

/** A database behind a relay; its URL through the relay. */
async function relayed(): Promise<{ relay: Relay; databaseUrl: string; directUrl: string }> {
  const directUrl = await createPostgresDatabase()
  const url = new URL(directUrl)
  const relay = await startRelay({ host: url.hostname, port: Number(url.port) })
  url.port = String(relay.port)
  return { relay, databaseUrl: url.href, directUrl }
}

const spooled = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory).map(name => join(directory, name)) : [])

/** Every token that the practice service ever gave. */
const tokensOf = ({ state }: Pick<Practice, 'state'>) =>
  Object.fromEntries([...state.accessTokens.values(), ...state.refreshTokens.values()].map((token, i) => [`token ${i}`, token.value]))

const within = async (ms: number, ask: () => Promise<Answer>): Promise<Answer> => {
  const since = performance.now()
  const answer = await ask()
  expect(performance.now() - since, answer.text).toBeLessThan(ms)
  return answer
}

const isAway = (answer: Answer): void => {
  expect([answer.status, answer.json.code], answer.text).toEqual([503, 'storage_unavailable'])
  expect(answer.headers.get('retry-after')).toBe('2')
}

describe('R-1 the database goes away [postgres]', { timeout: 120_000 }, () => {
  let practice: Practice
  let relay: Relay
  let directUrl: string
  let patchbay: TestPatchbay
  let story: OAuthStory
  let atAnswer: (() => void) | null = null
  beforeAll(async () => {
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
    const { relay: way, databaseUrl, directUrl: direct } = await relayed()
    relay = way
    directUrl = direct
    patchbay = await startPatchbay({
      database: 'postgres',
      databaseUrl,
      settings: {
        PATCHBAY_PRACTICE: 'off',
        PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
        PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
      },
      reached(point) {
        if (point !== 'refresh.after_response') return
        atAnswer?.()
        atAnswer = null
      },
    })
    story = await startOAuthStory({ ...patchbay, practiceUrl: practice.url })
  }, setUpTimeoutMs)
  afterAll(async () => {
    relay.restore()
    await patchbay.stop()
    await relay.close()
    await practice.close()
  })
  beforeEach(() => story.control('reset'))

  const directory = () => patchbay.broker.spool.directory
  const strict = (name: string) =>
    story.service(name, { habits: { rotation: 'strict' } }).then(async service => {
      await story.connect(service, name)
      await story.invoke(name)
      await patchbay.broker.invocations.flush()
      await story.endsIn(name, -1)
      await story.invoke(name)
      await story.endsIn(name, -1)
      return name
    })
  const refreshes = () => practice.state.counters.token.refresh_token
  const errors = () => patchbay.logged.filter(line => line.includes('"level":"error"')).join('\n')

  it.each(['cut', 'stall'] as const)(
    'an answer that comes while it is away (%s) is kept, sealed, on disk, and stored when it is back; the token is not asked for again',
    async how => {
      const name = await strict(`kept_${how}`)
      const before = refreshes()?.['ok'] ?? 0
      atAnswer = () => relay[how]()
      isAway(await within(4_000, () => story.invoke(name)))
      const [file = '', ...others] = await eventually(
        'the file',
        async () => spooled(directory()).filter(one => one.endsWith('.json')),
        files => files.length > 0,
      )
      expect(others).toEqual([])
      expect([statSync(directory()).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600])
      const text = readFileSync(file, 'utf8')
      expect(findSecrets([['spool', text]], tokensOf(practice))).toEqual([])
      isAway(await within(4_000, () => story.invoke(name)))

      relay.restore()
      await eventually(
        'the call',
        () => story.invoke(name),
        answer => answer.json.status_code === 200,
      )
      await eventually(
        'an empty spool',
        async () => spooled(directory()),
        files => files.length === 0,
      )
      expect(refreshes()).toEqual({ ok: before + 1 })
      expect(practice.state.counters.old_refresh_tokens_presented).toBe(0)

      // what a crash between the commit and the removal leaves, of a newer version even: nothing happens
      const { generation } = (await generationOf(name)) as { generation: number }
      writeFileSync(file, JSON.stringify({ ...(JSON.parse(text) as object), of_tomorrow: 1 }), { mode: 0o600 })
      await replaySpool(patchbay.broker)
      expect([spooled(directory()), (await generationOf(name))?.generation]).toEqual([[], generation])
      // and one that cannot be read stays, and is told
      const entry = JSON.parse(text) as { sealed: string }
      const bytes = Buffer.from(entry.sealed, 'base64')
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
      writeFileSync(file, JSON.stringify({ ...entry, sealed: bytes.toString('base64') }))
      await replaySpool(patchbay.broker)
      expect(spooled(directory())).toEqual([file])
      expect(errors()).toContain('cannot be read')
      rmSync(file)
    },
  )

  const generationOf = (name: string) =>
    patchbay.broker.db
      .selectFrom('credentials as k')
      .innerJoin('connections as c', 'c.id', 'k.connection_id')
      .select('k.generation')
      .where('c.link_name', '=', name)
      .executeTakeFirst()

  it('a spool that cannot be written is told loudly, and memory alone bridges the outage', async () => {
    const name = await strict('no_spool')
    rmSync(directory(), { recursive: true, force: true })
    writeFileSync(directory(), 'a file where the folder would be')
    atAnswer = () => relay.cut()
    isAway(await story.invoke(name))
    await eventually(
      'the alarm',
      async () => errors(),
      text => text.includes('kept in memory only'),
    )
    expect(findSecrets([['log', patchbay.logged.join('\n')]], tokensOf(practice))).toEqual([])
    relay.restore()
    await eventually(
      'the call',
      () => story.invoke(name),
      answer => answer.json.status_code === 200,
    )
    expect(practice.state.counters.old_refresh_tokens_presented).toBe(0)
    rmSync(directory())
  })

  it.each(['cut', 'stall'] as const)(
    'calls are refused when it is away (%s), none goes unlogged, and they work again soon after it is back',
    async how => {
      const name = await story.connect(await story.service(`outage_${how}`), `outage_${how}`)
      expect((await story.invoke(name)).json.status_code).toBe(200)
      await patchbay.broker.invocations.flush()
      const counted = () => practice.state.counters.api['oauth2']?.['ok'] ?? 0
      const log = async () =>
        ((await patchbay.admin('GET', `/api/v1/invocations?connection=${name}&limit=100`)).json.data as { status: number | null }[]).filter(
          one => one.status === 200,
        ).length
      const before = { calls: counted(), logged: await log() }

      relay[how]()
      let served = 0
      const since = performance.now()
      const refused = await eventually(
        'the first refusal',
        async () => {
          const answer = await within(4_000, () => story.invoke(name))
          if (answer.json.status_code === 200) served++
          return answer
        },
        answer => answer.status === 503,
      )
      isAway(refused)
      expect(performance.now() - since, 'two seconds after the log could not be written').toBeLessThan(6_000)
      for (let i = 0; i < 5; i++) isAway(await within(4_000, () => story.invoke(name)))
      expect(counted() - before.calls, 'nothing went out after that').toBe(served)

      relay.restore()
      const back = performance.now()
      await eventually(
        'calls',
        () => story.invoke(name),
        answer => answer.json.status_code === 200,
      )
      expect(performance.now() - back).toBeLessThan(8_000)
      await patchbay.broker.invocations.flush()
      expect((await log()) - before.logged, 'every call that went out').toBe(counted() - before.calls)
      expect(relay.open(), 'the pool has not grown').toBeLessThanOrEqual(14)
    },
  )

  it('a database that may only be read, as after a fail-over to a replica: calls are refused, and it says that it is not ready', async () => {
    const name = await story.connect(await story.service('read_only'), 'read_only')
    expect((await story.invoke(name)).json.status_code).toBe(200)
    await patchbay.broker.invocations.flush()
    const url = new URL(directUrl)
    const owner = await connected(url.href, 10_000)
    const database = url.pathname.slice(1)
    const others = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
    try {
      await owner.query(`alter database ${database} set default_transaction_read_only = on`)
      await owner.query(others)
      isAway(
        await eventually(
          'the first refusal of a call that is remembered',
          () => story.invoke(name),
          answer => answer.status === 503,
        ),
      )
      const notReady = await eventually(
        'not ready',
        () => patchbay.nobody('GET', '/readyz'),
        answer => answer.status === 503,
      )
      expect(notReady.json.code).toBe('storage_unavailable')
      expect((await patchbay.admin('GET', `/api/v1/connections/${name}`)).status, 'what is only read goes on').toBe(200)
    } finally {
      await owner.query('set default_transaction_read_only = off')
      await owner.query(`alter database ${database} reset default_transaction_read_only`)
      await owner.query(others)
      await owner.end()
    }
    await eventually(
      'calls',
      () => story.invoke(name),
      answer => answer.json.status_code === 200,
    )
    await eventually(
      'ready',
      () => patchbay.nobody('GET', '/readyz'),
      answer => answer.status === 200,
    )
  })

  it('a process that is killed with an answer in its spool stores it when it starts again, once; what was revoked meanwhile is given back', async () => {
    const { relay: way, databaseUrl } = await relayed()
    const port = await freePort()
    const settings = {
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: missingDataDir(),
      PATCHBAY_DATABASE_URL: databaseUrl,
      PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64'),
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
    }
    const spool = `${settings.PATCHBAY_DATA_DIR}.spool`
    let running: Puppet = launchPuppet(settings, practice.url)
    try {
      await ready(running)
      const own = await startOAuthStory(running)
      const strictly = { habits: { rotation: 'strict' } }
      const name = await own.connect(await own.service('killed', strictly), 'killed')
      const unwanted = await own.connect(await own.service('unwanted', strictly), 'unwanted')
      await running.sql(`update credentials set expires_at = now() - interval '1 second'`)
      await running.arm('refresh.after_response', 2, 'wait')
      const calls = [own.invoke(name), own.invoke(unwanted)]
      await running.reached()
      way.cut()
      const going = running.go().catch(() => undefined)
      for (const answer of await Promise.all(calls)) isAway(answer)
      await going
      await eventually(
        'the files',
        async () => spooled(spool).filter(one => one.endsWith('.json')),
        files => files.length === 2,
      )
      await running.end('SIGKILL')
      way.restore()
      // as another instance does that is asked to, to which this one's answer is not known; it tells the provider of the token that was used up
      const elsewhere = await connected(databaseUrl, 10_000)
      await elsewhere.query(`update credentials set status = 'revoked', status_reason = 'revoked_by_person', sealed = null, generation = generation + 1,
        lease_owner = null, lease_until = null, inflight_since = null
        where connection_id = (select id from connections where link_name = 'unwanted')`)
      await elsewhere.end()

      running = launchPuppet(settings, practice.url)
      await ready(running)
      expect(spooled(spool)).toEqual([])
      expect((await own.invoke(name)).json.status_code).toBe(200)
      expect([refreshes(), practice.state.counters.old_refresh_tokens_presented]).toEqual([{ ok: 2 }, 0])
      expect((await own.invoke(unwanted)).json.code).toBe('connection_revoked')
      await eventually(
        'the revocation of what nobody wants',
        async () => practice.state.counters.revoke['refresh_token'] ?? 0,
        count => count === 1,
      )
      const audit = (await running.admin('GET', '/api/v1/audit?limit=100')).json.data as { action: string; object: string }[]
      const told = audit.filter(row => /rotation_found|unused_grant/.test(row.action)).map(row => `${row.action} ${row.object}`)
      expect(told.sort()).toEqual(['connection.rotation_found connection:killed', 'connection.unused_grant_revoked connection:unwanted'])
    } finally {
      await running.end('SIGKILL')
      await way.close()
    }
  }, 120_000)
})
