import { afterEach, assert, beforeEach, test } from 'vitest'
import * as oauth from 'oauth4webapi'
import { basic, bearer, callback, pkce, startAsking, type Asking, type Fields } from '../../test/support/practice-asking.ts'

let practice: Asking
beforeEach(async () => {
  practice = await startAsking()
})
afterEach(() => practice.close())

const known: Fields = { client_id: 'practice-client', client_secret: 'practice-secret' }

async function codeOf(clientId = 'practice-client', parameters: Fields = {}): Promise<string> {
  const answer = await practice.authorize(clientId, parameters)
  const code = answer.get('code')
  assert.ok(code, `no code: ${answer.toString()}`)
  return code
}

const redeem = (code: string, fields: Fields = known) =>
  practice.postForm('/oauth2/token', { grant_type: 'authorization_code', code, redirect_uri: callback, ...fields })

const refresh = (refreshToken: unknown, fields: Fields = known) =>
  practice.postForm('/oauth2/token', { grant_type: 'refresh_token', refresh_token: String(refreshToken), ...fields })

test('an independent client walks through the whole code flow, refresh, introspection and revocation', async () => {
  const { client_id, client_secret } = await practice.client({ iss: true })
  const insecure = { [oauth.allowInsecureRequests]: true }
  const issuer = new URL(practice.url)
  const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  const server = await oauth.processDiscoveryResponse(issuer, discovered)
  const client: oauth.Client = { client_id }
  const authentication = oauth.ClientSecretBasic(client_secret)
  const verifier = oauth.generateRandomCodeVerifier()

  const url = new URL(server.authorization_endpoint ?? '')
  url.search = new URLSearchParams({
    client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'read write',
    state: 'state-1',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString()
  const { headers } = await practice.ask(url.href)
  const back = new URL(headers.get('location') ?? '')
  assert.equal(back.searchParams.get('iss'), practice.url)

  const parameters = oauth.validateAuthResponse(server, client, back, 'state-1')
  const answer = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, callback, verifier, insecure)
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer)
  assert.equal(tokens.expires_in, 3600)
  assert.equal(tokens.scope, 'read write')

  const renewed = await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token ?? '', insecure),
  )
  assert.notEqual(renewed.access_token, tokens.access_token)

  const introspected = await oauth.processIntrospectionResponse(
    server,
    client,
    await oauth.introspectionRequest(server, client, authentication, renewed.access_token, insecure),
  )
  assert.equal(introspected.active, true)
  assert.equal(introspected.sub, 'ada')

  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, tokens.refresh_token ?? '', insecure))
  assert.equal((await practice.ask('/api/me', { headers: bearer(renewed.access_token) })).status, 401)
})

test('the consent page names the client, the scopes and the address, has no script, and its form leads on', async () => {
  const { client_id } = await practice.client({ auto: 'ask', client_name: 'Ping <b>& co' })
  const query = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri: callback,
    scope: 'read write',
    state: 's',
  }).toString()
  const page = await practice.ask(`/oauth2/authorize?${query}`)
  assert.equal(page.status, 200)
  assert.include(page.text, 'Ping &lt;b&gt;&amp; co asks for access')
  assert.include(page.text, '<code>read</code>')
  assert.include(page.text, `<code>${callback}</code>`)
  assert.notMatch(page.text, /<script/i)
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)

  const hidden = Object.fromEntries(
    [...page.text.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value] as const),
  )
  const send = (decision: string) => practice.postForm('/oauth2/authorize', { ...hidden, account: 'grace', decision })
  const accepted = await send('accept')
  assert.equal(accepted.status, 303)
  const code = new URL(accepted.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const rejected = new URL((await send('reject')).headers.get('location') ?? '').searchParams
  assert.equal(rejected.get('error'), 'access_denied')
  assert.equal(rejected.get('state'), 's')

  const tokens = await redeem(code, await clientFields(client_id))
  const me = await practice.ask('/api/me', { headers: bearer(tokens.json.access_token) })
  assert.equal(me.json.email, 'grace@practice.example')
})

const clientFields = async (clientId: string): Promise<Fields> => {
  const client = [...practice.state.clients.values()].find(one => one.client_id === clientId)
  return { client_id: clientId, client_secret: client?.client_secret ?? '' }
}

test('a redirect URL is compared character by character, and a wrong one is never redirected to', async () => {
  const { client_id } = await practice.client()
  for (const redirect_uri of [
    `${callback}/`,
    callback.toUpperCase(),
    `${callback}?a=1`,
    'https://evil.test/',
    'http://localhost:9/callback',
  ]) {
    const answer = await practice.authorize(client_id, { redirect_uri })
    assert.equal(answer.status, 400, redirect_uri)
    assert.equal(answer.toString(), '')
  }
  assert.equal((await practice.authorize('nobody')).status, 400)
})

test('wrong authorization requests come back with the RFC 6749 §4.1.2.1 error', async () => {
  for (const [parameters, error] of [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge: pkce().challenge, code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge: 'short', code_challenge_method: 'S256' }, 'invalid_request'],
    [{ scope: 'read,write' }, 'invalid_scope'],
    [{ auto: 'reject' }, 'access_denied'],
    [{ auto: '', prompt: 'none' }, 'consent_required'],
  ] as const) {
    const answer = await practice.authorize('practice-client', parameters)
    assert.equal(answer.get('error'), error, JSON.stringify(parameters))
    assert.equal(answer.get('state'), 'st')
  }
})

test('a code is good once, for sixty seconds, with its own redirect URL and verifier; a second use revokes what the first gave', async () => {
  const { verifier, challenge } = pkce()
  const proof = { code_challenge: challenge, code_challenge_method: 'S256' }
  assert.equal((await redeem(await codeOf('practice-client', proof))).json.error, 'invalid_grant')
  assert.equal(
    (await redeem(await codeOf('practice-client', proof), { ...known, code_verifier: pkce().verifier })).json.error,
    'invalid_grant',
  )
  assert.equal((await redeem(await codeOf(), { ...known, code_verifier: verifier })).json.error, 'invalid_grant')
  assert.equal((await redeem(await codeOf(), { ...known, redirect_uri: callback + '2' })).json.error, 'invalid_grant')
  assert.equal((await redeem(await codeOf(), { ...known, redirect_uri: '' })).json.error, 'invalid_grant')

  const late = await codeOf()
  practice.clock.ms += 60_000
  assert.equal((await redeem(late)).json.error, 'invalid_grant')

  const code = await codeOf('practice-client', proof)
  const first = await redeem(code, { ...known, code_verifier: verifier })
  assert.equal(first.status, 200)
  assert.equal((await practice.ask('/api/me', { headers: bearer(first.json.access_token) })).status, 200)
  const second = await redeem(code, { ...known, code_verifier: verifier })
  assert.equal(second.status, 400)
  assert.equal((await practice.ask('/api/me', { headers: bearer(first.json.access_token) })).status, 401)
  assert.equal((await refresh(first.json.refresh_token)).json.error, 'invalid_grant')
  assert.equal(practice.state.counters.codes_reused, 1)
})

test('token errors have the status and code of RFC 6749 §5.2', async () => {
  const wrong = await redeem(await codeOf(), { ...known, client_secret: 'no' })
  assert.deepEqual([wrong.status, wrong.json.error], [401, 'invalid_client'])
  const challenged = await practice.postForm('/oauth2/token', { grant_type: 'client_credentials' }, basic('practice-client', 'no'))
  assert.equal(challenged.status, 401)
  assert.match(challenged.headers.get('www-authenticate') ?? '', /^Basic /)
  const both = await practice.postForm(
    '/oauth2/token',
    { grant_type: 'client_credentials', ...known },
    basic('practice-client', 'practice-secret'),
  )
  assert.deepEqual([both.status, both.json.error], [400, 'invalid_request'])
  const unknown = await practice.postForm('/oauth2/token', { grant_type: 'password', ...known })
  assert.deepEqual([unknown.status, unknown.json.error], [400, 'unsupported_grant_type'])
  const twice = await practice.ask('/oauth2/token', {
    method: 'POST',
    body: 'grant_type=client_credentials&grant_type=client_credentials&client_id=practice-client&client_secret=practice-secret',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  assert.equal(twice.json.error, 'invalid_request')
  assert.equal((await practice.ask('/oauth2/token?client_id=practice-client')).status, 405)
  const good = await practice.postForm('/oauth2/token', { grant_type: 'client_credentials', scope: 'read', ...known })
  assert.equal(good.headers.get('cache-control'), 'no-store')
  assert.deepInclude(good.json, { token_type: 'Bearer', expires_in: 3600, scope: 'read' })
  assert.notProperty(good.json, 'refresh_token')
})

test('an access token expires by the clock of the service, and all of them on request', async () => {
  const tokens = await redeem(await codeOf())
  const call = (token: unknown) => practice.ask('/api/echo', { headers: bearer(token) })
  assert.equal((await call(tokens.json.access_token)).status, 200)
  await practice.postJson('/practice/clock', { offset_seconds: 3600 })
  const expired = await call(tokens.json.access_token)
  assert.equal(expired.status, 401)
  assert.match(expired.headers.get('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/)
  const renewed = await refresh(tokens.json.refresh_token)
  assert.equal((await call(renewed.json.access_token)).status, 200)
  await practice.ask('/practice/expire', { method: 'POST' })
  assert.equal((await call(renewed.json.access_token)).status, 401)
  assert.deepEqual(practice.state.counters.api.oauth2, { ok: 2, expired: 2 })
})

test('strict rotation revokes the family when an old refresh token comes back', async () => {
  const { client_id, client_secret } = await practice.client({ rotation: 'strict' })
  const fields = { client_id, client_secret }
  const first = await redeem(await codeOf(client_id), fields)
  const second = await refresh(first.json.refresh_token, fields)
  assert.notEqual(second.json.refresh_token, first.json.refresh_token)
  assert.equal((await refresh(first.json.refresh_token, fields)).json.error, 'invalid_grant')
  assert.equal((await refresh(second.json.refresh_token, fields)).json.error, 'invalid_grant')
  assert.equal((await practice.ask('/api/me', { headers: bearer(second.json.access_token) })).status, 401)
  assert.deepInclude((await practice.ask('/practice/counters')).json, { old_refresh_tokens_presented: 1, families_revoked: 1 })
})

test('rotation with grace gives the same successor for its seconds, then revokes the family', async () => {
  const { client_id, client_secret } = await practice.client({ rotation: 'grace', grace_seconds: 10 })
  const fields = { client_id, client_secret }
  const first = await redeem(await codeOf(client_id), fields)
  const second = await refresh(first.json.refresh_token, fields)
  practice.clock.ms += 9_000
  const again = await refresh(first.json.refresh_token, fields)
  assert.equal(again.json.refresh_token, second.json.refresh_token)
  practice.clock.ms += 1_000
  assert.equal((await refresh(first.json.refresh_token, fields)).json.error, 'invalid_grant')
  assert.equal((await refresh(second.json.refresh_token, fields)).json.error, 'invalid_grant')
})

test('without rotation the refresh token stays, and is repeated only when asked to', async () => {
  const first = await redeem(await codeOf())
  for (let times = 0; times < 3; times++) assert.notProperty((await refresh(first.json.refresh_token)).json, 'refresh_token')
  const { client_id, client_secret } = await practice.client({ repeat_refresh_token: true })
  const other = await redeem(await codeOf(client_id), { client_id, client_secret })
  assert.equal((await refresh(other.json.refresh_token, { client_id, client_secret })).json.refresh_token, other.json.refresh_token)
  assert.equal((await refresh(other.json.refresh_token)).json.error, 'invalid_grant', 'a refresh token belongs to its client')
})

test('it speaks of itself by the host name it was asked under', async () => {
  const { client_id } = await practice.client({ iss: true })
  const other = practice.url.replace('127.0.0.1', 'localhost')
  const query = new URLSearchParams({ response_type: 'code', client_id, redirect_uri: callback, auto: 'accept' }).toString()
  const { headers } = await practice.ask(`${other}/oauth2/authorize?${query}`)
  assert.equal(new URL(headers.get('location') ?? '').searchParams.get('iss'), other)
})
