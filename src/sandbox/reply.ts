import type { Surroundings } from '../deluge/host.ts'
import { textOf } from '../deluge/text.ts'
import type { KeyValue, Value } from '../deluge/value.ts'
import { jsonTextOf, valueOfJson } from './json.ts'

/** Text in UTF-8, or the bytes of a file. */
export type Bytes = Uint8Array<ArrayBuffer>

/** FN-8: a reply of the script's own, as it asked for it. What of it may be sent is for the other side to say. */
export interface OwnReply {
  readonly kind: 'own'
  readonly status: string | null
  readonly headers: readonly (readonly [name: string, text: string])[]
  /** As the script says; null: it does not. */
  readonly contentType: string | null
  readonly body: Bytes
  /** What the body is of itself. */
  readonly bodyType: 'json' | 'text' | 'file'
  readonly file: { readonly name: string; readonly contentType: string } | null
}

/** What a public call is answered with. Made on the thread: a body of megabytes holds up nobody else. */
export type Reply =
  | OwnReply
  /** FN-7: the output as a text, in JSON; `null` where there is none. */
  | { readonly kind: 'output'; readonly text: Bytes }

const mostHeaders = 100

export const bytesOf = (text: string): Bytes => new TextEncoder().encode(text)

const memberOf = (map: KeyValue, name: string): Value => {
  for (const [key, value] of map.entries) if (key.toLowerCase() === name) return value
  return null
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

function bodyOf(surroundings: Surroundings, value: Value): Pick<OwnReply, 'body' | 'bodyType' | 'file'> {
  if (value === null) return { body: bytesOf(''), bodyType: 'json', file: null }
  if (typeof value === 'object' && value.kind === 'file')
    return { body: new Uint8Array(value.bytes), bodyType: 'file', file: { name: value.name, contentType: value.contentType } }
  if (typeof value === 'object' && (value.kind === 'map' || value.kind === 'list'))
    return { body: bytesOf(jsonTextOf(surroundings, value)), bodyType: 'json', file: null }
  const text = textOf(surroundings, value)
  return { body: bytesOf(text), bodyType: /^\s*[{[]/.test(text) ? 'json' : 'text', file: null }
}

function ownReply(surroundings: Surroundings, map: KeyValue): OwnReply {
  const status = memberOf(map, 'status_code')
  const headers = memberOf(map, 'headers')
  const contentType = memberOf(map, 'content-type')
  return {
    kind: 'own',
    status: status === null ? null : textOf(surroundings, status),
    headers:
      typeof headers === 'object' && headers?.kind === 'map'
        ? [...headers.entries].slice(0, mostHeaders).map(([name, value]) => [name, textOf(surroundings, value).trim()] as const)
        : [],
    contentType: typeof contentType === 'string' ? contentType.trim() : null,
    ...bodyOf(surroundings, memberOf(map, 'body')),
  }
}

/** @throws Failure when it is too long or nested too deep to be written */
export function replyOf(surroundings: Surroundings, output: Value): Reply {
  const own = responseIn(output)
  if (own !== null) return ownReply(surroundings, own)
  const isFile = typeof output === 'object' && output?.kind === 'file'
  const text = output === null ? null : isFile ? jsonTextOf(surroundings, output) : textOf(surroundings, output)
  return { kind: 'output', text: bytesOf(JSON.stringify(text)) }
}
