import { assert, describe, test } from 'vitest'
import type { IncomingResponse } from '../core/request.ts'
import { judgeTokenAnswer, nonceUsed, timestampRefused } from './oauth1-answer.ts'
import { Refusal } from './scheme.ts'

const now = 1_300_000_000_000
const answer = (status: number, body: string | Buffer, headers: readonly string[] = []): IncomingResponse => ({
  status,
  headers,
  body: Buffer.from(body),
})
const html = ['content-type', 'text/html']

type Phase = Parameters<typeof judgeTokenAnswer>[1]
const judged = (response: IncomingResponse, phase: Phase = 'access_token'): string => {
  try {
    const { token, tokenSecret } = judgeTokenAnswer(response, phase, now)
    return `${token} ${tokenSecret}`
  } catch (error) {
    assert.instanceOf(error, Refusal)
    return `${error.kind}${error.error === null || error.kind === 'malformed' ? '' : ' ' + error.error}`
  }
}

describe('answers of sloppy services', () => {
  const long = 'x'.repeat(16 * 1024)
  for (const [what, response, expected] of [
    ['a form', answer(200, 'oauth_token=t&oauth_token_secret=s'), 't s'],
    ['a form that says text/html', answer(200, 'oauth_token=t&oauth_token_secret=s', html), 't s'],
    ['JSON', answer(200, '{"oauth_token":"t","oauth_token_secret":"s"}'), 't s'],
    ['an empty secret', answer(200, 'oauth_token=t&oauth_token_secret='), 't '],
    ['other order and unknown keys', answer(200, 'user_id=7&xoauth_x=1&oauth_token_secret=s&screen_name=a&oauth_token=t'), 't s'],
    ['unknown keys twice', answer(200, 'x=1&x=2&oauth_token=t&oauth_token_secret=s'), 't s'],
    ['a byte order mark', answer(200, '\ufeffoauth_token=t&oauth_token_secret=s'), 't s'],
    ['a trailing line break', answer(200, 'oauth_token=t&oauth_token_secret=s\r\n'), 't s'],
    ['&amp;', answer(200, 'oauth_token=t&amp;oauth_token_secret=s'), 't s'],
    ['+, %20 and %7E', answer(200, 'oauth_token=a+b%20c&oauth_token_secret=%7E~'), 'a b c ~~'],
    ['a bad %ZZ', answer(200, 'oauth_token=a%ZZ&oauth_token_secret=s'), 'a%ZZ s'],
    ['UTF-8', answer(200, 'oauth_token=%C3%A9&oauth_token_secret=ü'), 'é ü'],
    ['16 KiB', answer(200, `oauth_token=${long}&oauth_token_secret=s`), `${long} s`],
    ['16 KiB and one', answer(200, `oauth_token=${long}x&oauth_token_secret=s`), 'malformed'],
    ['64 KiB of something else', answer(200, `x=${long}${long}${long}${long}&oauth_token=t&oauth_token_secret=s`), 't s'],
    ['1 MiB and one', answer(200, 'oauth_token=t&oauth_token_secret=s&x=' + 'x'.repeat(1024 * 1024)), 'malformed'],
    ['nothing', answer(200, ''), 'malformed'],
    ['no token', answer(200, 'oauth_token_secret=s'), 'malformed'],
    ['an empty token', answer(200, 'oauth_token=&oauth_token_secret=s'), 'malformed'],
    ['no secret', answer(200, 'oauth_token=t'), 'malformed'],
    ['a token twice', answer(200, 'oauth_token=t&oauth_token=u&oauth_token_secret=s'), 'malformed'],
    ['a token twice behind &amp;', answer(200, 'oauth_token=t&amp;oauth_token=u&oauth_token_secret=s'), 'malformed'],
    ['a secret twice in JSON', answer(200, '{"oauth_token":"t","oauth_token_secret":"s","oauth_token_secret":"r"}'), 'malformed'],
    ['a page', answer(200, '<html>oauth_token=t&oauth_token_secret=s', html), 'malformed'],
    ['JSON that is no object', answer(200, '["oauth_token"]'), 'malformed'],
    ['JSON with an object as token', answer(200, '{"oauth_token":{},"oauth_token_secret":"s"}'), 'malformed'],
    ['cut JSON', answer(200, '{"oauth_token":"t","oauth_tok'), 'malformed'],
    ['bytes that are not UTF-8', answer(200, Buffer.from([0xff, 0xfe, 0x6f])), 'malformed'],
    ['a token with a line break', answer(200, 'oauth_token=t%0D%0AX:y&oauth_token_secret=s'), 'malformed'],
    ['a token with bytes that are not UTF-8', answer(200, 'oauth_token=%FF&oauth_token_secret=s'), 'malformed'],
    ['__proto__', answer(200, '__proto__=x&oauth_token=t&oauth_token_secret=s'), 't s'],
    ['200 with a problem', answer(200, 'oauth_problem=token_rejected'), 'revoked token_rejected'],
    [
      '200 with a problem and a token',
      answer(200, 'oauth_problem=token_rejected&oauth_token=t&oauth_token_secret=s'),
      'revoked token_rejected',
    ],
    ['401 token_revoked', answer(401, 'oauth_problem=token_revoked'), 'revoked token_revoked'],
    ['401 permission_denied in JSON', answer(401, '{"oauth_problem":"permission_denied"}'), 'revoked permission_denied'],
    [
      '401 token_expired in the challenge',
      answer(401, '', ['WWW-Authenticate', 'OAuth realm="x", oauth_problem="token_expired"']),
      'revoked token_expired',
    ],
    ['401 signature_invalid', answer(401, 'oauth_problem=signature_invalid'), 'client signature_invalid'],
    ['401 consumer_key_unknown', answer(401, 'oauth_problem=consumer_key_unknown', html), 'client consumer_key_unknown'],
    ['401 consumer_key_rejected', answer(400, 'oauth_problem=consumer_key_rejected'), 'client consumer_key_rejected'],
    ['401 with an unknown problem', answer(401, 'oauth_problem=constructor'), 'config constructor'],
    ['400 parameter_absent', answer(400, 'oauth_problem=parameter_absent'), 'config parameter_absent'],
    ['400 with a page', answer(400, '<html>no</html>'), 'malformed'],
    ['401 with words only', answer(401, 'token_revoked, sorry'), 'malformed'],
    ['302', answer(302, '', ['Location', 'https://evil.test/']), 'config token_endpoint_redirect'],
    ['307 with a token in it', answer(307, 'oauth_token=t&oauth_token_secret=s'), 'config token_endpoint_redirect'],
    ['403', answer(403, 'blocked'), 'config'],
    ['404', answer(404, ''), 'config'],
    ['429', answer(429, ''), 'down'],
    ['503', answer(503, '<html>'), 'down'],
    ['500 that names a token problem', answer(500, 'oauth_problem=token_revoked'), 'down token_revoked'],
  ] as const)
    test(what, () => assert.equal(judged(response), expected))

  test('a bare 401 is the client’s fault only while there is no token in play', () => {
    assert.equal(judged(answer(401, ''), 'request_token'), 'client')
    assert.equal(judged(answer(401, ''), 'access_token'), 'malformed')
    assert.equal(judged(answer(401, ''), 'refresh_token'), 'malformed')
  })
  test('oauth_callback_confirmed in any case, and nothing but true', () => {
    const confirmed = (text: string) =>
      judgeTokenAnswer(answer(200, 'oauth_token=t&oauth_token_secret=s' + text), 'request_token', now).callbackConfirmed
    assert.deepEqual(['&oauth_callback_confirmed=true', '&oauth_callback_confirmed=TRUE'].map(confirmed), [true, true])
    assert.deepEqual(['', '&oauth_callback_confirmed=false', '&oauth_callback_confirmed=', '&oauth_callback_confirmed=1'].map(confirmed), [
      false,
      false,
      false,
      false,
    ])
    assert.isTrue(
      judgeTokenAnswer(answer(200, '{"oauth_token":"t","oauth_token_secret":"s","oauth_callback_confirmed":true}'), 'request_token', now)
        .callbackConfirmed,
    )
  })
  test('lifetimes', () => {
    const lifetime = (text: string) =>
      judgeTokenAnswer(answer(200, 'oauth_token=t&oauth_token_secret=s&oauth_expires_in=' + text), 'access_token', now).expiresInSeconds
    assert.deepEqual(['3600', '3600.9', '0', '-1', 'x', '', 'Infinity', '1e400'].map(lifetime), [
      3600,
      3600,
      null,
      null,
      null,
      null,
      null,
      null,
    ])
  })
  test('a token that is part of its secret, or of a problem, hides neither', () => {
    try {
      const response = answer(401, 'oauth_problem=token_rejected&oauth_problem_advice=sent%20token%20and%20token-secret')
      judgeTokenAnswer(response, 'access_token', now, ['token', 'token-secret'])
      assert.fail()
    } catch (error) {
      assert.instanceOf(error, Refusal)
      assert.deepEqual([error.kind, error.error, error.description], ['revoked', 'token_rejected', 'sent … and …'])
    }
  })
  test('words from outside are cut and have no control characters', () => {
    try {
      judgeTokenAnswer(
        answer(401, `oauth_problem=token_rejected&oauth_problem_advice=${'a%0D%0A%1B[31m'.repeat(100)}`),
        'access_token',
        now,
      )
      assert.fail()
    } catch (error) {
      assert.instanceOf(error, Refusal)
      assert.isAtMost(error.description?.length ?? 0, 300)
      assert.notMatch(error.description ?? '', /\p{Cc}/u)
    }
  })
})

describe('the clock', () => {
  const refused = (range: string) => Buffer.from(`oauth_problem=timestamp_refused&oauth_acceptable_timestamps=${range}`)
  for (const [range, offset] of [
    ['1300000000-1300000600', 300],
    ['1299999400-1299999400', -600],
    ['1300086000-1300086800', 86_400],
    ['1300086000-1300086802', null], // one second more than a day
    ['1300000600-1300000000', null],
    ['abc-def', null],
    ['1300000000', null],
    ['', null],
  ] as const)
    test(`acceptable ${range || '(nothing)'}`, () => assert.equal(timestampRefused(401, [], refused(range), now), offset))
  test('is learned from the challenge header of an API call too', () => {
    const header = ['WWW-Authenticate', 'OAuth oauth_problem=timestamp_refused, oauth_acceptable_timestamps="1300000000-1300000600"']
    assert.equal(timestampRefused(401, header, null, now), 300)
  })
  test('is not learned from other answers', () => {
    assert.isNull(timestampRefused(401, [], Buffer.from('oauth_problem=nonce_used&oauth_acceptable_timestamps=1-2'), now))
    assert.isNull(timestampRefused(503, [], refused('1300000000-1300000600'), now))
    assert.isNull(timestampRefused(302, [], refused('1300000000-1300000600'), now))
    assert.isNull(timestampRefused(401, [], null, now))
  })
  test('a used nonce is recognised', () => {
    assert.isTrue(nonceUsed(answer(401, 'oauth_problem=nonce_used')))
    assert.isFalse(nonceUsed(answer(401, 'nonce_used')))
  })
})
