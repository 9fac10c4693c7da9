import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { call, egress, http, tcp } from '../../test/support/upstream.ts'
import type { Problem } from '../core/problem.ts'
import type { Receiver, StreamLimits } from './bounds.ts'

describe('answers passed on as they come', () => {
  const limits: StreamLimits = { firstByteMs: 1_000, idleMs: 1_000, maxSeconds: 60, maxBytes: 2 ** 30 }

  /** Collects, and pauses where told to. */
  function receive(pauseAfter = Infinity) {
    const got = {
      status: 0,
      headers: [] as readonly string[],
      chunks: [] as Buffer[],
      bytes: 0,
      ended: false,
      problem: null as Problem | null,
    }
    let finish: () => void = () => {}
    const done = new Promise<void>(resolve => (finish = resolve))
    const receiver: Receiver = {
      onHead: (status, headers) => void Object.assign(got, { status, headers }),
      onData(chunk) {
        got.chunks.push(chunk)
        got.bytes += chunk.length
        return got.bytes < pauseAfter
      },
      onEnd() {
        got.ended = true
        finish()
      },
      onError(problem) {
        got.problem = problem
        finish()
      },
    }
    return { got, done, receiver }
  }

  it('are not decoded, and ask for nothing the caller did not ask for', async () => {
    const packed = gzipSync('hello')
    let asked: string | undefined = ''
    const { port } = await http((request, response) => {
      asked = request.headers['accept-encoding']
      response.writeHead(200, ['Content-Encoding', 'gzip']).end(packed)
    })
    const { got, done, receiver } = receive()
    egress().stream(call(`http://127.0.0.1:${port}/`), limits, receiver)
    expect(got.status).toBe(0)
    await done
    expect(got).toMatchObject({ status: 200, ended: true, problem: null })
    expect(got.headers.slice(0, 2)).toEqual(['Content-Encoding', 'gzip'])
    expect(Buffer.concat(got.chunks)).toEqual(packed)
    expect(asked).toBeUndefined()
  })

  it('wait while the receiver is paused: little is taken from the service meanwhile', async () => {
    let written = 0
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const total = 1024 * chunk.length
    const { port } = await http((_, response) => {
      const more = () => {
        while (written < total) {
          written += chunk.length
          if (!response.write(chunk)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    })
    const { got, done, receiver } = receive(1)
    const handle = egress().stream(call(`http://127.0.0.1:${port}/`), { ...limits, idleMs: 100 }, receiver)
    await expect.poll(() => got.bytes).toBeGreaterThan(0)
    await sleep(300)
    expect(got.chunks.length).toBe(1)
    expect(written).toBeLessThan(total / 4)
    expect(got.problem).toBeNull()
    const resuming = setInterval(() => handle.resume(), 0)
    await done
    clearInterval(resuming)
    expect(got).toMatchObject({ ended: true, bytes: total, problem: null })
  })

  it('stop at the head when the receiver says so', async () => {
    const { port } = await http((_, response) => response.end('body'))
    const { got, done, receiver } = receive()
    const handle = egress().stream(call(`http://127.0.0.1:${port}/`), limits, {
      ...receiver,
      onHead(status, headers) {
        receiver.onHead(status, headers)
        return false
      },
    })
    await expect.poll(() => got.status).toBe(200)
    await sleep(50)
    expect(got).toMatchObject({ bytes: 0, ended: false })
    handle.resume()
    await done
    expect(got).toMatchObject({ bytes: 4, ended: true })
  })

  it('carry a body up, of unknown length too', async () => {
    const { port } = await http((request, response) => void request.pipe(response))
    const { got, done, receiver } = receive()
    const stream = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(10_000, 'y')))
    egress().stream(call(`http://127.0.0.1:${port}/`, { method: 'PUT', body: { kind: 'stream', stream, length: null } }), limits, receiver)
    await done
    expect(got).toMatchObject({ status: 200, bytes: 1_000_000, ended: true })
  })

  it('a long upload is not taken for a slow service', async () => {
    const { port } = await http((request, response) => void request.resume().on('end', () => response.end('got it')))
    const { got, done, receiver } = receive()
    const stream = Readable.from(
      (async function* () {
        for (let i = 0; i < 8; i++) {
          await sleep(150)
          yield Buffer.from('part')
        }
      })(),
    )
    egress().stream(
      call(`http://127.0.0.1:${port}/`, { method: 'PUT', body: { kind: 'stream', stream, length: 32 } }),
      { ...limits, firstByteMs: 800 },
      receiver,
    )
    await done
    expect(got).toMatchObject({ status: 200, ended: true, problem: null })
  })

  it.each([
    ['no first byte', { firstByteMs: 100 }, '', 'upstream_timeout'],
    ['silence in the middle', { idleMs: 100 }, 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123', 'upstream_timeout'],
    ['too long altogether', { maxSeconds: 0.1 }, 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123', 'upstream_timeout'],
    ['too many bytes', { maxBytes: 2 }, 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123', 'response_too_large'],
  ] as const)('%s ends them', async (_, limit, bytes, code) => {
    const upstream = await tcp(socket => socket.once('data', () => bytes && socket.write(bytes)))
    const { got, done, receiver } = receive()
    egress().stream(call(`http://127.0.0.1:${upstream.port}/`), { ...limits, ...limit }, receiver)
    await done
    expect(got.problem).toMatchObject({ code })
    expect(got.ended).toBe(false)
    await expect.poll(() => upstream.sockets.size).toBe(0)
  })

  it('an abort closes the connection, and nothing more is called', async () => {
    const upstream = await http((_, response) => void response.write('x'))
    const { got, receiver } = receive()
    const handle = egress().stream(call(`http://127.0.0.1:${upstream.port}/`), limits, receiver)
    await expect.poll(() => got.bytes).toBe(1)
    handle.abort()
    await expect.poll(() => upstream.sockets.size).toBe(0)
    expect(got).toMatchObject({ ended: false, problem: null })
  })

  it('refusals come through the receiver, after the handle was returned', async () => {
    const { got, done, receiver } = receive()
    egress().stream(call('http://evil.test/'), limits, receiver)
    expect(got.problem).toBeNull()
    await done
    expect(got.problem).toMatchObject({ code: 'destination_not_allowed' })
  })

  it('a service that breaks off in the middle is an error, not an end', async () => {
    const { port } = await tcp(socket => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123')))
    const { got, done, receiver } = receive()
    egress().stream(call(`http://127.0.0.1:${port}/`), limits, receiver)
    await done
    expect(got).toMatchObject({ bytes: 3, ended: false, problem: { code: 'upstream_unreachable' } })
  })
})
