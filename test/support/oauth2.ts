import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Context, TraceStep } from '../../src/auth/scheme.ts'
import { serviceInput } from '../../src/core/service.ts'
import type { OAuth2Service } from '../../src/core/service.ts'
import { Secret } from '../../src/core/secret.ts'
import { createEgress } from '../../src/egress/send.ts'
import { parseExceptions } from '../../src/egress/addresses.ts'

/** A service as the API would store it; `knobs` go into `advanced`. */
export function oauth2Service(origin: string, knobs: Record<string, unknown> = {}, rest: Record<string, unknown> = {}): OAuth2Service {
  const parsed = serviceInput.parse({
    link_name: 'practice',
    name: 'Practice',
    auth_type: 'oauth2',
    authorize_url: `${origin}/oauth2/authorize`,
    access_token_url: `${origin}/oauth2/token`,
    revoke_token_url: `${origin}/oauth2/revoke`,
    scope_delimiter: 'space',
    api_hosts: [new URL(origin).host],
    advanced: knobs,
    ...rest,
  })
  if (parsed.auth_type !== 'oauth2') throw new Error('not OAuth 2')
  return { ...parsed, api_hosts: parsed.api_hosts ?? [] }
}

/** The real door, open to this machine. */
export const openEgress = () =>
  createEgress({
    allowPrivateAddresses: parseExceptions('127.0.0.1/32'),
    allowInsecureHttp: ['127.0.0.1'],
    resolve: async () => [{ address: '127.0.0.1' }],
  })

export interface TestContext extends Context<OAuth2Service> {
  readonly steps: TraceStep[]
}

export function contextFor(service: OAuth2Service, send: Context['send'], given: Partial<Context<OAuth2Service>> = {}): TestContext {
  const steps: TraceStep[] = []
  return {
    service,
    client: { id: 'practice-client', secret: new Secret('practice-secret') },
    variables: {},
    scopes: [],
    redirectUrl: 'http://127.0.0.1:4400/oauth/callback/acme/practice',
    clockOffsetSeconds: 0,
    send,
    now: Date.now,
    random: randomBytes,
    trace: step => steps.push(step),
    ...given,
    steps,
  }
}

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What a scripted endpoint says; a function has the socket in hand. */
export type Scripted =
  | { readonly status?: number; readonly headers?: Record<string, string | string[]>; readonly body?: string | Buffer }
  | ((response: ServerResponse) => void)

export interface ScriptedServer {
  readonly origin: string
  readonly received: Received[]
  next: Scripted
  close(): Promise<void>
}

/** A token endpoint that says exactly what a test tells it to. */
export async function scriptedServer(): Promise<ScriptedServer> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      })
      if (typeof scripted.next === 'function') return scripted.next(response)
      const { status = 200, headers = {}, body = '' } = scripted.next
      response.writeHead(status, headers)
      response.end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const scripted: ScriptedServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    next: { body: '{}' },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return scripted
}

/** What `begin` remembered and where it sent the browser; then a callback's parameters, as the door would hand them on. */
export const callbackOf = (location: string): Record<string, string> => Object.fromEntries(new URL(location).searchParams)
