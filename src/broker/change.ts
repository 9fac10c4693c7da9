import { insertAudit } from '../storage/audit.ts'
import { announce, type Change } from '../storage/changes.ts'
import type { Executor } from '../storage/database.ts'
import type { Broker, Caller } from './broker.ts'

/** What a change leaves behind: a line of the audit log, and what other instances must forget. */
export interface Traces {
  audit(action: string, object: string, details?: Readonly<Record<string, unknown>>): void
  changed(change: Change): void
}

/**
 * Every change of state goes through here: one transaction with the work, its audit rows and its announcement. If the audit row cannot
 * be written, the change does not happen. After the commit this instance forgets at once; the others when NOTIFY reaches them.
 *
 * No network call inside `work`, and every storage function in it takes `trx`.
 */
export async function change<T>(
  broker: Broker,
  by: Caller | { readonly organizationId: string | null; readonly actor: string },
  work: (trx: Executor, traces: Traces) => Promise<T>,
): Promise<T> {
  const changes: Change[] = []
  const who =
    'principal' in by
      ? {
          organization_id: by.principal.organizationId,
          actor_id: by.principal.userId,
          actor: by.principal.userName,
          on_behalf_of: by.principal.subjectId === by.principal.userId ? null : by.principal.subjectId,
          request_id: by.requestId,
          ip: by.ip,
        }
      : { organization_id: by.organizationId, actor_id: null, actor: by.actor, on_behalf_of: null, request_id: null, ip: null }

  const result = await broker.db.transaction().execute(async trx => {
    const rows: Parameters<typeof insertAudit>[1][number][] = []
    const value = await work(trx, {
      audit: (action, object, details = {}) => rows.push({ id: broker.id(), action, object, details: JSON.stringify(details), ...who }),
      changed: one => changes.push(one),
    })
    if (rows.length > 0) await insertAudit(trx, rows)
    await announce(trx, changes)
    return value
  })
  for (const one of changes) broker.calls.forget(one)
  return result
}

/** A refusal that somebody should be able to find later: someone else's flow, a mixed-up callback. Never keeps the caller from their answer. */
export async function noteRefusal(
  broker: Broker,
  by: Caller,
  action: string,
  object: string,
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { principal, requestId, ip } = by
  await insertAudit(broker.db, [
    {
      id: broker.id(),
      organization_id: principal.organizationId,
      actor_id: principal.userId,
      actor: principal.userName,
      action,
      object,
      details: JSON.stringify(details),
      outcome: 'refused',
      request_id: requestId,
      ip,
    },
  ])
}

/** Something that happened by itself to one connection: noted, announced, forgotten. */
export const noteChange = (
  broker: Broker,
  connection: { organizationId: string; connectionId: string; linkName: string; subjectId: string },
  action: string,
) =>
  change(broker, { organizationId: connection.organizationId, actor: 'Patchbay' }, (_, traces) => {
    traces.audit(action, `connection:${connection.linkName}`, { subject: connection.subjectId })
    traces.changed({ kind: 'connection', id: connection.connectionId })
    return Promise.resolve()
  })
