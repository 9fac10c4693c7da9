import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { freshDataDir, missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { adminPassword, freePort, startPatchbay, type Answer, type Browser, type TestPatchbay } from '../support/patchbay.ts'
import { must } from '../support/practice-services.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { ask } from '../support/raw-http.ts'
import { ready } from '../support/process.ts'
import { launchPuppet, type Puppet } from '../support/puppet.ts'
import { createWrongClock, type WrongClock } from '../support/wrong-clock.ts'

const minute = 60
const hour = 3600
const day = 86_400
const year = 365 * day

/** @returns when the process has seen that its clock is so many seconds ahead of ours. */
const noticed = (of: Puppet, seconds: number) =>
  eventually(
    `a clock ${seconds} s ahead`,
    async () => Date.parse((await of.admin('GET', '/healthz')).headers.get('date') ?? '') - Date.now(),
    ahead => Math.abs(ahead / 1000 - seconds) < 30,
  )

const cookiesOf = (browser: Browser) => ({ cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') })
const secondsUntil = (time: unknown) => (Date.parse(String(time)) - Date.now()) / 1000
const theRun = `select s.next_run, s.missed, (select count(*)::int from function_runs r where r.function_id = s.function_id) as runs
  from function_schedules s join functions f on f.id = s.function_id where f.name = 'hourly'`

/** A function that runs every hour; its schedule's id. */
async function hourly(story: OAuthStory): Promise<void> {
  const at = '/api/v1/functions/standalone/hourly'
  must(await story.ada.ask('PUT', at, { source: 'void standalone.hourly() { info "ran"; }' }), 201)
  must(await story.ada.ask('POST', `${at}/schedules`, { cron: '30 * * * *', time_zone: 'UTC' }), 201)
}

describe('one of two instances has the wrong clock [postgres]', () => {
  let right: TestPatchbay
  let wrong: Puppet
  let clock: WrongClock
  let story: OAuthStory
  let name: string

  beforeAll(async () => {
    const databaseUrl = await createPostgresDatabase()
    const key = { PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64') }
    right = await startPatchbay({ database: 'postgres', databaseUrl, settings: key })
    story = await startOAuthStory(right)
    // what it sends is the other's from here on
    await right.broker.jobs.stop()
    await sql`delete from patchbay_jobs.job where name = 'run_due_schedules'`.execute(right.broker.db)
    clock = createWrongClock(-10 * minute)
    const port = await freePort()
    const settings = {
      ...key,
      ...clock.environment,
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: right.base,
      PATCHBAY_DATABASE_URL: databaseUrl,
      PATCHBAY_DATA_DIR: missingDataDir(),
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${new URL(story.practice).port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: story.host,
    }
    wrong = await ready(launchPuppet(settings, story.practice, `http://127.0.0.1:${port}`))
    await hourly(story)
  }, 2 * setUpTimeoutMs)
  afterAll(async () => {
    await wrong.end('SIGKILL')
    await right.stop()
  })
  beforeEach(() => story.control('reset'))

  const elsewhere = () => wrong.admin('POST', '/api/v1/invoke', { connection: name, url: `${story.practice}/api/echo` })
  const everywhere = (): Promise<Answer[]> =>
    Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? elsewhere() : story.invoke(name))))
  const forget = async () => {
    right.broker.calls.forgetAll()
    await wrong.sql('select 1')
  }
  const endsIn = async (seconds: number) => {
    await wrong.sql(`update credentials set expires_at = now() + make_interval(secs => ${seconds}), lifetime_seconds = 3600`)
    await forget()
  }

  it.each([
    ['ten minutes behind from its start', -10 * minute],
    ['ten minutes ahead', 10 * minute],
    ['a day ahead', day],
    ['after 2038', 20 * year],
    ['then an hour behind', -hour],
  ])('%s: tokens, flows, sessions, keys, the log and schedules go on', { timeout: 120_000 }, async (_what, seconds) => {
    const id = String(seconds).replace('-', 'minus_')
    const service = await story.service(`service_${id}`, { habits: { rotation: 'strict' } })
    name = await story.connect(service, `both_${id}`)
    const [flow, old] = [`flow_${id}`, `old_${id}`]
    const callback = await story.toCallback(story.ada.browser, await story.begin(service, flow))
    const tooLate = await story.toCallback(story.ada.browser, await story.begin(service, old))
    await wrong.sql(`update pending_authorizations set expires_at = now() - interval '1 second'
      where connection_id = (select id from connections where link_name = '${old}')`)
    clock.set(seconds)
    await noticed(wrong, seconds)
    const cookies = cookiesOf(story.ada.browser)
    /** By its own address, as a balancer would. */
    const there = async (url: string) => {
      const { host, pathname, search } = new URL(url)
      return (await ask(wrong.base, pathname + search, { key: null, headers: { ...cookies, host, accept: 'text/html' } })).status
    }

    // tokens
    await endsIn(hour)
    for (const answer of await everywhere()) expect(answer.json.status_code, answer.text).toBe(200)
    expect((await story.counters()).token.refresh_token).toBeUndefined()
    await endsIn(-1)
    await story.control('expire')
    for (const answer of await everywhere()) expect(answer.json.status_code, answer.text).toBe(200)
    const { token, old_refresh_tokens_presented } = await story.counters()
    expect([token.refresh_token, old_refresh_tokens_presented]).toEqual([{ ok: 1 }, 0])
    const [stored] = await wrong.sql(
      `select k.* from credentials k join connections c on c.id = k.connection_id where c.link_name = '${name}'`,
    )
    expect(secondsUntil(stored?.['expires_at'])).toBeLessThan(hour + 1)

    // people: what either wrote the other reads
    must(await wrong.admin('GET', '/api/v1/me', undefined, cookies), 200)
    const browser = wrong.browser()
    const origin = { origin: right.base }
    must(await browser.ask('POST', '/api/auth/sign-in/email', { email: story.ada.email, password: adminPassword }, origin), 200)
    must(await right.nobody('GET', '/api/v1/me', undefined, cookiesOf(browser)), 200)
    const [session] = await wrong.sql('select max(expires_at) as expires_at from sessions')
    expect(Math.abs(secondsUntil(session?.['expires_at']) - 12 * hour)).toBeLessThan(minute)
    const inFiveMinutes = new Date(Date.now() + 5 * minute * 1000).toISOString()
    const key = must(await browser.ask('POST', '/api/v1/api-keys', { name: 'short', expires_at: inFiveMinutes }, origin), 201).json
      .key as string
    must(await wrong.withKey(key)('GET', '/api/v1/me'), 200)

    // flows: neither dead nor revived
    expect([await there(callback), (await story.connection(flow)).status]).toEqual([303, 'connected'])
    expect([await there(tooLate), (await story.connection(old)).status]).toEqual([400, 'authorization_required'])

    // the log, by one clock
    const before = Date.now()
    await elsewhere()
    const logged = await eventually(
      'the call in the log',
      async () => (await right.admin('GET', '/api/v1/invocations?limit=1')).json.data[0] as { at: string },
      row => Math.abs(Date.parse(row.at) - before) < 30_000,
    )
    expect(logged).toBeDefined()
    expect((await wrong.admin('GET', '/metrics')).status).toBe(200)

    // schedules: it alone has jobs
    await eventually(
      'the job of every minute',
      () => wrong.sql(`select 1 from patchbay_jobs.job where name = 'run_due_schedules'`),
      jobs => jobs.length > 0,
    )
    const [run] = await wrong.sql(theRun)
    await wrong.sql(`update function_schedules set next_run = now() - interval '1 second'`)
    await wrong.sql(`insert into patchbay_jobs.job (name, data) values ('run_due_schedules', '{}')`)
    const ran = await eventually(
      'the scheduled run',
      async () => (await wrong.sql(theRun))[0],
      one => Number(one?.['runs']) > Number(run?.['runs']),
    )
    expect([ran?.['missed'], Number(ran?.['runs']) - Number(run?.['runs'])]).toEqual([0, 1])
    expect(secondsUntil(ran?.['next_run'])).toBeLessThan(hour + 1)
  })
})

describe('the clock of the machine is set while Patchbay runs, and it is the database’s [pglite]', () => {
  let running: Puppet
  let practice: Practice
  let clock: WrongClock
  let story: OAuthStory
  let begin: () => Promise<Puppet>

  beforeAll(async () => {
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
    clock = createWrongClock(0)
    const port = await freePort()
    const settings = {
      ...clock.environment,
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: await freshDataDir(),
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
    }
    begin = async () => (running = await ready(launchPuppet(settings, practice.url)))
    story = await startOAuthStory(await begin())
    for (const name of ['fresh', 'paused', 'leased', 'leaver']) await connect(name)
    await hourly(story)
  }, 2 * setUpTimeoutMs)
  beforeEach(() => void (practice.state.counters.token = {}))
  afterAll(async () => {
    await running.end('SIGKILL')
    await practice.close()
  })

  const one = async (text: string) => (await running.sql(text))[0] ?? {}
  const of = (name: string) => `connection_id = (select id from connections where link_name = '${name}')`
  const change = (name: string, values: string) => running.sql(`update credentials set ${values}, updated_at = now() where ${of(name)}`)
  const refreshes = () => practice.state.counters.token.refresh_token?.ok ?? 0
  const callback = async (url: string) => (await story.ada.browser.ask('GET', url, undefined, { accept: 'text/html' })).status
  const connect = async (name: string) => story.connect(await story.service(name, { habits: { rotation: 'strict' } }), name)
  const together = async (name: string) => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => story.invoke(name)))
    for (const answer of answers) expect(answer.json.status_code, answer.text).toBe(200)
  }
  /** As far as it is written once a minute. */
  const noted = () => running.sql(`update settings set value = extract(epoch from clock_timestamp())::text where name = 'latest_time'`)
  const setBack = () =>
    eventually(
      'what was timed to be moved',
      async () => running.said.stdout,
      text => text.includes('was set back'),
    )

  it('an hour back: nothing waits for the hour that comes again', { timeout: 120_000 }, async () => {
    const again = await story.toCallback(story.ada.browser, await story.begin('fresh', 'flow'))
    const tooLate = await story.toCallback(story.ada.browser, await story.begin('fresh', 'old'))
    await running.sql(`update pending_authorizations set expires_at = now() - interval '1 minute' where ${of('old')}`)
    await change(
      'paused',
      `expires_at = now() - interval '1 second', status = 'refresh_failing', status_reason = 'provider_down',
      next_attempt_at = now() + interval '5 minutes'`,
    )
    await change(
      'leased',
      `expires_at = now() - interval '1 second', lease_owner = 'killed', lease_until = now() + interval '30 seconds',
      inflight_since = now()`,
    )
    await story.control('misbehave', { endpoint: 'revoke', kind: '500', times: 2 })
    must(await story.ada.ask('POST', '/api/v1/connections/leaver/revoke', {}), 200)
    await noted()
    const stream = await fetch(`${running.base}/api/v1/invocations/stream`, {
      headers: cookiesOf(story.ada.browser),
      signal: AbortSignal.timeout(20_000),
    })
    expect(stream.status).toBe(200)
    clock.set(-hour)
    await noticed(running, -hour)
    await together('fresh')
    let live = ''
    for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>) {
      live += Buffer.from(chunk).toString()
      if (live.includes('event: invocation')) break
    }
    expect(live).toContain('event: invocation')

    await setBack()
    expect(await callback(again)).toBe(303)
    expect([await callback(tooLate), (await story.connection('old')).status]).toEqual([400, 'authorization_required'])
    const paused = await story.invoke('paused')
    expect([paused.status, paused.json.code, Number(paused.json.retry_after) < 400]).toEqual([503, 'token_refresh_unavailable', true])
    const { lease } = await one(`select extract(epoch from lease_until - now())::float8 as lease from credentials where ${of('leased')}`)
    expect(lease).toBeLessThan(60)
    expect(refreshes()).toBe(0)
    await eventually(
      'the revocation',
      () => story.connection('leaver'),
      connection => connection['revoked_at_provider'] === 'yes',
    )
    must(await story.ada.browser.ask('GET', '/api/v1/me'), 200)
    expect((await running.admin('GET', '/metrics')).status).toBe(200)
  })

  it('an hour forwards: as if the hour had passed', { timeout: 120_000 }, async () => {
    const url = await story.toCallback(story.ada.browser, await story.begin('fresh', 'late'))
    await change('fresh', `expires_at = now() + interval '59 minutes', lifetime_seconds = 3600`)
    clock.set(hour)
    await noticed(running, hour)
    await running.sql('select 1')
    await together('fresh')
    expect(refreshes()).toBe(1)
    expect([await callback(url), (await story.connection('late')).status]).toEqual([400, 'authorization_required'])
    must(await story.ada.browser.ask('GET', '/api/v1/me'), 401)
  })

  it('it starts after 2038, and again at the right time: nothing is left for then', { timeout: 240_000 }, async () => {
    expect(await running.end('SIGTERM')).toBe(0)
    clock.set(20 * year)
    await begin()
    await together('fresh')
    expect(refreshes()).toBe(1)
    const browser = running.browser()
    await browser.signIn(story.ada.email, adminPassword)
    await change('paused', `next_attempt_at = now() + interval '5 minutes'`)
    await running.sql(`insert into patchbay_jobs.job (name, data) values ('run_due_schedules', '{}')`)
    await eventually(
      'the schedule to be planned',
      () => one(theRun),
      row => secondsUntil(row['next_run']) > 19 * year,
    )
    await running.end('SIGKILL')

    clock.set(0)
    await begin()
    await setBack()
    expect(secondsUntil((await one(theRun))['next_run'])).toBeLessThan(hour + 1)
    expect(secondsUntil((await one('select max(expires_at) as at from sessions'))['at'])).toBeLessThan(12 * hour + 2 * minute)
    expect(secondsUntil((await one(`select next_attempt_at as at from credentials where ${of('paused')}`))['at'])).toBeLessThan(10 * minute)
    await together('fresh')
    expect(refreshes()).toBeLessThanOrEqual(2)
    must(await running.admin('GET', '/api/v1/invocations?limit=1'), 200)
  })
})
