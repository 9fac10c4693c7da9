import pg from 'pg'
import { Problem } from '../core/problem.ts'
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

/** For migrations, exports and imports: one session, no limit on statements, but none that waits long for a lock while others queue behind it. */
const maintenanceLimits = { max: 1, connectionTimeoutMillis: 5_000, lock_timeout: 2_000 }

const listenerPingEveryMs = 5_000

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string
  /** Sets the search path; the schema must exist. */
  readonly schema?: string | undefined
  /** Told of connections that break; without secrets. */
  readonly log?: ((line: string) => void) | undefined
}

export interface PostgresSource extends SessionSource {
  listen(channel: string, onMessage: (payload: string) => void, onLost: () => void): Promise<() => Promise<void>>
}

const identifier = (name: string): string => pg.escapeIdentifier(name)

const clientConfig = ({ url, schema }: PostgresOptions): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'patchbay',
  keepAlive: true,
  // of statements as short as ours the compiler takes longer than they do: 150 ms for a page of 200 000 connections
  options: ['-c jit=off', ...(schema === undefined ? [] : [`-c search_path=${identifier(schema).replaceAll(/([\\ ])/g, '\\$1')}`])].join(
    ' ',
  ),
})

const nothing = (): void => {}

const first = (answers: Answer[]): Answer => answers[0] ?? { rows: [] }

/** "cached plan must not change result type": a newer version of Patchbay has migrated the table under a prepared statement. */
const isOutdated = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '0A000'

const answersOf = (result: pg.QueryResult | pg.QueryResult[]): Answer[] => (Array.isArray(result) ? result : [result])

const sessionOf = (client: pg.PoolClient): Session => {
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
      if (name === undefined) return first(await run(() => client.query(text, [...values])))
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
  const pool = new pg.Pool({ ...clientConfig(options), ...(purpose === 'service' ? limits : maintenanceLimits) })
  // Without listeners a connection that the server closes, idle or in use, would end the process.
  pool.on('error', error => log(`a database connection was lost: ${error.message}`))
  pool.on('connect', client => client.on('error', nothing))
  let listener: Listener | undefined

  return {
    async acquire() {
      if (pool.ending) throw new Problem('shutting_down')
      try {
        return sessionOf(await pool.connect())
      } catch (error) {
        throw storageError(error)
      }
    },
    async listen(channel, onMessage, onLost) {
      listener ??= createListener(options)
      return listener.add(channel, onMessage, onLost)
    },
    async close() {
      await listener?.close()
      if (!pool.ending) await pool.end()
    },
  }
}

interface Subscription {
  readonly channel: string
  readonly onMessage: (payload: string) => void
  readonly onLost: () => void
}

interface Listener {
  add(channel: string, onMessage: (payload: string) => void, onLost: () => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

/**
 * One connection of its own for LISTEN, made again whenever it is lost. `onLost` is called at the loss and again once listening
 * resumed: notifications of the time between are gone, so whatever was remembered meanwhile must be forgotten too.
 */
const createListener = (options: PostgresOptions): Listener => {
  const log = options.log ?? nothing
  const subscriptions = new Set<Subscription>()
  let connected: Promise<pg.Client> | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false
  let failures = 0

  const everyoneLost = (): void => {
    for (const subscription of subscriptions) subscription.onLost()
  }

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ ...clientConfig(options), connectionTimeoutMillis: 5_000, query_timeout: 5_000 })
    let lost = false
    // A half-open connection says nothing: only asking tells.
    const ping = setInterval(() => void client.query('select 1').catch(loseIt), listenerPingEveryMs).unref()
    const loseIt = (): void => {
      if (lost) return
      lost = true
      clearInterval(ping)
      client.end().catch(nothing)
      if (closed) return
      connected = undefined
      everyoneLost()
      schedule()
    }
    client.on('error', loseIt)
    client.on('end', loseIt)
    client.on('notification', ({ channel, payload = '' }) => {
      for (const subscription of subscriptions) if (subscription.channel === channel) subscription.onMessage(payload)
    })
    try {
      await client.connect()
      for (const channel of new Set([...subscriptions].map(each => each.channel))) await client.query(`listen ${identifier(channel)}`)
    } catch (error) {
      lost = true
      clearInterval(ping)
      client.end().catch(nothing)
      throw error
    }
    return client
  }

  const schedule = (): void => {
    const delayMs = Math.min(5_000, 100 * 2 ** failures++)
    retry = setTimeout(() => {
      if (connected) {
        // A new subscriber did not wait for this and connected for everybody.
        everyoneLost()
        return
      }
      connected = connect()
      connected.then(
        () => {
          failures = 0
          everyoneLost()
        },
        (error: unknown) => {
          connected = undefined
          log(`listening for database notifications failed: ${error instanceof Error ? error.message : 'unknown'}`)
          if (!closed) schedule()
        },
      )
    }, delayMs).unref()
  }

  return {
    async add(channel, onMessage, onLost) {
      const subscription = { channel, onMessage, onLost }
      subscriptions.add(subscription)
      try {
        if (connected) await (await connected).query(`listen ${identifier(channel)}`)
        else await (connected = connect())
      } catch (error) {
        subscriptions.delete(subscription)
        connected = undefined
        throw storageError(error)
      }
      return async () => {
        subscriptions.delete(subscription)
        if ([...subscriptions].some(each => each.channel === channel) || closed) return
        await (await connected)?.query(`unlisten ${identifier(channel)}`).catch(nothing)
      }
    },
    async close() {
      closed = true
      clearTimeout(retry)
      const client = await connected?.catch(() => undefined)
      await client?.end()
    },
  }
}

/** Host, port and database name of a connection URL: what may be shown of it. */
export const describeUrl = (url: string): string => {
  const { host, port, database } = new pg.Client({ connectionString: url })
  return `${host}:${port}/${database ?? ''}`
}

/**
 * The schema that tables go to, and the server's version.
 * Throws `storage_unavailable`, naming the server, when it does not answer, is older than PostgreSQL 15, or has no such schema.
 */
export const inspectServer = async (
  source: SessionSource,
  { url, schema }: PostgresOptions,
): Promise<{ schema: string; version: string }> => {
  const where = describeUrl(url)
  const refuse = (reason: string, cause?: unknown): Problem => {
    return new Problem('storage_unavailable', { detail: `PostgreSQL at ${where} ${reason}` }, { cause })
  }
  const session = await source.acquire().catch((error: unknown) => {
    throw refuse('does not answer, or does not let Patchbay in. Check PATCHBAY_DATABASE_URL and that the server runs.', error)
  })
  try {
    const answer = await session.query(
      "select current_schema() as schema, current_setting('server_version') as version, current_setting('server_version_num')::int as number",
      [],
    )
    const [row] = answer.rows as { schema: string | null; version: string; number: number }[]
    if (!row || row.number < minimumVersion) throw refuse(`is version ${row?.version ?? '?'}. Patchbay needs 15 or newer.`)
    if (row.schema === null) throw refuse(`has no schema ${schema ?? 'public'} that this user may use. Create it, or allow its use.`)
    return { schema: row.schema, version: row.version.split(' ')[0] ?? row.version }
  } finally {
    session.release()
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
