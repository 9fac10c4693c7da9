import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { joinByInvitation } from '../../broker/arrivals.ts'
import { dismissMember, giveRole, invite, withdraw } from '../../broker/members.ts'
import { findInvitation, listInvitations, type Invitation } from '../../people/invitations.ts'
import { findMember, listMembers, type Member } from '../../people/members.ts'
import { emailAddress } from '../../people/people.ts'
import { Problem } from '../../core/problem.ts'
import type { Doors } from '../doors.ts'
import { sendMail } from '../mail.ts'
import { listOf, pageQuery } from '../schemas.ts'
import { administratorOf, personOf } from '../session.ts'
import { assertNotForeign, fromOf } from '../signed-in.ts'
import { perAddress } from '../throttle.ts'
import { oneMore, timedPage } from '../timed-page.ts'
import { organizationShape, role, userShape } from './me.ts'

const memberShape = z.object({ id: z.string(), email: z.string(), name: z.string(), role, created_at: z.string() })
const shownMember = ({ id, email, name, role, created_at }: Member) => ({ id, email, name, role, created_at: created_at.toISOString() })

const invitationShape = z.object({
  id: z.string(),
  email: z.string(),
  role,
  invited_by: z.object({ id: z.string() }),
  created_at: z.string(),
  expires_at: z.string(),
})
const shownInvitation = ({ id, email, role, invited_by, created_at, expires_at }: Invitation) => ({
  id,
  email,
  role,
  invited_by: { id: invited_by },
  created_at: created_at.toISOString(),
  expires_at: expires_at.toISOString(),
})

const byId = z.strictObject({ id: z.string().max(100) })
const byToken = z.strictObject({ token: z.string().min(1).max(200) })
const tags = ['People']

/** Members and invitations. Everybody sees who is a member (connections are shared with them); administrators change it. */
export const memberRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors

    app.get(
      '/api/v1/members',
      {
        schema: {
          summary: 'Members, in the order they joined',
          tags,
          querystring: z.strictObject(pageQuery),
          response: { 200: listOf(memberShape) },
        },
      },
      async request => {
        const rows = await listMembers(broker.people, personOf(request).principal.organizationId, oneMore(request.query))
        const page = timedPage(rows, request.query)
        return { data: page.data.map(shownMember), next_cursor: page.next_cursor }
      },
    )

    app.get(
      '/api/v1/members/:id',
      { schema: { summary: 'One member', tags, params: byId, response: { 200: memberShape } } },
      async request => shownMember(await findMember(broker.people, personOf(request).principal.organizationId, request.params.id)),
    )

    app.patch(
      '/api/v1/members/:id',
      {
        schema: {
          summary: 'Give a member another role',
          tags,
          params: byId,
          body: z.strictObject({ role }),
          response: { 200: memberShape },
        },
      },
      async request => shownMember(await giveRole(broker, administratorOf(request), request.params.id, request.body.role)),
    )

    app.delete(
      '/api/v1/members/:id',
      {
        schema: {
          summary: 'Remove a member: their sessions, keys and shared authorisations end at once',
          tags,
          params: byId,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await dismissMember(broker, administratorOf(request), request.params.id)
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/api/v1/members/invitations',
      {
        schema: {
          summary: 'Invitations that wait',
          tags,
          querystring: z.strictObject(pageQuery),
          response: { 200: listOf(invitationShape) },
        },
      },
      async request => {
        const rows = await listInvitations(broker.people, administratorOf(request).principal.organizationId, oneMore(request.query))
        const page = timedPage(rows, request.query)
        return { data: page.data.map(shownInvitation), next_cursor: page.next_cursor }
      },
    )

    app.post(
      '/api/v1/members/invitations',
      {
        schema: {
          summary: 'Invite an e-mail address; an earlier invitation of it is withdrawn',
          tags,
          body: z.strictObject({ email: emailAddress, role }),
          response: {
            201: invitationShape.extend({
              accept_url: z.string().meta({ description: 'Shown once. Good for a week.' }),
              mailed: z.boolean(),
            }),
          },
        },
      },
      async (request, reply) => {
        const caller = administratorOf(request)
        const { invitation, token } = await invite(broker, caller, request.body)
        const acceptUrl = `${broker.publicUrl}/invitations/${token}`
        const text = `${caller.principal.userName} invites you to Patchbay. The link works once, for a week:\n\n${acceptUrl}\n`
        const mailed = await sendMail(doors, invitation.email, 'You are invited to Patchbay', text)
        return reply.code(201).send({ ...shownInvitation(invitation), accept_url: acceptUrl, mailed })
      },
    )

    app.delete(
      '/api/v1/members/invitations/:id',
      { schema: { summary: 'Withdraw an invitation', tags, params: byId, response: { 204: z.null() } } },
      async (request, reply) => {
        await withdraw(broker, administratorOf(request), request.params.id)
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/api/v1/invitations/:token',
      {
        config: { open: true, ...perAddress(60) },
        schema: {
          summary: 'What an invitation is for',
          tags,
          security: [],
          params: byToken,
          response: {
            200: z.object({
              organization: z.object({ name: z.string(), slug: z.string() }),
              email: z.string(),
              role,
              has_account: z.boolean(),
              expires_at: z.string(),
            }),
          },
        },
      },
      async request => {
        const { organization, email, role, has_account, expires_at } = await findInvitation(broker.people, request.params.token)
        return {
          organization: { name: organization.name, slug: organization.slug },
          email,
          role,
          has_account,
          expires_at: expires_at.toISOString(),
        }
      },
    )

    app.post(
      '/api/v1/invitations/:token/accept',
      {
        config: { open: true, session: true, ...perAddress(60) },
        schema: {
          summary: 'Accept an invitation: choose name and password, or confirm when signed in with the invited account',
          tags,
          params: byToken,
          body: z.strictObject({ name: z.string().max(200).optional(), password: z.string().max(1000).optional() }).nullish(),
          response: { 200: z.object({ user: userShape, organization: organizationShape, role }) },
        },
      },
      async (request, reply) => {
        assertNotForeign(request, broker.publicUrl)
        if (request.headers.authorization !== undefined)
          throw new Problem('forbidden', { detail: 'An API key cannot accept an invitation: sign in with a browser.' })
        const given = { token: request.params.token, name: request.body?.name, password: request.body?.password }
        const { setCookie, ...accepted } = await joinByInvitation(broker, given, request.session, fromOf(request))
        if (setCookie !== null) void reply.header('set-cookie', setCookie)
        return reply.send(accepted)
      },
    )
  }
