import { MessageChannel, Worker } from 'node:worker_threads'
import { Failure } from '../deluge/failure.ts'
import { control, type Answer, type Message, type Question, type Work } from './messages.ts'
import type { AsyncHost } from './sandbox.ts'

export type Done = Extract<Message, { kind: 'ran' | 'checked' }>

/** One thing for a thread to do. */
export interface Assignment {
  readonly work: Work
  /** Wall time; when it and the grace are over, the thread is ended from outside. */
  readonly milliseconds: number
  readonly host: AsyncHost | null
  readonly signal: AbortSignal | undefined
}

export interface Thread {
  /** @throws Failure `limit` or `cancelled` when the thread had to be ended; it is of no use then. */
  perform(assignment: Assignment): Promise<Done>
  end(): Promise<void>
}

/** How much longer than its limit a script may take to notice that it is over: a sort or a long text looks at no clock. */
const graceMs = 2000

/** A script's memory is counted; this is the wall behind it, for what counting misses. */
const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16, stackSizeMb: 8 }

const fromSource = import.meta.url.endsWith('.ts')
const entry = new URL(fromSource ? './thread.ts' : './thread.js', import.meta.url)
/** The sources need a loader, and a thread of Node 20 takes none from `execArgv`. The loader's own CommonJS form does not find its parts. */
const loadSource = `
  const { createRequire } = require('node:module')
  const { pathToFileURL } = require('node:url')
  const entry = ${JSON.stringify(entry.href)}
  const loader = createRequire(entry).resolve('tsx/esm/api').replace(/cjs$/, 'mjs')
  import(pathToFileURL(loader).href).then(({ register }) => (register(), import(entry)))
`

interface UnderWay extends Assignment {
  readonly cancel: () => void
  readonly watch: NodeJS.Timeout
  resolve(done: Done): void
  reject(failure: Failure): void
}

/** Starts a thread. `onGone` is called once, when it has ended for whatever reason. */
export function openThread(onFault: (error: unknown) => void, onGone: () => void): Thread {
  const memory = new Int32Array(new SharedArrayBuffer(4 * control.size))
  const { port1: answers, port2 } = new MessageChannel()
  const worker = new Worker(fromSource ? loadSource : entry, {
    eval: fromSource,
    workerData: { memory, answers: port2 },
    transferList: [port2],
    // Nothing of the process's own: neither its settings, which hold secrets, nor its arguments.
    env: {},
    execArgv: [],
    argv: [],
    resourceLimits,
  })
  answers.unref()
  worker.unref()

  let current: UnderWay | null = null
  let whyEnded = new Failure('The script used more memory than there is for one.', 'limit')

  const wake = () => {
    Atomics.add(memory, control.woken, 1)
    Atomics.notify(memory, control.woken)
  }

  const settle = (): UnderWay | null => {
    const ended = current
    current = null
    if (ended === null) return null
    clearTimeout(ended.watch)
    ended.signal?.removeEventListener('abort', ended.cancel)
    worker.unref()
    return ended
  }

  async function answer(question: Question): Promise<void> {
    const asker = current
    const host = asker?.host
    if (!host) return
    let said: Answer
    try {
      // That the values fit the method is known where the thread asks.
      const method = host[question.method] as (...values: readonly unknown[]) => unknown
      said = { id: question.id, value: await method.apply(host, [...question.values]) }
    } catch (error) {
      if (!(error instanceof Failure)) onFault(error)
      const failure = error instanceof Failure ? error : new Failure('Patchbay had a fault, so this could not be done.', 'call')
      said = { id: question.id, failure: { message: failure.message, kind: failure.kind, facts: failure.facts } }
    }
    if (current !== asker) return
    try {
      answers.postMessage(said)
    } catch (error) {
      // what cannot be copied: a mistake of ours, and the thread must not wait for it
      onFault(error)
      answers.postMessage({
        id: question.id,
        failure: { message: 'Patchbay had a fault, so this could not be done.', kind: 'call', facts: {} },
      })
    }
    wake()
  }

  worker.on('message', (message: Message) => {
    if (message.kind === 'ask') void answer(message)
    else if (message.kind === 'info') current?.host?.info(message.line, message.at)
    else settle()?.resolve(message)
  })
  worker.on('messageerror', error => {
    onFault(error)
    whyEnded = new Failure('Patchbay could not read what the script gave.', 'failed')
    void worker.terminate()
  })
  worker.on('error', (error: Error & { code?: string }) => {
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') return
    onFault(error)
    whyEnded = new Failure('Patchbay had a fault while it ran the script.', 'failed')
  })
  worker.on('exit', () => {
    answers.close()
    settle()?.reject(whyEnded)
    onGone()
  })

  return {
    perform: assignment =>
      new Promise((resolve, reject) => {
        const cancel = () => {
          Atomics.store(memory, control.cancelled, 1)
          wake()
        }
        const watch = setTimeout(() => {
          whyEnded = new Failure(`The run took longer than its limit of ${String(assignment.milliseconds / 1000)} seconds.`, 'limit')
          void worker.terminate()
        }, assignment.milliseconds + graceMs)
        current = { ...assignment, cancel, watch, resolve, reject }
        Atomics.store(memory, control.cancelled, assignment.signal?.aborted === true ? 1 : 0)
        assignment.signal?.addEventListener('abort', cancel)
        worker.ref()
        worker.postMessage(assignment.work)
      }),
    async end() {
      whyEnded = new Failure('The run was cancelled: Patchbay is stopping.', 'cancelled')
      await worker.terminate()
    },
  }
}
