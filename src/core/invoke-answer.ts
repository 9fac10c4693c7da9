import { headerOf, type IncomingResponse } from './request.ts'
import { isJsonDocument } from './lossless-json.ts'
import type { InvokeUrl } from './invoke-url.ts'

/** Content that is a file to a script (URL-22): what has no text, and whatever the service calls an attachment. */
const fileTypes =
  /^(?:image|audio|video|font)\/|^application\/(?!.*\+(?:json|xml)\b)(?:pdf|zip|gzip|octet-stream|msword|vnd\.|x-(?:zip|tar|gzip|7z|rar))/

/** Whether this content type (null: none was said) is one that has no text. */
const isFile = (contentType: string | null): boolean => contentType !== null && fileTypes.test(contentType.toLowerCase())

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return null
  }
}

/** What the service calls it (RFC 6266), else the end of the path; never with a folder in front. */
function fileName(headers: readonly string[], url: URL): string {
  const disposition = headerOf(headers, 'content-disposition') ?? ''
  const extended = /filename\*\s*=\s*utf-8''([^;]+)/i.exec(disposition)?.[1]
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(disposition)
  const own = url.pathname.split('/').at(-1) ?? ''
  const candidates = [
    extended === undefined ? null : decoded(extended),
    plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2],
    decoded(own) ?? own,
  ]
  return candidates.map(name => name?.split(/[\\/]/).at(-1)?.trim()).find(Boolean) ?? 'file'
}

function textIn(bytes: Buffer, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Response headers as invoke shows them: lower case, repeated ones joined, no cookies. */
export function headerMap(headers: readonly string[]): Record<string, string> {
  const map: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase()
    if (name === 'set-cookie' || name === '__proto__') continue
    const own = headers[i + 1] ?? ''
    map[name] = Object.hasOwn(map, name) ? `${map[name]}, ${own}` : own
  }
  return map
}

/**
 * The answer of a call as JSON text: `{ status_code, headers, body, duration_ms }`. A JSON body is put in as the service wrote it,
 * so that 19-digit ids survive; other text as a text; anything else as a file. Empty is null.
 */
export function envelope(
  answer: IncomingResponse,
  call: Pick<InvokeUrl, 'response_format' | 'response_decoding'>,
  url: URL,
  durationMs: number,
): string {
  const head = `{"status_code":${answer.status},"headers":${JSON.stringify(headerMap(answer.headers))},"body":`
  return `${head}${bodyText(answer, call, url)},"duration_ms":${Math.round(durationMs)}}`
}

function bodyText(answer: IncomingResponse, call: Pick<InvokeUrl, 'response_format' | 'response_decoding'>, url: URL): string {
  const { body, headers } = answer
  if (body.length === 0) return 'null'
  const contentType = headerOf(headers, 'content-type') ?? ''
  const asFile = () =>
    JSON.stringify({
      filename: fileName(headers, url),
      content_type: contentType || 'application/octet-stream',
      size: body.length,
      content_base64: body.toString('base64'),
    })
  const attached = /^\s*attachment/i.test(headerOf(headers, 'content-disposition') ?? '')
  if (call.response_format === 'file' || (call.response_format === 'auto' && (attached || isFile(contentType)))) return asFile()
  const charset = call.response_decoding ?? /charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  const text = textIn(body, charset) ?? (call.response_format === 'string' ? body.toString('latin1') : null)
  if (text === null) return asFile()
  const bare = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  return call.response_format === 'auto' && isJsonDocument(bare) ? bare.trim() : JSON.stringify(bare)
}
