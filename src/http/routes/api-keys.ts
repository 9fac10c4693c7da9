import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { createApiKey, listApiKeys, revokeApiKey, type OwnedKey } from '../../broker/api-keys.ts'
import { keyScope } from '../../core/key-scopes.ts'
import { linkName } from '../../core/link-name.ts'
import type { Doors } from '../doors.ts'
import { listOf, pageQuery } from '../schemas.ts'
import { personOf } from '../session.ts'
import { oneMore, timedPage } from '../timed-page.ts'

const keyShape = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string().meta({ description: 'The first characters, to recognise it by.' }),
  owner: z.object({ id: z.string(), name: z.string().nullable() }),
  connections: z.array(z.string()).nullable().meta({ description: 'The only connections it may use; null for all.' }),
  invoke_only: z.boolean(),
  act_as: z.boolean().meta({ description: 'May send Patchbay-Subject.' }),
  scopes: z.array(z.string()).nullable().meta({ description: 'All that it may do; null for everything its member may do.' }),
  expires_at: z.string().nullable(),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
})

const shown = (key: OwnedKey) => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  owner: key.owner,
  connections: key.connections && [...key.connections],
  invoke_only: key.invoke_only,
  act_as: key.act_as,
  scopes: key.scopes && [...key.scopes],
  expires_at: key.expires_at?.toISOString() ?? null,
  created_at: key.created_at.toISOString(),
  last_used_at: key.last_used_at?.toISOString() ?? null,
})

const tags = ['API keys']

export const apiKeyRoutes =
  ({ broker, keyRing }: Doors): FastifyPluginAsyncZod =>
  async app => {
    app.get(
      '/api/v1/api-keys',
      {
        schema: {
          summary: 'The caller’s keys; with all=true everybody’s, for administrators',
          tags,
          querystring: z.strictObject({ all: z.enum(['true', 'false']).optional(), ...pageQuery }),
          response: { 200: listOf(keyShape) },
        },
      },
      async request => {
        await keyRing.flush() // a key that was just used says so
        const page = timedPage(
          await listApiKeys(broker, personOf(request), request.query.all === 'true', oneMore(request.query)),
          request.query,
        )
        return { data: page.data.map(shown), next_cursor: page.next_cursor }
      },
    )

    app.post(
      '/api/v1/api-keys',
      {
        schema: {
          summary: 'Make a key; it is shown this once',
          tags,
          body: z.strictObject({
            name: z.string().max(200),
            connections: z
              .array(linkName)
              .min(1)
              .max(100)
              .nullable()
              .optional()
              .meta({ description: 'The only connections it may use. Left out: all of its member’s.' }),
            invoke_only: z.boolean().default(false).meta({ description: 'Nothing but invoke and the proxy.' }),
            act_as: z.boolean().default(false).meta({ description: 'May call for other members. Administrators only; needs connections.' }),
            scopes: z.array(keyScope).min(1).max(20).nullable().optional().meta({
              description:
                'All that it may do, as Service.resource.OPERATION: ZohoCRM.functions.execute.READ for public calls of functions by GET, .CREATE for POST, .ALL for both. Left out: everything its member may do.',
            }),
            expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
          }),
          response: { 201: keyShape.extend({ key: z.string() }) },
        },
      },
      async (request, reply) => {
        const caller = personOf(request)
        const { name, connections, invoke_only, act_as, scopes, expires_at } = request.body
        const { row, key } = await createApiKey(broker, caller, {
          name,
          connections: connections ?? null,
          invokeOnly: invoke_only,
          actAs: act_as,
          scopes: scopes ?? null,
          expiresAt: expires_at == null ? null : new Date(expires_at),
        })
        return reply
          .header('cache-control', 'no-store')
          .code(201)
          .send({ ...shown(row), key })
      },
    )

    app.delete(
      '/api/v1/api-keys/:id',
      {
        schema: {
          summary: 'Revoke a key; administrators anybody’s',
          tags,
          params: z.strictObject({ id: z.string().max(100) }),
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await revokeApiKey(broker, personOf(request), request.params.id)
        return reply.code(204).send(null)
      },
    )
  }
