import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Problem } from './problem.ts'
import {
  encodeBody,
  encodeForm,
  headerOf,
  headerValuePattern,
  pairsOf,
  percentEncode,
  withCookie,
  withFormField,
  withHeader,
  withQueryParameter,
  type Body,
  type OutgoingRequest,
} from './request.ts'

const request = (rest: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  method: 'POST',
  url: new URL('https://api.good.test/x'),
  headers: [],
  body: null,
  ...rest,
})

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
  return 'nothing was thrown'
}

describe('headers', () => {
  it('are found in any case, the first one', () => {
    expect(headerOf(['A', '1', 'a', '2'], 'a')).toBe('1')
    expect(headerOf(['A', '1'], 'b')).toBeNull()
    expect(headerOf(['x', 'a', 'a', 'b'], 'a')).toBe('b')
  })

  it('are replaced in every spelling, and the request given is left as it was', () => {
    const before = request({ headers: ['X-Key', '1', 'Other', '2', 'x-key', '3'] })
    expect(withHeader(before, 'X-KEY', 'ours').headers).toEqual(['Other', '2', 'X-KEY', 'ours'])
    expect(before.headers).toHaveLength(6)
  })

  it.each(['a', 'a b', 'a\tb', '~!@'])('%j is a value', value => expect(headerValuePattern.test(value)).toBe(true))
  it.each(['', ' a', 'a ', 'a\n', 'a\r\nb', '\0', 'é', '\x7f'])('%j is none', value => expect(headerValuePattern.test(value)).toBe(false))
})

describe('the query', () => {
  it('gets a parameter at its end; what stands there stays byte for byte', () => {
    const url = new URL('https://api.good.test/x?a=%2F+1&&b#f')
    expect(withQueryParameter(request({ url }), 'k', 'a b&=é').url.search).toBe('?a=%2F+1&&b&k=a%20b%26%3D%C3%A9')
    expect(withQueryParameter(request(), 'k', 'v').url.href).toBe('https://api.good.test/x?k=v')
    for (const odd of ['?', '#part', '?#part'])
      expect(withQueryParameter(request({ url: new URL(`https://api.good.test/x${odd}`) }), 'k', 'v').url.href).toBe(
        'https://api.good.test/x?k=v',
      )
    expect(url.search).toBe('?a=%2F+1&&b')
  })

  it.each(['?api_key=x', '?a=1&api_key', '?api%5Fkey=x', '?api_key=', '?%61pi_key=x'])(
    'does not take a second one of its name: %s',
    search => {
      expect(codeOf(() => withQueryParameter(request({ url: new URL('https://api.good.test/x' + search) }), 'api_key', 'v'))).toBe(
        'parameter_conflict',
      )
    },
  )
})

describe('a form', () => {
  it('gets a field: urlencoded, multipart, and where there was no body', () => {
    expect(withFormField(request({ body: { kind: 'form', fields: [['a', '1']] } }), 'k', 'v').body).toEqual({
      kind: 'form',
      fields: [
        ['a', '1'],
        ['k', 'v'],
      ],
    })
    expect(withFormField(request(), 'k', 'v').body).toEqual({ kind: 'form', fields: [['k', 'v']] })
    const multipart: Body = {
      kind: 'multipart',
      boundary: 'b',
      parts: [{ name: 'a', filename: null, contentType: null, bytes: Buffer.from('1') }],
    }
    const placed = withFormField(request({ body: multipart }), 'k', 'v').body
    expect(placed?.kind === 'multipart' && placed.parts.map(part => [part.name, part.bytes.toString()])).toEqual([
      ['a', '1'],
      ['k', 'v'],
    ])
  })

  it.each([
    [{ kind: 'form', fields: [['k', '1']] }],
    [{ kind: 'multipart', boundary: 'b', parts: [{ name: 'k', filename: null, contentType: null, bytes: Buffer.alloc(0) }] }],
  ] as const)('does not take a second one of its name', body => {
    expect(codeOf(() => withFormField(request({ body }), 'k', 'v'))).toBe('parameter_conflict')
  })

  it.each(['GET', 'HEAD', 'OPTIONS'])('is not there for %s', method => {
    expect(codeOf(() => withFormField(request({ method }), 'k', 'v'))).toBe('param_type_mismatch')
  })

  it('is not what a raw or streamed body is', () => {
    for (const body of [
      { kind: 'raw', bytes: Buffer.from('a=1') },
      { kind: 'stream', stream: Readable.from([]), length: null },
    ] as const)
      expect(codeOf(() => withFormField(request({ body }), 'k', 'v'))).toBe('param_type_mismatch')
  })
})

describe('encoding', () => {
  it('leaves only unreserved characters (RFC 3986 §2.3)', () => {
    expect(percentEncode("AZaz09-._~ !'()*+/:=&%é😀")).toBe('AZaz09-._~%20%21%27%28%29%2A%2B%2F%3A%3D%26%25%C3%A9%F0%9F%98%80')
    expect(percentEncode('a\ud800b')).toBe('a%EF%BF%BDb')
    expect(encodeForm([['a b', 'c&d'], ['', '']])).toBe('a%20b=c%26d&=') // prettier-ignore
  })

  it('is undone by pairsOf, a plus being a blank', () => {
    expect(pairsOf('a=1+2&a=%2B&b&=c')).toEqual([
      ['a', '1 2'],
      ['a', '+'],
      ['b', ''],
      ['', 'c'],
    ])
  })

  it('escapes what would end the header of a multipart part', () => {
    const parts = [{ name: 'a"\r\nX: y', filename: '"\n.txt', contentType: null, bytes: Buffer.from('1') }]
    const { body, headers } = encodeBody(request({ body: { kind: 'multipart', boundary: 'b', parts } }))
    expect(body?.kind === 'raw' && body.bytes.toString()).toBe(
      '--b\r\nContent-Disposition: form-data; name="a%22%0D%0AX: y"; filename="%22%0A.txt"\r\nContent-Type: application/octet-stream\r\n\r\n1\r\n--b--\r\n',
    )
    expect(headers).toEqual(['content-type', 'multipart/form-data; boundary=b'])
  })

  it('sets the type of a form unless one was given, and of multipart always', () => {
    const form: Body = { kind: 'form', fields: [['a', '1']] }
    expect(encodeBody(request({ body: form })).headers).toEqual(['content-type', 'application/x-www-form-urlencoded'])
    const named = ['Content-Type', 'application/x-www-form-urlencoded;charset=UTF-8']
    expect(encodeBody(request({ headers: named, body: form })).headers).toEqual(named)
    expect(
      encodeBody(request({ headers: ['Content-Type', 'multipart/form-data'], body: { kind: 'multipart', boundary: 'b', parts: [] } }))
        .headers,
    ).toEqual(['content-type', 'multipart/form-data; boundary=b'])
  })

  it('leaves bytes and streams alone', () => {
    const raw = request({ body: { kind: 'raw', bytes: Buffer.from('x') } })
    expect(encodeBody(raw)).toBe(raw)
    expect(encodeBody(request())).toEqual(request())
  })
})

it('a cookie stands after those the caller sent', () => {
  expect(withCookie(request(), 'k', 'v').headers).toEqual(['cookie', 'k=v'])
  expect(withCookie(request({ headers: ['Cookie', 'a=b'] }), 'k', 'v').headers).toEqual(['cookie', 'a=b; k=v'])
})
