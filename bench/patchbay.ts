import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSchema, dropSchema } from '../src/storage/postgres.ts'
import { freePort, startNode, type Child } from './children.ts'

/** A Patchbay with one OAuth 2 connection and one API key connection that may both call the upstream. */
export interface MeasuredPatchbay {
  readonly process: Child
  readonly port: number
  readonly database: 'embedded' | 'PostgreSQL'
  /** Requests as they go over the wire, through either connection. */
  proxied(connection: string): string
  invoked(connection: string): string
  /** The administrator: a key for programs, a password for a browser. */
  readonly administrator: { readonly key: string; readonly email: string; readonly password: string }
  readonly apiUrl: string
  /** Where its practice service is. */
  readonly practiceUrl: string
  /** Where its rows are, when the database is PostgreSQL. */
  readonly schema: string
  readonly dataDirectory: string
  /** Statements since it started. */
  statements(): Promise<number>
  /** Stops it and starts it again on the same data. @returns milliseconds until it runs. */
  restart(): Promise<number>
  /** What its process holds, after a full collection where Node was started with `--expose-gc`. */
  held(): Promise<Held>
  stop(): Promise<void>
}

export interface Held {
  readonly heapBytes: number
  /** Timers, sockets and whatever else keeps a process going, by Node's names for them. */
  readonly resources: Readonly<Record<string, number>>
}

export type ConnectionName = 'bench_oauth2' | 'bench_key'

export interface PatchbayOptions {
  readonly upstreamPort: number
  readonly core: number | null
  /** For Node itself, such as `--cpu-prof`. */
  readonly nodeOptions: readonly string[]
  /** A PostgreSQL; left out, the database is the embedded one. */
  readonly databaseUrl?: string | undefined
  /** PATCHBAY_WORKERS. Statements are counted of one process only. */
  readonly workers?: number
  /** Seconds that the OAuth 2 connection's tokens live. */
  readonly tokenSeconds?: number
}

const request = (lines: readonly string[], body = ''): string => [...lines, '', body].join('\r\n')

/**
 * The request of a caller that is neither bare nor a browser.
 * @param extra further header lines
 */
export const getRequest = (path: string, port: number, extra: readonly string[]): string =>
  request([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Accept: application/json', 'User-Agent: bench/1.0', ...extra])

let started = 0

/** Starts the built Patchbay, with an embedded database or a schema of its own, and sets both connections up. */
export async function startPatchbay(options: PatchbayOptions): Promise<MeasuredPatchbay> {
  const { upstreamPort, core, nodeOptions, databaseUrl, workers = 1, tokenSeconds = 86_400 } = options
  const directory = await mkdtemp(join(tmpdir(), 'patchbay-bench-'))
  const [port, practicePort] = [await freePort(), await freePort()]
  const base = `http://127.0.0.1:${port}`
  const schema = `patchbay_bench_${process.pid}_${started++}`
  if (databaseUrl) await createSchema(databaseUrl, schema)
  const key = `pb_${randomBytes(32).toString('base64url')}`
  const administrator = { key, email: 'ada@example.test', password: randomBytes(12).toString('base64url') }
  // the process channel of a worker belongs to node:cluster
  const probe = workers === 1 ? ['--import', './bench/probe.mjs'] : []
  const dataDirectory = join(directory, 'data')
  const practiceUrl = `http://127.0.0.1:${practicePort}`
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PATCHBAY_')))
  const env = {
    ...own,
    PATCHBAY_PORT: String(port),
    PATCHBAY_HOST: '127.0.0.1',
    PATCHBAY_PUBLIC_URL: base,
    PATCHBAY_DATA_DIR: dataDirectory,
    PATCHBAY_PRACTICE: 'on',
    PATCHBAY_PRACTICE_PORT: String(practicePort),
    PATCHBAY_LOG_LEVEL: 'error',
    // a busy machine is to show in the figures, not to end the run
    PATCHBAY_OVERLOAD_DELAY_MS: '0',
    PATCHBAY_ADMIN_EMAIL: administrator.email,
    PATCHBAY_ADMIN_PASSWORD: administrator.password,
    PATCHBAY_ADMIN_API_KEY: key,
    PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${upstreamPort}`,
    PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${upstreamPort}`,
    PATCHBAY_WORKERS: String(workers),
    ...(databaseUrl && { PATCHBAY_DATABASE_URL: databaseUrl, PATCHBAY_DATABASE_SCHEMA: schema }),
  }
  const start = () => startNode([...nodeOptions, ...probe, 'dist/main.js'], { core, env })
  const running = 'Patchbay runs at'
  let child = start()
  const stop = async () => {
    await child.stop()
    if (databaseUrl) for (const name of [schema, `${schema}_jobs`]) await dropSchema(databaseUrl, name)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await child.says(running)
    await connect(base, key, { practice: practiceUrl, upstream: `127.0.0.1:${upstreamPort}`, tokenSeconds })
  } catch (error) {
    await stop()
    throw error
  }
  const authorization = `Authorization: Bearer ${key}`
  return {
    get process() {
      return child
    },
    port,
    database: databaseUrl ? 'PostgreSQL' : 'embedded',
    administrator,
    apiUrl: base,
    practiceUrl,
    schema,
    dataDirectory,
    proxied: connection => getRequest(`/proxy/${connection}/http/127.0.0.1:${upstreamPort}/contacts?page=2`, port, [authorization]),
    invoked(connection) {
      const body = JSON.stringify({ connection, url: `http://127.0.0.1:${upstreamPort}/contacts`, type: 'GET', parameters: { page: '2' } })
      const headers = ['Content-Type: application/json', `Content-Length: ${body.length}`, authorization]
      return request([`POST /api/v1/invoke HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'User-Agent: bench/1.0', ...headers], body)
    },
    async restart() {
      await child.stop()
      const began = performance.now()
      child = start()
      await child.says(running)
      return performance.now() - began
    },
    statements: async () => ((await child.ask({ ask: 'statements' })) as { statements: number }).statements,
    held: async () => (await child.ask({ ask: 'held' })) as Held,
    stop,
  }
}

interface Connected {
  readonly practice: string
  readonly upstream: string
  readonly tokenSeconds: number
}

async function connect(base: string, key: string, { practice, upstream, tokenSeconds }: Connected): Promise<void> {
  const post = async (url: string, body: object): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json', ...(url.startsWith(base) && { authorization: `Bearer ${key}` }) }
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await answer.text()
    if (answer.status !== 201) throw new Error(`POST ${new URL(url).pathname} answered ${answer.status}: ${text.slice(0, 500)}`)
    return JSON.parse(text) as Record<string, unknown>
  }
  const client = await post(`${practice}/oauth2/clients`, { grant_types: ['client_credentials'], access_token_seconds: tokenSeconds })
  await post(`${base}/api/v1/services`, {
    link_name: 'bench_oauth2',
    name: 'Bench OAuth 2',
    auth_type: 'oauth2',
    grant_type: 'client_credentials',
    client_id: client.client_id,
    client_secret: client.client_secret,
    access_token_url: `${practice}/oauth2/token`,
    api_hosts: [upstream],
  })
  await post(`${base}/api/v1/services`, {
    link_name: 'bench_key',
    name: 'Bench API key',
    auth_type: 'api_key',
    parameters: [{ name: 'x-api-key', display_name: 'API key' }],
    api_hosts: [upstream],
  })
  await post(`${base}/api/v1/connections`, { service: 'bench_oauth2', name: 'OAuth 2', link_name: 'bench_oauth2' })
  await post(`${base}/api/v1/connections`, {
    service: 'bench_key',
    name: 'API key',
    link_name: 'bench_key',
    credentials: { 'x-api-key': randomBytes(24).toString('base64url') },
  })
}
