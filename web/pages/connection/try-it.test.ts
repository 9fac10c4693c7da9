import { expect, test } from 'vitest'
import { answered, sizeWords } from './try-answer.ts'
import { codeFor } from './try-code.ts'
import { allowedMethods, inputOf, permitted, readInput, reachOf, splitUrl, urlOf, type Draft } from './try-request.ts'

const draft: Draft = {
  method: 'GET',
  origin: 'https://api.example.com',
  path: '/',
  headers: [],
  bodyKind: 'none',
  text: '',
  form: [],
  files: [],
  file: null,
}

test('hosts to choose and hosts to type', () => {
  expect(
    reachOf(['api.example.com', 'api.example.com:8443', '*.example.com', '{domain}.example.com', '127.0.0.1:8080', 'localhost']),
  ).toEqual({
    origins: ['https://api.example.com', 'https://api.example.com:8443', 'http://127.0.0.1:8080', 'http://localhost'],
    rules: ['*.example.com'],
  })
})

test('a pasted URL is taken apart, anything else is not', () => {
  expect(splitUrl(' https://a.example/x/y?b=c%20d#e ')).toEqual({ origin: 'https://a.example', path: '/x/y?b=c%20d' })
  for (const text of ['/x', 'a.example/x', 'ftp://a.example/', 'https://']) expect(splitUrl(text)).toBeNull()
})

test('origin and path make one URL', () => {
  expect(urlOf({ ...draft, path: 'v1' })).toBe('https://api.example.com/v1')
  expect(urlOf({ ...draft, origin: 'api.example.com/', path: '?a=b' })).toBe('https://api.example.com?a=b')
})

test('a body travels as it was typed, and never with GET', () => {
  const text = '{"id": 1234567890123456789}'
  const typed: Draft = { ...draft, method: 'POST', bodyKind: 'json', text }
  expect(inputOf(typed)).toEqual({ url: 'https://api.example.com/', type: 'POST', body: text, content_type: 'application/json' })
  expect(inputOf({ ...typed, method: 'GET' })).toEqual({ url: 'https://api.example.com/', type: 'GET' })
  const own = { id: 1, name: 'content-type', value: 'application/vnd.api+json' }
  expect(inputOf({ ...typed, headers: [own, { id: 2, name: ' ', value: 'left out' }] })).toEqual({
    url: 'https://api.example.com/',
    type: 'POST',
    headers: { 'content-type': 'application/vnd.api+json' },
    body: text,
  })
  expect(inputOf({ ...typed, bodyKind: 'form', form: [{ id: 1, name: 'a', value: 'b c' }] })).toMatchObject({
    parameters: { a: 'b c' },
    content_type: 'application/x-www-form-urlencoded',
  })
})

test('a form with a file travels as parts, and a file alone as the body', async () => {
  const file = new File(['\ufeffa,b\n1,2\n'], 'it\'s "a".csv', { type: 'text/csv' })
  const parts: Draft = {
    ...draft,
    method: 'DELETE',
    bodyKind: 'form',
    form: [{ id: 1, name: 'title', value: 'x' }],
    files: [
      { id: 1, name: '', file },
      { id: 2, name: 'never chosen', file: null },
    ],
  }
  expect(inputOf(parts)).toEqual({
    url: 'https://api.example.com/',
    type: 'DELETE',
    body: { title: 'x' },
    files: [{ name: 'file', filename: 'it\'s "a".csv', content_type: 'text/csv', content_base64: 'base64 of it\'s "a".csv' }],
  })
  expect(codeFor('proxy', 'https://p.example', 'mail', parts)).toContain(
    `--form-string 'title=x' \\\n  -F 'file=@"it'\\''s \\"a\\".csv";type=text/csv'`,
  )
  expect(codeFor('typescript', 'https://p.example', 'mail', parts)).toContain(
    `form.append('file', await openAsBlob('it\\'s "a".csv', { type: 'text/csv' }), 'it\\'s "a".csv')`,
  )
  expect(codeFor('invokeurl', 'https://p.example', 'mail', parts)).toContain('parameters : {"title":"x"}\nfiles : file\n')

  const whole: Draft = { ...draft, method: 'PUT', bodyKind: 'file', file }
  expect(await readInput(whole)).toMatchObject({ body: '\ufeffa,b\n1,2\n', content_type: 'text/csv' })
  expect(codeFor('proxy', 'https://p.example', 'mail', whole)).toContain(`--data-binary '@it'\\''s "a".csv'`)
  const picture = new File([new Uint8Array([0xff, 0xd8, 0xff])], 'a.jpg', { type: 'image/jpeg' })
  await expect(readInput({ ...whole, file: picture })).rejects.toMatchObject({ code: 'validation_failed', status: 422 })
  expect(await readInput({ ...whole, method: 'GET' })).toEqual({ url: 'https://api.example.com/', type: 'GET' })
})

test('a service that allows some methods begins with the first of them', () => {
  const only = (named: unknown) => allowedMethods({ advanced: { methods: named } } as never)
  expect(only(['PATCH', 'POST'])).toEqual(['POST', 'PATCH'])
  expect(only(undefined)).toHaveLength(7)
  expect(permitted(draft, ['POST', 'PATCH'])).toMatchObject({ method: 'POST', bodyKind: 'json' })
  expect(permitted(draft, ['GET', 'POST'])).toBe(draft)
})

test('what is not an answer is told as what it is', () => {
  for (const text of ['<html>Proxy login</html>', '', '{"status":1}', '{"status_code":200,', '[]'])
    expect(() => answered(text)).toThrow(expect.objectContaining({ code: 'unexpected_answer' }))
  expect(() => answered('<html>Proxy login</html>')).toThrow(/begins: <html>Proxy login/)
})

test('code survives quotes and line breaks', () => {
  const typed: Draft = { ...draft, method: 'POST', bodyKind: 'text', text: `it's "so"\n\\` }
  expect(codeFor('proxy', 'https://p.example', 'mail', typed)).toContain(`--data-raw 'it'\\''s "so"\n\\'`)
  expect(codeFor('typescript', 'https://p.example', 'mail', typed)).toContain(`body: 'it\\'s "so"\\n\\\\'`)
  const { connection, body } = JSON.parse(codeFor('json', 'https://p.example', 'mail', typed)) as Record<string, unknown>
  expect([connection, body]).toEqual(['mail', typed.text])
})

test('an answer is taken apart and keeps its digits', () => {
  const json = answered(
    '{"status_code":201,"headers":{"content-type":"application/json"},"body":{"id":1234567890123456789},"duration_ms":12}',
  )
  expect(json).toEqual({
    status: 201,
    durationMs: 12,
    headers: [['content-type', 'application/json']],
    body: { kind: 'json', text: '{\n  "id": 1234567890123456789\n}' },
    size: 26,
  })
  expect(answered('{"status_code":204,"headers":{},"body":null,"duration_ms":1}').body).toEqual({ kind: 'empty' })
  expect(answered('{"status_code":502,"headers":{},"body":"<b>\\u00e9","duration_ms":1}')).toMatchObject({
    body: { kind: 'text', text: '<b>é' },
    size: 5,
  })
  const file = { filename: 'a.png', content_type: 'image/png', size: 3, content_base64: 'AAAA' }
  expect(answered(`{"status_code":200,"headers":{},"body":${JSON.stringify(file)},"duration_ms":1}`).body).toEqual({ kind: 'file', file })
})

test('sizes in words', () => {
  expect([0, 999, 1200, 3_400_000].map(sizeWords)).toEqual(['0 B', '999 B', '1.2 kB', '3.4 MB'])
})
