import { placeInWords, placeOf, type DeploymentIdentity } from '../core/deployment.ts'
import { Problem } from '../core/problem.ts'
import type { Executor } from '../storage/database.ts'
import { findDeployment, putDeployment, settleDeployment } from '../storage/deployment.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'

/** Whether the database is this deployment's own. While it is another's, nothing is renewed, called or revoked with what it holds. */
export interface Deployment {
  readonly own: string
  /** The place of the database's owner where that is not us; null: it is ours. */
  foreign(): string | null
  /** @throws Problem deployment_mismatch */
  assertOwn(): void
  /** Looks again: somebody adopted it. */
  reload(): Promise<void>
}

export async function createDeployment(db: Executor, publicUrl: string, newId: () => string): Promise<Deployment> {
  const own = placeOf(publicUrl)
  let foreign: string | null = null
  const take = ({ place }: DeploymentIdentity) => (foreign = place === own ? null : place)
  take(await settleDeployment(db, { id: newId(), place: own }))
  return {
    own,
    foreign: () => foreign,
    assertOwn() {
      if (foreign !== null) throw mismatch(foreign, own)
    },
    async reload() {
      const found = await findDeployment(db)
      if (found) take(found)
    },
  }
}

export const mismatch = (theirs: string, own: string): Problem =>
  new Problem('deployment_mismatch', {
    belongs_to: theirs,
    runs_at: own,
    detail:
      `This database belongs to the Patchbay at ${placeInWords(theirs)}, and this one runs at ${placeInWords(own)}. If it is a copy, its calls ` +
      'and renewals would end the authorisations of the original, so it makes none. If Patchbay has moved here, run "patchbay adopt" on the server.',
  })

/** From now on the database is this deployment's; the other one, should it still run on this database, makes no calls any more. */
export async function adopt(broker: Broker, by: Caller): Promise<{ from: string | null; to: string }> {
  const from = broker.deployment.foreign()
  const to = broker.deployment.own
  if (from === null) return { from, to }
  await change(broker, by, async (trx, traces) => {
    await putDeployment(trx, { id: broker.id(), place: to })
    traces.audit('instance.adopted', 'instance', { from, to })
    traces.changed({ kind: 'deployment', id: to })
  })
  await broker.deployment.reload()
  return { from, to }
}
