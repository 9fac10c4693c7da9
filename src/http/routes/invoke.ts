import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { invoke } from '../../broker/invoke.ts'
import { envelope } from '../../core/invoke-answer.ts'
import { invokeUrlInput, outgoing } from '../../core/invoke-url.ts'
import { linkNamePattern } from '../../core/link-name.ts'
import { memberText, parseLossless, tooDeep } from '../../core/lossless-json.ts'
import { invalid, Problem } from '../../core/problem.ts'
import { encodeForm, type Body, type IncomingResponse } from '../../core/request.ts'
import { parseDestination } from '../../egress/policy.ts'
import type { Doors } from '../doors.ts'
import { callerOf } from '../session.ts'

const answerShape = z.object({
  status_code: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown().meta({ description: 'Decoded JSON, a text, or { filename, content_type, size, content_base64 }; null when empty.' }),
  duration_ms: z.int(),
})

/** The text that a request's body came as: long numbers in it go on as they were written. */
const writtenTexts = new WeakMap<FastifyRequest, string>()

/** JSON with its own text kept, and long numbers exact. Only this route pays for that. */
function keepText(app: FastifyInstance): void {
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body as string
    try {
      const parsed: unknown = parseLossless(text)
      if (tooDeep(text)) return done(invalid('body', 'It nests deeper than 100 levels.'))
      writtenTexts.set(request, text)
      done(null, parsed)
    } catch {
      done(new Problem('malformed_request'))
    }
  })
}

/** What a body will weigh on its way, but for the headers of its parts. */
function bytesOf(body: Body): number {
  if (body === null || body.kind === 'stream') return 0
  if (body.kind === 'raw') return body.bytes.length
  return body.kind === 'form' ? encodeForm(body.fields).length : body.parts.reduce((sum, part) => sum + part.bytes.length, 0)
}

/** POST /api/v1/invoke, the JSON door to broker/invoke.ts. */
export const invokeRoutes =
  ({ broker }: Doors): FastifyPluginAsyncZod =>
  async app => {
    keepText(app)
    const { invokeMaxRequestBytes, invokeMaxResponseBytes } = broker.limits

    app.post(
      '/api/v1/invoke',
      {
        bodyLimit: Math.ceil((invokeMaxRequestBytes * 4) / 3) + 65_536, // files arrive as base64
        config: { invoke: true },
        schema: { summary: 'Call a URL through a connection', tags: ['Invoke'], body: invokeUrlInput, response: { 200: answerShape } },
      },
      async (request, reply) => {
        const { principal } = callerOf(request)
        const call = request.body
        const started = broker.monotonic()
        const text = writtenTexts.get(request) ?? ''
        const connection = call.connection ?? null
        if (connection !== null && !linkNamePattern.test(connection))
          throw new Problem('connection_not_found', { connection: connection.slice(0, 64) })
        const written = {
          headers: memberText(text, 'headers'),
          body: typeof call.body === 'object' && call.body !== null ? memberText(text, 'body') : null,
          parameters: typeof call.parameters === 'object' && call.parameters !== null ? memberText(text, 'parameters') : null,
        }
        const built = outgoing(call, parseDestination(call.url), written, `patchbay-${broker.id()}`)
        if (bytesOf(built.body) > invokeMaxRequestBytes) throw new Problem('request_too_large')
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        let answer: IncomingResponse | null = null
        await invoke(broker, principal, { door: 'invoke', connection, request: built, repeatable: true }, async authorised => {
          answer = await broker.egress.send(authorised, {
            deadlineMs: Math.max(1, call.timeout_ms - (broker.monotonic() - started)),
            maxResponseBytes: invokeMaxResponseBytes,
            maxDecodedBytes: invokeMaxResponseBytes,
            signal: gone.signal,
          })
          return answer
        })
        if (!answer) throw new Error('a call without an answer throws')
        // the answer is JSON text already: the service's body stands in it as the service wrote it
        const plain: FastifyReply = reply
        return plain
          .type('application/json; charset=utf-8')
          .send(Buffer.from(envelope(answer, call, built.url, broker.monotonic() - started)))
      },
    )
  }
