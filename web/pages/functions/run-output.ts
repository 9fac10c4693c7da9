import type { AnsweredFile } from '../../../sdk/index.ts'
import { memberTexts, prettyJson } from '../connection/raw-json.ts'

/** What a function gave back, as it is shown. */
export type Output =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'file'; readonly file: AnsweredFile }

const isFile = (value: unknown): value is AnsweredFile =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).sort().join() === 'content_base64,content_type,filename,size' &&
  'content_base64' in value &&
  typeof value.content_base64 === 'string'

/** From JSON text, every digit kept. A text that is itself a JSON document is laid out too. */
export function outputOf(text: string): Output {
  if (text === '' || text === 'null') return { kind: 'nothing' }
  const value: unknown = JSON.parse(text)
  if (isFile(value)) return { kind: 'file', file: value }
  if (typeof value !== 'string') return { kind: 'json', text: prettyJson(text) ?? text }
  const inside = /^\s*[{[]/.test(value) ? prettyJson(value) : null
  return inside === null ? { kind: 'text', text: value } : { kind: 'json', text: inside }
}

/** Of the whole answer of a run, as it was received. */
export const outputIn = (answer: string): Output =>
  answer === '' ? { kind: 'nothing' } : outputOf(memberTexts(answer).get('output') ?? 'null')
