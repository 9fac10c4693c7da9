import { availableParallelism, totalmem } from 'node:os'
import type { LoadResult } from './load.ts'

export type Subject = 'direct' | 'bare' | 'nginx' | 'proxy' | 'invoke' | 'proxy_key' | 'invoke_key'

export interface Round extends LoadResult {
  readonly round: number
  readonly connections: number
  readonly subject: Subject
}

/** By number of connections: requests per second as a part of the bare proxy's. */
type Ratios = Readonly<Record<string, number>>

/** What `--json` writes. Null is what this system does not tell. */
export interface Figures {
  readonly proxy_ratio: Ratios
  readonly invoke_ratio: Ratios
  /** The same through an API key connection. */
  readonly proxy_key_ratio: Ratios
  readonly invoke_key_ratio: Ratios
  /** Microseconds of CPU for a request at 16 connections, or the nearest that was measured. */
  readonly cpu_us: Readonly<Partial<Record<Subject, number | null>>>
  /** Most that Patchbay was seen to hold under load, in MB. */
  readonly rss_mb: number | null
  /** The log's batches included. */
  readonly statements_per_call: number
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? (sorted[Math.floor(middle)] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))
export const perSecond = (one: Pick<LoadResult, 'requests' | 'seconds'>): number => one.requests / one.seconds

function ratiosOf(rounds: readonly Round[], subject: Subject): Ratios {
  const ratios: Record<string, number> = {}
  for (const connections of new Set(rounds.filter(one => one.subject === subject).map(one => one.connections))) {
    const here = rounds.filter(one => one.connections === connections)
    const pairs = here
      .filter(one => one.subject === subject)
      .flatMap(one => {
        const bare = here.find(other => other.subject === 'bare' && other.round === one.round)
        return bare ? [perSecond(one) / perSecond(bare)] : []
      })
    ratios[connections] = rounded(median(pairs), 3)
  }
  return ratios
}

function cpuOf(rounds: readonly Round[], subject: Subject, connections: number): number | null {
  const costs = rounds
    .filter(one => one.subject === subject && one.connections === connections)
    .map(one => (one.cpuMicroseconds === null ? null : one.cpuMicroseconds / one.requests))
    .filter(cost => cost !== null)
  return costs.length === 0 ? null : rounded(median(costs), 1)
}

export function figuresOf(rounds: readonly Round[], more: { residentMegabytes: number | null; statementsPerCall: number }): Figures {
  const subjects = [...new Set(rounds.map(one => one.subject))]
  const counts = [...new Set(rounds.map(one => one.connections))]
  const usual = counts.includes(16) ? 16 : (counts[0] ?? 16)
  return {
    proxy_ratio: ratiosOf(rounds, 'proxy'),
    invoke_ratio: ratiosOf(rounds, 'invoke'),
    proxy_key_ratio: ratiosOf(rounds, 'proxy_key'),
    invoke_key_ratio: ratiosOf(rounds, 'invoke_key'),
    cpu_us: Object.fromEntries(subjects.map(subject => [subject, cpuOf(rounds, subject, usual)])),
    rss_mb: more.residentMegabytes === null ? null : Math.round(more.residentMegabytes),
    statements_per_call: rounded(more.statementsPerCall, 4),
  }
}

const names: Record<Subject, string> = {
  direct: 'no proxy',
  bare: 'bare proxy',
  nginx: 'nginx',
  proxy: 'proxy, OAuth 2',
  invoke: 'invoke, OAuth 2',
  proxy_key: 'proxy, API key',
  invoke_key: 'invoke, API key',
}

/** The table of RESULTS.md, on standard output. */
export function sayTable(figures: Figures, rounds: readonly Round[], database: string): void {
  const ratios: Partial<Record<Subject, Ratios>> = {
    proxy: figures.proxy_ratio,
    invoke: figures.invoke_ratio,
    proxy_key: figures.proxy_key_ratio,
    invoke_key: figures.invoke_key_ratio,
  }
  const rows = [...new Set(rounds.map(one => `${one.connections} ${one.subject}`))].map(text => {
    const [connections = '', subject = ''] = text.split(' ')
    const name = subject as Subject
    const here = rounds.filter(one => one.subject === name && one.connections === Number(connections))
    const cpu = cpuOf(rounds, name, Number(connections))
    return [
      connections,
      names[name],
      Math.round(median(here.map(perSecond)))
        .toLocaleString('en')
        .replaceAll(',', ' '),
      name === 'bare' ? '1.00' : (ratios[name]?.[connections] ?? NaN).toFixed(2),
      cpu === null ? '–' : String(Math.round(cpu)),
      median(here.map(one => one.p50Milliseconds)).toFixed(2),
      median(here.map(one => one.p99Milliseconds)).toFixed(2),
    ]
  })
  rows.sort((a, b) => Number(a[0]) - Number(b[0]))
  const titles = ['connections', 'what', 'calls a second', '× bare', 'CPU µs a call', 'p50 ms', 'p99 ms']
  const lines = [titles, titles.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
  const machine = `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${database} database`
  process.stdout.write(
    `${machine}\n\n${lines.join('\n')}\n\n` +
      `Patchbay held at most ${figures.rss_mb ?? '?'} MB and gave the database ${figures.statements_per_call} statements a call.\n`,
  )
}
