import { Problem } from '../core/problem.ts'
import { noteTime, timeIsToBeNoted, type Clock } from '../storage/clock.ts'
import { moveBack } from '../storage/set-back.ts'
import type { Broker } from './broker.ts'
import { planAgain } from './function-due.ts'

const lookEveryMs = 10_000
/** After a smaller correction schedules wait until the time has come again, so that none runs twice, as cron has it. */
const planAgainSeconds = 3 * 3600

/** Notes how late it is by the database's clock. When that was set back, nothing waits for the time that was: no pause, lease, flow, session or job. */
export async function settleSetBack(broker: Broker): Promise<void> {
  if (!(await timeIsToBeNoted(broker.db))) return
  const seconds = await broker.db.transaction().execute(async trx => {
    const seconds = await noteTime(trx)
    if (seconds === null) return null
    await moveBack(trx, seconds)
    await broker.jobs.moveBack(trx, seconds)
    if (seconds > planAgainSeconds) await planAgain(broker, trx)
    return seconds
  })
  if (seconds !== null)
    broker.log.warn({ seconds: Math.round(seconds) }, 'the clock of the database was set back: what it had timed was moved with it')
}

/** Looks every ten seconds what time it is by the database. @returns what ends it */
export function watchTime(broker: Broker, clock: Clock): () => Promise<void> {
  let looking: Promise<void> | null = null
  const look = async () => {
    try {
      await clock.ask()
      await settleSetBack(broker)
    } catch (error) {
      // a database that is away is told elsewhere
      if (!(error instanceof Problem)) broker.log.error({ err: error }, 'the time could not be noted')
    }
  }
  const timer = setInterval(() => void (looking ??= look().finally(() => (looking = null))), lookEveryMs).unref()
  return async () => {
    clearInterval(timer)
    await looking
  }
}
