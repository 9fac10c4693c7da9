import type { Context } from '../builtins/define.ts'
import { Failure } from '../failure.ts'
import type { HostRequest } from '../host.ts'
import { jsonOf } from '../text.ts'
import type { KeyValue, Value } from '../value.ts'
import {
  fieldTextOf,
  holdsFiles,
  isFile,
  isHeaderValue,
  isList,
  isListOfParts,
  isMap,
  multipartOf,
  partsOfFiles,
  partsOfList,
  partsOfMap,
} from './multipart.ts'

/** What a script asks for: the attributes of `invokeurl` that make the request (§2.2). Null is left out. */
export interface Call {
  readonly url: string
  readonly method: string
  readonly connection: string | null
  readonly headers: KeyValue | null
  readonly contentType: string | null
  readonly parameters: Value
  readonly body: Value
  readonly files: Value
}

/** A call with nothing but its address. */
export const callTo = (url: string, method = 'GET'): Call => ({
  url,
  method,
  connection: null,
  headers: null,
  contentType: null,
  parameters: null,
  body: null,
  files: null,
})

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const

interface Body {
  readonly bytes: Uint8Array
  readonly contentType: string
}

const plainText = 'text/plain;charset=UTF-8'
const urlencoded = 'application/x-www-form-urlencoded'

/** RFC 3986 percent-encoding of everything but unreserved characters: a space is %20. A half of a surrogate pair is U+FFFD. */
export const percentEncode = (text: string): string =>
  encodeURIComponent(Buffer.from(text).toString()).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

const formOf = (context: Context, map: KeyValue): string =>
  [...map.entries].map(([name, value]) => `${percentEncode(name)}=${percentEncode(fieldTextOf(context, value))}`).join('&')

/** Puts a query before the fragment, after the query that is there. */
export function withQuery(url: string, query: string): string {
  if (query === '') return url
  const hash = url.indexOf('#')
  const [before, after] = hash < 0 ? [url, ''] : [url.slice(0, hash), url.slice(hash)]
  const joint = !before.includes('?') ? '?' : /[?&]$/.test(before) ? '' : '&'
  return before + joint + query + after
}

/**
 * The address, trimmed. Placeholders of a connection (`https://{domain}.my.salesforce.com/…`, CON-17) stay for the host to fill in.
 * @throws Failure when it is missing or not absolute (URL-1)
 */
function addressOf(url: string): string {
  const address = url.trim()
  if (address === '' || address === 'null') throw new Failure('invokeurl needs a `url`.')
  if (!/^https?:\/\/[^/?#\s]/i.test(address))
    throw new Failure(`The url must be absolute and begin with https:// or http://, not "${address.slice(0, 100)}".`)
  return address
}

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$/

/** A map as a value is JSON text with everything beyond ASCII escaped, as Dropbox-API-Arg wants it (URL-3). Null values are left out. */
function headersOf(context: Context, map: KeyValue | null): [string, string][] {
  if (map === null) return []
  return [...map.entries].flatMap(([name, value]): [string, string][] => {
    if (value === null) return []
    if (!headerName.test(name)) throw new Failure(`"${name.slice(0, 100)}" is not a name of a header: use letters, digits and -.`)
    const given = fieldTextOf(context, value)
    const text =
      typeof value === 'object'
        ? given.replace(/[\u007f-\uffff]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
        : given.trim()
    if (!isHeaderValue(text)) throw new Failure(`The value of the header "${name}" must be one line of ASCII characters.`)
    return [[name, text]]
  })
}

function textBody(context: Context, text: string, contentType: string | null): Body {
  context.meter.made(text.length)
  return { bytes: Buffer.from(text), contentType: contentType ?? plainText }
}

const isJson = (contentType: string): boolean => /^application\/(?:[a-z0-9.+-]+\+)?json\b/i.test(contentType)

/**
 * The bytes of a body and their content type.
 *
 * @param declared  The content type that the script gives, or null.
 * @param mapAs     What a map is when nothing is declared: `parameters` are a form (URL-5), a `body` is multipart (URL-7).
 */
function bodyOf(context: Context, value: Value, declared: string | null, mapAs: 'form' | 'multipart'): Body {
  const multipart = declared !== null && /^multipart\//i.test(declared)
  if (typeof value === 'string') return textBody(context, value, declared)
  if (isFile(value))
    return multipart
      ? multipartOf(context, partsOfFiles(context, value))
      : { bytes: value.bytes, contentType: declared ?? 'application/octet-stream' }
  if (isMap(value)) {
    const files = holdsFiles(value)
    if (files && declared !== null && !multipart)
      throw new Failure(`A map with a file is sent as multipart/form-data and cannot be ${declared}. Leave the content type out.`)
    if (files || multipart || (declared === null && mapAs === 'multipart')) return multipartOf(context, partsOfMap(context, value))
    if (declared === null || declared.toLowerCase().startsWith(urlencoded))
      return textBody(context, formOf(context, value), declared ?? urlencoded)
    return textBody(context, jsonOf(context.surroundings, value), declared)
  }
  if (isList(value)) {
    if (isListOfParts(value) && (declared === null || multipart)) return multipartOf(context, partsOfList(context, value))
    if (value.items.some(isFile)) return multipartOf(context, partsOfList(context, value))
    return textBody(context, jsonOf(context.surroundings, value), declared ?? 'application/json')
  }
  return textBody(
    context,
    declared !== null && isJson(declared) ? jsonOf(context.surroundings, value) : fieldTextOf(context, value),
    declared,
  )
}

/** `parameters` as a query (URL-4). Text that is a JSON object is meant as one, since scripts write `map.toString()` out of habit. */
function queryOf(context: Context, parameters: Value, parsed: (text: string) => Value): string {
  if (isMap(parameters)) return formOf(context, parameters)
  if (typeof parameters !== 'string') throw new Failure('As a query, `parameters` must be a map or a text.')
  const text = parameters.trim()
  const value = text.startsWith('{') ? parsed(text) : null
  return isMap(value) ? formOf(context, value) : text.replace(/^[?&]+/, '')
}

/**
 * The request that the attributes of `invokeurl` mean (URL-1 … URL-10, URL-15).
 *
 * With `body`, `parameters` are the query (URL-8). Without it they are the query of GET, HEAD and OPTIONS, and of a DELETE that names no
 * content type; for the other methods they are the body. Nothing is sent: `invoke` does that.
 * @param parsed  Reads JSON text; null when it is none.
 * @throws Failure with what to write instead
 */
export function requestOf(context: Context, call: Call, parsed: (text: string) => Value): HostRequest {
  const { method, body, files, parameters } = call
  const address = addressOf(call.url)
  const headers = headersOf(context, call.headers)
  const declared = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? call.contentType
  if (declared !== null && !isHeaderValue(declared)) throw new Failure('The content type must be one line of ASCII characters.')
  const bodiless = method === 'GET' || method === 'HEAD'
  if (bodiless && (body !== null || files !== null))
    throw new Failure(`${method} has no ${body === null ? 'files' : 'body'}: write \`type: POST\`, PUT or PATCH.`)
  const asQuery = body !== null || bodiless || method === 'OPTIONS' || (method === 'DELETE' && declared === null && files === null)
  const url = parameters !== null && asQuery ? withQuery(address, queryOf(context, parameters, parsed)) : address

  const request = (content: Body | null): HostRequest => ({
    from: context.from,
    connection: call.connection,
    method,
    url,
    headers: content === null ? headers : headers.filter(([name]) => name.toLowerCase() !== 'content-type'),
    body: content?.bytes ?? null,
    contentType: content?.contentType ?? null,
  })

  if (files !== null) {
    const beside = body ?? (asQuery ? null : parameters)
    const fields = typeof beside === 'string' ? parsed(beside) : beside
    if (fields !== null && !isMap(fields) && !isList(fields)) throw new Failure('Beside `files`, the other parts must be a map.')
    if (typeof beside === 'string' && fields === null) throw new Failure('Beside `files`, the other parts must be a map.')
    const parts = fields === null ? [] : isMap(fields) ? partsOfMap(context, fields) : partsOfList(context, fields)
    return request(multipartOf(context, [...parts, ...partsOfFiles(context, files)]))
  }
  if (body !== null) return request(bodyOf(context, body, declared, 'multipart'))
  if (parameters !== null && !asQuery) return request(bodyOf(context, parameters, declared, 'form'))
  return request(null)
}
