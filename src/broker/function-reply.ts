import { headerNamePattern, headerValuePattern } from '../core/request.ts'
import { textOf } from '../deluge/text.ts'
import type { Surroundings } from '../deluge/host.ts'
import type { KeyValue, Value } from '../deluge/value.ts'
import type { Ran } from './function-run.ts'
import { jsonTextOf, valueOfJson } from './function-values.ts'

/** What a public call is answered with. */
export interface PublicReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const json = 'application/json;charset=UTF-8'

export const jsonReply = (status: number, document: unknown): PublicReply => ({
  status,
  headers: { 'content-type': json },
  body: Buffer.from(JSON.stringify(document)),
})

/** FN-9. `code` is that of a problem, or `function_failed`. */
export const failureReply = (status: number, code: string, message: string, details: Readonly<Record<string, unknown>> = {}): PublicReply =>
  jsonReply(status, { code, details, message, status: 'error' })

/**
 * Headers that are ours to set: they frame the answer, or would loosen what keeps a function's page away from the console, which is on the
 * same origin: `nel` and `report-to` hold for the whole origin. `x-accel-redirect` and its like are orders to a proxy in front of us.
 */
const ours =
  /^(?:content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|date|server|content-encoding|content-type|set-cookie2?|alt-svc|clear-site-data|service-worker-allowed|content-security-policy.*|x-content-type-options|strict-transport-security|access-control-allow-credentials|cross-origin-.*|origin-agent-cluster|patchbay-.*|www-authenticate|proxy-.*|nel|report-to|reporting-endpoints|x-accel-.*|x-sendfile|x-lighttpd-.*)$/

const memberOf = (map: KeyValue, name: string): Value => {
  for (const [key, value] of map.entries) if (key.toLowerCase() === name) return value
  return null
}

function headersOf(surroundings: Surroundings, value: Value): Record<string, string> {
  const headers: Record<string, string> = {}
  if (typeof value !== 'object' || value?.kind !== 'map') return headers
  for (const [name, one] of [...value.entries].slice(0, 100)) {
    const text = textOf(surroundings, one).trim()
    const lower = name.toLowerCase()
    if (headerNamePattern.test(name) && headerValuePattern.test(text) && !ours.test(lower)) headers[lower] = text
  }
  return headers
}

/** The map under `crmAPIResponse`, in a map or in the JSON text of one; null for any other output. */
function responseIn(output: Value): KeyValue | null {
  let value = output
  if (typeof output === 'string' && /^\s*\{\s*"crmAPIResponse"/.test(output))
    try {
      value = valueOfJson(output)
    } catch {
      return null
    }
  if (typeof value !== 'object' || value?.kind !== 'map') return null
  const inner = value.entries.get('crmAPIResponse')
  return typeof inner === 'object' && inner?.kind === 'map' ? inner : null
}

function bodyOf(
  surroundings: Surroundings,
  value: Value,
): { readonly bytes: Buffer; readonly type: string; readonly fileName: string | null } {
  if (value === null) return { bytes: Buffer.alloc(0), type: json, fileName: null }
  if (typeof value === 'object' && value.kind === 'file')
    return { bytes: Buffer.from(value.bytes), type: value.contentType, fileName: value.name }
  if (typeof value === 'object' && (value.kind === 'map' || value.kind === 'list'))
    return { bytes: Buffer.from(jsonTextOf(surroundings, value)), type: json, fileName: null }
  const text = textOf(surroundings, value)
  return { bytes: Buffer.from(text), type: /^\s*[{[]/.test(text) ? json : 'text/plain;charset=UTF-8', fileName: null }
}

/** FN-8: a reply of the script's own. */
function ownReply(surroundings: Surroundings, map: KeyValue): PublicReply {
  const given = memberOf(map, 'status_code')
  const status = given === null ? 200 : Number(textOf(surroundings, given))
  if (!Number.isInteger(status) || status < 200 || status > 599)
    return failureReply(500, 'function_failed', 'The status_code of crmAPIResponse is a whole number from 200 to 599.')
  const { bytes, type, fileName } = bodyOf(surroundings, memberOf(map, 'body'))
  const named = memberOf(map, 'content-type')
  const text = typeof named === 'string' && headerValuePattern.test(named.trim()) ? named.trim() : type
  return {
    status,
    headers: {
      ...(fileName !== null && { 'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}` }),
      ...headersOf(surroundings, memberOf(map, 'headers')),
      'content-type': headerValuePattern.test(text) ? text : 'application/octet-stream',
    },
    body: bytes,
  }
}

/** The words of the original for what a function gives (FN-7). */
const outputTypes: Readonly<Record<string, string>> = { text: 'string', number: 'int', boolean: 'bool', null: 'string' }

/** The answer of a public call (FN-7 … FN-9). */
export function replyOf({ id, result, surroundings }: Ran): PublicReply {
  const { error, output, outputType } = result
  if (error !== null) {
    const { code = 'function_failed', ...facts } = error.facts
    const waiting = code === 'authorization_required' || code === 'reauthorization_required' || code === 'connection_revoked'
    return failureReply(waiting ? 409 : 500, waiting ? code : 'function_failed', error.message, {
      id,
      line: error.line,
      ...facts,
    })
  }
  const own = responseIn(output)
  if (own !== null) return ownReply(surroundings, own)
  const isVoid = outputType === 'void'
  const text =
    output === null
      ? null
      : typeof output === 'object' && output.kind === 'file'
        ? jsonTextOf(surroundings, output)
        : textOf(surroundings, output)
  return jsonReply(200, {
    code: 'success',
    details: { ...(isVoid && { type: 'VOID' }), output: text, output_type: outputTypes[outputType] ?? outputType, id },
    message: 'function executed successfully',
  })
}
