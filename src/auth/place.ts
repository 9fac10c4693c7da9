import { invalid, Problem } from '../core/problem.ts'
import {
  headerNamePattern,
  headerOf,
  headerValuePattern,
  pairsOf,
  sameParameter,
  withCookie,
  withFormField,
  withHeader,
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

/**
 * A name that the caller sent already, as lenient servers read it too: any case, `name[]`, `;` or `&amp;` as separator (X12).
 * Two values of one name are a guess which of them the service takes.
 */
function callerNames(request: OutgoingRequest, name: string): boolean {
  const query = request.url.search.slice(1)
  return [query, query.replace(/&amp;/gi, '&'), query.replace(/;/g, '&')].some(text =>
    pairsOf(text).some(([own]) => sameParameter(own, name)),
  )
}

/**
 * Puts one value into a request.
 *
 * @param path  The field the value came from, e.g. `credentials.api-key`; named in errors instead of the value.
 * @throws Problem validation_failed for control characters, in a header or cookie for anything that is not visible ASCII;
 *         parameter_conflict when the caller sent that parameter or cookie; param_type_mismatch for a form without a form body.
 */
export function placeValue(request: OutgoingRequest, where: Placement['in'], name: string, value: string, path: string): OutgoingRequest {
  if (controlCharacters.test(value)) throw invalid(path, 'This value has control characters, which cannot be sent.')
  switch (where) {
    case 'header':
      assertHeaderName(name, path)
      if (!headerValuePattern.test(value))
        throw invalid(path, 'A header value has visible ASCII characters only, no blank at either end, and is not empty.')
      return withHeader(request, name, value)
    case 'query':
      if (callerNames(request, name)) throw new Problem('parameter_conflict', { parameter: name, place: 'query' })
      return withQueryParameter(request, name, value)
    case 'form':
      return withFormField(request, name, value)
    case 'cookie': {
      if (!headerNamePattern.test(name) || !cookieValuePattern.test(value)) throw invalid(path, 'This cannot stand in a cookie (RFC 6265).')
      const own = (headerOf(request.headers, 'cookie') ?? '').split(';').map(one => one.split('=')[0]?.trim())
      if (own.includes(name)) throw new Problem('parameter_conflict', { parameter: name, place: 'cookie' })
      return withCookie(request, name, value)
    }
  }
}

/**
 * Puts a credential wherever `placements` say. A placeholder without a value stays as it stands.
 *
 * @param values  Access token, API key parameters, variables, by placeholder. May hold any name as an own property, `__proto__` included.
 * @throws Problem as `placeValue`; the field named is `credentials.<placeholder>`.
 */
export function placeAll(
  request: OutgoingRequest,
  placements: readonly Placement[],
  values: Readonly<Record<string, string>>,
): OutgoingRequest {
  return placements.reduce((placed, one) => {
    const [, source] = [...one.value.matchAll(placeholder)].find(([, name]) => name !== undefined && Object.hasOwn(values, name)) ?? []
    const path = source === undefined ? `advanced.placements.${one.name}` : `credentials.${source}`
    return placeValue(placed, one.in, one.name, fillAny(one.value, values), path)
  }, request)
}

/**
 * The service's fixed headers (a version, a user agent), filled with the connection's variables. The caller's header of that name loses.
 * Place them before the credential, so that the credential wins.
 * @throws Problem validation_failed, path `advanced.headers.<name>`.
 */
export function placeFixedHeaders(
  request: OutgoingRequest,
  service: ServiceDefinition,
  variables: Readonly<Record<string, string>>,
): OutgoingRequest {
  return Object.entries(service.advanced.headers ?? {}).reduce(
    (placed, [name, value]) => placeValue(placed, 'header', name, fill(value, variables), `advanced.headers.${name}`),
    request,
  )
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
