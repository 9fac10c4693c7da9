import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The service that is called: 1 KB of JSON for every request, whatever is asked. A process of its own. */
const items = Array.from({ length: 12 }, (_, i) => ({ id: 4_000_000_000 + i, name: `Contact ${i}`, email: `contact-${i}@example.test` }))
const filled = { items, next_page: null, padding: '' }
const body = Buffer.from(JSON.stringify({ ...filled, padding: 'x'.repeat(1024 - JSON.stringify(filled).length) }))
const head = ['content-type', 'application/json', 'content-length', String(body.length)]

const server = createServer({ keepAliveTimeout: 120_000 }, (message, response) => {
  message.resume()
  response.writeHead(200, head).end(body)
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
