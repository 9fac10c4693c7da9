import type { IncomingResponse, OutgoingRequest } from '../core/request.ts'
import type { Secret } from '../core/secret.ts'
import type { StatusReason } from '../core/connection.ts'
import type { ServiceDefinition } from '../core/service.ts'

/** One box of the form that a person fills in. `name` is the key of the answer. */
export interface Field {
  readonly name: string
  readonly display_name: string
  readonly secret: boolean
  readonly placeholder?: string
  readonly pattern?: string
  readonly example?: string
  readonly prefix?: string
  readonly suffix?: string
  readonly choices?: readonly string[]
  readonly help_url?: string
}

/** What has to happen before there is a credential. */
export type Step =
  /** A person gives values (Basic, API key). */
  | { readonly kind: 'ask'; readonly fields: readonly Field[] }
  /** A browser goes to `url` and comes back to the redirect URL; `memory` is sealed and handed to `finish`. */
  | { readonly kind: 'redirect'; readonly url: string; readonly memory: Readonly<Record<string, string>> }
  /** Connected already (client credentials). */
  | { readonly kind: 'done'; readonly grant: Grant }

/** What a service gave us. `credential` is sealed as it is; everything else is not secret. */
export interface Grant {
  readonly credential: Readonly<Record<string, unknown>>
  /** Seconds the access token lives from now on; null when the service named no end. */
  readonly expiresInSeconds: number | null
  /** Null when the service said nothing about scopes. */
  readonly grantedScopes: readonly string[] | null
  readonly hasRefreshToken: boolean
  /** Variables taken from the token response or the callback. */
  readonly captured: Readonly<Record<string, string>>
  /** OAuth 1: what the service's clock is ahead of ours, learned from its refusal. */
  readonly clockOffsetSeconds?: number
}

/** The organisation's registration at the service (RFC 6749 §2.2, RFC 5849 §1.1). */
export interface Client {
  readonly id: string
  readonly secret: Secret | null
}

/** One line of a recorded authorisation: what was sent (secrets masked) and what came back. */
export interface TraceStep {
  readonly step: string
  readonly method?: string
  readonly url?: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly status?: number
  /** The provider's own error code and words, at most 300 characters, as text. */
  readonly error?: string
  readonly error_description?: string
  readonly detail?: string
}

/**
 * What a scheme works with; it imports neither the network nor the clock. `send` is the egress door: it returns whatever the service
 * answered, never follows a redirect, and throws a Problem (`upstream_unreachable`, `upstream_timeout` … with the fact `sent`) otherwise.
 */
export interface Context<S extends ServiceDefinition = ServiceDefinition> {
  readonly service: S
  readonly client: Client | null
  /** Values of the connection's variables; URLs and headers of the service are filled with them. */
  readonly variables: Readonly<Record<string, string>>
  /** The scopes the connection asks for. */
  readonly scopes: readonly string[]
  readonly redirectUrl: string
  readonly clockOffsetSeconds: number
  send(request: OutgoingRequest): Promise<IncomingResponse>
  now(): number
  random(bytes: number): Buffer
  trace(step: TraceStep): void
}

/** What `authorise` may use: no network. */
export type Placing<S extends ServiceDefinition = ServiceDefinition> = Pick<
  Context<S>,
  'service' | 'client' | 'variables' | 'clockOffsetSeconds' | 'now' | 'random'
>

/**
 * Why a token endpoint, or the authorisation page, said no: judged once, used by connect and refresh alike.
 *
 * - `revoked`     the grant is gone (invalid_grant class): connect again.
 * - `client`      our client id or secret is refused: the keeper's job, connections are not touched.
 * - `config`      the request itself is wrong (invalid_scope, invalid_request, unsupported_grant_type, 403, 404 …).
 * - `down`        no answer, 5xx, 429, 408: try later, `retryAfterSeconds` when it said so.
 * - `malformed`   an answer that is not a token response.
 * - `ambiguous`   it may have been carried out: sent, and no whole answer came back.
 */
export type RefusalKind = 'revoked' | 'client' | 'config' | 'down' | 'malformed' | 'ambiguous'

export class Refusal extends Error {
  readonly kind: RefusalKind
  readonly status: number | null
  /** The provider's error code (`invalid_grant`) and words; text from outside, at most 300 characters. */
  readonly error: string | null
  readonly description: string | null
  readonly retryAfterSeconds: number | null

  constructor(
    kind: RefusalKind,
    facts: {
      status?: number | null
      error?: string | null
      description?: string | null
      retryAfterSeconds?: number | null
      cause?: unknown
    } = {},
  ) {
    super(`the service refused (${kind})`, { cause: facts.cause })
    this.name = 'Refusal'
    this.kind = kind
    this.status = facts.status ?? null
    this.error = facts.error ?? null
    this.description = facts.description ?? null
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null
  }
}

/** A status for what a refusal means to the person whose connection it is. */
export const reasonOf: Readonly<Record<RefusalKind, StatusReason>> = {
  revoked: 'revoked_by_provider',
  client: 'client_invalid',
  config: 'scope_refused',
  down: 'provider_down',
  malformed: 'provider_confused',
  ambiguous: 'provider_down',
}

export interface Callback {
  /** The callback's query, each parameter once (the door refuses repeated ones). */
  readonly parameters: Readonly<Record<string, string>>
  readonly memory: Readonly<Record<string, string>>
}

/**
 * One authentication type. A new one is a file beside this one and a line in index.ts.
 * C is the shape of its credential, as it is sealed.
 */
export interface Scheme<S extends ServiceDefinition, C> {
  readonly authType: S['auth_type']
  /** The first step. `answers` and `state` are for redirects: `state` is ours to send along and already stored. @throws Refusal, Problem */
  begin(context: Context<S>, state: string): Promise<Step>
  /**
   * Looks at a callback before its flow is used up: one that the service cannot have sent (X08) leaves the flow to the one it did send.
   * @throws Problem context_mismatch, authorization_failed
   */
  inspectCallback?(service: S, callback: Callback): void
  /** From the callback (redirect) or a person's values (ask) to a grant. @throws Refusal, Problem validation_failed */
  finish(context: Context<S>, answer: Callback | { readonly values: Readonly<Record<string, unknown>> }): Promise<Grant>
  /** Renews. Absent, or null for a credential that cannot be renewed: then the person connects again. @throws Refusal */
  refresh?(context: Context<S>, credential: C): Promise<Grant>
  canRefresh?(service: S, credential: C): boolean
  /** Places the credential. Pure but for the nonce and the clock. @throws Problem parameter_conflict, param_type_mismatch, header_not_allowed */
  authorise(placing: Placing<S>, credential: C, request: OutgoingRequest): OutgoingRequest
  /** Headers, lower case, that this service's placement owns: a caller may not send them. */
  ownHeaders(service: S): readonly string[]
  /** True when the answer says that the access token has ended (besides a 401): OAuth 2's `expired_when`. */
  saysExpired?(service: S, response: { status: number; body: Buffer | null }): boolean
  /** Tells the provider. @returns whether it agreed; `not_supported` when the service has no revoke URL. @throws Refusal */
  revoke?(context: Context<S>, credential: C): Promise<'yes' | 'not_supported'>
  /** Every secret text in the credential, for redacting an echo of it. */
  secretsOf(credential: C): readonly string[]
  /** Tries the token endpoint with a deliberately wrong code, or the client credentials. */
  probe?(context: Context<S>): Promise<'client_accepted' | 'client_refused' | 'not_a_token_endpoint' | 'host_unreachable'>
}
