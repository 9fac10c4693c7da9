import type { FilePart } from './try-files.ts'
import { inputOf, isMultipart, type Draft } from './try-request.ts'

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

interface FormPart {
  readonly name: string
  /** A text, or the file's name in the folder of whoever runs the code. */
  readonly text?: string
  readonly file?: File
}

const filePart = ({ name, file }: FilePart): FormPart[] => (file === null ? [] : [{ name: name.trim() || 'file', file }])

/** The body and headers as plain HTTP has them. `file` is the whole body, `parts` those of a multipart form. */
function plain(draft: Draft) {
  const input = inputOf(draft)
  const multipart = isMultipart(draft)
  const file = draft.bodyKind === 'file' && input.body !== undefined ? draft.file : null
  const parts = multipart
    ? [
        ...Object.entries(input.body as Record<string, string>).map(([name, text]): FormPart => ({ name, text })),
        ...draft.files.flatMap(filePart),
      ]
    : null
  const body = file !== null || multipart ? null : typeof input.body === 'string' ? input.body : formText(input.parameters)
  const headers: [string, string][] = Object.entries(input.headers ?? {}).map(([name, value]) => [name, String(value)])
  if (input.content_type != null) headers.push(['Content-Type', input.content_type])
  return { input, body, file, parts, headers, method: draft.method }
}

/** Files are variables there. */
function delugeParts(parts: readonly FormPart[]): string[] {
  const texts = parts.flatMap(({ name, text }) => (text === undefined ? [] : [[name, text] as const]))
  const files = parts.filter(one => one.file).map((_, index, all) => (all.length === 1 ? 'file' : `file_${index + 1}`))
  return [
    ...(texts.length === 0 ? [] : [`parameters : ${delugeMap(Object.fromEntries(texts))}`]),
    `files : ${files.length === 1 ? (files[0] ?? '') : `{${files.join(', ')}}`}`,
  ]
}

function invokeUrl(linkName: string, draft: Draft): string {
  const { input, file, parts } = plain(draft)
  const headers = Object.keys(input.headers ?? {}).length > 0 ? [`headers : ${delugeMap(input.headers ?? {})}`] : []
  const parameters =
    typeof input.parameters === 'object' && input.parameters !== null
      ? [`parameters : ${delugeMap(input.parameters)}`]
      : parts !== null
        ? delugeParts(parts)
        : file !== null
          ? ['body : file_content']
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
  const { body, file, parts, headers, method, input } = plain(draft)
  const blob = (one: File) => `await openAsBlob(${scriptQuoted(one.name)}${one.type === '' ? '' : `, { type: ${scriptQuoted(one.type)} }`})`
  const form = (parts ?? []).map(({ name, text, file: one }) =>
    one
      ? `form.append(${scriptQuoted(name)}, ${blob(one)}, ${scriptQuoted(one.name)})`
      : `form.append(${scriptQuoted(name)}, ${scriptQuoted(text ?? '')})`,
  )
  const init = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length === 0
      ? []
      : ['  headers: {', ...headers.map(([name, value]) => `    ${scriptQuoted(name)}: ${scriptQuoted(value)},`), '  },']),
    ...(body === null ? [] : [`  body: ${scriptQuoted(body)},`]),
    ...(file === null ? [] : [`  body: ${blob(file)},`]),
    ...(parts === null ? [] : ['  body: form,']),
  ]
  return [
    ...(file === null && parts === null ? [] : ["import { openAsBlob } from 'node:fs'"]),
    "import { Patchbay } from '@patchbay/sdk'",
    '',
    ...(parts === null ? [] : ['const form = new FormData()', ...form]),
    `const patchbay = new Patchbay({ url: '${origin}', apiKey: process.env.PATCHBAY_API_KEY })`,
    `const response = await patchbay.connection('${linkName}').fetch(${scriptQuoted(input.url)}${init.length === 0 ? ')' : ', {'}`,
    ...(init.length === 0 ? [] : [...init, '})']),
  ].join('\n')
}

function proxy(origin: string, linkName: string, draft: Draft): string {
  const { body, file, parts, headers, method, input } = plain(draft)
  const [, scheme = 'https', rest = ''] = /^(https?):\/\/(.*)$/i.exec(input.url) ?? []
  const line = [
    `curl${method === 'GET' ? '' : method === 'HEAD' ? ' --head' : ` -X ${method}`} ${shellQuoted(`${origin}/proxy/${linkName}/${scheme.toLowerCase()}/${rest}`)}`,
    '-H "Authorization: Bearer $PATCHBAY_API_KEY"',
    ...headers.map(([name, value]) => `-H ${shellQuoted(`${name}: ${value}`)}`),
    ...(body === null ? [] : [`--data-raw ${shellQuoted(body)}`]),
    ...(file === null ? [] : [`--data-binary ${shellQuoted(`@${file.name}`)}`]),
    ...(parts ?? []).map(({ name, text, file: one }) =>
      one
        ? `-F ${shellQuoted(`${name}=@"${one.name.replace(/[\\"]/g, '\\$&')}"${one.type === '' ? '' : `;type=${one.type}`}`)}`
        : `--form-string ${shellQuoted(`${name}=${text ?? ''}`)}`,
    ),
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
