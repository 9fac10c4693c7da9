import { hostAllowed } from '../core/api-hosts.ts'
import { linkNameFor, linkNamePattern } from '../core/link-name.ts'
import { invalid } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import type { Finding } from '../deluge/finding.ts'
import type { Checked } from '../sandbox/messages.ts'
import { findConnection } from '../storage/connections.ts'
import { findFunctionSettings, functionNames } from '../storage/functions.ts'
import type { Broker } from './broker.ts'
import { askerOf } from './function-asker.ts'
import { impliedScopes, type PlannedCall } from './function-scopes.ts'
import { mayUse } from '../core/connection.ts'
import { allServices, type Service } from './services.ts'

export interface PlannedFile {
  readonly path: string
  readonly source: string
}

interface Place {
  readonly path: string
  readonly line: number
}

/** A link name that scripts name, with all that is known of it from the calls made through it. */
interface Wanted {
  readonly name: string
  readonly at: Place[]
  readonly calls: PlannedCall[]
  readonly hosts: Set<string>
  readonly tasks: Set<string>
}

const mostFiles = 2000
const mostCharacters = 20_000_000
const mostPlaces = 20
/** Of one file. */
const mostFindings = 50

/** The host of a URL, or of the beginning of one that ends behind it; null when a variable is in the host. */
function urlOf(text: string | null): URL | null {
  if (text === null || !/^https?:\/\/[^/?#]+[/?#]/i.test(`${text}${/^https?:\/\/[^/?#]+\.[a-z]{2,}$/i.test(text) ? '/' : ''}`)) return null
  return URL.canParse(text) ? new URL(text) : null
}

/** The namespace of a task: `a.b.getRecords` is of `a.b`; `a.b.v8.getRecords` too. */
const namespaceOf = (task: string): string | null => {
  const parts = task.toLowerCase().split('.')
  return parts.length >= 3 ? parts.slice(0, 2).join('.') : null
}

/**
 * The service that a connection is most likely made with: the one of its tasks, of its own name, or whose API hosts take its calls and whose
 * base URL begins like them.
 */
function serviceFor(services: readonly Service[], wanted: Wanted): Service | null {
  const byName = new Map(services.map(one => [one.definition.link_name, one]))
  for (const task of wanted.tasks) {
    const found = byName.get((namespaceOf(task) ?? '').replaceAll('.', '_'))
    if (found) return found
  }
  const urls = wanted.calls.flatMap(call => urlOf(call.url) ?? [])
  const firstOf = (text: string) => /^https?:\/\/[^/]+\/([^/?#]+)/.exec(text)?.[1] ?? ''
  const ranked = services
    .filter(one => !one.definition.api_hosts.includes('*') && urls.some(url => hostAllowed(url, one.definition.api_hosts)))
    .map(one => {
      const base = firstOf(one.definition.advanced.base_url ?? '')
      const begins = base !== '' && urls.some(url => firstOf(url.href) === base)
      return { one, rank: (begins ? 4 : 0) + (one.kind === 'custom' ? 2 : 0) + (wanted.name.includes(one.definition.link_name) ? 1 : 0) }
    })
    .sort((a, b) => b.rank - a.rank)
  return ranked[0]?.one ?? (urls.length === 0 ? (byName.get(wanted.name) ?? null) : null)
}

/** What a person has to do for one connection, as sentences; nothing when it is ready. */
function stepsFor(
  wanted: Wanted,
  service: Service | null,
  status: string | null,
  visible: boolean,
  scopes: readonly string[],
  missing: readonly string[],
): string[] {
  const steps: string[] = []
  const hosts = [...wanted.hosts].join(', ')
  if (!linkNamePattern.test(wanted.name))
    return [
      `"${wanted.name}" cannot be a link name: change it in the scripts to one such as ${linkNameFor(wanted.name) || 'my_connection'}.`,
    ]
  if (!visible) return [`Ask the owner of the connection ${wanted.name} to let you use it.`]
  if (status === null) {
    if (service === null)
      steps.push(
        hosts === ''
          ? `Find out which service ${wanted.name} is for and create it.`
          : `Create a custom service with the API hosts ${hosts}.`,
      )
    else if (service.kind === 'default' && service.definition.auth_type.startsWith('oauth') && service.row?.client_id == null)
      steps.push(`Register the organisation’s client for ${service.definition.name}.`)
    steps.push(
      `Create the connection ${wanted.name}${service ? ` with the service ${service.definition.name}` : ''}${scopes.length > 0 ? ` and the scopes ${scopes.join(', ')}` : ''}.`,
    )
  } else {
    if (missing.length > 0) steps.push(`Add to the connection ${wanted.name} the scopes ${missing.join(', ')}.`)
    if (status !== 'connected') steps.push(`Connect ${wanted.name}.`)
  }
  return steps
}

async function planned(broker: Broker, principal: Principal, services: readonly Service[], wanted: Wanted) {
  const row = linkNamePattern.test(wanted.name)
    ? await findConnection(broker.db, principal.organizationId, principal.userId, wanted.name)
    : undefined
  const visible = row === undefined || mayUse(row, principal.userId)
  const known = row && services.find(one => one.definition.link_name === row.service_link_name)
  const service = (visible ? known : undefined) ?? serviceFor(services, wanted)
  const scopes = service ? impliedScopes(service.definition, wanted.calls) : []
  const held = new Set(row?.scopes ?? [])
  const missing = row && held.size > 0 ? scopes.filter(scope => !held.has(scope)) : []
  const status = row ? (row.status ?? 'authorization_required') : null
  const notAllowed = known ? [...wanted.hosts].filter(host => !hostAllowed(new URL(`https://${host}/`), known.definition.api_hosts)) : []
  const steps = stepsFor(wanted, service, status, visible, scopes, missing)
  if (visible && notAllowed.length > 0)
    steps.push(`Add to the API hosts of the service ${known?.definition.name ?? ''}: ${notAllowed.join(', ')}.`)
  return {
    link_name: wanted.name,
    status: visible ? (status ?? 'missing') : 'not_yours',
    ready: steps.length === 0,
    service: service && {
      link_name: service.definition.link_name,
      name: service.definition.name,
      kind: service.kind,
      exists: service.row !== null || service.kind === 'default',
    },
    scopes,
    missing_scopes: missing,
    hosts: [...wanted.hosts],
    tasks: [...wanted.tasks],
    used_in: wanted.at.slice(0, mostPlaces),
    uses: wanted.at.length,
    steps,
  }
}

const found = ({ line, column, message, suggestion }: Finding) => ({ line, column, message, suggestion })

const fileOf = (path: string, checked: Checked) => ({
  path,
  function: checked.signature ? `${checked.signature.namespace}.${checked.signature.name}` : null,
  functions: checked.signatures.map(one => `${one.namespace}.${one.name}`),
  errors: checked.errors.slice(0, mostFindings).map(found),
  warnings: checked.warnings.slice(0, mostFindings).map(found),
  connections: [...new Set(checked.uses.connections.map(one => one.name))],
  tasks: [...new Set(checked.uses.tasks.map(one => one.name))],
  unavailable: checked.uses.unavailable.map(({ construct, line }) => ({ construct, line })),
  dynamic_connection: checked.uses.dynamicConnection,
})

/** Adds one place to what is counted under a name. */
function count<T extends { readonly at: Place[] }>(map: Map<string, T>, key: string, place: Place, make: () => T): T {
  let entry = map.get(key)
  if (!entry) map.set(key, (entry = make()))
  entry.at.push(place)
  return entry
}

/**
 * *Bring my scripts* (F-6): what a folder of scripts needs here, and what of it is there already. Stores nothing and calls nobody.
 * @throws Problem validation_failed for more than 2000 files or 20 MB; functions_busy
 */
export async function planFunctions(broker: Broker, principal: Principal, files: readonly PlannedFile[]) {
  if (files.length > mostFiles) throw invalid('files', `Give ${mostFiles} files at most at a time.`)
  if (files.reduce((sum, one) => sum + one.source.length, 0) > mostCharacters)
    throw invalid('files', `Give ${mostCharacters / 1_000_000} MB at most at a time.`)
  const { organizationId } = principal
  const asker = askerOf(principal)
  const precedence = (await findFunctionSettings(broker.db, organizationId))?.precedence ?? 'usual'
  const services = await allServices(broker, organizationId, { kind: null, q: null, category: null })
  const defined = new Set(await functionNames(broker.db, organizationId))

  const shown: ReturnType<typeof fileOf>[] = []
  const connections = new Map<string, Wanted>()
  const tasks = new Map<string, { at: Place[] }>()
  const unavailable = new Map<string, { at: Place[]; readonly instead: string }>()
  const functions = new Map<string, { at: Place[] }>()
  const hosts = new Map<string, { at: Place[]; connections: Set<string> }>()
  const wantedOf = (name: string, place: Place) =>
    count(connections, name, place, (): Wanted => ({ name, at: [], calls: [], hosts: new Set(), tasks: new Set() }))

  const alone: { readonly path: string; readonly source: string; readonly checked: Checked }[] = []
  for (const { path, source } of files) {
    const checked = await broker.sandbox.check(source, { asker, precedence, known: null })
    alone.push({ path, source, checked })
    for (const one of checked.signatures) defined.add(`${one.namespace}.${one.name}`.toLowerCase())
  }
  for (const { path, source, checked: first } of alone) {
    // in a namespace that is none of the usual ones, a function of another file is known by its name alone
    const checked = first.errors.length === 0 ? first : await broker.sandbox.check(source, { asker, precedence, known: [...defined] })
    const { uses } = checked
    // of functions that are not there, `functions` tells
    shown.push(fileOf(path, { ...checked, warnings: first.warnings }))
    for (const { name, line } of uses.connections) wantedOf(name, { path, line })
    for (const { name, line } of uses.tasks) count(tasks, name, { path, line }, () => ({ at: [] }))
    for (const { construct, line, instead } of uses.unavailable) count(unavailable, construct, { path, line }, () => ({ at: [], instead }))
    for (const one of uses.functions) count(functions, `${one.namespace}.${one.name}`, { path, line: one.line }, () => ({ at: [] }))
    for (const call of uses.calls) {
      const wanted = call.connection === null ? undefined : connections.get(call.connection)
      wanted?.calls.push(call)
      const host = urlOf(call.url)?.host
      if (host !== undefined) {
        wanted?.hosts.add(host)
        const entry = count(hosts, host, { path, line: call.line }, () => ({ at: [], connections: new Set<string>() }))
        if (call.connection !== null) entry.connections.add(call.connection)
      }
    }
    // a task and the connection on its line belong together
    for (const { name, line } of uses.tasks)
      if (namespaceOf(name) !== null) for (const one of uses.connections) if (one.line === line) connections.get(one.name)?.tasks.add(name)
  }

  const byUse = <T extends { readonly at: readonly Place[] }>(map: ReadonlyMap<string, T>) =>
    [...map].sort(([, a], [, b]) => b.at.length - a.at.length)
  const listed = (map: ReadonlyMap<string, { readonly at: readonly Place[] }>) =>
    byUse(map).map(([name, { at }]) => ({ name, uses: at.length, used_in: at.slice(0, mostPlaces) }))
  const plans = await Promise.all(byUse(connections).map(([, wanted]) => planned(broker, principal, services, wanted)))
  return {
    files: shown,
    connections: plans,
    hosts: byUse(hosts).map(([host, { at, connections: through }]) => ({
      host,
      uses: at.length,
      connections: [...through],
      used_in: at.slice(0, mostPlaces),
    })),
    tasks: listed(tasks),
    unavailable: listed(unavailable).map(one => ({ ...one, instead: unavailable.get(one.name)?.instead ?? '' })),
    functions: listed(functions).map(one => ({ ...one, defined: defined.has(one.name.toLowerCase()) })),
    ready: plans.every(one => one.ready) && shown.every(one => one.errors.length === 0 && one.unavailable.length === 0),
    steps: plans.flatMap(one => one.steps),
  }
}
