import { Problem } from '../core/problem.ts'
import type { ConnectionView } from '../storage/connections.ts'
import { recordAttempt } from '../storage/flows.ts'
import { findHeldGrant, takeHeldGrant, type HeldGrantRow } from '../storage/held-grants.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { ownFlow } from './connect.ts'
import { storeGranted, type Target } from './flow.ts'
import { heldGrantPlace } from './places.ts'
import { letHeldGrantsGo } from './revoke.ts'
import { assertStillThere, type HeldGrant } from './settle-grant.ts'

/*
 * X06.9: somebody authorised a connection again and was signed in to the service with another account. What the service gave is held aside
 * until they have said which account it shall be; unanswered it is given up.
 */

export interface Question {
  readonly held: HeldGrantRow
  readonly row: ConnectionView
  readonly target: Target
}

const over = () =>
  new Problem('flow_expired', { detail: 'This was answered already, or is older than ten minutes. The account in use was kept.' })

/** For the member whose authorisation it is, and nobody else. @throws Problem flow_expired, flow_user_mismatch, connection_revoked */
export async function describeQuestion(broker: Broker, by: Caller, id: string): Promise<Question> {
  const held = await findHeldGrant(broker.db, id)
  if (!held) throw over()
  return { held, ...(await ownFlow(broker, by, held)) }
}

/**
 * The new account is used from now on, or the old one stays and the provider is told to forget the new authorisation. Once.
 * @returns where the browser lands.
 * @throws Problem flow_expired, flow_user_mismatch, connection_revoked
 */
export async function answerQuestion(broker: Broker, by: Caller, id: string, use: 'new' | 'old'): Promise<{ landing: string }> {
  const { held, target } = await describeQuestion(broker, by, id)
  const object = `connection:${target.linkName}`
  const details = { subject: held.subject_id, before: held.account_before, now: held.account_now }
  const landing = held.return_to ?? `/connections/${target.linkName}`
  if (use === 'old') {
    await change(broker, by, async (trx, traces) => {
      if ((await letHeldGrantsGo(trx, broker, { id }, 'declined')) === 0) throw over()
      traces.audit('connection.account_kept', object, details)
    })
    return { landing }
  }
  const place = heldGrantPlace(held.organization_id, held.id, held.service_revision)
  const { grant, account, credential, variables } = JSON.parse((await broker.vault.open(place, held.sealed)).expose()) as HeldGrant
  const seal = await broker.vault.sealer(held.organization_id)
  await change(broker, by, async (trx, traces) => {
    await assertStillThere(trx, target)
    const taken = await takeHeldGrant(trx, id)
    if (!taken) throw over()
    const left = grant.expiresInSeconds === null ? null : Math.max(0, grant.expiresInSeconds - Math.ceil(Number(taken.heldSeconds)))
    const whole = { ...grant, credential, captured: {}, expiresInSeconds: left }
    await storeGranted(trx, seal, target, { kind: 'granted', grant: whole, variables, account, steps: [] })
    await recordAttempt(trx, held.attempt_id, [{ step: 'account_chosen' }], { outcome: 'connected', diagnosis: null })
    traces.audit('connection.account_changed', object, details)
    traces.changed({ kind: 'connection', id: held.connection_id })
  })
  return { landing }
}
