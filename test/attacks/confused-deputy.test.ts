import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startPatchbay, type Answer, type Asker, type TestPatchbay } from '../support/patchbay.ts'
import { administrator, joins, must, refusal, walk, type Member } from '../support/practice-services.ts'
import { settingsFor, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts'
import { sinkScan } from '../support/sinks.ts'

/*
 * X05, the truth table: who calls × whose credentials the connection uses × what became of its owner's authorisation × what became of
 * the caller's own. Every row is a call, and what counts is which account's token arrives at the service, or that nothing does.
 */

const states = ['connected', 'never connected', 'revoked', 'expired', 'refused by the service', 'pending'] as const
const owns = ['present', 'absent', 'revoked'] as const
const modes = ['owner', 'login user'] as const
type State = (typeof states)[number]
type Own = (typeof owns)[number]

/** What a row leads to: the account whose token arrives, or why nothing is sent. */
type Outcome = { readonly account: string; readonly code: 'ok' } | { readonly status: number; readonly code: string }

const notFound: Outcome = { status: 404, code: 'connection_not_found' }
const required: Outcome = { status: 409, code: 'authorization_required' }
const revoked: Outcome = { status: 409, code: 'connection_revoked' }
const renewal: Outcome = { status: 409, code: 'reauthorization_required' }

/** Alice is the owner. */
const byOwner: Readonly<Record<State, Outcome>> = {
  connected: { account: 'alice', code: 'ok' },
  'never connected': required,
  revoked,
  expired: { account: 'alice', code: 'ok' },
  'refused by the service': renewal,
  pending: required,
}
/** Bob, who was named in its access, and may have an authorisation of his own. */
const byOwn: Readonly<Record<Own, Outcome>> = { present: { account: 'bob', code: 'ok' }, absent: required, revoked }
/** Mallory's organisation has a connection of the same link name, or none, or one that was revoked. */
const elsewhere: Readonly<Record<Own, Outcome>> = { present: { account: 'mallory', code: 'ok' }, absent: notFound, revoked }

type Outcomes = Outcome | Readonly<Record<State, Outcome>> | Readonly<Record<Own, Outcome>>

const roles = {
  'the owner': { owner: byOwner, 'login user': byOwner },
  'a member who was granted it': { owner: byOwner, 'login user': byOwn },
  'a member who was not': { owner: notFound, 'login user': notFound },
  'an administrator': { owner: notFound, 'login user': notFound },
  'somebody of another organisation': { owner: elsewhere, 'login user': elsewhere },
  nobody: { owner: { status: 401, code: 'unauthenticated' }, 'login user': { status: 401, code: 'unauthenticated' } },
  // Bob wrote it and owns it; nobody is signed in while it runs
  'a function that runs without a user': { owner: byOwner, 'login user': required },
} as const
type Role = keyof typeof roles

const isOne = (outcomes: Outcomes): outcomes is Outcome => 'code' in outcomes

function expected(role: Role, mode: (typeof modes)[number], state: State, own: Own): Outcome {
  const outcomes: Outcomes = roles[role][mode]
  return isOne(outcomes) ? outcomes : 'connected' in outcomes ? outcomes[state] : outcomes[own]
}

const tokenOf = (person: string) => `CANARY-token-of-${person}-51c0f7d2`

describe.each(['pglite', 'postgres'] as const)('X05 whose credential a call uses [%s]', database => {
  let patchbay: TestPatchbay
  let up: ScriptedUpstream
  let alice: Member
  let bob: Member
  const askers = new Map<Role, Asker>()
  /** The public address of Bob's function. */
  let functionUrl = ''
  const clientSecret = 'CANARY-client-secret-7d1e40b9'
  const linkNameOf = (state: State, own: Own) => `c_${states.indexOf(state)}_${owns.indexOf(own)}`

  beforeAll(async () => {
    up = await startScriptedUpstream()
    // the code says who is signed in at the service, and so do the tokens
    up.on('/authorize', (request, response) => {
      const query = new URL(request.url ?? '', up.url).searchParams
      const back = new URL(query.get('redirect_uri') ?? '')
      const account = query.get('account') ?? ''
      const outcome: Record<string, string> = account === 'declines' ? { error: 'access_denied' } : { code: account }
      back.search = new URLSearchParams({ ...outcome, state: query.get('state') ?? '' }).toString()
      response.writeHead(302, { location: back.href }).end()
    })
    up.on('/token', (_, response, body) => {
      const sent = new URLSearchParams(body.toString())
      const person = sent.get('code') ?? sent.get('refresh_token')?.replace('refresh-of-', '') ?? ''
      const tokens = { access_token: tokenOf(person), refresh_token: `refresh-of-${person}`, token_type: 'Bearer', expires_in: 3600 }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(tokens))
    })
    patchbay = await startPatchbay({ database, settings: settingsFor(up) })
    const ada = await administrator(patchbay)
    alice = await joins(patchbay, 'Alice')
    bob = await joins(patchbay, 'Bob', 'developer')
    const dave = await joins(patchbay, 'Dave')
    const carol = await joins(patchbay, 'Carol', 'administrator')
    await service(alice.ask)
    await everyConnection({ alice, bob, dave, carol })
    await functionOfBob()
    askers.set('the owner', alice.ask)
    askers.set('a member who was granted it', bob.ask)
    askers.set('a member who was not', dave.ask)
    askers.set('an administrator', carol.ask)
    askers.set('somebody of another organisation', (await otherOrganisation(ada)).ask)
    askers.set('nobody', patchbay.nobody)
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    await up.close()
  })

  const service = async (ask: Asker) =>
    must(
      await ask('POST', '/api/v1/services', {
        link_name: 'accounts',
        name: 'Accounts',
        auth_type: 'oauth2',
        client_id: 'client',
        client_secret: clientSecret,
        authorize_url: `${up.url}/authorize`,
        access_token_url: `${up.url}/token`,
        scope_delimiter: 'space',
        api_hosts: [up.host],
      }),
      201,
    )
  const start = async (member: Member, linkName: string): Promise<string> =>
    String(must(await member.ask('POST', `/api/v1/connections/${linkName}/authorize`, {}), 200).json.authorization.url)
  const authorise = async (member: Member, linkName: string, account: string, started?: string) =>
    walk(member.browser, `${started ?? (await start(member, linkName))}&account=${account}`, `/connections/${linkName}`)
  const db = () => patchbay.broker.db

  /** A connection of Alice's for every state and own, with login-user credentials while people authorise it. */
  async function everyConnection({ alice, bob, dave, carol }: Readonly<Record<'alice' | 'bob' | 'dave' | 'carol', Member>>) {
    for (const state of states)
      for (const own of owns) {
        const linkName = linkNameOf(state, own)
        const body = {
          service: 'accounts',
          name: linkName,
          link_name: linkName,
          use_login_user_credentials: true,
          access: 'organization',
        }
        const made = must(await alice.ask('POST', '/api/v1/connections', body), 201).json.authorization.url
        if (state === 'never connected') expect((await alice.browser.visit(`${made}&account=declines`)).status).toBe(400)
        else if (state !== 'pending') await authorise(alice, linkName, 'alice', made)
        if (state === 'revoked') must(await alice.ask('POST', `/api/v1/connections/${linkName}/revoke`), 200)
        if (own === 'absent') continue
        for (const [member, account] of [
          [bob, 'bob'],
          [dave, 'dave'],
          [carol, 'carol'],
        ] as const) {
          await authorise(member, linkName, account)
          if (own === 'revoked') must(await member.ask('POST', `/api/v1/connections/${linkName}/revoke`), 200)
        }
      }
    await sql`update credentials set status = 'reauthorization_required', status_reason = 'revoked_by_provider'
      where subject_id = ${alice.id} and connection_id in (select id from connections where link_name like ${'c_4_%'})`.execute(db())
    await sql`update connections set access = ${JSON.stringify({ members: [bob.id] })}`.execute(db())
    patchbay.broker.calls.forgetAll()
  }

  async function functionOfBob(): Promise<void> {
    const source = `map standalone.deputy(string name) { try { r = invokeurl [ url: "${up.url}/api" connection: name detailed: true ]; return {"code": r.get("responseCode")}; } catch (e) { return {"failed": e.message}; } }`
    must(await bob.ask('PUT', '/api/v1/functions/standalone/deputy', { source }), 201)
    functionUrl = must(await bob.ask('PUT', '/api/v1/functions/standalone/deputy/exposure', { api_key: true }), 200).json.api_key_url
  }

  /** Mallory is an administrator there, with connections of the same link names. */
  async function otherOrganisation(ada: Member): Promise<Member> {
    must(await ada.ask('POST', '/api/v1/organizations', { name: 'Other', slug: 'other' }), 201)
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'other' }), 200)
    const mallory = await joins({ ...patchbay, admin: ada.ask }, 'Mallory', 'administrator')
    must(await ada.ask('PUT', '/api/v1/me/organization', { slug: 'default' }), 200)
    await service(mallory.ask)
    for (const state of states)
      for (const own of ['present', 'revoked'] as const) {
        const linkName = linkNameOf(state, own)
        const made = must(
          await mallory.ask('POST', '/api/v1/connections', { service: 'accounts', name: linkName, link_name: linkName }),
          201,
        )
        await authorise(mallory, linkName, 'mallory', made.json.authorization.url)
        if (own === 'revoked') must(await mallory.ask('POST', `/api/v1/connections/${linkName}/revoke`), 200)
      }
    return mallory
  }

  const invoked = (ask: Asker, linkName: string) => ask('POST', '/api/v1/invoke', { connection: linkName, url: `${up.url}/api` })
  /** The accounts whose tokens arrived at the service's API meanwhile. */
  async function arriving<T>(work: () => Promise<T>): Promise<[T, (string | undefined)[]]> {
    const before = up.arrived.length
    const result = await work()
    const calls = up.arrived.slice(before).filter(one => one.target === '/api')
    return [result, calls.map(one => one.headers.authorization)]
  }
  const failures: readonly (readonly [RegExp, string])[] = [
    [/^Connection Name was not found/, 'connection_not_found'],
    [/login of whoever runs|not authorised yet/i, 'authorization_required'],
    [/revoked/i, 'connection_revoked'],
    [/again/i, 'reauthorization_required'],
  ]
  /** What the script was told, as the code that stands behind it. */
  function toldBy(answer: Answer): string {
    const failed = String(JSON.parse(String(must(answer, 200).json.details.output)).failed ?? '')
    return failures.find(([words]) => words.test(failed))?.[1] ?? failed
  }

  let rows = 0
  describe.each(modes)('with the credentials of the %s', mode => {
    beforeAll(async () => {
      // what people authorised while it was the other way stays behind, and must not count
      await sql`update connections set use_login_user_credentials = ${mode === 'login user'} where link_name like ${'c_%'}`.execute(db())
      patchbay.broker.calls.forgetAll()
    })

    it.each(Object.keys(roles) as Role[])('X05 %s: exactly the rows of the table succeed, each with its account', async role => {
      for (const state of states)
        for (const own of owns) {
          const linkName = linkNameOf(state, own)
          if (state === 'expired') {
            await sql`update credentials set expires_at = now() - interval '1 minute', next_attempt_at = null
              where connection_id in (select id from connections where link_name = ${linkName})`.execute(db())
            patchbay.broker.calls.forgetAll()
          }
          const outcome = expected(role, mode, state, own)
          const row = `${role}, ${mode}, ${state}, own ${own}`
          const ask = askers.get(role)
          const [answer, tokens] = await arriving(() =>
            ask ? invoked(ask, linkName) : patchbay.nobody('GET', `${functionUrl}&name=${linkName}`),
          )
          if ('account' in outcome) {
            expect(tokens, `${row}: ${answer.text.slice(0, 500)}`).toEqual([`Bearer ${tokenOf(outcome.account)}`])
            expect(answer.status, row).toBe(200)
          } else {
            expect(tokens, row).toEqual([])
            if (ask) expect([answer.status, refusal(answer)], row).toEqual([outcome.status, outcome.code])
            else expect(toldBy(answer), `${row}: ${answer.text.slice(0, 500)}`).toBe(outcome.code)
          }
          rows++
        }
    })
  })

  it('and the table was walked through as a whole', () => {
    expect(rows).toBe(7 * 2 * 6 * 3)
  })

  it('05.9 what is remembered of one person serves no other: four hundred calls, interleaved', async () => {
    const [both] = [linkNameOf('connected', 'present')]
    const keyOf = async (member: Member) =>
      patchbay.withKey(must(await member.ask('POST', '/api/v1/api-keys', { name: 'interleaved' }), 201).json.key)
    const people = [
      ['alice', await keyOf(alice)],
      ['bob', await keyOf(bob)],
    ] as const
    await sql`update connections set use_login_user_credentials = true where link_name = ${both}`.execute(db())
    patchbay.broker.calls.forgetAll()
    for (let round = 0; round < 20; round++) {
      const asked = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const [person, ask] = people[(i + round) % 2] ?? people[0]
          const url = `${up.url}/api?of=${person}&round=${round}&i=${i}`
          must(await ask('POST', '/api/v1/invoke', { connection: both, url }), 200)
          return `${person}&round=${round}&i=${i}`
        }),
      )
      for (const call of asked)
        expect(up.arrived.findLast(one => one.target === `/api?of=${call}`)?.headers.authorization).toBe(
          `Bearer ${tokenOf(call.split('&')[0] ?? '')}`,
        )
    }
  })

  it('05.7 nobody names whose credential it shall be: made-up fields are refused, made-up headers and parameters do nothing', async () => {
    const linkName = linkNameOf('connected', 'absent')
    for (const field of ['connection_owner', 'as_user', 'subject', 'user_id', 'owner_id', 'organization_id', 'act_as']) {
      const body = { connection: linkName, url: `${up.url}/api`, [field]: alice.id }
      const [answer, tokens] = await arriving(() => bob.ask('POST', '/api/v1/invoke', body))
      expect([answer.status, refusal(answer).split(':')[0], tokens], field).toEqual([422, 'validation_failed', []])
    }
    await sql`update connections set use_login_user_credentials = true where link_name = ${linkName}`.execute(db())
    patchbay.broker.calls.forgetAll()
    for (const header of ['x-user', 'x-user-id', 'x-organization', 'x-tenant-id', 'x-forwarded-user', 'patchbay-user', 'remote-user']) {
      const [answer, tokens] = await arriving(() =>
        bob.ask('POST', `/api/v1/invoke?user_id=${alice.id}`, { connection: linkName, url: `${up.url}/api` }, { [header]: alice.id }),
      )
      expect([answer.status, refusal(answer), tokens], header).toEqual([409, 'authorization_required', []])
    }
  })

  it('and no token is in a log line, an answer or a column', async () => {
    const people = ['alice', 'bob', 'dave', 'carol', 'mallory']
    const secrets = { ...Object.fromEntries(people.map(person => [person, tokenOf(person)])), 'client secret': clientSecret }
    expect(await sinkScan(patchbay, secrets)).toEqual([])
  })
})
