import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startPractice, type Practice } from '../../src/practice/server.ts'
import { freshDataDir, missingDataDir, setUpTimeoutMs } from '../support/databases.ts'
import { eventually, startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startOidcProvider, type OidcProvider } from '../support/oidc.ts'
import { freePort, type Answer } from '../support/patchbay.ts'
import { createPostgresDatabase } from '../support/postgres.ts'
import { ready } from '../support/process.ts'
import { launchPuppet, type Puppet } from '../support/puppet.ts'

const outcomes = (answers: readonly Answer[]) => [
  ...new Set(answers.map(one => `${one.status} ${String(one.json.status_code ?? one.json.code)}`)),
]
const tokens = (answers: readonly Answer[]) => new Set(answers.map(one => one.json.body.token_number as unknown))

/** A service with its own token endpoint, and the connection whose token is renewed there. */
interface Slow {
  readonly ms: number
  readonly rotation: 'none' | 'grace' | 'strict'
  readonly practice: Practice
  readonly story: OAuthStory
  readonly name: string
}

describe.each([
  ['postgres', 4],
  ['pglite', 1],
] as const)('R-1 all processes refresh once [%s]', { timeout: 180_000 }, (database, processes) => {
  const practices: Practice[] = []
  const all: Puppet[] = []
  let oidc: OidcProvider
  const slow: Slow[] = []
  /** The first: everything but a slow answer is tried there. */
  let story: OAuthStory
  let practice: Practice

  beforeAll(async () => {
    for (let i = 0; i < 4; i++) practices.push(await startPractice({ host: '127.0.0.1', port: 0 }))
    oidc = await startOidcProvider()
    const ports = [...practices.map(one => one.port), oidc.port]
    const publicPort = await freePort()
    const settings = {
      PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${publicPort}`,
      PATCHBAY_DATA_DIR: database === 'pglite' ? await freshDataDir() : missingDataDir(),
      PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64'),
      PATCHBAY_CALLS_UNDER_WAY: '10000',
      PATCHBAY_CALLS_UNDER_WAY_ORGANIZATION: '10000',
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: ports.map(port => `127.0.0.1/32:${port}`).join(','),
      PATCHBAY_ALLOW_INSECURE_HTTP: ports.map(port => `127.0.0.1:${port}`).join(','),
      ...(database === 'postgres' && { PATCHBAY_DATABASE_URL: await createPostgresDatabase() }),
    }
    const begin = async (port: number) => {
      const puppet = launchPuppet({ ...settings, PATCHBAY_PORT: String(port) }, practices[0]?.url ?? '', `http://127.0.0.1:${port}`)
      all.push(puppet)
      return ready(puppet)
    }
    const first = await begin(publicPort)
    const others = await Promise.all(Array.from({ length: processes - 1 }, freePort))
    await Promise.all(others.map(begin))

    const kinds = [
      { ms: 0, rotation: 'strict' },
      { ms: 150, rotation: 'grace' },
      { ms: 5_000, rotation: 'strict' },
      { ms: 12_000, rotation: 'none' },
    ] as const
    for (const [i, kind] of kinds.entries()) {
      const own = practices[i]
      if (!own) throw new Error('one practice service each')
      const told = await startOAuthStory({ ...first, practiceUrl: own.url })
      const name = await told.connect(await told.service(`slow_${kind.ms}`, { habits: { rotation: kind.rotation } }), `slow_${kind.ms}`)
      slow.push({ ...kind, practice: own, story: told, name })
    }
    practice = practices[0] as Practice
    story = slow[0]?.story as OAuthStory
  }, 2 * setUpTimeoutMs)
  afterAll(async () => {
    await Promise.all(all.map(one => one.end('SIGKILL')))
    for (const one of practices) await one.close()
    await oidc.close()
  })
  beforeEach(() => {
    for (const { state } of practices) {
      state.misbehaviours = []
      state.counters.token = {}
    }
  })

  const the = (index: number): Puppet => all[index % all.length] as Puppet
  /** As a client does that is told to come again: hundreds at once may be more than ten database sessions serve in time. */
  const call = async ({ admin }: Puppet, connection: string, url: string): Promise<Answer> => {
    for (const until = Date.now() + 60_000; ;) {
      const answer = await admin('POST', '/api/v1/invoke', { connection, url })
      if (answer.json.code !== 'storage_unavailable' || Date.now() > until) return answer
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  }
  /** So many calls on every process at once. */
  const everywhere = (count: number, connection: string, url: string): Promise<Answer[]> =>
    Promise.all(all.flatMap(one => Array.from({ length: count }, () => call(one, connection, url))))
  /** Everywhere, so that nobody remembers another end. */
  const ends = async (name: string, inSeconds: number) => {
    for (const one of all)
      await one.sql(`update credentials k set expires_at = now() + make_interval(secs => ${inSeconds}), lifetime_seconds = 3600
        from connections c where c.id = k.connection_id and c.link_name like '${name}'`)
  }
  const refreshes = ({ state }: Practice) => state.counters.token.refresh_token
  /** Connections that need nobody's browser. */
  const robots = async (own: OAuthStory, service: string, count: number) => {
    await own.service(service, { rest: { grant_type: 'client_credentials', authorize_url: null, revoke_token_url: null } })
    const names = Array.from({ length: count }, (_, i) => `${service}_${i}`)
    // no more at once than there are sessions in the pool
    for (let i = 0; i < count; i += 8)
      await Promise.all(
        names.slice(i, i + 8).map(async name => {
          const created = await own.ada.ask('POST', '/api/v1/connections', { service, name, link_name: name, scopes: ['files.read'] })
          expect(created.status, created.text).toBe(201)
        }),
      )
    return names
  }

  it('hundreds of callers of a token that ended make one token request each, at endpoints of 0, 0.15, 5 and 12 s; nobody else waits', async () => {
    const last = slow[3] as Slow
    const waiting = await robots(last.story, 'crowd', 30)
    const [bystander = ''] = await robots(story, 'bystander', 1)
    for (const one of slow) await ends(one.name, -1)
    await ends('crowd%', -1)
    for (const one of slow) await one.story.control('expire')
    await ends(bystander, 3600)
    await story.invoke(bystander)
    for (const { ms, story: told } of slow) if (ms > 0) await told.control('misbehave', { endpoint: 'token', kind: 'slow', ms, times: 100 })
    practice.state.counters.token = {}

    const bursts = slow.map(one => everywhere(one.ms === 0 ? 100 : 25, one.name, `${one.practice.url}/api/echo`))
    const crowd = Promise.all(waiting.map((name, i) => call(the(i), name, `${last.practice.url}/api/echo`)))
    await Promise.all(bursts.slice(0, 2))
    const aside: number[] = []
    for (let i = 0; i < 40; i++) {
      const since = performance.now()
      expect((await call(the(i), bystander, `${practice.url}/api/echo`)).json.status_code).toBe(200)
      aside.push(performance.now() - since)
    }
    expect(aside.sort((a, b) => a - b)[20], 'the pool has ten sessions, and 34 refreshes wait').toBeLessThan(2_000)

    for (const [i, one] of slow.entries()) {
      const answers = await (bursts[i] as Promise<Answer[]>)
      expect(outcomes(answers), `${one.ms} ms`).toEqual(['200 200'])
      expect(tokens(answers).size, `${one.ms} ms`).toBe(1)
      expect(refreshes(one.practice), `${one.ms} ms`).toEqual({ ok: 1 })
      expect(one.practice.state.counters.old_refresh_tokens_presented).toBe(0)
      expect(await one.story.connection(one.name)).toMatchObject({ status: 'connected' })
    }
    expect(outcomes(await crowd)).toEqual(['200 200'])
    expect(last.practice.state.counters.token['client_credentials'], '30 to connect, 30 to renew').toEqual({ ok: 60 })
  })

  it('the same against a provider that somebody else wrote, which ends the family of a token that comes twice', async () => {
    const registered = await oidc.register(`${all[0]?.base}/oauth/callback/default/oidc`, {
      token_endpoint_auth_method: 'client_secret_post',
    })
    const created = await story.ada.ask('POST', '/api/v1/services', {
      link_name: 'oidc',
      name: 'oidc',
      auth_type: 'oauth2',
      client_id: registered.client_id,
      client_secret: registered.client_secret,
      authorize_url: `${oidc.issuer}/auth`,
      access_token_url: `${oidc.issuer}/token`,
      scopes: ['openid', 'files.read', 'offline_access'].map(name => ({ name, description: '' })),
      scope_delimiter: 'space',
      advanced: { issuer: oidc.issuer, authorize_params: { prompt: 'consent' } },
    })
    expect(created.status, created.text).toBe(201)
    await story.connect('oidc', 'oidc', { scopes: ['openid', 'files.read', 'offline_access'] })
    oidc.delayMs = 500
    for (let round = 1; round <= 2; round++) {
      await ends('oidc', -1)
      expect(outcomes(await everywhere(50, 'oidc', `${oidc.issuer}/me`))).toEqual(['200 200'])
      expect([oidc.seen.get('refresh_token ok'), oidc.seen.get('refresh_token invalid_grant'), oidc.grantsRevoked()]).toEqual([
        round,
        undefined,
        0,
      ])
    }
  })

  it('fifty connections at once make fifty token requests', async () => {
    const names = await robots(story, 'fifty', 50)
    await ends('fifty%', -1)
    practice.state.counters.token = {}
    const answers = await Promise.all(names.map(name => everywhere(1, name, `${practice.url}/api/echo`)))
    expect(outcomes(answers.flat())).toEqual(['200 200'])
    expect(practice.state.counters.token['client_credentials']).toEqual({ ok: 50 })
  })

  it('a storm of 401 on some processes and an end that others know of make one refresh', async () => {
    const { name } = slow[0] as Slow
    await ends(name, 3600)
    await everywhere(1, name, `${practice.url}/api/echo`)
    await story.control('expire')
    await the(all.length - 1).sql(`update credentials set expires_at = now() - interval '1 second'`)
    practice.state.counters.token = {}
    const answers = await everywhere(100, name, `${practice.url}/api/echo`)
    expect(outcomes(answers)).toEqual(['200 200'])
    expect(refreshes(practice)).toEqual({ ok: 1 })
  })

  if (processes > 1)
    it('who is stopped with the lease and wakes with the new token heals what another had to give up', async () => {
      const { name } = slow[0] as Slow
      await ends(name, -1)
      practice.state.counters.token = {}
      // the first answer takes effect and is late; who shows the used token meanwhile is refused
      await story.control('misbehave', { endpoint: 'token', kind: 'slow', ms: 1_500 })
      await story.control('misbehave', { endpoint: 'token', status: 400, body: { error: 'invalid_grant' } })
      const stopped = the(1)
      const late = call(stopped, name, `${practice.url}/api/echo`)
      await eventually(
        'the refresh',
        async () => refreshes(practice)?.['ok'],
        count => count === 1,
      )
      stopped.process.kill('SIGSTOP')
      try {
        const held = await the(0).sql(`update credentials k set lease_until = now() - interval '1 second' from connections c
          where c.id = k.connection_id and c.link_name = '${name}' and lease_owner is not null returning generation`)
        expect(held).toHaveLength(1)
        const given = await call(the(0), name, `${practice.url}/api/echo`)
        expect([given.json.code, given.json.reason]).toEqual(['reauthorization_required', 'lost_rotation'])
      } finally {
        stopped.process.kill('SIGCONT')
      }
      expect((await late).json.status_code).toBe(200)
      expect(await story.connection(name)).toMatchObject({ status: 'connected', status_reason: null })
      await eventually(
        'the others',
        () => everywhere(1, name, `${practice.url}/api/echo`),
        answers => outcomes(answers).join() === '200 200',
      )
      expect(refreshes(practice)).toEqual({ ok: 1 })
      const audit = await the(0).admin('GET', '/api/v1/audit?limit=20')
      const told = (audit.json.data as { action: string }[]).map(row => row.action)
      expect([told.includes('connection.lost_rotation'), told.includes('connection.rotation_found')]).toEqual([true, true])
    })
})
