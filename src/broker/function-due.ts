import { setTimeout as delay, setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { pastMoments } from '../core/cron-past.ts'
import { nextAfter, parseCron } from '../core/cron.ts'
import { Problem } from '../core/problem.ts'
import type { Value } from '../deluge/value.ts'
import type { JobData } from '../jobs/jobs.ts'
import { valueOfJson } from '../sandbox/json.ts'
import type { NewRun } from '../storage/function-runs.ts'
import { findSchedule, plannedSchedules, takeDueSchedules, updateSchedule, type ScheduleView } from '../storage/function-schedules.ts'
import type { Executor } from '../storage/database.ts'
import { findFunctionById } from '../storage/functions.ts'
import type { Broker } from './broker.ts'
import { maskedArguments } from './function-passwords.ts'
import { runFunction } from './function-run.ts'
import { runRow } from './function-run-row.ts'
import { ownerOf, scheduleCell } from './function-schedules.ts'
import { openedArguments } from './function-secrets.ts'

/** Later than this a run is missed: who expects it at nine does not expect it at noon. */
const graceMs = 10 * 60_000
/** Until the next attempt to begin a run, when the database did not answer. */
const againMs = 1_000
/** Schedules that are moved on in one transaction, and transactions in one minute. */
const atOnce = 50
const mostRounds = 100

/** What is to be done about a schedule whose moment has come. */
function judged(row: ScheduleView, now: Date) {
  const cron = parseCron(row.cron)
  const first = row.next_run ?? now
  const further = pastMoments(cron, row.time_zone, first, now)
  const last = further.last ?? first
  const late = now.getTime() - last.getTime() > graceMs
  const from = first < now ? now : first
  return { first, last, late, missed: further.count + (late ? 1 : 0), next: nextAfter(cron, row.time_zone, from) }
}

const missedRun = (broker: Broker, row: ScheduleView, missed: number, first: Date): NewRun => ({
  ...runRow({
    id: broker.id(),
    function: { ...row, id: row.function_id, revision: 0 },
    userId: row.owner_id,
    door: 'schedule',
    status: 'missed',
    startedAt: first,
    arguments: maskedArguments(row.signature, row.arguments),
  }),
  error: `${missed === 1 ? 'A run was' : `${missed} runs were`} missed: Patchbay was not running, or too busy, from ${first.toISOString()}.`,
})

/** Moves on those that are due, `atOnce` at most. @returns how many */
async function sendSome(broker: Broker): Promise<number> {
  const now = new Date(broker.now())
  const missedRuns: NewRun[] = []
  const taken = await broker.db.transaction().execute(async trx => {
    const due = await takeDueSchedules(trx, atOnce)
    for (const row of due) {
      const { first, last, late, missed, next } = judged(row, now)
      await updateSchedule(trx, row.id, { next_run: next, missed: row.missed + missed, ...(!late && { last_run: last }) })
      if (missed > 0) missedRuns.push(missedRun(broker, row, missed, first))
      if (!late) {
        const data = { organization_id: row.organization_id, schedule_id: row.id, due: last.toISOString() }
        await broker.jobs.send(trx, 'run_scheduled_function', data)
      }
    }
    return due.length
  })
  for (const row of missedRuns) broker.functionLog.record(row)
  return taken
}

/**
 * Every minute: a job for each schedule whose moment has come, in the transaction that moves it on. Moments that passed while nothing ran
 * are not run later; they are counted, and the log of runs says so. After a long outage all of them are due: others get their turn between.
 */
export async function sendDueSchedules(broker: Broker): Promise<void> {
  for (let round = 0; round < mostRounds && (await sendSome(broker)) === atOnce; round++) await turnOfTheLoop()
}

/** The clock was set back by hours: schedules that wait for a time far ahead are planned from now. */
export async function planAgain(broker: Broker, trx: Executor): Promise<void> {
  const now = new Date(broker.now())
  for (let after: string | null = null; ;) {
    const some = await plannedSchedules(trx, after, atOnce)
    for (const { id, cron, time_zone, next_run } of some) {
      const next = nextAfter(parseCron(cron), time_zone, now)
      if (next !== null && (next_run === null || next < next_run)) await updateSchedule(trx, id, { next_run: next })
    }
    after = some.at(-1)?.id ?? null
    if (after === null) return
    await turnOfTheLoop()
  }
}

/**
 * One scheduled run, as the function's owner and without a login user. What goes wrong is in the log of runs. It is not run a second time,
 * since half of it may have happened; but until it has begun nothing has, and a database that did not answer is asked again.
 */
export async function runScheduled(broker: Broker, data: JobData['run_scheduled_function']): Promise<void> {
  let begun = false
  const onBegin = () => void (begun = true)
  const until = Date.parse(data.due) + graceMs
  const isAgain = (error: unknown) => !begun && error instanceof Problem && error.code === 'storage_unavailable' && broker.now() < until
  for (;;) {
    try {
      return await runNow(broker, data, onBegin, isAgain)
    } catch (error) {
      if (!isAgain(error)) throw error
      await delay(againMs)
    }
  }
}

/** @param isAgain Whether it is tried again after this, which is thrown then; otherwise it is what came of the run. */
async function runNow(
  broker: Broker,
  data: JobData['run_scheduled_function'],
  onBegin: () => void,
  isAgain: (error: unknown) => boolean,
): Promise<void> {
  const schedule = await findSchedule(broker.db, data.organization_id, data.schedule_id)
  const row = schedule && (await findFunctionById(broker.db, data.organization_id, schedule.function_id))
  if (!row || !schedule.enabled) return
  try {
    const value = valueOfJson(schedule.arguments)
    const plain = typeof value === 'object' && value?.kind === 'map' ? value.entries : new Map<string, Value>()
    const secret = await openedArguments(broker, scheduleCell(schedule))
    await runFunction(broker, {
      function: row,
      principal: await ownerOf(broker, row),
      door: 'schedule',
      ip: null,
      given: new Map([...plain, ...secret]),
      strict: false,
      onBegin,
    })
  } catch (error) {
    if (!(error instanceof Problem) || isAgain(error)) throw error
    broker.functionLog.record({
      ...runRow({
        id: broker.id(),
        function: row,
        userId: row.owner_id,
        door: 'schedule',
        status: 'failure',
        startedAt: new Date(broker.now()),
        arguments: maskedArguments(row.signature, schedule.arguments),
      }),
      error: [error.message, ...error.errors.map(one => `${one.path}: ${one.message}`)].join(' ').slice(0, 2000),
    })
  }
}
