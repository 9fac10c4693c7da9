import type { ArgumentSource } from '../core/function.ts'
import { boundaryOf, parseMultipart } from '../core/multipart.ts'
import { pairsOf } from '../core/request.ts'
import { fileOf, mapOf, type Value } from '../deluge/value.ts'
import { valueOfJson } from '../sandbox/json.ts'
import type { FunctionRow } from '../storage/functions.ts'

/** A call from outside, as it came. */
export interface PublicRequest {
  readonly method: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: Buffer
  readonly ip: string | null
}

/**
 * What is not the script's to see: headers with which the caller proves who they are to us, and those that a proxy in front of us or its
 * sign-in adds, which name the person at the other end and the way to them.
 */
const hidden = new RegExp(
  `^(?:${[
    'authorization|proxy-.*|cookie2?|patchbay-.*',
    'forwarded|via|x-forwarded-.*|x-original-.*|x-real-.*|(?:x-|true-|cf-|fastly-|x-cluster-|x-appengine-|x-azure-)?client-?ip|cf-connecting-ip.*|x-azure-socketip|x-envoy-.*',
    '(?:x-)?remote-(?:user|groups|name|email|addr)|x-auth-request-.*|x-authenticated-.*|x-authentik-.*|x-webauth-.*|x-vouch-.*|x-pomerium-.*',
    'x-goog-authenticated-user-.*|x-goog-iap-.*|x-ms-client-principal.*|x-ms-token-.*|x-amzn-oidc-.*|cf-access-.*|tailscale-.*',
  ].join('|')})$`,
)

/** A page that was called by key sends its address on, key and all; percent-encoded inside another address, too. */
const holdsKey = /zapikey|pbf_[\w-]{20}/i

const isVisible = (name: string, value: string): boolean => !hidden.test(name) && !holdsKey.test(value)

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

function sourceValue(source: Exclude<ArgumentSource, { fixed: unknown }>, request: PublicRequest, read: ReadRequest): Value {
  if ('query' in source) return read.query.get(source.query) ?? null
  if ('json' in source) return atPath(read.json, source.json)
  const name = source.header.toLowerCase()
  const value = request.headers[name]
  return value !== undefined && isVisible(name, value) ? value : null
}

/** FN-6: what the special argument holds. */
function requestMap(request: PublicRequest, read: ReadRequest, authType: string, user: Value): Value {
  const visible = Object.entries(request.headers).filter(([name, value]) => isVisible(name, value))
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

/**
 * The arguments of a public call by name (FN-5, FN-6): mapped, else from `arguments`, the form, the query.
 * @param secret  Fixed values of the mapping that are passwords.
 */
export function publicArguments(
  row: FunctionRow,
  request: PublicRequest,
  secret: ReadonlyMap<string, Value>,
  authType: 'apikey' | 'oauth',
  user: Value,
): Map<string, Value> {
  const read = readRequest(request)
  const json = typeof read.json === 'object' && read.json?.kind === 'map' ? read.json.entries.get('arguments') : undefined
  const given = new Map([
    ...read.query,
    ...read.form,
    ...argumentsIn(read.query.get('arguments')),
    ...argumentsIn(read.form.get('arguments')),
    ...argumentsIn(json),
  ])
  for (const [name, source] of Object.entries(row.mapping))
    given.set(name, 'fixed' in source ? (secret.get(name) ?? source.fixed) : sourceValue(source, request, read))
  for (const { name } of row.signature?.parameters ?? [])
    if (name.toLowerCase() === 'crmapirequest') given.set(name, requestMap(request, read, authType, user))
  return given
}
