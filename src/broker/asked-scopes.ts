import { invalid } from '../core/problem.ts'
import { unique } from '../core/scopes.ts'
import type { ServiceDefinition } from '../core/service.ts'

/** The scopes that a definition knows; what else somebody asks a default service for is *unlisted*. */
export const listedScopes = (service: ServiceDefinition): ReadonlySet<string> =>
  new Set(
    service.auth_type === 'oauth2'
      ? [
          ...service.scopes.map(one => one.name),
          ...(service.advanced.default_scopes ?? []),
          ...(service.advanced.required_scopes ?? []),
          ...(service.advanced.second_scopes?.scopes ?? []),
        ]
      : [],
  )

/** Scopes that somebody asks for: a custom service's own only; a default service takes unlisted ones too. */
export function checkedScopes(
  service: ServiceDefinition,
  kind: 'default' | 'custom',
  asked: readonly string[] | undefined,
): readonly string[] {
  if (service.auth_type !== 'oauth2') {
    if (asked?.length) throw invalid('scopes', `A service of the type ${service.auth_type} has no scopes.`)
    return []
  }
  const listed = listedScopes(service)
  asked?.forEach((scope, i) => {
    if (!/^[\x21-\x7e]{1,500}$/.test(scope)) throw invalid(`scopes.${i}`, 'A scope has visible ASCII characters only, 500 at most.')
    if (kind === 'custom' && !listed.has(scope))
      throw invalid(`scopes.${i}`, `The service has no scope ${scope.slice(0, 100)}. Its keeper can add it.`)
  })
  const wanted = asked ?? service.advanced.default_scopes ?? (kind === 'custom' ? service.scopes.map(one => one.name) : [])
  return unique([...(service.advanced.required_scopes ?? []), ...wanted])
}
