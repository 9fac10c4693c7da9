import { deleteExpired } from '../people/sessions.ts'
import { dueForKeepAlive } from '../storage/credentials.ts'
import { deleteOldMailDays } from '../storage/function-mails.ts'
import { deleteRunsBefore, interruptRuns } from '../storage/function-runs.ts'
import { deleteOldFlows } from '../storage/flows.ts'
import { deleteInvocationsBefore } from '../storage/invocations.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import type { Broker } from './broker.ts'
import { finishRotations } from './data-key-rotation.ts'
import { renewNow } from './fresh-credentials.ts'
import { letHeldGrantsGo } from './revoke.ts'
import { findUsable } from './usable.ts'

/** Three times as long as a run that goes on may say nothing. */
const deadAfterSeconds = 60

/**
 * Runs of processes that were killed are told as interrupted.
 * @param alone Nobody else uses this database and nothing runs yet: whatever was under way is over.
 */
export async function tellInterrupted(broker: Pick<Broker, 'db' | 'log'>, alone = false): Promise<void> {
  const count = await interruptRuns(
    broker.db,
    alone ? 0 : deadAfterSeconds,
    'Patchbay ended while this ran: it was killed, or its machine went down. What the script had done until then is done, the rest is not, and it is not run again by itself.',
  )
  if (count > 0) broker.log.warn({ count }, 'runs of functions were interrupted when a process ended')
}

/** Hourly: what has ended goes. */
export async function tidy(broker: Broker): Promise<void> {
  await deleteOldFlows(broker.db)
  await broker.db.transaction().execute(trx => letHeldGrantsGo(trx, broker, 'unanswered', 'expired'))
  await deleteExpired(broker.people)
  await deleteInvocationsBefore(broker.db, broker.limits.retentionDays)
  await deleteRunsBefore(broker.db, broker.limits.retentionDays)
  await deleteOldMailDays(broker.db)
  await finishRotations(broker)
}

/** Hourly: refresh tokens that die unused are renewed as often as their service asks for. Nothing else idle is ever renewed. */
export async function keepAlive(broker: Broker): Promise<void> {
  if (broker.deployment.foreign() !== null) return
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
