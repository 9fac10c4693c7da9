import { PatchbayProblem, type AnsweredFile } from '../../../sdk/index.ts'
import { memberTexts, prettyJson } from './raw-json.ts'

export type AnsweredBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly file: AnsweredFile }

export interface Answered {
  readonly status: number
  readonly durationMs: number
  /** Of the body, in bytes; what the service compressed counts as it was written. */
  readonly size: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: AnsweredBody
}

const isFile = (value: unknown): value is AnsweredFile =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).sort().join() === 'content_base64,content_type,filename,size' &&
  'content_base64' in value &&
  typeof value.content_base64 === 'string'

function bodyOf(text: string): AnsweredBody {
  if (text === 'null' || text === '') return { kind: 'empty' }
  if (!/^[{["]/.test(text)) return { kind: 'json', text }
  const value: unknown = JSON.parse(text)
  if (typeof value === 'string') return { kind: 'text', text: value }
  return isFile(value) ? { kind: 'file', file: value } : { kind: 'json', text: prettyJson(text) ?? text }
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

const isAnswer = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'status_code' in value && Number.isInteger(value.status_code)
  } catch {
    return false
  }
}

/** What `invokeText` answered, taken apart. A JSON body keeps every digit. @throws PatchbayProblem unexpected_answer */
export function answered(text: string): Answered {
  if (!isAnswer(text))
    throw new PatchbayProblem({
      code: 'unexpected_answer',
      status: 200,
      detail:
        text.trim() === ''
          ? 'An empty answer came back, which is not what Patchbay answers to a call. Something between this browser and Patchbay may have cut it off.'
          : `What came back is not what Patchbay answers to a call. Something between this browser and Patchbay may have written it. It begins: ${text.trim().slice(0, 200)}`,
    })
  const members = memberTexts(text)
  const raw = members.get('body') ?? 'null'
  const body = bodyOf(raw)
  return {
    status: Number(members.get('status_code')),
    durationMs: Number(members.get('duration_ms')),
    headers: Object.entries(JSON.parse(members.get('headers') ?? '{}') as Record<string, string>),
    body,
    size: body.kind === 'file' ? body.file.size : body.kind === 'empty' ? 0 : bytesOf(body.kind === 'text' ? body.text : raw),
  }
}

const units = ['B', 'kB', 'MB'] as const

/** "812 B", "1.2 kB", "3.4 MB". */
export function sizeWords(bytes: number): string {
  const step = bytes < 1000 ? 0 : bytes < 1_000_000 ? 1 : 2
  return `${step === 0 ? bytes : (bytes / 1000 ** step).toFixed(1)} ${units[step]}`
}
