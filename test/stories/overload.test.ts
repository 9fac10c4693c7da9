import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminEmail, adminKey, adminPassword, startPatchbay, type Answer, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, keyDefinition, must, refusal, until, type Member } from '../support/practice-services.ts'
import { ask, headOf, open, received, type Received } from '../support/raw-http.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN

/** An organisation with a key, a connection named `key`, and what it asks. */
interface Tenant {
  readonly ask: Asker
  call(path: string): Promise<Answer>
}

async function tenantOf(patchbay: TestPatchbay, up: ScriptedUpstream, asker: Asker): Promise<Tenant> {
  must(await asker('POST', '/api/v1/services', keyDefinition(patchbay, 'key', { api_hosts: [up.host] })), 201)
  const credentials = { 'X-Api-Key': 'practice-key' }
  must(await asker('POST', '/api/v1/connections', { service: 'key', name: 'key', link_name: 'key', credentials }), 201)
  return { ask: asker, call: path => asker('POST', '/api/v1/invoke', { connection: 'key', url: up.url + path }) }
}

/** A second organisation of Ada's, with a key of its own. */
async function otherOrganization(patchbay: TestPatchbay, ada: Member): Promise<Asker> {
  must(await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: 'other' }), 201)
  must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'other' }), 200)
  const { key } = must(await ada.ask('POST', '/api/v1/api-keys', { name: 'other' }), 201).json as { key: string }
  must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
  return patchbay.withKey(key)
}

/** The problem, when it is a refusal that says when to come back. */
function refusedWith({ status, headers, json }: Answer | Received): string {
  const wait = Number(headers instanceof Headers ? headers.get('retry-after') : headers['retry-after'])
  const code = String((json as { code?: string } | null)?.code)
  return `${status} ${code} ${Number.isInteger(wait) && wait >= 1 && wait <= 5 ? 'soon' : String(wait)}`
}

describe.each(['pglite', 'postgres'] as const)('X25 more than it can carry [%s]', database => {
  let up: ScriptedUpstream
  let patchbay: TestPatchbay
  let ada: Member
  let ours: Tenant
  let theirs: Tenant
  const held: ServerResponse[] = []
  beforeAll(async () => {
    up = await startScriptedUpstream()
    up.on('/hold', (_, response) => held.push(response))
    up.on('/tenth', (_, response) => setTimeout(() => response.end('{}'), 100))
    const settings = { ...settingsFor(up), PATCHBAY_CALLS_UNDER_WAY: '8', PATCHBAY_CALLS_UNDER_WAY_ORGANIZATION: '6' }
    patchbay = await startPatchbay({ database, settings })
    ada = await administrator(patchbay)
    ours = await tenantOf(patchbay, up, patchbay.admin)
    theirs = await tenantOf(patchbay, up, await otherOrganization(patchbay, ada))
    must(await ada.ask('PUT', '/api/v1/functions/standalone/nothing', { source: 'void standalone.nothing() { info "x"; }' }), 201)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
  })

  /** Calls that the service holds, until `release`. */
  async function holding(calls: readonly Promise<Answer>[]): Promise<{ release(): Promise<Answer[]> }> {
    await until(
      async () => held.length,
      count => count === calls.length,
    )
    return {
      release() {
        for (const response of held.splice(0)) response.end('{}')
        return Promise.all(calls)
      },
    }
  }
  const times = <T>(count: number, one: () => Promise<T>) => Array.from({ length: count }, one)

  it('every door answers 503 at once, nobody is looked up and no body read; all else works, and what was taken on is finished', async () => {
    const leaving = { service: 'key', name: 'Leaving', link_name: 'leaving', credentials: { 'X-Api-Key': 'other' } }
    must(await patchbay.admin('POST', '/api/v1/connections', leaving), 201)
    const under = await holding([...times(6, () => ours.call('/hold')), ...times(2, () => theirs.call('/hold'))])

    const invoke = { connection: 'key', url: `${up.url}/` }
    const stranger = patchbay.withKey('pb_somebody_whom_nobody_has_ever_seen_anywhere')
    const refused: Record<string, Answer | Received> = {
      'invoke with a key': await ours.call('/'),
      'invoke with a cookie': await ada.ask('POST', '/api/v1/invoke', invoke),
      'invoke with a key that does not exist': await stranger('POST', '/api/v1/invoke', invoke),
      'the proxy': await ask(patchbay.base, `/proxy/key/http/${up.host}/`),
      'the proxy with a key that does not exist': await ask(patchbay.base, `/proxy/key/http/${up.host}/`, { key: 'pb_nobody' }),
      'a function': await ada.ask('POST', '/api/v1/functions/standalone/nothing/run', {}),
      'a public function with a key that does not exist': await patchbay.nobody(
        'GET',
        '/functions/nothing/actions/execute?auth_type=apikey&zapikey=none',
      ),
    }
    for (const target of ['/api/v1/invoke', `/proxy/key/http/${up.host}/`]) {
      const headers = { 'content-type': 'application/json', 'content-length': 9_000_000 }
      const call = open(patchbay.base, target, { method: 'POST', headers })
      call.flushHeaders()
      refused[`a body that never comes, ${target}`] = await received(await headOf(call))
      call.on('error', () => {}).destroy()
    }
    for (const [door, answer] of Object.entries(refused)) expect(refusedWith(answer), door).toBe('503 overloaded soon')
    expect(new Set(Object.values(refused).map(one => (one.json as { retry_after: number }).retry_after)).size).toBe(5)

    const works: Record<string, Answer> = {
      healthz: await patchbay.nobody('GET', '/healthz'),
      readyz: await patchbay.nobody('GET', '/readyz'),
      'who am I': await patchbay.admin('GET', '/api/v1/me'),
      'the console’s list': await ada.ask('GET', '/api/v1/connections'),
      revoke: await ada.ask('POST', '/api/v1/connections/leaving/revoke', {}),
      metrics: await patchbay.nobody('GET', '/metrics'),
    }
    for (const [what, answer] of Object.entries(works)) expect(answer.status, what).toBe(200)
    await patchbay.browser().signIn(adminEmail, adminPassword)
    expect(works.metrics?.text).toMatch(/^patchbay_calls_under_way 8$/m)
    expect(works.metrics?.text).toMatch(/^patchbay_calls_turned_away_total\{reason="overload"\} 9$/m)

    for (const answer of await under.release()) expect(must(answer, 200).json.status_code).toBe(200)
    expect(must(await ours.call('/'), 200).json.status_code, 'and at once it goes on').toBe(200)
  })

  it('an organisation that has its share gets 429 at every door, and the others notice nothing', async () => {
    const under = await holding(times(6, () => ours.call('/hold')))
    const refused = [
      await ours.call('/'),
      await ada.ask('POST', '/api/v1/invoke', { connection: 'key', url: `${up.url}/` }),
      await ask(patchbay.base, `/proxy/key/http/${up.host}/`),
      await ada.ask('POST', '/api/v1/functions/standalone/nothing/run', {}),
    ]
    expect(refused.map(refusedWith)).toEqual(refused.map(() => '429 too_many_requests soon'))
    for (const answer of await Promise.all(times(2, () => theirs.call('/tenth')))) must(answer, 200)
    for (const answer of await under.release()) must(answer, 200)
    must(await ada.ask('POST', '/api/v1/functions/standalone/nothing/run', {}), 200)
    must(await ours.call('/'), 200)
  })

  it('an organisation that asks for all it can get has its share, and another one is served between its calls', async () => {
    const counted = { served: 0, turnedAway: 0 }
    let going = true
    const greedy = times(20, async () => {
      while (going) {
        const answer = await ours.call('/tenth?greedy')
        if (answer.status === 200) counted.served++
        else {
          expect(refusedWith(answer)).toBe('429 too_many_requests soon')
          counted.turnedAway++
          await delay(20)
        }
      }
    })
    // in calls and not in milliseconds: the machine may have other things to do
    const wentBefore: number[] = []
    await until(
      async () => counted.turnedAway,
      count => count > 20,
    )
    for (let n = 0; n < 15; n++) {
      const from = up.arrived.length
      must(await theirs.call('/tenth?modest'), 200)
      wentBefore.push(up.arrived.slice(from).findIndex(({ target }) => target.endsWith('modest')))
    }
    going = false
    await Promise.all(greedy)
    expect(counted.served, 'it had its share all the time').toBeGreaterThan(30)
    expect(counted.turnedAway, 'and asked for more than that').toBeGreaterThan(counted.served)
    expect(median(wentBefore), `calls that went before: ${wentBefore.join(' ')}`).toBeLessThanOrEqual(6)
  })

  it('callers who leave give back their places', async () => {
    const gone = new AbortController()
    const calls = Array.from({ length: 6 }, () =>
      fetch(`${patchbay.base}/proxy/key/http/${up.host}/hold`, {
        headers: { authorization: `Bearer ${adminKey}` },
        signal: gone.signal,
      }).catch((error: unknown) => error),
    )
    await until(
      async () => held.length,
      count => count === 6,
    )
    expect(refusedWith(await ours.call('/'))).toBe('429 too_many_requests soon')
    gone.abort()
    await Promise.all(calls)
    held.splice(0)
    await until(
      () => ours.call('/'),
      answer => answer.status === 200,
    )
  })

  it('calls that were sent ahead on one connection give back their places as well, at every door', async () => {
    const { hostname, port } = new URL(patchbay.base)
    const body = JSON.stringify({ connection: 'key', url: `${up.url}/hold` })
    const head = [`Host: ${hostname}:${port}`, `Authorization: Bearer ${adminKey}`, 'Content-Type: application/json']
    const request = (line: string, text = '') => [`${line} HTTP/1.1`, ...head, `Content-Length: ${text.length}`, '', text].join('\r\n')
    const calls = [
      request(`GET /proxy/key/http/${up.host}/hold`),
      request('POST /api/v1/invoke', body),
      // with a query it is the router's
      request('POST /api/v1/invoke?', body),
    ]
    const socket = connect(Number(port), hostname).on('error', () => {})
    socket.write([...calls, ...calls].join(''))
    await until(
      async () => held.length,
      count => count === 6,
    )
    expect(patchbay.broker.admission.underWay()).toBe(6)
    socket.destroy()
    await until(
      async () => patchbay.broker.admission.underWay(),
      count => count === 0,
    )
    held.splice(0)
    for (const answer of await Promise.all(times(6, () => ours.call('/')))) must(answer, 200)
  })

  it('at twice what it can carry: who is taken on is served, the rest is told when to come back, and sooner', async () => {
    const accepted: number[] = []
    const refused: number[] = []
    const others: string[] = []
    // 8 at a time of 100 ms each are 80 a second; 160 are offered, whatever comes back
    const offered: Promise<void>[] = []
    for (let n = 0; n < 140; n++) {
      const since = performance.now()
      const tenant = n % 2 === 0 ? ours : theirs
      offered.push(
        tenant.call('/tenth').then(answer => {
          const took = performance.now() - since
          if (answer.status === 200) accepted.push(took)
          else if (/^(?:503 overloaded|429 too_many_requests) soon$/.test(refusedWith(answer))) refused.push(took)
          else others.push(refusal(answer))
        }),
      )
      await delay(6)
    }
    await Promise.all(offered)
    expect(others).toEqual([])
    expect(refused.length).toBeGreaterThan(20)
    expect(accepted.length).toBeGreaterThan(50)
    expect(median(refused)).toBeLessThan(median(accepted) / 2)
    must(await ours.call('/'), 200)
  })
})

describe('X25 too much at once [pglite]', () => {
  let up: ScriptedUpstream
  let patchbay: TestPatchbay
  let ours: Tenant
  let theirs: Tenant
  beforeAll(async () => {
    up = await startScriptedUpstream()
    const settings = {
      ...settingsFor(up),
      PATCHBAY_CALLS_PER_SECOND_ORGANIZATION: '2',
      // more than a busy machine does by itself
      PATCHBAY_OVERLOAD_DELAY_MS: '1000',
      PATCHBAY_INCOMING_CONNECTIONS: '60',
    }
    patchbay = await startPatchbay({ database: 'pglite', settings })
    ours = await tenantOf(patchbay, up, patchbay.admin)
    theirs = await tenantOf(patchbay, up, await otherOrganization(patchbay, await administrator(patchbay)))
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
  })

  it('an organisation beyond its quota is told the quota and when to come back, at every door; the other one is not', async () => {
    // ten at once, of which a slow machine may begin some a second later
    const invoked = await Promise.all(Array.from({ length: 10 }, () => ours.call('/')))
    const proxied = await Promise.all(Array.from({ length: 10 }, () => ask(patchbay.base, `/proxy/key/http/${up.host}/`)))
    for (const answers of [invoked, proxied]) {
      const refused = answers.filter(one => one.status !== 200)
      expect(refused.length).toBeGreaterThan(0)
      for (const one of refused) {
        expect(refusedWith(one)).toBe('429 too_many_requests soon')
        const header = (name: string) => (one.headers instanceof Headers ? one.headers.get(name) : one.headers[name])
        expect([header('ratelimit-policy'), header('ratelimit')]).toEqual(['"organization";q=2;w=1', '"organization";r=0;t=1'])
      }
    }
    must(await theirs.call('/'), 200)
    await until(
      () => ours.call('/'),
      answer => answer.status === 200,
    )
  })

  it('connections beyond the limit are closed at once, and there is room again when others end', async () => {
    const { hostname, port } = new URL(patchbay.base)
    const sockets = Array.from({ length: 100 }, () => connect(Number(port), hostname).on('error', () => {}))
    let open = sockets.length
    const closed = sockets.map(socket => once(socket.resume(), 'close').then(() => open--))
    await until(
      async () => open,
      count => count <= 60,
      // who says nothing is closed after ten seconds, limit or not
      5_000,
    )
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
    await until(
      () => patchbay.nobody('GET', '/healthz').catch(() => null),
      answer => answer?.status === 200,
    )
  })

  it('while everything happens late new calls are turned away; it recovers by itself', async () => {
    const meanwhile = await until(
      async () => {
        // the first is looked at together with the idle time before it; after each the delay is measured, and looked at
        for (let n = 0; n < 4; n++) {
          const end = performance.now() + 1_200
          while (performance.now() < end);
          await delay(30)
        }
        return Promise.all([theirs.call('/'), patchbay.nobody('GET', '/healthz'), patchbay.admin('GET', '/api/v1/me')])
      },
      ([call]) => call.status !== 200,
    )
    expect(refusedWith(meanwhile[0])).toBe('503 overloaded soon')
    expect(meanwhile.slice(1).map(one => one.status)).toEqual([200, 200])
    await until(
      () => theirs.call('/'),
      answer => answer.status === 200,
      5_000,
    )
  })
})
