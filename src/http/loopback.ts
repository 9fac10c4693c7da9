import type { FastifyInstance } from 'fastify'

const loopback = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d+)?$/i

/**
 * A person who opens 127.0.0.1 where the public URL says localhost would get cookies for the wrong host, and providers would send them
 * back to the other one: a page on another loopback spelling redirects to the public one. Programs are answered where they ask.
 */
export function registerLoopback(app: FastifyInstance, publicUrl: string): void {
  const { host } = new URL(publicUrl)
  if (!loopback.test(host)) return
  app.addHook('onRequest', async (request, reply) => {
    const asked = request.headers.host ?? ''
    if (request.method !== 'GET' || asked === host || !loopback.test(asked) || request.url.startsWith('/api/')) return
    if (!(request.headers.accept ?? '').includes('text/html')) return
    return reply.redirect(publicUrl + request.url, 302)
  })
}
