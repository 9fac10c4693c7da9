import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance } from 'fastify'
import { jsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { Problem } from '../core/problem.ts'
import { version } from '../core/version.ts'
import type { Doors } from './doors.ts'
import { createInvokeDoor, takesInvoke } from './invoke-door.ts'
import { registerAdmission } from './admit.ts'
import { registerBodies } from './bodies.ts'
import { registerLoopback } from './loopback.ts'
import { createPatience, type PatienceOptions } from './patience.ts'
import { createPipelines } from './pipelined.ts'
import { registerProblems } from './problems.ts'
import { createProxy } from './proxy.ts'
import { refusalOf, refuse, refuseUnreadable } from './refused-unread.ts'
import { createIdentify, registerSession } from './session.ts'
import { anotherAccountRoutes } from './routes/another-account.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { arrivalPageRoutes } from './routes/arrival-pages.ts'
import { auditRoutes } from './routes/audit.ts'
import { callbackRoutes } from './routes/callback.ts'
import { cliLoginRoutes } from './routes/cli-logins.ts'
import { consoleRoutes } from './routes/console.ts'
import { connectionRoutes } from './routes/connections.ts'
import { functionCallRoutes, functionExposureRoutes } from './routes/function-exposure.ts'
import { functionPlanRoutes } from './routes/function-plan.ts'
import { functionRunRoutes } from './routes/function-runs.ts'
import { functionScheduleRoutes } from './routes/function-schedules.ts'
import { functionVariableRoutes } from './routes/function-variables.ts'
import { functionRoutes } from './routes/functions.ts'
import { invocationRoutes } from './routes/invocations.ts'
import { invokeRoutes } from './routes/invoke.ts'
import { keyOperationRoutes } from './routes/key-operations.ts'
import { meRoutes } from './routes/me.ts'
import { memberRoutes } from './routes/members.ts'
import { operationRoutes } from './routes/operations.ts'
import { organizationRoutes } from './routes/organizations.ts'
import { pageRoutes } from './routes/pages.ts'
import { practiceServiceRoutes } from './routes/practice-service.ts'
import { revocationRoutes } from './routes/revocations.ts'
import { serviceRequestRoutes } from './routes/service-requests.ts'
import { serviceRoutes } from './routes/services.ts'
import { signInRoutes } from './routes/sign-in.ts'

/** Every route, on one screen. */
const routes = [
  signInRoutes,
  meRoutes,
  memberRoutes,
  apiKeyRoutes,
  cliLoginRoutes,
  organizationRoutes,
  serviceRoutes,
  serviceRequestRoutes,
  practiceServiceRoutes,
  connectionRoutes,
  callbackRoutes,
  anotherAccountRoutes,
  invokeRoutes,
  functionRoutes,
  functionRunRoutes,
  functionVariableRoutes,
  functionExposureRoutes,
  functionCallRoutes,
  functionScheduleRoutes,
  functionPlanRoutes,
  invocationRoutes,
  auditRoutes,
  operationRoutes,
  keyOperationRoutes,
  revocationRoutes,
  arrivalPageRoutes,
  pageRoutes,
  consoleRoutes,
] as const

const maxHeaderBytes = 16_384
const maxBodyBytes = 1024 * 1024

export interface App {
  readonly fastify: FastifyInstance
  /** Stops listening, lets what is under way finish, and cuts what has not ended by then. */
  close(): Promise<void>
}

export interface AppOptions {
  readonly graceMs: number
  /** Connections with callers; beyond, new ones are closed at once. */
  readonly connections: number
  readonly patience: PatienceOptions
}

/** Our parser also refuses what would give an object another prototype where somebody merges it: then it is JSON to everybody else. */
function whyNotJson(text: string): Problem {
  try {
    JSON.parse(text)
  } catch {
    return new Problem('malformed_request')
  }
  return new Problem('malformed_request', {
    detail: 'The names "__proto__" and "constructor" with a "prototype" in it cannot stand here. Leave them out.',
  })
}

/** The HTTP door. Listening is main.ts's. */
export async function createApp(doors: Doors, options: AppOptions): Promise<App> {
  const { broker } = doors
  const identify = createIdentify(doors)
  const proxy = createProxy(doors, identify)
  const invoking = createInvokeDoor(doors, identify)
  const patience = createPatience(options.patience)
  const pipelined = createPipelines()
  /** `localhost` is two. */
  const servers: Server[] = []
  const routed = new Set<ServerResponse>()
  let leaving = false
  const fastify = Fastify({
    bodyLimit: maxBodyBytes,
    trustProxy: doors.trustedProxies.length > 0 ? [...doors.trustedProxies] : false,
    genReqId: () => broker.id(),
    requestIdHeader: false,
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket, broker.publicUrl, broker.id()),
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 300 },
    // no total time limit: a slow upload through the proxy is not an attack; headers have ten seconds
    serverFactory: (handler): Server => {
      const listener = (message: IncomingMessage, response: ServerResponse) => {
        patience.begun(response)
        pipelined(response)
        if (leaving) response.shouldKeepAlive = false
        const refusal = refusalOf(message, doors.answersTo)
        if (refusal) return refuse(message, response, refusal, broker.publicUrl, broker.id())
        if (message.url?.startsWith('/proxy/')) return proxy.handle(message, response)
        if (takesInvoke(message)) return invoking.handle(message, response)
        routed.add(response)
        response.once('close', () => routed.delete(response))
        handler(message, response)
      }
      const server = createServer(
        {
          headersTimeout: options.patience.headersMs,
          connectionsCheckingInterval: options.patience.lookMs,
          requestTimeout: 0,
          noDelay: true,
          maxHeaderSize: maxHeaderBytes,
          keepAliveTimeout: 65_000,
        },
        listener,
      )
      server.maxConnections = options.connections
      patience.watch(server)
      servers.push(server)
      // 501 for WebSocket and others, instead of a connection that hangs
      server.on('upgrade', (message, socket) => {
        socket.end(
          `HTTP/1.1 501 Not Implemented\r\nPatchbay-Problem: upgrade_not_supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        )
        message.destroy()
      })
      return server
    },
  }).withTypeProvider<ZodTypeProvider>()

  fastify.setValidatorCompiler(validatorCompiler)
  // responses are documented by their schemas, and written as they are
  fastify.setSerializerCompiler(() => data => JSON.stringify(data))
  fastify.removeContentTypeParser('text/plain')
  fastify.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body as string)))
  })
  // an empty one: curl -X POST without a body, but with the JSON type it always sends
  const parseJson = fastify.getDefaultJsonParser('error', 'error')
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, null)
    else void parseJson(request, body as string, (error, value) => done(error && whyNotJson(body as string), value))
  })

  await fastify.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'same-origin' }, // no-referrer would make the Origin of our own forms null
    strictTransportSecurity: broker.publicUrl.startsWith('https:') ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  })
  await fastify.register(rateLimit, {
    global: false,
    max: 300,
    timeWindow: '1 minute',
    errorResponseBuilder: (_request, context) => new Problem('too_many_requests', { retry_after: Math.ceil(context.ttl / 1000) }),
  })
  await fastify.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Patchbay', version, description: 'Connections: call a URL with a connection, and the caller never sees a secret.' },
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, pb_…' },
          session: { type: 'apiKey', in: 'cookie', name: 'patchbay_session' },
        },
      },
      security: [{ apiKey: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
  })
  const { traces } = broker
  if (traces) fastify.addHook('onRequest', (request, _reply, done) => traces.continued(request.headers, done))
  registerProblems(fastify, doors)
  registerLoopback(fastify, broker.publicUrl)
  registerAdmission(fastify, broker)
  registerSession(fastify, doors, identify)
  registerBodies(fastify, broker, maxBodyBytes)
  await fastify.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, transformStaticCSP: csp => csp })
  for (const route of routes) await fastify.register(route(doors))
  fastify.get('/api/v1/openapi.json', { config: { open: true }, schema: { hide: true } }, () => fastify.swagger())

  // callers that keep connections come back over new ones, which a load balancer sends to somebody else
  doors.leaving.addEventListener('abort', () => {
    leaving = true
    for (const response of routed) response.shouldKeepAlive = false
    proxy.leave()
    invoking.leave()
  })

  return {
    fastify,
    async close() {
      const ended = servers.map(server => new Promise<void>(done => server.close(() => done())))
      // whoever has not sent or read to the end by then never will; the second is for the answers of what is ended at the grace's end
      const late = setTimeout(() => servers.forEach(server => server.closeAllConnections()), options.graceMs + 1000)
      // a connection whose last answer ends while we close goes idle, and would be kept for its whole keep-alive time
      const idle = setInterval(() => servers.forEach(server => server.closeIdleConnections()), 100)
      const silent = setTimeout(() => patience.closeSilent(), 1000)
      await Promise.all([proxy.close(options.graceMs), invoking.close(options.graceMs), ...ended])
      patience.end()
      clearTimeout(late)
      clearInterval(idle)
      clearTimeout(silent)
      await fastify.close()
    },
  }
}
