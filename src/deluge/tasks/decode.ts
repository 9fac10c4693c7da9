import type { Context } from '../builtins/define.ts'
import { Failure } from '../failure.ts'
import type { HostAnswer } from '../host.ts'
import { parseJson } from '../json.ts'
import { emptyMap, fileOf, mapOf, type File, type Value } from '../value.ts'

/** The largest answer a script gets (§2.4). */
const largestAnswer = 15 * 1024 * 1024

/** How a script wants an answer (URL-12 … URL-14). */
export interface Reply {
  readonly detailed: boolean
  /** `auto` decides by the content type and the body (URL-20 … URL-24). */
  readonly format: 'auto' | 'file' | 'text'
  /** A charset of the WHATWG Encoding standard, or null for what the answer says, else UTF-8. */
  readonly charset: string | null
}

export const automatically: Reply = { detailed: false, format: 'auto', charset: null }

/** JSON text of an object or array as a value; null when it is something else. A limit that is reached is still a failure. */
export function jsonValue(context: Context, text: string): Value {
  if (!/^\s*[[{]/.test(text)) return null
  try {
    return parseJson(text, context.meter)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'failed') return null
    throw error
  }
}

const typeOf = (answer: HostAnswer): string => (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
const charsetOf = (answer: HostAnswer): string | null =>
  /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(answer.headers['content-type'] ?? '')?.[1] ?? null

function decoderOf(label: string): InstanceType<typeof TextDecoder> | null {
  try {
    return new TextDecoder(label)
  } catch {
    return null
  }
}

/**
 * Bytes as TEXT, without a byte order mark; what is not of the charset becomes U+FFFD.
 * @throws Failure for a charset that the script names and nobody knows
 */
function decoded(answer: HostAnswer, wanted: string | null): string {
  const decoder = decoderOf(wanted ?? charsetOf(answer) ?? 'utf-8')
  if (decoder === null && wanted !== null) throw new Failure(`\`response-decoding\`: "${wanted.slice(0, 50)}" is not a charset.`)
  return (decoder ?? new TextDecoder()).decode(answer.body)
}

const isTextual = (type: string): boolean =>
  (type.startsWith('text/') && type !== 'text/csv') ||
  /^application\/(?:json|xml|javascript|x-javascript|ecmascript|graphql|x-www-form-urlencoded|x-ndjson|jsonl|yaml|x-yaml|problem)\b/.test(
    type,
  ) ||
  /[+](?:json|xml|yaml|text)$/.test(type)

/** Without a content type the bytes decide: text has no NUL and is UTF-8 throughout. */
function looksLikeText(bytes: Uint8Array): boolean {
  const beginning = bytes.subarray(0, 4096)
  if (beginning.includes(0)) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(beginning, { stream: true })
    return true
  } catch {
    return false
  }
}

/** The last step of a path, without what another system takes for a folder. */
const baseName = (path: string): string => path.split(/[\\/]/).at(-1)?.trim() ?? ''

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The name of a file: `filename*` (RFC 8187) or `filename` of Content-Disposition (RFC 6266), else the last step of the path (URL-22). */
export function fileNameOf(disposition: string | undefined, url: string): string {
  const extended = /filename\*\s*=\s*(?:utf-8|iso-8859-1)?'[^']*'([^;\s]+)/i.exec(disposition ?? '')?.[1]
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition ?? '')
  const named = extended === undefined ? (plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2] ?? '') : percentDecoded(extended)
  const path = url.replace(/[?#].*$/s, '').replace(/^[a-z]+:\/\/[^/]*/i, '')
  return baseName(named) || baseName(percentDecoded(path.replace(/\/+$/, ''))) || 'file'
}

function fileIn(answer: HostAnswer, url: string, charset: string | null): File {
  const name = fileNameOf(answer.headers['content-disposition'], url)
  return fileOf(name, answer.body, typeOf(answer) || 'application/octet-stream', charset ?? charsetOf(answer))
}

/** What stands in an answer: the value of `invokeurl`, before `detailed` is looked at. */
function contentOf(context: Context, answer: HostAnswer, url: string, reply: Reply): Value {
  // URL-26: an empty TEXT. Scripts test `!= null && != ""` and `.isEmpty()`, and TEXT has methods where null has none.
  if (answer.body.byteLength === 0 && reply.format !== 'file') return ''
  const type = typeOf(answer)
  const attached = /^\s*attachment\b/i.test(answer.headers['content-disposition'] ?? '')
  const textual = type === '' ? looksLikeText(answer.body) : isTextual(type)
  // Some APIs call every answer an attachment ("response.json"): JSON is what the script wants to look into all the same.
  const asFile = reply.format === 'file' || (reply.format === 'auto' && (!textual || (attached && !/\bjson$/.test(type))))
  if (asFile) return fileIn(answer, url, reply.charset)
  const text = decoded(answer, reply.charset)
  const value = reply.format === 'auto' && !reply.detailed ? jsonValue(context, text) : null
  if (value !== null) return value
  context.meter.textOf(text.length)
  return text
}

/**
 * What a script gets for an answer (URL-20 … URL-28). Any status is an answer. With `detailed`, `responseText` is TEXT even when it is
 * JSON (§2.5 says so of its siblings), and `.get` reads into JSON text all the same (CO-1).
 * @throws Failure of kind `call` when the answer is too large
 */
export function valueOf(context: Context, answer: HostAnswer, url: string, reply: Reply): Value {
  if (answer.body.byteLength > largestAnswer)
    throw new Failure(`The answer is larger than ${String(largestAnswer / 1024 / 1024)} MB.`, 'call')
  context.meter.made(answer.body.byteLength)
  const content = contentOf(context, answer, url, reply)
  if (!reply.detailed) return content
  const headers = emptyMap()
  for (const [name, value] of Object.entries(answer.headers)) headers.entries.set(name.toLowerCase(), value)
  return mapOf([
    ['responseText', content],
    ['responseHeader', headers],
    ['responseCode', answer.status],
  ])
}
