import type { FastifyInstance } from 'fastify'
import type { Broker } from '../broker/broker.ts'

/**
 * Routes that call through connections are taken on as the doors before the router take on theirs (`unrouted.ts`): refused before anybody
 * is looked up and anything is read. A run of a function takes its organisation's seat in `broker/function-run.ts`.
 */
export function registerAdmission(app: FastifyInstance, { admission }: Pick<Broker, 'admission'>): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.call === undefined) return
    admission.begin()
    reply.raw.once('close', () => admission.end())
  })
  // after `session.ts` has found out who calls, before the body is read
  app.addHook('preParsing', async (request, reply) => {
    if (request.routeOptions.config.call !== 'invoke' || !request.caller || reply.raw.destroyed) return
    const seat = admission.enter(request.caller.principal.organizationId)
    reply.raw.once('close', () => admission.leave(seat))
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** It calls through connections, or runs a function that may: refused when this server has too much to do. */
    call?: 'invoke' | 'function'
  }
}
