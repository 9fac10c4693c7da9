import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider, type JWK } from 'oidc-provider'

export interface OidcClient {
  readonly client_id: string
  readonly client_secret: string
}

/** An authorization server that somebody else wrote, which follows the standards to the letter. */
export interface OidcProvider {
  readonly issuer: string
  readonly host: string
  readonly port: number
  /** Milliseconds that the token endpoint takes before it looks at a request. */
  delayMs: number
  /** The next answer of the token endpoint is lost on its way, after it took effect. */
  loseAnswer: boolean
  /** Token requests by grant type and outcome: `refresh_token ok`. */
  readonly seen: Map<string, number>
  /** Consents that it withdrew itself, because a used refresh token came again, or when asked to. */
  readonly grantsRevoked: () => number
  /** The person takes back every consent. */
  withdraw(): Promise<void>
  register(redirectUri: string, more?: Record<string, unknown>): Promise<OidcClient>
  close(): Promise<void>
}

/**
 * oidc-provider on a free port of this machine: PKCE S256 for everybody, refresh tokens that rotate and whose reuse ends the family,
 * revocation, dynamic registration. Its person (always `ada`) signs in and consents by being asked.
 */
export async function startOidcProvider(): Promise<OidcProvider> {
  let handle: (request: IncomingMessage, response: ServerResponse) => Promise<void> = () => Promise.resolve()
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500)
      response.end(String(error))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(privateKey.export({ format: 'jwk' }) as JWK), use: 'sig', alg: 'RS256', kid: 'one' }] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    scopes: ['openid', 'offline_access', 'files.read'],
    pkce: { required: () => true },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      RefreshToken: 86_400,
      AuthorizationCode: 60,
      Interaction: 600,
      Session: 86_400,
      Grant: 86_400,
      IdToken: 3600,
    },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true }, registration: { enabled: true } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  })

  const seen = new Map<string, number>()
  const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
  const grants = new Set<string>()
  provider.on('grant.success', ctx => {
    count(`${String(ctx.oidc.params?.['grant_type'])} ok`)
    if (ctx.oidc.entities.Grant) grants.add(ctx.oidc.entities.Grant.jti)
  })
  provider.on('grant.error', (ctx, error) => count(`${String(ctx.oidc.params?.['grant_type'])} ${error.error}`))
  provider.on('grant.revoked', () => count('revoked'))

  /** What a person would do on the pages: sign in, then allow everything that is asked for. */
  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
    if (prompt.name === 'login') {
      await provider.interactionFinished(request, response, { login: { accountId: 'ada' } }, { mergeWithLastSubmission: false })
      return
    }
    const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
    const grant = known ?? new provider.Grant({ accountId: session?.accountId ?? 'ada', clientId: String(params['client_id']) })
    grant.addOIDCScope(String(params['scope']))
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true })
  }

  const callback = provider.callback()
  const running: OidcProvider = {
    issuer,
    host: `127.0.0.1:${port}`,
    port,
    delayMs: 0,
    loseAnswer: false,
    async withdraw() {
      for (const id of grants) await (await provider.Grant.find(id))?.destroy()
    },
    seen,
    grantsRevoked: () => seen.get('revoked') ?? 0,
    async register(redirectUri, more = {}) {
      const response = await fetch(`${issuer}/reg`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          redirect_uris: [redirectUri],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          ...more,
        }),
      })
      if (response.status !== 201) throw new Error(`registration answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as OidcClient
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  handle = async (request, response) => {
    if (request.url?.startsWith('/interaction/')) return interact(request, response)
    if (request.url === '/token' && running.delayMs > 0) await new Promise(resolve => setTimeout(resolve, running.delayMs))
    if (request.url === '/token' && running.loseAnswer) {
      running.loseAnswer = false
      response.end = () => response.destroy()
    }
    await callback(request, response)
  }
  return running
}
