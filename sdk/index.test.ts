import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Patchbay, PatchbayProblem } from './index.ts'

let asked: { method: string; url: string; headers: IncomingHttpHeaders }[] = []
let answer: (response: ServerResponse, url: URL) => void = response => response.end()
let url = ''

const server = createServer((request, response) => {
  asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
  request.resume().on('end', () => answer(response, new URL(request.url ?? '', 'http://x')))
})
beforeAll(async () => {
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise(done => server.close(done)))
beforeEach(() => {
  asked = []
})

const key = 'pb_0123456789abcdef0123456789abcdef'
const patchbay = () => new Patchbay({ url: `${url}/`, apiKey: key })
const rejection = (call: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(call).then(
    () => expect.fail('it was not refused'),
    (error: unknown) => error,
  )
const sends = (status: number, body: string, headers: Record<string, string> = {}) => {
  answer = response => response.writeHead(status, headers).end(body)
}

test('a list is a page when awaited, and every item of every page when iterated', async () => {
  answer = (response, { searchParams }) => {
    const cursor = searchParams.get('cursor')
    response.end(JSON.stringify(cursor === null ? { data: ['a', 'b'], next_cursor: 'two' } : { data: ['c'], next_cursor: null }))
  }
  const list = patchbay().services.list({ q: 'x y', kind: undefined, limit: 2 })
  expect(asked).toEqual([])
  expect(await list).toEqual({ data: ['a', 'b'], next_cursor: 'two' })
  const all: unknown[] = []
  for await (const one of list) all.push(one)
  expect(all).toEqual(['a', 'b', 'c'])
  expect(asked.map(one => one.url)).toEqual([
    '/api/v1/services?q=x+y&limit=2',
    '/api/v1/services?q=x+y&limit=2',
    '/api/v1/services?q=x+y&limit=2&cursor=two',
  ])
})

test('a server that gives the same cursor for ever is asked twice', async () => {
  sends(200, '{"data":["a"],"next_cursor":"same"}')
  const all: unknown[] = []
  for await (const one of patchbay().members.list()) all.push(one)
  expect(all).toEqual(['a', 'a'])
})

test('a refusal rejects with its code, sentence, fields and facts', async () => {
  const document = {
    code: 'validation_failed',
    status: 422,
    detail: 'Some fields are not right.',
    title: 't',
    type: 'x',
    request_id: 'r',
    errors: [{ path: 'name', message: 'A name is needed.' }],
  }
  sends(422, JSON.stringify(document), { 'content-type': 'application/problem+json' })
  const problem = await rejection(patchbay().services.create({ link_name: 'a', name: '', auth_type: 'basic' }))
  expect(problem).toBeInstanceOf(PatchbayProblem)
  expect(problem).toMatchObject({ code: 'validation_failed', status: 422, requestId: 'r', errors: document.errors, facts: {} })
})

test('what is not Patchbay is told apart', async () => {
  sends(502, '<html>bad gateway</html>')
  expect(await rejection(patchbay().me())).toMatchObject({ code: 'unexpected_answer', status: 502 })
  sends(200, '<html>welcome</html>')
  expect(await rejection(patchbay().me())).toMatchObject({ code: 'unexpected_answer', status: 200 })
})

test('the key does not follow a redirect', async () => {
  sends(302, '', { location: 'https://patchbay.example.com/api/v1/me' })
  const problem = await rejection(patchbay().me())
  expect(problem).toMatchObject({ code: 'unexpected_answer' })
  expect((problem as Error).message).toContain('https://patchbay.example.com')
  expect(asked).toHaveLength(1)
})

test('with a key, the key is sent; without one, nothing but what the browser adds', async () => {
  sends(200, '{}')
  await patchbay().onBehalfOf('bo@example.com').me()
  await new Patchbay({ url }).me()
  expect(asked[0]?.headers).toMatchObject({ authorization: `Bearer ${key}`, 'patchbay-subject': 'bo@example.com' })
  expect(asked[1]?.headers.authorization).toBeUndefined()
})

test('no name leads to another route', () => {
  for (const name of ['', '.', '..']) expect(() => patchbay().connections.delete(name)).toThrow(TypeError)
  sends(200, '{}')
  return patchbay()
    .connections.get('../members?x#y')
    .then(() => expect(asked[0]?.url).toBe('/api/v1/connections/..%2Fmembers%3Fx%23y'))
})

test('events arrive one by one, however they are cut', async () => {
  answer = response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const text =
      ': hello\n\nid: 1\nevent: invocation\ndata: {"id":\ndata: "é"}\n\nevent: more\ndata: {}\n\nevent: invocation\r\ndata:{"id":"2"}\r\n\r\n'
    const bytes = Buffer.from(text)
    const cut = bytes.indexOf(0xc3) + 1 // in the middle of é
    response.write(bytes.subarray(0, cut))
    setTimeout(() => response.end(bytes.subarray(cut)), 20)
  }
  const seen: string[] = []
  for await (const one of patchbay().invocations.stream({ connection: 'crm' })) seen.push(one.id)
  expect(seen).toEqual(['é', '2'])
  expect(asked[0]?.url).toBe('/api/v1/invocations/stream?connection=crm')
})

test('a stream tells that it is open before anything happens, and not when it is refused', async () => {
  answer = response => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': connected\n\n')
  const stop = new AbortController()
  let open = 0
  const opened = new Promise<void>(resolve => {
    const onOpen = () => {
      open++
      resolve()
    }
    void patchbay()
      .invocations.stream({ signal: stop.signal, onOpen })
      .next()
      .catch(() => undefined)
  })
  await opened
  stop.abort()
  expect(asked[0]?.url).toBe('/api/v1/invocations/stream')
  sends(503, '{"code":"storage_unavailable","status":503,"title":"Unavailable"}')
  await rejection(
    patchbay()
      .invocations.stream({ onOpen: () => open++ })
      .next(),
  )
  expect(open).toBe(1)
})

test('a call is given up by its signal, and every answer’s head is told', async () => {
  answer = () => undefined
  const stop = new AbortController()
  const call = rejection(patchbay().invokeText({ url: 'https://api.example.com/' }, { signal: stop.signal }))
  stop.abort()
  expect(await call).toMatchObject({ name: 'AbortError' })

  const dates: (string | null)[] = []
  const listening = new Patchbay({ url, apiKey: key, onAnswer: ({ headers }) => dates.push(headers.get('date')) })
  sends(200, '{"data":[],"next_cursor":null}', { date: 'Sun, 22 Nov 2026 06:00:00 GMT' })
  await listening.onBehalfOf('ben@example.com').services.list()
  sends(404, '{"code":"service_not_found","status":404,"title":"x"}', { date: 'Sun, 22 Nov 2026 06:00:01 GMT' })
  await rejection(listening.services.get('none'))
  expect(dates).toEqual(['Sun, 22 Nov 2026 06:00:00 GMT', 'Sun, 22 Nov 2026 06:00:01 GMT'])
})

test('leaving the events ends the call', async () => {
  const closed = new Promise(resolve => {
    answer = response => {
      response.writeHead(200).write('event: invocation\ndata: {"id":"1"}\n\n')
      response.on('close', resolve)
    }
  })
  for await (const one of patchbay().invocations.stream()) {
    expect(one.id).toBe('1')
    break
  }
  await closed
})

test('a client that is shown does not show its key', async () => {
  const { inspect } = await import('node:util')
  expect(inspect(patchbay(), { depth: 10, showHidden: true }) + JSON.stringify(patchbay())).not.toContain(key)
})

test('the URL must be one', () => {
  for (const wrong of ['localhost:4400', 'ftp://x', 'nonsense']) expect(() => new Patchbay({ url: wrong })).toThrow(TypeError)
})
