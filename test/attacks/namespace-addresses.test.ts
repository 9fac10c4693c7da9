import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { findSecrets } from '../support/sinks.ts'
import { addressOf, embeddingsOf, notUrls, publicHosts, refusedHosts } from './namespace/addresses.ts'
import { goodAddress, ownAddress, patchbayPort, ports, type Ask, type Exchanged } from './namespace/contract.ts'
import { canary, clientSecret, openDoors, type Doors } from './namespace/doors.ts'
import { openNamespace, type Namespace } from './namespace/outside.ts'

const kinds = Object.entries(refusedHosts)
const allHosts = kinds.flatMap(([kind, hosts]) => hosts.map(host => [kind, host] as const))
/** Nobody can open a TCP connection to these: groups of machines, and IPv6 link-local without the name of a link. */
const unreachable = /^(?:22[4-9]|23\d|255\.255\.255\.255|ff|fe[89ab])/

/**
 * X03 in a network namespace where every address of the internet and of everybody's networks takes connections and counts them, with no
 * exception configured and a service whose administrator allows every host.
 */
describe('X03 what is not a public address is not called, through any door', { timeout: 120_000 }, () => {
  let namespace: Namespace
  let doors: Doors
  beforeAll(async () => {
    namespace = await openNamespace([...publicHosts.map(addressOf), goodAddress, ownAddress])
    doors = await openDoors(namespace)
  }, setUpTimeoutMs)
  afterAll(() => namespace.stop())

  const literal = () => Object.entries(doors.literal)
  const nobodyWasCalled = ({ taken, received }: Exchanged) => expect({ taken, received }).toEqual({ taken: [], received: [] })

  it('the positive control: at every one of these addresses somebody takes connections', async () => {
    const addresses = [...new Set([...allHosts.map(([, host]) => addressOf(host)), ...publicHosts.map(addressOf)])]
    const reached = await namespace.tell({ do: 'knock', addresses })
    expect(addresses.filter(address => !reached.includes(address) && !unreachable.test(address))).toEqual([])
    expect(reached.length).toBeGreaterThan(150)
  })

  it.each(publicHosts)('the positive control: https://%s is called through every door, with the credential', async host => {
    for (const [door, open] of literal()) {
      const { code, exchanged } = await open(`https://${host}/hello`)
      expect(code, `${door}: ${exchanged.told.text}`).toMatch(/^(?:200|not_a_token_endpoint)$/)
      expect(
        exchanged.received.map(one => one.address),
        door,
      ).toEqual([addressOf(host)])
      for (const { address } of exchanged.taken) expect(address, door).toBe(addressOf(host))
      const carried = { invoke: canary, proxy: canary, 'token URL': clientSecret, 'request token URL': 'oauth_signature' }[door]
      if (carried === undefined) expect(exchanged.received[0]?.text, door).not.toContain(canary)
      else expect(exchanged.received[0]?.text, door).toContain(carried)
    }
  })

  it.each(allHosts)('not called, for it is %s: https://%s', async (kind, host) => {
    for (const [door, open] of literal()) {
      const { code, verdict, exchanged } = await open(`https://${host}/`)
      expect([code, verdict], `${door}: ${exchanged.told.text}`).toEqual(['destination_not_allowed', kind])
      nobodyWasCalled(exchanged)
    }
  })

  it.each(kinds)('not called by a function, with a connection and without: %s', async (kind, hosts) => {
    for (const connection of [true, false]) {
      const { outcomes, exchanged } = await doors.run(connection, hosts.map(host => `https://${host}/`)) // prettier-ignore
      expect(outcomes).toHaveLength(hosts.length)
      for (const outcome of outcomes) expect(outcome).toContain(`its address is not a public one (${kind})`)
      nobodyWasCalled(exchanged)
    }
  })

  it('the positive control of functions: a public address between them is called', async () => {
    const urls = ['https://10.0.0.1/', `https://${goodAddress}/between`, 'https://[::1]/']
    const { outcomes, exchanged } = await doors.run(true, urls)
    expect(outcomes[1]).toBe('200')
    expect(exchanged.received.map(({ address, path }) => [address, path])).toEqual([[goodAddress, '/between']])
    expect(exchanged.received[0]?.text).toContain(canary)
  })

  it('another port, plain http and our own port make no difference', async () => {
    for (const host of ['127.0.0.1', '169.254.169.254', '10.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '[fd00:ec2::254]'])
      for (const url of [...Object.values(ports), patchbayPort, 22, 6379]
        .map(port => `https://${host}:${port}/`)
        .concat(`http://${host}/`)) {
        const { code, exchanged } = await doors.literal.invoke(url)
        expect(code, url).toBe('destination_not_allowed')
        nobodyWasCalled(exchanged)
      }
  })

  describe('Patchbay itself', () => {
    const own = embeddingsOf(ownAddress)

    it.each([
      ['its public URL', 'https://patchbay.test/'],
      ['its public URL, with a final dot', 'https://patchbay.test./api/v1/me'],
      ['a public address of the machine that it runs on', `https://${ownAddress}/`],
      ['another port there', `https://${ownAddress}:${ports.database}/`],
      ['a name that leads there', 'https://own.good.test/'],
      ['that address as IPv6', `https://[${own['mapped'] ?? ''}]/`],
      ['that address behind a translator', `https://[${own['nat64'] ?? ''}]/`],
    ])('never called: %s', async (_, url) => {
      const zone = { 'own.good.test': { a: [ownAddress] } }
      for (const [door, open] of literal()) {
        const { code, verdict, exchanged } = await open(url, { zone })
        expect([code, verdict], `${door}: ${exchanged.told.text}`).toEqual(['destination_not_allowed', 'own'])
        nobodyWasCalled(exchanged)
      }
      const { outcomes, exchanged } = await doors.run(true, [url], { zone })
      expect(outcomes[0]).toContain('it is Patchbay itself, or the machine that Patchbay runs on')
      nobodyWasCalled(exchanged)
    })

    it('another port of its public host is somebody else’s', async () => {
      const { code, exchanged } = await doors.literal.invoke(`https://patchbay.test:${ports.other}/`)
      expect([code, exchanged.received.length]).toEqual(['200', 1])
    })
  })

  describe('circles', () => {
    const url = `https://${goodAddress}/circle`
    const asks = (): [string, Ask][] => [
      ['invoke', { method: 'POST', path: '/api/v1/invoke', body: { connection: 'everything', url } }],
      ['proxy', { method: 'GET', path: `/proxy/everything/https/${goodAddress}/circle` }],
      ['function', { method: 'POST', path: '/api/v1/functions/standalone/calls/run', body: { arguments: { addresses: [url] } } }],
    ]

    it('every call says how many Patchbays it has come through, and nobody else may say so', async () => {
      for (const [door, ask] of asks())
        for (const [said, next] of [
          [undefined, '1'],
          ['0', '1'],
          ['1', '2'],
          ['2', '3'],
        ] as const) {
          const { received } = await namespace.exchange({ ...ask, headers: said === undefined ? {} : { 'Patchbay-Hop': said } })
          expect([door, received.map(one => /patchbay-hop\n(.*)/i.exec(one.text)?.[1])]).toEqual([door, [next]])
          expect(received[0]?.text.match(/patchbay-hop/gi), door).toHaveLength(1)
        }
      const forged = { headers: { 'patchbay-hop': '0' }, connection: 'everything', url }
      const { told } = await namespace.exchange({ method: 'POST', path: '/api/v1/invoke', body: forged })
      expect([told.status, told.text]).toEqual([422, expect.stringContaining('header_not_allowed')])
    })

    it.each(['3', '4', '99', '1, 3', '0003'])('a call that says %j goes no further', async said => {
      for (const [door, ask] of asks()) {
        const exchanged = await namespace.exchange({ ...ask, headers: { 'Patchbay-Hop': said } })
        expect([door, exchanged.told.status, exchanged.told.text]).toEqual([door, 508, expect.stringContaining('loop_detected')])
        nobodyWasCalled(exchanged)
      }
    })

    it('nothing of it is told to a token endpoint', async () => {
      const { exchanged } = await doors.literal['token URL'](url)
      expect(exchanged.received[0]?.text).not.toMatch(/patchbay-hop/i)
    })
  })

  it.each(notUrls)('%j is no URL, for any door', async url => {
    for (const [door, open] of literal()) {
      // as a path of Patchbay some of them are another URL, which is judged as such
      if (door === 'proxy' && !/^https:\/\/[\x21-\x7e]+$/.test(url)) continue
      const { code, exchanged } = await open(url)
      expect(code, `${door}: ${exchanged.told.text}`).toMatch(
        /^(?:invalid_url|validation_failed|destination_not_allowed|not_found|upstream_unreachable|host_unreachable)$/,
      )
      nobodyWasCalled(exchanged)
    }
    const { outcomes, exchanged } = await doors.run(true, [url])
    expect(outcomes[0]).not.toMatch(/^\d+$/)
    nobodyWasCalled(exchanged)
  })

  it('nothing of it is written down with the credential', async () => {
    const sinks = await namespace.tell({ do: 'sinks' })
    const answers = namespace.answers.map(text => ['an answer', text] as const)
    expect(findSecrets([...sinks, ...answers], { canary, clientSecret })).toEqual([])
    expect(sinks.length).toBeGreaterThan(100)
  })
})
