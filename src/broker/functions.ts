import { functionName, functionNamespace } from '../core/function.ts'
import { invalid, Problem, type FieldError } from '../core/problem.ts'
import { atLeast, type Principal } from '../core/principal.ts'
import {
  deleteFunction,
  findFunction,
  findVersion,
  functionNames,
  functionsUsing,
  insertFunction,
  insertVersion,
  listFunctions,
  listVersions,
  lockFunction,
  updateFunction,
  type FunctionFilter,
  type FunctionRow,
} from '../storage/functions.ts'
import type { Executor } from '../storage/database.ts'
import { lastRuns } from '../storage/function-runs.ts'
import type { PageRequest } from '../storage/page.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { assertNamed, judged } from './function-check.ts'
import { sealNewPasswords } from './function-secrets.ts'
import { namesOf } from './memberships.ts'

/** Functions of one organisation. */
const mostFunctions = 10_000

export interface FunctionInput {
  /** Left out: the header's. */
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly source: string
  readonly description?: string | undefined
  /** Why it was saved, for the history. */
  readonly note?: string | undefined
}

/** @throws Problem forbidden: developers and administrators write functions, everybody runs them. */
export function assertMayWrite({ role }: Pick<Principal, 'role'>): void {
  if (!atLeast(role, 'developer'))
    throw new Problem('forbidden', { detail: 'Only developers and administrators write functions. Ask an administrator.' })
}

/** @throws Problem function_not_found */
export async function getFunction(broker: Broker, organizationId: string, namespace: string, name: string): Promise<FunctionRow> {
  const row = await findFunction(broker.db, organizationId, namespace, name)
  if (!row) throw new Problem('function_not_found', { function: `${namespace.slice(0, 50)}.${name.slice(0, 100)}` })
  return row
}

export interface Saved {
  readonly row: FunctionRow
  readonly created: boolean
  readonly warnings: readonly FieldError[]
}

/**
 * A new function, live at once (§4.2: there is no draft). Its maker is owner and author.
 * @throws Problem script_invalid, validation_failed, function_name_taken, forbidden
 */
export async function createFunction(broker: Broker, by: Caller, input: FunctionInput): Promise<Saved> {
  const { principal } = by
  assertMayWrite(principal)
  const { signature, uses, warnings } = await judged(broker, principal, input.source, input)
  const namespace = input.namespace ?? signature?.namespace ?? 'standalone'
  const name = input.name ?? signature?.name
  if (name === undefined) throw invalid('name', 'Give the function a name, or write a header: string standalone.name() { … }')
  const wrong = functionNamespace.safeParse(namespace).error?.issues[0] ?? functionName.safeParse(name).error?.issues[0]
  if (wrong) throw invalid(functionName.safeParse(name).success ? 'namespace' : 'name', wrong.message)
  assertNamed(signature, namespace, name)
  const id = broker.id()
  await change(broker, by, async (trx, traces) => {
    const inserted = await insertFunction(trx, {
      id,
      organization_id: principal.organizationId,
      namespace,
      name,
      description: input.description ?? '',
      source: input.source,
      signature: JSON.stringify(signature),
      uses: JSON.stringify(uses),
      owner_id: principal.userId,
      author_id: principal.userId,
    })
    if (!inserted) throw new Problem('function_name_taken', { function: `${namespace}.${name}` })
    if ((await functionNames(trx, principal.organizationId)).length > mostFunctions)
      throw invalid('name', `An organisation has ${mostFunctions} functions at most.`)
    await insertVersion(trx, { function_id: id, revision: 1, source: input.source, author_id: principal.userId, note: input.note ?? '' })
    traces.audit('function.created', `function:${namespace}.${name}`, { connections: uses.connections })
  })
  return { row: await getFunction(broker, principal.organizationId, namespace, name), created: true, warnings }
}

/**
 * Saves: checked, then live, with a version for the history. Who saves is the author from now on. Creates the function when there is none.
 * @param revision  What the editor read; null to save over whatever is there.
 * @throws Problem script_invalid, precondition_failed, forbidden
 */
export async function saveFunction(
  broker: Broker,
  by: Caller,
  path: { readonly namespace: string; readonly name: string },
  input: Omit<FunctionInput, 'namespace' | 'name'>,
  revision: number | null,
): Promise<Saved> {
  const { principal } = by
  assertMayWrite(principal)
  const before = await findFunction(broker.db, principal.organizationId, path.namespace, path.name)
  if (!before) {
    if (revision !== null) throw new Problem('precondition_failed')
    return createFunction(broker, by, { ...input, ...path })
  }
  const { signature, uses, warnings } = await judged(broker, principal, input.source, before)
  assertNamed(signature, before.namespace, before.name)
  const seal = await sealNewPasswords(broker, before, signature)
  await change(broker, by, async (trx, traces) => {
    const now = await lockFunction(trx, principal.organizationId, before.id)
    if (!now) throw new Problem('function_not_found')
    if (revision !== null && now.revision !== revision) throw new Problem('precondition_failed', { revision: now.revision })
    const description = input.description ?? now.description
    const same = now.source === input.source && now.author_id === principal.userId
    const next = same ? now.revision : now.revision + 1
    await updateFunction(trx, principal.organizationId, now.id, {
      description,
      source: input.source,
      signature: JSON.stringify(signature),
      uses: JSON.stringify(uses),
      author_id: principal.userId,
      revision: next,
    })
    await seal(trx, now)
    if (same) return
    await insertVersion(trx, {
      function_id: now.id,
      revision: next,
      source: input.source,
      author_id: principal.userId,
      note: input.note ?? '',
    })
    traces.audit('function.saved', `function:${now.namespace}.${now.name}`, { revision: next, connections: uses.connections })
  })
  return { row: await getFunction(broker, principal.organizationId, before.namespace, before.name), created: false, warnings }
}

/** The source of an earlier save becomes live again, as a new save. @throws Problem function_not_found, script_invalid */
export async function restoreVersion(
  broker: Broker,
  by: Caller,
  path: { readonly namespace: string; readonly name: string },
  revision: number,
): Promise<Saved> {
  assertMayWrite(by.principal)
  const row = await getFunction(broker, by.principal.organizationId, path.namespace, path.name)
  const version = await findVersion(broker.db, row.id, revision)
  if (!version) throw invalid('revision', 'This function has no such version.')
  return saveFunction(broker, by, path, { source: version.source, note: `Restored from ${revision}.` }, null)
}

/** @throws Problem function_in_use while others call it, unless `force` */
export async function removeFunction(
  broker: Broker,
  by: Caller,
  path: { readonly namespace: string; readonly name: string },
  force: boolean,
): Promise<void> {
  const { principal } = by
  assertMayWrite(principal)
  const row = await getFunction(broker, principal.organizationId, path.namespace, path.name)
  await change(broker, by, async (trx, traces) => {
    const others = await callersOf(trx, principal.organizationId, row)
    if (others.length > 0 && !force) throw new Problem('function_in_use', { functions: others })
    await deleteFunction(trx, principal.organizationId, row.id)
    traces.audit('function.deleted', `function:${row.namespace}.${row.name}`, { revision: row.revision })
  })
}

/** Schedules and public calls run as the caller from now on. */
export async function takeOverFunction(
  broker: Broker,
  by: Caller,
  path: { readonly namespace: string; readonly name: string },
): Promise<FunctionRow> {
  const { principal } = by
  assertMayWrite(principal)
  const row = await getFunction(broker, principal.organizationId, path.namespace, path.name)
  await change(broker, by, async (trx, traces) => {
    await updateFunction(trx, principal.organizationId, row.id, { owner_id: principal.userId })
    traces.audit('function.taken_over', `function:${row.namespace}.${row.name}`, { from: row.owner_id })
  })
  return getFunction(broker, principal.organizationId, path.namespace, path.name)
}

/** Those who write functions do; a program of theirs that was lent a few connections does not, as it writes none. */
const readsSources = ({ role, key }: Principal): boolean => atLeast(role, 'developer') && !key?.connections

/** A function as members see it; its source only to those who read sources. */
export async function presentFunctions(
  broker: Broker,
  principal: Principal,
  rows: readonly (Omit<FunctionRow, 'source'> & { source?: string })[],
) {
  const names = await namesOf(
    broker,
    rows.flatMap(row => [row.owner_id, row.author_id]),
  )
  const last = new Map(
    (
      await lastRuns(
        broker.db,
        rows.map(row => row.id),
      )
    ).map(run => [run.function_id, run]),
  )
  const person = (id: string) => ({ id, name: names.get(id) ?? null })
  return rows.map(row => {
    const run = last.get(row.id)
    return {
      id: row.id,
      namespace: row.namespace,
      name: row.name,
      language: row.language,
      description: row.description,
      ...(row.source !== undefined && { source: readsSources(principal) ? row.source : null }),
      signature: row.signature,
      connections: row.uses.connections,
      calls: row.uses.functions,
      revision: row.revision,
      owner: person(row.owner_id),
      author: person(row.author_id),
      exposure: { api_key: row.exposed_by_key, oauth: row.exposed_to_members },
      last_run: run ? { status: run.status, at: run.started_at.toISOString() } : null,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
    }
  })
}

/** "namespace.name" of other functions whose source calls this one. */
export async function callersOf(
  db: Executor,
  organizationId: string,
  { id, namespace, name }: Pick<FunctionRow, 'id' | 'namespace' | 'name'>,
): Promise<string[]> {
  const users = await functionsUsing(db, organizationId, 'functions', `${namespace}.${name}`.toLowerCase())
  return users.filter(one => one.id !== id).map(one => `${one.namespace}.${one.name}`)
}

export async function presentFunction(broker: Broker, principal: Principal, row: FunctionRow) {
  const [shown] = await presentFunctions(broker, principal, [row])
  if (!shown) throw new Error('one row is one function')
  return { ...shown, called_by: await callersOf(broker.db, principal.organizationId, row) }
}

export async function listOfFunctions(broker: Broker, principal: Principal, filter: FunctionFilter) {
  // whoever may not read sources must not learn by searching what stands in them
  const page = await listFunctions(broker.db, principal.organizationId, filter, readsSources(principal))
  return { data: await presentFunctions(broker, principal, page.data), next_cursor: page.next_cursor }
}

/** Its history, the newest first, with sources. */
export async function versionsOf(
  broker: Broker,
  principal: Principal,
  path: { readonly namespace: string; readonly name: string },
  page: PageRequest,
) {
  assertMayWrite(principal)
  const row = await getFunction(broker, principal.organizationId, path.namespace, path.name)
  const { data, next_cursor } = await listVersions(broker.db, row.id, page)
  return {
    data: data.map(one => ({
      revision: one.revision,
      live: one.revision === row.revision,
      author: { id: one.author_id, name: one.author_name },
      note: one.note,
      saved_at: one.saved_at.toISOString(),
      source: one.source,
    })),
    next_cursor,
  }
}
