import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { bodyOf, call, egress, http, problem, tcp } from '../../test/support/upstream.ts'
import { headerOf, type OutgoingRequest } from '../core/request.ts'
import type { Answer } from './connect.ts'

describe('one call and its answer', () => {
  it('carries method, path, query, headers in order, and no others but ours', async () => {
    const seen: { method: string | undefined; url: string | undefined; raw: string[] }[] = []
    const { port } = await http((request, response) => {
      seen.push({ method: request.method, url: request.url, raw: request.rawHeaders })
      response.writeHead(418, ['X-One', '1', 'X-One', '2', 'X-Latin', 'caf\u00e9']).end('teapot')
    })
    const answer = await egress().send(
      call(`http://127.0.0.1:${port}/a%20b/?x=1&y=%2F`, { method: 'DELETE', headers: ['X-B', 'b', 'x-a', 'a'] }),
    )
    expect(seen).toEqual([
      {
        method: 'DELETE',
        url: '/a%20b/?x=1&y=%2F',
        raw: ['host', `127.0.0.1:${port}`, 'connection', 'keep-alive', 'X-B', 'b', 'x-a', 'a', 'accept-encoding', 'gzip, deflate, br'],
      },
    ])
    expect(answer.status).toBe(418)
    expect(answer.body.toString()).toBe('teapot')
    expect(answer.headers.slice(0, 6)).toEqual(['X-One', '1', 'X-One', '2', 'X-Latin', 'caf\u00e9'])
  })

  it('sends bytes, forms, multipart and streams with the right length', async () => {
    const seen: unknown[] = []
    const { port } = await http((request, response) => {
      void bodyOf(request).then(body => {
        seen.push([headerOf(request.rawHeaders, 'content-length'), headerOf(request.rawHeaders, 'transfer-encoding'), body])
        response.end()
      })
    })
    const url = `http://127.0.0.1:${port}/`
    const door = egress()
    const post = (body: OutgoingRequest['body'], headers: string[] = []) => door.send(call(url, { method: 'POST', headers, body }))
    await post({ kind: 'raw', bytes: Buffer.from('häh') }, ['content-length', '999', 'Transfer-Encoding', 'chunked', 'Connection', 'x-a'])
    await post({ kind: 'raw', bytes: Buffer.alloc(0) })
    await post(null)
    await post({ kind: 'form', fields: [['a', 'b c']] })
    await post({ kind: 'stream', stream: Readable.from([Buffer.from('ab'), Buffer.from('cd')]), length: 4 })
    await post({ kind: 'stream', stream: Readable.from([Buffer.from('ab'), Buffer.from('cd')]), length: null })
    await post({ kind: 'multipart', boundary: 'B', parts: [{ name: 'n', filename: null, contentType: null, bytes: Buffer.from('v') }] })
    expect(seen).toEqual([
      ['4', null, 'häh'],
      ['0', null, ''],
      ['0', null, ''],
      ['5', null, 'a=b%20c'].with(0, '7'),
      ['4', null, 'abcd'],
      [null, 'chunked', 'abcd'],
      [expect.any(String), null, '--B\r\nContent-Disposition: form-data; name="n"\r\n\r\nv\r\n--B--\r\n'],
    ])
  })

  it('returns redirects, and follows none', async () => {
    const evil = await http((_, response) => response.end('evil'))
    const { port } = await http((request, response) => {
      response
        .writeHead(Number(request.url?.slice(1)), {
          location: `http://127.0.0.1:${evil.port}/`,
          refresh: `0;url=http://127.0.0.1:${evil.port}/`,
        })
        .end()
    })
    const door = egress()
    for (const status of [301, 302, 303, 307, 308]) {
      const answer = await door.send(call(`http://127.0.0.1:${port}/${status}`, { headers: ['authorization', 'Bearer CANARY'] }))
      expect(answer.status).toBe(status)
      expect(headerOf(answer.headers, 'location')).toBe(`http://127.0.0.1:${evil.port}/`)
    }
    expect(evil.connections).toBe(0)
  })

  it('passes over 1xx and takes the answer after it', async () => {
    const { port } = await tcp(socket => {
      socket.on('data', () =>
        socket.end('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nok'),
      )
    })
    const answer = await egress().send(call(`http://127.0.0.1:${port}/`))
    expect([answer.status, answer.headers, answer.body.toString()]).toEqual([200, ['x-a', '1', 'content-length', '2'], 'ok'])
  })

  it('refuses a host header, a value that cannot be written, CONNECT, and a URL with a password', async () => {
    const upstream = await http((_, response) => response.end())
    const url = `http://127.0.0.1:${upstream.port}/`
    const door = egress()
    await problem(door.send(call(url, { headers: ['Host', 'evil.test'] })), 'header_not_allowed')
    const { message } = await problem(door.send(call(url, { headers: ['x-a', 'CANARY\r\nx-b: 1'] })), 'validation_failed')
    expect(message).not.toContain('CANARY')
    await problem(door.send(call(url, { method: 'CONNECT' })), 'validation_failed')
    await problem(door.send(call(`http://u:p@127.0.0.1:${upstream.port}/`)), 'invalid_url')
    expect(upstream.connections).toBe(0)
    expect((await door.send(call(url))).status).toBe(200)
  })

  it('reuses a connection, and opens a new one when it has become too old', async () => {
    const upstream = await http((_, response) => response.end('x'))
    const door = egress({ maxSocketAgeMs: 150 })
    const url = `http://127.0.0.1:${upstream.port}/`
    for (let i = 0; i < 10; i++) await door.send(call(url))
    expect(upstream.connections).toBe(1)
    // Never idle for long: it is age that counts, not silence.
    for (let i = 0; i < 10; i++) {
      await sleep(25)
      await door.send(call(url))
    }
    expect(upstream.connections).toBeGreaterThan(1)
    expect(upstream.connections).toBeLessThan(5)
    await expect.poll(() => upstream.sockets.size).toBeLessThan(2)
  })

  it('survives services that close after each answer', async () => {
    const upstream = await http((_, response) => response.writeHead(200, { connection: 'close' }).end('x'))
    const door = egress({ perOrigin: 2 })
    const all = await Promise.all(Array.from({ length: 20 }, () => door.send(call(`http://127.0.0.1:${upstream.port}/`))))
    expect(all.map(one => one.body.toString()).join('')).toBe('x'.repeat(20))
    expect(upstream.connections).toBe(20)
  })
})

describe('time', () => {
  it.each([
    ['the head', ''],
    ['the body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n123'],
  ])('a service that stalls before the end of %s is given up at the deadline', async (_, bytes) => {
    const upstream = await tcp(socket => socket.once('data', () => bytes && socket.write(bytes)))
    const started = performance.now()
    const { facts } = await problem(egress().send(call(`http://127.0.0.1:${upstream.port}/`), { deadlineMs: 150 }), 'upstream_timeout')
    expect(performance.now() - started).toBeLessThan(400)
    expect(facts).toMatchObject({ host: `127.0.0.1:${upstream.port}`, seconds: 0.15, sent: true })
    await expect.poll(() => upstream.sockets.size).toBe(0)
  })

  it('a drip of bytes does not put the deadline off', async () => {
    const { port } = await http((_, response) => {
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const started = performance.now()
    await problem(egress().send(call(`http://127.0.0.1:${port}/`), { deadlineMs: 200 }), 'upstream_timeout')
    expect(performance.now() - started).toBeLessThan(500)
  })

  it('counts while a call waits for a connection, and leaves the one in use alone', async () => {
    const held: ServerResponse[] = []
    const upstream = await http((_, response) => void held.push(response))
    const door = egress({ perOrigin: 1, queuePerOrigin: 1 })
    const url = `http://127.0.0.1:${upstream.port}/`
    const first = door.send(call(url))
    await expect.poll(() => held.length).toBe(1)
    const started = performance.now()
    const { facts } = await problem(door.send(call(url), { deadlineMs: 100 }), 'upstream_timeout')
    expect(performance.now() - started).toBeLessThan(300)
    expect(facts.sent).toBe(false)
    // The waiting one was taken out of the queue: the service never hears of it, and the connection is the same.
    // Its place is free as well.
    const third = door.send(call(url))
    await problem(door.send(call(url)), 'upstream_saturated')
    held[0]?.end('first')
    expect((await first).body.toString()).toBe('first')
    await expect.poll(() => held.length).toBe(2)
    held[1]?.end('third')
    expect((await third).body.toString()).toBe('third')
    expect(upstream.connections).toBe(1)
  })

  it('counts while connecting; the connection serves the next call', async () => {
    let requests = 0
    const upstream = await http((_, response) => {
      requests++
      response.end('x')
    })
    let answer: ((list: Answer[]) => void) | undefined
    const door = egress({ resolve: () => new Promise(done => (answer = done)), perOrigin: 1 })
    const { facts } = await problem(door.send(call('http://api.good.test/'), { deadlineMs: 50 }), 'upstream_timeout')
    expect(facts.sent).toBe(false)
    const next = door.send(call('http://api.good.test/'))
    answer?.([{ address: '127.0.0.1', port: upstream.port }])
    expect((await next).body.toString()).toBe('x')
    expect([upstream.connections, requests]).toEqual([1, 1])
  })

  it('ends when the caller gives up', async () => {
    const upstream = await tcp(() => {})
    let giveUp = () => {}
    const pending = egress().send(call(`http://127.0.0.1:${upstream.port}/`), { onStart: cancel => (giveUp = cancel) })
    await expect.poll(() => upstream.sockets.size).toBe(1)
    giveUp()
    expect((await problem(pending, 'upstream_unreachable')).facts.reason).toBe('aborted')
    await expect.poll(() => upstream.sockets.size).toBe(0)
    const early = egress().send(call('http://127.0.0.1:1/'), { onStart: cancel => cancel() })
    expect((await problem(early, 'upstream_unreachable')).facts.reason).toBe('aborted')
  })
})

describe('too many calls to one service', () => {
  it('are turned away, and the ones before are served in order on the connections there are', async () => {
    const held: { url: string | undefined; response: ServerResponse }[] = []
    const upstream = await http((request, response) => void held.push({ url: request.url, response }))
    const healthy = await http((_, response) => response.end('fine'))
    const door = egress({ perOrigin: 2, queuePerOrigin: 3 })
    const pending = [0, 1, 2, 3, 4].map(n => door.send(call(`http://127.0.0.1:${upstream.port}/${n}`)))
    const { facts } = await problem(door.send(call(`http://127.0.0.1:${upstream.port}/5`)), 'upstream_saturated')
    expect(facts).toEqual({ host: `127.0.0.1:${upstream.port}`, retry_after: 1 })
    expect((await door.send(call(`http://127.0.0.1:${healthy.port}/`))).body.toString()).toBe('fine')
    for (let n = 0; n < 5; n++) {
      await expect.poll(() => held.length).toBeGreaterThan(n)
      held[n]?.response.end(held[n]?.url)
    }
    expect((await Promise.all(pending)).map(one => one.body.toString())).toEqual(['/0', '/1', '/2', '/3', '/4'])
    expect(held.map(one => one.url).slice(2)).toEqual(['/2', '/3', '/4'])
    expect(upstream.connections).toBe(2)
  })

  it('and a broken connection does not hold up those who wait', async () => {
    let seen = 0
    const { port } = await tcp(socket =>
      socket.on('data', () => (seen++ < 3 ? socket.destroy() : socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))),
    )
    const door = egress({ perOrigin: 1 })
    const all = await Promise.allSettled([1, 2, 3, 4, 5].map(() => door.send(call(`http://127.0.0.1:${port}/`))))
    expect(all.map(one => one.status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled', 'fulfilled'])
  })

  it('close() ends those who wait and those under way', async () => {
    const upstream = await tcp(() => {})
    const door = egress({ perOrigin: 1 })
    const pending = [1, 2, 3].map(() => problem(door.send(call(`http://127.0.0.1:${upstream.port}/`)), 'shutting_down'))
    await expect.poll(() => upstream.sockets.size).toBe(1)
    await door.close()
    await Promise.all(pending)
    await problem(door.send(call(`http://127.0.0.1:${upstream.port}/`)), 'shutting_down')
    await expect.poll(() => upstream.sockets.size).toBe(0)
  })
})

describe('the size of an answer', () => {
  const kibibyte = 1024
  const serve = (body: Buffer, headers: Record<string, string> = {}) =>
    http((_, response) => {
      response.writeHead(200, headers)
      response.end(body)
    })

  it('is cut off at the cap, announced or not', async () => {
    const announced = await serve(Buffer.alloc(100 * kibibyte), { 'content-length': String(100 * kibibyte) })
    const chunked = await serve(Buffer.alloc(100 * kibibyte), { 'transfer-encoding': 'chunked' })
    const endless = await http((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * kibibyte))) continue
      }
      response.on('drain', more)
      more()
    })
    const door = egress()
    for (const { port, sockets } of [announced, chunked, endless]) {
      const { facts } = await problem(
        door.send(call(`http://127.0.0.1:${port}/`), { maxResponseBytes: 100 * kibibyte - 1 }),
        'response_too_large',
      )
      expect(facts).toMatchObject({ host: `127.0.0.1:${port}`, limit: 100 * kibibyte - 1 })
      await expect.poll(() => sockets.size).toBe(0)
    }
    expect((await door.send(call(`http://127.0.0.1:${announced.port}/`), { maxResponseBytes: 100 * kibibyte })).body.length).toBe(
      100 * kibibyte,
    )
  })

  it('does not count what HEAD announces', async () => {
    const { port } = await http((_, response) =>
      response.writeHead(200, { 'content-length': '999999999', 'content-encoding': 'gzip' }).end(),
    )
    const answer = await egress().send(call(`http://127.0.0.1:${port}/`, { method: 'HEAD' }))
    expect([answer.body.length, headerOf(answer.headers, 'content-encoding')]).toEqual([0, 'gzip'])
  })

  const text = 'patchbay '.repeat(1000)
  it.each([
    ['gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
    ['gzip, identity', gzipSync(text)],
  ])('%s is undone', async (coding, bytes) => {
    const { port } = await serve(bytes, { 'Content-Encoding': coding, 'Content-Length': String(bytes.length), etag: '"x"' })
    const answer = await egress().send(call(`http://127.0.0.1:${port}/`))
    expect(answer.body.toString()).toBe(text)
    expect(headerOf(answer.headers, 'etag')).toBe('"x"')
    if (coding !== 'identity') expect(answer.headers.filter(name => /^content-(encoding|length)$/i.test(name))).toEqual([])
  })

  it.each([
    ['several codings', 'gzip, gzip', gzipSync(gzipSync(text))],
    ['an unknown coding', 'zstd', Buffer.from(text)],
    ['a coding named like a method', 'constructor', Buffer.from(text)],
    ['bytes that are not what the header says', 'gzip', Buffer.from(text)],
    ['a gzip that ends too early', 'gzip', gzipSync(text).subarray(0, 30)],
  ])('%s is no usable answer', async (_, coding, bytes) => {
    const { port } = await serve(bytes, { 'content-encoding': coding })
    const { facts } = await problem(egress().send(call(`http://127.0.0.1:${port}/`)), 'upstream_unreachable')
    expect(facts.reason).toBe('content_encoding')
  })

  it('a bomb of 200 MiB is stopped without being unpacked', async () => {
    const door = egress()
    for (const bomb of [gzipSync(Buffer.alloc(200 * 1024 * kibibyte)), brotliCompressSync(Buffer.alloc(200 * 1024 * kibibyte))]) {
      const { port } = await serve(bomb, { 'content-encoding': bomb[0] === 0x1f ? 'gzip' : 'br' })
      const before = process.memoryUsage().rss
      await problem(door.send(call(`http://127.0.0.1:${port}/`)), 'response_too_large')
      expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * kibibyte)
    }
  })

  it('beyond a mebibyte no answer may be a hundred times its wire size, below any', async () => {
    const small = await serve(gzipSync(Buffer.alloc(1024 * kibibyte)), { 'content-encoding': 'gzip' })
    const large = await serve(gzipSync(Buffer.alloc(1200 * kibibyte)), { 'content-encoding': 'gzip' })
    const door = egress()
    expect((await door.send(call(`http://127.0.0.1:${small.port}/`))).body.length).toBe(1024 * kibibyte)
    await problem(door.send(call(`http://127.0.0.1:${large.port}/`)), 'response_too_large')
  })

  it('has a cap of its own once decoded', async () => {
    const { port } = await serve(gzipSync(text), { 'content-encoding': 'gzip' })
    await problem(egress().send(call(`http://127.0.0.1:${port}/`), { maxDecodedBytes: text.length - 1 }), 'response_too_large')
    expect((await egress().send(call(`http://127.0.0.1:${port}/`), { maxDecodedBytes: text.length })).body.length).toBe(text.length)
  })
})
