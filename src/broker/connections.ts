import { keyAllows, mayUse, statusActions, statusReasons, type ConnectionStatus } from '../core/connection.ts'
import { functionsUsing } from '../storage/functions.ts'
import { Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { missingScopes } from '../core/scopes.ts'
import { fill } from '../core/template.ts'
import { findConnection, listConnections, type ConnectionFilter, type ConnectionView } from '../storage/connections.ts'
import { findCredential, listCredentials, setAgreedHosts } from '../storage/credentials.ts'
import { listAttempts } from '../storage/flows.ts'
import { recentCallers } from '../storage/invocations.ts'
import { callAs } from './account.ts'
import { listedScopes } from './asked-scopes.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { freshCredential } from './fresh-credentials.ts'
import { definitionOf, findUsable } from './usable.ts'

const notFound = (linkName: string) => new Problem('connection_not_found', { connection: linkName })

/** May this member see that the connection exists? Whoever may use or has authorised it, and administrators. */
const visible = (principal: Principal, row: ConnectionView): boolean =>
  keyAllows(principal, row.link_name) &&
  (mayUse(row, principal.userId) || row.subject_id === principal.userId || principal.role === 'administrator')

/** @throws Problem connection_not_found: not there and not visible look the same. */
export async function getConnection(broker: Broker, principal: Principal, linkName: string): Promise<ConnectionView> {
  const row = await findConnection(broker.db, principal.organizationId, principal.subjectId, linkName)
  if (!row || !visible(principal, row)) throw notFound(linkName)
  return row
}

/** The owner, or (where it is about status, revoking, deleting) an administrator. */
export async function getOwned(
  broker: Broker,
  principal: Principal,
  linkName: string,
  options: { administrators: boolean },
): Promise<ConnectionView> {
  const row = await getConnection(broker, principal, linkName)
  if (row.owner_id === principal.userId || (options.administrators && principal.role === 'administrator')) return row
  throw new Problem('not_the_owner', { connection: linkName })
}

/** A connection as callers see it. Nothing in it is secret. */
export function present(principal: Principal, row: ConnectionView) {
  const status: ConnectionStatus = row.status ?? 'authorization_required'
  const missing = row.granted_scopes && row.asked_scopes ? missingScopes(row.asked_scopes, row.granted_scopes) : []
  const warnings: string[] = []
  if (status === 'connected' && row.expires_at !== null && row.has_refresh_token === false && !renewsWithoutRefreshToken(row))
    warnings.push('no_refresh_token')
  if (status === 'connected' && missing.length > 0) warnings.push('scopes_missing')
  if (status === 'connected' && row.restored_from !== null) warnings.push('restored_from_backup')
  return {
    link_name: row.link_name,
    name: row.name,
    service: { link_name: row.service_link_name, name: row.service_name, kind: row.service_kind },
    scopes: row.scopes,
    granted_scopes: row.granted_scopes,
    use_login_user_credentials: row.use_login_user_credentials,
    access: row.access,
    owner: { id: row.owner_id, name: row.owner_name },
    view: row.owner_id === principal.userId ? ('own' as const) : ('shared' as const),
    status,
    status_reason: row.status_reason ?? (status === 'authorization_required' ? 'never_authorized' : null),
    status_detail: reasonInWords(row),
    status_since: (row.status_since ?? row.created_at).toISOString(),
    status_action: actionFor(principal, row, status),
    expires_at: row.expires_at?.toISOString() ?? null,
    has_refresh_token: row.has_refresh_token ?? false,
    warnings,
    restored_from: row.restored_from?.toISOString() ?? null,
    account: row.account_id === null && row.account_label === null ? null : { id: row.account_id, label: row.account_label },
    revoked_at_provider: row.revoked_at_provider,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

const reasonInWords = (row: ConnectionView): string | null => {
  const never = row.use_login_user_credentials ? 'You have not connected your own account yet.' : statusReasons.never_authorized
  const sentence = row.status_reason ? statusReasons[row.status_reason] : row.status === null ? never : null
  return sentence === null ? null : row.status_detail ? `${sentence} (${row.status_detail})` : sentence
}

/** The member whose credential a call of this principal would use. */
const holderOf = (principal: Principal, row: ConnectionView): string =>
  row.use_login_user_credentials ? principal.subjectId : row.owner_id

const actionFor = (principal: Principal, row: ConnectionView, status: ConnectionStatus): string | null =>
  holderOf(principal, row) === principal.userId || status === 'connected'
    ? statusActions[status]
    : `Ask ${row.owner_name ?? 'its owner'} to connect it${status === 'authorization_required' ? '' : ' again'}.`

const renewsWithoutRefreshToken = (row: ConnectionView): boolean =>
  row.definition?.auth_type === 'oauth2' && row.definition.grant_type === 'client_credentials'

export const presented = (broker: Broker, principal: Principal, row: ConnectionView) => {
  const definition = definitionOf(broker, row)
  const base = present(principal, { ...row, definition })
  const listed = listedScopes(definition)
  const variables = row.variables ?? {}
  const agreed = new Set(row.agreed_hosts ?? [])
  const mayConfirm = row.sealed !== null && holderOf(principal, row) === principal.userId
  return {
    ...base,
    service: {
      ...base.service,
      auth_type: definition.auth_type,
      grant_type: definition.auth_type === 'oauth2' ? definition.grant_type : null,
      logo: definition.logo,
    },
    unlisted_scopes: row.scopes.filter(scope => !listed.has(scope)),
    variables,
    api_hosts: definition.api_hosts.map(rule => fill(rule, variables)),
    hosts_to_confirm: mayConfirm ? definition.api_hosts.filter(rule => !agreed.has(rule)).map(rule => fill(rule, variables)) : [],
  }
}

export async function listVisible(
  broker: Broker,
  principal: Principal,
  filter: Omit<ConnectionFilter, 'only' | 'view'> & { view: ConnectionFilter['view'] | null },
) {
  if (filter.view === 'all' && principal.role !== 'administrator')
    throw new Problem('forbidden', { detail: 'Only an administrator lists everybody’s connections.' })
  const only = principal.key?.connections ? [...principal.key.connections] : null
  const page = await listConnections(broker.db, principal.organizationId, principal.subjectId, {
    ...filter,
    view: filter.view ?? 'usable',
    only,
  })
  return { data: page.data.map(row => presented(broker, principal, row)), next_cursor: page.next_cursor }
}

/** Who authorised, since when, with what status. */
export async function listAuthorizations(broker: Broker, principal: Principal, linkName: string) {
  const row = await getOwned(broker, principal, linkName, { administrators: true })
  const all = await listCredentials(broker.db, principal.organizationId, row.id)
  return all.map(one => ({
    subject: { id: one.subject_id, name: one.subject_name, email: one.subject_email },
    status: one.status,
    status_reason: one.status_reason,
    status_since: one.status_since.toISOString(),
    granted_scopes: one.granted_scopes,
    expires_at: one.expires_at?.toISOString() ?? null,
    has_refresh_token: one.has_refresh_token,
    account: one.account_id === null && one.account_label === null ? null : { id: one.account_id, label: one.account_label },
    revoked_at_provider: one.revoked_at_provider,
    created_at: one.created_at.toISOString(),
  }))
}

/** Calls the service's own harmless test URL, through the same gate as every call. */
export async function testConnection(broker: Broker, principal: Principal, linkName: string) {
  const usable = await findUsable(broker, principal, linkName)
  const { test_url, after_connect } = usable.service.advanced
  const url = test_url ?? after_connect?.url
  if (url === undefined) throw new Problem('test_not_available', { connection: linkName })
  broker.deployment.assertOwn()
  const started = broker.monotonic()
  const opened = await freshCredential(broker, usable)
  const answer = await callAs(broker, usable, opened, url, test_url === undefined ? after_connect?.headers : undefined)
  return { ok: answer.status < 400, status_code: answer.status, duration_ms: Math.round(broker.monotonic() - started) }
}

/** What names this connection: keys limited to it, and who called through it in the last 30 days. */
export async function listUses(broker: Broker, principal: Principal, linkName: string) {
  const row = await getOwned(broker, principal, linkName, { administrators: true })
  await broker.invocations.flush() // the call somebody just made is among them
  const callers = await recentCallers(broker.db, principal.organizationId, row.id, 30)
  const functions = await functionsUsing(broker.db, principal.organizationId, 'connections', linkName)
  const keys = await broker.db
    .selectFrom('api_keys as a')
    .leftJoin('users as u', 'u.id', 'a.user_id')
    .select(['a.id', 'a.name', 'a.connections', 'u.name as owner'])
    .where('a.organization_id', '=', principal.organizationId)
    .where('a.connections', 'is not', null)
    .limit(1000)
    .execute()
  return {
    functions: functions.map(one => ({ namespace: one.namespace, name: one.name, author: one.author })),
    keys: keys.filter(key => key.connections?.includes(linkName)).map(key => ({ id: key.id, name: key.name, owner: key.owner })),
    recent_callers: callers.map(one => ({
      user: { id: one.user_id, name: one.user_name },
      key_id: one.key_id,
      calls: Number(one.calls),
      last_at: one.last_at.toISOString(),
    })),
  }
}

export async function listConnectionAttempts(broker: Broker, principal: Principal, linkName: string) {
  const row = await getConnection(broker, principal, linkName)
  const all = await listAttempts(broker.db, principal.organizationId, row.id, 50)
  const mayAll = row.owner_id === principal.userId || principal.role === 'administrator'
  return all
    .filter(one => mayAll || one.subject_id === principal.userId)
    .map(one => ({
      id: one.id,
      subject: { id: one.subject_id, name: one.subject_name },
      started_at: one.started_at.toISOString(),
      finished_at: one.finished_at?.toISOString() ?? null,
      outcome: one.outcome,
      steps: one.steps,
      diagnosis: one.diagnosis,
    }))
}

/** The holder agrees to every API host that the service has now. */
export async function confirmHosts(broker: Broker, by: Caller, linkName: string): Promise<{ api_hosts: readonly string[] }> {
  const { principal } = by
  const row = await getConnection(broker, principal, linkName)
  const subjectId = row.use_login_user_credentials ? principal.subjectId : row.owner_id
  if (subjectId !== principal.userId) throw new Problem('not_the_owner', { connection: linkName })
  const holder = { organizationId: principal.organizationId, connectionId: row.id, subjectId }
  if (!(await findCredential(broker.db, holder))) throw new Problem('authorization_required', { connection: linkName })
  const hosts = definitionOf(broker, row).api_hosts
  await change(broker, by, async (trx, traces) => {
    await setAgreedHosts(trx, holder, hosts)
    traces.audit('connection.hosts_confirmed', `connection:${linkName}`, { api_hosts: hosts })
    traces.changed({ kind: 'connection', id: row.id })
  })
  return { api_hosts: hosts }
}
