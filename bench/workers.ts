import { cpus } from 'node:os'
import { row, type PartResult, type Sizes } from './part.ts'
import { measuredPostgres } from './postgres.ts'
import { median, perSecond, rounded } from './report.ts'
import { measure, setUp, type Stage } from './stage.ts'

const connections = 64
const subjects = ['proxy', 'invoke'] as const

/** Milliseconds of all cores since the machine started: idle, and altogether. */
function coreTimes(): { idle: number; all: number } {
  const times = cpus().map(one => one.times)
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0)
  return { idle: times.reduce((sum, { idle }) => sum + idle, 0), all }
}

/**
 * Two workers against one, each with a schema of its own in one PostgreSQL; nobody is kept on a core, so they share them with the
 * load. How busy the cores are tells what there was to gain: where one worker and its load leave a tenth idle, two cannot be 1.4 times as fast.
 */
export async function measureWorkers({ rounds, seconds, nodeOptions }: Sizes): Promise<PartResult> {
  const { url } = await measuredPostgres()
  const stages: Stage[] = []
  const rates: Record<string, [one: number, two: number][]> = {}
  const busy: Record<string, [one: number, two: number][]> = {}
  try {
    for (const workers of [1, 2]) stages.push(await setUp({ nodeOptions, databaseUrl: url, workers }, false))
    for (const stage of stages) for (const subject of subjects) await measure(stage, subject, connections, Math.max(1, seconds))
    for (let round = 0; round < rounds; round++)
      for (const subject of subjects) {
        const pair: [number, number] = [0, 0]
        const shares: [number, number] = [0, 0]
        for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
          const stage = stages[at]
          if (!stage) continue
          const before = coreTimes()
          pair[at] = perSecond(await measure(stage, subject, connections, seconds))
          const after = coreTimes()
          shares[at] = 1 - (after.idle - before.idle) / (after.all - before.all)
        }
        ;(busy[subject] ??= []).push(shares)
        ;(rates[subject] ??= []).push(pair)
      }
  } finally {
    for (const stage of stages) await stage.stop()
  }
  const ratio = (subject: string) => median((rates[subject] ?? []).map(([one, two]) => two / one))
  const rate = (subject: string, at: 0 | 1) => Math.round(median((rates[subject] ?? []).map(pair => pair[at])))
  const share = (subject: string, at: 0 | 1) => rounded(median((busy[subject] ?? []).map(pair => pair[at])), 3)
  return {
    rows: subjects.map(subject =>
      row(`two workers against one, ${subject}, ${connections} connections, PostgreSQL`, { atLeast: 1.4 }, ratio(subject), '×'),
    ),
    figures: Object.fromEntries(
      subjects.map(subject => [
        subject,
        {
          one_per_second: rate(subject, 0),
          two_per_second: rate(subject, 1),
          ratio: rounded(ratio(subject), 3),
          cores_busy_with_one: share(subject, 0),
          cores_busy_with_two: share(subject, 1),
        },
      ]),
    ),
  }
}
