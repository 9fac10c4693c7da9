import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { changeFunctionSettings, functionSettings } from '../../broker/function-settings.ts'
import { putVariable, removeVariable, variableOf, variablesOf } from '../../broker/function-variables.ts'
import { variableTypes } from '../../core/function.ts'
import { oneLine } from '../../core/link-name.ts'
import { memberText } from '../../core/lossless-json.ts'
import type { Doors } from '../doors.ts'
import { listOf, notEmpty } from '../schemas.ts'
import { administratorOf, callerOf, personOf } from '../session.ts'
import { keepText, writtenText } from '../written-text.ts'

const variableShape = z.object({
  name: z.string(),
  type: z.enum(variableTypes),
  description: z.string(),
  secret: z.boolean(),
  function: z.string().nullable().meta({ description: '"namespace.name"; null: of the organisation.' }),
  value: z.unknown().meta({ description: 'Null for a secret: its value is written by people and read by scripts only.' }),
  has_value: z.boolean(),
  updated_by: z.object({ id: z.string(), name: z.string().nullable() }),
  updated_at: z.string(),
})

const settingsShape = z.strictObject({
  date_format: z
    .string()
    .max(50)
    .meta({ description: 'SimpleDateFormat pattern.', examples: ['dd-MMM-yyyy'] }),
  time_zone: z
    .string()
    .max(100)
    .meta({ description: 'IANA name.', examples: ['Europe/Berlin'] }),
  precedence: z.enum(['usual', 'creator']).meta({ description: 'How a || b && c reads.' }),
  profile: z.enum(['crm', 'creator']).meta({ description: 'How isNull, isBlank and isEmpty answer.' }),
  admin_user_id: z
    .string()
    .max(100)
    .nullable()
    .meta({ description: 'Who the administrator of the system variables is; null: the first one.' }),
  default_connections: z
    .record(z.string().max(100), z.string().max(50))
    .meta({ description: 'Namespace of integration tasks → link name of the connection that a task without one uses.' }),
  api_origins: z
    .record(z.string().max(100), z.string().max(300))
    .meta({ description: 'Namespace of integration tasks → origin of its API.' }),
})

const params = z.strictObject({ name: z.string().max(100) })
const path = z
  .string()
  .max(151)
  .regex(/^[A-Za-z]\w*\.[A-Za-z]\w*$/, 'Write namespace.name.')
const ofFunction = z.strictObject({ function: path.optional().meta({ description: 'Of this function, instead of the organisation.' }) })
const tags = ['Functions']

/** JSON text as it stands in an answer: numbers longer than JavaScript's stay what they are. */
const withValue = ({ value, ...rest }: { readonly value: string | null }): string =>
  `{"value":${value ?? 'null'},${JSON.stringify(rest).slice(1)}`

export const functionVariableRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    keepText(app)
    const sendText = (reply: FastifyReply, status: number, text: string): FastifyReply =>
      reply.code(status).type('application/json; charset=utf-8').send(Buffer.from(text))

    app.get(
      '/api/v1/functions/variables',
      { schema: { summary: 'Variables of functions and of the organisation', tags, response: { 200: listOf(variableShape) } } },
      async (request, reply) => {
        const all = await variablesOf(broker, personOf(request).principal)
        return sendText(reply, 200, `{"data":[${all.map(withValue).join(',')}],"next_cursor":null}`)
      },
    )

    app.get(
      '/api/v1/functions/variables/:name',
      { schema: { summary: 'One variable', tags, params, querystring: ofFunction, response: { 200: variableShape } } },
      async (request, reply) => {
        const shown = await variableOf(broker, personOf(request).principal, request.params.name, request.query.function ?? null)
        return sendText(reply, 200, withValue(shown))
      },
    )

    app.put(
      '/api/v1/functions/variables/:name',
      {
        schema: {
          summary: 'Make or change a variable',
          tags,
          params,
          querystring: ofFunction,
          body: z.strictObject({
            value: z.unknown().optional().meta({ description: 'Left out, it stays as it is.' }),
            type: z.enum(variableTypes).optional().meta({ description: 'Left out: what the value is.' }),
            secret: z.boolean().optional(),
            description: oneLine(200).optional(),
            function: path.nullable().optional(),
          }),
          response: { 200: variableShape, 201: variableShape },
        },
      },
      async (request, reply) => {
        const { type, secret, description } = request.body
        const { shown, created } = await putVariable(broker, personOf(request), {
          name: request.params.name,
          function: request.body.function ?? request.query.function ?? null,
          value: memberText(writtenText(request), 'value') ?? undefined,
          type,
          secret,
          description,
        })
        return sendText(reply, created ? 201 : 200, withValue(shown))
      },
    )

    app.delete(
      '/api/v1/functions/variables/:name',
      { schema: { summary: 'Delete a variable', tags, params, querystring: ofFunction, response: { 204: z.null() } } },
      async (request, reply) => {
        await removeVariable(broker, personOf(request), request.params.name, request.query.function ?? null)
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/api/v1/functions/settings',
      {
        schema: { summary: 'How scripts of the organisation write dates and find their services', tags, response: { 200: settingsShape } },
      },
      async request => functionSettings(broker, callerOf(request).principal.organizationId),
    )

    app.put(
      '/api/v1/functions/settings',
      {
        schema: {
          summary: 'Change them, for administrators; maps replace whole',
          tags,
          body: settingsShape.partial(),
          response: { 200: settingsShape },
        },
      },
      async request => {
        notEmpty(request.body)
        return changeFunctionSettings(broker, administratorOf(request), definedOf(request.body))
      },
    )
  }

/** Without the members that are undefined. */
function definedOf<T extends object>(body: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
