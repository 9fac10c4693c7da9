import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freshDataDir } from '../../support/databases.ts'
import { built } from '../../support/program.ts'
import { freshPath } from '../../support/run-directory.ts'
import { evilAddress, goodAddress, otherAddress, type Ask, type Command, type Exchanged, type Reply, type Results, type Zone } from './contract.ts' // prettier-ignore

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Names that are public hosts inside. */
export const publicNames: Zone = {
  'good.test': { a: [goodAddress] },
  '*.good.test': { a: [goodAddress] },
  'evil.test': { a: [evilAddress] },
  '*.evil.test': { a: [evilAddress] },
  'patchbay.test': { a: [otherAddress] },
}

/** An authority and a certificate for the names above and these addresses. */
function certificates(folder: string, addresses: readonly string[]): void {
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: folder, stdio: 'pipe' })
  const names = ['good.test', '*.good.test', 'evil.test', '*.evil.test', 'patchbay.test'].map(name => `DNS:${name}`)
  openssl('req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=namespace')
  openssl('req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf')
  writeFileSync(join(folder, 'names'), `subjectAltName=${[...names, ...addresses.map(address => `IP:${address}`)].join(',')}`)
  openssl('x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out leaf.pem')
}

export interface More {
  readonly zone?: Zone
  readonly script?: Readonly<Record<string, string>>
  readonly continued?: boolean
}

export interface Namespace {
  exchange(ask: Ask, more?: More): Promise<Exchanged>
  tell<C extends Command>(command: C): Promise<Results[C['do']]>
  /** Every answer of Patchbay that was seen. */
  readonly answers: string[]
  stop(): Promise<void>
}

/**
 * Starts `inside.ts` in a user and network namespace of its own, where nothing but it is reachable and every address is.
 * @param addresses  Those that its certificate is also valid for.
 * @throws Error that says what is missing, on a machine that has no such namespaces: a test that is left out proves nothing.
 */
export async function openNamespace(addresses: readonly string[]): Promise<Namespace> {
  const folder = freshPath('namespace')
  mkdirSync(folder, { recursive: true })
  certificates(folder, addresses)
  const { CI: _, ...env } = process.env
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
  const child = spawn(
    'unshare',
    [
      ...['--user', '--map-root-user', '--net', '--'],
      ...[
        process.execPath,
        '--import',
        'tsx',
        join(root, 'test/attacks/namespace/inside.ts'),
        folder,
        await freshDataDir(),
        built ? 'built' : 'sources',
      ],
    ],
    {
      cwd: root,
      // Nobody asks it: a proxy would be called before the address is judged.
      env: { ...env, ...Object.fromEntries(proxies.map(name => [name, `http://${evilAddress}:80`])) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said = `${said}${String(chunk)}`.slice(-4000)))
  const waiting = new Map<number, { done: (result: unknown) => void; failed: (error: Error) => void }>()
  const gone = (error: Error) => {
    for (const one of waiting.values()) one.failed(error)
    waiting.clear()
  }
  child.on('error', error => gone(new Error(`no network namespace: ${error.message}. It takes Linux, "unshare" and "ip".`)))
  // not "close", which Node does not tell of a child that was disconnected
  const ended = new Promise<void>(done => child.once('exit', () => done()))
  child.on('close', code => gone(new Error(`the process in the network namespace ended with ${code}. It takes Linux with user namespaces, "unshare" and "ip". ${said}`))) // prettier-ignore
  child.on('message', ({ id, result, error }: Reply) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.done(result)
    else one?.failed(new Error(error))
  })
  const replyTo = (id: number) => new Promise<unknown>((done, failed) => waiting.set(id, { done, failed }))
  await replyTo(0)

  let count = 0
  const answers: string[] = []
  const tell = async <C extends Command>(command: C) => {
    const reply = replyTo(++count)
    child.send({ id: count, ...command })
    return (await reply) as Results[C['do']]
  }
  return {
    tell,
    answers,
    async exchange(ask, { zone = {}, script = {}, continued = false } = {}) {
      const exchanged = await tell({ do: 'exchange', ask, zone: { ...publicNames, ...zone }, script, continued })
      answers.push(exchanged.told.text)
      return exchanged
    },
    async stop() {
      if (child.connected) child.disconnect()
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(late)
    },
  }
}
