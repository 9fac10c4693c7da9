import { describe, expect, it } from 'vitest'
import { boundaryOf, parseMultipart } from './multipart.ts'
import { encodeBody, type OutgoingRequest, type Part } from './request.ts'

const part = (name: string, text: string, filename: string | null = null, contentType: string | null = null): Part => ({
  name,
  filename,
  contentType,
  bytes: Buffer.from(text),
})

function encoded(parts: readonly Part[]): Buffer {
  const request: OutgoingRequest = {
    method: 'POST',
    url: new URL('http://a.test/'),
    headers: [],
    body: { kind: 'multipart', parts, boundary: 'b-1' },
  }
  const { body } = encodeBody(request)
  return body?.kind === 'raw' ? body.bytes : Buffer.alloc(0)
}

describe('multipart bodies', () => {
  it('reads back what we write: texts, files, quotes and line breaks in names, and bytes that look like a boundary', () => {
    const parts = [part('a', 'one'), part('"q"\r\n', ''), part('f', '\r\n--b-2\r\n\0\xff', 'été.txt', 'text/plain'), part('last', '--')]
    expect(parseMultipart(encoded(parts), 'b-1')).toEqual(parts)
  })

  it('finds the boundary of a form, quoted or not, and of nothing else', () => {
    expect(boundaryOf('multipart/form-data; boundary=abc')).toBe('abc')
    expect(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"')).toBe('a b')
    expect(boundaryOf('multipart/mixed; boundary=abc')).toBeNull()
    expect(boundaryOf('multipart/form-data')).toBeNull()
  })

  it('a file name brings no folder', () => {
    const text = '--x\r\nContent-Disposition: form-data; name="f"; filename="..\\\\..\\\\c:/etc/passwd"\r\n\r\nhi\r\n--x--\r\n'
    expect(parseMultipart(Buffer.from(text), 'x')).toEqual([part('f', 'hi', 'passwd')])
  })

  it.each(['', 'no boundary', '--x', '--x\r\nContent-Disposition: form-data; name="f"\r\n\r\nhi', '--x\r\n\r\nhi\r\n--x--'])(
    'refuses what is cut short or nameless: %j',
    text => {
      expect(() => parseMultipart(Buffer.from(text), 'x')).toThrow(/multipart/)
    },
  )
})
