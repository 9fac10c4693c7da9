import { headerAsRead, namesIn, sameParameter, type OutgoingRequest } from './request.ts'

/**
 * What lets a server take another method, or another path, than those of the request line (X13): headers, and the parameter `_method` of
 * Rack, Rails, Laravel, Symfony, Express, Spring and their like, in the query and in whatever body they read parameters from.
 */
export type Override = { readonly header: string } | { readonly parameter: string } | { readonly unreadable: string }

const headers =
  /^x-(?:(?:http-)?method(?:-override)?|http-verb-override|original-(?:url|uri|path)|rewrite-url|override-url|envoy-original-path)$/

const overrides = (name: string): boolean => sameParameter(name, '_method')

/** Some read a dot as the hyphen, too. */
const spelt = (name: string): string => headerAsRead(name).replaceAll('.', '-')

/** Every value, because of two headers of one name each server takes another. */
const valuesOf = (list: readonly string[], name: string): string =>
  list
    .filter((_, i) => i % 2 === 1 && spelt(list[i - 1] ?? '') === name)
    .join()
    .toLowerCase()

interface Kinds {
  readonly form: boolean
  readonly multipart: boolean
  readonly json: boolean
}

/** What servers would read parameters from a body as. Rack takes a POST that names no type for a form. */
function kindsOf(method: string, list: readonly string[]): Kinds {
  const type = valuesOf(list, 'content-type')
  return {
    form: type.includes('x-www-form-urlencoded') || (type.trim() === '' && method === 'POST'),
    multipart: type.includes('multipart/'),
    json: /[/+]json\b/.test(type),
  }
}

/** Whether servers read parameters from a body under these headers: it has to be whole before it may go where calls are limited. */
export function holdsParameters(method: string, list: readonly string[]): boolean {
  const { form, multipart, json } = kindsOf(method, list)
  return form || multipart || json
}

const readable = /^(?:utf-?8|us-ascii|ascii|iso-8859-\d+|latin1|windows-125\d)$/

/** Why the body cannot be looked into: packed, or in characters of which ASCII is no part. */
function unreadable(list: readonly string[]): string | null {
  if (!/^(?:identity|[\s,])*$/.test(valuesOf(list, 'content-encoding'))) return 'send the body unpacked, without Content-Encoding'
  const charsets = [...valuesOf(list, 'content-type').matchAll(/charset\s*=\s*["']?([^\s;,"']*)/g)]
  return charsets.every(([, charset = '']) => readable.test(charset)) ? null : 'send the body in UTF-8'
}

/** The members of a JSON object. Only a text that can hold the name is parsed; one that cannot be may still be read by a lenient server. */
function memberNames(text: string): string[] {
  if (!/method|\\u00/i.test(text)) return []
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []
  } catch {
    const spelled = text.replace(/\\u00([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    return spelled.match(/_method/i) ?? []
  }
}

/**
 * The names of the parts of a multipart body, wherever its boundaries are, because servers disagree about that: every name in the headers
 * that begin with a Content-Disposition. An encoded word (RFC 2047), which Tomcat decodes, may be any name.
 */
function partNames(text: string): string[] {
  const names: string[] = []
  const disposition = /content-disposition\s*:/gi
  while (disposition.exec(text) !== null) {
    const end = text.indexOf('\r\n\r\n', disposition.lastIndex)
    const block = text.slice(disposition.lastIndex, end < 0 ? text.length : end)
    disposition.lastIndex += block.length
    for (const [, value = ''] of block.matchAll(/\bname[*\d]*\s*=\s*("(?:[^"\\\r\n]|\\[^\r\n])*|[^;\s]*)/gi)) {
      const name = value.replace(/^["']|["']$/g, '').replaceAll('\\', '')
      names.push(name, ...namesIn(name.replace(/^[^']*'[^']*'/, '')), ...(/=\?[^?]*\?[bq]\?/i.test(name) ? ['_method'] : []))
    }
  }
  return names
}

function rawNames(kinds: Kinds, bytes: Buffer): string[] {
  // all that is looked for is ASCII
  const text = bytes.toString('latin1')
  return [...(kinds.form ? namesIn(text) : []), ...(kinds.multipart ? partNames(text) : []), ...(kinds.json ? memberNames(text) : [])]
}

/** What in a call overrides its method or path, or why that cannot be told; null when nothing does. */
export function overrideIn({ method, url, headers: list, body }: OutgoingRequest): Override | null {
  const header = list.find((name, i) => i % 2 === 0 && headers.test(spelt(name)))
  if (header !== undefined) return { header }
  if (namesIn(url.search).some(overrides)) return { parameter: '_method' }
  switch (body?.kind) {
    case undefined:
      return null
    case 'form':
      return body.fields.some(([name]) => overrides(name)) ? { parameter: '_method' } : null
    case 'multipart':
      return body.parts.some(part => overrides(part.name)) ? { parameter: '_method' } : null
    case 'stream':
      return holdsParameters(method, list) ? { unreadable: 'send the body whole' } : null
    case 'raw': {
      if (!holdsParameters(method, list)) return null
      const reason = unreadable(list)
      if (reason !== null) return { unreadable: reason }
      return rawNames(kindsOf(method, list), body.bytes).some(overrides) ? { parameter: '_method' } : null
    }
  }
}
