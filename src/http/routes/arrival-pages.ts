import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { endSession, joinByInvitation, redeemResetLink, setUpByLink, signInPerson } from '../../broker/arrivals.ts'
import { change } from '../../broker/change.ts'
import { Problem, type FieldError } from '../../core/problem.ts'
import { passwordLength } from '../../people/auth.ts'
import { approveCliLogin, findCliLogin } from '../../people/cli-logins.ts'
import { findInvitation } from '../../people/invitations.ts'
import { findPasswordReset } from '../../people/passwords.ts'
import { within } from '../../people/people.ts'
import { checkSetUpToken, isSetUp } from '../../people/setup.ts'
import type { Doors } from '../doors.ts'
import { fieldErrorsOf, formOf, openPage, requireOwnForms, safePath, sendPage, signedInOrAsked } from '../page-requests.ts'
import { cliLoginPage } from '../pages/cli-login.ts'
import { invitationPage } from '../pages/invitation.ts'
import { resetPasswordPage } from '../pages/reset-password.ts'
import { setUpPage } from '../pages/set-up.ts'
import { signInPage } from '../pages/sign-in.ts'
import { fromOf } from '../signed-in.ts'
import { guessing, perAddress } from '../throttle.ts'

const guarded = { config: { open: true, session: true, ...perAddress(120) }, schema: { hide: true } }
const tokenIn = z.object({ token: z.string().max(200).default('') })

/** Pages for somebody who is not a caller yet: set-up, sign-in, invitation, forgotten password; and the approval of a command-line login. */
export const arrivalPageRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { people } = broker
    requireOwnForms(app, broker.publicUrl)

    app.get('/setup', openPage, async (request, reply) => {
      const { token } = tokenIn.parse(request.query)
      await checkSetUpToken(people, token)
      return sendPage(reply, setUpPage({ token, errors: [], values: {}, passwordLength }))
    })

    app.post('/setup', guarded, async (request, reply) => {
      const { token = '', organization_name = '', name = '', email = '', password = '' } = formOf(request)
      try {
        const given = { token, organizationName: organization_name, slug: undefined, name, email, password }
        const { setCookie } = await setUpByLink(broker, given, fromOf(request))
        return await reply.header('set-cookie', setCookie).redirect('/welcome', 303)
      } catch (error) {
        if (error instanceof Problem && error.code !== 'validation_failed') throw error
        return sendPage(
          reply,
          setUpPage({ token, errors: fieldErrorsOf(error), values: { organization_name, name, email }, passwordLength }),
          422,
        )
      }
    })

    app.get('/sign-in', openPage, async (request, reply) => {
      const query = z.object({ return_to: z.string().optional(), email: z.string().max(300).default('') }).parse(request.query)
      if (request.session) return reply.redirect(safePath(query.return_to) ?? '/', 303)
      if (!(await isSetUp(people)))
        throw new Problem('setup_token_invalid', {
          detail: 'Nobody is administrator yet. Open the set-up link that the server printed when it started.',
        })
      return sendPage(reply, signInPage({ returnTo: safePath(query.return_to), email: query.email, error: null, notice: null }))
    })

    app.post('/sign-in', guarded, async (request, reply) => {
      const { email = '', password = '', return_to } = formOf(request)
      try {
        const { setCookie } = await guessing(broker, email, request.ip, () => signInPerson(broker, { email, password }, fromOf(request)))
        return await reply.header('set-cookie', setCookie).redirect(safePath(return_to) ?? '/', 303)
      } catch (error) {
        const [first] = fieldErrorsOf(error)
        const page = signInPage({ returnTo: safePath(return_to), email, error: first?.message ?? null, notice: null })
        return sendPage(reply, page, error instanceof Problem ? error.status : 401)
      }
    })

    app.post('/sign-out', openPage, async (request, reply) => {
      const { setCookie } = await endSession(broker, request.headers.cookie)
      return reply.header('set-cookie', setCookie).redirect('/sign-in', 303)
    })

    app.get('/invitations/:token', openPage, async (request, reply) =>
      sendPage(reply, await invitation(request, tokenIn.parse(request.params).token, [])),
    )

    app.post('/invitations/:token', guarded, async (request, reply) => {
      const { token } = tokenIn.parse(request.params)
      const { name, password } = formOf(request)
      try {
        const { setCookie } = await joinByInvitation(broker, { token, name, password }, request.session, fromOf(request))
        if (setCookie !== null) void reply.header('set-cookie', setCookie)
        return await reply.redirect('/', 303)
      } catch (error) {
        if (error instanceof Problem && error.code === 'sign_in_required')
          return reply.redirect(`/sign-in?${new URLSearchParams({ return_to: `/invitations/${token}` }).toString()}`, 303)
        if (error instanceof Problem && error.code !== 'validation_failed') throw error
        return sendPage(reply, await invitation(request, token, fieldErrorsOf(error)), 422)
      }
    })

    app.get('/reset-password', openPage, async (request, reply) => {
      const { token } = tokenIn.parse(request.query)
      const { email } = await findPasswordReset(people, token)
      return sendPage(reply, resetPasswordPage({ token, email, errors: [], passwordLength }))
    })

    app.post('/reset-password', guarded, async (request, reply) => {
      const { token = '', password = '' } = formOf(request)
      try {
        await redeemResetLink(broker, token, password, fromOf(request))
        return await sendPage(
          reply,
          signInPage({ returnTo: null, email: '', error: null, notice: 'Your password is changed. Sign in with it.' }),
        )
      } catch (error) {
        if (error instanceof Problem && error.code !== 'validation_failed') throw error
        const { email } = await findPasswordReset(people, token)
        return sendPage(reply, resetPasswordPage({ token, email, errors: fieldErrorsOf(error), passwordLength }), 422)
      }
    })

    app.get('/cli-login', openPage, async (request, reply) => {
      const caller = signedInOrAsked(request, reply)
      if (!caller) return reply
      const { code } = z.object({ code: z.string().max(50).optional() }).parse(request.query)
      if (code !== undefined) await findCliLogin(people, code)
      return sendPage(reply, cliLoginPage({ ...approver(request), code: code ?? null, done: false, error: null }))
    })

    app.post('/cli-login', guarded, async (request, reply) => {
      const caller = signedInOrAsked(request, reply)
      if (!caller) return reply
      const { userId, organizationId } = caller.principal
      const { code = '' } = formOf(request)
      try {
        await guessing(broker, userId, request.ip, () =>
          change(broker, caller, async (trx, traces) => {
            await approveCliLogin(within(people, trx), code, { userId, organizationId })
            traces.audit('cli_login.approved', `member:${userId}`)
          }),
        )
      } catch (error) {
        const [first] = fieldErrorsOf(error)
        return sendPage(reply, cliLoginPage({ ...approver(request), code, done: false, error: first?.message ?? null }), 422)
      }
      return sendPage(reply, cliLoginPage({ ...approver(request), code: null, done: true, error: null }))
    })

    const approver = (request: FastifyRequest) => ({
      user: request.session?.userName ?? '',
      organization: request.session?.organization?.name ?? '',
    })

    async function invitation(request: FastifyRequest, token: string, errors: readonly FieldError[]): Promise<string> {
      const found = await findInvitation(people, token)
      const mode = !found.has_account ? 'new' : request.session?.email === found.email ? 'confirm' : 'sign_in'
      const { name } = formOf(request)
      const values = name === undefined ? {} : { name }
      return invitationPage({
        token,
        organization: found.organization.name,
        email: found.email,
        role: found.role,
        mode,
        errors,
        passwordLength,
        values,
      })
    }
  }
