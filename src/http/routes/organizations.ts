import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { change } from '../../broker/change.ts'
import { createOrganization, membershipsOf, newOrganization } from '../../people/organizations.ts'
import { within } from '../../people/people.ts'
import { organizationSettings, putOrganizationSettings } from '../../storage/settings.ts'
import type { Doors } from '../doors.ts'
import { listOf } from '../schemas.ts'
import { administratorOf, personOf } from '../session.ts'
import { organizationShape, role } from './me.ts'

const joinedShape = organizationShape.extend({ role, created_at: z.string() })
const settingsShape = z.object({ who_may_create: z.enum(['everyone', 'developers', 'administrators']) })
const tags = ['People']

export const organizationRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    app.get(
      '/api/v1/organizations',
      { schema: { summary: 'The organisations the caller is a member of', tags, response: { 200: listOf(joinedShape) } } },
      async request => {
        const { principal } = personOf(request)
        const all = await membershipsOf(broker.people, principal.userId)
        // a key belongs to one organisation, and learns nothing of the others
        const seen = principal.key === null ? all : all.filter(one => one.id === principal.organizationId)
        return { data: seen.map(one => ({ ...one, created_at: one.created_at.toISOString() })), next_cursor: null }
      },
    )

    app.post(
      '/api/v1/organizations',
      {
        schema: {
          summary: 'One more organisation, by the operator, who becomes its administrator',
          tags,
          body: newOrganization,
          response: { 201: joinedShape },
        },
      },
      async (request, reply) => {
        const caller = personOf(request)
        const made = await change(broker, caller, async (trx, traces) => {
          const { organization } = await createOrganization(within(broker.people, trx), {
            ...request.body,
            creatorId: caller.principal.userId,
          })
          traces.audit('organization.created', `organization:${organization.slug}`, { name: organization.name })
          traces.changed({ kind: 'organization', id: organization.id })
          return organization
        })
        return reply.code(201).send({ ...made, role: 'administrator', created_at: made.created_at.toISOString() })
      },
    )

    app.get(
      '/api/v1/settings',
      { schema: { summary: 'The organisation’s settings', tags, response: { 200: settingsShape } } },
      async request => organizationSettings(broker.db, administratorOf(request).principal.organizationId),
    )

    app.patch(
      '/api/v1/settings',
      {
        schema: {
          summary: 'Who may create custom services and connections',
          tags,
          body: settingsShape.strict(),
          response: { 200: settingsShape },
        },
      },
      async request => {
        const caller = administratorOf(request)
        const { organizationId } = caller.principal
        const { who_may_create } = request.body
        await change(broker, caller, async (trx, traces) => {
          await putOrganizationSettings(trx, { organization_id: organizationId, who_may_create })
          traces.audit('settings.changed', `organization:${caller.principal.organizationSlug}`, { who_may_create })
          traces.changed({ kind: 'organization', id: organizationId })
        })
        return { who_may_create }
      },
    )
  }
