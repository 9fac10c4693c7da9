import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Prometheus metrics. Labels are few and bounded: never a link name, a host or a person. */
export interface Metrics {
  /** One call through a door; milliseconds. */
  call(door: string, status: number | null, problem: string | null, milliseconds: number): void
  readonly refreshes: Counter<'outcome'>
  readonly functionRuns: Counter<'door' | 'outcome'>
  /** New calls that were not taken on: overload, organization or quota. */
  readonly turnedAway: Counter<'reason'>
  /** Figures that are asked for when the metrics are read. */
  watch(figures: WatchedFigures): void
  text(): Promise<string>
  /** For `textOfAll`, in another process. */
  json(): Promise<MetricsOfOne>
  readonly contentType: string
}

export interface WatchedFigures {
  /** Calls through connections that this process carries. */
  callsUnderWay(): number
  /** Calls that wait for their row in the log. */
  callsToLog(): number
  /** Token endpoints that fail again and again, so that refreshes are held back from them. */
  openBreakers(): number
  /** Authorisations in the whole database, by status. */
  authorizations(): Promise<Readonly<Record<string, number>>>
  /** What a change of keys still has to do, in the whole database. */
  keyWorkLeft(): Promise<{ readonly dataKeysToRewrap: number; readonly fieldsToReseal: number }>
}

/** A scraper may come every second: the database is not counted through for each. */
const countedEveryMs = 60_000
/** What somebody waits for. */
const progressEveryMs = 5000

/** Of what is asked for too soon again the last answer is told; of a database that is away, none: metrics are wanted most then. */
function atMostEvery<T>(milliseconds: number, ask: () => Promise<T>): () => Promise<T | null> {
  let askedAt = -Infinity
  let last: T | null = null
  return async () => {
    if (performance.now() - askedAt < milliseconds) return last
    askedAt = performance.now()
    return (last = await ask().catch(() => null))
  }
}

/** What one process measured, as it travels to another. */
export type MetricsOfOne = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** The metrics of several processes as those of one: counters and histograms added up, other figures as prom-client finds fit. */
export const textOfAll = (all: readonly MetricsOfOne[]): Promise<string> => AggregatorRegistry.aggregate([...all]).metrics()

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'patchbay_' })
  const registers = [registry]
  /** Counted in integers, and told to the counter when it is read: it spells its labels out anew each time. */
  const counts = new Map<string, { readonly labels: Readonly<Record<'door' | 'status_class' | 'problem', string>>; more: number }>()
  new Counter({
    name: 'patchbay_calls_total',
    help: 'Calls through connections.',
    labelNames: ['door', 'status_class', 'problem'],
    registers,
    collect(): void {
      for (const count of counts.values()) {
        if (count.more > 0) this.inc(count.labels, count.more)
        count.more = 0
      }
    },
  })
  const seconds = new Histogram({
    name: 'patchbay_call_seconds',
    help: 'Time from the request to the whole answer.',
    labelNames: ['door'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 40],
    registers,
  })
  const refreshes = new Counter({
    name: 'patchbay_token_refreshes_total',
    help: 'Token refreshes by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  const turnedAway = new Counter({
    name: 'patchbay_calls_turned_away_total',
    help: 'New calls that were not taken on: overload (503), organization or quota (429).',
    labelNames: ['reason'],
    registers,
  })
  const functionRuns = new Counter({
    name: 'patchbay_function_runs_total',
    help: 'Runs of functions by door and outcome.',
    labelNames: ['door', 'outcome'],
    registers,
  })
  return {
    call(door, status, problem, milliseconds) {
      const key = `${door} ${status} ${problem}`
      let count = counts.get(key)
      if (!count) {
        const status_class = status === null ? 'none' : `${Math.floor(status / 100)}xx`
        counts.set(key, (count = { labels: { door, status_class, problem: problem ?? '' }, more: 0 }))
      }
      count.more++
      seconds.observe({ door }, milliseconds / 1000)
    },
    refreshes,
    turnedAway,
    functionRuns,
    watch({ callsUnderWay, callsToLog, openBreakers, authorizations, keyWorkLeft }) {
      const gauge = (name: string, help: string, read: () => number) =>
        new Gauge({ name, help, registers, collect(): void { this.set(read()) } }) // prettier-ignore
      gauge('patchbay_calls_under_way', 'Calls through connections that this process carries.', callsUnderWay)
      gauge('patchbay_calls_to_log', 'Calls that wait for their row in the log.', callsToLog)
      gauge(
        'patchbay_token_breakers_open',
        'Token endpoints that fail again and again: refreshes are held back, one is tried every 30 seconds.',
        openBreakers,
      )
      const counted = atMostEvery(countedEveryMs, authorizations)
      new Gauge({
        name: 'patchbay_authorizations',
        help: 'Authorisations by status, counted at most once a minute.',
        labelNames: ['status'],
        registers,
        // every process counts the same rows
        aggregator: 'max',
        async collect() {
          const counts = await counted()
          this.reset()
          for (const [status, count] of Object.entries(counts ?? {})) this.set({ status }, count)
        },
      })
      const left = atMostEvery(progressEveryMs, keyWorkLeft)
      new Gauge({
        name: 'patchbay_key_work_left',
        help: 'What a change of keys still has to do: data keys to wrap by the newest master key, sealed fields to seal by new data keys.',
        labelNames: ['what'],
        registers,
        aggregator: 'max',
        async collect() {
          const work = await left()
          this.reset()
          if (work === null) return
          this.set({ what: 'data_keys_to_rewrap' }, work.dataKeysToRewrap)
          this.set({ what: 'fields_to_reseal' }, work.fieldsToReseal)
        },
      })
    },
    text: () => registry.metrics(),
    json: () => registry.getMetricsAsJSON(),
    contentType: registry.contentType,
  }
}
