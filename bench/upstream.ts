import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * The service that is called, a process of its own: 1 KB of JSON for every request, whatever is asked, except `GET /bytes/<n>`, so many
 * bytes; `PUT /bytes`, which counts what it gets; and `/faults/500` and `/faults/closed`.
 */
const items = Array.from({ length: 12 }, (_, i) => ({ id: 4_000_000_000 + i, name: `Contact ${i}`, email: `contact-${i}@example.test` }))
const filled = { items, next_page: null, padding: '' }
const body = Buffer.from(JSON.stringify({ ...filled, padding: 'x'.repeat(1024 - JSON.stringify(filled).length) }))
const head = ['content-type', 'application/json', 'content-length', String(body.length)]

const piece = Buffer.alloc(65_536, 'x')

function sendBytes(response: ServerResponse, count: number): void {
  let left = count
  const more = () => {
    while (left > 0) {
      const next = left < piece.length ? piece.subarray(0, left) : piece
      left -= next.length
      if (!response.write(next)) return void response.once('drain', more)
    }
    response.end()
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': count })
  more()
}

const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (message, response) => {
  const { url = '/', method } = message
  if (method === 'PUT' && url === '/bytes') {
    let count = 0
    message.on('data', (chunk: Buffer) => (count += chunk.length))
    message.on('end', () => response.end(String(count)))
    return
  }
  message.resume()
  if (url.startsWith('/bytes/')) return sendBytes(response, Number(url.slice('/bytes/'.length)))
  if (url === '/faults/500') return void response.writeHead(500, head).end(body)
  if (url === '/faults/closed') return void message.socket.destroy()
  response.writeHead(200, head).end(body)
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
