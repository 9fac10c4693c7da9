import { LRUCache } from 'lru-cache'
import { IANAZone } from 'luxon'
import { linkNamePattern } from '../core/link-name.ts'
import { invalid, Problem, type FieldError } from '../core/problem.ts'
import { nobody, type Principal } from '../core/principal.ts'
import type { Surroundings } from '../deluge/host.ts'
import { parseDestination } from '../egress/policy.ts'
import { findFunctionSettings, putFunctionSettings } from '../storage/functions.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'
import { administratorsOf } from './memberships.ts'

/** How scripts of an organisation write dates, and what their integration tasks mean. */
export interface FunctionSettings {
  readonly date_format: string
  readonly time_zone: string
  readonly precedence: 'usual' | 'creator'
  readonly profile: 'crm' | 'creator'
  /** Who the system variables of the administrator speak of; null: the first administrator. */
  readonly admin_user_id: string | null
  readonly default_connections: Readonly<Record<string, string>>
  readonly api_origins: Readonly<Record<string, string>>
}

interface Known {
  readonly settings: FunctionSettings
  readonly organization: string
  readonly admin: { readonly name: string; readonly email: string } | null
  readonly people: Map<string, { readonly name: string; readonly email: string } | null>
}

/** What a run needs to know of its organisation does not change between two runs; another instance's change is seen a little later. */
const lifetimeMilliseconds = 5_000
const knownOf = new WeakMap<Broker, LRUCache<string, Known>>()

function remembered(broker: Broker): LRUCache<string, Known> {
  let known = knownOf.get(broker)
  if (!known) {
    const cache = new LRUCache<string, Known>({ max: 1000, ttl: lifetimeMilliseconds })
    knownOf.set(broker, (known = cache))
    broker.calls.onChange(() => cache.clear())
  }
  return known
}

export async function functionSettings(broker: Broker, organizationId: string): Promise<FunctionSettings> {
  const row = await findFunctionSettings(broker.db, organizationId)
  return {
    date_format: row?.date_format ?? 'dd-MMM-yyyy',
    time_zone: row?.time_zone ?? 'UTC',
    precedence: row?.precedence ?? 'usual',
    profile: row?.profile ?? 'crm',
    admin_user_id: row?.admin_user_id ?? null,
    default_connections: row?.default_connections ?? {},
    api_origins: row?.api_origins ?? {},
  }
}

const personOf = async (broker: Broker, organizationId: string, userId: string) =>
  (await broker.db
    .selectFrom('members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['u.name', 'u.email'])
    .where('m.organization_id', '=', organizationId)
    .where('m.user_id', '=', userId)
    .executeTakeFirst()) ?? null

async function knownFor(broker: Broker, organizationId: string): Promise<Known> {
  const cache = remembered(broker)
  const held = cache.get(organizationId)
  if (held) return held
  const settings = await functionSettings(broker, organizationId)
  const organization = await broker.db.selectFrom('organizations').select('name').where('id', '=', organizationId).executeTakeFirst()
  const admin =
    (settings.admin_user_id === null ? null : await personOf(broker, organizationId, settings.admin_user_id)) ??
    (await administratorsOf(broker, organizationId))[0] ??
    null
  const known: Known = {
    settings,
    organization: organization?.name ?? '',
    admin: admin && { name: admin.name, email: admin.email },
    people: new Map(),
  }
  cache.set(organizationId, known)
  return known
}

/** What surrounds a run of this principal, and the settings its host answers from. */
export async function surroundingsFor(
  broker: Broker,
  { organizationId, subjectId }: Principal,
  ip: string | null,
): Promise<{ readonly surroundings: Surroundings; readonly settings: FunctionSettings }> {
  const known = await knownFor(broker, organizationId)
  const { settings, people } = known
  if (subjectId !== nobody && !people.has(subjectId)) people.set(subjectId, await personOf(broker, organizationId, subjectId))
  return {
    settings,
    surroundings: {
      timeZone: settings.time_zone,
      dateFormat: settings.date_format,
      loginUser: subjectId === nobody ? null : (people.get(subjectId) ?? null),
      adminUser: known.admin,
      appName: known.organization,
      appUri: broker.publicUrl,
      ipAddress: ip,
      precedence: settings.precedence,
      profile: settings.profile,
    },
  }
}

const namespacePattern = /^[a-z][a-z0-9_.]{0,99}$/

/** @throws Problem validation_failed */
function assertValid(given: Partial<FunctionSettings>): void {
  const errors: FieldError[] = []
  if (given.time_zone !== undefined && !IANAZone.isValidZone(given.time_zone))
    errors.push({ path: 'time_zone', message: 'Give the name of a time zone, such as Europe/Berlin.' })
  if (given.date_format !== undefined && !/^[A-Za-z0-9 ,./:'-]{1,50}$/.test(given.date_format))
    errors.push({ path: 'date_format', message: 'Give a pattern such as dd-MMM-yyyy.' })
  for (const [namespace, linkName] of Object.entries(given.default_connections ?? {}))
    if (!namespacePattern.test(namespace) || !linkNamePattern.test(linkName))
      errors.push({ path: `default_connections.${namespace.slice(0, 100)}`, message: 'Give the link name of a connection.' })
  for (const [namespace, origin] of Object.entries(given.api_origins ?? {})) {
    const right = namespacePattern.test(namespace) && URL.canParse(origin) && parseDestination(origin).origin === origin
    if (!right) errors.push({ path: `api_origins.${namespace.slice(0, 100)}`, message: 'Give scheme and host only: https://…' })
  }
  if (errors.length > 0) throw new Problem('validation_failed', {}, { errors })
}

/** For administrators: the doors see to it. Maps replace whole. @throws Problem validation_failed */
export async function changeFunctionSettings(broker: Broker, by: Caller, given: Partial<FunctionSettings>): Promise<FunctionSettings> {
  assertValid(given)
  const { organizationId } = by.principal
  const { default_connections, api_origins, admin_user_id, ...plain } = given
  if (admin_user_id != null && (await personOf(broker, organizationId, admin_user_id)) === null)
    throw invalid('admin_user_id', 'Choose a member of the organisation.')
  await change(broker, by, async (trx, traces) => {
    await putFunctionSettings(trx, organizationId, {
      ...plain,
      ...(admin_user_id !== undefined && { admin_user_id }),
      ...(default_connections && { default_connections: JSON.stringify(default_connections) }),
      ...(api_origins && { api_origins: JSON.stringify(api_origins) }),
    })
    traces.audit('function_settings.changed', 'function_settings', { ...given })
    traces.changed({ kind: 'organization', id: organizationId })
  })
  return functionSettings(broker, organizationId)
}
