import { z } from 'zod'
import { linkName } from './link-name.ts'
import { headerNamePattern, headerValuePattern } from './request.ts'
import { fill, placeholdersOf } from './template.ts'

/**
 * The knobs that real providers need, beyond the fields of the form: `advanced` of a service definition. Each is named once, here, and
 * documented by its `description`; docs/services.md and the JSON schema are generated from it.
 */

export const text = (max: number) => z.string().trim().max(max)

/** An address that people may click: `javascript:` and the like are none. */
export const webLink = z.url({ protocol: /^https?$/i, error: 'A link begins with https:// or http://.' })
export const words = text(2000)

/** A URL that may hold `{variables}`. Line breaks are trimmed; the rest is kept byte for byte. */
export const urlTemplate = z
  .string()
  .transform(value => value.trim().replace(/[\r\n]+/g, ''))
  .pipe(
    z
      .string()
      .max(2000, 'A URL has 2000 characters at most.')
      .refine(value => {
        const sample = fill(value, Object.fromEntries(placeholdersOf(value).map(name => [name, 'x'])))
        if (!/^https?:\/\/[^/\\]/i.test(sample) || /[\s\\]/.test(sample) || !URL.canParse(sample)) return false
        const { username, password, hash } = new URL(sample)
        return !username && !password && !hash
      }, 'Write an absolute URL, https://…, without user name, password or fragment.'),
  )

export const headerName = z.string().max(100).regex(headerNamePattern, 'This is not a header name (RFC 9110).')
export const headerValue = z.string().max(8192).regex(headerValuePattern, 'A header value has visible ASCII characters only.')
export const parameterName = z
  .string()
  .min(1)
  .max(100)
  .refine(value => !/[\p{Cc}]/u.test(value), 'A parameter name has no control characters.')
const stringMap = z.record(parameterName, z.string().max(2000))
const headerMap = z.record(headerName, headerValue)
/** A dotted path into a JSON answer, `authed_user.access_token`; several are tried in turn. */
const path = z.string().min(1).max(200)
const paths = z.union([path, z.array(path).min(1).max(5)])

export const phases = ['code', 'refresh', 'client_credentials', 'revoke'] as const
export type Phase = (typeof phases)[number]

/** One value for every phase, or one by phase: a provider may want Basic for the code and the body for a refresh. */
const perPhase = <T extends z.ZodType>(value: T) => z.union([value, z.partialRecord(z.enum(phases), value)])

export const clientAuthentication = z.enum(['body', 'basic', 'basic_form_encoded', 'query', 'headers', 'none'])
export type ClientAuthentication = z.infer<typeof clientAuthentication>

const placement = z.strictObject({
  in: z.enum(['header', 'query', 'form', 'cookie']),
  name: parameterName,
  value: z
    .string()
    .min(1)
    .max(2000)
    .meta({ description: 'A template: {access_token}, an API key parameter as {api-key}, Basic as {basic}, or a variable.' }),
})

export const variable = z.strictObject({
  label: words.optional(),
  placeholder: words.optional(),
  pattern: z.string().max(200).optional().meta({ description: 'A regular expression (ECMAScript) the whole value must match.' }),
  example: words.optional(),
  prefix: words.optional(),
  suffix: words.optional(),
  choices: z.array(z.string().max(200)).max(50).optional().meta({ description: 'Makes it a menu; the first is preselected.' }),
  default: z.string().max(200).optional(),
  secret: z.boolean().optional(),
  help_url: webLink.optional(),
  captured: z
    .boolean()
    .optional()
    .meta({ description: 'Filled from the token response, callback or after-connect call; nobody is asked.' }),
})

/** A field of an answer that must (not) hold a value, e.g. `{ "path": "ok", "equals": false }`. */
const condition = z.strictObject({ path, equals: z.union([z.string(), z.number(), z.boolean(), z.null()]) })

export const advanced = z.strictObject({
  // authorize
  authorize_params: stringMap
    .optional()
    .meta({ description: 'Added to the authorize URL (prompt, audience, resource …). Values may hold {variables}.' }),
  client_id_param: parameterName
    .optional()
    .meta({ description: 'Name of the client-id parameter of the authorize URL. Default client_id.' }),
  scope_param: parameterName.optional().meta({ description: 'Name of the scope parameter. Default scope.' }),
  scope_separator: z
    .string()
    .min(1)
    .max(3)
    .optional()
    .meta({ description: 'What stands between scopes when it is none of comma, space, plus.' }),
  scope_encoding: z
    .enum(['percent', 'plus', 'raw'])
    .optional()
    .meta({ description: 'How blanks and separators of the scope list are written in the authorize URL. Default percent.' }),
  default_scopes: z.array(text(500)).max(200).optional().meta({ description: 'Preselected when somebody connects.' }),
  required_scopes: z.array(text(500)).max(200).optional().meta({ description: 'Always asked for.' }),
  second_scopes: z
    .strictObject({ param: parameterName, scopes: z.array(text(500)).max(200) })
    .optional()
    .meta({ description: 'A second scope parameter with its scopes (Slack’s user_scope).' }),
  pkce: z.enum(['S256', 'off']).optional().meta({ description: 'RFC 7636. Default S256.' }),
  code_param: parameterName.optional().meta({ description: 'Name of the code parameter in the callback. Default code.' }),
  issuer: z.url().optional().meta({ description: 'RFC 9207: when set, the callback must carry exactly this iss.' }),
  // token request, per phase
  client_authentication: perPhase(clientAuthentication)
    .optional()
    .meta({ description: 'How the client proves itself at the token endpoint. Default body.' }),
  client_id_header: headerName.optional().meta({ description: 'With client_authentication headers: the header for the client id.' }),
  client_secret_header: headerName
    .optional()
    .meta({ description: 'With client_authentication headers: the header for the client secret.' }),
  token_method: perPhase(z.enum(['POST', 'GET', 'PUT', 'DELETE']))
    .optional()
    .meta({ description: 'Default POST.' }),
  token_body: perPhase(z.enum(['form', 'json', 'query']))
    .optional()
    .meta({ description: 'Where the parameters of the request go. Default form.' }),
  token_headers: headerMap.optional().meta({ description: 'Headers for the token endpoint.' }),
  token_params: stringMap.optional().meta({ description: 'Added to the code and client-credentials requests.' }),
  refresh_params: stringMap.optional().meta({ description: 'Added to the refresh request.' }),
  revoke_params: stringMap.optional().meta({ description: 'Added to the revoke request.' }),
  refresh_redirect_uri: z.boolean().optional().meta({ description: 'Send redirect_uri with a refresh. Default no.' }),
  refresh_scope: z.boolean().optional().meta({ description: 'Send the scopes with a refresh. Default no.' }),
  code_scope: z.boolean().optional().meta({ description: 'Send the scopes with the code. Default no.' }),
  grant_types: z
    .partialRecord(z.enum(phases), text(200))
    .optional()
    .meta({ description: 'Other grant_type values than the standard ones.' }),
  // token response
  access_token_path: paths
    .optional()
    .meta({ description: 'Where the access token stands in the answer; several paths are tried in turn. Default access_token.' }),
  refresh_token_path: paths.optional().meta({ description: 'Where the refresh token stands. Default refresh_token.' }),
  id_token_path: paths.optional().meta({ description: 'Where the id token stands. Default id_token.' }),
  token_type_path: paths.optional().meta({ description: 'Where the token type stands. Default token_type.' }),
  expires_path: paths
    .optional()
    .meta({ description: 'Where the lifetime stands. Default expires_in. Less than a second is no known end: a 401 says when.' }),
  scope_path: paths.optional().meta({ description: 'Where the granted scopes stand. Default scope.' }),
  expires_format: z
    .enum(['seconds', 'milliseconds', 'iso', 'epoch', 'epoch_milliseconds'])
    .optional()
    .meta({ description: 'Default seconds from now.' }),
  default_lifetime_seconds: z
    .int()
    .positive()
    .max(315_360_000)
    .optional()
    .meta({ description: 'Lifetime of an access token when the answer names none, or less than a second.' }),
  lifetime_from_jwt: z.boolean().optional().meta({ description: 'Take the end from the access token’s own exp claim.' }),
  capture: z
    .record(linkName, paths)
    .optional()
    .meta({ description: 'Fields of the token response that become variables (instance_url, api_domain).' }),
  capture_callback: z
    .record(linkName, parameterName)
    .optional()
    .meta({ description: 'Callback parameters that become variables (realmId, location).' }),
  error_when: z.array(condition).max(5).optional().meta({ description: 'An HTTP 200 that is an error (ok: false).' }),
  // refresh
  refresh_margin_seconds: z.int().min(0).max(86_400).optional().meta({
    description: 'How long before the end a token is renewed. Default: a tenth of its life, one to five minutes, give or take a fifth.',
  }),
  never_refresh_early: z.boolean().optional().meta({ description: 'The service refuses to renew a token that is still valid.' }),
  rotation: z
    .enum(['always', 'maybe', 'never'])
    .optional()
    .meta({ description: 'Whether a refresh gives a new refresh token. Default maybe.' }),
  rotation_grace_seconds: z
    .int()
    .min(0)
    .max(86_400)
    .optional()
    .meta({ description: 'How long the service accepts the previous refresh token.' }),
  refresh_spacing_seconds: z.int().min(0).max(3600).optional().meta({ description: 'Least time between two refreshes of one connection.' }),
  keep_alive_days: z.int().min(1).max(400).optional().meta({ description: 'Refresh tokens that die unused: renew at least this often.' }),
  expired_when: z
    .strictObject({ statuses: z.array(z.int().min(200).max(599)).max(10).optional(), body: z.array(condition).max(5).optional() })
    .optional()
    .meta({ description: 'Answers that mean the access token has expired, besides 401.' }),
  // revoke
  revoke_token: z
    .enum(['refresh_token', 'access_token', 'both'])
    .optional()
    .meta({ description: 'What is revoked. Default the refresh token, else the access token.' }),
  revoke_token_param: parameterName.optional().meta({ description: 'Default token.' }),
  revoke_hint: z.boolean().optional().meta({ description: 'Send token_type_hint. Default no.' }),
  revoke_bearer: z.boolean().optional().meta({ description: 'Authorise the revoke call with the access token.' }),
  // placing the credential
  base_url: urlTemplate.optional().meta({ description: 'Where /proxy/{connection}/{path} and relative URLs go.' }),
  header_name: headerName.optional().meta({ description: 'Default Authorization.' }),
  header_prefix: z
    .string()
    .max(100)
    .optional()
    .meta({ description: 'Before the token, e.g. Zoho-oauthtoken; empty for none. Default the token type.' }),
  query_name: parameterName.optional().meta({ description: 'With Param Type query. Default access_token.' }),
  placements: z
    .array(placement)
    .min(1)
    .max(10)
    .optional()
    .meta({ description: 'Where the credential goes, when once is not enough. Replaces Param Type.' }),
  headers: headerMap.optional().meta({ description: 'Fixed headers on every call (version, user agent). Values may hold {variables}.' }),
  // OAuth 1
  signature_method: z
    .enum(['HMAC-SHA1', 'HMAC-SHA256', 'RSA-SHA1', 'PLAINTEXT'])
    .optional()
    .meta({ description: 'Default HMAC-SHA1. With RSA-SHA1 the client secret is the private key (PEM).' }),
  realm: headerValue.optional().meta({ description: 'OAuth 1: the realm of the Authorization header.' }),
  allow_unconfirmed_callback: z
    .boolean()
    .optional()
    .meta({ description: 'OAuth 1.0 without oauth_callback_confirmed. Open to session fixation.' }),
  // limits
  methods: z
    .array(z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']))
    .min(1)
    .optional()
    .meta({ description: 'The only methods that may be called.' }),
  path_prefix: z
    .string()
    .regex(/^\/[A-Za-z0-9._~/-]*$/, 'A path prefix starts with / and has no special characters.')
    .max(500)
    .optional()
    .meta({ description: 'The only paths that may be called: this one and those under it.' }),
  retry_after_header: headerName.optional().meta({ description: 'Where the service says when to try again. Default Retry-After.' }),
  concurrency: z.int().min(1).max(1000).optional().meta({ description: 'Calls at one time through one connection.' }),
  // test and identity
  test_url: urlTemplate.optional().meta({ description: 'A harmless GET that proves the credential works.' }),
  after_connect: z
    .strictObject({
      url: urlTemplate,
      headers: headerMap.optional(),
      id_path: paths.optional(),
      label_path: paths.optional(),
      capture: z.record(linkName, paths).optional(),
    })
    .optional()
    .meta({ description: 'Called once after connecting: whose account is it, which host is theirs. Headers may hold {access_token}.' }),
  // form
  variables: z
    .record(linkName, variable)
    .refine(all => Object.keys(all).length <= 50, 'A service has 50 variables at most.')
    .optional()
    .meta({ description: 'Asked for when connecting, used as {name}.' }),
  register_url: webLink.optional().meta({ description: 'Where an app is registered with the service.' }),
  redirect_url_hint: words.optional().meta({ description: 'What to know when registering the redirect URL.' }),
  refresh_token_hint: words.optional().meta({ description: 'What to change when no refresh token comes back.' }),
})
export type Advanced = z.infer<typeof advanced>

/** The value of a knob for one phase. */
export function forPhase<T>(knob: T | Partial<Record<Phase, T>> | undefined, phase: Phase, fallback: T): T {
  if (knob === undefined) return fallback
  if (typeof knob === 'object' && knob !== null) return (knob as Partial<Record<Phase, T>>)[phase] ?? fallback
  return knob
}
