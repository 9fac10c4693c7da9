import { IANAZone } from 'luxon'
import { nextAfter, parseCron, type Cron } from '../core/cron.ts'
import { invalid, Problem } from '../core/problem.ts'
import { nobody, type Principal } from '../core/principal.ts'
import { mapOf } from '../deluge/value.ts'
import { jsonTextOf, valueOfJson } from '../sandbox/json.ts'
import { findFunctionById, type FunctionRow } from '../storage/functions.ts'
import {
  countSchedules,
  deleteSchedule,
  findSchedule,
  insertSchedule,
  listSchedules,
  updateSchedule,
  type ScheduleView,
} from '../storage/function-schedules.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { maskedArguments } from './function-passwords.ts'
import { openedArguments, sealedArguments, secretsAmong, starredArguments, type SecretCell } from './function-secrets.ts'
import { surroundingsFor } from './function-settings.ts'
import { argumentsFor } from './function-values.ts'
import { assertMayWrite, getFunction } from './functions.ts'

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

const neverComes = 'This day never comes. Choose another day of the month, or another month.'

/** Where the passwords among its arguments are sealed. */
export const scheduleCell = (row: Omit<SecretCell, 'table'>): SecretCell => ({ ...row, table: 'function_schedules' })

/** @returns the arguments as they are stored, passwords sealed. @throws Problem validation_failed */
async function checkedArguments(broker: Broker, principal: Principal, row: FunctionRow, text: string, cell: SecretCell) {
  const { surroundings } = await surroundingsFor(broker, principal, null)
  const value = valueOfJson(text)
  if (typeof value !== 'object' || value?.kind !== 'map') throw invalid('arguments', 'Give a map of arguments by their names.')
  if (text.length > 20_000) throw invalid('arguments', 'The arguments of a schedule have 20000 characters at most.')
  const secret = secretsAmong(row.signature, value.entries, await openedArguments(broker, cell), name => `arguments.${name}`)
  argumentsFor(surroundings, row.signature, new Map([...value.entries, ...secret]), true)
  const shown = mapOf([...starredArguments(value.entries, secret)])
  return { arguments: jsonTextOf(surroundings, shown), ...(await sealedArguments(broker, cell, secret)) }
}

const checkedZone = (zone: string): string => {
  if (!IANAZone.isValidZone(zone)) throw invalid('time_zone', 'Give the name of a time zone, such as Europe/Berlin.')
  return zone
}

/** @throws Problem validation_failed, function_not_found, too_many_schedules, forbidden */
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
  if (next === null) throw invalid('cron', neverComes)
  const id = broker.id()
  const cell = scheduleCell({ id, organization_id: principal.organizationId, sealed_arguments: null, sealed_version: 0 })
  const kept = await checkedArguments(broker, principal, row, input.arguments ?? '{}', cell)
  await change(broker, by, async (trx, traces) => {
    const { ofOrganization, ofFunction } = await countSchedules(trx, principal.organizationId, row.id)
    if (ofFunction >= mostSchedules) throw invalid('cron', `A function has ${mostSchedules} schedules at most.`)
    if (ofOrganization >= broker.limits.functionSchedules)
      throw new Problem('too_many_schedules', { most: broker.limits.functionSchedules })
    await insertSchedule(trx, {
      id,
      organization_id: principal.organizationId,
      function_id: row.id,
      cron: input.cron.trim(),
      time_zone: zone,
      ...kept,
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
  if (next === null) throw invalid('cron', neverComes)
  const kept = input.arguments === undefined ? {} : await checkedArguments(broker, principal, row, input.arguments, scheduleCell(before))
  await change(broker, by, async (trx, traces) => {
    const values = { cron, time_zone: zone, enabled: input.enabled ?? before.enabled, next_run: next, ...kept }
    if (!(await updateSchedule(trx, id, values, before.sealed_version))) throw new Problem('precondition_failed')
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
