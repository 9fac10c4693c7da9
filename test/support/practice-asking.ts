import { createHash, randomBytes } from 'node:crypto'
import { startPractice, type Practice, type PracticeOptions } from '../../src/practice/server.ts'

export interface Said {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; `{}` when it is something else. */
  readonly json: Record<string, unknown>
}

export type Fields = Readonly<Record<string, string>>

export const callback = 'http://127.0.0.1:9/callback'

/** A practice service on a free port, and a few ways to ask it something, none of them built with our own client code. */
export interface Asking extends Practice {
  clock: { ms: number }
  ask(path: string, init?: RequestInit): Promise<Said>
  postJson(path: string, value: unknown): Promise<Said>
  postForm(path: string, fields: Fields, headers?: Fields): Promise<Said>
  /** Registers a client with these knobs. */
  client(knobs?: object, prefix?: string): Promise<{ client_id: string; client_secret: string }>
  /** Walks through the authorize endpoint; `parameters` are added to, or replace, the usual ones. An empty text leaves one out. */
  authorize(clientId: string, parameters?: Fields, prefix?: string): Promise<URLSearchParams & { status?: number }>
}

export const basic = (user: string, password: string): Fields => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

export const bearer = (token: unknown): Fields => ({ authorization: `Bearer ${String(token)}` })

export const pkce = () => {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

const withoutEmpty = (fields: Fields): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))

export async function startAsking(options: Partial<PracticeOptions> = {}): Promise<Asking> {
  const clock = { ms: 1_800_000_000_000 }
  const practice = await startPractice({ host: '127.0.0.1', port: 0, now: () => clock.ms, ...options })
  const ask = async (path: string, init: RequestInit = {}): Promise<Said> => {
    const response = await fetch(path.startsWith('http') ? path : practice.url + path, { redirect: 'manual', ...init })
    const text = await response.text()
    let json: Record<string, unknown> = {}
    try {
      json = JSON.parse(text) as Record<string, unknown>
    } catch {
      json = {}
    }
    return { status: response.status, headers: response.headers, text, json }
  }
  const postJson = (path: string, value: unknown) =>
    ask(path, { method: 'POST', body: JSON.stringify(value), headers: { 'content-type': 'application/json' } })
  return {
    ...practice,
    clock,
    ask,
    postJson,
    postForm: (path, fields, headers = {}) => ask(path, { method: 'POST', body: new URLSearchParams(withoutEmpty(fields)), headers }),
    async client(knobs = {}, prefix = '') {
      const registered = await postJson(`${prefix}/oauth2/clients`, { redirect_uris: [callback], auto: 'accept', ...knobs })
      if (registered.status !== 201) throw new Error(registered.text)
      return registered.json as { client_id: string; client_secret: string }
    },
    async authorize(clientId, parameters = {}, prefix = '') {
      const query = withoutEmpty({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: callback,
        state: 'st',
        auto: 'accept',
        ...parameters,
      })
      const { status, headers } = await ask(`${prefix}/oauth2/authorize?${new URLSearchParams(query).toString()}`)
      const location = headers.get('location')
      return Object.assign(location === null ? new URLSearchParams() : new URL(location).searchParams, { status })
    },
  }
}
