import { events } from './events.ts'
import { listOf, type PageQuery } from './list.ts'
import { json, send, type Access } from './transport.ts'
import type { Listed } from './wire.ts'

/** `status` is what the service answered, null when there was no answer; `problem` is then why. */
export type Invocation = Listed<'/api/v1/invocations'>

export interface InvocationQuery {
  readonly connection?: string | undefined
  readonly user?: string | undefined
  /** `ok`, `error`, an HTTP status, or a problem code. */
  readonly status?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

/** One connection's calls in one stretch of time. */
export type InvocationBucket = Listed<'/api/v1/invocations/summary'>

export type AuditEntry = Listed<'/api/v1/audit'>

export interface AuditQuery extends PageQuery {
  readonly action?: string | undefined
  readonly actor?: string | undefined
  readonly object?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

/** Who called what, through which connection, and how it went; never bodies or secrets. */
export const invocationsOf = (access: Access) => ({
  list: (query: InvocationQuery & PageQuery = {}) => listOf<Invocation>(access, '/api/v1/invocations', { ...query }),
  summary: (query: InvocationQuery & { bucket_seconds?: number | undefined } = {}) =>
    json<{ data: readonly InvocationBucket[] }>(access, 'GET', '/api/v1/invocations/summary', { query: { ...query } }),
  /**
   * Calls as they happen, until `signal` aborts or the server stops; of very many at once some are left out, the list has them.
   * `onOpen` is told once the server has begun to answer: every call from then on is in the stream.
   */
  stream: async function* (
    options: InvocationQuery & { signal?: AbortSignal | undefined; onOpen?: (() => void) | undefined } = {},
  ): AsyncGenerator<Invocation> {
    const { signal, onOpen, ...query } = options
    const call = { query, signal, timeoutMs: null, headers: { accept: 'text/event-stream' } }
    const response = await send(access, 'GET', '/api/v1/invocations/stream', call)
    onOpen?.()
    for await (const { event, data } of events(response)) if (event === 'invocation') yield data as Invocation
  },
})

export const auditOf = (access: Access) => ({
  list: (query: AuditQuery = {}) => listOf<AuditEntry>(access, '/api/v1/audit', { ...query }),
})
