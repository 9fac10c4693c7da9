import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createJobs } from '../../src/jobs/jobs.ts'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { freshDataDir, missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory } from '../support/oauth-story.ts'
import { freePort, type Answer } from '../support/patchbay.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { launch, launchReady, type PatchbayProcess } from '../support/process.ts'

interface Run {
  readonly status: string
}

/** A start takes seconds of its own on a busy machine. */
const timeout = 180_000
const page = { accept: 'text/html' }

describe.each(['pglite', 'postgres'] as const)('R-1 killed and started again [%s]', database => {
  let practice: Practice
  let settings: Record<string, string>
  let running: PatchbayProcess | null = null
  const everStarted: PatchbayProcess[] = []

  beforeAll(async () => {
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
    const port = await freePort()
    settings = {
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: database === 'pglite' ? await freshDataDir() : missingDataDir(),
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
      ...(database === 'postgres' && { PATCHBAY_DATABASE_URL: await createPostgresDatabase() }),
    }
  }, setUpTimeoutMs)
  afterEach(async () => {
    for (const one of everStarted.splice(0)) if (one.process.exitCode === null && one.process.signalCode === null) await one.end('SIGKILL')
    running = null
  }, timeout)
  afterAll(() => practice.close())

  const begin = async () => {
    running = await launchReady(settings, practice.url)
    everStarted.push(running)
    return running
  }
  const attempt = (more: Record<string, string>) => {
    const one = launch({ ...settings, ...more })
    everStarted.push(one)
    return one
  }
  /** The database, while no Patchbay uses it. */
  const withDatabase = async <T>(work: (db: Awaited<ReturnType<typeof openDatabase>>['db']) => Promise<T>): Promise<T> => {
    const open = await openDatabase({ url: settings['PATCHBAY_DATABASE_URL'], dataDir: settings['PATCHBAY_DATA_DIR'] ?? '' })
    try {
      return await work(open.db)
    } finally {
      await open.close()
    }
  }
  const snapshot = () =>
    withDatabase(async db => {
      const tables = await sql<{ name: string }>`select format('%I.%I', table_schema, table_name) as name from information_schema.tables
        where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE' order by 1`.execute(db)
      const digests: Record<string, string> = {}
      for (const { name } of tables.rows) {
        const digest = await sql<{
          digest: string
        }>`select count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest
          from ${sql.raw(name)} t`.execute(db)
        digests[name] = digest.rows[0]?.digest ?? ''
      }
      return digests
    })

  it(
    'after SIGKILL connections work, flows go on, jobs are delivered, and the log lacks one flush at most',
    async () => {
      const first = await begin()
      const story = await startOAuthStory(first)
      await story.connect(await story.service('survivor', { habits: { rotation: 'strict' } }), 'survivor')
      await story.connect(await story.service('leaver'), 'leaver')
      const service = await story.service('traveller')
      const callback = await story.toCallback(story.ada.browser, await story.begin(service, 'traveller'))
      const byKey = await story.ada.ask('POST', '/api/v1/connections', { service, name: 'By key', link_name: 'by_key' })

      for (let i = 0; i < 30; i++) expect((await story.invoke('survivor')).json.status_code).toBe(200)
      // the log promises half a second; a second is what the contract allows
      await new Promise(resolve => setTimeout(resolve, 1000))
      const cut = Array.from({ length: 5 }, () => story.invoke('survivor', '/api/slow?ms=20000').catch((error: unknown) => error))
      await eventually(
        'five calls under way',
        async () => practice.state.counters.api.oauth2?.ok ?? 0,
        calls => calls === 35,
      )
      const source = `string standalone.waits() { return invokeurl [ url: "${practice.url}/api/slow?ms=20000" connection: "survivor" ]; }`
      expect((await first.admin('PUT', '/api/v1/functions/standalone/waits', { source })).status).toBe(201)
      cut.push(first.admin('POST', '/api/v1/functions/standalone/waits/run', {}).catch((error: unknown) => error))
      const runs = async (by: PatchbayProcess) => (await by.admin('GET', '/api/v1/functions/standalone/waits/runs')).json.data as Run[]
      await eventually(
        'a run under way',
        () => runs(first),
        ([one]) => one?.status === 'running',
      )
      const revoked = await story.ada.ask('POST', '/api/v1/connections/leaver/revoke', {})
      expect(revoked.json.revoked_at_provider).toBe('pending')
      expect(await first.end('SIGKILL')).toBeNull()
      for (const one of await Promise.all(cut)) expect(one).toBeInstanceOf(TypeError)
      // the embedded database has nobody else; on PostgreSQL another instance may be running it until it has said nothing for a minute
      if (database === 'postgres')
        await withDatabase(db => sql`update function_runs set alive_at = alive_at - interval '2 minutes'`.execute(db))

      const second = await begin()
      const again = (path: string): Promise<Answer> => second.admin('GET', path)
      expect(await runs(second)).toMatchObject([
        {
          status: 'interrupted',
          error: { message: expect.stringContaining('killed') as string },
          duration_ms: expect.any(Number) as number,
        },
      ])
      expect((await story.invoke('survivor')).json.status_code).toBe(200)
      expect((await story.ada.browser.ask('GET', callback)).status, 'the flow, the cookie and the session are all still good').toBe(303)
      expect((await again('/api/v1/connections/traveller')).json.status).toBe('connected')
      const { url } = byKey.json.authorization as { url: string }
      expect((await story.ada.browser.ask('GET', url, undefined, page)).status).toBe(200)
      expect((await story.ada.browser.visit(`${url}/continue`)).url).toBe(`${second.base}/connections/by_key`)

      const logged = await again('/api/v1/invocations?connection=survivor&limit=100')
      expect(logged.json.data.length).toBeGreaterThanOrEqual(30)
      expect(logged.json.data.length).toBeLessThanOrEqual(36)
      const told = await eventually(
        'the revocation',
        () => again('/api/v1/connections/leaver'),
        one => one.json.revoked_at_provider !== 'pending',
      )
      expect([told.json.status, told.json.revoked_at_provider]).toEqual(['revoked', 'yes'])
      expect(Object.values(practice.state.counters.revoke).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
    },
    timeout,
  )

  it(
    'SIGTERM ends it with 0, and no row of the log is missing',
    async () => {
      const first = await begin()
      const story = await startOAuthStory(first)
      await story.connect(await story.service('gentle'), 'gentle')
      practice.state.counters.api = {}
      const answers = await Promise.all(Array.from({ length: 40 }, () => story.invoke('gentle')))
      expect(new Set(answers.map(one => one.json.status_code as unknown))).toEqual(new Set([200]))
      const slow = story.invoke('gentle', '/api/slow?ms=1500')
      await eventually(
        'the slow call',
        async () => practice.state.counters.api.oauth2?.ok ?? 0,
        calls => calls === 41,
      )
      const ended = first.end('SIGTERM')
      expect((await slow).json.status_code, 'what was under way is finished').toBe(200)
      expect(await ended, first.said.stderr).toBe(0)
      const second = await begin()
      expect((await second.admin('GET', '/api/v1/invocations?connection=gentle&limit=100')).json.data).toHaveLength(41)
    },
    timeout,
  )

  it(
    'R-3 production refuses a missing, wrong, zero or broken key with a sentence, and writes nothing',
    async () => {
      const first = await begin()
      expect(await first.end('SIGTERM')).toBe(0)
      const dataDir = settings['PATCHBAY_DATA_DIR'] ?? ''
      const keyFile = `${dataDir}.key`
      expect(statSync(keyFile).mode & 0o777).toBe(0o600)
      const before = await snapshot()
      expect(Object.keys(before).length).toBeGreaterThan(10)
      // other files of this run keep their own data, and keys, in the same folder
      const beside = () => readdirSync(dirname(keyFile)).filter(name => name.endsWith('.key') && name.startsWith(basename(dataDir)))
      renameSync(keyFile, `${keyFile}.away`)
      const keysBefore = beside()
      const wrong: Record<string, Record<string, string>> = {
        missing: {},
        wrong: { PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64') },
        zero: { PATCHBAY_MASTER_KEY: Buffer.alloc(32).toString('base64') },
        short: { PATCHBAY_MASTER_KEY: randomBytes(16).toString('base64') },
        guessable: { PATCHBAY_MASTER_KEY: Buffer.from('passwordpasswordpasswordpassword').toString('base64') },
        // the last character of 32 bytes carries two bits that must be zero
        'mistyped at its end': { PATCHBAY_MASTER_KEY: `${randomBytes(32).toString('base64').slice(0, 42)}B=` },
        'not base64': { PATCHBAY_MASTER_KEY: '!'.repeat(44) },
        'a file that is not there': { PATCHBAY_MASTER_KEY_FILE: `${keyFile}.nowhere` },
      }
      for (const [what, key] of Object.entries(wrong)) {
        const refused = attempt({ NODE_ENV: 'production', ...key })
        expect(await refused.exited, what).toBe(1)
        expect(refused.said.stderr, what).toMatch(/^Patchbay did not start\.\n.*key.*\n$/)
        expect(refused.said.stderr).not.toMatch(/\n\s+at /)
        if (key['PATCHBAY_MASTER_KEY']) expect(refused.said.stderr + refused.said.stdout).not.toContain(key['PATCHBAY_MASTER_KEY'])
      }
      const development = attempt({})
      expect(await development.exited, 'in development no new key is made over old data either').toBe(1)
      expect(beside()).toEqual(keysBefore)
      expect(existsSync(keyFile)).toBe(false)
      expect(await snapshot()).toEqual(before)

      renameSync(`${keyFile}.away`, keyFile)
      settings = { ...settings, NODE_ENV: 'production' }
      const good = await begin()
      expect((await good.admin('GET', '/api/v1/me')).status).toBe(200)
      settings = { ...settings, NODE_ENV: 'development' }
    },
    timeout,
  )

  if (database === 'pglite')
    it(
      'R-1 a second process on the same data directory is refused and told whose it is; the first does not notice',
      async () => {
        const first = await begin()
        const port = String(await freePort())
        const second = attempt({ PATCHBAY_PORT: port, PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}` })
        expect(await second.exited).toBe(1)
        expect(second.said.stderr).toContain(`in use by process ${first.process.pid}`)
        expect((await first.admin('GET', '/api/v1/me')).status).toBe(200)
        expect(await first.end('SIGTERM')).toBe(0)
        expect(existsSync(`${settings['PATCHBAY_DATA_DIR']}.lock`)).toBe(false)
      },
      timeout,
    )
})

it('[postgres] a start that fails when its jobs have begun says why and ends', { timeout }, async () => {
  const url = await createPostgresDatabase()
  const open = await openDatabase({ url, dataDir: missingDataDir() })
  const nothing = () => Promise.resolve()
  const jobs = createJobs({
    executeSql: (text, values) => open.executeSql(text, values),
    schema: 'patchbay_jobs',
    now: () => Date.now(),
    onError: () => {},
  })
  await jobs.start({
    revoke_at_provider: nothing,
    tidy: nothing,
    keep_alive: nothing,
    run_due_schedules: nothing,
    run_scheduled_function: nothing,
  })
  await jobs.stop()
  await sql`create function disk_full() returns trigger language plpgsql as
    $$ begin if new.name = 'tidy' then raise 'the disk is full' using errcode = '53100'; end if; return new; end $$`.execute(open.db)
  await sql`create trigger full_disk before insert on patchbay_jobs.queue for each row execute function disk_full()`.execute(open.db)
  await open.close()
  const one = launch({ PATCHBAY_DATABASE_URL: url, PATCHBAY_DATA_DIR: missingDataDir(), PATCHBAY_PORT: String(await freePort()) })
  const waiting = new AbortController()
  const ended = await Promise.race([one.exited, delay(60_000, 'goes on', { signal: waiting.signal })])
  waiting.abort()
  await one.end('SIGKILL')
  expect(ended, one.said.stdout + one.said.stderr).toBe(1)
  expect(one.said.stderr).toContain('Patchbay did not start.')
})
