import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { holdsParameters, overrideIn } from './overrides.ts'
import type { Body } from './request.ts'

const sent = (body: Body, headers: readonly string[] = [], method = 'POST', search = '') =>
  overrideIn({ method, url: new URL(`https://api.good.test/x${search}`), headers, body })
const raw = (text: string): Body => ({ kind: 'raw', bytes: Buffer.from(text) })
const typed = (type: string, text: string, more: readonly string[] = []) => sent(raw(text), ['Content-Type', type, ...more])

const overridden = { parameter: '_method' }
const form = 'application/x-www-form-urlencoded'
const multipart = 'multipart/form-data; boundary=b'
const part = (disposition: string, more = '') => `--b\r\n${more}Content-Disposition: ${disposition}\r\n\r\nDELETE\r\n--b--\r\n`

describe('X13 what overrides the method or the path of a call', () => {
  it.each([
    ...['X-Method', 'X-HTTP-Method', 'X-HTTP-Method-Override', 'X-Method-Override', 'x-http-verb-override'],
    ...['X-Original-URL', 'X-Original-URI', 'X-Original-Path', 'X-Rewrite-URL', 'X-Override-URL', 'X-Envoy-Original-Path'],
    ...['x_method', 'X.HTTP.Method.Override', 'X_Envoy-Original.Path'],
  ])('the header %s', header => {
    expect(sent(null, ['Accept', '*/*', header, 'DELETE'])).toEqual({ header })
    // as a value it is data
    expect(sent(null, ['Accept', header])).toBeNull()
  })

  const spellings = ['_method', '_METHOD', '%5Fmethod', '_m%65thod', '_method[]', '_method%5B0%5D', '_method[', ' _method', '+_method']
  it.each([...spellings, '%00_method', '_method%00', '_method%00x', '.method', '_method+', '%09_method', '%u005fmethod'])(
    'the parameter %s, in a query and in an urlencoded text',
    name => {
      for (const text of [`${name}=DELETE`, `a=1&${name}=DELETE`, `a=1;${name}=`, `a=1&amp;${name}`]) {
        expect(sent(null, [], 'GET', `?${text}`), text).toEqual(overridden)
        for (const type of [form, `${form};charset=UTF-8`, 'Application/X-WWW-Form-URLEncoded'])
          expect(typed(type, text), text).toEqual(overridden)
      }
    },
  )

  it('a text without a type is a form where it is posted, as to Rack; of two types each counts, under the name that CGI reads', () => {
    expect(sent(raw('_method=DELETE'))).toEqual(overridden)
    expect(sent(raw('_method=DELETE'), ['Content-Type', ''])).toEqual(overridden)
    expect(sent(raw('_method=DELETE'), [], 'PUT')).toBeNull()
    expect(typed('text/plain', '_method=DELETE', ['content-type', form])).toEqual(overridden)
    expect(typed('text/plain', '_method=DELETE', ['Content_Type', form])).toEqual(overridden)
  })

  it.each([
    '{"_method":"DELETE"}',
    '{"a":{"b":[]},"_Method":null}',
    '{"\\u005fmethod":"DELETE"}',
    '{"_m\\u0065thod":"DELETE"}',
    '\ufeff{"_method":"DELETE"}',
    "{'_method':'DELETE'}",
    '{"\\u005Fmethod":"DELETE",}',
  ])('the member of the JSON text %s', text => {
    for (const type of ['application/json', 'application/vnd.api+json; charset=utf-8', 'text/json'])
      expect(typed(type, text)).toEqual(overridden)
  })

  it.each([
    'form-data; name="_method"',
    'form-data; NAME = _method',
    "form-data; name='_method'",
    'form-data; name="_\\method"',
    'form-data; name="_method',
    'form-data; name="_method[]"',
    "form-data; name*=utf-8''%5Fmethod",
    'form-data; filename="x"; name="_method"',
    'form-data;\r\n name="_method"',
    'form-data;\r\n \r\n name="_method"',
    'form-data; name="=?utf-8?q?=5Fmethod?="',
  ])('the part %s', disposition => {
    for (const text of [part(disposition), part(disposition, 'Content-Type: text/plain\r\n'), part(disposition).replaceAll('\r\n', '\n')])
      expect(typed(multipart, text), text).toEqual(overridden)
    // which boundary counts, servers disagree about
    expect(typed('multipart/form-data; boundary=other; boundary=b', part('form-data; name="a"') + part(disposition))).toEqual(overridden)
  })

  it('fields and parts that are known', () => {
    const bytes = Buffer.from('DELETE')
    for (const name of ['_method', '_Method[]', ' _method', '_method\0']) {
      expect(sent({ kind: 'form', fields: [['a', '1'], [name, 'DELETE']] })).toEqual(overridden) // prettier-ignore
      expect(sent({ kind: 'multipart', boundary: 'b', parts: [{ name, filename: null, contentType: null, bytes }] })).toEqual(overridden)
    }
  })

  it('a body that cannot be looked into is none that passes: packed, in other characters, or on its way', () => {
    for (const [type, more] of [
      [form, ['Content-Encoding', 'gzip']],
      [form, ['content-encoding', 'identity, deflate']],
      [`${form}; charset=utf-16`, []],
      [`${multipart}; charset="ibm037"`, []],
    ] as const)
      expect(typed(type, 'a=1', more)).toEqual({ unreadable: expect.any(String) as string })
    const stream: Body = { kind: 'stream', stream: Readable.from([]), length: null }
    expect(sent(stream, ['content-type', form])).toEqual({ unreadable: expect.any(String) as string })
    expect(sent(stream, ['content-type', 'application/pdf'])).toBeNull()
    expect(typed('image/png', 'x', ['Content-Encoding', 'gzip'])).toBeNull()
    expect(typed(`${form}; charset=iso-8859-1`, 'a=1', ['Content-Encoding', 'identity'])).toBeNull()
  })

  it('nothing else: the name as a value, further inside, or in a body that holds no parameters', () => {
    expect(sent(null, [], 'GET', '?a=_method&method=x&_methods=1&x_method=2&my[_method]=3')).toBeNull()
    expect(typed(form, 'a=%26_method%3DDELETE&b=_method')).toBeNull()
    for (const text of ['{"a":{"_method":"x"}}', '{"a":"_method"}', '[{"_method":1}]', '"_method"', '{"_methods":1}', '{broken', ''])
      expect(typed('application/json', text), text).toBeNull()
    const page = 'form-data; name="page"; filename="a.html"\r\nContent-Type: text/html\r\n\r\n<input name="_method" value="put">'
    expect(typed(multipart, part(page))).toBeNull()
    for (const type of ['text/plain', 'application/octet-stream', 'application/xml', 'application/x-ndjson'])
      expect(typed(type, '{"_method":"DELETE"}')).toBeNull()
  })

  it('says of which types a body has to be whole', () => {
    expect([form, multipart, 'application/json', 'a/b+json'].filter(type => !holdsParameters('PUT', ['content-type', type]))).toEqual([])
    expect(['text/csv', 'application/octet-stream', 'video/mp4'].filter(type => holdsParameters('POST', ['content-type', type]))).toEqual(
      [],
    )
    expect([holdsParameters('POST', []), holdsParameters('PUT', [])]).toEqual([true, false])
  })

  it('looks through a megabyte of anything in a moment', () => {
    const much = (text: string) => text.repeat(Math.ceil((1024 * 1024) / text.length))
    const texts = ['content-disposition:', 'name="', 'name*', ' ', '\\u005', '[', '{"_method', '%00', '=?', "'", '\r\n ', 'charset=', '&;']
    const started = performance.now()
    for (const text of texts)
      for (const type of [form, multipart, 'application/json']) typed(type, 'content-disposition: name=' + much(text) + 'x')
    // what is not linear takes minutes
    expect(performance.now() - started).toBeLessThan(30_000)
  })
})
