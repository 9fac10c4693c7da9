import { mkdtempSync, rmSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, stopPostgresServer, type PostgresServer } from '../test/support/postgres-server.ts'

let server: Promise<PostgresServer & { readonly directory: string }> | undefined

/**
 * The PostgreSQL of this run, started when a part first asks for it and shared by all. Its own settings for durability are left alone
 * (fsync and synchronous commit on): what it takes to be safe is part of the figures.
 */
export const measuredPostgres = (): Promise<PostgresServer> => (server ??= begin())

async function begin(): Promise<PostgresServer & { readonly directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'patchbay-bench-postgres-'))
  // PostgreSQL runs as another user where this is root
  chmodSync(directory, 0o711)
  const { url, pid } = await startPostgres(join(directory, 'cluster'), {
    shared_buffers: '512MB',
    max_wal_size: '4GB',
    max_connections: 100,
  })
  return { url, pid, directory }
}

export async function stopMeasuredPostgres(): Promise<void> {
  const running = await server?.catch(() => undefined)
  if (!running) return
  await stopPostgresServer(running.pid)
  rmSync(running.directory, { recursive: true, force: true })
}
