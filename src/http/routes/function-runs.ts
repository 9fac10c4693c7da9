import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { runFunction, type Ran, type RunRequest } from '../../broker/function-run.ts'
import { runsOf, runTextOf } from '../../broker/function-runs.ts'
import { getFunction } from '../../broker/functions.ts'
import { runStatuses } from '../../core/function.ts'
import { hopHeader, hopsOf } from '../../core/hops.ts'
import type { Doors } from '../doors.ts'
import { givenArguments, takeMultipart } from '../function-arguments.ts'
import { invokeBodyLimit } from '../invoke-door.ts'
import { asProblem, problemDocument } from '../problems.ts'
import { listOf, pageOf, pageQuery } from '../schemas.ts'
import { callerOf } from '../session.ts'
import { keepText } from '../written-text.ts'
import { functionPath } from './functions.ts'

const errorShape = z.object({
  message: z.string(),
  line: z.int(),
  kind: z.enum(['failed', 'call', 'limit', 'cancelled']),
  code: z.string().optional().meta({ description: 'Of the problem that a call ran into.' }),
  connection: z.string().optional(),
  connect_url: z.string().optional().meta({ description: 'Where exactly this person authorises exactly this connection.' }),
})

const answerShape = z.object({
  id: z.string(),
  status: z.enum(['success', 'failure']),
  output: z.unknown().meta({ description: 'JSON; a file is { filename, content_type, size, content_base64 }.' }),
  output_type: z.string(),
  info: z.array(z.string()).readonly(),
  error: errorShape.nullable(),
  duration_ms: z.int(),
  statements: z.int(),
  calls: z.int(),
})

const runShape = z.object({
  id: z.string(),
  function: z.string(),
  revision: z.int(),
  door: z.enum(['editor', 'api', 'schedule', 'public']),
  status: z.enum(runStatuses),
  user: z.object({ id: z.string(), name: z.string().nullable() }).nullable(),
  on_behalf_of: z.string().nullable(),
  key_id: z.string().nullable(),
  started_at: z.string(),
  duration_ms: z.int(),
  statements: z.int(),
  calls: z.int(),
  error: z.object({ message: z.string(), line: z.int() }).nullable(),
})

const query = z.strictObject({
  status: z.enum(runStatuses).optional(),
  door: z.enum(['editor', 'api', 'schedule', 'public']).optional(),
  ...pageQuery,
})
const filterOf = (given: z.output<typeof query>) => ({ status: given.status ?? null, door: given.door ?? null, ...pageOf(given) })

const tags = ['Functions']

/** The answer as JSON text: the output stands in it as its thread wrote it. */
function answerOf({ id, result, info }: Ran): Buffer {
  const { error, written } = result
  const rest = {
    output_type: result.outputType,
    info,
    error: error && { message: error.message, line: error.line, kind: error.kind, ...error.facts },
    duration_ms: Math.round(result.milliseconds),
    statements: result.statements,
    calls: result.calls,
  }
  const before = `{"id":${JSON.stringify(id)},"status":"${error === null ? 'success' : 'failure'}","output":`
  return Buffer.concat([Buffer.from(before), written?.json ?? Buffer.from('null'), Buffer.from(`,${JSON.stringify(rest).slice(1)}`)])
}

/** A caller who leaves ends the run. */
function leaving(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}

export const functionRunRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    keepText(app, { emptyIsNull: true })
    takeMultipart(app)

    /** The same as server-sent events: `info` while it runs, `result` at its end, `problem` where it cannot run. */
    async function stream(request: FastifyRequest, reply: FastifyReply, run: RunRequest): Promise<void> {
      reply.hijack()
      const { raw } = reply
      const event = (name: string, data: string | Buffer) => {
        raw.write(`event: ${name}\ndata: `)
        raw.write(data)
        raw.write('\n\n')
      }
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'",
        'x-content-type-options': 'nosniff',
        'x-accel-buffering': 'no',
      })
      // a run may say nothing for longer than proxies and clients wait for the next byte
      const alive = setInterval(() => raw.write(':\n\n'), 15_000)
      try {
        const onInfo = (line: string, at: number) => event('info', JSON.stringify({ text: line, line: at }))
        event('result', answerOf(await runFunction(broker, { ...run, onInfo })))
      } catch (error) {
        const problem = asProblem(error)
        if (problem.code === 'internal') broker.log.error({ err: problem.cause, request_id: request.id }, 'a run failed')
        event('problem', JSON.stringify(problemDocument(problem, broker.publicUrl, request.id)))
      } finally {
        clearInterval(alive)
      }
      raw.end()
    }

    app.post(
      '/api/v1/functions/:namespace/:name/run',
      {
        bodyLimit: invokeBodyLimit(broker),
        config: { invoke: true, call: 'function' },
        schema: {
          summary: 'Run a function as yourself',
          description:
            'Arguments by name, converted to the declared types. Files as { "filename", "content_base64" } or as parts of a multipart body. With "Accept: text/event-stream" the lines of info come while it runs.',
          tags,
          params: functionPath,
          body: z.strictObject({ arguments: z.record(z.string(), z.unknown()).optional() }).nullish(),
          response: { 200: answerShape },
        },
      },
      async (request, reply) => {
        const { principal, ip } = callerOf(request)
        const run: RunRequest = {
          function: await getFunction(broker, principal.organizationId, request.params.namespace, request.params.name),
          principal,
          door: principal.sessionId === null ? 'api' : 'editor',
          ip,
          hops: hopsOf(request.headers[hopHeader]),
          given: givenArguments(request),
          strict: true,
          signal: leaving(reply),
        }
        const plain: FastifyReply = reply
        if ((request.headers.accept ?? '').includes('text/event-stream')) return void (await stream(request, plain, run))
        return plain.type('application/json; charset=utf-8').send(answerOf(await runFunction(broker, run)))
      },
    )

    app.get(
      '/api/v1/functions/:namespace/:name/runs',
      {
        schema: {
          summary: 'Runs of a function, the newest first',
          tags,
          params: functionPath,
          querystring: query,
          response: { 200: listOf(runShape) },
        },
      },
      async request => runsOf(broker, callerOf(request).principal, request.params, filterOf(request.query)),
    )

    app.get(
      '/api/v1/functions/runs',
      {
        schema: {
          summary: 'Runs of all functions, the newest first; your own when you write no functions',
          tags,
          querystring: query,
          response: { 200: listOf(runShape) },
        },
      },
      async request => runsOf(broker, callerOf(request).principal, null, filterOf(request.query)),
    )

    app.get(
      '/api/v1/functions/runs/:id',
      {
        schema: {
          summary: 'One run with its arguments, info and output',
          tags,
          params: z.strictObject({ id: z.uuid() }),
          response: {
            200: runShape.extend({
              arguments: z.unknown().meta({ description: 'Those declared as passwords are masked.' }),
              info: z.array(z.string()).readonly(),
              output: z.unknown(),
              output_type: z.string(),
            }),
          },
        },
      },
      async (request, reply) => {
        const text = await runTextOf(broker, callerOf(request).principal, request.params.id)
        const plain: FastifyReply = reply
        return plain.type('application/json; charset=utf-8').send(Buffer.from(text))
      },
    )
  }
