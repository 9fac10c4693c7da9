import { sql, type UpdateObject } from 'kysely'
import type { ConnectionStatus, StatusReason } from '../core/connection.ts'
import type { CredentialRow } from './connections.ts'
import type { Executor } from './database.ts'
import type { Tables } from './tables.ts'

type CredentialUpdate = UpdateObject<Tables, 'credentials', 'credentials'>

export interface Holder {
  readonly organizationId: string
  readonly connectionId: string
  readonly subjectId: string
}

const of = (db: Executor, { organizationId, connectionId, subjectId }: Holder) =>
  db
    .updateTable('credentials')
    .where('organization_id', '=', organizationId)
    .where('connection_id', '=', connectionId)
    .where('subject_id', '=', subjectId)

export const findCredential = (db: Executor, { organizationId, connectionId, subjectId }: Holder) =>
  db
    .selectFrom('credentials')
    .selectAll()
    .select([
      sql<string | null>`extract(epoch from expires_at - now())`.as('expires_in'),
      sql<string | null>`extract(epoch from next_attempt_at - now())`.as('next_attempt_in'),
    ])
    .where('organization_id', '=', organizationId)
    .where('connection_id', '=', connectionId)
    .where('subject_id', '=', subjectId)
    .executeTakeFirst()

export const lockCredential = (db: Executor, { organizationId, connectionId, subjectId }: Holder): Promise<CredentialRow | undefined> =>
  db
    .selectFrom('credentials')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('connection_id', '=', connectionId)
    .where('subject_id', '=', subjectId)
    .forUpdate()
    .executeTakeFirst()

/** Every authorisation of a connection, for its owner and administrators. */
export const listCredentials = (db: Executor, organizationId: string, connectionId: string) =>
  db
    .selectFrom('credentials as k')
    .leftJoin('users as u', 'u.id', 'k.subject_id')
    .selectAll('k')
    .select(['u.name as subject_name', 'u.email as subject_email'])
    .where('k.organization_id', '=', organizationId)
    .where('k.connection_id', '=', connectionId)
    .orderBy('k.created_at')
    .limit(5000)
    .execute()

export interface NewCredential {
  readonly sealed: Buffer
  readonly generation: number
  readonly serviceRevision: number
  readonly expiresInSeconds: number | null
  readonly hasRefreshToken: boolean
  readonly askedScopes: readonly string[]
  readonly grantedScopes: readonly string[] | null
  readonly agreedHosts: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  readonly account: { readonly id: string | null; readonly label: string | null } | null
}

const endsIn = (seconds: number | null) => (seconds === null ? null : sql<Date>`now() + make_interval(secs => ${seconds})`)

/** Stores what somebody just authorised, over whatever they had before. The caller has locked the row and chosen the next generation. */
export async function putCredential(db: Executor, holder: Holder, credential: NewCredential): Promise<void> {
  const values = {
    sealed: credential.sealed,
    generation: credential.generation,
    service_revision: credential.serviceRevision,
    status: 'connected' as const,
    status_reason: null,
    status_detail: null,
    expires_at: endsIn(credential.expiresInSeconds),
    lifetime_seconds: credential.expiresInSeconds,
    has_refresh_token: credential.hasRefreshToken,
    asked_scopes: JSON.stringify(credential.askedScopes),
    granted_scopes: JSON.stringify(credential.grantedScopes),
    agreed_hosts: JSON.stringify(credential.agreedHosts),
    variables: JSON.stringify(credential.variables),
    account_id: credential.account?.id ?? null,
    account_label: credential.account?.label ?? null,
    lease_owner: null,
    lease_until: null,
    inflight_since: null,
    fail_count: 0,
    next_attempt_at: null,
    refreshed_at: null,
    restored_from: null,
    revoked_at_provider: null,
  }
  await db
    .insertInto('credentials')
    .values({ ...values, connection_id: holder.connectionId, subject_id: holder.subjectId, organization_id: holder.organizationId })
    .onConflict(conflict =>
      conflict
        .columns(['connection_id', 'subject_id'])
        .doUpdateSet({ ...values, status_since: sql<Date>`now()`, updated_at: sql<Date>`now()` }),
    )
    .execute()
}

export interface Lease {
  readonly row: CredentialRow
  /** An earlier refresh may have reached the provider without its answer being stored. */
  readonly unconfirmed: boolean
}

/**
 * Takes the right to refresh this generation, for 30 seconds by the database's clock (the token deadline of 20 s and 10 s to store).
 * A row update, not an advisory lock: no database connection is held while the provider thinks (reliability: a slow token endpoint must
 * not starve the pool).
 *
 * @param owner May have it already, when the database did not confirm that it was given or returned.
 * @param steadyNow The database's time in milliseconds since 1970, without what its clock was set forwards a moment ago (`Clock.steadyNow`).
 * @returns undefined when somebody else has it, the generation has moved, or the next attempt is not due.
 */
export async function takeLease(
  db: Executor,
  holder: Holder,
  generation: number,
  owner: string,
  steadyNow: number,
): Promise<Lease | undefined> {
  const { rows } = await sql<CredentialRow & { inflight_before: Date | null }>`
    update credentials k
    set lease_owner = ${owner}, lease_until = now() + interval '30 seconds', inflight_since = now()
    from (
      select connection_id, subject_id, inflight_since as inflight_before from credentials
      where organization_id = ${holder.organizationId} and connection_id = ${holder.connectionId}::uuid and subject_id = ${holder.subjectId}
        and generation = ${generation} and status in ('connected', 'refresh_failing')
        and (lease_owner = ${owner} or lease_until is null or lease_until < now()) and (next_attempt_at is null or next_attempt_at <= now())
        and (lease_owner = ${owner} or lease_until is null or lease_until < ${new Date(steadyNow)}::timestamptz)
      for update
    ) before
    where k.connection_id = before.connection_id and k.subject_id = before.subject_id
    returning k.*, before.inflight_before`.execute(db)
  const row = rows[0]
  return row && { row, unconfirmed: row.inflight_before !== null }
}

export interface RefreshedCredential extends Pick<NewCredential, 'sealed' | 'hasRefreshToken' | 'grantedScopes' | 'variables'> {
  /** Seconds from now, less than none when it came long ago; null when the token names no end. */
  readonly expiresInSeconds: number | null
  readonly lifetimeSeconds: number | null
  /** Before so many seconds nobody may refresh again; null for a service that does not mind. */
  readonly spacingSeconds: number | null
}

/**
 * Stores a refreshed credential: compare-and-set on the generation, so a late answer never overwrites a newer one.
 *
 * An answer may come after another instance, which found the lease run out, was refused the used token: the connection was given up as lost,
 * and this is what was lost. It is stored all the same, since nothing newer was.
 *
 * @param to The generation that it becomes: the next one, or a later one that the database has had before.
 * @returns `healed` when it was given up, `superseded` when it was renewed, authorised anew or revoked meanwhile, and nothing was stored.
 */
export async function storeRefreshed(
  db: Executor,
  holder: Holder,
  generation: number,
  next: RefreshedCredential,
  to = generation + 1,
): Promise<'stored' | 'healed' | 'superseded'> {
  const update = of(db, holder)
    .where('generation', '=', generation)
    .set({
      sealed: next.sealed,
      generation: to,
      expires_at: endsIn(next.expiresInSeconds),
      lifetime_seconds: next.lifetimeSeconds,
      has_refresh_token: next.hasRefreshToken,
      granted_scopes: JSON.stringify(next.grantedScopes),
      variables: JSON.stringify(next.variables),
      status_since: sql`case when status = 'connected' then status_since else now() end`,
      status: 'connected',
      status_reason: null,
      status_detail: null,
      lease_owner: null,
      lease_until: null,
      inflight_since: null,
      fail_count: 0,
      next_attempt_at: endsIn(next.spacingSeconds),
      refreshed_at: sql`now()`,
      restored_from: null,
      updated_at: sql`now()`,
    })
  const usual = await update.where('status', 'in', ['connected', 'refresh_failing']).executeTakeFirst()
  if (usual.numUpdatedRows > 0n) return 'stored'
  const late = await update.where('status', '=', 'reauthorization_required').where('status_reason', '=', 'lost_rotation').executeTakeFirst()
  return late.numUpdatedRows > 0n ? 'healed' : 'superseded'
}

/** Of these credentials those that have an earlier generation here. */
export async function behind(
  db: Executor,
  those: readonly (Holder & { readonly generation: number })[],
): Promise<(Holder & { generation: number; sealed: Buffer })[]> {
  const { rows } = await sql<Holder & { generation: number; sealed: Buffer }>`
    select k.organization_id as "organizationId", k.connection_id as "connectionId", k.subject_id as "subjectId", k.generation, k.sealed
    from unnest(${those.map(one => one.organizationId)}::text[], ${those.map(one => one.connectionId)}::uuid[],
      ${those.map(one => one.subjectId)}::text[], ${those.map(one => one.generation)}::int[])
      as those (organization_id, connection_id, subject_id, generation)
    join credentials k on k.connection_id = those.connection_id and k.subject_id = those.subject_id
    where k.organization_id = those.organization_id and k.generation < those.generation and k.sealed is not null`.execute(db)
  return rows
}

/** A provider is back: no connection of the service waits out a pause that was chosen while it was away, and they come one by one. */
export const shortenBackOff = (db: Executor, organizationId: string, serviceId: string, seconds: number) =>
  sql`update credentials k set next_attempt_at = now() + random() * make_interval(secs => ${seconds})
    from connections c
    where c.id = k.connection_id and c.organization_id = ${organizationId} and c.service_id = ${serviceId}::uuid
      and k.status = 'refresh_failing' and k.status_reason = 'provider_down' and k.next_attempt_at > now() + make_interval(secs => ${seconds})`.execute(
    db,
  )

/** Gives the lease back as it was found: nothing was asked. */
export const returnLease = (db: Executor, holder: Holder, generation: number, owner: string, keepInflight: boolean) =>
  of(db, holder)
    .where('generation', '=', generation)
    .where('lease_owner', '=', owner)
    .set({ lease_owner: null, lease_until: null, ...(keepInflight ? {} : { inflight_since: null }) })
    .execute()

/** Gives the lease back after a refusal. `keepInflight`: the request may have been carried out, so the next attempt is a recovery. */
export async function releaseLease(
  db: Executor,
  holder: Holder,
  generation: number,
  owner: string,
  outcome: { retryInSeconds: number; reason: StatusReason; detail: string | null; keepInflight: boolean },
): Promise<void> {
  await of(db, holder)
    .where('generation', '=', generation)
    .where('lease_owner', '=', owner)
    .set({
      lease_owner: null,
      lease_until: null,
      ...(outcome.keepInflight ? {} : { inflight_since: null }),
      fail_count: sql`fail_count + 1`,
      next_attempt_at: sql`now() + make_interval(secs => ${outcome.retryInSeconds})`,
      status_since: sql`case when status = 'refresh_failing' then status_since else now() end`,
      status: 'refresh_failing',
      status_reason: outcome.reason,
      status_detail: outcome.detail,
      updated_at: sql`now()`,
    })
    .execute()
}

/** Moves the status. A guard on the generation keeps a late verdict from spoiling a newer authorisation. */
export async function setStatus(
  db: Executor,
  holder: Holder,
  generation: number | null,
  status: ConnectionStatus,
  reason: StatusReason | null,
  more: CredentialUpdate = {},
): Promise<boolean> {
  let query = of(db, holder).set({
    status,
    status_reason: reason,
    status_since: sql`now()`,
    lease_owner: null,
    lease_until: null,
    updated_at: sql`now()`,
    ...more,
  })
  if (generation !== null) query = query.where('generation', '=', generation)
  const { numUpdatedRows } = await query.executeTakeFirst()
  return numUpdatedRows > 0n
}

/** The secret leaves the row with the revocation; the generation moves so that nothing sealed before fits any more. */
export const revoked = (provider: 'pending' | 'not_supported'): CredentialUpdate => ({
  sealed: null,
  generation: sql<number>`generation + 1`,
  expires_at: null,
  has_refresh_token: false,
  restored_from: null,
  inflight_since: null,
  next_attempt_at: null,
  fail_count: 0,
  revoked_at_provider: provider,
})

export const setRevokedAtProvider = (db: Executor, holder: Holder, generation: number, outcome: 'yes' | 'no' | 'not_supported') =>
  of(db, holder).where('generation', '=', generation).where('status', '=', 'revoked').set({ revoked_at_provider: outcome }).execute()

export const setAgreedHosts = (db: Executor, holder: Holder, hosts: readonly string[]) =>
  of(db, holder)
    .set({ agreed_hosts: JSON.stringify(hosts), updated_at: sql`now()` })
    .execute()

/** Adds hosts to what one member agreed to, for all their authorisations of a service: the editor's own are confirmed by the edit. */
export async function agreeToHosts(
  db: Executor,
  organizationId: string,
  serviceId: string,
  subjectId: string,
  hosts: readonly string[],
): Promise<void> {
  await sql`
    update credentials k set agreed_hosts = (select jsonb_agg(distinct host) from jsonb_array_elements_text(k.agreed_hosts || ${JSON.stringify(hosts)}::jsonb) as host)
    from connections c
    where c.id = k.connection_id and c.organization_id = ${organizationId} and c.service_id = ${serviceId}::uuid and k.subject_id = ${subjectId}`.execute(
    db,
  )
}

/** A host of a service has another address and is the same host: everybody who agreed to it still does. */
export async function moveAgreedHost(
  db: Executor,
  organizationId: string,
  serviceId: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await sql`
    update credentials k set agreed_hosts = (select jsonb_agg(case when host = ${from}::text then ${to}::text else host end) from jsonb_array_elements_text(k.agreed_hosts) as host)
    from connections c
    where c.id = k.connection_id and c.organization_id = ${organizationId} and c.service_id = ${serviceId}::uuid and k.agreed_hosts ? ${from}::text`.execute(
    db,
  )
}

/**
 * Authorisations that die unused and have not been renewed for as long as their service allows.
 * @param defaultDays by link name of a default service; custom services say it in their own definition.
 */
export const dueForKeepAlive = (db: Executor, defaultDays: Readonly<Record<string, number>>) =>
  db
    .selectFrom('credentials as k')
    .innerJoin('connections as c', 'c.id', 'k.connection_id')
    .innerJoin('services as s', 's.id', 'c.service_id')
    .select(['k.organization_id', 'k.connection_id', 'k.subject_id', 'c.link_name', 'c.owner_id'])
    .where('k.status', '=', 'connected')
    .where('k.has_refresh_token', '=', true)
    .where(
      sql<boolean>`coalesce(k.refreshed_at, k.created_at) < now() - make_interval(days => (
        case s.kind when 'custom' then s.definition->'advanced'->>'keep_alive_days' else ${JSON.stringify(defaultDays)}::jsonb->>s.link_name end)::int)`,
    )
    .limit(1000)
    .execute()

/** Whether somebody's authorisation of this service has this value for a variable. */
export async function valueIsInUse(db: Executor, organizationId: string, serviceId: string, name: string, value: string): Promise<boolean> {
  const found = await db
    .selectFrom('credentials as k')
    .innerJoin('connections as c', 'c.id', 'k.connection_id')
    .select('k.connection_id')
    .where('c.organization_id', '=', organizationId)
    .where('c.service_id', '=', serviceId)
    .where(sql<boolean>`k.variables ->> ${name} = ${value}`)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

/** How many authorisations have each status, in all organisations. */
export async function countCredentials(db: Executor): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom('credentials')
    .select(['status', sql<string>`count(*)`.as('count')])
    .groupBy('status')
    .execute()
  return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]))
}
