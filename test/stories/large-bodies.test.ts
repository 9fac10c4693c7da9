import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usualPatience } from '../../src/http/patience.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, keyDefinition, must, until } from '../support/practice-services.ts'
import { ask } from '../support/raw-http.ts'
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'

const mebibyte = 1024 * 1024
const most = 4 * mebibyte
const heldBytes = 64 * mebibyte
/** Three quarters are for answers, and three of these for one organisation. */
const answersOfOne = (heldBytes * 9) / 16
const large = JSON.stringify('x'.repeat(most - 2))
/** More than the kernel takes for a caller who reads nothing. */
const longer = JSON.stringify('x'.repeat(12 * mebibyte - 2))
/** Unpacks to half as much again. */
const packed = gzipSync(JSON.stringify(randomBytes(mebibyte).toString('hex')))

describe('X25 large bodies are held within one number of bytes [pglite]', () => {
  let up: ScriptedUpstream
  let quick: ScriptedUpstream
  let patchbay: TestPatchbay
  let other = ''
  beforeAll(async () => {
    up = await startScriptedUpstream()
    quick = await startScriptedUpstream()
    const json = { 'content-type': 'application/json' }
    up.on('/announced', (_, response) => response.writeHead(200, { ...json, 'content-length': large.length }).end(large))
    up.on('/unannounced', (_, response) => {
      response.writeHead(200, json).write(large.slice(0, -1))
      response.end('"')
    })
    up.on('/packed', (_, response) =>
      response.writeHead(200, { ...json, 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed),
    )
    up.on('/longer', (_, response) => response.writeHead(200, json).end(longer))
    up.on('/never', (_, response) => void response.writeHead(200, { ...json, 'content-length': large.length }).write(large.slice(1)))
    up.on('/length', (_, response, body) => response.writeHead(200, json).end(String(body.length)))
    quick.on('/small', (_, response) => response.writeHead(200, json).end('{}'))
    patchbay = await startPatchbay({
      database: 'pglite',
      settings: {
        PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${up.port},127.0.0.1/32:${quick.port}`,
        PATCHBAY_ALLOW_INSECURE_HTTP: `${up.host},${quick.host}`,
        PATCHBAY_INVOKE_MAX_RESPONSE_BYTES: String(longer.length),
      },
      heldBytes,
      patience: { ...usualPatience, pressedMs: 3_000, lookMs: 250 },
    })
    const ada = await administrator(patchbay)
    must(await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: 'other' }), 201)
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'other' }), 200)
    other = must(await ada.ask('POST', '/api/v1/api-keys', { name: 'other' }), 201).json.key as string
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'key', { api_hosts: [up.host] })), 201)
    const credentials = { 'X-Api-Key': 'practice-key' }
    must(await ada.ask('POST', '/api/v1/connections', { service: 'key', name: 'key', link_name: 'key', credentials }), 201)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
    await quick.close()
  })

  // not as `patchbay.admin`, which keeps every answer
  const invoke = (body: object, key = adminKey, path = '/api/v1/invoke') =>
    ask(patchbay.base, path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), key })
  const call = (path: string, key = adminKey, more: object = {}) => invoke({ url: up.url + path, ...more }, key)
  const small = () => invoke({ url: `${quick.url}/small` })
  const times = <T>(count: number, one: (i: number) => T) => Array.from({ length: count }, (_, i) => one(i))
  const held = () => patchbay.broker.bodies.answers.held()
  const waiting = () => patchbay.broker.bodies.answers.waiting()
  const nothingIsHeld = () =>
    until(
      async () => [patchbay.broker.bodies.answers.held(), patchbay.broker.bodies.requests.held()].join(),
      text => text === '0,0',
    )

  /** What was held at most until `work` was done. */
  async function highestOf(bytes: () => number, work: Promise<unknown>): Promise<number> {
    let highest = 0
    const timer = setInterval(() => (highest = Math.max(highest, bytes())), 1)
    await work.finally(() => clearInterval(timer))
    return highest
  }

  it('sixty answers that come at once are read a few at a time, all of them, and small calls go on meanwhile', async () => {
    const paths = ['/announced', '/unannounced', '/packed']
    const calls = Promise.all(times(60, i => call(paths[i % 3] ?? '')))
    const smalls = (async () => {
      while (waiting() === 0) await delay(1)
      return Promise.all(times(20, small))
    })()
    const highest = await highestOf(held, calls)
    expect(highest).toBeGreaterThan(answersOfOne / 2)
    expect(highest).toBeLessThanOrEqual(answersOfOne)
    for (const [i, { status, body }] of (await calls).entries()) {
      expect(status, body.toString('utf8', 0, 300)).toBe(200)
      expect(body.length).toBeGreaterThan(i % 3 === 2 ? 2 * mebibyte : most)
    }
    for (const { status } of await smalls) expect(status).toBe(200)
    await nothingIsHeld()
  })

  /** Services that keep back the end of their answers, until `release`: nobody else of this organisation has room then. */
  async function full() {
    const leave = new AbortController()
    const { signal } = leave
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ url: `${up.url}/never` })
    const calls = times(20, () => fetch(`${patchbay.base}/api/v1/invoke`, { method: 'POST', headers, body, signal }).catch(() => null))
    await until(async () => waiting() > 0, Boolean)
    return async () => {
      leave.abort()
      await Promise.all(calls)
      await nothingIsHeld()
    }
  }

  it('who finds no room in time is told so and where to go; the proxy, small answers and other organisations are not concerned', async () => {
    const release = await full()
    const refused = call('/announced', adminKey, { timeout_ms: 1000 })
    const proxied = ask(patchbay.base, `/proxy/key/http/${up.host}/announced`)
    for (const { status, body } of await Promise.all([small(), proxied, call('/announced', other)]))
      expect(status, body.toString('utf8', 0, 300)).toBe(200)
    const { status, headers, json } = await refused
    expect([status, json['code'], headers['retry-after'], json['sent']]).toEqual([503, 'large_bodies_busy', '5', true])
    expect(json['detail']).toMatch(/^The answer of .* is large, .*Try again .*through the proxy/)
    await release()
    expect((await call('/announced')).status).toBe(200)
  })

  it('callers who do not read what others wait for are cut', async () => {
    const body = JSON.stringify({ url: `${up.url}/longer` })
    const idle = times(4, () => {
      const socket = connect(Number(new URL(patchbay.base).port), '127.0.0.1').on('error', () => {})
      socket
        .pause()
        .write(
          `POST /api/v1/invoke HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${adminKey}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        )
      return socket
    })
    await until(async () => waiting() > 0, Boolean)
    for (const { status, body: read } of await Promise.all(times(2, () => call('/longer'))))
      expect(status, read.toString('utf8', 0, 300)).toBe(200)
    for (const socket of idle) socket.destroy()
    await nothingIsHeld()
  })

  it.each(['/api/v1/invoke', '/api/v1/invoke?router'])('large requests are read a few at a time as well, at %s', async path => {
    const sent = 'y'.repeat(mebibyte - 4096)
    const upload = () => invoke({ url: `${up.url}/length`, type: 'POST', body: sent }, adminKey, path)
    const calls = Promise.all(times(30, upload))
    const highest = await highestOf(() => patchbay.broker.bodies.requests.held(), calls)
    expect(highest).toBeGreaterThan(mebibyte)
    expect(highest).toBeLessThanOrEqual((heldBytes * 3) / 16)
    for (const { status, json } of await calls) expect([status, Number(json['body'])]).toEqual([200, sent.length])
    await nothingIsHeld()
  })
})
