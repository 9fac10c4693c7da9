import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { createServer as createTlsServer } from 'node:https'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answers, call, egress, http, listening, problem, tcp, toClose } from '../../test/support/upstream.ts'
import { parseExceptions } from './addresses.ts'
import type { EgressOptions } from './send.ts'

describe('which addresses are called (X03)', () => {
  it('plain http only to listed hosts, before anything is looked up', async () => {
    let lookedUp = 0
    const door = egress({
      resolve: () => {
        lookedUp++
        return Promise.resolve([])
      },
    })
    await problem(door.send(call('http://evil.test/')), 'destination_not_allowed')
    expect(lookedUp).toBe(0)
  })

  it.each([
    '127.0.0.1',
    '0.0.0.0',
    '127.0.0.2',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::]',
    '[64:ff9b::7f00:1]',
    '169.254.169.254',
    '168.63.129.16',
  ])('nothing reaches the literal %s without an exception', async host => {
    const upstream = await tcp(() => {}, '::')
    const door = egress({ allowPrivateAddresses: [], allowInsecureHttp: [new URL(`http://${host}`).host] })
    const { facts } = await problem(door.send(call(`http://${host}:${upstream.port}/`)), 'destination_not_allowed')
    expect(facts).toMatchObject({ host: new URL(`http://${host}:${upstream.port}`).host, verdict: expect.any(String) as unknown })
    expect(upstream.connections).toBe(0)
  })

  it('one forbidden answer forbids the name, whichever place it has', async () => {
    const upstream = await tcp(() => {})
    const good = { address: '127.0.0.1', port: upstream.port }
    for (const bad of ['10.0.0.1', '::1', '::ffff:127.0.0.1', '169.254.169.254', 'nonsense', '127.0.0.2']) {
      for (const list of [
        [good, { address: bad }],
        [{ address: bad }, good],
      ]) {
        const { facts } = await problem(
          egress({ resolve: answers(...list) }).send(call('http://api.good.test/')),
          'destination_not_allowed',
        )
        expect(facts.host).toBe('api.good.test')
        expect(JSON.stringify(facts)).not.toContain(bad)
      }
    }
    expect(upstream.connections).toBe(0)
  })

  it('a name that moves after it was judged is not followed: the judged address is dialled, and asked once', async () => {
    const upstream = await http((_, response) => response.writeHead(200, { connection: 'close' }).end('judged'))
    const inner = await tcp(() => {}, '127.0.0.2')
    let asked = 0
    const door = egress({
      resolve: () =>
        Promise.resolve([asked++ === 0 ? { address: '127.0.0.1', port: upstream.port } : { address: '127.0.0.2', port: inner.port }]),
    })
    expect((await door.send(call('http://api.good.test/'))).body.toString()).toBe('judged')
    expect(asked).toBe(1)
    // The second connection asks again, and is refused.
    await problem(door.send(call('http://api.good.test/')), 'destination_not_allowed')
    expect([asked, inner.connections]).toEqual([2, 0])
  })

  it('a name that moves while a connection is kept is judged again when that is old', async () => {
    const upstream = await http((_, response) => response.end('x'))
    let address = '127.0.0.1'
    const door = egress({ maxSocketAgeMs: 100, resolve: () => Promise.resolve([{ address, port: upstream.port }]) })
    await door.send(call('http://api.good.test/'))
    address = '10.0.0.1'
    await door.send(call('http://api.good.test/'))
    await sleep(150)
    await problem(door.send(call('http://api.good.test/')), 'destination_not_allowed')
  })

  it('the peer that answers must be the judged one: not one byte is written to another', async () => {
    const upstream = await tcp(() => {})
    // Linux connects 0.0.0.0 to 127.0.0.1, and only the first is an exception here.
    for (const scheme of ['http', 'https']) {
      const door = egress({ allowPrivateAddresses: parseExceptions('0.0.0.0/32'), allowInsecureHttp: ['0.0.0.0'] })
      const { facts } = await problem(
        door.send(call(`${scheme}://0.0.0.0:${upstream.port}/`, { headers: ['authorization', 'CANARY'] })),
        'destination_not_allowed',
      )
      expect(facts.verdict).toBe('loopback')
    }
    await expect.poll(() => upstream.sockets.size).toBe(0)
    expect([upstream.connections, upstream.bytes]).toEqual([2, 0])
  })

  it('a dead address leaves time for the next one', async () => {
    const closed = await tcp(() => {})
    const { port: deadPort } = closed
    await toClose.pop()?.()
    const upstream = await http((_, response) => response.end('second'))
    const door = egress({ resolve: answers({ address: '127.0.0.1', port: deadPort }, { address: '127.0.0.1', port: upstream.port }) })
    expect((await door.send(call('http://api.good.test/'))).body.toString()).toBe('second')
  })

  it('does not ask a proxy of the environment', async () => {
    const proxy = await tcp(() => {})
    const upstream = await http((_, response) => response.end('direct'))
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) process.env[name] = `http://127.0.0.1:${proxy.port}`
    toClose.push(() => ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY'].forEach(name => delete process.env[name]))
    expect((await egress().send(call(`http://127.0.0.1:${upstream.port}/`))).body.toString()).toBe('direct')
    expect(proxy.connections).toBe(0)
  })
})

describe('services that cannot be reached', () => {
  it('says that nothing was sent when the connection is refused', async () => {
    const { port } = await tcp(() => {})
    await toClose.pop()?.()
    const { facts, message } = await problem(egress().send(call(`http://127.0.0.1:${port}/`)), 'upstream_unreachable')
    expect(facts).toMatchObject({ host: `127.0.0.1:${port}`, reason: 'ECONNREFUSED', sent: false })
    expect(message).toMatch(/ECONNREFUSED\)\.$/)
  })

  it('says that the request may have arrived when the connection breaks later', async () => {
    const { port } = await tcp(socket => socket.once('data', () => socket.destroy()))
    const { facts } = await problem(egress().send(call(`http://127.0.0.1:${port}/`)), 'upstream_unreachable')
    expect(facts.sent).toBe(true)
  })

  it.each([
    ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n12345'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12'],
    ['length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    ['17 KiB of headers', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(17_000)}\r\n\r\n`],
  ])('%s is no answer', async (_, bytes) => {
    const { port } = await tcp(socket => socket.once('data', () => socket.end(bytes)))
    const { facts } = await problem(egress().send(call(`http://127.0.0.1:${port}/`)), 'upstream_unreachable')
    expect(facts.sent).toBe(true)
  })

  it('names what failed when the name cannot be looked up', async () => {
    const failing = egress({ resolve: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })) })
    const { facts } = await problem(failing.send(call('https://api.good.test/')), 'upstream_unreachable')
    expect(facts).toMatchObject({ host: 'api.good.test', reason: 'ENOTFOUND', sent: false })
    await problem(egress({ resolve: answers() }).send(call('https://api.good.test/')), 'upstream_unreachable')
    const many = Array.from({ length: 500 }, () => ({ address: '127.0.0.1' }))
    await problem(egress({ resolve: answers(...many) }).send(call('https://api.good.test/')), 'upstream_unreachable')
  })

  it('gives up on the name after five seconds', async () => {
    const started = performance.now()
    const { facts } = await problem(
      egress({ resolve: () => new Promise(() => {}) }).send(call('https://api.good.test/')),
      'upstream_unreachable',
    )
    expect(facts.reason).toBe('dns_timeout')
    expect(performance.now() - started).toBeLessThan(5_500)
  })
})

describe('TLS', () => {
  let directory = ''
  let ca = ''
  const made: Record<string, { key: string; cert: string }> = {}
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'egress-'))
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
    const authority = (name: string) =>
      openssl(
        ...`req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ${name}.key -out ${name}.pem -subj /CN=${name}`.split(
          ' ',
        ),
      )
    const leaf = (name: string, san: string, days = '2') => {
      openssl(...`req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=x`.split(' '))
      writeFileSync(join(directory, 'ext'), `subjectAltName=${san}`)
      openssl(
        ...`x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days ${days} -extfile ext -out ${name}.pem`.split(' '),
      )
      made[name] = { key: readFileSync(join(directory, `${name}.key`), 'utf8'), cert: readFileSync(join(directory, `${name}.pem`), 'utf8') }
    }
    authority('ca')
    leaf('good', 'DNS:api.good.test')
    leaf('address', 'IP:127.0.0.1')
    leaf('expired', 'DNS:api.good.test', '-1')
    ca = readFileSync(join(directory, 'ca.pem'), 'utf8')
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const secure = (name: string, options: object = {}) =>
    listening(createTlsServer({ ...made[name], ...options }, (request, response) => response.end(`${request.headers.host}`)))

  it('is verified against the name in the URL, not the address that was dialled', async () => {
    const { port } = await secure('good')
    const door = egress({ extraCa: ca, resolve: answers({ address: '127.0.0.1', port }) })
    expect((await door.send(call('https://api.good.test/'))).body.toString()).toBe('api.good.test')
    expect((await door.send(call('https://api.good.test./'))).status).toBe(200)
    const { facts } = await problem(door.send(call('https://evil.test/')), 'upstream_unreachable')
    expect(facts).toMatchObject({ reason: 'ERR_TLS_CERT_ALTNAME_INVALID', sent: false })
  })

  it('takes an address that the certificate names', async () => {
    const { port } = await secure('address')
    expect((await egress({ extraCa: ca }).send(call(`https://127.0.0.1:${port}/`))).status).toBe(200)
  })

  it('does not trust a stranger, an expired certificate, or a server without TLS, whatever the environment says', async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    toClose.push(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED)
    const good = await secure('good')
    const expired = await secure('expired')
    const plain = await http((_, response) => response.end())
    const at = (port: number, options: Partial<EgressOptions> = {}) =>
      problem(
        egress({ ...options, resolve: answers({ address: '127.0.0.1', port }) }).send(call('https://api.good.test/')),
        'upstream_unreachable',
      )
    expect((await at(good.port)).facts.reason).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect((await at(expired.port, { extraCa: ca })).facts.reason).toBe('CERT_HAS_EXPIRED')
    expect((await at(plain.port, { extraCa: ca })).facts).toMatchObject({ sent: false })
  })

  it('is 1.2 or newer', async () => {
    const old = await secure('good', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    const fine = await secure('good', { maxVersion: 'TLSv1.2' })
    const at = (port: number) =>
      egress({ extraCa: ca, resolve: answers({ address: '127.0.0.1', port }) }).send(call('https://api.good.test/'))
    expect((await problem(at(old.port), 'upstream_unreachable')).facts.sent).toBe(false)
    expect((await at(fine.port)).status).toBe(200)
  })

  it('that never answers costs no more than the connect time', async () => {
    const { port } = await tcp(() => {})
    const { facts } = await problem(egress({ connectMs: 200 }).send(call(`https://127.0.0.1:${port}/`)), 'upstream_timeout')
    expect(facts).toMatchObject({ seconds: 0.2, sent: false })
  })
})

describe('name servers of one’s own', () => {
  /** Answers A and AAAA questions (RFC 1035 §4.1) from a table; for a name that is not in it, NXDOMAIN; for null, nothing. */
  async function nameServer(table: Record<string, readonly string[] | null>): Promise<string> {
    const socket = createSocket('udp4')
    socket.on('message', (question, peer) => {
      const labels: string[] = []
      let at = 12
      for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
        labels.push(question.toString('latin1', at + 1, at + 1 + length))
        at += 1 + length
      }
      const wantsIpv4 = question.readUInt16BE(at + 1) === 1
      const known = table[labels.join('.').toLowerCase()]
      if (known === null) return
      const records = (known ?? [])
        .filter(address => address.includes('.') === wantsIpv4)
        .map(address => {
          const data = Buffer.from(address.includes('.') ? address.split('.').map(Number) : [...Array<number>(15).fill(0), 1])
          const record = Buffer.from([0xc0, 12, 0, wantsIpv4 ? 1 : 28, 0, 1, 0, 0, 0, 0, 0, data.length])
          return Buffer.concat([record, data])
        })
      const header = Buffer.from(question.subarray(0, 12))
      header.writeUInt16BE(known ? 0x8180 : 0x8183, 2)
      header.writeUInt16BE(records.length, 6)
      header.writeUInt32BE(0, 8)
      socket.send(Buffer.concat([header, question.subarray(12, at + 5), ...records]), peer.port, peer.address)
    })
    await new Promise<void>(done => socket.bind(0, '127.0.0.1', done))
    toClose.push(() => new Promise<void>(done => socket.close(done)))
    return `127.0.0.1:${socket.address().port}`
  }

  it('are asked for both families, and every answer is judged', async () => {
    const upstream = await http((_, response) => response.end('found'))
    const { port } = upstream
    const server = await nameServer({
      'good.test': ['127.0.0.1'],
      'mixed.test': ['127.0.0.1', '10.0.0.1'],
      'both.test': ['127.0.0.1', '::1'],
      'silent.test': null,
    })
    const door = egress({ dnsServers: [server], allowInsecureHttp: ['good.test', 'mixed.test', 'both.test', 'none.test', 'silent.test'] })
    expect((await door.send(call(`http://good.test:${port}/`))).body.toString()).toBe('found')
    expect((await problem(door.send(call(`http://mixed.test:${port}/`)), 'destination_not_allowed')).facts.verdict).toBe('private')
    expect((await problem(door.send(call(`http://both.test:${port}/`)), 'destination_not_allowed')).facts.verdict).toBe('loopback')
    expect((await problem(door.send(call(`http://none.test:${port}/`)), 'upstream_unreachable')).facts).toMatchObject({
      reason: 'ENOTFOUND',
      sent: false,
    })
    const started = performance.now()
    await problem(door.send(call(`http://silent.test:${port}/`)), 'upstream_unreachable')
    expect(performance.now() - started).toBeLessThan(5_500)
    expect(upstream.connections).toBe(1)
  })
})
