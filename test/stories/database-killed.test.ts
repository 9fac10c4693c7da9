import { chmodSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { connected, startPostgres, stopPostgresServer, type StartedPostgres } from '../support/postgres-server.ts'
import { must, until } from '../support/practice-services.ts'
import { startRelay, type Relay } from '../support/relay.ts'
import { freshPath, runDirectory } from '../support/run-directory.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'

/** The server and its sessions, each of which is a process group of its own. */
const processesOf = (pid: number): number[] => [
  ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  pid,
]

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

interface Heard {
  readonly what: 'call' | 'read' | 'write'
  readonly answer: Answer
  readonly took: number
}

const names = ['one', 'two', 'three', 'four']
const secretOf = (name: string) => `secret-of-${name}`

describe('R-1 PostgreSQL itself is stopped, and killed, and the network to it comes and goes, under load [postgres]', () => {
  let server: StartedPostgres
  let relay: Relay
  let up: ScriptedUpstream
  let patchbay: TestPatchbay
  /** Calls that reached the service with the right secret, and with any other. */
  const reached = { right: 0, wrong: 0 }
  const written: string[] = []

  beforeAll(async () => {
    chmodSync(runDirectory(), 0o711)
    // what was committed survives a killed server: the operating system has it
    server = await startPostgres(freshPath('killed-postgres'), { fsync: 'off', max_connections: 60, shared_buffers: '32MB' })
    const url = new URL(server.url)
    relay = await startRelay({ host: url.hostname, port: Number(url.port) })
    url.port = String(relay.port)
    up = await startScriptedUpstream()
    for (const name of names)
      up.on(`/${name}`, (request, response) => {
        const right = request.headers['x-api-key'] === secretOf(name)
        reached[right ? 'right' : 'wrong']++
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ right }))
      })
    patchbay = await startPatchbay({
      database: 'postgres',
      databaseUrl: url.href,
      settings: { ...settingsFor(up), PATCHBAY_PRACTICE: 'off' },
    })
    const definition = {
      link_name: 'key',
      name: 'Key',
      auth_type: 'api_key',
      parameters: [{ name: 'X-Api-Key', display_name: 'API key' }],
      api_hosts: [up.host],
    }
    must(await patchbay.admin('POST', '/api/v1/services', definition), 201)
    for (const name of names) must(await create(name), 201)
  }, setUpTimeoutMs)
  afterAll(async () => {
    relay.restore()
    await patchbay.stop()
    await relay.close()
    await up.close()
    await stopPostgresServer(server.pid)
  })

  const create = (name: string) =>
    patchbay.admin('POST', '/api/v1/connections', {
      service: 'key',
      name,
      link_name: name,
      credentials: { 'X-Api-Key': secretOf(name) },
    })
  const call = (name: string) => patchbay.admin('POST', '/api/v1/invoke', { connection: name, url: `${up.url}/${name}` })

  /** Four callers, one who looks something up and one who changes something, until they are told to stop. */
  function load() {
    const heard: Heard[] = []
    let going = true
    const loop = async (what: Heard['what'], one: (n: number) => Promise<Answer>) => {
      for (let n = 0; going; n++, await delay(15)) {
        const since = performance.now()
        const answer = await one(n)
        heard.push({ what, answer, took: performance.now() - since })
      }
    }
    const serial = written.length
    const all = Promise.all([
      ...names.map(name => loop('call', () => call(name))),
      loop('read', () => patchbay.admin('GET', '/api/v1/connections/two')),
      loop('write', async n => {
        const name = `written_${serial}_${n}`
        const answer = await create(name)
        if (answer.status === 201) written.push(name)
        return answer
      }),
    ])
    return { heard, stop: () => ((going = false), all) }
  }

  const sessions = async (): Promise<number> => {
    const client = await connected(server.url, 10_000)
    const { rows } = await client.query<{ count: string }>(
      `select count(*) from pg_stat_activity where application_name = 'patchbay' and pid <> pg_backend_pid()`,
    )
    await client.end()
    return Number(rows[0]?.count)
  }

  const logged = async () => {
    await patchbay.broker.invocations.flush()
    const client = await connected(server.url, 10_000)
    const { rows } = await client.query<{ count: string }>(
      'select coalesce(sum(cardinality(after_ms)), 0) as count from invocation_batches where status = 200',
    )
    await client.end()
    return Number(rows[0]?.count)
  }

  /** What was answered while the load ran, and what is there after it. */
  async function assertNothingWrong(heard: readonly Heard[], before: { readonly logged: number; readonly reached: number }): Promise<void> {
    for (const { what, answer, took } of heard) {
      if (answer.status < 300) {
        if (what === 'call') expect(answer.json).toMatchObject({ status_code: 200, body: { right: true } })
        if (what === 'read') expect(answer.json.link_name).toBe('two')
        continue
      }
      expect([answer.status, answer.json?.code, answer.headers.get('retry-after')], answer.text).toEqual([503, 'storage_unavailable', '2'])
      expect(took, `a ${what} was refused`).toBeLessThan(what === 'call' ? 4_000 : 10_000)
    }
    expect(reached.wrong).toBe(0)
    expect((await logged()) - before.logged, 'every call that went out').toBe(reached.right - before.reached)
    for (const name of written) expect((await patchbay.admin('GET', `/api/v1/connections/${name}`)).status, name).toBe(200)
    const held = await until(sessions, count => count <= 14, 15_000)
    expect(held, 'the pool has not grown').toBeLessThanOrEqual(14)
  }

  /** Breaks of 20 ms to a third of a second, as long as that apart: every kind of statement and both ends of a transaction are hit. */
  const flaps = 12

  it('the network to it comes and goes: the same', async () => {
    const before = { logged: await logged(), reached: reached.right }
    const { heard, stop } = load()
    for (let flap = 0; flap < flaps; flap++) {
      await delay(20 + Math.random() * 300)
      relay[flap % 2 ? 'stall' : 'cut']()
      await delay(20 + Math.random() * 300)
      // a way that was lost in silence: what waited in it does not come out at its other end
      if (flap % 4 === 1) relay.cut()
      relay.restore()
    }
    const from = heard.length
    await until(
      async () => new Set(heard.slice(from).flatMap(one => (one.answer.status < 300 ? [one.what] : []))).size,
      kinds => kinds === 3,
      15_000,
    )
    await stop()
    expect(
      heard.some(one => one.answer.status === 503),
      'the load met it',
    ).toBe(true)
    await assertNothingWrong(heard, before)
  }, 60_000)

  it.each(['stopped and continued', 'killed and started again'])(
    '%s: refusals in time, nothing wrong, nothing unlogged, nothing acknowledged and lost, and it works again soon',
    async how => {
      const before = { logged: await logged(), reached: reached.right }
      const { heard, stop } = load()
      const isRefused = ({ what, answer }: Heard) => what === 'call' && answer.status === 503
      await until(
        async () => heard.filter(one => one.what === 'call').length,
        count => count > 40,
      )
      expect(heard.map(one => one.answer.status).filter(status => status !== 200 && status !== 201)).toEqual([])

      const stopped = how === 'stopped and continued' ? processesOf(server.pid) : []
      for (const pid of stopped) process.kill(pid, 'SIGSTOP')
      // what `pg_ctl -m immediate stop` sends
      if (stopped.length === 0) process.kill(server.pid, 'SIGQUIT')
      await until(
        async () => heard.filter(isRefused).length,
        count => count > 20,
        30_000,
      )
      const refusedAt = heard.length
      // so it is for who has to be looked up first
      patchbay.broker.calls.forgetAll()
      await until(
        async () => heard.slice(refusedAt + names.length).filter(isRefused).length,
        count => count >= names.length,
        30_000,
      )
      const late = heard.slice(refusedAt).filter(one => one.what === 'call' && one.answer.status !== 503)
      expect(late, 'from then on nothing goes out').toEqual([])

      if (stopped.length > 0) for (const pid of stopped.reverse()) process.kill(pid, 'SIGCONT')
      else {
        await until(
          async () => isThere(server.pid),
          there => !there,
        )
        server = await server.startAgain()
      }
      const back = performance.now()
      const from = heard.length
      await until(
        async () => heard.slice(from).some(one => one.what === 'call' && one.answer.status === 200),
        works => works,
        30_000,
      )
      const recovered = performance.now() - back
      expect(recovered, 'without a restart').toBeLessThan(8_000)
      await delay(1_000)
      const since = heard.length
      await stop()

      expect(
        heard.slice(since).every(one => one.answer.status < 300),
        'and it goes on working',
      ).toBe(true)
      await assertNothingWrong(heard, before)
    },
    120_000,
  )
})
