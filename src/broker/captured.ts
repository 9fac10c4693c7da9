import type { ServiceDefinition } from '../core/service.ts'
import { hostVariablePattern, inHost } from '../core/template.ts'

/** Providers name a host of theirs by its URL (`"instance_url": "https://na1.example.com"`): then the host of it. */
function hostIn(value: string): string {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return value
  const { host, pathname, search, hash, username, password } = new URL(value)
  return pathname === '/' && !search && !hash && !username && !password ? host : value
}

/**
 * What a service says about itself, in a token response, a callback or an account call, as variables. It may fill a URL, but never move a
 * host to somewhere else (X13): what would is left out.
 */
export function safeCaptured(service: ServiceDefinition, captured: Readonly<Record<string, string>>): Record<string, string> {
  const { base_url, test_url, after_connect } = service.advanced
  const templates = [...service.api_hosts, base_url, test_url, after_connect?.url].filter(one => one !== undefined)
  const safe: Record<string, string> = {}
  for (const [name, value] of Object.entries(captured)) {
    // eslint-disable-next-line no-control-regex -- control characters are what this looks for
    if (value.length > 2000 || /[\x00-\x1f\x7f]/.test(value)) continue
    if (!templates.some(template => inHost(template, name))) safe[name] = value
    else if (hostVariablePattern.test(hostIn(value))) safe[name] = hostIn(value)
  }
  return safe
}
