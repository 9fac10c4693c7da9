import { headerOf } from '../core/request.ts'
import type { IncomingResponse } from '../core/request.ts'

/** A token response is read up to here. */
export const maxAnswerBytes = 1024 * 1024

/** The fields of an answer. Looked up by own property only, so `__proto__` is a name like any other. */
export type Fields = Readonly<Record<string, unknown>>

export type Answer =
  | { readonly kind: 'fields'; readonly fields: Fields }
  /** Not a token response; `detail` is a sentence that says what it is, without a word of it. */
  | { readonly kind: 'unreadable'; readonly detail: string }

const unreadable = (detail: string): Answer => ({ kind: 'unreadable', detail })

/** The sentence for an HTML page; diagnose.ts recognises it. */
export const htmlInsteadOfJson = 'The answer is an HTML page instead of JSON.'

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

function readForm(text: string): Answer {
  const pairs = [...new URLSearchParams(text)]
  if (new Set(pairs.map(([name]) => name)).size !== pairs.length) return unreadable('The answer names a field twice.')
  return { kind: 'fields', fields: Object.assign(Object.create(null) as Record<string, unknown>, Object.fromEntries(pairs)) }
}

/**
 * Reads the body of a token endpoint whatever its content type says: services send JSON as text/html, and forms as text/plain.
 * Never throws; nothing of the body is in `detail`, because it may hold a token.
 */
export function readAnswer(response: Pick<IncomingResponse, 'body'>): Answer {
  if (response.body.length > maxAnswerBytes) return unreadable('The answer is larger than 1 MiB.')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(response.body).trim() // takes a byte order mark away
  } catch {
    return unreadable('The answer is not UTF-8.')
  }
  if (text === '') return unreadable('The answer is empty.')
  if (text.startsWith('<')) return unreadable(/^<\?xml(?![\s\S]{0,500}<html)/i.test(text) ? 'The answer is XML.' : htmlInsteadOfJson)
  // A form answer has no blank, quote or bracket in it: all of them are encoded.
  if (/^[^\s<>{}"=&]+=[^\s<>{}"]*$/.test(text)) return readForm(text)
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? { kind: 'fields', fields: value } : unreadable('The answer is JSON, but not an object.')
  } catch {
    return unreadable(/^[{["]/.test(text) ? 'The answer is not complete JSON.' : 'The answer is neither JSON nor a form.')
  }
}

/**
 * The value at a dotted path, `authed_user.access_token`; a number steps into a list. A field that has the whole text as its name
 * comes first. Undefined when there is none.
 */
export function valueAt(fields: unknown, path: string): unknown {
  if (isFields(fields) && Object.hasOwn(fields, path)) return fields[path]
  let value: unknown = fields
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}

/** The first path that leads to something other than null. */
export function firstAt(fields: Fields, paths: string | readonly string[] | undefined, standard: string): unknown {
  for (const path of typeof paths === 'string' ? [paths] : (paths ?? [standard])) {
    const value = valueAt(fields, path)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}

export interface Condition {
  readonly path: string
  readonly equals: string | number | boolean | null
}

/** True when one of the conditions holds. A number written as text counts as that number: form answers have nothing else. */
export const anyHolds = (conditions: readonly Condition[] | undefined, fields: Fields): boolean =>
  (conditions ?? []).some(({ path, equals }) => {
    const value = valueAt(fields, path)
    return value === equals || (typeof value === 'string' && equals !== null && typeof equals !== 'string' && value === String(equals))
  })

/** Longest wait that a service may ask for (X25: `Retry-After: 99999999`). */
const maxRetryAfterSeconds = 900

/** RFC 9110 §10.2.3: seconds or a date. Null when absent or nonsense. */
export function retryAfterSeconds(headers: readonly string[], name: string, now: number): number | null {
  const value = headerOf(headers, name)?.trim() ?? ''
  if (/^\d{1,15}$/.test(value)) return Math.min(Number(value), maxRetryAfterSeconds)
  const date = /^[A-Za-z]{3,9},? /.test(value) ? Date.parse(value) : NaN
  return Number.isNaN(date) ? null : Math.min(Math.max(0, Math.ceil((date - now) / 1000)), maxRetryAfterSeconds)
}
