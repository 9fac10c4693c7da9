import type { ColumnType } from 'kysely'
import type { Role } from './principal.ts'

/*
 * The tables that people/ owns. They stand here because storage/ types the database with them and people/ is handed
 * that database, and the two rooms do not see each other. Every id is `text` holding a UUID: an id that somebody
 * mistyped then finds nothing, where a uuid column would raise an error.
 */

type Time = ColumnType<Date, Date | string | undefined, Date | string>
type NeededTime = ColumnType<Date, Date | string, Date | string>
type OptionalTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>
type WithDefault<T> = ColumnType<T, T | undefined, T>

/** A person. better-auth's `user`. `email` is trimmed and lower-case. */
export interface UsersTable {
  id: string
  name: string
  email: string
  email_verified: WithDefault<boolean>
  image: Optional<string>
  created_at: Time
  updated_at: Time
}

/** A signed-in browser. better-auth's `session`; `token` is the SHA-256 of what the cookie carries. `updated_at` is when it was last seen. */
export interface SessionsTable {
  id: string
  token: string
  user_id: string
  expires_at: NeededTime
  created_at: Time
  updated_at: NeededTime
  ip_address: Optional<string>
  user_agent: Optional<string>
  active_organization_id: Optional<string>
}

/** How a person signs in. better-auth's `account`; ours are `provider_id` credential with a scrypt `password`. */
export interface AccountsTable {
  id: string
  account_id: string
  provider_id: string
  user_id: string
  password: Optional<string>
  access_token: Optional<string>
  refresh_token: Optional<string>
  id_token: Optional<string>
  access_token_expires_at: OptionalTime
  refresh_token_expires_at: OptionalTime
  scope: Optional<string>
  created_at: Time
  updated_at: NeededTime
}

/** better-auth's `verification`; unused so far: its reset and verification mails are not mounted. */
export interface VerificationsTable {
  id: string
  identifier: string
  value: string
  expires_at: NeededTime
  created_at: Time
  updated_at: Time
}

/** better-auth's `organization`. The slug never changes: redirect URLs registered at providers carry it. */
export interface OrganizationsTable {
  id: string
  name: string
  slug: string
  logo: Optional<string>
  metadata: Optional<string>
  created_at: NeededTime
}

/** better-auth's `member`; one row per person and organisation. */
export interface MembersTable {
  id: string
  organization_id: string
  user_id: string
  role: Role
  created_at: NeededTime
}

/** better-auth's `invitation`, with the SHA-256 of the token in its link. */
export interface InvitationsTable {
  id: string
  organization_id: string
  email: string
  role: Role
  status: 'pending' | 'accepted' | 'withdrawn'
  expires_at: NeededTime
  created_at: Time
  inviter_id: string
  token_hash: string
}

/** An API key of a member in one organisation; `hash` is the SHA-256 of the whole key, which is stored nowhere. */
export interface ApiKeysTable {
  id: string
  organization_id: string
  user_id: string
  name: string
  hash: string
  /** The first 7 characters, to recognise it by. */
  prefix: string
  /** Link names, as a JSON array; null for all. Written as text, read parsed. */
  connections: ColumnType<string[] | null, string | null | undefined, string | null>
  invoke_only: WithDefault<boolean>
  act_as: WithDefault<boolean>
  /** `Service.resource.OPERATION`, as a JSON array; null for all that the member may do. */
  scopes: ColumnType<string[] | null, string | null | undefined, string | null>
  expires_at: OptionalTime
  created_at: Time
  last_used_at: OptionalTime
}

/** A password reset link that an administrator issued: the SHA-256 of its token, single use. */
export interface PasswordResetsTable {
  token_hash: string
  user_id: string
  created_by: string
  created_at: Time
  expires_at: NeededTime
}

/** A `patchbay login` waiting for approval in a browser. The key is made when the device fetches it, so it is never stored. */
export interface CliLoginsTable {
  code_hash: string
  device_hash: string
  user_id: Optional<string>
  organization_id: Optional<string>
  created_at: Time
  expires_at: NeededTime
}

export interface PeopleTables {
  users: UsersTable
  sessions: SessionsTable
  accounts: AccountsTable
  verifications: VerificationsTable
  organizations: OrganizationsTable
  members: MembersTable
  invitations: InvitationsTable
  api_keys: ApiKeysTable
  password_resets: PasswordResetsTable
  cli_logins: CliLoginsTable
}
