import { sql } from 'kysely'
import { expect } from 'vitest'
import type { Counters } from '../../src/practice/state.ts'
import { adminEmail, adminPassword, type Answer, type Asker, type Browser, type TestPatchbay } from './patchbay.ts'

export interface Described {
  /** How the practice service behaves towards the client that is registered for this service. */
  readonly habits?: Record<string, unknown>
  readonly advanced?: Record<string, unknown>
  /** Members of the definition besides the usual ones. */
  readonly rest?: Record<string, unknown>
}

export interface Member {
  readonly id: string
  readonly email: string
  readonly browser: Browser
  readonly ask: Asker
}

/** What stories about OAuth do again and again: one Patchbay, the practice service, and people with browsers. */
export interface OAuthStory {
  readonly ada: Member
  readonly practice: string
  readonly host: string
  member(name: string): Promise<Member>
  counters(): Promise<Counters>
  /** One of the practice service's controls: misbehave, clock, expire, withdraw, reset. */
  control(name: string, body?: unknown): Promise<void>
  /** Registers a client and describes the service; its link name comes back. */
  service(linkName: string, described?: Described): Promise<string>
  /** Creates a connection as Ada in her browser; where the browser is to go. */
  begin(service: string, linkName: string, more?: Record<string, unknown>): Promise<string>
  /** The whole of it: the connection is connected afterwards. */
  connect(service: string, linkName: string, more?: Record<string, unknown>): Promise<string>
  /** Visits the service's own page and stops before the callback, whose URL comes back. */
  toCallback(browser: Browser, url: string): Promise<string>
  invoke(linkName: string, path?: string, more?: Record<string, unknown>): Promise<Answer>
  connection(linkName: string): Promise<Record<string, unknown>>
  /** Moves the end of the access token: a number of seconds from now, also into the past. Both sides of the clock are the database's. */
  endsIn(linkName: string, seconds: number): Promise<void>
  /** The token endpoint may be asked again at once. */
  noPause(linkName: string): Promise<void>
}

const callbackOf = (base: string, service: string) => `${base}/oauth/callback/default/${service}`

/** Asks until it holds, for twenty seconds: a disk that others write to may keep a commit for one. */
export async function eventually<T>(what: string, ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const until = Date.now() + 20_000
  for (;;) {
    const value = await ask()
    if (holds(value)) return value
    if (Date.now() > until) throw new Error(`${what} did not come about: ${JSON.stringify(value)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Token requests with this grant that were really answered, whatever the answer. */
export const asked = (counters: Counters, grant: string): number =>
  Object.values(counters.token[grant] ?? {}).reduce((sum, count) => sum + count, 0)

/** Either a Patchbay in this process, or one in a process of its own, whose broker is out of reach. */
export type Reachable = Pick<TestPatchbay, 'admin' | 'base' | 'browser' | 'withKey' | 'practiceUrl'> & Partial<Pick<TestPatchbay, 'broker'>>

export async function startOAuthStory(patchbay: Reachable): Promise<OAuthStory> {
  const { admin, base, practiceUrl: practice } = patchbay
  if (practice === null) throw new Error('this story needs the practice service')
  const inside = () => {
    if (!patchbay.broker) throw new Error('this Patchbay runs in another process')
    return patchbay.broker
  }
  const browser = patchbay.browser()
  await browser.signIn(adminEmail, adminPassword)
  const me = await admin('GET', '/api/v1/me')
  const ada: Member = { id: me.json.user.id as string, email: adminEmail, browser, ask: admin }
  const of = (linkName: string) => sql`(select id from connections where link_name = ${linkName})`

  const story: OAuthStory = {
    ada,
    practice,
    host: new URL(practice).host,

    async member(name) {
      const email = `${name}@example.test`
      const invited = await admin('POST', '/api/v1/members/invitations', { email, role: 'user' })
      expect(invited.status, invited.text).toBe(201)
      const token = (invited.json.accept_url as string).split('/').at(-1) ?? ''
      const own = patchbay.browser()
      const accepted = await own.ask('POST', `/api/v1/invitations/${token}/accept`, { name, password: adminPassword })
      expect(accepted.status, accepted.text).toBe(200)
      const key = await own.ask('POST', '/api/v1/api-keys', { name: 'story' })
      expect(key.status, key.text).toBe(201)
      return { id: accepted.json.user.id as string, email, browser: own, ask: patchbay.withKey(key.json.key as string) }
    },

    counters: async () => (await (await fetch(`${practice}/practice/counters`)).json()) as Counters,

    async control(name, body = {}) {
      const response = await fetch(`${practice}/practice/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(response.status, await response.text()).toBe(200)
    },

    async service(linkName, { habits = {}, advanced = {}, rest = {} } = {}) {
      const registered = await fetch(`${practice}/oauth2/clients`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [callbackOf(base, linkName)], auto: 'accept', ...habits }),
      })
      const client = (await registered.json()) as Record<string, unknown>
      expect(registered.status, JSON.stringify(client)).toBe(201)
      const created = await admin('POST', '/api/v1/services', {
        link_name: linkName,
        name: linkName,
        auth_type: 'oauth2',
        client_id: client.client_id,
        client_secret: client.client_secret,
        authorize_url: `${practice}/oauth2/authorize`,
        access_token_url: `${practice}/oauth2/token`,
        revoke_token_url: `${practice}/oauth2/revoke`,
        scopes: [{ name: 'files.read', description: '' }],
        scope_delimiter: 'space',
        ...rest,
        advanced,
      })
      expect(created.status, created.text).toBe(201)
      return linkName
    },

    async begin(service, linkName, more = {}) {
      const created = await browser.ask('POST', '/api/v1/connections', {
        service,
        name: linkName,
        link_name: linkName,
        scopes: ['files.read'],
        ...more,
      })
      expect(created.status, created.text).toBe(201)
      expect(created.json.authorization.kind).toBe('redirect')
      return created.json.authorization.url as string
    },

    async connect(service, linkName, more = {}) {
      const landed = await browser.visit(await story.begin(service, linkName, more))
      expect(landed.url, landed.text).toBe(`${base}/connections/${linkName}`)
      expect((await story.connection(linkName)).status).toBe('connected')
      return linkName
    },

    async toCallback(from, url) {
      const answer = await from.ask('GET', url, undefined, { accept: 'text/html' })
      const location = answer.headers.get('location')
      if (location === null) throw new Error(`the service's page answered ${answer.status} and no redirect`)
      return location
    },

    invoke: (linkName, path = '/api/echo', more = {}) =>
      admin('POST', '/api/v1/invoke', { connection: linkName, url: practice + path, ...more }),

    async connection(linkName) {
      const answer = await admin('GET', `/api/v1/connections/${linkName}`)
      expect(answer.status, answer.text).toBe(200)
      return answer.json as Record<string, unknown>
    },

    async endsIn(linkName, seconds) {
      await sql`update credentials set expires_at = now() + make_interval(secs => ${seconds}), lifetime_seconds = 3600
        where connection_id = ${of(linkName)}`.execute(inside().db)
      inside().calls.forgetAll()
    },

    async noPause(linkName) {
      await sql`update credentials set next_attempt_at = null where connection_id = ${of(linkName)}`.execute(inside().db)
    },
  }
  return story
}
