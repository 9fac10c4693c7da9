import { afterAll, beforeAll, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../../test/support/databases.ts'
import { adminKey, startPatchbay, type TestPatchbay } from '../../test/support/patchbay.ts'

let patchbay: TestPatchbay
beforeAll(async () => {
  patchbay = await startPatchbay({ database: 'pglite' })
}, setUpTimeoutMs)
afterAll(() => patchbay.stop())

/** A query makes it another path for the door, and the same one for the router. */
const wayIn = { door: '/api/v1/invoke', router: '/api/v1/invoke?router' }

async function ask(way: keyof typeof wayIn, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(patchbay.base + wayIn[way], {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json', ...headers },
    body,
  })
  const answer = (await response.json()) as Record<string, unknown>
  return { status: response.status, type: response.headers.get('content-type'), answer, headers: response.headers }
}

const practice = () => patchbay.practiceUrl ?? ''
const deep = '['.repeat(101) + ']'.repeat(101)
const bodies: Record<string, () => string> = {
  'a text that is no JSON': () => '{"url":',
  'nothing at all': () => '',
  'a list': () => '[]',
  'fields that do not exist': () => `{"url":"${practice()}/open/echo","colour":"red","shape":1}`,
  'a field of the wrong type': () => '{"url":1,"timeout_ms":5}',
  'a part of a file that does not exist': () => `{"url":"${practice()}/open/echo","type":"POST","files":[{"filename":"a","what":1}]}`,
  'JSON that nests too deep': () => `{"url":"${practice()}/open/echo","type":"POST","body":${deep}}`,
  'a URL that is none': () => '{"url":"nowhere"}',
  'a connection that does not exist': () => `{"url":"${practice()}/open/echo","connection":"nobody"}`,
  'a host that is not called': () => '{"url":"http://127.0.0.1:9/"}',
}

it.each(Object.keys(bodies))('refuses %s as the router does', async name => {
  const body = bodies[name]?.() ?? ''
  const [door, router] = [await ask('door', body), await ask('router', body)]
  expect(door.status).toBeGreaterThanOrEqual(400)
  expect(door.type?.split(';')[0]).toBe('application/problem+json')
  expect({ ...door.answer, request_id: '' }).toEqual({ ...router.answer, request_id: '' })
  expect(door.headers.has('patchbay-problem')).toBe(true)
  expect(router.headers.has('patchbay-problem'), 'the router answered, not the door').toBe(false)
})

it('answers as the router does', async () => {
  const body = `{"url":"${practice()}/open/echo?a=b","headers":{"X-Own":"1"}}`
  const [door, router] = [await ask('door', body), await ask('router', body)]
  expect([door.status, door.type]).toEqual([router.status, router.type])
  expect(door.answer).toMatchObject({ status_code: 200, body: { query: { a: 'b' } } })
  expect(Object.keys(door.answer)).toEqual(Object.keys(router.answer))
  for (const name of ['x-content-type-options', 'content-security-policy']) expect(door.headers.get(name), name).not.toBeNull()
})

it('asks who calls', async () => {
  for (const authorization of ['Bearer pb_nobody', 'Basic YTpi', 'Bearer'])
    expect(await ask('door', '{}', { authorization }), authorization).toMatchObject({ status: 401, answer: { code: 'unauthenticated' } })
  expect((await ask('door', '{}', { authorization: 'Bearer pb_x' })).headers.get('www-authenticate')).toMatch(/^Bearer/)
  expect(await ask('door', '{}', { 'patchbay-subject': 'ada@example.test' })).toMatchObject({ answer: { code: 'act_as_not_allowed' } })
})

it('refuses a body beyond its limit, announced or not', async () => {
  const tooLong = 'x'.repeat(15 * 1024 * 1024)
  expect(await ask('door', tooLong)).toMatchObject({ status: 413, answer: { code: 'request_too_large' } })
  const pieces = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 15; i++) controller.enqueue(new TextEncoder().encode(tooLong.slice(0, 1024 * 1024)))
      controller.close()
    },
  })
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
  const chunked = await fetch(patchbay.base + wayIn.door, { method: 'POST', headers, body: pieces, duplex: 'half' })
  expect(chunked.status).toBe(413)
})

it('gives a call up whose caller has left', async () => {
  const giveUp = new AbortController()
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ url: `${practice()}/open/slow?ms=8000` })
  const pending = fetch(patchbay.base + wayIn.door, { method: 'POST', headers, body, signal: giveUp.signal })
  setTimeout(() => giveUp.abort(), 300)
  await expect(pending).rejects.toThrow()
  const last = async () => {
    const { json } = (await patchbay.admin('GET', '/api/v1/invocations?limit=1')) as { json: { data: { problem: string | null }[] } }
    return json.data[0]?.problem
  }
  await expect.poll(last, { timeout: 3_000 }).toBe('upstream_unreachable')
})
