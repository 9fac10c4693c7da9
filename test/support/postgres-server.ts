import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

const user = 'patchbay_test'

export interface PostgresServer {
  /** As superuser, loopback only. */
  readonly url: string
  readonly pid: number
}

export interface StartedPostgres extends PostgresServer {
  /** After its end: the same data, at the same URL, in another process. */
  startAgain(): Promise<StartedPostgres>
}

/** The folder with `initdb` and `postgres`: from PATH, or where Debian puts them; the newest of several. */
export const findPostgres = (): string | undefined => {
  const installed = '/usr/lib/postgresql'
  const versions = existsSync(installed) ? readdirSync(installed).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...versions.map(version => join(installed, version, 'bin'))]
  for (const folder of folders) {
    try {
      accessSync(join(folder, 'initdb'), constants.X_OK)
      accessSync(join(folder, 'postgres'), constants.X_OK)
      return dirname(realpathSync(join(folder, 'postgres')))
    } catch {
      // not there: look in the next folder
    }
  }
  return undefined
}

/** PostgreSQL refuses to run as root; there is then a `postgres` user, which its package creates. */
export const unprivileged = (): { uid?: number; gid?: number } => {
  if (process.getuid?.() !== 0) return {}
  const entry = readFileSync('/etc/passwd', 'utf8').match(/^(?:postgres|nobody):[^:]*:(\d+):(\d+):/m)
  if (!entry)
    throw new Error('PostgreSQL does not run as root, and there is no user "postgres" to run it as. Install the postgresql package.')
  return { uid: Number(entry[1]), gid: Number(entry[2]) }
}

/** A port that is free now. Another process may take it before we do: the caller tries again. */
const freePort = (): Promise<number> =>
  new Promise((found, failed) => {
    const server = createServer().on('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address && typeof address === 'object' ? found(address.port) : failed(new Error('no port'))))
    })
  })

/** Tries until it is there or the time is up. */
export const connected = async (url: string, ms: number): Promise<pg.Client> => {
  const deadline = Date.now() + ms
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {})
      if (Date.now() > deadline) throw error
      await delay(50)
    }
  }
}

/**
 * Makes a PostgreSQL cluster of its own in a new folder and starts it, with its own process group.
 * @param home does not exist yet; PostgreSQL's user must be able to pass through the folders above it.
 * @param settings of `postgres -c`, beside where it listens.
 * @param replicaOf It is a standby of this one, which it follows without keeping it waiting.
 * @param environment Of the server itself, such as `WrongClock.environment`.
 */
export const startPostgres = async (
  home: string,
  settings: Readonly<Record<string, string | number>>,
  replicaOf?: PostgresServer,
  environment: Readonly<Record<string, string>> = {},
): Promise<StartedPostgres> => {
  const programs = findPostgres()
  if (programs === undefined)
    throw new Error('This needs PostgreSQL 15 or newer: install it ("apt-get install postgresql"), no set-up needed.')
  const identity = unprivileged()
  const data = join(home, 'data')
  const password = replicaOf ? new URL(replicaOf.url).password : randomBytes(16).toString('hex')
  mkdirSync(home, { mode: 0o700 })
  writeFileSync(join(home, 'password'), password, { mode: 0o600 })
  if (identity.uid !== undefined && identity.gid !== undefined) {
    chownSync(home, identity.uid, identity.gid)
    chownSync(join(home, 'password'), identity.uid, identity.gid)
  }
  const options = { ...identity, cwd: home, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' } }
  const [maker, ...making] = replicaOf
    ? ['pg_basebackup', '-D', data, '-d', replicaOf.url, '-R', '-c', 'fast', '--no-sync']
    : [
        'initdb',
        '-D',
        data,
        '-U',
        user,
        '-A',
        'scram-sha-256',
        '--pwfile',
        join(home, 'password'),
        '-E',
        'UTF8',
        '--no-locale',
        '--no-sync',
      ]
  execFileSync(join(programs, maker), making, { ...options, stdio: 'pipe' })

  let attempts = 0
  const begin = async (port: number): Promise<StartedPostgres> => {
    const logFile = join(home, `log-${++attempts}`)
    const log = openSync(logFile, 'a')
    const all = { ...settings, port, listen_addresses: '127.0.0.1', unix_socket_directories: '' }
    const server = spawn(
      join(programs, 'postgres'),
      ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...options,
        env: { ...options.env, ...environment },
        stdio: ['ignore', log, log],
        detached: true,
      },
    )
    closeSync(log)
    let ended = false
    server.once('exit', () => (ended = true))
    server.unref()
    const url = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`
    try {
      const client = await connected(url, 15_000)
      const { rows } = await client.query<{ data_directory: string }>('show data_directory')
      await client.end()
      // Tests drop schemas and databases: be sure that they are ours.
      if (rows[0]?.data_directory !== realpathSync(data)) throw new Error(`port ${port} answers for another PostgreSQL`)
      return { url, pid: server.pid ?? 0, startAgain: () => begin(port) }
    } catch (error) {
      if (!ended) server.kill('SIGINT')
      throw new Error(`PostgreSQL did not start: ${readFileSync(logFile, 'utf8').slice(-500)}`, { cause: error })
    }
  }
  for (;;) {
    try {
      return await begin(await freePort())
    } catch (error) {
      if (attempts === 3) throw error
    }
  }
}

/** SIGINT is PostgreSQL's fast shutdown; after ten seconds it is killed. */
export const stopPostgresServer = async (pid: number): Promise<void> => {
  const alive = (): boolean => {
    try {
      process.kill(pid, 0)
      return !/\) Z /.test(existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '')
    } catch {
      return false
    }
  }
  if (!alive()) return
  process.kill(pid, 'SIGINT')
  for (let waitedMs = 0; alive() && waitedMs < 10_000; waitedMs += 50) await delay(50)
  if (alive()) process.kill(pid, 'SIGKILL')
}
