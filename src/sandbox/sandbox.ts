import { Problem } from '../core/problem.ts'
import { Failure } from '../deluge/failure.ts'
import type { Host, Surroundings } from '../deluge/host.ts'
import type { Checked, Finished, Job, Rename } from './messages.ts'
import { openThread, type Assignment, type Done, type Thread } from './open-thread.ts'
import { createTurns, type Asker } from './turns.ts'

/** The host of a run, on this side: it may wait. A `Failure` it throws is the script's to catch; anything else is a fault of ours. */
export type AsyncHost = {
  readonly [M in keyof Host]: (...values: Parameters<Host[M]>) => Promise<ReturnType<Host[M]>> | ReturnType<Host[M]>
} & {
  /** A line of `info` as it is printed; `at` is its line in the source, from 1. */
  info(line: string, at: number): void
}

export interface RunOptions {
  /** Aborted, it ends the run with a failure of kind `cancelled`. */
  readonly signal?: AbortSignal | undefined
  /** Called when its thread is free, and waited for: the run begins after it. */
  readonly onStart?: () => Promise<void> | void
}

/** Where scripts run: a few threads that hold nothing, each with one script at a time. */
export interface Sandbox {
  /**
   * Everything wrong with a script. `known` lists the functions there are ("namespace.name", lower case); null: do not look.
   * @throws Problem functions_busy
   */
  check(
    source: string,
    options: {
      readonly asker: Asker
      readonly precedence: Surroundings['precedence']
      readonly known: readonly string[] | null
      /** Where it will be saved: functions of this namespace may come later. */
      readonly namespace?: string | undefined
      /** First, give the function this name; the answer's `source` has it. */
      readonly rename?: Rename | undefined
    },
  ): Promise<Checked>
  /**
   * Runs one function to its end; a script that fails is an answer.
   * @throws Problem functions_busy when no thread is free within the wait.
   */
  run(job: Job, host: AsyncHost, options?: RunOptions): Promise<Finished>
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

/** Without a thread when none could be made: the system may be out of them. */
type Begin = (thread: Thread | null) => void

const checkMs = 10_000

export function createSandbox({ threads: most, waiting = 1000, waitMs = 10_000, idleMs = 60_000, onFault }: SandboxOptions): Sandbox {
  const all = new Set<Thread>()
  const idle: { readonly thread: Thread; readonly since: number }[] = []
  const turns = createTurns<Begin>({ places: most, waiting })
  let closed = false

  const busy = () =>
    new Problem('functions_busy', { retry_after: 1, ...(closed && { detail: 'Patchbay is stopping. Try again in a moment.' }) })

  function open(): Thread | null {
    try {
      const thread: Thread = openThread(onFault, () => {
        all.delete(thread)
        const place = idle.findIndex(other => other.thread === thread)
        if (place >= 0) idle.splice(place, 1)
        pump()
      })
      all.add(thread)
      return thread
    } catch (error) {
      onFault(error)
      return null
    }
  }

  function pump(): void {
    while (!closed && (idle.length > 0 || all.size < most)) {
      const begin = turns.next()
      if (begin === undefined) return
      begin(idle.pop()?.thread ?? open())
    }
  }

  const threadFor = (asker: Asker): Promise<Thread> =>
    new Promise((resolve, reject) => {
      const begin: Begin = thread => {
        clearTimeout(late)
        if (thread) return resolve(thread)
        turns.done(asker)
        reject(busy())
      }
      if (closed || !turns.wait(asker, begin)) return reject(busy())
      const late = setTimeout(() => {
        turns.leave(asker, begin)
        reject(busy())
      }, waitMs)
      pump()
    })

  async function perform(asker: Asker, assignment: Assignment, onStart?: RunOptions['onStart']): Promise<Done> {
    const thread = await threadFor(asker)
    try {
      await onStart?.()
      // it may have been ended meanwhile, and would never answer
      if (closed || !all.has(thread)) throw new Failure('The run was cancelled: Patchbay is stopping.', 'cancelled')
      return await thread.perform(assignment)
    } finally {
      turns.done(asker)
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
    async check(source, { asker, precedence, known, namespace = null, rename = null }) {
      const done = await perform(asker, {
        work: { kind: 'check', source, precedence, known, namespace, rename },
        milliseconds: checkMs,
        host: null,
        signal: undefined,
      })
      if (done.kind !== 'checked') throw new Error('a check was answered with something else')
      return done.result
    },
    async run({ asker, ...job }, host, { signal, onStart } = {}) {
      const began = performance.now()
      try {
        const done = await perform(asker, { work: { kind: 'run', job }, milliseconds: job.limits.milliseconds, host, signal }, onStart)
        if (done.kind !== 'ran') throw new Error('a run was answered with something else')
        return done.result
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        const { message, kind, facts } = error
        const milliseconds = performance.now() - began
        return { written: null, outputType: 'void', error: { message, line: 0, kind, facts }, statements: 0, calls: 0, milliseconds }
      }
    },
    async close() {
      closed = true
      clearInterval(sweep)
      await Promise.all([...all].map(thread => thread.end()))
    },
  }
}
