import type { Draft } from './try-request.ts'
import { inputOf } from './try-request.ts'

/* A request as code to paste, in the forms that the connection's own snippets have. */

const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const scriptQuoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`
const delugeQuoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`

export const codeKinds = ['invokeurl', 'json', 'curl', 'typescript', 'proxy'] as const
export type CodeKind = (typeof codeKinds)[number]

export const codeNames: Readonly<Record<CodeKind, string>> = {
  invokeurl: 'invokeUrl',
  json: 'JSON',
  curl: 'curl',
  typescript: 'TypeScript',
  proxy: 'Proxy',
}

const delugeMap = (map: Readonly<Record<string, unknown>>): string =>
  `{${Object.entries(map)
    .map(([name, value]) => `${delugeQuoted(name)}:${delugeQuoted(String(value))}`)
    .join(',')}}`

function formText(parameters: unknown): string | null {
  return typeof parameters === 'object' && parameters !== null
    ? new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)])).toString()
    : null
}

/** The body and headers as plain HTTP has them. */
function plain(draft: Draft) {
  const input = inputOf(draft)
  const body = typeof input.body === 'string' ? input.body : formText(input.parameters)
  const headers: [string, string][] = Object.entries(input.headers ?? {}).map(([name, value]) => [name, String(value)])
  if (input.content_type != null) headers.push(['Content-Type', input.content_type])
  return { input, body, headers, method: draft.method }
}

function invokeUrl(linkName: string, draft: Draft): string {
  const { input } = plain(draft)
  const headers = Object.keys(input.headers ?? {}).length > 0 ? [`headers : ${delugeMap(input.headers ?? {})}`] : []
  const parameters =
    typeof input.parameters === 'object' && input.parameters !== null
      ? [`parameters : ${delugeMap(input.parameters)}`]
      : typeof input.body === 'string'
        ? [`body : ${delugeQuoted(input.body)}`]
        : []
  const type = input.content_type != null ? [`content-type : ${delugeQuoted(input.content_type)}`] : []
  const lines = [
    `url : ${delugeQuoted(input.url)}`,
    `type : ${draft.method}`,
    ...headers,
    ...parameters,
    ...type,
    `connection : ${linkName}`,
  ]
  return ['response = invokeUrl [', ...lines, '];'].join('\n')
}

function typeScript(origin: string, linkName: string, draft: Draft): string {
  const { body, headers, method, input } = plain(draft)
  const init = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length === 0
      ? []
      : ['  headers: {', ...headers.map(([name, value]) => `    ${scriptQuoted(name)}: ${scriptQuoted(value)},`), '  },']),
    ...(body === null ? [] : [`  body: ${scriptQuoted(body)},`]),
  ]
  return [
    "import { Patchbay } from '@patchbay/sdk'",
    '',
    `const patchbay = new Patchbay({ url: '${origin}', apiKey: process.env.PATCHBAY_API_KEY })`,
    `const response = await patchbay.connection('${linkName}').fetch(${scriptQuoted(input.url)}${init.length === 0 ? ')' : ', {'}`,
    ...(init.length === 0 ? [] : [...init, '})']),
  ].join('\n')
}

function proxy(origin: string, linkName: string, draft: Draft): string {
  const { body, headers, method, input } = plain(draft)
  const [, scheme = 'https', rest = ''] = /^(https?):\/\/(.*)$/i.exec(input.url) ?? []
  const line = [
    `curl${method === 'GET' ? '' : method === 'HEAD' ? ' --head' : ` -X ${method}`} ${shellQuoted(`${origin}/proxy/${linkName}/${scheme.toLowerCase()}/${rest}`)}`,
    '-H "Authorization: Bearer $PATCHBAY_API_KEY"',
    ...headers.map(([name, value]) => `-H ${shellQuoted(`${name}: ${value}`)}`),
    ...(body === null ? [] : [`--data-raw ${shellQuoted(body)}`]),
  ]
  return line.join(' \\\n  ')
}

/** @param origin Patchbay's own */
export function codeFor(kind: CodeKind, origin: string, linkName: string, draft: Draft): string {
  const call = { connection: linkName, ...inputOf(draft) }
  switch (kind) {
    case 'invokeurl':
      return invokeUrl(linkName, draft)
    case 'json':
      return JSON.stringify(call, null, 2)
    case 'curl':
      return [
        `curl ${origin}/api/v1/invoke`,
        '-H "Authorization: Bearer $PATCHBAY_API_KEY"',
        '-H "Content-Type: application/json"',
        `-d ${shellQuoted(JSON.stringify(call))}`,
      ].join(' \\\n  ')
    case 'typescript':
      return typeScript(origin, linkName, draft)
    case 'proxy':
      return proxy(origin, linkName, draft)
  }
}
