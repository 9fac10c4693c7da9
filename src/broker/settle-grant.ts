import type { Grant } from '../auth/scheme.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import { holdConnection } from '../storage/connections.ts'
import { lockCredential } from '../storage/credentials.ts'
import type { Executor } from '../storage/database.ts'
import { recordAttempt } from '../storage/flows.ts'
import { insertHeldGrant } from '../storage/held-grants.ts'
import { holdRevision } from '../storage/services.ts'
import type { Sealer } from '../vault/keyring.ts'
import type { Account } from './account.ts'
import type { Broker } from './broker.ts'
import { newToken, storeGranted, type Granted, type Target } from './flow.ts'
import { heldGrantPlace } from './places.ts'
import { heldGrantRevocation } from './revoke.ts'
import type { Opened } from './usable.ts'

/** What was prepared outside the transaction is for the service as it was then. @throws Problem service_not_found, connection_revoked */
export async function assertServiceUnchanged(trx: Executor, { from, linkName }: Target): Promise<void> {
  const revision = await holdRevision(trx, from.organizationId, from.serviceId)
  if (revision === undefined) throw new Problem('service_not_found', { service: from.service.link_name })
  if (revision !== from.serviceRevision)
    throw new Problem('connection_revoked', {
      connection: linkName,
      detail: 'The service was edited while this authorisation was under way. What it gave is not kept. Start again.',
    })
}

export async function assertConnectionThere(trx: Executor, { holder, linkName }: Target): Promise<void> {
  if (!(await holdConnection(trx, holder.organizationId, holder.connectionId)))
    throw new Problem('connection_not_found', { connection: linkName })
}

/** For what comes after a browser was away: that it is no longer there is no mistake of the caller's (X08.29). @throws Problem connection_revoked */
export async function assertStillThere(trx: Executor, target: Target): Promise<void> {
  try {
    await assertServiceUnchanged(trx, target)
    await assertConnectionThere(trx, target)
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error
    throw new Problem('connection_revoked', {
      detail: 'The connection was deleted while this authorisation was under way. What the service gave is not kept.',
    })
  }
}

const labelOf = (account: { readonly id: string | null; readonly label: string | null }): string => account.label ?? account.id ?? ''

/** What is sealed of a grant that waits for an answer. */
export interface HeldGrant extends Opened {
  readonly grant: Omit<Grant, 'credential' | 'captured'>
  readonly account: Account
}

/**
 * Stores a grant, unless it is for another account at the service than the one used so far (X06.9): that is held aside, the credential in use
 * stays, and its holder is asked. Two accounts are compared by the ids that the service gave; where one is not known, nothing is asked.
 * @returns the question, when there is one.
 */
async function storeOrHold(
  trx: Executor,
  broker: Broker,
  seal: Sealer,
  target: Target,
  result: Granted,
  attempt: { readonly id: string; readonly returnTo: string | null },
): Promise<{ id: string; expiresAt: Date; before: string; now: string } | null> {
  const { holder, from } = target
  const used = await lockCredential(trx, holder)
  const { account, grant } = result
  if (used?.account_id == null || account?.id == null || used.account_id === account.id) {
    await storeGranted(trx, seal, target, result)
    return null
  }
  const id = newToken(broker, 18)
  const { credential, captured: _, ...rest } = grant
  const sealed = seal(
    heldGrantPlace(holder.organizationId, id, from.serviceRevision),
    new Secret(JSON.stringify({ credential, variables: result.variables, grant: rest, account } satisfies HeldGrant)),
  )
  const before = labelOf({ id: used.account_id, label: used.account_label })
  const now = labelOf(account)
  const { expires_at } = await insertHeldGrant(trx, {
    id,
    organization_id: holder.organizationId,
    connection_id: holder.connectionId,
    subject_id: holder.subjectId,
    service_id: from.serviceId,
    service_revision: from.serviceRevision,
    sealed,
    account_before: before,
    account_now: now,
    scopes: JSON.stringify(target.scopes),
    attempt_id: attempt.id,
    return_to: attempt.returnTo,
    revocation: JSON.stringify(heldGrantRevocation(holder, from, id, sealed)),
  })
  return { id, expiresAt: expires_at, before, now }
}

export type Audit = (action: string, object: string, details?: Readonly<Record<string, unknown>>) => void

/** Ends the attempt of a grant: stored, or held until its person has chosen between two accounts. @returns the question, when there is one. */
export async function settleGrant(
  trx: Executor,
  broker: Broker,
  seal: Sealer,
  audit: Audit,
  target: Target,
  result: Granted,
  attempt: { readonly id: string; readonly returnTo: string | null },
) {
  const object = `connection:${target.linkName}`
  const { subjectId: subject } = target.holder
  const question = await storeOrHold(trx, broker, seal, target, result, attempt)
  if (question) {
    const detail = `It is the account ${question.now}; ${question.before} was used so far. Which one it shall be is asked.`
    await recordAttempt(trx, attempt.id, [...result.steps, { step: 'another_account', detail }])
    audit('connection.another_account', object, { subject, before: question.before, now: question.now })
  } else {
    await recordAttempt(trx, attempt.id, result.steps, { outcome: 'connected', diagnosis: null })
    audit('connection.authorized', object, { subject, account: result.account?.label ?? null })
  }
  return question
}

/** The page that asks which account it shall be. */
export const questionPath = (question: { readonly id: string }): string => `/connect/${question.id}/account`
