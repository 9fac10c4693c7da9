import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { loggedCalls } from '../support/logged-calls.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { adminKey, freePort, type Answer } from '../support/patchbay.ts'
import { until } from '../support/practice-services.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { launch, launchReady, type PatchbayProcess } from '../support/process.ts'

const timeout = 120_000

/** Processes that this one started (Linux). */
const childrenOf = (pid: number | undefined): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

/** One connection that is kept, so one worker of them all: connections are dealt out in turns. */
function connection(base: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { hostname, port } = new URL(base)
  return {
    close: () => agent.destroy(),
    ask: (method: string, path: string, body?: unknown) =>
      new Promise<Pick<Answer, 'status' | 'text' | 'json'>>((resolve, reject) => {
        const text = body === undefined ? '' : JSON.stringify(body)
        const headers = {
          authorization: `Bearer ${adminKey}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }
        const call = request({ agent, host: hostname, port, path, method, headers }, response => {
          let answer = ''
          response
            .on('data', chunk => (answer += String(chunk)))
            .on('error', reject)
            .on('end', () => {
              const isJson = String(response.headers['content-type']).includes('json')
              resolve({ status: response.statusCode ?? 0, text: answer, json: isJson ? JSON.parse(answer) : null })
            })
        })
        call.on('error', reject).end(text)
      }),
  }
}

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
    'when one is killed the others go on and another one comes; SIGTERM ends them all, with every call in the log',
    async () => {
      const name = await story.connect(await story.service('killed'), 'killed')
      const two = [connection(patchbay.base), connection(patchbay.base)]
      for (const one of two) expect((await one.ask('POST', '/api/v1/invoke', invoking(name))).json.status_code).toBe(200)
      await new Promise(resolve => setTimeout(resolve, 1000)) // what the killed one has not yet written is lost
      const slow = two.map(one => one.ask('POST', '/api/v1/invoke', invoking(name, '/api/slow?ms=1500')).catch((error: unknown) => error))
      await new Promise(resolve => setTimeout(resolve, 500))
      const [victim = 0, survivor] = childrenOf(patchbay.process.pid)
      process.kill(victim, 'SIGKILL')
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
