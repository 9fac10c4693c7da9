import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { answerQuestion, describeQuestion } from '../../broker/another-account.ts'
import { invalid } from '../../core/problem.ts'
import { findOrganization } from '../../people/organizations.ts'
import type { Doors } from '../doors.ts'
import { formOf, openPage, requireOwnForms, sendPage, signedInOrAsked } from '../page-requests.ts'
import { anotherAccountPage } from '../pages/another-account.ts'

const path = '/connect/:question/account'
const params = z.object({ question: z.string().max(100) })

/** Which account a connection shall use, asked after its holder was signed in to the service with another one (X06). */
export const anotherAccountRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    requireOwnForms(app, broker.publicUrl)

    app.get(path, openPage, async (request, reply) => {
      const caller = signedInOrAsked(request, reply)
      if (!caller) return reply
      const { question } = params.parse(request.params)
      const { held, row, target } = await describeQuestion(broker, caller, question)
      return sendPage(
        reply,
        anotherAccountPage({
          service: target.from.service.name,
          organization: (await findOrganization(broker.people, target.organizationSlug))?.name ?? target.organizationSlug,
          connectionName: row.name,
          linkName: row.link_name,
          user: caller.principal.userName,
          before: held.account_before,
          now: held.account_now,
          works: row.status === 'connected' || row.status === 'refresh_failing',
          access: row.access,
          useLoginUserCredentials: row.use_login_user_credentials,
          action: `/connect/${question}/account`,
        }),
      )
    })

    app.post(path, openPage, async (request, reply) => {
      const caller = signedInOrAsked(request, reply)
      if (!caller) return reply
      const { use } = formOf(request)
      if (use !== 'new' && use !== 'old') throw invalid('use', 'Say new or old.')
      const { landing } = await answerQuestion(broker, caller, params.parse(request.params).question, use)
      return reply.redirect(landing, 303)
    })
  }
