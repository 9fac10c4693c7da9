import { listOf, type PageQuery } from './list.ts'
import { json, send, type Access } from './transport.ts'
import type { Answer, Listed } from './wire.ts'

/** Only when `remaining` is 0 may the old master key be removed; what is `damaged` did not open and was left as it is. */
export type RewrapReport = Answer<'/api/v1/operations/rewrap-keys', 'post'>

/** What each master key wraps, and how far a rotation of data keys is. */
export type KeyStatus = Answer<'/api/v1/operations/keys', 'get'>

/** `damaged`: what does not open, the first hundred. */
export type VerifyReport = Answer<'/api/v1/operations/verify-keys', 'post'>

/** What works and what does not, each with a sentence. */
export type CheckUp = Answer<'/api/v1/operations/check-up', 'get'>

/** For the operator: administrators of the first organisation. */
export const operationsOf = (access: Access) => ({
  /** Wraps every data key by the newest master key. */
  rewrapKeys: () => json<RewrapReport>(access, 'POST', '/api/v1/operations/rewrap-keys', { timeoutMs: null }),
  checkUp: () => json<CheckUp>(access, 'GET', '/api/v1/operations/check-up'),
  keys: () => json<KeyStatus>(access, 'GET', '/api/v1/operations/keys'),
  /** Gives every organisation a new data key and seals everything again, behind: `keys` says how far it is. Goes on with one that was interrupted. */
  rotateDataKeys: () => json<KeyStatus>(access, 'POST', '/api/v1/operations/rotate-data-keys'),
  /** Opens every data key, and one secret of each, or all secrets. */
  verifyKeys: (options: { all?: boolean } = {}) =>
    json<VerifyReport>(access, 'POST', '/api/v1/operations/verify-keys', { body: options, timeoutMs: null }),
  /** The database belongs to this public URL from now on, where it was that of another. */
  adopt: () => json<Answer<'/api/v1/operations/adopt', 'post'>>(access, 'POST', '/api/v1/operations/adopt'),
  /** What was revoked, deleted and removed since a moment, oldest first: to be done again after a restore. */
  revocations: (query: PageQuery & { readonly since: string }) =>
    listOf<Listed<'/api/v1/operations/revocations'>>(access, '/api/v1/operations/revocations', { ...query }),
  /** Everything in the database as gzip'd NDJSON; secrets in it stay sealed by the master key, which is not in it. */
  backup: async (options: { signal?: AbortSignal | undefined } = {}): Promise<ReadableStream<Uint8Array>> => {
    const call = { timeoutMs: null, signal: options.signal, headers: { accept: 'application/gzip' } }
    const { body } = await send(access, 'GET', '/api/v1/operations/backup', call)
    if (body === null) throw new TypeError('The backup came without a body.')
    return body
  },
})
