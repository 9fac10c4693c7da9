import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { measureConsole, sayConsole } from './console.ts'
import { measureDeluge, sayDeluge } from './deluge.ts'
import { root, startPart, stopAll, type Child } from './children.ts'
import type { LoadJob, LoadResult } from './load.ts'
import { getRequest, startPatchbay, type MeasuredPatchbay } from './patchbay.ts'
import { residentMegabytes } from './process-figures.ts'
import { figuresOf, sayTable, type Round, type Subject } from './report.ts'

/**
 * What a call costs, against a bare proxy (bench/bare-proxy.ts) on the same machine in the same minutes. Every round measures them one
 * after the other, so that a busy machine disturbs them alike; each ratio is of one round, and their median is told.
 *
 *   npm run bench -- [--json FILE] [--seconds N] [--rounds N] [--only proxy,invoke] [--no-build] [--no-console] [--no-deluge] [--cpu-prof DIRECTORY]
 *   npm run bench -- --deluge     only how fast scripts are read, begin and run (bench/deluge.ts)
 */
const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'proxy,invoke,proxy_key,invoke_key' },
    connections: { type: 'string', default: '1,16,64' },
    'no-build': { type: 'boolean', default: false },
    'no-console': { type: 'boolean', default: false },
    'no-deluge': { type: 'boolean', default: false },
    deluge: { type: 'boolean', default: false },
    'cpu-prof': { type: 'string' },
  },
})

/** The measured process is alone on one core; what calls it and what it calls share the other. */
const measuredCore = 0
const otherCore = 1
/** The connection counts at which the API key is measured as well: it differs from OAuth 2 by a few header bytes. */
const keyConnections = 16

interface Stage {
  readonly upstream: { readonly port: number }
  readonly bare: Child & { readonly port: number }
  readonly load: Child
  readonly patchbay: MeasuredPatchbay
}

function targetOf({ bare, patchbay }: Stage, subject: Subject): Pick<LoadJob, 'port' | 'request' | 'pid'> {
  if (subject === 'bare') {
    // as long a head as Patchbay gets
    const request = getRequest('/contacts?page=2', bare.port, [`Authorization: Bearer pb_${'x'.repeat(43)}`])
    return { port: bare.port, request, pid: bare.pid }
  }
  const connection = subject.endsWith('_key') ? 'bench_key' : 'bench_oauth2'
  const request = subject.startsWith('proxy') ? patchbay.proxied(connection) : patchbay.invoked(connection)
  return { port: patchbay.port, request, pid: patchbay.process.pid }
}

async function measure(stage: Stage, subject: Subject, connections: number, seconds: number): Promise<LoadResult> {
  const job: LoadJob = { ...targetOf(stage, subject), connections, seconds }
  const result = (await stage.load.ask(job)) as LoadResult
  if (result.failure !== null) throw new Error(`A call (${subject}, ${connections} connections) did not answer 200: ${result.failure}`)
  return result
}

async function setUp(): Promise<Stage> {
  const upstream = await startPart('upstream.ts', [], otherCore)
  const bare = await startPart('bare-proxy.ts', [`http://127.0.0.1:${upstream.port}`], measuredCore)
  const load = await startPart('load.ts', [], otherCore)
  const profile = options['cpu-prof']
  const nodeOptions = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const patchbay = await startPatchbay({ upstreamPort: upstream.port, core: measuredCore, nodeOptions })
  return { upstream, bare, load, patchbay }
}

async function run(stage: Stage): Promise<void> {
  const seconds = Number(options.seconds)
  const counts = options.connections.split(',').map(Number)
  const wanted = options.only.split(',') as Subject[]
  const subjectsAt = (connections: number): Subject[] => [
    'bare',
    ...wanted.filter(subject => !subject.endsWith('_key') || connections === keyConnections),
  ]
  // the first calls compile the code and fill the caches
  for (const subject of subjectsAt(keyConnections)) await measure(stage, subject, keyConnections, 1.5)

  const rounds: Round[] = []
  let residentMost = 0
  let calls = 0
  const statementsBefore = await stage.patchbay.statements()
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const connections of counts) {
      const subjects = subjectsAt(connections)
      for (const subject of round % 2 === 0 ? subjects : subjects.reverse()) {
        const result = await measure(stage, subject, connections, seconds)
        rounds.push({ round, connections, subject, ...result })
        if (subject !== 'bare') calls += result.requests
        residentMost = Math.max(residentMost, residentMegabytes(stage.patchbay.process.pid) ?? 0)
      }
    }
    process.stderr.write(`Round ${round + 1} of ${options.rounds} done.\n`)
  }
  const statements = (await stage.patchbay.statements()) - statementsBefore
  const figures = figuresOf(rounds, { residentMegabytes: residentMost || null, statementsPerCall: statements / Math.max(1, calls) })
  sayTable(figures, rounds, stage.patchbay.database)
  const paint = options['no-console'] ? null : await measureConsole(stage.patchbay)
  if (paint) sayConsole(paint)
  const deluge = options['no-deluge'] ? null : await measureDeluge()
  if (deluge) sayDeluge(deluge)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ ...figures, console: paint, deluge }, null, 2) + '\n')
}

async function buildIfNeeded(): Promise<void> {
  const { build, isBuilt } = (await import(pathToFileURL(join(root, 'scripts/build.mjs')).href)) as { build(): void; isBuilt(): boolean }
  if (isBuilt()) return
  process.stderr.write('Building …\n')
  build()
}

async function main(): Promise<void> {
  if (options.deluge) {
    sayDeluge(await measureDeluge())
    return
  }
  if (!options['no-build']) await buildIfNeeded()
  let stage: Stage | undefined
  try {
    stage = await setUp()
    await run(stage)
  } finally {
    await stage?.patchbay.stop()
    await stopAll()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    process.stderr.write('Stopping.\n')
    void stopAll().then(() => process.exit(130))
  })

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
