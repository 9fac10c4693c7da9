import type { Connection, InvokeInput, Method, Service, Values } from '../../../sdk/index.ts'
import { namedFiles, readFiles, textOf, typeOf, type FilePart } from './try-files.ts'

/* What is typed into Try it, and the call it means. */

export const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
export const bodyKinds = ['none', 'json', 'form', 'text', 'file'] as const
export type BodyKind = (typeof bodyKinds)[number]

/** A row of name and value; `id` is the row's, for as long as it is on the screen. */
export interface Pair {
  readonly id: number
  readonly name: string
  readonly value: string
}

export interface Draft {
  readonly method: Method
  /** Scheme and host, `https://api.example.com`. */
  readonly origin: string
  /** Path and query. */
  readonly path: string
  readonly headers: readonly Pair[]
  readonly bodyKind: BodyKind
  /** For `json` and `text`. */
  readonly text: string
  readonly form: readonly Pair[]
  /** Files of the form; with one of them it travels as multipart/form-data. */
  readonly files: readonly FilePart[]
  /** The whole body, for `file`. */
  readonly file: File | null
}

export const hasBody = (method: Method): boolean => method !== 'GET' && method !== 'HEAD'

const isLoopback = (host: string): boolean => /^(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?$/.test(host)

/** The origins that can be chosen, and the rules (`*.example.com`, `*`) under which a host must be typed. */
export const reachOf = (apiHosts: readonly string[]): { readonly origins: readonly string[]; readonly rules: readonly string[] } => ({
  origins: apiHosts.filter(rule => !/[*{]/.test(rule)).map(host => `${isLoopback(host) ? 'http' : 'https'}://${host}`),
  rules: apiHosts.filter(rule => rule.includes('*')),
})

/** An absolute URL as origin and path; null when it is none. */
export const splitUrl = (url: string): Pick<Draft, 'origin' | 'path'> | null => {
  const text = url.trim()
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null
  const { origin, href } = new URL(text)
  return { origin, path: href.slice(origin.length).replace(/#.*$/, '') }
}

const filled = (template: string, variables: Values): string =>
  template.replace(/\{([a-z][a-z0-9_]*)\}/g, (whole, name: string) => variables[name] ?? whole)

/** What the `methods` knob of the service leaves; all when it says nothing. */
export const allowedMethods = (service: Service | undefined): readonly Method[] => {
  const { methods: named } = service?.advanced ?? {}
  const left = Array.isArray(named) ? methods.filter(one => named.includes(one)) : []
  return left.length === 0 ? methods : left
}

/** The same draft with a method that the service allows. */
export const withMethod = (draft: Draft, method: Method): Draft => ({
  ...draft,
  method,
  bodyKind: hasBody(method) && !hasBody(draft.method) && draft.bodyKind === 'none' && draft.text === '' ? 'json' : draft.bodyKind,
})

export const permitted = (draft: Draft, allowed: readonly Method[]): Draft =>
  allowed.includes(draft.method) ? draft : withMethod(draft, allowed[0] ?? draft.method)

/** Where to begin: the service's own test call, else its first host. */
export const firstDraft = (connection: Connection, service: Service | undefined): Draft => {
  const { test_url, base_url } = service?.advanced ?? {}
  const template = [test_url, base_url].find(one => typeof one === 'string')
  const known = template === undefined ? null : splitUrl(filled(template, connection.variables))
  return {
    method: 'GET',
    origin: known?.origin ?? reachOf(connection.api_hosts).origins[0] ?? '',
    path: known?.path ?? '/',
    headers: [],
    bodyKind: 'none',
    text: '',
    form: [],
    files: [],
    file: null,
  }
}

export const urlOf = ({ origin, path }: Draft): string => {
  const start = origin.trim().replace(/\/+$/, '')
  const rest = path.trim()
  return (/^https?:\/\//i.test(start) ? start : `https://${start}`) + (rest === '' || /^[/?]/.test(rest) ? rest : `/${rest}`)
}

/** Pairs as a map; rows without a name are left out, and of two with one name the last one counts. */
const mapOf = (pairs: readonly Pair[]): Values =>
  Object.fromEntries(pairs.filter(one => one.name.trim() !== '').map(({ name, value }) => [name.trim(), value]))

export const isMultipart = (draft: Draft): boolean =>
  hasBody(draft.method) && draft.bodyKind === 'form' && draft.files.some(one => one.file !== null)

const contentTypes = { json: 'application/json', form: 'application/x-www-form-urlencoded', text: 'text/plain;charset=UTF-8' } as const

/**
 * The call. A JSON body travels as the text that was typed, so that long numbers in it stay what they are. Files are named only: see `readInput`.
 */
export const inputOf = (draft: Draft): InvokeInput => {
  const headers = mapOf(draft.headers)
  const kind = hasBody(draft.method) ? draft.bodyKind : 'none'
  const multipart = isMultipart(draft)
  const named = Object.keys(headers).some(name => name.toLowerCase() === 'content-type')
  return {
    url: urlOf(draft),
    type: draft.method,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(kind === 'form' && !multipart && { parameters: mapOf(draft.form) }),
    ...(multipart && {
      body: mapOf(draft.form),
      files: namedFiles(draft.files, file => `base64 of ${file.name}`),
    }),
    ...((kind === 'json' || kind === 'text') && { body: draft.text }),
    ...(kind === 'file' && draft.file !== null && { body: `the text of ${draft.file.name}` }),
    ...((kind === 'json' || kind === 'text' || (kind === 'form' && !multipart)) && !named && { content_type: contentTypes[kind] }),
    ...(kind === 'file' && draft.file !== null && !named && { content_type: typeOf(draft.file) }),
  }
}

/** The same with what is in its files. @throws PatchbayProblem when one cannot be read, or cannot travel */
export async function readInput(draft: Draft): Promise<InvokeInput> {
  const input = inputOf(draft)
  if (isMultipart(draft)) return { ...input, files: await readFiles(draft.files) }
  if (hasBody(draft.method) && draft.bodyKind === 'file' && draft.file !== null) return { ...input, body: await textOf(draft.file) }
  return input
}
