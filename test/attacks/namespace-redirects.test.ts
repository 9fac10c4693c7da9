import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { findSecrets } from '../support/sinks.ts'
import { goodAddress, ports, type Ask, type Exchanged } from './namespace/contract.ts'
import { canary, clientSecret, openDoors, tokenDefinition, type Doors } from './namespace/doors.ts'
import { openNamespace, type More, type Namespace } from './namespace/outside.ts'
import { signedIn, tokenAnswer, type Person } from './namespace/person.ts'

interface Envelope {
  readonly status_code: number
  readonly headers: Readonly<Record<string, string>>
}

const codes = [301, 302, 303, 307, 308] as const
const start = 'https://api.good.test/start'

/** Where a service may point, as the header lines that it sends. */
const targets: Readonly<Record<string, readonly string[]>> = {
  'the same origin': ['https://api.good.test/next'],
  'another port': [`https://api.good.test:${ports.other}/next`],
  'plain http': ['http://api.good.test/next'],
  'another host of the same domain': ['https://sub.good.test/next'],
  'somebody else': ['https://evil.test/next'],
  'somebody else, by the scheme of this one': ['//evil.test/next'],
  'somebody else, with a user name': ['https://api.good.test@evil.test/next'],
  'the metadata of a cloud': ['http://169.254.169.254/latest/meta-data/'],
  'our own loopback': ['https://127.0.0.1/next'],
  'a file': ['file:///etc/passwd'],
  'a document in the URL': ['data:text/html,<script>1</script>'],
  'a script': ['javascript:alert(1)'],
  'a path': ['/next'],
  'nothing: an empty line': [''],
  'nothing: no line': [],
  'two places': ['https://api.good.test/next', 'https://evil.test/next'],
  'a line break and another header': ['/next%0d%0aLocation:%20https://evil.test/'],
  'itself, for ever': [start],
  'the first of 21 hops': ['/hop/1'],
}

const hops = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`/hop/${i + 1}`, redirect(302, [`/hop/${i + 2}`])]))

function redirect(code: number, locations: readonly string[]): string {
  const body = '<meta http-equiv="refresh" content="0;url=https://evil.test/">'
  const lines = locations.map(one => `location: ${one}\r\n`).join('')
  return `HTTP/1.1 ${code} Elsewhere\r\n${lines}content-type: text/html\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

/** Every place in which a credential can stand. */
const places: Readonly<Record<string, Record<string, unknown>>> = {
  authorization: { auth_type: 'basic' },
  x_api_key: { auth_type: 'api_key', parameters: [{ name: 'X-Api-Key', display_name: 'Key' }] },
  private_token: { auth_type: 'api_key', parameters: [{ name: 'Private-Token', display_name: 'Key' }] },
  query: { auth_type: 'api_key', param_type: 'query', parameters: [{ name: 'api_key', display_name: 'Key' }] },
  form: { auth_type: 'api_key', param_type: 'form', parameters: [{ name: 'api_key', display_name: 'Key' }] },
  cookie: {
    auth_type: 'api_key',
    parameters: [{ name: 'key', display_name: 'Key' }],
    advanced: { placements: [{ in: 'cookie', name: 'session', value: '{key}' }] },
  },
}

/** X02 in a network namespace where whoever is redirected to can be reached, with a service that allows every host. */
describe('X02 no redirect is followed: it is the caller’s answer', { timeout: 120_000 }, () => {
  let namespace: Namespace
  let doors: Doors
  let person: Person
  beforeAll(async () => {
    namespace = await openNamespace([goodAddress])
    doors = await openDoors(namespace)
    person = await signedIn(namespace)
    for (const [place, rest] of Object.entries(places)) {
      const [parameter] = (rest['parameters'] ?? []) as { name: string }[]
      await doors.connected(place, rest, parameter ? { [parameter.name]: canary } : { username: 'ada', password: canary })
    }
  }, setUpTimeoutMs)
  afterAll(() => namespace.stop())

  /** One request, to the origin that was meant, and no connection anywhere else. */
  function onlyThere({ taken, received, names }: Exchanged, where: string, path = '/start') {
    const elsewhere = taken.filter(one => one.address !== goodAddress || one.port !== ports.tls)
    expect({ elsewhere, paths: received.map(one => [one.address, one.port, one.path.replace(/\?.*/, '')]) }, where).toEqual({
      elsewhere: [],
      paths: [[goodAddress, ports.tls, path]],
    })
    expect(names.filter(name => !/\.good\.test$/i.test(name)), where).toEqual([]) // prettier-ignore
  }

  const invoked = (connection: string): Ask => ({
    method: 'POST',
    path: '/api/v1/invoke',
    body: connection === 'form' ? { connection, url: start, type: 'POST', parameters: { a: '1' } } : { connection, url: start },
  })
  const proxied = (connection: string): Ask => {
    const path = `/proxy/${connection}/https/api.good.test/start`
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    return connection === 'form' ? { method: 'POST', path, headers: form, body: 'a=1' } : { method: 'GET', path }
  }

  it('the positive control: everybody in the table can be reached, and the credential stands where it should', async () => {
    expect(await namespace.tell({ do: 'knock', addresses: [goodAddress, '169.254.169.254', '127.0.0.1'] })).toHaveLength(3)
    expect((await doors.literal.invoke('https://evil.test/')).exchanged.taken).toHaveLength(1)
    for (const place of Object.keys(places)) {
      const { received, told } = await namespace.exchange(invoked(place))
      const sent = place === 'authorization' ? Buffer.from(`ada:${canary}`).toString('base64') : canary
      expect(received[0]?.text, told.text).toContain(sent)
    }
  })

  it.each(Object.entries(targets))('a redirect to %s', async (_, locations) => {
    for (const code of codes) {
      const more: More = { script: { '/start': redirect(code, locations), ...hops } }
      const asks = [
        ...Object.keys(places).map(place => ['invoke', place, invoked(place)] as const),
        // the proxy hands on whatever comes, so two places stand for all
        ...['authorization', 'form'].map(place => ['proxy', place, proxied(place)] as const),
      ]
      for (const [door, place, ask] of asks) {
        const exchanged = await namespace.exchange(ask, more)
        const where = `${code} ${place} ${door}: ${exchanged.told.text.slice(0, 300)}`
        onlyThere(exchanged, where)
        const { status, headers, text } = exchanged.told
        expect([status, headers['patchbay-problem']], where).toEqual([door === 'proxy' ? code : 200, undefined])
        const envelope = door === 'proxy' ? { status_code: status, headers } : (JSON.parse(text) as Envelope)
        expect(envelope.status_code, where).toBe(code)
        if (locations.length === 1 && locations[0]) expect(envelope.headers['location'], where).toBe(locations[0])
      }
      const { outcomes, exchanged } = await doors.run(true, [start], more)
      expect(outcomes, String(code)).toEqual([String(code)])
      onlyThere(exchanged, `${code} function`)
    }
  })

  it.each(['https://evil.test/\r\n\tnext', 'https://good.test/\nlocation: https://evil.test/', 'https://evil.test/\r/', '\u0000'])(
    'a redirect to %j: a header that is none is an answer or no answer, and nobody else is called',
    async location => {
      for (const ask of [invoked('x_api_key'), proxied('x_api_key')]) {
        const exchanged = await namespace.exchange(ask, { script: { '/start': redirect(302, [location]) } })
        expect(exchanged.told.text).not.toContain(canary)
        onlyThere(exchanged, exchanged.told.text)
      }
    },
  )

  it('nor what else asks to be followed: Refresh, Early Hints, Alt-Svc, Link', async () => {
    const hints =
      'HTTP/1.1 103 Early Hints\r\nlink: <https://evil.test/style.css>; rel=preload, <https://evil.test>; rel=preconnect\r\n\r\n'
    const head = [
      'HTTP/1.1 200 OK',
      'refresh: 0;url=https://evil.test/',
      'alt-svc: h2="evil.test:443"; ma=86400; persist=1, h3=":8443"',
      'link: <https://evil.test>; rel=preconnect',
      'content-location: https://evil.test/',
      'content-type: text/html',
      'content-length: 2',
      'connection: close',
    ]
    const more: More = { script: { '/start': `${hints}${head.join('\r\n')}\r\n\r\nok` } }
    for (const ask of [invoked('x_api_key'), proxied('x_api_key'), invoked('x_api_key'), proxied('x_api_key')]) {
      const exchanged = await namespace.exchange(ask, more)
      expect(exchanged.told.status, exchanged.told.text).toBe(200)
      onlyThere(exchanged, exchanged.told.text)
    }
  })

  describe('of an endpoint that receives the client secret', () => {
    const token = 'https://as.good.test/token'
    const elsewhere = ['https://evil.test/token', 'http://169.254.169.254/token', '/next', 'https://api.good.test/token']
    const each = async (use: (more: More, name: string) => Promise<Exchanged>) => {
      for (const code of codes)
        for (const [i, location] of elsewhere.entries()) {
          const exchanged = await use({ script: { '/token': redirect(code, [location]) } }, `${code}_${i}`)
          const where = `${code} to ${location}: ${exchanged.told.text.slice(0, 400)}`
          onlyThere(exchanged, where, '/token')
          expect(exchanged.received[0]?.text, where).toContain(clientSecret)
          expect(exchanged.told.text, where).not.toContain(clientSecret)
        }
    }
    const service = (definition: object) => doors.must(201, { method: 'POST', path: '/api/v1/services', body: definition })
    const withCode = { grant_type: 'authorization_code', authorize_url: 'https://as.good.test/authorize' }

    it('when a service is tried', async () => {
      await each(async more => {
        const { code, exchanged } = await doors.literal['token URL'](token, more)
        expect(code).toBe('not_a_token_endpoint')
        return exchanged
      })
    })

    it('when connecting with client credentials', async () => {
      await service(tokenDefinition('granted', token))
      await each(async (more, name) => {
        const body = { service: 'granted', name, link_name: `granted_${name}` }
        const exchanged = await namespace.exchange({ method: 'POST', path: '/api/v1/connections', body }, more)
        expect(exchanged.told.status, exchanged.told.text).toBeGreaterThanOrEqual(400)
        return exchanged
      })
    })

    it('when a code is redeemed', async () => {
      await service(tokenDefinition('coded', token, withCode))
      await each((more, name) => person.connect('coded', `coded_${name}`, more))
    })

    it('when a token is renewed: it stays what it was', async () => {
      await service(tokenDefinition('renewed', token, withCode))
      await person.connect('renewed', 'renewed', {
        script: { '/token': tokenAnswer({ access_token: canary, refresh_token: `${canary}-refresh` }) },
      })
      await each(async more => {
        await namespace.tell({ do: 'expire', connection: 'renewed' })
        const exchanged = await namespace.exchange({ ...invoked('renewed') }, more)
        expect(exchanged.told.status, exchanged.told.text).toBeGreaterThanOrEqual(400)
        return exchanged
      })
      await namespace.tell({ do: 'expire', connection: 'renewed' })
      const again = await namespace.exchange(invoked('renewed'), { script: { '/token': tokenAnswer({ access_token: `${canary}-2` }) } })
      expect(again.received.map(one => one.path)).toEqual(['/token', '/start'])
      expect(again.received[0]?.text).toContain(`${canary}-refresh`)
    })
  })

  it('nothing of it is written down with the credential', async () => {
    const sinks = await namespace.tell({ do: 'sinks' })
    const answers = namespace.answers.map(text => ['an answer', text] as const)
    expect(findSecrets([...sinks, ...answers], { canary, clientSecret })).toEqual([])
  })
})
