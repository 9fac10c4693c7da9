import type { VariableType } from '../core/function.ts'
import { invalid, Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { Failure } from '../deluge/failure.ts'
import type { Surroundings } from '../deluge/host.ts'
import type { Value } from '../deluge/value.ts'
import { jsonTextOf, valueOfJson } from '../sandbox/json.ts'
import type { FunctionRow } from '../storage/functions.ts'
import {
  countVariables,
  deleteVariable,
  findVariable,
  insertVariable,
  listVariables,
  mostVariables,
  updateVariable,
  visibleVariable,
  type VariableRow,
} from '../storage/function-variables.ts'
import type { Place } from '../vault/envelope.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { surroundingsFor } from './function-settings.ts'
import { ofVariableType, variableTypeAsked } from './function-values.ts'
import { assertMayWrite, getFunction } from './functions.ts'

/** Characters of one value as JSON. */
const longestValue = 200_000

const variablePlace = (organizationId: string, id: string, version: number): Place => ({
  organizationId,
  table: 'function_variables',
  rowId: id,
  column: 'sealed',
  rowVersion: version,
  serviceRevision: 1,
})

async function textOf(broker: Broker, row: VariableRow): Promise<string | null> {
  if (row.sealed === null) return row.value
  return (await broker.vault.open(variablePlace(row.organization_id, row.id, row.version), row.sealed)).expose()
}

/** A variable as a script reads it; null when there is none. */
export async function readVariable(broker: Broker, surroundings: Surroundings, of: FunctionRow, name: string): Promise<Value> {
  const row = await visibleVariable(broker.db, of.organization_id, of.id, name)
  if (!row) return null
  const text = await textOf(broker, row)
  if (text === null) return null
  return ofVariableType(surroundings, valueOfJson(text), row.type) ?? null
}

/** What is stored: the value sealed for the next version of its row, or as it is. */
const stored = async (
  broker: Broker,
  row: { id: string; organization_id: string; secret: boolean },
  version: number,
  text: string | null,
) =>
  row.secret && text !== null
    ? { value: null, sealed: await broker.vault.seal(variablePlace(row.organization_id, row.id, version), text) }
    : { value: text, sealed: null }

/**
 * A script writes a variable that exists. It keeps its type, and a secret stays one.
 * @throws Failure with a sentence for the script
 */
export async function writeVariable(
  broker: Broker,
  surroundings: Surroundings,
  of: FunctionRow,
  principal: Principal,
  name: string,
  value: Value,
): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const row = await visibleVariable(broker.db, of.organization_id, of.id, name)
    if (!row)
      throw new Failure(
        `There is no variable ${name.slice(0, 100)}: create it first, under Variables, for the organisation or for the function whose line this is.`,
        'call',
      )
    const fitting = ofVariableType(surroundings, value, row.type)
    if (fitting === undefined) throw new Failure(`The variable ${row.name} is of type ${row.type}. ${variableTypeAsked(row.type)}`, 'call')
    const text = fitting === null ? null : jsonTextOf(surroundings, fitting)
    if (text !== null && text.length > longestValue)
      throw new Failure(`The value of a variable has ${longestValue} characters at most. Store less, or use several variables.`, 'call')
    const kept = await stored(broker, row, row.version + 1, text)
    if (await updateVariable(broker.db, row.id, row.version, { ...kept, updated_by: principal.userId })) return
  }
  throw new Failure(`The variable ${name.slice(0, 100)} is being changed by others. Try again.`, 'call')
}

/** A variable as people see it: never the value of a secret. */
function present(row: VariableRow & { function_namespace?: string | null; function_name?: string | null; updater?: string | null }) {
  return {
    name: row.name,
    type: row.type,
    description: row.description,
    secret: row.secret,
    function: row.function_name ? `${row.function_namespace ?? ''}.${row.function_name}` : null,
    /** JSON text: numbers in it may be longer than JavaScript's. */
    value: row.secret ? null : row.value,
    has_value: row.value !== null || row.sealed !== null,
    updated_by: { id: row.updated_by, name: row.updater ?? null },
    updated_at: row.updated_at.toISOString(),
  }
}
export type ShownVariable = ReturnType<typeof present>

/** Everybody who writes functions reads them. */
export async function variablesOf(broker: Broker, principal: Principal): Promise<ShownVariable[]> {
  assertMayWrite(principal)
  return (await listVariables(broker.db, principal.organizationId)).map(present)
}

const functionIdOf = async (broker: Broker, organizationId: string, path: string | null): Promise<string | null> => {
  if (path === null) return null
  const dot = path.indexOf('.')
  return (await getFunction(broker, organizationId, path.slice(0, dot), path.slice(dot + 1))).id
}

/** @throws Problem variable_not_found */
export async function variableOf(broker: Broker, principal: Principal, name: string, of: string | null): Promise<ShownVariable> {
  assertMayWrite(principal)
  const functionId = await functionIdOf(broker, principal.organizationId, of)
  const row = (await listVariables(broker.db, principal.organizationId)).find(
    one => one.name.toLowerCase() === name.toLowerCase() && one.function_id === functionId,
  )
  if (!row) throw new Problem('variable_not_found', { variable: name.slice(0, 100) })
  return present(row)
}

export interface VariableInput {
  readonly name: string
  /** "namespace.name"; null for the organisation's. */
  readonly function: string | null
  /** JSON text of the value; undefined leaves it as it is. */
  readonly value: string | undefined
  readonly type: VariableType | undefined
  readonly secret: boolean | undefined
  readonly description: string | undefined
}

/** The type that a new variable has when nobody says. */
function typeOf(value: Value): VariableType {
  if (typeof value === 'number' || typeof value === 'bigint') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'object' && value !== null && (value.kind === 'decimal' || value.kind === 'map' || value.kind === 'list'))
    return value.kind
  return 'text'
}

/**
 * Makes or changes a variable. A secret never becomes plain: make another one.
 * @throws Problem validation_failed, function_not_found, forbidden
 */
export async function putVariable(broker: Broker, by: Caller, input: VariableInput): Promise<{ shown: ShownVariable; created: boolean }> {
  const { principal } = by
  assertMayWrite(principal)
  const { organizationId, userId } = principal
  if (input.name.length > 100 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(input.name))
    throw invalid('name', 'A name starts with a letter or _; then letters, digits or _; 100 characters at most.')
  const functionId = await functionIdOf(broker, organizationId, input.function)
  const before = await findVariable(broker.db, organizationId, functionId, input.name)
  if (before?.secret && input.secret === false) throw invalid('secret', 'A secret stays one. Make another variable instead.')
  const { surroundings } = await surroundingsFor(broker, principal, by.ip)
  const secret = input.secret ?? before?.secret ?? false
  const type = input.type ?? before?.type ?? (input.value === undefined ? 'text' : typeOf(valueOfJson(input.value)))

  const keepsValue = input.value === undefined
  const old = keepsValue && before ? await textOf(broker, before) : null
  const given = keepsValue ? old : input.value
  const fitting = given === null || given === undefined ? null : ofVariableType(surroundings, valueOfJson(given), type)
  if (fitting === undefined) throw invalid(keepsValue ? 'type' : 'value', variableTypeAsked(type))
  const text = fitting === null ? null : jsonTextOf(surroundings, fitting)
  if (text !== null && text.length > longestValue) throw invalid('value', `A value has ${longestValue} characters at most.`)

  const id = before?.id ?? broker.id()
  const version = before ? before.version + 1 : 1
  const kept = await stored(broker, { id, organization_id: organizationId, secret }, version, text)
  const values = { ...kept, type, secret, description: input.description ?? before?.description ?? '', updated_by: userId }
  await change(broker, by, async (trx, traces) => {
    const done = before
      ? await updateVariable(trx, id, before.version, values)
      : await insertVariable(trx, { id, organization_id: organizationId, function_id: functionId, name: input.name, ...values })
    if (!done) throw new Problem('precondition_failed')
    if (!before && (await countVariables(trx, organizationId)) > mostVariables)
      throw invalid('name', `An organisation has ${mostVariables} variables at most.`)
    traces.audit(before ? 'function_variable.changed' : 'function_variable.created', `function_variable:${input.name}`, {
      function: input.function,
      type,
      secret,
    })
  })
  return { shown: await variableOf(broker, principal, input.name, input.function), created: !before }
}

/** @throws Problem variable_not_found */
export async function removeVariable(broker: Broker, by: Caller, name: string, of: string | null): Promise<void> {
  assertMayWrite(by.principal)
  const functionId = await functionIdOf(broker, by.principal.organizationId, of)
  const row = await findVariable(broker.db, by.principal.organizationId, functionId, name)
  if (!row) throw new Problem('variable_not_found', { variable: name.slice(0, 100) })
  await change(broker, by, async (trx, traces) => {
    await deleteVariable(trx, row.id)
    traces.audit('function_variable.deleted', `function_variable:${row.name}`, { function: of })
  })
}
