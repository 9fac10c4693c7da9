import { once } from 'node:events'
import { Agent, request as begin, type ClientRequest, type IncomingMessage } from 'node:http'
import { row, type PartResult, type Sizes } from './part.ts'
import { residentMegabytes } from './process-figures.ts'
import { median, rounded } from './report.ts'
import type { Stage } from './stage.ts'

const megabyte = 1_000_000
const directions = ['down', 'up'] as const
type Direction = (typeof directions)[number]

interface Target {
  readonly port: number
  readonly pid: number
  readonly path: (rest: string) => string
  readonly headers: Readonly<Record<string, string>>
}

interface Streamed {
  readonly megabytesPerSecond: number
  /** By how much the process grew while it went on; null where the system does not tell. */
  readonly grewMegabytes: number | null
}

async function download(call: ClientRequest, bytes: number): Promise<void> {
  const [answer] = (await once(call.end(), 'response')) as [IncomingMessage]
  let count = 0
  for await (const chunk of answer) count += (chunk as Buffer).length
  if (answer.statusCode !== 200 || count !== bytes) throw new Error(`A stream answered ${answer.statusCode} with ${count} bytes.`)
}

async function upload(call: ClientRequest, bytes: number): Promise<void> {
  const piece = Buffer.alloc(65_536, 'x')
  const answered = once(call, 'response') as Promise<[IncomingMessage]>
  for (let left = bytes; left > 0; left -= piece.length)
    if (!call.write(left < piece.length ? piece.subarray(0, left) : piece)) await once(call, 'drain')
  call.end()
  const [answer] = await answered
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  if (answer.statusCode !== 200 || text !== String(bytes)) throw new Error(`An upload answered ${answer.statusCode}: ${text.slice(0, 300)}`)
}

async function stream(target: Target, direction: Direction, bytes: number, agent: Agent): Promise<Streamed> {
  const { port, pid, path, headers } = target
  const common = { agent, host: '127.0.0.1', port }
  const call =
    direction === 'down'
      ? begin({ ...common, path: path(`/bytes/${bytes}`), headers })
      : begin({ ...common, path: path('/bytes'), method: 'PUT', headers: { ...headers, 'content-length': bytes } })
  const before = residentMegabytes(pid)
  let most = before
  const sampling = setInterval(() => (most = Math.max(most ?? 0, residentMegabytes(pid) ?? 0)), 25)
  const began = performance.now()
  try {
    await (direction === 'down' ? download : upload)(call, bytes)
  } finally {
    clearInterval(sampling)
  }
  const seconds = (performance.now() - began) / 1000
  return { megabytesPerSecond: bytes / megabyte / seconds, grewMegabytes: before === null || most === null ? null : most - before }
}

/** One large body after the other, both ways, through the bare proxy and through Patchbay. */
export async function measureStream(stage: Stage, { rounds, megabytes }: Sizes): Promise<PartResult> {
  const { patchbay, bare, upstream } = stage
  const targets: Readonly<Record<'bare' | 'patchbay', Target>> = {
    bare: { port: bare.port, pid: bare.pid, path: rest => rest, headers: {} },
    patchbay: {
      port: patchbay.port,
      pid: patchbay.process.pid,
      path: rest => `/proxy/bench_oauth2/http/127.0.0.1:${upstream.port}${rest}`,
      headers: { authorization: `Bearer ${patchbay.administrator.key}` },
    },
  }
  const agent = new Agent({ keepAlive: true })
  const found: Record<Direction, { ratio: number[]; grew: number[]; rate: number[] }> = {
    down: { ratio: [], grew: [], rate: [] },
    up: { ratio: [], grew: [], rate: [] },
  }
  try {
    for (const direction of directions)
      for (const target of Object.values(targets)) await stream(target, direction, Math.min(megabytes, 100) * megabyte, agent)
    for (let round = 0; round < rounds; round++)
      for (const direction of directions) {
        const results: Partial<Record<'bare' | 'patchbay', Streamed>> = {}
        for (const name of round % 2 === 0 ? (['bare', 'patchbay'] as const) : (['patchbay', 'bare'] as const))
          results[name] = await stream(targets[name], direction, megabytes * megabyte, agent)
        const ours = results.patchbay
        if (!ours || !results.bare) continue
        found[direction].rate.push(ours.megabytesPerSecond)
        found[direction].ratio.push(ours.megabytesPerSecond / results.bare.megabytesPerSecond)
        if (ours.grewMegabytes !== null) found[direction].grew.push(ours.grewMegabytes)
      }
  } finally {
    agent.destroy()
  }
  const figures = (direction: Direction) => {
    const { ratio, grew, rate } = found[direction]
    const most = grew.length === 0 ? null : rounded(Math.max(...grew), 1)
    return { megabytes, megabytes_per_second: Math.round(median(rate)), ratio: rounded(median(ratio), 3), rss_growth_mb: most }
  }
  return {
    rows: directions.flatMap(direction => {
      const { ratio, rss_growth_mb, megabytes_per_second } = figures(direction)
      const what = `${megabytes} MB ${direction === 'down' ? 'from' : 'to'} the service through the proxy`
      return [
        row(`${what}, against the bare proxy (${megabytes_per_second} MB/s)`, { atLeast: 0.8 }, ratio, '×'),
        row(`${what}, growth of memory, the most of ${rounds}`, { atMost: 32 }, rss_growth_mb, 'MB', 1),
      ]
    }),
    figures: { down: figures('down'), up: figures('up') },
  }
}
