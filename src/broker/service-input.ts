import { z } from 'zod'
import { deriveHosts } from '../core/api-hosts.ts'
import type { Principal } from '../core/principal.ts'
import { invalid, linkNameTaken, Problem, type FieldError } from '../core/problem.ts'
import { hasClient, serviceInput, type ServiceDefinition } from '../core/service.ts'
import { fill, placeholdersOf } from '../core/template.ts'
import type { Broker } from './broker.ts'

/** What somebody writes about a service, judged before anything is stored or asked. */

/** Client id and secret travel beside the definition: the one is a column, the other is sealed. */
const registration = z.object({
  client_id: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .regex(/^[\x20-\x7e]+$/, 'A client id has visible ASCII characters only.')
    .optional(),
  client_secret: z
    .string()
    .min(1)
    .max(16_384)
    // what a form shows in place of a secret that it does not know
    .refine(value => !/^[•●*…]+$/u.test(value), 'This stands for a secret and is none. Leave the field out to keep the one that is stored.')
    .optional(),
})

const issues = (error: z.ZodError): FieldError[] =>
  error.issues.flatMap(issue =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map(key => ({ path: [...issue.path, key.slice(0, 100)].join('.'), message: 'There is no such field.' }))
      : [{ path: issue.path.join('.'), message: issue.message }],
  )

/** @throws Problem validation_failed with every field that is wrong. */
export function parseDefinition(input: unknown): ServiceDefinition & { api_hosts: readonly string[] } {
  const parsed = serviceInput.safeParse(input)
  if (!parsed.success) throw new Problem('validation_failed', {}, { errors: issues(parsed.error) })
  const service = parsed.data
  return { ...service, api_hosts: service.api_hosts ?? [] }
}

/** Hosts of an OAuth service that named none: of its own URLs, and those that a default service with the same token host has. */
export function derivedHosts(broker: Pick<Broker, 'catalogue'>, service: ServiceDefinition): string[] {
  if (!hasClient(service)) return []
  const urls = [service.access_token_url, service.authorize_url].filter(url => url !== null)
  const sample = (url: string) =>
    fill(url, Object.fromEntries(placeholdersOf(url).map(name => [name, service.advanced.variables?.[name]?.choices?.[0] ?? 'x'])))
  const own = urls.flatMap(url => (placeholdersOf(url).length > 0 ? [templateHost(url)] : deriveHosts([url])))
  const proposed = broker.catalogue.hostsForTokenHost(new URL(sample(service.access_token_url)).host)
  return [...new Set([...own, ...proposed])]
}

const templateHost = (url: string) => /^https?:\/\/([^/?#]*)/i.exec(url)?.[1]?.toLowerCase() ?? ''

export function withHosts(broker: Broker, principal: Principal, service: ServiceDefinition): ServiceDefinition {
  if (service.api_hosts.includes('*') && principal.role !== 'administrator')
    throw invalid('api_hosts', 'Only an administrator may allow every host ("*").')
  return service.api_hosts.length > 0 ? service : { ...service, api_hosts: derivedHosts(broker, service) }
}

export function splitRegistration(input: Readonly<Record<string, unknown>>) {
  const { client_id, client_secret, ...definition } = input
  const parsed = registration.safeParse({ ...(client_id != null && { client_id }), ...(client_secret != null && { client_secret }) })
  if (!parsed.success) throw new Problem('validation_failed', {}, { errors: issues(parsed.error) })
  return { definition, client: parsed.data }
}

/** Words that stand where a link name stands: /api/v1/services/requests. */
const ownPaths: ReadonlySet<string> = new Set(['requests'])

/** A definition that can be stored, with the hosts it will have, and the client that stands beside it. */
export interface JudgedService {
  readonly definition: ServiceDefinition
  readonly client: z.infer<typeof registration>
}

/**
 * A new custom service as far as it can be judged without the organisation's own services.
 * @throws Problem validation_failed, link_name_taken
 */
export function judged(broker: Broker, principal: Principal, input: Readonly<Record<string, unknown>>): JudgedService {
  const { definition: rest, client } = splitRegistration(input)
  const definition = withHosts(broker, principal, parseDefinition(rest))
  if (hasClient(definition)) {
    if (!client.client_id)
      throw invalid('client_id', definition.auth_type === 'oauth1' ? 'The consumer key is needed.' : 'The client id is needed.')
    if (definition.auth_type === 'oauth1' && !client.client_secret) throw invalid('client_secret', 'The consumer secret is needed.')
  } else if (client.client_id ?? client.client_secret) {
    throw invalid(client.client_id ? 'client_id' : 'client_secret', `A service of the type ${definition.auth_type} has no client.`)
  }
  if (broker.catalogue.get(definition.link_name))
    throw linkNameTaken(definition.link_name, 'A default service has this link name. Choose another one.')
  if (ownPaths.has(definition.link_name)) throw invalid('link_name', 'This word is a path of Patchbay itself. Choose another link name.')
  return { definition, client }
}
