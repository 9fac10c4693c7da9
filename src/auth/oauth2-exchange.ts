import { Problem } from '../core/problem.ts'
import { pairsOf } from '../core/request.ts'
import type { IncomingResponse, Pair } from '../core/request.ts'
import type { Phase } from '../core/knobs.ts'
import type { OAuth2Service } from '../core/service.ts'
import { readAnswer } from './oauth2-answer.ts'
import { judgeTokenResponse, outsideText, shownLength } from './oauth2-response.ts'
import type { TokenAnswer } from './oauth2-response.ts'
import type { TokenRequest } from './oauth2-token.ts'
import { Refusal } from './scheme.ts'
import type { Context } from './scheme.ts'

type OAuth2Context = Context<OAuth2Service>

/** Names whose values are shown in a recorded authorisation. Anything else that looks like a secret by its name is masked. */
const shown =
  /^(grant_type|token_type_hint|response_type|code_challenge_method|client_id|redirect_uri|error|error_description|error_uri|iss|location|accounts-server)$/i
const secretive = /secret|token|password|passwd|code|verifier|challenge|assertion|signature|state|session|key|sid$/i

const masked = '…'

/** Takes secrets out of a text from outside, in the spellings in which services echo what they received. */
export const scrub = (text: string, secrets: readonly string[]): string =>
  [...secrets]
    .filter(secret => secret.length >= 4)
    .flatMap(secret => [secret, encodeURIComponent(secret), new URLSearchParams([['', secret]]).toString().slice(1)])
    .sort((a, b) => b.length - a.length)
    .reduce((scrubbed, secret) => scrubbed.replaceAll(secret, masked), text)

/** Words from outside as people see them: secrets out first, then cut, so that no half of one stays at the end. */
export const shownWords = (text: string | null, secrets: readonly string[]): string | null =>
  text === null ? null : [...scrub(text, secrets)].slice(0, shownLength).join('')

/** Parameters as the trace shows them. */
export const maskedParameters = (parameters: readonly Pair[], secrets: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    parameters.slice(0, 100).map(([name, value]) => [
      name.slice(0, 100),
      // a value that lost its name may be any
      name === '' || (secretive.test(name) && !shown.test(name)) ? masked : scrub(value, secrets).slice(0, 2000),
    ]),
  )

/** A URL as the trace shows it, its query masked like parameters. */
export function maskedUrl(url: string, secrets: readonly string[]): string {
  const [path = '', ...rest] = url.split('?')
  if (rest.length === 0) return path
  const parameters = maskedParameters(pairsOf('&' + rest.join('?')), secrets)
  return `${scrub(path, secrets)}?${Object.entries(parameters)
    .map(([name, value]) => `${encodeURIComponent(name)}=${value === masked ? masked : encodeURIComponent(value)}`)
    .join('&')}`
}

/** Values of variables that the definition calls secret. */
export const secretVariables = (context: Pick<OAuth2Context, 'service' | 'variables'>): string[] =>
  Object.entries(context.variables).flatMap(([name, value]) => (context.service.advanced.variables?.[name]?.secret ? [value] : []))

/**
 * A call that could not be made or whose answer never came, in the words of a refusal. Other problems (a destination that is not
 * allowed) stay what they are. What may have been carried out is `ambiguous` where repeating it could spend a single-use grant.
 */
function refusalOfProblem(problem: Problem, phase: Phase): Refusal | null {
  const description = typeof problem.facts.reason === 'string' ? problem.facts.reason.slice(0, 300) : null
  switch (problem.code) {
    case 'upstream_unreachable':
    case 'upstream_timeout': {
      const singleUse = phase === 'code' || phase === 'refresh'
      return new Refusal(problem.facts.sent !== false && singleUse ? 'ambiguous' : 'down', {
        error: problem.code,
        description,
        cause: problem,
      })
    }
    case 'upstream_saturated':
      return new Refusal('down', {
        error: problem.code,
        retryAfterSeconds: typeof problem.facts.retry_after === 'number' ? problem.facts.retry_after : null,
        cause: problem,
      })
    case 'response_too_large':
      return new Refusal('malformed', { error: 'too_large', description: 'The answer is larger than 1 MiB.', cause: problem })
    default:
      return null
  }
}

const withoutSecrets = (refusal: Refusal, secrets: readonly string[]): Refusal =>
  new Refusal(refusal.kind, {
    status: refusal.status,
    error: shownWords(refusal.error, secrets),
    description: shownWords(refusal.description, secrets),
    retryAfterSeconds: refusal.retryAfterSeconds,
    cause: refusal.cause,
  })

/** Notes a refusal in the trace. @returns the refusal with secrets taken out of the service's words, to be thrown. */
export function traceRefusal(context: OAuth2Context, step: string, refusal: Refusal, secrets: readonly string[]): Refusal {
  const clean = withoutSecrets(refusal, secrets)
  context.trace({
    step,
    ...(clean.status !== null && { status: clean.status }),
    ...(clean.error !== null && { error: clean.error }),
    ...(clean.description !== null && { error_description: clean.description }),
    detail: `refused: ${clean.kind}`,
  })
  return clean
}

/**
 * Sends a request of the token or revocation endpoint once, and traces it.
 * @throws Refusal when there is no answer; Problem as the door throws it.
 */
export async function ask(context: OAuth2Context, token: TokenRequest, secrets: readonly string[]): Promise<IncomingResponse> {
  const { phase, request } = token
  context.trace({
    step: `${phase}_request`,
    method: request.method,
    url: maskedUrl(request.url.href, secrets),
    parameters: maskedParameters(token.parameters, secrets),
    detail: `client authentication: ${token.clientAuthentication}`,
  })
  try {
    return await context.send(request)
  } catch (error) {
    const refusal = error instanceof Problem ? refusalOfProblem(error, phase) : null
    if (refusal) throw traceRefusal(context, `${phase}_answer`, refusal, secrets)
    if (error instanceof Problem) context.trace({ step: `${phase}_answer`, error: error.code, detail: error.message.slice(0, 300) })
    throw error
  }
}

/** Names of the fields of an answer, so that a person sees where a path should have led. Never a value. */
function fieldNames(response: IncomingResponse): string | null {
  const answer = readAnswer(response)
  return answer.kind === 'fields' ? (outsideText(Object.keys(answer.fields).slice(0, 30).join(', ')) ?? 'none') : null
}

/**
 * One token request and its answer, judged.
 * @param secrets  Every secret in the request, so that an echo of one is not recorded.
 * @throws Refusal, Problem
 */
export async function exchange(context: OAuth2Context, token: TokenRequest, secrets: readonly string[]): Promise<TokenAnswer> {
  const all = [...secrets, context.client?.secret?.expose() ?? '', ...secretVariables(context)]
  const now = context.now()
  const response = await ask(context, token, all)
  const step = `${token.phase}_answer`
  try {
    const answer = judgeTokenResponse(context.service, response, now)
    const life = answer.expiresInSeconds === null ? 'no known end' : `${answer.expiresInSeconds} s`
    const detail = [
      `fields: ${fieldNames(response)}`,
      `lifetime: ${life}`,
      `refresh token: ${answer.refreshToken === null ? 'none' : 'yes'}`,
      ...answer.warnings,
    ]
    context.trace({ step, status: response.status, detail: detail.join('; ').slice(0, 1000) })
    return answer
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const names = error.kind === 'malformed' ? fieldNames(response) : null
    if (names !== null) context.trace({ step: `${step}_fields`, detail: names })
    throw traceRefusal(context, step, error, all)
  }
}
