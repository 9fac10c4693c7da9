import { sql } from 'kysely'
import type { CrashPoint } from '../../src/broker/broker.ts'
import { replaySpool } from '../../src/broker/spool.ts'
import { readConfig } from '../../src/config.ts'
import { start } from '../../src/start.ts'
import type { Order, Report } from './puppet.ts'

/*
 * A Patchbay that does what the test that started it says: it ends itself, or waits, at a named point, once so many refreshes are there.
 * Run as a process of its own, with a channel to its parent.
 */

const say = (report: Report) => void process.send?.(report)

let armed: { point: CrashPoint; count: number; then: 'kill' | 'wait' } | null = null
const there: (() => void)[] = []

function reached(point: CrashPoint): Promise<void> | undefined {
  if (armed?.point !== point) return
  const held = new Promise<void>(resolve => there.push(resolve))
  if (there.length === armed.count) {
    if (armed.then === 'kill') process.kill(process.pid, 'SIGKILL')
    say({ kind: 'reached' })
  }
  return held
}

const running = await start(readConfig(), { reached, graceMs: 2000 })

process.on('message', (order: Order) => {
  const done = (rows: unknown[] = []) => say({ kind: 'done', id: order.id, rows })
  const failed = (error: unknown) => say({ kind: 'failed', id: order.id, message: String(error) })
  if (order.kind === 'arm') {
    armed = order
    return done()
  }
  if (order.kind === 'go') {
    armed = null
    for (const go of there.splice(0)) go()
    return done()
  }
  if (order.kind === 'replay')
    return void replaySpool(running.broker)
      .then(rest => rest())
      .then(() => done(), failed)
  sql
    .raw(order.text)
    .execute(running.broker.db)
    .then(({ rows }) => {
      running.broker.calls.forgetAll()
      done(rows)
    }, failed)
})
process.on('SIGTERM', () => void running.stop().then(() => process.exit(0)))
process.on('disconnect', () => process.exit(1))
