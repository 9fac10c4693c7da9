import { hostAllowed, fillHostRule } from '../core/api-hosts.ts'
import { invalid, Problem } from '../core/problem.ts'
import { pairsOf, percentEncode } from '../core/request.ts'
import type { ServiceDefinition } from '../core/service.ts'
import { fill, hostVariablePattern, pathVariablePattern, placeholdersOf } from '../core/template.ts'

type Variables = Readonly<Record<string, string>>

/** `https://accounts.example.eu`, as some services name their data centre in a callback, stands for its host. */
function hostOf(value: string): string {
  if (!/^https:\/\//i.test(value) || !URL.canParse(value)) return value
  const url = new URL(value)
  return url.href === `${url.origin}/` ? url.host : value
}

/** In the host only labels; in the path and query whatever is not unreserved is encoded, so that no value ends its own part (X13). */
function filling(name: string, value: string | undefined, host: boolean): string {
  if (value === undefined || value === '') throw invalid(`variables.${name}`, 'The URL of the service needs a value for this variable.')
  if (pathVariablePattern.test(value) && !host) return value
  if (host && hostVariablePattern.test(hostOf(value))) return hostOf(value)
  if (host || /^\.{1,2}$/.test(value)) throw invalid(`variables.${name}`, 'This stands in a host name or path and cannot have this value.')
  return percentEncode(value)
}

/**
 * A URL template with its variables in place; every other byte stays.
 * @throws Problem validation_failed, path `variables.<name>`, when one has no value or one that would move the URL to another host.
 */
export function fillUrl(template: string, variables: Variables): string {
  const host = /^https?:\/\/[^/?#]*/i.exec(template)?.[0] ?? ''
  const part = (text: string, inHost: boolean) =>
    fill(
      text,
      Object.fromEntries(
        placeholdersOf(text).map(name => [name, filling(name, Object.hasOwn(variables, name) ? variables[name] : undefined, inHost)]),
      ),
    )
  return part(host, true) + part(template.slice(host.length), false)
}

/** Variables whose value somebody else chose: the service, or whoever wrote the callback's query. */
export function capturedNames(service: ServiceDefinition): Set<string> {
  const { capture, capture_callback, after_connect, variables } = service.advanced
  const declared = Object.entries(variables ?? {}).flatMap(([name, one]) => (one.captured ? [name] : []))
  return new Set([...declared, ...[capture, capture_callback, after_connect?.capture].flatMap(map => Object.keys(map ?? {}))])
}

/**
 * An endpoint that receives the client secret. A captured variable in its host may only choose among the hosts that the service
 * allows anyway, otherwise a forged callback (`?location=evil.test`) would choose who gets the secret (X07).
 * @throws Problem validation_failed for variables; destination_not_allowed with the fact `host`.
 */
export function endpoint(service: ServiceDefinition, template: string, variables: Variables): URL {
  const text = fillUrl(template, variables)
  if (!URL.canParse(text)) throw new Problem('invalid_url')
  const url = new URL(text)
  const captured = capturedNames(service)
  const host = /^https?:\/\/[^/?#]*/i.exec(template)?.[0] ?? ''
  if (!placeholdersOf(host).some(name => captured.has(name))) return url
  const rules = service.api_hosts
    .filter(rule => !placeholdersOf(rule).some(name => captured.has(name)))
    .map(rule => fillHostRule(rule, variables))
  if (!hostAllowed(url, rules)) throw new Problem('destination_not_allowed', { host: url.host })
  return url
}

/** The name of one `name=value` piece of a query as a lenient server reads it: decoded, any case, `name[]` too. */
function nameOf(piece: string): string {
  const name = pairsOf('&' + piece)[0]?.[0] ?? ''
  return name.trim().toLowerCase().replace(/\[.*$/, '')
}

/**
 * Takes parameters out of a URL's query and adds others; what stays, stays byte for byte.
 *
 * @param taken  Lower-case names to take out, in whatever spelling, case or encoding they were typed.
 * @param added  Pieces `name=value`, encoded already.
 * @returns      The URL, and the decoded values that were taken out.
 */
export function replaceInQuery(
  url: string,
  taken: ReadonlySet<string>,
  added: readonly string[],
): { url: string; removed: { name: string; value: string }[] } {
  const start = url.indexOf('?')
  const path = start < 0 ? url : url.slice(0, start)
  const pieces = start < 0 ? [] : url.slice(start + 1).split('&')
  const removed = pieces
    .filter(piece => taken.has(nameOf(piece)))
    .map(piece => ({ name: nameOf(piece), value: pairsOf('&' + piece)[0]?.[1] ?? '' }))
  const kept = pieces.filter(piece => !taken.has(nameOf(piece)))
  while (kept.length > 0 && kept.at(-1) === '') kept.pop()
  const query = [...kept, ...added].join('&')
  return { url: query === '' ? path : `${path}?${query}`, removed }
}

/** Lower-case names of the parameters in a URL's query. */
export const queryNames = (url: string): Set<string> =>
  new Set((url.split('?').slice(1).join('?') || '').split('&').filter(Boolean).map(nameOf))
