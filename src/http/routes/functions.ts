import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { checkSource, longestSource } from '../../broker/function-check.ts'
import { patchFunction } from '../../broker/function-rename.ts'
import {
  createFunction,
  getFunction,
  listOfFunctions,
  presentFunction,
  removeFunction,
  restoreVersion,
  saveFunction,
  takeOverFunction,
  versionsOf,
  type Saved,
} from '../../broker/functions.ts'
import { functionName, functionNamespace, runStatuses } from '../../core/function.ts'
import { oneLine } from '../../core/link-name.ts'
import type { Principal } from '../../core/principal.ts'
import type { Doors } from '../doors.ts'
import { ifMatch, listOf, notEmpty, pageOf, pageQuery } from '../schemas.ts'
import { callerOf, personOf } from '../session.ts'

const person = z.object({ id: z.string(), name: z.string().nullable() })

const signature = z.object({
  namespace: z.string(),
  name: z.string(),
  returns: z.string(),
  parameters: z.array(z.object({ name: z.string(), type: z.string().nullable() })).readonly(),
})

export const functionShape = z.object({
  id: z.string(),
  namespace: z.string(),
  name: z.string(),
  language: z.literal('deluge'),
  description: z.string(),
  source: z
    .string()
    .nullable()
    .optional()
    .meta({ description: 'Not in lists; null for members who write no functions, and for keys limited to connections.' }),
  signature: signature.nullable().meta({ description: 'Null for a script without a header.' }),
  connections: z.array(z.string()).readonly().meta({ description: 'Link names that the source names.' }),
  calls: z.array(z.string()).readonly().meta({ description: 'Functions that it calls.' }),
  called_by: z.array(z.string()).readonly().optional().meta({ description: 'Functions that call it; not in lists.' }),
  revision: z.int(),
  owner: person.meta({ description: 'Schedules and public calls run as this member.' }),
  author: person.meta({ description: 'Saved it last: connections are used with this member’s permission.' }),
  exposure: z.object({ api_key: z.boolean(), oauth: z.boolean() }),
  last_run: z.object({ status: z.enum(runStatuses), at: z.string() }).nullable(),
  created_at: z.string(),
  updated_at: z.string(),
})

const finding = z.object({
  line: z.int(),
  column: z.int(),
  end_line: z.int(),
  end_column: z.int(),
  message: z.string(),
  suggestion: z.string().nullable(),
})

const savedShape = functionShape.extend({ warnings: z.array(finding).readonly() })

const source = z.string().max(longestSource)
const description = z.string().max(2000)
export const functionPath = z.strictObject({ namespace: z.string().max(50), name: z.string().max(100) })
const tags = ['Functions']

/** Functions: written, saved, deleted. Running them is in `function-runs.ts`. */
export const functionRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    const bodyLimit = 4 * longestSource
    const saved = async (principal: Principal, { row, warnings }: Saved) => {
      const shown = await presentFunction(broker, principal, row)
      const found = warnings.map(({ path: _, ...one }) => ({
        line: one.line ?? 1,
        column: one.column ?? 1,
        end_line: one.end_line ?? 1,
        end_column: one.end_column ?? 1,
        message: one.message,
        suggestion: one.suggestion ?? null,
      }))
      return { ...shown, warnings: found }
    }

    app.get(
      '/api/v1/functions',
      {
        schema: {
          summary: 'Functions of the organisation',
          tags,
          querystring: z.strictObject({
            namespace: z.string().max(50).optional(),
            q: z.string().max(200).optional().meta({ description: 'In name, description and source.' }),
            ...pageQuery,
          }),
          response: { 200: listOf(functionShape) },
        },
      },
      async request => {
        const { principal } = callerOf(request)
        const { namespace, q } = request.query
        return listOfFunctions(broker, principal, { namespace: namespace ?? null, q: q ?? null, ...pageOf(request.query) })
      },
    )

    app.post(
      '/api/v1/functions',
      {
        bodyLimit,
        schema: {
          summary: 'Create a function; it is live at once',
          tags,
          body: z.strictObject({
            namespace: functionNamespace
              .optional()
              .meta({ description: 'Left out: the header’s, or standalone.', examples: ['standalone'] }),
            name: functionName.optional().meta({ description: 'Left out: the header’s.' }),
            language: z.literal('deluge').default('deluge'),
            source,
            description: description.optional(),
            note: oneLine(200).optional(),
          }),
          response: { 201: savedShape },
        },
      },
      async (request, reply) => {
        const caller = personOf(request)
        return reply.code(201).send(await saved(caller.principal, await createFunction(broker, caller, request.body)))
      },
    )

    app.post(
      '/api/v1/functions/check',
      {
        bodyLimit,
        schema: {
          summary: 'Everything wrong with a script; stores nothing',
          tags,
          body: z.strictObject({ source, namespace: functionNamespace.optional().meta({ description: 'Where it will be saved.' }) }),
          response: {
            200: z.object({
              errors: z.array(finding).readonly(),
              warnings: z.array(finding).readonly(),
              signature: signature.nullable(),
              connections: z.array(z.object({ name: z.string(), line: z.int() })).readonly(),
            }),
          },
        },
      },
      async request => {
        const { principal } = callerOf(request)
        const { errors, warnings, signature, uses } = await checkSource(broker, principal, request.body.source, {
          namespace: request.body.namespace,
        })
        const shown = (one: (typeof errors)[number]) => ({
          line: one.line,
          column: one.column,
          end_line: one.endLine,
          end_column: one.endColumn,
          message: one.message,
          suggestion: one.suggestion,
        })
        return { errors: errors.map(shown), warnings: warnings.map(shown), signature, connections: uses.connections }
      },
    )

    app.get(
      '/api/v1/functions/:namespace/:name',
      { schema: { summary: 'One function', tags, params: functionPath, response: { 200: functionShape } } },
      async (request, reply) => {
        const { principal } = callerOf(request)
        const row = await getFunction(broker, principal.organizationId, request.params.namespace, request.params.name)
        return reply.header('etag', `"${row.revision}"`).send(await presentFunction(broker, principal, row))
      },
    )

    app.put(
      '/api/v1/functions/:namespace/:name',
      {
        bodyLimit,
        schema: {
          summary: 'Check and save; what is saved is live. Creates the function when there is none',
          tags,
          params: functionPath,
          body: z.strictObject({ source, description: description.optional(), note: oneLine(200).optional() }),
          response: { 200: savedShape, 201: savedShape },
        },
      },
      async (request, reply) => {
        const caller = personOf(request)
        const revision = ifMatch(request.headers['if-match'])
        const done = await saveFunction(broker, caller, request.params, request.body, revision)
        const shown = await saved(caller.principal, done)
        return reply
          .code(done.created ? 201 : 200)
          .header('etag', `"${done.row.revision}"`)
          .send(shown)
      },
    )

    app.patch(
      '/api/v1/functions/:namespace/:name',
      {
        schema: {
          summary: 'Give a function another name or description; its header is rewritten',
          tags,
          params: functionPath,
          querystring: z.strictObject({
            force: z.stringbool().default(false).meta({ description: 'Although others call it by its old name, and will fail.' }),
          }),
          body: z.strictObject({
            namespace: functionNamespace.optional(),
            name: functionName.optional(),
            description: description.optional(),
          }),
          response: { 200: savedShape },
        },
      },
      async (request, reply) => {
        notEmpty(request.body)
        const caller = personOf(request)
        const options = { revision: ifMatch(request.headers['if-match']), force: request.query.force }
        const done = await patchFunction(broker, caller, request.params, request.body, options)
        return reply.header('etag', `"${done.row.revision}"`).send(await saved(caller.principal, done))
      },
    )

    app.delete(
      '/api/v1/functions/:namespace/:name',
      {
        schema: {
          summary: 'Delete a function with its history, variables and schedules',
          tags,
          params: functionPath,
          querystring: z.strictObject({ force: z.stringbool().default(false).meta({ description: 'Although others call it.' }) }),
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await removeFunction(broker, personOf(request), request.params, request.query.force)
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/api/v1/functions/:namespace/:name/versions',
      {
        schema: {
          summary: 'Every save, the newest first',
          tags,
          params: functionPath,
          querystring: z.strictObject(pageQuery),
          response: {
            200: listOf(
              z.object({
                revision: z.int(),
                live: z.boolean(),
                author: person,
                note: z.string(),
                saved_at: z.string(),
                source: z.string(),
              }),
            ),
          },
        },
      },
      async request => versionsOf(broker, personOf(request).principal, request.params, pageOf(request.query)),
    )

    app.post(
      '/api/v1/functions/:namespace/:name/restore',
      {
        schema: {
          summary: 'Save the source of an earlier version again',
          tags,
          params: functionPath,
          body: z.strictObject({ revision: z.int().min(1) }),
          response: { 200: savedShape },
        },
      },
      async request => {
        const caller = personOf(request)
        return saved(caller.principal, await restoreVersion(broker, caller, request.params, request.body.revision))
      },
    )

    app.post(
      '/api/v1/functions/:namespace/:name/take-over',
      {
        schema: {
          summary: 'Become the owner: schedules and public calls run as you from now on',
          tags,
          params: functionPath,
          response: { 200: functionShape },
        },
      },
      async request => {
        const caller = personOf(request)
        return presentFunction(broker, caller.principal, await takeOverFunction(broker, caller, request.params))
      },
    )
  }
