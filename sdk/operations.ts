import { json, send, type Access } from './transport.ts'
import type { Answer } from './wire.ts'

/** Only when `remaining` is 0 may the old master key be removed; what is `damaged` did not open and was left as it is. */
export type RewrapReport = Answer<'/api/v1/operations/rewrap-keys', 'post'>

/** For the operator: administrators of the first organisation. */
export const operationsOf = (access: Access) => ({
  /** Wraps every data key by the newest master key. */
  rewrapKeys: () => json<RewrapReport>(access, 'POST', '/api/v1/operations/rewrap-keys', { timeoutMs: null }),
  /** Everything in the database as gzip'd NDJSON; secrets in it stay sealed by the master key, which is not in it. */
  backup: async (options: { signal?: AbortSignal | undefined } = {}): Promise<ReadableStream<Uint8Array>> => {
    const call = { timeoutMs: null, signal: options.signal, headers: { accept: 'application/gzip' } }
    const { body } = await send(access, 'GET', '/api/v1/operations/backup', call)
    if (body === null) throw new TypeError('The backup came without a body.')
    return body
  },
})
