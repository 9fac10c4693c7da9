import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'
import { keyDefinition, must, practiceHost, until } from '../support/practice-services.ts'
import { ask, headOf, open, problemOf, received, refusedWith, type Asked } from '../support/raw-http.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'

const mebibyte = 1024 * 1024

/** How much of `bytes` passes while the other side does not read: it stops moving when every buffer on the way is full. */
async function standsStill(count: () => number): Promise<number> {
  for (let before = -1; ; await delay(300)) {
    const now = count()
    if (now > 0 && now === before) return now
    before = now
  }
}

describe.each(['pglite', 'postgres'] as const)('U-2 the proxy streams [%s]', database => {
  let patchbay: TestPatchbay
  let up: ScriptedUpstream
  const via = (path: string, asked?: Asked) => ask(patchbay.base, `/proxy/header/http/${up.host}${path}`, asked)
  const toPractice = (connection: string, path: string) => `/proxy/${connection}/http/${practiceHost(patchbay)}${path}`

  beforeAll(async () => {
    up = await startScriptedUpstream()
    patchbay = await startPatchbay({ database, settings: settingsFor(up) })
    const api_hosts = [practiceHost(patchbay), up.host]
    must(await patchbay.admin('POST', '/api/v1/services', keyDefinition(patchbay, 'key', { api_hosts })), 201)
    const credentials = { 'X-Api-Key': 'practice-key' }
    must(await patchbay.admin('POST', '/api/v1/connections', { service: 'key', name: 'header', link_name: 'header', credentials }), 201)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
  })

  it('64 MiB pass up and down, unchanged, in little memory', async () => {
    const block = randomBytes(mebibyte)
    async function upAndDown(size: number): Promise<void> {
      const call = open(patchbay.base, toPractice('header', '/key/upload'), { method: 'PUT', headers: { 'content-length': size } })
      const head = headOf(call)
      const hash = createHash('sha256')
      for (let sent = 0; sent < size; sent += block.length) {
        hash.update(block)
        if (!call.write(block)) await new Promise(resolve => call.once('drain', resolve))
      }
      call.end()
      expect((await received(await head)).json).toMatchObject({ bytes: size, sha256: hash.digest('hex'), via: 'key' })

      const download = await headOf(open(patchbay.base, toPractice('header', `/key/bytes?n=${size}`), {}).end())
      expect(download.headers['content-length']).toBe(String(size))
      let arrived = 0
      for await (const piece of download as AsyncIterable<Buffer>) {
        arrived += piece.length
        if (piece[0] !== 0x78 || piece.at(-1) !== 0x78) throw new Error('the bytes changed on their way')
      }
      expect(arrived).toBe(size)
    }
    await upAndDown(16 * mebibyte) // what a process needs once, it has afterwards
    const rss = () => process.memoryUsage().rss
    const before = rss()
    let highest = before
    const watch = setInterval(() => (highest = Math.max(highest, rss())), 20)
    await upAndDown(64 * mebibyte).finally(() => clearInterval(watch))
    expect((highest - before) / mebibyte).toBeLessThan(64)
  })

  it('who reads slowly makes the service wait', async () => {
    const size = 256 * mebibyte
    let written = 0
    let closed = false
    up.onHead('/flood', (_, response) => {
      response.writeHead(200, { 'content-length': size }).on('close', () => (closed = true))
      const block = Buffer.alloc(256 * 1024)
      const more = () => {
        while (written < size && !response.destroyed) {
          written += block.length
          if (!response.write(block)) return
        }
      }
      response.on('drain', more)
      more()
    })
    const call = open(patchbay.base, `/proxy/header/http/${up.host}/flood`, {}).end()
    const response = await headOf(call)
    expect(await standsStill(() => written)).toBeLessThan(size / 4)
    call.on('error', () => {})
    response.destroy()
    await until(() => Promise.resolve(closed), Boolean)
  })

  it('a service that reads slowly makes the caller wait', async () => {
    let aborted = false
    let reads = () => {}
    up.onHead('/lazy', request => {
      request.pause()
      request.on('aborted', () => (aborted = true)).on('error', () => {})
      reads = () => request.resume()
    })
    const size = 256 * mebibyte
    const call = open(patchbay.base, `/proxy/header/http/${up.host}/lazy`, { method: 'POST', headers: { 'content-length': size } })
    call.on('error', () => {})
    const block = Buffer.alloc(256 * 1024)
    let written = 0
    const more = () => {
      while (written < size && !call.destroyed) {
        written += block.length
        if (!call.write(block)) return
      }
    }
    call.on('drain', more)
    more()
    expect(await standsStill(() => written)).toBeLessThan(size / 4)
    call.destroy()
    reads() // whoever reads nothing hears of no end
    await until(() => Promise.resolve(aborted), Boolean)
  })

  it('an answer that comes before the body has been sent arrives before it', async () => {
    up.onHead('/early', (_, response) =>
      response.writeHead(403, { 'content-type': 'text/plain', connection: 'close' }).end('no need to go on'),
    )
    const call = open(patchbay.base, `/proxy/header/http/${up.host}/early`, { method: 'POST' })
    call.on('error', () => {})
    call.write('the beginning')
    const answer = await received(await headOf(call))
    expect([answer.status, answer.body.toString(), answer.headers['patchbay-problem']]).toEqual([403, 'no need to go on', undefined])
    call.destroy()
  })

  it('and does so while the caller sends as fast as it can', async () => {
    up.onHead('/early', (request, response) => {
      response.writeHead(403, { 'content-type': 'text/plain' }).end('x'.repeat(mebibyte))
      request.on('error', () => {}).resume() // it goes on reading: a reset would take its own answer along
    })
    for (let i = 0; i < 5; i++) {
      const answer = await via('/early', { method: 'POST', body: Buffer.alloc(32 * mebibyte) })
      expect([answer.status, answer.body.length]).toEqual([403, mebibyte])
    }
  })

  it('pieces arrive as they come: nobody waits for the end', async () => {
    let finish = () => {}
    up.on('/events', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      finish = () => response.end('data: 2\n\n')
    })
    const response = await headOf(open(patchbay.base, `/proxy/header/http/${up.host}/events`, {}).end())
    const pieces = (response as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
    expect(String((await pieces.next()).value)).toBe('data: 1\n\n')
    finish()
    expect(String((await pieces.next()).value)).toBe('data: 2\n\n')
    expect((await pieces.next()).done).toBe(true)
  })

  it('a caller who leaves takes the call along, while waiting, reading and sending', async () => {
    const left: string[] = []
    for (const name of ['waiting', 'reading', 'sending'])
      up.onHead(`/${name}`, (request, response) => {
        if (name === 'reading') response.writeHead(200).write('x')
        request.on('error', () => {})
        if (name === 'sending') request.resume()
        response.on('close', () => left.push(name))
      })
    for (const name of ['waiting', 'reading', 'sending']) {
      const call = open(patchbay.base, `/proxy/header/http/${up.host}/${name}`, { method: name === 'sending' ? 'POST' : 'GET' })
      call.on('error', () => {})
      if (name === 'sending') call.write('x')
      else call.end()
      if (name === 'reading') await headOf(call)
      await until(
        () => Promise.resolve(up.arrived),
        arrived => arrived.some(one => one.target === `/${name}`),
      )
      call.destroy()
      await until(
        () => Promise.resolve(left),
        names => names.includes(name),
      )
    }
  })

  it('a caller who leaves as the body begins, or whose body cannot be read, is no fault of anybody else', async () => {
    // the runner's own listeners would fail the file, and not say which test it was
    const others = process.listeners('uncaughtException')
    const uncaught: unknown[] = []
    const note = (error: unknown) => void uncaught.push(error)
    process.removeAllListeners('uncaughtException').on('uncaughtException', note)
    up.on('/nothing', (_, response) => void response.end('{}'))
    const { hostname, port } = new URL(patchbay.base)
    const head = [
      `POST /proxy/header/http/${up.host}/nothing HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      `Authorization: Bearer ${adminKey}`,
      'Transfer-Encoding: chunked',
    ]
    try {
      for (const rest of ['', 'no length\r\n', '5\r\nhello\r\n', '5\r\nhello\r\nno length\r\n']) {
        const sockets = Array.from({ length: 4 }, (_, n) => {
          const socket = connect(Number(port), hostname).on('error', () => {})
          socket.write(`${head.join('\r\n')}\r\n\r\n${rest}`, () => setTimeout(() => socket.resetAndDestroy(), 5 * n))
          return once(socket, 'close')
        })
        await Promise.all(sockets)
      }
      await until(
        async () => patchbay.broker.admission.underWay(),
        count => count === 0,
      )
      expect((await via('/nothing')).status).toBe(200)
      expect(uncaught).toEqual([])
    } finally {
      process.off('uncaughtException', note)
      for (const other of others) process.on('uncaughtException', other)
    }
  })

  it('an answer that is cut arrives cut, not as a whole one that is shorter', async () => {
    for (const headers of [{ 'content-length': 100 }, {}]) {
      up.on('/cut', (_, response) => {
        response.writeHead(200, headers)
        response.write('the beginning', () => setTimeout(() => response.destroy(), 50))
      })
      const response = await headOf(open(patchbay.base, `/proxy/header/http/${up.host}/cut`, {}).end())
      expect(response.statusCode).toBe(200)
      await expect(received(response)).rejects.toThrow(/aborted|ECONNRESET/)
    }
  })
})

describe.each(['pglite', 'postgres'] as const)('U-2 the limits of the proxy [%s]', database => {
  let patchbay: TestPatchbay
  let up: ScriptedUpstream
  beforeAll(async () => {
    up = await startScriptedUpstream()
    const settings = { ...settingsFor(up), PATCHBAY_PROXY_MAX_BYTES: String(mebibyte), PATCHBAY_PROXY_MAX_SECONDS: '2' }
    patchbay = await startPatchbay({ database, settings })
    must(await patchbay.admin('POST', '/api/v1/services', keyDefinition(patchbay, 'key', { api_hosts: [up.host] })), 201)
    const credentials = { 'X-Api-Key': 'practice-key' }
    must(await patchbay.admin('POST', '/api/v1/connections', { service: 'key', name: 'key', link_name: 'key', credentials }), 201)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
  })
  const via = (path: string, asked?: Asked) => ask(patchbay.base, `/proxy/key/http/${up.host}${path}`, asked)

  it('PROXY_MAX_BYTES holds for what is sent, announced or not', async () => {
    expect((await via('/up', { method: 'PUT', body: Buffer.alloc(mebibyte) })).status).toBe(200)
    expect(up.last('/up').body.length).toBe(mebibyte)
    const before = up.arrived.length
    expect(problemOf(await via('/up', { method: 'PUT', body: Buffer.alloc(mebibyte + 1) }))).toBe(refusedWith(413, 'request_too_large'))
    expect(problemOf(await via('/up', { method: 'PUT', chunks: [Buffer.alloc(mebibyte), 'x'] }))).toBe(
      refusedWith(413, 'request_too_large'),
    )
    expect(up.arrived.length).toBe(before)
  })

  it('PROXY_MAX_BYTES holds for what comes back: the answer is cut', async () => {
    up.on('/down', (request, response) => response.writeHead(200).end(Buffer.alloc(Number(request.url?.split('=')[1]))))
    expect((await via(`/down?n=${mebibyte}`)).body.length).toBe(mebibyte)
    await expect(via(`/down?n=${mebibyte + 1}`)).rejects.toThrow(/aborted|ECONNRESET/)
  })

  it('PROXY_MAX_SECONDS ends a call that goes on and on', async () => {
    up.on('/endless', (_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 50)
      response.on('close', () => clearInterval(timer))
    })
    const started = performance.now()
    await expect(via('/endless')).rejects.toThrow(/aborted|ECONNRESET/)
    expect(performance.now() - started).toBeLessThan(10_000)
    up.onHead('/silent', () => {})
    expect(problemOf(await via('/silent'))).toBe(refusedWith(504, 'upstream_timeout'))
  })
})
