import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { invokeUrlInput } from '../../core/invoke-url.ts'
import type { Doors } from '../doors.ts'
import { answerInvoke, invokeBodyLimit, invokePath } from '../invoke-door.ts'
import { keepText, writtenText } from '../written-text.ts'
import { callerOf } from '../session.ts'

const answerShape = z.object({
  status_code: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown().meta({ description: 'Decoded JSON, a text, or { filename, content_type, size, content_base64 }; null when empty.' }),
  duration_ms: z.int(),
})

/** POST /api/v1/invoke: its description, and the calls that `invoke-door.ts` leaves to the router. */
export const invokeRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    keepText(app)

    app.post(
      invokePath,
      {
        bodyLimit: invokeBodyLimit(broker),
        config: { invoke: true, call: 'invoke' },
        schema: { summary: 'Call a URL through a connection', tags: ['Invoke'], body: invokeUrlInput, response: { 200: answerShape } },
      },
      async (request, reply) => {
        const { principal } = callerOf(request)
        const answer = await answerInvoke(broker, principal, request.body, writtenText(request), reply.raw)
        const plain: FastifyReply = reply
        return plain.type('application/json; charset=utf-8').send(answer)
      },
    )
  }
