import { Problem } from './problem.ts'
import type { Part } from './request.ts'

/** Parts of one body, and bytes of one part's headers. */
const mostParts = 200
const mostHeaderBytes = 8192

/** The boundary of a multipart content type (RFC 2046 §5.1.1); null for any other type. */
export function boundaryOf(contentType: string): string | null {
  if (!/^multipart\/form-data\s*(?:;|$)/i.test(contentType)) return null
  const found = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)
  return found?.[1] ?? found?.[2] ?? null
}

const unquoted = (text: string) => text.replace(/%22/g, '"').replace(/%0D/g, '\r').replace(/%0A/g, '\n').replace(/\\(.)/g, '$1')

/** A parameter of Content-Disposition: `name*=utf-8''…` (RFC 5987) before the plain one. */
function parameter(disposition: string, name: string): string | null {
  const extended = new RegExp(`;\\s*${name}\\*\\s*=\\s*utf-8''([^;\\s]+)`, 'i').exec(disposition)?.[1]
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended)
    } catch {
      return extended
    }
  }
  const plain = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(disposition)
  if (!plain) return null
  return plain[1] === undefined ? (plain[2] ?? '') : unquoted(plain[1])
}

/**
 * The parts of a form body (RFC 7578), in one pass over the bytes.
 * @throws Problem malformed_request for what does not begin and end with the boundary, or has more than 200 parts
 */
export function parseMultipart(body: Buffer, boundary: string): Part[] {
  const malformed = () => new Problem('malformed_request', { detail: 'The multipart body could not be read: check its boundary.' })
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: Part[] = []
  let at = body.indexOf(delimiter)
  if (at < 0) throw malformed()
  for (;;) {
    at += delimiter.length
    if (body[at] === 0x2d && body[at + 1] === 0x2d) return parts
    const lineEnd = body.indexOf('\r\n', at)
    const headersEnd = lineEnd < 0 ? -1 : body.indexOf('\r\n\r\n', lineEnd)
    const next = headersEnd < 0 ? -1 : body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), headersEnd + 2)
    if (next < 0 || headersEnd - lineEnd > mostHeaderBytes || parts.length >= mostParts) throw malformed()
    const headers = new Map(
      body
        .subarray(lineEnd + 2, headersEnd)
        .toString('utf8')
        .split('\r\n')
        .map(line => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const),
    )
    const disposition = headers.get('content-disposition') ?? ''
    const name = parameter(disposition, 'name')
    if (!/^form-data\b/i.test(disposition) || name === null) throw malformed()
    parts.push({
      name,
      filename: parameter(disposition, 'filename')?.split(/[\\/]/).at(-1) ?? null,
      contentType: headers.get('content-type') ?? null,
      bytes: Buffer.from(body.subarray(headersEnd + 4, Math.max(headersEnd + 4, next))),
    })
    at = next + 2
  }
}
