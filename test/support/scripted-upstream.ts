import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A request as it arrived: nothing is decoded or put right. */
export interface Arrived {
  readonly method: string
  /** As it stood in the request line. */
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Says what is to be answered on one path; without `body` the handler writes the response itself. */
type Respond = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

export interface ScriptedUpstream {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly host: string
  readonly port: number
  readonly arrived: Arrived[]
  /** Connections that were ever opened to it. */
  readonly connections: number
  /** The last request to this path. */
  last(path: string): Arrived
  /** What is answered on a path from now on; the query does not count. The body has been read. */
  on(path: string, respond: Respond): void
  /** The same before the body has been read: the handler has the stream. */
  onHead(path: string, respond: (request: IncomingMessage, response: ServerResponse) => void): void
  close(): Promise<void>
}

/** An upstream of the tests' own on a loopback port: it keeps what arrived and answers what it is told, 200 `{}` otherwise. */
export async function startScriptedUpstream(): Promise<ScriptedUpstream> {
  const whole = new Map<string, Respond>()
  const streamed = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  const arrived: Arrived[] = []
  const sockets = new Set<Socket>()
  let connections = 0

  const server = createServer((request, response) => {
    const target = request.url ?? ''
    const path = target.split('?')[0] ?? ''
    response.on('error', () => {})
    const own = streamed.get(path)
    if (own) {
      arrived.push({
        method: request.method ?? '',
        target,
        rawHeaders: request.rawHeaders,
        headers: request.headers,
        body: Buffer.alloc(0),
      })
      return own(request, response)
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      arrived.push({ method: request.method ?? '', target, rawHeaders: request.rawHeaders, headers: request.headers, body })
      const respond = whole.get(path)
      if (respond) return respond(request, response, body)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.on('connection', socket => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    port,
    arrived,
    get connections() {
      return connections
    },
    last(path) {
      const found = arrived.findLast(one => one.target.split('?')[0] === path)
      if (!found) throw new Error(`nothing arrived at ${path}`)
      return found
    },
    on: (path, respond) => void whole.set(path, respond),
    onHead: (path, respond) => void streamed.set(path, respond),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Settings that open the way to these upstreams and nowhere else. */
export const settingsFor = (...upstreams: readonly ScriptedUpstream[]): Record<string, string> => ({
  PATCHBAY_ALLOW_PRIVATE_ADDRESSES: upstreams.map(one => `127.0.0.1/32:${one.port}`).join(','),
  PATCHBAY_ALLOW_INSECURE_HTTP: upstreams.map(one => one.host).join(','),
})
