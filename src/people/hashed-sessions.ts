import { hash } from 'node:crypto'
import type { BetterAuthOptions } from 'better-auth'
import type { DBAdapter, DBTransactionAdapter, Where } from '@better-auth/core/db/adapter'

/** SHA-256 in base64url: how every secret that is looked up, and never read back, is stored. The secrets are random and long, so no salt. */
export const fingerprint = (secret: string): string => hash('sha256', secret, 'base64url')

type Adapter = DBTransactionAdapter<BetterAuthOptions>
type Row = Record<string, unknown>

const hashedWhere = (where: Where[]): Where[] =>
  where.map(condition => {
    if (condition.field !== 'token') return condition
    if (typeof condition.value === 'string') return { ...condition, value: fingerprint(condition.value) }
    return {
      ...condition,
      value: Array.isArray(condition.value) ? condition.value.map(value => fingerprint(String(value))) : condition.value,
    }
  })

const hashedRow = <T extends Row>(row: T): T => (typeof row.token === 'string' ? { ...row, token: fingerprint(row.token) } : row)

/** The one token that was asked for, which the caller knows anyway: better-auth expects it in the row it gets. */
const askedToken = (where: Where[]): string | null => {
  const condition = where.find(({ field, operator }) => field === 'token' && (operator ?? 'eq') === 'eq')
  return typeof condition?.value === 'string' ? condition.value : null
}

const withToken = <T>(row: T, token: string | null): T => (token !== null && row !== null ? { ...row, token } : row)

const isSession = (model: string) => model === 'session'

const hashing = (inner: Adapter): Adapter => ({
  ...inner,
  create: async <T extends Row, R = T>(call: Parameters<typeof inner.create<T, R>>[0]) => {
    if (!isSession(call.model)) return inner.create<T, R>(call)
    const row = await inner.create<T, R>({ ...call, data: hashedRow(call.data as T) })
    const given = (call.data as Row).token
    return withToken(row, typeof given === 'string' ? given : null)
  },
  findOne: async <T>(call: Parameters<typeof inner.findOne<T>>[0]) =>
    isSession(call.model)
      ? withToken(await inner.findOne<T>({ ...call, where: hashedWhere(call.where) }), askedToken(call.where))
      : inner.findOne<T>(call),
  findMany: async <T>(call: Parameters<typeof inner.findMany<T>>[0]) => {
    if (!isSession(call.model) || !call.where) return inner.findMany<T>(call)
    const rows = await inner.findMany<T>({ ...call, where: hashedWhere(call.where) })
    const token = askedToken(call.where)
    return rows.map(row => withToken(row, token))
  },
  update: async <T>(call: Parameters<typeof inner.update<T>>[0]) =>
    isSession(call.model)
      ? withToken(
          await inner.update<T>({ ...call, where: hashedWhere(call.where), update: hashedRow(call.update) }),
          askedToken(call.where),
        )
      : inner.update<T>(call),
  updateMany: call =>
    inner.updateMany(isSession(call.model) ? { ...call, where: hashedWhere(call.where), update: hashedRow(call.update) } : call),
  delete: call => inner.delete(isSession(call.model) ? { ...call, where: hashedWhere(call.where) } : call),
  deleteMany: call => inner.deleteMany(isSession(call.model) ? { ...call, where: hashedWhere(call.where) } : call),
  consumeOne: <T>(call: Parameters<typeof inner.consumeOne<T>>[0]) =>
    inner.consumeOne<T>(isSession(call.model) ? { ...call, where: hashedWhere(call.where) } : call),
  count: call => inner.count(isSession(call.model) && call.where ? { ...call, where: hashedWhere(call.where) } : call),
})

/**
 * better-auth keeps session tokens as they are, so that whoever reads a backup is signed in as everybody. This stands between it
 * and the database, and hashes the token on its way in and in every condition; better-auth itself never notices.
 */
export const withHashedSessions = (inner: DBAdapter<BetterAuthOptions>): DBAdapter<BetterAuthOptions> => ({
  ...inner,
  ...hashing(inner),
  transaction: run => inner.transaction(transaction => run(hashing(transaction))),
})
