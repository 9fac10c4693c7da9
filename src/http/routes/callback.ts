import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { finishFlow, flowOfCallback } from '../../broker/connect.ts'
import { Problem } from '../../core/problem.ts'
import { findOrganization } from '../../people/organizations.ts'
import { cookiesOf } from '../cookies.ts'
import type { Doors } from '../doors.ts'
import { callbackPage, type CallbackOutcome } from '../pages/callback.ts'

/** Longest query value that a service has a reason to send (X08.13). */
const longestValue = 4096

/** Each parameter once; a repeated one is somebody else's (callback parameter pollution). @throws Problem flow_expired */
export function callbackParameters(rawUrl: string): Record<string, string> {
  const query = /\?([^#]*)/.exec(rawUrl)?.[1] ?? ''
  const refuse = () => new Problem('flow_expired', { detail: 'This is not an answer that a service gives. Start the authorisation again.' })
  // invalid percent-encoding and control characters never come from a service that answers us
  if (/%(?![0-9a-f]{2})|%(?:0[0-9a-f]|1[0-9a-f]|7f)/i.test(query)) throw refuse()
  const parameters = Object.create(null) as Record<string, string>
  for (const [name, value] of new URLSearchParams(query)) {
    if (name in parameters || value.length > longestValue || name.length > 200 || value.includes('\uFFFD')) throw refuse()
    parameters[name] = value
  }
  return parameters
}

const outcomeOf = (problem: Problem): CallbackOutcome => {
  switch (problem.code) {
    case 'authorization_declined':
      return 'refused'
    case 'flow_expired':
      return 'expired'
    case 'flow_user_mismatch':
      return problem.facts.reason === 'other_browser' ? 'other_browser' : 'wrong_person'
    case 'context_mismatch':
      return 'mismatch'
    default:
      return 'failed'
  }
}

/** GET /oauth/callback/{organization_slug}/{service_link_name}: where a service sends the browser back to. */
export const callbackRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    const path = '/oauth/callback/:organization/:service'
    app.route({
      method: ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: path,
      config: { open: true },
      schema: { hide: true },
      // before the body is read, whose type may be any
      onRequest: async (_request, reply) => {
        void reply.header('allow', 'GET')
        throw new Problem('method_not_allowed')
      },
      handler: () => null,
    })
    app.get(
      path,
      {
        exposeHeadRoute: false,
        config: { open: true, session: true, rateLimit: { max: 120, timeWindow: '1 minute' } },
        schema: {
          summary: 'Where a service sends the browser back to',
          tags: ['Connections'],
          params: z.object({ organization: z.string().max(100), service: z.string().max(100) }),
        },
      },
      async (request, reply) => {
        const { organization, service } = request.params
        void reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
        const page = (problem: Problem) =>
          reply
            .code(problem.status)
            .type('text/html; charset=utf-8')
            .send(
              callbackPage({
                outcome: outcomeOf(problem),
                service,
                sentence: problem.message,
                providerWords: typeof problem.facts.provider === 'string' ? problem.facts.provider : null,
                diagnosis: typeof problem.facts.diagnosis === 'string' ? problem.facts.diagnosis : null,
                retryUrl:
                  typeof problem.facts.connection === 'string'
                    ? `/connect?${new URLSearchParams({ organization, connection: problem.facts.connection }).toString()}`
                    : null,
                requestId: request.id,
              }),
            )
        // a prefetched or previewed link must not use up what it names
        if (/prefetch|prerender/i.test(`${String(request.headers['sec-purpose'] ?? '')} ${String(request.headers.purpose ?? '')}`))
          return page(new Problem('flow_expired', { detail: 'A prefetch is not a visit. Open the link.' }))
        try {
          const home = await findOrganization(broker.people, organization)
          if (!home || !(await serviceExists(home.id, service))) throw new Problem('not_found')
          const parameters = callbackParameters(request.raw.url ?? '')
          const callback = {
            organizationSlug: organization,
            serviceLinkName: service,
            parameters,
            cookies: cookiesOf(request.headers.cookie, broker.publicUrl),
          }
          if (!request.session) {
            // nothing is redeemed before the right member has signed in; a callback that is no good says so at once
            await flowOfCallback(broker, callback)
            return await reply.redirect(`/sign-in?${new URLSearchParams({ return_to: request.raw.url ?? '/' }).toString()}`, 303)
          }
          const { session } = request
          const principal = {
            organizationId: home.id,
            organizationSlug: organization,
            userId: session.userId,
            userName: session.userName,
            role: 'user' as const, // the callback gives no rights: whose flow it is decides
            subjectId: session.userId,
            key: null,
            sessionId: session.sessionId,
          }
          const { landing } = await finishFlow(broker, { principal, requestId: request.id, ip: request.ip }, callback)
          return await reply.redirect(landing, 303)
        } catch (error) {
          if (!(error instanceof Problem) || error.code === 'not_found' || (error.status >= 500 && error.code === 'storage_unavailable'))
            throw error
          return page(error)
        }
      },
    )

    async function serviceExists(organizationId: string, linkName: string): Promise<boolean> {
      const row = await broker.db
        .selectFrom('services')
        .select('id')
        .where('organization_id', '=', organizationId)
        .where('link_name', '=', linkName)
        .executeTakeFirst()
      return row !== undefined
    }
  }
