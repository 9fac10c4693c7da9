import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { start, type Running, type StartOptions } from '../../src/start.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { freshDataDir } from './databases.ts'
import { adminKey, adminPassword, assertNoLeaks, leaksOf, storedLeaks } from './leaks.ts'
import { createPostgresDatabase } from './postgres.ts'

export { adminKey, adminPassword }
export const adminEmail = 'ada@example.test'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** What JSON.parse made of it; null when it is not JSON. */
  readonly json: ReturnType<typeof JSON.parse>
}

/** Asks Patchbay as one caller: an API key, a browser with cookies, or nobody. */
export interface Asker {
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

export interface TestPatchbay extends Running {
  readonly base: string
  /** With the administrator's key. */
  readonly admin: Asker
  readonly nobody: Asker
  withKey(key: string, headers?: Record<string, string>): Asker
  /** A browser: keeps cookies, sends Origin, follows nothing. */
  browser(): Browser
  /** Everything that was written to the log. */
  readonly logged: string[]
  /** Everything that it answered to these askers and browsers, headers too: for test/support/sinks.ts. */
  readonly answered: Answered[]
}

/** Which request it was, and the whole answer as text. */
export type Answered = readonly [where: string, text: string]

export interface Browser {
  readonly cookies: Map<string, string>
  ask: Asker
  signIn(email: string, password: string): Promise<void>
  /** GET, following redirects by hand, wherever they lead; the last answer and where it came from. */
  visit(url: string): Promise<Answer & { url: string }>
}

/**
 * Each worker's own ports, all below those that Linux gives to outgoing connections (32 768 and up): between asking for a port and
 * listening on it, nobody else takes it.
 */
const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % 4
let nextPort = 11_000 + worker * 5_000 + Math.floor(Math.random() * 4_000)

export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  for (;;) {
    const port = nextPort++
    const free = await new Promise<boolean>(resolve => {
      const server = createServer().once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}

async function answerOf(response: Response, where = '', answered: Answered[] = []): Promise<Answer> {
  const text = await response.text()
  answered.push([where, `${[...response.headers].join('\n')}\n${text}`])
  let json: unknown = null
  try {
    json = JSON.parse(text)
  } catch {
    // not JSON: the text is there
  }
  return { status: response.status, headers: response.headers, text, json }
}

/** What another server says is no answer of Patchbay: it is not kept. */
const keptOf = (base: string, path: string, answered: Answered[]) => (path.startsWith('http') && !path.startsWith(base) ? [] : answered)

export const asker =
  (base: string, own: Record<string, string>, answered: Answered[] = []): Asker =>
  async (method, path, body, headers = {}) =>
    answerOf(
      await fetch(path.startsWith('http') ? path : base + path, {
        method,
        redirect: 'manual',
        headers: { ...own, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
      `${method} ${path}`,
      keptOf(base, path, answered),
    )

export function createBrowser(base: string, answered: Answered[] = []): Browser {
  /** By host, as a browser keeps them. */
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (url: string) => {
    const { host } = new URL(url)
    const jar = jars.get(host) ?? new Map<string, string>()
    jars.set(host, jar)
    return jar
  }
  const keep = (url: string, response: Response) => {
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      if (/max-age=0/i.test(line)) jarOf(url).delete(pair.slice(0, at))
      else jarOf(url).set(pair.slice(0, at), pair.slice(at + 1))
    }
  }
  const cookieHeader = (url: string) => [...jarOf(url)].map(([name, value]) => `${name}=${value}`).join('; ')
  const fetchOnce = async (url: string, init: RequestInit & { headers?: Record<string, string> }) => {
    const cookie = cookieHeader(url)
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...(cookie && { cookie }), ...init.headers } })
    keep(url, response)
    return response
  }
  const ask: Asker = async (method, path, body, headers = {}) =>
    answerOf(
      await fetchOnce(path.startsWith('http') ? path : base + path, {
        method,
        headers: { origin: base, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
      `${method} ${path}`,
      keptOf(base, path, answered),
    )
  return {
    cookies: jarOf(base),
    ask,
    async signIn(email, password) {
      const answer = await ask('POST', '/api/auth/sign-in/email', { email, password })
      if (answer.status !== 200) throw new Error(`sign-in answered ${answer.status}: ${answer.text}`)
    },
    async visit(url) {
      let here = url.startsWith('http') ? url : base + url
      for (let hop = 0; hop < 20; hop++) {
        const response = await fetchOnce(here, { method: 'GET', headers: { accept: 'text/html' } })
        const location = response.headers.get('location')
        const answer = await answerOf(response, `GET ${here}`, keptOf(base, here, answered))
        if (response.status < 300 || response.status > 399 || location === null) return { ...answer, url: here }
        here = new URL(location, here).href
      }
      throw new Error('a redirect loop')
    },
  }
}

export interface TestOptions extends StartOptions {
  readonly database: 'pglite' | 'postgres'
  readonly settings?: Record<string, string>
  /** Leave the first administrator out. */
  readonly bare?: boolean
  /** A PostgreSQL database that another instance uses as well. Give both the same PATCHBAY_MASTER_KEY. */
  readonly databaseUrl?: string
}

/** Where a test has taken the database away there is nothing to be read. */
async function withinSeconds(seconds: number, reading: Promise<string[]>): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string[]>(resolve => (timer = setTimeout(() => resolve([]), seconds * 1000)))
  return Promise.race([reading.catch(() => []), late]).finally(() => clearTimeout(timer))
}

/** A whole Patchbay on a free port with the practice service, on a database of its own; `stop` takes everything away. */
export async function startPatchbay({
  database,
  settings = {},
  bare = false,
  databaseUrl,
  ...options
}: TestOptions): Promise<TestPatchbay> {
  const port = await freePort()
  const directory = await mkdtemp(join(tmpdir(), 'patchbay-test-'))
  const dataDir = database === 'pglite' ? freshDataDir() : join(directory, 'data')
  const created = database === 'postgres' ? (databaseUrl ?? (await createPostgresDatabase())) : null
  const logged: string[] = []
  const answered: Answered[] = []
  const config = readConfig({
    PATCHBAY_PORT: String(port),
    PATCHBAY_HOST: '127.0.0.1',
    PATCHBAY_PUBLIC_URL: `http://127.0.0.1:${port}`,
    PATCHBAY_DATA_DIR: await dataDir,
    PATCHBAY_PRACTICE: 'on',
    // it shares its event loop with the test, whose own work would look like overload
    PATCHBAY_OVERLOAD_DELAY_MS: '0',
    ...(created && { PATCHBAY_DATABASE_URL: created }),
    ...(!bare && { PATCHBAY_ADMIN_EMAIL: adminEmail, PATCHBAY_ADMIN_PASSWORD: adminPassword, PATCHBAY_ADMIN_API_KEY: adminKey }),
    ...settings,
  })
  const log = createLog(config.logLevel, { write: (line: string) => void logged.push(line) })
  const running = await start(config, { graceMs: 2000, log, ...options })
  const base = `http://127.0.0.1:${port}`
  let stopped = false
  return {
    ...running,
    base,
    admin: asker(base, { authorization: `Bearer ${adminKey}` }, answered),
    nobody: asker(base, {}, answered),
    withKey: (key, headers = {}) => asker(base, { authorization: `Bearer ${key}`, ...headers }, answered),
    browser: () => createBrowser(base, answered),
    logged,
    answered,
    async stop() {
      const stored = stopped ? [] : await withinSeconds(5, storedLeaks(running.broker.db))
      stopped = true
      await running.stop()
      await rm(directory, { recursive: true, force: true })
      assertNoLeaks([...leaksOf({ logged, answered }), ...stored])
    },
  }
}
