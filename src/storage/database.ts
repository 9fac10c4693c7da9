import { resolve } from 'node:path'
import type { Kysely, Transaction } from 'kysely'
import { openEmbedded } from './pglite.ts'
import { describeUrl, inspectServer, postgresSource } from './postgres.ts'
import { executeSqlOver, kyselyOver } from './session.ts'
import type { Tables } from './tables.ts'

export type Database = Kysely<Tables>

/**
 * What a storage function runs on: the database, or the transaction its caller is in. Always pass the transaction on: the embedded
 * database has one session, and a query on `db` inside `db.transaction()` waits for itself.
 */
export type Executor = Kysely<Tables> | Transaction<Tables>

export interface OpenDatabase {
  readonly kind: 'pglite' | 'postgres'
  readonly db: Database
  /** Sessions are lent by a pooler for a transaction each, and keep no limits. */
  readonly pooled: boolean
  /** The schema our tables are in. */
  readonly schema: string
  /** For libraries with SQL of their own (pg-boss): text with parameters, or a script without. Rolls back after an error. */
  executeSql(text: string, values?: readonly unknown[]): Promise<{ rows: unknown[] }>
  /**
   * Calls `onMessage` for each NOTIFY on the channel, until the returned function is called. `onLost` means that messages may have
   * been missed (the connection broke, or was made again; the embedded database was started again): forget what was remembered.
   */
  listen(channel: string, onMessage: (payload: string) => void, onLost: () => void): Promise<() => Promise<void>>
  /** One session without limits on time, for migrations, export and import. Close it when done. */
  maintenance(): { readonly db: Database; close(): Promise<void> }
  /** Waits for what runs, then refuses everything (`shutting_down`). May be called twice. */
  close(): Promise<void>
  /** For people, without secrets: `PostgreSQL 15.20 at host:port/name`. */
  describe(): string
}

export interface DatabaseOptions {
  /** A PostgreSQL connection URL; without it the database is embedded. */
  readonly url?: string | undefined
  /** With it, `url` leads to a pooler in transaction mode, and this past it. */
  readonly directUrl?: string | undefined
  /** Where the embedded database lives. Not touched when `url` is given. */
  readonly dataDir: string
  /** PostgreSQL only: use this schema, which must exist, instead of the user's default. */
  readonly schema?: string | undefined
  /** Told of connections that break, and of an embedded database that is started again; without secrets. */
  readonly log?: ((line: string) => void) | undefined
}

/**
 * Opens the one database of this process. Tables are `migrate`'s business.
 *
 * Every query and every opening throws `Problem('storage_unavailable')` when the database could not be asked; what the database
 * itself objects to (SQLSTATE 23505 and the like) arrives as it is, with `code` and `constraint`, the same from both.
 */
export const openDatabase = (options: DatabaseOptions): Promise<OpenDatabase> =>
  options.url === undefined ? openPGlite(options) : openPostgres({ ...options, url: options.url })

const openPGlite = async ({ dataDir, log }: DatabaseOptions): Promise<OpenDatabase> => {
  const source = await openEmbedded(dataDir, undefined, log)
  const db = kyselyOver(source)
  return {
    kind: 'pglite',
    pooled: false,
    db,
    schema: 'public',
    executeSql: executeSqlOver(source),
    listen: (channel, onMessage, onLost) => source.listen(channel, onMessage, onLost),
    maintenance: () => ({ db, close: async () => {} }),
    close: () => source.close(),
    describe: () => `embedded PostgreSQL ${source.version} in ${resolve(dataDir)}`,
  }
}

const openPostgres = async (options: DatabaseOptions & { url: string }): Promise<OpenDatabase> => {
  const source = postgresSource(options, 'service')
  try {
    const { schema, version } = await inspectServer(source, options)
    return {
      kind: 'postgres',
      pooled: options.directUrl !== undefined,
      db: kyselyOver(source),
      schema,
      executeSql: executeSqlOver(source),
      listen: (channel, onMessage, onLost) => source.listen(channel, onMessage, onLost),
      maintenance() {
        const single = postgresSource(options, 'maintenance')
        return { db: kyselyOver(single), close: () => single.close() }
      },
      close: () => source.close(),
      describe: () => `PostgreSQL ${version} at ${describeUrl(options.url)}, schema ${schema}`,
    }
  } catch (error) {
    await source.close()
    throw error
  }
}
