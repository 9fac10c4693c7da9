import { mayUse } from '../core/connection.ts'
import { invalid, Problem } from '../core/problem.ts'
import { createKey, listKeys, revokeKey, type ApiKey } from '../people/api-keys.ts'
import { within, type PageOf } from '../people/people.ts'
import { listConnections } from '../storage/connections.ts'
import type { Broker, Caller } from './broker.ts'
import { change } from './change.ts'

export interface KeyWish {
  readonly name: string
  readonly connections: readonly string[] | null
  readonly invokeOnly: boolean
  readonly actAs: boolean
  readonly scopes: readonly string[] | null
  readonly expiresAt: Date | null
}

/** A key with whose it is. */
export interface OwnedKey extends ApiKey {
  readonly owner: { readonly id: string; readonly name: string | null }
}

/**
 * A key never has rights that its maker lacks: it names connections they may use, acts for others only when an administrator
 * makes it, and lives no longer than the key it was made with.
 * @returns the key itself, this once.
 * @throws Problem validation_failed (path `connections.N`, `expires_at`, …) · forbidden
 */
export async function createApiKey(broker: Broker, by: Caller, wish: KeyWish): Promise<{ row: OwnedKey; key: string }> {
  const { principal } = by
  const { key: maker } = principal
  if (maker !== null && (maker.connections !== null || maker.invokeOnly || maker.actAs || maker.scopes !== null))
    throw new Problem('forbidden', { detail: 'A limited API key may not make keys.' })
  if (wish.actAs && !wish.connections) throw invalid('connections', 'A key that may act for others must be limited to named connections.')
  if (wish.actAs && principal.role !== 'administrator')
    throw new Problem('forbidden', { detail: 'Only an administrator makes keys that act for others.' })
  if (wish.connections) await assertUsable(broker, by, wish.connections)
  await assertEndsInTime(broker, by, wish.expiresAt)
  const { organizationId, userId, userName } = principal
  return change(broker, by, async (trx, traces) => {
    const { row, key } = await createKey(within(broker.people, trx), { organizationId, userId, ...wish })
    traces.audit('key.created', `key:${row.id}`, {
      name: row.name,
      connections: row.connections,
      invoke_only: row.invoke_only,
      act_as: row.act_as,
      scopes: row.scopes,
      expires_at: row.expires_at?.toISOString() ?? null,
    })
    return { row: { ...row, owner: { id: userId, name: userName } }, key }
  })
}

async function assertUsable(broker: Broker, { principal }: Caller, linkNames: readonly string[]): Promise<void> {
  const filter = {
    view: 'usable',
    service: null,
    status: null,
    q: null,
    only: linkNames,
    limit: linkNames.length + 1,
    cursor: null,
  } as const
  const { data } = await listConnections(broker.db, principal.organizationId, principal.userId, filter)
  const usable = new Set(data.filter(row => mayUse(row, principal.userId)).map(row => row.link_name))
  const errors = linkNames.flatMap((linkName, i) =>
    usable.has(linkName) ? [] : [{ path: `connections.${i}`, message: 'No connection has this link name, or you may not use it.' }],
  )
  if (errors.length > 0) throw new Problem('validation_failed', {}, { errors })
}

async function assertEndsInTime(broker: Broker, { principal }: Caller, expiresAt: Date | null): Promise<void> {
  if (principal.key === null) return
  const own = await broker.db.selectFrom('api_keys').select('expires_at').where('id', '=', principal.key.id).executeTakeFirst()
  if (!own) throw new Problem('unauthenticated')
  if (own.expires_at && (expiresAt === null || expiresAt > own.expires_at))
    throw invalid('expires_at', `The key you make this one with ends on ${own.expires_at.toISOString()}; this one cannot end later.`)
}

/** The caller's own keys, or everybody's for an administrator; one page, in the order they were made. */
export async function listApiKeys(broker: Broker, { principal }: Caller, all: boolean, page: PageOf): Promise<OwnedKey[]> {
  if (all && principal.role !== 'administrator') throw new Problem('forbidden', { detail: 'Only an administrator lists everybody’s keys.' })
  const keys = await listKeys(broker.people, { organizationId: principal.organizationId, userId: all ? null : principal.userId }, page)
  if (keys.length === 0) return []
  const owners = await broker.db
    .selectFrom('users')
    .select(['id', 'name'])
    .where('id', 'in', [...new Set(keys.map(key => key.user_id))])
    .execute()
  const names = new Map(owners.map(one => [one.id, one.name]))
  return keys.map(key => ({ ...key, owner: { id: key.user_id, name: names.get(key.user_id) ?? null } }))
}

/** One's own, or anybody's for an administrator. Dead at once. @throws Problem key_not_found */
export async function revokeApiKey(broker: Broker, by: Caller, id: string): Promise<void> {
  const { organizationId, userId, role } = by.principal
  await change(broker, by, async (trx, traces) => {
    const { row } = await revokeKey(within(broker.people, trx), { organizationId, userId: role === 'administrator' ? null : userId }, id)
    traces.audit('key.revoked', `key:${id}`, { name: row.name, owner: row.user_id })
    traces.changed({ kind: 'key', id })
  })
}
