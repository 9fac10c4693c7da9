import type { ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usualPatience } from '../../src/http/patience.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminKey, startPatchbay, type Answer, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, keyDefinition, must, until } from '../support/practice-services.ts'
import { ask } from '../support/raw-http.ts'
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'

/** Accepts, and never says a word. */
async function startSilentUpstream() {
  const sockets = new Set<Socket>()
  const upstream = { host: '', port: 0, most: 0, close: () => new Promise(done => server.close(done)) }
  const server = createServer(socket => {
    sockets.add(socket)
    upstream.most = Math.max(upstream.most, sockets.size)
    socket
      .on('error', () => {})
      .on('close', () => sockets.delete(socket))
      .resume()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  upstream.port = (server.address() as AddressInfo).port
  upstream.host = `127.0.0.1:${upstream.port}`
  return upstream
}

/** More than the kernel takes for a caller who reads nothing. */
const big = Buffer.alloc(12 * 1024 * 1024, 'x')

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN

describe('X25 who is slow is slow alone [pglite]', () => {
  let quick: ScriptedUpstream
  let silent: Awaited<ReturnType<typeof startSilentUpstream>>
  let patchbay: TestPatchbay
  let other: Asker
  let held: ServerResponse[] | null = null
  beforeAll(async () => {
    quick = await startScriptedUpstream()
    quick.on('/big', (_, response) => response.end(big))
    quick.on('/hold', (_, response) => (held ? held.push(response) : response.end('{}')))
    silent = await startSilentUpstream()
    patchbay = await startPatchbay({
      database: 'pglite',
      settings: {
        PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${quick.port},127.0.0.1/32:${silent.port}`,
        PATCHBAY_ALLOW_INSECURE_HTTP: `${quick.host},${silent.host}`,
      },
      patience: { ...usualPatience, headersMs: 1_500, bodyMs: 1_500, unreadMs: 1_000, unreadBytesPerSecond: 16 * 1024 * 1024, lookMs: 250 },
    })
    const ada = await administrator(patchbay)
    must(await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: 'other' }), 201)
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'other' }), 200)
    other = patchbay.withKey(must(await ada.ask('POST', '/api/v1/api-keys', { name: 'other' }), 201).json.key as string)
    for (const asker of [patchbay.admin, other]) {
      const definition = keyDefinition(patchbay, 'key', { api_hosts: [quick.host, silent.host] })
      must(await asker('POST', '/api/v1/services', definition), 201)
      const credentials = { 'X-Api-Key': 'practice-key' }
      must(await asker('POST', '/api/v1/connections', { service: 'key', name: 'key', link_name: 'key', credentials }), 201)
    }
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await silent.close()
    await quick.close()
  })

  const call = (asker: Asker, host: string, path: string, timeout_ms = 40_000) =>
    asker('POST', '/api/v1/invoke', { connection: 'key', url: `http://${host}${path}`, timeout_ms })
  const timed = async (one: Promise<Answer>) => {
    const since = performance.now()
    return { answer: await one, took: performance.now() - since }
  }

  it('a service that never answers takes 64 connections and its own callers’ time, and no call to another one fails', async () => {
    const alone = []
    for (let n = 0; n < 20; n++) alone.push((await timed(call(patchbay.admin, quick.host, '/'))).took)
    const stuck = Array.from({ length: 500 }, () => timed(call(patchbay.admin, silent.host, '/', 2_500)))
    const meanwhile = []
    for (let n = 0; n < 40; n++) {
      const { answer, took } = await timed(call(patchbay.admin, quick.host, '/'))
      expect(must(answer, 200).json.status_code).toBe(200)
      meanwhile.push(took)
      await delay(20)
    }
    const ended = await Promise.all(stuck)
    const timedOut = ended.filter(one => one.answer.json.code === 'upstream_timeout').length
    const saturated = ended.filter(one => one.answer.json.code === 'upstream_saturated').length
    expect(timedOut + saturated).toBe(500)
    expect(timedOut).toBeGreaterThanOrEqual(64 + 128)
    expect(saturated).toBeGreaterThan(50)
    expect(silent.most).toBeLessThanOrEqual(64)
    expect(median(meanwhile)).toBeLessThan(20 * median(alone) + 200)
    // and the connections are given back
    await delay(50)
    expect((await call(patchbay.admin, silent.host, '/', 1_000)).json.code).toBe('upstream_timeout')
  })

  it('an organisation that fills the queue of an origin does not keep another one out of it', async () => {
    held = []
    const from = quick.arrived.length
    let turnedAway = 0
    const countTurnedAway = async (one: Promise<Answer>) => {
      const answer = await one
      if (answer.json.code === 'upstream_saturated') turnedAway++
      else must(answer, 200)
    }
    const greedy = Array.from({ length: 200 }, () => countTurnedAway(call(patchbay.admin, quick.host, '/hold?who=greedy')))
    await until(
      async () => turnedAway,
      count => count === 200 - 64 - 128,
    )
    const modest = Array.from({ length: 5 }, () => call(other, quick.host, '/hold?who=modest'))
    await until(
      async () => turnedAway,
      count => count === 200 - 64 - 128 + 5,
    )
    const holding = held
    held = null
    for (const response of holding) response.end('{}')
    for (const answer of await Promise.all(modest)) must(answer, 200)
    await Promise.all(greedy)
    const order = quick.arrived.slice(from).map(({ target }) => target.slice('/hold?who='.length))
    expect(order.slice(0, 64)).toEqual(Array.from({ length: 64 }, () => 'greedy'))
    expect(
      order.slice(64, 64 + 20).filter(who => who === 'modest'),
      'they take turns',
    ).toHaveLength(5)
  })

  it('callers who never finish what they ask are cut, and others are answered meanwhile', async () => {
    const { hostname, port } = new URL(patchbay.base)
    const authorized = `Host: a\r\nAuthorization: Bearer ${adminKey}\r\nContent-Type: application/json\r\n`
    const beginnings = [
      'GET /healthz HTTP/1.1\r\nHost: a\r\nX-One: ',
      `POST /api/v1/invoke HTTP/1.1\r\n${authorized}Content-Length: 900\r\n\r\n{"url":`,
      `POST /api/v1/connections HTTP/1.1\r\n${authorized}Content-Length: 900\r\n\r\n{"url":`,
      `POST /proxy/key/http/${quick.host}/ HTTP/1.1\r\n${authorized}Content-Length: 900\r\n\r\n{"url":`,
    ]
    const ended = Array.from({ length: 400 }, (_, n) => {
      const socket = connect(Number(port), hostname).on('error', () => {})
      socket.write(beginnings[n % beginnings.length] ?? '')
      socket.resume()
      return new Promise<void>(resolve => socket.once('close', () => resolve()))
    })
    for (let n = 0; n < 10; n++) {
      expect((await ask(patchbay.base, '/healthz')).status).toBe(200)
      await delay(20)
    }
    await Promise.all(ended)
    expect((await patchbay.nobody('GET', '/metrics')).text).toMatch(/^patchbay_calls_under_way 0$/m)
  })

  it('callers who never read what they are answered are cut and give back their places, through every door', async () => {
    const { hostname, port } = new URL(patchbay.base)
    const authorized = `Host: a\r\nAuthorization: Bearer ${adminKey}\r\nContent-Type: application/json\r\n`
    const asked = JSON.stringify({ connection: 'key', url: `${quick.url}/big` })
    const post = (path: string) => `POST ${path} HTTP/1.1\r\n${authorized}Content-Length: ${asked.length}\r\n\r\n${asked}`
    const doors = [
      post('/api/v1/invoke'),
      post('/api/v1/invoke?by=router'),
      `GET /proxy/key/http/${quick.host}/big HTTP/1.1\r\n${authorized}\r\n`,
    ]
    const from = quick.arrived.length
    const sockets = Array.from({ length: 12 }, (_, n) => {
      const socket = connect(Number(port), hostname).on('error', () => {})
      socket.pause().write(doors[n % doors.length] ?? '')
      return socket
    })
    const underWay = async () => Number(/^patchbay_calls_under_way (\d+)$/m.exec((await patchbay.nobody('GET', '/metrics')).text)?.[1])
    await until(
      async () => quick.arrived.length - from,
      count => count === 12,
    )
    await until(underWay, count => count === 0)
    // who reads, gets all of it, while others do not
    const whole = await ask(patchbay.base, `/proxy/key/http/${quick.host}/big`)
    expect(whole.body).toHaveLength(big.length)
    for (const socket of sockets) socket.destroy()
  })
})
