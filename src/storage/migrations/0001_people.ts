import { sql, type Kysely, type Migration } from 'kysely'

/**
 * The tables of people, as SQL for PostgreSQL 15 and the embedded database; run in order, once, by the migrations of storage.
 *
 * The first part is what better-auth 1.7.5 makes of `schemaOptions`, frozen: an upgrade of it must not change a running database
 * by itself. `migration.test.ts` fails when it would like something else. The second part is ours.
 */
export const migrationSql: readonly string[] = [
  `create table "users" ("id" text not null primary key, "name" text not null, "email" text not null unique, "email_verified" boolean not null default false, "image" text, "created_at" timestamptz default CURRENT_TIMESTAMP not null, "updated_at" timestamptz default CURRENT_TIMESTAMP not null)`,
  `create table "sessions" ("id" text not null primary key, "expires_at" timestamptz not null, "token" text not null unique, "created_at" timestamptz default CURRENT_TIMESTAMP not null, "updated_at" timestamptz not null, "ip_address" text, "user_agent" text, "user_id" text not null references "users" ("id") on delete cascade, "active_organization_id" text)`,
  `create table "accounts" ("id" text not null primary key, "account_id" text not null, "provider_id" text not null, "user_id" text not null references "users" ("id") on delete cascade, "access_token" text, "refresh_token" text, "id_token" text, "access_token_expires_at" timestamptz, "refresh_token_expires_at" timestamptz, "scope" text, "password" text, "created_at" timestamptz default CURRENT_TIMESTAMP not null, "updated_at" timestamptz not null)`,
  `create table "verifications" ("id" text not null primary key, "identifier" text not null, "value" text not null, "expires_at" timestamptz not null, "created_at" timestamptz default CURRENT_TIMESTAMP not null, "updated_at" timestamptz default CURRENT_TIMESTAMP not null)`,
  `create table "organizations" ("id" text not null primary key, "name" text not null, "slug" text not null unique, "logo" text, "created_at" timestamptz not null, "metadata" text)`,
  `create table "members" ("id" text not null primary key, "organization_id" text not null references "organizations" ("id") on delete cascade, "user_id" text not null references "users" ("id") on delete cascade, "role" text not null, "created_at" timestamptz not null)`,
  `create table "invitations" ("id" text not null primary key, "organization_id" text not null references "organizations" ("id") on delete cascade, "email" text not null, "role" text, "status" text not null, "expires_at" timestamptz not null, "created_at" timestamptz default CURRENT_TIMESTAMP not null, "inviter_id" text not null references "users" ("id") on delete cascade, "token_hash" text not null unique)`,
  `create index "sessions_user_id_idx" on "sessions" ("user_id")`,
  `create index "accounts_user_id_idx" on "accounts" ("user_id")`,
  `create index "verifications_identifier_idx" on "verifications" ("identifier")`,
  `create index "members_organization_id_idx" on "members" ("organization_id")`,
  `create index "members_user_id_idx" on "members" ("user_id")`,
  `create index "invitations_organization_id_idx" on "invitations" ("organization_id")`,
  `create index "invitations_email_idx" on "invitations" ("email")`,

  // ours
  `alter table "members" add constraint "members_organization_id_user_id_unique" unique ("organization_id", "user_id")`,
  `alter table "members" add constraint "members_role_check" check ("role" in ('administrator', 'developer', 'user'))`,
  `alter table "organizations" add constraint "organizations_slug_check" check ("slug" collate "C" ~ '^[a-z][a-z0-9_-]*$' and length("slug") <= 50)`,
  `create table "api_keys" (
    "id" text not null primary key,
    "organization_id" text not null references "organizations" ("id") on delete cascade,
    "user_id" text not null references "users" ("id") on delete cascade,
    "name" text not null,
    "hash" text not null unique,
    "prefix" text not null,
    "connections" jsonb,
    "invoke_only" boolean not null default false,
    "act_as" boolean not null default false,
    "expires_at" timestamptz,
    "created_at" timestamptz not null default CURRENT_TIMESTAMP,
    "last_used_at" timestamptz
  )`,
  `create index "api_keys_organization_id_user_id_idx" on "api_keys" ("organization_id", "user_id")`,
  `create table "password_resets" (
    "token_hash" text not null primary key,
    "user_id" text not null unique references "users" ("id") on delete cascade,
    "created_by" text not null references "users" ("id") on delete cascade,
    "created_at" timestamptz not null default CURRENT_TIMESTAMP,
    "expires_at" timestamptz not null
  )`,
  `create table "cli_logins" (
    "code_hash" text not null primary key,
    "device_hash" text not null unique,
    "user_id" text references "users" ("id") on delete cascade,
    "organization_id" text references "organizations" ("id") on delete cascade,
    "created_at" timestamptz not null default CURRENT_TIMESTAMP,
    "expires_at" timestamptz not null
  )`,
]

export const people: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of migrationSql) await sql.raw(statement).execute(db)
  },
}
