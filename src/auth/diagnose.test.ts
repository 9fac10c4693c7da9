import { afterAll, assert, beforeAll, describe, test } from 'vitest'
import { contextFor, oauth2Service, openEgress, scriptedServer } from '../../test/support/oauth2.ts'
import type { Scripted, ScriptedServer } from '../../test/support/oauth2.ts'
import { diagnose } from './diagnose.ts'
import type { DiagnosisFacts } from './diagnose.ts'
import { oauth2 } from './oauth2.ts'
import type { TraceStep } from './scheme.ts'

const facts: DiagnosisFacts = {
  redirectUrl: 'http://127.0.0.1:4400/oauth/callback/acme/practice',
  scopes: ['a', 'b'],
  scopeDelimiter: 'comma',
}
const egress = openEgress()
let server: ScriptedServer
beforeAll(async () => {
  server = await scriptedServer()
})
afterAll(async () => {
  await server.close()
  await egress.close()
})

/** What is said about a real attempt whose token endpoint (or callback) answered like this. */
async function said(
  answer: Scripted,
  callback: Record<string, string> = { code: 'c0de-c0de' },
  own: Partial<DiagnosisFacts> = {},
): Promise<string | null> {
  server.next = answer
  const context = contextFor(oauth2Service(server.origin), request => egress.send(request))
  await oauth2.begin(context, 'state')
  await oauth2.finish(context, { parameters: callback, memory: { code_verifier: 'v'.repeat(43) } }).catch(() => null)
  return diagnose(context.steps, { ...facts, ...own })
}

const refusal = (error: string, description = '', status = 400): Scripted => ({
  status,
  body: JSON.stringify({ error, error_description: description }),
})

describe('a recorded authorisation is explained:', () => {
  const html: Scripted = { body: '<!doctype html><html></html>' }
  const rows: readonly {
    name: string
    answer?: Scripted
    callback?: Record<string, string>
    own?: Partial<DiagnosisFacts>
    expected: RegExp | null
  }[] = [
    {
      name: 'redirect URL mismatch with both strings',
      answer: refusal('invalid_grant', 'redirect_uri should be http://other.test/cb.'),
      expected: /"http:\/\/127\.0\.0\.1:4400\/oauth\/callback\/acme\/practice", the service has "http:\/\/other\.test\/cb"/,
    },
    {
      name: 'redirect URL mismatch by code',
      answer: refusal('redirect_uri_mismatch'),
      expected: /does not know the redirect URL "http:\/\/127/,
    },
    {
      name: 'redirect URL that moved since',
      answer: refusal('invalid_redirect_uri'),
      own: { redirectUrl: 'https://new.test/cb' },
      expected: /"http:\/\/127\.0\.0\.1:4400\/\S+" was sent, and this service's redirect URL is "https:\/\/new\.test\/cb"/,
    },
    {
      name: 'a list of possibilities is no redirect mismatch',
      answer: refusal('invalid_grant', 'The code is expired, revoked or does not match the redirect URI.'),
      expected: null,
    },
    {
      name: 'wrong delimiter inside a scope',
      callback: { error: 'invalid_scope' },
      own: { scopes: ['a b'] },
      expected: /separated by space, but this service's scope delimiter is comma/,
    },
    { name: 'several scopes refused', callback: { error: 'invalid_scope' }, expected: /joined by comma/ },
    { name: 'one scope refused', callback: { error: 'invalid_scope' }, own: { scopes: ['x'] }, expected: /refuses the scope "x"/ },
    {
      name: 'another data centre by its server',
      answer: refusal('invalid_client', '', 200),
      callback: { code: 'c0de-c0de', 'accounts-server': 'https://accounts.home.eu' },
      expected: /account is at "accounts\.home\.eu".*asked for at "127\.0\.0\.1"/,
    },
    {
      name: 'another data centre by its name',
      answer: refusal('invalid_code', '', 200),
      callback: { code: 'c0de-c0de', location: 'eu' },
      expected: /data centre "eu".*"127\.0\.0\.1"/,
    },
    {
      name: 'client refused',
      answer: refusal('invalid_client', 'no', 401),
      expected: /refuses the client id or secret\. It said "invalid_client"/,
    },
    {
      name: 'client refused without a word',
      answer: { status: 401, headers: { 'www-authenticate': 'Basic' } },
      expected: /refuses the client id or secret/,
    },
    {
      name: 'a redirect of the token endpoint',
      answer: { status: 307, headers: { location: 'https://new.test/token' } },
      expected: /answers with a redirect.*new\.test/,
    },
    { name: 'HTML instead of JSON', answer: html, expected: /127\.0\.0\.1:\d+\/oauth2\/token" answers with an HTML page/ },
    {
      name: 'PKCE at the callback',
      callback: { error: 'invalid_request', error_description: 'Unknown parameter code_challenge' },
      expected: /pkce to "off"/,
    },
    { name: 'PKCE at the token endpoint', answer: refusal('invalid_request', 'code_verifier is not allowed'), expected: /pkce to "off"/ },
    { name: 'no answer', answer: response => response.socket?.resetAndDestroy(), expected: /"127\.0\.0\.1" did not answer/ },
    { name: 'nothing known', answer: refusal('strange'), expected: null },
    { name: 'nothing failed', answer: { body: '{"access_token":"t0ken-t0ken"}' }, expected: null },
  ]
  for (const { name, answer = { body: '{}' }, callback, own, expected } of rows)
    test(name, async () => {
      const sentence = await said(answer, callback, own)
      if (expected === null) assert.equal(sentence, null)
      else assert.match(sentence ?? 'nothing', expected)
    })

  test('the clock', () => {
    const step: TraceStep = {
      step: 'request_token',
      error: 'timestamp_refused',
      detail: 'The clock of the service is 900 seconds ahead of ours.',
    }
    assert.match(diagnose([step], { ...facts, scopeDelimiter: null }) ?? '', /900 seconds ahead.*clock/)
  })

  test('never shows a secret, and takes any code as text', () => {
    assert.equal(diagnose([{ step: 'x', error: '<script>' }], facts), null)
    assert.equal(diagnose([], facts), null)
  })
})
