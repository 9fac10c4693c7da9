import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import {
  changeExposure,
  dropFunctionKey,
  executeAsMember,
  executeWithKey,
  exposureOf,
  functionKeyOf,
  organizationOfKey,
  rotateFunctionKey,
} from '../../broker/function-exposure.ts'
import type { PublicRequest } from '../../broker/function-public.ts'
import { failureReply, publicReply, type PublicReply } from '../../broker/function-reply.ts'
import type { Ran } from '../../broker/function-run.ts'
import { argumentMapping } from '../../core/function.ts'
import { callScopes } from '../../core/key-scopes.ts'
import { Problem } from '../../core/problem.ts'
import type { Doors } from '../doors.ts'
import { createKeyGuesses } from '../function-key-guesses.ts'
import { invokeBodyLimit } from '../invoke-door.ts'
import { asProblem, retryAfter } from '../problems.ts'
import { notEmpty } from '../schemas.ts'
import { administratorOf, createIdentify, personOf, subjectHeader } from '../session.ts'
import { functionPath } from './functions.ts'

const keyShape = z.object({ prefix: z.string(), created_at: z.string() })

const exposureShape = z.object({
  api_key: z.boolean(),
  oauth: z.boolean(),
  url: z.string().meta({ description: 'Ready to be called: with the key where the function is open by key.' }),
  api_key_url: z.string().nullable().meta({ description: 'Whoever has this address may call the function.' }),
  oauth_url: z.string().nullable().meta({ description: 'For members, with their API key as "Authorization: Bearer pb_…".' }),
  mapping: argumentMapping.meta({
    description:
      'Argument → where it comes from, instead of the parameter of its name. A fixed value of an argument declared as password is shown as stars; sent back, they mean what is stored.',
  }),
  key: keyShape.nullable(),
})

const tags = ['Functions']

/** What a function's page must never be: a page of the console, whose origin it shares. */
const guard = { 'content-security-policy': 'sandbox', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }

/** How functions are opened to the outside: the switches and the key. */
export const functionExposureRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    app.get(
      '/api/v1/functions/:namespace/:name/exposure',
      { schema: { summary: 'How a function may be called from outside', tags, params: functionPath, response: { 200: exposureShape } } },
      async request => exposureOf(broker, personOf(request).principal, request.params),
    )

    app.put(
      '/api/v1/functions/:namespace/:name/exposure',
      {
        schema: {
          summary: 'Open a function to the outside, or close it',
          tags,
          params: functionPath,
          body: z.strictObject({ api_key: z.boolean().optional(), oauth: z.boolean().optional(), mapping: argumentMapping.optional() }),
          response: { 200: exposureShape },
        },
      },
      async request => {
        notEmpty(request.body)
        return changeExposure(broker, personOf(request), request.params, request.body)
      },
    )

    app.get(
      '/api/v1/functions/key',
      {
        schema: {
          summary: 'The key of exposed functions: that there is one',
          tags,
          response: { 200: z.object({ key: keyShape.nullable() }) },
        },
      },
      async request => ({ key: await functionKeyOf(broker, personOf(request).principal.organizationId) }),
    )

    app.post(
      '/api/v1/functions/key',
      {
        schema: {
          summary: 'Make a new key for exposed functions, for administrators; the one before is dead at once',
          tags,
          response: { 201: keyShape.extend({ key: z.string() }) },
        },
      },
      async (request, reply) => reply.code(201).send(await rotateFunctionKey(broker, administratorOf(request))),
    )

    app.delete(
      '/api/v1/functions/key',
      { schema: { summary: 'Drop the key of exposed functions', tags, response: { 204: z.null() } } },
      async (request, reply) => {
        await dropFunctionKey(broker, administratorOf(request))
        return reply.code(204).send(null)
      },
    )
  }

/** The address of exposed functions itself (FN-2). Its answers are the original's, not problem documents. */
export const functionCallRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors
    const identify = createIdentify(doors)
    const guess = createKeyGuesses(broker)
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

    const requestOf = (request: FastifyRequest, query: URLSearchParams): PublicRequest => ({
      method: request.method,
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
      ),
      query,
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      ip: request.ip,
    })

    async function execute(request: FastifyRequest, name: string): Promise<Ran> {
      const query = new URL(request.raw.url ?? '/', 'http://a.invalid').searchParams
      const { authorization } = request.headers
      if (query.get('auth_type') === 'oauth') {
        // whatever word stands before it: the original has its own
        const key = /^[\w-]+ +(\S+)$/.exec(authorization ?? '')?.[1]
        if (key === undefined) throw new Problem('unauthenticated')
        const principal = await identify.byKey(
          `Bearer ${key}`,
          request.headers[subjectHeader],
          callScopes[request.method === 'POST' ? 'POST' : 'GET'],
        )
        return executeAsMember(broker, name, principal, requestOf(request, query))
      }
      // whoever acts for others has an API key that says so; the key of functions has nobody behind it
      if (request.headers[subjectHeader] !== undefined) throw new Problem('act_as_not_allowed')
      const key = query.get('zapikey')
      if (key === null) throw new Problem('unauthenticated', { detail: 'Send auth_type=apikey with a zapikey, or auth_type=oauth.' })
      const organization = await guess(key, request.ip, given => organizationOfKey(broker, given))
      if (!organization) throw new Problem('unauthenticated', { detail: 'This zapikey is not valid. An administrator makes a new one.' })
      return executeWithKey(broker, name, organization.id, requestOf(request, query))
    }

    async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      let sent: PublicReply
      try {
        sent = publicReply(await execute(request, (request.params as { name: string }).name))
      } catch (error) {
        const problem = asProblem(error)
        if (problem.code === 'internal')
          broker.log.error({ err: problem.cause, request_id: request.id }, 'a public call of a function failed')
        const wait = retryAfter(problem)
        if (wait !== null) void reply.header('retry-after', wait)
        sent = failureReply(problem.status, problem.code, problem.message, {
          ...(problem.errors.length > 0 && { errors: problem.errors }),
          ...(problem.facts.scope !== undefined && { scope: problem.facts.scope }),
          request_id: request.id,
        })
      }
      return reply
        .code(sent.status)
        .headers({ ...sent.headers, ...guard })
        .send(sent.body)
    }

    const schema = {
      summary: 'Call an exposed function',
      description:
        'auth_type=apikey with zapikey, or auth_type=oauth with an API key as bearer. Parameters of query and form are the arguments of their names; the declared argument crmAPIRequest gets the whole request. The reply is the documented one, or the function’s own crmAPIResponse.',
      tags,
      params: z.object({ name: z.string() }),
      security: [],
    }
    const options = { bodyLimit: invokeBodyLimit(broker), config: { open: true, call: 'function' } } as const
    for (const method of ['GET', 'POST'] as const) {
      app.route({ method, url: '/functions/:name/actions/execute', ...options, schema, handler: answer })
      app.route({ method, url: '/crm/:version/functions/:name/actions/execute', ...options, schema: { hide: true }, handler: answer })
    }
  }
