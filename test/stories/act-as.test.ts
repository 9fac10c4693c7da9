import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import {
  administrator,
  call,
  connect,
  counters,
  joins,
  keyDefinition,
  must,
  oauth2Service,
  practiceHost,
  practiceUrl,
  refusal,
  seen,
  walk,
  type Member,
} from '../support/practice-services.ts'

type Json = Record<string, unknown>

/** Accounts at the service; the echo tells which one a token is of. */
const account = { ada: 'ada@practice.example', grace: 'grace@practice.example' }

describe.each(['pglite', 'postgres'] as const)('C-9 act_as [%s]', database => {
  let patchbay: TestPatchbay
  let ada: Member
  let bob: Member
  let carol: Member
  let bot: string

  beforeAll(async () => {
    patchbay = await startPatchbay({ database })
    ada = await administrator(patchbay)
    bob = await joins(patchbay, 'Bob')
    carol = await joins(patchbay, 'Carol')
    await oauth2Service(patchbay, 'drive')
    // everybody with an account of their own; and one that is the owner's
    await connect(ada, { service: 'drive', link_name: 'personal', use_login_user_credentials: true, access: 'organization' })
    await connect(ada, { service: 'drive', link_name: 'team', access: 'organization' })
    await authorises(bob, 'personal', 'grace')
    must(await ada.ask('POST', '/api/v1/services', keyDefinition(patchbay, 'key')), 201)
    await connect(ada, { service: 'key', link_name: 'private', credentials: { 'X-Api-Key': 'practice-key' } })
    bot = await makeKey(ada.ask, { name: 'bot', act_as: true, connections: ['personal', 'team', 'private'] })
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const makeKey = async (ask: Asker, body: Json): Promise<string> =>
    String((must(await ask('POST', '/api/v1/api-keys', body), 201).json as Json)['key'])

  /** In this member's browser, with this account of the service. */
  async function authorises(member: Member, linkName: string, as: string): Promise<void> {
    const { authorization } = must(await member.ask('POST', `/api/v1/connections/${linkName}/authorize`, {}), 200).json as {
      authorization: { url: string }
    }
    await walk(member.browser, `${authorization.url}&account=${as}`, `/connections/${linkName}`)
  }

  const acting = (subject: string | null, key = bot): Asker =>
    patchbay.withKey(key, subject === null ? {} : { 'patchbay-subject': subject })
  const echo = (ask: Asker, linkName: string) => call(patchbay, ask, linkName, '/api/echo')
  const accountOf = (answer: Answer) => (must(answer, 200).json as { body: { account: string } }).body.account
  const proxied = (ask: Asker, linkName: string) => ask('GET', `/proxy/${linkName}/http/${practiceHost(patchbay)}/api/me`)

  it('a call for somebody uses their own authorisation, whether named by id or by e-mail', async () => {
    expect(accountOf(await echo(acting(null), 'personal'))).toBe(account.ada)
    for (const subject of [bob.id, bob.email, bob.email.toUpperCase()]) {
      expect(accountOf(await echo(acting(subject), 'personal')), subject).toBe(account.grace)
      expect((must(await proxied(acting(subject), 'personal'), 200).json as Json)['email'], subject).toBe(account.grace)
    }
    for (const subject of [ada.id, ada.email]) expect(accountOf(await echo(acting(subject), 'personal'))).toBe(account.ada)
  })

  it('a connection without login-user credentials keeps using its owner’s, for whomever', async () => {
    for (const subject of [null, bob.id, carol.email]) expect(accountOf(await echo(acting(subject), 'team'))).toBe(account.ada)
  })

  it('somebody who has not authorised it gets a link for exactly that person, and nobody’s token is used instead', async () => {
    const before = (await counters(patchbay)).api
    for (const answer of [await echo(acting(carol.id), 'personal'), await proxied(acting(carol.email), 'personal')]) {
      expect([answer.status, refusal(answer)]).toEqual([409, 'authorization_required'])
      const url = new URL((answer.json as { connect_url: string }).connect_url)
      expect(url.href.startsWith(`${patchbay.base}/connect?`)).toBe(true)
      expect(Object.fromEntries(url.searchParams)).toEqual({ organization: 'default', connection: 'personal', for: carol.id })
    }
    expect((await counters(patchbay)).api).toEqual(before)
  })

  it('authorize for somebody makes a flow that only this person can finish', async () => {
    const dora = await joins(patchbay, 'Dora')
    const started = must(await acting(dora.id)('POST', '/api/v1/connections/personal/authorize', {}), 200).json as {
      authorization: { kind: string; url: string }
    }
    expect(started.authorization.kind).toBe('redirect')
    expect(started.authorization.url).toMatch(new RegExp(`^${patchbay.base}/connect/`))
    const others = await bob.browser.visit(started.authorization.url)
    expect(others.status).toBe(403)
    const own = await dora.browser.visit(started.authorization.url)
    expect(own.status, own.text).toBe(200)
    expect(refusal(await echo(acting(dora.id), 'personal'))).toBe('authorization_required')
    await authorises(dora, 'personal', 'grace')
    expect(accountOf(await echo(acting(dora.id), 'personal'))).toBe(account.grace)
    expect(accountOf(await echo(acting(null), 'personal'))).toBe(account.ada)
  })

  it('calls that alternate between people never mix their tokens', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => echo(acting(i % 3 === 0 ? null : i % 3 === 1 ? bob.id : ada.email), 'personal')),
    )
    answers.forEach((answer, i) => expect(accountOf(answer), String(i)).toBe(i % 3 === 1 ? account.grace : account.ada))
  })

  it('revoking for one person leaves the others', async () => {
    const erin = await joins(patchbay, 'Erin')
    await authorises(erin, 'personal', 'grace')
    expect(accountOf(await echo(acting(erin.id), 'personal'))).toBe(account.grace)
    must(await erin.ask('POST', '/api/v1/connections/personal/revoke', {}), 200)
    expect(refusal(await echo(acting(erin.id), 'personal'))).toBe('connection_revoked')
    expect(accountOf(await echo(acting(bob.id), 'personal'))).toBe(account.grace)
    expect((await seen(bob.ask, 'personal'))['status']).toBe('connected')
  })

  it('anybody else’s header is refused, never ignored: other keys and sessions', async () => {
    const plain = await makeKey(ada.ask, { name: 'plain' })
    const limited = await makeKey(ada.ask, { name: 'limited', connections: ['personal'] })
    const bobs = await makeKey(bob.ask, { name: 'bob' })
    for (const key of [plain, limited, bobs])
      for (const subject of [ada.id, bob.id, bob.email, 'nobody@example.test'])
        for (const ask of [
          () => echo(acting(subject, key), 'personal'),
          () => proxied(acting(subject, key), 'personal'),
          () => acting(subject, key)('POST', '/api/v1/connections/personal/authorize', {}),
          () => acting(subject, key)('GET', '/api/v1/connections/personal'),
        ]) {
          const answer = await ask()
          expect([answer.status, refusal(answer)]).toEqual([403, 'act_as_not_allowed'])
        }
    const session = await ada.browser.ask(
      'POST',
      '/api/v1/invoke',
      { connection: 'personal', url: `${practiceUrl(patchbay)}/api/echo` },
      { 'patchbay-subject': bob.id },
    )
    expect([session.status, refusal(session)]).toEqual([403, 'act_as_not_allowed'])
  })

  it('a subject that names nobody here is refused: empty, two of them, a stranger, a member of another organisation', async () => {
    const strangers = [
      '',
      ' ',
      ',',
      `${bob.id},${carol.id}`,
      `${bob.id}, `,
      'nobody@example.test',
      '00000000-0000-0000-0000-000000000000',
      '*',
      'bob',
    ]
    for (const subject of strangers) {
      const answer = await echo(acting(subject), 'personal')
      expect([answer.status, refusal(answer)], JSON.stringify(subject)).toEqual([403, 'act_as_not_allowed'])
      expect(refusal(await proxied(acting(subject), 'personal')), JSON.stringify(subject)).toBe('act_as_not_allowed')
    }
    must(await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: `other-${database}` }), 201)
    must(await ada.browser.ask('PUT', '/api/v1/me/organization', { slug: `other-${database}` }), 200)
    const invited = must(await ada.browser.ask('POST', '/api/v1/members/invitations', { email: 'mallory@example.test', role: 'user' }), 201)
    const token =
      String((invited.json as Json)['accept_url'])
        .split('/')
        .at(-1) ?? ''
    const mallory = patchbay.browser()
    const accepted = must(
      await mallory.ask('POST', `/api/v1/invitations/${token}/accept`, { name: 'Mallory', password: 'correct horse battery' }),
      200,
    )
    const { user } = accepted.json as { user: { id: string } }
    must(await ada.browser.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
    for (const subject of [user.id, 'mallory@example.test']) {
      const answer = await echo(acting(subject), 'personal')
      expect([answer.status, refusal(answer)]).toEqual([403, 'act_as_not_allowed'])
    }
  })

  it('two headers are refused, by invoke and by the proxy', async () => {
    for (const [method, path] of [
      ['POST', '/api/v1/invoke'],
      ['GET', `/proxy/personal/http/${practiceHost(patchbay)}/api/me`],
    ] as const)
      for (const subjects of [
        [bob.id, bob.id],
        [bob.id, carol.id],
        ['', bob.id],
      ]) {
        const status = await new Promise<number | undefined>((resolve, reject) => {
          const body = method === 'POST' ? JSON.stringify({ connection: 'personal', url: `${practiceUrl(patchbay)}/api/echo` }) : ''
          const headers = [
            'Authorization',
            `Bearer ${bot}`,
            'Content-Type',
            'application/json',
            'Host',
            'localhost',
            ...subjects.flatMap(one => ['Patchbay-Subject', one]),
          ]
          const { hostname, port } = new URL(patchbay.base)
          const request = httpRequest(
            { host: hostname, port, path, method, headers: [...headers, 'Content-Length', String(body.length)] },
            response => {
              response.resume()
              resolve(response.statusCode)
            },
          )
          request.on('error', reject).end(body)
        })
        expect(status).toBe(403)
      }
  })

  it('such a key is an administrator’s to make, names its connections, and sees no others', async () => {
    expect(refusal(await ada.ask('POST', '/api/v1/api-keys', { name: 'everything', act_as: true }))).toBe('validation_failed: connections')
    expect(refusal(await bob.ask('POST', '/api/v1/api-keys', { name: 'mine', act_as: true, connections: ['personal'] }))).toBe('forbidden')
    const narrow = await makeKey(ada.ask, { name: 'narrow', act_as: true, connections: ['team'] })
    expect(refusal(await echo(acting(bob.id, narrow), 'personal'))).toBe('connection_not_found')
    expect(accountOf(await echo(acting(bob.id, narrow), 'team'))).toBe(account.ada)
  })

  it('acting for somebody gives no right that the key’s own member lacks, and none of that person’s others', async () => {
    must(await call(patchbay, acting(bob.id), 'private', '/key/echo'), 200)
    must(await ada.ask('DELETE', '/api/v1/connections/private'), 204)
    await connect(bob, { service: 'key', link_name: 'private', credentials: { 'X-Api-Key': 'practice-key' } })
    // of the same name, but Bob's own now; the key is Ada's
    expect(refusal(await call(patchbay, acting(bob.id), 'private', '/key/echo'))).toBe('connection_not_found')
    for (const [method, path, body] of [
      ['POST', '/api/v1/api-keys', { name: 'x' }],
      ['GET', '/api/v1/members', undefined],
      ['GET', '/api/v1/audit', undefined],
      ['POST', '/api/v1/services', {}],
    ] as const)
      expect(refusal(await acting(bob.id)(method, path, body)), path).toBe('forbidden')
  })

  it('a member who is removed is nobody’s subject any more, at once', async () => {
    const fred = await joins(patchbay, 'Fred')
    await authorises(fred, 'personal', 'grace')
    expect(accountOf(await echo(acting(fred.id), 'personal'))).toBe(account.grace)
    must(await ada.ask('DELETE', `/api/v1/members/${fred.id}`), 204)
    for (const subject of [fred.id, fred.email]) expect(refusal(await echo(acting(subject), 'personal'))).toBe('act_as_not_allowed')
  })

  it('the log and the audit say who called and for whom', async () => {
    accountOf(await echo(acting(bob.id), 'personal'))
    await patchbay.broker.invocations.flush()
    const rows = must(await ada.ask('GET', '/api/v1/invocations?connection=personal&limit=1'), 200).json as { data: Json[] }
    expect(rows.data[0]).toMatchObject({ user: { id: ada.id }, subject_id: bob.id })

    await connect(ada, {
      service: 'key',
      link_name: 'personal_key',
      use_login_user_credentials: true,
      access: 'organization',
      credentials: { 'X-Api-Key': 'practice-key' },
    })
    const key = await makeKey(ada.ask, { name: 'audited', act_as: true, connections: ['personal_key'] })
    const values = { credentials: { 'X-Api-Key': 'practice-key' } }
    must(await acting(carol.id, key)('POST', '/api/v1/connections/personal_key/authorize', values), 200)
    must(await call(patchbay, acting(carol.id, key), 'personal_key', '/key/echo'), 200)
    const audit = must(await ada.ask('GET', '/api/v1/audit?object=connection:personal_key&action=connection.authorized&limit=1'), 200)
    expect((audit.json as { data: Json[] }).data[0]).toMatchObject({ actor: { id: ada.id }, on_behalf_of: carol.id })
  })
})
