import pg from 'pg'
import { Problem } from '../core/problem.ts'
import { createListener, type Listener } from './postgres-listener.ts'
import { losesSession, storageError, type Answer, type Session, type SessionSource } from './session.ts'

const minimumVersion = 150_000

const limits = {
  max: 10,
  /** To get a session, whether by waiting for one or by connecting. */
  connectionTimeoutMillis: 1_500,
  statement_timeout: 5_000,
  /** The server may be too far gone to keep its own promise. */
  query_timeout: 6_500,
  /** No transaction of ours waits for anything but the database. */
  idle_in_transaction_session_timeout: 30_000,
}

/**
 * The same where sessions cannot be given limits, because a pooler lends each of them for a transaction: what can be said at its beginning.
 * A single statement has what its user was given (docs/deployment.md), and `query_timeout`.
 */
const pooledLimits = {
  max: limits.max,
  connectionTimeoutMillis: limits.connectionTimeoutMillis,
  query_timeout: limits.query_timeout,
}
const transactionLimits = `set local statement_timeout = ${limits.statement_timeout}; set local idle_in_transaction_session_timeout = ${limits.idle_in_transaction_session_timeout}`

/** For migrations, exports and imports: one session, no limit on statements, but none that waits long for a lock while others queue behind it. */
const maintenanceLimits = { max: 1, connectionTimeoutMillis: 5_000, lock_timeout: 2_000 }

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string
  /**
   * When given, `url` leads to a pooler that lends sessions for a transaction each (PgBouncer's transaction mode), and this one past it:
   * for LISTEN, and for maintenance.
   */
  readonly directUrl?: string | undefined
  /** Sets the search path; the schema must exist. */
  readonly schema?: string | undefined
  /** Told of connections that break; without secrets. */
  readonly log?: ((line: string) => void) | undefined
}

export interface PostgresSource extends SessionSource {
  listen(channel: string, onMessage: (payload: string) => void, onLost: () => void): Promise<() => Promise<void>>
}

const identifier = (name: string): string => pg.escapeIdentifier(name)

/** A pooler refuses settings of a session, or forgets them. */
const pooledConfig = ({ url }: PostgresOptions): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'patchbay',
  keepAlive: true,
})

/** @param more settings of the session, as `-c name=value`. */
const sessionConfig = (options: PostgresOptions, more: readonly string[] = []): pg.ClientConfig => ({
  ...pooledConfig({ ...options, url: options.directUrl ?? options.url }),
  options: [
    // of statements as short as ours the compiler takes longer than they do: 150 ms for a page of 200 000 connections
    '-c jit=off',
    ...(options.schema === undefined ? [] : [`-c search_path=${identifier(options.schema).replaceAll(/([\\ ])/g, '\\$1')}`]),
    ...more,
  ].join(' '),
})

const nothing = (): void => {}

const first = (answers: Answer[]): Answer => answers[0] ?? { rows: [] }

/** "cached plan must not change result type": a newer version of Patchbay has migrated the table under a prepared statement. */
const isOutdated = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '0A000'

const answersOf = (result: pg.QueryResult | pg.QueryResult[]): Answer[] => (Array.isArray(result) ? result : [result])

/** @param pooled What is prepared stays with a session that the next transaction may not get. */
const sessionOf = (client: pg.PoolClient, pooled: boolean): Session => {
  let broken: Error | undefined
  let outdated = false
  const run = async (work: () => Promise<pg.QueryResult | pg.QueryResult[]>): Promise<Answer[]> => {
    // A rollback on a dead connection would hide the error that killed it.
    if (broken) throw storageError(broken)
    try {
      return answersOf(await work())
    } catch (error) {
      if (losesSession(error)) broken = error instanceof Error ? error : new Error('connection lost')
      throw storageError(error)
    }
  }
  return {
    async query(text, values, name) {
      if (pooled || name === undefined) return first(await run(() => client.query(text, [...values])))
      try {
        return first(await run(() => client.query({ name, text, values: [...values] })))
      } catch (error) {
        if (!isOutdated(error)) throw error
        outdated = true
        return first(await run(() => client.query(text, [...values])))
      }
    },
    script: text => run(() => client.query(text)),
    // what a session has prepared goes with it
    release: () => client.release(broken ?? outdated),
  }
}

/** Opens nothing yet: the first session does. */
export const postgresSource = (options: PostgresOptions, purpose: 'service' | 'maintenance'): PostgresSource => {
  const log = options.log ?? nothing
  const pooled = purpose === 'service' && options.directUrl !== undefined
  const pool = new pg.Pool(
    purpose === 'maintenance'
      ? { ...sessionConfig(options, ['-c statement_timeout=0']), ...maintenanceLimits }
      : pooled
        ? { ...pooledConfig(options), ...pooledLimits }
        : { ...sessionConfig(options), ...limits },
  )
  // Without listeners a connection that the server closes, idle or in use, would end the process.
  pool.on('error', error => log(`a database connection was lost: ${error.message}`))
  pool.on('connect', client => client.on('error', nothing))
  let listener: Listener | undefined

  return {
    ...(pooled && { transactionLimits }),
    async acquire() {
      if (pool.ending) throw new Problem('shutting_down')
      try {
        return sessionOf(await pool.connect(), pooled)
      } catch (error) {
        throw storageError(error)
      }
    },
    async listen(channel, onMessage, onLost) {
      listener ??= createListener(sessionConfig(options), {
        log,
        notify: name => pool.query('select pg_notify($1, $2)', [name, '']).then(nothing),
        unheard: () => refusal(options, notListening),
      })
      return listener.add(channel, onMessage, onLost)
    },
    async close() {
      await listener?.close()
      if (!pool.ending) await pool.end()
    },
  }
}

/** Host, port and database name of a connection URL: what may be shown of it. */
export const describeUrl = (url: string): string => {
  const { host, port, database } = new pg.Client({ connectionString: url })
  return `${host}:${port}/${database ?? ''}`
}

const refusal = ({ url }: PostgresOptions, reason: string, cause?: unknown): Problem =>
  new Problem('storage_unavailable', { detail: `PostgreSQL at ${describeUrl(url)} ${reason}` }, { cause })

const notListening =
  'does not tell Patchbay of changes that other instances make. If PATCHBAY_DATABASE_URL leads to a connection pooler, set PATCHBAY_DATABASE_DIRECT_URL to a URL that leads past it.'

const noneLeft =
  'has no connection left for Patchbay: others hold all that it, or this user, may have (max_connections). Close some of them, or allow more; each Patchbay process needs 12.'

/** For a start that got some sessions and no more of them; null when it was something else. */
export const noSessionLeft = (error: unknown): string | null =>
  error instanceof Problem && error.cause instanceof Error && 'code' in error.cause && error.cause.code === '53300'
    ? `PostgreSQL ${noneLeft}`
    : null

/** Why no session was to be had, as far as PostgreSQL or the pooler before it said so. */
function whyNoSession(error: unknown): string {
  const cause = error instanceof Problem ? error.cause : error
  if (!(cause instanceof Error)) return noWayIn
  if ('code' in cause && cause.code === '53300') return noneLeft
  if (/unsupported startup parameter/.test(cause.message))
    return 'is behind a connection pooler that takes no settings of a session. Set PATCHBAY_DATABASE_DIRECT_URL to a URL that leads past the pooler.'
  return noWayIn
}
const noWayIn = 'does not answer, or does not let Patchbay in. Check PATCHBAY_DATABASE_URL and that the server runs.'

interface Inspected {
  readonly schema: string
  /** Such as `15.20`. */
  readonly version: string
  /** Which database of which server it is; the same from every session, until the server starts again. */
  readonly identity: string
}

/**
 * The schema that tables go to, and the server's version.
 * Throws `storage_unavailable`, naming the server, when it does not answer, is older than PostgreSQL 15, or has no such schema.
 */
const inspect = async (source: SessionSource, options: PostgresOptions): Promise<Inspected> => {
  const session = await source.acquire().catch((error: unknown) => {
    throw refusal(options, whyNoSession(error), error)
  })
  try {
    const answer = await session.query(
      `select current_schema() as schema, current_setting('server_version') as version, current_setting('server_version_num')::int as number,
        (select oid from pg_database where datname = current_database()) || ' ' || extract(epoch from pg_postmaster_start_time()) as identity`,
      [],
    )
    const [row] = answer.rows as { schema: string | null; version: string; number: number; identity: string }[]
    if (!row || row.number < minimumVersion) throw refusal(options, `is version ${row?.version ?? '?'}. Patchbay needs 15 or newer.`)
    if (row.schema === null)
      throw refusal(options, `has no schema ${options.schema ?? 'public'} that this user may use. Create it, or allow its use.`)
    return { schema: row.schema, version: row.version.split(' ')[0] ?? row.version, identity: row.identity }
  } catch (error) {
    // a pooler takes everybody in and finds out afterwards
    if (options.directUrl !== undefined && error instanceof Problem && error.facts['detail'] === undefined)
      throw refusal(options, whyNoSession(error), error)
    throw error
  } finally {
    session.release()
  }
}

/**
 * The schema that tables go to, and the server's version; with a direct URL also that both URLs lead to the same.
 * @throws Problem storage_unavailable with a sentence that names the server
 */
export const inspectServer = async (source: SessionSource, options: PostgresOptions): Promise<Inspected> => {
  const { directUrl } = options
  const found = await inspect(source, options)
  if (directUrl === undefined) return found
  const direct = postgresSource(options, 'maintenance')
  try {
    const past = await inspect(direct, { ...options, url: directUrl, directUrl: undefined })
    if (past.identity !== found.identity)
      throw refusal(options, 'is another database than the one that PATCHBAY_DATABASE_DIRECT_URL leads to. Both must lead to the same one.')
    if (past.schema !== found.schema)
      throw refusal(
        options,
        `uses the schema ${found.schema} through the pooler, and ${past.schema} past it. A pooler cannot be told: ALTER ROLE … SET search_path = ${past.schema} on the server, and let the pooler connect anew.`,
      )
    return past
  } finally {
    await direct.close()
  }
}

const execute = async (url: string, text: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', nothing)
  try {
    await client.connect()
    await client.query(text)
  } catch (error) {
    throw storageError(error)
  } finally {
    await client.end().catch(nothing)
  }
}

/** Creates a schema for one purpose (the quickstart); rejects when it exists. */
export const createSchema = (url: string, schema: string): Promise<void> => execute(url, `create schema ${identifier(schema)}`)

/** Drops a schema with everything in it; no error when there is none. */
export const dropSchema = (url: string, schema: string): Promise<void> =>
  execute(url, `drop schema if exists ${identifier(schema)} cascade`)
