import {
  CompiledQuery,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type Compilable,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely'
import { invalid, Problem } from '../core/problem.ts'
import type { Tables } from './tables.ts'

/** What one statement answered. `command` is the first word of its command tag (`INSERT`, `SELECT`, …). */
export interface Answer {
  readonly rows: unknown[]
  readonly command?: string | undefined
  readonly rowCount?: number | null | undefined
}

/** One database session, held by one caller until `release`. Its errors have been through `storageError`. */
export interface Session {
  /**
   * One statement with parameters.
   * @param name of a statement that is asked for often, always the same text: PostgreSQL plans it once for each session.
   */
  query(text: string, values: readonly unknown[], name?: string): Promise<Answer>
  /** One or several statements without parameters. */
  script(text: string): Promise<Answer[]>
  release(): void
}

/** Where sessions come from: a pool (PostgreSQL) or the one session there is (embedded). */
export interface SessionSource {
  /** Statements that every transaction begins with, where a session keeps no settings. */
  readonly transactionLimits?: string
  /** Rejects with `storage_unavailable` when none is to be had in time, with `shutting_down` after `close`. */
  acquire(): Promise<Session>
  close(): Promise<void>
}

/**
 * SQLSTATE classes and codes that say "not now" and nothing about the statement (PostgreSQL manual, appendix A):
 * 08 connection, 53 out of resources, 57P operator intervention, 58 system error, XX internal error,
 * 28 and 3D000 the way in is shut, 25006 a replica, 25P03 and 57014 our own limits on time.
 */
const unavailable = /^(?:08...|53...|57P..|58...|XX...|28...|3D000|25006|25P03|57014)$/

/** Want of privilege, 42501, is what PostgreSQL also says of a disk that does not let it write; of what a user may not do there is no such text. */
const diskRefuses = /: (?:Read-only file system|Permission denied|Operation not permitted)$/

/** A text that PostgreSQL cannot hold at all: NUL in a value (22021) or in JSON (22P05). Half a surrogate pair in JSON is a plain 22P02. */
const unstorable = /^22(?:021|P05)$/

const networkFailure = /^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENOENT|EACCES$)/

/** What node-postgres and pg-pool say, without a code, when the connection is the trouble. */
const connectionMessage =
  /timeout exceeded when trying to connect|timeout expired|Connection terminated|connection error and is not queryable|Query read timeout|Client was closed|ended the connection|server does not support SSL/i

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '')

/** After these the session itself may not be used again. A statement that was cancelled (57014) leaves it whole. */
export const losesSession = (error: unknown): boolean => {
  if (!(error instanceof Error)) return true
  const code = codeOf(error)
  if (/^(?:08...|57P..|25P03)$/.test(code)) return true
  return networkFailure.test(code) || connectionMessage.test(error.message)
}

/**
 * The one place where a database's failure becomes ours: "could not ask" is `storage_unavailable`; anything else (a unique
 * violation, a syntax error) is handed back as it came, without the parameters that the embedded driver attaches to it,
 * since those may be secrets.
 */
export const storageError = (error: unknown): unknown => {
  if (error instanceof Problem || !(error instanceof Error)) return error
  for (const field of ['params', 'query', 'queryOptions']) Reflect.deleteProperty(error, field)
  const code = codeOf(error)
  const aborted = ['RuntimeError', 'ExitStatus', 'ErrnoError'].includes(error.name) || (code === '42501' && diskRefuses.test(error.message))
  if (aborted || unavailable.test(code) || networkFailure.test(code) || connectionMessage.test(error.message)) {
    return new Problem('storage_unavailable', { retry_after: 2 }, { cause: error })
  }
  if (unstorable.test(code) || (code === '22P02' && /json/i.test(error.message)))
    return invalid('', 'A text holds a character that cannot be stored, such as NUL or half of a surrogate pair.')
  return error
}

interface SessionConnection extends DatabaseConnection {
  readonly session: Session
}

const countsRows = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

const connectionOf = (session: Session): SessionConnection => ({
  session,
  async executeQuery<R>(query: CompiledQuery & { readonly name?: string }): Promise<QueryResult<R>> {
    const answer = await session.query(query.sql, query.parameters, query.name)
    const rows = answer.rows as R[]
    return answer.command !== undefined && countsRows.has(answer.command)
      ? { rows, numAffectedRows: BigInt(answer.rowCount ?? 0) }
      : { rows }
  },
  // The embedded database cannot stream, so nothing here does: large reads page through a cursor.
  streamQuery() {
    throw new Error('streaming is not supported: declare a cursor and fetch from it')
  },
})

const run = async (connection: DatabaseConnection, text: string): Promise<void> => {
  await connection.executeQuery(CompiledQuery.raw(text))
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const driverOf = (source: SessionSource): Driver => ({
  async init() {},
  async acquireConnection() {
    return connectionOf(await source.acquire())
  },
  async beginTransaction(connection, { isolationLevel, accessMode }) {
    const begin = ['begin', isolationLevel && `isolation level ${isolationLevel}`, accessMode].filter(Boolean).join(' ')
    // in one message: it costs no round trip
    await run(connection, source.transactionLimits === undefined ? begin : `${begin}; ${source.transactionLimits}`)
  },
  commitTransaction: connection => run(connection, 'commit'),
  rollbackTransaction: connection => run(connection, 'rollback'),
  savepoint: (connection, name) => run(connection, `savepoint ${quoted(name)}`),
  rollbackToSavepoint: (connection, name) => run(connection, `rollback to ${quoted(name)}`),
  releaseSavepoint: (connection, name) => run(connection, `release ${quoted(name)}`),
  async releaseConnection(connection) {
    ;(connection as SessionConnection).session.release()
  },
  destroy: () => source.close(),
})

/** Kysely over sessions: the same adapter, compiler and introspector for both databases, so only the transport differs. */
export const kyselyOver = (source: SessionSource): Kysely<Tables> =>
  new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => driverOf(source),
      createIntrospector: db => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })

/**
 * A query whose text is always the same and which calls wait for: to plan it takes the database several times as long as to answer it, and
 * to compile it takes this process 0.1 ms.
 * @param name of no other query. @param build is called once, with something in place of each value: it may only pass them on as parameters.
 */
export const prepared = <Given extends Readonly<Record<string, unknown>>, R>(
  name: string,
  names: readonly (keyof Given & string)[],
  build: (db: Kysely<Tables>, given: Given) => Compilable<R>,
): ((db: Kysely<Tables>, given: Given) => Promise<R[]>) => {
  const places = new Map<unknown, keyof Given & string>(names.map(of => [Symbol(of), of]))
  let compiled: CompiledQuery<R> | undefined
  return async (db, given) => {
    compiled ??= build(db, Object.fromEntries([...places].map(([place, of]) => [of, place])) as Given).compile()
    const parameters = compiled.parameters.map(value => {
      const of = places.get(value)
      return of === undefined ? value : given[of]
    })
    const named: CompiledQuery<R> & { name: string } = { ...compiled, parameters, name }
    return (await db.executeQuery<R>(named)).rows
  }
}

/**
 * Runs SQL outside Kysely, for libraries that bring their own (pg-boss). It takes a session like everybody else: run beside an
 * open transaction of the embedded database, it would become part of that transaction and be rolled back with it. A script
 * that fails between its own BEGIN and COMMIT is rolled back, or the next user of the session would find it aborted.
 */
export const executeSqlOver =
  (source: SessionSource) =>
  async (text: string, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> => {
    const session = await source.acquire()
    try {
      if (values.length > 0) return { rows: (await session.query(text, values)).rows }
      const answers = await session.script(text)
      return { rows: (answers.find(answer => answer.rows.length > 0) ?? answers.at(-1))?.rows ?? [] }
    } catch (error) {
      await session.script('rollback').catch(() => undefined)
      throw error
    } finally {
      session.release()
    }
  }
