import type { ServerResponse } from 'node:http'
import { afterAll, assert, beforeAll, describe, test } from 'vitest'
import { contextFor, oauth2Service, openEgress, scriptedServer } from '../../test/support/oauth2.ts'
import type { Scripted, ScriptedServer } from '../../test/support/oauth2.ts'
import { readAnswer } from './oauth2-answer.ts'
import { oauth2 } from './oauth2.ts'
import { Refusal } from './scheme.ts'
import type { Grant, RefusalKind, TraceStep } from './scheme.ts'

/*
 * What token endpoints really say (security.md 2.B), each as code exchange and as refresh, over real sockets.
 */

const canary = 'CANARY-9f2c1a7b'
const now = Date.UTC(2027, 0, 15, 12)
const egress = openEgress()
let server: ScriptedServer
beforeAll(async () => {
  server = await scriptedServer()
})
afterAll(async () => {
  await server.close()
  await egress.close()
})

interface Outcome {
  readonly grant: Grant | null
  readonly refusal: Refusal | null
  readonly steps: readonly TraceStep[]
  readonly requests: number
}

const phases = ['code', 'refresh'] as const

async function outcome(phase: (typeof phases)[number], next: Scripted, knobs: Record<string, unknown> = {}): Promise<Outcome> {
  server.next = next
  const before = server.received.length
  const context = contextFor(
    oauth2Service(server.origin, knobs),
    request => egress.send(request, { maxResponseBytes: 1024 * 1024, maxDecodedBytes: 1024 * 1024, deadlineMs: 5000 }),
    {
      now: () => now,
    },
  )
  const run =
    phase === 'code'
      ? oauth2.finish(context, { parameters: { code: 'the-code', state: 's' }, memory: { code_verifier: 'v'.repeat(43) } })
      : oauth2.refresh!(context, { access_token: 'old-access', refresh_token: 'old-refresh', token_type: 'Bearer' })
  const result = await run.then(
    grant => ({ grant, refusal: null }),
    (error: unknown) => {
      if (error instanceof Refusal) return { grant: null, refusal: error }
      throw error
    },
  )
  return { ...result, steps: context.steps, requests: server.received.length - before }
}

const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Scripted => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
})
const text = (body: string | Buffer, type = 'text/html', status = 200, headers: Record<string, string> = {}): Scripted => ({
  status,
  headers: { ...(type !== '' && { 'content-type': type }), ...headers },
  body,
})
const token = (more: Record<string, unknown> = {}) => ({ access_token: canary, token_type: 'Bearer', expires_in: 3600, ...more })
const jwt = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

type Expected = Partial<Pick<Grant, 'expiresInSeconds' | 'grantedScopes' | 'captured'>> & {
  readonly type?: string
  readonly access?: string
}
type Good = readonly [name: string, answer: Scripted, expected: Expected, knobs?: Record<string, unknown>]

const good: readonly Good[] = [
  ['standard JSON', json(token()), { expiresInSeconds: 3600, type: 'Bearer', grantedScopes: null }],
  ['JSON called text/html', text(JSON.stringify(token())), { expiresInSeconds: 3600 }],
  ['JSON called text/plain', text(JSON.stringify(token()), 'text/plain'), { expiresInSeconds: 3600 }],
  ['JSON without a content type', text(JSON.stringify(token()), ''), { expiresInSeconds: 3600 }],
  ['JSON after a byte order mark', text('\uFEFF ' + JSON.stringify(token()) + '\n'), { expiresInSeconds: 3600 }],
  [
    'a form',
    text(`access_token=${canary}&expires_in=3600&scope=a%2Cb&token_type=bearer`, 'application/x-www-form-urlencoded'),
    { expiresInSeconds: 3600, grantedScopes: ['a', 'b'] },
  ],
  ['a form called text/html, with a line end', text(`access_token=${canary}&expires_in=5\n`), { expiresInSeconds: 5 }],
  ['expires_in as text', json(token({ expires_in: '3600' })), { expiresInSeconds: 3600 }],
  ['expires_in as decimal text', json(token({ expires_in: '3600.92' })), { expiresInSeconds: 3600 }],
  ['expires_in null', json(token({ expires_in: null })), { expiresInSeconds: null }],
  ['expires_in absent', json({ access_token: canary }), { expiresInSeconds: null }],
  ['expires_in nonsense', json(token({ expires_in: 'soon' })), { expiresInSeconds: null }],
  ['expires_in beyond all dates', json(token({ expires_in: 1e300 })), { expiresInSeconds: 315_360_000 }],
  ['no expiry, and a default lifetime', json(token({ expires_in: null })), { expiresInSeconds: 900 }, { default_lifetime_seconds: 900 }],
  ['expires in milliseconds', json(token({ expires_in: 60_000 })), { expiresInSeconds: 60 }, { expires_format: 'milliseconds' }],
  [
    'expires_at as epoch',
    json(token({ expires_at: now / 1000 + 70 })),
    { expiresInSeconds: 70 },
    { expires_path: 'expires_at', expires_format: 'epoch' },
  ],
  [
    'expires_at as epoch text',
    json(token({ expires_at: String(now / 1000 + 70) })),
    { expiresInSeconds: 70 },
    { expires_path: 'expires_at', expires_format: 'epoch' },
  ],
  [
    'expires_at as epoch milliseconds',
    json(token({ expires_at: now + 80_000 })),
    { expiresInSeconds: 80 },
    { expires_path: 'expires_at', expires_format: 'epoch_milliseconds' },
  ],
  [
    'expires_at as a date',
    json(token({ expires_at: '2027-01-15T12:01:30Z' })),
    { expiresInSeconds: 90 },
    { expires_path: 'expires_at', expires_format: 'iso' },
  ],
  ['expires_at without a mapping is not read', json({ access_token: canary, expires_at: 1 }), { expiresInSeconds: null }],
  [
    'the end from the token’s own exp',
    json({ access_token: jwt({ exp: now / 1000 + 55 }), expires_in: 9 }),
    { expiresInSeconds: 55, access: jwt({ exp: now / 1000 + 55 }) },
    { lifetime_from_jwt: true },
  ],
  ['a token that is no JWT after all', json(token()), { expiresInSeconds: 3600 }, { lifetime_from_jwt: true }],
  ['no token_type', json({ access_token: canary }), { type: 'Bearer' }],
  ['token_type bearer', json(token({ token_type: 'bearer' })), { type: 'Bearer' }],
  ['token_type BEARER and a blank', json(token({ token_type: 'BEARER ' })), { type: 'Bearer' }],
  ['another token_type', json(token({ token_type: 'user' })), { type: 'user' }],
  ['a token_type that cannot be one', json(token({ token_type: 'a b\r\nX: y' })), { type: 'Bearer' }],
  ['token_type as a number', json(token({ token_type: 7 })), { type: 'Bearer' }],
  ['scopes as blanks', json(token({ scope: 'a b' })), { grantedScopes: ['a', 'b'] }],
  ['scopes as a list', json(token({ scope: ['a', 'b', 7] })), { grantedScopes: ['a', 'b'] }],
  ['scopes by the service’s own separator', json(token({ scope: 'a;b' })), { grantedScopes: ['a', 'b'] }, { scope_separator: ';' }],
  ['an empty scope says nothing', json(token({ scope: '' })), { grantedScopes: null }],
  [
    'a token nested where the definition says',
    json({ ok: true, authed_user: { access_token: canary } }),
    { access: canary },
    { access_token_path: 'authed_user.access_token' },
  ],
  [
    'the first path that leads somewhere',
    json({ data: [{ t: canary }] }),
    { access: canary },
    { access_token_path: ['token', 'data.0.t'] },
  ],
  ['error: null', json(token({ error: null })), {}],
  ['error: ""', json(token({ error: '' })), {}],
  [
    'captured fields',
    json(token({ instance_url: 'https://x.test', n: { id: 12 } })),
    { captured: { instance_url: 'https://x.test', id: '12' } },
    { capture: { instance_url: 'instance_url', id: 'n.id', gone: 'gone' } },
  ],
  ['a token is never captured', json(token()), { captured: {} }, { capture: { at: 'access_token' } }],
  ['an id_token that is garbage', json(token({ id_token: 17 })), {}],
  [
    'headers that are not for us',
    json(token(), 200, {
      'set-cookie': 'a=b',
      refresh: '0; url=http://evil.test',
      link: '<x>; rel=preconnect',
      'clear-site-data': '"*"',
      date: 'Thu, 01 Jan 1970 00:00:00 GMT',
    }),
    { expiresInSeconds: 3600 },
  ],
  ['201', json(token(), 201), { expiresInSeconds: 3600 }],
]

describe.each(phases)('accepted as an answer to a %s request:', phase => {
  for (const [name, answer, expected, knobs] of good)
    test(name, async () => {
      const { grant, refusal, requests } = await outcome(phase, answer, knobs)
      assert.equal(refusal, null)
      assert.ok(grant)
      assert.equal(requests, 1)
      const { access = canary, type, ...rest } = expected
      assert.equal(grant.credential['access_token'], access)
      if (type !== undefined) assert.equal(grant.credential['token_type'], type)
      for (const [field, value] of Object.entries(rest))
        assert.deepEqual((grant as unknown as Record<string, unknown>)[field], value, field)
      assert.equal(grant.credential['refresh_token'], phase === 'refresh' ? 'old-refresh' : undefined)
      assert.equal(grant.hasRefreshToken, phase === 'refresh')
    })
})

test('a lifetime of less than a second means no known end, with a refresh token and without', async () => {
  for (const expires_in of [0, '0', -1, -3600, 0.5, '-1'])
    for (const more of [{}, { refresh_token: 'r' }])
      for (const phase of ['code', 'refresh'] as const)
        assert.equal((await outcome(phase, json(token({ expires_in, ...more })))).grant?.expiresInSeconds, null, `${expires_in} ${phase}`)
})

describe('the refresh token after a refresh', () => {
  const rows = [
    ['absent keeps the old', {}, 'old-refresh'],
    ['null keeps the old', { refresh_token: null }, 'old-refresh'],
    ['"" keeps the old', { refresh_token: '' }, 'old-refresh'],
    ['a number keeps the old', { refresh_token: 5 }, 'old-refresh'],
    ['the same stays', { refresh_token: 'old-refresh' }, 'old-refresh'],
    ['a new one replaces it', { refresh_token: 'new-refresh' }, 'new-refresh'],
  ] as const
  test.each(rows)('%s', async (_name, more, expected) => {
    assert.equal((await outcome('refresh', json(token(more)))).grant?.credential['refresh_token'], expected)
  })
})

type Bad = readonly [name: string, answer: Scripted, kind: RefusalKind, error: string | null, knobs?: Record<string, unknown>]
const html = '<!doctype html><html><title>Sign in</title></html>'
const cut = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
  response.write('{"access_token":"', () => response.socket?.end())
}

const bad: readonly Bad[] = [
  ['an HTML page', text(html), 'malformed', 'malformed_response'],
  ['an empty body', text(''), 'malformed', 'malformed_response'],
  ['204', { status: 204 }, 'malformed', 'malformed_response'],
  ...[null, [], [{ access_token: canary }], 'str', 42, true].map((value): Bad => [
    `JSON ${JSON.stringify(value).slice(0, 20)}`,
    json(value),
    'malformed',
    'malformed_response',
  ]),
  ['invalid UTF-8', text(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x7d])), 'malformed', 'malformed_response'],
  [
    'UTF-16, declared',
    text(Buffer.from('\uFEFF' + JSON.stringify(token()), 'utf16le'), 'application/json; charset=utf-16'),
    'malformed',
    'malformed_response',
  ],
  [
    'UTF-16 without a mark',
    text(Buffer.from(JSON.stringify(token()), 'utf16le'), 'application/json; charset=utf-16'),
    'malformed',
    'malformed_response',
  ],
  [
    'invalid UTF-8 inside good JSON',
    text(Buffer.from(JSON.stringify(token({ x: '\u00ff' })), 'latin1')),
    'malformed',
    'malformed_response',
  ],
  ['half of a JSON', text('{"access_token":"x', 'application/json'), 'malformed', 'malformed_response'],
  ['a form that names the token twice', text('access_token=a&access_token=b'), 'malformed', 'malformed_response'],
  ...[undefined, '', 5, null, {}, 'x'.repeat(65_536), 'a\r\nX: y', 'a b', 'é', '\u2028', '\0'].map((value): Bad => [
    `access_token ${JSON.stringify(value)?.slice(0, 12) ?? 'missing'}`,
    json(token({ access_token: value })),
    'malformed',
    'malformed_response',
  ]),
  ['token_type mac', json(token({ token_type: 'mac' })), 'malformed', 'unsupported_token_type'],
  ['token_type DPoP', json(token({ token_type: 'DPoP' })), 'malformed', 'unsupported_token_type'],
  ['a nested token nobody mapped', json({ data: token() }), 'malformed', 'malformed_response'],
  ['__proto__ as a place for a token', text(`{"__proto__":{"access_token":"${canary}"}}`), 'malformed', 'malformed_response'],
  ['more than 1 MiB', text(JSON.stringify(token({ pad: 'x'.repeat(1024 * 1024) }))), 'malformed', 'too_large'],
  ['200 with an error of the grant', json({ error: 'invalid_code' }), 'revoked', 'invalid_code'],
  [
    '200 with another spelling of it',
    json({ error: 'bad_verification_code', error_description: 'expired' }),
    'revoked',
    'bad_verification_code',
  ],
  ['200 with a refused refresh token', json({ error: 'bad_refresh_token' }), 'revoked', 'bad_refresh_token'],
  ['200 with ok: false', json({ ok: false, error: 'token_revoked' }), 'revoked', 'token_revoked'],
  ['200 with ok: false and invalid_refresh_token', json({ ok: false, error: 'invalid_refresh_token' }), 'revoked', 'invalid_refresh_token'],
  ['200 with ok: false alone', json({ ok: false, access_token: canary }), 'config', 'error'],
  [
    '200 that a rule calls an error',
    json({ ...token(), code: 'E12', state: 'failed' }),
    'config',
    'E12',
    { error_when: [{ path: 'state', equals: 'failed' }] },
  ],
  ['200 with a wrong client', json({ error: 'incorrect_client_credentials' }), 'client', 'incorrect_client_credentials'],
  ['200 with a wrong secret', json({ error: 'invalid_client_secret' }), 'client', 'invalid_client_secret'],
  [
    '200 with a form error',
    text('error=bad_verification_code&error_description=x', 'application/x-www-form-urlencoded'),
    'revoked',
    'bad_verification_code',
  ],
  [
    '200 with throttling in words',
    json({ error: 'Access Denied', error_description: 'You have made too many requests continuously.' }),
    'down',
    'Access Denied',
  ],
  ...[301, 302, 303, 307, 308].map((status): Bad => [
    `${status}`,
    { status, headers: { location: 'http://evil.test/steal' } },
    'config',
    'token_endpoint_redirect',
  ]),
  ['a redirect without Location', { status: 302 }, 'config', 'token_endpoint_redirect'],
  ['400 invalid_grant', json({ error: 'invalid_grant', error_description: 'gone' }, 400), 'revoked', 'invalid_grant'],
  ['403 invalid_grant', json({ error: 'invalid_grant' }, 403), 'revoked', 'invalid_grant'],
  ['400 invalid_client', json({ error: 'invalid_client' }, 400), 'client', 'invalid_client'],
  ['401 invalid_client', json({ error: 'invalid_client' }, 401, { 'www-authenticate': 'Basic' }), 'client', 'invalid_client'],
  ['401 unauthorized_client', json({ error: 'unauthorized_client' }, 401), 'client', 'unauthorized_client'],
  ['400 with HTML', text(html, 'text/html', 400), 'malformed', 'malformed_response'],
  ['400 empty', text('', '', 400), 'malformed', 'malformed_response'],
  ['400 with another JSON', json({ message: 'no' }, 400), 'malformed', 'malformed_response'],
  ['400 with XML', text('<?xml version="1.0"?><error>invalid_grant</error>', 'text/xml', 400), 'malformed', 'malformed_response'],
  ['400 with the text invalid_grant', text('invalid_grant', 'text/plain', 400), 'malformed', 'malformed_response'],
  ['400 invalid_scope', json({ error: 'invalid_scope' }, 400), 'config', 'invalid_scope'],
  ['400 unsupported_grant_type', json({ error: 'unsupported_grant_type' }, 400), 'config', 'unsupported_grant_type'],
  ['400 invalid_request', json({ error: 'invalid_request' }, 400), 'config', 'invalid_request'],
  ['400 with a nested error', json({ error: { type: 'OAuthException', message: 'bad', code: 190 } }, 400), 'config', 'OAuthException'],
  ['401 with WWW-Authenticate only', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }, 'client', 'invalid_client'],
  ...[403, 404, 405, 410, 451].map((status): Bad => [`${status} with HTML`, text(html, 'text/html', status), 'config', null]),
  ['404 is no word about a grant', json({ error: 'invalid_grant' }, 404), 'config', 'invalid_grant'],
  ...[408, 425, 429, 500, 502, 503, 504].map((status): Bad => [`${status}`, text(html, 'text/html', status), 'down', null]),
  ['503 that says invalid_grant', json({ error: 'invalid_grant' }, 503), 'down', 'invalid_grant'],
  ['an answer cut short', cut, 'ambiguous', 'upstream_unreachable'],
  ['a reset after the request', response => response.socket?.resetAndDestroy(), 'ambiguous', 'upstream_unreachable'],
]

describe.each(phases)('refused as an answer to a %s request:', phase => {
  for (const [name, answer, kind, error, knobs] of bad)
    test(name, async () => {
      const { refusal, steps, requests } = await outcome(phase, answer, knobs)
      assert.ok(refusal, 'it was accepted')
      assert.deepEqual({ kind: refusal.kind, error: refusal.error }, { kind, error })
      assert.equal(requests, 1, 'never a second try')
      assert.notInclude(JSON.stringify([refusal, refusal.message, refusal.description, steps]), canary)
      assert.ok(steps.some(step => step.detail === `refused: ${kind}`))
    })
})

describe('how long to wait', () => {
  const date = (seconds: number) => new Date(now + seconds * 1000).toUTCString()
  const rows = [
    ['5', 5],
    ['0', 0],
    ['-1', null],
    [date(60), 60],
    [date(-60), 0],
    ['99999999', 900],
    [date(99_999), 900],
    ['abc', null],
    ['1.5', null],
    [null, null],
  ] as const
  test.each(rows)('Retry-After: %s', async (value, expected) => {
    const { refusal } = await outcome('refresh', text('', '', 429, value === null ? {} : { 'retry-after': value }))
    assert.deepEqual([refusal?.kind, refusal?.retryAfterSeconds], ['down', expected])
  })
  test('stands in another header where the service says so', async () => {
    const { refusal } = await outcome('refresh', text('', '', 503, { 'x-wait': '7' }), { retry_after_header: 'X-Wait' })
    assert.equal(refusal?.retryAfterSeconds, 7)
  })
})

test('a refused connection never carried a refresh out', async () => {
  const gone = await scriptedServer()
  await gone.close()
  const context = contextFor(oauth2Service(gone.origin), request => egress.send(request))
  const refused = await oauth2.refresh!(context, { access_token: 'a', refresh_token: 'r', token_type: 'Bearer' }).catch(
    (error: unknown) => error,
  )
  assert.ok(refused instanceof Refusal)
  assert.equal(refused.kind, 'down')
})

test('an answer beyond 1 MiB is not read, whoever let it through', () => {
  const body = Buffer.from(JSON.stringify(token({ pad: 'x'.repeat(1024 * 1024) })))
  assert.equal(readAnswer({ body }).kind, 'unreadable')
})

test('words from outside are one line of 300 characters, without an echo of what we sent', async () => {
  const words = `no \u202e\r\nX: y practice-secret the-code old-refresh ${'w'.repeat(221)} practice-secret the-code old-refresh ${'w'.repeat(400)}`
  for (const phase of phases) {
    const { refusal, steps } = await outcome(phase, json({ error: 'invalid_grant', error_description: words }, 400))
    const seen = JSON.stringify([refusal?.description, steps])
    for (const secret of ['practice-se', phase === 'code' ? 'the-co' : 'old-re', 'v'.repeat(43)]) assert.notInclude(seen, secret)
    assert.ok((refusal?.description?.length ?? 999) <= 300)
    assert.notMatch(refusal?.description ?? '', /[\r\n\u202e]/)
  }
})
