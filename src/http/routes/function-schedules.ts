import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { createSchedule, editSchedule, removeSchedule, schedulesOf, type ShownSchedule } from '../../broker/function-schedules.ts'
import { memberText } from '../../core/lossless-json.ts'
import type { Doors } from '../doors.ts'
import { listOf, notEmpty } from '../schemas.ts'
import { personOf } from '../session.ts'
import { keepText, writtenText } from '../written-text.ts'
import { functionPath } from './functions.ts'

const scheduleShape = z.object({
  id: z.string(),
  function: z.string(),
  cron: z.string(),
  time_zone: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  enabled: z.boolean(),
  next_run: z.string().nullable(),
  last_run: z.string().nullable(),
  missed: z.int().meta({ description: 'Runs that did not happen because nothing ran at their time.' }),
  created_at: z.string(),
})

const input = {
  cron: z
    .string()
    .max(200)
    .meta({ description: 'minute hour day-of-month month day-of-week', examples: ['0 9 * * mon-fri'] }),
  time_zone: z.string().max(100).optional().meta({ description: 'IANA name; left out: that of the organisation’s functions.' }),
  arguments: z.record(z.string().max(100), z.unknown()).optional(),
  enabled: z.boolean().optional(),
}
const schedulePath = z.strictObject({ id: z.uuid() })
const tags = ['Functions']

/** JSON text as it stands in an answer: numbers longer than JavaScript's stay what they are. */
const shown = ({ arguments: written, ...rest }: ShownSchedule): string => `{"arguments":${written},${JSON.stringify(rest).slice(1)}`
const listed = (schedules: readonly ShownSchedule[]): string => `{"data":[${schedules.map(shown).join(',')}],"next_cursor":null}`

const sendText = (reply: FastifyReply, text: string, status = 200): FastifyReply =>
  reply.code(status).type('application/json; charset=utf-8').send(Buffer.from(text))

export const functionScheduleRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    keepText(app)

    app.get(
      '/api/v1/functions/schedules',
      { schema: { summary: 'Schedules of all functions, the next first', tags, response: { 200: listOf(scheduleShape) } } },
      async (request, reply) => sendText(reply, listed(await schedulesOf(broker, personOf(request).principal, null))),
    )

    app.get(
      '/api/v1/functions/:namespace/:name/schedules',
      { schema: { summary: 'Schedules of a function', tags, params: functionPath, response: { 200: listOf(scheduleShape) } } },
      async (request, reply) => sendText(reply, listed(await schedulesOf(broker, personOf(request).principal, request.params))),
    )

    app.post(
      '/api/v1/functions/:namespace/:name/schedules',
      {
        schema: {
          summary: 'Run a function by the clock, as its owner and without a login user',
          tags,
          params: functionPath,
          body: z.strictObject(input),
          response: { 201: scheduleShape },
        },
      },
      async (request, reply) => {
        const { cron, time_zone, enabled } = request.body
        const written = memberText(writtenText(request), 'arguments') ?? undefined
        const made = await createSchedule(broker, personOf(request), request.params, {
          cron,
          timeZone: time_zone,
          enabled,
          arguments: written,
        })
        return sendText(reply, shown(made), 201)
      },
    )

    app.patch(
      '/api/v1/functions/schedules/:id',
      {
        schema: {
          summary: 'Change a schedule',
          tags,
          params: schedulePath,
          body: z.strictObject({ ...input, cron: input.cron.optional() }),
          response: { 200: scheduleShape },
        },
      },
      async (request, reply) => {
        notEmpty(request.body)
        const { cron, time_zone, enabled } = request.body
        const written = memberText(writtenText(request), 'arguments') ?? undefined
        const given = { cron, timeZone: time_zone, enabled, arguments: written }
        return sendText(reply, shown(await editSchedule(broker, personOf(request), request.params.id, given)))
      },
    )

    app.delete(
      '/api/v1/functions/schedules/:id',
      { schema: { summary: 'Delete a schedule', tags, params: schedulePath, response: { 204: z.null() } } },
      async (request, reply) => {
        await removeSchedule(broker, personOf(request), request.params.id)
        return reply.code(204).send(null)
      },
    )
  }
