import { gzipSync } from 'node:zlib'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { count } from './state.ts'
import { text, type Answer, type Exchange } from './exchange.ts'

export const endpoints = ['authorize', 'token', 'revoke', 'introspect', 'metadata', 'request_token', 'access_token', 'api'] as const
export type Endpoint = (typeof endpoints)[number]

const kinds = [
  'answer',
  'slow',
  'slow_body',
  'continue',
  'hang',
  'reset',
  'truncated',
  'chunked_truncated',
  'raw',
  'expired',
  'html',
  '200_error',
  'redirect',
  '429',
  '500',
  'empty',
  'large',
  'gzip_bomb',
] as const

const longestWaitMs = 120_000
const largestBytes = 64 * 1024 * 1024

/**
 * What shall go wrong for the next `times` requests to an endpoint. `status`, `body` (a text, or JSON), `body_base64`, `content_type` and
 * `headers` replace what the kind would say. With `after`, the request takes effect first and only its answer is spoilt.
 */
export const misbehaviour = z.strictObject({
  endpoint: z.enum(endpoints),
  times: z.number().int().min(1).max(100_000).default(1),
  kind: z.enum(kinds).default('answer'),
  after: z.boolean().default(false),
  grant_type: z.string().max(100).optional(),
  path: z.string().max(1000).optional(),
  ms: z.number().min(0).max(longestWaitMs).optional(),
  bytes: z.number().int().min(0).max(largestBytes).optional(),
  to: z.string().max(10_000).optional(),
  status: z.number().int().min(100).max(999).optional(),
  body: z.json().optional(),
  body_base64: z.base64().optional(),
  content_type: z.string().max(200).nullable().optional(),
  headers: z.union([z.record(z.string(), z.string()), z.array(z.tuple([z.string(), z.string()])).max(100)]).optional(),
})

export type Misbehaviour = z.infer<typeof misbehaviour>

/** Takes the next misbehaviour that fits the request, and counts it down. */
export async function takeMisbehaviour(exchange: Exchange, endpoint: Endpoint): Promise<Misbehaviour | null> {
  const { state, query, rawPath } = exchange
  if (!state.misbehaviours.some(wanted => wanted.endpoint === endpoint)) return null
  // Read before the search: between finding and counting down nothing may wait, or two requests would take the same one.
  const fields = endpoint === 'token' ? [...query, ...(await exchange.body()).fields] : []
  const grantType = fields.find(([name]) => name === 'grant_type')?.[1]
  const index = state.misbehaviours.findIndex(
    wanted => wanted.endpoint === endpoint && (wanted.path ?? rawPath) === rawPath && (wanted.grant_type ?? grantType) === grantType,
  )
  const found = state.misbehaviours[index]
  if (!found) return null
  if (found.times > 1) state.misbehaviours[index] = { ...found, times: found.times - 1 }
  else state.misbehaviours.splice(index, 1)
  count(state.counters.misbehaved, endpoint)
  return found
}

/**
 * Spoils one answer. `handled` is what the service would say (it runs the request); it is called for kinds that only delay or cut,
 * and for `after`.
 * @returns the answer to write, or null when the connection was dealt with here.
 */
export async function misbehave(exchange: Exchange, wanted: Misbehaviour, handled: () => Promise<Answer | null>): Promise<Answer | null> {
  const { response, request } = exchange
  const genuine = wanted.after || usesGenuineAnswer(wanted) ? await handled() : null
  if (response.headersSent) return null
  const stopped = new AbortController()
  response.on('close', () => stopped.abort())
  const pause = (ms: number) => delay(Math.min(ms, longestWaitMs), undefined, { signal: stopped.signal, ref: false }).catch(() => undefined)
  const planned = answerOf(wanted, genuine)

  switch (wanted.kind) {
    case 'slow':
      await pause(wanted.ms ?? 1000)
      return planned
    case 'hang':
      await pause(wanted.ms ?? longestWaitMs)
      request.socket.destroy()
      return null
    case 'reset':
      request.socket.resetAndDestroy()
      return null
    case 'raw':
      request.socket.end(bytesOf(planned))
      return null
    case 'continue':
      for (let sent = 0; sent < 100 && !response.destroyed; sent++) {
        response.writeProcessing()
        await pause((wanted.ms ?? 1000) / 100)
      }
      return planned
    case 'slow_body': {
      const bytes = bytesOf(planned)
      response.writeHead(planned.status, { ...headersOf(planned), 'content-length': bytes.length })
      for (const byte of bytes) {
        if (response.destroyed) return null
        response.write(Buffer.of(byte))
        await pause(wanted.ms ?? 100)
      }
      response.end()
      return null
    }
    case 'truncated':
    case 'chunked_truncated': {
      const bytes = bytesOf(planned)
      const length = wanted.kind === 'truncated' ? { 'content-length': bytes.length + 1 } : {}
      response.writeHead(planned.status, { ...headersOf(planned), ...length })
      response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => request.socket.end())
      return null
    }
    default:
      return planned
  }
}

const usesGenuineAnswer = ({ kind, body, body_base64 }: Misbehaviour): boolean =>
  body === undefined && body_base64 === undefined && ['slow', 'slow_body', 'truncated', 'chunked_truncated', 'continue'].includes(kind)

const bytesOf = (answer: Answer): Buffer => (typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body)

const headersOf = (answer: Answer): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]))

/** What each kind says when the script says nothing else. */
function answerOf(wanted: Misbehaviour, genuine: Answer | null): Answer {
  const base = usesGenuineAnswer(wanted) && genuine ? genuine : kindAnswer(wanted)
  const headers: Record<string, string | readonly string[]> = { ...base.headers }
  if (wanted.content_type !== undefined) {
    delete headers['content-type']
    if (wanted.content_type !== null) headers['content-type'] = wanted.content_type
  } else if (wanted.body !== undefined) headers['content-type'] = typeof wanted.body === 'string' ? 'text/plain' : 'application/json'
  const added = wanted.headers ?? {}
  for (const [name, value] of Array.isArray(added) ? added : Object.entries(added)) {
    const earlier = Array.isArray(added) ? headers[name] : undefined
    headers[name] = earlier === undefined || base.headers[name] === earlier ? value : [earlier, value].flat()
  }
  return { status: wanted.status ?? base.status, headers, body: scriptedBody(wanted) ?? base.body }
}

function scriptedBody({ body, body_base64 }: Misbehaviour): string | Buffer | null {
  if (body_base64 !== undefined) return Buffer.from(body_base64, 'base64')
  if (body === undefined) return null
  return typeof body === 'string' ? body : JSON.stringify(body)
}

function kindAnswer(wanted: Misbehaviour): Answer {
  switch (wanted.kind) {
    case 'expired':
      return wanted.endpoint === 'api'
        ? text(401, 'application/json', '{"error":"invalid_token"}', { 'www-authenticate': 'Bearer error="invalid_token"' })
        : text(400, 'application/json', '{"error":"invalid_grant"}')
    case 'html':
      return text(200, 'text/html; charset=utf-8', '<!doctype html><title>Sign in</title><h1>Sign in</h1>')
    case '200_error':
      return text(200, 'application/json', '{"error":"invalid_code"}')
    case 'redirect':
      return text(302, 'text/plain', '', wanted.to === undefined ? {} : { location: wanted.to })
    case '429':
      return text(429, 'application/json', '{"error":"slow_down"}', { 'retry-after': '1' })
    case '500':
      return text(500, 'text/html; charset=utf-8', '<!doctype html><title>Error</title><h1>Internal Server Error</h1>')
    case 'large':
      return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.alloc(wanted.bytes ?? 10 * 1024 * 1024, ' ') }
    case 'gzip_bomb': {
      const body = gzipSync(Buffer.alloc(wanted.bytes ?? 10 * 1024 * 1024, ' '))
      return { status: 200, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body }
    }
    default:
      return { status: 200, headers: {}, body: '' }
  }
}
