import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { ZodError } from 'zod'
import { Problem, problems, type FieldError } from '../core/problem.ts'
import { problemPage } from './pages/problem.ts'
import type { Doors } from './doors.ts'

/** RFC 9457. Everything in it is public: the facts of a Problem are, and nothing else gets in. */
export function problemDocument(problem: Problem, publicUrl: string, requestId: string): Record<string, unknown> {
  const { detail: _, ...facts } = problem.facts
  return {
    type: `${publicUrl}/docs/problems#${problem.code}`,
    title: problems[problem.code][1],
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    request_id: requestId,
    ...facts,
    ...(problem.errors.length > 0 && { errors: problem.errors }),
  }
}

export const retryAfter = (problem: Problem): string | null =>
  problem.status === 429 || problem.status === 503 ? String(Math.max(1, Math.ceil(Number(problem.facts.retry_after ?? 2)))) : null

/** For a quota (draft-ietf-httpapi-ratelimit-headers-10); null for every other refusal. */
export function rateLimitOf({ code, facts }: Problem): { readonly 'ratelimit-policy': string; readonly ratelimit: string } | null {
  const { limit, window_seconds: window } = facts
  if (code !== 'too_many_requests' || typeof limit !== 'number' || typeof window !== 'number') return null
  const wait = typeof facts.retry_after === 'number' ? facts.retry_after : window
  return { 'ratelimit-policy': `"organization";q=${limit};w=${window}`, ratelimit: `"organization";r=0;t=${wait}` }
}

const pathOf = (pointer: string): string =>
  pointer
    .split('/')
    .filter(Boolean)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')

/** A field that zod did not like; each one that it does not know, by its name. */
const fieldErrors = (path: string, unknownKeys: readonly string[] | undefined, message = 'This is not right.'): FieldError[] =>
  unknownKeys === undefined
    ? [{ path, message }]
    : unknownKeys.map(key => ({ path: [path, key.slice(0, 100)].filter(Boolean).join('.'), message: 'There is no such field.' }))

/** What others throw, as a Problem: bad input becomes its sentence, everything unexpected an `internal` without details. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.flatMap(one => {
      const { keys } = one.params as { keys?: readonly string[] }
      return fieldErrors(pathOf(one.instancePath), keys, one.message)
    })
    return new Problem('validation_failed', {}, { errors })
  }
  // what a page reads out of its own query or path, and a door that the router does not check for
  if (error instanceof ZodError) {
    const errors = error.issues.flatMap(issue =>
      fieldErrors(issue.path.join('.').slice(0, 100), issue.code === 'unrecognized_keys' ? issue.keys : undefined, issue.message),
    )
    return new Problem('validation_failed', {}, { errors })
  }
  const { code, statusCode } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Problem('request_too_large')
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new Problem('unsupported_media_type')
  if (statusCode === 429) return new Problem('too_many_requests')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Problem('malformed_request')
  return new Problem('internal', {}, { cause: error })
}

export function sendProblem(reply: FastifyReply, problem: Problem, publicUrl: string, requestId: string): FastifyReply {
  const wait = retryAfter(problem)
  if (wait !== null) void reply.header('retry-after', wait)
  const rateLimit = rateLimitOf(problem)
  if (rateLimit) void reply.headers(rateLimit)
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="patchbay"')
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(JSON.stringify(problemDocument(problem, publicUrl, requestId)))) // as text it would be given a charset, which the type does not have
}

const wantsPage = (request: FastifyRequest): boolean =>
  !request.url.startsWith('/api/') && !request.url.startsWith('/proxy/') && (request.headers.accept ?? '').includes('text/html')

export function registerProblems(app: FastifyInstance, { broker }: Doors): void {
  const answer = (request: FastifyRequest, reply: FastifyReply, problem: Problem) => {
    if (problem.code === 'internal')
      broker.log.error({ err: problem.cause, request_id: request.id, route: request.routeOptions.url ?? null }, 'a request failed')
    if (!wantsPage(request)) return sendProblem(reply, problem, broker.publicUrl, request.id)
    return reply
      .code(problem.status)
      .type('text/html; charset=utf-8')
      .send(
        problemPage({
          status: problem.status,
          title: problem.status < 500 ? 'This did not work' : 'Something went wrong',
          sentence: problem.message,
          requestId: request.id,
          action: null,
        }),
      )
  }
  app.setErrorHandler((error, request, reply) => answer(request, reply, asProblem(error)))
  app.setNotFoundHandler((request, reply) => answer(request, reply, new Problem('not_found')))
}
