import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { deriveHosts, normaliseHostRule } from '../core/api-hosts.ts'
import { urlTemplate } from '../core/knobs.ts'
import { hasClient, serviceInput, type ServiceDefinition } from '../core/service.ts'
import { fill, hostVariablePattern, placeholdersOf } from '../core/template.ts'

/** One default service. */
export interface CatalogueService {
  readonly definition: ServiceDefinition
  /** Where the provider documents this, the day (ISO 8601) the definition was last compared with something, and with what. */
  readonly documented: Documented
  /** A documented GET of the service's API, `{variables}` and all. Its host is one of the service's `api_hosts`. */
  readonly exampleCall: string
}

/** The default services, read once at start and never changed after. */
export interface Catalogue {
  get(linkName: string): CatalogueService | undefined
  /** Every service, by name. */
  all(): readonly CatalogueService[]
  /** Every category that a service is in, in alphabetical order. */
  categories(): readonly string[]
  /**
   * The API hosts to propose for a custom service whose token URL is at `host`: those of the default services with the same token host.
   * A `{variable}` in the default's token host matches what it may hold (`accounts.{dc}` matches each of its choices), and is filled
   * into the proposal; rules with another variable are left out. Empty when no default service is there.
   */
  hostsForTokenHost(host: string): string[]
}

/** What a definition was compared with. Nobody has to read the files to know how far to trust one: the page of services lists it. */
export const documented = z.strictObject({
  on: z.iso.date().meta({ description: 'The day the definition was last compared with something; not checked: the day it was written.' }),
  page: z.url({ protocol: /^https$/ }).meta({ description: 'The provider’s own page, or a page of its own repository.' }),
  checked: z.enum(['provider page', 'secondary source', 'not checked']).meta({
    description:
      'What it was compared with. Provider page: the page, or a stored copy of a part of it. Secondary source: what others publish. Never a live account.',
  }),
})
type Documented = Readonly<z.infer<typeof documented>>

/** What a file says about a service besides its definition. */
const about = z.looseObject({
  $schema: z.string().optional(),
  documented,
  example_call: urlTemplate,
})

/** A file of the catalogue that cannot be used. It stops the start: a catalogue with a hole would surprise later, and somewhere else. */
const wrong = (file: string, field: string, sentence: string) =>
  new Error(`Default service ${file} is wrong${field ? ` at "${field}"` : ''}: ${sentence}`)

function wrongField(file: string, { issues }: z.ZodError): Error {
  const issue = issues[0]
  const field = issue?.path.join('.') ?? ''
  return wrong(file, field, issue?.message ?? 'it does not match the schema.')
}

function readService(file: string, text: string): CatalogueService {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw wrong(file, '', `it is not JSON. ${cause instanceof Error ? cause.message : ''}`)
  }
  const outer = about.safeParse(json)
  if (!outer.success) throw wrongField(file, outer.error)
  const { $schema: _, documented, example_call: exampleCall, ...input } = outer.data
  const inner = serviceInput.safeParse(input)
  if (!inner.success) throw wrongField(file, inner.error)

  const service = inner.data
  if (`${service.link_name}.json` !== file) throw wrong(file, 'link_name', 'it has to be the name of the file.')
  const oauthUrls = 'access_token_url' in service ? [service.access_token_url, service.authorize_url] : []
  const apiHosts = service.api_hosts ?? deriveHosts(oauthUrls.filter(url => url !== null))
  if (apiHosts.length === 0) throw wrong(file, 'api_hosts', 'name the hosts that may receive the credential.')
  return { definition: { ...service, api_hosts: apiHosts }, documented, exampleCall }
}

/**
 * Reads every `<link_name>.json` of a folder.
 *
 * @throws Error whose message names the file, the field and what is wrong with it; nothing is half loaded.
 */
export function loadCatalogue(directory: URL = new URL('./services/', import.meta.url)): Catalogue {
  const files = readdirSync(directory).filter(file => file.endsWith('.json'))
  const services = files.map(file => readService(file, readFileSync(new URL(encodeURIComponent(file), directory), 'utf8')))
  services.sort((a, b) => a.definition.name.localeCompare(b.definition.name, 'en'))

  const byLinkName = new Map(services.map(one => [one.definition.link_name, one]))
  const byName = new Map<string, string>()
  for (const { definition } of services) {
    const key = definition.name.toLowerCase()
    const other = byName.get(key)
    if (other) throw wrong(`${definition.link_name}.json`, 'name', `${other}.json has the same name.`)
    byName.set(key, definition.link_name)
  }
  const categories = [...new Set(services.flatMap(one => one.definition.category ?? []))].sort()

  return {
    get: linkName => byLinkName.get(linkName),
    all: () => services,
    categories: () => categories,
    hostsForTokenHost: host => [...new Set(services.flatMap(one => proposedHosts(one.definition, normaliseHostRule(host))))],
  }
}

function proposedHosts(service: ServiceDefinition, host: string): string[] {
  if (!hasClient(service)) return []
  const template = /^https?:\/\/([^/?#]+)/i.exec(service.access_token_url)?.[1]
  const variables = template === undefined ? null : matchHost(template, host, service)
  if (variables === null) return []
  return service.api_hosts.map(rule => fill(rule, variables)).filter(rule => placeholdersOf(rule).length === 0)
}

/** The variables with which a host template becomes `host`; null when it never does. */
function matchHost(template: string, host: string, service: ServiceDefinition): Record<string, string> | null {
  const names = placeholdersOf(template)
  const known = (name: string) => {
    const { choices, default: preset } = service.advanced.variables?.[name] ?? {}
    // `{host}` alone is anybody's: only what the definition itself names is known to be this service.
    return choices ?? (template === `{${name}}` ? [preset] : undefined)
  }

  const literals = template.toLowerCase().split(/\{[^}]*\}/)
  const pattern = new RegExp(`^${literals.map(text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('([a-z0-9.-]+)')}$`)
  const values = pattern.exec(host)?.slice(1)
  if (!values) return null
  const fits = names.every((name, i) => known(name)?.includes(values[i] ?? '') ?? hostVariablePattern.test(values[i] ?? ''))
  return fits ? Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])) : null
}
