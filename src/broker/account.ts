import { valueAt } from '../auth/oauth2-answer.ts'
import { fillUrl } from '../auth/oauth2-url.ts'
import { schemeOf } from '../auth/index.ts'
import type { TraceStep } from '../auth/scheme.ts'
import { hostAllowed, fillHostRule } from '../core/api-hosts.ts'
import { Problem } from '../core/problem.ts'
import type { IncomingResponse, OutgoingRequest } from '../core/request.ts'
import { fill } from '../core/template.ts'
import type { Broker } from './broker.ts'
import { echoOf, redacted } from './echo.ts'
import { openClient, type RegisteredService } from './scheme-context.ts'
import type { Opened } from './usable.ts'

export interface Account {
  readonly id: string | null
  readonly label: string | null
}

const deadlineMs = 10_000
const answerBytes = 1024 * 1024

/** The first of several paths that holds something, as text. */
export function textAt(document: unknown, paths: string | readonly string[] | undefined): string | null {
  for (const path of paths === undefined ? [] : [paths].flat()) {
    const value = valueAt(document, path)
    if (typeof value === 'string' && value !== '') return value.slice(0, 2000)
    if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  }
  return null
}

/**
 * One GET with the credential to a URL of the service definition, through the same gate as every call: an allowed host or nothing.
 */
export async function callAs(
  broker: Broker,
  from: RegisteredService,
  opened: Opened,
  template: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingResponse> {
  const { service } = from
  const url = new URL(fillUrl(template, opened.variables))
  const hosts = service.api_hosts.map(rule => fillHostRule(rule, opened.variables))
  if (!hostAllowed(url, hosts)) throw new Problem('destination_not_allowed', { service: service.link_name, host: url.host })
  const values = { ...opened.variables, ...textsOf(opened.credential) }
  const own = Object.entries(headers).flatMap(([name, value]) => [name, fill(value, values)])
  const request: OutgoingRequest = { method: 'GET', url, headers: ['accept', 'application/json', ...own], body: null }
  // a definition that writes its own authorisation header for this call means that one, and no other
  if (own.length > 0) return broker.egress.send(request, { deadlineMs, maxResponseBytes: answerBytes, maxDecodedBytes: answerBytes })
  const placing = {
    service,
    client: service.auth_type === 'oauth1' ? await openClient(broker, from) : null,
    variables: opened.variables,
    clockOffsetSeconds: from.clockOffsetSeconds,
    now: () => broker.now(),
    random: (bytes: number) => broker.random(bytes),
  }
  const authorised = schemeOf(service).authorise(placing, opened.credential, request)
  return broker.egress.send(authorised, { deadlineMs, maxResponseBytes: answerBytes, maxDecodedBytes: answerBytes })
}

const textsOf = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))

/**
 * After connecting: whose account is it, which host is theirs. A failure is noted and does not undo the connection, except that values
 * somebody typed (`mustWork`) are not stored when the service's own test call refuses them.
 * @throws Problem credentials_refused
 */
export async function askAccount(
  broker: Broker,
  from: RegisteredService,
  opened: Opened,
  steps: TraceStep[],
  options: { mustWork: boolean },
): Promise<{ account: Account | null; captured: Readonly<Record<string, string>> }> {
  const { after_connect, test_url } = from.service.advanced
  const url = after_connect?.url ?? (options.mustWork ? test_url : undefined)
  if (url === undefined) return { account: null, captured: {} }
  let answer: IncomingResponse
  try {
    answer = echoOf(from, opened).answer(await callAs(broker, from, opened, url, after_connect?.headers))
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    steps.push({ step: 'account', detail: error.code })
    return { account: null, captured: {} }
  }
  steps.push({ step: 'account', method: 'GET', url, status: answer.status })
  if (options.mustWork && (answer.status === 401 || answer.status === 403))
    throw new Problem('credentials_refused', { service: from.service.link_name, provider_status: answer.status })
  if (answer.status >= 300 || !after_connect) return { account: null, captured: {} }
  let document: unknown
  try {
    document = JSON.parse(answer.body.toString())
  } catch {
    steps.push({ step: 'account', detail: 'the answer is not JSON' })
    return { account: null, captured: {} }
  }
  // Accounts and variables are shown to people, so what the service repeats of the credential cannot become one.
  const shown = (paths: string | readonly string[] | undefined) => {
    const text = textAt(document, paths)
    return text?.includes(redacted) ? null : text
  }
  const captured = Object.fromEntries(
    Object.entries(after_connect.capture ?? {}).flatMap(([name, paths]) => {
      const value = shown(paths)
      return value === null ? [] : [[name, value]]
    }),
  )
  return {
    account: {
      id: shown(after_connect.id_path)?.slice(0, 200) ?? null,
      label: shown(after_connect.label_path)?.slice(0, 200) ?? null,
    },
    captured,
  }
}
