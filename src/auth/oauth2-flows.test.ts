import { createHash } from 'node:crypto'
import { afterAll, assert, beforeAll, describe, test } from 'vitest'
import type { TestContext } from '../../test/support/oauth2.ts'
import { credentialOf, startPracticeFlow } from '../../test/support/practice-flow.ts'
import type { PracticeFlow, Setting } from '../../test/support/practice-flow.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import { oauth2 } from './oauth2.ts'
import { Refusal } from './scheme.ts'

/*
 * Whole flows against the practice service: knobs that need more than a row, the callback, revocation, the probe, the record.
 */

let flow: PracticeFlow
beforeAll(async () => {
  flow = await startPracticeFlow()
})
afterAll(async () => flow.close())

const clientCredentials = { grant_type: 'client_credentials', authorize_url: null }

describe('knobs that need more than one row', () => {
  test('client_authentication: every style, and a wrong one is refused', async () => {
    for (const style of ['body', 'basic', 'basic_form_encoded', 'query', 'headers', 'none'] as const) {
      const knobs = { client_authentication: style, client_id_header: 'x-client-id', client_secret_header: 'x-client-secret' }
      await flow.whole(
        await flow.contextOf({
          habits: { client_authentication: style, ...(style === 'query' && { token_request_body: 'form_or_query' }) },
          knobs,
        }),
      )
      const wrong = style === 'basic' || style === 'basic_form_encoded' ? 'body' : 'basic'
      // A public client’s secret is null, so Basic with an empty password is what it would wrongly send.
      const refused = await flow
        .connect(await flow.contextOf({ habits: { client_authentication: style }, knobs: { ...knobs, client_authentication: wrong } }))
        .catch((error: unknown) => error)
      assert.ok(refused instanceof Refusal && (refused.kind === 'client' || style === 'none'), style)
    }
  })

  test('expires_format: every form', async () => {
    for (const expires_format of ['milliseconds', 'iso', 'epoch', 'epoch_milliseconds'] as const) {
      const grant = await flow.connect(
        await flow.contextOf({ habits: { access_token_seconds: 99, expires_format }, knobs: { expires_format } }),
      )
      assert.equal(grant.expiresInSeconds, 99, expires_format)
    }
  })

  test('token_body query', async () => {
    await flow.whole(
      await flow.contextOf({ habits: { token_request_body: 'query', revoke: { place: 'query' } }, knobs: { token_body: 'query' } }),
      {
        revoke: true,
      },
    )
  })

  test('revoking with the token in the query, and with another method', async () => {
    await flow.whole(
      await flow.contextOf({
        habits: { revoke: { place: 'query' } },
        knobs: { token_body: { revoke: 'query' }, client_authentication: { revoke: 'basic' } },
      }),
      { revoke: true },
    )
    await flow.whole(await flow.contextOf({ habits: { revoke: { place: 'json' } }, knobs: { token_body: { revoke: 'json' } } }), {
      revoke: true,
    })
    await flow.whole(await flow.contextOf({ habits: { revoke: { method: 'DELETE' } }, knobs: { token_method: { revoke: 'DELETE' } } }), {
      revoke: true,
    })
    await flow.whole(
      await flow.contextOf({
        habits: { revoke: { method: 'GET', place: 'query' } },
        knobs: { token_method: { revoke: 'GET' }, client_authentication: { revoke: 'basic' } },
      }),
      {
        revoke: true,
      },
    )
  })

  test('revoke_token both: the refresh token first, then the access token', async () => {
    const context = await flow.contextOf({ knobs: { revoke_token: 'both', revoke_hint: true } })
    const grant = await flow.connect(context)
    assert.equal(await oauth2.revoke!(context, credentialOf(grant)), 'yes')
    const hints = context.steps.filter(step => step.step === 'revoke_request').map(step => step.parameters?.['token_type_hint'])
    assert.deepEqual(hints, ['refresh_token', 'access_token'])
  })

  test('a token that is gone already counts as revoked; an unsupported type and an outage do not', async () => {
    const context = await flow.contextOf({ habits: { revoke: { unknown_status: 400 } } })
    const grant = credentialOf(await flow.connect(context))
    assert.equal(await oauth2.revoke!(context, { ...grant, refresh_token: 'never-issued' }), 'yes')
    const other = await flow.contextOf({ habits: { revoke: { token: 'access_token' } } })
    const refused = await oauth2.revoke!(other, credentialOf(await flow.connect(other))).catch((error: unknown) => error)
    assert.ok(refused instanceof Refusal && refused.error === 'unsupported_token_type')
    await flow.script({ endpoint: 'revoke', kind: 'answer', status: 503, body: 'no' })
    const down = await oauth2.revoke!(context, grant).catch((error: unknown) => error)
    assert.ok(down instanceof Refusal && down.kind === 'down')
    assert.equal(await oauth2.revoke!(await flow.contextOf({ rest: { revoke_token_url: null } }), grant), 'not_supported')
  })

  test('error_when: an answer that a rule calls an error', async () => {
    const rule = { error_when: [{ path: 'result', equals: 'FAILED' }] }
    const refused = await flow
      .connect(await flow.contextOf({ habits: { response_fields: { result: 'FAILED' } }, knobs: rule }))
      .catch((error: unknown) => error)
    assert.ok(refused instanceof Refusal)
    await flow.connect(await flow.contextOf({ habits: { response_fields: { result: 'FINE' } }, knobs: rule }))
  })

  test('expired_when: an answer that is not 401 and means expired', async () => {
    const habits = { access_token_seconds: 60, expired_answer: { status: 200, body: { code: 602, message: 'token expired' } } }
    const context = await flow.contextOf({ habits, knobs: { expired_when: { statuses: [200], body: [{ path: 'code', equals: 602 }] } } })
    const credential = credentialOf(await flow.connect(context))
    assert.isFalse(oauth2.saysExpired!(context.service, await flow.call(context, credential)))
    flow.clock.ms += 61_000
    const answer = await flow.call(context, credential)
    assert.equal(answer.status, 200)
    assert.isTrue(oauth2.saysExpired!(context.service, answer))
    assert.isFalse(oauth2.saysExpired!((await flow.contextOf({ habits })).service, answer))
  })

  test('issuer: exactly this one, also in an error (RFC 9207)', async () => {
    const right = { habits: { iss: true }, knobs: { issuer: flow.practice.url } }
    await flow.connect(await flow.contextOf(right))
    const wrong: Setting[] = [
      { habits: { iss: true }, knobs: { issuer: `${flow.practice.url}/` } },
      { habits: { iss: true }, knobs: { issuer: flow.practice.url.replace('http:', 'https:') } },
      { habits: { iss: false }, knobs: { issuer: flow.practice.url } },
      { habits: { iss: false, auto: 'reject' }, knobs: { issuer: flow.practice.url } },
    ]
    for (const setting of wrong) {
      const before = flow.practice.state.counters.token_requests
      const refused = await flow.connect(await flow.contextOf(setting)).catch((error: unknown) => error)
      assert.ok(refused instanceof Problem && refused.code === 'context_mismatch', JSON.stringify(setting))
      assert.equal(flow.practice.state.counters.token_requests, before, 'the code was sent to a token endpoint')
    }
  })

  test('refresh_token_url: a place of its own', async () => {
    const context = await flow.contextOf({ rest: { refresh_token_url: `${flow.practice.url}/oauth2/token?from=refresh` } })
    await flow.whole(context)
    assert.match(context.steps.find(step => step.step === 'refresh_request')?.url ?? '', /\?from=refresh$/)
  })

  test('a variable in the token URL', async () => {
    const context = await flow.contextOf({
      rest: { access_token_url: `${flow.practice.url.replace('127.0.0.1', '{box}.test')}/oauth2/token` },
      variables: { box: '127' },
    })
    const failed = await flow.connect(context).catch((error: unknown) => error)
    assert.ok(failed instanceof Problem && failed.code === 'destination_not_allowed', 'http is not open for 127.test, so it got that far')
    assert.match(context.steps.find(step => step.step === 'code_request')?.url ?? '', /^http:\/\/127\.test/)
  })

  test('a captured host chooses only among the hosts of the service (X07)', async () => {
    const knobs = { capture_callback: { home: 'accounts-server' } }
    const port = new URL(flow.practice.url).port
    const rest = { access_token_url: `http://{home}:${port}/oauth2/token`, api_hosts: [`127.0.0.1:${port}`] }
    for (const [home, allowed] of [
      ['127.0.0.1', true],
      ['evil.test', false],
      ['https://evil.test', false],
    ] as const) {
      const context = await flow.contextOf({ habits: { callback_extras: { 'accounts-server': home } }, knobs, rest })
      const attempt = flow.connect(context)
      if (allowed) assert.equal((await attempt).captured['home'], home)
      else {
        const refused = await attempt.then(
          () => null,
          (error: unknown) => error,
        )
        assert.ok(refused instanceof Problem && refused.code === 'destination_not_allowed', home)
        assert.notInclude(
          context.steps.map(step => step.step),
          'code_request',
          'the secret was on its way',
        )
      }
    }
  })
})

test('client credentials: connected at once, fetched again, with parameters and scopes', async () => {
  const habits = {
    grant_types: ['client_credentials'],
    required_parameters: { client_credentials: { soid: 'Desk.1' } },
    scopes: ['a', 'b'],
    scope_separator: ',',
  }
  const context = await flow.contextOf({
    habits,
    knobs: { token_params: { soid: 'Desk.1' } },
    rest: { ...clientCredentials, scope_delimiter: 'comma' },
    scopes: ['a', 'b'],
  })
  const grant = await flow.whole(context)
  assert.isFalse(grant.hasRefreshToken)
  assert.deepEqual(grant.grantedScopes, ['a', 'b'])
})

describe('the callback', () => {
  const finish = async (parameters: Record<string, string>, knobs = {}) => {
    const context = await flow.contextOf({ knobs })
    const before = flow.practice.state.counters.token_requests
    const problem = await oauth2.finish(context, { parameters, memory: { code_verifier: 'v'.repeat(43) } }).then(
      () => null,
      (error: unknown) => error,
    )
    assert.equal(flow.practice.state.counters.token_requests, before, 'nothing was redeemed')
    assert.ok(problem instanceof Problem)
    return problem
  }
  test('a person who declines', async () => {
    const refused = await flow.connect(await flow.contextOf({ habits: { auto: 'reject' } })).catch((error: unknown) => error)
    assert.ok(refused instanceof Problem && refused.code === 'authorization_declined')
  })
  test('another error brings the service’s words as text', async () => {
    const problem = await finish({ error: 'invalid_scope', error_description: `<b>no</b>\u0000${'x'.repeat(500)}`, state: 's' })
    assert.equal(problem.code, 'authorization_failed')
    assert.equal(problem.facts['error'], 'invalid_scope')
    assert.equal(String(problem.facts['error_description']).length, 300)
  })
  test.each([{}, { code: '' }, { code: 'a\r\nb' }, { code: 'x'.repeat(4097) }, { token: 'x' }])(
    '%j has no usable code',
    async parameters => {
      assert.equal((await finish(parameters as Record<string, string>)).code, 'authorization_failed')
    },
  )
})

describe('the probe tells apart', () => {
  const probe = async (setting: Setting, change: Partial<TestContext> = {}) =>
    oauth2.probe!({ ...(await flow.contextOf(setting)), ...change })
  test('a client that is accepted', async () => assert.equal(await probe({}), 'client_accepted'))
  test('a client that is refused', async () =>
    assert.equal(await probe({}, { client: { id: 'practice-client', secret: new Secret('wrong-secret') } }), 'client_refused'))
  test('client credentials', async () => assert.equal(await probe({ rest: clientCredentials }), 'client_accepted'))
  test('a page that is no token endpoint', async () => {
    assert.equal(await probe({ rest: { access_token_url: `${flow.practice.url}/` } }), 'not_a_token_endpoint')
    assert.equal(await probe({ rest: { access_token_url: `${flow.practice.url}/nowhere` } }), 'not_a_token_endpoint')
    assert.equal(await probe({ rest: { access_token_url: `${flow.practice.url}/api/echo` } }), 'not_a_token_endpoint')
    await flow.script({ endpoint: 'token', kind: 'html' })
    assert.equal(await probe({}), 'not_a_token_endpoint')
  })
  test('a host that does not answer', async () =>
    assert.equal(await probe({ rest: { access_token_url: 'http://127.0.0.1:1/token' } }), 'host_unreachable'))
})

test('nothing that is recorded shows a secret', async () => {
  const context = await flow.contextOf({
    knobs: { variables: { tenant: { secret: true } }, token_params: { tenant: '{tenant}' }, revoke_token: 'both' },
    variables: { tenant: 'hush-hush-9' },
  })
  const grant = await flow.connect(context)
  await oauth2.refresh!(context, credentialOf(grant))
  await oauth2.revoke!(context, credentialOf(grant))
  const recorded = JSON.stringify(context.steps)
  const secrets = [...oauth2.secretsOf(credentialOf(grant)), context.client?.secret?.expose() ?? '', 'hush-hush-9', 'state-1']
  for (const secret of secrets)
    for (const spelling of [
      secret,
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('hex'),
      createHash('sha256').update(secret).digest('hex'),
    ])
      assert.notInclude(recorded, spelling)
  assert.ok(context.steps.length >= 7)
  assert.include(recorded, 'grant_type')
})
