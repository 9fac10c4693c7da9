import { row, type PartResult, type Sizes } from './part.ts'
import { median, rounded, type Round, type Subject } from './report.ts'
import { alternate, type Stage } from './stage.ts'

const aim = { atMost: 0.2 }

/** By how much the median call of one round takes longer than the same call without anything in between, in milliseconds. */
const addedBy = (rounds: readonly Round[], subject: Subject): number =>
  median(
    rounds
      .filter(one => one.subject === subject)
      .map(
        one =>
          one.p50Milliseconds - (rounds.find(other => other.round === one.round && other.subject === 'direct')?.p50Milliseconds ?? NaN),
      ),
  )

/** What a caller waits longer because there is a proxy: one connection, one call after the other. */
export async function measureDirect(stage: Stage, { rounds: count, seconds }: Sizes): Promise<PartResult> {
  const rounds = await alternate(stage, ['direct', 'bare', 'proxy', 'invoke'], { connections: 1, rounds: count, seconds })
  const { database } = stage.patchbay
  const added = { bare: addedBy(rounds, 'bare'), proxy: addedBy(rounds, 'proxy'), invoke: addedBy(rounds, 'invoke') }
  const direct = median(rounds.filter(one => one.subject === 'direct').map(one => one.p50Milliseconds))
  return {
    rows: [
      row(
        `added to a direct call, proxy, one connection, p50, ${database} (bare proxy adds ${added.bare.toFixed(2)} ms)`,
        aim,
        added.proxy,
        'ms',
        3,
      ),
      row(`the same, invoke, ${database}`, aim, added.invoke, 'ms', 3),
    ],
    figures: {
      direct_p50_ms: rounded(direct, 3),
      added_p50_ms: Object.fromEntries(Object.entries(added).map(([name, ms]) => [name, rounded(ms, 3)])),
    },
  }
}
