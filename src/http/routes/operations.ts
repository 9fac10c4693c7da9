import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { sql } from 'kysely'
import { z } from 'zod'
import { change } from '../../broker/change.ts'
import { checkUp } from '../../broker/check-up.ts'
import { Problem } from '../../core/problem.ts'
import type { Log } from '../../telemetry/log.ts'
import { version } from '../../core/version.ts'
import { exportDatabase } from '../../storage/export.ts'
import type { OpenDatabase } from '../../storage/database.ts'
import type { Doors } from '../doors.ts'
import { assertOperator } from '../operator.ts'
import type { AnswersTo } from '../own-hosts.ts'
import { administratorOf } from '../session.ts'

const tags = ['Operations']
const statusShape = z.object({ status: z.string() })
/** A database that takes longer than this to say 1 is not one to send calls to. */
const readyWithinMs = 2_000

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Under a name of somebody else’s, a browser on this machine asks for whoever owns that name. */
const onLoopback = (request: FastifyRequest, answersTo: AnswersTo): boolean => {
  const { remoteAddress } = request.raw.socket
  const own = remoteAddress !== undefined && /^(?:127\.|::1$|::ffff:127\.)/.test(remoteAddress)
  // a reverse proxy on this machine connects from loopback for the whole world, and says so
  return (
    own && answersTo(request.headers.host) && request.headers['x-forwarded-for'] === undefined && request.headers.forwarded === undefined
  )
}

function mayReadMetrics(request: FastifyRequest, { metricsToken: token, answersTo }: Doors): boolean {
  if (onLoopback(request, answersTo)) return true
  const given = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return token !== null && given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/** The export in a file of its own, compressed: the embedded database answers nobody while it is read, so it is read at the speed of a disk. */
async function exportToFile(
  database: OpenDatabase,
  log: Log,
): Promise<{ path: string; bytes: number; rows: number; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-backup-')) // mode 0700
  const remove = () =>
    rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
      log.error({ err: error, folder }, 'a back-up that was made could not be removed; remove it')
    })
  try {
    const path = join(folder, 'backup.ndjson.gz')
    const gzip = createGzip()
    const written = pipeline(gzip, createWriteStream(path, { mode: 0o600, flags: 'wx' }))
    const failed = written.then(
      () => {},
      (error: unknown) => Promise.reject(error instanceof Error ? error : new Error('the file could not be written')),
    )
    failed.catch(() => {}) // awaited below, or overtaken by the error of the export
    const { rows } = await exportDatabase(database, async line => {
      if (!gzip.write(line)) await Promise.race([once(gzip, 'drain'), failed])
    }).catch((error: unknown) => {
      gzip.destroy()
      throw error
    })
    gzip.end()
    await written
    return { path, bytes: (await stat(path)).size, rows, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** What runs the instance: alive, ready, metrics; and what only the operator may do. */
export const operationRoutes =
  (doors: Doors): FastifyPluginAsyncZod =>
  async app => {
    const { broker, database } = doors
    let backingUp = false

    app.get(
      '/healthz',
      { config: { open: true }, schema: { summary: 'Alive', tags, security: [], response: { 200: statusShape } } },
      async () => ({ status: 'ok' }),
    )

    app.get(
      '/readyz',
      {
        config: { open: true },
        schema: {
          summary: 'May be sent calls: the database answers and may be written, and the instance is not stopping',
          tags,
          security: [],
          response: { 200: statusShape },
        },
      },
      async () => {
        if (!doors.ready()) throw new Problem('shutting_down')
        broker.invocations.assertRoom()
        const late = new AbortController()
        try {
          // a database that answers and takes nothing, such as a replica after a fail-over: every call would be refused
          const asked = sql<{ writable: boolean }>`select current_setting('transaction_read_only') = 'off' as writable`.execute(broker.db)
          asked.catch(() => {}) // it may fail long after we stopped waiting
          const inTime = await Promise.race([asked, delay(readyWithinMs, null, { signal: late.signal })])
          if (!inTime?.rows[0]?.writable) throw new Problem('storage_unavailable')
        } finally {
          late.abort()
        }
        return { status: 'ready' }
      },
    )

    app.get(
      '/metrics',
      { config: { open: true }, schema: { summary: 'Prometheus metrics, from loopback or with the metrics token', tags, hide: true } },
      async (request, reply) => {
        if (!mayReadMetrics(request, doors)) throw new Problem('not_found')
        return reply.type(broker.metrics.contentType).send(await doors.metricsText())
      },
    )

    app.get(
      '/api/v1/operations/check-up',
      {
        schema: {
          summary: 'What works and what does not, in sentences: for the operator, and for `patchbay doctor`',
          tags,
          response: {
            200: z.object({
              version: z.string(),
              /** RFC 3339, the server's. */
              now: z.string(),
              public_url: z.string(),
              findings: z.array(
                z.object({
                  subject: z.string(),
                  outcome: z.enum(['ok', 'warning', 'broken']),
                  sentence: z.string(),
                }),
              ),
            }),
          },
        },
      },
      async request => {
        await assertOperator(doors, administratorOf(request))
        const around = { database: database.describe(), pooled: database.pooled, production: doors.production, mail: doors.mail !== null }
        const findings = await checkUp(broker, around)
        return { version, now: new Date(broker.now()).toISOString(), public_url: broker.publicUrl, findings }
      },
    )

    app.get(
      '/api/v1/operations/backup',
      {
        schema: {
          summary: 'Everything in the database as gzipped NDJSON, secrets sealed; for the operator. Keep it apart from the master key.',
          tags,
        },
      },
      async (request, reply) => {
        const caller = administratorOf(request)
        await assertOperator(doors, caller)
        if (backingUp) throw new Problem('too_many_requests', { retry_after: 10, detail: 'A back-up is being made already.' })
        backingUp = true
        try {
          // before the first byte leaves: what somebody took is known even if they break off
          await change(broker, caller, async (_trx, traces) => traces.audit('backup.made', 'instance'))
          const file = await exportToFile(database, broker.log)
          const stream = createReadStream(file.path)
          stream.once('close', () => void file.remove())
          const name = `patchbay-${new Date(broker.now()).toISOString().slice(0, 19).replaceAll(':', '')}.ndjson.gz`
          return reply
            .header('cache-control', 'no-store')
            .header('content-disposition', `attachment; filename="${name}"`)
            .header('content-length', file.bytes)
            .type('application/gzip')
            .send(stream)
        } finally {
          backingUp = false
        }
      },
    )
  }
