import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CrashPoint } from '../../src/broker/broker.ts'
import { processOf, type PatchbayProcess } from './process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export type Order = { readonly id: number } & (
  | { readonly kind: 'arm'; readonly point: CrashPoint; readonly count: number; readonly then: 'kill' | 'wait' }
  | { readonly kind: 'go' }
  | { readonly kind: 'replay' }
  | { readonly kind: 'sql'; readonly text: string }
)

export type Report =
  | { readonly kind: 'done'; readonly id: number; readonly rows: unknown[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'reached' }

/** A Patchbay in a process of its own that can be told from here when to die. */
export interface Puppet extends PatchbayProcess {
  /** At this point, when so many refreshes have reached it: SIGKILL, or wait for `go`. */
  arm(point: CrashPoint, count: number, then: 'kill' | 'wait'): Promise<void>
  /** Settles when what was armed with `wait` is there. */
  readonly reached: () => Promise<void>
  go(): Promise<void>
  /** Looks at the spool as a start does. */
  replay(): Promise<void>
  /** In its own database session; what it remembers is forgotten. */
  sql(text: string): Promise<Record<string, unknown>[]>
}

/**
 * The sources as they are, not what was built: the product has no such entry.
 * @param base Where it listens, when that is not its public URL. @param before What the command begins with, such as `SmallDisk.enter`.
 */
export function launchPuppet(
  settings: Readonly<Record<string, string>>,
  practiceUrl: string,
  base?: string,
  before: readonly string[] = [],
): Puppet {
  const entry = fileURLToPath(new URL('puppet-entry.ts', import.meta.url))
  const [program = '', ...rest] = [...before, process.execPath, '--import', join(root, 'node_modules/tsx/dist/esm/index.mjs'), entry]
  const running = processOf(
    environment =>
      spawn(program, rest, {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        env: environment,
      }),
    settings,
    practiceUrl,
    base,
  )
  const waiting = new Map<number, { resolve(rows: unknown[]): void; reject(error: Error): void }>()
  let arrived: () => void = () => {}
  let reached = new Promise<void>(resolve => (arrived = resolve))
  let serial = 0
  running.process.on('message', (report: Report) => {
    if (report.kind === 'reached') return arrived()
    const asked = waiting.get(report.id)
    waiting.delete(report.id)
    if (report.kind === 'done') asked?.resolve(report.rows)
    else asked?.reject(new Error(report.message))
  })
  const order = (what: Omit<Order, 'id'>): Promise<unknown[]> =>
    new Promise((resolve, reject) => {
      const id = ++serial
      waiting.set(id, { resolve, reject })
      running.process.send({ ...what, id }, error => error && reject(error))
    })
  return {
    ...running,
    async arm(point, count, then) {
      reached = new Promise<void>(resolve => (arrived = resolve))
      await order({ kind: 'arm', point, count, then } as Omit<Order, 'id'>)
    },
    reached: () => reached,
    go: async () => void (await order({ kind: 'go' })),
    replay: async () => void (await order({ kind: 'replay' })),
    sql: async text => (await order({ kind: 'sql', text } as Omit<Order, 'id'>)) as Record<string, unknown>[],
  }
}
