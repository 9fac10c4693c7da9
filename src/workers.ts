import cluster, { type Worker } from 'node:cluster'
import type { Config } from './config.ts'
import { freePort } from './http/free-port.ts'
import { startPractice, type Practice } from './practice/server.ts'
import type { Placement, Running } from './start.ts'
import type { Log } from './telemetry/log.ts'
import { textOfAll, type Metrics, type MetricsOfOne } from './telemetry/metrics.ts'

/*
 * PATCHBAY_WORKERS: one process that starts the others, gives them the connections in turns (node:cluster), starts another one for each
 * that ends or answers no more, and asks all of them for metrics. It sees no key and no call. The practice service runs in it, since its clients are in memory.
 */

type ToWorker =
  | { readonly kind: 'placement'; readonly port: number; readonly practice: Placement['practice']; readonly first: boolean }
  | { readonly kind: 'stop' }
  | { readonly kind: 'alive' }
  | { readonly kind: 'measure'; readonly id: number }
  | { readonly kind: 'metrics'; readonly id: number; readonly text: string }

type FromWorker =
  | { readonly kind: 'here' }
  | { readonly kind: 'alive' }
  | { readonly kind: 'ready'; readonly url: string; readonly setUpUrl: string | null }
  | { readonly kind: 'metrics_of_all'; readonly id: number }
  | { readonly kind: 'measured'; readonly id: number; readonly metrics: MetricsOfOne }

/** A worker that ended is replaced after 0.1 s, after 0.2, 0.4 … 10 s when others ended in the last minute. */
const shortestPauseMs = 100
const longestPauseMs = 10_000
const rememberedMs = 60_000
/** Starts that fail one after another while nobody answers, until it is given up. */
const mostFailedStarts = 5
const metricsWithinMs = 2_000
/**
 * A worker that leaves so many questions in a row unanswered is killed: its event loop hangs, or it was stopped. Questions are counted and
 * not seconds, so that a machine that slept, or a pause of all of them, is nobody's fault.
 */
const mostUnanswered = 6

export interface Workers {
  readonly url: string
  readonly practiceUrl: string | null
  readonly setUpUrl: string | null
  /** Resolves when there is no point in going on: the workers end as they start. They have said why. */
  readonly failed: Promise<void>
  /** Lets each finish what it does; true when all ended well. */
  stop(): Promise<boolean>
  kill(): void
}

/** @throws WorkersRefused when a worker ends before it is ready; it has said why. */
export class WorkersRefused extends Error {}

/** What node:cluster hands to a worker with a new connection; one is on its way for each address that is listened on. */
interface HandedOver {
  readonly act?: string
  readonly key?: string
}

/**
 * Node closes its own end of a connection when the worker has said that it took it. One that was on its way to a worker that hung, and is
 * killed, would stay open here, and its caller wait, for ever.
 */
function closeWhatItNeverTook(worker: Worker): void {
  const child = worker.process
  const send = child.send.bind(child) as (...given: unknown[]) => boolean
  const handed = new Map<string, { close(): void }>()
  child.send = (message: HandedOver, ...given: unknown[]) => {
    const [handle] = given as [{ close(): void } | undefined]
    if (handle && message.act === 'newconn') handed.set(message.key ?? '', handle)
    return send(message, ...given)
  }
  // what it took is closed already: that does nothing
  worker.once('exit', () => handed.forEach(handle => handle.close()))
}

/** Starts the first worker, which prepares the database, then the others. */
export async function startWorkers(config: Config, log: Log): Promise<Workers> {
  // structured clones: a metric may be NaN, which JSON has not
  cluster.setupPrimary({ serialization: 'advanced' })
  const practice: Practice | null = config.practiceOn ? await startPractice({ host: '127.0.0.1', port: config.practicePort }) : null
  const placement = {
    kind: 'placement',
    port: config.port === 0 ? await freePort() : config.port,
    practice: practice && { url: practice.url, port: practice.port },
  } as const
  const all = new Set<Worker>()
  /** Each with the questions that it has left unanswered. */
  const ready = new Map<Worker, number>()
  const asked = new Map<number, { readonly waitingFor: Set<Worker>; readonly metrics: MetricsOfOne[]; done(): void }>()
  const deaths: number[] = []
  let stopping = false
  let endedBadly = false
  let failedStarts = 0
  let asking = 0
  let giveUp: () => void
  const failed = new Promise<void>(resolve => (giveUp = resolve))

  const tell = (worker: Worker, message: ToWorker) => void (worker.isConnected() && worker.send(message))

  async function metricsOfAll(): Promise<string> {
    const id = asking++
    const metrics: MetricsOfOne[] = []
    const waitingFor = new Set(ready.keys())
    await new Promise<void>(done => {
      const late = setTimeout(done, metricsWithinMs)
      asked.set(id, { waitingFor, metrics, done: () => (clearTimeout(late), done()) })
      for (const worker of waitingFor) tell(worker, { kind: 'measure', id })
    })
    asked.delete(id)
    return textOfAll(metrics)
  }

  function noLongerAsked(worker: Worker): void {
    for (const { waitingFor, done } of asked.values()) if (waitingFor.delete(worker) && waitingFor.size === 0) done()
  }

  function begin(first: boolean): Promise<{ url: string; setUpUrl: string | null }> {
    return new Promise((resolve, reject) => {
      // throws, or reports an error and no exit, where no process can be started
      const worker = cluster.fork()
      all.add(worker)
      closeWhatItNeverTook(worker)
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'here') tell(worker, stopping ? { kind: 'stop' } : { ...placement, first })
        else if (message.kind === 'ready') {
          ready.set(worker, 0)
          failedStarts = 0
          resolve(message)
        } else if (message.kind === 'alive') {
          if (ready.has(worker)) ready.set(worker, 0)
        } else if (message.kind === 'metrics_of_all')
          void metricsOfAll().then(text => tell(worker, { kind: 'metrics', id: message.id, text }))
        else {
          const question = asked.get(message.id)
          question?.metrics.push(message.metrics)
          if (question?.waitingFor.delete(worker) && question.waitingFor.size === 0) question.done()
        }
      })
      worker.on('error', error => {
        // of one that died as it was told something: its exit says so
        if (worker.process.pid !== undefined) return
        all.delete(worker)
        reject(error)
      })
      worker.once('exit', (code, signal) => {
        all.delete(worker)
        noLongerAsked(worker)
        // one that was still starting has nothing to end well
        if (stopping) endedBadly ||= code !== 0 && ready.has(worker)
        else if (ready.delete(worker)) {
          log.error({ process: worker.process.pid, code, signal }, 'a worker ended; another one is started')
          replace()
        } else reject(new WorkersRefused('A worker ended before it was ready.'))
      })
    })
  }

  function replace(): void {
    const now = performance.now()
    while (deaths[0] !== undefined && deaths[0] < now - rememberedMs) deaths.shift()
    const pause = Math.min(longestPauseMs, shortestPauseMs * 2 ** (deaths.push(now) - 1))
    setTimeout(() => {
      if (stopping) return
      begin(false).then(
        () => log.warn({ workers: ready.size }, 'another worker is ready'),
        (error: unknown) => {
          failedStarts++
          const err = error instanceof WorkersRefused ? undefined : error
          log.error({ err, failed_starts: failedStarts, workers: ready.size }, 'a worker ended before it was ready; it is tried again')
          if (ready.size === 0 && failedStarts >= mostFailedStarts) giveUp()
          else replace()
        },
      )
    }, pause)
  }

  // while stopping, too: one that hangs would hold up all of them
  function askWhoLives(): void {
    for (const [worker, unanswered] of ready) {
      if (!worker.isConnected()) continue
      if (unanswered < mostUnanswered) {
        ready.set(worker, unanswered + 1)
        tell(worker, { kind: 'alive' })
      } else {
        log.error({ process: worker.process.pid, seconds: config.workerSilentSeconds }, 'a worker does not answer any more; it is killed')
        worker.process.kill('SIGKILL')
      }
    }
  }
  const watching =
    config.workerSilentSeconds === 0 ? undefined : setInterval(askWhoLives, (config.workerSilentSeconds * 1000) / mostUnanswered).unref()

  const kill = () => {
    stopping = true
    clearInterval(watching)
    for (const worker of all) worker.process.kill('SIGKILL')
  }

  try {
    const { url, setUpUrl } = await begin(true)
    await Promise.all(Array.from({ length: config.workers - 1 }, () => begin(false)))
    return {
      url,
      practiceUrl: practice?.url ?? null,
      setUpUrl,
      failed,
      async stop() {
        stopping = true
        for (const worker of all) tell(worker, { kind: 'stop' })
        await Promise.all([...all].map(worker => new Promise(resolve => worker.once('exit', resolve))))
        await practice?.close()
        return !endedBadly
      },
      kill,
    }
  } catch (error) {
    kill()
    await practice?.close()
    throw error
  }
}

export interface Membership {
  readonly placement: Placement
  /** It listens. `stop` is called once, when it shall end: by a signal, by the first process, or because that is gone. */
  ready(running: Running, stop: () => void): void
}

/** In a worker: asks the first process for its place. */
export async function joinWorkers(): Promise<Membership> {
  const send = (message: FromWorker) => void (process.connected && process.send?.(message))
  const waiting = new Map<number, (text: string) => void>()
  let metrics: Metrics | null = null
  let asking = 0
  let stop: () => void = () => process.exit(0)
  let stopped = false
  const stopOnce = () => {
    if (stopped) return
    stopped = true
    stop()
  }
  // a terminal, or a service manager, signals everybody at once
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stopOnce)
  // what is said to the first process as it dies, the receipt of a connection too; that it is gone is the next event
  cluster.worker?.on('error', () => {})
  cluster.worker?.on('disconnect', () => {
    // else it would exit at once, with calls under way
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true
    stopOnce()
  })

  const place = await new Promise<Extract<ToWorker, { kind: 'placement' }>>(resolve => {
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'placement') resolve(message)
      else if (message.kind === 'stop') stopOnce()
      else if (message.kind === 'alive') send({ kind: 'alive' })
      else if (message.kind === 'metrics') waiting.get(message.id)?.(message.text)
      else void metrics?.json().then(own => send({ kind: 'measured', id: message.id, metrics: own }))
    })
    send({ kind: 'here' })
  })

  return {
    placement: {
      port: place.port,
      practice: place.practice,
      first: place.first,
      offer: own => (metrics = own),
      async metricsOfAll() {
        const id = asking++
        try {
          return await new Promise<string>((resolve, reject) => {
            waiting.set(id, resolve)
            setTimeout(() => reject(new Error('the other processes did not answer')), 2 * metricsWithinMs).unref()
            send({ kind: 'metrics_of_all', id })
          })
        } finally {
          waiting.delete(id)
        }
      },
    },
    ready({ url, setUpUrl }, onStop) {
      stop = onStop
      if (stopped) onStop()
      send({ kind: 'ready', url, setUpUrl })
    },
  }
}
