import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { redirectUrlOf } from '../../broker/broker.ts'
import { editService, previewEdit } from '../../broker/service-edit.ts'
import {
  allServices,
  createService,
  getService,
  putClient,
  removeService,
  takeOver,
  testService,
  type Service,
} from '../../broker/services.ts'
import { hasClient, variablesOf } from '../../core/service.ts'
import type { Principal } from '../../core/principal.ts'
import { encodeCursor } from '../../storage/page.ts'
import { decodeCursor } from '../../storage/page.ts'
import type { Doors } from '../doors.ts'
import { ifMatch, listOf, pageQuery, values } from '../schemas.ts'
import { callerOf, personOf } from '../session.ts'

/** A service as callers see it: its definition, and that there is a secret, never the secret. */
export function presentService({ broker }: Doors, principal: Principal, service: Service) {
  const { definition, row, kind } = service
  return {
    kind,
    ...definition,
    client_id: row?.client_id ?? null,
    has_client_secret: row?.sealed_client_secret != null,
    configured: !hasClient(definition) || row?.client_id != null,
    redirect_url: hasClient(definition) ? redirectUrlOf(broker, principal.organizationSlug, definition.link_name) : null,
    variables: variablesOf(definition).map(one => ({
      name: one.name,
      label: one.label ?? one.name,
      choices: one.choices ?? null,
      default: one.default ?? null,
      secret: one.secret ?? false,
    })),
    every_host: definition.api_hosts.includes('*'),
    documented: broker.catalogue.get(definition.link_name)?.documented ?? null,
    revision: row?.revision ?? 1,
    created_by: row && kind === 'custom' ? { id: row.created_by } : null,
    keeper: row && kind === 'custom' ? { id: row.keeper_id } : null,
    created_at: row?.created_at.toISOString() ?? null,
    updated_at: row?.updated_at.toISOString() ?? null,
  }
}

const serviceShape = z.looseObject({
  link_name: z.string(),
  name: z.string(),
  kind: z.enum(['default', 'custom']),
  auth_type: z.enum(['basic', 'api_key', 'oauth1', 'oauth2']),
  param_type: z.string(),
  description: z.string().nullable(),
  category: z.string().nullable(),
  logo: z.string().nullable(),
  client_id: z.string().nullable(),
  has_client_secret: z.boolean(),
  configured: z.boolean().meta({ description: 'False: an administrator must register a client first.' }),
  redirect_url: z.string().nullable().meta({ description: 'What to register at the provider.' }),
  api_hosts: z.array(z.string()).readonly(),
  every_host: z.boolean().meta({ description: 'Its credentials may go anywhere. Dangerous.' }),
  advanced: z.record(z.string(), z.unknown()),
  revision: z.int(),
})

/** The definition itself is judged in broker/services.ts, with every field that is wrong. */
const definitionBody = values.meta({
  description:
    'A service definition; see docs/services.md and catalogue/service.schema.json. client_id and client_secret stand beside its fields.',
})
const linkName = z.strictObject({ link_name: z.string().max(100) })
const tags = ['Services']

export const serviceRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors
    const shown = (principal: Principal, service: Service) => presentService(doors, principal, service)

    app.get(
      '/api/v1/services',
      {
        schema: {
          summary: 'Default and custom services',
          tags,
          querystring: z.strictObject({
            kind: z.enum(['default', 'custom']).optional(),
            q: z.string().max(200).optional(),
            category: z.string().max(50).optional(),
            ...pageQuery,
          }),
          response: { 200: listOf(serviceShape) },
        },
      },
      async request => {
        const { principal } = callerOf(request)
        const { kind, q, category, limit, cursor } = request.query
        const after = decodeCursor(cursor ?? null, 1)?.[0]
        const all = await allServices(broker, principal.organizationId, { kind: kind ?? null, q: q ?? null, category: category ?? null })
        const rest = after === undefined ? all : all.filter(one => one.definition.link_name > after)
        const page = rest.slice(0, limit)
        const last = page.at(-1)
        return {
          data: page.map(one => shown(principal, one)),
          next_cursor: rest.length > limit && last ? encodeCursor([last.definition.link_name]) : null,
        }
      },
    )

    app.post(
      '/api/v1/services',
      { schema: { summary: 'Create a custom service', tags, body: definitionBody, response: { 201: serviceShape } } },
      async (request, reply) => {
        const caller = personOf(request)
        const service = await createService(broker, caller, request.body)
        return reply.code(201).send(shown(caller.principal, service))
      },
    )

    app.get(
      '/api/v1/services/:link_name',
      { schema: { summary: 'One service', tags, params: linkName, response: { 200: serviceShape } } },
      async (request, reply) => {
        const { principal } = callerOf(request)
        const service = await getService(broker, principal.organizationId, request.params.link_name)
        return reply.header('etag', `"${service.row?.version ?? 0}"`).send(shown(principal, service))
      },
    )

    app.patch(
      '/api/v1/services/:link_name',
      {
        schema: {
          summary: 'Edit a custom service; a change of where secrets go revokes its connections',
          tags,
          params: linkName,
          body: definitionBody,
          response: { 200: serviceShape },
        },
      },
      async request => {
        const caller = personOf(request)
        return shown(
          caller.principal,
          await editService(broker, caller, request.params.link_name, request.body, ifMatch(request.headers['if-match'])),
        )
      },
    )

    app.post(
      '/api/v1/services/:link_name/preview',
      {
        schema: {
          summary: 'Whom an edit would revoke; changes nothing',
          tags,
          params: linkName,
          body: definitionBody,
          response: {
            200: z.object({
              revokes: z.array(z.object({ link_name: z.string(), owner: z.string() })),
              count: z.int(),
              confirm_hosts: z.array(z.string()).readonly(),
            }),
          },
        },
      },
      async request => previewEdit(broker, personOf(request), request.params.link_name, request.body),
    )

    app.delete(
      '/api/v1/services/:link_name',
      { schema: { summary: 'Delete a custom service without connections', tags, params: linkName, response: { 204: z.null() } } },
      async (request, reply) => {
        await removeService(broker, personOf(request), request.params.link_name)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/api/v1/services/:link_name/take-over',
      { schema: { summary: 'An administrator becomes the keeper', tags, params: linkName, response: { 200: serviceShape } } },
      async request => {
        const caller = personOf(request)
        return shown(caller.principal, await takeOver(broker, caller, request.params.link_name))
      },
    )

    app.put(
      '/api/v1/services/:link_name/client',
      {
        schema: {
          summary: 'The organisation’s own OAuth client for a default service',
          tags,
          params: linkName,
          body: z.strictObject({
            client_id: z.string().trim().min(1).max(500),
            client_secret: z.string().min(1).max(16_384).nullable().default(null),
          }),
          response: { 200: serviceShape },
        },
      },
      async request => {
        const caller = personOf(request)
        return shown(caller.principal, await putClient(broker, caller, request.params.link_name, request.body))
      },
    )

    app.post(
      '/api/v1/services/:link_name/test',
      {
        schema: {
          summary: 'Try the token endpoint',
          tags,
          params: linkName,
          body: z.strictObject({ variables: z.record(z.string(), z.string().max(500)).default({}) }).nullish(),
          response: {
            200: z.object({
              outcome: z.enum(['client_accepted', 'client_refused', 'not_a_token_endpoint', 'host_unreachable']),
              steps: z.array(z.object({ step: z.string() })).readonly(),
            }),
          },
        },
      },
      async request => testService(broker, personOf(request).principal, request.params.link_name, request.body?.variables ?? {}),
    )
  }
