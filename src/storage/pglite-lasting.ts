import { setTimeout as delay } from 'node:timers/promises'
import { Problem } from '../core/problem.ts'
import { EngineDied, startEngine, type Engine } from './pglite-engine.ts'
import { mayPass, startRefused } from './pglite-refusal.ts'

/** The engine, started anew when PostgreSQL has given up, as a server does with its processes: what was committed is in its log. */
export interface LastingEngine {
  /** The one that runs. @throws Problem storage_unavailable while there is none */
  current(): Engine
  syncCount(): number
  /** `onLost`: another engine has taken over, and a notification of the first one's last transaction may be missing. */
  listen(channel: string, onMessage: (payload: string) => void, onLost: () => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

export interface Ends {
  /** What happens, for people; without secrets. */
  readonly log: (line: string) => void
  /** It stopped and cannot be started anew. */
  readonly onEnded: (problem: Problem) => void
}

interface Subscription {
  readonly channel: string
  readonly onMessage: (payload: string) => void
  readonly onLost: () => void
  stop: () => Promise<void>
}

const firstPauseMs = 200
/** An attempt is a second's work for a processor; a disk that is full may be so for days. */
const pauseMs = 3_000
const soonMs = 60_000

const stopped = (detail: string, cause: unknown) => new Problem('storage_unavailable', { detail }, { cause })

/** @throws what `startEngine` throws */
export const startLasting = async (directory: string, { log, onEnded }: Ends): Promise<LastingEngine> => {
  const subscriptions = new Set<Subscription>()
  const closing = new AbortController()
  let engine: Engine | undefined
  let earlierSyncs = 0
  let begunAt = 0
  let reviving: Promise<void> | undefined

  const begin = async (): Promise<void> => {
    const next = await startEngine(directory, cause => ended(next, cause))
    try {
      for (const one of subscriptions) one.stop = await next.listen(one.channel, one.onMessage)
    } catch (error) {
      await next.close()
      throw error
    }
    engine = next
    begunAt = performance.now()
  }

  const ended = (which: Engine, cause: Error): void => {
    if (engine !== which) return
    engine = undefined
    earlierSyncs += which.syncCount()
    if (!(cause instanceof EngineDied)) return onEnded(stopped('The embedded database has stopped. Start Patchbay again.', cause))
    log(`the embedded database has stopped and is started again: ${cause.message}`)
    reviving ??= revive(performance.now() - begunAt < soonMs).finally(() => (reviving = undefined))
  }

  const revive = async (again: boolean): Promise<void> => {
    for (let pause = again ? pauseMs : firstPauseMs; ; pause = pauseMs) {
      await delay(pause, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)
      if (closing.signal.aborted) return
      try {
        await begin()
      } catch (error) {
        if (mayPass(error)) continue
        const problem = startRefused(directory, error)
        return onEnded(problem instanceof Problem ? problem : stopped('The embedded database has stopped. Start Patchbay again.', error))
      }
      for (const one of subscriptions) one.onLost()
      log('the embedded database works again')
      return
    }
  }

  const current = (): Engine => {
    if (!engine) throw new Problem('storage_unavailable', { retry_after: 2 })
    return engine
  }

  await begin()
  return {
    current,
    syncCount: () => earlierSyncs + (engine?.syncCount() ?? 0),
    async listen(channel, onMessage, onLost) {
      const subscription = { channel, onMessage, onLost, stop: await current().listen(channel, onMessage) }
      subscriptions.add(subscription)
      return async () => {
        subscriptions.delete(subscription)
        if (engine) await subscription.stop()
      }
    },
    async close() {
      closing.abort()
      await reviving
      await engine?.close()
    },
  }
}
