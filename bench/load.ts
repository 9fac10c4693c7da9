import { connect, type Socket } from 'node:net'
import { cpuMicroseconds } from './process-figures.ts'

/** One measurement: `connections` callers, each of which asks again as soon as it was answered. */
export interface LoadJob {
  readonly port: number
  /** The whole request as it goes over the wire. Several are sent in turns, or each as often as chance has it. */
  readonly request: string | readonly string[]
  readonly atRandom?: boolean
  /** Ends after so many, if that is sooner. */
  readonly most?: number
  readonly connections: number
  readonly seconds: number
  /** Whose CPU time is read at the beginning and at the end. */
  readonly pid: number
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Null where the system does not tell. */
  readonly cpuMicroseconds: number | null
  readonly p50Milliseconds: number
  readonly p99Milliseconds: number
  /** What the first answer looked like that was not a 200; null when all were. */
  readonly failure: string | null
}

/**
 * The load, a process of its own on raw sockets, because an HTTP client would cost more than the proxy that is measured. It reads of an
 * answer only what it must: the status and, by the length, where it ends.
 */
async function run(job: LoadJob): Promise<LoadResult> {
  const requests = (typeof job.request === 'string' ? [job.request] : job.request).map(text => Buffer.from(text, 'latin1'))
  const most = job.most ?? Infinity
  let begun = 0
  const next = (): Buffer => requests[job.atRandom ? Math.floor(Math.random() * requests.length) : begun % requests.length] ?? Buffer.of()
  const waits: number[] = []
  let failure: string | null = null
  const cpuBefore = cpuMicroseconds(job.pid)
  const started = performance.now()
  const until = started + job.seconds * 1000

  const caller = () =>
    new Promise<void>(resolve => {
      let asked = 0
      let missing = -1
      let head = ''
      const socket: Socket = connect({ port: job.port, host: '127.0.0.1', noDelay: true })
      const stop = (reason: string | null) => {
        failure ??= reason
        socket.removeAllListeners().on('error', () => {})
        socket.destroy()
        resolve()
      }
      const ask = () => {
        const request = next()
        begun++
        asked = performance.now()
        socket.write(request)
      }
      socket.on('connect', ask)
      socket.on('error', error => stop(error.message))
      socket.on('close', () => stop('the connection was closed'))
      socket.on('data', chunk => {
        if (missing < 0) {
          head += chunk.toString('latin1')
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return
          const length = /\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end + 2))?.[1]
          if (!head.startsWith('HTTP/1.1 200') || length === undefined) return stop(head.slice(0, 500))
          missing = Number(length) - (head.length - end - 4)
        } else missing -= chunk.length
        if (missing > 0) return
        const now = performance.now()
        waits.push(now - asked)
        missing = -1
        head = ''
        if (now < until && begun < most && failure === null) ask()
        else stop(null)
      })
    })
  await Promise.all(Array.from({ length: job.connections }, caller))

  const seconds = (performance.now() - started) / 1000
  const cpuAfter = cpuMicroseconds(job.pid)
  waits.sort((a, b) => a - b)
  return {
    requests: waits.length,
    seconds,
    cpuMicroseconds: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
    p50Milliseconds: waits[Math.floor(waits.length * 0.5)] ?? 0,
    p99Milliseconds: waits[Math.floor(waits.length * 0.99)] ?? 0,
    failure,
  }
}

process.on('message', job => void run(job as LoadJob).then(result => process.send?.(result)))
process.on('disconnect', () => process.exit(0))
process.send?.({ port: 0 })
