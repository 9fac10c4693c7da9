import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { endSession, redeemResetLink, setUpByLink, signInPerson } from '../../broker/arrivals.ts'
import { change } from '../../broker/change.ts'
import { makeResetLink } from '../../broker/members.ts'
import { findMember } from '../../people/members.ts'
import { organizationSlug } from '../../people/organizations.ts'
import { findPasswordReset } from '../../people/passwords.ts'
import { within } from '../../people/people.ts'
import { signOut } from '../../people/sessions.ts'
import { isSetUp } from '../../people/setup.ts'
import type { Doors } from '../doors.ts'
import { sendMail } from '../mail.ts'
import { administratorOf } from '../session.ts'
import { assertNotForeign, fromOf } from '../signed-in.ts'
import { guessing, perAddress } from '../throttle.ts'
import { organizationShape, userShape } from './me.ts'

const tags = ['Signing in']
const password = z.string().max(1000)
const token = z.string().min(1).max(200)

/** Set-up, signing in and out, and passwords that were forgotten. */
export const signInRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors

    app.get(
      '/api/v1/setup',
      {
        config: { open: true, ...perAddress(300) },
        schema: {
          summary: 'Whether this Patchbay has its administrator',
          tags,
          security: [],
          response: { 200: z.object({ set_up: z.boolean() }) },
        },
      },
      async () => ({ set_up: await isSetUp(broker.people) }),
    )

    app.post(
      '/api/v1/setup',
      {
        config: { open: true, ...perAddress(30) },
        schema: {
          summary: 'Make the first administrator, with the link that the server printed',
          tags,
          security: [],
          body: z.strictObject({
            token,
            organization_name: z.string().max(200),
            slug: organizationSlug.optional(),
            name: z.string().max(200),
            email: z.string().max(320),
            password,
          }),
          response: { 201: z.object({ user: userShape, organization: organizationShape }) },
        },
      },
      async (request, reply) => {
        assertNotForeign(request, broker.publicUrl)
        const { organization_name: organizationName, slug, ...given } = request.body
        const { user, organization, setCookie } = await setUpByLink(broker, { ...given, organizationName, slug }, fromOf(request))
        return reply.header('set-cookie', setCookie).code(201).send({ user, organization })
      },
    )

    app.post(
      '/api/auth/sign-in/email',
      {
        config: { open: true, ...perAddress(120) },
        schema: {
          summary: 'Sign in; the session is in the cookie',
          tags,
          security: [],
          body: z.strictObject({ email: z.string().min(1).max(320), password }),
          response: { 200: z.object({ user: userShape }) },
        },
      },
      async (request, reply) => {
        assertNotForeign(request, broker.publicUrl)
        const { user, setCookie } = await guessing(broker, request.body.email, request.ip, () =>
          signInPerson(broker, request.body, fromOf(request)),
        )
        return reply.header('set-cookie', setCookie).send({ user })
      },
    )

    app.post(
      '/api/auth/sign-out',
      {
        config: { open: true, session: true },
        schema: {
          summary: 'End this session',
          tags,
          body: z.strictObject({}).nullish(),
          response: { 200: z.object({ success: z.boolean() }) },
        },
      },
      async (request, reply) => {
        const { cookie } = request.headers
        const ended = request.caller
          ? await change(broker, request.caller, async (trx, traces) => {
              traces.audit('session.ended', `member:${request.session?.userId ?? ''}`)
              const done = await signOut(within(broker.people, trx), cookie)
              for (const id of done.sessionIds) traces.changed({ kind: 'session', id })
              return done
            })
          : await endSession(broker, cookie)
        return reply.header('set-cookie', ended.setCookie).send({ success: true })
      },
    )

    app.post(
      '/api/v1/members/:id/reset-link',
      {
        schema: {
          summary: 'Make a link with which a member sets a new password; good for a day, once',
          tags: ['People'],
          params: z.strictObject({ id: z.string().max(100) }),
          response: { 200: z.object({ reset_url: z.string(), expires_at: z.string(), mailed: z.boolean() }) },
        },
      },
      async request => {
        const caller = administratorOf(request)
        const link = await makeResetLink(broker, caller, request.params.id)
        const resetUrl = `${broker.publicUrl}/reset-password?token=${link.token}`
        const { email } = await findMember(broker.people, caller.principal.organizationId, request.params.id)
        const text = `${caller.principal.userName} made a link for you to set a new password on Patchbay. It works once, for a day:\n\n${resetUrl}\n`
        return {
          reset_url: resetUrl,
          expires_at: link.expiresAt.toISOString(),
          mailed: await sendMail(doors, email, 'Set a new password', text),
        }
      },
    )

    app.get(
      '/api/v1/password-resets/:token',
      {
        config: { open: true, ...perAddress(60) },
        schema: {
          summary: 'Whose reset link this is',
          tags,
          security: [],
          params: z.strictObject({ token }),
          response: { 200: z.object({ email: z.string(), expires_at: z.string() }) },
        },
      },
      async request => {
        const { email, expires_at } = await findPasswordReset(broker.people, request.params.token)
        return { email, expires_at: expires_at.toISOString() }
      },
    )

    app.post(
      '/api/v1/password-resets/:token',
      {
        config: { open: true, ...perAddress(60) },
        schema: {
          summary: 'Set a new password with a reset link; every session of the person ends',
          tags,
          security: [],
          params: z.strictObject({ token }),
          body: z.strictObject({ password }),
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        assertNotForeign(request, broker.publicUrl)
        await redeemResetLink(broker, request.params.token, request.body.password, fromOf(request))
        return reply.code(204).send(null)
      },
    )
  }
