import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Patchbay, PatchbayProblem } from './index.ts'

/** What arrived at the proxy, in order. */
interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

type Answer = (seen: Seen, response: ServerResponse) => void

let seen: Seen[] = []
let answers: Record<string, Answer> = {}
let url = ''

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() }
    seen.push(one)
    const answer = answers[one.url]
    if (answer) answer(one, response)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ method: one.method, body: one.body }))
  })
})

beforeAll(async () => {
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise(done => server.close(done)))
beforeEach(() => {
  seen = []
  answers = {}
})

const key = 'pb_0123456789abcdef0123456789abcdef'
const crm = () => new Patchbay({ url, apiKey: key }).connection('crm')
const redirect =
  (status: number, location: string): Answer =>
  (_seen, response) =>
    response.writeHead(status, { location }).end('elsewhere')

const rejection = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => error,
  )

test('goes through the proxy, with the key for Patchbay and the raw target of the caller', async () => {
  const response = await crm().fetch('https://api.example.com:8443/a%2Fb/c?x=1&y=%20#part', { headers: { 'x-mine': 'yes' } })
  expect(seen.map(one => one.url)).toEqual(['/proxy/crm/https/api.example.com:8443/a%2Fb/c?x=1&y=%20'])
  expect(seen[0]?.headers).toMatchObject({ authorization: `Bearer ${key}`, 'x-mine': 'yes' })
  expect(response.url).toBe('https://api.example.com:8443/a%2Fb/c?x=1&y=%20')
  expect(response.redirected).toBe(false)
  expect(response.clone().url).toBe(response.url)
  expect(await response.json()).toEqual({ method: 'GET', body: '' })
})

test.each([
  ['a text', 'hello', 'hello', 'text/plain;charset=UTF-8'],
  ['a form', new URLSearchParams({ a: '1' }), 'a=1', 'application/x-www-form-urlencoded;charset=UTF-8'],
  ['bytes', new TextEncoder().encode('bytes'), 'bytes', undefined],
  ['a blob', new Blob(['blob'], { type: 'image/png' }), 'blob', 'image/png'],
] as const)('sends %s as fetch does', async (_name, body, arrives, type) => {
  await crm().fetch('https://api.example.com/', { method: 'POST', body })
  expect(seen[0]).toMatchObject({ method: 'POST', body: arrives })
  expect(seen[0]?.headers['content-type']).toBe(type)
  expect(seen[0]?.headers['content-length']).toBe(String(arrives.length))
})

test('sends a form of parts with the boundary that is in its body, also after a redirect', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(307, '/b')
  const body = new FormData()
  body.append('field', 'value')
  await crm().fetch('https://api.example.com/a', { method: 'POST', body })
  expect(seen).toHaveLength(2)
  for (const one of seen) {
    const boundary = /boundary=(.+)$/.exec(one.headers['content-type'] ?? '')?.[1] ?? 'none'
    expect(one.body).toContain(`--${boundary}\r\n`)
    expect(one.body).toContain('value')
  }
})

test('takes a Request, and what is in init wins over it', async () => {
  const request = new Request('https://api.example.com/a', { method: 'PUT', body: 'from the request', headers: { 'x-a': '1' } })
  await crm().fetch(request)
  await crm().fetch(new Request('https://api.example.com/a', { method: 'PUT', body: 'x' }), { method: 'PATCH', body: 'from init' })
  expect(seen[0]).toMatchObject({ method: 'PUT', body: 'from the request', headers: { 'x-a': '1', 'content-length': '16' } })
  expect(seen[1]).toMatchObject({ method: 'PATCH', body: 'from init' })
})

test('streams a long Request body whole', async () => {
  const body = 'x'.repeat(3 * 1024 * 1024)
  await crm().fetch(new Request('https://api.example.com/a', { method: 'POST', body }))
  expect(seen[0]?.body.length).toBe(body.length)
})

test.each([
  [301, 'POST', 'GET', ''],
  [302, 'POST', 'GET', ''],
  [303, 'POST', 'GET', ''],
  [303, 'PUT', 'GET', ''],
  [301, 'PUT', 'PUT', 'body'],
  [307, 'POST', 'POST', 'body'],
  [308, 'PATCH', 'PATCH', 'body'],
] as const)('follows %i after %s with %s, by way of the proxy', async (status, method, next, body) => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(status, '../b?c')
  const response = await crm().fetch('https://api.example.com/a', { method, body: 'body', headers: { 'x-kept': '1' } })
  expect(seen[1]).toMatchObject({ method: next, url: '/proxy/crm/https/api.example.com/b?c', body })
  expect(seen[1]?.headers).toMatchObject({ 'x-kept': '1', authorization: `Bearer ${key}` })
  expect(seen[1]?.headers['content-type'] === undefined).toBe(body === '')
  expect(response.url).toBe('https://api.example.com/b?c')
  expect(response.redirected).toBe(true)
})

test('follows HEAD with HEAD after a 303', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(303, '/b')
  await crm().fetch('https://api.example.com/a', { method: 'HEAD' })
  expect(seen.map(one => one.method)).toEqual(['HEAD', 'HEAD'])
})

test('takes the caller’s own secrets along to the same origin only', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(302, '/b')
  answers['/proxy/crm/https/api.example.com/b'] = redirect(302, 'https://files.example.com/c')
  const headers = { 'x-api-key': 'mine', 'x-session-token': 'mine', 'idempotency-key': '1', accept: 'image/png' }
  await crm().fetch('https://api.example.com/a', { headers })
  expect(seen[1]?.headers).toMatchObject(headers)
  expect(seen[2]?.url).toBe('/proxy/crm/https/files.example.com/c')
  expect(seen[2]?.headers).toMatchObject({ 'idempotency-key': '1', accept: 'image/png', authorization: `Bearer ${key}` })
  expect(seen[2]?.headers['x-api-key']).toBeUndefined()
  expect(seen[2]?.headers['x-session-token']).toBeUndefined()
})

test.each([
  'ftp://example.com/',
  'file:///etc/passwd',
  'data:,x',
  'javascript:alert(1)',
  'http://api.example.com/',
  'https://user:pw@api.example.com/',
  'http://',
])('does not follow a redirect to %s', async location => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(302, location)
  expect(await rejection(crm().fetch('https://api.example.com/a'))).toBeInstanceOf(TypeError)
  expect(seen).toHaveLength(1)
})

test('gives up after twenty redirects', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(302, '/a')
  await expect(crm().fetch('https://api.example.com/a')).rejects.toThrow('More than 20 redirects')
  expect(seen).toHaveLength(21)
})

test('does not send a stream twice', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(307, '/b')
  const body = new Blob(['streamed']).stream()
  // `duplex` is what fetch asks for with a stream; the types of Node 20 know it
  await expect(crm().fetch('https://api.example.com/a', { method: 'POST', body, duplex: 'half' })).rejects.toThrow('cannot be sent again')
  expect(seen.map(one => one.body)).toEqual(['streamed'])
})

test('hands a redirect over when asked to, and refuses it when asked to', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(302, 'https://files.example.com/c')
  const response = await crm().fetch('https://api.example.com/a', { redirect: 'manual' })
  expect([response.status, response.headers.get('location'), response.url]).toEqual([
    302,
    'https://files.example.com/c',
    'https://api.example.com/a',
  ])
  expect(await rejection(crm().fetch('https://api.example.com/a', { redirect: 'error' }))).toBeInstanceOf(TypeError)
  expect(await rejection(crm().fetch(new Request('https://api.example.com/a', { redirect: 'error' })))).toBeInstanceOf(TypeError)
  expect(seen).toHaveLength(3)
})

test('a 3xx without a Location is an answer', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = (_seen, response) => response.writeHead(304).end()
  expect((await crm().fetch('https://api.example.com/a')).status).toBe(304)
})

test('returns what the service answers, and rejects with what Patchbay refuses', async () => {
  const document = {
    type: 'http://x/docs/problems#authorization_required',
    title: 'This connection is not authorised yet.',
    status: 409,
    detail: 'Connect it first.',
    code: 'authorization_required',
    request_id: 'r1',
    connection: 'crm',
    connect_url: 'http://x/connect/1',
  }
  answers['/proxy/crm/https/api.example.com/theirs'] = (_seen, response) =>
    response.writeHead(409, { 'content-type': 'application/problem+json' }).end(JSON.stringify(document))
  answers['/proxy/crm/https/api.example.com/ours'] = (_seen, response) =>
    response
      .writeHead(409, { 'content-type': 'application/problem+json', 'patchbay-problem': 'authorization_required', 'retry-after': '7' })
      .end(JSON.stringify(document))
  expect((await crm().fetch('https://api.example.com/theirs')).status).toBe(409)
  const problem = await rejection(crm().fetch('https://api.example.com/ours'))
  expect(problem).toBeInstanceOf(PatchbayProblem)
  expect(problem).toMatchObject({
    code: 'authorization_required',
    status: 409,
    detail: 'Connect it first.',
    requestId: 'r1',
    retryAfterSeconds: 7,
    facts: { connection: 'crm', connect_url: 'http://x/connect/1' },
  })
  expect((problem as Error).message).toBe('Connect it first.')
})

test('knows a refusal of HEAD by its header', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = (_seen, response) =>
    response.writeHead(403, { 'patchbay-problem': 'destination_not_allowed' }).end()
  expect(await rejection(crm().fetch('https://api.example.com/a', { method: 'HEAD' }))).toMatchObject({
    code: 'destination_not_allowed',
    status: 403,
  })
})

test('refuses a refused hop as it would the first call', async () => {
  answers['/proxy/crm/https/api.example.com/a'] = redirect(302, 'https://evil.example/')
  answers['/proxy/crm/https/evil.example/'] = (_seen, response) =>
    response
      .writeHead(403, { 'patchbay-problem': 'destination_not_allowed', 'content-type': 'application/problem+json' })
      .end('{"code":"destination_not_allowed"}')
  expect(await rejection(crm().fetch('https://api.example.com/a'))).toMatchObject({ code: 'destination_not_allowed' })
})

test.each([{ authorization: 'Bearer mine' }, { Authorization: 'Basic eDp5' }, { 'Patchbay-Subject': 'eve@example.com' }])(
  'refuses %o before anything is sent',
  async headers => {
    expect(await rejection(crm().fetch('https://api.example.com/', { headers }))).toMatchObject({ code: 'header_not_allowed' })
    expect(await rejection(crm().fetch(new Request('https://api.example.com/', { headers })))).toMatchObject({ code: 'header_not_allowed' })
    expect(seen).toEqual([])
  },
)

test('refuses what is no URL, no http URL, or names a user', async () => {
  for (const wrong of ['/relative', 'nonsense', 'ftp://example.com/', 'https://user:pw@example.com/'])
    expect(await rejection(crm().fetch(wrong))).toBeInstanceOf(TypeError)
  expect(seen).toEqual([])
})

test('cannot be led to another route by a name', () => {
  const patchbay = new Patchbay({ url, apiKey: key })
  for (const name of ['..', '.', '']) expect(() => patchbay.connection(name)).toThrow(TypeError)
})

test('sends the subject, and needs an API key', async () => {
  await new Patchbay({ url, apiKey: key }).onBehalfOf('bo@example.com').connection('crm').fetch('https://api.example.com/')
  expect(seen[0]?.headers['patchbay-subject']).toBe('bo@example.com')
  expect(await rejection(new Patchbay({ url }).connection('crm').fetch('https://api.example.com/'))).toMatchObject({
    code: 'unauthenticated',
  })
})

test('stops when its signal says so, in the middle of an answer too', async () => {
  answers['/proxy/crm/https/api.example.com/slow'] = (_seen, response) => void response.writeHead(200).write('beginning')
  const stop = new AbortController()
  const response = await crm().fetch('https://api.example.com/slow', { signal: stop.signal })
  stop.abort()
  expect(await rejection(response.text())).toMatchObject({ name: 'AbortError' })
  expect(await rejection(crm().fetch(new Request('https://api.example.com/', { signal: AbortSignal.abort() })))).toMatchObject({
    name: 'AbortError',
  })
})
