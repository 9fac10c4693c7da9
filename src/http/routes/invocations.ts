import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Principal } from '../../core/principal.ts'
import { listInvocations, summariseInvocations, type InvocationRow } from '../../storage/invocations.ts'
import type { Doors } from '../doors.ts'
import { createInvocationStreams } from '../invocation-stream.ts'
import { listOf, pageOf, pageQuery } from '../schemas.ts'
import { personOf } from '../session.ts'
import { timedCursor } from '../timed-page.ts'

const rowShape = z.object({
  id: z.string(),
  at: z.string(),
  user: z.object({ id: z.string(), name: z.string().nullable() }),
  subject_id: z.string().nullable().meta({ description: 'For whom: the same person, or the member that a key acted for.' }),
  key_id: z.string().nullable(),
  connection: z.string().nullable(),
  door: z.enum(['invoke', 'proxy', 'function']),
  method: z.string(),
  host: z.string(),
  status: z.int().nullable().meta({ description: 'What the service answered; null when it did not.' }),
  problem: z.string().nullable().meta({ description: 'Why it was not asked, or gave no answer.' }),
  duration_ms: z.int(),
})

const shown = (row: InvocationRow & { readonly user_name: string | null }): z.infer<typeof rowShape> => ({
  id: row.id,
  at: row.at.toISOString(),
  user: { id: row.user_id, name: row.user_name },
  subject_id: row.subject_id,
  key_id: row.key_id,
  connection: row.connection,
  door: row.door,
  method: row.method,
  host: row.host,
  status: row.status,
  problem: row.problem,
  duration_ms: row.duration_ms,
})

const time = z.iso.datetime({ offset: true }).optional()
const chosen = {
  connection: z.string().max(100).optional(),
  user: z.string().max(100).optional().meta({ description: 'A member’s id.' }),
  status: z.string().max(50).optional().meta({ description: '`ok`, `error`, an HTTP status, or the code of a problem.' }),
}
interface Chosen {
  readonly connection?: string | undefined
  readonly user?: string | undefined
  readonly status?: string | undefined
}

/** Members see their own calls and those through their own connections; administrators all. */
const filterOf = (principal: Principal, { connection, user, status }: Chosen) => ({
  connection: connection ?? null,
  user: user ?? null,
  status: status ?? null,
  visibleTo: principal.role === 'administrator' ? null : principal.userId,
})

const at = (text: string | undefined): Date | null => (text === undefined ? null : new Date(text))
const dayMs = 24 * 3600 * 1000
const tags = ['Operations']

export const invocationRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker } = doors
    const streams = createInvocationStreams(broker, () => doors.ready())
    doors.leaving.addEventListener('abort', () => streams.closeAll())

    app.get(
      '/api/v1/invocations',
      {
        schema: {
          summary: 'Calls, newest first',
          tags,
          querystring: z.strictObject({ ...chosen, since: time, until: time, ...pageQuery }),
          response: { 200: listOf(rowShape) },
        },
      },
      async request => {
        const { principal } = personOf(request)
        const { since, until, cursor } = request.query
        timedCursor(cursor ?? null)
        await broker.invocations.flush() // a caller finds the call they have just made
        const page = await listInvocations(broker.db, principal.organizationId, {
          ...filterOf(principal, request.query),
          since: at(since),
          until: at(until),
          ...pageOf(request.query),
        })
        return { data: page.data.map(shown), next_cursor: page.next_cursor }
      },
    )

    app.get(
      '/api/v1/invocations/summary',
      {
        schema: {
          summary: 'Calls, errors and durations by time and connection; without since, of the last day',
          tags,
          querystring: z.strictObject({
            ...chosen,
            since: time,
            until: time,
            bucket_seconds: z.coerce.number().int().min(60).max(86_400).default(3600),
          }),
          response: {
            200: listOf(
              z.object({
                bucket: z.string(),
                connection: z.string().nullable(),
                calls: z.int(),
                errors: z.int(),
                p50_ms: z.int(),
                p95_ms: z.int(),
              }),
            ).meta({ description: 'At most 5,000 rows; take larger buckets or less time for the rest.' }),
          },
        },
      },
      async request => {
        const { principal } = personOf(request)
        const { since, until, bucket_seconds } = request.query
        await broker.invocations.flush()
        const end = at(until)
        const start = at(since) ?? new Date((end?.getTime() ?? broker.now()) - dayMs)
        const filter = { ...filterOf(principal, request.query), since: start, until: end }
        const rows = await summariseInvocations(broker.db, principal.organizationId, filter, bucket_seconds)
        const data = rows.map(row => ({
          bucket: row.bucket.toISOString(),
          connection: row.connection,
          calls: Number(row.calls),
          errors: Number(row.errors),
          p50_ms: Number(row.p50_ms),
          p95_ms: Number(row.p95_ms),
        }))
        return { data, next_cursor: null }
      },
    )

    app.get(
      '/api/v1/invocations/stream',
      {
        schema: {
          summary: 'New calls as server-sent events: `invocation`, each as in the list; `more` when the list has some that were left out',
          tags,
          querystring: z.strictObject(chosen),
          headers: z.looseObject({ 'last-event-id': z.string().max(300).optional() }),
        },
      },
      async (request, reply) => {
        const caller = personOf(request)
        const last = timedCursor(request.headers['last-event-id'] ?? null)
        const stream = streams.open(caller, filterOf(caller.principal, request.query), last?.created_at ?? null, shown, reply.raw)
        return reply
          .header('cache-control', 'no-store')
          .header('x-accel-buffering', 'no') // nginx and others hold back what they think is a page
          .header('connection', 'close') // kept alive after the stream ended, the connection would hold up a server that stops
          .type('text/event-stream')
          .send(stream)
      },
    )
  }
