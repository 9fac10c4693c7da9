import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { redirectUrlOf, type Broker } from '../../broker/broker.ts'
import { namesOf } from '../../broker/memberships.ts'
import { checkService, testDefinition, testService } from '../../broker/service-check.ts'
import { editService, previewEdit } from '../../broker/service-edit.ts'
import { requestedByCaller } from '../../broker/service-requests.ts'
import {
  allServices,
  connectionCounts,
  createService,
  getService,
  putClient,
  removeService,
  takeOver,
  type Service,
} from '../../broker/services.ts'
import { hasClient, variablesOf } from '../../core/service.ts'
import type { Principal } from '../../core/principal.ts'
import { decodeCursor, encodeCursor } from '../../storage/page.ts'
import type { Doors } from '../doors.ts'
import { sendMail } from '../mail.ts'
import { ifMatch, listOf, newConnection, newConnectionOf, pageQuery, values } from '../schemas.ts'
import { callerOf, personOf } from '../session.ts'

/** How a caller sees each of these services: its definition, and that there is a secret, never the secret. */
async function presenterOf(broker: Broker, principal: Principal, services: readonly Service[]) {
  const asked = await requestedByCaller(broker, principal)
  const people = services.flatMap(({ row, kind }) => (row && kind === 'custom' ? [row.created_by, row.keeper_id] : []))
  const names = await namesOf(broker, people)
  const counts = await connectionCounts(broker, principal, services)
  return (service: Service) => ({
    ...present(broker, principal, service, id => ({ id, name: names.get(id) ?? null }), asked),
    connections: counts.get(service.row?.id ?? '') ?? 0,
  })
}

function present(
  broker: Broker,
  principal: Principal,
  { definition, row, kind }: Service,
  person: (id: string) => { readonly id: string; readonly name: string | null },
  asked: ReadonlySet<string>,
) {
  const configured = !hasClient(definition) || row?.client_id != null
  return {
    kind,
    ...definition,
    client_id: row?.client_id ?? null,
    has_client_secret: row?.sealed_client_secret != null,
    configured,
    requested_by_me: !configured && kind === 'default' && asked.has(definition.link_name),
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
    created_by: row && kind === 'custom' ? person(row.created_by) : null,
    keeper: row && kind === 'custom' ? person(row.keeper_id) : null,
    created_at: row?.created_at.toISOString() ?? null,
    updated_at: row?.updated_at.toISOString() ?? null,
  }
}

const personShape = z.object({ id: z.string(), name: z.string().nullable() })

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
  requested_by_me: z.boolean().meta({ description: 'The caller has asked the administrators to register it.' }),
  redirect_url: z.string().nullable().meta({ description: 'What to register at the provider.' }),
  api_hosts: z.array(z.string()).readonly(),
  every_host: z.boolean().meta({ description: 'Its credentials may go anywhere. Dangerous.' }),
  advanced: z.record(z.string(), z.unknown()),
  revision: z.int(),
  created_by: personShape.nullable(),
  keeper: personShape.nullable().meta({ description: 'Who edits a custom service.' }),
  connections: z.int().meta({
    description:
      'How many were made with it: the organisation’s for administrators, the caller’s own for everybody else; for a limited API key, of those that it names.',
  }),
})

/** The definition itself is judged in broker/services.ts, with every field that is wrong. */
const definitionWords =
  'A service definition; see docs/services.md and catalogue/service.schema.json. client_id and client_secret stand beside its fields.'
const definitionBody = values.meta({ description: definitionWords })
/** The same with what stands beside it for one call; fields that nobody knows are refused with the definition. */
const definitionWith = <T extends z.ZodRawShape>(beside: T) => z.looseObject(beside).meta({ description: definitionWords })
const testVariables = z.record(z.string(), z.string().max(500)).default({})
const testShape = z.object({
  outcome: z.enum(['client_accepted', 'client_refused', 'not_a_token_endpoint', 'host_unreachable']),
  steps: z.array(z.object({ step: z.string() })).readonly(),
})
const linkName = z.strictObject({ link_name: z.string().max(100) })
const tags = ['Services']
/** Who asked first is told; the answer does not wait for more. */
const mostMails = 50

export const serviceRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors
    const shown = async (principal: Principal, service: Service) => (await presenterOf(broker, principal, [service]))(service)

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
          data: page.map(await presenterOf(broker, principal, page)),
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
        return reply.code(201).send(await shown(caller.principal, service))
      },
    )

    app.post(
      '/api/v1/services/check',
      {
        schema: {
          summary: 'Whether a new service, and its first connection, would be stored; stores nothing and calls nobody',
          tags,
          body: definitionWith({
            connection: newConnection.optional().meta({ description: 'As POST /api/v1/connections takes it, without service.' }),
          }),
          response: {
            200: z.object({
              api_hosts: z.array(z.string()).readonly().meta({ description: 'As they would be stored; derived when none were named.' }),
              every_host: z.boolean(),
            }),
          },
        },
      },
      async request => {
        const { connection, ...definition } = request.body
        return checkService(broker, personOf(request).principal, definition, connection ? newConnectionOf(connection) : null)
      },
    )

    app.post(
      '/api/v1/services/test',
      {
        schema: {
          summary: 'Try the token endpoint of a service that is not stored',
          tags,
          body: definitionWith({ variables: testVariables }),
          response: { 200: testShape },
        },
      },
      async request => {
        const { variables, ...definition } = request.body
        return testDefinition(broker, personOf(request).principal, definition, variables)
      },
    )

    app.get(
      '/api/v1/services/:link_name',
      { schema: { summary: 'One service', tags, params: linkName, response: { 200: serviceShape } } },
      async (request, reply) => {
        const { principal } = callerOf(request)
        const service = await getService(broker, principal.organizationId, request.params.link_name)
        return reply.header('etag', `"${service.row?.version ?? 0}"`).send(await shown(principal, service))
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
        const { service, askers } = await putClient(broker, caller, request.params.link_name, request.body)
        const { name, link_name } = service.definition
        const text = `${caller.principal.userName} has set up ${name} in the organisation ${caller.principal.organizationSlug}. You can connect it now:\n\n${broker.publicUrl}/services/${link_name}\n`
        const others = askers.filter(one => one.id !== caller.principal.userId).slice(0, mostMails)
        await Promise.all(others.map(one => sendMail(doors, one.email, `${name} can be connected now`, text)))
        return shown(caller.principal, service)
      },
    )

    app.post(
      '/api/v1/services/:link_name/test',
      {
        schema: {
          summary: 'Try the token endpoint',
          tags,
          params: linkName,
          body: z.strictObject({ variables: testVariables }).nullish(),
          response: { 200: testShape },
        },
      },
      async request => testService(broker, personOf(request).principal, request.params.link_name, request.body?.variables ?? {}),
    )
  }
