import { spawn } from 'node:child_process'
import { accessSync, chmodSync, chownSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { freePort } from './patchbay.ts'
import { connected, unprivileged } from './postgres-server.ts'
import { freshPath, runDirectory } from './run-directory.ts'

/** PgBouncer before the server of a URL, lending sessions for a transaction each. */
export interface PgBouncer {
  /** The same database, user and password, through it. */
  readonly url: string
  stop(): Promise<void>
}

/** On PATH, or where Debian puts it, which ordinary users do not look. */
const program = (): string => {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'])
    try {
      accessSync(join(folder, 'pgbouncer'), constants.X_OK)
      return join(folder, 'pgbouncer')
    } catch {
      // not there: look in the next folder
    }
  throw new Error('This needs PgBouncer: install it ("apt-get install pgbouncer"), no set-up needed.')
}

/** It ends when the pipe to it closes, so also with a test that fails before it has what it would stop. */
const untilClosed = '"$0" "$1" & cat > /dev/null; kill -9 $!'

/** @param settings of its section `[pgbouncer]`, beside how it is reached. */
export async function startPgBouncer(databaseUrl: string, settings: Readonly<Record<string, string | number>>): Promise<PgBouncer> {
  const { hostname, port: serverPort, username, password } = new URL(databaseUrl)
  const identity = unprivileged()
  const home = freshPath('pgbouncer')
  const port = await freePort()
  chmodSync(runDirectory(), 0o711)
  mkdirSync(home, { mode: 0o700 })
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(home, 'users'),
    pool_mode: 'transaction',
    max_client_conn: 200,
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  const files = {
    users: `"${username}" "${password}"\n`,
    configuration: ['[databases]', `* = host=${hostname} port=${serverPort}`, '[pgbouncer]', ...lines, ''].join('\n'),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text, { mode: 0o600 })
  if (identity.uid !== undefined && identity.gid !== undefined)
    for (const path of [home, ...Object.keys(files).map(name => join(home, name))]) chownSync(path, identity.uid, identity.gid)

  let said = ''
  const bouncer = spawn('sh', ['-c', untilClosed, program(), join(home, 'configuration')], {
    ...identity,
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '' },
  })
  for (const stream of [bouncer.stdout, bouncer.stderr]) stream.on('data', text => (said = `${said}${String(text)}`.slice(-2_000)))
  const ended = new Promise<void>(resolve => bouncer.once('close', () => resolve()))
  const url = new URL(databaseUrl)
  url.port = String(port)
  try {
    await (await connected(url.href, 15_000)).end()
  } catch (error) {
    bouncer.stdin.end()
    throw new Error(`PgBouncer did not start: ${said}`, { cause: error })
  }
  return {
    url: url.href,
    async stop() {
      bouncer.stdin.end()
      await ended
    },
  }
}
