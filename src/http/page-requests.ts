import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Caller } from '../broker/broker.ts'
import { Problem, type FieldError } from '../core/problem.ts'
import { signInReturnTo } from './schemas.ts'
import { assertSameOrigin } from './session.ts'

/** What every server-rendered page needs of a request and gives to a reply. */

export const openPage = { config: { open: true, session: true }, schema: { hide: true } } as const

export const sendPage = (reply: FastifyReply, page: string, status = 200) =>
  reply.code(status).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page)

/** The fields of a posted form. */
export const formOf = (request: FastifyRequest): Readonly<Record<string, string>> => {
  const parsed = z.record(z.string(), z.string().max(20_000)).safeParse(request.body ?? {})
  return parsed.success ? parsed.data : {}
}

/** A path of ours to land on, or null for anything else. */
export const safePath = (path: string | undefined): string | null => {
  const parsed = signInReturnTo.safeParse(path)
  return parsed.success ? parsed.data : null
}

/** The fields that a refusal names, for a form to show; one about nothing in particular is about the whole form. @throws what is not the person's to mend */
export const fieldErrorsOf = (error: unknown): FieldError[] => {
  if (!(error instanceof Problem) || error.status >= 500) throw error
  return error.errors.length > 0 ? [...error.errors] : [{ path: '', message: error.message }]
}

/** Signed in; otherwise null, and the reply is on its way to the sign-in page. */
export const signedInOrAsked = (request: FastifyRequest, reply: FastifyReply): Caller | null => {
  if (request.caller) return request.caller
  // back to a page of ours, never straight on to a service: a form's redirects are held to our own origin
  const returnTo = request.method === 'GET' ? request.url.replace(/\/continue$/, '') : '/'
  void reply.redirect(`/sign-in?${new URLSearchParams({ return_to: returnTo }).toString()}`, 303)
  return null
}

/** A form is posted by a page of ours, signed in or not. */
export const requireOwnForms = (app: FastifyInstance, publicUrl: string): void => {
  app.addHook('preHandler', async request => {
    if (request.method === 'POST') assertSameOrigin(request, publicUrl)
  })
}
