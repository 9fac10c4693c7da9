import { describe, expect, it } from 'vitest'
import { envelope, headerMap } from './invoke-answer.ts'

interface Shown {
  status_code: number
  headers: Record<string, string>
  body: unknown
  duration_ms: number
}

type Options = { format?: 'auto' | 'string' | 'file'; decoding?: string; url?: string; status?: number }

const text = (
  body: string | Buffer,
  headers: readonly string[],
  { format = 'auto', decoding, url = 'https://api.good.test/files/report%20one.pdf?x=1', status = 200 }: Options = {},
) => envelope({ status, headers, body: Buffer.from(body) }, { response_format: format, response_decoding: decoding }, new URL(url), 12.4)

const shown = (...given: Parameters<typeof text>) => JSON.parse(text(...given)) as Shown
const type = (value: string) => ['Content-Type', value]
const file = (body: unknown) => body as { filename: string; content_type: string; size: number; content_base64: string }

describe('URL-20, URL-21 the body', () => {
  it('is JSON as the service wrote it, byte for byte, whatever it calls it', () => {
    const json = '{ "id":1234567890123456789,\n "n": 1.50, "é":"\\u00e9", "big":12345678901234567890123 }'
    for (const contentType of [
      'application/json',
      'text/html',
      'text/plain;charset=utf-8',
      'application/vnd.api+json',
      'application/vnd.github.v3+json',
    ])
      expect(text(json, type(contentType))).toContain(`"body":${json},"duration_ms":12}`)
    expect(text(json, [])).toContain(json)
    expect(shown(`\ufeff \n[1]\n`, []).body).toEqual([1])
  })

  it.each(['5', 'true', 'null', '"text"', '{"a":', '[1,]', "{'a':1}", 'plain', '<a>1</a>'])(
    'that is neither object nor list is text: %s',
    body => {
      expect(shown(body, type('application/json')).body).toBe(body)
    },
  )

  it('that nests deeper than 100 levels stays text', () => {
    const deep = '['.repeat(101) + ']'.repeat(101)
    expect(shown(deep, type('application/json')).body).toBe(deep)
    expect(typeof shown('['.repeat(100) + ']'.repeat(100), []).body).toBe('object')
  })

  it('that is empty is null (URL-26)', () => {
    expect(shown('', [], { status: 204 })).toMatchObject({ status_code: 204, body: null })
    expect(shown('', type('application/pdf')).body).toBeNull()
  })

  it('of XML and CSV is text (URL-23, URL-24)', () => {
    for (const contentType of ['text/xml', 'application/xml', 'application/atom+xml', 'text/csv', 'application/vnd.google-earth.kml+xml'])
      expect(shown('<a/>', type(contentType)).body).toBe('<a/>')
  })

  it('with response_format string is text, with file a file, even when it is JSON (URL-13)', () => {
    expect(shown('{"a":1}', type('application/json'), { format: 'string' }).body).toBe('{"a":1}')
    expect(shown('{"a":1}', type('application/json'), { format: 'file' }).body).toEqual({
      filename: 'report one.pdf',
      content_type: 'application/json',
      size: 7,
      content_base64: Buffer.from('{"a":1}').toString('base64'),
    })
    expect(typeof shown(Buffer.from([0, 255, 254]), type('image/png'), { format: 'string' }).body).toBe('string')
  })
})

describe('URL-14 charsets', () => {
  it('are what response_decoding says, else what the service says, else UTF-8', () => {
    const latin1 = Buffer.from('café', 'latin1')
    expect(shown(latin1, type('text/plain; charset=ISO-8859-1')).body).toBe('café')
    expect(shown(latin1, type('text/plain; charset=utf-8'), { decoding: 'windows-1252' }).body).toBe('café')
    expect(shown(Buffer.from('café', 'utf16le'), type('text/plain;charset="utf-16le"')).body).toBe('café')
    expect(shown('café', type('text/plain')).body).toBe('café')
    expect(shown(Buffer.from([0x83, 0x65]), type('text/plain; charset=Shift_JIS')).body).toBe('テ')
  })

  it('make JSON of another charset JSON', () => {
    expect(shown(Buffer.from('{"a":"é"}', 'latin1'), type('application/json; charset=latin1')).body).toEqual({ a: 'é' })
  })

  it('that do not fit make a file: nothing is lost', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80])
    expect(file(shown(bytes, type('text/plain')).body).content_base64).toBe(bytes.toString('base64'))
    expect(file(shown('x', type('text/plain; charset=nonsense')).body).size).toBe(1)
  })
})

describe('URL-22 files', () => {
  it.each([
    'application/pdf',
    'image/png',
    'image/svg+xml',
    'application/zip',
    'application/octet-stream',
    'audio/mpeg',
    'video/mp4',
    'font/woff2',
    'application/gzip',
    'application/vnd.ms-excel',
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'Application/PDF',
  ])('%s is a file', contentType => {
    expect(file(shown('x', type(contentType)).body)).toEqual({
      filename: 'report one.pdf',
      content_type: contentType,
      size: 1,
      content_base64: 'eA==',
    })
  })

  it('an attachment is a file, whatever its type; what is inline is not', () => {
    expect(file(shown('{}', [...type('application/json'), 'Content-Disposition', ' ATTACHMENT; filename=a.json']).body).filename).toBe(
      'a.json',
    )
    expect(shown('{}', [...type('application/json'), 'Content-Disposition', 'inline; filename=a.json']).body).toEqual({})
  })

  it.each([
    ['attachment; filename="two words.pdf"', 'two words.pdf'],
    ['attachment; filename=plain.pdf; size=1', 'plain.pdf'],
    ['attachment; filename="a\\"b.pdf"', 'a"b.pdf'],
    ["attachment; filename=x.pdf; filename*=UTF-8''%e2%82%ac%20rates.pdf", '€ rates.pdf'],
    ["attachment; filename*=utf-8''bad%zz; filename=fallback.pdf", 'fallback.pdf'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="C:\\\\dir\\\\a.txt"', 'a.txt'],
    ["attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", 'passwd'],
    ["attachment; filename*=UTF-8''a%5Cb.txt", 'b.txt'],
    ['attachment; filename=""', 'report one.pdf'],
    ['attachment', 'report one.pdf'],
  ])('%s is named %s', (disposition, name) => {
    expect(file(shown('x', ['content-disposition', disposition]).body).filename).toBe(name)
  })

  it('without any name is a file', () => {
    expect(file(shown('x', type('image/png'), { url: 'https://api.good.test/' }).body).filename).toBe('file')
    expect(file(shown('x', type('image/png'), { url: 'https://api.good.test/a%zz.png' }).body).filename).toBe('a%zz.png')
  })
})

describe('the headers', () => {
  it('are lower case, repeated ones joined, cookies and prototypes left out', () => {
    expect(headerMap(['Link', '<a>', 'X-A', '1', 'LINK', '<b>', 'Set-Cookie', 'a=b', 'set-cookie', 'c=d', '__proto__', 'x'])).toEqual({
      link: '<a>, <b>',
      'x-a': '1',
    })
    expect(headerMap(['constructor', '1', 'toString', '2'])).toEqual({ constructor: '1', tostring: '2' })
  })

  it('that are odd leave valid JSON', () => {
    expect(shown('{}', ['X-Odd', 'a"\\\u2028\x01é']).headers).toEqual({ 'x-odd': 'a"\\\u2028\x01é' })
  })
})

it('URL-25 an error of the service is an answer', () => {
  expect(shown('{"code":"NOT_FOUND"}', type('application/json'), { status: 404 })).toMatchObject({
    status_code: 404,
    body: { code: 'NOT_FOUND' },
    duration_ms: 12,
  })
})
