import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { practiceHandler } from '../../src/practice/server.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'

/** A provider whose token endpoint can be down, and which remembers when it was asked. */
interface Provider {
  readonly story: OAuthStory
  readonly server: Server
  /** What the token endpoint says instead of its own answer. */
  say: (() => { status: number; headers?: Record<string, string> } | null) | null
  asked: number[]
}

describe('R-1 token endpoints that are down, come back, and flap [pglite]', { timeout: 120_000 }, () => {
  let patchbay: TestPatchbay
  const providers: Provider[] = []
  /** Milliseconds that the Broker's clock is ahead of the real one. */
  let ahead = 0

  beforeAll(async () => {
    const open = async (): Promise<Omit<Provider, 'story'> & { port: number }> => {
      const { handler } = practiceHandler(Date.now)
      const server = createServer((request, response) => {
        if (request.url !== '/oauth2/token') return handler(request, response)
        provider.asked.push(performance.now())
        const said = provider.say?.()
        if (!said) return handler(request, response)
        request.resume()
        response.writeHead(said.status, said.headers).end()
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const provider = { server, say: null as Provider['say'], asked: [] as number[], port: (server.address() as AddressInfo).port }
      return provider
    }
    const opened = [await open(), await open()]
    patchbay = await startPatchbay({
      database: 'pglite',
      settings: {
        PATCHBAY_PRACTICE: 'off',
        PATCHBAY_ALLOW_PRIVATE_ADDRESSES: opened.map(({ port }) => `127.0.0.1/32:${port}`).join(','),
        PATCHBAY_ALLOW_INSECURE_HTTP: opened.map(({ port }) => `127.0.0.1:${port}`).join(','),
      },
    })
    const real = patchbay.broker.monotonic
    Object.assign(patchbay.broker, { monotonic: () => real() + ahead })
    for (const one of opened) {
      const story = await startOAuthStory({ ...patchbay, practiceUrl: `http://127.0.0.1:${one.port}` })
      providers.push(Object.assign(one, { story }))
    }
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    for (const { server } of providers) {
      server.closeAllConnections()
      server.close()
    }
  })

  /** Time goes by: on the Broker's clock and, by moving what is stored, on the database's. */
  const pass = async (seconds: number) => {
    ahead += seconds * 1000
    const back = sql`make_interval(secs => ${seconds})`
    await sql`update credentials set expires_at = expires_at - ${back}, next_attempt_at = next_attempt_at - ${back}, lease_until = lease_until - ${back}`.execute(
      patchbay.broker.db,
    )
    patchbay.broker.calls.forgetAll()
  }
  const provider = (index: number) => providers[index] as Provider
  const connections = async ({ story }: Provider, service: string, count: number, advanced: Record<string, unknown> = {}) => {
    await story.service(service, { advanced, rest: { grant_type: 'client_credentials', authorize_url: null, revoke_token_url: null } })
    const names = Array.from({ length: count }, (_, i) => `${service}_${i}`)
    for (const name of names) {
      const created = await story.ada.ask('POST', '/api/v1/connections', { service, name, link_name: name, scopes: ['files.read'] })
      expect(created.status, created.text).toBe(201)
    }
    return names
  }
  const each = (names: readonly string[], { story }: Provider): Promise<Answer[]> => Promise.all(names.map(name => story.invoke(name)))
  const said = (answers: readonly Answer[]) => [...new Set(answers.map(one => String(one.json.status_code ?? one.json.code)))].sort()
  const statuses = async (names: readonly string[], { story }: Provider) =>
    new Set(await Promise.all(names.map(async name => (await story.connection(name)).status)))

  it('down for an hour: calls go on until the token ends, the endpoint is asked now and then, others are not held back; then all are renewed by turns', async () => {
    const [down, up] = [provider(0), provider(1)]
    const names = await connections(down, 'down', 8)
    const others = await connections(up, 'up', 1)
    for (const name of [...names, ...others]) await down.story.endsIn(name, 1800)
    down.say = () => ({ status: 500 })
    down.asked = []
    up.asked = []
    const attempts = async () => {
      const { rows } = await sql<{ fail_count: number }>`select k.fail_count from credentials k join connections c on c.id = k.connection_id
        where c.link_name like 'down%'`.execute(patchbay.broker.db)
      return rows.map(one => one.fail_count)
    }
    await pass(24 * 60)
    let before = 0
    for (let second = 24 * 60, round = 0; second <= 3600; second += 30, round++) {
      // whoever comes first may be the one that is sent to see: each in turn
      const first = (round * 5) % names.length
      const answers = await each([...names.slice(first), ...names.slice(0, first)], down)
      // in between the tokens end: the tests take their own time
      if (second < 28 * 60) expect(said(answers), `second ${second}`).toEqual(['200'])
      if (second > 30 * 60) expect(said(answers), `second ${second}`).toEqual(['token_refresh_unavailable'])
      for (const one of answers) if (one.status === 503) expect(Number(one.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      if (round % 4 === 0) expect(said(await each(others, up)), `second ${second}`).toEqual(['200'])
      expect(down.asked.length - before, 'in half a minute: all of them before it is known, then one').toBeLessThanOrEqual(
        round < 12 ? names.length : 1,
      )
      before = down.asked.length
      await pass(30)
    }
    expect(up.asked.length, 'its own token was renewed meanwhile').toBeGreaterThanOrEqual(1)
    const counted = await attempts()
    expect(
      counted.reduce((sum, one) => sum + one, 0),
      'every attempt failed, and every one is counted',
    ).toBe(down.asked.length)
    expect(Math.max(...counted), `token requests of each: ${counted.join(', ')}`).toBeLessThanOrEqual(12)
    expect(await statuses(names, down)).not.toContain('reauthorization_required')
    expect(patchbay.logged.filter(line => line.includes('refreshes are held back')).length).toBeGreaterThanOrEqual(1)

    down.say = null
    let seconds = 0
    const healthy = async () => said(await each(names, down)).join() === '200'
    for (; seconds <= 60 && !(await healthy()); seconds += 10) await pass(10)
    expect(seconds, 'all of them, in so many seconds').toBeLessThanOrEqual(60)
    expect(await statuses(names, down)).toEqual(new Set(['connected']))
    expect(await attempts()).toEqual(names.map(() => 0))
  })

  it('after an outage hundreds come at once and are sent 20 a second', async () => {
    const one = provider(0)
    const names = await connections(one, 'herd', 45)
    one.say = () => ({ status: 503 })
    for (const name of names.slice(0, 5)) {
      await one.story.endsIn(name, -1)
      await one.story.invoke(name)
    }
    await sql`update credentials set expires_at = now() - interval '1 second'`.execute(patchbay.broker.db)
    one.asked = []
    expect(said(await each(names, one))).toEqual(['token_refresh_unavailable'])
    expect(one.asked, 'nobody was sent').toEqual([])

    one.say = null
    await pass(31)
    const answers = await each(names, one)
    expect(said(answers)).toEqual(['200'])
    expect(one.asked).toHaveLength(45)
    // the first is the one that showed that it is back; the network may bring two of them closer together
    const sent = one.asked.slice(1)
    for (const [i, at] of sent.entries()) expect((sent[i + 20] ?? Infinity) - at).toBeGreaterThan(700)
  })

  it('then callers go before renewals that nobody waits for, and who was turned away before who has just come', async () => {
    const one = provider(0)
    const names = await connections(one, 'order', 31)
    const [failing, first, returning] = [names.slice(0, 5), names.slice(5, 6), names.slice(6, 7)]
    const [behind, coming] = [names.slice(7, 23), names.slice(23)]
    for (const name of names) await one.story.endsIn(name, behind.includes(name) ? 1700 : 1000)
    // remembered, so that what comes at once arrives at once
    expect(said(await each(names, one))).toEqual(['200'])
    ahead += 1_500_000
    one.say = () => ({ status: 503 })
    expect(said(await each(failing, one))).toEqual(['token_refresh_unavailable'])
    expect(said(await each(returning, one)), 'held back').toEqual(['token_refresh_unavailable'])
    one.say = null
    ahead += 31_000
    expect(said(await each(first, one)), 'it is back').toEqual(['200'])
    expect(said(await each([...behind, ...coming, ...returning], one))).toEqual(['200'])

    const renewed = async () => {
      const { rows } = await sql<{ link_name: string }>`select c.link_name from credentials k join connections c on c.id = k.connection_id
        where c.link_name in (${sql.join([...behind, ...coming, ...returning])}) and k.refreshed_at is not null
        order by k.refreshed_at`.execute(patchbay.broker.db)
      return rows.map(row => row.link_name)
    }
    const order = await eventually('all renewals', renewed, done => done.length === 25)
    const lastOf = (group: readonly string[]) => Math.max(...group.map(name => order.indexOf(name)))
    const after = (group: readonly string[], place: number) => group.filter(name => order.indexOf(name) > place).length
    // a few had their turn before the others had come
    expect(after(behind, lastOf(coming)), order.join(' ')).toBeGreaterThanOrEqual(5)
    expect(after(coming, lastOf(returning)), order.join(' ')).toBeGreaterThanOrEqual(5)
  })

  it('flapping: no connection is given up, whatever the mixture', async () => {
    const one = provider(0)
    const names = await connections(one, 'flap', 6)
    let turn = 0
    one.say = () => (turn++ % 2 === 0 ? { status: 502 } : null)
    for (let round = 0; round < 12; round++) {
      for (const name of names.slice(0, 3)) await one.story.endsIn(name, -1)
      await pass(45)
      for (const answer of await each(names, one)) expect(['200', 'token_refresh_unavailable']).toContain(said([answer])[0])
    }
    one.say = null
    await pass(600)
    await each(names, one)
    await pass(11)
    expect(said(await each(names, one))).toEqual(['200'])
    expect(await statuses(names, one)).toEqual(new Set(['connected']))
  })

  it('a 429 with Retry-After keeps every connection of the service away for so long, and no other service', async () => {
    const one = provider(0)
    const names = await connections(one, 'slow_down', 3)
    const beside = await connections(one, 'beside', 1)
    const [first = '', second = '', third = ''] = names
    await one.story.endsIn(first, -1)
    await one.story.endsIn(second, -1)
    await one.story.endsIn(third, 60)
    await one.story.endsIn(beside[0] ?? '', -1)
    one.asked = []
    one.say = () => ({ status: 429, headers: { 'retry-after': '120' } })
    expect(said([await one.story.invoke(first)])).toEqual(['token_refresh_unavailable'])
    const held = await one.story.invoke(second)
    expect(held.json.code).toBe('token_refresh_unavailable')
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(110)
    expect(said([await one.story.invoke(third)]), 'its token is still good').toEqual(['200'])
    expect(one.asked).toHaveLength(1)
    one.say = null
    expect(said(await each(beside, one))).toEqual(['200'])
    await pass(125)
    expect(said(await each(names, one))).toEqual(['200'])
  })

  it('a service that wants its refreshes apart is asked at its own pace, after refusals too', async () => {
    const one = provider(0)
    const [name = ''] = await connections(one, 'apart', 1, { refresh_spacing_seconds: 75 })
    one.asked = []
    let failing = 0
    one.say = () => (failing++ % 3 === 0 ? { status: 500 } : failing % 3 === 1 ? { status: 503, headers: { 'retry-after': '1' } } : null)
    const moments: number[] = []
    for (let second = 0; second < 600; second += 15) {
      await one.story.endsIn(name, -1)
      const before = one.asked.length
      await one.story.invoke(name)
      if (one.asked.length > before) moments.push(second)
      await pass(15)
    }
    expect(moments.length).toBeLessThanOrEqual(8)
    expect(moments.length).toBeGreaterThanOrEqual(4)
    for (const [i, at] of moments.entries()) expect((moments[i + 1] ?? Infinity) - at).toBeGreaterThanOrEqual(75)
  })
})
