import { assert, describe, test } from 'vitest'
import { scriptedHost, type ScriptedAnswer } from '../../../test/support/scripted-host.ts'
import { Failure } from '../failure.ts'
import type { HostRequest } from '../host.ts'
import { jsonOf } from '../text.ts'
import { fileOf, listOf, mapOf, type Value } from '../value.ts'
import { tasks } from './index.ts'

const url = 'https://api.example.com/v1/things'
const map = (object: Readonly<Record<string, Value>>) => mapOf(Object.entries(object))

function call(attributes: Readonly<Record<string, Value>>, answer: ScriptedAnswer | Error = {}) {
  const scripted = scriptedHost([answer])
  const task = tasks['invokeurl']
  assert.isDefined(task)
  const value = task.run(scripted.context, { url, ...attributes })
  const [request] = scripted.requests
  assert.isDefined(request)
  return { ...scripted, value, request, shown: jsonOf(scripted.context.surroundings, value) }
}

const sent = (attributes: Readonly<Record<string, Value>>): HostRequest => call(attributes).request
const textOf = (request: HostRequest) => Buffer.from(request.body ?? []).toString()
const fails = (attributes: Readonly<Record<string, Value>>, message: RegExp) => assert.throws(() => call(attributes), Failure, message)
const answered = (answer: ScriptedAnswer, attributes: Readonly<Record<string, Value>> = {}) => call(attributes, answer)
const pdf = () => fileOf('a "b".pdf', Buffer.from('%PDF'), 'application/pdf')

describe('what invokeurl sends', () => {
  test('a GET without a body, over the connection named, for the function it stands in (URL-2, URL-11)', () => {
    assert.deepEqual(sent({ connection: 'mailchimp' }), {
      from: 'standalone.test',
      connection: 'mailchimp',
      method: 'GET',
      url,
      headers: [],
      body: null,
      contentType: null,
    })
    assert.isNull(sent({ connection: '' }).connection)
  })

  test('every method, in any case (URL-2)', () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])
      assert.equal(sent({ type: method.toLowerCase() }).method, method)
    fails({ type: 'FETCH' }, /one of GET, POST/)
  })

  test('only to an absolute address, and leaves the placeholders of a connection in it (URL-1, CON-17)', () => {
    fails({ url: '/v1/things' }, /must be absolute/)
    fails({ url: 'ftp://example.com' }, /must be absolute/)
    fails({ url: '  ' }, /needs a `url`/)
    assert.equal(sent({ url: ' https://{domain}.my.salesforce.com/x ' }).url, 'https://{domain}.my.salesforce.com/x')
  })

  test('headers in the order written, a map among them as JSON in ASCII, without those that are null (URL-3)', () => {
    const headers = map({ 'X-One': 1, 'Dropbox-API-Arg': map({ path: '/ü.txt' }), 'X-None': null })
    assert.deepEqual(sent({ headers }).headers, [
      ['X-One', '1'],
      ['Dropbox-API-Arg', '{"path":"/\\u00fc.txt"}'],
    ])
    fails({ headers: map({ 'X One': 'a' }) }, /not a name of a header/)
    fails({ headers: map({ 'X-One': 'a\r\nX-Two: b' }) }, /one line of ASCII/)
  })

  test('parameters of GET and of DELETE as the query, after the one that is there (URL-4)', () => {
    const parameters = map({ q: "it's a b&c", list: listOf([1, 2]), none: null })
    assert.equal(sent({ parameters }).url, `${url}?q=it%27s%20a%20b%26c&list=%5B1%2C2%5D&none=`)
    assert.equal(sent({ url: `${url}?a=1#here`, parameters: map({ b: 2 }) }).url, `${url}?a=1&b=2#here`)
    assert.equal(sent({ type: 'DELETE', parameters: map({ ids: '1,2' }) }).url, `${url}?ids=1%2C2`)
    assert.equal(sent({ parameters: '{"a":12345678901234567890}' }).url, `${url}?a=12345678901234567890`)
    assert.equal(sent({ parameters: 'a=1&b=2' }).url, `${url}?a=1&b=2`)
  })

  test('parameters of POST: text as it is, a map as a form (URL-5, URL-6, URL-15)', () => {
    const text = sent({ type: 'POST', parameters: '{"a":1}' })
    assert.equal(textOf(text), '{"a":1}')
    assert.equal(text.contentType, 'text/plain;charset=UTF-8')
    const form = sent({ type: 'PUT', parameters: map({ a: 'x y', b: map({ c: 1n }) }) })
    assert.equal(textOf(form), 'a=x%20y&b=%7B%22c%22%3A1%7D')
    assert.equal(form.contentType, 'application/x-www-form-urlencoded')
  })

  test('parameters with a file in the map as multipart, and a file alone as its bytes (URL-5)', () => {
    const parts = sent({ type: 'POST', parameters: map({ name: 'Ada', document: pdf() }) })
    assert.match(parts.contentType ?? '', /^multipart\/form-data; boundary=patchbay-/)
    const boundary = /boundary=(.*)/.exec(parts.contentType ?? '')?.[1] ?? ''
    assert.equal(
      textOf(parts),
      `--${boundary}\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="document"; filename="a %22b%22.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n` +
        `--${boundary}--\r\n`,
    )
    const raw = sent({ type: 'POST', parameters: pdf() })
    assert.equal(textOf(raw), '%PDF')
    assert.equal(raw.contentType, 'application/octet-stream')
  })

  test('the content type of the attribute or of a header, which is then not sent twice (URL-6, URL-7)', () => {
    const json = sent({ type: 'POST', parameters: '{}', 'content-type': 'application/json' })
    assert.equal(json.contentType, 'application/json')
    const header = sent({ type: 'POST', body: map({ a: 1 }), headers: map({ 'content-type': 'application/json' }) })
    assert.equal(textOf(header), '{"a":1}')
    assert.equal(header.contentType, 'application/json')
    assert.deepEqual(header.headers, [])
    const form = sent({ type: 'POST', body: map({ a: 1 }), headers: map({ 'Content-Type': 'application/x-www-form-urlencoded' }) })
    assert.equal(textOf(form), 'a=1')
  })

  test('a body: text as text/plain, a map as multipart, a file as octet-stream, a list as JSON (URL-7)', () => {
    assert.equal(sent({ type: 'POST', body: 'x' }).contentType, 'text/plain;charset=UTF-8')
    assert.match(sent({ type: 'POST', body: map({ a: 1 }) }).contentType ?? '', /^multipart\/form-data/)
    assert.equal(sent({ type: 'POST', body: pdf() }).contentType, 'application/octet-stream')
    const list = sent({ type: 'POST', body: listOf([map({ a: 1 })]) })
    assert.equal(textOf(list), '[{"a":1}]')
    assert.equal(list.contentType, 'application/json')
    fails({ body: 'x' }, /GET has no body/)
    fails({ type: 'POST', body: map({ a: pdf() }), 'content-type': 'application/json' }, /cannot be application\/json/)
  })

  test('parameters beside a body as the query (URL-8)', () => {
    const both = sent({ type: 'POST', body: 'x', parameters: map({ a: 1 }) })
    assert.equal(both.url, `${url}?a=1`)
    assert.equal(textOf(both), 'x')
  })

  test('a list of parts with their own types and encodings (URL-9)', () => {
    const part = (name: string, value: Value, type: string, encoding: string) =>
      map({ 'param-name': name, 'param-value': value, 'content-type': type, 'encoding-type': encoding })
    const request = sent({ type: 'POST', body: listOf([part('a', map({ b: 1 }), 'application/json', ''), part('c', pdf(), '', 'base64')]) })
    assert.include(textOf(request), 'name="a"\r\nContent-Type: application/json\r\n\r\n{"b":1}\r\n')
    assert.include(textOf(request), 'Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n')
    const files = sent({ type: 'POST', body: listOf([{ ...pdf(), paramName: 'document' }, pdf()]) })
    assert.deepEqual(
      [...textOf(files).matchAll(/; name="([^"]*)"/g)].map(match => match[1]),
      ['document', 'file'],
    )
    fails({ type: 'POST', body: listOf([part('a', 'b', '', 'rot13')]) }, /not known/)
    fails({ type: 'POST', body: listOf([part('a', 'b', 'text/plain\r\nX: y', '')]) }, /content type of the part/)
  })

  test('files under their own name or `file`, and text parts among them (URL-10)', () => {
    const named = { ...pdf(), paramName: 'document' }
    const text = map({ stringPart: 'true', paramName: 'id', content: '17' })
    const request = sent({ type: 'POST', files: listOf([pdf(), named, text]) })
    const names = [...textOf(request).matchAll(/; name="([^"]*)"/g)].map(match => match[1])
    assert.deepEqual(names, ['file', 'document', 'id'])
    assert.include(textOf(sent({ type: 'POST', files: pdf(), parameters: map({ title: 'T' }) })), 'name="title"\r\n\r\nT\r\n')
    const byName = textOf(sent({ type: 'POST', files: map({ content: pdf(), title: 'T' }) }))
    assert.match(byName, /name="content"; filename=/)
    assert.include(byName, 'name="title"\r\n\r\nT\r\n')
    const typed = (over: Record<string, Value>) => textOf(sent({ type: 'POST', files: listOf([map({ paramName: 'p', ...over })]) }))
    const json = { content: '{}', stringPart: 'true' }
    assert.include(typed({ ...json, 'Content-Type': 'application/json' }), 'name="p"\r\nContent-Type: application/json\r\n\r\n{}')
    assert.include(typed({ ...json, contentType: 'application/json', encodingType: 'UTF-8' }), '\r\nContent-Type: application/json\r\n')
    assert.match(typed({ content: pdf(), 'content-type': 'image/png' }), /filename="[^"]+"\r\nContent-Type: image\/png\r\n/)
    fails({ files: pdf() }, /GET has no files/)
    fails({ type: 'POST', files: 'a.pdf' }, /takes a file/)
  })

  test('at most as many calls as the limits allow, whether they are answered or not', () => {
    const { context } = scriptedHost([], { limits: { calls: 1 } })
    tasks['invokeurl']?.run(context, { url })
    assert.throws(() => tasks['invokeurl']?.run(context, { url }), Failure, /1 calls at most/)
  })
})

describe('what invokeurl gives', () => {
  test('a map or a list for JSON, whatever it calls itself, with exact numbers in their order (URL-20, URL-21, URL-28)', () => {
    assert.equal(answered({ body: { b: 1, a: { c: [1] } } }).shown, '{"b":1,"a":{"c":[1]}}')
    const { shown, value } = answered({ headers: { 'content-type': 'text/html' }, body: ' [1234567890123456789, 1.50] ' })
    assert.equal(shown, '[1234567890123456789,1.5]')
    assert.equal(value !== null && typeof value === 'object' ? value.kind : '', 'list')
    assert.equal(answered({ body: '"text"' }).value, '"text"')
    assert.equal(answered({ body: '{not json' }).value, '{not json')
  })

  test('a file for bytes and attachments, named by Content-Disposition or the path (URL-22)', () => {
    const file = (answer: ScriptedAnswer, at = url) => {
      const { value } = answered(answer, { url: at })
      assert.isTrue(value !== null && typeof value === 'object' && value.kind === 'file')
      return value as ReturnType<typeof fileOf>
    }
    const png = file({ headers: { 'content-type': 'image/png' }, body: Buffer.from([0x89, 0x50]) }, 'https://x.example/a/logo%20b.png?s=1')
    assert.deepEqual([png.name, png.contentType, png.bytes.length], ['logo b.png', 'image/png', 2])
    const named = (disposition: string) => file({ headers: { 'content-disposition': disposition }, body: 'x' }).name
    assert.equal(named('attachment; filename="../a b.txt"'), 'a b.txt')
    assert.equal(named("attachment; filename=x.txt; filename*=UTF-8''%C3%BC.txt"), 'ü.txt')
    assert.equal(named('attachment'), 'things')
    assert.equal(file({ body: Buffer.from([0, 1, 2]) }, 'https://x.example').name, 'file')
  })

  test('a map for JSON that calls itself an attachment', () => {
    const headers = { 'content-type': 'application/json;charset=UTF-8', 'content-disposition': 'attachment; filename="response.json"' }
    assert.equal(answered({ headers, body: '{"a":1}' }).shown, '{"a":1}')
  })

  test('a file for CSV and text for plain text and XML (URL-23, URL-24)', () => {
    assert.equal((answered({ headers: { 'content-type': 'text/csv' }, body: 'a,b' }).value as { kind: string }).kind, 'file')
    assert.equal(answered({ headers: { 'content-type': 'text/plain' }, body: 'a,b' }).value, 'a,b')
    assert.equal(answered({ headers: { 'content-type': 'application/xml' }, body: '<a/>' }).value, '<a/>')
    assert.equal(answered({ headers: { 'content-type': 'application/atom+xml' }, body: '<a/>' }).value, '<a/>')
  })

  test('the body of an error like any other, and an empty text for none (URL-25, URL-26)', () => {
    assert.equal(answered({ status: 404, body: { code: 'X' } }).shown, '{"code":"X"}')
    assert.equal(answered({ status: 204 }).value, '')
  })

  test('what the transport failed with, to be caught (URL-27)', () => {
    assert.throws(() => call({}, new Failure('socket timeout error', 'call')), Failure, 'socket timeout error')
  })

  test('text, headers and status with `detailed` (URL-12)', () => {
    const { shown } = answered({ status: 201, headers: { 'X-A': 'b' }, body: '{"a":1}' }, { detailed: true })
    assert.equal(shown, '{"responseText":"{\\"a\\":1}","responseHeader":{"x-a":"b"},"responseCode":201}')
  })

  test('a file or a text as `response-format` says (URL-13)', () => {
    const file = answered({ headers: { 'content-type': 'application/json' }, body: '{"a":1}' }, { 'response-format': 'FILE' }).value
    assert.equal((file as { kind: string }).kind, 'file')
    assert.equal(answered({ body: { a: 1 } }, { 'response-format': 'string' }).value, '{"a":1}')
    assert.equal(answered({ body: { a: 1 } }, { 'response-format': 'NONE' }).shown, '{"a":1}')
  })

  test('in the charset of `response-decoding`, else that of the answer, else UTF-8 (URL-14)', () => {
    const latin = Buffer.from('é', 'latin1')
    assert.equal(answered({ headers: { 'content-type': 'text/plain' }, body: latin }, { 'response-decoding': 'ISO-8859-1' }).value, 'é')
    assert.equal(answered({ headers: { 'content-type': 'text/plain; charset="iso-8859-1"' }, body: latin }).value, 'é')
    assert.equal(answered({ headers: { 'content-type': 'text/plain' }, body: '\ufeffé' }).value, 'é')
    assert.throws(() => answered({ body: 'x' }, { 'response-decoding': 'klingon' }), Failure, 'is not a charset')
  })

  test('no answer larger than 15 MB, nor a longer text than a text may be', () => {
    const large = { headers: { 'content-type': 'text/plain' }, body: Buffer.alloc(15 * 1024 * 1024 + 1, 'a') }
    assert.throws(() => answered(large), Failure, 'larger than 15 MB')
    assert.throws(() => answered({ ...large, body: large.body.subarray(0, 9 * 1024 * 1024) }), Failure, 'characters at most')
  })
})
