import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { Problem } from '../../core/problem.ts'
import { version } from '../../core/version.ts'
import type { Doors } from '../doors.ts'
import { openPage, signedInOrAsked } from '../page-requests.ts'

/** Where the console's pages live; which one it is, its own router decides. */
const paths = [
  '/',
  '/connections',
  '/connections/:link_name',
  '/add-connection',
  '/authorized',
  '/welcome',
  '/services',
  '/services/:link_name',
  '/services/:link_name/edit',
  '/add-service',
  '/functions',
  '/functions/:namespace/:name',
  '/add-function',
  '/bring-scripts',
  '/invocations',
  '/audit',
  '/members',
  '/api-keys',
  '/settings',
]

/** Its scripts are its own files; the nonce is for the stylesheets that its libraries write into the page, and good for one answer. */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')

/** The console: one document for all its pages, and its files under /console, whose names hold a hash of their content. */
export const consoleRoutes =
  ({ consoleDirectory }: Doors): FastifyPluginAsyncZod =>
  async app => {
    const index = join(consoleDirectory, 'index.html')
    const page = existsSync(index) ? readFileSync(index, 'utf8').replaceAll('%VERSION%', version) : null

    for (const path of paths)
      app.get(path, openPage, async (request, reply) => {
        if (!signedInOrAsked(request, reply)) return reply
        if (page === null) throw new Problem('not_found', { detail: 'The console is not built: run "npm run build", then start again.' })
        const nonce = randomBytes(16).toString('base64url')
        return reply
          .type('text/html; charset=utf-8')
          .header('cache-control', 'no-store')
          .header('content-security-policy', policy(nonce))
          .send(page.replaceAll('%CSP_NONCE%', nonce))
      })

    if (page === null) return
    app.addHook('onRoute', route => {
      route.config = { ...route.config, open: true }
      route.schema = { ...route.schema, hide: true }
    })
    await app.register(fastifyStatic, {
      root: join(consoleDirectory, 'assets'),
      prefix: '/console/assets/',
      index: false,
      preCompressed: true,
      immutable: true,
      maxAge: '365d',
      decorateReply: false,
    })
  }
