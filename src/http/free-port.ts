import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Port 0 means any; the public URL is made of it, so it is chosen before anything listens. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
