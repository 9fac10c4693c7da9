import { assert } from 'vitest'
import { oauth2 } from '../../src/auth/oauth2.ts'
import type { OAuth2Credential } from '../../src/auth/oauth2.ts'
import type { Grant } from '../../src/auth/scheme.ts'
import type { IncomingResponse, OutgoingRequest } from '../../src/core/request.ts'
import { Secret } from '../../src/core/secret.ts'
import { startPractice } from '../../src/practice/server.ts'
import type { Practice } from '../../src/practice/server.ts'
import { callbackOf, contextFor, oauth2Service, openEgress } from './oauth2.ts'
import type { TestContext } from './oauth2.ts'

const callback = 'http://127.0.0.1:9/oauth/callback/acme/practice'

export interface Setting {
  /** How the practice service behaves towards the client that is registered for this test. */
  readonly habits?: Record<string, unknown>
  readonly knobs?: Record<string, unknown>
  /** Members of the definition besides `advanced`. */
  readonly rest?: Record<string, unknown>
  readonly scopes?: readonly string[]
  readonly variables?: Record<string, string>
}

export interface PracticeFlow {
  readonly practice: Practice
  readonly clock: { ms: number }
  /** A new client with these habits, and our scheme's context for it. */
  contextOf(setting: Setting): Promise<TestContext>
  /** The whole code flow as a browser walks it, or client credentials. */
  connect(context: TestContext): Promise<Grant>
  call(context: TestContext, credential: OAuth2Credential): Promise<IncomingResponse>
  /** Connects, calls, refreshes, calls again, revokes. */
  whole(context: TestContext, more?: { revoke?: boolean }): Promise<Grant>
  /** The next request goes wrong like this. */
  script(misbehaviour: Record<string, unknown>): Promise<void>
  close(): Promise<void>
}

export const credentialOf = (grant: Grant) => grant.credential as unknown as OAuth2Credential

/** The practice service on a free port and the real door, for flows of the OAuth 2 scheme. */
export async function startPracticeFlow(): Promise<PracticeFlow> {
  const egress = openEgress()
  const clock = { ms: Date.UTC(2027, 0, 15, 12) }
  const practice = await startPractice({ host: '127.0.0.1', port: 0, now: () => clock.ms })
  /** Registers a practice client with these habits. */
  async function register(habits: Record<string, unknown>): Promise<{ client_id: string; client_secret: string | null }> {
    const response = await fetch(`${practice.url}/oauth2/clients`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [callback], auto: 'accept', ...habits }),
    })
    const answer = (await response.json()) as { client_id: string; client_secret?: string }
    assert.equal(response.status, 201, JSON.stringify(answer))
    return { client_id: answer.client_id, client_secret: answer.client_secret ?? null }
  }

  async function contextOf({ habits = {}, knobs = {}, rest = {}, scopes = [], variables = {} }: Setting): Promise<TestContext> {
    const { client_id, client_secret } = await register(habits)
    return contextFor(oauth2Service(practice.url, knobs, rest), request => egress.send(request), {
      client: { id: client_id, secret: client_secret === null ? null : new Secret(client_secret) },
      redirectUrl: callback,
      scopes,
      variables,
      now: () => clock.ms,
    })
  }

  /** What a browser does: follows the authorize URL to the callback, without loading it. */
  async function visit(url: string): Promise<Record<string, string>> {
    const response = await fetch(url, { redirect: 'manual' })
    const location = response.headers.get('location')
    if (location === null)
      throw new Error(`the page answered ${response.status}: ${(await response.text()).replace(/<[^>]*>/g, ' ').slice(0, 300)}`)
    assert.ok(location.startsWith(callback))
    return callbackOf(location)
  }

  async function connect(context: TestContext): Promise<Grant> {
    const step = await oauth2.begin(context, 'state-1')
    if (step.kind === 'done') return step.grant
    assert.equal(step.kind, 'redirect')
    if (step.kind !== 'redirect') throw new Error('no redirect')
    const parameters = await visit(step.url)
    if (parameters['error'] === undefined) assert.equal(parameters['state'], 'state-1')
    return oauth2.finish(context, { parameters, memory: step.memory })
  }

  async function call(context: TestContext, credential: OAuth2Credential) {
    const bare: OutgoingRequest = { method: 'GET', url: new URL(practice.url + '/api/echo'), headers: [], body: null }
    return egress.send(oauth2.authorise(context, credential, bare))
  }

  /** Connects, calls, refreshes, calls again, revokes. */
  async function whole(context: TestContext, more: { revoke?: boolean } = {}): Promise<Grant> {
    const grant = await connect(context)
    assert.equal((await call(context, credentialOf(grant))).status, 200, 'the first call')
    if (!oauth2.canRefresh!(context.service, credentialOf(grant))) return grant
    const renewed = await oauth2.refresh!(context, credentialOf(grant))
    assert.equal((await call(context, credentialOf(renewed))).status, 200, 'the call after the refresh')
    assert.notEqual(renewed.credential['access_token'], grant.credential['access_token'])
    if (more.revoke) {
      assert.equal(await oauth2.revoke!(context, credentialOf(renewed)), 'yes')
      assert.equal((await call(context, credentialOf(renewed))).status, 401, 'the call after the revocation')
    }
    return grant
  }

  async function script(misbehaviour: Record<string, unknown>): Promise<void> {
    const response = await fetch(`${practice.url}/practice/misbehave`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(misbehaviour),
    })
    assert.ok(response.ok, await response.text())
  }

  return {
    practice,
    clock,
    contextOf,
    connect,
    call,
    whole,
    script,
    close: async () => {
      await practice.close()
      await egress.close()
    },
  }
}
