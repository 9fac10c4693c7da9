import { deleteExpired } from '../people/sessions.ts'
import { dueForKeepAlive } from '../storage/credentials.ts'
import { deleteRunsBefore } from '../storage/function-runs.ts'
import { deleteOldFlows } from '../storage/flows.ts'
import { deleteInvocationsBefore } from '../storage/invocations.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import type { Broker } from './broker.ts'
import { renewNow } from './fresh-credentials.ts'
import { letHeldGrantsGo } from './revoke.ts'
import { findUsable } from './usable.ts'

/** Hourly: what has ended goes. */
export async function tidy(broker: Broker): Promise<void> {
  await deleteOldFlows(broker.db)
  await broker.db.transaction().execute(trx => letHeldGrantsGo(trx, broker, 'unanswered', 'expired'))
  await deleteExpired(broker.people)
  await deleteInvocationsBefore(broker.db, broker.limits.retentionDays)
  await deleteRunsBefore(broker.db, broker.limits.retentionDays)
}

/** Hourly: refresh tokens that die unused are renewed as often as their service asks for. Nothing else idle is ever renewed. */
export async function keepAlive(broker: Broker): Promise<void> {
  const defaults = broker.catalogue.all().flatMap(({ definition }) => {
    const days = definition.advanced.keep_alive_days
    return days === undefined ? [] : [[definition.link_name, days] as const]
  })
  for (const due of await dueForKeepAlive(broker.db, Object.fromEntries(defaults))) {
    const principal: Principal = {
      organizationId: due.organization_id,
      organizationSlug: '',
      userId: due.owner_id,
      userName: 'Patchbay',
      role: 'user',
      subjectId: due.subject_id,
      key: null,
      sessionId: null,
    }
    try {
      await renewNow(broker, await findUsable(broker, principal, due.link_name))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      broker.log.warn({ connection: due.connection_id, code: error.code }, 'a keep-alive refresh did not work')
    }
  }
}
