import type { ColumnType, Generated } from 'kysely'
import type { Access, ConnectionStatus, StatusReason } from '../core/connection.ts'
import type { PeopleTables } from '../core/people-tables.ts'
import type { ServiceDefinition } from '../core/service.ts'
import type { FunctionTables } from './function-tables.ts'

/** Times are `timestamptz`; both drivers give a Date. 8-byte integers arrive as text: they are compared, not counted with. */
type Time = ColumnType<Date, Date | string | undefined, Date | string>
type OptionalTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
/** jsonb: read parsed, written as text, because a JSON array would otherwise be taken for an SQL array. */
type Json<T> = ColumnType<T, string, string>

/** Facts about this deployment: the key check, who it is. */
export interface SettingsTable {
  name: string
  value: string
}

export interface OrganizationSettingsTable {
  organization_id: string
  /** Who may create custom services and connections. */
  who_may_create: 'everyone' | 'developers' | 'administrators'
}

export interface DataKeysTable {
  kid: string
  organization_id: string
  wrapped: Buffer
  master_key_id: string
  state: 'active' | 'retired'
  retired_at: OptionalTime
  created_at: Time
}

/** A custom service, or an organisation's use of a default one (`definition` null: it is the catalogue's). */
export interface ServicesTable {
  id: string
  organization_id: string
  kind: 'default' | 'custom'
  link_name: string
  /** Beside the definition for search and order. */
  name: string
  definition: Json<ServiceDefinition | null>
  client_id: string | null
  sealed_client_secret: Buffer | null
  /** Moves on security-relevant edits only. */
  revision: Generated<number>
  /** Moves on every edit: If-Match. */
  version: Generated<number>
  clock_offset_seconds: Generated<number>
  created_by: string
  keeper_id: string
  created_at: Time
  updated_at: Time
}

/** A member asks the administrators to register the client of a default service. It goes with the registration, and with the membership. */
export interface ServiceRequestsTable {
  id: string
  organization_id: string
  link_name: string
  user_id: string
  note: string | null
  requested_at: Time
  mailed_at: OptionalTime
}

export interface ConnectionsTable {
  id: string
  organization_id: string
  service_id: string
  link_name: string
  name: string
  owner_id: string
  use_login_user_credentials: boolean
  access: Json<Access>
  scopes: Json<readonly string[]>
  last_used_at: OptionalTime
  created_at: Time
  updated_at: Time
}

/** What one subject authorised for one connection. `generation` is the row version that the sealed text is bound to. */
export interface CredentialsTable {
  connection_id: string
  subject_id: string
  organization_id: string
  sealed: Buffer | null
  generation: Generated<number>
  service_revision: number
  status: ConnectionStatus
  status_reason: StatusReason | null
  status_detail: string | null
  status_since: Time
  expires_at: OptionalTime
  /** Length of the access token's life when it was issued, in seconds: the refresh margin is a part of it. */
  lifetime_seconds: number | null
  has_refresh_token: boolean
  asked_scopes: Json<readonly string[]>
  granted_scopes: Json<readonly string[] | null>
  agreed_hosts: Json<readonly string[]>
  variables: Json<Readonly<Record<string, string>>>
  account_id: string | null
  account_label: string | null
  lease_owner: string | null
  lease_until: OptionalTime
  /** Set while a refresh may have reached the provider and its answer has not been committed. */
  inflight_since: OptionalTime
  fail_count: Generated<number>
  next_attempt_at: OptionalTime
  refreshed_at: OptionalTime
  /** Set by a restore: when the back-up was made that the refresh token comes from. The first renewal or authorisation clears it. */
  restored_from: OptionalTime
  revoked_at_provider: 'pending' | 'yes' | 'no' | 'not_supported' | null
  created_at: Time
  updated_at: Time
}

/** A flow that somebody started. `state_hash` is null until the browser leaves for the service. */
export interface PendingAuthorizationsTable {
  id: string
  organization_id: string
  connection_id: string
  subject_id: string
  service_revision: number
  state_hash: string | null
  cookie_hash: string | null
  /** PKCE verifier, request-token secret and secret variables. */
  sealed: Buffer | null
  scopes: Json<readonly string[]>
  variables: Json<Readonly<Record<string, string>>>
  attempt_id: string
  return_to: string | null
  expires_at: Time
  created_at: Time
}

/** What a service gave for another account than the connection used so far: its holder is asked, for ten minutes, which one it shall be. */
export interface HeldGrantsTable {
  id: string
  organization_id: string
  connection_id: string
  subject_id: string
  service_id: string
  service_revision: number
  /** The whole grant. */
  sealed: Buffer
  /** Both accounts as people know them. */
  account_before: string
  account_now: string
  scopes: Json<readonly string[]>
  attempt_id: string
  return_to: string | null
  /** The job that tells the provider if it is not used, for the service as it was; null when the provider cannot be told. */
  revocation: Json<Readonly<Record<string, unknown>> | null>
  expires_at: Time
  created_at: Time
}

/** A recorded authorisation, secrets masked. */
export interface AttemptsTable {
  id: string
  organization_id: string
  connection_id: string
  subject_id: string
  started_at: Time
  finished_at: OptionalTime
  outcome: 'started' | 'connected' | 'failed' | 'declined' | 'expired'
  steps: Json<readonly unknown[]>
  diagnosis: string | null
}

/** What the calls of one person through one connection to one host have in common. */
export interface InvocationSeriesTable {
  /** A hash of everything below but `used_at`, so that every instance finds the same one without asking. */
  id: string
  organization_id: string
  user_id: string
  subject_id: string | null
  key_id: string | null
  connection_id: string | null
  connection: string | null
  door: 'invoke' | 'proxy' | 'function'
  method: string
  host: string
  /** Not before the last of its calls less an hour. */
  used_at: Time
}

/** The invocation log: never bodies, queries or secrets. A row is a batch of calls of one series with one outcome. */
export interface InvocationBatchesTable {
  /** Ends in 0000; a call's id has its place in the batch there. */
  id: string
  organization_id: string
  series_id: string
  first_at: Time
  last_at: Time
  status: number | null
  problem: string | null
  /** Of each call, in the order they ended: milliseconds after `first_at`, and how long it took. */
  after_ms: readonly number[]
  duration_ms: readonly number[]
}

export interface AuditTable {
  id: string
  organization_id: string | null
  at: Time
  actor_id: string | null
  actor: string
  on_behalf_of: string | null
  action: string
  object: string
  details: Json<Readonly<Record<string, unknown>>>
  outcome: Generated<'done' | 'refused'>
  request_id: string | null
  ip: string | null
}

export interface Tables extends PeopleTables, FunctionTables {
  settings: SettingsTable
  organization_settings: OrganizationSettingsTable
  data_keys: DataKeysTable
  services: ServicesTable
  service_requests: ServiceRequestsTable
  connections: ConnectionsTable
  credentials: CredentialsTable
  pending_authorizations: PendingAuthorizationsTable
  held_grants: HeldGrantsTable
  attempts: AttemptsTable
  invocation_series: InvocationSeriesTable
  invocation_batches: InvocationBatchesTable
  audit: AuditTable
}
