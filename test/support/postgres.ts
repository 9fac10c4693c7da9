import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connected, startPostgres, stopPostgresServer } from './postgres-server.ts'
import { oncePerRun, runDirectory } from './run-directory.ts'

const start = async (): Promise<string> => {
  // The run's folder is private to the user of the tests; PostgreSQL's user must be able to pass through it.
  chmodSync(runDirectory(), 0o711)
  const { url, pid } = await startPostgres(join(runDirectory(), 'postgres'), {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: 200,
    shared_buffers: '64MB',
  })
  writeFileSync(join(runDirectory(), 'postgres.pid'), String(pid))
  return url
}

/** The connection URL of this run's own PostgreSQL server (superuser, loopback), started when the first test asks for it. */
export const postgresUrl = (): Promise<string> => oncePerRun('postgres-url', start)

/** A new, empty database on this run's server; its URL. */
export const createPostgresDatabase = async (): Promise<string> => {
  const url = new URL(await postgresUrl())
  const name = `test_${randomBytes(8).toString('hex')}`
  const client = await connected(url.href, 5_000)
  try {
    await client.query(`create database ${name}`)
  } finally {
    await client.end()
  }
  url.pathname = `/${name}`
  return url.href
}

/** Ends this run's server, if one was started. */
export const stopPostgres = async (directory: string): Promise<void> => {
  const pidFile = join(directory, 'postgres.pid')
  if (existsSync(pidFile)) await stopPostgresServer(Number(readFileSync(pidFile, 'utf8')))
}
