import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { pairsOf } from '../core/request.ts'
import { createState, type State } from './state.ts'
import { json, readBody, Refusal, type Answer, type Exchange, type Handler, type ParsedBody } from './exchange.ts'
import * as control from './control.ts'
import { findDialect } from './dialects.ts'
import { door, type Caller } from './echo.ts'
import { callerByBasic, callerByKey, registerKeys, registerUser } from './keys.ts'
import { misbehave, takeMisbehaviour, type Endpoint } from './misbehave.ts'
import { accessToken, authorizeRequestToken, requestToken } from './oauth1.ts'
import { registerConsumer } from './oauth1-consumers.ts'
import { callerBySignature } from './oauth1-verify.ts'
import { authorize } from './oauth2-authorize.ts'
import { callerByToken } from './oauth2-bearer.ts'
import { registerClient } from './oauth2-clients.ts'
import { introspect, metadata, revoke, serverMetadata } from './oauth2-revoke.ts'
import { token } from './oauth2-token.ts'

const open = (): Caller => ({ via: 'open', account: null, tokenNumber: null, scopes: [], secrets: [] })

/** Every path of the service. A path that ends in `/*` takes what follows; the third column is the name `misbehave` knows it by. */
const routes: readonly (readonly [methods: string, path: string, endpoint: Endpoint | null, handler: Handler])[] = [
  ['GET', '/', null, control.frontPage],
  ['GET', '/.well-known/oauth-authorization-server', null, serverMetadata],
  ['GET POST', '/oauth2/authorize', 'authorize', authorize],
  ['GET POST', '/oauth2/token', 'token', token],
  ['GET POST DELETE', '/oauth2/revoke', 'revoke', revoke],
  ['POST', '/oauth2/introspect', 'introspect', introspect],
  ['GET', '/oauth2/metadata', 'metadata', metadata],
  ['POST', '/oauth2/clients', null, registerClient],
  ['POST GET', '/oauth1/request_token', 'request_token', requestToken],
  ['GET POST', '/oauth1/authorize', 'authorize', authorizeRequestToken],
  ['POST GET', '/oauth1/access_token', 'access_token', accessToken],
  ['POST', '/oauth1/clients', null, registerConsumer],
  ['*', '/api/*', 'api', door('api', (exchange, body) => callerByToken(exchange, body?.fields ?? []))],
  ['*', '/oauth1/*', 'api', door('oauth1', callerBySignature)],
  ['*', '/key/*', 'api', door('key', (exchange, body) => callerByKey(exchange, body?.fields ?? []))],
  ['*', '/basic/*', 'api', door('basic', callerByBasic)],
  ['*', '/open/*', 'api', door('open', open)],
  ['POST', '/practice/misbehave', null, control.scriptMisbehaviour],
  ['GET', '/practice/counters', null, control.counters],
  ['POST', '/practice/clock', null, control.setClock],
  ['POST', '/practice/expire', null, control.expireAll],
  ['POST', '/practice/withdraw', null, control.withdrawAll],
  ['POST', '/practice/reset', null, control.reset],
  ['POST', '/practice/keys', null, registerKeys],
  ['POST', '/practice/users', null, registerUser],
]

export interface PracticeOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** What `url` shall say when the service is reached by another name than its own address. */
  readonly publicUrl?: string
  /** Redirect URLs of the built-in client besides those on loopback addresses. */
  readonly redirectUris?: readonly string[]
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer }
}

export interface Practice {
  readonly url: string
  readonly port: number
  /** What the service remembers and has counted; the same object for its whole life. */
  readonly state: State
  /** For a server of one's own, which may answer under any host name. */
  readonly handler: RequestListener
  close(): Promise<void>
}

/**
 * Starts the practice service: OAuth 1, OAuth 2, API keys and Basic, small and real, that misbehaves on request. All state is in memory.
 * It asks nobody for permission to control it, so it belongs on a loopback address.
 * @throws the system's error when the address cannot be listened on.
 */
export async function startPractice(options: PracticeOptions): Promise<Practice> {
  const { handler, state } = practiceHandler(options.now ?? Date.now, options.redirectUris ?? [])
  const server = options.tls ? createTlsServer({ ...options.tls }, handler) : createServer(handler)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: options.publicUrl ?? `${options.tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    state,
    handler,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Which of our paths is meant by another one, so that the service can play one that has its own; null when it means itself. */
export type Alias = (host: string, path: string) => string | null

/** The service without a server around it. */
export function practiceHandler(
  clock: () => number,
  redirectUris: readonly string[] = [],
  alias: Alias = () => null,
): { handler: RequestListener; state: State } {
  const state = createState(clock, redirectUris)
  control.registerEverythingBuiltIn(state)
  return { state, handler: (request, response) => void handle(state, alias, request, response) }
}

async function handle(state: State, alias: Alias, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const answer = await respond(state, alias, request, response)
    if (answer) write(response, answer)
  } catch (error) {
    if (response.headersSent || response.destroyed) return void response.destroy()
    if (error instanceof Refusal)
      write(response, json(error.status, { error: error.error, error_description: error.message }, error.headers))
    else
      write(
        response,
        json(500, { error: 'server_error', error_description: 'A header that was scripted may hold what HTTP does not allow.' }),
      )
  }
}

async function respond(state: State, alias: Alias, request: IncomingMessage, response: ServerResponse): Promise<Answer | null> {
  const exchange = understand(state, alias, request, response)
  if (!exchange) return json(404, { error: 'not_found' })
  const { path, method } = exchange
  const matching = routes.filter(([, own]) => (own.endsWith('/*') ? path.startsWith(own.slice(0, -1)) : own === path))
  const route = matching.find(([methods]) => methods === '*' || methods.split(' ').includes(method))
  if (!route) {
    const [methods] = matching[0] ?? []
    return methods === undefined
      ? json(404, { error: 'not_found' })
      : json(405, { error: 'method_not_allowed' }, { allow: methods.replaceAll(' ', ', ') })
  }
  const [, , endpoint, handler] = route
  if (endpoint === 'token') state.counters.token_requests++
  const wanted = endpoint === null ? null : await takeMisbehaviour(exchange, endpoint)
  if (!wanted) return handler(exchange)
  return misbehave(exchange, wanted, async () => handler(exchange))
}

/** Null when the path or the dialect is none of ours. */
function understand(state: State, alias: Alias, request: IncomingMessage, response: ServerResponse): Exchange | null {
  const target = request.url ?? '/'
  const host = request.headers.host ?? ''
  if (!target.startsWith('/') || !/^[A-Za-z0-9._:[\]-]+$/.test(host)) return null
  const questionMark = target.indexOf('?')
  const rawPath = questionMark < 0 ? target : target.slice(0, questionMark)
  const rawQuery = questionMark < 0 ? '' : target.slice(questionMark + 1)
  const [, named = '', rest = ''] = /^\/dialects\/([a-z0-9_]+)(\/.*)$/.exec(rawPath) ?? []
  const dialect = findDialect(named)
  if (!dialect) return null
  const ownPath = named === '' ? rawPath : rest
  let body: Promise<ParsedBody> | null = null
  return {
    request,
    response,
    state,
    method: request.method ?? 'GET',
    origin: `${(request.socket as Partial<TLSSocket>).encrypted ? 'https' : 'http'}://${host}`,
    host,
    dialect: named,
    prefix: named === '' ? '' : `/dialects/${named}`,
    path: alias(host, ownPath) ?? dialect.paths[ownPath] ?? ownPath,
    rawPath,
    rawQuery,
    query: pairsOf(rawQuery),
    body: () => (body ??= readBody(request)),
  }
}

function write(response: ServerResponse, answer: Answer): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, typeof value === 'string' ? value : [...value])
  if (answer.status !== 204 && answer.status !== 304) response.setHeader('content-length', body.length)
  response.writeHead(answer.status)
  response.end(answer.status === 204 || answer.status === 304 ? undefined : body)
}
