import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { createPatience, usualPatience, type PatienceOptions } from './patience.ts'

const toClose: (() => void)[] = []
afterEach(() => toClose.splice(0).forEach(close => close()))

const post = (path: string) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n`

/** Reads bodies, or leaves them; answers when one has ended. */
async function listening(read: (message: IncomingMessage) => void): Promise<{ open(text: string): Socket; closeSilent(): void }> {
  const patience = createPatience({ ...usualPatience, bodyMs: 300, bytesPerSecond: 100, lookMs: 50 })
  const server = createServer((message, response) => {
    patience.begun(response)
    read(message)
    message.on('end', () => response.end())
  })
  patience.watch(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  toClose.push(() => (patience.end(), server.closeAllConnections(), server.close()))
  const { port } = server.address() as AddressInfo
  return {
    closeSilent: patience.closeSilent,
    open(text) {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.write(text)
      toClose.push(() => socket.destroy())
      return socket
    },
  }
}

/** What came until the end; null when it is still open after `ms`. */
async function endOf(socket: Socket, ms: number): Promise<string | null> {
  let text = ''
  socket.on('data', chunk => (text += String(chunk)))
  return Promise.race([once(socket, 'close').then(() => text), delay(ms, null)])
}

it('who begins a body and says nothing more is told so and cut', async () => {
  const { open } = await listening(message => message.resume())
  expect(await endOf(open(post('/api')), 5_000)).toMatch(/^HTTP\/1\.1 408 /)
})

it('who drips a body is cut as well, but through the proxy, which passes on what comes', async () => {
  const { open } = await listening(message => message.resume())
  const dripping = (path: string) => {
    const socket = open(post(path))
    const timer = setInterval(() => socket.writable && socket.write('x'), 40)
    toClose.push(() => clearInterval(timer))
    return socket
  }
  const proxied = endOf(dripping('/proxy/a/https/b/c'), 1_500)
  // 25 bytes a second at 100: it gains a quarter of the time that passes
  expect(await endOf(dripping('/api'), 5_000)).toMatch(/^HTTP\/1\.1 408 /)
  expect(await proxied).toBeNull()
})

it('who sends quickly enough, and whose body waits for us, is left alone', async () => {
  const { open } = await listening(message => message.url === '/read' && message.resume())
  const unread = open(post('/unread') + 'x'.repeat(70_000))
  const quick = open(post('/read'))
  const timer = setInterval(() => quick.write('x'.repeat(50)), 40)
  toClose.push(() => clearInterval(timer))
  expect(await Promise.all([endOf(unread, 1_200), endOf(quick, 1_200)])).toEqual([null, null])
})

it('a connection over which nothing came is closed when that is asked for, and no other', async () => {
  const { open, closeSilent } = await listening(message => message.resume())
  const silent = open('')
  const begun = open('POST /api HTTP/1.1\r\n')
  await delay(100)
  closeSilent()
  expect(await endOf(silent, 2_000)).toBe('')
  expect(await endOf(begun, 100)).toBeNull()
})

const mebibyte = 1024 * 1024
const answerBytes = 10 * mebibyte

/** Answers everybody with 10 MiB at once, of which the kernel takes a few, after `waitMs`. */
async function answering(options: Partial<PatienceOptions>, waitMs = 0, bytes = answerBytes) {
  const patience = createPatience({ ...usualPatience, lookMs: 50, ...options })
  const open = new Set<object>()
  const begun: object[] = []
  const server = createServer((message, response) => {
    patience.begun(response)
    open.add(response)
    begun.push(response)
    response.once('close', () => open.delete(response))
    setTimeout(() => response.end(Buffer.alloc(bytes)), waitMs)
    message.resume()
  })
  patience.watch(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  toClose.push(() => (patience.end(), server.closeAllConnections(), server.close()))
  const { port } = server.address() as AddressInfo
  return {
    open,
    begun,
    ask() {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.pause().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      toClose.push(() => socket.destroy())
      return socket
    },
  }
}

/** How much comes when as much is read as there is, with pauses. */
async function readWhole(socket: Socket, pauseMs: number, bytes = answerBytes): Promise<number> {
  let came = 0
  for (const until = performance.now() + 15_000; came < bytes && !socket.destroyed && performance.now() < until; await delay(pauseMs))
    came += ((socket.read() as Buffer | null) ?? '').length
  return came
}

it('who reads nothing of an answer is cut long before the time that its size is given, and who reads slowly gets it whole', async () => {
  const { ask, open, begun } = await answering({ unreadMs: 1_000, unreadBytesPerSecond: mebibyte / 4 })
  const slow = readWhole(ask(), 10)
  await vi.waitFor(() => expect(begun).toHaveLength(1), 2_000)
  ask()
  await vi.waitFor(() => expect(begun).toHaveLength(2), 2_000)
  await vi.waitFor(() => expect(open.has(begun[1] ?? {})).toBe(false), 8_000)
  expect(await slow).toBeGreaterThan(answerBytes)
})

it('who reads too slowly is given no more than the time that the size allows', async () => {
  const { ask, open } = await answering({ unreadMs: 600, unreadBytesPerSecond: 400 * mebibyte }, 0, 4 * answerBytes)
  const came = readWhole(ask(), 5, 4 * answerBytes)
  await vi.waitFor(() => expect(open.size).toBe(1), 2_000)
  await vi.waitFor(() => expect(open.size).toBe(0), 8_000)
  expect(await came).toBeLessThan(4 * answerBytes)
})

it('when too much waits to be read those that wait longest are cut, as many as it takes', async () => {
  const { ask, open, begun } = await answering({ unreadBytes: 2.5 * answerBytes, pressedMs: 200 })
  ask()
  await vi.waitFor(() => expect(begun).toHaveLength(1), 2_000)
  await delay(200)
  ask()
  ask()
  await vi.waitFor(() => expect(begun).toHaveLength(3), 2_000)
  await vi.waitFor(() => expect(open.size).toBe(2), 5_000)
  expect(open.has(begun[0] ?? {})).toBe(false)
  await delay(400)
  expect(open.size).toBe(2)
})

it('who waits for an answer that takes its time is not meant', async () => {
  const { ask } = await answering({ unreadMs: 200 }, 1_000)
  expect(await readWhole(ask(), 5)).toBeGreaterThan(answerBytes)
})
