import type { Access } from '../core/connection.ts'
import { invalid, linkNameTaken, Problem } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { hasClient } from '../core/service.ts'
import { deleteConnection, findConnection, insertConnection, updateConnection, type ConnectionView } from '../storage/connections.ts'
import { listCredentials } from '../storage/credentials.ts'
import { checkedScopes } from './asked-scopes.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { getConnection, getOwned } from './connections.ts'
import { startPrepared, targetOf, type Started } from './connect.ts'
import { prepare, type Given, type Target } from './flow.ts'
import { administratorsOf } from './memberships.ts'
import { letHeldGrantsGo, revokeAuthorisation, tellProvider, type AtProvider } from './revoke.ts'
import { assertMayCreate, ensureRow, getService, type Service } from './services.ts'

export interface NewConnection extends Given {
  readonly service: string
  readonly name: string
  readonly linkName: string
  readonly scopes?: readonly string[] | undefined
  readonly useLoginUserCredentials: boolean
  readonly access?: Access | undefined
  readonly returnTo: string | null
}

async function assertMembers(broker: Broker, principal: Principal, access: Access | undefined): Promise<void> {
  if (typeof access !== 'object') return
  const found = await broker.db
    .selectFrom('members')
    .select('user_id')
    .where('organization_id', '=', principal.organizationId)
    .where('user_id', 'in', [...access.members, ''])
    .execute()
  const known = new Set(found.map(one => one.user_id))
  access.members.forEach((id, i) => {
    if (!known.has(id)) throw invalid(`access.members.${i}`, 'The organisation has no such member.')
  })
}

/**
 * A new connection as far as it can be judged without asking the service.
 * @returns the scopes that it will ask for.
 * @throws Problem link_name_taken, validation_failed
 */
export async function judgedScopes(
  broker: Broker,
  principal: Principal,
  service: Pick<Service, 'definition' | 'kind'>,
  input: Omit<NewConnection, 'service'>,
): Promise<readonly string[]> {
  if ((await findConnection(broker.db, principal.organizationId, principal.userId, input.linkName)) !== undefined)
    throw linkNameTaken(input.linkName)
  await assertMembers(broker, principal, input.access)
  return checkedScopes(service.definition, service.kind, input.scopes)
}

/**
 * Create and Connect. The service is asked first (values, client credentials, a request token), so what cannot work is refused with
 * nothing stored and the same call can be repeated.
 */
export async function createConnection(
  broker: Broker,
  by: Caller,
  input: NewConnection,
): Promise<{ row: ConnectionView; started: Started }> {
  const { principal } = by
  await assertMayCreate(broker, principal)
  const service = await getService(broker, principal.organizationId, input.service)
  if (hasClient(service.definition) && !service.row?.client_id)
    throw new Problem('service_not_configured', {
      service: input.service,
      administrators: (await administratorsOf(broker, principal.organizationId)).map(one => one.name),
      detail: `${service.definition.name} needs the organisation’s own client id and secret first. An administrator registers them at PUT /api/v1/services/${input.service}/client; ask for it at POST /api/v1/services/${input.service}/request.`,
    })
  const scopes = await judgedScopes(broker, principal, service, input)
  const serviceRow = service.row ?? (await broker.db.transaction().execute(trx => ensureRow(trx, broker, principal, service)))
  const id = broker.id()
  const target: Target = {
    holder: { organizationId: principal.organizationId, connectionId: id, subjectId: principal.userId },
    linkName: input.linkName,
    organizationSlug: principal.organizationSlug,
    from: {
      organizationId: principal.organizationId,
      serviceId: serviceRow.id,
      serviceRevision: serviceRow.revision,
      service: service.definition,
      clientId: serviceRow.client_id,
      sealedClientSecret: serviceRow.sealed_client_secret,
      clockOffsetSeconds: serviceRow.clock_offset_seconds,
    },
    scopes,
  }
  const prepared = await prepare(broker, principal, target, input)
  const started = await startPrepared(broker, by, target, prepared, input.returnTo, async (trx, audit) => {
    const inserted = await insertConnection(trx, {
      id,
      organization_id: principal.organizationId,
      service_id: serviceRow.id,
      link_name: input.linkName,
      name: input.name,
      owner_id: principal.userId,
      use_login_user_credentials: input.useLoginUserCredentials,
      // with login-user credentials nobody calls with another's: there is no consent to wait for (decision 0006)
      access: JSON.stringify(input.access ?? (input.useLoginUserCredentials ? 'organization' : 'private')),
      scopes: JSON.stringify(target.scopes),
    })
    if (!inserted) throw linkNameTaken(input.linkName)
    audit('connection.created', `connection:${input.linkName}`, { service: input.service })
  })
  return { row: await getConnection(broker, principal, input.linkName), started }
}

export interface ConnectionPatch extends Given {
  readonly name?: string | undefined
  readonly access?: Access | undefined
  readonly scopes?: readonly string[] | undefined
  readonly returnTo: string | null
}

/** Name and access at once; other scopes ask for consent again, and the old authorisation works until the new one is sealed. */
export async function editConnection(
  broker: Broker,
  by: Caller,
  linkName: string,
  patch: ConnectionPatch,
): Promise<{ row: ConnectionView; started: Started }> {
  const { principal } = by
  const row = await getOwned(broker, principal, linkName, { administrators: false })
  await assertMembers(broker, principal, patch.access)
  const target = targetOf(broker, principal.organizationSlug, row, row.use_login_user_credentials ? principal.subjectId : row.owner_id)
  const scopes = patch.scopes === undefined ? row.scopes : checkedScopes(target.from.service, row.service_kind, patch.scopes)
  const moved = JSON.stringify([...scopes].sort()) !== JSON.stringify([...row.scopes].sort())
  const save = async (
    trx: Parameters<typeof updateConnection>[0],
    audit: (action: string, object: string, details: Readonly<Record<string, unknown>>) => void,
  ) => {
    await updateConnection(trx, principal.organizationId, row.id, {
      ...(patch.name !== undefined && { name: patch.name }),
      ...(patch.access !== undefined && { access: JSON.stringify(patch.access) }),
      ...(moved && { scopes: JSON.stringify(scopes) }),
    })
    audit('connection.edited', `connection:${linkName}`, {
      fields: Object.keys(patch).filter(name => patch[name as keyof ConnectionPatch] != null),
    })
  }
  if (moved) {
    const wanted = { ...target, scopes }
    const started = await startPrepared(broker, by, wanted, await prepare(broker, principal, wanted, patch), patch.returnTo, save)
    return { row: await getConnection(broker, principal, linkName), started }
  }
  await change(broker, by, async (trx, traces) => {
    await save(trx, traces.audit)
    traces.changed({ kind: 'connection', id: row.id })
  })
  return { row: await getConnection(broker, principal, linkName), started: { authorization: { kind: 'none' }, cookie: null } }
}

/** Gone here at once; the provider is told by jobs that follow. */
export async function removeConnection(broker: Broker, by: Caller, linkName: string): Promise<void> {
  const { principal } = by
  const row = await getOwned(broker, principal, linkName, { administrators: true })
  const { from } = targetOf(broker, principal.organizationSlug, row, row.owner_id)
  await change(broker, by, async (trx, traces) => {
    await letHeldGrantsGo(trx, broker, { connectionId: row.id }, 'failed')
    for (const credential of await listCredentials(trx, principal.organizationId, row.id)) await tellProvider(trx, broker, credential, from)
    await deleteConnection(trx, principal.organizationId, row.id)
    traces.audit('connection.deleted', `connection:${linkName}`, { service: row.service_link_name })
    traces.changed({ kind: 'connection', id: row.id })
  })
}

/** The caller's own authorisation, or with `everyone` all of them (owner and administrators). */
export async function revokeConnection(
  broker: Broker,
  by: Caller,
  linkName: string,
  everyone: boolean,
): Promise<{ revoked_at_provider: AtProvider; count: number }> {
  const { principal } = by
  const row = await getConnection(broker, principal, linkName)
  const mayAll = row.owner_id === principal.userId || principal.role === 'administrator'
  if (everyone && !mayAll) throw new Problem('not_the_owner', { connection: linkName })
  const own = row.use_login_user_credentials ? principal.subjectId : row.owner_id
  if (!everyone && own !== principal.userId && own !== principal.subjectId && !mayAll)
    throw new Problem('not_the_owner', { connection: linkName })
  const { from } = targetOf(broker, principal.organizationSlug, row, own)
  const outcomes = await change(broker, by, async (trx, traces) => {
    await letHeldGrantsGo(trx, broker, { connectionId: row.id, subjectId: everyone ? undefined : own }, 'declined')
    const all = await listCredentials(trx, principal.organizationId, row.id)
    const chosen = all.filter(one => one.status !== 'revoked' && (everyone || one.subject_id === own))
    const told: AtProvider[] = []
    for (const one of chosen)
      told.push(
        await revokeAuthorisation(
          trx,
          broker,
          traces,
          { organizationId: principal.organizationId, connectionId: row.id, subjectId: one.subject_id, linkName },
          from,
          'revoked_by_person',
        ),
      )
    return told
  })
  return { revoked_at_provider: outcomes.includes('pending') ? 'pending' : 'not_supported', count: outcomes.length }
}
