import { sql } from 'kysely'
import type { Executor } from './database.ts'
import { decodeCursor, pageOf, type PageRequest } from './page.ts'

/** What takes something away from somebody, as the audit log has it. */
export const revocationActions = ['connection.revoked', 'connection.deleted', 'key.revoked', 'member.removed'] as const

/** One of them, of any organisation. Nothing in it is secret. */
export interface Revocation {
  readonly at: string
  readonly organization_id: string
  readonly action: (typeof revocationActions)[number]
  /** `connection:<link name>`, `key:<id>`, `member:<id>`. */
  readonly object: string
  /** Whose authorisation of a connection. */
  readonly subject: string | null
}

/** Oldest first, from this moment on. */
export async function listRevocations(db: Executor, since: Date, request: PageRequest) {
  const after = decodeCursor(request.cursor, 2)
  let query = db
    .selectFrom('audit')
    .select(['id', 'at', 'organization_id', 'action', 'object', sql<string | null>`details->>'subject'`.as('subject')])
    .where('action', 'in', [...revocationActions])
    .where('outcome', '=', 'done')
    .where('organization_id', 'is not', null)
    .where('at', '>=', since)
  if (after) query = query.where(row => row(row.refTuple('at', 'id'), '>', row.tuple(new Date(after[0] ?? 0), after[1] ?? '')))
  const rows = await query
    .orderBy('at')
    .orderBy('id')
    .limit(request.limit + 1)
    .execute()
  const page = pageOf(rows, request.limit, row => [row.at.toISOString(), row.id])
  const data = page.data.map(({ at, organization_id, action, object, subject }): Revocation => ({
    at: at.toISOString(),
    organization_id: organization_id ?? '',
    action: action as Revocation['action'],
    object,
    subject,
  }))
  return { data, next_cursor: page.next_cursor }
}

/** Does it again, in a database of before. Providers were told the first time. @returns whether there was anything to take away. */
export async function applyRevocation(db: Executor, { organization_id, action, object, subject }: Revocation): Promise<boolean> {
  const name = object.slice(object.indexOf(':') + 1)
  switch (action) {
    case 'connection.revoked': {
      const { numAffectedRows } = await sql`
        update credentials k set sealed = null, generation = k.generation + 1, status = 'revoked', status_reason = 'revoked_by_person',
          status_detail = null, status_since = now(), expires_at = null, has_refresh_token = false, restored_from = null,
          revoked_at_provider = null, updated_at = now()
        from connections c where c.id = k.connection_id and c.organization_id = ${organization_id} and c.link_name = ${name}
          and k.subject_id = ${subject} and k.status <> 'revoked'`.execute(db)
      return Number(numAffectedRows ?? 0n) > 0
    }
    case 'connection.deleted': {
      const gone = db.deleteFrom('connections').where('organization_id', '=', organization_id).where('link_name', '=', name)
      return (await gone.executeTakeFirst()).numDeletedRows > 0n
    }
    case 'key.revoked': {
      const gone = db.deleteFrom('api_keys').where('organization_id', '=', organization_id).where('id', '=', name)
      return (await gone.executeTakeFirst()).numDeletedRows > 0n
    }
    case 'member.removed': {
      await db.deleteFrom('api_keys').where('organization_id', '=', organization_id).where('user_id', '=', name).execute()
      await sql`delete from sessions where user_id = ${name}`.execute(db)
      const gone = db.deleteFrom('members').where('organization_id', '=', organization_id).where('user_id', '=', name)
      return (await gone.executeTakeFirst()).numDeletedRows > 0n
    }
  }
}
