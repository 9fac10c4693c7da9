import { describe, expect, it } from 'vitest'
import { invokeUrlInput, outgoing } from './invoke-url.ts'
import { memberText, parseLossless } from './lossless-json.ts'
import { Problem } from './problem.ts'
import { encodeBody, headerOf, type OutgoingRequest } from './request.ts'

const base = 'https://api.good.test/v1/items'

/** As the route does it: from the caller's text to the request. */
function built(call: string | Record<string, unknown>, url = base): OutgoingRequest {
  const text = typeof call === 'string' ? call : JSON.stringify({ url, ...call })
  const input = invokeUrlInput.parse(parseLossless(text))
  const written = {
    body: typeof input.body === 'object' && input.body !== null ? memberText(text, 'body') : null,
    parameters: typeof input.parameters === 'object' && input.parameters !== null ? memberText(text, 'parameters') : null,
    headers: memberText(text, 'headers'),
  }
  return outgoing(input, new URL(input.url), written, () => 'boundary')
}

/** As it would leave: method, target, content type, body. */
function leaving(call: string | Record<string, unknown>, url?: string) {
  const request = encodeBody(built(call, url))
  return {
    method: request.method,
    target: request.url.pathname + request.url.search,
    type: headerOf(request.headers, 'content-type'),
    body: request.body?.kind === 'raw' ? request.body.bytes.toString() : request.body,
  }
}

function refused(call: Record<string, unknown>): string {
  try {
    built(call)
  } catch (error) {
    if (error instanceof Problem) return [error.code, ...error.errors.map(one => one.path)].join(' ')
    throw error
  }
  return 'it was built'
}

const map = { a: 'x y', b: ['1', { c: 2 }], d: null, e: true, f: 1.5 }

describe('URL-2 type', () => {
  it('is GET by default, and one of seven', () => {
    expect(leaving({}).method).toBe('GET')
    for (const type of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']) expect(leaving({ type }).method).toBe(type)
    for (const type of ['get', 'TRACE', 'CONNECT', '', null, 1])
      expect(invokeUrlInput.safeParse({ url: base, type }).success, String(type)).toBe(false)
  })
})

describe('URL-3 headers', () => {
  it('are sent as given, a map or list as JSON text, a number and a boolean as text', () => {
    const { headers } = built({ headers: { 'X-Plain': 'a b', 'Dropbox-API-Arg': { path: '/x', n: [1] }, 'X-N': 5, 'X-B': false } })
    expect(headers).toEqual(['X-Plain', 'a b', 'Dropbox-API-Arg', '{"path":"/x","n":[1]}', 'X-N', '5', 'X-B', 'false'])
  })

  it('keep 19 digits in the JSON text of a map', () => {
    const { headers } = built(`{"url":"${base}","headers":{"X-Arg":{ "id" : 1234567890123456789 },"X-Id":1234567890123456789}}`)
    expect(headers).toEqual(['X-Arg', '{"id":1234567890123456789}', 'X-Id', '1234567890123456789'])
  })

  it.each([
    ...[
      'Host',
      'content-length',
      'Transfer-Encoding',
      'CONNECTION',
      'keep-alive',
      'Proxy-Authorization',
      'proxy-connection',
      'TE',
      'Trailer',
    ],
    ...['upgrade', 'Expect', 'HTTP2-Settings', 'X-Forwarded-For', 'x-forwarded-host', 'Forwarded', 'Via', 'Cookie', 'Patchbay-Subject'],
    ...['content_length', 'Transfer_Encoding', 'X_Forwarded_User', 'proxy_authorization'],
  ])('%s is ours', name => {
    expect(refused({ headers: { [name]: 'x' } })).toBe('header_not_allowed')
  })

  it.each([{ 'X Y': 'a' }, { '': 'a' }, { 'X:Y': 'a' }, { 'X\r\nY': 'a' }, { é: 'a' }, { ':authority': 'a' }, { ['x'.repeat(201)]: 'a' }])(
    'a name that HTTP does not allow is refused: %j',
    headers => {
      expect(refused({ headers })).toBe('validation_failed headers')
    },
  )

  it.each(['a\r\nX: y', 'a\n', 'a\r', '\0', '\x7f', '\t', ' lead', 'trail ', 'é', '😀', '\u2028'])('the value %j is refused', value => {
    expect(refused({ headers: { 'X-A': value } })).toBe('validation_failed headers.X-A')
  })

  it('may have any name that JavaScript knows, as data', () => {
    const { headers } = built(`{"url":"${base}","headers":{"valueOf":"a","constructor":"b"}}`)
    expect(headers).toEqual(['valueOf', 'a', 'constructor', 'b'])
  })
})

describe('URL-4, URL-5 parameters', () => {
  const query = '?a=x%20y&b=%5B%221%22%2C%7B%22c%22%3A2%7D%5D&d=&e=true&f=1.5'

  it.each(['GET', 'HEAD', 'DELETE'])('of %s are the query', type => {
    expect(leaving({ type, parameters: map })).toEqual({ method: type, target: `/v1/items${query}`, type: null, body: null })
  })

  it('follow the query that the URL has, which stays byte for byte', () => {
    expect(leaving({ parameters: { b: '&=?#' } }, `${base}?a=%2f+1&&z`).target).toBe('/v1/items?a=%2f+1&&z&b=%26%3D%3F%23')
  })

  it.each(['POST', 'PUT', 'PATCH', 'OPTIONS'])('of %s are an urlencoded form', type => {
    expect(leaving({ type, parameters: map })).toEqual({
      method: type,
      target: '/v1/items',
      type: 'application/x-www-form-urlencoded',
      body: query.slice(1),
    })
  })

  it('of DELETE with a content type are the body', () => {
    expect(leaving({ type: 'DELETE', parameters: { a: 1 }, content_type: 'application/json' }).body).toBe('{"a":1}')
    expect(leaving({ type: 'DELETE', parameters: { a: 1 }, content_type: 'application/x-www-form-urlencoded' }).body).toBe('a=1')
  })

  it('as a text are the raw body, text/plain unless said otherwise', () => {
    expect(leaving({ type: 'POST', parameters: '{"a":1}' })).toMatchObject({ type: 'text/plain;charset=UTF-8', body: '{"a":1}' })
    expect(leaving({ type: 'POST', parameters: '<a/>', content_type: 'application/xml' })).toMatchObject({
      type: 'application/xml',
      body: '<a/>',
    })
    expect(leaving({ type: 'POST', parameters: 'é', headers: { 'Content-Type': 'text/x' } })).toMatchObject({ type: 'text/x', body: 'é' })
  })

  it.each(['GET', 'HEAD'])('as a text are refused for %s', type => {
    expect(refused({ type, parameters: 'a=1' })).toBe('validation_failed parameters')
  })

  it('with a content type are what it says', () => {
    expect(leaving({ type: 'PUT', parameters: { a: 1 }, content_type: 'application/vnd.api+json' })).toMatchObject({
      type: 'application/vnd.api+json',
      body: '{"a":1}',
    })
    expect(leaving({ type: 'POST', parameters: { a: 1 }, content_type: 'multipart/form-data' }).type).toBe(
      'multipart/form-data; boundary=boundary',
    )
  })

  it('with a body are the query, of any method that has a body', () => {
    expect(leaving({ type: 'POST', parameters: { a: 1 }, body: 'text' })).toEqual({
      method: 'POST',
      target: '/v1/items?a=1',
      type: 'text/plain;charset=UTF-8',
      body: 'text',
    })
    expect(refused({ type: 'POST', parameters: 'a', body: 'b' })).toBe('validation_failed parameters')
  })

  it('keep 19 digits: as JSON byte for byte, and in a form or query, nested too', () => {
    const id = '1234567890123456789'
    const json = `{ "id" : ${id}, "list":[${id}.5] }`
    expect(leaving(`{"url":"${base}","type":"POST","content_type":"application/json","parameters":${json}}`).body).toBe(json)
    expect(leaving(`{"url":"${base}","type":"POST","parameters":{"id":${id}}}`).body).toBe(`id=${id}`)
    expect(leaving(`{"url":"${base}","parameters":{"q":{ "id": ${id} }}}`).target).toBe(`/v1/items?q=${encodeURIComponent(`{"id":${id}}`)}`)
  })
})

describe('URL-6, URL-7 body and content type', () => {
  it('a text is text/plain', () => {
    expect(leaving({ type: 'POST', body: 'é' })).toMatchObject({ type: 'text/plain;charset=UTF-8', body: 'é' })
    expect(leaving({ type: 'POST', body: '' })).toMatchObject({ type: 'text/plain;charset=UTF-8', body: '' })
  })

  it('a map is multipart, a JSON text or a form, as the content type says', () => {
    expect(leaving({ type: 'POST', body: { a: 1, b: { c: 2 } } })).toEqual({
      method: 'POST',
      target: '/v1/items',
      type: 'multipart/form-data; boundary=boundary',
      body:
        '--boundary\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' +
        '--boundary\r\nContent-Disposition: form-data; name="b"\r\n\r\n{"c":2}\r\n--boundary--\r\n',
    })
    expect(leaving({ type: 'POST', body: { a: 1 }, content_type: 'Application/JSON; charset=utf-8' })).toMatchObject({
      type: 'Application/JSON; charset=utf-8',
      body: '{"a":1}',
    })
    expect(leaving({ type: 'POST', body: { a: 'b c' }, headers: { 'content-type': 'application/x-www-form-urlencoded' } })).toMatchObject({
      type: 'application/x-www-form-urlencoded',
      body: 'a=b%20c',
    })
  })

  it('as JSON goes out as it was written, 19 digits and blanks and all', () => {
    for (const json of ['{ "id":1234567890123456789 ,"x": 1.50 }', '[1234567890123456789]'])
      expect(leaving(`{"url":"${base}","type":"PUT","body": ${json} ,"content_type":"application/json"}`).body).toBe(json)
  })

  it('a number, a boolean or a list is JSON when the content type says so', () => {
    for (const body of [0, 5, true, false]) {
      expect(leaving({ type: 'POST', body, content_type: 'application/json' }).body).toBe(JSON.stringify(body))
      expect(refused({ type: 'POST', body })).toBe('validation_failed body')
    }
    expect(leaving({ type: 'POST', body: [1, 2], content_type: 'application/json' }).body).toBe('[1,2]')
  })

  it('is one that a bare long number may be, byte for byte', () => {
    expect(leaving(`{"url":"${base}","type":"POST","body":1234567890123456789,"content_type":"application/json"}`).body).toBe(
      '1234567890123456789',
    )
  })

  it.each(['GET', 'HEAD'])('is refused for %s', type => {
    expect(refused({ type, body: { a: 1 } })).toBe('validation_failed body')
    expect(refused({ type, body: '' })).toBe('validation_failed body')
    expect(refused({ type, files: [{ filename: 'a', content_base64: '' }] })).toBe('validation_failed files')
  })

  it('has one content type: not one in the headers and another beside them', () => {
    expect(refused({ type: 'POST', body: 'x', content_type: 'a/b', headers: { 'Content-type': 'a/b' } })).toBe(
      'validation_failed content_type',
    )
    expect(refused({ type: 'POST', body: 'x', content_type: 'a/b\r\nX: y' })).toBe('validation_failed content_type')
  })

  it('null is none, and a POST without anything has no body', () => {
    expect(leaving({ type: 'POST', body: null, parameters: null, files: null, content_type: null })).toEqual({
      method: 'POST',
      target: '/v1/items',
      type: null,
      body: null,
    })
  })
})

describe('URL-9, URL-10 parts and files', () => {
  it('a list of parts is multipart', () => {
    expect(
      leaving({
        type: 'POST',
        body: [
          { 'param-name': 'meta', 'param-value': { a: 1 }, 'content-type': 'application/json' },
          { 'param-name': 't', 'param-value': 'x' },
        ],
      }).body,
    ).toBe(
      '--boundary\r\nContent-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n' +
        '--boundary\r\nContent-Disposition: form-data; name="t"\r\n\r\nx\r\n--boundary--\r\n',
    )
  })

  it.each([[['x']], [[{ 'param-value': 'x' }]], [[{ 'param-name': 'a' }, null]], [[{ 'param-name': 'a', 'content-type': 'a\r\nb' }]]])(
    'a part that is none is refused with its place: %j',
    body => {
      expect(refused({ type: 'POST', body })).toMatch(/^validation_failed body\.\d/)
    },
  )

  const file = {
    name: 'f',
    filename: 'a".png',
    content_type: 'image/png',
    content_base64: Buffer.from([0, 255, 13, 10]).toString('base64'),
  }

  it('files are multipart with their names escaped, after the parameters and a map or list as body', () => {
    const request = encodeBody(built({ type: 'POST', files: [file, { filename: 'b.bin', content_base64: '' }], parameters: { p: 1 } }))
    const text = request.body?.kind === 'raw' ? request.body.bytes.toString('latin1') : ''
    expect(text).toBe(
      '--boundary\r\nContent-Disposition: form-data; name="p"\r\n\r\n1\r\n' +
        '--boundary\r\nContent-Disposition: form-data; name="f"; filename="a%22.png"\r\nContent-Type: image/png\r\n\r\n\x00\xff\r\n\r\n' +
        '--boundary\r\nContent-Disposition: form-data; name="file"; filename="b.bin"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--boundary--\r\n',
    )
    for (const body of [{ m: 1 }, [{ 'param-name': 'm', 'param-value': 1 }]]) {
      const both = built({ type: 'POST', files: [file], body }).body
      expect(both?.kind === 'multipart' && both.parts.map(part => part.name)).toEqual(['m', 'f'])
    }
  })

  it('files beside a text are refused: one of them would be lost', () => {
    expect(refused({ type: 'POST', files: [file], body: 'text' })).toBe('validation_failed body')
    expect(refused({ type: 'POST', files: [file], parameters: 'text' })).toBe('validation_failed parameters')
    expect(refused({ type: 'POST', files: [{ ...file, content_type: 'a\nb' }] })).toBe('validation_failed files')
  })
})

describe('what else is refused', () => {
  it.each([
    { timeout_ms: 999 },
    { timeout_ms: 60_001 },
    { timeout_ms: 1000.5 },
    { timeout_ms: '5000' },
    { response_format: 'FILE' },
    { response_decoding: 'no-such-charset' },
    { files: [{ content_base64: 'x' }] },
    { files: [{ filename: 'a', content_base64: 'not base64!' }] },
    { detailed: true },
    { connection_owner: 'x' },
    { as_user: 'x' },
    { parameters: ['a'] },
    { parameters: 5 },
    { headers: [] },
    { headers: 'a' },
    { url: 5 },
  ])('%j', call => {
    expect(invokeUrlInput.safeParse({ url: base, ...call }).success).toBe(false)
  })

  it('not the bounds themselves', () => {
    for (const timeout_ms of [1000, 60_000]) expect(invokeUrlInput.parse({ url: base, timeout_ms }).timeout_ms).toBe(timeout_ms)
    expect(invokeUrlInput.parse({ url: base }).timeout_ms).toBe(40_000)
    for (const response_decoding of ['utf-8', 'ISO-8859-1', 'shift_jis', 'windows-1252', 'utf-16le', null])
      expect(invokeUrlInput.safeParse({ url: base, response_decoding }).success).toBe(true)
  })
})
