import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  basicDefinition,
  connect,
  counters,
  joins,
  keyDefinition,
  must,
  oauth2Definition,
  practice,
  practiceHost,
  practiceUrl,
  refusal,
  registerClient,
  type Member,
} from '../support/practice-services.ts'

type Json = Record<string, unknown>

/** What somebody is told; the fields of a part of the request without the part's name. */
const told = ({ status, json }: Answer, part = '') => {
  const { code, detail, errors = [] } = json as { code: string; detail: string; errors?: { path: string; message: string }[] }
  for (const one of errors) expect(one.path.startsWith(part), `${one.path} is not of ${part}`).toBe(true)
  return { status, code, detail, errors: errors.map(one => ({ ...one, path: one.path.slice(part.length) })) }
}

describe.each(['pglite', 'postgres'] as const)('a service that is not stored yet [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let bob: Member
  const oauth2 = (linkName = 'files', rest: Json = {}) =>
    oauth2Definition(patchbay, linkName, { client_id: 'an id', client_secret: 'a secret' }, rest)
  const check = (body: Json, member = bob) => member.ask('POST', '/api/v1/services/check', body)

  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    bob = await joins(patchbay, 'Bob')
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'taken')), 201)
    await connect(ada, { service: 'taken', link_name: 'hers', credentials: { 'X-Api-Key': 'practice-key' } })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  /** Everything that creating a service or a connection would leave behind. */
  const stored = async () => {
    const services = must(await ada.ask('GET', '/api/v1/services?kind=custom&limit=100'), 200).json.data as { link_name: string }[]
    const connections = must(await ada.ask('GET', '/api/v1/connections?view=all&limit=100'), 200).json.data as { link_name: string }[]
    const audit = must(await ada.ask('GET', '/api/v1/audit?limit=100'), 200).json.data as { action: string }[]
    return { services: services.map(one => one.link_name), connections: connections.map(one => one.link_name), audit: audit.length }
  }
  const calls = async () => {
    const { token_requests, authorize, api } = await counters(patchbay)
    return { token_requests, authorize, api }
  }

  it('is answered with the hosts that creating it stores, derived or named; nothing is stored and nobody is called', async () => {
    const before = [await stored(), await calls()]
    const urls = {
      authorize_url: 'https://login.mailchimp.com/oauth2/authorize',
      access_token_url: 'https://login.mailchimp.com/oauth2/token',
      revoke_token_url: null,
    }
    const connection = { name: 'Files', link_name: 'files', scopes: ['a'] }
    const bodies = [
      oauth2(),
      oauth2('mail', urls),
      oauth2('regions', { access_token_url: 'https://accounts.{dc}/token' }),
      oauth2('hosts', { api_hosts: ['API.Example.com', '*.example.org'] }),
      basicDefinition(patchbay, 'basic'),
    ]
    const answers = []
    for (const body of bodies) answers.push(must(await check(body), 200).json)
    must(await check({ ...oauth2('files', { scopes: [{ name: 'a' }, { name: 'b' }] }), connection }), 200)
    expect(answers[0]).toEqual({ api_hosts: [practiceHost(patchbay)], every_host: false })
    expect((answers[1] as { api_hosts: string[] }).api_hosts).toContain('*.api.mailchimp.com')
    expect([await stored(), await calls()]).toEqual(before)

    for (const [at, body] of bodies.entries()) {
      const { api_hosts, every_host } = must(await bob.ask('POST', '/api/v1/services', body), 201).json
      expect(answers[at], String(body['link_name'])).toEqual({ api_hosts, every_host })
      must(await bob.ask('DELETE', `/api/v1/services/${String(body['link_name'])}`), 204)
    }
  })

  it('each refusal is the one of creating it', async () => {
    const wrong: [Json, string][] = [
      [{}, 'validation_failed: auth_type'],
      [oauth2('Upper'), 'validation_failed: link_name'],
      [oauth2('taken'), 'link_name_taken: link_name'],
      [oauth2('box'), 'link_name_taken: link_name'],
      [oauth2('requests'), 'validation_failed: link_name'],
      [oauth2('files', { name: 'x'.repeat(51) }), 'validation_failed: name'],
      [oauth2('files', { authorize_url: 'ftp://x.test' }), 'validation_failed: authorize_url'],
      [oauth2('files', { client_id: null }), 'validation_failed: client_id'],
      [oauth2('files', { scopes: [{ name: 'a' }, { name: 'a' }] }), 'validation_failed: scopes'],
      [oauth2('files', { advanced: { no_such_knob: 1 } }), 'validation_failed: advanced.no_such_knob'],
      [oauth2('files', { api_hosts: ['*'] }), 'validation_failed: api_hosts'],
      [oauth2('files', { colour: 'red' }), 'validation_failed: colour'],
      [keyDefinition(patchbay, 'key', { parameters: [] }), 'validation_failed: parameters'],
      [keyDefinition(patchbay, 'key', { client_secret: 'x' }), 'validation_failed: client_secret'],
      [basicDefinition(patchbay, 'basic', { api_hosts: [] }), 'validation_failed: api_hosts'],
    ]
    for (const [body, code] of wrong) {
      const answer = await check(body)
      expect(refusal(answer), JSON.stringify(body)).toBe(code)
      expect(told(answer)).toEqual(told(await bob.ask('POST', '/api/v1/services', body)))
    }
  })

  it('each refusal of its connection is the one of creating that, below "connection."', async () => {
    const service = (linkName: string) =>
      keyDefinition(patchbay, linkName, {
        parameters: [{ name: 'X-Api-Key', display_name: 'Key' }],
        advanced: { base_url: 'https://{domain}.example.test/' },
      })
    const withScopes = (linkName: string) => oauth2(linkName, { scopes: [{ name: 'read' }] })
    must(await bob.ask('POST', '/api/v1/services', service('stored_key')), 201)
    must(await bob.ask('POST', '/api/v1/services', withScopes('stored_oauth2')), 201)
    const before = await stored()
    const good = { name: 'Mine', link_name: 'mine' }
    const wrong: [Json, string][] = [
      [{ ...good, name: '' }, 'validation_failed: name'],
      [{ ...good, link_name: 'No' }, 'validation_failed: link_name'],
      [{ ...good, link_name: undefined }, 'validation_failed: link_name'],
      [{ ...good, link_name: 'hers' }, 'link_name_taken: link_name'],
      [{ ...good, scopes: ['write'] }, 'validation_failed: scopes'],
      [{ ...good, access: { members: ['nobody'] } }, 'validation_failed: access.members.0'],
      [{ ...good, variables: { other: 'x' } }, 'validation_failed: variables.other'],
      [{ ...good, variables: { domain: 'evil/' }, credentials: { 'X-Api-Key': 'k' } }, 'validation_failed: variables.domain'],
      [{ ...good, variables: { domain: 'x' }, credentials: { 'X-Api-Key': '' } }, 'validation_failed: credentials.X-Api-Key'],
      [{ ...good, return_to: 'https://evil.test/' }, 'validation_failed: return_to'],
      [{ ...good, colour: 'red' }, 'validation_failed: colour'],
    ]
    const same = async (definition: (linkName: string) => Json, of: string, connection: Json, code: string) => {
      const answer = await check({ ...definition('unstored'), connection })
      const real = await bob.ask('POST', '/api/v1/connections', { ...connection, service: of })
      expect(refusal(real), JSON.stringify(connection)).toBe(code)
      expect(told(answer, 'connection.')).toEqual(told(real))
    }
    for (const [connection, code] of wrong) await same(service, 'stored_key', connection, code)
    await same(withScopes, 'stored_oauth2', { ...good, scopes: ['write'] }, 'validation_failed: scopes.0')
    must(await check({ ...service('unstored'), connection: { ...good, variables: { domain: 'x' } } }), 200)
    expect(refusal(await check({ ...service('unstored'), connection: { ...good, service: 'box' } }))).toBe(
      'validation_failed: connection.service',
    )
    expect(await stored()).toEqual(before)
  })

  it('its token endpoint is tried like that of a stored one, and its secret is told nobody', async () => {
    const client = await registerClient(patchbay, 'tried')
    const test = (body: Json, member = bob) => member.ask('POST', '/api/v1/services/test', body)
    const before = await stored()
    const outcome = async (rest: Json) => must(await test(oauth2Definition(patchbay, 'tried', client, rest)), 200).json.outcome as string
    const accepted = must(await test(oauth2Definition(patchbay, 'tried', client)), 200)
    expect(accepted.json.outcome).toBe('client_accepted')
    expect(accepted.json.steps.length).toBeGreaterThan(1)
    expect(accepted.text).not.toContain(client.client_secret)
    expect(await outcome({ client_secret: 'another secret' })).toBe('client_refused')
    expect(await outcome({ access_token_url: `${practiceUrl(patchbay)}/open/status/404` })).toBe('not_a_token_endpoint')
    const token = `${practiceUrl(patchbay)}/{place}/token`
    expect(await outcome({ access_token_url: token, variables: { place: 'oauth2' } })).toBe('client_accepted')
    expect(await stored()).toEqual(before)
    expect(patchbay.logged.join('')).not.toContain(client.client_secret)

    must(await bob.ask('POST', '/api/v1/services', oauth2Definition(patchbay, 'tried', client)), 201)
    const again = must(await bob.ask('POST', '/api/v1/services/tried/test', {}), 200).json
    expect(again.outcome).toBe('client_accepted')
  })

  it('the test goes nowhere that a call may not go', async () => {
    const before = await practice(patchbay, 'GET', '/practice/counters')
    for (const url of ['https://169.254.169.254/latest', 'https://127.0.0.1:1/token', 'https://localhost:22/']) {
      const definition = oauth2('elsewhere', { access_token_url: url })
      const unstored = await bob.ask('POST', '/api/v1/services/test', definition)
      must(await bob.ask('POST', '/api/v1/services', definition), 201)
      const kept = await bob.ask('POST', '/api/v1/services/elsewhere/test', {})
      must(await bob.ask('DELETE', '/api/v1/services/elsewhere'), 204)
      expect(unstored.status === 200 ? unstored.json.outcome : told(unstored), url).toEqual(
        kept.status === 200 ? kept.json.outcome : told(kept),
      )
      expect(unstored.status === 200 ? unstored.json.outcome : 'refused', url).not.toBe('client_accepted')
    }
    expect((await practice(patchbay, 'GET', '/practice/counters')).text).toBe(before.text)
    expect(refusal(await bob.ask('POST', '/api/v1/services/test', keyDefinition(patchbay, 'no_endpoint')))).toBe('test_not_available')
  })

  it('only who may create services checks and tests one', async () => {
    must(await ada.ask('PATCH', '/api/v1/settings', { who_may_create: 'administrators' }), 200)
    for (const path of ['/api/v1/services/check', '/api/v1/services/test']) {
      expect(refusal(await bob.ask('POST', path, oauth2())), path).toBe('forbidden')
      expect(refusal(await patchbay.nobody('POST', path, oauth2())), path).toBe('unauthenticated')
      must(await ada.ask('POST', path, oauth2()), 200)
    }
    must(await ada.ask('PATCH', '/api/v1/settings', { who_may_create: 'everyone' }), 200)
  })

  it('the list counts connections: an administrator’s everybody’s, a member’s their own', async () => {
    await connect(bob, { service: 'taken', link_name: 'his', credentials: { 'X-Api-Key': 'practice-key' } })
    await connect(bob, { service: 'taken', link_name: 'his_other', credentials: { 'X-Api-Key': 'practice-key' } })
    const counted = async (ask: Member['ask']) => {
      const { data } = must(await ask('GET', '/api/v1/services?limit=100&q=taken'), 200).json as { data: { connections: number }[] }
      return [data[0]?.connections, must(await ask('GET', '/api/v1/services/taken'), 200).json.connections]
    }
    expect(await counted(ada.ask)).toEqual([3, 3])
    expect(await counted(bob.ask)).toEqual([2, 2])
    expect(must(await ada.ask('GET', '/api/v1/services/box'), 200).json.connections).toBe(0)
    const created = must(await bob.ask('POST', '/api/v1/api-keys', { name: 'One', connections: ['his'] }), 201).json as { key: string }
    expect(await counted(patchbay.withKey(created.key))).toEqual([1, 1])
  })

  it('a connection says the grant type of its service, so that nobody opens a window for client credentials', async () => {
    const habits = { grant_types: ['client_credentials'] }
    const client = await registerClient(patchbay, 'robot', habits)
    const grant = { grant_type: 'client_credentials', authorize_url: null }
    must(await bob.ask('POST', '/api/v1/services', oauth2Definition(patchbay, 'robot', client, grant)), 201)
    const robot = await connect(bob, { service: 'robot', link_name: 'robot' })
    expect(robot['service']).toMatchObject({ auth_type: 'oauth2', grant_type: 'client_credentials' })
    expect(must(await bob.ask('GET', '/api/v1/connections/his'), 200).json.service.grant_type).toBe(null)
  })
})
