import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

/** What becomes of one statement: it never reaches the server, or its answer never comes back. The connection is lost with it, or hangs. */
export type Loss = 'before' | 'after' | 'hangs'

/** A way to PostgreSQL that knows one statement from the next, and can lose any one of them. */
export interface StatementRelay {
  readonly port: number
  /** Statements from now on are counted, from 1; the one with this number is lost, and nothing else. */
  count(lose?: { readonly number: number; readonly how: Loss }): void
  /** How many there were so far. */
  readonly counted: () => number
  /** Counts no longer. What was counted, in the order it came; the text that was lost is the one with `number`. */
  stop(): readonly string[]
  close(): Promise<void>
}

const text = (bytes: Buffer, from: number): string => bytes.toString('utf8', from, bytes.indexOf(0, from))

/**
 * Frames of PostgreSQL's protocol, version 3: a letter, a length that counts itself, the rest. Only the very first of a client has no letter.
 * @param onFrame gets each one whole, in order.
 */
function frames(first: boolean, onFrame: (letter: string, frame: Buffer) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return bytes => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    for (;;) {
      const letters = first ? 0 : 1
      if (rest.length < letters + 4) return
      const length = letters + rest.readInt32BE(letters)
      if (rest.length < length) return
      const frame = rest.subarray(0, length)
      rest = rest.subarray(length)
      onFrame(first ? '' : String.fromCharCode(frame[0] ?? 0), frame)
      first = false
    }
  }
}

/**
 * @param to Where the server is, on this machine.
 * @param counts Which statements are counted: not those that a process asks by itself, whenever it likes.
 */
export async function startStatementRelay(
  to: { readonly host: string; readonly port: number },
  counts: (statement: string) => boolean,
): Promise<StatementRelay> {
  let counted: string[] | null = null
  let lose: { readonly number: number; readonly how: Loss } | null = null
  const open = new Set<Socket>()

  function join(near: Socket): void {
    const far = connect(to.port, to.host).setNoDelay()
    near.setNoDelay()
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
    const prepared = new Map<string, string>()
    /** Frames of a statement that is not whole yet: one goes out with its Sync. */
    let waiting: Buffer[] = []
    let statement = ''
    let lost: Loss | null = null

    const cut = () => {
      near.resetAndDestroy()
      far.destroy()
    }
    const fromClient = frames(true, (letter, frame) => {
      if (lost === 'hangs') return
      waiting.push(frame)
      if (letter === 'P') prepared.set(text(frame, 5), (statement = text(frame, frame.indexOf(0, 5) + 1)))
      if (letter === 'B') statement = prepared.get(text(frame, frame.indexOf(0, 5) + 1)) ?? ''
      if (letter === 'Q') statement = text(frame, 5)
      const whole = letter === 'Q' || letter === 'S'
      if (!whole && 'PBDEC'.includes(letter) && letter !== '') return
      if (whole && counted && counts(statement) && counted.push(statement) === lose?.number) lost = lose.how
      const all = Buffer.concat(waiting)
      waiting = []
      if (lost === 'before') return cut()
      if (lost !== 'hangs') far.write(all)
    })
    const fromServer = frames(false, (letter, frame) => {
      if (lost === null) near.write(frame)
      // ReadyForQuery: it has done all of it
      else if (lost === 'after' && letter === 'Z') cut()
    })
    near.on('data', fromClient)
    far.on('data', fromServer)
  }

  const server = createServer(join)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    count(which) {
      counted = []
      lose = which ?? null
    },
    counted: () => counted?.length ?? 0,
    stop() {
      const all = counted ?? []
      counted = null
      return all
    },
    close: () =>
      new Promise(resolve => {
        for (const socket of open) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
