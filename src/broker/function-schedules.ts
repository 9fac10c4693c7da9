import { IANAZone } from 'luxon'
import { nextAfter, parseCron, type Cron } from '../core/cron.ts'
import { invalid, Problem } from '../core/problem.ts'
import { nobody, type Principal } from '../core/principal.ts'
import type { JobData } from '../jobs/jobs.ts'
import { findFunctionById, type FunctionRow } from '../storage/functions.ts'
import {
  deleteSchedule,
  findSchedule,
  insertSchedule,
  listSchedules,
  takeDueSchedules,
  updateSchedule,
  type ScheduleView,
} from '../storage/function-schedules.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { runFunction } from './function-run.ts'
import { surroundingsFor } from './function-settings.ts'
import { argumentsFor, jsonTextOf, maskedArguments, unmaskedArguments, valueOfJson } from './function-values.ts'
import { assertMayWrite, getFunction } from './functions.ts'

/** Later than this a run is missed: who expects it at nine does not expect it at noon. */
const graceMs = 10 * 60_000
/** Missed moments that are counted one by one. */
const mostCounted = 1_000
const mostSchedules = 20

/** The owner of a function, as whom schedules and public calls run: nobody is logged in. @throws Problem owner_inactive */
export async function ownerOf(broker: Broker, row: FunctionRow): Promise<Principal> {
  const owner = await broker.db
    .selectFrom('members as m')
    .innerJoin('organizations as o', 'o.id', 'm.organization_id')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['o.slug', 'm.role', 'u.name'])
    .where('m.user_id', '=', row.owner_id)
    .where('m.organization_id', '=', row.organization_id)
    .executeTakeFirst()
  if (!owner)
    throw new Problem('owner_inactive', {
      function: `${row.namespace}.${row.name}`,
      detail: 'The owner of this function is no longer a member. Somebody who writes functions must take it over.',
    })
  return {
    organizationId: row.organization_id,
    organizationSlug: owner.slug,
    userId: row.owner_id,
    userName: owner.name,
    role: owner.role,
    subjectId: nobody,
    key: null,
    sessionId: null,
  }
}

const present = (row: ScheduleView) => ({
  id: row.id,
  function: `${row.namespace}.${row.name}`,
  cron: row.cron,
  time_zone: row.time_zone,
  arguments: maskedArguments(row.signature, row.arguments),
  enabled: row.enabled,
  next_run: row.enabled ? (row.next_run?.toISOString() ?? null) : null,
  last_run: row.last_run?.toISOString() ?? null,
  missed: row.missed,
  created_at: row.created_at.toISOString(),
})
export type ShownSchedule = ReturnType<typeof present>

/** Schedules of one function, or of all. */
export async function schedulesOf(
  broker: Broker,
  principal: Principal,
  path: { readonly namespace: string; readonly name: string } | null,
): Promise<ShownSchedule[]> {
  const row = path === null ? null : await getFunction(broker, principal.organizationId, path.namespace, path.name)
  return (await listSchedules(broker.db, principal.organizationId, row?.id ?? null)).map(present)
}

export interface ScheduleInput {
  readonly cron?: string | undefined
  readonly timeZone?: string | undefined
  /** JSON text of a map. */
  readonly arguments?: string | undefined
  readonly enabled?: boolean | undefined
}

function cronOf(text: string): Cron {
  try {
    return parseCron(text)
  } catch (error) {
    throw invalid('cron', error instanceof Error ? error.message : 'This is not a schedule.')
  }
}

/** @returns the arguments as they are stored. @throws Problem validation_failed */
async function checkedArguments(broker: Broker, principal: Principal, row: FunctionRow, text: string, before = '{}'): Promise<string> {
  const { surroundings } = await surroundingsFor(broker, principal, null)
  const value = valueOfJson(text)
  if (typeof value !== 'object' || value?.kind !== 'map') throw invalid('arguments', 'Give a map of arguments by their names.')
  const meant = unmaskedArguments(row.signature, value, before)
  argumentsFor(surroundings, row.signature, meant.entries, true)
  const kept = jsonTextOf(surroundings, meant)
  if (kept.length > 20_000) throw invalid('arguments', 'The arguments of a schedule have 20000 characters at most.')
  return kept
}

const checkedZone = (zone: string): string => {
  if (!IANAZone.isValidZone(zone)) throw invalid('time_zone', 'Give the name of a time zone, such as Europe/Berlin.')
  return zone
}

/** @throws Problem validation_failed, function_not_found, forbidden */
export async function createSchedule(
  broker: Broker,
  by: Caller,
  path: { readonly namespace: string; readonly name: string },
  input: ScheduleInput & { readonly cron: string },
): Promise<ShownSchedule> {
  const { principal } = by
  assertMayWrite(principal)
  const row = await getFunction(broker, principal.organizationId, path.namespace, path.name)
  const { settings } = await surroundingsFor(broker, principal, null)
  const cron = cronOf(input.cron)
  const zone = checkedZone(input.timeZone ?? settings.time_zone)
  const next = nextAfter(cron, zone, new Date(broker.now()))
  if (next === null) throw invalid('cron', 'This day never comes.')
  const kept = await checkedArguments(broker, principal, row, input.arguments ?? '{}')
  const id = broker.id()
  await change(broker, by, async (trx, traces) => {
    if ((await listSchedules(trx, principal.organizationId, row.id)).length >= mostSchedules)
      throw invalid('cron', `A function has ${mostSchedules} schedules at most.`)
    await insertSchedule(trx, {
      id,
      organization_id: principal.organizationId,
      function_id: row.id,
      cron: input.cron.trim(),
      time_zone: zone,
      arguments: kept,
      enabled: input.enabled ?? true,
      next_run: next,
      created_by: principal.userId,
    })
    traces.audit('function.scheduled', `function:${row.namespace}.${row.name}`, { cron: input.cron, time_zone: zone })
  })
  return getSchedule(broker, principal, id)
}

async function getSchedule(broker: Broker, principal: Principal, id: string): Promise<ShownSchedule> {
  const row = await findSchedule(broker.db, principal.organizationId, id)
  if (!row) throw new Problem('schedule_not_found')
  return present(row)
}

/** @throws Problem schedule_not_found, validation_failed, forbidden */
export async function editSchedule(broker: Broker, by: Caller, id: string, input: ScheduleInput): Promise<ShownSchedule> {
  const { principal } = by
  assertMayWrite(principal)
  const before = await findSchedule(broker.db, principal.organizationId, id)
  const row = before && (await findFunctionById(broker.db, principal.organizationId, before.function_id))
  if (!before || !row) throw new Problem('schedule_not_found')
  const cron = (input.cron ?? before.cron).trim()
  const zone = checkedZone(input.timeZone ?? before.time_zone)
  const next = nextAfter(cronOf(cron), zone, new Date(broker.now()))
  if (next === null) throw invalid('cron', 'This day never comes.')
  const kept =
    input.arguments === undefined ? before.arguments : await checkedArguments(broker, principal, row, input.arguments, before.arguments)
  await change(broker, by, async (trx, traces) => {
    await updateSchedule(trx, id, { cron, time_zone: zone, arguments: kept, enabled: input.enabled ?? before.enabled, next_run: next })
    traces.audit('function.schedule_changed', `function:${row.namespace}.${row.name}`, { cron, time_zone: zone, enabled: input.enabled })
  })
  return getSchedule(broker, principal, id)
}

/** @throws Problem schedule_not_found, forbidden */
export async function removeSchedule(broker: Broker, by: Caller, id: string): Promise<void> {
  assertMayWrite(by.principal)
  const row = await findSchedule(broker.db, by.principal.organizationId, id)
  if (!row) throw new Problem('schedule_not_found')
  await change(broker, by, async (trx, traces) => {
    await deleteSchedule(trx, id)
    traces.audit('function.unscheduled', `function:${row.namespace}.${row.name}`, { cron: row.cron })
  })
}

/** The moments of a schedule from `first` up to `until`, both included. */
function momentsUntil(
  cron: Cron,
  zone: string,
  first: Date,
  until: Date,
): { readonly last: Date; readonly count: number; readonly next: Date | null } {
  let last = first
  let count = 1
  let next = nextAfter(cron, zone, first)
  while (next !== null && next <= until && count < mostCounted) {
    last = next
    count += 1
    next = nextAfter(cron, zone, next)
  }
  if (next !== null && next <= until) next = nextAfter(cron, zone, until)
  return { last, count, next }
}

/**
 * Every minute: a job for each schedule whose moment has come, in the transaction that moves it on. Moments that passed while nothing ran
 * are not run later; they are counted, and the log of runs says so.
 */
export async function sendDueSchedules(broker: Broker): Promise<void> {
  const now = new Date(broker.now())
  await broker.db.transaction().execute(async trx => {
    for (const row of await takeDueSchedules(trx, 500)) {
      const { last, count, next } = momentsUntil(parseCron(row.cron), row.time_zone, row.next_run ?? now, now)
      const late = now.getTime() - last.getTime() > graceMs
      const missed = late ? count : count - 1
      await updateSchedule(trx, row.id, {
        next_run: next,
        missed: row.missed + missed,
        ...(!late && { last_run: last }),
      })
      if (missed > 0) {
        const view = await findSchedule(trx, row.organization_id, row.id)
        const from = (row.next_run ?? now).toISOString()
        broker.functionLog.record({
          id: broker.id(),
          organization_id: row.organization_id,
          function_id: row.function_id,
          namespace: view?.namespace ?? '',
          name: view?.name ?? '',
          revision: 0,
          user_id: view?.owner_id ?? null,
          subject_id: null,
          key_id: null,
          door: 'schedule',
          status: 'missed',
          started_at: row.next_run ?? now,
          duration_ms: 0,
          statements: 0,
          calls: 0,
          arguments: maskedArguments(view?.signature ?? null, view ? row.arguments : '{}'),
          info: '',
          output: null,
          output_type: 'void',
          error: `${missed === 1 ? 'A run was' : `${missed} runs were`} missed: Patchbay was not running, or too busy, from ${from}.`,
          line: null,
        })
      }
      if (!late) {
        const data = { organization_id: row.organization_id, schedule_id: row.id, due: last.toISOString() }
        await broker.jobs.send(trx, 'run_scheduled_function', data)
      }
    }
  })
}

/** One scheduled run, as the function's owner and without a login user. What goes wrong is in the log of runs. */
export async function runScheduled(broker: Broker, data: JobData['run_scheduled_function']): Promise<void> {
  const schedule = await findSchedule(broker.db, data.organization_id, data.schedule_id)
  const row = schedule && (await findFunctionById(broker.db, data.organization_id, schedule.function_id))
  if (!row || !schedule.enabled) return
  try {
    const value = valueOfJson(schedule.arguments)
    await runFunction(broker, {
      function: row,
      principal: await ownerOf(broker, row),
      door: 'schedule',
      ip: null,
      given: typeof value === 'object' && value?.kind === 'map' ? value.entries : new Map(),
      strict: false,
    })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    broker.functionLog.record({
      id: broker.id(),
      organization_id: row.organization_id,
      function_id: row.id,
      namespace: row.namespace,
      name: row.name,
      revision: row.revision,
      user_id: row.owner_id,
      subject_id: null,
      key_id: null,
      door: 'schedule',
      status: 'failure',
      started_at: new Date(broker.now()),
      duration_ms: 0,
      statements: 0,
      calls: 0,
      arguments: maskedArguments(row.signature, schedule.arguments),
      info: '',
      output: null,
      output_type: 'void',
      error: [error.message, ...error.errors.map(one => `${one.path}: ${one.message}`)].join(' ').slice(0, 2000),
      line: null,
    })
  }
}
