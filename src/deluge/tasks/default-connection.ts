import type { Context } from '../builtins/define.ts'
import { Failure } from '../failure.ts'

/**
 * The connection that a call of a namespace uses: the one given, else the default of the organisation.
 * @throws Failure that names the setting, when the organisation has none for this namespace
 */
export function connectionFor(context: Context, namespace: string, given: string | null): string {
  const connection = given ?? context.host.defaultConnection(namespace)
  if (connection !== null) return connection
  throw new Failure(
    `There is no connection for ${namespace}. Name one in the call, or have an administrator choose one for ${namespace} in Settings, under Default connections.`,
    'call',
    { setting: 'default_connections', namespace },
  )
}
