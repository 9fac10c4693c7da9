/**
 * The main job from outside, as a newcomer would do it by hand: real server, real database, real redirects, plain HTTP. Prints each step
 * and exits 0, or says which step failed and exits 1.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSchema, dropSchema } from '../src/storage/postgres.ts'

const databaseUrl = process.env.PATCHBAY_DATABASE_URL
const started = performance.now()
let step = 0

const say = (text: string) => process.stdout.write(`${String(++step).padStart(2)}. ${text}\n`)

function must(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new Error(sentence)
}

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

interface Answer {
  status: number
  json: Record<string, unknown>
  location: string | null
  cookies: string[]
}

async function ask(method: string, url: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  })
  const text = await response.text()
  let json: Record<string, unknown> = {}
  try {
    json = JSON.parse(text) as Record<string, unknown>
  } catch {
    // a page or nothing: the status says enough
  }
  return { status: response.status, json, location: response.headers.get('location'), cookies: response.headers.getSetCookie() }
}

async function untilReady(base: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    must(server.exitCode === null, 'The server stopped while starting; what it said stands above.')
    try {
      if ((await ask('GET', `${base}/readyz`)).status === 200) return
    } catch {
      // not listening yet
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('The server was not ready after 30 seconds.')
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'patchbay-quickstart-'))
  const schema = `patchbay_quickstart_${process.pid}`
  if (databaseUrl) await createSchema(databaseUrl, schema)
  const [port, practicePort] = [await freePort(), await freePort()]
  const base = `http://localhost:${port}`
  const practice = `http://127.0.0.1:${practicePort}`
  const password = randomBytes(12).toString('base64url')
  const key = `pb_${randomBytes(32).toString('base64url')}`
  const server = spawn(process.execPath, ['dist/main.js'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'development',
      PATCHBAY_PORT: String(port),
      PATCHBAY_PUBLIC_URL: base,
      PATCHBAY_DATA_DIR: join(directory, 'data'),
      PATCHBAY_PRACTICE: 'on',
      PATCHBAY_PRACTICE_PORT: String(practicePort),
      PATCHBAY_LOG_LEVEL: 'error',
      PATCHBAY_ADMIN_EMAIL: 'ada@example.test',
      PATCHBAY_ADMIN_PASSWORD: password,
      PATCHBAY_ADMIN_API_KEY: key,
      ...(databaseUrl && { PATCHBAY_DATABASE_SCHEMA: schema }),
    },
  })
  try {
    await untilReady(base, server)
    say(`Patchbay runs at ${base} with ${databaseUrl ? 'PostgreSQL' : 'its embedded database'}; a practice service at ${practice}`)
    await theMainJob(base, practice, key, password)
    say(`Done in ${((performance.now() - started) / 1000).toFixed(1)} s. Start it for yourself with: npm start`)
  } finally {
    const gone = new Promise(resolve => server.once('exit', resolve))
    if (server.exitCode === null) server.kill('SIGTERM')
    else process.stderr.write('')
    if (server.exitCode === null) await gone
    if (databaseUrl) {
      await dropSchema(databaseUrl, schema)
      await dropSchema(databaseUrl, `${schema}_jobs`)
    }
    await rm(directory, { recursive: true, force: true })
  }
}

async function theMainJob(base: string, practice: string, key: string, password: string): Promise<void> {
  const api = (method: string, path: string, body?: unknown) =>
    ask(method, `${base}/api/v1${path}`, { authorization: `Bearer ${key}` }, body)

  const callback = `${base}/oauth/callback/default/practice_drive`
  const client = await ask(
    'POST',
    `${practice}/oauth2/clients`,
    {},
    { redirect_uris: [callback], grant_types: ['authorization_code', 'refresh_token'], access_token_seconds: 2, rotation: 'strict' },
  )
  must(client.status === 201, `The practice service did not register a client: ${client.status} ${JSON.stringify(client.json)}`)
  say('Registered an OAuth 2 client at the practice service (tokens live 2 seconds, refresh tokens rotate)')

  const service = await api('POST', '/services', {
    link_name: 'practice_drive',
    name: 'Practice Drive',
    auth_type: 'oauth2',
    grant_type: 'authorization_code',
    client_id: client.json.client_id,
    client_secret: client.json.client_secret,
    authorize_url: `${practice}/oauth2/authorize?access_type=offline`,
    access_token_url: `${practice}/oauth2/token`,
    revoke_token_url: `${practice}/oauth2/revoke`,
    scopes: [{ name: 'files.read', description: 'See files' }],
    scope_delimiter: 'space',
  })
  must(service.status === 201, `The service was not created: ${JSON.stringify(service.json)}`)
  say(`Created the custom service practice_drive; its credentials may go to ${String(service.json.api_hosts)}`)

  // the browser of the person who connects
  const signIn = await ask('POST', `${base}/api/auth/sign-in/email`, { origin: base }, { email: 'ada@example.test', password })
  must(signIn.status === 200, `Signing in answered ${signIn.status}`)
  const cookies = [...signIn.cookies]
  const browser = () => ({ origin: base, cookie: cookies.map(line => line.split(';')[0]).join('; ') })
  const created = await ask('POST', `${base}/api/v1/connections`, browser(), {
    service: 'practice_drive',
    name: 'My drive',
    link_name: 'my_drive',
  })
  must(created.status === 201, `The connection was not created: ${JSON.stringify(created.json)}`)
  cookies.push(...created.cookies)
  const authorization = created.json.authorization as { kind: string; url: string }
  must(authorization.kind === 'redirect', 'The service should have asked for a browser.')
  say('Create and Connect: my_drive waits for its owner to authorise it')

  const consent = await ask('GET', `${authorization.url}&auto=accept`)
  must(
    consent.location?.startsWith(callback),
    `The practice service sent the browser to ${consent.location ?? 'nowhere'} (${consent.status})`,
  )
  say('Ada accepted on the consent page; the browser is sent back with a code')
  const landed = await ask('GET', consent.location ?? '', browser())
  must(landed.status === 303, `The callback answered ${landed.status}`)
  const connected = await api('GET', '/connections/my_drive')
  must(connected.json.status === 'connected', `The connection is ${String(connected.json.status)}`)
  say('Exchanged the code, sealed the tokens: my_drive is connected')

  const call = { connection: 'my_drive', url: `${practice}/api/echo?hello=world`, type: 'GET' }
  const first = await api('POST', '/invoke', call)
  must(first.status === 200 && first.json.status_code === 200, `invoke answered ${first.status}: ${JSON.stringify(first.json)}`)
  const echoed = first.json.body as { account: unknown; token_number: unknown }
  say(
    `REST: POST /api/v1/invoke answered 200 for account ${JSON.stringify(echoed.account)} with token number ${String(echoed.token_number)}`,
  )

  const proxied = await ask('GET', `${base}/proxy/my_drive/http/${new URL(practice).host}/api/echo`, { authorization: `Bearer ${key}` })
  must(proxied.status === 200, `The proxy answered ${proxied.status}: ${JSON.stringify(proxied.json)}`)
  say('Proxy: GET /proxy/my_drive/http/… streamed the same answer')

  await new Promise(resolve => setTimeout(resolve, 2500))
  const later = await Promise.all(Array.from({ length: 8 }, () => api('POST', '/invoke', call)))
  must(
    later.every(one => one.status === 200 && one.json.status_code === 200),
    `After the token had ended: ${later.map(one => one.status).join(' ')}`,
  )
  const numbers = new Set(later.map(one => (one.json.body as { token_number: unknown }).token_number))
  must(numbers.size === 1 && !numbers.has(echoed.token_number), 'The token should have been renewed exactly once.')
  say(`The token ended; 8 calls at once were served by one refresh (token number ${[...numbers].join()})`)

  const revoked = await api('POST', '/connections/my_drive/revoke', {})
  must(revoked.status === 200, `Revoking answered ${revoked.status}`)
  const refused = await api('POST', '/invoke', call)
  must(refused.status === 409 && refused.json.code === 'connection_revoked', `After revoking, invoke answered ${refused.status}`)
  for (let tries = 0; tries < 100 && (await api('GET', '/connections/my_drive')).json.revoked_at_provider !== 'yes'; tries++)
    await new Promise(resolve => setTimeout(resolve, 100))
  const told = await api('GET', '/connections/my_drive')
  must(told.json.revoked_at_provider === 'yes', `The provider was not told: ${String(told.json.revoked_at_provider)}`)
  say('Revoked here at once and at the practice service too; the next call is refused with a link to connect again')
}

main().catch((error: unknown) => {
  process.stderr.write(`\nStep ${step + 1} failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
