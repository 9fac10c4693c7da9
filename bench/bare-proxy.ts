import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool, type Dispatcher } from 'undici'

/**
 * What Patchbay is compared with: the fastest honest streaming proxy that Node and undici make. It knows nobody, keeps nothing and puts one
 * fixed header into each request; but hop-by-hop headers stay behind (RFC 9110 §7.6.1), a slow reader slows the service down, and a caller
 * who leaves ends the call. Listens on a free port and forwards everything to the origin given as its argument.
 */
const [origin = ''] = process.argv.slice(2)
const pool = new Pool(origin, { connections: 64, pipelining: 1, headersTimeout: 40_000, bodyTimeout: 60_000 })
const perHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host'])

function headersOf(message: IncomingMessage): string[] {
  const headers = ['x-api-key', 'a-fixed-key-for-every-caller']
  const { rawHeaders } = message
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (!perHop.has(name.toLowerCase())) headers.push(name, rawHeaders[i + 1] ?? '')
  }
  return headers
}

function forward(message: IncomingMessage, response: ServerResponse): void {
  const hasBody = message.headers['content-length'] !== undefined || message.headers['transfer-encoding'] !== undefined
  const call: { abort?: (error?: Error) => void; resume?: () => void } = {}
  // undici's older handler form, as in Patchbay: raw header buffers, no object for each answer
  const handler: Dispatcher.DispatchHandler = {
    onConnect(abort) {
      call.abort = abort
    },
    onHeaders(status, raw, resume) {
      call.resume = resume
      const headers: string[] = []
      for (let i = 0; i < (raw?.length ?? 0); i += 2) {
        const name = raw?.[i]?.toString('latin1') ?? ''
        if (!perHop.has(name.toLowerCase())) headers.push(name, raw?.[i + 1]?.toString('latin1') ?? '')
      }
      response.writeHead(status, headers)
      return true
    },
    onData: chunk => response.write(chunk),
    onComplete: () => void response.end(),
    onError() {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    },
  }
  response.on('drain', () => call.resume?.())
  response.on('close', () => {
    if (!response.writableFinished) call.abort?.()
  })
  pool.dispatch(
    {
      path: message.url ?? '/',
      method: message.method ?? 'GET',
      headers: headersOf(message),
      body: hasBody ? message : null,
    },
    handler,
  )
}

const server = createServer({ requestTimeout: 0, noDelay: true, keepAliveTimeout: 120_000 }, forward)
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
