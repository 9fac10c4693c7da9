import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { connect, administrator, keyDefinition, must, refusal, type Member } from '../support/practice-services.ts'
import { sinkScan } from '../support/sinks.ts'

type Json = Record<string, unknown>

const canary = 'CANARY-key-d70e5b4c18aa'

/** What ends a line or a header somewhere, or is no text there. None may ever reach the wire in a header. */
const broken = [
  'a\r\nX-Evil: y',
  'a\n',
  'a\r',
  '\0',
  'a\u007f',
  '\t',
  ' lead',
  'trail ',
  'é',
  '😀',
  '\u2028',
  'a\r\n\r\nGET /evil HTTP/1.1\r\n',
  '\ud800',
  'x'.repeat(8193),
  '',
]
/** Of these a query or a form can carry: encoded they are data. */
const encodable = new Set([' lead', 'trail ', 'é', '😀', '\u2028'])

/**
 * Everything here is judged by the bytes that a server without an HTTP parser received: how many requests, which lines.
 */
describe.each(['pglite', 'postgres'] as const)('X12 what may not become a header, a parameter or a request of its own [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  const received: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    let text = ''
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      if (end < 0 || text.length < end + 4 + length) return
      received.push(text)
      text = ''
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
    })
  })
  let host = ''

  beforeAll(async () => {
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    patchbay = await startPatchbay({
      database,
      settings: { PATCHBAY_ALLOW_PRIVATE_ADDRESSES: host.replace(':', '/32:'), PATCHBAY_ALLOW_INSECURE_HTTP: host },
    })
    ada = await administrator(patchbay)
    const placed = { advanced: { placements: [{ in: 'cookie', name: 'sid', value: '{X-Api-Key}' }] } }
    for (const [linkName, rest] of [
      ['in_header', {}],
      ['in_query', { param_type: 'query', parameters: [{ name: 'api_key', display_name: 'Key' }] }],
      ['in_form', { param_type: 'form', parameters: [{ name: 'api_key', display_name: 'Key' }] }],
      ['in_cookie', placed],
    ] as const) {
      must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, linkName, { api_hosts: [host], ...rest })), 201)
      await connect(ada, { service: linkName, link_name: linkName, credentials: { [nameIn(linkName)]: canary } })
    }
    must(await ada.ask('POST', '/api/v1/services', { link_name: 'basic_one', name: 'Basic', auth_type: 'basic', api_hosts: [host] }), 201)
    await connect(ada, { service: 'basic_one', link_name: 'basic_one', credentials: { username: 'ada', password: canary } })
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  const nameIn = (linkName: string) => (linkName === 'in_query' || linkName === 'in_form' ? 'api_key' : 'X-Api-Key')
  const url = (path = '/x') => `http://${host}${path}`
  const invoked = (connection: string, rest: Json = {}) =>
    ada.ask('POST', '/api/v1/invoke', { connection, url: url(), ...(connection === 'in_form' && { type: 'POST' }), ...rest })
  /** The requests that arrived meanwhile, as their lines. */
  async function arriving(work: () => Promise<Answer>): Promise<[Answer, string[][]]> {
    const before = received.length
    const answer = await work()
    return [answer, received.slice(before).map(one => (one.split('\r\n\r\n')[0] ?? '').split('\r\n'))]
  }
  const namesOf = (lines: readonly string[]) => lines.slice(1).map(line => (line.split(':')[0] ?? '').toLowerCase())

  it('a credential is judged where it is typed, and again where it is placed: what is left arrives as one value', async () => {
    for (const place of ['in_header', 'in_query', 'in_form', 'in_cookie', 'basic_one'] as const)
      for (const value of broken) {
        // many services want a key as the user name and no password
        if (place === 'basic_one' && value === '') continue
        const credentials = place === 'basic_one' ? { username: 'ada', password: value } : { [nameIn(place)]: value }
        const what = `${place} ${JSON.stringify(value).slice(0, 40)}`
        const [typed, meanwhile] = await arriving(() => ada.ask('POST', `/api/v1/connections/${place}/authorize`, { credentials }))
        expect(meanwhile, what).toEqual([])
        const data = (place === 'in_query' || place === 'in_form') && encodable.has(value)
        // a password is Base64 in its header: any text of one line can stand there
        const password = place === 'basic_one' && encodable.has(value)
        if (!data && !password) {
          expect(typed.status, what).toBe(422)
          expect(typed.text, what).not.toContain('X-Evil')
          continue
        }
        must(typed, 200)
        const [answer, [lines = [], ...more]] = await arriving(() => invoked(place))
        must(answer, 200)
        expect(more, what).toEqual([])
        expect(namesOf(lines).filter(name => name === 'authorization' || name === 'x-evil').length, what).toBe(password ? 1 : 0)
        expect(lines.join(''), what).toMatch(/^[\x20-\x7e]+$/)
      }
    for (const place of ['in_header', 'in_query', 'in_form', 'in_cookie'] as const)
      must(await ada.ask('POST', `/api/v1/connections/${place}/authorize`, { credentials: { [nameIn(place)]: canary } }), 200)
    must(
      await ada.ask('POST', '/api/v1/connections/basic_one/authorize', {
        credentials: { username: 'ada', password: `${canary}:with:colons` },
      }),
      200,
    )
    for (const username of ['a:b', 'a\r\nb'])
      expect(refusal(await ada.ask('POST', '/api/v1/connections/basic_one/authorize', { credentials: { username, password: 'x' } }))).toBe(
        'validation_failed: credentials.username',
      )
  })

  it('a caller’s header is one header: by invoke, by a function, by the proxy', async () => {
    const source = `map standalone.sends(string name, string value) { h = Map(); h.put(name, value); try { r = invokeurl [ url: "${url()}" headers: h connection: "in_header" detailed: true ]; return {"code": r.get("responseCode")}; } catch (e) { return {"failed": e.message}; } }`
    must(await ada.ask('PUT', '/api/v1/functions/standalone/sends', { source }), 201)
    const byFunction = (name: string, value: string) =>
      ada.ask('POST', '/api/v1/functions/standalone/sends/run', { arguments: { name, value } })
    const plain = namesOf((await arriving(() => invoked('in_header')))[1][0] ?? []).sort()
    for (const value of broken.filter(one => one !== '')) {
      const [answer, sent] = await arriving(() => invoked('in_header', { headers: { 'X-Mine': value } }))
      // a header longer than a credential may be is the caller's own affair
      if (value.length > 8000) must(answer, 200)
      else expect([answer.status, sent], JSON.stringify(value)).toEqual([422, []])
    }
    for (const name of ['a b', 'a:b', 'x\r\nX-Evil', 'x\n', '', 'é', 'x\0', '(x)', 'x,y', '"x"']) {
      const [answer, sent] = await arriving(() => invoked('in_header', { headers: { [name]: 'v' } }))
      expect([answer.status, sent], JSON.stringify(name)).toEqual([422, []])
    }
    for (const [name, value] of [
      ['X-Mine', 'a\r\nX-Evil: y'],
      ['x\r\nX-Evil', 'v'],
      ['X-Api-Key', 'mine'],
      ['x_api_key', 'mine'],
      ['X-Forwarded-For', '1.2.3.4'],
      ['Transfer_Encoding', 'chunked'],
    ] as const) {
      const [answer, sent] = await arriving(() => byFunction(name, value))
      must(answer, 200)
      for (const lines of sent) {
        expect(namesOf(lines).filter(one => one.replaceAll('_', '-') === 'x-api-key')).toHaveLength(1)
        expect(lines.join('\n')).not.toMatch(/x-evil|mine|1\.2\.3\.4|chunked/i)
      }
      expect(sent.length, name).toBe(/api.key/i.test(name) ? 1 : 0)
    }
    const forwarded = {
      x_forwarded_for: '1.2.3.4',
      X_Forwarded_Host: 'evil.test',
      x_real_ip: '1.2.3.4',
      X_Api_Key: 'mine',
      'patchbay-user': 'x',
    }
    const [proxied, sent] = await arriving(() => patchbay.admin('GET', `/proxy/in_header/http/${host}/x`, undefined, forwarded))
    must(proxied, 200)
    const [lines = []] = sent
    expect(namesOf(lines).filter(name => /forwarded|real.ip|patchbay-user|_/.test(name))).toEqual([])
    expect(namesOf(lines).filter(name => name === 'x-api-key')).toHaveLength(1)
    expect(plain.filter(name => name === 'x-api-key')).toHaveLength(1)
  })

  it('what the connection sets is never sent by the caller as well, in any spelling that some server takes for it', async () => {
    const spellings = ['api_key', 'API_KEY', 'api%5Fkey', 'api_key[]', 'api_key%5B0%5D', 'api.key', 'api%20key', 'api[key', 'api_key%00']
    for (const name of spellings) {
      const query = `/x?a=1&${name}=mine`
      for (const [answer, sent] of [
        await arriving(() => invoked('in_query', { url: url(query) })),
        await arriving(() => patchbay.admin('GET', `/proxy/in_query/http/${host}${query}`)),
      ])
        expect([answer.json.code, sent], name).toEqual(['parameter_conflict', []])
      const field = decodeURIComponent(name)
      for (const body of [{ parameters: { [field]: 'mine' } }, { body: { [field]: 'mine' } }]) {
        const [answer, sent] = await arriving(() => invoked('in_form', body))
        expect([refusal(answer), sent], name).toEqual(['parameter_conflict', []])
      }
      // many services take parameters from the query and from the form alike
      const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }
      for (const [answer, sent] of [
        await arriving(() => invoked('in_form', { url: url(query) })),
        await arriving(() => invoked('in_query', { type: 'POST', parameters: { [field]: 'mine' } })),
        await arriving(() => invoked('in_query', { type: 'POST', body: `a=1&${name}=mine`, headers: urlencoded })),
        await arriving(() => patchbay.admin('POST', `/proxy/in_form/http/${host}${query}`)),
      ])
        expect([answer.json.code, sent], name).toEqual(['parameter_conflict', []])
    }
    // further inside a name, or in what is no form, it is data
    for (const rest of [
      { parameters: { 'my[api_key]': '1', api_keys: '2' } },
      { body: { api_key: 'x' }, content_type: 'application/json' },
    ])
      must(await invoked('in_query', { type: 'POST', ...rest }), 200)
    const [answer, [lines = []]] = await arriving(() => invoked('in_query', { url: url('/x?b=2&mine=api_key#api_key=x') }))
    must(answer, 200)
    expect(lines[0]).toBe(`GET /x?b=2&mine=api_key&api_key=${canary} HTTP/1.1`)
  })

  it('names of parts and files end no line and no quote', async () => {
    const before = received.length
    const answer = await invoked('in_header', {
      type: 'POST',
      body: { 'a"\r\nX-Evil: y': 'v' },
      files: [{ name: 'f"\r\n', filename: 'x"; name="api_key"\r\nContent-Type: text/html\r\n\r\n.txt', content_base64: 'eA==' }],
    })
    must(answer, 200)
    const [text = ''] = received.slice(before)
    expect(received.length).toBe(before + 1)
    const parts = text.split('\r\n\r\n').slice(1).join('\r\n\r\n')
    expect(parts.match(/^Content-Disposition:/gm)).toHaveLength(2)
    expect(parts).not.toMatch(/^(?:X-Evil|Content-Type: text\/html)/m)
    expect(parts).not.toContain('name="api_key"')
  })

  it('and nothing of it is in a log line, an answer or a column', async () => {
    expect(received.join('\n')).toContain(canary)
    expect(await sinkScan(patchbay, { canary })).toEqual([])
  })
})
