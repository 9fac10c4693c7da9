import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSchema, dropSchema } from '../src/storage/postgres.ts'
import { freePort, startNode, type Child } from './children.ts'

const databaseUrl = process.env.PATCHBAY_DATABASE_URL

/** A Patchbay with one OAuth 2 connection and one API key connection that may both call the upstream. */
export interface MeasuredPatchbay {
  readonly process: Child
  readonly port: number
  readonly database: 'embedded' | 'PostgreSQL'
  /** Requests as they go over the wire, through either connection. */
  proxied(connection: ConnectionName): string
  invoked(connection: ConnectionName): string
  /** The administrator: a key for programs, a password for a browser. */
  readonly administrator: { readonly key: string; readonly email: string; readonly password: string }
  /** Statements since it started. */
  statements(): Promise<number>
  stop(): Promise<void>
}

export type ConnectionName = 'bench_oauth2' | 'bench_key'

export interface PatchbayOptions {
  readonly upstreamPort: number
  readonly core: number
  /** For Node itself, such as `--cpu-prof`. */
  readonly nodeOptions: readonly string[]
}

const request = (lines: readonly string[], body = ''): string => [...lines, '', body].join('\r\n')

/**
 * The request of a caller that is neither bare nor a browser.
 * @param extra further header lines
 */
export const getRequest = (path: string, port: number, extra: readonly string[]): string =>
  request([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Accept: application/json', 'User-Agent: bench/1.0', ...extra])

/** Starts the built Patchbay, with an embedded database of its own, or a schema of its own where PATCHBAY_DATABASE_URL points, and sets both connections up. */
export async function startPatchbay({ upstreamPort, core, nodeOptions }: PatchbayOptions): Promise<MeasuredPatchbay> {
  const directory = await mkdtemp(join(tmpdir(), 'patchbay-bench-'))
  const [port, practicePort] = [await freePort(), await freePort()]
  const base = `http://127.0.0.1:${port}`
  const schema = `patchbay_bench_${process.pid}`
  if (databaseUrl) await createSchema(databaseUrl, schema)
  const key = `pb_${randomBytes(32).toString('base64url')}`
  const administrator = { key, email: 'ada@example.test', password: randomBytes(12).toString('base64url') }
  const child = startNode([...nodeOptions, '--import', './bench/count-statements.mjs', 'dist/main.js'], {
    core,
    env: {
      ...process.env,
      PATCHBAY_PORT: String(port),
      PATCHBAY_HOST: '127.0.0.1',
      PATCHBAY_PUBLIC_URL: base,
      PATCHBAY_DATA_DIR: join(directory, 'data'),
      PATCHBAY_PRACTICE: 'on',
      PATCHBAY_PRACTICE_PORT: String(practicePort),
      PATCHBAY_LOG_LEVEL: 'error',
      PATCHBAY_ADMIN_EMAIL: administrator.email,
      PATCHBAY_ADMIN_PASSWORD: administrator.password,
      PATCHBAY_ADMIN_API_KEY: key,
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${upstreamPort}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: `127.0.0.1:${upstreamPort}`,
      ...(databaseUrl && { PATCHBAY_DATABASE_SCHEMA: schema }),
    },
  })
  const stop = async () => {
    await child.stop()
    if (databaseUrl) for (const name of [schema, `${schema}_jobs`]) await dropSchema(databaseUrl, name)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await child.says('Patchbay runs at')
    await connect(base, key, `http://127.0.0.1:${practicePort}`, `127.0.0.1:${upstreamPort}`)
  } catch (error) {
    await stop()
    throw error
  }
  const authorization = `Authorization: Bearer ${key}`
  return {
    process: child,
    port,
    database: databaseUrl ? 'PostgreSQL' : 'embedded',
    administrator,
    proxied: connection => getRequest(`/proxy/${connection}/http/127.0.0.1:${upstreamPort}/contacts?page=2`, port, [authorization]),
    invoked(connection) {
      const body = JSON.stringify({ connection, url: `http://127.0.0.1:${upstreamPort}/contacts`, type: 'GET', parameters: { page: '2' } })
      const headers = ['Content-Type: application/json', `Content-Length: ${body.length}`, authorization]
      return request([`POST /api/v1/invoke HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'User-Agent: bench/1.0', ...headers], body)
    },
    statements: async () => ((await child.ask({})) as { statements: number }).statements,
    stop,
  }
}

async function connect(base: string, key: string, practice: string, upstream: string): Promise<void> {
  const post = async (url: string, body: object): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json', ...(url.startsWith(base) && { authorization: `Bearer ${key}` }) }
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await answer.text()
    if (answer.status !== 201) throw new Error(`POST ${new URL(url).pathname} answered ${answer.status}: ${text.slice(0, 500)}`)
    return JSON.parse(text) as Record<string, unknown>
  }
  const client = await post(`${practice}/oauth2/clients`, { grant_types: ['client_credentials'], access_token_seconds: 86_400 })
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
