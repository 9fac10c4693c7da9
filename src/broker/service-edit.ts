import { invalid, Problem, type FieldError } from '../core/problem.ts'
import type { Principal } from '../core/principal.ts'
import { declaredHosts } from '../core/secret-hosts.ts'
import type { ServiceDefinition } from '../core/service.ts'
import { agreeToHosts } from '../storage/credentials.ts'
import { holdersOf, lockService, updateService } from '../storage/services.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { clientSecretPlace } from './places.ts'
import { openClient } from './scheme-context.ts'
import { parseDefinition, splitRegistration, withHosts } from './service-input.ts'
import { getService, registered, revokeAllOf, type Service } from './services.ts'

const cosmetic = new Set(['name', 'description', 'category', 'logo', 'documentation_url', 'scopes', 'api_hosts'])
/** Knobs that only say something to people, or limit calls: no secret goes elsewhere because of them. */
const cosmeticKnobs = new Set([
  'register_url',
  'redirect_url_hint',
  'refresh_token_hint',
  'default_scopes',
  'methods',
  'path_prefix',
  'concurrency',
  'retry_after_header',
  'refresh_margin_seconds',
  'refresh_spacing_seconds',
  'keep_alive_days',
  'rotation',
  'rotation_grace_seconds',
])
const fixed: readonly string[] = ['link_name', 'auth_type', 'grant_type']
const whereSecretsGo = ['access_token_url', 'refresh_token_url', 'revoke_token_url', 'request_token_url']

/** Two texts of one URL are no change: `HTTPS://T.test:443/x` and `https://t.test/x`. */
const sameText = (a: unknown, b: unknown): boolean => {
  if (
    typeof a === 'string' &&
    typeof b === 'string' &&
    /^https?:/i.test(a) &&
    /^https?:/i.test(b) &&
    !/[{}]/.test(a + b) &&
    URL.canParse(a) &&
    URL.canParse(b)
  )
    return new URL(a).href === new URL(b).href
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
}

const originOf = (url: unknown): string | null => {
  if (typeof url !== 'string') return null
  const host = /^(https?):\/\/([^/?#]*)/i.exec(url)
  if (!host) return null
  return URL.canParse(url) ? new URL(url).origin : host[0].toLowerCase()
}

export interface Edit {
  readonly next: ServiceDefinition
  readonly clientId: string | null
  /** Undefined: keep the stored one. */
  readonly clientSecret: string | undefined
  /** Everybody's authorisation ends. */
  readonly revokes: boolean
  readonly addedHosts: readonly string[]
}

/**
 * What a PATCH means (the table *What an edit does*): name, description, logo, an added scope or host revoke nothing; everything else does.
 * Pure but for the catalogue's proposals.
 * @throws Problem validation_failed for fixed fields and removed scopes or parameters; client_secret_required
 */
export function planEdit(broker: Broker, principal: Principal, service: Service, patch: Readonly<Record<string, unknown>>): Edit {
  const { row, definition } = service
  if (!row || service.kind !== 'custom')
    throw new Problem('forbidden', {
      detail: 'A default service cannot be edited. Register your own client for it, or create a custom service.',
    })
  const { keep_connections, ...fields } = patch
  if (keep_connections !== undefined && typeof keep_connections !== 'boolean') throw invalid('keep_connections', 'Say true or false.')
  const current = definition as unknown as Record<string, unknown>
  for (const name of fixed)
    if (name in fields && !sameText(fields[name], current[name]))
      throw invalid(name, 'This cannot be changed after the service was created. Create another service instead.')

  const { definition: rest, client } = splitRegistration(fields)
  const next = withHosts(broker, principal, parseDefinition({ ...current, ...rest }))
  assertNothingRemoved(definition, next)

  const after = next as unknown as Record<string, unknown>
  const movedFields = Object.keys({ ...current, ...after }).filter(
    name => name !== 'advanced' && !cosmetic.has(name) && !sameText(current[name], after[name]),
  )
  const knobs = { ...definition.advanced, ...next.advanced }
  const movedKnobs = Object.keys(knobs).filter(
    name =>
      !cosmeticKnobs.has(name) && !sameText(definition.advanced[name as keyof typeof knobs], next.advanced[name as keyof typeof knobs]),
  )
  const removedHosts = definition.api_hosts.filter(host => !next.api_hosts.includes(host))
  const clientIdMoved = client.client_id !== undefined && client.client_id !== row.client_id
  const secretGiven = client.client_secret !== undefined

  const movedOrigin = whereSecretsGo.find(
    name => after[name] != null && originOf(after[name]) !== originOf(current[name] ?? current.access_token_url),
  )
  const movedTo = movedOrigin
    ? `${movedOrigin} moves to another origin.`
    : sameText(declaredHosts(definition), declaredHosts(next))
      ? null
      : 'The values of a variable decide which host it is sent to.'
  if (movedTo !== null && row.sealed_client_secret && !secretGiven)
    throw new Problem('client_secret_required', {}, { errors: [{ path: 'client_secret', message: movedTo }] })

  const secretAlone = secretGiven && movedFields.length === 0 && movedKnobs.length === 0 && !clientIdMoved
  return {
    next,
    clientId: client.client_id ?? row.client_id,
    clientSecret: client.client_secret,
    revokes: movedFields.length > 0 || movedKnobs.length > 0 || clientIdMoved || (secretAlone && keep_connections !== true),
    addedHosts:
      removedHosts.length > 0 || definition.api_hosts.length !== next.api_hosts.length
        ? next.api_hosts.filter(host => !definition.api_hosts.includes(host))
        : [],
  }
}

function assertNothingRemoved(before: ServiceDefinition, after: ServiceDefinition): void {
  const errors: FieldError[] = []
  if ('scopes' in before && 'scopes' in after)
    for (const one of before.scopes)
      if (!after.scopes.some(other => other.name === one.name))
        errors.push({ path: 'scopes', message: `The scope ${one.name} is in use and cannot be removed; a PATCH replaces the whole list.` })
  if ('parameters' in before && 'parameters' in after && after.parameters.length < before.parameters.length)
    errors.push({ path: 'parameters', message: 'Parameters may be added and edited, not removed; a PATCH replaces the whole list.' })
  if (errors.length > 0) throw new Problem('validation_failed', {}, { errors })
}

const keeperOnly = (principal: Principal, service: Service): void => {
  if (service.row && service.row.keeper_id !== principal.userId)
    throw new Problem('not_the_keeper', { service: service.definition.link_name })
}

/** Whom an edit would revoke; changes nothing. */
export async function previewEdit(broker: Broker, by: Caller, linkName: string, patch: Readonly<Record<string, unknown>>) {
  const service = await getService(broker, by.principal.organizationId, linkName)
  keeperOnly(by.principal, service)
  const edit = planEdit(broker, by.principal, service, patch)
  const holders = edit.revokes && service.row ? await holdersOf(broker.db, by.principal.organizationId, service.row.id) : []
  return {
    revokes: holders.map(one => ({ link_name: one.link_name, owner: one.owner ?? one.subject_id })),
    count: holders.length,
    confirm_hosts: edit.addedHosts,
  }
}

/** Saves an edit. What must be revoked is revoked at the *old* revoke URL, by jobs that carry the old definition (X04). */
export async function editService(
  broker: Broker,
  by: Caller,
  linkName: string,
  patch: Readonly<Record<string, unknown>>,
  version: number | null,
): Promise<Service> {
  const { principal } = by
  const before = await getService(broker, principal.organizationId, linkName)
  keeperOnly(principal, before)
  const edit = planEdit(broker, principal, before, patch)
  const old = registered(before)
  const revision = edit.revokes ? old.serviceRevision + 1 : old.serviceRevision
  const plain = edit.clientSecret ?? (edit.revokes ? (await openClient(broker, old))?.secret : null)
  const sealed = plain ? await broker.vault.seal(clientSecretPlace(principal.organizationId, old.serviceId, revision), plain) : undefined

  await change(broker, by, async (trx, traces) => {
    const row = await lockService(trx, principal.organizationId, linkName)
    if (!row || row.version !== before.row?.version || (version !== null && row.version !== version))
      throw new Problem('precondition_failed', { service: linkName })
    await updateService(trx, principal.organizationId, row.id, {
      name: edit.next.name,
      definition: JSON.stringify(edit.next),
      client_id: edit.clientId,
      revision,
      ...(sealed && { sealed_client_secret: sealed }),
    })
    if (edit.revokes) await revokeAllOf(trx, broker, traces, old)
    else if (edit.addedHosts.length > 0) await agreeToHosts(trx, principal.organizationId, row.id, principal.userId, edit.addedHosts)
    traces.audit(edit.revokes ? 'service.edited_and_revoked' : 'service.edited', `service:${linkName}`, {
      fields: Object.keys(patch),
      revision,
      added_hosts: edit.addedHosts,
    })
    traces.changed({ kind: 'service', id: row.id })
  })
  return getService(broker, principal.organizationId, linkName)
}
