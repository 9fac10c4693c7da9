import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { noteAccount, tell } from '../../broker/arrivals.ts'
import { change } from '../../broker/change.ts'
import { membershipIn } from '../../broker/memberships.ts'
import { mayCreate } from '../../broker/services.ts'
import { findMember } from '../../people/members.ts'
import { changePassword } from '../../people/passwords.ts'
import { within } from '../../people/people.ts'
import { setActiveOrganization, signOut, signOutEverywhere } from '../../people/sessions.ts'
import { Problem } from '../../core/problem.ts'
import type { Doors } from '../doors.ts'
import { callerOf, personOf } from '../session.ts'
import { fromOf, signedInOf } from '../signed-in.ts'
import { guessing } from '../throttle.ts'

export const role = z.enum(['administrator', 'developer', 'user'])
export const userShape = z.object({ id: z.string(), email: z.string(), name: z.string() })
export const organizationShape = z.object({ id: z.string(), name: z.string(), slug: z.string() })
const meShape = z.object({
  user: userShape,
  organization: organizationShape,
  role,
  belongs_to: z.string().nullable().meta({
    description:
      'Set when the database is that of a Patchbay at another public URL (or "loopback"): nothing is called with its connections.',
  }),
  may_create: z.boolean().meta({ description: 'The organisation lets this role create services and connections.' }),
})
const tags = ['People']

/** Who the caller is, and what they do with their own account. */
export const meRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    app.get('/api/v1/me', { schema: { summary: 'Who the caller is', tags, response: { 200: meShape } } }, async request => {
      const { organizationId, userId } = callerOf(request).principal
      const found = await membershipIn(broker, userId, organizationId)
      if (!found) throw new Problem('unauthenticated')
      const { id, email, name } = await findMember(broker.people, organizationId, userId)
      return {
        user: { id, email, name },
        organization: { id: found.id, name: found.name, slug: found.slug },
        role: found.role,
        belongs_to: broker.deployment.foreign(),
        may_create: await mayCreate(broker, { organizationId, role: found.role }),
      }
    })

    app.put(
      '/api/v1/me/organization',
      {
        schema: {
          summary: 'The organisation that this session acts in',
          tags,
          body: z.strictObject({ slug: z.string().max(100) }),
          response: { 200: meShape },
        },
      },
      async request => {
        const { caller, session } = signedInOf(request)
        const entered = await change(broker, caller, async (trx, traces) => {
          const organization = await setActiveOrganization(within(broker.people, trx), session, request.body.slug)
          traces.audit('session.organization_changed', `organization:${organization.slug}`)
          return organization
        })
        const { userId: id, email, userName: name } = session
        return {
          user: { id, email, name },
          organization: { id: entered.id, name: entered.name, slug: entered.slug },
          role: entered.role,
          belongs_to: broker.deployment.foreign(),
          may_create: await mayCreate(broker, { organizationId: entered.id, role: entered.role }),
        }
      },
    )

    app.post(
      '/api/v1/me/password',
      {
        schema: {
          summary: 'Change the password; the person’s other sessions end',
          tags,
          body: z.strictObject({ current_password: z.string().max(1000), new_password: z.string().max(1000) }),
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        const { session } = signedInOf(request)
        const { current_password: currentPassword, new_password: newPassword } = request.body
        const { sessionId, userId } = session
        await guessing(broker, userId, request.ip, () => changePassword(broker.people, { userId, sessionId, currentPassword, newPassword }))
        await noteAccount(broker, fromOf(request), userId, 'password.changed')
        await tell(broker, [{ kind: 'member', id: userId }])
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/api/v1/me/sign-out-everywhere',
      { schema: { summary: 'End every session of the caller, this one too; API keys stay', tags, response: { 204: z.null() } } },
      async (request, reply) => {
        const caller = personOf(request)
        const { userId } = caller.principal
        await change(broker, caller, async (trx, traces) => {
          await signOutEverywhere(within(broker.people, trx), userId)
          traces.audit('session.ended_everywhere', `member:${userId}`)
          traces.changed({ kind: 'member', id: userId })
        })
        // the sessions are gone already: this only gives the cookie that makes the browser forget
        const { setCookie } = await signOut(broker.people, null)
        return reply.header('set-cookie', setCookie).code(204).send(null)
      },
    )
  }
