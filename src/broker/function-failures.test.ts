import { describe, expect, it } from 'vitest'
import { Problem } from '../core/problem.ts'
import { parseDestination } from '../egress/policy.ts'
import { failureOf } from './function-failures.ts'

const connection = 'mailchimp'
const connect_url = 'https://patchbay.example.test/connect/default/mailchimp?for=u1'

/** What a script's author reads: what happened, then what to do. */
describe('refusals as scripts see them', () => {
  it.each([
    [
      new Problem('connection_not_found', { connection }),
      'Connection Name was not found: mailchimp. Create a connection with this link name or correct the name; if there is one, its owner must let the author of this function use it.',
    ],
    [
      new Problem('authorization_required', { connection, connect_url }),
      `UnAuthenticated Connections: mailchimp: This connection is not authorised yet for the person it is called for. Open ${connect_url} and connect it.`,
    ],
    [
      new Problem('authorization_required', { connection, connect_url: null, reason: 'no_login_user' }),
      'UnAuthenticated Connections: mailchimp: it is used with the login of whoever runs the function, and nobody does here: a schedule, or a call by key. Have a person run it, or name a connection that everybody uses with one account.',
    ],
    [
      new Problem('destination_not_confirmed', { connection, confirm_url: 'https://p.example.test/connections/mailchimp' }),
      'This API host was added after you connected. Open https://p.example.test/connections/mailchimp and confirm it.',
    ],
    [
      new Problem('upstream_timeout', { host: 'a.example', detail: 'a.example did not answer within 40 seconds.' }),
      'Socket timeout error: a.example did not answer within 40 seconds. Ask for less at once, or try again later.',
    ],
    [
      new Problem('upstream_unreachable', { host: 'a.example', detail: 'a.example gave no usable answer: the connection broke (X).' }),
      'a.example gave no usable answer: the connection broke (X). Check the address in the call, and whether the service is up.',
    ],
    [new Problem('request_too_large'), 'The request body is larger than this server accepts. Send less at once.'],
    [new Problem('header_not_allowed', { header: 'Host' }), 'The header Host: Patchbay sets this header itself. Leave it out.'],
    [
      new Problem('parameter_conflict', { parameter: 'api_key' }),
      'The parameter api_key: The connection sets this parameter itself. Leave it out.',
    ],
    [new Problem('validation_failed', {}, { errors: [{ path: 'x', message: 'Write ASCII only.' }] }), 'Write ASCII only.'],
  ])('%s', (problem, sentence) => {
    expect(failureOf(problem).message).toBe(sentence)
    expect(failureOf(problem).facts.code).toBe(problem.code)
  })

  it('keeps where to connect, and nothing that is not public', () => {
    const { facts } = failureOf(new Problem('authorization_required', { connection, connect_url, detail: 'x', generation: 4 }))
    expect(facts).toEqual({ code: 'authorization_required', connection, connect_url })
  })

  it.each(['/relative', 'ftp://x.example', 'https://a b', 'https://u:p@x.example', `https://x.example/${'a'.repeat(20_000)}`])(
    'an address that cannot be called says how to write it: %.30s',
    url => {
      let problem: unknown
      try {
        parseDestination(url)
      } catch (error) {
        problem = error
      }
      expect(failureOf(problem as Problem).message).toMatch(/must start with|Only https and http|Percent-encode|carries|Shorten/)
    },
  )
})
