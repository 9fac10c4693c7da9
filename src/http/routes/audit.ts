import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { listAudit } from '../../storage/audit.ts'
import type { Doors } from '../doors.ts'
import { listOf, pageOf, pageQuery } from '../schemas.ts'
import { administratorOf } from '../session.ts'
import { timedCursor } from '../timed-page.ts'

const rowShape = z.object({
  id: z.string(),
  at: z.string(),
  actor: z.object({ id: z.string().nullable(), name: z.string() }),
  on_behalf_of: z.string().nullable(),
  action: z.string(),
  object: z.string(),
  details: z.record(z.string(), z.unknown()),
  outcome: z.enum(['done', 'refused']),
  request_id: z.string().nullable(),
  ip: z.string().nullable(),
})

const time = z.iso.datetime({ offset: true }).optional()

export const auditRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    app.get(
      '/api/v1/audit',
      {
        schema: {
          summary: 'Every change and sign-in, newest first; for administrators',
          tags: ['Operations'],
          querystring: z.strictObject({
            action: z.string().max(100).optional().meta({ description: 'Such as connection.revoked.' }),
            actor: z.string().max(100).optional().meta({ description: 'A member’s id.' }),
            object: z.string().max(300).optional().meta({ description: 'Such as connection:mailchimp.' }),
            since: time,
            until: time,
            ...pageQuery,
          }),
          response: { 200: listOf(rowShape) },
        },
      },
      async request => {
        const { principal } = administratorOf(request)
        const { action, actor, object, since, until } = request.query
        timedCursor(request.query.cursor ?? null)
        const page = await listAudit(broker.db, principal.organizationId, {
          action: action ?? null,
          actor: actor ?? null,
          object: object ?? null,
          since: since === undefined ? null : new Date(since),
          until: until === undefined ? null : new Date(until),
          ...pageOf(request.query),
        })
        const data = page.data.map(row => ({
          id: row.id,
          at: row.at.toISOString(),
          actor: { id: row.actor_id, name: row.actor },
          on_behalf_of: row.on_behalf_of,
          action: row.action,
          object: row.object,
          details: { ...row.details },
          outcome: row.outcome,
          request_id: row.request_id,
          ip: row.ip,
        }))
        return { data, next_cursor: page.next_cursor }
      },
    )
  }
