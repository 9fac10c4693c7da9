import { assert, describe, test } from 'vitest'
import { scriptedHost } from '../../../test/support/scripted-host.ts'
import type { Builtin } from '../builtins/define.ts'
import { Failure } from '../failure.ts'
import { jsonOf } from '../text.ts'
import { fileOf, listOf, mapOf, type Value } from '../value.ts'
import { systemVariables } from '../variables.ts'
import { taskFunctions, tasks } from './index.ts'

const map = (object: Readonly<Record<string, Value>>) => mapOf(Object.entries(object))
const calling = (row: Builtin | undefined) => row?.run as (...values: unknown[]) => Value
const address = 'https://example.com/a'

describe('the calls before invokeurl (§2.5)', () => {
  test('getUrl gives text, and with false a map of text, headers and status', () => {
    const { context, requests } = scriptedHost([{ body: { a: 1 } }, { status: 500, body: { a: 1 } }])
    const getUrl = calling(taskFunctions['getUrl'])
    assert.equal(getUrl(context, address, map({ Accept: 'x/y' })), '{"a":1}')
    assert.deepEqual(requests[0]?.headers, [['Accept', 'x/y']])
    const detailed = jsonOf(context.surroundings, getUrl(context, address, false))
    assert.equal(detailed, '{"responseText":"{\\"a\\":1}","responseHeader":{"content-type":"application/json"},"responseCode":500}')
    assert.throws(() => getUrl(context, address, 17), Failure, 'takes a map of headers')
  })

  test('postUrl sends a map as a form and a text as it is', () => {
    const { context, requests } = scriptedHost()
    const postUrl = calling(taskFunctions['postUrl'])
    postUrl(context, address, map({ a: 'b c' }))
    postUrl(context, address, 'raw', map({ 'X-A': 'b' }), true)
    assert.deepEqual(
      requests.map(({ method, body, contentType }) => [method, String(body), contentType]),
      [
        ['POST', 'a=b%20c', 'application/x-www-form-urlencoded'],
        ['POST', 'raw', 'text/plain;charset=UTF-8'],
      ],
    )
  })

  test('invokeUrl(…) takes a boolean in place of a body', () => {
    const { context, requests } = scriptedHost([{ body: { a: 1 } }, { body: { a: 1 } }])
    const invokeUrl = calling(taskFunctions['invokeUrl'])
    assert.equal(jsonOf(context.surroundings, invokeUrl(context, address, 'GET')), '{"a":1}')
    assert.match(jsonOf(context.surroundings, invokeUrl(context, address, 'GET', false)), /"responseCode":200/)
    invokeUrl(context, address, 'PUT', 'x', map({ 'X-A': 'b' }), true)
    assert.deepEqual([requests[2]?.method, String(requests[2]?.body), requests[2]?.headers], ['PUT', 'x', [['X-A', 'b']]])
  })
})

describe('invokeapi', () => {
  const run = (attributes: Readonly<Record<string, Value>>, connections: readonly [string, string][] = []) => {
    const scripted = scriptedHost()
    for (const [namespace, name] of connections) scripted.connections.set(namespace, name)
    tasks['invokeapi']?.run(scripted.context, attributes)
    return scripted.requests[0]
  }

  test('calls a path of the service over its default connection, parameters as the query', () => {
    const request = run({ service: 'zohocrm', path: 'crm/v8/Leads', type: 'POST', parameters: map({ a: 1 }), body: '{}' }, [
      ['zoho.crm', 'crm_default'],
    ])
    assert.deepEqual(
      [request?.url, request?.method, request?.connection],
      ['https://zoho.crm.example/crm/v8/Leads?a=1', 'POST', 'crm_default'],
    )
    assert.equal(run({ service: 'zohobooks', path: '/books/v3/items', connection: 'mine' })?.connection, 'mine')
  })

  test('names the setting when there is no connection, and refuses unknown services and whole addresses', () => {
    assert.throws(
      () => run({ service: 'zohocrm', path: 'crm/v8/Leads' }),
      Failure,
      'choose one for zoho.crm in Settings, under Default connections',
    )
    assert.throws(() => run({ service: 'toString', path: 'x' }), Failure, 'one of zohocrm')
    assert.throws(() => run({ service: 'zohocrm', path: 'https://evil.example' }), Failure, 'path that follows the host')
  })

  test('zoho.sdp.invokeurl takes an address relative to the service', () => {
    const { context, requests } = scriptedHost()
    tasks['zoho.sdp.invokeurl']?.run(context, { url: '/api/v3/requests', connection: 'sdp' })
    assert.equal(requests[0]?.url, 'https://zoho.sdp.example/api/v3/requests')
  })
})

describe('sendmail (ST-11)', () => {
  const from = 'grace@example.com'
  test('takes lists and texts with commas, and files', () => {
    const { context, mails } = scriptedHost()
    tasks['sendmail']?.run(context, {
      from,
      to: 'ada@example.com, "Lovelace, Ada" <ada2@example.com>',
      cc: listOf(['c@example.com']),
      'reply to': 'r@example.com',
      subject: 'Two\r\nBcc: x',
      message: '<b>hi</b>',
      attachments: fileOf('a.txt', Buffer.from('x'), 'text/plain'),
    })
    assert.deepEqual(mails, [
      {
        from,
        to: ['ada@example.com', '"Lovelace, Ada" <ada2@example.com>'],
        cc: ['c@example.com'],
        bcc: [],
        replyTo: 'r@example.com',
        subject: 'Two Bcc: x',
        message: '<b>hi</b>',
        html: true,
        attachments: [{ name: 'a.txt', contentType: 'text/plain', bytes: Buffer.from('x') }],
      },
    ])
    assert.equal(context.meter.calls, 1)
  })

  test('says what is missing or wrong', () => {
    const send = (attributes: Readonly<Record<string, Value>>) => tasks['sendmail']?.run(scriptedHost().context, attributes)
    assert.throws(() => send({ from: null, to: from }), Failure, 'needs a `from`')
    assert.throws(() => send({ from, to: '' }), Failure, 'at least one address')
    assert.throws(() => send({ from, to: 'nobody' }), Failure, 'not an e-mail address')
    assert.throws(() => send({ from, to: 'a@b.example\r\nBcc: c@d.example' }), Failure, 'not an e-mail address')
    assert.throws(() => send({ from, to: from, attachments: 'x' }), Failure, 'takes files')
  })
})

test('system variables of §3.6 answer from the surroundings', () => {
  const { context } = scriptedHost()
  const read = (name: string) => systemVariables.get(name)?.read(context)
  assert.deepEqual(read('zoho.currentdate'), { kind: 'date', ms: Date.UTC(2026, 0, 15, 8), hasTime: false })
  assert.deepEqual(read('now'), { kind: 'date', ms: Date.UTC(2026, 0, 15, 18, 30), hasTime: true })
  assert.deepEqual(['zoho.loginuser', 'zoho.loginuserid', 'zoho.adminuserid', 'zoho.ipaddress', 'zoho.device.type'].map(read), [
    'Ada',
    'ada@example.com',
    'grace@example.com',
    '192.0.2.1',
    'web',
  ])
  const nobody = scriptedHost([], { surroundings: { loginUser: null } }).context
  assert.isNull(systemVariables.get('zoho.loginuserid')?.read(nobody))
})
