import type { LoadResult } from './load.ts'
import { measureKeys } from './million-keys.ts'
import { row, type PartResult, type Sizes } from './part.ts'
import { getRequest } from './patchbay.ts'
import { measuredPostgres } from './postgres.ts'
import { residentMegabytes } from './process-figures.ts'
import { median, perSecond, rounded } from './report.ts'
import { seed, seededName, type Seeded } from './seed.ts'
import { load, measure, setUp, type Stage } from './stage.ts'

const few = 1000
/** A fifth of all are in one organisation; of the others a hundred or fewer in each. */
const seededAs = (connections: number): Seeded =>
  connections <= few
    ? { connections, organizations: 1, inFirst: connections }
    : { connections, organizations: Math.max(2, Math.floor(connections / 100)), inFirst: Math.floor(connections / 5) }
/** As many connections are called at random, as many ways Patchbay remembers; fewer of a database that is made small. */
const workingSetOf = (many: number): number => Math.min(10_000, Math.floor(many / 10))
/** Called once each, by nobody before. */
const coldOf = (many: number): number => Math.min(6000, Math.floor(many / 20))
const connections = 16
const listCalls = 300

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at)

const callsOf = ({ patchbay }: Stage, wanted: readonly number[]): string[] => wanted.map(number => patchbay.proxied(seededName(number)))

const throughput = (stage: Stage, wanted: readonly number[], seconds: number): Promise<LoadResult> =>
  load(stage, 'proxy', {
    port: stage.patchbay.port,
    pid: stage.patchbay.process.pid,
    request: callsOf(stage, wanted),
    atRandom: true,
    connections,
    seconds,
  })

/** Requests of the API, one after the other. */
function asked(
  { patchbay }: Stage,
  paths: readonly string[],
): { port: number; pid: number; request: string[]; connections: number; most: number; seconds: number } {
  const request = paths.map(path => getRequest(path, patchbay.port, [`Authorization: Bearer ${patchbay.administrator.key}`]))
  return { port: patchbay.port, pid: patchbay.process.pid, request, connections: 1, most: paths.length, seconds: 60 }
}

const cursorAfter = (number: number): string => Buffer.from(JSON.stringify([seededName(number)])).toString('base64url')

/** A large database against a small one, both on one PostgreSQL, each with a Patchbay of its own. */
export async function measureMillion({ rounds, seconds, connections: many, nodeOptions }: Sizes): Promise<PartResult> {
  const { url } = await measuredPostgres()
  const workingSet = workingSetOf(many)
  const stages: Stage[] = []
  try {
    const stage = async (count: number): Promise<Stage> => {
      const one = await setUp({ nodeOptions, databaseUrl: url })
      stages.push(one)
      await seed(one.patchbay, url, seededAs(count))
      return one
    }
    const small = await stage(few)
    const began = performance.now()
    const large = await stage(many)
    const seedSeconds = Math.round((performance.now() - began) / 1000)
    process.stderr.write(`${many} connections are there after ${seedSeconds} s.\n`)
    const sets = { small: numbers(1, Math.min(few, workingSet)), large: numbers(1, workingSet) }

    const cold = await measureCold(large, numbers(workingSet + 1, coldOf(many)))
    // every way once, so that the working set is in memory
    await load(large, 'proxy', {
      ...asked(large, []),
      request: callsOf(large, sets.large),
      most: sets.large.length,
      connections,
      seconds: 120,
    })
    await load(small, 'proxy', {
      ...asked(small, []),
      request: callsOf(small, sets.small),
      // as often as the other, or its code is less compiled
      most: sets.large.length,
      connections,
      seconds: 120,
    })
    const rates: { small: number; large: number }[] = []
    for (let round = 0; round < rounds; round++) {
      const pair = { small: 0, large: 0 }
      for (const name of round % 2 === 0 ? (['small', 'large'] as const) : (['large', 'small'] as const))
        pair[name] = perSecond(await throughput(name === 'small' ? small : large, sets[name], seconds))
      rates.push(pair)
    }
    const list = await load(
      large,
      'list',
      asked(
        large,
        numbers(0, listCalls).map(at => listPath(at, seededAs(many).inFirst)),
      ),
    )
    const search = await load(
      large,
      'search',
      asked(
        large,
        numbers(0, listCalls / 3).map(at => searchPath(at, seededAs(many).inFirst)),
      ),
    )
    const ratio = median(rates.map(one => one.large / one.small))
    const inAll = `${many.toLocaleString('en').replaceAll(',', ' ')} connections`
    const held = residentMegabytes(large.patchbay.process.pid)
    const heldBySmall = residentMegabytes(small.patchbay.process.pid)
    const more = held === null || heldBySmall === null ? null : held - heldBySmall
    const starts: { small: number; large: number }[] = []
    for (let round = 0; round < 3; round++) starts.push({ small: await small.patchbay.restart(), large: await large.patchbay.restart() })
    const start = { small: median(starts.map(one => one.small)), large: median(starts.map(one => one.large)) }
    const keys = await measureKeys(large, callsOf(large, sets.large), many)
    return {
      rows: [
        row(`proxy with ${inAll} against ${few}, ${sets.large.length} of them in use, PostgreSQL`, { atLeast: 0.9 }, ratio, '×'),
        row('connection that is not in memory, PostgreSQL, p99 over the p99 of the upstream', { atMost: 5 }, cold.added, 'ms'),
        row(`${inAll}: a page of the list, p99`, { atMost: 50 }, list.p99Milliseconds, 'ms', 1),
        row(`${inAll}: a search, p99`, { atMost: 300 }, search.p99Milliseconds, 'ms', 1),
        row(`${inAll}: memory of Patchbay after all this, over that with ${few}`, { atMost: 150 }, more, 'MB', 0),
        row(`${inAll}: start-up against ${few}`, { atMost: 1.2 }, start.large / start.small, '×'),
        ...keys.rows,
      ],
      figures: {
        connections: many,
        seed_seconds: seedSeconds,
        ratio: rounded(ratio, 3),
        large_per_second: Math.round(median(rates.map(one => one.large))),
        small_per_second: Math.round(median(rates.map(one => one.small))),
        cold: { calls: cold.calls, p50_ms: rounded(cold.p50, 2), p99_ms: rounded(cold.p99, 2), added_p99_ms: rounded(cold.added, 2) },
        list_p50_ms: rounded(list.p50Milliseconds, 1),
        list_p99_ms: rounded(list.p99Milliseconds, 1),
        search_p50_ms: rounded(search.p50Milliseconds, 1),
        search_p99_ms: rounded(search.p99Milliseconds, 1),
        rss_mb: held === null ? null : Math.round(held),
        rss_small_mb: heldBySmall === null ? null : Math.round(heldBySmall),
        start_ms: Math.round(start.large),
        start_small_ms: Math.round(start.small),
        keys: keys.figures,
      },
    }
  } finally {
    for (const stage of stages) await stage.stop()
  }
}

async function measureCold(stage: Stage, wanted: readonly number[]): Promise<{ calls: number; p50: number; p99: number; added: number }> {
  // thousands of calls go by until the code of a cold one is compiled, and compiling shares the core; these are connections of their own
  const warm = Math.floor(wanted.length / 2)
  const names = callsOf(stage, wanted)
  const one = { port: stage.patchbay.port, pid: stage.patchbay.process.pid, connections: 1, seconds: 60 }
  await load(stage, 'cold proxy', { ...one, request: names.slice(0, warm), most: warm })
  const direct = await measure(stage, 'direct', 1, 1)
  const cold = await load(stage, 'cold proxy', { ...one, request: names.slice(warm), most: wanted.length - warm })
  return {
    calls: cold.requests,
    p50: cold.p50Milliseconds,
    p99: cold.p99Milliseconds,
    added: cold.p99Milliseconds - direct.p99Milliseconds,
  }
}

/** Pages from all over the list, in the views that people open. */
function listPath(at: number, many: number): string {
  const view = (['', '&view=own', '&view=all'] as const)[at % 3] ?? ''
  return `/api/v1/connections?limit=50${view}${at < 3 ? '' : `&cursor=${cursorAfter(Math.floor((many * ((at * 37) % listCalls)) / listCalls))}`}`
}

/** What people type: a whole name, the beginning or the middle of one, something that is nowhere. */
function searchPath(at: number, many: number): string {
  const number = 1 + Math.floor((many - 1) * (((at * 37) % 100) / 100))
  const texts = [`Customer ${number}`, seededName(number), `${number}`, `nothing ${number}`]
  return `/api/v1/connections?limit=50&q=${encodeURIComponent(texts[at % texts.length] ?? '')}`
}
