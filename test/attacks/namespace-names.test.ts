import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { findSecrets } from '../support/sinks.ts'
import { addressOf, refusedHosts } from './namespace/addresses.ts'
import { deadAddress, evilAddress, goodAddress, otherAddress, type Exchanged, type NameAnswer, type Zone } from './namespace/contract.ts'
import { canary, clientSecret, openDoors, tokenDefinition, type Doors } from './namespace/doors.ts'
import { openNamespace, type More, type Namespace } from './namespace/outside.ts'
import { signedIn, tokenAnswer, type Person } from './namespace/person.ts'

const url = 'https://moves.good.test/'
const leads = (entry: NameAnswer): More => ({ zone: { 'moves.good.test': entry } })
const to = (address: string): NameAnswer => (address.includes(':') ? { aaaa: [address] } : { a: [address] })
/** One address of each kind. */
const kinds = Object.entries(refusedHosts).map(([kind, hosts]) => [kind, addressOf(hosts[0] ?? '')] as const)

/** X03 where a name leads: the answers of a name server that somebody else runs, in a network namespace where all of them are reachable. */
describe('X03 names that lead to what is not a public address', { timeout: 120_000 }, () => {
  let namespace: Namespace
  let doors: Doors
  let person: Person
  beforeAll(async () => {
    namespace = await openNamespace([goodAddress])
    doors = await openDoors(namespace)
    person = await signedIn(namespace)
  }, setUpTimeoutMs)
  afterAll(() => namespace.stop())

  const nobodyWasCalled = ({ taken, received }: Exchanged) => expect({ taken, received }).toEqual({ taken: [], received: [] })
  async function refused(more: More, verdict: string) {
    const { code, verdict: said, exchanged } = await doors.literal.invoke(url, more)
    expect([code, said], exchanged.told.text).toEqual(['destination_not_allowed', verdict])
    nobodyWasCalled(exchanged)
    return exchanged
  }

  it('the positive control: a name is asked for in both families and its public address is called', async () => {
    const { code, exchanged } = await doors.literal.invoke('https://fresh.good.test/hello')
    expect(code).toBe('200')
    expect(exchanged.names.map(name => name.toLowerCase())).toEqual(['fresh.good.test', 'fresh.good.test'])
    expect(exchanged.taken).toEqual([{ address: goodAddress, port: 443 }])
    expect(exchanged.received[0]?.text).toContain(canary)
  })

  it.each(Object.entries(refusedHosts))(
    '%s: every one of these addresses behind a name, which does not learn where it led',
    async (kind, hosts) => {
      for (const address of new Set(hosts.map(addressOf))) {
        const { told } = await refused(leads(to(address)), kind)
        expect(told.text).not.toContain(`"${address}"`)
      }
    },
  )

  it('a public address beside another is of no use: one answer forbids the name, in any order and family', async () => {
    await refused(leads({ a: [goodAddress, '10.0.0.1'] }), 'private')
    await refused(leads({ a: ['10.0.0.1', goodAddress] }), 'private')
    await refused(leads({ a: [goodAddress, otherAddress, evilAddress, '169.254.169.254', goodAddress] }), 'metadata')
    await refused(leads({ a: [goodAddress], aaaa: ['::1'] }), 'loopback')
    await refused(leads({ a: ['127.0.0.1'], aaaa: ['2606:4700::1111'] }), 'loopback')
    await refused(leads({ a: [goodAddress], aaaa: ['2606:4700::1111', '::ffff:10.0.0.1'] }), 'embeds_private')
  })

  it('an alias is judged by where it leads', async () => {
    await refused(leads({ cname: 'metadata.google.internal', a: ['169.254.169.254'] }), 'metadata')
    await refused(leads({ cname: 'localhost', aaaa: ['::1'] }), 'loopback')
    const { code, exchanged } = await doors.literal.invoke('https://alias.good.test/', { zone: { 'alias.good.test': { cname: 'evil.test', a: [goodAddress] } } }) // prettier-ignore
    expect([code, exchanged.taken]).toEqual(['200', [{ address: goodAddress, port: 443 }]])
  })

  it.each(['localhost', 'localhost.', 'LOCALHOST', 'a.localhost', 'ip6-localhost', 'metadata.google.internal', 'metadata', 'intranet'])(
    'the name %s, which a name server answers from inside',
    async name => {
      const inside: NameAnswer = { a: [/metadata/.test(name) ? '169.254.169.254' : /local/i.test(name) ? '127.0.0.1' : '10.1.2.3'] }
      const { code, exchanged } = await doors.literal.invoke(`https://${name}/`, {
        zone: { [name.toLowerCase().replace(/\.$/, '')]: inside },
      })
      expect(code, exchanged.told.text).toBe('destination_not_allowed')
      nobodyWasCalled(exchanged)
    },
  )

  it.each([
    '127.0.0.1.nip.io',
    'localtest.me',
    'printer.local',
    'db.internal',
    'kubernetes.default.svc',
    'MoVeS.gOoD.tEsT',
    'moves.good.test.',
  ])('the name %s, whatever its case and its final dot', async name => {
    const { code, exchanged } = await doors.literal.invoke(`https://${name}/`, { zone: { [name.toLowerCase().replace(/\.$/, '')]: { a: ['127.0.0.1'] } } }) // prettier-ignore
    expect(code, exchanged.told.text).toBe('destination_not_allowed')
    nobodyWasCalled(exchanged)
  })

  it('rebinding: the address that was judged is the one that is called, however often the name moves', async () => {
    const moves: More = leads({ turns: [{ a: [goodAddress] }, { a: ['127.0.0.1'] }] })
    const first = await doors.literal.invoke(url, moves)
    expect([first.code, first.exchanged.taken]).toEqual(['200', [{ address: goodAddress, port: 443 }]])
    // one question for each family, none between judging and dialling
    expect(first.exchanged.names).toHaveLength(2)
    const second = await doors.literal.invoke('https://turned.good.test/', { zone: { 'turned.good.test': { turns: [{ a: ['127.0.0.1'] }, { a: [goodAddress] }] } } }) // prettier-ignore
    expect(second.code).toBe('destination_not_allowed')
    nobodyWasCalled(second.exchanged)
  })

  it('a name that moves while a connection is kept open: the connection goes on, and after a minute the name is judged again', async () => {
    const at = (address: string) => doors.literal.invoke('https://kept.good.test/', { zone: { 'kept.good.test': to(address) } })
    expect((await at(goodAddress)).exchanged.taken).toEqual([{ address: goodAddress, port: 443 }])
    const kept = await at('127.0.0.1')
    expect([kept.code, kept.exchanged.names, kept.exchanged.taken]).toEqual(['200', [], []])
    expect(kept.exchanged.received.map(one => one.address)).toEqual([goodAddress])
    await namespace.tell({ do: 'later', milliseconds: 61_000 })
    const later = await at('127.0.0.1')
    expect([later.code, later.verdict]).toEqual(['destination_not_allowed', 'loopback'])
    nobodyWasCalled(later.exchanged)
  })

  it('the next address of a name is called when there is no way to the first, and was judged like it', async () => {
    const at = async (name: string, a: string[]) => doors.literal.invoke(`https://${name}/`, { zone: { [name]: { a } } })
    const second = await at('second.good.test', [deadAddress, goodAddress])
    expect([second.code, second.exchanged.taken]).toEqual(['200', [{ address: goodAddress, port: 443 }]])
    const inside = await at('inside.good.test', [deadAddress, '192.168.1.1'])
    expect([inside.code, inside.verdict]).toEqual(['destination_not_allowed', 'private'])
    nobodyWasCalled(inside.exchanged)
  })

  it.each<[string, NameAnswer | null]>([
    ['there is no such name', null],
    ['the name server fails', { rcode: 2 }],
    ['the name server refuses', { rcode: 5 }],
    ['it has no address', {}],
    ['its answer is cut off', { truncated: true }],
    ['it has 500 addresses', { a: Array.from({ length: 500 }, (_, i) => `93.184.${216 + Math.floor(i / 250)}.${i % 250}`) }],
    ['it is an alias of itself', { cname: 'moves.good.test' }],
    ['nobody answers', { silent: true }],
  ])('%s: said within five seconds, and nobody is called', async (_, entry) => {
    const zone: Zone = { '*.good.test': entry ?? { rcode: 3 }, 'moves.good.test': entry ?? { rcode: 3 } }
    const started = performance.now()
    const { code, exchanged } = await doors.literal.invoke(url, { zone })
    expect(performance.now() - started).toBeLessThan(6_000)
    expect(code, exchanged.told.text).toBe('upstream_unreachable')
    expect(JSON.parse(exchanged.told.text)).toMatchObject({
      sent: false,
      reason: expect.stringMatching(/^(?:E[A-Z]+|dns_\w+)$/) as unknown,
    })
    nobodyWasCalled(exchanged)
  })

  describe('in URLs that a service has stored', () => {
    /** A name of its own for each, since a connection that is open stays in use. */
    const stored = (name: string) => `https://${name}-stored.good.test/endpoint`
    const leadsStored = (name: string, address: string): More => ({ zone: { [`${name}-stored.good.test`]: to(address) }, script })
    const script = {
      '/token': tokenAnswer({ access_token: canary, refresh_token: `${canary}-refresh` }),
      '/endpoint': tokenAnswer({ access_token: `${canary}-2` }),
    }
    const service = (definition: object) => doors.must(201, { method: 'POST', path: '/api/v1/services', body: definition })
    const connection = (linkName: string, of: string, more: More, rest: object = {}) =>
      namespace.exchange(
        { method: 'POST', path: '/api/v1/connections', body: { service: of, name: linkName, link_name: linkName, ...rest } },
        more,
      )
    const key = {
      auth_type: 'api_key',
      param_type: 'header',
      parameters: [{ name: 'X-Api-Key', display_name: 'API key' }],
      api_hosts: ['*'],
    }
    const credentials = { 'X-Api-Key': canary }

    /** Uses the URL for one address of each kind, and then for a public one, which must receive the secret. */
    async function nowhereButOutside(name: string, secret: string, use: (address: string, kind: string) => Promise<Exchanged>) {
      for (const [kind, address] of kinds) {
        const inside = await use(address, kind)
        const where = `${kind}: ${inside.told.text.slice(0, 600)}`
        expect({ where, taken: inside.taken }).toEqual({ where, taken: [] })
        expect(inside.names, where).toContain(`${name}-stored.good.test`)
      }
      const outside = await use(goodAddress, 'public')
      expect(outside.received.find(one => one.path === '/endpoint')?.text, outside.told.text).toContain(secret)
    }

    it('a token URL, when connecting', async () => {
      await service(tokenDefinition('granted', stored('granted')))
      await nowhereButOutside('granted', clientSecret, (address, kind) =>
        connection(`granted_${kind}`, 'granted', leadsStored('granted', address)),
      )
    })

    it('a token URL, when a code is redeemed', async () => {
      await service(
        tokenDefinition('coded', stored('coded'), { grant_type: 'authorization_code', authorize_url: 'https://as.good.test/authorize' }),
      )
      await nowhereButOutside('coded', 'the-code', (address, kind) =>
        person.connect('coded', `coded_${kind}`, leadsStored('coded', address)),
      )
    })

    it('a refresh URL', async () => {
      const rest = {
        grant_type: 'authorization_code',
        authorize_url: 'https://as.good.test/authorize',
        refresh_token_url: stored('renewed'),
      }
      await service(tokenDefinition('renewed', 'https://as.good.test/token', rest))
      const redeemed = await person.connect('renewed', 'renewed', { script })
      expect(redeemed.received.map(one => one.path)).toEqual(['/token'])
      await nowhereButOutside('renewed', `${canary}-refresh`, async address => {
        await namespace.tell({ do: 'expire', connection: 'renewed' })
        return namespace.exchange({ method: 'POST', path: '/api/v1/invoke', body: { connection: 'renewed', url: 'https://api.good.test/me' } }, leadsStored('renewed', address)) // prettier-ignore
      })
    })

    it('a test URL', async () => {
      await service({ link_name: 'tested', name: 'tested', ...key, advanced: { test_url: stored('tested') } })
      await connection('tested', 'tested', leadsStored('tested', '10.0.0.1'), { credentials })
      await nowhereButOutside('tested', canary, address =>
        namespace.exchange({ method: 'POST', path: '/api/v1/connections/tested/test' }, leadsStored('tested', address)),
      )
    })

    it('the URL that is called after connecting', async () => {
      await service({ link_name: 'asked', name: 'asked', ...key, advanced: { after_connect: { url: stored('asked'), id_path: 'id' } } })
      await nowhereButOutside('asked', canary, (address, kind) =>
        connection(`asked_${kind}`, 'asked', leadsStored('asked', address), { credentials }),
      )
    })

    it('a revoke URL, which a job calls', async () => {
      const names = { inside: 'in-revoked.good.test', metadata: 'meta-revoked.good.test', outside: 'out-revoked.good.test' }
      const zone: Zone = {
        [names.inside]: { aaaa: ['::ffff:10.0.0.1'] },
        [names.metadata]: { a: ['169.254.169.254'] },
        [names.outside]: { a: [goodAddress] },
      }
      for (const [linkName, host] of Object.entries(names)) {
        await service(tokenDefinition(linkName, 'https://as.good.test/token', { revoke_token_url: `https://${host}/revoke` }))
        expect((await connection(linkName, linkName, { script })).told.status).toBe(201)
      }
      const told = { ...script, '/revoke': tokenAnswer({}) }
      const ask = (method: string, path: string, continued: boolean) =>
        namespace.exchange({ method, path: `/api/v1/connections/${path}` }, { zone, script: told, continued })
      for (const linkName of Object.keys(names)) await ask('POST', `${linkName}/revoke`, linkName !== 'inside')
      const toldOf = async (linkName: string) =>
        (JSON.parse((await ask('GET', linkName, true)).told.text) as { revoked_at_provider: string | null }).revoked_at_provider
      await expect.poll(() => toldOf('outside'), { timeout: 15_000 }).toBe('yes')
      await expect.poll(() => toldOf('inside'), { timeout: 15_000 }).toBe('no')
      await expect.poll(() => toldOf('metadata'), { timeout: 15_000 }).toBe('no')
      const { taken, received } = await ask('GET', 'outside', true)
      expect(received.map(one => [one.address, one.path])).toEqual([[goodAddress, '/revoke']])
      expect(taken).toEqual([{ address: goodAddress, port: 443 }])
    })
  })

  it('nothing of it is written down with the credential', async () => {
    const sinks = await namespace.tell({ do: 'sinks' })
    const answers = namespace.answers.map(text => ['an answer', text] as const)
    expect(findSecrets([...sinks, ...answers], { canary, clientSecret })).toEqual([])
  })
})
