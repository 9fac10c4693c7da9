import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { freeHosts } from '../core/secret-hosts.ts'
import { valueIsInUse } from '../storage/credentials.ts'
import { findService } from '../storage/services.ts'
import type { Broker } from './broker.ts'
import type { RegisteredService } from './scheme-context.ts'

/**
 * Where a definition leaves the domain of its token endpoint open (`https://{host}/oauth/token`, for a service that people run
 * themselves), whoever fills in the host would choose who receives the organisation's client secret (X04). So a host that is neither
 * proposed by the definition nor in use already is named first by the keeper of the service or an administrator.
 * @throws Problem validation_failed, path `variables.<name>`
 */
export async function assertSecretMayGo(
  broker: Broker,
  by: Pick<Principal, 'userId' | 'role'>,
  from: RegisteredService,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  if (from.sealedClientSecret === null || by.role === 'administrator') return
  for (const { name, proposed } of freeHosts(from.service)) {
    const value = variables[name]
    if (value === undefined || value === proposed) continue
    if (await valueIsInUse(broker.db, from.organizationId, from.serviceId, name, value)) continue
    const row = await findService(broker.db, from.organizationId, from.service.link_name)
    if (row?.keeper_id === by.userId) return
    const message =
      'The client secret of this service is sent to this host, and nobody has connected with it yet. Ask an administrator, or whoever keeps the service, to connect with it first.'
    throw new Problem('validation_failed', {}, { errors: [{ path: `variables.${name}`, message }] })
  }
}
