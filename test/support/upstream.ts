import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, expect } from 'vitest'
import { Problem, type ProblemCode } from '../../src/core/problem.ts'
import type { OutgoingRequest } from '../../src/core/request.ts'
import { parseExceptions } from '../../src/egress/addresses.ts'
import type { Answer } from '../../src/egress/connect.ts'
import { createEgress, type Egress, type EgressOptions } from '../../src/egress/send.ts'

/** Run after each test, last first. */
export const toClose: (() => unknown)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close()
})

export interface Upstream {
  readonly port: number
  readonly sockets: Set<Socket>
  connections: number
  bytes: number
}

/** Counts connections and every byte that arrives on them, before HTTP or TLS sees one. */
export async function listening(server: Server, host = '127.0.0.1'): Promise<Upstream> {
  const upstream = { port: 0, sockets: new Set<Socket>(), connections: 0, bytes: 0 }
  server.prependListener('connection', (socket: Socket) => {
    upstream.connections++
    upstream.sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      upstream.bytes += socket.bytesRead
      upstream.sockets.delete(socket)
    })
  })
  await new Promise<void>(done => server.listen(0, host, done))
  toClose.push(() => {
    for (const socket of upstream.sockets) socket.destroy()
    return new Promise(done => server.close(done))
  })
  return Object.assign(upstream, { port: (server.address() as AddressInfo).port })
}

export const http = (listener: RequestListener) => listening(createServer(listener))
/** Reads whatever comes, so that bytes are counted and an end is noticed. */
export const tcp = (onConnection: (socket: Socket) => void, host?: string) =>
  listening(
    createTcpServer(socket => onConnection(socket.resume())),
    host,
  )

export function egress(options: Partial<EgressOptions> = {}): Egress {
  const one = createEgress({
    allowPrivateAddresses: parseExceptions('127.0.0.1/32'),
    allowInsecureHttp: ['127.0.0.1', 'api.good.test'],
    ...options,
  })
  toClose.push(() => one.close())
  return one
}

export const call = (url: string, rest: Partial<Omit<OutgoingRequest, 'url'>> = {}): OutgoingRequest => ({
  method: 'GET',
  url: new URL(url),
  headers: [],
  body: null,
  ...rest,
})

export async function problem(promise: Promise<unknown>, code: ProblemCode): Promise<Problem> {
  const error: unknown = await promise.then(
    () => new Error('it was answered'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Problem)
  expect(error).toMatchObject({ code })
  return error as Problem
}

export const answers =
  (...list: Answer[]) =>
  () =>
    Promise.resolve(list)

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
