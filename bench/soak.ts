import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { Patchbay, PatchbayProblem } from '../sdk/index.ts'
import { row, type PartResult, type Row, type Sizes } from './part.ts'
import { measuredPostgres } from './postgres.ts'
import { openFiles, residentMegabytes } from './process-figures.ts'
import { median, rounded } from './report.ts'
import { setUp, type Stage } from './stage.ts'

/** Seconds: the connection's tokens are renewed all the time. */
const tokenSeconds = 5
/** Part of the calls whose service answers 500 or closes the connection. */
const faults = 0.01
const callers = 12
/** Between two things that one caller does: this measures what is left behind, not how much is possible. */
const pauseMs = 10
const samples = 60

interface Sample {
  readonly hours: number
  readonly heapMegabytes: number
  readonly residentMegabytes: number | null
  readonly files: number | null
  readonly resources: number
  readonly sessions: number
}

/** What everybody did. `calls` are those that the log must hold. */
interface Tally {
  calls: number
  /** Calls that Patchbay did not take because the machine was overloaded: they are no calls, and the log has none of them. */
  refused: number
  readonly done: Record<string, number>
  readonly wrong: string[]
}

/** Least squares; per unit of `x`. */
export function slopeOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map(one => one.x)), mean(points.map(one => one.y))]
  return points.reduce((sum, one) => sum + (one.x - x) * (one.y - y), 0) / points.reduce((sum, one) => sum + (one.x - x) ** 2, 0)
}

const source = (url: string) => `map standalone.soak() {
  response = invokeurl [ url: "${url}" type: GET connection: "bench_oauth2" detailed: true ];
  return {"code": response.get("responseCode")};
}`

type Deed = (stage: Stage, client: Patchbay, tally: Tally) => Promise<void>

const faulty = (): string => (Math.random() >= faults ? '/contacts' : Math.random() < 0.5 ? '/faults/500' : '/faults/closed')
const connectionAtRandom = (): string => (Math.random() < 0.5 ? 'bench_oauth2' : 'bench_key')

/** A call through a connection. A fault of the service is its answer, or a 502 of ours; nothing else may come. */
async function call(stage: Stage, tally: Tally, door: 'proxy' | 'invoke', connection = connectionAtRandom()): Promise<void> {
  const { patchbay, upstream } = stage
  const [origin, path] = [`127.0.0.1:${upstream.port}`, faulty()]
  const headers = { authorization: `Bearer ${patchbay.administrator.key}` }
  const answer =
    door === 'proxy'
      ? await fetch(`${patchbay.apiUrl}/proxy/${connection}/http/${origin}${path}`, { headers })
      : await fetch(`${patchbay.apiUrl}/api/v1/invoke`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ connection, url: `http://${origin}${path}`, type: 'GET' }),
        })
  const text = await answer.text()
  if (answer.headers.has('retry-after') && text.includes('overloaded')) return void tally.refused++
  tally.calls++
  const allowed = path === '/contacts' ? [200] : path === '/faults/500' ? [200, 500] : [502]
  if (!allowed.includes(answer.status)) tally.wrong.push(`${door} ${path} answered ${answer.status}: ${text.slice(0, 200)}`)
}

/** Everything that is done, and how often compared with each other. */
const deeds: Readonly<Record<string, { readonly weight: number; readonly act: Deed }>> = {
  proxy: { weight: 40, act: (stage, _, tally) => call(stage, tally, 'proxy') },
  invoke: { weight: 30, act: (stage, _, tally) => call(stage, tally, 'invoke') },
  connect_and_revoke: {
    weight: 4,
    async act(stage, client, tally) {
      const name = `soak_${randomBytes(8).toString('hex')}`
      await client.connections.create({ service: 'bench_key', name, link_name: name, credentials: { 'x-api-key': name } })
      await call(stage, tally, 'invoke', name)
      await client.connections.revoke(name)
      await client.connections.delete(name)
    },
  },
  script: {
    weight: 6,
    async act(_, client, tally) {
      const run = await client.functions.run('standalone', 'soak')
      if (run.status === 'success') tally.calls++
      else tally.wrong.push(`the script ended as ${run.status}: ${JSON.stringify(run).slice(0, 200)}`)
    },
  },
  console: {
    weight: 20,
    async act(_, client) {
      const reads = [
        () => client.connections.list(),
        () => client.invocations.list(),
        () => client.services.list(),
        () => client.connections.get('bench_oauth2'),
        () => client.functions.allRuns(),
      ]
      await reads[Math.floor(Math.random() * reads.length)]?.()
    },
  },
}

const lots = Object.entries(deeds).flatMap(([name, { weight, act }]) => Array.from({ length: weight }, () => ({ name, act })))

async function caller(stage: Stage, client: Patchbay, tally: Tally, over: () => boolean): Promise<void> {
  while (!over()) {
    const lot = lots[Math.floor(Math.random() * lots.length)]
    if (!lot) return
    try {
      await lot.act(stage, client, tally)
    } catch (error) {
      if (error instanceof PatchbayProblem && error.code === 'overloaded') tally.refused++
      else tally.wrong.push(`${lot.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
    tally.done[lot.name] = (tally.done[lot.name] ?? 0) + 1
    await delay(pauseMs)
  }
}

/** Mixed load on PostgreSQL for as many minutes as asked: what of it stays behind. */
export async function measureSoak({ minutes, nodeOptions }: Sizes): Promise<PartResult> {
  const { url } = await measuredPostgres()
  const stage = await setUp({ nodeOptions: [...nodeOptions, '--expose-gc'], databaseUrl: url, tokenSeconds })
  const { patchbay } = stage
  const database = new pg.Client({ connectionString: url, options: `-c search_path=${patchbay.schema}` })
  const client = new Patchbay({ url: patchbay.apiUrl, apiKey: patchbay.administrator.key })
  const tally: Tally = { calls: 0, refused: 0, done: {}, wrong: [] }
  const seen: Sample[] = []
  const began = performance.now()
  const overAt = began + minutes * 60_000
  try {
    // the server is stopped under it when the run is interrupted
    database.on('error', () => {})
    await database.connect()
    await client.functions.create({
      namespace: 'standalone',
      name: 'soak',
      source: source(`http://127.0.0.1:${stage.upstream.port}/contacts`),
    })
    const working = Promise.all(Array.from({ length: callers }, () => caller(stage, client, tally, () => performance.now() > overAt)))
    const everyMs = (minutes * 60_000) / samples
    while (performance.now() < overAt) {
      await delay(everyMs)
      seen.push(await sampleOf(stage, database, began))
    }
    await working
    return resultOf(seen, tally, await loggedCalls(database, tally.calls), minutes)
  } finally {
    await database.end()
    await stage.stop()
  }
}

async function sampleOf({ patchbay }: Stage, database: pg.Client, began: number): Promise<Sample> {
  const { heapBytes, resources } = await patchbay.held()
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )
  return {
    hours: (performance.now() - began) / 3_600_000,
    heapMegabytes: heapBytes / 1e6,
    residentMegabytes: residentMegabytes(patchbay.process.pid),
    files: openFiles(patchbay.process.pid),
    resources: Object.values(resources).reduce((sum, count) => sum + count, 0),
    sessions: rows[0]?.count ?? 0,
  }
}

/** Waits for the log's last batch, at most ten seconds. */
async function loggedCalls(database: pg.Client, wanted: number): Promise<number> {
  for (let tries = 0; ; tries++) {
    const { rows } = await database.query<{ count: number }>(
      'select coalesce(sum(cardinality(duration_ms)), 0)::int as count from invocation_batches',
    )
    const count = rows[0]?.count ?? 0
    if (count >= wanted || tries === 20) return count
    await delay(500)
  }
}

/** The middle of the last third against that of the first third after warm-up: a leak shows, a busy moment does not. */
function flat(measure: string, values: readonly (number | null)[]): Row & { readonly from: number; readonly to: number } {
  const known = values.filter(value => value !== null)
  const third = Math.ceil(known.length / 3)
  const [from, to] = [median(known.slice(0, third)), median(known.slice(-third))]
  const reached = known.length < 6 ? null : to <= from * 1.1 + 3
  return { measure, aim: 'flat', found: known.length === 0 ? '–' : `${from} → ${to}`, reached, from, to }
}

function resultOf(seen: readonly Sample[], tally: Tally, logged: number, minutes: number): PartResult {
  // the first third compiles code and fills caches
  const warm = seen.slice(Math.floor(seen.length / 3))
  const slope = slopeOf(warm.map(one => ({ x: one.hours, y: one.heapMegabytes })))
  const resident = slopeOf(warm.map(one => ({ x: one.hours, y: one.residentMegabytes ?? NaN })))
  const files = flat(
    'open files and sockets',
    warm.map(one => one.files),
  )
  const resources = flat(
    'timers, sockets and other resources of Node',
    warm.map(one => one.resources),
  )
  const sessions = flat(
    'sessions of the database',
    warm.map(one => one.sessions),
  )
  const heap = median(warm.map(one => one.heapMegabytes))
  const plain = (line: Row): Row => ({ ...line, measure: `${minutes} minutes of mixed load: ${line.measure}` })
  return {
    rows: [
      row(`heap after collection (${heap.toFixed(0)} MB), slope after warm-up`, { atMost: 1 }, slope, 'MB/h', 1),
      files,
      resources,
      sessions,
      {
        measure: 'calls that the log lacks or has too many',
        aim: `0 of ${tally.calls}`,
        found: String(logged - tally.calls),
        reached: logged === tally.calls,
      },
      {
        measure: 'answers that should not be',
        aim: '0',
        found: `${tally.wrong.length}${tally.wrong[0] ? `, such as: ${tally.wrong[0]}` : ''}`,
        reached: tally.wrong.length === 0,
      },
    ].map(({ measure, aim, found, reached }) => plain({ measure, aim, found, reached })),
    figures: {
      minutes,
      done: tally.done,
      calls: tally.calls,
      refused: tally.refused,
      logged,
      wrong: tally.wrong.slice(0, 20),
      heap_mb: rounded(heap, 1),
      heap_slope_mb_per_hour: rounded(slope, 2),
      rss_slope_mb_per_hour: Number.isNaN(resident) ? null : rounded(resident, 1),
      open_files: [files.from, files.to],
      resources: [resources.from, resources.to],
      sessions: [sessions.from, sessions.to],
      samples: seen.map(one => ({ ...one, hours: rounded(one.hours, 4), heapMegabytes: rounded(one.heapMegabytes, 2) })),
    },
  }
}
