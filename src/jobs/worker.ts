import { setTimeout as delay } from 'node:timers/promises'
import type PgBoss from 'pg-boss'

/** Does the jobs of one name, one after the other. */
export interface Worker {
  /** Looks at once instead of after its rest. */
  wake(): void
  /** Takes no further job. Resolves when the one under way is done. */
  stop(): Promise<void>
  /** For when that takes too long: the job is failed now, so that another process may try it again; what it still does is told to nobody. */
  abandon(): Promise<void>
}

const restMs = 2_000

/**
 * pg-boss has such workers too, but they do not wait until a job is marked as done or failed: with the database away at that moment
 * theirs is a rejection that nothing catches, which ends the process.
 */
export function createWorker<T extends object>(options: {
  readonly boss: PgBoss
  readonly name: string
  readonly perform: (data: T) => Promise<void>
  /** What could not be written down. That job counts as failed when its time is over. */
  readonly onError: (error: unknown) => void
}): Worker {
  const { boss, name, perform, onError } = options
  let stopping = false
  let woken = false
  let rest = new AbortController()
  let underWay: string | null = null

  async function perhapsOne(): Promise<boolean> {
    const [job] = await boss.fetch<T>(name)
    if (!job) return false
    underWay = job.id
    const failure = await failureOf(perform(job.data), job.expireInSeconds)
    if (underWay === null) return true // abandoned meanwhile
    await (failure === null ? boss.complete(name, job.id) : boss.fail(name, job.id, failure))
    underWay = null
    return true
  }

  async function run(): Promise<void> {
    while (!stopping) {
      woken = false
      const found = await perhapsOne().catch((error: unknown) => {
        underWay = null
        onError(error)
        return false
      })
      // it rests only when there was nothing: a thousand revocations must not take two seconds each
      if (found || woken || stopping) continue
      rest = new AbortController()
      await delay(restMs, undefined, { signal: rest.signal, ref: false }).catch(() => {})
    }
  }
  const running = run()

  return {
    wake() {
      woken = true
      rest.abort()
    },
    stop() {
      stopping = true
      rest.abort()
      return running
    },
    async abandon() {
      const job = underWay
      underWay = null
      if (job !== null) await boss.fail(name, job, new Error('its process stopped before it was done')).catch(onError)
    },
  }
}

/** What was thrown; null when it was done in time. */
async function failureOf(work: Promise<void>, seconds: number): Promise<object | null> {
  const inTime = new AbortController()
  const late = delay(seconds * 1000, new Error(`it took longer than ${seconds} seconds`), { signal: inTime.signal, ref: false })
  try {
    return (await Promise.race([work, late])) ?? null
  } catch (error) {
    return error instanceof Error ? error : { value: String(error) }
  } finally {
    inTime.abort()
    late.catch(() => {})
  }
}
