/** The documents of the HTTP API as they travel: snake_case, times in RFC 3339. See the OpenAPI document at /docs of any Patchbay. */

export type Role = 'administrator' | 'developer' | 'user'
export type AuthType = 'basic' | 'api_key' | 'oauth1' | 'oauth2'
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS'

/** Values of variables, or of the fields that a connection asks for. */
export type Values = Readonly<Record<string, string>>

// ── services

export interface Scope {
  readonly name: string
  readonly description: string
}

export interface Parameter {
  readonly name: string
  readonly display_name: string
  readonly secret?: boolean
}

/** What is asked for when connecting: `{name}` in a URL or header of the service. */
export interface Variable {
  readonly name: string
  readonly label: string
  readonly choices: readonly string[] | null
  readonly default: string | null
  readonly secret: boolean
}

export interface Service {
  readonly link_name: string
  readonly name: string
  readonly kind: 'default' | 'custom'
  readonly auth_type: AuthType
  readonly param_type: 'header' | 'query' | 'form'
  readonly description: string | null
  readonly category: string | null
  readonly logo: string | null
  readonly documentation_url: string | null
  readonly client_id: string | null
  readonly has_client_secret: boolean
  /** False: an administrator must register a client first. */
  readonly configured: boolean
  /** The caller has asked the administrators to register it. */
  readonly requested_by_me: boolean
  /** What to register at the provider; null without OAuth. */
  readonly redirect_url: string | null
  readonly api_hosts: readonly string[]
  /** Its credentials may go anywhere. Dangerous. */
  readonly every_host: boolean
  readonly variables: readonly Variable[]
  readonly advanced: Readonly<Record<string, unknown>>
  readonly revision: number
  readonly created_by: { readonly id: string; readonly name: string | null } | null
  readonly keeper: { readonly id: string; readonly name: string | null } | null
  /** Made with it: the organisation’s for administrators, one’s own for everybody else. */
  readonly connections: number
  readonly created_at: string | null
  readonly updated_at: string | null
  // by authentication type
  readonly parameters?: readonly Parameter[]
  readonly grant_type?: 'authorization_code' | 'client_credentials'
  readonly request_token_url?: string
  readonly authorize_url?: string | null
  readonly access_token_url?: string
  readonly refresh_token_url?: string | null
  readonly revoke_token_url?: string | null
  readonly scopes?: readonly Scope[]
  readonly scope_delimiter?: 'comma' | 'space' | 'plus'
}

/** A definition as it is written: the fields of its authentication type, and for OAuth `client_id` and `client_secret`. */
export interface ServiceInput {
  readonly link_name: string
  readonly name: string
  readonly auth_type: AuthType
  readonly client_id?: string | null | undefined
  readonly client_secret?: string | null | undefined
  readonly [field: string]: unknown
}

/** Some fields of a definition; what is left out stays. `keep_connections` goes with a changed client secret alone. */
export type ServicePatch = Readonly<Record<string, unknown>>

export interface EditPreview {
  readonly revokes: readonly { readonly link_name: string; readonly owner: string }[]
  readonly count: number
  readonly confirm_hosts: readonly string[]
}

/** A definition that would be stored. */
export interface CheckedService {
  /** As they would be stored; derived when none were named. */
  readonly api_hosts: readonly string[]
  readonly every_host: boolean
}

export interface ServiceTest {
  readonly outcome: 'client_accepted' | 'client_refused' | 'not_a_token_endpoint' | 'host_unreachable'
  readonly steps: readonly TraceStep[]
}

export interface RequestedService {
  readonly requested_at: string
  readonly administrators: readonly { readonly id: string; readonly name: string }[]
  /** An administrator has been mailed: now, or about the same request in the last day. */
  readonly mailed: boolean
}

/** A member asks the administrators for a default service. */
export interface ServiceRequest {
  readonly service: { readonly link_name: string; readonly name: string }
  readonly requested_by: { readonly id: string; readonly name: string; readonly email: string }
  readonly note: string | null
  readonly requested_at: string
}

// ── connections

export type ConnectionStatus = 'authorization_required' | 'connected' | 'refresh_failing' | 'reauthorization_required' | 'revoked'

/** Who may call a connection directly. */
export type ConnectionAccess = 'private' | 'organization' | { readonly members: readonly string[] }

export interface Account {
  readonly id: string | null
  readonly label: string | null
}

export interface Connection {
  readonly link_name: string
  readonly name: string
  readonly service: {
    readonly link_name: string
    readonly name: string
    readonly kind: 'default' | 'custom'
    readonly auth_type: AuthType
    /** OAuth 2 only: with client credentials there is no page of the service to go to. */
    readonly grant_type: 'authorization_code' | 'client_credentials' | null
    readonly logo: string | null
  }
  readonly scopes: readonly string[]
  readonly granted_scopes: readonly string[] | null
  /** Asked for, although the service’s definition does not list them. */
  readonly unlisted_scopes: readonly string[]
  readonly use_login_user_credentials: boolean
  readonly access: ConnectionAccess
  readonly owner: { readonly id: string; readonly name: string | null }
  readonly view: 'own' | 'shared'
  readonly status: ConnectionStatus
  readonly status_reason: string | null
  readonly status_detail: string | null
  readonly status_since: string
  readonly status_action: string | null
  readonly expires_at: string | null
  readonly has_refresh_token: boolean
  readonly warnings: readonly string[]
  /** When the back-up was made that its refresh token comes from, until the first renewal; null otherwise. */
  readonly restored_from: string | null
  readonly account: Account | null
  /** After a revocation: whether the service was told. */
  readonly revoked_at_provider: string | null
  /** What the connection filled in, without what the service calls secret. */
  readonly variables: Values
  /** Where its calls may go; variables are filled in where they are known. */
  readonly api_hosts: readonly string[]
  /** Added since the caller connected: no call goes there before `confirmHosts`. */
  readonly hosts_to_confirm: readonly string[]
  readonly last_used_at: string | null
  readonly created_at: string
  readonly updated_at: string
}

export interface NewConnection extends AuthorizeInput {
  readonly service: string
  readonly name: string
  readonly link_name: string
  readonly use_login_user_credentials?: boolean | undefined
  readonly access?: ConnectionAccess | undefined
}

export interface ConnectionPatch extends AuthorizeInput {
  readonly name?: string | undefined
  readonly access?: ConnectionAccess | undefined
}

export interface AuthorizeInput {
  readonly scopes?: readonly string[] | undefined
  readonly variables?: Values | undefined
  /** The answers to `fields`. */
  readonly credentials?: Values | undefined
  /** A path of Patchbay where the browser lands afterwards. */
  readonly return_to?: string | undefined
}

/** A box of the form that a person fills in. */
export interface Field {
  readonly name: string
  readonly display_name: string
  readonly secret: boolean
  readonly placeholder?: string
  readonly example?: string
  readonly prefix?: string
  readonly suffix?: string
  readonly choices?: readonly string[]
  readonly help_url?: string
}

/** What has to happen next. */
export type Authorization =
  | { readonly kind: 'fields'; readonly fields: readonly Field[] }
  | { readonly kind: 'redirect'; readonly url: string; readonly expires_at: string }
  | { readonly kind: 'none' }

export interface Started {
  readonly connection: Connection
  readonly authorization: Authorization
}

export interface Revoked {
  readonly revoked_at_provider: 'pending' | 'yes' | 'no' | 'not_supported'
  readonly count: number
}

/** Somebody's authorisation of a connection. */
export interface HeldAuthorization {
  readonly subject: { readonly id: string; readonly name: string | null; readonly email: string | null }
  readonly status: ConnectionStatus
  readonly status_reason: string | null
  readonly status_since: string
  readonly granted_scopes: readonly string[] | null
  readonly expires_at: string | null
  readonly has_refresh_token: boolean
  readonly account: Account | null
  readonly revoked_at_provider: string | null
  readonly created_at: string
}

/** One line of a recorded authorisation; secrets masked. */
export interface TraceStep {
  readonly step: string
  readonly method?: string
  readonly url?: string
  readonly parameters?: Values
  readonly status?: number
  readonly error?: string
  readonly error_description?: string
  readonly detail?: string
}

export interface Attempt {
  readonly id: string
  readonly subject: { readonly id: string; readonly name: string | null }
  readonly started_at: string
  readonly finished_at: string | null
  readonly outcome: 'started' | 'connected' | 'declined' | 'failed' | 'expired'
  readonly steps: readonly TraceStep[]
  readonly diagnosis: string | null
}

export interface ConnectionTest {
  readonly ok: boolean
  readonly status_code: number
  readonly duration_ms: number
}

export interface Uses {
  readonly functions: readonly unknown[]
  readonly keys: readonly { readonly id: string; readonly name: string; readonly owner: string | null }[]
  readonly recent_callers: readonly {
    readonly user: { readonly id: string; readonly name: string | null }
    readonly key_id: string | null
    readonly calls: number
    readonly last_at: string
  }[]
}

export interface Snippets {
  readonly invokeurl: string
  readonly json: string
  readonly curl: string
  readonly typescript: string
  readonly proxy: string
}

// ── invoke

export interface InvokeInput {
  readonly url: string
  /** GET by default. */
  readonly type?: Method | undefined
  readonly headers?: Readonly<Record<string, unknown>> | undefined
  /** A map: the query for GET and HEAD, a form otherwise. Text: the raw body. */
  readonly parameters?: string | Readonly<Record<string, unknown>> | null | undefined
  /** A map: multipart, or what the content type says. Text: text/plain. A list of parts: multipart. */
  readonly body?: unknown
  readonly content_type?: string | null | undefined
  readonly files?:
    | readonly {
        readonly name?: string | undefined
        readonly filename: string
        readonly content_type?: string | undefined
        readonly content_base64: string
      }[]
    | null
    | undefined
  readonly response_format?: 'auto' | 'string' | 'file' | undefined
  readonly response_decoding?: string | null | undefined
  /** 1 000 to 60 000; 40 000 by default. */
  readonly timeout_ms?: number | undefined
}

export interface InvokeAnswer<Body = unknown> {
  readonly status_code: number
  readonly headers: Values
  /** Decoded JSON, a text, or a file; null when empty. */
  readonly body: Body
  readonly duration_ms: number
}

export interface AnsweredFile {
  readonly filename: string
  readonly content_type: string
  readonly size: number
  readonly content_base64: string
}
