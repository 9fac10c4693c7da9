import { Problem } from '../core/problem.ts'
import { Failure } from '../deluge/failure.ts'
import type { Host, Surroundings } from '../deluge/host.ts'
import type { RunResult } from '../deluge/run.ts'
import type { Checked, Job } from './messages.ts'
import { openThread, type Assignment, type Done, type Thread } from './open-thread.ts'

/** The host of a run, on this side: it may wait. A `Failure` it throws is the script's to catch; anything else is a fault of ours. */
export type AsyncHost = {
  readonly [M in keyof Host]: (...values: Parameters<Host[M]>) => Promise<ReturnType<Host[M]>> | ReturnType<Host[M]>
} & {
  /** A line of `info` as it is printed; `at` is its line in the source, from 1. */
  info(line: string, at: number): void
}

/** Where scripts run: a few threads that hold nothing, each with one script at a time. */
export interface Sandbox {
  /**
   * Everything wrong with a script. `known` lists the functions there are ("namespace.name", lower case); null: do not look.
   * @throws Problem functions_busy
   */
  check(
    source: string,
    options: { readonly organizationId: string; readonly precedence: Surroundings['precedence']; readonly known: readonly string[] | null },
  ): Promise<Checked>
  /**
   * Runs one function to its end; a script that fails is an answer. Aborting `signal` ends it with a failure of kind `cancelled`.
   * @throws Problem functions_busy when no thread is free within the wait.
   */
  run(job: Job, host: AsyncHost, signal?: AbortSignal): Promise<RunResult>
  close(): Promise<void>
}

export interface SandboxOptions {
  /** How many scripts run at once. One that waits for a service counts, although its thread sleeps. */
  readonly threads: number
  /** How many may wait for a thread, and how long in milliseconds. */
  readonly waiting?: number
  readonly waitMs?: number
  /** A thread without work ends after this long. */
  readonly idleMs?: number
  readonly onFault: (error: unknown) => void
}

type Begin = (thread: Thread) => void

const checkMs = 10_000

export function createSandbox({ threads: most, waiting = 1000, waitMs = 10_000, idleMs = 60_000, onFault }: SandboxOptions): Sandbox {
  const all = new Set<Thread>()
  const idle: { readonly thread: Thread; readonly since: number }[] = []
  const running = new Map<string, number>()
  /** By organisation, those whose turn is next first. */
  const queues = new Map<string, Set<Begin>>()
  let queued = 0
  /** One organisation leaves a quarter of the threads to the others. */
  const mostOfOne = Math.max(1, most - Math.floor(most / 4))
  /** Nor does one take all the places in the queue. */
  const waitingOfOne = Math.max(1, waiting - Math.floor(waiting / 4))
  let closed = false

  const busy = () =>
    new Problem('functions_busy', { retry_after: 1, ...(closed && { detail: 'Patchbay is stopping. Try again in a moment.' }) })

  function open(): Thread {
    const thread: Thread = openThread(onFault, () => {
      all.delete(thread)
      const place = idle.findIndex(other => other.thread === thread)
      if (place >= 0) idle.splice(place, 1)
      pump()
    })
    all.add(thread)
    return thread
  }

  /** The first who waits of the organisation whose turn it is. Who was served goes to the end, so that nobody holds up the others. */
  function next(): Begin | undefined {
    for (const [organizationId, waiters] of queues) {
      if ((running.get(organizationId) ?? 0) >= mostOfOne) continue
      const [begin] = waiters
      if (begin === undefined) continue
      leave(organizationId, begin)
      if (queues.delete(organizationId)) queues.set(organizationId, waiters)
      return begin
    }
    return undefined
  }

  function leave(organizationId: string, begin: Begin): void {
    const waiters = queues.get(organizationId)
    if (!waiters?.delete(begin)) return
    queued -= 1
    if (waiters.size === 0) queues.delete(organizationId)
  }

  function pump(): void {
    while (!closed && (idle.length > 0 || all.size < most)) {
      const begin = next()
      if (begin === undefined) return
      begin(idle.pop()?.thread ?? open())
    }
  }

  const threadFor = (organizationId: string): Promise<Thread> =>
    new Promise((resolve, reject) => {
      if (closed || queued >= waiting || (queues.get(organizationId)?.size ?? 0) >= waitingOfOne) return reject(busy())
      const begin: Begin = thread => {
        clearTimeout(late)
        running.set(organizationId, (running.get(organizationId) ?? 0) + 1)
        resolve(thread)
      }
      const late = setTimeout(() => {
        leave(organizationId, begin)
        reject(busy())
      }, waitMs)
      const waiters = queues.get(organizationId) ?? new Set()
      queues.set(organizationId, waiters.add(begin))
      queued += 1
      pump()
    })

  async function perform(organizationId: string, assignment: Assignment): Promise<Done> {
    const thread = await threadFor(organizationId)
    try {
      return await thread.perform(assignment)
    } finally {
      const left = (running.get(organizationId) ?? 1) - 1
      if (left === 0) running.delete(organizationId)
      else running.set(organizationId, left)
      if (all.has(thread)) idle.push({ thread, since: performance.now() })
      pump()
    }
  }

  const sweep = setInterval(() => {
    for (const { thread, since } of [...idle]) {
      if (performance.now() - since < idleMs) continue
      all.delete(thread)
      idle.splice(
        idle.findIndex(other => other.thread === thread),
        1,
      )
      void thread.end()
    }
  }, idleMs / 2).unref()

  return {
    async check(source, { organizationId, precedence, known }) {
      const done = await perform(organizationId, {
        work: { kind: 'check', source, precedence, known },
        milliseconds: checkMs,
        host: null,
        signal: undefined,
      })
      if (done.kind !== 'checked') throw new Error('a check was answered with something else')
      return done.result
    },
    async run({ organizationId, ...job }, host, signal) {
      const began = performance.now()
      try {
        const done = await perform(organizationId, { work: { kind: 'run', job }, milliseconds: job.limits.milliseconds, host, signal })
        if (done.kind !== 'ran') throw new Error('a run was answered with something else')
        return done.result
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        const { message, kind, facts } = error
        const milliseconds = performance.now() - began
        return { output: null, outputType: 'void', error: { message, line: 0, kind, facts }, statements: 0, calls: 0, milliseconds }
      }
    },
    async close() {
      closed = true
      clearInterval(sweep)
      await Promise.all([...all].map(thread => thread.end()))
    },
  }
}
