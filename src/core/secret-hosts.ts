import { getDomain } from 'tldts'
import { hasClient, variablesOf, type ServiceDefinition } from './service.ts'
import { fill, placeholdersOf } from './template.ts'

const marker = 'zqz'

/** The URLs that a client secret is sent to, as they are written. */
const secretUrls = (service: ServiceDefinition): string[] =>
  hasClient(service)
    ? [
        service.access_token_url,
        service.refresh_token_url,
        'request_token_url' in service ? service.request_token_url : null,
        'revoke_token_url' in service ? service.revoke_token_url : null,
      ].filter(url => typeof url === 'string')
    : []

/** Whether another value of the variable is another registrable domain, which may be somebody else's: `https://{host}/`, `https://accounts.{dc}/`. */
function decides(url: string, name: string): boolean {
  const host = /^https?:\/\/([^/?#:]*)/i.exec(url)?.[1] ?? ''
  const names = placeholdersOf(host)
  if (!names.includes(name)) return false
  const domain = getDomain(fill(host, Object.fromEntries(names.map(one => [one, one === name ? marker : 'x']))), {
    validateHostname: false,
  })
  return domain === null || domain.includes(marker)
}

/** The value whoever connects may give such a variable without being asked who they are: what the definition proposes. */
export interface FreeHost {
  readonly name: string
  readonly proposed: string | null
}

/**
 * Variables with which a person who connects chooses who receives the client secret (X04): they stand in the domain of a URL that it is
 * sent to, and the definition does not list their values. Captured variables are none: those choose among the API hosts only.
 */
export function freeHosts(service: ServiceDefinition): FreeHost[] {
  const urls = secretUrls(service)
  return variablesOf(service)
    .filter(one => one.host && one.choices === undefined && urls.some(url => decides(url, one.name)))
    .map(one => ({ name: one.name, proposed: one.default ?? null }))
}

/** What decides where a client secret goes besides the URLs themselves: the declared values of the variables in their domains. */
export const declaredHosts = (service: ServiceDefinition): Record<string, unknown> =>
  Object.fromEntries(
    variablesOf(service)
      .filter(one => secretUrls(service).some(url => decides(url, one.name)))
      .map(one => [one.name, [one.choices ?? null, one.default ?? null, one.pattern ?? null]]),
  )
