import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Prometheus metrics. Labels are few and bounded: never a link name, a host or a person. */
export interface Metrics {
  /** One call through a door; milliseconds. */
  call(door: string, status: number | null, problem: string | null, milliseconds: number): void
  readonly refreshes: Counter<'outcome'>
  readonly connections: Gauge
  text(): Promise<string>
  readonly contentType: string
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'patchbay_' })
  const registers = [registry]
  const calls = new Counter({
    name: 'patchbay_calls_total',
    help: 'Calls through connections.',
    labelNames: ['door', 'status_class', 'problem'],
    registers,
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
  const connections = new Gauge({ name: 'patchbay_remembered_connections', help: 'Connections held in memory for calls.', registers })
  return {
    call(door, status, problem, milliseconds) {
      calls.inc({ door, status_class: status === null ? 'none' : `${Math.floor(status / 100)}xx`, problem: problem ?? '' })
      seconds.observe({ door }, milliseconds / 1000)
    },
    refreshes,
    connections,
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
