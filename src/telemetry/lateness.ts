import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** Whether this process is so busy that everything in it happens late. */
export interface Lateness {
  late(): boolean
  close(): void
}

/** Of the time, spent working: the rest is waiting for something to do. */
const busyShare = 0.9

/**
 * Measures how late timers run, and calls it late when the 99th percentile was over `limitMs` in two windows one after the other: one pause
 * of the garbage collector, or one large document, is no overload. Nor is it when the process has nothing to do and other ones keep the
 * processor: to turn callers away would help nobody. Over as soon as one window is fine, so it recovers by itself within two.
 *
 * @param limitMs 0: never late.
 */
export function watchLateness(limitMs: number, windowMs = 500): Lateness {
  if (limitMs === 0) return { late: () => false, close: () => {} }
  const delays = monitorEventLoopDelay({ resolution: 20 })
  delays.enable()
  let before = false
  let used = performance.eventLoopUtilization()
  let late = false
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const busy = performance.eventLoopUtilization(now, used).utilization > busyShare
    used = now
    const over = busy && delays.percentile(99) > limitMs * 1e6
    delays.reset()
    late = over && before
    before = over
  }, windowMs).unref()
  return {
    late: () => late,
    close() {
      clearInterval(timer)
      delays.disable()
    },
  }
}
