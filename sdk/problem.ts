/** One wrong field: a dotted path as in the request (`scopes.0`) and a sentence. */
export interface FieldError {
  readonly path: string
  readonly message: string
  /** In a script, from 1; ends are exclusive. */
  readonly line?: number
  readonly column?: number
  readonly end_line?: number
  readonly end_column?: number
  /** What to write instead. */
  readonly suggestion?: string | null
}

/** What a refusal is made of; everything after `errors` comes from the problem document. */
export interface ProblemParts {
  readonly code: string
  readonly status: number
  readonly detail: string
  readonly errors?: readonly FieldError[]
  readonly requestId?: string | null
  readonly retryAfterSeconds?: number | null
  readonly facts?: Readonly<Record<string, unknown>>
}

/**
 * Patchbay's own refusal (RFC 9457), never a service's answer: a service's 4xx or 5xx is an answer and is returned.
 *
 * `code` is one of the documented problem codes; besides those, `unexpected_answer` means that whatever answered was not Patchbay.
 * `facts` are the members of the document that belong to this code, such as `connect_url`.
 */
export class PatchbayProblem extends Error {
  readonly code: string
  /** The HTTP status; 422 for what this library refuses before it sends anything. */
  readonly status: number
  readonly detail: string
  readonly errors: readonly FieldError[]
  readonly requestId: string | null
  /** How long to wait before trying again, where Patchbay said so. */
  readonly retryAfterSeconds: number | null
  readonly facts: Readonly<Record<string, unknown>>

  constructor(parts: ProblemParts) {
    super(parts.detail)
    this.name = 'PatchbayProblem'
    this.code = parts.code
    this.status = parts.status
    this.detail = parts.detail
    this.errors = parts.errors ?? []
    this.requestId = parts.requestId ?? null
    this.retryAfterSeconds = parts.retryAfterSeconds ?? null
    this.facts = parts.facts ?? {}
  }
}

export const problemHeader = 'patchbay-problem'

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const fieldErrors = (value: unknown): FieldError[] =>
  (Array.isArray(value) ? value : []).flatMap((one: unknown) =>
    isMap(one) ? [{ ...placeOf(one), path: text(one.path) ?? '', message: text(one.message) ?? 'This is not right.' }] : [],
  )

/** Where in a script an error is, as far as the document says. */
function placeOf(one: Readonly<Record<string, unknown>>): Partial<FieldError> {
  const { line, column, end_line, end_column, suggestion } = one
  if (typeof line !== 'number' || typeof column !== 'number') return {}
  return {
    line,
    column,
    ...(typeof end_line === 'number' && { end_line }),
    ...(typeof end_column === 'number' && { end_column }),
    suggestion: text(suggestion),
  }
}

/** A refusal that came inside a stream, as the same document. */
export function problemFrom(document: unknown): PatchbayProblem {
  const { type: _type, title, status, detail, code, request_id, errors, ...facts } = isMap(document) ? document : {}
  return new PatchbayProblem({
    code: text(code) ?? 'unexpected_answer',
    status: typeof status === 'number' ? status : 500,
    detail: text(detail) ?? text(title) ?? 'Patchbay refused this call.',
    errors: fieldErrors(errors),
    requestId: text(request_id),
    facts,
  })
}

/** A refusal as it came over the wire. An answer to HEAD has no document: its header's code is all there is. Never rejects. */
export async function problemOf(response: Response): Promise<PatchbayProblem> {
  const document: unknown = await response.json().catch(() => null)
  const wait = Number(response.headers.get('retry-after') ?? '')
  const retryAfterSeconds = Number.isFinite(wait) && wait > 0 ? wait : null
  const { status } = response
  const known = isMap(document) ? document : {}
  const { type: _type, title, status: _status, detail, code, request_id, errors, ...facts } = known
  const said = text(code) ?? response.headers.get(problemHeader)
  if (said === null)
    return new PatchbayProblem({ code: 'unexpected_answer', status, detail: `The answer (${status}) is not Patchbay’s. Check the URL.` })
  return new PatchbayProblem({
    code: said,
    status,
    detail: text(detail) ?? text(title) ?? `Patchbay refused this call: ${said}.`,
    errors: fieldErrors(errors),
    requestId: text(request_id),
    retryAfterSeconds,
    facts,
  })
}
