import type { Readable } from 'node:stream'
import { hopHeader } from '../core/hops.ts'
import { Problem } from '../core/problem.ts'
import type { OutgoingRequest } from '../core/request.ts'

/** What concerns one connection only (RFC 9110 §7.6.1) and the framing, which is ours; undici adds its own. */
const hopHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * The headers as they go out.
 * @throws Problem header_not_allowed for a host: it is the URL's (X01).
 */
export function headersFor(request: OutgoingRequest, acceptEncoding: string | null): string[] {
  const headers: string[] = []
  let accept = acceptEncoding
  for (let i = 0; i < request.headers.length; i += 2) {
    const name = request.headers[i] ?? ''
    const lower = name.toLowerCase()
    if (hopHeaders.has(lower)) continue
    if (lower === 'host') throw new Problem('header_not_allowed', { header: 'host' })
    if (lower === 'accept-encoding') accept = null
    headers.push(name, request.headers[i + 1] ?? '')
  }
  if (accept !== null) headers.push('accept-encoding', accept)
  if (request.hops !== undefined) headers.push(hopHeader, String(request.hops + 1))
  if (request.body?.kind === 'stream' && request.body.length !== null) headers.push('content-length', String(request.body.length))
  return headers
}

/** `encodeBody` has left nothing but bytes and streams. */
export const bodyOf = ({ body }: OutgoingRequest): Buffer | Readable | null =>
  body?.kind === 'raw' ? body.bytes : body?.kind === 'stream' ? body.stream : null
