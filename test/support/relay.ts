import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

/** A way to a server that can be cut, stopped and restored, as a network or a server's process can. */
export interface Relay {
  readonly port: number
  /** The server is gone: what is open breaks, what is tried is refused. */
  cut(): void
  /** The server hangs: everything stays open, nothing passes, new connections are taken and never answered. */
  stall(): void
  /** It is back; what waited in a stall goes on where it stopped. */
  restore(): void
  /** Connections that are open now. */
  readonly open: () => number
  close(): Promise<void>
}

/** @param to Where the server is, on this machine. */
export async function startRelay(to: { readonly host: string; readonly port: number }): Promise<Relay> {
  let state: 'passes' | 'cut' | 'stalls' = 'passes'
  const pairs = new Set<readonly [Socket, Socket]>()
  /** Accepted in a stall: they reach the server afterwards. */
  const waiting = new Set<Socket>()

  function join(near: Socket): void {
    const far = connect(to.port, to.host)
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [one, other] of [pair, [far, near] as const]) {
      one.on('data', bytes => void other.write(bytes))
      one.on('error', () => {})
      one.on('close', () => {
        pairs.delete(pair)
        other.destroy()
      })
    }
  }

  const server = createServer(near => {
    near.on('error', () => {})
    if (state === 'cut') return void near.resetAndDestroy()
    if (state === 'passes') return join(near)
    near.pause()
    waiting.add(near)
    near.on('close', () => waiting.delete(near))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut'
      for (const [near, far] of pairs) {
        near.resetAndDestroy()
        far.destroy()
      }
    },
    stall() {
      state = 'stalls'
      for (const pair of pairs) for (const socket of pair) socket.pause()
    },
    restore() {
      state = 'passes'
      for (const pair of pairs) for (const socket of pair) socket.resume()
      for (const near of waiting) {
        waiting.delete(near)
        join(near)
        near.resume()
      }
    },
    open: () => pairs.size,
    close: () =>
      new Promise(resolve => {
        for (const [near, far] of pairs) for (const socket of [near, far]) socket.destroy()
        for (const near of waiting) near.destroy()
        server.close(() => resolve())
      }),
  }
}
