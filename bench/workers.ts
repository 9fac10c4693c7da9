import { row, type PartResult, type Sizes } from './part.ts'
import { measuredPostgres } from './postgres.ts'
import { median, perSecond, rounded } from './report.ts'
import { measure, setUp, type Stage } from './stage.ts'

const connections = 64
const subjects = ['proxy', 'invoke'] as const

/** Two workers against one, each with a schema of its own in one PostgreSQL; nobody is kept on a core, so they share them with the load. */
export async function measureWorkers({ rounds, seconds, nodeOptions }: Sizes): Promise<PartResult> {
  const { url } = await measuredPostgres()
  const stages: Stage[] = []
  const rates: Record<string, [one: number, two: number][]> = {}
  try {
    for (const workers of [1, 2]) stages.push(await setUp({ nodeOptions, databaseUrl: url, workers }, false))
    for (const stage of stages) for (const subject of subjects) await measure(stage, subject, connections, Math.max(1, seconds))
    for (let round = 0; round < rounds; round++)
      for (const subject of subjects) {
        const pair: [number, number] = [0, 0]
        for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
          const stage = stages[at]
          if (stage) pair[at] = perSecond(await measure(stage, subject, connections, seconds))
        }
        ;(rates[subject] ??= []).push(pair)
      }
  } finally {
    for (const stage of stages) await stage.stop()
  }
  const ratio = (subject: string) => median((rates[subject] ?? []).map(([one, two]) => two / one))
  const rate = (subject: string, at: 0 | 1) => Math.round(median((rates[subject] ?? []).map(pair => pair[at])))
  return {
    rows: subjects.map(subject =>
      row(`two workers against one, ${subject}, ${connections} connections, PostgreSQL`, { atLeast: 1.4 }, ratio(subject), '×'),
    ),
    figures: Object.fromEntries(
      subjects.map(subject => [
        subject,
        { one_per_second: rate(subject, 0), two_per_second: rate(subject, 1), ratio: rounded(ratio(subject), 3) },
      ]),
    ),
  }
}
