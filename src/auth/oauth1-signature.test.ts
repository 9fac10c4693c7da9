import { createVerify, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { assert, describe, test } from 'vitest'
import type { Problem } from '../core/problem.ts'
import type { Body, OutgoingRequest, Pair } from '../core/request.ts'
import { baseStringUri, encode, sign, signatureBaseString, signed } from './oauth1-signature.ts'
import type { SigningKeys } from './oauth1-signature.ts'

interface Vector {
  readonly name: string
  readonly method: string
  readonly url: string
  readonly params: readonly Pair[]
  readonly consumer_secret: string
  readonly token_secret: string
  readonly base_string: string
  readonly signature: string
}
const vectors = JSON.parse(readFileSync('test/vectors/published.json', 'utf8')) as {
  oauth1: readonly Vector[]
  oauth1_base_uri: readonly (readonly [string, string, string])[]
  oauth1_encode: Readonly<Record<string, string>>
  oauth1_plaintext: readonly (readonly [string, string, string])[]
}

describe('published vectors', () => {
  for (const { name, method, url, params, consumer_secret, token_secret, base_string, signature } of vectors.oauth1)
    test(`signs ${name}`, () => {
      const text = signatureBaseString(method, new URL(url), params)
      assert.equal(text, base_string)
      assert.equal(sign(text, { method: 'HMAC-SHA1', clientSecret: consumer_secret, tokenSecret: token_secret }), signature)
    })
  for (const [method, url, uri] of vectors.oauth1_base_uri)
    test(`the base string URI of ${method} ${url}`, () => assert.equal(baseStringUri(new URL(url)), uri))
  test('encodes as RFC 5849 §3.6 says', () => {
    for (const [text, encoded] of Object.entries(vectors.oauth1_encode)) assert.equal(encode(text), encoded)
  })
  test('signs PLAINTEXT', () => {
    for (const [clientSecret, tokenSecret, signature] of vectors.oauth1_plaintext)
      assert.equal(sign('anything', { method: 'PLAINTEXT', clientSecret, tokenSecret }), signature)
  })
})

const example = new URL('http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b')
const oauth: readonly Pair[] = [
  ['oauth_consumer_key', '9djdj82h48djs9d2'],
  ['oauth_token', 'kkk9d7dh3k39sjv7'],
  ['oauth_signature_method', 'HMAC-SHA1'],
  ['oauth_timestamp', '137131201'],
  ['oauth_nonce', '7d8f3e4a'],
]

test('signs what RFC 5849 §3.4.1.1 says it signs, from the request as it is sent', () => {
  assert.equal(
    signatureBaseString('post', example, [...oauth, ...new URLSearchParams('c2&a3=2+q')]),
    'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D' +
      '%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a' +
      '%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
  )
})

describe('the query is signed as its bytes are', () => {
  for (const [query, signedAs] of [
    ['a=%7e', 'a%3D~'],
    ['a=x+y', 'a%3Dx%2520y'],
    ['a=%FF', 'a%3D%25FF'], // not UTF-8, and no replacement character either
    ['a=%ZZ', 'a%3D%2525ZZ'],
    ['a=b=c', 'a%3Db%253Dc'],
    ['a&b=', 'a%3D%26b%3D'],
    ['&&a=1', 'a%3D1'],
    ["a='()!*", 'a%3D%2527%2528%2529%2521%252A'],
    ['é=ü', '%25C3%25A9%3D%25C3%25BC'],
    ['a=2&a=10&a=1', 'a%3D1%26a%3D10%26a%3D2'],
    ['a1=1&a=2', 'a%3D2%26a1%3D1'],
    ['', ''],
  ] as const)
    test(`?${query}`, () =>
      assert.equal(signatureBaseString('GET', new URL('https://x.test/?' + query), []), `GET&https%3A%2F%2Fx.test%2F&${signedAs}`))
  test('a lone surrogate does not throw', () =>
    assert.include(signatureBaseString('GET', new URL('https://x.test/'), [['a', '\ud800']]), '%25EF%25BF%25BD'))
})

test('HMAC-SHA256 with both secrets encoded into the key', () => {
  // computed with: printf 'GET&x&y' | openssl dgst -sha256 -hmac 'a%26b&c%20d' -binary | base64
  assert.equal(
    sign('GET&x&y', { method: 'HMAC-SHA256', clientSecret: 'a&b', tokenSecret: 'c d' }),
    'MJTFvISKLGxTp1UJTHqTeL/zJi+cMiZnvKxYlgBnEGA=',
  )
})

test('RSA-SHA1 verifies with the public key, and says what is wrong when the secret is no key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const clientSecret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const signature = sign('GET&x&y', { method: 'RSA-SHA1', clientSecret, tokenSecret: 'unused' })
  assert.isTrue(createVerify('RSA-SHA1').update('GET&x&y').verify(publicKey, signature, 'base64'))
  try {
    sign('GET&x&y', { method: 'RSA-SHA1', clientSecret: 'CANARY-not-a-key', tokenSecret: '' })
    assert.fail('signed without a key')
  } catch (error) {
    const problem = error as Problem
    assert.equal(problem.code, 'service_not_configured')
    assert.notInclude(JSON.stringify([problem.message, problem.facts]), 'CANARY')
  }
})

const keys: SigningKeys = { method: 'HMAC-SHA1', clientId: 'key', clientSecret: 'secret', token: 'tok', tokenSecret: 'ts' }
const stamp = { timestamp: 1_700_000_000, nonce: 'n' }
const call = (method: string, url: string, body: Body = null, headers: readonly string[] = []): OutgoingRequest => ({
  method,
  url: new URL(url),
  headers,
  body,
})
const signatureOf = (request: OutgoingRequest) =>
  signed(request, keys, stamp, { in: 'header' }).parameters.find(([name]) => name === 'oauth_signature')?.[1]
const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'nothing'
  } catch (error) {
    return (error as Problem).code
  }
}

describe('which bodies are signed', () => {
  const bare = signatureOf(call('POST', 'https://x.test/'))
  const fields: Body = {
    kind: 'form',
    fields: [
      ['a', '1'],
      ['a', '0'],
    ],
  }
  const raw = (text: string): Body => ({ kind: 'raw', bytes: Buffer.from(text) })
  const formType = ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8']

  test('a form is, with its duplicates', () => {
    assert.notEqual(signatureOf(call('POST', 'https://x.test/', fields)), bare)
    assert.equal(signatureOf(call('POST', 'https://x.test/', fields)), signatureOf(call('POST', 'https://x.test/?a=0&a=1')))
  })
  test('raw bytes that say they are a form are too', () =>
    assert.equal(
      signatureOf(call('POST', 'https://x.test/', raw('a=1&a=0'), formType)),
      signatureOf(call('POST', 'https://x.test/', fields)),
    ))
  test('JSON, text without a type, and multipart are not', () => {
    assert.equal(signatureOf(call('POST', 'https://x.test/', raw('{"a":1}'), ['Content-Type', 'application/json'])), bare)
    assert.equal(signatureOf(call('POST', 'https://x.test/', raw('a=1'))), bare)
    const part = { name: 'a', filename: null, contentType: null, bytes: Buffer.from('1') }
    assert.equal(signatureOf(call('POST', 'https://x.test/', { kind: 'multipart', parts: [part], boundary: 'b' })), bare)
  })
})

describe('placing', () => {
  const form: Body = { kind: 'form', fields: [['a', '1']] }
  test('in the header: every value encoded, the realm quoted', () => {
    const { request } = signed(call('GET', 'https://x.test/'), { ...keys, token: 'a"b\r\nX: y' }, stamp, {
      in: 'header',
      realm: 'say "hi"',
    })
    const value = request.headers[1] ?? ''
    assert.match(value, /^OAuth realm="say \\"hi\\"", oauth_consumer_key="key", oauth_token="a%22b%0D%0AX%3A%20y", /)
    assert.match(value, /oauth_signature="[A-Za-z0-9%._~-]+"$/)
  })
  test('in the query: after the caller’s own bytes', () => {
    const { request } = signed(call('GET', 'https://x.test/?q=%7e'), keys, stamp, { in: 'query' })
    assert.match(request.url.search, /^\?q=%7[eE]&oauth_consumer_key=key&oauth_token=tok&.*&oauth_signature=[^&]+$/)
    assert.isEmpty(request.headers)
  })
  test('in the form: among its fields, and a POST without a body becomes one', () => {
    for (const body of [form, null]) {
      const { request } = signed(call('POST', 'https://x.test/', body), keys, stamp, { in: 'form' })
      assert.equal(request.body?.kind, 'form')
      if (request.body?.kind === 'form') assert.equal(request.body.fields.at(-1)?.[0], 'oauth_signature')
    }
  })
  test('a form-placed signature refuses GET, JSON and multipart', () => {
    const place = { in: 'form' } as const
    assert.equal(
      codeOf(() => signed(call('GET', 'https://x.test/'), keys, stamp, place)),
      'param_type_mismatch',
    )
    assert.equal(
      codeOf(() => signed(call('POST', 'https://x.test/', { kind: 'raw', bytes: Buffer.from('{}') }), keys, stamp, place)),
      'param_type_mismatch',
    )
    assert.equal(
      codeOf(() => signed(call('POST', 'https://x.test/', { kind: 'multipart', parts: [], boundary: 'b' }), keys, stamp, place)),
      'param_type_mismatch',
    )
  })
  test('a caller who sends a protocol parameter is refused, wherever it is and however it is spelt', () => {
    for (const request of [
      call('GET', 'https://x.test/?oauth_token=mine'),
      call('GET', 'https://x.test/?oauth%5Ftoken=mine'),
      call('GET', 'https://x.test/?OAUTH_signature=mine'),
      call('POST', 'https://x.test/', { kind: 'form', fields: [['oauth_nonce', 'mine']] }),
    ])
      assert.equal(
        codeOf(() => signed(request, keys, stamp, { in: 'header' })),
        'parameter_conflict',
      )
  })
  test('PLAINTEXT refuses http', () => {
    const plain: SigningKeys = { ...keys, method: 'PLAINTEXT' }
    assert.equal(
      codeOf(() => signed(call('GET', 'http://x.test/'), plain, stamp, { in: 'header' })),
      'invalid_url',
    )
    assert.equal(
      codeOf(() => signed(call('GET', 'https://x.test/'), plain, stamp, { in: 'header' })),
      'nothing',
    )
  })
})
