import type { Context } from '../builtins/define.ts'
import { Failure } from '../failure.ts'
import { jsonOf, textOf } from '../text.ts'
import type { File, KeyValue, List, Value } from '../value.ts'

/** One part of a multipart/form-data body. */
interface Part {
  readonly name: string
  readonly fileName: string | null
  readonly contentType: string | null
  readonly transferEncoding: string | null
  readonly bytes: Uint8Array
}

/** The field name of a lone file; the reference is silent, this is what most services and most clients call it (URL-10). */
const defaultFieldName = 'file'

/** What may stand in a header of ours: visible ASCII and blanks. */
export const isHeaderValue = (text: string): boolean => /^[\t\x20-\x7e]*$/.test(text)

/** A value as it stands in a query, a form field or a text part: maps and lists as JSON text, null as nothing. */
export function fieldTextOf(context: Context, value: Value): string {
  if (typeof value === 'string') return value
  if (value === null) return ''
  if (typeof value === 'object' && (value.kind === 'list' || value.kind === 'map' || value.kind === 'collection'))
    return jsonOf(context.surroundings, value)
  return textOf(context.surroundings, value)
}

export const isFile = (value: Value): value is File => value !== null && typeof value === 'object' && value.kind === 'file'
export const isMap = (value: Value): value is KeyValue => value !== null && typeof value === 'object' && value.kind === 'map'
export const isList = (value: Value): value is List => value !== null && typeof value === 'object' && value.kind === 'list'

/** True for a map in which a file stands, alone or in a list: such a map is sent as multipart/form-data (URL-5). */
export const holdsFiles = (map: KeyValue): boolean =>
  [...map.entries.values()].some(value => isFile(value) || (isList(value) && value.items.some(isFile)))

const textPart = (name: string, text: string): Part => ({
  name,
  fileName: null,
  contentType: null,
  transferEncoding: null,
  bytes: Buffer.from(text),
})

const filePart = (name: string, file: File): Part => ({
  name,
  fileName: file.name,
  contentType:
    file.charset === null || /;\s*charset=/i.test(file.contentType) ? file.contentType : `${file.contentType}; charset=${file.charset}`,
  transferEncoding: null,
  bytes: file.bytes,
})

/** The entries of a map; a list of files is one part for each of them, under the same name. */
export function partsOfMap(context: Context, map: KeyValue): Part[] {
  return [...map.entries].flatMap(([name, value]) => {
    if (isFile(value)) return [filePart(name, value)]
    if (isList(value) && value.items.some(isFile))
      return value.items.map(item => (isFile(item) ? filePart(name, item) : textPart(name, fieldTextOf(context, item))))
    return [textPart(name, fieldTextOf(context, value))]
  })
}

const characterSets: Readonly<Record<string, BufferEncoding>> = {
  'utf-8': 'utf8',
  utf8: 'utf8',
  'us-ascii': 'latin1',
  'iso-8859-1': 'latin1',
  'utf-16le': 'utf16le',
}
const transferEncodings = new Set(['7bit', '8bit', 'binary'])

/** URL-9: `{"param-name":…, "param-value":…, "content-type":…, "encoding-type":…}`. The encoding is a charset or a transfer encoding. */
function explicitPart(context: Context, map: KeyValue): Part {
  const name = fieldTextOf(context, map.entries.get('param-name') ?? null)
  const value = map.entries.get('param-value') ?? null
  if (name === '') throw new Failure('A part of the body is a map with "param-name" and "param-value".')
  const contentType = fieldTextOf(context, map.entries.get('content-type') ?? null) || null
  const encoding = fieldTextOf(context, map.entries.get('encoding-type') ?? null).toLowerCase()
  const charset = characterSets[encoding]
  if (encoding !== '' && encoding !== 'base64' && charset === undefined && !transferEncodings.has(encoding)) {
    throw new Failure(`The "encoding-type" of the part "${name}" is not known. Use UTF-8, ISO-8859-1, US-ASCII, UTF-16LE or base64.`)
  }
  const part = isFile(value) ? filePart(name, value) : textPart(name, '')
  const bytes = isFile(value) ? value.bytes : Buffer.from(fieldTextOf(context, value), charset ?? 'utf8')
  return {
    ...part,
    contentType: contentType ?? part.contentType,
    transferEncoding: encoding === 'base64' || transferEncodings.has(encoding) ? encoding : null,
    bytes: encoding === 'base64' ? Buffer.from(Buffer.from(bytes).toString('base64')) : bytes,
  }
}

/** True for the list form of a body (URL-9): every element is a map that names its part. */
export const isListOfParts = (list: List): boolean =>
  list.items.length > 0 && list.items.every(item => isMap(item) && item.entries.has('param-name'))

export const partsOfList = (context: Context, list: List): Part[] =>
  list.items.map(item => {
    if (isFile(item)) return filePart(item.paramName ?? defaultFieldName, item)
    if (isMap(item)) return explicitPart(context, item)
    throw new Failure('A list as a body has maps with "param-name" and "param-value", or files.')
  })

/**
 * What `files:` holds: a file, a list of files, or among them maps `{"stringPart":"true","paramName":"id","content":"…"}`, which are text
 * parts (URL-10). A part may name its type: `"Content-Type":"application/json"`. A map of another shape names its parts: `{"content":file}`.
 */
export function partsOfFiles(context: Context, files: Value): Part[] {
  if (isMap(files) && !files.entries.has('paramName')) return partsOfMap(context, files)
  const items = isList(files) ? files.items : [files]
  return items.map(item => {
    if (isFile(item)) return filePart(item.paramName ?? defaultFieldName, item)
    if (isMap(item) && item.entries.has('paramName')) {
      const content = item.entries.get('content') ?? null
      const name = fieldTextOf(context, item.entries.get('paramName') ?? null)
      const part = isFile(content) ? filePart(name, content) : textPart(name, fieldTextOf(context, content))
      return { ...part, contentType: typeOfPart(context, item) ?? part.contentType }
    }
    throw new Failure('`files` takes a file, or a list of files and of maps {"stringPart":"true","paramName":…,"content":…}.')
  })
}

/** What a part of `files:` says of its type, in the spellings that scripts have for it. */
function typeOfPart(context: Context, { entries }: KeyValue): string | null {
  const [, type = null] = [...entries].find(([key]) => /^content-?type$/i.test(key)) ?? []
  return fieldTextOf(context, type).trim() || null
}

/** How browsers write names (WHATWG HTML, multipart/form-data): what would end the header is percent-encoded. */
const quoted = (name: string): string => `"${name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')}"`

function headOf(part: Part): Buffer {
  const lines = [
    `Content-Disposition: form-data; name=${quoted(part.name)}${part.fileName === null ? '' : `; filename=${quoted(part.fileName)}`}`,
  ]
  for (const [name, value] of [
    ['Content-Type', part.contentType],
    ['Content-Transfer-Encoding', part.transferEncoding],
  ] as const) {
    if (value === null) continue
    if (!isHeaderValue(value)) throw new Failure(`The content type of the part "${part.name}" has characters that it must not have.`)
    lines.push(`${name}: ${value}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

/** A boundary that no part contains: drawn again in the unlikely case (RFC 2046 §5.1.1). */
function boundaryFor(context: Context, parts: readonly Part[]): string {
  for (let attempt = 0; ; attempt += 1) {
    const digits = () =>
      Math.floor(context.chance.random() * 2 ** 48)
        .toString(16)
        .padStart(12, '0')
    const boundary = `patchbay-${digits()}${digits()}${String(attempt)}`
    if (!parts.some(part => Buffer.from(part.bytes.buffer, part.bytes.byteOffset, part.bytes.byteLength).includes(boundary)))
      return boundary
  }
}

/** The body and its content type (RFC 7578). Asks the meter before it joins the parts. */
export function multipartOf(context: Context, parts: readonly Part[]): { bytes: Uint8Array; contentType: string } {
  const boundary = boundaryFor(context, parts)
  context.meter.made(parts.reduce((sum, part) => sum + part.bytes.byteLength + 200, 0))
  const pieces: Uint8Array[] = []
  for (const part of parts) pieces.push(Buffer.from(`--${boundary}\r\n`), headOf(part), part.bytes, Buffer.from('\r\n'))
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  return { bytes: Buffer.concat(pieces), contentType: `multipart/form-data; boundary=${boundary}` }
}
