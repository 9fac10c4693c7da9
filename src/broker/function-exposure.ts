import { createHash } from 'node:crypto'
import type { ArgumentMapping, ArgumentSource } from '../core/function.ts'
import { boundaryOf, parseMultipart } from '../core/multipart.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { pairsOf } from '../core/request.ts'
import { fileOf, mapOf, type Value } from '../deluge/value.ts'
import {
  findFunction,
  findFunctionSettings,
  listFunctions,
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
import { runFunction, type Ran } from './function-run.ts'
import { ownerOf } from './function-schedules.ts'
import { valueOfJson } from './function-values.ts'
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
    mapping: row.mapping,
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
 * @throws Problem function_not_found, forbidden
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
  await change(broker, by, async (trx, traces) => {
    if (first && (await settleFunctionKey(trx, principal.organizationId, first.values)))
      traces.audit('function_key.made', 'function_key', { prefix: first.values.key_prefix })
    await updateFunction(trx, principal.organizationId, row.id, {
      exposed_by_key: given.api_key ?? row.exposed_by_key,
      exposed_to_members: given.oauth ?? row.exposed_to_members,
      mapping: JSON.stringify(given.mapping ?? row.mapping),
    })
    traces.audit('function.exposed', `function:${row.namespace}.${row.name}`, { api_key: given.api_key, oauth: given.oauth })
  })
  return exposureOf(broker, principal, path)
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

/** A call from outside, as it came. */
export interface PublicRequest {
  readonly method: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: Buffer
  readonly ip: string | null
}

/** Headers with which the caller proves who they are, or that a proxy in front of us added for itself. */
const hidden = /^(?:authorization|proxy-authorization|cookie|patchbay-.*|x-forwarded-.*|forwarded|x-real-ip)$/
const ownParameters = new Set(['zapikey', 'auth_type'])

const texts = (pairs: Iterable<readonly [string, string]>): Map<string, Value> =>
  new Map([...pairs].filter(([name]) => !ownParameters.has(name.toLowerCase())))

/** A map of arguments in a parameter `arguments`, as the widget SDK sends it (FN-5). */
function argumentsIn(value: Value | undefined): Map<string, Value> {
  try {
    const map = typeof value === 'string' ? valueOfJson(value) : (value ?? null)
    return typeof map === 'object' && map?.kind === 'map' ? new Map(map.entries) : new Map<string, Value>()
  } catch {
    return new Map<string, Value>()
  }
}

/** `a.b.0.c`, with or without `$.` in front. */
function atPath(value: Value, path: string): Value {
  let here: Value = value
  for (const step of path
    .replace(/^\$\.?/, '')
    .split('.')
    .filter(Boolean)) {
    if (typeof here !== 'object' || here === null) return null
    if (here.kind === 'map') here = here.entries.get(step) ?? null
    else if (here.kind === 'list') here = (/^\d{1,6}$/.test(step) ? here.items[Number(step)] : undefined) ?? null
    else return null
  }
  return here
}

interface ReadRequest {
  readonly query: ReadonlyMap<string, Value>
  readonly form: ReadonlyMap<string, Value>
  /** The body as JSON; null when it is none. */
  readonly json: Value
  readonly text: string
}

function readRequest({ headers, query, body }: PublicRequest): ReadRequest {
  const type = headers['content-type'] ?? ''
  const boundary = boundaryOf(type)
  if (boundary !== null) {
    const form = new Map<string, Value>(
      parseMultipart(body, boundary).map(({ name, filename, contentType, bytes }) => [
        name,
        filename === null ? bytes.toString('utf8') : fileOf(filename || 'file', new Uint8Array(bytes), contentType ?? undefined),
      ]),
    )
    return { query: texts(query), form, json: null, text: '' }
  }
  const text = body.toString('utf8')
  const isForm = /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)
  let json: Value = null
  if (!isForm && /^\s*[{[]/.test(text))
    try {
      json = valueOfJson(text)
    } catch {
      // not JSON: the script has the text
    }
  return { query: texts(query), form: isForm ? texts(pairsOf(text)) : new Map(), json, text }
}

function sourceValue(source: ArgumentSource, request: PublicRequest, read: ReadRequest): Value {
  if ('fixed' in source) return source.fixed
  if ('query' in source) return read.query.get(source.query) ?? null
  if ('json' in source) return atPath(read.json, source.json)
  const name = source.header.toLowerCase()
  return hidden.test(name) ? null : (request.headers[name] ?? null)
}

/** FN-6: what the special argument holds. */
function requestMap(request: PublicRequest, read: ReadRequest, authType: string, user: Value): Value {
  const visible = Object.entries(request.headers).filter(([name]) => !hidden.test(name))
  const params = new Map([...read.query, ...[...read.form].filter(([, value]) => typeof value === 'string')])
  return mapOf([
    ['file_content', null],
    ['headers', mapOf(visible)],
    ['auth_type', authType],
    ['method', request.method],
    ['user_info', user],
    ['record', mapOf([])],
    ['params', mapOf(params)],
    ['body', read.text],
  ])
}

/** The arguments of a public call by name (FN-5, FN-6): mapped, else from `arguments`, the form, the query. */
function publicArguments(row: FunctionRow, request: PublicRequest, authType: string, user: Value): Map<string, Value> {
  const read = readRequest(request)
  const json = typeof read.json === 'object' && read.json?.kind === 'map' ? read.json.entries.get('arguments') : undefined
  const given = new Map([
    ...read.query,
    ...read.form,
    ...argumentsIn(read.query.get('arguments')),
    ...argumentsIn(read.form.get('arguments')),
    ...argumentsIn(json),
  ])
  for (const [name, source] of Object.entries(row.mapping)) given.set(name, sourceValue(source, request, read))
  for (const { name } of row.signature?.parameters ?? [])
    if (name.toLowerCase() === 'crmapirequest') given.set(name, requestMap(request, read, authType, user))
  return given
}

/** By the name in the address; undefined when there is none that is exposed in this way. */
async function exposed(broker: Broker, organizationId: string, name: string, how: 'exposed_by_key' | 'exposed_to_members') {
  const dot = name.indexOf('.')
  const row =
    dot > 0
      ? await findFunction(broker.db, organizationId, name.slice(0, dot), name.slice(dot + 1))
      : ((await findFunction(broker.db, organizationId, 'standalone', name)) ?? (await onlyOne(broker, organizationId, name)))
  if (!row?.[how]) throw new Problem('function_not_found', { function: name.slice(0, 150) })
  return row
}

/** A name that only one namespace has. */
async function onlyOne(broker: Broker, organizationId: string, name: string): Promise<FunctionRow | undefined> {
  const { data } = await listFunctions(broker.db, organizationId, { namespace: null, q: name, limit: 100, cursor: null }, false)
  const named = data.filter(one => one.name.toLowerCase() === name.toLowerCase())
  const [only] = named
  return only && named.length === 1 ? findFunction(broker.db, organizationId, only.namespace, only.name) : undefined
}

/**
 * FN-2 with the key: runs as the function's owner, without a login user.
 * @throws Problem unauthenticated, function_not_found, owner_inactive, validation_failed, functions_busy
 */
export async function executeWithKey(broker: Broker, name: string, key: string, request: PublicRequest): Promise<Ran> {
  // by its hash: how long the look-up takes says nothing about the key
  const organization = key.startsWith(keyPrefix) && key.length < 100 ? await organizationOfFunctionKey(broker.db, hashOf(key)) : undefined
  if (!organization) throw new Problem('unauthenticated', { detail: 'This zapikey is not valid. An administrator makes a new one.' })
  const row = await exposed(broker, organization.id, name, 'exposed_by_key')
  return runFunction(broker, {
    function: row,
    principal: await ownerOf(broker, row),
    door: 'public',
    ip: request.ip,
    given: publicArguments(row, request, 'apikey', mapOf([])),
    strict: false,
  })
}

/** FN-2 with `auth_type=oauth`: runs as the member who calls. */
export async function executeAsMember(broker: Broker, name: string, principal: Principal, request: PublicRequest): Promise<Ran> {
  const row = await exposed(broker, principal.organizationId, name, 'exposed_to_members')
  const user = mapOf([
    ['id', principal.subjectId],
    ['full_name', principal.userName],
  ])
  return runFunction(broker, {
    function: row,
    principal,
    door: 'public',
    ip: request.ip,
    given: publicArguments(row, request, 'oauth', user),
    strict: false,
  })
}
