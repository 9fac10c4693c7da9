import type { ServerResponse } from 'node:http'
import { Problem } from '../core/problem.ts'
import { problemDocument } from './problems.ts'

/**
 * Whether a request has more than one Host header: it must be refused (RFC 9112 §3.2), since a proxy before us may have looked at the
 * other one. Node refuses none at all, and of several reads the first. Costs no allocation: this is asked for every request.
 */
export function hasSeveralHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 4 && name.toLowerCase() === 'host' && ++hosts > 1) return true
  }
  return false
}

/** 400, and the connection ends. */
export function refuseSeveralHosts(response: ServerResponse, publicUrl: string, requestId: string): void {
  const problem = new Problem('malformed_request', { detail: 'The request has several Host headers. Send one.' })
  const body = JSON.stringify(problemDocument(problem, publicUrl, requestId))
  response
    .writeHead(problem.status, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      'patchbay-problem': problem.code,
      connection: 'close',
    })
    .end(body)
}
