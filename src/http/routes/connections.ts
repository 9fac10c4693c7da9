import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { authorize, type Started } from '../../broker/connect.ts'
import { createConnection, editConnection, removeConnection, revokeConnection } from '../../broker/connection-edits.ts'
import {
  confirmHosts,
  getConnection,
  listAuthorizations,
  listConnectionAttempts,
  listUses,
  listVisible,
  presented,
  testConnection,
} from '../../broker/connections.ts'
import { snippetsFor } from '../../broker/snippets.ts'
import { displayName } from '../../core/link-name.ts'
import { flowCookie } from '../cookies.ts'
import type { Doors } from '../doors.ts'
import { access, askedScopes, given, listOf, newConnection, newConnectionOf, pageOf, pageQuery } from '../schemas.ts'
import { callerOf, personOf } from '../session.ts'

const connectionShape = z.looseObject({
  link_name: z.string(),
  name: z.string(),
  service: z.object({
    link_name: z.string(),
    name: z.string(),
    kind: z.string(),
    auth_type: z.string(),
    grant_type: z
      .enum(['authorization_code', 'client_credentials'])
      .nullable()
      .meta({ description: 'OAuth 2 only. With client credentials there is no page of the service to go to.' }),
    logo: z.string().nullable(),
  }),
  scopes: z.array(z.string()).readonly(),
  granted_scopes: z.array(z.string()).readonly().nullable(),
  unlisted_scopes: z.array(z.string()).readonly().meta({ description: 'Asked for, although the service’s definition does not list them.' }),
  use_login_user_credentials: z.boolean(),
  owner: z.object({ id: z.string(), name: z.string().nullable() }),
  view: z.enum(['own', 'shared']),
  status: z.enum(['authorization_required', 'connected', 'refresh_failing', 'reauthorization_required', 'revoked']),
  status_reason: z.string().nullable(),
  status_detail: z.string().nullable(),
  status_since: z.string(),
  status_action: z.string().nullable(),
  expires_at: z.string().nullable(),
  has_refresh_token: z.boolean(),
  warnings: z.array(z.string()).readonly(),
  restored_from: z
    .string()
    .nullable()
    .meta({ description: 'Its refresh token comes from a back-up of this moment and may be used up; the first renewal will tell.' }),
  account: z.object({ id: z.string().nullable(), label: z.string().nullable() }).nullable(),
  variables: z
    .record(z.string(), z.string())
    .meta({ description: 'What the connection filled in, without what the service calls secret.' }),
  api_hosts: z.array(z.string()).readonly().meta({ description: 'Where its calls may go; variables are filled in where they are known.' }),
  hosts_to_confirm: z
    .array(z.string())
    .readonly()
    .meta({ description: 'API hosts that were added since the caller connected: no call goes there before they are confirmed.' }),
  last_used_at: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
})

const authorizationShape = z.union([
  z.object({
    kind: z.literal('fields'),
    fields: z
      .array(
        z.object({
          name: z.string(),
          display_name: z.string(),
          secret: z.boolean(),
          placeholder: z.string().optional(),
          choices: z.array(z.string()).readonly().optional(),
        }),
      )
      .readonly(),
  }),
  z.object({
    kind: z.literal('redirect'),
    url: z.string().meta({
      description:
        'Where a browser goes on: the service’s own page, or a page of Patchbay, such as the one that asks which of two accounts it shall be.',
    }),
    expires_at: z.string(),
  }),
  z.object({ kind: z.literal('none') }),
])
const startedShape = z.object({ connection: connectionShape, authorization: authorizationShape })

const params = z.strictObject({ link_name: z.string().max(100) })
const tags = ['Connections']

export const connectionRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors

    /** The browser that starts a flow keeps half of its proof. */
    const withCookie = (reply: FastifyReply, started: Started) => {
      if (started.cookie) void reply.header('set-cookie', flowCookie(broker.publicUrl, started.cookie))
      return started.authorization
    }

    app.get(
      '/api/v1/connections',
      {
        schema: {
          summary: 'Connections that the caller may use or authorise',
          tags,
          querystring: z.strictObject({
            view: z.enum(['own', 'shared', 'available', 'others', 'all']).optional().meta({
              description:
                'own: the caller’s; shared: of others, authorised by the caller; available: waiting for the caller; others: of others, and the caller’s to call; all: everybody’s, for administrators. Left out: what the caller may use or authorise.',
            }),
            service: z.string().max(100).optional(),
            status: z.string().max(50).optional(),
            q: z.string().max(200).optional(),
            ...pageQuery,
          }),
          response: { 200: listOf(connectionShape) },
        },
      },
      async request => {
        const { view, service, status, q } = request.query
        return listVisible(broker, callerOf(request).principal, {
          view: view ?? null,
          service: service ?? null,
          status: status ?? null,
          q: q ?? null,
          ...pageOf(request.query),
        })
      },
    )

    app.post(
      '/api/v1/connections',
      {
        schema: {
          summary: 'Create and Connect',
          tags,
          body: newConnection.extend({ service: z.string().max(100) }),
          response: { 201: startedShape },
        },
      },
      async (request, reply) => {
        const caller = personOf(request)
        const { body } = request
        const { row, started } = await createConnection(broker, caller, { ...newConnectionOf(body), service: body.service })
        return reply.code(201).send({ connection: presented(broker, caller.principal, row), authorization: withCookie(reply, started) })
      },
    )

    app.get(
      '/api/v1/connections/:link_name',
      { schema: { summary: 'One connection', tags, params, response: { 200: connectionShape } } },
      async request => {
        const { principal } = callerOf(request)
        return presented(broker, principal, await getConnection(broker, principal, request.params.link_name))
      },
    )

    app.patch(
      '/api/v1/connections/:link_name',
      {
        schema: {
          summary: 'Edit name, access, scopes; other scopes ask for consent again',
          tags,
          params,
          body: z.strictObject({ name: displayName.optional(), access: access.optional(), scopes: askedScopes.optional(), ...given }),
          response: { 200: startedShape },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request)
        const { return_to, ...patch } = request.body
        const { row, started } = await editConnection(broker, caller, request.params.link_name, { ...patch, returnTo: return_to ?? null })
        return { connection: presented(broker, caller.principal, row), authorization: withCookie(reply, started) }
      },
    )

    app.delete(
      '/api/v1/connections/:link_name',
      { schema: { summary: 'Delete; the provider is told afterwards', tags, params, response: { 204: z.null() } } },
      async (request, reply) => {
        await removeConnection(broker, callerOf(request), request.params.link_name)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/api/v1/connections/:link_name/authorize',
      {
        schema: {
          summary: 'Start an authorisation, or finish it with values',
          tags,
          params,
          body: z.strictObject({ scopes: askedScopes.optional(), ...given }).nullish(),
          response: { 200: startedShape },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request)
        const { return_to, ...body } = request.body ?? {}
        const started = await authorize(broker, caller, request.params.link_name, { ...body, returnTo: return_to ?? null })
        const row = await getConnection(broker, caller.principal, request.params.link_name)
        return { connection: presented(broker, caller.principal, row), authorization: withCookie(reply, started) }
      },
    )

    app.post(
      '/api/v1/connections/:link_name/revoke',
      {
        schema: {
          summary: 'Revoke the caller’s own authorisation, or everybody’s',
          tags,
          params,
          body: z.strictObject({ everyone: z.boolean().default(false) }).nullish(),
          response: { 200: z.object({ revoked_at_provider: z.enum(['pending', 'yes', 'no', 'not_supported']), count: z.int() }) },
        },
      },
      async request => revokeConnection(broker, callerOf(request), request.params.link_name, request.body?.everyone ?? false),
    )

    app.get(
      '/api/v1/connections/:link_name/authorizations',
      { schema: { summary: 'Who authorised it', tags, params, response: { 200: listOf(z.looseObject({})) } } },
      async request => ({
        data: await listAuthorizations(broker, callerOf(request).principal, request.params.link_name),
        next_cursor: null,
      }),
    )

    app.post(
      '/api/v1/connections/:link_name/test',
      {
        schema: {
          summary: 'Call the service’s test URL',
          tags,
          params,
          response: { 200: z.object({ ok: z.boolean(), status_code: z.int(), duration_ms: z.int() }) },
        },
      },
      async request => testConnection(broker, callerOf(request).principal, request.params.link_name),
    )

    app.get(
      '/api/v1/connections/:link_name/uses',
      { schema: { summary: 'What names this connection', tags, params, response: { 200: z.looseObject({}) } } },
      async request => listUses(broker, callerOf(request).principal, request.params.link_name),
    )

    app.get(
      '/api/v1/connections/:link_name/attempts',
      { schema: { summary: 'Recorded authorisations with a diagnosis', tags, params, response: { 200: listOf(z.looseObject({})) } } },
      async request => ({
        data: await listConnectionAttempts(broker, callerOf(request).principal, request.params.link_name),
        next_cursor: null,
      }),
    )

    app.post(
      '/api/v1/connections/:link_name/confirm-hosts',
      {
        schema: {
          summary: 'Agree to added API hosts',
          tags,
          params,
          response: { 200: z.object({ api_hosts: z.array(z.string()).readonly() }) },
        },
      },
      async request => confirmHosts(broker, callerOf(request), request.params.link_name),
    )

    app.get(
      '/api/v1/connections/:link_name/snippets',
      {
        schema: {
          summary: 'Code to paste',
          tags,
          params,
          response: {
            200: z.object({ invokeurl: z.string(), json: z.string(), curl: z.string(), typescript: z.string(), proxy: z.string() }),
          },
        },
      },
      async request => {
        const { principal } = callerOf(request)
        return snippetsFor(broker, principal, await getConnection(broker, principal, request.params.link_name))
      },
    )
  }
