import type { ColumnType, Generated } from 'kysely'
import type { ArgumentMapping, FunctionSignature, FunctionUses, RunStatus } from '../core/function.ts'

type Time = ColumnType<Date, Date | string | undefined, Date | string>
type OptionalTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
/** JSON text of stored arguments that are passwords, sealed for the version of the row beside it. */
type SealedArguments = ColumnType<Buffer | null, Buffer | null | undefined, Buffer | null>
type Json<T> = ColumnType<T, string, string>

/** A function as it is live. `author_id` saved it last: the connections it names are used with that person's permission. */
export interface FunctionsTable {
  id: string
  organization_id: string
  namespace: string
  name: string
  language: Generated<'deluge'>
  description: string
  source: string
  signature: Json<FunctionSignature | null>
  uses: Json<FunctionUses>
  revision: Generated<number>
  /** A schedule or a public call runs as this member. */
  owner_id: string
  author_id: string
  exposed_by_key: Generated<boolean>
  exposed_to_members: Generated<boolean>
  /** Where arguments of public calls come from; stars for fixed values that are passwords. */
  mapping: ColumnType<ArgumentMapping, string | undefined, string>
  sealed_arguments: SealedArguments
  sealed_version: Generated<number>
  created_at: Time
  updated_at: Time
}

/** Every save, the live one included. */
export interface FunctionVersionsTable {
  function_id: string
  revision: number
  source: string
  author_id: string
  note: string
  saved_at: Time
}

/** `value` is the JSON text; a secret's is sealed instead. Neither: null. */
export interface FunctionVariablesTable {
  id: string
  organization_id: string
  /** Null: of the organisation. */
  function_id: string | null
  name: string
  type: 'text' | 'number' | 'decimal' | 'boolean' | 'date' | 'map' | 'list'
  description: string
  secret: Generated<boolean>
  value: string | null
  sealed: Buffer | null
  /** The row version that the sealed text is bound to. */
  version: Generated<number>
  updated_by: string
  updated_at: Time
}

export interface FunctionRunsTable {
  id: string
  organization_id: string
  /** Of a function that may be gone. */
  function_id: string | null
  namespace: string
  name: string
  revision: number
  user_id: string | null
  /** Whose login it ran for; null without a person. */
  subject_id: string | null
  key_id: string | null
  door: 'editor' | 'api' | 'schedule' | 'public'
  status: RunStatus
  started_at: Time
  duration_ms: number
  statements: number
  calls: number
  /** JSON texts, bounded. */
  arguments: string
  info: string
  output: string | null
  output_type: string
  error: string | null
  line: number | null
  /** When the process that runs it said last that it is alive; null with an outcome. */
  alive_at: OptionalTime
}

export interface FunctionSchedulesTable {
  id: string
  organization_id: string
  function_id: string
  cron: string
  time_zone: string
  /** JSON text of the arguments by name; stars for passwords. */
  arguments: string
  sealed_arguments: SealedArguments
  sealed_version: Generated<number>
  enabled: Generated<boolean>
  next_run: OptionalTime
  last_run: OptionalTime
  missed: Generated<number>
  created_by: string
  created_at: Time
}

export interface FunctionSettingsTable {
  organization_id: string
  /** SimpleDateFormat pattern. */
  date_format: string
  /** IANA name. */
  time_zone: string
  precedence: 'usual' | 'creator'
  profile: 'crm' | 'creator'
  admin_user_id: string | null
  /** Namespace of integration tasks → link name. */
  default_connections: Json<Readonly<Record<string, string>>>
  /** Namespace of integration tasks → origin. */
  api_origins: Json<Readonly<Record<string, string>>>
  /** SHA-256 of the key of the public address (FN-4). */
  key_hash: string | null
  /** The same key, for the addresses that people copy. */
  sealed_key: Buffer | null
  /** The row version that the sealed key is bound to. */
  key_version: Generated<number>
  key_prefix: string | null
  key_created_at: OptionalTime
}

/** How many mails the scripts of an organisation have sent on a day (UTC). */
export interface FunctionMailDaysTable {
  organization_id: string
  day: ColumnType<Date, string, string>
  sent: number
}

export interface FunctionTables {
  functions: FunctionsTable
  function_versions: FunctionVersionsTable
  function_variables: FunctionVariablesTable
  function_runs: FunctionRunsTable
  function_schedules: FunctionSchedulesTable
  function_settings: FunctionSettingsTable
  function_mail_days: FunctionMailDaysTable
}
