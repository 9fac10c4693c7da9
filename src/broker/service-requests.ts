import { invalid, Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { hasClient } from '../core/service.ts'
import type { Page, PageRequest } from '../storage/page.ts'
import { listServiceRequests, noteServiceRequestMailed, putServiceRequest, requestedBy } from '../storage/service-requests.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { administratorsOf } from './memberships.ts'
import { getService, type Service } from './services.ts'

export interface AskedFor {
  readonly service: Service
  readonly requestedAt: Date
  readonly again: boolean
  readonly administrators: readonly { readonly id: string; readonly name: string }[]
  /** Whom to mail, and what about; null when they were mailed about it in the last day. */
  readonly mail: { readonly to: readonly string[]; readonly subject: string; readonly text: string; sent(): Promise<void> } | null
}

/**
 * S-2: a member asks the administrators to register the client of a default OAuth service. Asking again renews the one request.
 * @throws Problem service_not_found · service_configured · validation_failed for a service that takes no client here
 */
export async function requestService(broker: Broker, by: Caller, linkName: string, note: string | null): Promise<AskedFor> {
  const { principal } = by
  const { organizationId, userId } = principal
  const service = await getService(broker, organizationId, linkName)
  const { definition } = service
  if (service.kind !== 'default' || !hasClient(definition))
    throw invalid('link_name', 'Only a default OAuth service is set up by administrators. This one needs nothing of them.')
  if (service.row?.client_id != null) throw new Problem('service_configured', { service: linkName })
  const asked = await change(broker, by, async (trx, traces) => {
    const row = await putServiceRequest(trx, { id: broker.id(), organizationId, linkName, userId, note })
    traces.audit('service.requested', `service:${linkName}`, { again: row.again })
    return row
  })
  const administrators = await administratorsOf(broker, organizationId)
  const to = administrators.filter(one => one.id !== userId).map(one => one.email)
  const asker = await broker.db.selectFrom('users').select('email').where('id', '=', userId).executeTakeFirst()
  const text = [
    `${principal.userName} (${asker?.email ?? ''}) would like to connect ${definition.name} in the organisation ${principal.organizationSlug}.`,
    ...(note === null ? [] : [`They write: ${note}`]),
    `It needs the organisation's own client id and secret first. Register them as an administrator:\n${broker.publicUrl}/services/${linkName}`,
  ]
  const mail = {
    to,
    subject: `${definition.name} is asked for in Patchbay`,
    text: `${text.join('\n\n')}\n`,
    sent: async () => void (await noteServiceRequestMailed(broker.db, asked.id)),
  }
  return {
    service,
    requestedAt: asked.requestedAt,
    again: asked.again,
    administrators: administrators.map(({ id, name }) => ({ id, name })),
    mail: asked.mailDue ? mail : null,
  }
}

/** What members asked for and nobody has set up, the newest first. For administrators: the doors see to it. */
export async function listRequests(
  broker: Broker,
  principal: Principal,
  page: PageRequest,
): Promise<
  Page<{
    service: { link_name: string; name: string }
    requested_by: { id: string; name: string; email: string }
    note: string | null
    requested_at: string
  }>
> {
  const { data, next_cursor } = await listServiceRequests(broker.db, principal.organizationId, page)
  return {
    data: data.map(row => ({
      service: { link_name: row.link_name, name: broker.catalogue.get(row.link_name)?.definition.name ?? row.link_name },
      requested_by: { id: row.user_id, name: row.user_name, email: row.user_email },
      note: row.note,
      requested_at: row.requested_at.toISOString(),
    })),
    next_cursor,
  }
}

/** Link names of the services that the caller asked for. */
export const requestedByCaller = (broker: Broker, { organizationId, userId }: Principal): Promise<ReadonlySet<string>> =>
  requestedBy(broker.db, organizationId, userId)
