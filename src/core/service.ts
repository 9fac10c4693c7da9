import { z } from 'zod'
import { hostRuleProblem, normaliseHostRule } from './api-hosts.ts'
import { advanced, parameterName, text, urlTemplate, type variable, webLink, words } from './knobs.ts'
import { displayName, linkName } from './link-name.ts'
import { headerNamePattern } from './request.ts'
import { placeholdersOf } from './template.ts'

/**
 * What a service definition can say: one schema for default services (JSON files) and custom ones (rows), in the words of the wire.
 * Each knob is named once, here, and documented by its `description`; docs/services.md and the JSON schema are generated from it.
 */

const hostRule = z
  .string()
  .max(260)
  .superRefine((rule, context) => {
    const problem = hostRuleProblem(rule)
    if (problem) context.addIssue({ code: 'custom', message: problem })
  })
  .transform(normaliseHostRule)

const parameter = z.strictObject({
  name: parameterName,
  display_name: displayName,
  secret: z.boolean().optional(),
  placeholder: words.optional(),
  pattern: z.string().max(200).optional(),
  example: words.optional(),
  help_url: webLink.optional(),
})
export type Parameter = z.infer<typeof parameter>

export const scope = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .regex(/^[\x21-\x7e]+$/, 'A scope has visible ASCII characters only.'),
  description: text(500).default(''),
})

const base = {
  link_name: linkName,
  name: displayName,
  description: words.nullable().default(null),
  category: text(50).nullable().default(null),
  logo: text(100).nullable().default(null).meta({ description: 'A simple-icons slug; without one a letter tile is drawn.' }),
  documentation_url: webLink.nullable().default(null),
  advanced: advanced.default({}),
}
const requiredHosts = z.array(hostRule).min(1, 'Name the hosts that may receive the credential.').max(50)
const optionalHosts = z.array(hostRule).max(50).optional().meta({ description: 'Left out: derived from the token and authorize URLs.' })

const basic = z.strictObject({
  ...base,
  auth_type: z.literal('basic'),
  param_type: z.literal('header').default('header'),
  api_hosts: requiredHosts,
})

const apiKey = z.strictObject({
  ...base,
  auth_type: z.literal('api_key'),
  param_type: z.enum(['header', 'query', 'form']).default('header'),
  parameters: z
    .array(parameter)
    .min(1, 'An API key service has at least one parameter.')
    .max(20)
    .refine(list => new Set(list.map(one => one.name.toLowerCase())).size === list.length, 'Two parameters have the same name.'),
  api_hosts: requiredHosts,
})

const oauth1 = z.strictObject({
  ...base,
  auth_type: z.literal('oauth1'),
  param_type: z.enum(['header', 'query', 'form']).default('header'),
  request_token_url: urlTemplate,
  authorize_url: urlTemplate,
  access_token_url: urlTemplate,
  refresh_token_url: urlTemplate.nullable().default(null),
  api_hosts: optionalHosts,
})

const oauth2 = z.strictObject({
  ...base,
  auth_type: z.literal('oauth2'),
  param_type: z.enum(['header', 'query']).default('header'),
  grant_type: z.enum(['authorization_code', 'client_credentials']).default('authorization_code'),
  authorize_url: urlTemplate.nullable().default(null),
  access_token_url: urlTemplate,
  refresh_token_url: urlTemplate.nullable().default(null),
  revoke_token_url: urlTemplate.nullable().default(null),
  scopes: z
    .array(scope)
    .max(1000)
    .default([])
    .refine(list => new Set(list.map(one => one.name)).size === list.length, 'A scope is listed twice.'),
  scope_delimiter: z.enum(['comma', 'space', 'plus']).default('comma'),
  api_hosts: optionalHosts,
})

/** What somebody writes. `api_hosts` may still be missing for OAuth services. */
export const serviceInput = z.discriminatedUnion('auth_type', [basic, apiKey, oauth1, oauth2]).superRefine((service, context) => {
  if (service.auth_type === 'oauth2' && service.grant_type === 'authorization_code' && !service.authorize_url)
    context.addIssue({ code: 'custom', path: ['authorize_url'], message: 'The authorization code grant needs an authorize URL.' })
  if (service.auth_type === 'api_key' && service.param_type === 'header')
    service.parameters.forEach((one, i) => {
      if (!headerNamePattern.test(one.name))
        context.addIssue({ code: 'custom', path: ['parameters', i, 'name'], message: 'This is not a header name (RFC 9110).' })
    })
})

type WithHosts<T> = T extends unknown ? Omit<T, 'api_hosts'> & { api_hosts: readonly string[] } : never

/** A complete definition, as it is stored and used. */
export type ServiceDefinition = WithHosts<z.infer<typeof serviceInput>>
export type BasicService = Extract<ServiceDefinition, { auth_type: 'basic' }>
export type ApiKeyService = Extract<ServiceDefinition, { auth_type: 'api_key' }>
export type OAuth1Service = Extract<ServiceDefinition, { auth_type: 'oauth1' }>
export type OAuth2Service = Extract<ServiceDefinition, { auth_type: 'oauth2' }>
export type AuthType = ServiceDefinition['auth_type']

export const hasClient = (service: ServiceDefinition): service is OAuth1Service | OAuth2Service =>
  service.auth_type === 'oauth1' || service.auth_type === 'oauth2'

/** Every text of a definition in which a variable may stand. */
function templatesOf(service: ServiceDefinition): string[] {
  const a = service.advanced
  const urls = hasClient(service)
    ? [
        service.authorize_url,
        service.access_token_url,
        service.refresh_token_url,
        'request_token_url' in service ? service.request_token_url : null,
        'revoke_token_url' in service ? service.revoke_token_url : null,
      ]
    : []
  const maps = [
    a.headers,
    a.authorize_params,
    a.token_params,
    a.refresh_params,
    a.token_headers,
    a.revoke_params,
    a.after_connect?.headers,
  ].flatMap(map => Object.values(map ?? {}))
  return [
    ...urls,
    ...service.api_hosts,
    a.base_url,
    a.test_url,
    a.after_connect?.url,
    ...maps,
    ...(a.placements ?? []).map(one => one.value),
  ].filter(one => typeof one === 'string')
}

export interface Variable extends z.infer<typeof variable> {
  readonly name: string
  /** Stands in a host: its value is held to DNS labels. */
  readonly host: boolean
}

/** The variables somebody is asked for when connecting: the declared ones and any other `{name}` found in a URL. Captured ones are not asked. */
export function variablesOf(service: ServiceDefinition): Variable[] {
  const templates = templatesOf(service)
  const given = new Set([
    'access_token',
    'basic',
    'username',
    'password',
    ...('parameters' in service ? service.parameters.map(one => one.name) : []),
  ])
  const captured = new Set([
    ...Object.keys(service.advanced.capture ?? {}),
    ...Object.keys(service.advanced.capture_callback ?? {}),
    ...Object.keys(service.advanced.after_connect?.capture ?? {}),
  ])
  const names = new Set([...Object.keys(service.advanced.variables ?? {}), ...templates.flatMap(placeholdersOf)])
  const urlLike = templates.filter(one => /^https?:/.test(one) || service.api_hosts.includes(one))
  return [...names]
    .filter(name => !given.has(name) && !captured.has(name) && !service.advanced.variables?.[name]?.captured)
    .map(name => ({
      ...service.advanced.variables?.[name],
      name,
      host: urlLike.some(one => new RegExp(`^(https?://)?[^/?#]*\\{${name}\\}`).test(one)),
    }))
}
