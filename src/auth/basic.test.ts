import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { assert, describe, test } from 'vitest'
import type { Problem } from '../core/problem.ts'
import type { OutgoingRequest } from '../core/request.ts'
import { serviceInput, type BasicService } from '../core/service.ts'
import { parseExceptions } from '../egress/addresses.ts'
import { createEgress } from '../egress/send.ts'
import { basic, basicCredentials } from './basic.ts'
import type { Context } from './scheme.ts'

function context(advanced: Record<string, unknown> = {}, variables: Record<string, string> = {}): Context<BasicService> {
  const parsed = serviceInput.parse({ auth_type: 'basic', link_name: 'x', name: 'X', api_hosts: ['x.test'], advanced })
  if (parsed.auth_type !== 'basic') throw new Error('not Basic')
  return {
    service: parsed,
    client: null,
    variables,
    scopes: [],
    redirectUrl: '',
    clockOffsetSeconds: 0,
    send: () => Promise.reject(new Error('Basic sends nothing')),
    now: Date.now,
    random: size => Buffer.alloc(size),
    trace: () => undefined,
  }
}
const request = (url = 'https://x.test/', headers: readonly string[] = []): OutgoingRequest => ({
  method: 'GET',
  url: new URL(url),
  headers,
  body: null,
})
const finish = (values: Record<string, unknown>, made = context()) => basic.finish(made, { values })
const pathsOf = async (act: Promise<unknown>): Promise<string[]> =>
  act.then(
    () => [],
    (error: Problem) => {
      assert.equal(error.code, 'validation_failed')
      return error.errors.map(one => one.path)
    },
  )

test('the vectors of RFC 7617', () => {
  const { basic: vectors } = JSON.parse(readFileSync('test/vectors/published.json', 'utf8')) as { basic: [string, string, string][] }
  assert.isAbove(vectors.length, 0)
  for (const [username, password, encoded] of vectors) {
    assert.equal(basicCredentials({ username, password }), encoded)
    assert.deepEqual(basic.authorise(context(), { username, password }, request()).headers, ['Authorization', `Basic ${encoded}`])
  }
})

describe('what may be saved', () => {
  for (const username of ['a:b', ':', 'a\r\nX: y', 'a\n', '\0', '\x7f', '\t', 'x'.repeat(8193), 7, null])
    test(`user name ${String(username).length > 20 ? '8,193 characters' : JSON.stringify(username)} is refused`, async () =>
      assert.deepEqual(await pathsOf(finish({ username, password: 'p' })), ['credentials.username']))
  for (const password of ['a\r\n', '\0', '\x7f', 'x'.repeat(8193), {}])
    test(`password ${JSON.stringify(password).slice(0, 20)} is refused`, async () =>
      assert.deepEqual(await pathsOf(finish({ username: 'u', password })), ['credentials.password']))
  for (const [username, password] of [
    ['u', 'a:b:c'],
    ['key', ''],
    ['', 'token'],
    ['é', '😀 '],
    ['x'.repeat(8192), 'p'],
  ] as const)
    test(`${username.slice(0, 9)} with ${JSON.stringify(password)} is fine`, async () =>
      assert.deepEqual((await finish({ username, password })).credential, { username, password }))
  test('both missing, and names that the form does not have', async () => {
    assert.deepEqual(await pathsOf(finish({})), ['credentials.username'])
    assert.deepEqual(await pathsOf(finish({ username: 'u', pasword: 'p' })), ['credentials.pasword'])
    assert.deepEqual(await pathsOf(finish(JSON.parse('{"username":"u","__proto__":"p"}') as Record<string, unknown>)), [
      'credentials.__proto__',
    ])
  })
  test('is checked again when used', () => {
    assert.throws(() => basic.authorise(context(), { username: 'a:b', password: '' }, request()))
    assert.throws(() => basic.authorise(context(), { username: 'a', password: 'b\n' }, request()))
  })
})

test('asks for the two, and for the variables that have no value yet', async () => {
  const made = context({ base_url: 'https://{shop}.x.test', variables: { region: {} } }, { region: 'eu' })
  const step = await basic.begin(made, 's')
  assert.deepEqual(step.kind === 'ask' && step.fields.map(field => [field.name, field.secret]), [
    ['username', false],
    ['password', true],
    ['shop', false],
  ])
  const grant = await finish({ username: 'u', password: 'p', shop: 'acme' }, made)
  assert.deepEqual(grant.captured, { shop: 'acme', region: 'eu' })
  assert.deepEqual(await pathsOf(finish({ username: 'u', password: 'p', shop: 'evil.test/' }, made)), ['variables.shop'])
})

test('header name, prefix and placements', () => {
  const credential = { username: 'u', password: 'p' }
  const headers = (advanced: Record<string, unknown>) => basic.authorise(context(advanced, { who: 'acme' }), credential, request()).headers
  assert.deepEqual(headers({ header_name: 'X-Auth', header_prefix: '' }), ['X-Auth', 'dTpw'])
  assert.deepEqual(
    headers({
      placements: [
        { in: 'header', name: 'X-A', value: 'B {basic} {who}' },
        { in: 'header', name: 'X-U', value: '{username}' },
      ],
    }),
    ['X-A', 'B dTpw acme', 'X-U', 'u'],
  )
})

test('what is secret: the encoded pair always, the user name when the password is filler', () => {
  assert.sameMembers(
    [...basic.secretsOf({ username: 'alice@x.test', password: 'correct horse' })],
    ['correct horse', basicCredentials({ username: 'alice@x.test', password: 'correct horse' })],
  )
  assert.include([...basic.secretsOf({ username: 'sk_live_1', password: '' })], 'sk_live_1')
  assert.include([...basic.secretsOf({ username: 'sk_live_1', password: 'x' })], 'sk_live_1')
})

test('arrives as one request with one Authorization, whatever the caller sent (X12)', async () => {
  let received = ''
  const server = createServer(socket => {
    socket.on('data', bytes => {
      received += bytes.toString('latin1')
      if (received.includes('\r\n\r\n')) socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const egress = createEgress({ allowInsecureHttp: ['127.0.0.1'], allowPrivateAddresses: parseExceptions('127.0.0.1') })
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    await egress.send(
      basic.authorise(context(), { username: 'u', password: 'é\u2028😀:' }, request(url, ['AUTHORIZATION', 'mine', 'x-a', 'b'])),
    )
    assert.equal(received.match(/HTTP\/1\.1/g)?.length, 1)
    assert.deepEqual(
      received.match(/^authorization:.*$/gim)?.map(line => line.trim()),
      [`Authorization: ${'Basic ' + Buffer.from('u:é\u2028😀:').toString('base64')}`],
    )
  } finally {
    await egress.close()
    server.close()
  }
})
