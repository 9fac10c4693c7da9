import { afterAll, assert, beforeAll, describe, test } from 'vitest'
import { startPracticeFlow } from '../../test/support/practice-flow.ts'
import type { PracticeFlow, Setting } from '../../test/support/practice-flow.ts'
import { advanced } from '../core/knobs.ts'
import type { Grant } from './scheme.ts'
import type { TestContext } from '../../test/support/oauth2.ts'

/*
 * One row a knob: a practice client that behaves as some real service does, our flow with the knob turned (it works), and the
 * same without it (it does not), which proves that the knob is what made it work.
 */

let flow: PracticeFlow
beforeAll(async () => {
  flow = await startPracticeFlow()
})
afterAll(async () => flow.close())

interface Row extends Setting {
  /** False where the service accepts either way, and the check shows the difference. */
  readonly needed?: boolean
  readonly revoke?: boolean
  check?(grant: Grant, context: TestContext): void | Promise<void>
}

const pathNames = ['access_token', 'refresh_token', 'id_token', 'token_type', 'expires_in', 'scope']
/** The practice service wants to hear where every field goes. */
const paths = (moved: Record<string, string>) => ({ ...Object.fromEntries(pathNames.map(name => [name, name])), ...moved })

const rows: Readonly<Record<string, Row>> = {
  authorize_params: {
    habits: { offline_parameter: ['access_type', 'offline'] },
    knobs: { authorize_params: { access_type: 'offline' } },
    needed: false,
    check: grant => assert.isTrue(grant.hasRefreshToken),
  },
  client_id_param: {
    habits: { client_id_parameter: 'app_id', client_authentication: { code: 'any', refresh: 'any' } },
    knobs: { client_id_param: 'app_id', client_authentication: 'basic' },
  },
  scope_param: {
    habits: { scope_parameter: 'permissions', scopes: ['a', 'b'] },
    knobs: { scope_param: 'permissions' },
    scopes: ['a', 'b'],
    needed: false,
    check: grant => assert.deepEqual(grant.grantedScopes, ['a', 'b']),
  },
  scope_separator: {
    habits: { scope_separator: ';', scopes: ['a', 'b'] },
    knobs: { scope_separator: ';' },
    scopes: ['a', 'b'],
    check: grant => assert.deepEqual(grant.grantedScopes, ['a', 'b']),
  },
  scope_encoding: {
    habits: { scopes: ['a', 'b'] },
    knobs: { scope_encoding: 'plus' },
    scopes: ['a', 'b'],
    needed: false,
    check: grant => assert.deepEqual(grant.grantedScopes, ['a', 'b']),
  },
  required_scopes: {
    habits: {},
    knobs: { required_scopes: ['always'] },
    scopes: ['a'],
    needed: false,
    check: grant => assert.deepEqual(grant.grantedScopes, ['always', 'a']),
  },
  second_scopes: {
    habits: { second_scope_parameter: 'user_scope' },
    knobs: { second_scopes: { param: 'user_scope', scopes: ['u'] } },
    scopes: ['a'],
    needed: false,
    check: grant => assert.deepEqual(grant.grantedScopes, ['a', 'u']),
  },
  pkce: { habits: { pkce: 'refused' }, knobs: { pkce: 'off' } },
  code_param: { habits: { code_parameter: 'auth_code' }, knobs: { code_param: 'auth_code' } },
  client_authentication: {
    habits: { client_authentication: { code: 'basic_form_encoded', refresh: 'body', revoke: 'none' } },
    knobs: { client_authentication: { code: 'basic_form_encoded' } },
  },
  client_id_header: {
    habits: { client_authentication: 'headers', client_headers: { id: 'x-app', secret: 'client-secret' } },
    knobs: { client_authentication: 'headers', client_id_header: 'X-App' },
  },
  client_secret_header: {
    habits: { client_authentication: 'headers', client_headers: { id: 'client-id', secret: 'x-app-secret' } },
    knobs: { client_authentication: 'headers', client_secret_header: 'X-App-Secret' },
  },
  token_method: { habits: { token_method: 'GET', token_request_body: 'query' }, knobs: { token_method: { code: 'GET', refresh: 'GET' } } },
  token_body: { habits: { token_request_body: 'json' }, knobs: { token_body: 'json' } },
  token_headers: {
    habits: { token_headers: { 'x-version': '7-acme' } },
    knobs: { token_headers: { 'X-Version': '7-{domain}' } },
    variables: { domain: 'acme' },
  },
  token_params: {
    habits: { required_parameters: { code: { audience: 'acme.test' } } },
    knobs: { token_params: { audience: '{domain}.test' } },
    variables: { domain: 'acme' },
  },
  refresh_params: {
    habits: { required_parameters: { refresh: { access_type: 'offline' } } },
    knobs: { refresh_params: { access_type: 'offline' } },
  },
  revoke_params: {
    habits: { required_parameters: { revoke: { reason: 'asked' } } },
    knobs: { revoke_params: { reason: 'asked' } },
    revoke: true,
  },
  refresh_redirect_uri: { habits: { redirect_uri_on_refresh: 'required' }, knobs: { refresh_redirect_uri: true } },
  refresh_scope: { habits: { scope_on_refresh: 'required' }, knobs: { refresh_scope: true }, scopes: ['a'] },
  code_scope: { habits: { required_parameters: { code: { scope: 'a b' } } }, knobs: { code_scope: true }, scopes: ['a', 'b'] },
  grant_types: { habits: { grant_type_names: { refresh_token: 'renew' } }, knobs: { grant_types: { refresh: 'renew' } } },
  access_token_path: {
    habits: { response_paths: paths({ access_token: 'data.token' }) },
    knobs: { access_token_path: ['gone', 'data.token'] },
  },
  refresh_token_path: {
    habits: { response_paths: paths({ refresh_token: 'data.refresh' }) },
    knobs: { refresh_token_path: 'data.refresh' },
    needed: false,
    check: grant => assert.isTrue(grant.hasRefreshToken),
  },
  id_token_path: {
    habits: { id_token: true, response_paths: paths({ id_token: 'x.id' }) },
    knobs: { id_token_path: 'x.id' },
    needed: false,
    check: grant => assert.match(String(grant.credential['id_token']), /^ey/),
  },
  token_type_path: {
    habits: {
      token_type: 'Token',
      response_paths: paths({ token_type: 'x.type' }),
      api_credential: [{ place: 'header', name: 'authorization', prefix: 'Token' }],
    },
    knobs: { token_type_path: 'x.type' },
  },
  expires_path: {
    habits: { access_token_seconds: 77, response_paths: paths({ expires_in: 'expires_in_sec' }) },
    knobs: { expires_path: 'expires_in_sec' },
    needed: false,
    check: grant => assert.equal(grant.expiresInSeconds, 77),
  },
  scope_path: {
    habits: { response_paths: paths({ scope: 'x.scopes' }) },
    knobs: { scope_path: 'x.scopes' },
    scopes: ['a'],
    needed: false,
    check: grant => assert.deepEqual(grant.grantedScopes, ['a']),
  },
  expires_format: {
    habits: { access_token_seconds: 77, expires_format: 'iso' },
    knobs: { expires_format: 'iso' },
    needed: false,
    check: grant => assert.equal(grant.expiresInSeconds, 77),
  },
  default_lifetime_seconds: {
    habits: { expires_format: 'absent' },
    knobs: { default_lifetime_seconds: 55 },
    needed: false,
    check: grant => assert.equal(grant.expiresInSeconds, 55),
  },
  lifetime_from_jwt: {
    habits: { access_token_seconds: 66, expires_format: 'jwt' },
    knobs: { lifetime_from_jwt: true },
    needed: false,
    check: grant => assert.equal(grant.expiresInSeconds, 66),
  },
  capture: {
    habits: { response_fields: { api_domain: 'https://www.practice.test' } },
    knobs: { capture: { api_domain: 'api_domain' } },
    needed: false,
    check: grant => assert.deepEqual(grant.captured, { api_domain: 'https://www.practice.test' }),
  },
  capture_callback: {
    habits: { callback_extras: { realmId: '12' } },
    knobs: { capture_callback: { realm: 'realmId' } },
    needed: false,
    check: grant => assert.deepEqual(grant.captured, { realm: '12' }),
  },
  revoke_token: { habits: { revoke: { token: 'access_token' } }, knobs: { revoke_token: 'access_token' }, revoke: true },
  revoke_token_param: {
    habits: { revoke: { parameter: 'token_to_revoke' } },
    knobs: { revoke_token_param: 'token_to_revoke' },
    revoke: true,
  },
  revoke_hint: { habits: { revoke: { hint: 'required' } }, knobs: { revoke_hint: true }, revoke: true },
  revoke_bearer: { habits: { revoke: { place: 'bearer' } }, knobs: { revoke_bearer: true, revoke_token: 'access_token' }, revoke: true },
  header_name: {
    habits: { api_credential: [{ place: 'header', name: 'x-api-token', prefix: 'Bearer' }] },
    knobs: { header_name: 'X-Api-Token' },
  },
  header_prefix: {
    habits: { api_credential: [{ place: 'header', name: 'authorization', prefix: 'Practice-oauthtoken' }] },
    knobs: { header_prefix: 'Practice-oauthtoken' },
  },
  query_name: {
    habits: { api_credential: [{ place: 'query', name: 'oauth_token' }] },
    knobs: { query_name: 'oauth_token' },
    rest: { param_type: 'query' },
  },
  placements: {
    habits: { api_credential: [{ place: 'cookie', name: 'sid' }] },
    knobs: {
      placements: [
        { in: 'cookie', name: 'sid', value: '{access_token}' },
        { in: 'header', name: 'X-Also', value: 'Token {access_token}' },
      ],
    },
  },
  headers: {
    habits: { api_headers: { 'x-version': '3-acme' } },
    knobs: { headers: { 'X-Version': '3-{domain}' } },
    variables: { domain: 'acme' },
  },
}

describe('with the knob the flow works, without it the service refuses:', () => {
  for (const [knob, row] of Object.entries(rows))
    test(knob, async () => {
      const grant = await flow.whole(await flow.contextOf(row), { revoke: row.revoke ?? false })
      await row.check?.(grant, await flow.contextOf(row))
      const { [knob]: _turned, ...without } = row.knobs ?? {}
      const turnedOff = { ...row, knobs: without }
      if (row.needed === false && !row.check) return
      const attempt = flow
        .whole(await flow.contextOf(turnedOff), { revoke: row.revoke ?? false })
        .then(async plain => row.check?.(plain, await flow.contextOf(turnedOff)))
      const failed = await attempt.then(
        () => null,
        (error: unknown) => error,
      )
      if (knob === 'scope_encoding') return assert.equal(failed, null, 'both spellings mean the same to a lenient service')
      assert.ok(failed !== null, 'it works without the knob too, so this row proves nothing')
    })
})

/** Knobs of other rooms: the schedule is the broker's, the form is the console's, limits are the gate's, OAuth 1 has its own tests. */
const elsewhere = new Set([
  ...[
    'default_scopes',
    'refresh_margin_seconds',
    'never_refresh_early',
    'rotation',
    'rotation_grace_seconds',
    'refresh_spacing_seconds',
    'keep_alive_days',
  ],
  ...[
    'base_url',
    'signature_method',
    'realm',
    'allow_unconfirmed_callback',
    'methods',
    'path_prefix',
    'concurrency',
    'test_url',
    'after_connect',
  ],
  ...['variables', 'register_url', 'redirect_url_hint', 'refresh_token_hint'],
])
const tested = new Set([...Object.keys(rows), 'error_when', 'expired_when', 'issuer', 'retry_after_header'])

test('every knob has a row here, or is named as another room’s', () => {
  const missing = Object.keys(advanced.shape).filter(knob => !tested.has(knob) && !elsewhere.has(knob))
  assert.deepEqual(missing, [])
})
