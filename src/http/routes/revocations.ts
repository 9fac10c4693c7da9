import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { listRevocations, revocationActions } from '../../storage/revocations.ts'
import type { Doors } from '../doors.ts'
import { assertOperator } from '../operator.ts'
import { listOf, pageOf, pageQuery } from '../schemas.ts'
import { administratorOf } from '../session.ts'
import { timedCursor } from '../timed-page.ts'

/** What to do again after a restore, kept apart from the back-ups. */
export const revocationRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    app.get(
      '/api/v1/operations/revocations',
      {
        schema: {
          summary: 'What was revoked, deleted and removed in every organisation since a moment, oldest first; for the operator',
          tags: ['Operations'],
          querystring: z.strictObject({ since: z.iso.datetime({ offset: true }), ...pageQuery }),
          response: {
            200: listOf(
              z.object({
                at: z.string(),
                organization_id: z.string(),
                action: z.enum(revocationActions),
                object: z.string(),
                subject: z.string().nullable(),
              }),
            ),
          },
        },
      },
      async request => {
        await assertOperator(doors, administratorOf(request))
        timedCursor(request.query.cursor ?? null)
        return listRevocations(doors.broker.db, new Date(request.query.since), pageOf(request.query))
      },
    )
  }
