import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { createPatience } from './patience.ts'

const toClose: (() => void)[] = []
afterEach(() => toClose.splice(0).forEach(close => close()))

const post = (path: string) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n`

/** Reads bodies, or leaves them; answers when one has ended. */
async function listening(read: (message: IncomingMessage) => void): Promise<{ open(text: string): Socket; closeSilent(): void }> {
  const patience = createPatience({ headersMs: 10_000, bodyMs: 300, bytesPerSecond: 100, lookMs: 50 })
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
