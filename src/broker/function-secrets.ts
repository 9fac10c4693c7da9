import type { ArgumentMapping, FunctionSignature } from '../core/function.ts'
import { Problem, type FieldError } from '../core/problem.ts'
import { mapOf, type Value } from '../deluge/value.ts'
import { jsonTextOf, valueOfJson } from '../sandbox/json.ts'
import type { Executor } from '../storage/database.ts'
import { schedulesOfFunction, updateSchedule } from '../storage/function-schedules.ts'
import { updateFunction, type FunctionRow } from '../storage/functions.ts'
import type { Place } from '../vault/envelope.ts'
import type { Broker } from './broker.ts'
import { passwordNames, stars } from './function-passwords.ts'
import { plainly } from './function-values.ts'

/**
 * Arguments that are kept for later calls, of an exposure (`functions.mapping`) or a schedule, may be passwords. Those are sealed beside the
 * others, where stars stand for them; nobody but a run reads them again.
 */

/** The cell that a row keeps its sealed arguments in. */
export interface SecretCell {
  readonly table: 'functions' | 'function_schedules'
  readonly organization_id: string
  readonly id: string
  readonly sealed_arguments: Buffer | null
  readonly sealed_version: number
}

type Values = ReadonlyMap<string, Value>

const placeOf = (cell: SecretCell, version: number): Place => ({
  organizationId: cell.organization_id,
  table: cell.table,
  rowId: cell.id,
  column: 'sealed_arguments',
  rowVersion: version,
  serviceRevision: 1,
})

/** What is sealed, by the names of the arguments. @throws Problem integrity_error */
export async function openedArguments(broker: Broker, cell: SecretCell): Promise<Values> {
  if (cell.sealed_arguments === null) return new Map()
  const value = valueOfJson((await broker.vault.open(placeOf(cell, cell.sealed_version), cell.sealed_arguments)).expose())
  return typeof value === 'object' && value?.kind === 'map' ? value.entries : new Map<string, Value>()
}

/** What the row holds next: `secret` sealed for its next version. Not inside a transaction: the vault may wait. */
export const sealedArguments = async (broker: Broker, cell: SecretCell, secret: Values) => ({
  sealed_version: cell.sealed_version + 1,
  sealed_arguments:
    secret.size === 0 ? null : await broker.vault.seal(placeOf(cell, cell.sealed_version + 1), jsonTextOf(plainly, mapOf([...secret]))),
})

const named = (values: Values, name: string): Value | undefined =>
  values.get(name) ?? [...values].find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1]

/**
 * The secrets among values: those of arguments declared as passwords, and those that were secret before, which never become plain. Stars
 * mean what was sealed before.
 * @throws Problem validation_failed at `path(name)` for stars that stand for nothing
 */
export function secretsAmong(signature: FunctionSignature | null, given: Values, before: Values, path: (name: string) => string): Values {
  const declared = passwordNames(signature)
  const secret = new Map<string, Value>()
  const errors: FieldError[] = []
  for (const [name, value] of given) {
    const old = named(before, name)
    if (value === null || (old === undefined && !declared.has(name.toLowerCase()))) continue
    if (value !== stars) secret.set(name, value)
    else if (old !== undefined) secret.set(name, old)
    else errors.push({ path: path(name), message: 'These stars stand for a value that is stored, and none is. Give the value.' })
  }
  if (errors.length > 0) throw new Problem('validation_failed', {}, { errors })
  return secret
}

/** A mapping as it is stored and shown: stars for its secrets. */
export const starredMapping = (mapping: ArgumentMapping, secret: Values): ArgumentMapping =>
  Object.fromEntries(Object.entries(mapping).map(([name, source]) => [name, secret.has(name) ? { fixed: stars } : source]))

/** A mapping as people see it; one that was stored before its argument became a password is in the open until the function is saved again. */
export function shownMapping(signature: FunctionSignature | null, mapping: ArgumentMapping): ArgumentMapping {
  const declared = passwordNames(signature)
  return starredMapping(
    mapping,
    new Map([...fixedValues(mapping)].filter(([name, value]) => value !== null && declared.has(name.toLowerCase()))),
  )
}

/** The fixed values of a mapping. */
export const fixedValues = (mapping: ArgumentMapping): Values =>
  new Map(Object.entries(mapping).flatMap(([name, source]) => ('fixed' in source ? [[name, source.fixed] as const] : [])))

/** Arguments of a schedule as they are stored and shown. */
export const starredArguments = (given: Values, secret: Values): Values =>
  new Map([...given].map(([name, value]) => [name, secret.has(name) ? stars : value]))

export const functionCell = (row: FunctionRow): SecretCell => ({ ...row, table: 'functions' })

/**
 * A header may begin to call an argument a password that has a stored value already: what has to be sealed then.
 * @returns the writes, for the transaction that saves the header; a row that changed meanwhile refuses with precondition_failed
 */
export async function sealNewPasswords(
  broker: Broker,
  row: FunctionRow,
  signature: FunctionSignature | null,
): Promise<(trx: Executor, locked: FunctionRow) => Promise<void>> {
  const declared = passwordNames(signature)
  if (declared.size === 0) return () => Promise.resolve()
  const isPlain = (values: Values) =>
    [...values].some(([name, value]) => declared.has(name.toLowerCase()) && value !== null && value !== stars)
  const moved = () => new Problem('precondition_failed')
  const writes: ((trx: Executor, locked: FunctionRow) => Promise<void>)[] = []

  const fixed = fixedValues(row.mapping)
  if (isPlain(fixed)) {
    const secret = secretsAmong(signature, fixed, await openedArguments(broker, functionCell(row)), name => `mapping.${name}`)
    const values = {
      ...(await sealedArguments(broker, functionCell(row), secret)),
      mapping: JSON.stringify(starredMapping(row.mapping, secret)),
    }
    writes.push(async (trx, locked) => {
      if (locked.sealed_version !== row.sealed_version) throw moved()
      await updateFunction(trx, row.organization_id, row.id, values)
    })
  }
  for (const schedule of await schedulesOfFunction(broker.db, row.id)) {
    const value = valueOfJson(schedule.arguments)
    const given: Values = typeof value === 'object' && value?.kind === 'map' ? value.entries : new Map()
    if (!isPlain(given)) continue
    const cell: SecretCell = { ...schedule, table: 'function_schedules' }
    const secret = secretsAmong(signature, given, await openedArguments(broker, cell), name => `arguments.${name}`)
    const values = {
      ...(await sealedArguments(broker, cell, secret)),
      arguments: jsonTextOf(plainly, mapOf([...starredArguments(given, secret)])),
    }
    writes.push(async trx => {
      if (!(await updateSchedule(trx, schedule.id, values, schedule.sealed_version))) throw moved()
    })
  }
  return async (trx, locked) => {
    for (const write of writes) await write(trx, locked)
  }
}
