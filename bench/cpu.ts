import { row, type PartResult, type Sizes } from './part.ts'
import { familyCpuMicroseconds } from './process-figures.ts'
import { median, rounded, type Subject } from './report.ts'
import { measure, type Stage } from './stage.ts'

const connections = 16
const subjects: readonly Subject[] = ['proxy', 'invoke']

interface Cost {
  readonly own: number | null
  readonly database: number | null
  readonly statements: number
}

/**
 * CPU time and statements of a warm call at 16 connections.
 * @param postgres pid of the database's first process; null for the embedded one, which is part of ours.
 */
export async function measureCpu(stage: Stage, postgres: number | null, { rounds, seconds }: Sizes): Promise<PartResult> {
  for (const subject of subjects) await measure(stage, subject, connections, Math.max(1, seconds))
  const costs: Record<string, Cost[]> = {}
  for (let round = 0; round < rounds; round++)
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed())
      (costs[subject] ??= []).push(await costOf(stage, subject, postgres, seconds))
  const { database } = stage.patchbay
  const middle = (subject: Subject, part: keyof Cost): number | null => {
    const known = (costs[subject] ?? []).map(one => one[part]).filter(cost => cost !== null)
    return known.length === 0 ? null : rounded(median(known), 3)
  }
  return {
    rows: [
      row(`CPU of our process, a proxied call, ${database}`, { atMost: 95 }, middle('proxy', 'own'), 'µs', 0),
      ...(postgres === null ? [] : [row('CPU of PostgreSQL, a proxied call', { atMost: 30 }, middle('proxy', 'database'), 'µs', 1)]),
      row(`statements, a warm call, ${database}`, { atMost: 0.1 }, middle('proxy', 'statements'), '', 4),
    ],
    figures: Object.fromEntries(
      subjects.map(subject => [
        subject,
        { cpu_us: middle(subject, 'own'), database_cpu_us: middle(subject, 'database'), statements: middle(subject, 'statements') },
      ]),
    ),
  }
}

async function costOf(stage: Stage, subject: Subject, postgres: number | null, seconds: number): Promise<Cost> {
  const spent = () => (postgres === null ? null : familyCpuMicroseconds(postgres))
  const [databaseBefore, statementsBefore] = [spent(), await stage.patchbay.statements()]
  const { requests, cpuMicroseconds } = await measure(stage, subject, connections, seconds)
  const [databaseAfter, statementsAfter] = [spent(), await stage.patchbay.statements()]
  return {
    own: cpuMicroseconds === null ? null : cpuMicroseconds / requests,
    database: databaseBefore === null || databaseAfter === null ? null : (databaseAfter - databaseBefore) / requests,
    statements: (statementsAfter - statementsBefore) / requests,
  }
}
