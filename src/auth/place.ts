import { invalid, Problem } from '../core/problem.ts'
import {
  headerNamePattern,
  headerOf,
  headerValuePattern,
  namesIn,
  sameParameter,
  withCookie,
  withFormField,
  withHeader,
  withHeaders,
  withQueryParameter,
} from '../core/request.ts'
import type { OutgoingRequest } from '../core/request.ts'
import type { ServiceDefinition } from '../core/service.ts'
import { fill } from '../core/template.ts'

/** One place for (a part of) a credential: `value` is a template such as `Token {access_token}`. */
export interface Placement {
  readonly in: 'header' | 'query' | 'form' | 'cookie'
  readonly name: string
  readonly value: string
}

/** Control characters C0 and DEL: they end header lines, or are cut off by servers written in C. */
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
export const controlCharacters = /[\x00-\x1f\x7f]/

/** RFC 6265 §4.1.1 cookie-octet. */
export const cookieValuePattern = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/

/** Headers that frame the message or name its receiver: a service definition may not set them, whoever wrote it. */
const framing = /^(?:host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|http2-settings|proxy-.*)$/i

/** Any name between braces: parameters of API key services have hyphens and more, which core/template.ts does not know. */
const placeholder = /\{([^{}]{1,100})\}/g

/** Fills a placement's template in one pass, so that a value that looks like `{password}` stays text. */
const fillAny = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replace(placeholder, (whole, name: string) => (Object.hasOwn(values, name) ? (values[name] ?? whole) : whole))

function assertHeaderName(name: string, path: string): void {
  if (!headerNamePattern.test(name) || framing.test(name)) throw invalid(path, 'This is not a header that a service may set.')
}

const isUrlencoded = (headers: readonly string[]): boolean =>
  (headerOf(headers, 'content-type') ?? '').toLowerCase().startsWith('application/x-www-form-urlencoded')

/** The names of a body's fields, as far as they are known: not of one that streams. */
function fieldNames({ headers, body }: OutgoingRequest): string[] {
  switch (body?.kind) {
    case 'form':
      return body.fields.map(([name]) => name)
    case 'multipart':
      return body.parts.map(part => part.name)
    case 'raw':
      return isUrlencoded(headers) ? namesIn(body.bytes.toString('latin1')) : []
    default:
      return []
  }
}

/**
 * Refuses what the caller sent under the name of a parameter of ours, in the query or in the form, as lenient servers read names (X12).
 * Many take parameters from both, and two values of one name are a guess which of them the service takes.
 * @throws Problem parameter_conflict
 */
function assertNotSent(request: OutgoingRequest, { in: where, name }: PlacedValue): void {
  if (where !== 'query' && where !== 'form') return
  const taken = (names: readonly string[]) => names.some(own => sameParameter(own, name))
  const place = request.url.search && taken(namesIn(request.url.search)) ? 'query' : taken(fieldNames(request)) ? 'form' : null
  if (place !== null) throw new Problem('parameter_conflict', { parameter: name, place })
}

/** One value and its place. `path` is the field it came from, e.g. `credentials.api-key`: errors name it instead of the value. */
export interface PlacedValue {
  readonly in: Placement['in']
  readonly name: string
  readonly value: string
  readonly path: string
}

function assertPlaceable({ in: where, name, value, path }: PlacedValue): void {
  if (controlCharacters.test(value)) throw invalid(path, 'This value has control characters, which cannot be sent.')
  switch (where) {
    case 'header':
      assertHeaderName(name, path)
      if (!headerValuePattern.test(value))
        throw invalid(path, 'A header value has visible ASCII characters only, no blank at either end, and is not empty.')
      return
    case 'cookie':
      if (!headerNamePattern.test(name) || !cookieValuePattern.test(value)) throw invalid(path, 'This cannot stand in a cookie (RFC 6265).')
      return
    case 'query':
    case 'form':
  }
}

function put(request: OutgoingRequest, { in: where, name, value }: PlacedValue): OutgoingRequest {
  switch (where) {
    case 'header':
      return withHeader(request, name, value)
    case 'query':
      return withQueryParameter(request, name, value)
    case 'form':
      return withFormField(request, name, value)
    case 'cookie': {
      const own = (headerOf(request.headers, 'cookie') ?? '').split(';').map(one => one.split('=')[0]?.trim())
      if (own.includes(name)) throw new Problem('parameter_conflict', { parameter: name, place: 'cookie' })
      return withCookie(request, name, value)
    }
  }
}

/**
 * Puts one value into a request.
 *
 * @throws Problem validation_failed for control characters, in a header or cookie for anything that is not visible ASCII;
 *         parameter_conflict when the caller sent that parameter or cookie; param_type_mismatch for a form without a form body.
 */
export function placeValue(request: OutgoingRequest, value: PlacedValue): OutgoingRequest {
  assertPlaceable(value)
  assertNotSent(request, value)
  return put(request, value)
}

/**
 * A credential wherever `placements` say. A placeholder without a value stays as it stands.
 *
 * @param values  Access token, API key parameters, variables, by placeholder. May hold any name as an own property, `__proto__` included.
 */
export const placed = (placements: readonly Placement[], values: Readonly<Record<string, string>>): PlacedValue[] =>
  placements.map(one => {
    const [, source] = [...one.value.matchAll(placeholder)].find(([, name]) => name !== undefined && Object.hasOwn(values, name)) ?? []
    const path = source === undefined ? `advanced.placements.${one.name}` : `credentials.${source}`
    return { in: one.in, name: one.name, value: fillAny(one.value, values), path }
  })

/** The service's fixed headers (a version, a user agent), filled with the connection's variables. The caller's header of that name loses. */
export const fixedHeaders = (service: ServiceDefinition, variables: Readonly<Record<string, string>>): PlacedValue[] =>
  Object.entries(service.advanced.headers ?? {}).map(([name, value]) => ({
    in: 'header',
    name,
    value: fill(value, variables),
    path: `advanced.headers.${name}`,
  }))

interface Prepared {
  readonly service: ServiceDefinition
  readonly variables: Readonly<Record<string, string>>
  readonly headers: readonly string[]
  readonly others: readonly PlacedValue[]
}

/** By opened credential, which is another object after each renewal. */
const prepared = new WeakMap<object, Prepared>()

/**
 * Puts a credential into a request, after the service's fixed headers, so that it wins. What it comes to is worked out and judged when it is
 * used first: a warm call costs one pass over its headers.
 *
 * @throws Problem as `placeValue`
 */
export function placeCredential(
  request: OutgoingRequest,
  { service, variables }: Pick<Prepared, 'service' | 'variables'>,
  credential: object,
  values: () => readonly PlacedValue[],
): OutgoingRequest {
  let known = prepared.get(credential)
  if (known?.service !== service || known.variables !== variables) {
    const all = [...fixedHeaders(service, variables), ...values()]
    for (const one of all) assertPlaceable(one)
    const inHeaders = all.filter(one => one.in === 'header')
    // of two with one name the later one counts
    const { headers } = inHeaders.reduce<OutgoingRequest>(put, { ...request, headers: [] })
    known = { service, variables, headers, others: all.filter(one => one.in !== 'header') }
    prepared.set(credential, known)
  }
  // before any is placed: one value of ours may stand in the query and in the form
  for (const one of known.others) assertNotSent(request, one)
  return known.others.reduce(put, withHeaders(request, known.headers))
}

/**
 * Headers, lower case, that hold this service's credential: a caller may not send them. Fixed headers are not among them,
 * because a caller's `User-Agent` is no attack: it just loses.
 */
export function placementHeaders(service: ServiceDefinition): string[] {
  const { placements, header_name } = service.advanced
  const lower = (names: readonly string[]) => [...new Set(names.map(name => name.toLowerCase()))]
  if (placements && service.auth_type !== 'oauth1') return lower(placements.filter(one => one.in === 'header').map(one => one.name))
  if (service.param_type !== 'header') return []
  switch (service.auth_type) {
    case 'api_key':
      return lower(service.parameters.map(one => one.name))
    case 'oauth1':
      return ['authorization']
    case 'basic':
    case 'oauth2':
      return lower([header_name ?? 'authorization'])
  }
}
