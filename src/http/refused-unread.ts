import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from '../core/problem.ts'
import { nameIn, type AnswersTo } from './own-hosts.ts'
import { problemDocument } from './problems.ts'
import { linger } from './unrouted.ts'

/* What is refused by its head alone, before anybody asks who calls. It is asked for every request, so what is right costs no allocation. */

/** Bytes of the target in the request line. Beyond 16 KiB, headers included, Node refuses by itself. */
const longestTarget = 8192

/** A person opens a callback, whose page says what of it is too long; or signs in first, and comes back to it. */
const mayBeLonger = (url: string): boolean => url.startsWith('/oauth/callback/') || url.startsWith('/sign-in?')

/** Whoever watches an instance may have any name for it. They tell nobody anything: `/metrics` asks for its token under a foreign name. */
const watching = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * Whether a request has more than one Host header: it must be refused (RFC 9112 §3.2), since a proxy before us may have looked at the
 * other one. Node refuses none at all, and of several reads the first.
 */
function hasSeveralHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 4 && name.toLowerCase() === 'host' && ++hosts > 1) return true
  }
  return false
}

const unreadable = (detail: string): Problem => new Problem('malformed_request', { detail })

/** Why a request is not taken at all; null for one that is. */
export function refusalOf(message: IncomingMessage, answersTo: AnswersTo): Problem | null {
  const { url = '/', rawHeaders } = message
  if (hasSeveralHosts(rawHeaders)) return unreadable('The request has several Host headers. Send one.')
  if (url.length > longestTarget && !mayBeLonger(url)) return new Problem('target_too_long')
  let { host } = message.headers
  if (url.charCodeAt(0) !== 0x2f && url !== '*') {
    // absolute-form counts instead of Host (RFC 9112 §3.2.2): where they differ, a proxy before us may have looked at the other one
    const authority = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''
    if (host !== undefined && authority.toLowerCase() !== host.toLowerCase())
      return unreadable('The request line names another host than the Host header does. Send the path only.')
    host = authority
  }
  if (answersTo(host)) return null
  if (watching.has(url.split('?')[0] ?? '')) return null
  return nameIn(host ?? '') === null ? unreadable('The Host header is no host.') : new Problem('host_not_ours')
}

/** Answers with the problem, and the connection ends. */
export function refuse(message: IncomingMessage, response: ServerResponse, problem: Problem, publicUrl: string, requestId: string): void {
  const body = JSON.stringify(problemDocument(problem, publicUrl, requestId))
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'patchbay-problem': problem.code,
    connection: 'close',
  })
  linger(message)
  response.end(body)
}

const codeOf: Readonly<Record<string, Problem['code']>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** Answers what Node could not read as a request, and the connection ends. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket, publicUrl: string, requestId: string): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) {
    const code = codeOf[error.code ?? '']
    const problem = code ? new Problem(code) : unreadable('This cannot be read as an HTTP request (RFC 9112).')
    const body = JSON.stringify(problemDocument(problem, publicUrl, requestId))
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Patchbay-Problem: ${problem.code}`,
      'Connection: close',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  }
  socket.destroy()
}
