import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { practiceHandler } from '../../src/practice/server.ts'
import type { State } from '../../src/practice/state.ts'

/*
 * The practice service as it looks to somebody who asks for a real provider: reached under the provider's host names, over TLS with a
 * certificate for them, at the provider's own paths.
 */

/** A CA, and a certificate of it for these names. */
function certificateFor(names: readonly string[]): { ca: string; key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-ca-'))
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  try {
    openssl('req', '-x509', ...curve, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Patchbay test CA')
    openssl('req', ...curve, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=providers')
    writeFileSync(path('names.cnf'), `subjectAltName=${names.map(name => `DNS:${name}`).join(',')}\n`)
    openssl(
      ...['x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'],
      ...['-out', 'leaf.pem', '-extfile', 'names.cnf'],
    )
    const read = (name: string) => readFileSync(path(name), 'utf8')
    return { ca: read('ca.pem'), key: read('leaf.key'), cert: read('leaf.pem') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Visited {
  readonly status: number
  readonly location: string | null
  readonly text: string
}

export interface Disguise {
  readonly ca: string
  readonly port: number
  readonly state: State
  /** For `startPatchbay`: every name leads here. */
  resolve(name: string): Promise<readonly { address: string; port: number }[]>
  /** From now on this URL (its query does not count) is that path of the practice service. */
  play(url: string, path: string): void
  /** The next requests to this URL are answered with this document, when they carry one of these secrets; until the next call, or null. */
  identity(url: string | null, document?: unknown, secrets?: () => readonly string[]): void
  /** Requests that arrived: `host method path`. */
  readonly arrived: { readonly host: string; readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[]
  /** What a browser does with a provider's page, but for following. */
  visit(url: string): Promise<Visited>
  /** Talks to the practice service itself. */
  control(path: string, body: unknown): Promise<Record<string, unknown>>
  close(): Promise<void>
}

export async function startDisguise(names: readonly string[]): Promise<Disguise> {
  const { ca, key, cert } = certificateFor([...names, 'practice.test'])
  const paths = new Map<string, string>()
  const arrived: { host: string; method: string; url: string; headers: IncomingMessage['headers'] }[] = []
  let identity: { key: string; document: unknown; secrets: () => readonly string[] } | null = null
  const keyOf = (host: string, path: string) => `${host}${path}`
  const { handler, state } = practiceHandler(Date.now, [], (host, path) => paths.get(keyOf(host, path)) ?? null)

  const server = createServer({ key, cert }, (request, response) => {
    const host = request.headers.host ?? ''
    const url = request.url ?? ''
    arrived.push({ host, method: request.method ?? '', url, headers: request.headers })
    if (identity?.key !== keyOf(host, url.split('?')[0] ?? '')) return handler(request, response)
    const said = JSON.stringify(request.headers) + url
    const known = identity.secrets().some(secret => said.includes(secret))
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(known ? identity.document : {}))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const ask = (url: URL, method: string, body: string | null): Promise<Visited> =>
    new Promise((resolve, reject) => {
      const headers = {
        host: url.host,
        ...(body !== null && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      }
      const call = httpsRequest(
        { host: '127.0.0.1', port, servername: url.hostname, path: url.pathname + url.search, method, headers, ca, agent: false },
        response => {
          let text = ''
          response.on('data', (piece: Buffer) => (text += piece.toString()))
          response.on('end', () => resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? null, text }))
        },
      )
      call.on('error', reject).end(body ?? undefined)
    })

  return {
    ca,
    port,
    state,
    arrived,
    resolve: async () => [{ address: '127.0.0.1', port }],
    play(url, path) {
      const { host, pathname } = new URL(url)
      paths.set(keyOf(host, pathname), path)
    },
    identity(url, document = {}, secrets = () => []) {
      const at = url === null ? null : new URL(url)
      identity = at && { key: keyOf(at.host, at.pathname), document, secrets }
    },
    visit: url => ask(new URL(url), 'GET', null),
    async control(path, body) {
      const answer = await ask(new URL(path, 'https://practice.test'), 'POST', JSON.stringify(body))
      if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.text}`)
      return JSON.parse(answer.text) as Record<string, unknown>
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
