import { createHash } from 'node:crypto'
import type { ArgumentMapping } from '../core/function.ts'
import { hopHeader, hopsOf } from '../core/hops.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { mapOf } from '../deluge/value.ts'
import {
  findFunction,
  findFunctionSettings,
  functionsNamed,
  lockFunction,
  organizationOfFunctionKey,
  putFunctionSettings,
  settleFunctionKey,
  updateFunction,
  type FunctionRow,
  type FunctionSettingsRow,
} from '../storage/functions.ts'
import type { Place } from '../vault/envelope.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { publicArguments, type PublicRequest } from './function-public.ts'
import { countPublicCall } from './function-rate.ts'
import { runFunction, type Ran } from './function-run.ts'
import { ownerOf } from './function-schedules.ts'
import {
  fixedValues,
  functionCell,
  openedArguments,
  sealedArguments,
  secretsAmong,
  shownMapping,
  starredMapping,
} from './function-secrets.ts'
import { surroundingsFor } from './function-settings.ts'
import { assertMayWrite, getFunction } from './functions.ts'

/** Begins so for scanners that look for leaked secrets. */
const keyPrefix = 'pbf_'

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex')

const keyPlace = (organizationId: string, version: number): Place => ({
  organizationId,
  table: 'function_settings',
  rowId: organizationId,
  column: 'sealed_key',
  rowVersion: version,
  serviceRevision: 1,
})

/** As the address names a function: its name, with its namespace when that is not standalone. */
const publicName = (row: Pick<FunctionRow, 'namespace' | 'name'>): string =>
  row.namespace.toLowerCase() === 'standalone' ? row.name : `${row.namespace}.${row.name}`

/** That there is a key, as it may be shown. */
const shownKey = (settings: FunctionSettingsRow | undefined) =>
  settings?.key_prefix ? { prefix: settings.key_prefix, created_at: settings.key_created_at?.toISOString() ?? '' } : null

export const functionKeyOf = async (broker: Broker, organizationId: string) =>
  shownKey(await findFunctionSettings(broker.db, organizationId))

/** FN-1: how a function may be called from outside, with ready addresses: they are pasted into webhooks, again and again. */
async function presentExposure(broker: Broker, row: FunctionRow) {
  const settings = await findFunctionSettings(broker.db, row.organization_id)
  const key = settings?.sealed_key
    ? (await broker.vault.open(keyPlace(row.organization_id, settings.key_version), settings.sealed_key)).expose()
    : null
  const url = `${broker.publicUrl}/functions/${encodeURIComponent(publicName(row))}/actions/execute`
  return {
    api_key: row.exposed_by_key,
    oauth: row.exposed_to_members,
    url: row.exposed_by_key && key !== null ? `${url}?auth_type=apikey&zapikey=${key}` : `${url}?auth_type=oauth`,
    api_key_url: row.exposed_by_key && key !== null ? `${url}?auth_type=apikey&zapikey=${key}` : null,
    oauth_url: row.exposed_to_members ? `${url}?auth_type=oauth` : null,
    mapping: shownMapping(row.signature, row.mapping),
    key: shownKey(settings),
  }
}

/** For those who write functions: the address holds the key. @throws Problem function_not_found, forbidden */
export async function exposureOf(broker: Broker, principal: Principal, path: { readonly namespace: string; readonly name: string }) {
  assertMayWrite(principal)
  return presentExposure(broker, await getFunction(broker, principal.organizationId, path.namespace, path.name))
}

/**
 * What is left out stays as it is. The first function that is opened by key makes the key.
 * @throws Problem function_not_found, validation_failed, precondition_failed, forbidden
 */
export async function changeExposure(
  broker: Broker,
  by: Caller,
  path: { readonly namespace: string; readonly name: string },
  given: { readonly api_key?: boolean | undefined; readonly oauth?: boolean | undefined; readonly mapping?: ArgumentMapping | undefined },
) {
  const { principal } = by
  assertMayWrite(principal)
  const row = await getFunction(broker, principal.organizationId, path.namespace, path.name)
  const settings = await findFunctionSettings(broker.db, principal.organizationId)
  const first = given.api_key === true && !settings?.key_hash ? await newKey(broker, principal.organizationId, settings) : null
  const mapped = given.mapping && (await sealedMapping(broker, row, given.mapping))
  await change(broker, by, async (trx, traces) => {
    const now = await lockFunction(trx, principal.organizationId, row.id)
    if (!now) throw new Problem('function_not_found')
    if (mapped && now.sealed_version !== row.sealed_version) throw new Problem('precondition_failed')
    if (first && (await settleFunctionKey(trx, principal.organizationId, first.values)))
      traces.audit('function_key.made', 'function_key', { prefix: first.values.key_prefix })
    await updateFunction(trx, principal.organizationId, row.id, {
      exposed_by_key: given.api_key ?? now.exposed_by_key,
      exposed_to_members: given.oauth ?? now.exposed_to_members,
      ...mapped,
    })
    traces.audit('function.exposed', `function:${row.namespace}.${row.name}`, { api_key: given.api_key, oauth: given.oauth })
  })
  return exposureOf(broker, principal, path)
}

/** A mapping as it is stored: fixed values that are passwords are sealed beside it. @throws Problem validation_failed */
async function sealedMapping(broker: Broker, row: FunctionRow, mapping: ArgumentMapping) {
  const cell = functionCell(row)
  const secret = secretsAmong(row.signature, fixedValues(mapping), await openedArguments(broker, cell), name => `mapping.${name}`)
  return { mapping: JSON.stringify(starredMapping(mapping, secret)), ...(await sealedArguments(broker, cell, secret)) }
}

async function newKey(broker: Broker, organizationId: string, before: FunctionSettingsRow | undefined) {
  const key = keyPrefix + broker.random(32).toString('base64url')
  const version = (before?.key_version ?? 0) + 1
  const sealed = await broker.vault.seal(keyPlace(organizationId, version), key)
  return {
    key,
    values: {
      key_hash: hashOf(key),
      sealed_key: sealed,
      key_version: version,
      key_prefix: key.slice(0, 8),
      key_created_at: new Date(broker.now()),
    },
  }
}

/** FN-4: one key for all exposed functions of the organisation. The one before is dead at once. For administrators: the doors see to it. */
export async function rotateFunctionKey(broker: Broker, by: Caller): Promise<{ key: string; prefix: string; created_at: string }> {
  const { organizationId } = by.principal
  const { key, values } = await newKey(broker, organizationId, await findFunctionSettings(broker.db, organizationId))
  await change(broker, by, async (trx, traces) => {
    await putFunctionSettings(trx, organizationId, values)
    traces.audit('function_key.rotated', 'function_key', { prefix: values.key_prefix })
  })
  return { key, prefix: values.key_prefix, created_at: values.key_created_at.toISOString() }
}

/** The key is refused from now on. */
export async function dropFunctionKey(broker: Broker, by: Caller): Promise<void> {
  await change(broker, by, async (trx, traces) => {
    await putFunctionSettings(trx, by.principal.organizationId, {
      key_hash: null,
      sealed_key: null,
      key_prefix: null,
      key_created_at: null,
    })
    traces.audit('function_key.dropped', 'function_key')
  })
}

/** By the name in the address; undefined when there is none that is exposed in this way. */
async function exposed(broker: Broker, organizationId: string, name: string, how: 'exposed_by_key' | 'exposed_to_members') {
  const dot = name.indexOf('.')
  const row =
    dot > 0
      ? await findFunction(broker.db, organizationId, name.slice(0, dot), name.slice(dot + 1))
      : ((await findFunction(broker.db, organizationId, 'standalone', name)) ?? (await onlyOne(broker, organizationId, name)))
  if (!row?.[how])
    throw new Problem('function_not_found', {
      function: name.slice(0, 150),
      detail: `No function of this name may be called ${how === 'exposed_by_key' ? 'with the key' : 'by members'} from outside. Check the name; whoever writes functions opens one on its page, under Exposure.`,
    })
  return row
}

/** A name that only one namespace has. */
async function onlyOne(broker: Broker, organizationId: string, name: string): Promise<FunctionRow | undefined> {
  const [only, another] = await functionsNamed(broker.db, organizationId, name)
  return another ? undefined : only
}

/** Whose key it is; undefined for one that is nobody's. By its hash: how long the look-up takes says nothing about the key. */
export const organizationOfKey = async (broker: Broker, key: string): Promise<{ readonly id: string } | undefined> =>
  key.startsWith(keyPrefix) && key.length < 100 ? organizationOfFunctionKey(broker.db, hashOf(key)) : undefined

/**
 * FN-2 with the key of this organisation: runs as the function's owner, without a login user.
 * @throws Problem function_not_found, too_many_requests, owner_inactive, validation_failed, functions_busy
 */
export async function executeWithKey(broker: Broker, name: string, organizationId: string, request: PublicRequest): Promise<Ran> {
  const row = await exposed(broker, organizationId, name, 'exposed_by_key')
  countPublicCall(broker, row)
  return runFunction(broker, {
    function: row,
    principal: await ownerOf(broker, row),
    door: 'public',
    ip: request.ip,
    hops: hopsOf(request.headers[hopHeader]),
    given: publicArguments(row, request, await openedArguments(broker, functionCell(row)), 'apikey', mapOf([])),
    strict: false,
  })
}

/** FN-2 with `auth_type=oauth`: runs as the member who calls. */
export async function executeAsMember(broker: Broker, name: string, principal: Principal, request: PublicRequest): Promise<Ran> {
  const row = await exposed(broker, principal.organizationId, name, 'exposed_to_members')
  countPublicCall(broker, row)
  // of the person it is for, who is not always the holder of the key
  const fullName =
    principal.subjectId === principal.userId
      ? principal.userName
      : ((await surroundingsFor(broker, principal, request.ip)).surroundings.loginUser?.name ?? null)
  const user = mapOf([
    ['id', principal.subjectId],
    ['full_name', fullName],
  ])
  return runFunction(broker, {
    function: row,
    principal,
    door: 'public',
    ip: request.ip,
    hops: hopsOf(request.headers[hopHeader]),
    given: publicArguments(row, request, await openedArguments(broker, functionCell(row)), 'oauth', user),
    strict: false,
  })
}
