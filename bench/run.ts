import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { root, stopAll } from './children.ts'
import { measureConsole, sayConsole, type ConsolePaint } from './console.ts'
import { measureCpu } from './cpu.ts'
import { measureDeluge, sayDeluge, type DelugeFigures } from './deluge.ts'
import { measureDirect } from './direct.ts'
import { measureMillion } from './million.ts'
import { measureNginx } from './nginx.ts'
import { tableOf, type PartResult, type Row, type Sizes } from './part.ts'
import { measuredPostgres, stopMeasuredPostgres } from './postgres.ts'
import { residentMegabytes } from './process-figures.ts'
import { figuresOf, sayTable, type Figures, type Round, type Subject } from './report.ts'
import { measureSoak } from './soak.ts'
import { measure, setUp, type Stage } from './stage.ts'
import { measureStream } from './stream.ts'
import { measureWorkers } from './workers.ts'

/**
 * What a call costs, against a bare proxy (bench/bare-proxy.ts) on the same machine in the same minutes, and everything else that is
 * promised of speed. Every round measures the subjects one after the other, so that a busy machine disturbs them alike; each ratio is of
 * one round, and their median is told. Loopback only. All of it takes about 25 minutes, of which the soak is 10.
 *
 *   npm run bench -- [--only LIST] [--json FILE] [--markdown FILE] [--rounds N] [--seconds N] [--minutes N] [--connections 1,16,64]
 *                    [--seeded N] [--megabytes N] [--no-build] [--cpu-prof DIRECTORY] [--heap-prof DIRECTORY]
 *
 * LIST: proxy, invoke, proxy_key, invoke_key (the table; with PATCHBAY_DATABASE_URL on that PostgreSQL), console, deluge, and direct, cpu,
 * nginx, workers, stream, million, soak, which start a PostgreSQL of their own where they need one.
 */
const subjects = ['proxy', 'invoke', 'proxy_key', 'invoke_key'] as const
const others = ['console', 'deluge', 'direct', 'cpu', 'nginx', 'workers', 'stream', 'million', 'soak'] as const

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    markdown: { type: 'string' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '10' },
    only: { type: 'string', default: [...subjects, ...others].join(',') },
    connections: { type: 'string', default: '1,16,64' },
    seeded: { type: 'string', default: '1000000' },
    megabytes: { type: 'string', default: '1000' },
    'no-build': { type: 'boolean', default: false },
    'cpu-prof': { type: 'string' },
    'heap-prof': { type: 'string' },
  },
})

const wanted = new Set(options.only.split(','))
const sizes: Sizes = {
  rounds: Number(options.rounds),
  seconds: Number(options.seconds),
  minutes: Number(options.minutes),
  connections: Number(options.seeded),
  megabytes: Number(options.megabytes),
  nodeOptions: (['cpu-prof', 'heap-prof'] as const).flatMap(name => {
    const directory = options[name]
    return directory === undefined ? [] : [`--${name}`, `--${name}-dir=${directory}`]
  }),
}
/** The connection counts at which the API key is measured as well: it differs from OAuth 2 by a few header bytes. */
const keyConnections = 16

/** What is written to `--json`, after each part again: a part that fails loses nothing of the others. */
interface Found {
  table?: Figures
  console?: ConsolePaint
  deluge?: DelugeFigures
  readonly parts: Record<string, PartResult['figures']>
  readonly failed: Record<string, string>
}

const found: Found = { parts: {}, failed: {} }
const rows: Row[] = []

function write(): void {
  const { table, console: paint, deluge, parts, failed } = found
  const all = { ...table, console: paint ?? null, deluge: deluge ?? null, parts, failed }
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(all, null, 2) + '\n')
  if (options.markdown !== undefined && rows.length > 0) writeFileSync(options.markdown, tableOf(rows) + '\n')
}

async function attempt(name: string, work: () => Promise<void>): Promise<void> {
  process.stderr.write(`Measuring ${name} …\n`)
  try {
    await work()
  } catch (error) {
    found.failed[name] = error instanceof Error ? error.message : String(error)
    process.stderr.write(`${name} failed: ${found.failed[name]}\n`)
    process.exitCode = 1
  }
  write()
}

const part = (name: string, work: () => Promise<PartResult>): Promise<void> =>
  attempt(name, async () => {
    const result = await work()
    rows.push(...result.rows)
    found.parts[name] = result.figures
  })

async function measureTable(stage: Stage): Promise<void> {
  const counts = options.connections.split(',').map(Number)
  const subjectsAt = (connections: number): Subject[] => [
    'bare',
    ...subjects.filter(subject => wanted.has(subject) && (!subject.endsWith('_key') || connections === keyConnections)),
  ]
  // the first calls compile the code and fill the caches
  for (const subject of subjectsAt(keyConnections)) await measure(stage, subject, keyConnections, 1.5)

  const rounds: Round[] = []
  let residentMost = 0
  let calls = 0
  const statementsBefore = await stage.patchbay.statements()
  for (let round = 0; round < sizes.rounds; round++) {
    for (const connections of counts) {
      const here = subjectsAt(connections)
      for (const subject of round % 2 === 0 ? here : here.toReversed()) {
        const result = await measure(stage, subject, connections, sizes.seconds)
        rounds.push({ round, connections, subject, ...result })
        if (subject !== 'bare') calls += result.requests
        residentMost = Math.max(residentMost, residentMegabytes(stage.patchbay.process.pid) ?? 0)
      }
    }
    process.stderr.write(`Round ${round + 1} of ${sizes.rounds} done.\n`)
  }
  const statements = (await stage.patchbay.statements()) - statementsBefore
  found.table = figuresOf(rounds, { residentMegabytes: residentMost || null, statementsPerCall: statements / Math.max(1, calls) })
  sayTable(found.table, rounds, stage.patchbay.database)
}

async function buildIfNeeded(): Promise<void> {
  const { build, isBuilt } = (await import(pathToFileURL(join(root, 'scripts/build.mjs')).href)) as { build(): void; isBuilt(): boolean }
  if (isBuilt()) return
  process.stderr.write('Building …\n')
  build()
}

const any = (...names: readonly string[]): boolean => names.some(name => wanted.has(name))

/** What is measured of one Patchbay after the other on the same stage. */
async function onStage(databaseUrl: string | undefined, work: (stage: Stage) => Promise<void>): Promise<void> {
  await attempt(databaseUrl === undefined ? 'with the embedded database' : 'with PostgreSQL', async () => {
    const stage = await setUp({ nodeOptions: sizes.nodeOptions, databaseUrl })
    try {
      await work(stage)
    } finally {
      await stage.stop()
    }
  })
}

async function measureAll(): Promise<void> {
  if (any(...subjects, 'console', 'stream', 'direct', 'cpu', 'nginx'))
    await onStage(process.env.PATCHBAY_DATABASE_URL, async stage => {
      const on = stage.patchbay.database === 'embedded' ? '' : '_given'
      if (any(...subjects)) await attempt('the table', () => measureTable(stage))
      if (any('direct')) await part(`direct${on}`, () => measureDirect(stage, sizes))
      if (any('cpu')) await part(`cpu${on}`, () => measureCpu(stage, null, sizes))
      if (any('nginx')) await part(`nginx${on}`, () => measureNginx(stage, sizes))
      if (any('stream')) await part('stream', () => measureStream(stage, sizes))
      if (any('console'))
        await attempt('console', async () => {
          found.console = await measureConsole(stage.patchbay)
          sayConsole(found.console)
        })
    })
  if (any('direct', 'cpu', 'nginx')) {
    const { url, pid } = await measuredPostgres()
    await onStage(url, async stage => {
      if (any('direct')) await part('direct_postgres', () => measureDirect(stage, sizes))
      if (any('cpu')) await part('cpu_postgres', () => measureCpu(stage, pid, sizes))
      if (any('nginx')) await part('nginx_postgres', () => measureNginx(stage, sizes))
    })
  }
  if (any('workers')) await part('workers', () => measureWorkers(sizes))
  if (any('million')) await part('million', () => measureMillion(sizes))
  if (any('deluge'))
    await attempt('deluge', async () => {
      found.deluge = await measureDeluge()
      sayDeluge(found.deluge)
    })
  if (any('soak')) await part('soak', () => measureSoak(sizes))
}

async function main(): Promise<void> {
  const unknown = [...wanted].filter(name => ![...subjects, ...others].some(known => known === name))
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')} to measure: ${[...subjects, ...others].join(', ')}.`)
  for (const name of ['cpu-prof', 'heap-prof'] as const) if (options[name] !== undefined) mkdirSync(options[name], { recursive: true })
  if (!options['no-build'] && any(...subjects, ...others.filter(name => name !== 'deluge'))) await buildIfNeeded()
  try {
    await measureAll()
  } finally {
    await stopAll()
    await stopMeasuredPostgres()
  }
  if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    process.stderr.write('Stopping.\n')
    void Promise.all([stopAll(), stopMeasuredPostgres()]).then(() => process.exit(130))
  })

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
