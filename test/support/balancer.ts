import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A load balancer as small as can be: in turns to those whose /readyz says 200, over kept connections, and nothing is tried twice. */
export async function startBalancer(backends: readonly string[]): Promise<{ base: string; close(): Promise<void> }> {
  const agent = new Agent({ keepAlive: true })
  const ready = new Set<string>()
  const look = async (backend: string) => {
    const answer = await fetch(`${backend}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null)
    await answer?.arrayBuffer().catch(() => null)
    if (answer?.status === 200) ready.add(backend)
    else ready.delete(backend)
  }
  const timer = setInterval(() => backends.forEach(backend => void look(backend)), 100)
  await Promise.all(backends.map(look))
  let turn = 0
  const server = createServer((message, response) => {
    const all = [...ready]
    const backend = all[turn++ % all.length]
    if (backend === undefined) return void response.writeHead(599).end('nobody is ready')
    const { hostname, port } = new URL(backend)
    const { method, url: path, headers } = message
    const call = request({ agent, host: hostname, port, method, path, headers }, answer => {
      const { connection: _, 'keep-alive': __, ...rest } = answer.headers
      response.writeHead(answer.statusCode ?? 599, rest)
      answer.pipe(response)
    })
    call.on('error', error => (response.headersSent ? response.destroy() : response.writeHead(599).end(`${backend}: ${error.message}`)))
    message.pipe(call)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        clearInterval(timer)
        agent.destroy()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
