import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, joins, must, refusal, seen, until, walk, type Member } from '../support/practice-services.ts'
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { sinkScan } from '../support/sinks.ts'

type Json = Record<string, unknown>

const secrets = {
  'client secret': 'CANARY-client-secret-e25b07c4',
  'access token': 'CANARY-access-token-90ab3d1f',
  'refresh token': 'CANARY-refresh-token-6c41f7e8',
  'later refresh token': 'CANARY-later-refresh-token-7f3e9d52',
}

/**
 * Somebody wants a client secret, or refresh tokens, that they may use but not read: by editing where they are sent, or by filling in
 * the host. EVIL is open to the network and would answer.
 */
describe.each(['pglite', 'postgres'] as const)('X04 who receives a client secret [%s]', database => {
  let patchbay: TestPatchbay
  let good: ScriptedUpstream
  let evil: ScriptedUpstream
  /** Keeps the services; neither administrator. */
  let alice: Member
  let bob: Member
  let carol: Member

  beforeAll(async () => {
    ;[good, evil] = await Promise.all([startScriptedUpstream(), startScriptedUpstream()])
    for (const upstream of [good, evil]) {
      upstream.on('/authorize', (request, response) => {
        const query = new URL(request.url ?? '', good.url).searchParams
        const back = new URL(query.get('redirect_uri') ?? '')
        back.search = new URLSearchParams({ code: 'a-code', state: query.get('state') ?? '' }).toString()
        response.writeHead(302, { location: back.href }).end()
      })
      tokens(upstream, secrets['refresh token'])
    }
    patchbay = await startPatchbay({
      database,
      resolve: name => Promise.resolve([{ address: '127.0.0.1', port: (name.endsWith('evil.test') ? evil : good).port }]),
      settings: {
        PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${good.port},127.0.0.1/32:${evil.port}`,
        PATCHBAY_ALLOW_INSECURE_HTTP: 'id.good.test,evil.test,id.evil.test',
      },
    })
    await administrator(patchbay)
    alice = await joins(patchbay, 'Alice')
    bob = await joins(patchbay, 'Bob')
    carol = await joins(patchbay, 'Carol', 'administrator')
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await good.close()
    await evil.close()
  })

  function tokens(upstream: ScriptedUpstream, refresh_token: string): void {
    const body = { access_token: secrets['access token'], refresh_token, token_type: 'Bearer', expires_in: 3600 }
    upstream.on('/token', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)))
  }
  const path = (linkName: string) => `/api/v1/services/${linkName}`
  const at = (linkName: string) => `/api/v1/connections/${linkName}`
  const service = async (linkName: string, rest: Json = {}, host = 'id.good.test') =>
    must(
      await alice.ask('POST', '/api/v1/services', {
        link_name: linkName,
        name: linkName,
        auth_type: 'oauth2',
        client_id: 'client',
        client_secret: secrets['client secret'],
        authorize_url: `http://${host}/authorize`,
        access_token_url: `http://${host}/token`,
        revoke_token_url: `http://${host}/revoke`,
        scope_delimiter: 'space',
        scopes: [{ name: 'a' }, { name: 'b' }],
        api_hosts: ['id.good.test'],
        ...rest,
      }),
      201,
    )
  const create = (member: Member, of: string, linkName: string, variables?: Json): Promise<Answer> =>
    member.ask('POST', '/api/v1/connections', { service: of, name: linkName, link_name: linkName, ...(variables && { variables }) })
  /** In the browser, with the host of the service's page, which only our resolver knows, replaced by its address. */
  const finish = (member: Member, linkName: string, answer: Answer): Promise<void> =>
    walk(
      member.browser,
      String(must(answer, 201).json.authorization.url).replace('http://id.good.test', good.url),
      `/connections/${linkName}`,
    )
  const connected = async (member: Member, of: string, linkName: string, variables?: Json): Promise<void> =>
    finish(member, linkName, await create(member, of, linkName, variables))
  const sentTo = (upstream: ScriptedUpstream, text: string) => upstream.arrived.filter(one => one.body.toString().includes(text)).length

  it('listed hosts are the only ones: for connecting, for the test of the service, for everybody', async () => {
    await service('listed', { advanced: { variables: { host: { choices: ['id.good.test'] } } } }, '{host}')
    for (const member of [bob, alice, carol])
      for (const host of ['evil.test', 'id.good.test.evil.test', 'id.good.test@evil.test', 'evil.test/', '']) {
        if (host !== '') expect(refusal(await create(member, 'listed', 'never', { host })), host).toBe('validation_failed: variables.host')
        const tested = await member.ask('POST', `${path('listed')}/test`, { variables: { host } })
        if (host === '') must(tested, 200)
        else expect([tested.status, refusal(tested)], host).toEqual([422, 'validation_failed: variables.host'])
      }
    expect(evil.connections).toBe(0)
    await connected(bob, 'listed', 'listed_bob', { host: 'id.good.test' })
    expect(sentTo(good, secrets['client secret'])).toBeGreaterThan(0)
  })

  it('a host that is left open is named first by the keeper or an administrator, and then everybody may use it', async () => {
    await service('open', {}, '{host}')
    const attempts = (host: string): readonly (() => Promise<Answer>)[] => [
      () => create(bob, 'open', 'open_other', { host }),
      () => bob.ask('POST', `${path('open')}/test`, { variables: { host } }),
    ]
    for (const host of ['evil.test', 'id.evil.test', 'id.good.test'])
      for (const attempt of attempts(host)) expect(refusal(await attempt()), host).toBe('validation_failed: variables.host')
    await connected(alice, 'open', 'open_alice', { host: 'id.good.test' })
    await connected(bob, 'open', 'open_bob', { host: 'id.good.test' })
    for (const attempt of [
      ...attempts('evil.test'),
      () => bob.ask('POST', `${at('open_bob')}/authorize`, { variables: { host: 'evil.test' } }),
      () => bob.ask('PATCH', at('open_bob'), { scopes: ['a'], variables: { host: 'evil.test' } }),
    ])
      expect(refusal(await attempt())).toBe('validation_failed: variables.host')
    expect(evil.connections).toBe(0)
  })

  it('listing another host takes the client secret again, as moving the URL does', async () => {
    await service('relisted', { advanced: { variables: { host: { choices: ['id.good.test'] } } } }, '{host}')
    await connected(bob, 'relisted', 'relisted_bob', { host: 'id.good.test' })
    const before = must(await alice.ask('GET', path('relisted')), 200).json
    const patch = { advanced: { variables: { host: { choices: ['id.good.test', 'evil.test'] } } } }
    for (const edit of [patch, { advanced: { variables: { host: { default: 'evil.test' } } } }, { advanced: {} }])
      expect(refusal(await alice.ask('PATCH', path('relisted'), edit))).toBe('client_secret_required: client_secret')
    expect(must(await alice.ask('GET', path('relisted')), 200).json).toEqual(before)
    expect((await seen(bob.ask, 'relisted_bob'))['status']).toBe('connected')
    must(await alice.ask('PATCH', path('relisted'), { ...patch, client_secret: 'typed-again-0123' }), 200)
    expect(await seen(bob.ask, 'relisted_bob')).toMatchObject({ status: 'revoked', status_reason: 'service_edited' })
    expect(evil.connections).toBe(0)
  })

  it.each(['access_token_url', 'refresh_token_url', 'revoke_token_url'])(
    '04.1 04.2 %s moved with another secret: nothing that was stored goes there, by a call, a renewal, a revocation or a deletion',
    async field => {
      const linkName = `moved_${field.slice(0, 3)}`
      await service(linkName)
      await connected(alice, linkName, `${linkName}_alice`)
      await connected(bob, linkName, `${linkName}_bob`)
      await sql`update credentials set expires_at = now() - interval '1 minute'`.execute(patchbay.broker.db)
      patchbay.broker.calls.forgetAll()
      const told = good.arrived.filter(one => one.target === '/revoke').length
      must(await alice.ask('PATCH', path(linkName), { [field]: 'http://evil.test/token', client_secret: 'typed-again-0123' }), 200)
      for (const member of [alice, bob]) {
        const own = `${linkName}_${member === alice ? 'alice' : 'bob'}`
        const call = await member.ask('POST', '/api/v1/invoke', { connection: own, url: 'http://id.good.test/api' })
        expect(refusal(call)).toBe('connection_revoked')
        await member.ask('POST', `${at(own)}/test`)
        await member.ask('POST', `${at(own)}/revoke`)
        must(await member.ask('DELETE', at(own)), 204)
      }
      // the service hears of it at the URL that it was connected with
      await until(
        () => Promise.resolve(good.arrived.filter(one => one.target === '/revoke').length),
        now => now >= told + 2,
      )
      expect(evil.connections).toBe(0)
    },
  )

  it('04.3 an edit while a renewal is under way: it ends where it began, and what it brought is given back there', async () => {
    await service('racing')
    await connected(bob, 'racing', 'racing')
    await sql`update credentials set expires_at = now() - interval '1 minute'`.execute(patchbay.broker.db)
    patchbay.broker.calls.forgetAll()
    let answer = (): void => undefined
    const asked = new Promise<void>(arrived => {
      good.on('/token', (_, response) => {
        answer = () => {
          const body = { access_token: secrets['access token'], refresh_token: secrets['later refresh token'], token_type: 'Bearer' }
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
        }
        arrived()
      })
    })
    const call = bob.ask('POST', '/api/v1/invoke', { connection: 'racing', url: 'http://id.good.test/api' })
    await asked
    must(await alice.ask('PATCH', path('racing'), { access_token_url: 'http://evil.test/token', client_secret: 'typed-again-0123' }), 200)
    answer()
    expect(refusal(await call)).toBe('connection_revoked')
    tokens(good, secrets['refresh token'])
    expect(await seen(bob.ask, 'racing')).toMatchObject({ status: 'revoked', status_reason: 'service_edited' })
    await until(
      () => Promise.resolve(sentTo(good, secrets['later refresh token'])),
      now => now > 0,
    )
    expect(evil.connections).toBe(0)
  })

  it('and nothing of it is in a log line, an answer or a column; EVIL could be reached all the time', async () => {
    expect(evil.connections).toBe(0)
    expect(await sinkScan(patchbay, secrets)).toEqual([])
    await service('reaching', {}, '{host}')
    must(await carol.ask('POST', `${path('reaching')}/test`, { variables: { host: 'evil.test' } }), 200)
    expect(sentTo(evil, secrets['client secret'])).toBe(1)
  })
})
