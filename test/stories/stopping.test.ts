import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { startBalancer } from '../support/balancer.ts'
import { missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { loggedCalls } from '../support/logged-calls.ts'
import { eventually, startOAuthStory } from '../support/oauth-story.ts'
import { adminKey, asker, freePort } from '../support/patchbay.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { launch, launchReady, type PatchbayProcess } from '../support/process.ts'

const timeout = 180_000

describe('stopping, and starting again, while calls go on [postgres]', () => {
  let practice: Practice
  let databaseUrl: string
  let common: Record<string, string>
  const started: PatchbayProcess[] = []
  beforeAll(async () => {
    practice = await startPractice({ host: '127.0.0.1', port: 0 })
    databaseUrl = await createPostgresDatabase()
    common = {
      PATCHBAY_DATABASE_URL: databaseUrl,
      PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64'),
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${practice.port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${practice.port}`,
      PATCHBAY_PRE_STOP_SECONDS: '1',
    }
  }, setUpTimeoutMs)
  afterEach(async () => {
    for (const one of started.splice(0)) if (one.process.exitCode === null && one.process.signalCode === null) await one.end('SIGKILL')
  })
  afterAll(() => practice.close())

  const settingsOf = (port: number) => ({
    ...common,
    PATCHBAY_PORT: String(port),
    PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
    PATCHBAY_DATA_DIR: missingDataDir(),
  })
  const begin = async (settings: Record<string, string>) => {
    const one = await launchReady(settings, practice.url)
    started.push(one)
    return one
  }

  it(
    'SIGTERM: not ready at once, calls taken for a moment more, those under way and a renewal finished, every row written',
    async () => {
      const one = await begin(settingsOf(await freePort()))
      const story = await startOAuthStory(one)
      const name = await story.connect(await story.service('stopped'), 'stopped')
      const renewed = await story.connect(
        await story.service('renewed', { habits: { rotation: 'strict', access_token_seconds: 4 } }),
        'renewed',
      )
      let calls = 0
      const renewals = async () => practice.state.counters.token.refresh_token?.ok ?? 0
      const before = await renewals()
      // inside its window a token is renewed behind a call, which nobody waits for
      await story.control('misbehave', { endpoint: 'token', grant_type: 'refresh_token', kind: 'slow', ms: 6_000 })
      await delay(2_750)
      expect((await story.invoke(renewed)).json.status_code).toBe(200)
      calls++
      // the last one ends after the renewal: its row is written because the process ends, not because half a second is over
      const slow = [2_500, 2_500, 6_000].map(ms => story.invoke(name, `/api/slow?ms=${ms}`))
      calls += 3
      await delay(300)

      const since = performance.now()
      const ended = one.end('SIGTERM')
      await eventually(
        'not ready',
        () => one.admin('GET', '/readyz'),
        answer => answer.status === 503 && answer.json.code === 'shutting_down',
      )
      const late = await fetch(`${one.base}/api/v1/invoke`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ connection: name, url: `${practice.url}/api/echo` }),
      })
      calls++
      expect([late.status, late.headers.get('connection')], 'it is still taken, and its connection will be closed').toEqual([200, 'close'])
      expect(performance.now() - since).toBeLessThan(1_000)
      await eventually(
        'no longer listening',
        () => one.admin('GET', '/healthz').catch(() => null),
        answer => answer === null,
      )
      for (const answer of await Promise.all(slow)) {
        expect(answer.json.status_code).toBe(200)
        expect(answer.headers.get('connection')).toBe('close')
      }
      expect(await ended, one.said.stderr + one.said.stdout).toBe(0)
      expect(await renewals(), 'the provider has rotated').toBe(before + 1)
      expect(await loggedCalls(databaseUrl)).toBe(calls)

      // what it gave for that was stored: the next process goes on with it, and shows no old refresh token
      const next = await begin(settingsOf(await freePort()))
      const answer = await next.admin('POST', '/api/v1/invoke', { connection: renewed, url: `${practice.url}/api/echo` })
      expect(answer.json.status_code, answer.text).toBe(200)
      expect(practice.state.counters.old_refresh_tokens_presented).toBe(0)

      // a second signal means now, whatever is under way
      const cut = next.admin('POST', '/api/v1/invoke', { connection: name, url: `${practice.url}/api/slow?ms=20000` }).catch(() => null)
      await delay(300)
      const now = performance.now()
      next.process.kill('SIGTERM')
      await delay(200)
      expect(await next.end('SIGTERM')).toBe(1)
      expect(performance.now() - now).toBeLessThan(5_000)
      expect(await cut).toBeNull()
    },
    timeout,
  )

  it(
    'three processes restarted one after another under load: no caller notices, and every call is in the log',
    async () => {
      const settings = [settingsOf(await freePort()), settingsOf(await freePort()), settingsOf(await freePort())]
      const running = await Promise.all(settings.map(begin))
      const [first] = running
      if (!first) throw new Error('there are three')
      const story = await startOAuthStory(first)
      const name = await story.connect(await story.service('rolling'), 'rolling')
      const balancer = await startBalancer(running.map(one => one.base))
      const ask = asker(balancer.base, { authorization: `Bearer ${adminKey}` })

      const answers: Promise<string>[] = []
      let going = true
      const load = (async () => {
        // 50 a second, whatever comes back; every tenth takes half a second
        for (; going; await delay(20)) {
          const url = `${practice.url}${answers.length % 10 === 0 ? '/api/slow?ms=500' : '/api/echo'}`
          answers.push(
            ask('POST', '/api/v1/invoke', { connection: name, url }).then(
              answer => `${answer.status} ${answer.json?.status_code ?? answer.text}`,
              (error: unknown) => String(error),
            ),
          )
        }
      })()
      await delay(500)
      for (const [n, one] of running.entries()) {
        expect(await one.end('SIGTERM'), one.said.stderr).toBe(0)
        await begin(settings[n] ?? {})
        await delay(300)
      }
      going = false
      await load
      const counted: Record<string, number> = {}
      for (const answer of await Promise.all(answers)) counted[answer] = (counted[answer] ?? 0) + 1
      expect(counted).toEqual({ '200 200': answers.length })
      expect(answers.length).toBeGreaterThan(200)
      await balancer.close()
      for (const one of started.slice(-3)) expect(await one.end('SIGTERM')).toBe(0)
      expect(await loggedCalls(databaseUrl, name)).toBe(answers.length)
    },
    timeout,
  )

  it(
    'SIGTERM before the start is done ends it: the first process of a container would not hear it otherwise',
    async () => {
      for (const workers of ['1', '2']) {
        const silent = createServer().listen(0, '127.0.0.1')
        const asked = once(silent, 'connection') as Promise<[Socket]>
        const settings = settingsOf(await freePort())
        const { port } = silent.address() as AddressInfo
        const one = launch({ ...settings, PATCHBAY_WORKERS: workers, PATCHBAY_DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none` })
        started.push(one)
        const [socket] = await asked
        expect(await one.end('SIGTERM'), one.said.stderr).toBe(0)
        expect(one.said.stdout).toContain('Stopping')
        socket.destroy()
        silent.close()
      }
    },
    timeout,
  )
})
