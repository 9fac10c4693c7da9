import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Role } from '../../src/core/principal.ts'
import type { Counters } from '../../src/practice/state.ts'
import { adminEmail, adminPassword, type Answer, type Asker, type Browser, type TestPatchbay } from './patchbay.ts'

/*
 * Services of the practice service as people create them, and the way of a browser through their authorisation.
 * Everything goes over HTTP: nothing here reaches into the server.
 */

export interface Member {
  readonly id: string
  readonly email: string
  readonly browser: Browser
  readonly ask: Asker
}

type Json = Record<string, unknown>

/** The answer, when it is what was expected; otherwise a failure that shows what came instead. */
export function must(answer: Answer, status: number): Answer {
  expect(answer.status, answer.text.slice(0, 1500)).toBe(status)
  return answer
}

/** A refusal by its code, with the paths of its fields, each once: `validation_failed: scopes.0`. */
export const refusal = (answer: Answer): string => {
  const { code, errors } = (answer.json ?? {}) as { code?: string; errors?: { path: string }[] }
  if (code === undefined) return `${answer.status} ${answer.text.slice(0, 300)}`
  return errors?.length ? `${code}: ${[...new Set(errors.map(one => one.path))].join(' ')}` : code
}

/** The first administrator, in a browser. */
export async function administrator(patchbay: TestPatchbay): Promise<Member> {
  const browser = patchbay.browser()
  await browser.signIn(adminEmail, adminPassword)
  const { user } = must(await browser.ask('GET', '/api/v1/me'), 200).json as { user: { id: string; email: string } }
  return { ...user, browser, ask: browser.ask }
}

/** Somebody new in the organisation, by invitation, in a browser of their own. */
export async function joins(patchbay: TestPatchbay, name: string, role: Role = 'user'): Promise<Member> {
  const email = `${name.toLowerCase()}@example.test`
  const invited = must(await patchbay.admin('POST', '/api/v1/members/invitations', { email, role }), 201)
  const token = String(invited.json.accept_url).split('/').at(-1) ?? ''
  const browser = patchbay.browser()
  const accepted = await browser.ask('POST', `/api/v1/invitations/${token}/accept`, { name, password: 'correct horse battery' })
  const { user } = must(accepted, 200).json as { user: { id: string } }
  return { id: user.id, email, browser, ask: browser.ask }
}

export const practiceUrl = (patchbay: TestPatchbay): string => {
  if (patchbay.practiceUrl === null) throw new Error('this Patchbay runs without the practice service')
  return patchbay.practiceUrl
}

/** `127.0.0.1:port`, as an API host is written. */
export const practiceHost = (patchbay: TestPatchbay): string => new URL(practiceUrl(patchbay)).host

export const practice = (patchbay: TestPatchbay, method: string, path: string, body?: unknown): Promise<Answer> =>
  patchbay.nobody(method, practiceUrl(patchbay) + path, body)

export const counters = async (patchbay: TestPatchbay): Promise<Counters> =>
  (await practice(patchbay, 'GET', '/practice/counters')).json as Counters

/** Tokens that the service was told to revoke, and knew. */
export const revocations = async (patchbay: TestPatchbay): Promise<number> => {
  const { revoke } = await counters(patchbay)
  return (revoke['refresh_token'] ?? 0) + (revoke['access_token'] ?? 0)
}

export const callbackOf = (patchbay: TestPatchbay, linkName: string, organization = 'default'): string =>
  `${patchbay.base}/oauth/callback/${organization}/${linkName}`

export interface Client {
  readonly client_id: string
  readonly client_secret: string
}

/** A client at the practice service, which accepts by itself; `habits` are the practice service's options. */
export async function registerClient(patchbay: TestPatchbay, linkName: string, habits: Json = {}): Promise<Client> {
  const wanted = { redirect_uris: [callbackOf(patchbay, linkName)], auto: 'accept', ...habits }
  return must(await practice(patchbay, 'POST', '/oauth2/clients', wanted), 201).json as Client
}

/** An OAuth 2 service of the practice service, as somebody writes it into the form. */
export const oauth2Definition = (patchbay: TestPatchbay, linkName: string, client: Client, rest: Json = {}): Json => ({
  link_name: linkName,
  name: `Practice ${linkName}`.slice(0, 50),
  auth_type: 'oauth2',
  authorize_url: `${practiceUrl(patchbay)}/oauth2/authorize`,
  access_token_url: `${practiceUrl(patchbay)}/oauth2/token`,
  revoke_token_url: `${practiceUrl(patchbay)}/oauth2/revoke`,
  scope_delimiter: 'space',
  client_id: client.client_id,
  client_secret: client.client_secret,
  ...rest,
})

export interface OAuth2Options {
  readonly by?: Asker
  readonly habits?: Json
  readonly rest?: Json
}

/** A client, and a custom service that uses it. */
export async function oauth2Service(patchbay: TestPatchbay, linkName: string, { by, habits, rest }: OAuth2Options = {}): Promise<Json> {
  const client = await registerClient(patchbay, linkName, habits)
  const created = await (by ?? patchbay.admin)('POST', '/api/v1/services', oauth2Definition(patchbay, linkName, client, rest))
  return must(created, 201).json as Json
}

export const keyDefinition = (patchbay: TestPatchbay, linkName: string, rest: Json = {}): Json => ({
  link_name: linkName,
  name: `Practice ${linkName}`.slice(0, 50),
  auth_type: 'api_key',
  param_type: 'header',
  parameters: [{ name: 'X-Api-Key', display_name: 'API key' }],
  api_hosts: [practiceHost(patchbay)],
  ...rest,
})

export const basicDefinition = (patchbay: TestPatchbay, linkName: string, rest: Json = {}): Json => ({
  link_name: linkName,
  name: `Practice ${linkName}`.slice(0, 50),
  auth_type: 'basic',
  api_hosts: [practiceHost(patchbay)],
  ...rest,
})

/** Goes to the service's page and back; fails unless the browser lands where it should. */
export async function walk(browser: Browser, url: string, landing: string): Promise<void> {
  const end = await browser.visit(url)
  expect(new URL(end.url).pathname + new URL(end.url).search, end.text.replace(/<[^>]*>/g, ' ').slice(0, 800)).toBe(landing)
}

/** Create and Connect in a browser, to the end. */
export async function connect(member: Member, body: Json): Promise<Json> {
  const created = must(await member.ask('POST', '/api/v1/connections', { name: String(body['link_name']), ...body }), 201)
  const { authorization } = created.json as { authorization: { kind: string; url?: string } }
  if (authorization.kind === 'redirect') await walk(member.browser, authorization.url ?? '', `/connections/${String(body['link_name'])}`)
  else expect(authorization.kind).toBe('none')
  return seen(member.ask, String(body['link_name']))
}

/** A connection as somebody sees it. */
export const seen = async (ask: Asker, linkName: string): Promise<Json> =>
  must(await ask('GET', `/api/v1/connections/${linkName}`), 200).json as Json

/** One call through a connection; a path is one of the practice service. */
export const call = (patchbay: TestPatchbay, ask: Asker, connection: string, url: string, rest: Json = {}): Promise<Answer> =>
  ask('POST', '/api/v1/invoke', { connection, url: /^\/(?!\/)/.test(url) ? practiceUrl(patchbay) + url : url, ...rest })

/** What the service says it received, behind the door `/api`, `/key`, `/basic` or `/oauth1`. */
export async function echo(patchbay: TestPatchbay, ask: Asker, connection: string, url: string, rest: Json = {}): Promise<Json> {
  const answer = must(await call(patchbay, ask, connection, url, rest), 200)
  expect(answer.json.status_code, answer.text.slice(0, 800)).toBe(200)
  return answer.json.body as Json
}

/** Asks again until it is so; fails with what there was last. */
export async function until<T>(ask: () => Promise<T>, holds: (value: T) => boolean, withinMs = 15_000): Promise<T> {
  for (const end = Date.now() + withinMs; ; await delay(50)) {
    const value = await ask()
    if (holds(value)) return value
    if (Date.now() > end) throw new Error(`it did not become so: ${JSON.stringify(value).slice(0, 1500)}`)
  }
}
