import { z } from 'zod'
import { randomToken, type State } from './state.ts'
import { json, Refusal, type Exchange, type Handler } from './exchange.ts'
import { dialectOptions } from './dialects.ts'

const name = z.string().min(1).max(100)
const fixed = z.record(name, z.string().max(500)).default({})
const style = z.enum(['any', 'body', 'basic', 'basic_form_encoded', 'query', 'headers', 'client_secret_jwt', 'private_key_jwt', 'none'])
const placement = z.strictObject({ place: z.enum(['header', 'query', 'form', 'cookie']), name, prefix: z.string().max(50).default('') })

/** How a client proves who it is. `any` takes Basic (either decoding) or the body, and only one of them. */
export type ClientStyle = z.infer<typeof style>
export type Placement = z.infer<typeof placement>

/**
 * How this service behaves towards one client: each row is a knob some real service has turned.
 * The defaults are RFC 6749, RFC 7636, RFC 7009 and RFC 6750 as written.
 */
export const clientOptions = z.strictObject({
  auto: z.enum(['ask', 'accept', 'reject']).default('ask'),
  // the authorization request and its answer
  client_id_parameter: name.default('client_id'),
  client_secret_parameter: name.default('client_secret'),
  scope_parameter: name.default('scope'),
  second_scope_parameter: name.nullable().default(null),
  scope_separator: z.string().min(1).max(5).default(' '),
  scopes: z.array(name).max(100).nullable().default(null),
  code_parameter: name.default('code'),
  pkce: z.enum(['optional', 'required', 'refused']).default('optional'),
  offline_parameter: z.tuple([name, name]).nullable().default(null),
  remember_consent: z.boolean().default(false),
  iss: z.boolean().default(false),
  callback_extras: fixed,
  code_seconds: z.number().min(0).max(3600).default(60),
  // the token request
  token_method: z.enum(['POST', 'GET', 'any']).default('POST'),
  token_request_body: z.enum(['form', 'json', 'query', 'form_or_query']).default('form'),
  client_authentication: z
    .union([style, z.strictObject({ code: style, refresh: style, client_credentials: style, revoke: style }).partial()])
    .default('any'),
  client_headers: z.strictObject({ id: name, secret: name }).default({ id: 'x-client-id', secret: 'x-client-secret' }),
  public_key: z.string().max(5000).nullable().default(null),
  token_headers: fixed,
  required_parameters: z
    .strictObject({ authorize: fixed, code: fixed, refresh: fixed, client_credentials: fixed, revoke: fixed })
    .prefault({}),
  grant_type_names: fixed,
  redirect_uri_on_refresh: z.enum(['optional', 'required', 'refused']).default('optional'),
  scope_on_refresh: z.enum(['optional', 'required', 'refused']).default('optional'),
  token_on_other_host: z.boolean().default(false),
  // the token response
  response_format: z.enum(['json', 'form', 'json_as_html', 'json_as_text']).default('json'),
  response_paths: z
    .partialRecord(z.enum(['access_token', 'refresh_token', 'id_token', 'token_type', 'expires_in', 'scope']), name)
    .default({}),
  response_fields: z.record(name, z.json()).default({}),
  access_token_seconds: z.number().min(0).max(1e9).nullable().default(3600),
  access_token_format: z.enum(['opaque', 'jwt']).default('opaque'),
  expires_format: z
    .enum(['seconds', 'string', 'decimal_string', 'milliseconds', 'iso', 'epoch', 'epoch_milliseconds', 'absent', 'null', 'zero', 'jwt'])
    .default('seconds'),
  token_type: z.string().max(50).nullable().default('Bearer'),
  scope_in_response: z.boolean().default(true),
  id_token: z.boolean().default(false),
  error_style: z.enum(['rfc6749', 'http_200', 'ok_false']).default('rfc6749'),
  error_names: fixed,
  // refreshing
  refresh_tokens: z.boolean().default(true),
  rotation: z.enum(['none', 'grace', 'strict']).default('none'),
  grace_seconds: z.number().min(0).max(86_400).default(30),
  repeat_refresh_token: z.boolean().default(false),
  refuses_early_refresh: z.boolean().default(false),
  refresh_spacing_seconds: z.number().min(0).max(86_400).default(0),
  refresh_token_idle_seconds: z.number().min(0).max(1e9).nullable().default(null),
  active_access_tokens: z.number().int().min(1).max(1000).nullable().default(null),
  // revoking
  revoke: z
    .strictObject({
      method: z.enum(['POST', 'GET', 'DELETE']).default('POST'),
      place: z.enum(['form', 'query', 'form_or_query', 'json', 'bearer']).default('form_or_query'),
      parameter: name.default('token'),
      token: z.enum(['any', 'refresh_token', 'access_token']).default('any'),
      hint_parameter: name.default('token_type_hint'),
      hint: z.enum(['optional', 'required', 'refused']).default('optional'),
      unknown_status: z.number().int().min(200).max(499).default(200),
      body: z.json().nullable().default(null),
    })
    .prefault({}),
  // calling
  api_credential: z.array(placement).max(10).nullable().default(null),
  api_headers: fixed,
  expired_answer: z
    .strictObject({ status: z.number().int().min(200).max(599), body: z.json() })
    .nullable()
    .default(null),
})

export type ClientOptions = z.infer<typeof clientOptions>
export type Phase = 'code' | 'refresh' | 'client_credentials' | 'revoke'

/** A registered client (RFC 6749 §2). `anyLoopback` takes every redirect URL on this machine: only the built-in client has it. */
export interface Client {
  readonly client_id: string
  readonly client_secret: string | null
  readonly client_name: string
  readonly redirect_uris: readonly string[]
  readonly grant_types: readonly string[]
  readonly anyLoopback: boolean
  readonly options: ClientOptions
}

const registration = z.looseObject({
  client_id: z.string().min(1).max(200).optional(),
  client_secret: z.string().min(1).max(500).optional(),
  client_name: z.string().min(1).max(200).default('A practice client'),
  redirect_uris: z.array(z.url().max(2000)).max(20).default([]),
  grant_types: z.array(name).max(10).default(['authorization_code', 'refresh_token', 'client_credentials']),
})

/** Every dialect is an authorization server of its own, with clients of its own. */
const keyOf = (dialect: string, clientId: string) => `${dialect}/${clientId}`

export const findClient = (state: State, dialect: string, clientId: string): Client | undefined =>
  state.clients.get(keyOf(dialect, clientId))

/** The client that everybody knows, in the plain service (`dialect` '') or in a dialect. */
export function registerBuiltIn(state: State, dialect: string): void {
  state.clients.set(keyOf(dialect, 'practice-client'), {
    client_id: 'practice-client',
    client_secret: 'practice-secret',
    client_name: 'Practice client',
    redirect_uris: state.redirectUris,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    anyLoopback: true,
    options: dialectOptions(dialect),
  })
}

/** POST /oauth2/clients: dynamic registration in the manner of RFC 7591, with the knobs as further members. */
export const registerClient: Handler = async exchange => {
  const { value } = await exchange.body()
  const known = registration.safeParse(value)
  if (!known.success) throw metadataRefusal(known.error)
  const { client_id, client_secret, client_name, redirect_uris, grant_types, ...knobs } = known.data
  const options = clientOptions.safeParse({ ...dialectOptions(exchange.dialect), ...knobs })
  if (!options.success) throw metadataRefusal(options.error)
  const isPublic = options.data.client_authentication === 'none'
  const client: Client = {
    client_id: client_id ?? randomToken('client'),
    client_secret: client_secret ?? (isPublic ? null : randomToken('secret')),
    client_name,
    redirect_uris,
    grant_types,
    anyLoopback: false,
    options: options.data,
  }
  exchange.state.clients.set(keyOf(exchange.dialect, client.client_id), client)
  exchange.state.counters.registrations++
  const { anyLoopback: _, options: resolved, ...shown } = client
  return json(201, { ...shown, options: resolved })
}

const metadataRefusal = (error: z.ZodError): Refusal =>
  new Refusal(400, 'invalid_client_metadata', error.issues.map(issue => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; '))

/** Exact comparison (RFC 9700 §2.1); loopback addresses of the built-in client are the one exception. */
export function redirectUriAllowed(client: Client, redirectUri: string): boolean {
  if (client.redirect_uris.includes(redirectUri)) return true
  return client.anyLoopback && URL.canParse(redirectUri) && isLoopback(new URL(redirectUri))
}

const isLoopback = (url: URL): boolean => /^https?:$/.test(url.protocol) && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)

export const styleOf = (options: ClientOptions, phase: Phase): ClientStyle =>
  typeof options.client_authentication === 'string' ? options.client_authentication : (options.client_authentication[phase] ?? 'any')

/** The service's own name as an authorization server (RFC 8414 §2). */
export const issuerOf = (exchange: Exchange): string => exchange.origin + exchange.prefix
