import { invalid, Problem } from '../core/problem.ts'
import { encodeBody } from '../core/request.ts'
import type { IncomingResponse, OutgoingRequest, Pair } from '../core/request.ts'
import type { OAuth1Service } from '../core/service.ts'
import { fill, placeholdersOf } from '../core/template.ts'
import { judgeTokenAnswer, nonceUsed, timestampRefused } from './oauth1-answer.ts'
import type { Phase, TokenAnswer } from './oauth1-answer.ts'
import { signed } from './oauth1-signature.ts'
import type { SigningKeys } from './oauth1-signature.ts'
import { placeValue } from './place.ts'
import { Refusal } from './scheme.ts'
import type { Context, Placing } from './scheme.ts'

export type OAuth1Context = Context<OAuth1Service>

/** Shown in a trace; every other parameter could be replayed, or is a key. */
const shown = new Set(['oauth_consumer_key', 'oauth_signature_method', 'oauth_timestamp', 'oauth_nonce', 'oauth_version', 'oauth_callback'])

/** The state in our callback URL is a key for ten minutes. */
const masked = (name: string, value: string): string => (shown.has(name) ? value.replace(/([?&]state=).*$/s, '$1…') : '…')

export function keysOf(
  { service, client }: Pick<Placing<OAuth1Service>, 'service' | 'client'>,
  token: string | null,
  tokenSecret: string,
): SigningKeys {
  const clientSecret = client?.secret
  if (!client || !clientSecret) throw new Problem('service_not_configured', { service: service.link_name })
  return {
    method: service.advanced.signature_method ?? 'HMAC-SHA1',
    clientId: client.id,
    clientSecret: clientSecret.expose(),
    token,
    tokenSecret,
  }
}

export const placeOf = (service: OAuth1Service) => ({ in: service.param_type, realm: service.advanced.realm })

/** What it means that no whole answer came: asking for temporary credentials again does no harm, everything else may be used up. */
function unanswered(problem: Problem, phase: Phase): Refusal | Problem {
  if (problem.code === 'response_too_large') return new Refusal('malformed', { error: problem.code, cause: problem })
  if (!problem.code.startsWith('upstream_')) return problem
  return new Refusal(problem.facts.sent === true && phase !== 'request_token' ? 'ambiguous' : 'down', {
    error: problem.code,
    description: problem.message,
    cause: problem,
  })
}

export interface Exchange extends TokenAnswer {
  readonly clockOffsetSeconds: number
  readonly clockLearned: boolean
}

/** @throws Problem validation_failed when a variable that stands in the URL is missing */
function tokenUrl(template: string, variables: Readonly<Record<string, string>>): URL {
  const text = fill(template, variables)
  const [missing] = placeholdersOf(text)
  if (missing !== undefined) throw invalid(`variables.${missing}`, 'This variable stands in a token URL of the service and has no value.')
  if (!URL.canParse(text)) throw invalid('variables', 'With these variables a token URL of the service is not a URL.')
  return new URL(text)
}

/**
 * One token request, repeated at most once for a refused timestamp (with what that taught about the service's clock) and once
 * for a used nonce: neither means that anything was done. Never repeated otherwise: verifier and session handle are for one use.
 */
export async function exchange(
  context: OAuth1Context,
  phase: Phase,
  url: string,
  keys: SigningKeys,
  extra: readonly Pair[],
  clock: number,
): Promise<Exchange> {
  const { service, variables } = context
  let clockOffsetSeconds = clock
  let clockLearned = false
  let nonceRenewed = false
  const plain = Object.entries(service.advanced.token_headers ?? {}).reduce<OutgoingRequest>(
    (request, [name, value]) =>
      placeValue(request, { in: 'header', name, value: fill(value, variables), path: `advanced.token_headers.${name}` }),
    { method: 'POST', url: tokenUrl(url, variables), headers: ['Accept', 'application/x-www-form-urlencoded, */*;q=0.5'], body: null },
  )
  for (;;) {
    const stamp = { timestamp: Math.floor(context.now() / 1000) + clockOffsetSeconds, nonce: context.random(16).toString('hex') }
    const { request, parameters } = signed(plain, keys, stamp, placeOf(service), extra)
    const secrets = [keys.clientSecret, keys.tokenSecret, ...parameters.filter(([name]) => !shown.has(name)).map(([, value]) => value)]
    const sent = {
      step: phase,
      method: plain.method,
      url: plain.url.href,
      parameters: Object.fromEntries(parameters.map(([name, value]) => [name, masked(name, value)])),
    }
    let response: IncomingResponse
    try {
      response = await context.send(encodeBody(request))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      context.trace({ ...sent, error: error.code, error_description: error.message })
      throw unanswered(error, phase)
    }

    const learned = clockLearned ? null : timestampRefused(response.status, response.headers, response.body, context.now())
    if (learned !== null) {
      clockOffsetSeconds = learned
      clockLearned = true
      context.trace({
        ...sent,
        status: response.status,
        error: 'timestamp_refused',
        detail: `The clock of the service is ${learned} seconds ahead of ours; asked again with its time.`,
      })
      continue
    }
    if (!nonceRenewed && nonceUsed(response)) {
      nonceRenewed = true
      context.trace({ ...sent, status: response.status, error: 'nonce_used', detail: 'Asked again with a new nonce.' })
      continue
    }

    try {
      const answer = judgeTokenAnswer(response, phase, context.now(), secrets)
      context.trace({ ...sent, status: response.status, detail: `Came back: ${[...answer.all.keys()].join(', ').slice(0, 280)}` })
      return { ...answer, clockOffsetSeconds, clockLearned }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      context.trace({
        ...sent,
        status: response.status,
        ...(error.error !== null && { error: error.error }),
        ...(error.description !== null && { error_description: error.description }),
      })
      throw error
    }
  }
}
