import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { fetchLoginKey } from '../../broker/arrivals.ts'
import { change } from '../../broker/change.ts'
import { approveCliLogin, startCliLogin } from '../../people/cli-logins.ts'
import { within } from '../../people/people.ts'
import type { Doors } from '../doors.ts'
import { fromOf, signedInOf } from '../signed-in.ts'
import { perAddress } from '../throttle.ts'

const tags = ['Signing in']
const intervalSeconds = 2

/** `patchbay login`, after RFC 8628: the device shows a code, a signed-in browser approves it, the device polls for its key. */
export const cliLoginRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    app.post(
      '/api/v1/cli-logins',
      {
        config: { open: true, ...perAddress(30) },
        schema: {
          summary: 'Start a login: open `url`, compare `code`, poll with `device_token`',
          tags,
          security: [],
          body: z.strictObject({}).nullish(),
          response: {
            201: z.object({
              code: z.string(),
              url: z.string(),
              device_token: z.string(),
              expires_at: z.string(),
              interval_seconds: z.int(),
            }),
          },
        },
      },
      async (_request, reply) => {
        const { code, deviceToken, expiresAt } = await startCliLogin(broker.people)
        return reply
          .header('cache-control', 'no-store')
          .code(201)
          .send({
            code,
            url: `${broker.publicUrl}/cli-login?code=${code}`,
            device_token: deviceToken,
            expires_at: expiresAt.toISOString(),
            interval_seconds: intervalSeconds,
          })
      },
    )

    for (const method of ['GET', 'POST'] as const)
      app.route({
        method,
        url: '/api/v1/cli-logins/:device_token',
        config: { open: true, ...perAddress(300) },
        schema: {
          summary: 'Has it been approved? 202 until it is, then the key, this once',
          tags,
          security: [],
          params: z.strictObject({ device_token: z.string().max(200) }),
          response: { 200: z.object({ key: z.string() }), 202: z.object({ status: z.literal('pending') }) },
        },
        handler: async (request, reply) => {
          const key = await fetchLoginKey(broker, request.params.device_token, fromOf(request))
          void reply.header('cache-control', 'no-store')
          return key === null ? reply.code(202).send({ status: 'pending' }) : reply.code(200).send({ key })
        },
      })

    app.post(
      '/api/v1/cli-logins/:code/approve',
      {
        config: perAddress(30),
        schema: {
          summary: 'Approve a login, in a signed-in browser: the device gets a key of this person',
          tags,
          params: z.strictObject({ code: z.string().max(50) }),
          body: z.strictObject({}).nullish(),
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        const { caller } = signedInOf(request)
        const { userId, organizationId } = caller.principal
        await change(broker, caller, async (trx, traces) => {
          await approveCliLogin(within(broker.people, trx), request.params.code, { userId, organizationId })
          traces.audit('login.approved', `member:${userId}`)
        })
        return reply.code(204).send(null)
      },
    )
  }
