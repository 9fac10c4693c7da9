import { readFileSync } from 'node:fs'
import { assert, describe, test } from 'vitest'
import { contextFor, oauth2Service } from '../../test/support/oauth2.ts'
import { Problem } from '../core/problem.ts'
import { encodeBody, headerOf } from '../core/request.ts'
import type { OutgoingRequest } from '../core/request.ts'
import { Secret } from '../core/secret.ts'
import { serviceInput } from '../core/service.ts'
import { schemeOf, schemes } from './index.ts'
import { oauth2 } from './oauth2.ts'
import { maskedUrl, scrub } from './oauth2-exchange.ts'
import { clientCredentialsRequest, codeRequest, refreshRequest, revokeRequest } from './oauth2-token.ts'
import type { TokenContext } from './oauth2-token.ts'
import { Refusal } from './scheme.ts'

const published = JSON.parse(readFileSync(new URL('../../test/vectors/published.json', import.meta.url), 'utf8')) as {
  client_secret_basic_formencoded: [id: string, secret: string, encoded: string][]
  basic: [id: string, secret: string, encoded: string][]
}

interface Given {
  readonly knobs?: Record<string, unknown>
  readonly rest?: Record<string, unknown>
  readonly id?: string
  readonly secret?: string | null
  readonly scopes?: readonly string[]
  readonly variables?: Record<string, string>
}

const contextOf = ({ knobs = {}, rest = {}, id = 'id', secret = 's3cret', scopes = [], variables = {} }: Given = {}): TokenContext => ({
  service: oauth2Service('https://a.test', knobs, rest),
  client: { id, secret: secret === null ? null : new Secret(secret) },
  variables,
  scopes,
  redirectUrl: 'https://p.test/cb',
})

const bodyOf = (request: OutgoingRequest): string => {
  const { body } = encodeBody(request)
  return body?.kind === 'raw' ? body.bytes.toString() : ''
}

describe('the token request', () => {
  test.each(published.client_secret_basic_formencoded)('form-encodes %j and %j into Basic', (id, secret, encoded) => {
    const { request } = codeRequest(contextOf({ knobs: { client_authentication: 'basic_form_encoded' }, id, secret }), 'c', null)
    assert.equal(headerOf(request.headers, 'authorization'), `Basic ${encoded}`)
    assert.notInclude(bodyOf(request), 'client_')
  })

  test.each(published.basic)('puts %j and %j into Basic as they are', (id, secret, encoded) => {
    const { request } = codeRequest(contextOf({ knobs: { client_authentication: 'basic' }, id, secret }), 'c', null)
    assert.equal(headerOf(request.headers, 'authorization'), `Basic ${encoded}`)
  })

  const rows: readonly (readonly [name: string, given: Given, method: string, url: string, body: string])[] = [
    [
      'body',
      {},
      'POST',
      'https://a.test/oauth2/token',
      'grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fp.test%2Fcb&code_verifier=v&client_id=id&client_secret=s3cret',
    ],
    [
      'no secret',
      { secret: null },
      'POST',
      'https://a.test/oauth2/token',
      'grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fp.test%2Fcb&code_verifier=v&client_id=id',
    ],
    [
      'none',
      { knobs: { client_authentication: 'none' } },
      'POST',
      'https://a.test/oauth2/token',
      'grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fp.test%2Fcb&code_verifier=v&client_id=id',
    ],
    [
      'query client',
      { knobs: { client_authentication: 'query' } },
      'POST',
      'https://a.test/oauth2/token?client_id=id&client_secret=s3cret',
      'grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fp.test%2Fcb&code_verifier=v',
    ],
    [
      'json',
      { knobs: { token_body: 'json' } },
      'POST',
      'https://a.test/oauth2/token',
      '{"grant_type":"authorization_code","code":"c","redirect_uri":"https://p.test/cb","code_verifier":"v","client_id":"id","client_secret":"s3cret"}',
    ],
    [
      'GET has everything in the query',
      { knobs: { token_method: 'GET' } },
      'GET',
      'https://a.test/oauth2/token?grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fp.test%2Fcb&code_verifier=v&client_id=id&client_secret=s3cret',
      '',
    ],
    [
      'the URL’s own query stays, ours comes once',
      { knobs: { token_body: 'query' }, rest: { access_token_url: 'https://a.test/t?v=1&%63ode=x' } },
      'POST',
      'https://a.test/t?v=1&grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fp.test%2Fcb&code_verifier=v&client_id=id&client_secret=s3cret',
      '',
    ],
    [
      'an added parameter replaces a standard one, never the client’s',
      { knobs: { token_params: { redirect_uri: 'oob', client_secret: 'evil' } } },
      'POST',
      'https://a.test/oauth2/token',
      'grant_type=authorization_code&code=c&redirect_uri=oob&code_verifier=v&client_secret=s3cret&client_id=id',
    ],
  ]
  test.each(rows)('%s', (_name, given, method, url, body) => {
    const { request } = codeRequest(contextOf(given), 'c', 'v')
    assert.deepEqual([request.method, request.url.href, bodyOf(request)], [method, url, body])
    assert.equal(headerOf(request.headers, 'accept'), 'application/json')
  })

  test('of a refresh, with scopes typed into the authorize URL', () => {
    const given: Given = {
      knobs: { refresh_scope: true, refresh_redirect_uri: true },
      rest: { authorize_url: 'https://a.test/auth?scope=x', scope_delimiter: 'comma' },
      scopes: ['y'],
    }
    assert.equal(
      bodyOf(refreshRequest(contextOf(given), 'r').request),
      'grant_type=refresh_token&refresh_token=r&redirect_uri=https%3A%2F%2Fp.test%2Fcb&scope=x%2Cy&client_id=id&client_secret=s3cret',
    )
  })

  test('of client credentials', () => {
    const { request } = clientCredentialsRequest(
      contextOf({
        scopes: ['a', 'b'],
        knobs: { client_authentication: { client_credentials: 'headers' }, client_id_header: 'X-Id', client_secret_header: 'X-Secret' },
      }),
    )
    assert.equal(bodyOf(request), 'grant_type=client_credentials&scope=a%20b')
    assert.deepEqual([headerOf(request.headers, 'x-id'), headerOf(request.headers, 'x-secret')], ['id', 's3cret'])
  })

  test('of a revocation with the access token as proof has no client in it', () => {
    const { request } = revokeRequest(contextOf({ knobs: { revoke_bearer: true } }), 'https://a.test/r', 'tok', 'refresh_token', 'acc')
    assert.equal(bodyOf(request), 'token=tok')
    assert.equal(headerOf(request.headers, 'authorization'), 'Bearer acc')
  })

  test.each(['a\r\nX: y', 'a\n', '\0', '\x7f', ' lead', 'é', '😀', '\u2028', ''])('client id %j cannot leave its header (X12)', id => {
    const attempt = () => codeRequest(contextOf({ id, knobs: { client_authentication: 'headers' } }), 'c', null)
    assert.throws(attempt, Problem)
  })

  test.each(['evil.test/', 'a@evil.test', 'x#', '..', ''])('a variable %j cannot move the token endpoint (X13)', box => {
    assert.throws(
      () => codeRequest(contextOf({ rest: { access_token_url: 'https://{box}.a.test/t' }, variables: { box } }), 'c', null),
      Problem,
    )
  })
})

const bare = (url = 'https://api.test/x', headers: readonly string[] = []): OutgoingRequest => ({
  method: 'GET',
  url: new URL(url),
  headers,
  body: null,
})

function authorised(
  knobs: Record<string, unknown>,
  credential: Record<string, string> = {},
  request = bare(),
  rest: Record<string, unknown> = {},
) {
  const context = contextFor(oauth2Service('https://a.test', knobs, rest), () => Promise.reject(new Error('no network')), {
    variables: { domain: 'acme' },
  })
  return oauth2.authorise(context, { access_token: 'tok', token_type: 'Bearer', ...credential }, request)
}

describe('a call', () => {
  const rows: readonly (readonly [
    name: string,
    knobs: Record<string, unknown>,
    credential: Record<string, string>,
    header: string,
    value: string,
  ])[] = [
    ['has Bearer', {}, {}, 'authorization', 'Bearer tok'],
    ['has bearer, however the service wrote it', {}, { token_type: 'bearer' }, 'authorization', 'Bearer tok'],
    ['has the service’s own token type', {}, { token_type: 'Token' }, 'authorization', 'Token tok'],
    ['has another prefix', { header_prefix: 'Own-oauthtoken' }, {}, 'authorization', 'Own-oauthtoken tok'],
    ['has no prefix', { header_prefix: '', header_name: 'X-Api-Key' }, {}, 'x-api-key', 'tok'],
    ['has a prefix without a blank after it', { header_prefix: 'Token token=' }, {}, 'authorization', 'Token token=tok'],
    ['has fixed headers filled', { headers: { 'X-Tenant': '{domain}' } }, {}, 'x-tenant', 'acme'],
    [
      'has several placements',
      {
        placements: [
          { in: 'header', name: 'X-A', value: 'T {access_token}' },
          { in: 'cookie', name: 'c', value: '{access_token}' },
        ],
      },
      {},
      'cookie',
      'c=tok',
    ],
  ]
  test.each(rows)('%s', (_name, knobs, credential, header, value) => {
    assert.equal(headerOf(authorised(knobs, credential).headers, header), value)
  })

  test('has the token in the query, once', () => {
    const { url } = authorised({}, {}, bare('https://api.test/x?a=%7e'), { param_type: 'query' })
    assert.equal(url.href, 'https://api.test/x?a=%7e&access_token=tok')
    for (const taken of ['access_token=x', 'access%5Ftoken=x', 'ACCESS_TOKEN=x', 'a=1;access_token=x'])
      assert.throws(() => authorised({}, {}, bare(`https://api.test/x?${taken}`), { param_type: 'query' }), Problem, undefined, taken)
  })

  test('replaces the caller’s own header in any case', () => {
    const { headers } = authorised({}, {}, bare('https://api.test/', ['AUTHORIZATION', 'Bearer mine', 'x', 'y']))
    assert.deepEqual(headers, ['x', 'y', 'Authorization', 'Bearer tok'])
  })

  test('owns the headers of its placement', () => {
    assert.deepEqual(oauth2.ownHeaders(oauth2Service('https://a.test')), ['authorization'])
    assert.deepEqual(oauth2.ownHeaders(oauth2Service('https://a.test', { header_name: 'X-Api-Key' })), ['x-api-key'])
  })

  test.each(['a\r\nX: y', 'a\n', '\0', '\x7f', ' lead', 'trail ', 'é', '\u2028', ''])('token %j cannot leave its header (X12)', token => {
    assert.throws(() => authorised({ header_prefix: '' }, { access_token: token }), Problem)
  })
})

describe('says that a token has expired', () => {
  const body = (value: unknown) => Buffer.from(JSON.stringify(value))
  const rows = [
    [{ statuses: [403] }, 403, null, true],
    [{ statuses: [403] }, 401, null, false],
    [{ body: [{ path: 'e.code', equals: 602 }] }, 200, body({ e: { code: 602 } }), true],
    [{ body: [{ path: 'e.code', equals: 602 }] }, 200, body({ e: { code: 601 } }), false],
    [{ statuses: [200], body: [{ path: 'code', equals: 602 }] }, 500, body({ code: 602 }), false],
    [{ statuses: [200], body: [{ path: 'code', equals: 602 }] }, 200, Buffer.from('not json'), false],
    [{ body: [{ path: 'code', equals: 602 }] }, 200, body({ code: 602, pad: 'x'.repeat(70_000) }), false],
    [{}, 200, body({}), false],
  ] as const
  test.each(rows)('%j, %i', (expired_when, status, answer, expected) => {
    assert.equal(oauth2.saysExpired!(oauth2Service('https://a.test', { expired_when }), { status, body: answer }), expected)
  })
})

test('a secret is taken out of texts in every spelling in which it may be echoed', () => {
  assert.equal(scrub('a s%c/t b s%25c%2Ft c', ['s%c/t']), 'a … b … c')
  assert.equal(scrub('ab', ['a']), 'ab', 'one letter is no secret')
  assert.equal(
    maskedUrl('https://a.test/x?client_secret=abc&grant_type=g&%63ode=xyz', []),
    'https://a.test/x?client_secret=…&grant_type=g&code=…',
  )
})

test('without a refresh token there is nothing to refresh', async () => {
  const service = oauth2Service('https://a.test')
  const context = contextFor(service, () => Promise.reject(new Error('no network')))
  assert.isFalse(oauth2.canRefresh!(service, { access_token: 'a', token_type: 'Bearer' }))
  const refused = await oauth2.refresh!(context, { access_token: 'a', token_type: 'Bearer' }).catch((error: unknown) => error)
  assert.ok(refused instanceof Refusal && refused.kind === 'revoked')
})

test('a service without a client says who can set it up, before anything is sent', async () => {
  const context = contextFor(oauth2Service('https://a.test'), () => Promise.reject(new Error('no network')), { client: null })
  const problem = await oauth2.begin(context, 'state').catch((error: unknown) => error)
  assert.ok(problem instanceof Problem && problem.code === 'service_not_configured')
})

test('the registry has a scheme for every authentication type', () => {
  const types = serviceInput.options.map(one => one.shape.auth_type.value)
  assert.sameMembers(Object.keys(schemes), types)
  for (const type of types) assert.equal(schemes[type].authType, type)
  assert.equal(schemeOf(oauth2Service('https://a.test')).authType, 'oauth2')
})
