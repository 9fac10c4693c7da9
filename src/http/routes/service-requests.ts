import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { listRequests, requestService } from '../../broker/service-requests.ts'
import { oneLine } from '../../core/link-name.ts'
import type { Doors } from '../doors.ts'
import { sendMail } from '../mail.ts'
import { listOf, pageOf, pageQuery } from '../schemas.ts'
import { administratorOf, personOf } from '../session.ts'
import { perAddress } from '../throttle.ts'
import { timedCursor } from '../timed-page.ts'

const tags = ['Services']

const requestShape = z.object({
  service: z.object({ link_name: z.string(), name: z.string() }),
  requested_by: z.object({ id: z.string(), name: z.string(), email: z.string() }),
  note: z.string().nullable(),
  requested_at: z.string(),
})

/** S-2: members ask for a default service that has no client yet, and administrators see who did. */
export const serviceRequestRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors

    app.get(
      '/api/v1/services/requests',
      {
        schema: {
          summary: 'Default services that members asked for and nobody has set up, newest first; for administrators',
          tags,
          querystring: z.strictObject(pageQuery),
          response: { 200: listOf(requestShape) },
        },
      },
      async request => {
        const { principal } = administratorOf(request)
        timedCursor(request.query.cursor ?? null)
        return listRequests(broker, principal, pageOf(request.query))
      },
    )

    app.post(
      '/api/v1/services/:link_name/request',
      {
        config: perAddress(30),
        schema: {
          summary: 'Ask the administrators to register the client of a default service; asking again renews the request',
          tags,
          params: z.strictObject({ link_name: z.string().max(100) }),
          body: z
            .strictObject({
              note: oneLine(500).nullish().meta({ description: 'For the administrators: one line of text, at most 500 characters.' }),
            })
            .nullish(),
          response: {
            201: z.object({
              requested_at: z.string(),
              administrators: z.array(z.object({ id: z.string(), name: z.string() })).readonly(),
              mailed: z
                .boolean()
                .meta({ description: 'An administrator has been mailed: now, or about the same request in the last day.' }),
            }),
          },
        },
      },
      async (request, reply) => {
        const note = request.body?.note
        const { requestedAt, administrators, mail } = await requestService(
          broker,
          personOf(request),
          request.params.link_name,
          note ? note : null,
        )
        let mailed = mail === null
        if (mail) {
          const sent = await Promise.all(mail.to.map(to => sendMail(doors, to, mail.subject, mail.text)))
          mailed = sent.includes(true)
          if (mailed) await mail.sent()
        }
        return reply.code(201).send({ requested_at: requestedAt.toISOString(), administrators, mailed })
      },
    )
  }
