import { PatchbayProblem, problemOf } from './problem.ts'

/** Where Patchbay is and who calls. */
export interface Access {
  /** Origin (and path, behind a proxy) without a final slash; empty in a page of Patchbay itself. */
  readonly url: string
  /** Null: the browser's own session. */
  readonly apiKey: string | null
  /** For whom an `act_as` key calls. */
  readonly subject: string | null
  /** Told of every answer, before it is read. */
  readonly onAnswer: ((response: Response) => void) | null
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>

export interface Call {
  readonly query?: Query | undefined
  /** Sent as JSON. */
  readonly body?: unknown
  /** Members of the body that are JSON text already: numbers in them may be longer than JavaScript's. */
  readonly written?: Readonly<Record<string, string>> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
  /** Told of a JSON answer as the text that was received: numbers in it may be longer than JavaScript's. */
  readonly onText?: ((text: string) => void) | undefined
  /** Until the answer is whole. Null for answers that stream. */
  readonly timeoutMs?: number | null
}

/** Longer than the longest invoke (60 s), so that Patchbay's own time-out arrives first. */
const defaultTimeoutMs = 75_000

/** A value in a path. @throws TypeError for what a URL would resolve away: `/services/..` is another route. */
export function segment(value: string): string {
  if (value === '' || value === '.' || value === '..') throw new TypeError(`"${value}" is no link name or id.`)
  return encodeURIComponent(value)
}

/** The headers that say who calls. */
export const identity = ({ apiKey, subject }: Access): Record<string, string> => ({
  ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }),
  ...(subject !== null && { 'patchbay-subject': subject }),
})

function withQuery(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}

function bodyText(body: unknown, written: Readonly<Record<string, string>> = {}): string {
  const members = Object.entries(written).map(([name, text]) => `${JSON.stringify(name)}:${text}`)
  if (members.length === 0 || typeof body !== 'object' || body === null) return JSON.stringify(body)
  const rest = JSON.stringify(Object.fromEntries(Object.entries(body).filter(([name]) => !(name in written)))).slice(1, -1)
  return `{${[...(rest === '' ? [] : [rest]), ...members].join(',')}}`
}

/**
 * One call of the HTTP API.
 * @throws PatchbayProblem for every answer but a 2xx · TypeError when Patchbay cannot be reached, as `fetch` does
 */
export async function send(access: Access, method: string, path: string, call: Call = {}): Promise<Response> {
  const { body, headers, timeoutMs = defaultTimeoutMs } = call
  const signals = [call.signal, timeoutMs === null ? undefined : AbortSignal.timeout(timeoutMs)].filter(one => one !== undefined)
  const response = await fetch(access.url + withQuery(path, call.query), {
    method,
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
      ...identity(access),
    },
    ...(body !== undefined && { body: bodyText(body, call.written) }),
    credentials: access.apiKey === null ? 'same-origin' : 'omit',
    redirect: 'manual', // followed, the key would be dropped or shown to another host
    ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
  })
  access.onAnswer?.(response)
  if (response.ok) return response
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) throw await movedAway(response)
  throw await problemOf(response)
}

async function movedAway(response: Response): Promise<PatchbayProblem> {
  await response.body?.cancel()
  const location = response.headers.get('location')
  const there = location !== null && URL.canParse(location) ? ` It points to ${new URL(location).origin}: use that as the URL.` : ''
  return new PatchbayProblem({
    code: 'unexpected_answer',
    status: response.status,
    detail: `Patchbay’s address answers with a redirect.${there}`,
  })
}

/** The same, with a JSON answer; `undefined` for an empty one (204). */
export async function json<T>(access: Access, method: string, path: string, call: Call = {}): Promise<T> {
  const response = await send(access, method, path, call)
  const text = await response.text()
  if (text === '') return undefined as T
  try {
    const answer = JSON.parse(text) as T
    call.onText?.(text)
    return answer
  } catch {
    throw new PatchbayProblem({ code: 'unexpected_answer', status: response.status, detail: 'The answer is not JSON. Check the URL.' })
  }
}
