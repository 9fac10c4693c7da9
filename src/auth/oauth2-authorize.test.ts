import { readFileSync } from 'node:fs'
import { assert, describe, test } from 'vitest'
import { oauth2Service } from '../../test/support/oauth2.ts'
import { Problem } from '../core/problem.ts'
import { authorizeUrl, challengeOf } from './oauth2-authorize.ts'
import type { AuthorizationRequest } from './oauth2-authorize.ts'

const published = JSON.parse(readFileSync(new URL('../../test/vectors/published.json', import.meta.url), 'utf8')) as {
  pkce_rfc7636_B: { verifier: string; challenge: string }
}

interface Case {
  readonly url?: string
  readonly knobs?: Record<string, unknown>
  readonly scopes?: readonly string[]
  readonly delimiter?: string
  readonly variables?: Record<string, string>
  readonly codeVerifier?: string | null
}

const redirectUrl = 'https://connect.example/oauth/callback/acme/practice'

function build({
  url = 'https://a.test/auth',
  knobs = {},
  scopes = [],
  delimiter = 'space',
  variables = {},
  codeVerifier = null,
}: Case): string {
  const service = oauth2Service('https://a.test', knobs, { authorize_url: url, scope_delimiter: delimiter })
  const request: AuthorizationRequest = { service, clientId: 'id 1', redirectUrl, scopes, state: 'st-A_9', variables, codeVerifier }
  return authorizeUrl(request)
}

const ours =
  'client_id=id%201&redirect_uri=https%3A%2F%2Fconnect.example%2Foauth%2Fcallback%2Facme%2Fpractice&response_type=code&state=st-A_9'

describe('the authorize URL', () => {
  const rows: readonly (readonly [name: string, given: Case, expected: string])[] = [
    ['has our parameters', {}, `https://a.test/auth?${ours}`],
    [
      'keeps the developer’s query byte for byte',
      { url: "https://a.test/auth?access_type=offline&x='%7e+%2B&&y" },
      `https://a.test/auth?access_type=offline&x='%7e+%2B&&y&${ours}`,
    ],
    ['keeps the path byte for byte', { url: 'https://A.test:443/a/../b%2f' }, `https://A.test:443/a/../b%2f?${ours}`],
    [
      'replaces what is ours',
      { url: 'https://a.test/auth?client_id=evil&a=1&state=x&response_type=token&redirect_uri=http://evil' },
      `https://a.test/auth?a=1&${ours}`,
    ],
    [
      'knows ours in every spelling',
      { url: 'https://a.test/?client%5Fid=x&Client_ID=x&%72edirect_uri=x&state[]=x&+state=x&RESPONSE_TYPE=token&b=2' },
      `https://a.test/?b=2&${ours}`,
    ],
    [
      'replaces typed PKCE parameters even when PKCE is off',
      { url: 'https://a.test/?code_challenge=x&code_challenge_method=plain' },
      `https://a.test/?${ours}`,
    ],
    ['joins scopes with a blank', { scopes: ['a', 'b'] }, `https://a.test/auth?${ours}&scope=a%20b`],
    ['joins scopes with a comma', { scopes: ['a', 'b'], delimiter: 'comma' }, `https://a.test/auth?${ours}&scope=a%2Cb`],
    ['joins scopes with the letter plus', { scopes: ['a', 'b'], delimiter: 'plus' }, `https://a.test/auth?${ours}&scope=a%2Bb`],
    [
      'joins scopes with another separator',
      { scopes: ['a', 'b'], knobs: { scope_separator: ';' } },
      `https://a.test/auth?${ours}&scope=a%3Bb`,
    ],
    [
      'unites typed scopes with chosen ones, in the service’s delimiter',
      { url: 'https://a.test/auth?scope=x+a%20y&p=1', scopes: ['a', 'b'], delimiter: 'comma' },
      `https://a.test/auth?p=1&${ours}&scope=x%2Ca%2Cy%2Cb`,
    ],
    [
      'always asks for required scopes',
      { scopes: ['a'], knobs: { required_scopes: ['r', 'a'] } },
      `https://a.test/auth?${ours}&scope=r%20a`,
    ],
    ['renames the scope parameter', { scopes: ['a'], knobs: { scope_param: 'user_scope' } }, `https://a.test/auth?${ours}&user_scope=a`],
    [
      'adds a second scope parameter and unites what was typed there',
      { url: 'https://a.test/auth?user_scope=t', knobs: { second_scopes: { param: 'user_scope', scopes: ['u', 't'] } } },
      `https://a.test/auth?${ours}&user_scope=t%20u`,
    ],
    [
      'writes blanks between scopes as plus',
      { scopes: ['a:b', 'c'], knobs: { scope_encoding: 'plus' } },
      `https://a.test/auth?${ours}&scope=a%3Ab+c`,
    ],
    [
      'writes scopes raw, but nothing that would end the parameter',
      { scopes: ['https://x/y', 'a&b=c#d'], delimiter: 'comma', knobs: { scope_encoding: 'raw' } },
      `https://a.test/auth?${ours}&scope=https://x/y,a%26b%3Dc%23d`,
    ],
    [
      'renames the client-id parameter',
      { knobs: { client_id_param: 'app_id' } },
      `https://a.test/auth?app_id=id%201&${ours.slice(ours.indexOf('redirect_uri'))}`,
    ],
    [
      'adds parameters, filled',
      { knobs: { authorize_params: { prompt: 'consent', audience: 'https://{domain}.test/' } }, variables: { domain: 'acme' } },
      `https://a.test/auth?${ours}&prompt=consent&audience=https%3A%2F%2Facme.test%2F`,
    ],
    [
      'adds no parameter twice, and none of ours',
      { url: 'https://a.test/auth?prompt=login', knobs: { authorize_params: { prompt: 'consent', state: 'evil', Client_Id: 'evil' } } },
      `https://a.test/auth?prompt=login&${ours}`,
    ],
    [
      'fills variables in host, path and query',
      { url: 'https://{domain}.a.test/{team}/auth?for={team}', variables: { domain: 'acme', team: 'red&x=1' } },
      `https://acme.a.test/red%26x%3D1/auth?for=red%26x%3D1&${ours}`,
    ],
    [
      'sends an S256 challenge',
      { codeVerifier: published.pkce_rfc7636_B.verifier },
      `https://a.test/auth?${ours}&code_challenge=${published.pkce_rfc7636_B.challenge}&code_challenge_method=S256`,
    ],
  ]
  test.each(rows)('%s', (_name, given, expected) => {
    assert.equal(build(given), expected)
  })

  const moved = ['evil.test/', 'a@evil.test', 'x.evil.test#', '', '..', 'UPPER', 'a'.repeat(64), 'évil', 'https://evil.test/path']
  test.each(moved)('a variable in the host cannot be %j (X13)', value => {
    assert.throws(() => build({ url: 'https://{domain}.a.test/auth', variables: { domain: value } }), Problem)
  })

  test('a variable without a value is asked for, not sent as it stands', () => {
    assert.throws(() => build({ url: 'https://a.test/auth?team={team}' }), Problem)
  })

  test('refuses a state that some services choke on', () => {
    const service = oauth2Service('https://a.test')
    assert.throws(() => authorizeUrl({ service, clientId: 'x', redirectUrl, scopes: [], state: 'a|b', variables: {}, codeVerifier: null }))
  })
})

test('the challenge is RFC 7636 appendix B’s', () => {
  assert.equal(challengeOf(published.pkce_rfc7636_B.verifier), published.pkce_rfc7636_B.challenge)
})
