import { PatchbayProblem } from '../../sdk/index.ts'
import { clean } from './terminal.ts'

/** What went wrong, as the sentence that the person at the terminal reads. `code` is the word before it. */
export class Failure extends Error {
  readonly code: string

  constructor(code: string, sentence: string, cause?: unknown) {
    super(sentence, { cause })
    this.name = 'Failure'
    this.code = code
  }
}

/** Facts of a problem that say what to do or why; the others repeat what was typed. */
const telling = ['connect_url', 'confirm_url', 'diagnosis', 'provider'] as const

const hasCode = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && typeof Reflect.get(error, 'code') === 'string'

/** `code: sentence`, then whatever helps, a line each. Nothing of an unexpected error but its message. */
export function described(error: unknown): string {
  if (error instanceof PatchbayProblem) {
    const fields = error.errors.map(({ path, message }) => `  ${path === '' ? '' : `${path}: `}${message}`)
    const facts = telling.flatMap(name => {
      const value = error.facts[name]
      return typeof value === 'string' && value !== '' ? [`  ${name}: ${value}`] : []
    })
    const wait = error.retryAfterSeconds === null ? [] : [`  try again in ${error.retryAfterSeconds} s`]
    return [`${error.code}: ${error.detail}`, ...fields, ...facts, ...wait].map(clean).join('\n')
  }
  if (error instanceof Failure) return `${error.code}: ${clean(error.message)}`
  if (error instanceof Error && error.name === 'TimeoutError') return 'unreachable: Patchbay did not answer in time.'
  // what fetch rejects with; the reason is in its cause
  if (error instanceof TypeError && error.cause instanceof Error)
    return `unreachable: Patchbay does not answer there (${clean(hasCode(error.cause) ? error.cause.code : error.cause.message)}). Check --url.`
  if (hasCode(error)) return `${error.code}: ${clean(error.message)}`
  return `error: ${clean(error instanceof Error ? error.message : String(error))}`
}
