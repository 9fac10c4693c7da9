import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { ports, type Received, type Taken } from './contract.ts'

/** `::ffff:10.0.0.1` is how a socket for both families names `10.0.0.1`. */
const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:(?=\d+\.)/, '')

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { socket, method = '', url = '', rawHeaders, headers } = request
  return {
    address: plain(socket.localAddress),
    port: socket.localPort ?? 0,
    host: headers.host ?? '',
    method,
    path: url,
    text: `${method} ${url}\n${rawHeaders.join('\n')}\n\n${Buffer.concat(chunks).toString()}`,
  }
}

export interface Stubs {
  begin(script: Readonly<Record<string, string>>, continued: boolean): void
  /** What happened since; first waits until everything that was connected before has been accepted. */
  seen(): Promise<{ taken: Taken[]; received: Received[] }>
}

/** Servers that listen on every address there is, count every connection before a byte of it is read, and keep what is asked. */
export async function startStubs(certificate: { readonly key: string; readonly cert: string }): Promise<Stubs> {
  let taken: Taken[] = []
  let received: Received[] = []
  let script: Readonly<Record<string, string>> = {}
  const answer: RequestListener = (request, response) => {
    void read(request).then(one => {
      received.push(one)
      const scripted = script[one.path.replace(/\?.*$/, '')]
      if (scripted === undefined) response.setHeader('content-type', 'application/json').end(JSON.stringify({ address: one.address }))
      // Node's server knows nothing of these bytes, so nothing can follow them
      else request.socket.end(scripted)
    })
  }
  const secure = createTlsServer(certificate, answer)
  const open = createServer(answer)
  const behind: readonly (readonly [port: number, take: (socket: Socket) => void])[] = [
    [ports.tls, socket => secure.emit('connection', socket)],
    [ports.plain, socket => open.emit('connection', socket)],
    [ports.other, socket => secure.emit('connection', socket)],
    [ports.database, socket => socket.resume()],
  ]
  /** Where our own connections come from: see `fence`. */
  const fenceAddress = '127.0.0.2'
  const fences = new Map<number, () => void>()
  for (const [port, take] of behind) {
    const server = createTcpServer(socket => {
      socket.on('error', () => {})
      if (plain(socket.remoteAddress) === fenceAddress) {
        socket.destroy()
        return fences.get(port)?.()
      }
      taken.push({ address: plain(socket.localAddress), port })
      take(socket)
    })
    await new Promise<void>(done => server.listen(port, '::', done))
  }

  /** Connections are accepted in the order in which they were made: when ours has been, all earlier ones have. */
  const fence = (port: number) =>
    new Promise<void>((done, failed) => {
      fences.set(port, done)
      const socket = connect({ host: '127.0.0.1', port, localAddress: fenceAddress })
      socket
        .once('error', failed)
        .once('close', () => socket.off('error', failed))
        .resume()
    })

  return {
    begin(next, continued) {
      script = next
      if (continued) return
      taken = []
      received = []
    },
    async seen() {
      await Promise.all(behind.map(([port]) => fence(port)))
      return { taken, received }
    },
  }
}
