import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { loggedCalls } from '../support/logged-calls.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { freePort, type Answer } from '../support/patchbay.ts'
import { until } from '../support/practice-services.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { launch, launchReady, type PatchbayProcess } from '../support/process.ts'
import { startRelay, type Relay } from '../support/relay.ts'
import { childrenOf, connection } from '../support/workers.ts'

const timeout = 120_000

/** It has not ended; whoever started it may not know yet. */
const isThere = (pid: number) => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

describe('several processes behind one address [postgres]', () => {
  let settings: Record<string, string>
  let patchbay: PatchbayProcess
  let story: OAuthStory
  beforeAll(async () => {
    const [port, practicePort] = [await freePort(), await freePort()]
    settings = {
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: missingDataDir(),
      PATCHBAY_DATABASE_URL: await createPostgresDatabase(),
      PATCHBAY_WORKERS: '2',
      PATCHBAY_PRACTICE: 'on',
      PATCHBAY_PRACTICE_PORT: String(practicePort),
      PATCHBAY_WORKER_SILENT_SECONDS: '6',
    }
    patchbay = await launchReady(settings, `http://127.0.0.1:${practicePort}`)
    await until(
      async () => patchbay.said.stdout,
      said => said.includes('Patchbay runs at'),
      60_000,
    )
    story = await startOAuthStory(patchbay)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.end('SIGKILL'))

  const invoking = (name: string, path = '/api/echo') => ({ connection: name, url: story.practice + path })

  it(
    'share everything: a revocation on one is there for the other, metrics are of all, and what is started on one ends on the other',
    async () => {
      expect(childrenOf(patchbay.process.pid)).toHaveLength(2)
      expect(patchbay.said.stdout.match(/Patchbay runs at/g), 'said once').toHaveLength(1)
      const two = [connection(patchbay.base), connection(patchbay.base)] as const
      const both = <T>(ask: (one: (typeof two)[0]) => Promise<T>) => Promise.all(two.map(ask))
      // requests of this flow go over several connections, so to both
      const name = await story.connect(await story.service('shared', { habits: { rotation: 'strict' } }), 'shared')
      const before = await story.counters()
      for (let n = 0; n < 5; n++)
        for (const answer of await both(one => one.ask('POST', '/api/v1/invoke', invoking(name)))) expect(answer.json.status_code).toBe(200)
      expect((await story.counters()).token, 'nothing was renewed for it').toEqual(before.token)

      const total = (text: string) => Number(/^patchbay_calls_total\{door="invoke",status_class="2xx",problem=""\} (\d+)$/m.exec(text)?.[1])
      const metrics = await both(one => one.ask('GET', '/metrics'))
      expect(metrics.map(one => total(one.text))).toEqual([10, 10])

      expect((await two[0].ask('POST', `/api/v1/connections/${name}/revoke`, {})).status).toBe(200)
      const since = Date.now()
      await eventually(
        'the revocation',
        () => both(one => one.ask('POST', '/api/v1/invoke', invoking(name))),
        answers => answers.every(one => one.json.code === 'connection_revoked'),
      )
      expect(Date.now() - since).toBeLessThan(1000)
      for (const one of two) one.close()
    },
    timeout,
  )

  it(
    'one that hangs is given one caller more and no other, is killed, and another one comes',
    async () => {
      const [victim = 0] = childrenOf(patchbay.process.pid)
      const kept = [connection(patchbay.base), connection(patchbay.base)]
      for (const one of kept) expect((await one.ask('GET', '/api/v1/me')).status).toBe(200)
      process.kill(victim, 'SIGSTOP')
      try {
        const all = [...kept, ...Array.from({ length: 6 }, () => connection(patchbay.base))]
        const answers = all.map(one =>
          one.ask('GET', '/api/v1/me').then(
            answer => String(answer.status),
            () => 'cut',
          ),
        )
        await until(
          async () => childrenOf(patchbay.process.pid),
          children => children.length === 2 && !children.includes(victim),
          60_000,
        )
        expect(patchbay.said.stdout).toContain('a worker does not answer any more; it is killed')
        await until(
          async () => patchbay.said.stdout,
          said => said.includes('another worker is ready'),
          60_000,
        )
        const ended = await Promise.all(answers.map(answer => Promise.race([answer, delay(10_000, 'waits')])))
        expect(ended.slice(0, 2).sort()).toEqual(['200', 'cut'])
        const more = ended.slice(2).sort()
        expect(more).toEqual(['200', '200', '200', '200', '200', more.at(-1) === '200' ? '200' : 'cut'])
        for (const one of all) one.close()
      } finally {
        if (existsSync(`/proc/${victim}`)) process.kill(victim, 'SIGCONT')
      }
    },
    timeout,
  )

  it(
    'when one is killed the others go on and another one comes; SIGTERM ends them all, with every call in the log',
    async () => {
      const name = await story.connect(await story.service('killed'), 'killed')
      const two = [connection(patchbay.base), connection(patchbay.base)]
      for (const one of two) expect((await one.ask('POST', '/api/v1/invoke', invoking(name))).json.status_code).toBe(200)
      await new Promise(resolve => setTimeout(resolve, 1000)) // what the killed one has not yet written is lost
      const slow = two.map(one => one.ask('POST', '/api/v1/invoke', invoking(name, '/api/slow?ms=1500')).catch((error: unknown) => error))
      await new Promise(resolve => setTimeout(resolve, 500))
      const [victim = 0, survivor] = childrenOf(patchbay.process.pid)
      // the first process is told to ask both for metrics before it can know that one of them is dead
      const asking = [connection(patchbay.base), connection(patchbay.base)]
      const beside = [connection(patchbay.base), connection(patchbay.base)]
      for (const one of [...asking, ...beside]) expect((await one.ask('GET', '/api/v1/me')).status).toBe(200)
      patchbay.process.kill('SIGSTOP')
      const measured = asking.map(one =>
        one.ask('GET', '/metrics').then(
          answer => answer.status,
          () => 'cut',
        ),
      )
      // what they answer now comes after what they have told the first process
      for (let n = 0; n < 5; n++) await Promise.all(beside.map(one => one.ask('GET', '/healthz')))
      process.kill(victim, 'SIGKILL')
      await until(
        async () => isThere(victim),
        there => !there,
      )
      patchbay.process.kill('SIGCONT')
      expect((await Promise.all(measured)).sort()).toEqual([200, 'cut'])
      const answers = (await Promise.all(slow)) as (Answer | Error)[]
      expect(
        answers.filter(one => one instanceof Error),
        'the two connections are of two processes',
      ).toHaveLength(1)
      expect(answers.filter(one => !(one instanceof Error)).map(one => (one as Answer).json.status_code)).toEqual([200])
      let calls = 3
      for (let n = 0; n < 10; n++, calls++) expect((await story.invoke(name)).json.status_code).toBe(200)
      const now = await until(
        async () => childrenOf(patchbay.process.pid),
        children => children.length === 2,
        60_000,
      )
      expect(now).toContain(survivor)
      expect(now).not.toContain(victim)
      expect(patchbay.said.stdout).toContain('a worker ended; another one is started')
      expect((await fetch(`${story.practice}/practice/counters`)).status, 'the practice service is in none of them').toBe(200)

      const last = [connection(patchbay.base), connection(patchbay.base), connection(patchbay.base)]
      const underWay = last.map(one => one.ask('POST', '/api/v1/invoke', invoking(name, '/api/slow?ms=1000')))
      await new Promise(resolve => setTimeout(resolve, 300))
      // as a terminal does, which signals every process of the group
      for (const child of now) process.kill(child, 'SIGINT')
      const ended = patchbay.end('SIGTERM')
      for (const answer of await Promise.all(underWay)) expect(answer.json.status_code).toBe(200)
      calls += underWay.length
      expect(await ended, patchbay.said.stdout + patchbay.said.stderr).toBe(0)

      expect(await loggedCalls(settings['PATCHBAY_DATABASE_URL'] ?? '', name)).toBe(calls)
    },
    timeout,
  )
})

describe('the process that starts the others [postgres]', () => {
  let relay: Relay
  let practice: Practice
  let settings: Record<string, string>
  let patchbay: PatchbayProcess
  beforeAll(async () => {
    const url = new URL(await createPostgresDatabase())
    relay = await startRelay({ host: url.hostname, port: Number(url.port) })
    url.port = String(relay.port)
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
    const port = await freePort()
    settings = {
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PATCHBAY_DATA_DIR: missingDataDir(),
      PATCHBAY_DATABASE_URL: url.href,
      PATCHBAY_WORKERS: '2',
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
    }
  }, setUpTimeoutMs)
  const everStarted: number[] = []
  afterAll(async () => {
    // with the first process gone nobody else ends those that should have ended
    for (const pid of everStarted.filter(isThere)) process.kill(pid, 'SIGKILL')
    await patchbay.end('SIGKILL')
    await relay.close()
    await practice.close()
  })
  const begin = async () => {
    patchbay = await launchReady(settings, practice.url)
    // the second one comes after the first is ready
    await until(
      async () => patchbay.said.stdout,
      said => said.includes('Patchbay runs at'),
      60_000,
    )
    const workers = childrenOf(patchbay.process.pid)
    everStarted.push(...workers)
    return workers
  }

  it(
    'when it is killed the others finish what they do and end by themselves, so that the port is free for the next',
    async () => {
      const workers = await begin()
      expect(workers).toHaveLength(2)
      const story = await startOAuthStory(patchbay)
      const name = await story.connect(await story.service('orphaned'), 'orphaned')
      const two = [connection(patchbay.base), connection(patchbay.base)]
      const slow = two.map(one => one.ask('POST', '/api/v1/invoke', { connection: name, url: `${practice.url}/api/slow?ms=1500` }))
      await until(
        async () => practice.state.counters.api['oauth2']?.['ok'] ?? 0,
        count => count === 2,
      )
      process.kill(patchbay.process.pid ?? 0, 'SIGKILL')
      for (const answer of await Promise.all(slow)) expect(answer.json.status_code, 'calls under way are finished').toBe(200)
      await until(
        async () => workers.filter(isThere),
        left => left.length === 0,
        20_000,
      )
      expect(await loggedCalls(settings['PATCHBAY_DATABASE_URL'] ?? '', name), 'and written down').toBe(2)
    },
    timeout,
  )

  it(
    'when no other can be started any more it says so and ends, for whoever watches over it',
    async () => {
      const workers = await begin()
      relay.cut()
      for (const worker of workers) process.kill(worker, 'SIGKILL')
      expect(await Promise.race([patchbay.exited, delay(60_000, 'goes on')]), patchbay.said.stdout + patchbay.said.stderr).toBe(1)
      expect(patchbay.said.stderr).toContain('Patchbay stops: its processes end as they start. See what they said.')
      expect(
        patchbay.said.stderr.match(/Patchbay did not start\./g)?.length ?? 0,
        'five times, and those that were on their way',
      ).toBeGreaterThanOrEqual(5)
      expect(patchbay.said.stderr).toMatch(/PostgreSQL at .* does not answer/)
      expect(patchbay.said.stdout.match(/a worker ended before it was ready/g)?.length).toBeGreaterThanOrEqual(5)
    },
    timeout,
  )
})

it.each([
  ['the embedded database', { PATCHBAY_WORKERS: '2' }, /PATCHBAY_WORKERS: the embedded database belongs to one process\./],
  [
    'a database that is not there',
    { PATCHBAY_WORKERS: '3', PATCHBAY_DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/nothing' },
    /^Patchbay did not start\.\nPostgreSQL at 127\.0\.0\.1:1\/nothing does not answer.*\n$/,
  ],
])(
  'several processes on %s are refused with a sentence, once',
  async (_, settings, sentence) => {
    const one = launch({ ...settings, PATCHBAY_DATA_DIR: missingDataDir(), PATCHBAY_PORT: String(await freePort()) })
    expect(await one.exited).toBe(1)
    expect(one.said.stderr).toMatch(sentence)
    expect(one.said.stderr.match(/Patchbay did not start/g)).toHaveLength(1)
  },
  timeout,
)
