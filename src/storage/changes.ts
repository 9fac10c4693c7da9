import { sql } from 'kysely'
import type { Executor } from './database.ts'

/** What every instance is told when something that it may hold in memory has changed. */
export type Change =
  | { readonly kind: 'connection'; readonly id: string }
  | { readonly kind: 'service'; readonly id: string }
  | { readonly kind: 'member'; readonly id: string }
  | { readonly kind: 'key'; readonly id: string }
  | { readonly kind: 'organization'; readonly id: string }
  /** It has ended. */
  | { readonly kind: 'session'; readonly id: string }
  /** Of the organisation: it has a new data key. */
  | { readonly kind: 'data_key'; readonly id: string }
  /** To which deployment the database belongs. */
  | { readonly kind: 'deployment'; readonly id: string }

export const changesChannel = 'patchbay_changes'

/** NOTIFY inside the transaction of the change: it is delivered when, and only when, the change commits. */
export async function announce(executor: Executor, changes: readonly Change[]): Promise<void> {
  for (const change of changes) await sql`select pg_notify(${changesChannel}, ${JSON.stringify(change)})`.execute(executor)
}

const kinds: Readonly<Record<Change['kind'], true>> = {
  connection: true,
  service: true,
  member: true,
  key: true,
  organization: true,
  session: true,
  data_key: true,
  deployment: true,
}

/** @returns null for what this version does not know: instances of the next one may say more, and then everything may have changed. */
export function parseChange(payload: string): Change | null {
  try {
    const change = JSON.parse(payload) as Change
    return Object.hasOwn(kinds, change.kind) ? change : null
  } catch {
    return null
  }
}
