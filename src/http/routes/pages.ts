import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Caller } from '../../broker/broker.ts'
import { authorize, continueFlow, describeFlow } from '../../broker/connect.ts'
import { getConnection } from '../../broker/connections.ts'
import { definitionOf } from '../../broker/usable.ts'
import { Problem, type FieldError } from '../../core/problem.ts'
import { fillHostRule } from '../../core/api-hosts.ts'
import { findOrganization } from '../../people/organizations.ts'
import { setActiveOrganization } from '../../people/sessions.ts'
import type { ConnectionView } from '../../storage/connections.ts'
import { flowCookie } from '../cookies.ts'
import type { Doors } from '../doors.ts'
import { fieldErrorsOf, formOf, openPage, requireOwnForms, sendPage, signedInOrAsked } from '../page-requests.ts'
import { pageAssets } from '../pages/assets.ts'
import { connectPage, type ConnectSubject } from '../pages/connect.ts'
import { problemsPage } from '../pages/problems.ts'

/** Pages for a person with only a browser, until they have the console: what they may use, one connection, and authorising it. */
export const pageRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors
    const { people } = broker
    requireOwnForms(app, broker.publicUrl)

    for (const asset of pageAssets)
      app.get(asset.path, { config: { open: true }, schema: { hide: true } }, (_request, reply) =>
        reply.type(asset.contentType).header('cache-control', 'public, max-age=31536000, immutable').send(asset.body),
      )

    app.get('/docs/problems', { config: { open: true }, schema: { hide: true } }, (_request, reply) => sendPage(reply, problemsPage()))

    /** The standing link of `connect_url`: for exactly one person, any number of times. */
    app.get('/connect', openPage, async (request, reply) => {
      const query = z
        .object({ organization: z.string().max(100), connection: z.string().max(100), for: z.string().max(100).optional() })
        .parse(request.query)
      const caller = signedInOrAsked(request, reply)
      if (!caller) return reply
      if (query.for !== undefined && query.for !== caller.principal.userId)
        throw new Problem('flow_user_mismatch', { detail: 'This link is for somebody else. Sign in as the person it was made for.' })
      const started = await begin(request, caller, query.organization, query.connection)
      return showStep(reply, started.acting, started.row, started)
    })

    app.post('/connect', openPage, async (request, reply) => {
      const query = z.object({ organization: z.string().max(100), connection: z.string().max(100) }).parse(request.query)
      const caller = signedInOrAsked(request, reply)
      if (!caller) return reply
      const acting = await actingIn(request, caller, query.organization)
      const values = formOf(request)
      try {
        const { authorization, cookie } = await authorize(broker, acting, query.connection, { credentials: values, returnTo: null })
        if (cookie) void reply.header('set-cookie', flowCookie(broker.publicUrl, cookie))
        // a page and not a redirect: form-action also covers where a posted form is redirected to
        if (authorization.kind !== 'redirect') return await reply.redirect(`/connections/${query.connection}`, 303)
        const question = ownPage(authorization.url)
        if (question !== null) return await reply.redirect(question, 303)
        const row = await getConnection(broker, acting.principal, query.connection)
        const { url: continueUrl } = authorization
        return await sendPage(
          reply,
          connectPage({ ...(await subjectOf(acting, row)), kind: 'redirect', continueUrl, authorizeHost: authorizeHost(row) }),
        )
      } catch (error) {
        const errors = fieldErrorsOf(error)
        const { row, authorization } = await begin(request, caller, query.organization, query.connection)
        return showStep(reply, acting, row, { authorization, errors, values })
      }
    })

    /** A flow that was started elsewhere, with an API key: its person goes on from here. */
    app.get('/connect/:flow', openPage, async (request, reply) => {
      const caller = signedInOrAsked(request, reply)
      if (!caller) return reply
      const { flow } = z.object({ flow: z.string().max(100) }).parse(request.params)
      const { row } = await describeFlow(broker, caller, flow)
      return sendPage(
        reply,
        connectPage({
          ...(await subjectOf(caller, row)),
          kind: 'redirect',
          continueUrl: `/connect/${flow}/continue`,
          authorizeHost: authorizeHost(row),
        }),
      )
    })

    app.get('/connect/:flow/continue', openPage, async (request, reply) => {
      const caller = signedInOrAsked(request, reply)
      if (!caller) return reply
      const site = request.headers['sec-fetch-site']
      if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new Problem('csrf_refused')
      const { flow } = z.object({ flow: z.string().max(100) }).parse(request.params)
      const departure = await continueFlow(broker, caller, flow)
      return reply.header('set-cookie', flowCookie(broker.publicUrl, departure.cookie)).redirect(departure.url, 303)
    })

    /** The caller in the organisation that a link names, which need not be the active one. */
    async function actingIn(request: FastifyRequest, caller: Caller, slug: string): Promise<Caller> {
      if (caller.principal.organizationSlug === slug || !request.session) return caller
      const { id, role } = await setActiveOrganization(
        people,
        { sessionId: request.session.sessionId, userId: request.session.userId },
        slug,
      )
      return { ...caller, principal: { ...caller.principal, organizationId: id, organizationSlug: slug, role } }
    }

    async function begin(request: FastifyRequest, caller: Caller, slug: string, linkName: string) {
      const acting = await actingIn(request, caller, slug)
      const row = await getConnection(broker, acting.principal, linkName)
      const { authorization, cookie } = await authorize(broker, acting, linkName, { returnTo: null })
      return { acting, row, authorization, cookie, errors: [] as FieldError[], values: {} as Readonly<Record<string, string>> }
    }

    async function showStep(
      reply: FastifyReply,
      caller: Caller,
      row: ConnectionView,
      step: Pick<Awaited<ReturnType<typeof begin>>, 'authorization' | 'errors' | 'values'> & {
        cookie?: { name: string; value: string } | null
      },
    ) {
      const { authorization } = step
      if (step.cookie) void reply.header('set-cookie', flowCookie(broker.publicUrl, step.cookie))
      const action = `/connect?${new URLSearchParams({ organization: caller.principal.organizationSlug, connection: row.link_name }).toString()}`
      switch (authorization.kind) {
        case 'none':
          return reply.redirect(`/connections/${row.link_name}`, 303)
        case 'redirect':
          return sendPage(
            reply,
            connectPage({
              ...(await subjectOf(caller, row)),
              kind: 'redirect',
              continueUrl: authorization.url,
              authorizeHost: authorizeHost(row),
            }),
          )
        case 'fields': {
          const shown = Object.fromEntries(
            Object.entries(step.values).filter(([name]) => !authorization.fields.find(one => one.name === name)?.secret),
          )
          return sendPage(
            reply,
            connectPage({
              ...(await subjectOf(caller, row)),
              kind: 'fields',
              fields: authorization.fields,
              action,
              errors: step.errors,
              values: shown,
            }),
            step.errors.length > 0 ? 422 : 200,
          )
        }
      }
    }

    /** Where an authorisation goes on at a page of ours, and not at the service's: which of two accounts it shall be. */
    const ownPage = (url: string): string | null => (url.startsWith(`${broker.publicUrl}/`) ? url.slice(broker.publicUrl.length) : null)

    const authorizeHost = (row: ConnectionView): string | null => {
      const definition = definitionOf(broker, row)
      const url = 'authorize_url' in definition ? definition.authorize_url : null
      return url !== null && URL.canParse(url) ? new URL(url).host : null
    }

    async function subjectOf(caller: Caller, row: ConnectionView): Promise<ConnectSubject> {
      const slug = caller.principal.organizationSlug
      const definition = definitionOf(broker, row)
      const described = new Map('scopes' in definition ? definition.scopes.map(one => [one.name, one.description]) : [])
      return {
        service: definition.name,
        serviceKind: row.service_kind,
        organization: (await findOrganization(people, slug))?.name ?? slug,
        connectionName: row.name,
        linkName: row.link_name,
        asksFor: caller.principal.userName,
        owner: row.owner_name ?? row.owner_id,
        scopes: row.scopes.map(name => ({ name, description: described.get(name) ?? '' })),
        hosts: definition.api_hosts.map(host => fillHostRule(host, row.variables ?? {})),
        access: row.access,
        useLoginUserCredentials: row.use_login_user_credentials,
      }
    }
  }
